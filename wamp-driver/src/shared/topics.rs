//! The topics that somebody here listens to.

use std::sync::Arc;

use futures_channel::oneshot;
use wamp_proto::{
    Instant, Match, Pattern,
    error::Misuse,
    id::{RequestId, SubscriptionId},
    message::{self, SubscribeOptions},
};

use super::{Effects, Outcome, State, What};
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
    /// To be asked for when there is a session.
    Kept,
    /// SUBSCRIBE is on its way; those who wait for the answer.
    Asking(Vec<oneshot::Sender<Outcome>>),
    /// SUBSCRIBED.
    Active(SubscriptionId),
}

impl Topic {
    /// The subscription in this session.
    pub(crate) fn id(&self) -> Option<SubscriptionId> {
        match self.status {
            TopicStatus::Active(id) => Some(id),
            _ => None,
        }
    }

    /// Its streams end, and those who still wait for it are told why.
    pub(super) fn end(self, effects: &mut Effects, error: &Error) {
        effects.wakers.extend(self.queues.iter().filter_map(|queue| queue.end()));
        if let TopicStatus::Asking(waiters) = self.status {
            let told = waiters.into_iter().map(|waiter| (waiter, Outcome::Failed(error.clone())));
            effects.answers.extend(told);
        }
    }
}

impl State {
    /// Asks the router for a topic (P-06).
    pub(crate) fn subscribe(
        &mut self,
        now: Instant,
        pattern: &Pattern,
        get_retained: bool,
    ) -> Result<(), Misuse> {
        let match_policy = Some(pattern.kind()).filter(|kind| *kind != Match::Exact);
        let options = SubscribeOptions { match_policy, get_retained, ..SubscribeOptions::default() };
        let request = self.session.subscribe(now, pattern.uri().clone(), options)?;
        self.asking.insert(request, pattern.clone());
        Ok(())
    }

    /// Asks for a topic in a new session, with the retained events for those streams that want them.
    pub(super) fn ask_for_topic(&mut self, now: Instant, pattern: &Pattern) -> Result<(), Misuse> {
        let Some(topic) = self.topics.get(pattern) else { return Ok(()) };
        let get_retained = topic.queues.iter().any(|queue| queue.wants_retained());
        self.subscribe(now, pattern, get_retained)?;
        if let Some(topic) = self.topics.get_mut(pattern) {
            topic.queues.iter().for_each(|queue| queue.take_retained());
            topic.status = TopicStatus::Asking(Vec::new());
        }
        Ok(())
    }

    pub(super) fn subscribed(
        &mut self,
        effects: &mut Effects,
        request: RequestId,
        subscription: SubscriptionId,
    ) {
        let Some(pattern) = self.asking.remove(&request) else { return };
        self.settle(&What::Topic(pattern.clone()), true);
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
    pub(super) fn not_subscribed(
        &mut self,
        effects: &mut Effects,
        now: Instant,
        request: RequestId,
        error: &Error,
    ) {
        let Some(pattern) = self.asking.remove(&request) else { return };
        // One that is active stays, if it was only asked for its retained events.
        if self.topics.get(&pattern).is_some_and(|topic| topic.id().is_some()) {
            return;
        }
        let what = What::Topic(pattern);
        if self.is_restoring(&what) {
            return self.refused(effects, now, what, error.clone());
        }
        let What::Topic(pattern) = what else { return };
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
                sealed: None,
                missed: 0,
                gap: false,
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
        if !topic.queues.is_empty() {
            return None;
        }
        let subscription = match topic.status {
            TopicStatus::Active(subscription) => subscription,
            // The answer finds nobody.
            TopicStatus::Asking(_) => return None,
            TopicStatus::Kept => {
                self.topics.remove(pattern);
                self.settle(&What::Topic(pattern.clone()), false);
                return None;
            }
        };
        self.topics.remove(pattern);
        self.patterns.remove(&subscription);
        Some(subscription)
    }

    /// The session is over, the streams are not: they say that there is a gap.
    pub(super) fn keep_topics(&mut self, effects: &mut Effects) {
        self.patterns.clear();
        self.asking.clear();
        self.topics.retain(|_, topic| !topic.queues.is_empty());
        for topic in self.topics.values_mut() {
            match std::mem::replace(&mut topic.status, TopicStatus::Kept) {
                TopicStatus::Active(_) => topic.queues.iter().for_each(|queue| queue.interrupt()),
                TopicStatus::Asking(waiters) => {
                    effects.answers.extend(waiters.into_iter().map(|waiter| (waiter, Outcome::Kept)));
                }
                TopicStatus::Kept => {}
            }
        }
    }

    /// The client is over, and with it all streams.
    pub(super) fn end_topics(&mut self, effects: &mut Effects, error: &Error) {
        for (_, topic) in self.topics.drain() {
            topic.end(effects, error);
        }
        self.patterns.clear();
        self.asking.clear();
    }
}
