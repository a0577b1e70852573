//! A router under any order of connections, messages, time and drains.

mod ledger;
mod traffic;

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;

use super::Source;
use crate::{
    Encoding, Instant, Limits,
    message::Message,
    router::{Action, Config, ConnectionId, Event, Opened, Router, SlowSubscriber},
    uri::Uri,
};
use ledger::Ledger;

const REALMS: [&str; 3] = ["r1", "r2", "no realm"];

/// Most connections at once.
const MOST: usize = 6;

/// What the last messages of a connection may come to beyond its queue.
const LAST_BYTES: usize = 2048;

/// A client as it sees itself.
struct Client {
    id: ConnectionId,
    encoding: Encoding,
    send_limit: usize,
    /// A number that no other client has.
    serial: u64,
    ledger: Ledger,
}

struct World {
    router: Router,
    now: Instant,
    clients: Vec<Client>,
    serials: u64,
    /// Request ids are 1, 2, 3, ... and not small numbers that meet.
    sequential: bool,
    /// Connections that have output, as the router named them.
    ready: VecDeque<ConnectionId>,
    shutting_down: bool,
    /// What came out, in short.
    digest: u64,
}

pub(super) fn target(data: &[u8]) {
    let digest = play(data);
    // The same input, the same bytes; not always, as it takes as long again.
    if data.first().is_some_and(|first| first & 0x70 == 0x70) {
        assert_eq!(play(data), digest);
    }
}

fn play(data: &[u8]) -> u64 {
    let mut source = Source::new(data);
    let mut world = World::new(&mut source);
    while !source.is_empty() {
        world.step(&mut source);
        world.check();
    }
    world.settle();
    world.empty();
    world.digest
}

fn config(source: &mut Source<'_>) -> Config {
    let (flags, sizes) = (source.byte(), source.byte());
    let mut config = Config::new(REALMS[..2].iter().map(Uri::unchecked));
    config.strict_request_ids = flags & 2 == 2;
    if flags & 4 == 4 {
        config.slow_subscriber = SlowSubscriber::Drop;
    }
    if sizes & 1 == 1 {
        config.queue_bytes = 512 + usize::from(sizes) * 8;
    }
    if sizes & 2 == 2 {
        config.queue_messages = 2 + usize::from(sizes >> 4);
    }
    if sizes & 4 == 4 {
        config.max_subscriptions = 2;
        config.max_registrations = 2;
        config.max_calls = 3;
        config.max_invocations = 2;
        config.max_waiting_calls = 2;
        config.kept_bytes = 512;
    }
    config
}

impl World {
    fn new(source: &mut Source<'_>) -> Self {
        let config = config(source);
        let sequential = config.strict_request_ids || source.flag();
        let mut router = Router::new(config, [7; 32]);
        let now = Instant::from_origin(Duration::from_secs(100));
        router.handle_timeout(now);
        let (clients, ready) = (Vec::new(), VecDeque::new());
        Self { router, now, clients, serials: 0, sequential, ready, shutting_down: false, digest: 0 }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        let op = source.below(32);
        if op == 0 || self.clients.is_empty() {
            return self.open(source);
        }
        let at = source.below(self.clients.len());
        match op {
            1 | 2 => {
                let hello = traffic::hello(source);
                self.send(at, hello);
            }
            3 => self.raw(at, source.long_piece()),
            4 => self.drain_ready(source.below(4)),
            5 => self.drain(at, source.below(4)),
            6 => self.drain_all(),
            7 => self.pass_time(source),
            8 if source.byte() < 64 => self.leave(at),
            9 if source.byte() < 4 => self.shut_down(),
            8 | 9 => {}
            _ => {
                let message = traffic::message(source, &mut self.clients[at], self.sequential);
                self.send(at, message);
            }
        }
    }

    fn open(&mut self, source: &mut Source<'_>) {
        if self.clients.len() >= MOST {
            return;
        }
        let (encoding, limit) = (source.encoding(), source.byte());
        // 512 is the least that a transport can announce (W-62).
        let send_limit = if limit & 1 == 1 { 512 + usize::from(limit) } else { Limits::MAX_MESSAGE_SIZE };
        let id = self.router.open(self.now, Opened::new(encoding).send_limit(send_limit));
        self.serials += 1;
        let client = Client { id, encoding, send_limit, serial: self.serials, ledger: Ledger::default() };
        self.clients.push(client);
    }

    fn send(&mut self, at: usize, message: Message) {
        let client = &mut self.clients[at];
        client.ledger.sent(&message);
        if self.serials % 2 == 0 {
            return self.router.handle_message(self.now, client.id, Ok(message));
        }
        let frame = message.encode(client.encoding).expect("what a client sends can be encoded");
        self.router.handle_frame(self.now, client.id, frame);
    }

