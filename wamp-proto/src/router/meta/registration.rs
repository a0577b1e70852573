//! `wamp.registration.*`: who offers what (X-40..X-53).

use serde::Serialize;

use super::{Answer, ByPolicy, Refusal, Request, lookup_pattern};
use crate::{
    id::{RegistrationId, SessionId},
    payload::Payload,
    router::{
        Config, Router,
        dealer::{Dealer, Registration},
        timestamp,
    },
    uri::uris,
};

pub(super) const PROCEDURES: &[&str] =
    &["list", "lookup", "match", "get", "list_callees", "count_callees", "remove_callee"];

/// What others are told of a registration.
#[derive(Serialize)]
pub(in crate::router) struct RegistrationDetails<'a> {
    id: RegistrationId,
    created: String,
    uri: &'a str,
    #[serde(rename = "match")]
    match_policy: &'static str,
    invoke: &'static str,
}

impl<'a> RegistrationDetails<'a> {
    pub(in crate::router) fn new(
        config: &Config,
        id: RegistrationId,
        registration: &'a Registration,
    ) -> Self {
        let pattern = registration.pattern();
        Self {
            id,
            created: timestamp::format(config.unix_micros(registration.created())),
            uri: pattern.uri(),
            match_policy: pattern.kind().as_str(),
            invoke: registration.invoke(),
        }
    }
}

impl Router {
    ///
    pub(super) fn registration_list(&mut self, request: &Request) -> Answer {
        let all =
            self.dealer(request)?.all().into_iter().map(|(id, entry)| (id.get(), entry.pattern().kind()));
        request.answer(&(ByPolicy::new(all.collect()),))
    }

    /// by identity.
    pub(super) fn registration_lookup(&mut self, request: &Request) -> Answer {
        let pattern = lookup_pattern(request, self.config.uri_rule)?;
        let dealer = self.dealer(request)?;
        request.answer(&(pattern.and_then(|pattern| dealer.look_up(&pattern)),))
    }

    /// as a call goes (T-56).
    pub(super) fn registration_match(&mut self, request: &Request) -> Answer {
        let best = self.dealer(request)?.best(request.text(0, "a procedure")?);
        request.answer(&(best,))
    }

    ///
    pub(super) fn registration_get(&mut self, request: &Request) -> Answer {
        let (id, registration) = self.registration(request)?;
        request.answer(&(RegistrationDetails::new(&self.config, id, registration),))
    }

    /// in the order in which they registered.
    pub(super) fn list_callees(&mut self, request: &Request) -> Answer {
        let (_, registration) = self.registration(request)?;
        let identity = |peer| self.links.get(peer).and_then(|link| link.identity.as_deref());
        let sessions = registration.peers().filter_map(identity).map(|identity| identity.session);
        request.answer(&(sessions.collect::<Vec<_>>(),))
    }

    ///
    pub(super) fn count_callees(&mut self, request: &Request) -> Answer {
        let (_, registration) = self.registration(request)?;
        request.answer(&(registration.peers().count(),))
    }

    ///
    pub(super) fn remove_callee(&mut self, request: &Request) -> Answer {
        let (id, _) = self.registration(request)?;
        let session: SessionId = request.id(1, "session", uris::error::NO_SUCH_SESSION)?;
        let reason = request.reason()?;
        let peer = self.peer_of(request, session)?;
        let Some((_, dealer, mut context)) = self.context(request.now, request.from, request.realm) else {
            return Err((uris::error::UNAVAILABLE, String::new()));
        };
        if !dealer.revoke_callee(&mut context, id, peer, reason) {
            let text = format!("session {session} does not have this registration");
            return Err((uris::error::NO_SUCH_SESSION, text));
        }
        self.publish_meta(request.now, request.realm);
        Ok(Payload::empty())
    }

    fn dealer(&self, request: &Request) -> Result<&Dealer, Refusal> {
        let realm = self.realms.get(request.realm);
        realm.map(|realm| &realm.dealer).ok_or_else(|| (uris::error::UNAVAILABLE, String::new()))
    }

    /// The registration that the first argument names.
    fn registration(&self, request: &Request) -> Result<(RegistrationId, &Registration), Refusal> {
        let missing = uris::error::NO_SUCH_REGISTRATION;
        let id: RegistrationId = request.id(0, "registration", missing)?;
        let found = self.dealer(request)?.get(id);
        Ok((id, found.ok_or_else(|| (missing, format!("there is no registration {id}")))?))
    }
}
