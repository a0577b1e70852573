//! SUBSCRIBE and UNSUBSCRIBE.

use super::{Broker, Subscription, SubscriptionDetails, publish::Form};
use crate::{
    error::Violation,
    id::SubscriptionId,
    message::{Event, MessageKind, Subscribe, Subscribed, Unsubscribe, Unsubscribed},
    router::{
        Context, Limit,
        link::{Class, Peer},
        meta::Pending,
    },
    time::Instant,
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
        let pattern = match context.config.check_pattern(&topic, kind) {
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
            context.links.limited(from, Limit::Subscriptions);
            context.refuse(MessageKind::Subscribe, request, uris::error::UNAVAILABLE, text);
            return Ok(());
        }
        let subscription = known.unwrap_or_else(|| self.create(context.meta, context.now, pattern));
        link.subscriptions.insert(subscription);
        self.attach(context, subscription);
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
            context.links.send(context.now, from, Class::Reply, Unsubscribed::Reply { request });
            self.detach(context, subscription, from);
        } else {
            context.refuse(MessageKind::Unsubscribe, request, uris::error::NO_SUCH_SUBSCRIPTION, "");
        }
        Ok(())
    }

    pub(super) fn create(&mut self, meta: &mut Pending, now: Instant, pattern: Pattern) -> SubscriptionId {
        let subscription = self.ids.next_unused(|id| self.subscriptions.contains_key(&id));
        meta.watch(&pattern);
        self.index.insert(&pattern, subscription);
        let entry = Subscription { pattern, created: now, subscribers: Vec::new(), history: None };
        self.subscriptions.insert(subscription, entry);
        subscription
    }

    /// X-71, T-21: who has the subscription already is not told of twice.
    fn attach(&mut self, context: &mut Context<'_>, subscription: SubscriptionId) {
        let Some(entry) = self.subscriptions.get_mut(&subscription) else { return };
        let Some(session) = context.session(context.from) else { return };
        let Err(place) = entry.subscribers.binary_search(&context.from) else { return };
        if entry.subscribers.is_empty() {
            entry.created = context.now;
            let details = || (session, SubscriptionDetails::new(context.config, subscription, entry));
            context.meta.push("wamp.subscription.on_create", details);
        }
        entry.subscribers.insert(place, context.from);
        context.meta.push("wamp.subscription.on_subscribe", || (session, subscription));
    }

    pub(super) fn detach(&mut self, context: &mut Context<'_>, subscription: SubscriptionId, peer: Peer) {
        let Some(entry) = self.subscriptions.get_mut(&subscription) else { return };
        let Some(session) = context.session(peer) else { return };
        if let Ok(place) = entry.subscribers.binary_search(&peer) {
            entry.subscribers.remove(place);
        }
        let deserted = entry.subscribers.is_empty();
        if deserted && entry.history.is_none() {
            if let Some(entry) = self.subscriptions.remove(&subscription) {
                self.index.remove(&entry.pattern);
                context.meta.unwatch(&entry.pattern);
            }
        }
        context.meta.push("wamp.subscription.on_unsubscribe", || (session, subscription));
        if deserted {
            context.meta.push("wamp.subscription.on_delete", || (session, subscription));
        }
    }
}
