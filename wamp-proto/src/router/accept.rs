//! Opening at the router: HELLO, WELCOME, refusals (S-01..S-13, S-36).

use super::{
    Event, Grant, MetaAccess, Router,
    authenticate::Joining,
    link::{Class, Identity, Peer, Sent},
    realms::RealmId,
    state::State,
};
use crate::{
    dict::Dict,
    error::{Closed, Violation},
    id::SessionId,
    message::{Feature, Features, Hello, MessageKind, Role, Roles, Welcome, WelcomeDetails},
    time::Instant,
    uri::{Uri, check_length, uris},
};

impl Router {
    pub(super) fn receive_hello(&mut self, now: Instant, peer: Peer, hello: Hello) {
        if let Err((reason, text)) = self.check_join_rate(now, peer) {
            return self.refuse(now, peer, reason, text);
        }
        match self.admit(&hello) {
            Ok(()) => {}
            Err(Refusal::Violation(violation)) => return self.violate(now, peer, violation),
            Err(Refusal::Reason(reason, message)) => return self.refuse(now, peer, reason, message),
        }
        self.links.stop_deadline(peer);
        self.authenticate(now, peer, hello);
    }

    /// Opens the session: this is who the client is from now on. `proof` is what the method ends with.
    pub(super) fn welcome(
        &mut self,
        now: Instant,
        peer: Peer,
        joining: Joining,
        authmethod: &str,
        grant: Grant,
        proof: Option<Dict>,
    ) {
        let Joining { session, hello, .. } = joining;
        if self.sessions.contains_key(&session) {
            // Somebody else drew the same of 2^53 meanwhile.
            let text = "try again".to_owned();
            return self.refuse(now, peer, uris::error::AUTHENTICATION_FAILED, text);
        }
        // Only now: nobody makes a realm who may not join it.
        let entered = self.enter(peer, &hello.realm, &grant.authid);
        let realm = match entered {
            Ok(realm) => realm,
            Err((reason, text)) => return self.refuse(now, peer, reason, text),
        };
        self.links.stop_deadline(peer);
        let authid = grant.authid.clone();
        #[cfg(feature = "cryptosign")]
        let key = crate::auth::public_key(&hello.details).map(Box::new);
        let identity = Identity {
            session,
            realm,
            roles: hello.details.roles,
            authid: grant.authid,
            authrole: grant.authrole,
            authmethod: authmethod.to_owned(),
            authprovider: grant.authprovider,
            #[cfg(feature = "cryptosign")]
            key,
        };
        let mut authextra = grant.authextra.unwrap_or_default();
        authextra.extend(proof.into_iter().flatten());
        let mut welcome = self.welcome_message(&identity);
        welcome.details.authextra = Some(authextra).filter(|extra| !extra.is_empty());
        let Some(link) = self.links.get_mut(peer) else { return };
        link.state = State::Open;
        link.identity = Some(Box::new(identity));
        self.sessions.insert(session, peer);
        if self.send_welcome(now, peer, welcome) != Sent::Queued {
            let text = "WELCOME is larger than the client accepts";
            return self.refuse(now, peer, uris::error::PAYLOAD_SIZE_EXCEEDED, text.to_owned());
        }
        self.joined(now, peer);
        self.links.tell(Event::Joined {
            connection: self.links.id(peer),
            session,
            realm: hello.realm,
            authid,
        });
    }

    fn welcome_message(&self, identity: &Identity) -> Welcome {
        let details = WelcomeDetails {
            roles: self.announced(identity.realm),
            agent: self.config.agent.clone(),
            authid: Some(identity.authid.clone()),
            authrole: Some(identity.authrole.clone()),
            authmethod: Some(identity.authmethod.clone()),
            authprovider: Some(identity.authprovider.clone()),
            ..WelcomeDetails::default()
        };
        Welcome { session: identity.session, details }
    }

