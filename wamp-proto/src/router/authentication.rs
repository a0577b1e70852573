//! Who may join, as values: the rules of the configuration, the questions that they leave open, and the answers.

use std::sync::Arc;

use super::{ConnectionId, Grant, link::Identity};
#[cfg(feature = "cryptosign")]
use crate::auth::cryptosign::SecretKey;
use crate::{
    auth::{Credential, Method, Secret},
    channel::Channel,
    dict::Dict,
    id::SessionId,
    message::HelloDetails,
    uri::Uri,
};

/// Who may join a realm, and how they prove it. `Debug` shows no secret.
///
/// ```
/// use wamp_proto::{auth::{Credential, Method}, router::{Authentication, Principal}};
///
/// let rule = Authentication::new([Method::Ticket])
///     .realm("realm1".parse()?)
///     .principal(Principal::new("joe", "user").credential(Credential::Ticket("secret".into())));
/// assert!(!format!("{rule:?}").contains("secret"));
/// # Ok::<(), wamp_proto::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Authentication {
    /// The realm it is about; `None` is any.
    pub realm: Option<Uri>,
    /// The listener it is about; `None` is any.
    pub listener: Option<Arc<str>>,
    /// The methods that are taken; which of them is used, the client's order says (A-01, A-08).
    pub methods: Vec<Method>,
    /// The role of those who are anonymous. Default `anonymous`.
    pub anonymous_role: String,
    /// Who is known.
    pub principals: Vec<Principal>,
    /// Ask about those who are not known: [`Router::poll_question`](super::Router::poll_question). Default false: they are
    /// denied.
    pub ask: bool,
    /// The key with which the router proves itself to clients that ask for it by cryptosign (A-75). Default: none.
    #[cfg(feature = "cryptosign")]
    pub router_key: Option<SecretKey>,
}

impl Authentication {
    /// These methods, for all realms and listeners.
    pub fn new(methods: impl IntoIterator<Item = Method>) -> Self {
        Self {
            realm: None,
            listener: None,
            methods: methods.into_iter().collect(),
            anonymous_role: "anonymous".to_owned(),
            principals: Vec::new(),
            ask: false,
            #[cfg(feature = "cryptosign")]
            router_key: None,
        }
    }

    /// For one realm only.
    #[must_use]
    pub fn realm(mut self, realm: Uri) -> Self {
        self.realm = Some(realm);
        self
    }

    /// For one listener only, by its name.
    #[must_use]
    pub fn listener(mut self, listener: impl Into<Arc<str>>) -> Self {
        self.listener = Some(listener.into());
        self
    }

    /// One more who is known.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principals.push(principal);
        self
    }

    /// Asks about those who are not known.
    #[must_use]
    pub fn ask(mut self) -> Self {
        self.ask = true;
        self
    }

    /// With a key with which the router proves itself.
    #[cfg(feature = "cryptosign")]
    #[must_use]
    pub fn router_key(mut self, key: SecretKey) -> Self {
        self.router_key = Some(key);
        self
    }

    /// Whether somebody who has joined under the `former` rule could still be let in as the same, by the same method and
    /// proof.
    pub(super) fn still_admits(
        &self,
        identity: &Identity,
        channel: &Channel,
        former: Option<&Self>,
    ) -> Result<(), &'static str> {
        let Some(method) = Method::of(&identity.authmethod).filter(|method| self.methods.contains(method))
        else {
            return Err(CHANGED);
        };
        let known = self.known(identity).filter(|_| method != Method::Anonymous);
        let admitted = match known {
            _ if method == Method::Anonymous => identity.authrole == self.anonymous_role,
            Some(principal) => principal.role == identity.authrole,
            None => self.ask,
        };
        match known {
            _ if !admitted => Err(CHANGED),
            Some(principal) if !principal.still_takes(method, identity, channel, former) => {
                Err("the credential of this user has changed")
            }
            _ => Ok(()),
        }
    }

    fn known(&self, identity: &Identity) -> Option<&Principal> {
        self.principals.iter().find(|principal| principal.authid == identity.authid)
    }

    pub(super) fn fits(&self, realm: &Uri, channel: &Channel) -> bool {
        self.realm.as_ref().is_none_or(|rule| rule == realm)
            && self.listener.as_ref().is_none_or(|rule| channel.listener.as_ref() == Some(rule))
    }
}

/// What those are told who would not be let in any more.
const CHANGED: &str = "who may join has changed";

/// Somebody who is known, and how this one can prove it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Principal {
    /// The name.
    pub authid: String,
    /// The role.
    pub role: String,
    /// What proofs are checked against; any of them will do.
    pub credentials: Vec<Credential>,
    /// What the client is told besides, in WELCOME.
    pub authextra: Option<Dict>,
}

impl Principal {
    /// This name in this role, with no credential yet.
    pub fn new(authid: impl Into<String>, role: impl Into<String>) -> Self {
        Self { authid: authid.into(), role: role.into(), credentials: Vec::new(), authextra: None }
    }

    /// One more way to prove it.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credentials.push(credential);
        self
    }

    pub(super) fn grant(&self) -> Grant {
        Grant { authextra: self.authextra.clone(), ..Grant::new(&*self.authid, &*self.role) }
    }

    /// Whether what somebody has proven before still proves it.
    fn still_takes(
        &self,
        method: Method,
        identity: &Identity,
        channel: &Channel,
        former: Option<&Authentication>,
    ) -> bool {
        match method {
            Method::Tls | Method::Cookie => self.credentials.iter().any(|known| known.is_shown_by(channel)),
            // Of several keys, the others do not matter.
            #[cfg(feature = "cryptosign")]
            Method::Cryptosign => match (self.credential_for(method), &identity.key) {
                (Some(Credential::Cryptosign(keys)), Some(key)) => keys.contains(key),
                _ => false,
            },
            _ => {
                let former = former.and_then(|former| former.known(identity));
                let credential = self.credential_for(method);
                credential.is_some() && credential == former.and_then(|former| former.credential_for(method))
            }
        }
    }

    pub(super) fn credential_for(&self, method: Method) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.method() == method)
    }
}

/// Who is this, and may it join? Answer with [`Router::decide`](super::Router::decide).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// The connection: what the answer is about.
    pub connection: ConnectionId,
    /// The realm to join.
    pub realm: Uri,
    /// The realm whose settings it has: itself, or that of its template.
    pub like: Uri,
    /// The method that was chosen among those the client offers.
    pub method: Method,
    /// The session that this would be.
    pub session: SessionId,
    /// What the client says of itself. None of it is proven; `transport` is left out (A-20).
    pub details: HelloDetails,
    /// What is known about the connection.
    pub channel: Channel,
    /// The ticket, with [`Method::Ticket`].
    pub ticket: Option<Secret>,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It may. With cryptosign, once it has proven that the key it shows is its own; with WAMP-CRA and SCRAM nothing has been
    /// proven yet, and this is a failure.
    Accept(Grant),
    /// It has to prove it: challenge it, and check the answer against this credential.
    Challenge {
        /// Who it is then; `None` denies whatever the answer is, so that nobody learns who is known (fault 77).
        grant: Option<Grant>,
        /// What the answer is checked against.
        credential: Credential,
    },
    /// The credentials are wrong: `wamp.error.authentication_denied` (A-07).
    Deny,
    /// It may not, for this reason.
    Refuse {
        /// The reason of the ABORT.
        reason: Uri,
        /// A text for people.
        message: String,
    },
    /// There is no decision: `wamp.error.authentication_failed`.
    Fail,
}
