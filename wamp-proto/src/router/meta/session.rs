//! `wamp.session.*`: who is there, and who must go (X-10..X-18, X-25..X-32).

use serde::Serialize;

use super::{Answer, Refusal, Request, invalid};
use crate::{
    id::SessionId,
    message::{ClosingDetails, Goodbye},
    payload::Payload,
    router::{
        Router,
        link::{Identity, Peer},
    },
    time::Instant,
    uri::{Uri, check_length, uris},
    value::Value,
};

pub(super) const PROCEDURES: &[&str] = &[
    "count",
    "list",
    "get",
    "kill",
    "kill_by_authid",
    "kill_by_authrole",
    "kill_all",
    "add_testament",
    "flush_testaments",
];

/// What others are told of a session.
#[derive(Serialize)]
struct SessionDetails<'a> {
    session: SessionId,
    authid: &'a str,
    authrole: &'a str,
    authmethod: &'a str,
    authprovider: &'a str,
}

impl<'a> SessionDetails<'a> {
    fn new(identity: &'a Identity) -> Self {
        let Identity { session, authid, authrole, authmethod, authprovider, .. } = identity;
        Self { session: *session, authid, authrole, authmethod, authprovider }
    }
}

impl Router {
    /// A session has joined: WELCOME is in its queue.
    pub(in crate::router) fn joined(&mut self, now: Instant, peer: Peer) {
        let Some(identity) = self.links.get(peer).and_then(|link| link.identity.as_deref()) else { return };
        let place = identity.realm;
        let Some(realm) = self.realms.get_mut(place) else { return };
        realm.members.insert(identity.session, peer);
        realm.names.join(identity);
        realm.meta.push("wamp.session.on_join", || (SessionDetails::new(identity),));
        let guard = realm.permissions.guard(identity);
        if let Some(link) = self.links.get_mut(peer) {
            link.guard = guard;
        }
        self.links.totals.joined = self.links.totals.joined.wrapping_add(1);
        self.publish_meta(now, place);
    }

    ///
    pub(super) fn session_count(&mut self, request: &Request) -> Answer {
        let sessions = self.select(request)?;
        request.answer(&(sessions.len(),))
    }

    ///
    pub(super) fn session_list(&mut self, request: &Request) -> Answer {
        let sessions = self.select(request)?;
        request.answer(&(sessions,))
    }

    ///
    pub(super) fn session_get(&mut self, request: &Request) -> Answer {
        let session = request.id(0, "session", uris::error::NO_SUCH_SESSION)?;
        let peer = self.peer_of(request, session)?;
        let identity = self.links.get(peer).and_then(|link| link.identity.as_deref());
        request.answer(&(SessionDetails::new(identity.ok_or_else(|| no_such_session(session))?),))
    }

    /// not even with their own ids can callers end themselves (T-55).
    pub(super) fn session_kill(&mut self, request: &Request) -> Answer {
        let session = request.id(0, "session", uris::error::NO_SUCH_SESSION)?;
        let goodbye = self.goodbye(request)?;
        if session == request.session {
            return Err(no_such_session(session));
        }
        let peer = self.peer_of(request, session)?;
        self.leave(request.now, peer, goodbye, false);
        Ok(Payload::empty())
    }

    /// answers with the ids (T-54).
    pub(super) fn session_kill_by_authid(&mut self, request: &Request) -> Answer {
        let authid = request.text(0, "an authid")?;
        let killed = self.kill(request, false, |identity| identity.authid == authid)?;
        request.answer(&(killed,))
    }

    /// answers with a count (T-54).
    pub(super) fn session_kill_by_authrole(&mut self, request: &Request) -> Answer {
        let authrole = request.text(0, "an authrole")?;
        let killed = self.kill(request, false, |identity| identity.authrole == authrole)?;
        request.answer(&(killed.len(),))
    }

    /// without a word about it to anybody, and without testaments (P-96).
    pub(super) fn session_kill_all(&mut self, request: &Request) -> Answer {
        let killed = self.kill(request, true, |_| true)?;
        request.answer(&(killed.len(),))
    }

    /// all but the caller.
    fn kill(
        &mut self,
        request: &Request,
        quietly: bool,
        which: impl Fn(&Identity) -> bool,
    ) -> Result<Vec<SessionId>, Refusal> {
        let goodbye = self.goodbye(request)?;
        let others = |identity: &Identity| identity.session != request.session && which(identity);
        let chosen = self.sessions_where(request, others);
        for session in &chosen {
            if let Some(&peer) = self.sessions.get(session) {
                self.leave(request.now, peer, goodbye.clone(), quietly);
            }
        }
        Ok(chosen)
    }

    /// what the killed session is told.
    fn goodbye(&self, request: &Request) -> Result<Goodbye, Refusal> {
        let reason = request.text_kwarg("reason")?.unwrap_or(uris::close::KILLED);
        let checked = check_length(reason, self.config.limits.uri_length);
        let checked = checked.and_then(|()| self.config.uri_rule.check(reason));
        checked.map_err(|error| (uris::error::INVALID_URI, error.to_string()))?;
        let message = request.text_kwarg("message")?;
        let details = message.map(ClosingDetails::with_text).unwrap_or_default();
        Ok(Goodbye { details, reason: Uri::unchecked(reason) })
    }

    /// The sessions of the caller's realm that have one of the authroles of the first argument, if there is one.
    fn select(&self, request: &Request) -> Result<Vec<SessionId>, Refusal> {
        let filter = request.arg(0).or_else(|| request.kwarg("filter_authroles"));
        let wrong = || invalid("`filter_authroles` must be a list of strings");
        let authroles = filter.map(|roles| roles.as_list().ok_or_else(wrong)).transpose()?;
        if authroles.is_some_and(|roles| roles.iter().any(|role| role.as_str().is_none())) {
            return Err(wrong());
        }
        let listed = |roles: &[Value], role: &str| roles.iter().any(|listed| listed.as_str() == Some(role));
        Ok(self.sessions_where(request, |identity| {
            authroles.is_none_or(|roles| listed(roles, &identity.authrole))
        }))
    }

    fn sessions_where(&self, request: &Request, which: impl Fn(&Identity) -> bool) -> Vec<SessionId> {
        let Some(realm) = self.realms.get(request.realm) else { return Vec::new() };
        let fits = |peer: Peer| {
            let identity = self.links.get(peer).and_then(|link| link.identity.as_deref());
            identity.is_some_and(&which)
        };
        realm.members.iter().filter(|(_, peer)| fits(**peer)).map(|(session, _)| *session).collect()
    }

    /// Where a session of the caller's realm is.
    pub(super) fn peer_of(&self, request: &Request, session: SessionId) -> Result<Peer, Refusal> {
        let realm = self.realms.get(request.realm);
        realm.and_then(|realm| realm.members.get(&session)).copied().ok_or_else(|| no_such_session(session))
    }
}

fn no_such_session(session: SessionId) -> Refusal {
    (uris::error::NO_SUCH_SESSION, format!("there is no session {session}"))
}
