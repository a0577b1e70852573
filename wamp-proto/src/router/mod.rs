//! A whole WAMP router as a state machine without I/O: many connections, realms, broker and dealer.

mod accept;
mod admission;
mod authenticate;
mod authentication;
mod authorize;
mod broker;
mod closing;
mod config;
mod dealer;
mod event;
mod index;
mod link;
mod meta;
mod passthru;
mod permissions;
#[cfg(feature = "planted-bugs")]
mod planted;
mod queue;
mod rate;
mod realm;
mod realms;
mod reconfigure;
mod state;
mod tap;
mod timers;
mod timestamp;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

pub use authentication::{Authentication, Principal, Question, Verdict};
pub use authorize::{Authorization, AuthorizationId, Permission, Ruling};
pub use config::{
    Config, Disclosure, HistoryRule, MetaAccess, RealmSettings, RealmTemplate, SlowSubscriber, TrustRule,
};
pub use event::{Counts, Denial, Event, Limit, RealmCounts, Totals};
pub use permissions::{
    Access, Explanation, RealmPermissions, Reason, Right, Rights, RolePermissions, Rule, UnknownRight,
};
#[cfg(feature = "planted-bugs")]
pub use planted::Bug;
pub use rate::Rate;
pub use reconfigure::Changes;
pub use state::State;
pub use timers::{Deadline, Timeout};
pub use timestamp::format as rfc3339;

use crate::{
    channel::Channel,
    codec::Encoding,
    dict::Dict,
    error::{Closed, Violation},
    id::{RandomIds, RegistrationId, RequestId, SessionId},
    limits::Limits,
    map::{IdMap, Seeded},
    message::{Message, MessageKind, Role},
    time::Instant,
    uri::{Uri, uris},
};
use broker::Broker;
use dealer::Dealer;
use link::{Links, Peer};
use rate::Bucket;
use realm::{Realm, Settings};
use realms::{RealmId, Realms};

/// A connection, from [`Router::open`] until its transport is gone. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    index: usize,
    generation: u32,
}

impl ConnectionId {
    /// The connection's place in a table: small, and used again once the connection is gone.
    pub fn index(self) -> usize {
        self.index
    }
}

/// What the transport has found out about a new connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The serializer that was negotiated.
    pub encoding: Encoding,
    /// The largest message that the client accepts (W-73).
    pub send_limit: usize,
    /// How far its calls are trusted; `None` is [`Config::trust_level`] (R-111).
    pub trust_level: Option<u64>,
    /// What is under it.
    pub channel: Channel,
    /// Who is at the other end, when that needs no proof.
    pub known_as: Option<Grant>,
}

impl Opened {
    /// A connection that speaks `encoding` and takes messages up to 16 MiB.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            send_limit: Limits::MAX_MESSAGE_SIZE,
            trust_level: None,
            channel: Channel::default(),
            known_as: None,
        }
    }

    /// With the largest message that the client accepts, in bytes.
    #[must_use]
    pub fn send_limit(mut self, bytes: usize) -> Self {
        self.send_limit = bytes;
        self
    }

    /// With a trust level of its own.
    #[must_use]
    pub fn trust_level(mut self, level: u64) -> Self {
        self.trust_level = Some(level);
        self
    }

    /// With what is known about the connection.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }

    /// Somebody who needs not prove who it is: a client within this process. It joins as this one when it offers
    /// `anonymous`, or no method at all; its authmethod is `trusted`, and an empty authid is made up.
    #[must_use]
    pub fn known_as(mut self, grant: Grant) -> Self {
        self.known_as = Some(grant);
        self
    }
}

/// Who somebody is to a realm: what authentication ends with (A-03, A-91).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Grant {
    /// The name.
    pub authid: String,
    /// The role.
    pub authrole: String,
    /// Who says so. Default `static`: the configuration.
    pub authprovider: String,
    /// What the client is told besides.
    pub authextra: Option<Dict>,
}

