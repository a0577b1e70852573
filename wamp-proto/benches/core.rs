//! What the core costs: `cargo bench -p wamp-proto`.

use bytes::Bytes;
use divan::{Bencher, black_box};
use wamp_proto::{
    Encoding, Instant, Limits, Match, Pattern, Payload, Uri,
    id::{RequestId, SessionId},
    message::{
        Audience, Call, CallOptions, Hello, HelloDetails, Message, Publish, PublishOptions, Register,
        RegisterOptions, Role, Roles, Subscribe, SubscribeOptions, Yield, YieldOptions,
    },
    router::{Access, Action, Config, ConnectionId, Opened, RealmPermissions, Rights, Router, Rule},
    uri::UriRule,
};

const NOW: Instant = Instant::ZERO;

fn main() {
    divan::main();
}

/// Payloads: one text of 64 bytes, one of 16 kB, a hundred rows of five columns.
#[derive(Clone, Copy, Debug)]
enum Load {
    Text64,
    Text16k,
    Rows100,
}

impl Load {
    const ALL: [Self; 3] = [Self::Text64, Self::Text16k, Self::Rows100];

    fn payload(self, encoding: Encoding) -> Payload {
        let row = |n: u64| (n, "some name", n % 2 == 0, 1.5, [n, n + 1]);
        let payload = match self {
            Self::Text64 => Payload::from_args(encoding, &["x".repeat(64)]),
            Self::Text16k => Payload::from_args(encoding, &["x".repeat(16 << 10)]),
            Self::Rows100 => Payload::from_args(encoding, &(0..100).map(row).collect::<Vec<_>>()),
        };
        payload.expect("plain values can be serialized")
    }
}

fn cases() -> Vec<(Encoding, Load)> {
    Encoding::ALL.into_iter().flat_map(|encoding| Load::ALL.map(|load| (encoding, load))).collect()
}

fn call(encoding: Encoding, load: Load) -> Message {
    Message::from(Call {
        request: RequestId::FIRST,
        options: CallOptions::default(),
        procedure: uri("com.example.procedure"),
        payload: load.payload(encoding),
    })
}

fn frame(message: &Message, encoding: Encoding) -> Bytes {
    message.encode(encoding).expect("valid messages can be encoded")
}

fn uri(uri: &str) -> Uri {
    uri.parse().expect("a valid URI")
}

#[divan::bench(args = cases())]
fn decode(bencher: Bencher<'_, '_>, (encoding, load): (Encoding, Load)) {
    let frame = frame(&call(encoding, load), encoding);
    bencher.bench(|| Message::decode(encoding, black_box(&frame), &Limits::default()));
}

#[divan::bench(args = cases())]
fn encode(bencher: Bencher<'_, '_>, (encoding, load): (Encoding, Load)) {
    let message = call(encoding, load);
    bencher.bench(|| black_box(&message).encode(encoding));
}

#[divan::bench(args = cases())]
fn transcode_to_the_next(bencher: Bencher<'_, '_>, (encoding, load): (Encoding, Load)) {
    let payload = load.payload(encoding);
    let to = Encoding::ALL[(encoding as usize + 1) % 3];
    bencher.bench(|| black_box(&payload).transcode(to));
}

/// CALL -> INVOCATION -> YIELD -> RESULT: decoded, routed, spliced and taken.
#[divan::bench(args = cases())]
fn route_call(bencher: Bencher<'_, '_>, (encoding, load): (Encoding, Load)) {
    let mut world = World::new(encoding);
    let (caller, callee) = (world.join(), world.join());
    world.register(callee, "com.example.procedure");
    let payload = load.payload(encoding);
    let mut number = 0;
    bencher.bench_local(|| {
        number += 1;
        world.call(caller, callee, number, &payload);
    });
}

/// The same for a session that may do what rules say: so many of them.
#[divan::bench(args = [1, 100, 10_000])]
fn route_call_by_rules(bencher: Bencher<'_, '_>, rules: usize) {
    let mut world =
        World::with(Encoding::MessagePack, |config| config.permissions = vec![permissions(rules)]);
    let (caller, callee) = (world.join(), world.join());
    world.register(callee, "com.example.procedure");
    let payload = Load::Text64.payload(Encoding::MessagePack);
    let mut number = 0;
    bencher.bench_local(|| {
        number += 1;
        world.call(caller, callee, number, &payload);
    });
}

/// Rules for other prefixes, and one for the procedure of the benches.
fn permissions(rules: usize) -> RealmPermissions {
    let prefix = |uri: &str| Pattern::new(UriRule::Loose, Match::Prefix, uri).expect("a valid prefix");
    let others = (1..rules).map(|number| Rule::new(prefix(&format!("com.other{number}.")), Rights::ALL));
    let rules = others.chain([Rule::new(prefix("com.example."), Rights::ALL)]).collect();
    RealmPermissions::new(uri("realm1")).role("anonymous", Access::Rules(rules))
}