    /// What this router can do in a realm (F-42: nothing that does not work).
    fn announced(&self, realm: RealmId) -> Roles {
        let config = &self.config;
        let history = self.realms.get(realm).is_some_and(|realm| realm.broker.has_history());
        let meta = config.meta_api != MetaAccess::Nothing;
        let set = |features: &[(Feature, bool)]| {
            let announced = features.iter().filter(|(_, works)| *works);
            announced.fold(Features::NONE, |set, (feature, _)| set.with(*feature))
        };
        let broker = set(&[
            (Feature::PayloadPassthruMode, true),
            (Feature::PublisherExclusion, true),
            (Feature::SubscriberBlackwhiteListing, true),
            (Feature::PublisherIdentification, true),
            (Feature::PublicationTrustlevels, true),
            (Feature::PatternBasedSubscription, true),
            (Feature::SubscriptionRevocation, true),
            (Feature::EventRetention, config.max_retained > 0),
            (Feature::EventHistory, history && meta),
            // X-03, T-58: on both.
            (Feature::SessionMetaApi, meta),
            (Feature::SubscriptionMetaApi, meta),
        ]);
        let dealer = set(&[
            (Feature::PayloadPassthruMode, true),
            (Feature::ProgressiveCallResults, true),
            (Feature::ProgressiveCallInvocations, true),
            (Feature::CallTimeout, true),
            (Feature::CallCanceling, true),
            (Feature::CallerIdentification, true),
            (Feature::CallTrustlevels, true),
            (Feature::PatternBasedRegistration, true),
            (Feature::SharedRegistration, true),
            (Feature::RegistrationRevocation, true),
            (Feature::CallReroute, true),
            (Feature::SessionMetaApi, meta),
            (Feature::RegistrationMetaApi, meta),
            (Feature::TestamentMetaApi, meta && config.max_testaments > 0),
        ]);
        Roles::NONE.with(Role::Broker, broker).with(Role::Dealer, dealer)
    }

    /// To a peer that takes very small messages only, a router of the basic profile: its features fill half a kilobyte.
    fn send_welcome(&mut self, now: Instant, peer: Peer, mut welcome: Welcome) -> Sent {
        match self.links.send(now, peer, Class::Reply, welcome.clone()) {
            Sent::TooLarge => {
                let basic = |roles: Roles, role| roles.with(role, Features::NONE);
                welcome.details.roles = Role::ROUTER.into_iter().fold(Roles::NONE, basic);
                self.links.send(now, peer, Class::Reply, welcome)
            }
            sent => sent,
        }
    }

    /// Whether there is, or may be, the realm of HELLO.
    fn admit(&self, hello: &Hello) -> Result<(), Refusal> {
        let roles = hello.details.roles;
        // I-33: before there is a session, a bad URI is answered by ABORT.
        let checked = check_length(&hello.realm, self.config.limits.uri_length)
            .and_then(|()| self.config.uri_rule.check(&hello.realm));
        if let Err(error) = checked {
            return Err(Refusal::Reason(uris::error::INVALID_URI, error.to_string()));
        }
        if !Role::CLIENT.into_iter().any(|role| roles.has(role)) {
            return Err(Refusal::Violation(Violation::NoRoles { message: MessageKind::Hello }));
        }
        self.realms.like(&hello.realm).map(drop).map_err(|(reason, text)| Refusal::Reason(reason, text))
    }

    /// A session id that no live session has (I-12, fault 46).
    pub(super) fn draw_session(&mut self) -> SessionId {
        loop {
            let session = self.random.draw();
            if !self.sessions.contains_key(&session) {
                return session;
            }
        }
    }

    pub(super) fn refuse(&mut self, now: Instant, peer: Peer, reason: &'static str, message: String) {
        let why = Closed::Refused { reason: Uri::unchecked(reason), message: Some(message) };
        self.abort(now, peer, why);
    }
}

/// Why a HELLO is not answered by WELCOME.
enum Refusal {
    Violation(Violation),
    Reason(&'static str, String),
}