impl Grant {
    /// This name in this role.
    pub fn new(authid: impl Into<String>, authrole: impl Into<String>) -> Self {
        let (authid, authrole) = (authid.into(), authrole.into());
        Self { authid, authrole, authprovider: "static".to_owned(), authextra: None }
    }

    /// Somebody within the router's own process: the role `trusted`, and a name of its own for each session.
    pub fn trusted() -> Self {
        Self::new("", "trusted")
    }

    /// As this provider says.
    #[must_use]
    pub fn provider(mut self, authprovider: impl Into<String>) -> Self {
        self.authprovider = authprovider.into();
        self
    }
}

/// What to do with a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send this frame.
    Send(Bytes),
    /// Flush what was sent and drop the transport, then call [`Router::handle_eof`].
    Close,
}

/// The router: realms, broker and dealer for any number of connections.
///
/// # Method families
///
/// * **The world** tells what happened; these cannot fail: [`open`](Self::open), [`handle_frame`](Self::handle_frame)
///   or, for frames that were decoded elsewhere, [`handle_message`](Self::handle_message),
///   [`handle_eof`](Self::handle_eof), [`handle_timeout`](Self::handle_timeout).
/// * **Whoever runs it** wishes something: [`shutdown`](Self::shutdown), [`reconfigure`](Self::reconfigure),
///   [`revoke_registration`](Self::revoke_registration); or answers a question, with [`decide`](Self::decide) who may join
///   and with [`authorize`](Self::authorize) what a session may do.
/// * **Outputs**, in any order, after any input: [`poll_ready`](Self::poll_ready) names a connection that has output,
///   [`poll_transmit`](Self::poll_transmit) gives it, [`poll_event`](Self::poll_event) gives what is worth a log line, or
///   has to be decided, [`poll_question`](Self::poll_question) who wants to join and is not known,
///   [`poll_timeout`](Self::poll_timeout) the next deadline, [`wants_read`](Self::wants_read) whether to go on reading
///   from a connection.
///
/// # The loop
///
/// After each input: for each connection that `poll_ready` names, wake whoever writes to it; a connection is named once,
/// until `poll_transmit` has said `None` for it, and once more when its session ends ([`is_over`](Self::is_over)): what a
/// peer does not take in a while after that is not worth waiting for. After [`Action::Close`], drop the transport and call `handle_eof`.
///
/// ```
/// use wamp_proto::{Encoding, Instant, router::{Action, Config, Opened, Router}};
///
/// let mut router = Router::new(Config::new(["realm1".parse()?]), [7; 32]);
/// let now = Instant::ZERO;
/// let client = router.open(now, Opened::new(Encoding::Json));
/// router.handle_frame(now, client, (&br#"[1,"realm1",{"roles":{"caller":{}}}]"#[..]).into());
///
/// assert_eq!(router.poll_ready(), Some(client));
/// let Some(Action::Send(welcome)) = router.poll_transmit(client) else { panic!() };
/// assert!(welcome.starts_with(b"[2,"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Router {
    config: Arc<Config>,
    random: RandomIds,
    links: Links,
    realms: Realms,
    sessions: IdMap<SessionId, Peer>,
    questions: VecDeque<Question>,
    /// What makes those up who are not there.
    decoys: Seeded,
    /// The joins that may take place.
    joins: Bucket,
    /// How many decisions were asked for.
    asked: u64,
    shutting_down: bool,
}

impl Router {
    /// A router for the realms of `config`. Every id that it draws comes from `seed`: take it from a secure random source,
    /// or from a test.
    pub fn new(mut config: Config, seed: [u8; 32]) -> Self {
        config.complete();
        let mut random = RandomIds::new(seed);
        let hash = Seeded::new(random.seed());
        let config = Arc::new(config);
        let realms = Realms::new(config.clone(), hash, &mut random);
        Self {
            links: Links::new(config.clone(), hash),
            config,
            random,
            realms,
            sessions: IdMap::default(),
            questions: VecDeque::new(),
            decoys: hash,
            joins: Bucket::default(),
            asked: 0,
            shutting_down: false,
        }
    }

