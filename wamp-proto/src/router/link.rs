//! One connection at the router, and the table of all of them.

mod stall;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use slab::Slab;

#[cfg(feature = "planted-bugs")]
use super::Bug;
use super::{
    Action, Config, ConnectionId, Counts, Denial, Event, Grant, Limit, Opened, SlowSubscriber, Totals,
    authenticate::Joining,
    authorize::{Decisions, Waiting},
    dealer::{LateParts, Ongoing, Origin},
    meta::Testaments,
    permissions::Guard,
    queue::Queue,
    rate::Bucket,
    realms::RealmId,
    state::State,
    tap::Tap,
    timers::{Timeout, Timers},
};

#[cfg(feature = "cryptosign")]
use crate::auth::cryptosign::PublicKey;
use crate::{
    channel::Channel,
    codec::Encoding,
    error::Closed,
    id::{RegistrationId, RequestId, SequentialIds, SessionId, SubscriptionId},
    map::{IdMap, IdSet, Seeded},
    message::{self, Encode, ErrorDetails, Feature, Message, MessageKind, Role, Roles},
    payload::Payload,
    time::Instant,
    uri::Uri,
};
use stall::Watch;

/// A connection, by its place in the table. Valid as long as the connection is there; whoever stores one removes it when
/// the session leaves.
pub(super) type Peer = usize;

/// One connection: its state, its session, what it waits for and what waits for it.
#[derive(Debug)]
pub(super) struct Link {
    generation: u32,
    pub(super) encoding: Encoding,
    send_limit: usize,
    /// How far this connection is trusted, if that is known.
    pub(super) trust_level: Option<u64>,
    /// What is under it, and who is known to be at the other end.
    pub(super) origin: Box<(Channel, Option<Grant>)>,
    pub(super) state: State,
    /// On the way to a session, while its client has to prove who it is.
    pub(super) joining: Option<Box<Joining>>,
    pub(super) identity: Option<Box<Identity>>,
    queue: Queue,
    /// The adapter was told that there is output, and has not taken all of it yet.
    notified: bool,
    /// It stands in the list of those that have output.
    named: bool,
    /// Nothing more is read from a peer that does not take its answers.
    reading: bool,
    /// The deadline of HELLO, AUTHENTICATE or GOODBYE, to take it out of the table again.
    pub(super) deadline: Option<(Instant, Timeout)>,
    /// The watch over the queue, while there is or was something in it.
    watch: Option<Watch>,
    /// What stands between its session and the realm.
    pub(super) guard: Guard,
    /// What waits for a decision.
    pub(super) waiting: Option<Box<Waiting>>,
    /// The decisions that hold for a while.
    pub(super) decisions: Option<Box<Decisions>>,
    /// The messages that it may send.
    pub(super) messages: Bucket,
    /// Until when nothing is read from it, because it has sent too much.
    pub(super) throttled: Option<Instant>,
    /// How often that has happened.
    pub(super) throttles: u32,
    /// How many denials were told, and which limits.
    denials: u8,
    limits: u16,
    /// Somebody looks at its messages.
    pub(super) tapped: bool,
    /// What it wants to be published when it has left.
    pub(super) testaments: Option<Box<Testaments>>,
    /// The last request id of the client, when the router insists on their order.
    pub(super) requests: SequentialIds,
    pub(super) subscriptions: IdSet<SubscriptionId>,
    pub(super) registrations: IdSet<RegistrationId>,
    /// The calls of this session that wait for a result, by the id the caller chose.
    pub(super) calls: HashMap<RequestId, Ongoing, Seeded>,
    /// Its calls that were over too early.
    pub(super) late: LateParts,
    /// What is kept for its calls.
    pub(super) kept_bytes: usize,
    /// The invocations that this session has not answered.
    pub(super) invocations: IdMap<RequestId, Origin>,
    /// The ids of invocations of this session (I-07).
    pub(super) invocation_ids: SequentialIds,
}

impl Link {
    /// whether this is a further part of a progressive call, which comes under its old id.
    pub(super) fn continues(&self, message: &Message) -> bool {
        let Message::Call(call) = message else { return false };
        self.calls.contains_key(&call.request) || self.late.contains(call.request, &call.procedure)
    }
}

