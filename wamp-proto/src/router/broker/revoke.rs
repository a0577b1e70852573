//! Subscriptions that the router takes away (P-58..P-60).

use super::Broker;
use crate::{
    id::{SessionId, SubscriptionId},
    message::{Feature, Role, SubscriptionRevocation, Unsubscribed},
    router::{
        Context, Router,
        link::{Class, Peer},
    },
    time::Instant,
};

impl Router {
    /// Takes a subscription away from a session, which is told if it has announced to understand it; `reason` is for people.
    /// Returns whether the session had the subscription.
    pub fn revoke_subscription(
        &mut self,
        now: Instant,
        session: SessionId,
        subscription: SubscriptionId,
        reason: Option<&str>,
    ) -> bool {
        let revoked = self.revoke(now, session, subscription, reason);
        self.reap(now);
        revoked
    }

    pub(in crate::router) fn revoke(
        &mut self,
        now: Instant,
        session: SessionId,
        subscription: SubscriptionId,
        reason: Option<&str>,
    ) -> bool {
        let Some(&peer) = self.sessions.get(&session) else { return false };
        let Some(place) = self.realm_of(peer) else { return false };
        let Some((broker, _, mut context)) = self.context(now, peer, place) else { return false };
        let revoked = broker.revoke(&mut context, peer, subscription, reason);
        self.publish_meta(now, place);
        revoked
    }
}

impl Broker {
    pub(in crate::router) fn revoke(
        &mut self,
        context: &mut Context<'_>,
        peer: Peer,
        subscription: SubscriptionId,
        reason: Option<&str>,
    ) -> bool {
        let Some(link) = context.links.get_mut(peer) else { return false };
        if !link.subscriptions.remove(&subscription) {
            return false;
        }
        let roles = link.identity.as_ref().map(|identity| identity.roles);
        if roles.is_some_and(|roles| roles.supports(Role::Subscriber, Feature::SubscriptionRevocation)) {
            let details = SubscriptionRevocation {
                subscription: Some(subscription),
                reason: reason.map(str::to_owned),
                ..SubscriptionRevocation::default()
            };
            context.links.send(context.now, peer, Class::Reply, Unsubscribed::Revoked(details));
        }
        self.detach(context, subscription, peer);
        true
    }
}
