//! The real router beside the model: one operation at a time, and what every client receives compared.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use wamp_proto::{
    Encoding, Instant, Match, Pattern, Uri,
    id::SessionId,
    message::{self, Message, Role, Roles},
    router::{Action, Config, ConnectionId, Counts, HistoryRule, Opened, Router, SlowSubscriber},
    transport::rawsocket::{self, RawSocket},
    uri::UriRule,
};

use super::{
    Expected, HELLO_TIMEOUT, Knows, Model, Operation, Phase, STALL_TIMEOUT, Sizes,
    broker::identity,
    check::{Ids, Kind, payload},
};
use crate::random::Random;

/// How the router is driven; none of it may change what a client receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drive {
    /// Frames travel as RawSocket bytes, one at a time.
    pub bytes: bool,
    /// The connections are polled from the last to the first.
    pub backwards: bool,
    /// Events, deadlines and counts are asked for all the time.
    pub curious: bool,
}

/// What a trial has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Operations.
    pub operations: u64,
    /// Messages in both directions.
    pub messages: u64,
    /// A digest of all that each client received, and when.
    pub digest: [u64; 8],
}

/// One random run of the router beside the model.
#[derive(Debug)]
pub struct Trial {
    pub(super) model: Model,
    router: Router,
    random: Random,
    drive: Drive,
    pub(super) clients: Vec<Connection>,
    pub(super) ids: Ids,
    /// The router's sessions and their authids, by the numbers of the model.
    pub(super) sessions: HashMap<u64, (SessionId, String)>,
    opened: u64,
    figures: Figures,
    last: Vec<Operation>,
}

#[derive(Debug)]
pub(super) struct Connection {
    id: Option<ConnectionId>,
    pub(super) encoding: Encoding,
    sockets: Option<Box<(RawSocket, RawSocket)>>,
    ready: bool,
}

/// Operations that a report shows.
const SHOWN: usize = 40;

impl Trial {
    /// Everything in it depends on the seed, but for what `change` does to the router's settings.
    pub fn new(seed: u64, drive: Drive, change: impl FnOnce(&mut Config)) -> Self {
        let mut random = Random::new(seed);
        let sizes = Sizes {
            subscriptions: 2 + random.below(8),
            registrations: 1 + random.below(6),
            calls: 1 + random.below(6),
            invocations: 1 + random.below(8),
            testaments: 1 + random.below(4),
            retained: 2 + random.below(8),
            waiting: 1 + random.below(4),
            late: 1 + random.below(4),
            force: random.one_in(2),
            forwards: random.one_in(5),
            queue: 3 + random.below(40),
            drop_events: random.one_in(2),
            strict: random.one_in(4),
            busy: random.one_in(2),
        };
        let mut config = Config::new(["realm0", "realm1"].map(Uri::unchecked));
        config.max_subscriptions = sizes.subscriptions;
        config.max_registrations = sizes.registrations;
        config.max_calls = sizes.calls;
        config.max_invocations = sizes.invocations;
        config.max_waiting_calls = sizes.waiting;
        config.max_late_calls = sizes.late;
        config.allow_force_reregister = sizes.force;
        config.always_forward_timeout = sizes.forwards;
        config.queue_messages = sizes.queue;
        config.max_testaments = sizes.testaments;
        config.max_retained = sizes.retained;
        config.strict_request_ids = sizes.strict;
        config.hello_timeout = HELLO_TIMEOUT;
        config.stall_timeout = STALL_TIMEOUT;
        config.slow_subscriber = if sizes.drop_events { SlowSubscriber::Drop } else { SlowSubscriber::Close };
        let mut kept = Vec::new();
        for (realm, kind, uri) in
            [(0, Match::Exact, "a.b"), (0, Match::Prefix, "a"), (1, Match::Wildcard, "..")]
        {
            let pattern = Pattern::new(UriRule::Loose, kind, uri).unwrap();
            let mut rule = HistoryRule::new(config.realms[realm].clone(), pattern);
            rule.max_events = 1 + random.below(6);
            kept.push((realm, kind, uri, rule.max_events));
            config.history.push(rule);
        }
        change(&mut config);
        let count = 2 + random.below(7);
        let seed = random.seed();
        let router = Router::new(config, seed);
        let vacant = || Connection { id: None, encoding: Encoding::Json, sockets: None, ready: false };
        let (mut model, mut ids) = (Model::new(sizes, count, seed), Ids::default());
        let mut places = [0, 0];
        for (realm, kind, uri, max) in kept {
            // The first ones of their realm.
            places[realm] += 1;
            let subscription = model.keep_history(realm, kind, uri, max);
            ids.learn(Kind::Subscription, realm, subscription, places[realm]);
        }
        Self {
            model,
            router,
            random,
            drive,
            clients: (0..count).map(|_| vacant()).collect(),
            ids,
            sessions: HashMap::new(),
            opened: 0,
            figures: Figures::default(),
            last: Vec::new(),
        }
    }

