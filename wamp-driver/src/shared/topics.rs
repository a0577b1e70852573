//! The topics that somebody here listens to.

use std::sync::Arc;

use futures_channel::oneshot;
use wamp_proto::{
    Pattern,
    error::Closed,
    id::{RequestId, SubscriptionId},
    message,
};

use super::{Effects, Outcome, State};
use crate::{
    Error,
    queue::{Event, EventQueue},
};

/// A topic, or a pattern of topics, and the streams of its events (P-06).
pub(crate) struct Topic {
    pub(crate) status: TopicStatus,
    pub(crate) queues: Vec<Arc<EventQueue>>,
}

pub(crate) enum TopicStatus {
    /// SUBSCRIBE is on its way; those who wait for the answer.
    Asking(Vec<oneshot::Sender<Outcome>>),
    /// SUBSCRIBED.
    Active(SubscriptionId),
}

impl Topic {
    fn is_active(&self) -> bool {
        matches!(self.status, TopicStatus::Active(_))
    }

    /// Its streams end, and those who still wait for it are told why.
    fn end(self, effects: &mut Effects, error: &Error) {
        effects.wakers.extend(self.queues.iter().filter_map(|queue| queue.end()));
        if let TopicStatus::Asking(waiters) = self.status {
            let told = waiters.into_iter().map(|waiter| (waiter, Outcome::Failed(error.clone())));
            effects.answers.extend(told);
        }
    }
}

impl State {
    pub(super) fn subscribed(
        &mut self,
        effects: &mut Effects,
        request: RequestId,
        subscription: SubscriptionId,
    ) {
        let Some(pattern) = self.asking.remove(&request) else { return };
        let Some(topic) = self.topics.get_mut(&pattern) else { return };
        if topic.queues.is_empty() {
            // All who asked have gone away meanwhile.
            self.topics.remove(&pattern);
            return self.session.abandon_subscription(subscription);
        }
        let status = std::mem::replace(&mut topic.status, TopicStatus::Active(subscription));
        if let TopicStatus::Asking(waiters) = status {
            let told = waiters.into_iter().map(|waiter| (waiter, Outcome::Subscribed(subscription)));
            effects.answers.extend(told);
        }
        self.patterns.insert(subscription, pattern);
    }

    /// SUBSCRIBE has failed.
    pub(super) fn not_subscribed(&mut self, effects: &mut Effects, request: RequestId, error: &Error) {
        let Some(pattern) = self.asking.remove(&request) else { return };
        // One that is active stays, if it was only asked for its retained events.
        if self.topics.get(&pattern).is_some_and(Topic::is_active) {
            return;
        }
        if let Some(topic) = self.topics.remove(&pattern) {
            topic.end(effects, error);
        }
    }

    pub(super) fn deliver(&mut self, effects: &mut Effects, event: message::Event) {
        let Some(topic) = self.patterns.get(&event.subscription).and_then(|pattern| self.topics.get(pattern))
        else {
            return;
        };
        let message::Event { subscription, publication, details, payload } = event;
        for queue in &topic.queues {
            let event = Event {
                topic: details.topic.clone().unwrap_or_else(|| queue.topic.clone()),
                subscription,
                publication,
                details: details.clone(),
                payload: payload.clone(),
                missed: 0,
            };
            effects.wakers.extend(queue.push(event));
        }
    }

    /// The router ended a subscription: so do its streams.
    pub(super) fn end_topic(&mut self, effects: &mut Effects, subscription: SubscriptionId) {
        if let Some(topic) =
            self.patterns.remove(&subscription).and_then(|pattern| self.topics.remove(&pattern))
        {
            effects.wakers.extend(topic.queues.iter().filter_map(|queue| queue.end()));
        }
    }

    /// A stream was dropped. The last one of a topic ends the subscription, which is given back for that (P-06).
    pub(crate) fn drop_queue(
        &mut self,
        pattern: &Pattern,
        queue: &Arc<EventQueue>,
    ) -> Option<SubscriptionId> {
        let topic = self.topics.get_mut(pattern)?;
        topic.queues.retain(|other| !Arc::ptr_eq(other, queue));
        let TopicStatus::Active(subscription) = topic.status else { return None };
        if !topic.queues.is_empty() {
            return None;
        }
        self.topics.remove(pattern);
        self.patterns.remove(&subscription);
        Some(subscription)
    }

    /// The session is over, and with it all streams.
    pub(super) fn end_topics(&mut self, effects: &mut Effects, closed: &Closed) {
        for (_, topic) in self.topics.drain() {
            topic.end(effects, &Error::Closed(closed.clone()));
        }
        self.patterns.clear();
        self.asking.clear();
    }
}
