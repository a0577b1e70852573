//! The broker of one realm: who is subscribed to what, and the delivery of events (P-01..P-13, P-45..P-51).

mod filter;
mod publish;
mod retained;
mod stored;
mod subscriptions;

use super::{
    Context,
    index::Index,
    link::{Links, Peer},
};
use crate::{
    id::{RequestId, SequentialIds, SubscriptionId},
    map::{IdMap, Seeded},
    message::MessageKind,
    uri::Pattern,
};
use retained::Retained;

#[derive(Debug)]
pub(super) struct Broker {
    ids: SequentialIds,
    subscriptions: IdMap<SubscriptionId, Subscription>,
    index: Index<SubscriptionId>,
    retained: Retained,
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
        Self {
            ids: SequentialIds::default(),
            subscriptions: IdMap::default(),
            index: Index::new(hash),
            retained: Retained::default(),
        }
    }

    /// The number of subscriptions.
    pub(super) fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// The number of retained events.
    pub(super) fn retained(&self) -> usize {
        self.retained.len()
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
        self.links.refuse(self.now, self.from, kind, request, error, text);
    }
}
