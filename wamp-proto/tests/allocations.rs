//! How many allocations the routed path needs: counted, because nothing else stays the same on a busy machine.
//!
//! One test only: the counter sees the whole process.

use bytes::Bytes;
use wamp_proto::{
    Encoding, Instant, Match, Pattern, Payload, Uri,
    id::RequestId,
    message::{
        Call, CallOptions, Hello, HelloDetails, Message, Publish, PublishOptions, Register, RegisterOptions,
        Role, Roles, Subscribe, SubscribeOptions, Yield, YieldOptions,
    },
    router::{Access, Action, Config, ConnectionId, Opened, RealmPermissions, Rights, Router, Rule},
    uri::UriRule,
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const NOW: Instant = Instant::ZERO;
const ENCODING: Encoding = Encoding::MessagePack;

/// Allocations of one routed call, CALL -> INVOCATION -> YIELD -> RESULT, and of one event to ten subscribers.
const CALL: u64 = 6;
const EVENT: u64 = 4;

/// Bytes of a large event.
const LARGE: usize = 500_000;

#[test]
fn the_routed_path_allocates_little_more_than_its_frames() {
    let _profiler = dhat::Profiler::builder().testing().build();
    measure("everything is allowed", Config::new([uri("realm1")]));
    // Rules are looked up, not copied.
    let pattern = Pattern::new(UriRule::Loose, Match::Prefix, "com.example.").unwrap();
    let rules = Access::Rules(vec![Rule::new(pattern, Rights::ALL)]);
    let mut config = Config::new([uri("realm1")]);
    config.permissions = vec![RealmPermissions::new(uri("realm1")).role("anonymous", rules)];
    measure("rules allow it", config);
}

fn measure(what: &str, config: Config) {
    let mut router = Router::new(config, [1; 32]);
    let caller = join(&mut router);
    let callee = join(&mut router);
    let (request, procedure) = (RequestId::FIRST, uri("com.example.procedure"));
    send(&mut router, callee, Register { request, options: RegisterOptions::default(), procedure }.into());
    drain(&mut router, callee);
    let subscribers = (0..10).map(|_| join(&mut router)).collect::<Vec<_>>();
    for &subscriber in &subscribers {
        let subscribe =
            Subscribe { request, options: SubscribeOptions::default(), topic: uri("com.example.topic") };
        send(&mut router, subscriber, subscribe.into());
        drain(&mut router, subscriber);
    }

    // The first rounds fill the maps and queues that are kept.
    let calls = (1..=20).map(|n| routed_call(&mut router, caller, callee, n)).collect::<Vec<_>>();
    let events = (21..=40).map(|n| routed_event(&mut router, caller, &subscribers, n)).collect::<Vec<_>>();
    println!("allocations where {what}: {} for a routed call, {} for an event to 10", calls[19], events[19]);
    assert!(calls[10..].iter().all(|count| *count <= CALL), "{calls:?}");
    assert!(events[10..].iter().all(|count| *count <= EVENT), "{events:?}");

    // Fault 69: what is queued for many is there once.
    let large = Payload::from_args(ENCODING, &["x".repeat(LARGE)]).unwrap();
    let before = dhat::HeapStats::get().curr_bytes;
    let (request, topic) = (41.try_into().unwrap(), uri("com.example.topic"));
    let options = PublishOptions::default();
    send(&mut router, caller, Publish { request, options, topic, payload: large }.into());
    let queued = dhat::HeapStats::get().curr_bytes - before;
    assert!(router.counts().queued_bytes >= 10 * LARGE && queued < 2 * LARGE, "{queued} bytes");
}

fn routed_call(router: &mut Router, caller: ConnectionId, callee: ConnectionId, number: u64) -> u64 {
    let request = number.try_into().unwrap();
    let procedure = uri("com.example.procedure");
    let call =
        frame(Call { request, options: CallOptions::default(), procedure, payload: kilobyte() }.into());
    let answer = frame(Yield { request, options: YieldOptions::default(), payload: kilobyte() }.into());
    let before = dhat::HeapStats::get().total_blocks;
    router.handle_frame(NOW, caller, call);
    let invocation = next(router, callee);
    router.handle_frame(NOW, callee, answer);
    let result = next(router, caller);
    let count = dhat::HeapStats::get().total_blocks - before;
    assert!(invocation.len() > 1024 && result.len() > 1024);
    count
}

fn routed_event(
    router: &mut Router,
    publisher: ConnectionId,
    subscribers: &[ConnectionId],
    number: u64,
) -> u64 {
    let (request, topic) = (number.try_into().unwrap(), uri("com.example.topic"));
    let options = PublishOptions::default();
    let publish = frame(Publish { request, options, topic, payload: kilobyte() }.into());
    let before = dhat::HeapStats::get().total_blocks;
    router.handle_frame(NOW, publisher, publish);
    for &subscriber in subscribers {
        next(router, subscriber);
    }
    dhat::HeapStats::get().total_blocks - before
}

/// A frame as a transport hands it over: a slice of a buffer that others share.
fn frame(message: Message) -> Bytes {
    let frame = message.encode(ENCODING).unwrap();
    let shared = frame.clone();
    drop(frame);
    shared
}

fn kilobyte() -> Payload {
    Payload::from_args(ENCODING, &["x".repeat(1024)]).unwrap()
}

fn join(router: &mut Router) -> ConnectionId {
    let connection = router.open(NOW, Opened::new(ENCODING));
    let roles =
        Role::CLIENT.into_iter().fold(Roles::NONE, |roles, role| roles.with(role, Default::default()));
    let details = HelloDetails { roles, ..HelloDetails::default() };
    send(router, connection, Hello { realm: uri("realm1"), details }.into());
    drain(router, connection);
    connection
}

fn send(router: &mut Router, from: ConnectionId, message: Message) {
    router.handle_frame(NOW, from, frame(message));
}

fn next(router: &mut Router, to: ConnectionId) -> Bytes {
    let Some(Action::Send(frame)) = router.poll_transmit(to) else { panic!("nothing to send") };
    drain(router, to);
    frame
}

fn drain(router: &mut Router, to: ConnectionId) {
    while router.poll_ready().is_some() {}
    while let Some(action) = router.poll_transmit(to) {
        assert!(matches!(action, Action::Send(_)), "{action:?}");
    }
}

fn uri(uri: &str) -> Uri {
    uri.parse().unwrap()
}