    /// Goes on until this many messages have passed, then lets everybody go.
    ///
    /// # Errors
    ///
    /// Where router and model differ, with the operations before it.
    pub fn run(mut self, messages: u64) -> Result<Figures, String> {
        while self.figures.messages < messages {
            self.step().map_err(|difference| self.report(&difference))?;
        }
        self.finish().map_err(|difference| self.report(&difference))?;
        Ok(self.figures)
    }

    fn report(&self, difference: &str) -> String {
        let operations = self.last.iter().map(|operation| format!("  {operation:?}\n")).collect::<String>();
        format!(
            "after {} operations:\n{operations}{difference}\n{:?}",
            self.figures.operations, self.model.sizes
        )
    }

    fn step(&mut self) -> Result<(), String> {
        let operation = self.model.choose(&mut self.random);
        if self.last.len() >= SHOWN {
            self.last.remove(0);
        }
        self.last.push(operation.clone());
        self.figures.operations += 1;
        self.apply(operation);
        self.compare()
    }

    fn now(&self) -> Instant {
        Instant::from_origin(self.model.now)
    }

    /// Does the same to both.
    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Open { client, encoding } => self.open(client, encoding),
            Operation::Cut { client } => {
                self.close(client);
                self.model.cut(client);
            }
            Operation::Stall { client } => self.model.clients[client].stalled = true,
            Operation::Unstall { client } => self.model.clients[client].stalled = false,
            Operation::Advance { time } => self.advance(time),
            Operation::Freeze { time } => self.freeze(time),
            Operation::Revoke { registration } => self.revoke(registration),
            Operation::Garbage { client, variety } => {
                let frame = garbage(variety);
                self.deliver(client, frame);
                self.model.violate(client);
            }
            operation => self.exchange(&operation),
        }
    }

    fn open(&mut self, client: usize, encoding: Encoding) {
        let id = self.router.open(self.now(), Opened::new(encoding));
        let sockets = self.drive.bytes.then(|| Box::new(handshake(encoding)));
        self.clients[client] = Connection { id: Some(id), encoding, sockets, ready: false };
        self.opened += 1;
        self.model.open(client, (id.index(), self.opened));
    }

    fn close(&mut self, client: usize) {
        let now = self.now();
        if let Some(id) = self.clients[client].id.take() {
            self.router.handle_eof(now, id, "");
        }
    }

    /// Time passes, and the router keeps each of its deadlines.
    fn advance(&mut self, time: Duration) {
        let end = self.model.now + time;
        loop {
            let deadline = self.router.poll_timeout().map(|deadline| deadline.at.since_origin());
            match deadline.filter(|deadline| *deadline < end) {
                Some(deadline) => self.freeze(deadline.saturating_sub(self.model.now)),
                None => return self.freeze(end - self.model.now),
            }
        }
    }

    /// Time passes, and nobody is there.
    fn freeze(&mut self, time: Duration) {
        self.model.advance(time);
        self.router.handle_timeout(self.now());
    }

    /// The router ends a registration; one that nobody has heard of cannot be named.
    fn revoke(&mut self, registration: u64) {
        let entry = self.model.registrations.iter().find(|entry| entry.id == registration);
        let Some(realm) = entry.map(|entry| entry.pattern.realm) else { return };
        let Some(id) = self.ids.get(Kind::Registration, realm, registration) else { return };
        let realm = Uri::unchecked(["realm0", "realm1"][realm]);
        self.router.revoke_registration(self.now(), &realm, id.try_into().unwrap(), None);
        self.model.revoke(registration);
    }

    /// Sends one message to the router, and tells the model.
    fn exchange(&mut self, operation: &Operation) {
        let Some((client, request, message)) = self.message(operation) else { return };
        let Ok(frame) = message.encode(self.clients[client].encoding) else { return };
        self.deliver(client, frame);
        let known = matches!(self.model.clients[client].phase, Phase::Open);
        let goes_on = match *operation {
            Operation::Call { client, request, procedure, .. } => {
                self.model.continues(client, request, procedure)
            }
            _ => false,
        };
        match request {
            Some(request) if known && !goes_on && !self.model.is_in_order(client, request) => {
                self.model.violate(client);
            }
            _ => self.tell_model(operation),
        }
    }

    fn tell_model(&mut self, operation: &Operation) {
        let model = &mut self.model;
        match *operation {
            Operation::Hello { client, realm, canceling, knows } => {
                model.hello(client, realm, canceling, knows);
            }
            Operation::Goodbye { client } => model.goodbye(client),
            Operation::Abort { client } => model.abort(client),
            Operation::Subscribe { client, request, kind, uri } => {
                model.subscribe(client, request, kind, uri);
            }
            Operation::Unsubscribe { client, request, subscription } => {
                model.unsubscribe(client, request, subscription);
            }
            Operation::Publish { client, request, topic, payload, options } => {
                model.publish(client, request, topic, payload, options);
            }
            Operation::Wish { client, request, ref wish } => model.grant(client, request, wish),
            Operation::Register { client, request, kind, uri, options } => {
                model.register(client, request, kind, uri, options);
            }
            Operation::Unregister { client, request, registration } => {
                model.unregister(client, request, registration);
            }
            Operation::Call { client, request, procedure, payload, options } => {
                model.call(client, request, procedure, payload, options);
            }
            Operation::Yield { client, .. } | Operation::Error { client, .. }
                if model.clients[client].phase == Phase::Waiting =>
            {
                model.violate(client);
            }
            Operation::Yield { client, invocation, payload, progress } => {
                model.yield_(client, invocation, payload, progress);
            }
            Operation::Error { client, invocation, error, payload } => {
                model.error(client, invocation, error, payload);
            }
            Operation::Cancel { client, request, mode } => model.cancel(client, request, mode),
            _ => {}
        }
    }

    fn deliver(&mut self, client: usize, frame: Bytes) {
        self.figures.messages += 1;
        let now = self.now();
        let Connection { id: Some(id), sockets, .. } = &mut self.clients[client] else { return };
        let Some(sockets) = sockets else { return self.router.handle_frame(now, *id, frame) };
        sockets.0.send(&frame).unwrap();
        let bytes = sockets.0.output().to_vec();
        sockets.0.advance(bytes.len());
        for byte in bytes {
            sockets.1.handle_bytes(&[byte]);
            while let Some(event) = sockets.1.poll_event() {
                if let rawsocket::Event::Frame(frame) = event {
                    self.router.handle_frame(now, *id, frame);
                }
            }
        }
    }

    /// Takes what the router has for everybody who reads, and compares.
    fn compare(&mut self) -> Result<(), String> {
        while let Some(id) = self.router.poll_ready() {
            if let Some(client) = self.clients.iter_mut().find(|client| client.id == Some(id)) {
                client.ready = true;
            }
        }
        let count = self.clients.len();
        for place in 0..count {
            let client = if self.drive.backwards { count - 1 - place } else { place };
            if self.drive.curious {
                while self.router.poll_event().is_some() {}
                self.router.poll_timeout();
                self.router.handle_timeout(self.now());
            }
            if self.clients[client].id.is_some() && !self.model.clients[client].stalled {
                self.compare_client(client)?;
            }
        }
        self.compare_counts()
    }

    fn compare_client(&mut self, client: usize) -> Result<(), String> {
        let Some(id) = self.clients[client].id else { return Ok(()) };
        let expected = self.model.take(client);
        let mut expected = expected.iter();
        let over = self.model.clients[client].phase == Phase::Closed;
        while self.clients[client].ready {
            match self.router.poll_transmit(id) {
                Some(Action::Send(frame)) => self.compare_frame(client, expected.next(), &frame)?,
                Some(Action::Close) if over => {
                    self.close(client);
                    self.model.cut(client);
                    break;
                }
                Some(Action::Close) => return Err(format!("client {client} is closed, and should not be")),
                None => self.clients[client].ready = false,
            }
        }
        if let Some(missing) = expected.next() {
            return Err(format!("client {client} does not receive {missing:?}"));
        }
        if over && self.clients[client].id.is_some() {
            return Err(format!("client {client} is not closed, and should be"));
        }
        Ok(())
    }

    fn compare_frame(
        &mut self,
        client: usize,
        expected: Option<&Expected>,
        frame: &Bytes,
    ) -> Result<(), String> {
        self.figures.messages += 1;
        let digest = &mut self.figures.digest[client % 8];
        for byte in frame {
            *digest = (*digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
        *digest ^= self.figures.operations;
        let encoding = self.clients[client].encoding;
        let realm = self.model.clients[client].realm;
        if let Some((Expected::Welcome, identity)) = expected.zip(identity(encoding, frame)) {
            self.sessions.insert(self.model.clients[client].session, identity);
        }
        let receiver = (self.model.clients[client].place.1, realm);
        if expected.is_some_and(|expected| self.ids.accept(expected, encoding, receiver, frame)) {
            return Ok(());
        }
        let found = wamp_proto::codec::transcode(encoding, frame, Encoding::Json).unwrap_or_default();
        Err(format!("client {client}: expected {expected:?}\n  found {}", String::from_utf8_lossy(&found)))
    }

    fn compare_counts(&self) -> Result<(), String> {
        let counts = self.router.counts();
        let open = self.model.clients.iter().filter(|client| client.phase == Phase::Open).count();
        let ours = (
            open,
            self.model.subscriptions.iter().filter(|entry| !entry.subscribers.is_empty()).count(),
            self.model.registrations.len(),
            self.model.calls.len(),
            self.model.dropped,
            self.model.retained.len(),
        );
        let theirs = (
            counts.sessions,
            counts.subscriptions,
            counts.registrations,
            counts.calls,
            counts.dropped_events,
            counts.retained,
        );
        if ours == theirs {
            return Ok(());
        }
        Err(format!(
            "sessions, subscriptions, registrations, calls, drops, retained: expected {ours:?}, found {theirs:?}"
        ))
    }

    /// The last sessions leave, one way or another: nothing may be left.
    fn finish(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            if self.clients[client].id.is_some() {
                self.close(client);
                self.model.cut(client);
                self.compare()?;
            }
        }
        let left = Counts::default();
        let mut counts = self.router.counts();
        (counts.dropped_events, counts.retained, counts.totals) =
            (left.dropped_events, left.retained, left.totals);
        match self.router.poll_timeout() {
            None if counts == left && self.router.is_empty() => Ok(()),
            deadline => Err(format!("left behind: {counts:?} {deadline:?}")),
        }
    }

    /// The sender, the request id if it is one in sequence, and the message.
    fn message(&self, operation: &Operation) -> Option<(usize, Option<u64>, Message)> {
        let text = |client: usize, number: usize| payload(number, self.clients[client].encoding).clone();
        let id = |number: u64| number.try_into().ok();
        Some(match *operation {
            Operation::Hello { client, realm, canceling, knows } => {
                (client, None, hello(realm, canceling, knows))
            }
            Operation::Goodbye { client } => (client, None, goodbye()),
            Operation::Abort { client } => (client, None, abort()),
            Operation::Subscribe { client, request, kind, uri } => {
                let options = message::SubscribeOptions { match_policy: Some(kind), ..Default::default() };
                let topic = Uri::unchecked(uri);
                (client, Some(request), message::Subscribe { request: id(request)?, options, topic }.into())
            }
            Operation::Unsubscribe { client, request, subscription } => {
                let subscription =
                    self.router_id(Kind::Subscription, client, subscription)?.try_into().ok()?;
                let message = message::Unsubscribe { request: id(request)?, subscription, options: None };
                (client, Some(request), message.into())
            }
            Operation::Publish { client, request, topic, payload, options: (acknowledge, exclude_me) } => {
                let exclude_me = (!exclude_me).then_some(false);
                let options = message::PublishOptions { acknowledge, exclude_me, ..Default::default() };
                let (topic, payload) = (Uri::unchecked(topic), text(client, payload));
                let message = message::Publish { request: id(request)?, options, topic, payload };
                (client, Some(request), message.into())
            }
            Operation::Wish { client, request, ref wish } => {
                (client, Some(request), self.wish_message(client, request, wish)?)
            }
            Operation::Register { client, request, kind, uri, options } => {
                let (options, procedure) = (options.written(kind), Uri::unchecked(uri));
                let message = message::Register { request: id(request)?, options, procedure };
                (client, Some(request), message.into())
            }
            Operation::Unregister { client, request, registration } => {
                let registration =
                    self.router_id(Kind::Registration, client, registration)?.try_into().ok()?;
                (client, Some(request), message::Unregister { request: id(request)?, registration }.into())
            }
            Operation::Call { client, request, procedure, payload, options } => {
                let (procedure, payload) = (Uri::unchecked(procedure), text(client, payload));
                let options = options.written();
                let message = message::Call { request: id(request)?, options, procedure, payload };
                (client, Some(request), message.into())
            }
            Operation::Yield { client, invocation, payload, progress } => {
                let payload = text(client, payload);
                let options = message::YieldOptions { progress, ..Default::default() };
                (client, None, message::Yield { request: id(invocation)?, options, payload }.into())
            }
            Operation::Error { client, invocation, error, payload } => {
                let message = message::Error {
                    request_kind: message::MessageKind::Invocation,
                    request: id(invocation)?,
                    details: message::ErrorDetails::default(),
                    error: Uri::unchecked(error),
                    payload: text(client, payload),
                };
                (client, None, message.into())
            }
            Operation::Cancel { client, request, mode } => {
                let options = message::CancelOptions { mode: Some(mode), ..Default::default() };
                (client, None, message::Cancel { request: id(request)?, options }.into())
            }
            _ => return None,
        })
    }

    /// The router's name for an id. One that exists but that nobody has been told of cannot be named.
    pub(super) fn router_id(&self, kind: Kind, client: usize, model: u64) -> Option<u64> {
        const UNKNOWN: u64 = 1 << 40;
        let realm = self.model.clients[client].realm;
        let exists = match kind {
            Kind::Subscription => self.model.subscriptions.iter().any(|entry| entry.id == model),
            _ => self.model.registrations.iter().any(|entry| entry.id == model),
        };
        match self.ids.get(kind, realm, model) {
            Some(id) => Some(id),
            None if exists && self.model.clients[client].stalled => None,
            None => Some(UNKNOWN + model),
        }
    }
}

