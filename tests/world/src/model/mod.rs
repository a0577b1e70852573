//! A second router, as naive as can be: lists and loops, no index, no bytes, and none of the real one's code. It says what
//! every client must receive, operation by operation; [`Trial`] compares.

mod broker;
mod calls;
mod check;
mod events;
mod operations;
mod registrations;
mod trial;
mod wishes;

pub use operations::Operation;
pub use trial::{Drive, Figures, Trial};
pub use wishes::{Lists, Options, Wish};

use std::time::Duration;

use wamp_proto::{
    Match,
    id::RandomIds,
    message::{CancelMode, InvocationPolicy, MessageKind},
};

use operations::{Calling, Knows, Registering};

/// The sizes that model and router agree on.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Subscriptions, registrations, calls and invocations of one session.
    pub subscriptions: usize,
    /// See above.
    pub registrations: usize,
    /// See above.
    pub calls: usize,
    /// See above.
    pub invocations: usize,
    /// Testaments of one session.
    pub testaments: usize,
    /// Retained events of a realm.
    pub retained: usize,
    /// Calls that wait for one procedure.
    pub waiting: usize,
    /// Progressive calls that are remembered when they were over too early.
    pub late: usize,
    /// Whether procedures may be taken over.
    pub force: bool,
    /// Whether callees keep the time of calls wherever they can.
    pub forwards: bool,
    /// Messages in the queue of one connection.
    pub queue: usize,
    /// Whether events for a full queue are dropped, rather than the connection closed.
    pub drop_events: bool,
    /// Whether request ids must be 1, 2, 3, ...
    pub strict: bool,
    /// Whether the clients do little else than call each other.
    pub busy: bool,
}

const CANCELED: &str = "wamp.error.canceled";

pub(crate) const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the router looks whether a queue is taken from; it was not there itself while it is late by more than one.
const LOOK: Duration = Duration::from_millis(500);

/// What a client must receive. Ids that the router chooses are numbers of our own, which the comparison maps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    Welcome,
    Abort(&'static str),
    Goodbye,
    /// The payload of an error of the router itself is for people.
    Error {
        kind: MessageKind,
        request: u64,
        error: &'static str,
        payload: Option<usize>,
    },
    Subscribed {
        request: u64,
        subscription: u64,
    },
    Unsubscribed {
        request: u64,
    },
    Published {
        request: u64,
        publication: u64,
    },
    Event {
        subscription: u64,
        publication: u64,
        topic: Option<&'static str>,
        payload: usize,
        retained: bool,
    },
    Registered {
        request: u64,
        registration: u64,
    },
    Unregistered {
        request: u64,
    },
    Revoked {
        registration: u64,
    },
    Invocation {
        request: u64,
        registration: u64,
        shown: Shown,
        progress: bool,
        payload: usize,
    },
    Interrupt {
        request: u64,
        mode: CancelMode,
    },
    Result {
        request: u64,
        payload: usize,
        progress: bool,
    },
    /// A result of the router itself.
    Answer {
        request: u64,
        answer: broker::Answer,
    },
}

/// What every INVOCATION of a call says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) procedure: Option<&'static str>,
    pub(crate) receive_progress: bool,
    pub(crate) timeout: Option<u64>,
    /// Who calls, by the number of the connection.
    pub(crate) caller: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No connection.
    Gone,
    /// No HELLO yet.
    Waiting,
    Open,
    /// Over, but the transport is still there.
    Closed,
}

/// How dear a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dear {
    Event,
    Invocation,
    Reply,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) phase: Phase,
    pub(crate) realm: usize,
    pub(crate) canceling: bool,
    /// 0 before it has joined.
    pub(crate) session: u64,
    pub(crate) testaments: Vec<broker::Testament>,
    pub(crate) knows: Knows,
    pub(crate) stalled: bool,
    /// In which order connections are served.
    pub(crate) place: (usize, u64),
    pub(crate) last_request: u64,
    pub(crate) last_invocation: u64,
    pub(crate) queue: Vec<Expected>,
    hello_by: Duration,
    taken: u64,
    watch: Option<Watch>,
}

/// What runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Hello,
    Look,
    Call(u64),
}

#[derive(Clone, Copy, Debug)]
struct Watch {
    next: Duration,
    looked: Duration,
    stalled: Duration,
    taken: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) realm: usize,
    pub(crate) kind: Match,
    pub(crate) uri: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: u64,
    pub(crate) pattern: Pattern,
    pub(crate) subscribers: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) id: u64,
    pub(crate) pattern: Pattern,
    pub(crate) policy: InvocationPolicy,
    pub(crate) callees: Vec<Callee>,
    /// The number of the last callee that came, and of the one that was served last.
    pub(crate) numbers: u64,
    pub(crate) served: u64,
    pub(crate) waiting: Vec<(usize, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Callee {
    pub(crate) client: usize,
    pub(crate) number: u64,
    pub(crate) options: Registering,
}

/// A call that waits for its result.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) caller: usize,
    pub(crate) request: u64,
    pub(crate) procedure: &'static str,
    pub(crate) options: Calling,
    pub(crate) registration: u64,
    /// The callee and the invocation there, once a callee has it.
    pub(crate) place: Option<(usize, u64)>,
    /// The callee's number in the registration.
    pub(crate) number: u64,
    pub(crate) counted: bool,
    pub(crate) killed: bool,
    pub(crate) receives: bool,
    /// Whether more arguments follow; nothing when the call is not progressive.
    pub(crate) open: Option<bool>,
    /// The arguments that came before a callee had the call.
    pub(crate) parts: Vec<usize>,
    pub(crate) limit: Option<(Duration, Duration)>,
    /// Whether another callee may get it.
    pub(crate) keeps: bool,
    pub(crate) tried: Vec<u64>,
    pub(crate) shown: Shown,
}

