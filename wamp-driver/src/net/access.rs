//! Who may join a router and what they may do there, as its builder is told.

use std::{sync::Arc, time::Duration};

use wamp_proto::{
    Uri,
    auth::Method,
    router::{Authentication, Config, RealmPermissions},
    uri::InvalidUri,
};

use super::{Network, RouterBuilder};
use crate::{
    Authenticator,
    authenticator::{Authenticators, Decider},
    authorizer::Authorizer,
    procedure::ProcedureAuthenticator,
    router::RouterHandle,
};

impl<N: Network> RouterBuilder<N> {
    /// One more rule about who may join: the first that fits a client's realm and listener decides. Without any rule,
    /// everybody may, as `anonymous`.
    pub fn authentication(mut self, rule: Authentication) -> Self {
        self.config.authentication.push(rule);
        self
    }

    /// Who decides about clients of a realm that come with one of these methods, and that no rule knows.
    pub fn authenticator(
        mut self,
        realm: impl Into<String>,
        methods: impl IntoIterator<Item = Method>,
        authenticator: impl Authenticator,
    ) -> Self {
        let asked = Asked::Code(Arc::new(authenticator));
        self.deciders.asked.push((realm.into(), methods.into_iter().collect(), asked));
        self
    }

    /// The same by a procedure, registered in the realm `within`: it is called with the realm, the authid, and details with
    /// `authmethod`, `ticket`, `authextra` and more. It answers with a role or, where the client is to prove something, with
    /// a dict: `role`, `authid`, `extra`; `secret`, `salt`, `iterations`, `keylen` for WAMP-CRA; `pubkeys` for cryptosign;
    /// `salt`, `kdf`, `iterations`, `memory`, `stored_key`, `server_key` for SCRAM. Who can register this procedure decides
    /// who may join: see to it that not everybody can.
    pub fn authenticator_procedure(
        mut self,
        realm: impl Into<String>,
        methods: impl IntoIterator<Item = Method>,
        procedure: impl Into<String>,
        within: impl Into<String>,
    ) -> Self {
        let asked = Asked::Procedure(procedure.into(), within.into());
        self.deciders.asked.push((realm.into(), methods.into_iter().collect(), asked));
        self
    }

    /// How long an authenticator may take, instead of 5 s; nobody is let in then.
    pub fn authenticator_timeout(mut self, timeout: Duration) -> Self {
        self.deciders.timeout = timeout;
        self
    }

    /// Who may do what in one realm. As soon as there are permissions for some realm, nobody may do anything in others.
    pub fn permissions(mut self, permissions: RealmPermissions) -> Self {
        self.config.permissions.push(permissions);
        self
    }

    /// Who decides about those roles of a realm that are [`Access::Dynamic`](wamp_proto::router::Access::Dynamic). Without
    /// one, they may do nothing.
    pub fn authorizer(mut self, realm: Uri, authorizer: impl Authorizer) -> Self {
        self.deciders.authorizers.push(Box::new(move |router| router.set_authorizer(&realm, authorizer)));
        self
    }

    /// The same by a procedure of the realm: see [`RouterHandle::set_authorizer_procedure`].
    pub fn authorizer_procedure(mut self, realm: Uri, procedure: impl Into<String>) -> Self {
        let procedure = procedure.into();
        self.deciders
            .authorizers
            .push(Box::new(move |router| router.set_authorizer_procedure(&realm, procedure)));
        self
    }
}

/// Those who decide where the rules do not.
pub(super) struct Deciders {
    asked: Vec<(String, Vec<Method>, Asked)>,
    timeout: Duration,
    authorizers: Vec<Appoint>,
}

/// Sets an authorizer once there is a router.
type Appoint = Box<dyn FnOnce(&RouterHandle) + Send>;

/// Who is to be asked, as the application says it.
enum Asked {
    Code(Arc<dyn Authenticator>),
    Procedure(String, String),
}

impl Default for Deciders {
    fn default() -> Self {
        Self { asked: Vec::new(), timeout: Duration::from_secs(5), authorizers: Vec::new() }
    }
}

impl Deciders {
    /// Has the rules ask those who decide who may join.
    pub(super) fn authenticators(&mut self, config: &mut Config) -> Result<Authenticators, InvalidUri> {
        let mut of_realms = Vec::new();
        for (realm, methods, asked) in self.asked.drain(..) {
            let realm: Uri = realm.parse()?;
            let mut rules = config.authentication.iter_mut();
            match rules.find(|rule| rule.realm.as_ref() == Some(&realm) && rule.listener.is_none()) {
                Some(rule) => {
                    rule.methods.extend(methods);
                    rule.ask = true;
                }
                None => config.authentication.push(Authentication::new(methods).realm(realm.clone()).ask()),
            }
            of_realms.push((realm, asked.decider()?));
        }
        Ok(Authenticators { of_realms, timeout: self.timeout })
    }

    /// Sets those who decide what sessions may do.
    pub(super) fn appoint(self, router: &RouterHandle) {
        self.authorizers.into_iter().for_each(|appoint| appoint(router));
    }
}

impl Asked {
    fn decider(self) -> Result<Decider, InvalidUri> {
        Ok(match self {
            Self::Code(code) => Decider::Code(code),
            Self::Procedure(procedure, within) => {
                Decider::Procedure(Arc::new(ProcedureAuthenticator::new(procedure.parse()?, within.parse()?)))
            }
        })
    }
}
