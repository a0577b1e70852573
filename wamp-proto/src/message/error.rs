//! ERROR: the failure of one request (M-26).

use super::{Forwarder, MessageKind, PayloadAttributes, attributes::attributes, element::message};
use crate::{id::RequestId, uri::Uri};

message! {
    /// The request failed (M-26).
    pub struct Error {
        /// Which message failed: `REQUEST.Type` (M-45, M-46).
        request_kind: MessageKind,
        /// Which request of that kind.
        request: RequestId,
        /// About the error.
        details: ErrorDetails,
        /// The error itself.
        error: Uri,
    }
    payload: payload
}

attributes! {
    /// `ERROR.Details` (M-104, M-117).
    pub struct ErrorDetails {
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
    groups {
        /// What the payload is wrapped in.
        payload_attributes: PayloadAttributes,
    }
}