#[divan::bench(args = [1, 10, 100])]
fn route_event(bencher: Bencher<'_, '_>, subscribers: usize) {
    let mut world = World::new(Encoding::Json);
    let publisher = world.join();
    let subscribers = (0..subscribers).map(|_| world.join()).collect::<Vec<_>>();
    for &subscriber in &subscribers {
        world.subscribe(subscriber, 1, "com.example.topic");
    }
    let payload = Load::Text64.payload(Encoding::Json);
    bencher.bench_local(|| world.publish(publisher, "com.example.topic", &payload, &subscribers));
}

/// The cost of a publication does not depend on how many topics there are.
#[divan::bench(args = [10, 1_000, 100_000])]
fn route_event_among_topics(bencher: Bencher<'_, '_>, topics: u64) {
    let mut world = World::new(Encoding::Json);
    let (publisher, subscriber) = (world.join(), world.join());
    for topic in 1..=topics {
        world.subscribe(subscriber, topic, &format!("com.example.topic{topic}"));
    }
    let payload = Load::Text64.payload(Encoding::Json);
    bencher.bench_local(|| world.publish(publisher, "com.example.topic7", &payload, &[subscriber]));
}

/// How many patterns of a kind there are beside the one that matches.
const AMONG: [(Match, u64); 6] = [
    (Match::Exact, 10),
    (Match::Exact, 100_000),
    (Match::Prefix, 10),
    (Match::Prefix, 100_000),
    (Match::Wildcard, 10),
    (Match::Wildcard, 100_000),
];

/// Patterns that come near `com.example.topic` and `com.example.procedure`, but do not match.
fn patterns((kind, count): (Match, u64)) -> impl Iterator<Item = String> {
    (0..count).map(move |n| match kind {
        Match::Exact => format!("com.example.other{n}"),
        Match::Prefix => format!("com.example.{}{n}.", if n % 2 == 0 { "topic" } else { "procedure" }),
        Match::Wildcard => format!("com..other{n}"),
    })
}

/// The cost of a publication does not depend on how many patterns there are.
#[divan::bench(args = AMONG)]
fn route_event_among_patterns(bencher: Bencher<'_, '_>, among: (Match, u64)) {
    let mut world = World::new(Encoding::Json);
    let (publisher, subscriber) = (world.join(), world.join());
    for (request, pattern) in (1..).zip(patterns(among)) {
        world.subscribe_pattern(subscriber, request, among.0, &pattern);
    }
    world.subscribe(subscriber, u64::from(u32::MAX), "com.example.topic");
    let payload = Load::Text64.payload(Encoding::Json);
    bencher.bench_local(|| world.publish(publisher, "com.example.topic", &payload, &[subscriber]));
}

/// Nor does that of a call.
#[divan::bench(args = AMONG)]
fn route_call_among_patterns(bencher: Bencher<'_, '_>, among: (Match, u64)) {
    let mut world = World::new(Encoding::Json);
    let (caller, callee) = (world.join(), world.join());
    for pattern in patterns(among) {
        world.register_pattern(callee, among.0, &pattern);
    }
    world.register(callee, "com.example.procedure");
    let payload = Load::Text64.payload(Encoding::Json);
    let mut number = 0;
    bencher.bench_local(|| {
        number += 1;
        world.call(caller, callee, number, &payload);
    });
}

/// What does match costs what it is: one event to one subscriber by this many patterns.
#[divan::bench(args = [1, 10, 100])]
fn route_event_to_patterns(bencher: Bencher<'_, '_>, matching: u64) {
    let mut world = World::new(Encoding::Json);
    let (publisher, subscriber) = (world.join(), world.join());
    let topic = format!("com.{}", "a".repeat(100));
    for request in 1..=matching {
        let prefix = &topic[..topic.len() - usize::try_from(request).unwrap_or(0) + 1];
        world.subscribe_pattern(subscriber, request, Match::Prefix, prefix);
    }
    let payload = Load::Text64.payload(Encoding::Json);
    bencher.bench_local(|| world.publish(publisher, &topic, &payload, &[subscriber]));
}

/// An event with a whitelist of ten sessions costs what its receivers cost, not what all subscribers do.
#[divan::bench(args = [10, 10_000])]
fn route_event_to_ten_of(bencher: Bencher<'_, '_>, subscribers: usize) {
    let mut world = World::new(Encoding::Json);
    let publisher = world.join();
    let mut sessions = Vec::new();
    let subscribers = (0..subscribers).map(|_| world.join_as(&mut sessions)).collect::<Vec<_>>();
    for &subscriber in &subscribers {
        world.subscribe(subscriber, 1, "com.example.topic");
    }
    let audience = Audience { eligible: Some(sessions[..10].to_vec()), ..Audience::default() };
    let options = PublishOptions { audience: Some(Box::new(audience)), ..PublishOptions::default() };
    let payload = Load::Text64.payload(Encoding::Json);
    bencher.bench_local(|| {
        world.publish_with(publisher, "com.example.topic", options.clone(), &payload, &subscribers[..10]);
    });
}

