//! The subscriber: SUBSCRIBE, UNSUBSCRIBE, EVENT (P-01..P-06).

use super::{
    Event, Session,
    requests::{Answered, Pending, Purpose, Unwanted},
};
use crate::{
    error::Misuse,
    id::{RequestId, SubscriptionId},
    message::{self, MessageKind, Role, Subscribe, SubscribeOptions, Subscribed, Unsubscribe, Unsubscribed},
    time::Instant,
    uri::Uri,
};

impl Session {
    /// Subscribes to a topic, or to a pattern when the options say so. One [`Event::Subscribed`], [`Event::Failed`] or
    /// [`Event::Closed`] follows. Subscribing to the same topic again gives the same subscription (P-02).
    ///
    /// # Errors
    ///
    /// When the session is not open, the URI is bad, or there is no room; nothing is sent then.
    pub fn subscribe(
        &mut self,
        now: Instant,
        topic: Uri,
        options: SubscribeOptions,
    ) -> Result<RequestId, Misuse> {
        self.config.uri_rule.check_pattern(&topic, options.match_policy.unwrap_or_default())?;
        let pending = Pending::new(Purpose::Subscribe);
        self.request(now, pending, None, |request| Subscribe { request, options, topic })
    }

    /// Ends a subscription. One [`Event::Unsubscribed`], [`Event::Failed`] or [`Event::Closed`] follows; events may
    /// still come until then.
    ///
    /// # Errors
    ///
    /// When the session has no such subscription, is not open, or there is no room.
    pub fn unsubscribe(&mut self, now: Instant, subscription: SubscriptionId) -> Result<RequestId, Misuse> {
        self.check_use(Role::Subscriber)?;
        if !self.subscriptions.contains(&subscription) {
            return Err(Misuse::NoSuchSubscription(subscription));
        }
        let pending = Pending::new(Purpose::Unsubscribe(subscription));
        self.request(now, pending, None, |request| Unsubscribe { request, subscription, options: None })
    }

    pub(super) fn receive_subscribed(&mut self, subscribed: &Subscribed) {
        let (request, subscription) = (subscribed.request, subscribed.subscription);
        let answered = self.requests.take(MessageKind::Subscribe, request);
        if matches!(answered, Answered::GivenUp) && !self.subscriptions.contains(&subscription) {
            self.unwanted.insert(Unwanted::Subscription(subscription));
        }
        if self.resolve(MessageKind::Subscribed, request, answered).is_some() {
            self.unwanted.remove(&Unwanted::Subscription(subscription));
            self.subscriptions.insert(subscription);
            self.events.push_back(Event::Subscribed { request, subscription });
        }
    }

    pub(super) fn receive_unsubscribed(&mut self, unsubscribed: Unsubscribed) {
        match unsubscribed {
            Unsubscribed::Reply { request } => {
                let answered = self.answered(MessageKind::Unsubscribed, MessageKind::Unsubscribe, request);
                if let Some(Pending { purpose: Purpose::Unsubscribe(subscription), .. }) = answered {
                    self.subscriptions.remove(&subscription);
                    self.events.push_back(Event::Unsubscribed { request });
                }
            }
            Unsubscribed::Revoked(details) => {
                if let Some(subscription) = details.subscription.filter(|id| self.subscriptions.remove(id)) {
                    self.events
                        .push_back(Event::SubscriptionRevoked { subscription, reason: details.reason });
                }
            }
        }
    }

    pub(super) fn receive_event(&mut self, event: message::Event) {
        if self.subscriptions.contains(&event.subscription) {
            self.events.push_back(Event::Event(Box::new(event)));
        } else {
            // S-54: an event may cross an UNSUBSCRIBE; it is counted, not punished.
            self.stray_events = self.stray_events.saturating_add(1);
        }
    }
}
