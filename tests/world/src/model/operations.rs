//! What can be done to a router, and the choice of what to do next.

use std::time::Duration;

use wamp_proto::{
    Encoding, Match,
    message::{CallOptions, CancelMode, Feature, InvocationPolicy, RegisterOptions},
};

use super::{Model, Phase, Wish};
use crate::random::Random;

/// One step of a trial. Clients are numbers; so are ids that the router chooses.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is named as the message it sends")]
#[non_exhaustive]
pub enum Operation {
    Open { client: usize, encoding: Encoding },
    Hello { client: usize, realm: usize, canceling: bool, knows: Knows },
    Goodbye { client: usize },
    Abort { client: usize },
    Cut { client: usize },
    Garbage { client: usize, variety: usize },
    Subscribe { client: usize, request: u64, kind: Match, uri: &'static str },
    Unsubscribe { client: usize, request: u64, subscription: u64 },
    Publish { client: usize, request: u64, topic: &'static str, payload: usize, options: (bool, bool) },
    Register { client: usize, request: u64, kind: Match, uri: &'static str, options: Registering },
    Unregister { client: usize, request: u64, registration: u64 },
    Revoke { registration: u64 },
    Call { client: usize, request: u64, procedure: &'static str, payload: usize, options: Calling },
    Yield { client: usize, invocation: u64, payload: usize, progress: bool },
    Error { client: usize, invocation: u64, error: &'static str, payload: usize },
    Cancel { client: usize, request: u64, mode: CancelMode },
    Wish { client: usize, request: u64, wish: Wish },
    Stall { client: usize },
    Unstall { client: usize },
    Advance { time: Duration },
    Freeze { time: Duration },
}

/// The features of advanced calls that a client announces, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knows(pub(crate) u8);

/// How a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "each is named as the option it sets")]
pub struct Calling {
    pub progress: bool,
    pub receive_progress: bool,
    pub disclose_me: bool,
    pub timeout: Option<u64>,
}

/// How a procedure is registered.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is named as the option it sets")]
pub struct Registering {
    pub invoke: InvocationPolicy,
    pub concurrency: Option<u64>,
    pub forwards: bool,
    pub discloses: bool,
    pub force: bool,
}

impl Calling {
    pub(crate) fn written(self) -> CallOptions {
        CallOptions {
            progress: self.progress,
            receive_progress: self.receive_progress,
            disclose_me: self.disclose_me,
            timeout: self.timeout,
            ..CallOptions::default()
        }
    }
}

impl Registering {
    pub(crate) fn written(self, kind: Match) -> RegisterOptions {
        RegisterOptions {
            match_policy: Some(kind),
            invoke: Some(self.invoke),
            concurrency: self.concurrency,
            forward_timeout: self.forwards,
            disclose_caller: self.discloses,
            force_reregister: self.force,
            ..RegisterOptions::default()
        }
    }
}

macro_rules! knows {
    ($($name:ident $feature:ident,)*) => {
        impl Knows {
            pub(crate) const FEATURES: &[Feature] = &[$(Feature::$feature,)*];

            $(pub(crate) fn $name(self) -> bool {
                self.features().any(|feature| feature == Feature::$feature)
            })*
        }
    };
}

knows! {
    results ProgressiveCallResults,
    parts ProgressiveCallInvocations,
    timeout CallTimeout,
    identification CallerIdentification,
    reroute CallReroute,
    revocation RegistrationRevocation,
}

impl Knows {
    pub(crate) fn features(self) -> impl Iterator<Item = Feature> {
        let bits = Self::FEATURES.iter().enumerate();
        bits.filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, feature)| *feature)
    }

    fn any(random: &mut Random) -> Self {
        if !random.one_in(4) { Self(u8::MAX) } else { Self(random.below(256) as u8) }
    }
}

pub(crate) const PAYLOADS: usize = 64;
pub(crate) const GARBAGE: usize = 6;

pub(crate) const URIS: [&str; 9] = ["a", "a.b", "a.b.c", "a.bc", "b.b.c", "a.b.d", "b", "wamp.x", "a..b"];
/// What is called and shared in trials that are busy with calls: one procedure for each policy; and the steps there.
const SHARED: [&str; 4] = ["a.b", "b", "a.b.c", "a.bc"];
const CALLS: [usize; 16] = [13, 13, 17, 18, 18, 18, 18, 18, 18, 25, 25, 25, 25, 30, 30, 31];
const PREFIXES: [&str; 6] = ["a", "a.", "a.b", "", "b", "a.b.c"];
const WILDCARDS: [&str; 7] = ["a..c", ".b.c", "a.b.", "..", ".", "", "a.b"];
const ERRORS: [&str; 4] =
    ["com.error.one", "wamp.error.invalid_argument", "no uri", "wamp.error.unavailable"];

impl Model {
    /// The next step, among those that make sense now, and some that do not.
    pub(crate) fn choose(&self, random: &mut Random) -> Operation {
        if random.one_in(40) {
            let time = Duration::from_millis(random.below(4_000) as u64);
            return if random.one_in(4) { Operation::Freeze { time } } else { Operation::Advance { time } };
        }
        if random.one_in(200) {
            return Operation::Revoke { registration: self.any_id(random) };
        }
        let client = random.below(self.clients.len());
        let it = &self.clients[client];
        match it.phase {
            Phase::Gone => Operation::Open { client, encoding: *random.pick(&Encoding::ALL) },
            Phase::Closed => Operation::Unstall { client },
            Phase::Waiting if random.one_in(12) => self.misbehave(client, random),
            Phase::Waiting => {
                let (realm, canceling) = (usize::from(random.one_in(3)), !random.one_in(3));
                Operation::Hello { client, realm, canceling, knows: Knows::any(random) }
            }
            Phase::Open if it.stalled && random.one_in(8) => Operation::Unstall { client },
            Phase::Open if random.one_in(if self.sizes.busy { 600 } else { 150 }) => {
                self.misbehave(client, random)
            }
            Phase::Open if random.one_in(60) => Operation::Stall { client },
            Phase::Open if random.one_in(100) => Operation::Goodbye { client },
            Phase::Open => self.work(client, random),
        }
    }

    fn misbehave(&self, client: usize, random: &mut Random) -> Operation {
        match random.below(7) {
            0 => Operation::Hello { client, realm: 0, canceling: false, knows: Knows(0) },
            1 => Operation::Abort { client },
            2 => {
                let invocation = self.clients[client].last_invocation + 1;
                Operation::Yield { client, invocation, payload: 0, progress: random.one_in(2) }
            }
            3 | 4 => Operation::Cut { client },
            _ => Operation::Garbage { client, variety: random.below(GARBAGE) },
        }
    }

    fn work(&self, client: usize, random: &mut Random) -> Operation {
        let request = self.request(client, random);
        let payload = random.below(PAYLOADS);
        let busy = self.sizes.busy && !random.one_in(8);
        let uri = if busy { *random.pick(&SHARED) } else { *random.pick(&URIS) };
        let invoked = self.clients[client].last_invocation > 0;
        if random.one_in(4) {
            return Operation::Wish { client, request, wish: self.wish(client, random) };
        }
        match if busy { *random.pick(&CALLS) } else { random.below(34) } {
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
                let (kind, uri) = if busy { (Match::Exact, uri) } else { pattern(random) };
                Operation::Register { client, request, kind, uri, options: registering(uri, random) }
            }
            17 => Operation::Unregister { client, request, registration: self.registration(client, random) },
            18..=24 => self.call_or_continue(client, request, uri, payload, random),
            25..=29 => {
                let invocation = self.invocation(client, random);
                let call = self.calls.iter().find(|call| call.place == Some((client, invocation)));
                let progress = random.one_in(if call.is_some_and(|call| call.receives) { 2 } else { 8 });
                Operation::Yield { client, invocation, payload, progress }
            }
            30 => {
                let invocation = self.invocation(client, random);
                let error = if busy { "wamp.error.unavailable" } else { *random.pick::<&str>(&ERRORS) };
                Operation::Error { client, invocation, error, payload }
            }
            _ => {
                let mode = *random.pick(&[CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait]);
                Operation::Cancel { client, request: self.call_of(client, random), mode }
            }
        }
    }

    /// Now and then a further part of a call that is open, or was.
    fn call_or_continue(
        &self,
        client: usize,
        request: u64,
        procedure: &'static str,
        payload: usize,
        random: &mut Random,
    ) -> Operation {
        let options = Calling {
            progress: random.one_in(3) && (self.clients[client].knows.parts() || random.one_in(40)),
            receive_progress: random.one_in(2),
            disclose_me: random.one_in(4),
            timeout: random.one_in(2).then(|| random.below(8) as u64 * 1_000),
        };
        let open = self.calls.iter().filter(|call| call.caller == client && call.open == Some(true));
        let late = self.late.iter().filter(|late| late.0 == client);
        let known = open.map(|call| (call.request, call.procedure)).chain(late.map(|late| (late.1, late.2)));
        let known = known.collect::<Vec<_>>();
        let (request, procedure) = match known[..] {
            [_, ..] if random.one_in(2) => *random.pick(&known),
            _ => (request, procedure),
        };
        let procedure = if random.one_in(60) { *random.pick(&URIS) } else { procedure };
        Operation::Call { client, request, procedure, payload, options }
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
        let own = |entry: &&super::Registration| entry.has(client);
        let ids = self.registrations.iter().filter(own).map(|entry| entry.id).collect::<Vec<_>>();
        if ids.is_empty() || random.one_in(10) { self.any_id(random) } else { *random.pick(&ids) }
    }

    fn any_id(&self, random: &mut Random) -> u64 {
        random.number() % self.next_id.max(1) + 1
    }

    /// One that waits for this callee, or one that is late. An answer to one that never was is bad behaviour.
    fn invocation(&self, client: usize, random: &mut Random) -> u64 {
        let places = self.calls.iter().filter_map(|call| call.place);
        let waiting = places.filter(|place| place.0 == client).map(|place| place.1);
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

/// Mostly such as others who register the same ask for too.
fn registering(uri: &str, random: &mut Random) -> Registering {
    use InvocationPolicy::{First, Last, Random as ByChance, RoundRobin, Single};
    const POLICIES: [InvocationPolicy; 5] = [RoundRobin, First, Single, Last, ByChance];
    let usual = POLICIES[uri.len() % POLICIES.len()];
    Registering {
        invoke: if random.one_in(6) { *random.pick(&POLICIES) } else { usual },
        concurrency: random.one_in(2).then(|| random.below(30) as u64 % 3),
        forwards: random.one_in(3),
        discloses: random.one_in(5),
        force: random.one_in(10),
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
