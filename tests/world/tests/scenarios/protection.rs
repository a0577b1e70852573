//! What keeps one peer from taking more than its share, each counted and told (faults 61, 62, section 3).

use std::time::Duration;

use wamp_proto::{
    Encoding, Uri,
    router::{Event, Limit, Rate},
};
use wamp_world::{Client, World, world::REALM};

/// The limits that were told of, with the names of those who reached them.
fn told(world: &World) -> Vec<(String, Limit)> {
    let of = |event: &Event| match event {
        Event::Limited { authid, limit, .. } => Some((authid.clone().unwrap_or_default(), *limit)),
        _ => None,
    };
    world.warnings().iter().filter_map(of).collect()
}

fn publish(world: &mut World, client: Client, count: u64) {
    for number in 0..count {
        client.publish(world, "com.tick", (number,));
    }
    world.run();
}

#[test]
fn who_sends_too_much_is_not_read_from_for_a_while() {
    let rate = Rate::per_second(10).burst(5);
    let mut world = World::with(1, |config| config.message_rate = Some(rate));
    let flood = world.join_as("flood", "app", REALM);
    let calm = world.join_as("calm", "app", REALM);
    calm.subscribe(&mut world, "com.tick");
    world.run();
    publish(&mut world, flood, 30);
    assert!(!world.router_reads(flood) && world.router_reads(calm));
    // HELLO was one, and one on credit stops it.
    assert_eq!(calm.received(&mut world).len(), 5);
    calm.publish(&mut world, "com.other", ());
    world.advance(Duration::from_secs(1));
    assert_eq!(calm.received(&mut world).len(), 15);
    world.advance(Duration::from_secs(2));
    assert_eq!(calm.received(&mut world), (0..30).map(|number| format!("[{number}]")).collect::<Vec<_>>());
    assert!(world.router_reads(flood));
    assert_eq!(told(&world), [("flood".to_owned(), Limit::MessageRate)]);
    let totals = world.counts().totals;
    assert!(totals.throttled >= 20 && totals.limited == totals.throttled, "{totals:?}");
    world.end();
}

#[test]
fn who_is_stopped_too_often_must_go() {
    let rate = Rate::per_second(10).burst(1);
    let mut world = World::with(1, |config| {
        config.message_rate = Some(rate);
        config.max_throttles = Some(3);
    });
    let flood = world.join_as("flood", "app", REALM);
    world.advance(Duration::from_secs(1));
    publish(&mut world, flood, 30);
    world.advance(Duration::from_secs(10));
    assert!(world.left(flood).unwrap().contains("sends more messages"), "{:?}", world.left(flood));
    world.end();
}

#[test]
fn joins_have_a_rate() {
    let rate = Rate::per_second(1).burst(2);
    let mut world = World::with(1, |config| config.join_rate = Some(rate));
    let clients = ["a", "b", "c"].map(|name| world.join_as(name, "app", REALM));
    let closed = clients.map(|client| client.closed(&mut world).map(|why| why.to_string()));
    assert_eq!((&closed[0], &closed[1]), (&None, &None));
    assert!(closed[2].as_ref().unwrap().contains("wamp.error.unavailable"), "{closed:?}");
    assert_eq!(told(&world), [(String::new(), Limit::JoinRate)]);
    world.advance(Duration::from_secs(1));
    let late = world.join_as("d", "app", REALM);
    assert_eq!(late.closed(&mut world), None);
    assert_eq!(world.counts().totals.joined, 3);
    world.end();
}

#[test]
fn realms_and_names_have_so_many_sessions() {
    let mut world = World::with(1, |config| {
        config.max_sessions = 3;
        config.max_sessions_of_authid = 2;
    });
    let mut join = |name: &str, realm: &str| {
        let client = world.join_as(name, "app", realm);
        let closed = client.closed(&mut world);
        (client, closed.map(|why| why.to_string()))
    };
    let (first, closed) = join("twin", REALM);
    assert_eq!(closed, None);
    assert_eq!(join("twin", REALM).1, None);
    assert!(join("twin", REALM).1.unwrap().contains("of this name"));
    assert_eq!(join("other", REALM).1, None);
    assert!(join("one_too_many", REALM).1.unwrap().contains("the realm has"));
    // Another realm counts for itself, and who leaves makes room.
    assert_eq!(join("twin", wamp_world::world::OTHER_REALM).1, None);
    first.leave(&mut world);
    world.run();
    let again = world.join_as("twin", "app", REALM);
    assert_eq!(again.closed(&mut world), None);
    let limits = told(&world).into_iter().map(|(_, limit)| limit).collect::<Vec<_>>();
    assert_eq!(limits, [Limit::SessionsOfAuthid, Limit::Sessions]);
    world.end();
}

#[test]
fn faults_61_62_limits_are_told_once_and_counted_always() {
    let mut world = World::with(1, |config| {
        (config.max_subscriptions, config.max_registrations, config.max_calls) = (1, 1, 1);
    });
    let callee = world.join_as("callee", "app", REALM);
    let client = world.join_as("client", "app", REALM);
    callee.register(&mut world, "com.add");
    world.run();
    for number in 0..4 {
        client.subscribe(&mut world, &format!("com.topic{number}"));
        client.register(&mut world, &format!("com.procedure{number}"));
        client.call(&mut world, "com.add", ());
    }
    world.run();
    let own = |limit| ("client".to_owned(), limit);
    assert_eq!(told(&world), [own(Limit::Subscriptions), own(Limit::Registrations), own(Limit::Calls)]);
    assert_eq!(world.counts().totals.limited, 9);
    world.end();
}

#[test]
fn what_happens_is_counted() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join_with("bob", Encoding::Cbor, Default::default(), |config| {
        config.realm = Uri::unchecked(wamp_world::world::OTHER_REALM);
    });
    alice.subscribe(&mut world, "com.tick");
    bob.subscribe(&mut world, "com.tick");
    world.run();
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, "[99]");
    let totals = world.counts().totals;
    // HELLO and WELCOME, SUBSCRIBE and SUBSCRIBED twice; HELLO and WELCOME, garbage and ABORT.
    assert_eq!((totals.joined, totals.received, totals.sent, totals.violations), (3, 6, 6, 1));
    assert_eq!((totals.denied, totals.limited, totals.throttled), (0, 0, 0));
    world.end();
}
