//! Limits of one session (faults 47, 61, 62, 70), each with a second session that does not notice.

use wamp_proto::{
    Encoding,
    router::{Event, Limit},
};
use wamp_world::World;

use crate::check;

#[test]
fn i_09_s_48_fault_47_strict_request_ids() {
    for (messages, name) in [
        (&[r#"[32,1,{},"a"]"#, r#"[16,2,{},"a"]"#, r#"[48,4,{},"a"]"#][..], "strict_ids_gap"),
        (&[r#"[32,1,{},"a"]"#, r#"[32,1,{},"b"]"#], "strict_ids_repeated"),
        (&[r#"[64,2,{},"a"]"#], "strict_ids_start"),
    ] {
        let mut world = World::with(1, |config| config.strict_request_ids = true);
        let alice = world.join("alice", Encoding::Cbor);
        let mallory = world.raw("mallory", Encoding::Json);
        mallory.hello(&mut world);
        for message in messages {
            assert!(world.is_connected(mallory));
            mallory.send(&mut world, message);
        }
        assert!(!world.is_connected(mallory), "{messages:?}");
        for topic in ["a", "b"] {
            alice.subscribe(&mut world, topic);
            alice.publish(&mut world, topic, ());
        }
        world.run();
        assert_eq!(alice.closed(&mut world), None);
        check(&mut world, name);
    }
}

#[test]
fn fault_61_too_many_subscriptions() {
    let mut world = World::with(1, |config| config.max_subscriptions = 2);
    let alice = world.join("alice", Encoding::Json);
    let requests = ["a", "b", "a", "c"].map(|topic| alice.subscribe(&mut world, topic));
    world.run();
    assert_eq!(alice.failure(&mut world, requests[3]), "wamp.error.unavailable");
    let subscription = alice.subscription(&mut world, requests[0]);
    alice.unsubscribe(&mut world, subscription);
    world.run();
    let request = alice.subscribe(&mut world, "c");
    world.run();
    alice.subscription(&mut world, request);
    check(&mut world, "max_subscriptions");
}

#[test]
fn fault_61_too_many_registrations() {
    let mut world = World::with(1, |config| config.max_registrations = 1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    alice.register(&mut world, "a");
    let refused = alice.register(&mut world, "b");
    world.run();
    assert_eq!(alice.failure(&mut world, refused), "wamp.error.unavailable");
    let taken = bob.register(&mut world, "b");
    world.run();
    bob.registration(&mut world, taken);
    check(&mut world, "max_registrations");
}

/// The limits that the router has told of.
fn limits(world: &World) -> Vec<Limit> {
    let limit = |event: &Event| match event {
        Event::Limited { limit, .. } => Some(*limit),
        _ => None,
    };
    world.warnings().iter().filter_map(limit).collect()
}

#[test]
fn fault_62_too_many_calls_of_one_caller() {
    let mut world = World::with(1, |config| config.max_calls = 1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    let carol = world.join("carol", Encoding::Cbor);
    alice.register(&mut world, "a");
    world.run();
    let first = bob.call(&mut world, "a", ());
    let refused = bob.call(&mut world, "a", ());
    let other = carol.call(&mut world, "a", ());
    world.run();
    assert_eq!(bob.failure(&mut world, refused), "wamp.error.unavailable");
    alice.answer(&mut world, (1,));
    alice.answer(&mut world, (2,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, first), Ok(1));
    assert_eq!(carol.result::<u8>(&mut world, other), Ok(2));
    check(&mut world, "max_calls");
}

#[test]
fn fault_62_too_many_invocations_of_one_callee() {
    let mut world = World::with(1, |config| config.max_invocations = 1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    alice.register(&mut world, "a");
    world.run();
    let first = bob.call(&mut world, "a", ());
    let refused = bob.call(&mut world, "a", ());
    world.run();
    assert_eq!(bob.failure(&mut world, refused), "wamp.error.unavailable");
    alice.answer(&mut world, (1,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, first), Ok(1));
    let next = bob.call(&mut world, "a", ());
    world.run();
    alice.answer(&mut world, (2,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, next), Ok(2));
    assert_eq!(limits(&world), [Limit::Invocations], "it is told once");
    check(&mut world, "max_invocations");
}

#[test]
fn fault_70_lists_are_bounded() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Cbor);
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    alice.subscribe(&mut world, "a");
    world.run();
    let publish = |ids: usize| format!(r#"[16,1,{{"exclude":[{}]}},"a"]"#, vec!["7"; ids].join(","));
    mallory.send(&mut world, &publish(90_000));
    assert!(world.is_connected(mallory));
    mallory.send(&mut world, &publish(100_001));
    assert!(!world.is_connected(mallory));
    world.run();
    assert_eq!((alice.received(&mut world).len(), alice.closed(&mut world)), (1, None));
    world.end();
}