    /// A connection was opened by a client; HELLO must come next, in time.
    pub fn open(&mut self, now: Instant, opened: Opened) -> ConnectionId {
        let id = self.links.open(now, opened);
        if self.shutting_down {
            self.refuse_while_shutting_down(now, id);
        }
        id
    }

    /// A frame came: one serialized message.
    pub fn handle_frame(&mut self, now: Instant, from: ConnectionId, frame: Bytes) {
        let Some(link) = self.links.find(from).and_then(|peer| self.links.get(peer)) else { return };
        let message = Message::decode(link.encoding, &frame, &self.config.limits);
        self.handle_message(now, from, message);
    }

    /// A frame came that was decoded already, with [`Message::decode`] under this router's limits: so that many
    /// connections can decode at once, and only the routing step needs the router.
    pub fn handle_message(&mut self, now: Instant, from: ConnectionId, message: Result<Message, Violation>) {
        let Some(peer) = self.links.find(from) else { return };
        let Some(state) = self.links.get(peer).map(|link| link.state) else { return };
        self.links.meter(now, peer);
        match message {
            // Nothing more is processed after the end (S-41); S-27: nor looked at while we leave.
            _ if state == State::Closed => {}
            Err(_) if state == State::Leaving => {}
            Err(violation) => self.violate(now, peer, violation),
            Ok(message) => {
                if let Some(message) = self.links.hold(peer, message) {
                    self.receive(now, peer, state, message);
                }
            }
        }
        self.reap(now);
    }

    /// The transport of a connection has ended, or was dropped after [`Action::Close`]; `why` is a text for people. The
    /// connection's id is void from now on.
    pub fn handle_eof(&mut self, now: Instant, from: ConnectionId, why: &str) {
        if let Some(peer) = self.links.find(from) {
            self.end(now, peer, Closed::Lost(why.to_owned()));
            self.links.remove(peer);
            self.reap(now);
        }
    }