impl Link {
    /// Whether it has sent more than can be served for now.
    fn is_held_up(&self, config: &Config) -> bool {
        let full = |waiting: &Waiting| waiting.is_full(config.max_held_messages, config.max_held_bytes);
        self.throttled.is_some() || self.waiting.as_deref().is_some_and(full)
    }
}

/// Events that wait for somebody to look; older ones are forgotten.
const MAX_EVENTS: usize = 1024;

/// Denials of one connection that are told.
const MAX_DENIALS: u8 = 16;

/// Who a session is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) session: SessionId,
    pub(super) realm: RealmId,
    pub(super) roles: Roles,
    pub(super) authid: String,
    pub(super) authrole: String,
    pub(super) authmethod: String,
    pub(super) authprovider: String,
    /// The proof that is kept: which key of several it was.
    #[cfg(feature = "cryptosign")]
    pub(super) key: Option<Box<PublicKey>>,
}

/// How dear a message is: decides what becomes of it when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// May be dropped, or the connection closed: the configuration says which.
    Event,
    /// Is given back, for the caller to be told.
    Invocation,
    /// Is never dropped: the connection is closed instead.
    Reply,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Queued,
    /// The connection is closed, or its queue is full: the message is gone.
    Refused,
    /// The peer cannot take a message of this size (W-73).
    TooLarge,
    /// The payload cannot be put into the peer's encoding.
    Unencodable,
}

impl Link {
    /// The largest message that the peer accepts.
    pub(super) fn send_limit(&self) -> usize {
        self.send_limit
    }
}

/// All connections, with what their queues have in common.
#[derive(Debug)]
pub(super) struct Links {
    config: Arc<Config>,
    hash: Seeded,
    links: Slab<Link>,
    generations: u32,
    ready: VecDeque<ConnectionId>,
    pub(super) timers: Timers,
    /// Connections that must end, for a reason found while others were served.
    pub(super) doomed: Vec<(Peer, Closed)>,
    /// Who looks at the messages of whom.
    pub(super) taps: Vec<Tap>,
    queued_bytes: usize,
    dropped_events: u64,
    pub(super) totals: Totals,
    /// Questions, which events must not push out: a session has one open at most.
    questions: VecDeque<Event>,
    events: VecDeque<Event>,
}