/// The naive router.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) sizes: Sizes,
    pub(crate) now: Duration,
    pub(crate) clients: Vec<Client>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) registrations: Vec<Registration>,
    pub(crate) calls: Vec<Waiting>,
    pub(crate) retained: Vec<broker::Kept>,
    pub(crate) histories: Vec<broker::History>,
    /// Progressive calls that were over before their last part, by caller and request.
    pub(crate) late: Vec<(usize, u64, &'static str)>,
    /// The router's chance in every realm: it throws the same dice.
    pub(crate) chance: [RandomIds; 2],
    pub(crate) next_id: u64,
    pub(crate) dropped: u64,
    doomed: Vec<usize>,
}

impl Pattern {
    pub(crate) fn matches(&self, realm: usize, uri: &str) -> bool {
        self.realm == realm
            && match self.kind {
                Match::Exact => self.uri == uri,
                Match::Prefix => uri.starts_with(self.uri),
                Match::Wildcard => {
                    let (pattern, uri) = (self.uri.split('.'), uri.split('.'));
                    pattern.clone().count() == uri.clone().count()
                        && pattern.zip(uri).all(|(p, u)| p.is_empty() || p == u)
                }
            }
    }

    /// Greater goes first: exact, then the longest prefix, then the longest runs before the holes of a wildcard.
    pub(crate) fn rank(&self) -> (u8, usize, Vec<usize>) {
        match self.kind {
            Match::Exact => (2, 0, Vec::new()),
            Match::Prefix => (1, self.uri.len(), Vec::new()),
            Match::Wildcard => {
                let mut runs = vec![0];
                for component in self.uri.split('.') {
                    match runs.last_mut() {
                        Some(run) if !component.is_empty() => *run += 1,
                        _ => runs.push(0),
                    }
                }
                (0, 0, runs)
            }
        }
    }
}

impl Client {
    pub(crate) fn gone() -> Self {
        Self {
            phase: Phase::Gone,
            realm: 0,
            canceling: false,
            session: 0,
            testaments: Vec::new(),
            knows: Knows(0),
            stalled: false,
            place: (0, 0),
            last_request: 0,
            last_invocation: 0,
            queue: Vec::new(),
            hello_by: Duration::ZERO,
            taken: 0,
            watch: None,
        }
    }
}

impl Model {
    pub(crate) fn new(sizes: Sizes, clients: usize, seed: [u8; 32]) -> Self {
        // The first seed is for hashes, then comes one for each realm.
        let mut ids = RandomIds::new(seed);
        ids.seed();
        Self {
            late: Vec::new(),
            chance: [RandomIds::new(ids.seed()), RandomIds::new(ids.seed())],
            sizes,
            now: Duration::ZERO,
            clients: vec![Client::gone(); clients],
            subscriptions: Vec::new(),
            registrations: Vec::new(),
            calls: Vec::new(),
            retained: Vec::new(),
            histories: Vec::new(),
            next_id: 0,
            dropped: 0,
            doomed: Vec::new(),
        }
    }

    pub(crate) fn open(&mut self, client: usize, place: (usize, u64)) {
        let hello_by = self.now + HELLO_TIMEOUT;
        self.late.retain(|late| late.0 != client);
        self.clients[client] = Client { phase: Phase::Waiting, place, hello_by, ..Client::gone() };
    }

    pub(crate) fn hello(&mut self, client: usize, realm: usize, canceling: bool, knows: Knows) {
        match self.clients[client].phase {
            Phase::Waiting => {
                let joined =
                    Client { phase: Phase::Open, realm, canceling, knows, ..self.clients[client].clone() };
                self.clients[client] = joined;
                self.next_id += 1;
                self.clients[client].session = self.next_id;
                self.send(client, Dear::Reply, Expected::Welcome);
            }
            _ => self.violate(client),
        }
        self.reap();
    }

    /// A new request; the router may insist on its number.
    pub(crate) fn is_in_order(&mut self, client: usize, request: u64) -> bool {
        let client = &mut self.clients[client];
        let right = !self.sizes.strict || request == client.last_request + 1;
        client.last_request = request;
        right
    }

    pub(crate) fn goodbye(&mut self, client: usize) {
        self.push(client, Expected::Goodbye);
        self.end(client);
        self.reap();
    }

