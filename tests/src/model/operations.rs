//! What can be done to a router, and the choice of what to do next.

use std::time::Duration;

use wamp_proto::{Encoding, Match, message::CancelMode};

use super::{Model, Phase, Wish};
use crate::random::Random;

/// One step of a trial. Clients are numbers; so are ids that the router chooses.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is named as the message it sends")]
#[non_exhaustive]
pub enum Operation {
    Open { client: usize, encoding: Encoding },
    Hello { client: usize, realm: usize, canceling: bool },
    Goodbye { client: usize },
    Abort { client: usize },
    Cut { client: usize },
    Garbage { client: usize, variety: usize },
    Subscribe { client: usize, request: u64, kind: Match, uri: &'static str },
    Unsubscribe { client: usize, request: u64, subscription: u64 },
    Publish { client: usize, request: u64, topic: &'static str, payload: usize, options: (bool, bool) },
    Register { client: usize, request: u64, kind: Match, uri: &'static str },
    Unregister { client: usize, request: u64, registration: u64 },
    Call { client: usize, request: u64, procedure: &'static str, payload: usize },
    Yield { client: usize, invocation: u64, payload: usize },
    Error { client: usize, invocation: u64, error: &'static str, payload: usize },
    Cancel { client: usize, request: u64, mode: CancelMode },
    Wish { client: usize, request: u64, wish: Wish },
    Stall { client: usize },
    Unstall { client: usize },
    Advance { time: Duration },
}

pub(crate) const PAYLOADS: usize = 64;
pub(crate) const GARBAGE: usize = 6;

pub(crate) const URIS: [&str; 9] = ["a", "a.b", "a.b.c", "a.bc", "b.b.c", "a.b.d", "b", "wamp.x", "a..b"];
const PREFIXES: [&str; 6] = ["a", "a.", "a.b", "", "b", "a.b.c"];
const WILDCARDS: [&str; 7] = ["a..c", ".b.c", "a.b.", "..", ".", "", "a.b"];
const ERRORS: [&str; 3] = ["com.error.one", "wamp.error.invalid_argument", "no uri"];

impl Model {
    /// The next step, among those that make sense now, and some that do not.
    pub(crate) fn choose(&self, random: &mut Random) -> Operation {
        if random.one_in(40) {
            return Operation::Advance { time: Duration::from_millis(random.below(4_000) as u64) };
        }
        let client = random.below(self.clients.len());
        let it = &self.clients[client];
        match it.phase {
            Phase::Gone => Operation::Open { client, encoding: *random.pick(&Encoding::ALL) },
            Phase::Closed => Operation::Unstall { client },
            Phase::Waiting if random.one_in(12) => self.misbehave(client, random),
            Phase::Waiting => {
                Operation::Hello { client, realm: usize::from(random.one_in(3)), canceling: random.one_in(2) }
            }
            Phase::Open if it.stalled && random.one_in(8) => Operation::Unstall { client },
            Phase::Open if random.one_in(150) => self.misbehave(client, random),
            Phase::Open if random.one_in(60) => Operation::Stall { client },
            Phase::Open if random.one_in(100) => Operation::Goodbye { client },
            Phase::Open => self.work(client, random),
        }
    }

    fn misbehave(&self, client: usize, random: &mut Random) -> Operation {
        match random.below(7) {
            0 => Operation::Hello { client, realm: 0, canceling: false },
            1 => Operation::Abort { client },
            2 => {
                Operation::Yield { client, invocation: self.clients[client].last_invocation + 1, payload: 0 }
            }
            3 | 4 => Operation::Cut { client },
            _ => Operation::Garbage { client, variety: random.below(GARBAGE) },
        }
    }

    fn work(&self, client: usize, random: &mut Random) -> Operation {
        let request = self.request(client, random);
        let payload = random.below(PAYLOADS);
        let uri = *random.pick(&URIS);
        let invoked = self.clients[client].last_invocation > 0;
        if random.one_in(4) {
            return Operation::Wish { client, request, wish: self.wish(client, random) };
        }
        match random.below(34) {
            25..=30 if !invoked => {
                Operation::Publish { client, request, topic: uri, payload, options: (false, true) }
            }
            0..=3 => {
                let (kind, uri) = pattern(random);
                Operation::Subscribe { client, request, kind, uri }
            }
            4..=5 => {
                Operation::Unsubscribe { client, request, subscription: self.subscription(client, random) }
            }
            6..=12 => {
                let options = (random.one_in(2), !random.one_in(3));
                Operation::Publish { client, request, topic: uri, payload, options }
            }
            13..=16 => {
                let (kind, uri) = pattern(random);
                Operation::Register { client, request, kind, uri }
            }
            17 => Operation::Unregister { client, request, registration: self.registration(client, random) },
            18..=24 => Operation::Call { client, request, procedure: uri, payload },
            25..=29 => Operation::Yield { client, invocation: self.invocation(client, random), payload },
            30 => {
                let invocation = self.invocation(client, random);
                Operation::Error { client, invocation, error: random.pick::<&str>(&ERRORS), payload }
            }
            _ => {
                let mode = *random.pick(&[CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait]);
                Operation::Cancel { client, request: self.call_of(client, random), mode }
            }
        }
    }

    fn request(&self, client: usize, random: &mut Random) -> u64 {
        let last = self.clients[client].last_request;
        if random.one_in(if self.sizes.strict { 400 } else { 30 }) {
            return random.number() % last.max(1) + 1;
        }
        last + 1
    }

    /// One of its own subscriptions, or any at all.
    pub(super) fn subscription(&self, client: usize, random: &mut Random) -> u64 {
        let own = |entry: &&super::Subscription| entry.subscribers.contains(&client);
        let ids = self.subscriptions.iter().filter(own).map(|entry| entry.id).collect::<Vec<_>>();
        if ids.is_empty() || random.one_in(10) { self.any_id(random) } else { *random.pick(&ids) }
    }

    fn registration(&self, client: usize, random: &mut Random) -> u64 {
        let own = |entry: &&super::Registration| entry.callee == client;
        let ids = self.registrations.iter().filter(own).map(|entry| entry.id).collect::<Vec<_>>();
        if ids.is_empty() || random.one_in(10) { self.any_id(random) } else { *random.pick(&ids) }
    }

    fn any_id(&self, random: &mut Random) -> u64 {
        random.number() % self.next_id.max(1) + 1
    }

    /// One that waits for this callee, or one that is late. An answer to one that never was is bad behaviour.
    fn invocation(&self, client: usize, random: &mut Random) -> u64 {
        let waiting = self.calls.iter().filter(|call| call.callee == client).map(|call| call.invocation);
        let ids = waiting.collect::<Vec<_>>();
        let last = self.clients[client].last_invocation;
        if !ids.is_empty() && !random.one_in(8) {
            return *random.pick(&ids);
        }
        random.number() % last.max(1) + 1
    }

    fn call_of(&self, client: usize, random: &mut Random) -> u64 {
        let calls = self.calls.iter().filter(|call| call.caller == client).map(|call| call.request);
        let ids = calls.collect::<Vec<_>>();
        if ids.is_empty() || random.one_in(8) {
            return random.number() % (self.clients[client].last_request + 1) + 1;
        }
        *random.pick(&ids)
    }
}

pub(super) fn pattern(random: &mut Random) -> (Match, &'static str) {
    match random.below(4) {
        0 => (Match::Prefix, *random.pick(&PREFIXES)),
        1 => (Match::Wildcard, *random.pick(&WILDCARDS)),
        2 => (Match::Wildcard, *random.pick(&URIS)),
        _ => (Match::Exact, *random.pick(&URIS)),
    }
}