impl Links {
    pub(super) fn new(config: Arc<Config>, hash: Seeded) -> Self {
        Self {
            config,
            hash,
            links: Slab::new(),
            generations: 0,
            ready: VecDeque::new(),
            timers: Timers::default(),
            doomed: Vec::new(),
            taps: Vec::new(),
            queued_bytes: 0,
            dropped_events: 0,
            totals: Totals::default(),
            questions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    pub(super) fn open(&mut self, now: Instant, opened: Opened) -> ConnectionId {
        self.generations = self.generations.wrapping_add(1);
        let entry = self.links.vacant_entry();
        let id = ConnectionId { index: entry.key(), generation: self.generations };
        let deadline = now + self.config.hello_timeout;
        self.timers.set(deadline, id, Timeout::Hello);
        entry.insert(Link {
            generation: self.generations,
            encoding: opened.encoding,
            send_limit: opened.send_limit,
            trust_level: opened.trust_level.or(self.config.trust_level),
            origin: Box::new((opened.channel, opened.known_as)),
            state: State::AwaitingHello,
            joining: None,
            identity: None,
            queue: Queue::default(),
            notified: false,
            named: false,
            reading: true,
            deadline: Some((deadline, Timeout::Hello)),
            watch: None,
            guard: None,
            waiting: None,
            decisions: None,
            messages: Bucket::default(),
            throttled: None,
            throttles: 0,
            denials: 0,
            limits: 0,
            tapped: false,
            testaments: None,
            requests: SequentialIds::default(),
            subscriptions: IdSet::default(),
            registrations: IdSet::default(),
            calls: HashMap::with_hasher(self.hash),
            late: LateParts::default(),
            kept_bytes: 0,
            invocations: IdMap::default(),
            invocation_ids: SequentialIds::default(),
        });
        id
    }

    /// The place of a connection, unless it is gone.
    pub(super) fn find(&self, id: ConnectionId) -> Option<Peer> {
        self.links.get(id.index).filter(|link| link.generation == id.generation).map(|_| id.index)
    }

    pub(super) fn id(&self, peer: Peer) -> ConnectionId {
        let generation = self.links.get(peer).map_or(0, |link| link.generation);
        ConnectionId { index: peer, generation }
    }

    pub(super) fn get(&self, peer: Peer) -> Option<&Link> {
        self.links.get(peer)
    }

    pub(super) fn get_mut(&mut self, peer: Peer) -> Option<&mut Link> {
        self.links.get_mut(peer)
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn set_config(&mut self, config: Arc<Config>) {
        self.config = config;
    }

    pub(super) fn hash(&self) -> Seeded {
        self.hash
    }

    pub(super) fn ask(&mut self, question: Event) {
        // More than there are connections are void for the most part.
        if self.questions.len() >= self.links.len().max(MAX_EVENTS) {
            self.questions.pop_front();
        }
        self.questions.push_back(question);
    }

    pub(super) fn tell(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.questions.pop_front().or_else(|| self.events.pop_front())
    }

    /// A session was not allowed to do something.
    pub(super) fn denied(&mut self, peer: Peer, denial: Denial) {
        self.totals.denied = self.totals.denied.wrapping_add(1);
        let connection = self.id(peer);
        let Some(link) = self.links.get_mut(peer).filter(|link| link.denials < MAX_DENIALS) else { return };
        let Some(identity) = link.identity.as_deref() else { return };
        let (session, authid) = (identity.session, identity.authid.clone());
        link.denials = link.denials.saturating_add(1);
        self.tell(Event::NotAuthorized { connection, session, authid, denial });
    }

    /// A connection has reached a limit.
    pub(super) fn limited(&mut self, peer: Peer, limit: Limit) {
        self.totals.limited = self.totals.limited.wrapping_add(1);
        let (connection, bit) = (self.id(peer), 1 << limit as u16);
        let Some(link) = self.links.get_mut(peer).filter(|link| link.limits & bit == 0) else { return };
        link.limits |= bit;
        let session = link.identity.as_ref().map(|identity| identity.session);
        let authid = link.identity.as_ref().map(|identity| identity.authid.clone());
        self.tell(Event::Limited { connection, session, authid, limit });
    }

    /// Whether the session of a connection has announced a feature (F-03).
    pub(super) fn supports(&self, peer: Peer, role: Role, feature: Feature) -> bool {
        let identity = self.links.get(peer).and_then(|link| link.identity.as_ref());
        identity.is_some_and(|identity| identity.roles.supports(role, feature))
    }

    /// All connections, in the order of their places.
    pub(super) fn peers(&self) -> Vec<Peer> {
        self.links.iter().map(|(peer, _)| peer).collect()
    }

    /// The transport is gone: forgets the connection.
    pub(super) fn remove(&mut self, peer: Peer) {
        let id = self.id(peer);
        self.stop_deadline(peer);
        if let Some(link) = self.links.try_remove(peer) {
            self.queued_bytes = self.queued_bytes.saturating_sub(link.queue.bytes());
            if let Some(watch) = link.watch {
                self.timers.stop(watch.next, id, Timeout::Stall);
            }
            if let Some(until) = link.throttled {
                self.timers.stop(until, id, Timeout::Throttle);
            }
        }
    }

    /// Sets the one deadline that HELLO, AUTHENTICATE and GOODBYE share.
    pub(super) fn set_deadline(&mut self, peer: Peer, at: Instant, why: Timeout) {
        self.stop_deadline(peer);
        let id = self.id(peer);
        if let Some(link) = self.links.get_mut(peer) {
            link.deadline = Some((at, why));
            self.timers.set(at, id, why);
        }
    }

    pub(super) fn stop_deadline(&mut self, peer: Peer) {
        let id = self.id(peer);
        if let Some((at, why)) = self.links.get_mut(peer).and_then(|link| link.deadline.take()) {
            self.timers.stop(at, id, why);
        }
    }

    /// Encodes and queues a message for `to`.
    pub(super) fn send(&mut self, now: Instant, to: Peer, class: Class, message: impl Encode) -> Sent {
        let Some(encoding) = self.links.get(to).map(|link| link.encoding) else { return Sent::Refused };
        match message.to_frame(encoding) {
            Ok(frame) => self.send_frame(now, to, class, frame),
            Err(_) => Sent::Unencodable,
        }
    }

    /// Answers a request with an ERROR of our own. Its text is left out when that makes it too large for the peer: the
    /// request is answered all the same.
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        to: Peer,
        request_kind: MessageKind,
        request: RequestId,
        error: &'static str,
        text: &str,
    ) {
        let Some(encoding) = self.links.get(to).map(|link| link.encoding) else { return };
        #[cfg(feature = "planted-bugs")]
        let request = if self.has(Bug::WrongErrorRequest) { RequestId::FIRST } else { request };
        let error = Uri::unchecked(error);
        let message = message::Error {
            request_kind,
            request,
            details: ErrorDetails::default(),
            error,
            payload: Payload::empty(),
        };
        if !text.is_empty() {
            if let Ok(payload) = Payload::from_args(encoding, &[text]) {
                let with_text = message::Error { payload, ..message.clone() };
                if self.send(now, to, Class::Reply, with_text) != Sent::TooLarge {
                    return;
                }
            }
        }
        self.send(now, to, Class::Reply, message);
    }

    /// Queues a frame in the encoding of `to`.
    pub(super) fn send_frame(&mut self, now: Instant, to: Peer, class: Class, frame: Bytes) -> Sent {
        let Some(link) = self.links.get_mut(to) else { return Sent::Refused };
        if link.state == State::Closed {
            return Sent::Refused;
        }
        if frame.len() > link.send_limit {
            self.dropped_events = self.dropped_events.saturating_add(u64::from(class == Class::Event));
            return Sent::TooLarge;
        }
        let fits = link.queue.fits(&frame, self.config.queue_bytes, self.config.queue_messages);
        #[cfg(feature = "planted-bugs")]
        let fits = fits || self.config.has(Bug::QueueLimitIgnored);
        if fits {
            self.queue(now, to, frame);
            #[cfg(feature = "planted-bugs")]
            self.reorder(to, class);
            return Sent::Queued;
        }
        self.limited(to, Limit::Queue);
        match (class, self.config.slow_subscriber) {
            (Class::Invocation, _) => {}
            (Class::Event, SlowSubscriber::Drop) => {
                self.dropped_events = self.dropped_events.saturating_add(1);
            }
            (Class::Event, SlowSubscriber::Close) | (Class::Reply, _) => self.doom(to, Closed::Overrun),
        }
        Sent::Refused
    }

    /// Queues the last message of a connection: what was queued before a violation or an overrun is moot.
    pub(super) fn send_last(&mut self, now: Instant, to: Peer, message: impl Encode, discard: bool) -> Sent {
        let Some(link) = self.links.get_mut(to) else { return Sent::Refused };
        if discard {
            self.queued_bytes = self.queued_bytes.saturating_sub(link.queue.bytes());
            link.queue.clear();
        }
        match message.to_frame(link.encoding) {
            Ok(frame) if frame.len() > link.send_limit => Sent::TooLarge,
            Ok(frame) => {
                self.queue(now, to, frame);
                Sent::Queued
            }
            Err(_) => Sent::Unencodable,
        }
    }

    /// Queues a frame for somebody who can do without it: only while most of the queue is free, which is left to what
    /// cannot be dropped. Returns whether it is queued.
    pub(super) fn send_spare(&mut self, now: Instant, to: Peer, frame: Bytes) -> bool {
        let (bytes, frames) = (self.config.queue_bytes / 4, self.config.queue_messages / 4);
        let takes = |link: &Link| {
            link.state == State::Open
                && frame.len() <= link.send_limit
                && link.queue.fits(&frame, bytes, frames.max(1))
        };
        let fits = self.links.get(to).is_some_and(takes);
        if fits {
            self.enqueue(now, to, frame);
        }
        fits
    }

    #[cfg(feature = "planted-bugs")]
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.config.has(bug)
    }

    #[cfg(feature = "planted-bugs")]
    fn reorder(&mut self, to: Peer, class: Class) {
        if class == Class::Event && self.has(Bug::EventsReordered) {
            if let Some(link) = self.links.get_mut(to) {
                link.queue.swap_last();
            }
        }
    }

    pub(super) fn doom(&mut self, peer: Peer, why: Closed) {
        if self.doomed.iter().all(|(doomed, _)| *doomed != peer) {
            self.doomed.push((peer, why));
        }
    }

    fn queue(&mut self, now: Instant, to: Peer, frame: Bytes) {
        if self.is_tapped(to) {
            self.show_frame(now, to, &frame);
        }
        self.enqueue(now, to, frame);
    }

    /// Queues a frame that no tap sees.
    fn enqueue(&mut self, now: Instant, to: Peer, frame: Bytes) {
        self.queued_bytes = self.queued_bytes.saturating_add(frame.len());
        self.totals.sent = self.totals.sent.wrapping_add(1);
        if let Some(link) = self.links.get_mut(to) {
            link.queue.push(frame);
            if link.queue.is_above(self.config.queue_bytes / 2, self.config.queue_messages / 2) {
                link.reading = false;
            }
        }
        self.watch(now, to);
        self.notify(to);
    }

    /// Tells the adapter, once until it has taken everything.
    pub(super) fn notify(&mut self, peer: Peer) {
        if self.links.get(peer).is_some_and(|link| !link.notified) {
            self.notify_again(peer);
        }
    }

    /// Tells the adapter even if it has not taken everything yet.
    pub(super) fn notify_again(&mut self, peer: Peer) {
        let id = self.id(peer);
        if let Some(link) = self.links.get_mut(peer) {
            link.notified = true;
            if !std::mem::replace(&mut link.named, true) {
                self.ready.push_back(id);
            }
        }
    }

    pub(super) fn poll_ready(&mut self) -> Option<ConnectionId> {
        let id = self.ready.pop_front()?;
        if let Some(link) = self.find(id).and_then(|peer| self.links.get_mut(peer)) {
            link.named = false;
        }
        Some(id)
    }

    pub(super) fn poll_transmit(&mut self, to: ConnectionId) -> Option<Action> {
        let Some(peer) = self.find(to) else { return Some(Action::Close) };
        let link = self.links.get_mut(peer)?;
        if let Some(frame) = link.queue.pop() {
            self.queued_bytes = self.queued_bytes.saturating_sub(frame.len());
            if !link.queue.is_above(self.config.queue_bytes / 4, self.config.queue_messages / 4) {
                link.reading = true;
            }
            return Some(Action::Send(frame));
        }
        link.notified = false;
        (link.state == State::Closed).then_some(Action::Close)
    }

    pub(super) fn wants_read(&self, from: ConnectionId) -> bool {
        let link = self.find(from).and_then(|peer| self.links.get(peer));
        link.is_some_and(|link| link.reading && link.state != State::Closed && !link.is_held_up(&self.config))
    }

    pub(super) fn is_over(&self, connection: ConnectionId) -> bool {
        let link = self.find(connection).and_then(|peer| self.links.get(peer));
        link.is_none_or(|link| link.state == State::Closed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    pub(super) fn count(&self, counts: &mut Counts) {
        counts.connections = self.links.len();
        counts.sessions = self.links.iter().filter(|(_, link)| link.identity.is_some()).count();
        counts.calls = self.links.iter().map(|(_, link)| link.calls.len()).sum();
        counts.taps = self.taps.len();
        counts.queued_bytes = self.queued_bytes;
        counts.longest_queue =
            self.links.iter().map(|(_, link)| link.queue.bytes()).max().unwrap_or_default();
        counts.dropped_events = self.dropped_events;
        counts.totals = self.totals;
    }
}
