//! Settings that change while the router runs.

use std::sync::Arc;

use super::{
    Authentication, Config, RealmPermissions, Router,
    link::Peer,
    permissions::{Compiled, Right},
    realms::RealmId,
    state::State,
};
use crate::{
    message::{ClosingDetails, Goodbye},
    time::Instant,
    uri::{Pattern, Uri, uris},
};

/// What is to change in a running router; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Changes {
    /// Who may do what, for all realms: [`Config::permissions`].
    pub permissions: Option<Vec<RealmPermissions>>,
    /// Who may join: [`Config::authentication`].
    pub authentication: Option<Vec<Authentication>>,
}

impl Changes {
    /// With other permissions.
    #[must_use]
    pub fn permissions(mut self, permissions: impl IntoIterator<Item = RealmPermissions>) -> Self {
        self.permissions = Some(permissions.into_iter().collect());
        self
    }

    /// With other rules about who may join.
    #[must_use]
    pub fn authentication(mut self, rules: impl IntoIterator<Item = Authentication>) -> Self {
        self.authentication = Some(rules.into_iter().collect());
        self
    }
}

/// What those are told who lose something.
const REASON: &str = "the permissions have changed";

impl Router {
    /// Changes settings without disturbing what they do not concern. Sessions keep what their role may still have; other
    /// subscriptions and registrations are revoked. Roles about which somebody decides each time keep what was allowed,
    /// but their remembered decisions are forgotten. Requests that wait for a decision are looked at anew.
    ///
    /// Sessions that the new rules would not let in with their name, role and method are closed, and those whose ticket,
    /// secret, key, certificate or cookie does not count any more; those whom an authenticator has let in stay, as long as
    /// their realm still asks one. Clients that are about to join start again.
    pub fn reconfigure(&mut self, now: Instant, changes: Changes) {
        let former = self.config.clone();
        let mut config = Config::clone(&former);
        let Changes { permissions, authentication } = changes;
        let (permits, admits) = (permissions.is_some(), authentication.is_some());
        config.permissions = permissions.unwrap_or(config.permissions);
        config.authentication = authentication.unwrap_or(config.authentication);
        config.complete();
        self.config = Arc::new(config);
        self.links.set_config(self.config.clone());
        self.realms.set_config(self.config.clone());
        if admits {
            self.dismiss(now, &former);
        }
        if permits {
            self.permit(now);
        }
        self.reap(now);
    }

    /// Closes the sessions that would not be let in any more.
    fn dismiss(&mut self, now: Instant, former: &Config) {
        for peer in self.links.peers() {
            match self.links.get(peer).map(|link| link.state) {
                Some(State::Open) => {
                    let Err(why) = self.is_still_known(peer, former) else { continue };
                    let details = ClosingDetails::with_text(why);
                    let reason = Uri::unchecked(uris::close::KILLED);
                    self.leave(now, peer, Goodbye { details, reason }, false);
                }
                // It was asked to prove something under the old rules.
                Some(State::Authenticating) => {
                    let text = "who may join has changed just now: try again".to_owned();
                    self.refuse(now, peer, uris::error::AUTHENTICATION_FAILED, text);
                }
                _ => {}
            }
        }
    }

    /// The error is for the session.
    fn is_still_known(&self, peer: Peer, former: &Config) -> Result<(), &'static str> {
        let Some(link) = self.links.get(peer) else { return Ok(()) };
        let Some(identity) = link.identity.as_deref() else { return Ok(()) };
        // The host itself vouches for it, not a rule.
        if link.origin.1.is_some() && identity.authmethod == "trusted" {
            return Ok(());
        }
        let realm = self.realms.get(identity.realm);
        let Some(like) = realm.map(|realm| &realm.like) else { return Ok(()) };
        let channel = &link.origin.0;
        match self.config.rule(like, channel) {
            Some(rule) => rule.still_admits(identity, channel, former.rule(like, channel)),
            None => Err("nobody may join any more where this session came in"),
        }
    }

    fn permit(&mut self, now: Instant) {
        self.realms.permit();
        for place in self.realms.ids() {
            self.reconsider_realm(now, place);
        }
    }

    fn reconsider_realm(&mut self, now: Instant, place: RealmId) {
        let members = self.realms.get(place).map(|realm| realm.members.values().copied().collect::<Vec<_>>());
        for peer in members.unwrap_or_default() {
            let guard = self.realms.get(place).zip(self.links.get(peer)).and_then(|(realm, link)| {
                link.identity.as_deref().and_then(|identity| realm.permissions.guard(identity))
            });
            let Some(link) = self.links.get_mut(peer) else { continue };
            link.decisions = None;
            link.guard = guard;
            self.revoke_what_is_denied(now, place, peer);
            self.links.reconsider_taps(now, peer);
            self.reconsider_waiting(now, peer);
        }
        self.publish_meta(now, place);
    }

    fn revoke_what_is_denied(&mut self, now: Instant, place: RealmId, peer: Peer) {
        let Some(link) = self.links.get(peer) else { return };
        let Some(Compiled::Rules(rules)) = link.guard.as_deref() else { return };
        let Some(realm) = self.realms.get(place) else { return };
        let denied = |right, pattern: &Pattern| rules.decide_pattern(right, pattern).allowed(right).is_none();
        let lost =
            |id: &_| realm.broker.get(*id).is_some_and(|entry| denied(Right::Subscribe, entry.pattern()));
        let mut unsubscribed = link.subscriptions.iter().copied().filter(lost).collect::<Vec<_>>();
        let lost =
            |id: &_| realm.dealer.get(*id).is_some_and(|entry| denied(Right::Register, entry.pattern()));
        let mut unregistered = link.registrations.iter().copied().filter(lost).collect::<Vec<_>>();
        unsubscribed.sort_unstable();
        unregistered.sort_unstable();
        let Some((broker, dealer, mut context)) = self.context(now, peer, place) else { return };
        for subscription in unsubscribed {
            broker.revoke(&mut context, peer, subscription, Some(REASON));
        }
        for registration in unregistered {
            dealer.revoke_callee(&mut context, registration, peer, Some(REASON));
        }
    }

    /// The question is void: it was asked under other permissions.
    fn reconsider_waiting(&mut self, now: Instant, peer: Peer) {
        let Some(waiting) = self.links.take_waiting(peer) else { return };
        let mut messages = waiting.into_messages();
        if let Some(message) = messages.pop_front() {
            self.consider(now, peer, message);
        }
        self.resume(now, peer, messages);
    }
}
