//! SUBSCRIBE and UNSUBSCRIBE.

use super::{Broker, Subscription, publish::Form};
use crate::{
    error::Violation,
    id::SubscriptionId,
    message::{Event, MessageKind, Subscribe, Subscribed, Unsubscribe, Unsubscribed},
    router::{
        Context,
        link::{Class, Peer},
    },
    uri::{Pattern, uris},
};

impl Broker {
    /// P-01, P-02: the same pattern again gives the same subscription.
    pub(in crate::router) fn subscribe(
        &mut self,
        context: &mut Context<'_>,
        subscribe: Subscribe,
    ) -> Result<(), Violation> {
        let Subscribe { request, options, topic } = subscribe;
        let kind = options.match_policy.unwrap_or_default();
        let pattern = match context.check_pattern(topic, kind) {
            Ok(pattern) => pattern,
            Err(text) => {
                context.refuse(MessageKind::Subscribe, request, uris::error::INVALID_URI, &text);
                return Ok(());
            }
        };
        let from = context.from;
        let Some(link) = context.links.get_mut(from) else { return Ok(()) };
        let known = self.index.get(&pattern);
        let held = known.is_some_and(|subscription| link.subscriptions.contains(&subscription));
        if !held && link.subscriptions.len() >= context.config.max_subscriptions {
            let text = "too many subscriptions in this session";
            context.refuse(MessageKind::Subscribe, request, uris::error::UNAVAILABLE, text);
            return Ok(());
        }
        let subscription = known.unwrap_or_else(|| self.create(pattern));
        link.subscriptions.insert(subscription);
        if let Some(entry) = self.subscriptions.get_mut(&subscription) {
            if let Err(place) = entry.subscribers.binary_search(&from) {
                entry.subscribers.insert(place, from);
            }
        }
        context.links.send(context.now, from, Class::Reply, Subscribed { request, subscription });
        if options.get_retained {
            self.send_retained(context, subscription);
        }
        Ok(())
    }

    /// P-66: what was retained before the subscriber came.
    fn send_retained(&self, context: &mut Context<'_>, subscription: SubscriptionId) {
        let Context { now, from, links, .. } = context;
        let Some(Subscription { pattern, .. }) = self.subscriptions.get(&subscription) else { return };
        let Some(link) = links.get(*from) else { return };
        let Some(identity) = link.identity.as_deref() else { return };
        let mut frames = Vec::new();
        self.retained.for_each(pattern, identity, |stored| {
            let publication = stored.publication();
            let mut details = publication.details(Form::of(&publication, identity), pattern.kind());
            details.retained = true;
            let (id, payload) = (publication.id, publication.payload.clone());
            let event = Event { subscription, publication: id, details, payload };
            frames.extend(event.encode(link.encoding));
        });
        for frame in frames {
            links.send_frame(*now, *from, Class::Event, frame);
        }
    }

    /// P-04: only a session's own subscription can be given up (T-74).
    pub(in crate::router) fn unsubscribe(
        &mut self,
        context: &mut Context<'_>,
        unsubscribe: &Unsubscribe,
    ) -> Result<(), Violation> {
        let Unsubscribe { request, subscription, .. } = *unsubscribe;
        let from = context.from;
        if context.links.get_mut(from).is_some_and(|link| link.subscriptions.remove(&subscription)) {
            self.detach(subscription, from);
            context.links.send(context.now, from, Class::Reply, Unsubscribed::Reply { request });
        } else {
            context.refuse(MessageKind::Unsubscribe, request, uris::error::NO_SUCH_SUBSCRIPTION, "");
        }
        Ok(())
    }

    fn create(&mut self, pattern: Pattern) -> SubscriptionId {
        let subscription = self.ids.next();
        self.index.insert(&pattern, subscription);
        self.subscriptions.insert(subscription, Subscription { pattern, subscribers: Vec::new() });
        subscription
    }

    pub(super) fn detach(&mut self, subscription: SubscriptionId, peer: Peer) {
        let Some(entry) = self.subscriptions.get_mut(&subscription) else { return };
        if let Ok(place) = entry.subscribers.binary_search(&peer) {
            entry.subscribers.remove(place);
        }
        if entry.subscribers.is_empty() {
            if let Some(entry) = self.subscriptions.remove(&subscription) {
                self.index.remove(&entry.pattern);
            }
        }
    }
}