fn handshake(encoding: Encoding) -> (RawSocket, RawSocket) {
    let mut config = rawsocket::Config::default();
    config.receive_limit = 1 << 24;
    let (mut client, mut server) = (RawSocket::client(encoding, &config), RawSocket::server(&config));
    server.handle_bytes(client.output());
    client.handle_bytes(server.output());
    for socket in [&mut client, &mut server] {
        socket.advance(usize::MAX);
        while socket.poll_event().is_some() {}
    }
    (client, server)
}

fn hello(realm: usize, canceling: bool, knows: Knows) -> Message {
    let canceling = canceling.then_some(message::Feature::CallCanceling);
    let features = knows.features().chain(canceling).fold(message::Features::NONE, message::Features::with);
    let roles = Role::CLIENT.into_iter().fold(Roles::NONE, |roles, role| roles.with(role, features));
    let details = message::HelloDetails { roles, ..message::HelloDetails::default() };
    message::Hello { realm: Uri::unchecked(["realm0", "realm1"][realm]), details }.into()
}

fn goodbye() -> Message {
    let details = message::ClosingDetails::default();
    message::Goodbye { details, reason: Uri::unchecked("wamp.close.close_realm") }.into()
}

fn abort() -> Message {
    let (details, payload) = (message::ClosingDetails::default(), wamp_proto::Payload::empty());
    message::Abort { details, reason: Uri::unchecked("com.example.broken"), payload }.into()
}

fn garbage(variety: usize) -> Bytes {
    let garbage: [&[u8]; super::operations::GARBAGE] =
        [b"", b"[", b"\x91\xc1", b"\x9f\x9f\x9f", b"garbage", b"[36,1,1,{}"];
    Bytes::from_static(garbage[variety])
}
