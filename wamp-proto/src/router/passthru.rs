//! Payload passthru mode: what is wrapped for somebody else goes through with the attributes that explain it, and nothing
//! of it is looked at (E-01..E-14).

use super::{
    Context,
    link::{Links, Peer},
};
use crate::{
    error::Violation,
    message::{Feature, MessageKind, PayloadAttributes, Role},
    payload::Payload,
};

/// What a payload is wrapped in, when it is (E-02).
pub(super) type Wrapping = Option<Box<PayloadAttributes>>;

/// A payload with its wrapping.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) payload: Payload,
    pub(super) wrapping: Wrapping,
}

impl Part {
    /// A copy that holds on to no read buffer.
    pub(super) fn detach(&self) -> Self {
        Self { payload: self.payload.detach(), wrapping: self.wrapping.clone() }
    }
}

impl Context<'_> {
    /// E-03: who wraps payloads must have announced it. Returns what is to be forwarded.
    pub(super) fn check_passthru(
        &self,
        message: MessageKind,
        attributes: Wrapping,
    ) -> Result<Wrapping, Violation> {
        let Some(attributes) = attributes.filter(|attributes| attributes.is_active()) else {
            return Ok(None);
        };
        let role = match message {
            MessageKind::Publish => Role::Publisher,
            MessageKind::Call => Role::Caller,
            _ => Role::Callee,
        };
        if !takes_wrapped(self.links, self.from, role) {
            return Err(Violation::FeatureNotAnnounced { message, feature: Feature::PayloadPassthruMode });
        }
        let PayloadAttributes { ppt_scheme, ppt_serializer, ppt_cipher, ppt_keyid, .. } = *attributes;
        let forwarded = PayloadAttributes {
            ppt_scheme,
            ppt_serializer,
            ppt_cipher,
            ppt_keyid,
            ..PayloadAttributes::default()
        };
        Ok(Some(Box::new(forwarded)))
    }
}

/// Whether a peer has announced to know wrapped payloads in this role.
pub(super) fn takes_wrapped(links: &Links, peer: Peer, role: Role) -> bool {
    links.supports(peer, role, Feature::PayloadPassthruMode)
}