    pub(crate) fn abort(&mut self, client: usize) {
        self.end(client);
        self.reap();
    }

    /// The transport is gone; nobody will see what was queued.
    pub(crate) fn cut(&mut self, client: usize) {
        self.end(client);
        self.clients[client] = Client::gone();
        self.reap();
    }

    pub(crate) fn violate(&mut self, client: usize) {
        self.push(client, Expected::Abort("wamp.error.protocol_violation"));
        self.end(client);
        self.reap();
    }

    /// Time has come to this: whatever is due happens in the order of its time.
    pub(crate) fn advance(&mut self, time: Duration) {
        self.now += time;
        while let Some((_, _, due, client)) = self.next_deadline().filter(|due| due.0 <= self.now) {
            match due {
                Due::Hello => {
                    self.push(client, Expected::Abort("wamp.error.timeout"));
                    self.end(client);
                }
                Due::Look => self.look(client),
                Due::Call(request) => self.stop_call(client, request, "wamp.error.timeout"),
            }
        }
        self.reap();
    }

    fn next_deadline(&self) -> Option<(Duration, (usize, u64), Due, usize)> {
        let clients = self.clients.iter().enumerate();
        let deadlines = clients.flat_map(|(place, client)| {
            let hello = (client.phase == Phase::Waiting).then_some((
                client.hello_by,
                client.place,
                Due::Hello,
                place,
            ));
            let watch = client.watch.map(|watch| (watch.next, client.place, Due::Look, place));
            hello.into_iter().chain(watch)
        });
        let calls = self.calls.iter().filter_map(|call| {
            let place = self.clients[call.caller].place;
            call.limit.map(|(_, deadline)| (deadline, place, Due::Call(call.request), call.caller))
        });
        deadlines.chain(calls).min()
    }

    fn look(&mut self, client: usize) {
        let now = self.now;
        let place = client;
        let client = &mut self.clients[place];
        let Some(mut watch) = client.watch.take() else { return };
        if client.queue.is_empty() {
            return;
        }
        if client.taken != watch.taken {
            (watch.stalled, watch.taken) = (Duration::ZERO, client.taken);
        } else {
            watch.stalled += (now - watch.looked).min(2 * LOOK);
        }
        if watch.stalled < STALL_TIMEOUT {
            watch.next = now + LOOK.min(STALL_TIMEOUT - watch.stalled);
            watch.looked = now;
            client.watch = Some(watch);
        } else if client.phase == Phase::Closed {
            client.queue.clear();
        } else {
            self.doom(place);
        }
    }

    /// The client takes all that is queued for it.
    pub(crate) fn take(&mut self, client: usize) -> Vec<Expected> {
        let client = &mut self.clients[client];
        client.taken += client.queue.len() as u64;
        core::mem::take(&mut client.queue)
    }

    pub(crate) fn send(&mut self, to: usize, dear: Dear, message: Expected) -> bool {
        let client = &self.clients[to];
        if client.phase == Phase::Closed || client.phase == Phase::Gone {
            return false;
        }
        if client.queue.len() < self.sizes.queue {
            self.push(to, message);
            return true;
        }
        match dear {
            Dear::Invocation => {}
            Dear::Event if self.sizes.drop_events => self.dropped += 1,
            Dear::Event | Dear::Reply => self.doom(to),
        }
        false
    }

    fn push(&mut self, to: usize, message: Expected) {
        let now = self.now;
        let client = &mut self.clients[to];
        client.queue.push(message);
        let taken = client.taken;
        match &mut client.watch {
            Some(watch) if client.queue.len() == 1 => {
                (watch.looked, watch.stalled, watch.taken) = (now, Duration::ZERO, taken);
            }
            Some(_) => {}
            None => {
                client.watch = Some(Watch { next: now + LOOK, looked: now, stalled: Duration::ZERO, taken });
            }
        }
    }

    fn doom(&mut self, client: usize) {
        if !self.doomed.contains(&client) {
            self.doomed.push(client);
        }
    }

    /// Connections that do not take their messages go, the last that was found first.
    pub(crate) fn reap(&mut self) {
        while let Some(client) = self.doomed.pop() {
            self.clients[client].queue.clear();
            self.push(client, Expected::Abort("wamp.close.killed"));
            self.end(client);
        }
    }

    /// A session is over: nobody holds anything of it any more.
    fn end(&mut self, client: usize) {
        if self.clients[client].phase == Phase::Closed || self.clients[client].phase == Phase::Gone {
            return;
        }
        self.clients[client].phase = Phase::Closed;
        for subscription in &mut self.subscriptions {
            subscription.subscribers.retain(|subscriber| *subscriber != client);
        }
        self.end_subscriptions();
        self.forsake(client);
        self.execute(client);
    }

    pub(crate) fn fail(&mut self, to: usize, kind: MessageKind, request: u64, error: &'static str) {
        self.send(to, Dear::Reply, Expected::Error { kind, request, error, payload: None });
    }
}
