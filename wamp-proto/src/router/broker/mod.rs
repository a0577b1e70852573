//! The broker of one realm: who is subscribed to what, and the delivery of events (P-01..P-13, P-45..P-51).

mod publish;
mod subscriptions;

use super::{
    Context,
    index::Index,
    link::{Class, Links, Peer, Sent},
};
use crate::{
    error::RemoteError,
    id::{RequestId, SequentialIds, SubscriptionId},
    map::{IdMap, Seeded},
    message::{self, ErrorDetails, MessageKind},
    payload::Payload,
    uri::{Pattern, Uri},
};

#[derive(Debug)]
pub(super) struct Broker {
    ids: SequentialIds,
    subscriptions: IdMap<SubscriptionId, Subscription>,
    index: Index<SubscriptionId>,
}

/// One subscription: all sessions that subscribed to the same pattern share it (I-14).
#[derive(Debug)]
struct Subscription {
    pattern: Pattern,
    /// In the order of their places, so that each is found by bisection.
    subscribers: Vec<Peer>,
}

impl Broker {
    pub(super) fn new(hash: Seeded) -> Self {
        Self { ids: SequentialIds::default(), subscriptions: IdMap::default(), index: Index::new(hash) }
    }

    /// The number of subscriptions.
    pub(super) fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// A session has left: its subscriptions end (S-64).
    pub(super) fn leave(&mut self, links: &mut Links, peer: Peer) {
        let held =
            links.get_mut(peer).map(|link| core::mem::take(&mut link.subscriptions)).unwrap_or_default();
        // The order does not reach any output.
        for subscription in held {
            self.detach(subscription, peer);
        }
    }
}

impl Context<'_> {
    /// Answers a request with ERROR.
    pub(super) fn refuse(&mut self, kind: MessageKind, request: RequestId, error: &'static str, text: &str) {
        let payload = self
            .links
            .get(self.from)
            .filter(|_| !text.is_empty())
            .and_then(|link| Payload::from_args(link.encoding, &[text]).ok())
            .unwrap_or_else(Payload::empty);
        self.fail(self.from, kind, request, RemoteError { error: Uri::unchecked(error), payload });
    }

    /// Sends ERROR to anybody.
    pub(super) fn fail(&mut self, to: Peer, kind: MessageKind, request: RequestId, error: RemoteError) {
        let details = ErrorDetails::default();
        let mut message = message::Error {
            request_kind: kind,
            request,
            details,
            error: error.error,
            payload: error.payload,
        };
        // Whoever asked must hear of it: what is too large for the peer is left out.
        if self.links.send(self.now, to, Class::Reply, message.clone()) == Sent::TooLarge {
            message.payload = Payload::empty();
            self.links.send(self.now, to, Class::Reply, message);
        }
    }
}
