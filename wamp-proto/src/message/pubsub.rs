//! Publish and subscribe (M-27..M-33).

use super::{
    Audience, Forwarder, PayloadAttributes, Wire,
    attributes::attributes,
    element::{Cursor, Element, message},
};
use crate::{
    codec::{EncodeError, Writer},
    dict::Dict,
    error::Violation,
    id::{PublicationId, RequestId, SessionId, SubscriptionId},
    uri::{Match, Uri},
};

message! {
    /// The publisher publishes an event (M-27).
    pub struct Publish {
        /// The request.
        request: RequestId,
        /// How to publish.
        options: PublishOptions,
        /// What the event is about.
        topic: Uri,
    }
    payload: payload
}

attributes! {
    /// `PUBLISH.Options` (M-73..M-82).
    pub struct PublishOptions {
        /// Ask for PUBLISHED or ERROR (P-07, P-08).
        acknowledge: bool,
        /// Keep the event from the publisher itself; `None` is true (P-21).
        exclude_me: Option<bool>,
        /// Ask to show who published (P-36).
        disclose_me: bool,
        /// Keep the event for later subscribers (P-65).
        retain: bool,
        /// Sharding key; ignored (P-100).
        rkey: Option<String>,
        /// Hash of a transaction (M-82); not acted upon.
        transaction_hash: Option<String>,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
    groups {
        /// Who may receive the event.
        audience: Audience,
        /// What the payload is wrapped in.
        payload_attributes: PayloadAttributes,
    }
}

message! {
    /// The broker accepted an acknowledged publication (M-28).
    pub struct Published {
        /// The request.
        request: RequestId,
        /// The publication.
        publication: PublicationId,
    }
}

message! {
    /// The subscriber asks for the events of a topic (M-29).
    pub struct Subscribe {
        /// The request.
        request: RequestId,
        /// How to subscribe.
        options: SubscribeOptions,
        /// The topic, or a pattern when `options.match_policy` says so.
        topic: Uri,
    }
}

attributes! {
    /// `SUBSCRIBE.Options` (M-83..M-86).
    pub struct SubscribeOptions {
        /// How the topic matches; `None` is exact.
        match_policy as "match": Option<Match>,
        /// Ask for the retained event (P-66).
        get_retained: bool,
        /// Sharding key; ignored (P-100).
        nkey: Option<String>,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
}

message! {
    /// The broker accepted the subscription (M-30).
    pub struct Subscribed {
        /// The request.
        request: RequestId,
        /// The subscription.
        subscription: SubscriptionId,
    }
}

/// The subscriber gives up a subscription (M-31).
#[derive(Clone, Debug, PartialEq)]
pub struct Unsubscribe {
    /// The request.
    pub request: RequestId,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// A fourth element that only test vectors have; never sent, checked to be a dict.
    pub options: Option<Dict>,
}

impl Wire for Unsubscribe {
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        let (request, subscription) = (Element::decode(cursor)?, Element::decode(cursor)?);
        let options = if cursor.has_more() { Some(Element::decode(cursor)?) } else { None };
        Ok(Self { request, subscription, options })
    }

    fn elements(&self) -> usize {
        if self.options.is_some() { 3 } else { 2 }
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        self.request.encode(writer)?;
        self.subscription.encode(writer)?;
        if let Some(options) = &self.options {
            options.encode(writer)?;
        }
        Ok(())
    }
}

/// The broker ended a subscription: asked to, or on its own (M-32).
#[derive(Clone, Debug, PartialEq)]
pub enum Unsubscribed {
    /// The answer to an UNSUBSCRIBE.
    Reply {
        /// The request.
        request: RequestId,
    },
    /// The broker revoked the subscription (P-60): request 0 and details.
    Revoked(SubscriptionRevocation),
}

attributes! {
    /// `UNSUBSCRIBED.Details` of a revocation (M-87).
    pub struct SubscriptionRevocation {
        /// The subscription that ended.
        subscription: Option<SubscriptionId>,
        /// Why.
        reason: Option<String>,
    }
}

impl Wire for Unsubscribed {
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        if !is_revocation(cursor)? {
            return Ok(Self::Reply { request: Element::decode(cursor)? });
        }
        let details = SubscriptionRevocation::decode(cursor)?;
        if details.subscription.is_none() {
            return Err(cursor.wrong(2, "a dict with `subscription`"));
        }
        Ok(Self::Revoked(details))
    }

    fn elements(&self) -> usize {
        match self {
            Self::Reply { .. } => 1,
            Self::Revoked(_) => 2,
        }
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        match self {
            Self::Reply { request } => request.encode(writer),
            Self::Revoked(details) => {
                writer.unsigned(0);
                details.encode(writer)
            }
        }
    }
}

/// Tells the two forms of UNSUBSCRIBED and UNREGISTERED apart: request 0 has details, any other has none (T-73). In the
/// revocation form, the cursor then stands behind the 0.
pub(super) fn is_revocation(cursor: &mut Cursor<'_>) -> Result<bool, Violation> {
    // A lone 0 is then refused as an id.
    if cursor.elements.len() == 2 {
        return Ok(false);
    }
    let index = cursor.advance();
    if cursor.elements.unsigned(index) == Ok(0) {
        Ok(true)
    } else {
        Err(cursor.wrong(index, "0 when details follow"))
    }
}

message! {
    /// The broker delivers an event (M-33).
    pub struct Event {
        /// The subscription that it matches.
        subscription: SubscriptionId,
        /// The publication.
        publication: PublicationId,
        /// About the event.
        details: EventDetails,
    }
    payload: payload
}

attributes! {
    /// `EVENT.Details` (M-88..M-94).
    pub struct EventDetails {
        /// The topic, on pattern subscriptions (P-49).
        topic: Option<Uri>,
        /// Who published, when disclosed (P-36).
        publisher: Option<SessionId>,
        /// The publisher's authid, when disclosed.
        publisher_authid: Option<String>,
        /// The publisher's authrole, when disclosed.
        publisher_authrole: Option<String>,
        /// How far the router trusts the publication; 0 is lowest (P-40).
        trustlevel: Option<u64>,
        /// The event was retained, not just published (P-66).
        retained: bool,
        /// The payload was too large and left out (W-77).
        payload_limit_exceeded: bool,
        /// The broker wants to know that the event arrived (M-94); not acted upon.
        x_acknowledged_delivery: bool,
        /// Hash of a transaction (M-94); not acted upon.
        transaction_hash: Option<String>,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
    groups {
        /// What the payload is wrapped in.
        payload_attributes: PayloadAttributes,
    }
}

#[cfg(feature = "router")]
impl EventDetails {
    /// Writes the dict alone.
    pub(crate) fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        Element::encode(self, writer)
    }
}
