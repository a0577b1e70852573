//! What the router says about a call or an event, and the client that it came to.

use std::ops::Deref;

use wamp_proto::{
    id::SessionId,
    message::{self, InvocationDetails},
    uri::uris,
};

use super::{Delivery, Extract, Extraction, Occasion, Special};
use crate::{Client, ErrorReply, Invocation};

/// What the router says about a call: the procedure on pattern registrations, the caller when disclosed, the time limit, how
/// far the call is trusted, ...
#[derive(Clone, Debug)]
pub struct Details(pub InvocationDetails);

impl Deref for Details {
    type Target = InvocationDetails;

    fn deref(&self) -> &InvocationDetails {
        &self.0
    }
}

/// What the router says about an event: the topic on pattern subscriptions, the publisher when disclosed, whether it was
/// retained, ...
#[derive(Clone, Debug)]
pub struct EventDetails(pub message::EventDetails);

impl Deref for EventDetails {
    type Target = message::EventDetails;

    fn deref(&self) -> &message::EventDetails {
        &self.0
    }
}

/// Who calls, or published an event (P-58), as the router says.
///
/// A handler that takes a `Caller` refuses calls that do not tell, with `wamp.error.not_authorized`; register it with
/// [`disclose_caller`](crate::Register::disclose_caller) to be told of all. One that takes an `Option<Caller>` is content
/// with less.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The session.
    pub session: SessionId,
    /// Its authid.
    pub authid: Option<String>,
    /// Its authrole.
    pub authrole: Option<String>,
}

impl Caller {
    fn of_call(details: &InvocationDetails) -> Option<Self> {
        let (authid, authrole) = (details.caller_authid.clone(), details.caller_authrole.clone());
        Some(Self { session: details.caller?, authid, authrole })
    }

    fn of_event(details: &message::EventDetails) -> Option<Self> {
        let (authid, authrole) = (details.publisher_authid.clone(), details.publisher_authrole.clone());
        Some(Self { session: details.publisher?, authid, authrole })
    }

    fn unknown() -> ErrorReply {
        ErrorReply::new(uris::error::NOT_AUTHORIZED).arg("who calls must be disclosed, by `disclose_me`")
    }
}

impl<S> Extract<Invocation, Special, S> for Details {
    fn extract(from: &mut Extraction<'_, Invocation>, _: &S) -> Result<Self, ErrorReply> {
        Ok(Self(from.occasion().details.clone()))
    }
}

impl<S> Extract<Delivery, Special, S> for EventDetails {
    fn extract(from: &mut Extraction<'_, Delivery>, _: &S) -> Result<Self, ErrorReply> {
        Ok(Self(from.occasion().event().details.clone()))
    }
}

impl<S> Extract<Invocation, Special, S> for Caller {
    fn extract(from: &mut Extraction<'_, Invocation>, _: &S) -> Result<Self, ErrorReply> {
        Self::of_call(&from.occasion().details).ok_or_else(Self::unknown)
    }
}

impl<S> Extract<Invocation, Special, S> for Option<Caller> {
    fn extract(from: &mut Extraction<'_, Invocation>, _: &S) -> Result<Self, ErrorReply> {
        Ok(Caller::of_call(&from.occasion().details))
    }
}

impl<S> Extract<Delivery, Special, S> for Caller {
    fn extract(from: &mut Extraction<'_, Delivery>, _: &S) -> Result<Self, ErrorReply> {
        Self::of_event(&from.occasion().event().details).ok_or_else(Self::unknown)
    }
}

impl<S> Extract<Delivery, Special, S> for Option<Caller> {
    fn extract(from: &mut Extraction<'_, Delivery>, _: &S) -> Result<Self, ErrorReply> {
        Ok(Caller::of_event(&from.occasion().event().details))
    }
}

/// The client that serves. A handler that has one keeps the session open until it is done; none has one before it runs, so
/// that a registered handler keeps nothing open.
impl<F: Occasion, S> Extract<F, Special, S> for Client {
    fn extract(from: &mut Extraction<'_, F>, _: &S) -> Result<Self, ErrorReply> {
        let client = from.occasion().client();
        client.ok_or_else(|| ErrorReply::new(uris::error::UNAVAILABLE).arg("the client has been closed"))
    }
}
