//! How many sessions there may be, and how fast they may come and send.

use std::collections::HashMap;

use super::{
    Limit, Router,
    link::{Identity, Links, Peer},
    realms::RealmId,
    timers::Timeout,
};
use crate::{
    error::Closed,
    map::Seeded,
    time::Instant,
    uri::{Uri, uris},
};

/// How many sessions each name has in a realm.
#[derive(Debug)]
pub(super) struct Names(HashMap<String, usize, Seeded>);

impl Names {
    pub(super) fn new(hash: Seeded) -> Self {
        Self(HashMap::with_hasher(hash))
    }

    pub(super) fn join(&mut self, identity: &Identity) {
        if is_chosen(identity) {
            let sessions = self.0.entry(identity.authid.clone()).or_default();
            *sessions = sessions.saturating_add(1);
        }
    }

    pub(super) fn leave(&mut self, authid: &str) {
        if let Some(sessions) = self.0.get_mut(authid) {
            *sessions = sessions.saturating_sub(1);
            if *sessions == 0 {
                self.0.remove(authid);
            }
        }
    }

    fn sessions(&self, authid: &str) -> usize {
        self.0.get(authid).copied().unwrap_or(0)
    }
}

/// The router draws the names of anonymous sessions, each of its own: they need not be counted.
fn is_chosen(identity: &Identity) -> bool {
    identity.authmethod != "anonymous"
}

impl Router {
    /// Whether one more client may try to join just now. The error is for the client.
    pub(super) fn check_join_rate(&mut self, now: Instant, peer: Peer) -> Result<(), (&'static str, String)> {
        let Some(rate) = self.config.join_rate else { return Ok(()) };
        if self.joins.try_take(now, rate) {
            return Ok(());
        }
        self.links.limited(peer, Limit::JoinRate);
        Err((uris::error::UNAVAILABLE, "too many clients join at the moment, try again later".to_owned()))
    }

    /// The realm for a session of this name, if there is room for it; the error is for the client.
    pub(super) fn enter(
        &mut self,
        peer: Peer,
        realm: &Uri,
        authid: &str,
    ) -> Result<RealmId, (&'static str, String)> {
        let Some(entered) = self.realms.enter(realm, &mut self.random) else {
            self.links.limited(peer, Limit::Realms);
            let text = "there are as many realms of this kind as there may be";
            return Err((uris::error::UNAVAILABLE, text.to_owned()));
        };
        let room = self.check_room(peer, entered, authid);
        if room.is_err() {
            // It may have been made for this one.
            self.realms.leave(entered);
        }
        room.map(|()| entered)
    }

    fn check_room(&mut self, peer: Peer, realm: RealmId, authid: &str) -> Result<(), (&'static str, String)> {
        let Some(realm) = self.realms.get(realm) else { return Ok(()) };
        let (limit, text) = if realm.members.len() >= realm.settings.max_sessions {
            (Limit::Sessions, "the realm has as many sessions as it may have")
        } else if realm.names.sessions(authid) >= self.config.max_sessions_of_authid {
            (Limit::SessionsOfAuthid, "there are as many sessions of this name as there may be")
        } else {
            return Ok(());
        };
        self.links.limited(peer, limit);
        Err((uris::error::UNAVAILABLE, text.to_owned()))
    }
}

impl Links {
    /// Counts a message that has come. Who sends too many is not read from for a while, or, if that happens too often, must
    /// go.
    pub(super) fn meter(&mut self, now: Instant, peer: Peer) {
        self.totals.received = self.totals.received.wrapping_add(1);
        let Some(rate) = self.config().message_rate else { return };
        let Some(link) = self.get_mut(peer) else { return };
        if let Some(pause) = link.messages.take(now, rate) {
            self.throttle(now + pause, peer);
        }
    }

    fn throttle(&mut self, until: Instant, peer: Peer) {
        let (id, max) = (self.id(peer), self.config().max_throttles);
        let Some(link) = self.get_mut(peer) else { return };
        if let Some(former) = link.throttled.replace(until) {
            // What was read already counts too.
            self.timers.stop(former, id, Timeout::Throttle);
            return self.timers.set(until, id, Timeout::Throttle);
        }
        link.throttles = link.throttles.saturating_add(1);
        let beyond = max.is_some_and(|max| link.throttles > max);
        self.timers.set(until, id, Timeout::Throttle);
        self.totals.throttled = self.totals.throttled.wrapping_add(1);
        self.limited(peer, Limit::MessageRate);
        if beyond {
            let message = Some("the session sends more messages than this router takes".to_owned());
            let reason = Uri::unchecked(uris::close::KILLED);
            self.doom(peer, Closed::Refused { reason, message });
        }
    }

    /// It may go on sending.
    pub(super) fn unthrottle(&mut self, peer: Peer) {
        if let Some(link) = self.get_mut(peer) {
            link.throttled = None;
            self.notify_again(peer);
        }
    }
}
