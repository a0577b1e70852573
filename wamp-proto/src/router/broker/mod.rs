//! The broker of one realm: who is subscribed to what, and the delivery of events (P-01..P-13, P-45..P-51).

mod filter;
mod history;
mod publish;
mod retained;
mod revoke;
mod stored;
mod subscriptions;

pub(super) use history::{Kept, Query, Range};
pub(super) use publish::check as check_publish;

use super::{
    Context, HistoryRule,
    index::Index,
    link::{Identity, Peer},
    meta::{self, SubscriptionDetails},
};
use crate::{
    id::{RequestId, SequentialIds, SessionId, SubscriptionId},
    map::{IdMap, Seeded},
    message::MessageKind,
    time::Instant,
    uri::{Pattern, Uri},
};
use history::History;
use retained::Retained;

#[derive(Debug)]
pub(super) struct Broker {
    ids: SequentialIds,
    subscriptions: IdMap<SubscriptionId, Subscription>,
    index: Index<SubscriptionId>,
    retained: Retained,
    /// Subscriptions that stay without subscribers, for their history.
    lasting: Vec<SubscriptionId>,
}

/// One subscription: all sessions that subscribed to the same pattern share it (I-14).
#[derive(Debug)]
pub(super) struct Subscription {
    pattern: Pattern,
    /// When its first subscriber came.
    created: Instant,
    /// In the order of their places, so that each is found by bisection.
    subscribers: Vec<Peer>,
    history: Option<Box<History>>,
}

impl Broker {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            ids: SequentialIds::default(),
            subscriptions: IdMap::default(),
            index: Index::new(hash),
            retained: Retained::default(),
            lasting: Vec::new(),
        }
    }

    /// P-80, P-83: the history of a pattern is that of its subscription, which is there from the start.
    pub(super) fn keep_history(&mut self, meta: &mut meta::Pending, rule: &HistoryRule) {
        let known = self.index.get(&rule.topic);
        let subscription = known.unwrap_or_else(|| self.create(meta, Instant::ZERO, rule.topic.clone()));
        if let Some(entry) = self.subscriptions.get_mut(&subscription) {
            entry.history = Some(Box::new(History::new(rule)));
        }
        if known.is_none() {
            self.lasting.push(subscription);
        }
    }

    /// Whether the events of some topic are kept.
    pub(super) fn has_history(&self) -> bool {
        !self.lasting.is_empty()
    }

    /// The number of subscriptions that somebody has.
    pub(super) fn len(&self) -> usize {
        let idle = |id: &&SubscriptionId| self.get(**id).is_some_and(|entry| entry.subscribers.is_empty());
        self.subscriptions.len().saturating_sub(self.lasting.iter().filter(idle).count())
    }

    /// The number of retained events.
    pub(super) fn retained(&self) -> usize {
        self.retained.len()
    }

    pub(super) fn get(&self, id: SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.get(&id)
    }

    /// All subscriptions by their ids.
    pub(super) fn all(&self) -> Vec<(SubscriptionId, &Subscription)> {
        let mut all = self.subscriptions.iter().map(|(id, entry)| (*id, entry)).collect::<Vec<_>>();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// The subscription to this very pattern.
    pub(super) fn look_up(&self, pattern: &Pattern) -> Option<SubscriptionId> {
        self.index.get(pattern)
    }

    /// The subscriptions that get the events of a topic, in the order in which they do.
    pub(super) fn matching(&self, topic: &str) -> Vec<SubscriptionId> {
        let mut matching = Vec::new();
        self.index.for_each_match(topic, |id| matching.push(id));
        if Uri::unchecked(topic).is_reserved() {
            matching.retain(|id| self.get(*id).is_some_and(Subscription::is_reserved));
        }
        matching
    }

    /// A session has left: its subscriptions end (S-64).
    pub(super) fn leave(&mut self, context: &mut Context<'_>) {
        let Some(link) = context.links.get_mut(context.from) else { return };
        let mut held = core::mem::take(&mut link.subscriptions).into_iter().collect::<Vec<_>>();
        held.sort_unstable();
        for subscription in held {
            self.detach(context, subscription, context.from);
        }
    }
}

impl Subscription {
    pub(super) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether it may get what the protocol itself publishes: patterns of applications never do (I-30).
    fn is_reserved(&self) -> bool {
        self.pattern.uri().is_reserved()
    }

    pub(super) fn created(&self) -> Instant {
        self.created
    }

    pub(super) fn subscribers(&self) -> &[Peer] {
        &self.subscribers
    }

    /// The events of the past that a session asks for and may see; `None` when the query makes no sense.
    pub(super) fn history(&self, query: &Query, identity: &Identity) -> Option<Vec<&Kept>> {
        self.history.as_ref().map_or(Some(Vec::new()), |history| history.find(query, identity))
    }
}

impl Context<'_> {
    /// Answers a request with ERROR.
    pub(super) fn refuse(&mut self, kind: MessageKind, request: RequestId, error: &'static str, text: &str) {
        self.links.refuse(self.now, self.from, kind, request, error, text);
    }

    /// The id of a connection's session.
    pub(super) fn session(&self, peer: Peer) -> Option<SessionId> {
        self.links.get(peer).and_then(|link| link.identity.as_deref()).map(|identity| identity.session)
    }
}