    /// Any bytes; when they happen to be a message, its payload must tell whose it is.
    fn raw(&mut self, at: usize, data: &[u8]) {
        let client = &mut self.clients[at];
        let frame = Bytes::copy_from_slice(data);
        match Message::decode(client.encoding, &frame, &Limits::default()) {
            Ok(message) => {
                let message = traffic::tagged(message, client);
                self.send(at, message);
            }
            Err(_) => self.router.handle_frame(self.now, client.id, frame),
        }
    }

    fn leave(&mut self, at: usize) {
        let client = self.clients.swap_remove(at);
        self.router.handle_eof(self.now, client.id, "gone");
        assert!(!self.router.contains(client.id) && !self.router.wants_read(client.id));
        assert_eq!(self.router.poll_transmit(client.id), Some(Action::Close));
        // A connection that is gone is ignored.
        self.router.handle_frame(self.now, client.id, Bytes::from_static(b"[]"));
        self.router.handle_eof(self.now, client.id, "gone again");
    }

    fn shut_down(&mut self) {
        self.router.shutdown(self.now);
        self.shutting_down = true;
    }

    fn pass_time(&mut self, source: &mut Source<'_>) {
        let step = source.byte();
        if step == 0xFF {
            return self.router.handle_timeout(Instant::ZERO);
        }
        self.now = self.now + Duration::from_millis(u64::from(step) * 60);
        self.router.handle_timeout(self.now);
        assert!(self.router.poll_timeout().is_none_or(|deadline| deadline.at > self.now));
    }

    fn drain_ready(&mut self, most: usize) {
        for _ in 0..=most {
            let next = self.router.poll_ready();
            self.ready.extend(next);
            let Some(id) = self.ready.pop_front() else { return };
            if let Some(at) = self.clients.iter().position(|client| client.id == id) {
                self.drain(at, usize::MAX);
            }
        }
    }

    fn drain_all(&mut self) {
        while let Some(id) = self.router.poll_ready() {
            self.ready.push_back(id);
        }
        for at in 0..self.clients.len() {
            self.drain(at, usize::MAX);
        }
    }

    /// Takes what is queued for a client, `most` + 1 frames of it.
    fn drain(&mut self, at: usize, most: usize) {
        let (mut bytes, mut frames) = (0, 0);
        while frames <= most {
            let client = &mut self.clients[at];
            match self.router.poll_transmit(client.id) {
                Some(Action::Send(frame)) => {
                    bytes += frame.len();
                    frames += 1;
                    self.digest = frame.iter().fold(self.digest, |digest, byte| {
                        (digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3)
                    });
                    client.receive(&frame);
                }
                Some(Action::Close) => {
                    assert!(!self.router.wants_read(client.id));
                    client.ledger.closed();
                    break;
                }
                None => break,
            }
        }
        let config = self.router.config();
        assert!(bytes <= config.queue_bytes + LAST_BYTES, "{bytes} bytes were queued");
        assert!(frames <= config.queue_messages + 2, "{frames} frames were queued");
    }

    /// What holds at any time.
    fn check(&mut self) {
        let counts = self.router.counts();
        let clients = self.clients.len();
        assert_eq!(counts.connections, clients);
        assert_eq!(self.router.is_empty(), clients == 0);
        assert!(counts.sessions <= clients);
        assert!(counts.queued_bytes <= clients * (self.router.config().queue_bytes + LAST_BYTES));
        while let Some(event) = self.router.poll_event() {
            assert!(!format!("{event:?}").is_empty());
            if let Event::Left { why, .. } = event {
                assert!(!why.to_string().is_empty());
            }
        }
    }

    /// Once everything is delivered, all requests are answered but for the calls that wait for their callee.
    fn settle(&mut self) {
        self.drain_all();
        assert_eq!(self.router.counts().queued_bytes, 0);
        if self.shutting_down {
            return;
        }
        let open = self.clients.iter().filter(|client| client.ledger.is_open());
        let waiting: usize = open.map(|client| client.ledger.unanswered_calls()).sum();
        assert_eq!(self.router.counts().calls, waiting, "a call has no answer, or two");
    }

    fn empty(&mut self) {
        while !self.clients.is_empty() {
            self.leave(0);
            self.check();
        }
        while self.router.poll_ready().is_some() {}
        let counts = self.router.counts();
        let left = (counts.sessions, counts.subscriptions, counts.registrations, counts.calls);
        assert_eq!(left, (0, 0, 0, 0));
        assert_eq!(counts.queued_bytes, 0);
        assert!(self.router.is_empty() && self.router.poll_timeout().is_none());
    }
}

impl Client {
    fn receive(&mut self, frame: &Bytes) {
        let message = Message::decode(self.encoding, frame, &Limits::default())
            .expect("the router sends what is valid");
        let length = frame.len();
        assert!(length <= self.send_limit, "{length} bytes, above {}: {message:?}", self.send_limit);
        self.ledger.received(self.serial, &message);
    }
}