/// What a new subscriber to a pattern gets: ten retained events among many.
#[divan::bench(args = [10, 10_000])]
fn retained_among_topics(bencher: Bencher<'_, '_>, topics: u64) {
    let mut world = World::new(Encoding::Json);
    let (publisher, subscriber) = (world.join(), world.join());
    let payload = Load::Text64.payload(Encoding::Json);
    let options = PublishOptions { retain: true, ..PublishOptions::default() };
    for topic in 0..topics {
        let topic = format!("com.example.group{}.topic{}", topic / 10, topic % 10);
        world.publish_with(publisher, &topic, options.clone(), &payload, &[]);
    }
    bencher.bench_local(|| {
        let options = SubscribeOptions {
            get_retained: true,
            match_policy: Some(Match::Prefix),
            ..SubscribeOptions::default()
        };
        let topic = Uri::unchecked("com.example.group0.");
        world.send(subscriber, Subscribe { request: RequestId::FIRST, options, topic }.into());
        world.take(subscriber);
    });
}

/// A router and connections that take what they get.
struct World {
    router: Router,
    encoding: Encoding,
}

impl World {
    fn new(encoding: Encoding) -> Self {
        Self::with(encoding, |_| {})
    }

    fn with(encoding: Encoding, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new([uri("realm1")]);
        // Time stands still here.
        (config.message_rate, config.join_rate) = (None, None);
        change(&mut config);
        config.max_subscriptions = usize::MAX;
        config.max_registrations = usize::MAX;
        Self { router: Router::new(config, [1; 32]), encoding }
    }

    fn join(&mut self) -> ConnectionId {
        self.join_as(&mut Vec::new())
    }

    /// Joins, and adds the session to a list.
    fn join_as(&mut self, sessions: &mut Vec<SessionId>) -> ConnectionId {
        let connection = self.router.open(NOW, Opened::new(self.encoding));
        let roles =
            Role::CLIENT.into_iter().fold(Roles::NONE, |roles, role| roles.with(role, Default::default()));
        let details = HelloDetails { roles, ..HelloDetails::default() };
        self.send(connection, Hello { realm: uri("realm1"), details }.into());
        let Some(Action::Send(welcome)) = self.router.poll_transmit(connection) else { panic!("no answer") };
        let welcome = Message::decode(self.encoding, &welcome, &Limits::default());
        let Ok(Message::Welcome(welcome)) = welcome else { panic!("no welcome") };
        sessions.push(welcome.session);
        connection
    }

    fn register(&mut self, callee: ConnectionId, procedure: &str) {
        self.register_pattern(callee, Match::Exact, procedure);
    }

    fn register_pattern(&mut self, callee: ConnectionId, kind: Match, procedure: &str) {
        let (request, procedure) = (RequestId::FIRST, Uri::unchecked(procedure));
        let options = RegisterOptions { match_policy: Some(kind), ..RegisterOptions::default() };
        self.send(callee, Register { request, options, procedure }.into());
        self.take(callee);
    }

    fn subscribe(&mut self, subscriber: ConnectionId, request: u64, topic: &str) {
        self.subscribe_pattern(subscriber, request, Match::Exact, topic);
    }

    fn subscribe_pattern(&mut self, subscriber: ConnectionId, request: u64, kind: Match, topic: &str) {
        let request = request.try_into().expect("an id");
        let options = SubscribeOptions { match_policy: Some(kind), ..SubscribeOptions::default() };
        let subscribe = Subscribe { request, options, topic: Uri::unchecked(topic) };
        self.send(subscriber, subscribe.into());
        self.take(subscriber);
    }

    fn call(&mut self, caller: ConnectionId, callee: ConnectionId, number: u64, payload: &Payload) {
        let request = number.try_into().expect("an id");
        let (options, procedure) = (CallOptions::default(), uri("com.example.procedure"));
        self.send(caller, Call { request, options, procedure, payload: payload.clone() }.into());
        self.take(callee);
        let options = YieldOptions::default();
        self.send(callee, Yield { request, options, payload: payload.clone() }.into());
        self.take(caller);
    }

    fn publish(&mut self, from: ConnectionId, topic: &str, payload: &Payload, to: &[ConnectionId]) {
        self.publish_with(from, topic, PublishOptions::default(), payload, to);
    }

    fn publish_with(
        &mut self,
        from: ConnectionId,
        topic: &str,
        options: PublishOptions,
        payload: &Payload,
        to: &[ConnectionId],
    ) {
        let request = RequestId::FIRST;
        self.send(from, Publish { request, options, topic: uri(topic), payload: payload.clone() }.into());
        for &subscriber in to {
            self.take(subscriber);
        }
    }

    fn send(&mut self, from: ConnectionId, message: Message) {
        self.router.handle_frame(NOW, from, frame(&message, self.encoding));
    }

    fn take(&mut self, to: ConnectionId) {
        while self.router.poll_ready().is_some() {}
        let mut taken = 0;
        while let Some(Action::Send(frame)) = self.router.poll_transmit(to) {
            taken += black_box(frame).len();
        }
        assert!(taken > 0, "nothing was routed");
    }
}