    /// Time has passed. Does nothing when no deadline is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(deadline) = self.links.timers.pop(now) {
            let Some(peer) = self.links.find(deadline.connection) else { continue };
            match deadline.why {
                Timeout::Hello => {
                    self.refuse(now, peer, uris::error::TIMEOUT, "HELLO did not come in time".to_owned());
                }
                Timeout::Authenticate => self.abort(now, peer, Closed::AuthTimeout),
                Timeout::Close => self.end(now, peer, Closed::CloseTimeout),
                Timeout::Stall => self.links.check_stall(now, peer),
                Timeout::Authorization => self.authorization_timed_out(now, peer),
                Timeout::Throttle => self.links.unthrottle(peer),
                Timeout::Call(request) => self.call_timed_out(now, peer, request),
            }
        }
        self.reap(now);
    }

    /// Ends a registration, whatever its callees want; those that announced `registration_revocation` are told, with the
    /// `reason` (R-71..R-73). Invocations on their way are answered as ever. Returns whether there was such a registration.
    pub fn revoke_registration(
        &mut self,
        now: Instant,
        realm: &Uri,
        registration: RegistrationId,
        reason: Option<&str>,
    ) -> bool {
        let Some(place) = self.realms.find(realm) else { return false };
        // Nobody asks for it; whoever is served has its own place.
        let Some((_, dealer, mut context)) = self.context(now, Peer::MAX, place) else { return false };
        let revoked = dealer.revoke(&mut context, registration, reason);
        self.publish_meta(now, place);
        self.reap(now);
        revoked
    }

    /// The next connection that has output.
    pub fn poll_ready(&mut self) -> Option<ConnectionId> {
        self.links.poll_ready()
    }

    /// The next thing to do with a connection; `None` until [`poll_ready`](Self::poll_ready) names it again.
    pub fn poll_transmit(&mut self, to: ConnectionId) -> Option<Action> {
        self.links.poll_transmit(to)
    }

    /// The next thing worth a log line, or to be decided. Decisions come first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.links.poll_event()
    }

    /// The next question about somebody who wants to join, where the configuration says to ask. It is answered with
    /// [`decide`](Self::decide), in [`Config::auth_timeout`]; a connection has one at most.
    pub fn poll_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// The earliest deadline: call [`handle_timeout`](Self::handle_timeout) then.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.links.timers.next()
    }

    /// Whether to go on reading from a connection: false while it does not take what is queued for it, has sent too much,
    /// or too much of it waits for a decision; and after its session has ended.
    pub fn wants_read(&self, from: ConnectionId) -> bool {
        self.links.wants_read(from)
    }

    /// Whether a connection is there: from [`open`](Self::open) to [`handle_eof`](Self::handle_eof).
    pub fn contains(&self, connection: ConnectionId) -> bool {
        self.links.find(connection).is_some()
    }

    /// Whether nothing more is read from a connection, for good: its session has ended, or it is not there. What is queued
    /// for it may still be sent.
    pub fn is_over(&self, connection: ConnectionId) -> bool {
        self.links.is_over(connection)
    }

    /// Whether there is no connection at all.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// What the router holds at the moment.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.links.count(&mut counts);
        for realm in self.realms.iter() {
            let here = realm.counts();
            counts.template_realms =
                counts.template_realms.saturating_add(usize::from(realm.template.is_some()));
            counts.subscriptions = counts.subscriptions.saturating_add(here.subscriptions);
            counts.retained = counts.retained.saturating_add(here.retained);
            counts.registrations = counts.registrations.saturating_add(here.registrations);
        }
        counts
    }

    /// What each realm holds at the moment, in the order of their places.
    pub fn realm_counts(&self) -> impl Iterator<Item = (&Uri, RealmCounts)> {
        self.realms.iter().map(|realm| (&realm.name, realm.counts()))
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn call_timed_out(&mut self, now: Instant, peer: Peer, request: RequestId) {
        let Some(realm) = self.realm_of(peer) else { return };
        if let Some((_, dealer, mut context)) = self.context(now, peer, realm) {
            dealer.time_out(&mut context, request);
        }
    }

    fn receive(&mut self, now: Instant, peer: Peer, state: State, message: Message) {
        let kind = message.kind();
        if state.next(kind).is_none() {
            let violation = Violation::Unexpected { message: kind, state: state.describe() };
            return self.violate(now, peer, violation);
        }
        if self.links.is_tapped(peer) {
            self.links.show_message(now, peer, &message);
        }
        match message {
            Message::Abort(abort) => {
                let why = Closed::Aborted {
                    reason: abort.reason,
                    message: abort.details.message,
                    joined: matches!(state, State::Open | State::Leaving),
                };
                self.end(now, peer, why);
            }
            Message::Goodbye(goodbye) => self.receive_goodbye(now, peer, state, goodbye),
            _ if state == State::Leaving => {}
            Message::Hello(hello) => self.receive_hello(now, peer, hello),
            Message::Authenticate(answer) => self.receive_authenticate(now, peer, &answer),
            message => self.route(now, peer, message),
        }
    }

    /// A message of an open session, if it keeps to the rules: what it wants may depend on its permissions.
    fn route(&mut self, now: Instant, from: Peer, message: Message) {
        if let Err(violation) = self.check_request(from, &message) {
            return self.violate(now, from, violation);
        }
        self.consider(now, from, message);
    }

    /// Most may do everything.
    fn consider(&mut self, now: Instant, from: Peer, message: Message) {
        if self.links.get(from).is_some_and(|link| link.guard.is_some()) {
            self.guard(now, from, message);
        } else {
            self.serve(now, from, message);
        }
    }

    /// What the session may do.
    fn serve(&mut self, now: Instant, from: Peer, message: Message) {
        let realm = self.realm_of(from);
        #[cfg(feature = "planted-bugs")]
        let realm = match message {
            Message::Publish(_) if self.config.has(Bug::EventCrossesRealms) => {
                self.realms.ids().first().copied()
            }
            _ => realm,
        };
        let Some(realm) = realm else { return };
        let Some((broker, dealer, mut context)) = self.context(now, from, realm) else { return };
        let mut own = None;
        let handled = match message {
            Message::Publish(publish) => broker.publish(&mut context, publish),
            Message::Subscribe(subscribe) => broker.subscribe(&mut context, subscribe),
            Message::Unsubscribe(unsubscribe) => broker.unsubscribe(&mut context, &unsubscribe),
            Message::Call(call) => dealer.call(&mut context, call).map(|call| own = call),
            Message::Cancel(cancel) => dealer.cancel(&mut context, &cancel),
            Message::Register(register) => dealer.register(&mut context, register),
            Message::Unregister(unregister) => dealer.unregister(&mut context, &unregister),
            Message::Yield(answer) => dealer.yield_(&mut context, answer),
            Message::Error(error) => dealer.error(&mut context, error),
            // The table of states refused all others.
            _ => Ok(()),
        };
        self.publish_meta(now, realm);
        if let Some(call) = own {
            self.call_meta(now, from, &call);
        }
        if let Err(violation) = handled {
            self.violate(now, from, violation);
        }
    }

    /// The place of the realm that a session is in.
    fn realm_of(&self, peer: Peer) -> Option<RealmId> {
        self.links.get(peer).and_then(|link| link.identity.as_deref()).map(|identity| identity.realm)
    }

    /// A realm, and what its broker and dealer need besides.
    fn context(
        &mut self,
        now: Instant,
        from: Peer,
        realm: RealmId,
    ) -> Option<(&mut Broker, &mut Dealer, Context<'_>)> {
        let Self { config, links, sessions, random, realms, .. } = self;
        let Realm { broker, dealer, meta, settings, .. } = realms.get_mut(realm)?;
        Some((broker, dealer, Context { now, from, config, settings, links, sessions, random, meta }))
    }

    /// A request needs the role it belongs to (M-49) and, if the router insists, the next id in sequence (I-09).
    fn check_request(&mut self, from: Peer, message: &Message) -> Result<(), Violation> {
        let kind = message.kind();
        let role = match kind {
            MessageKind::Publish => Role::Publisher,
            MessageKind::Subscribe | MessageKind::Unsubscribe => Role::Subscriber,
            MessageKind::Call | MessageKind::Cancel => Role::Caller,
            _ => Role::Callee,
        };
        let Some(link) = self.links.get_mut(from) else { return Ok(()) };
        if !link.identity.as_ref().is_some_and(|identity| identity.roles.has(role)) {
            return Err(Violation::RoleNotAnnounced { message: kind, role });
        }
        let request = match message {
            Message::Publish(message) => message.request,
            Message::Subscribe(message) => message.request,
            Message::Unsubscribe(message) => message.request,
            Message::Call(message) => message.request,
            Message::Register(message) => message.request,
            Message::Unregister(message) => message.request,
            _ => return Ok(()),
        };
        if self.config.strict_request_ids && !link.continues(message) {
            let expected = link.requests.peek();
            if request.get() != expected {
                return Err(Violation::RequestId { message: kind, expected, found: request.get() });
            }
            link.requests = crate::id::SequentialIds::after(expected);
        }
        Ok(())
    }
}

/// What broker and dealer need to serve one message.
struct Context<'a> {
    now: Instant,
    from: Peer,
    config: &'a Config,
    /// Those of the realm.
    settings: &'a Settings,
    links: &'a mut Links,
    /// Who is where, in all realms.
    sessions: &'a IdMap<SessionId, Peer>,
    random: &'a mut RandomIds,
    meta: &'a mut meta::Pending,
}

impl Context<'_> {
    /// The same, to serve something of another session.
    fn of(&mut self, from: Peer) -> Context<'_> {
        let Self { now, config, settings, links, sessions, random, meta, .. } = self;
        Context { now: *now, from, config, settings, links, sessions, random, meta }
    }
}
