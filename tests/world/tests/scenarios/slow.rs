//! Peers that do not read, and those that must not notice (fault 68, W-73, S-75).

use std::time::Duration;

use wamp_proto::{Encoding, router::SlowSubscriber};
use wamp_world::{Client, World, world::Way};

use crate::check;

/// A slow and a healthy subscriber, and a publisher.
fn world(messages: usize, policy: SlowSubscriber) -> (World, Client, Client, Client) {
    let mut world = World::with(1, |config| {
        config.queue_messages = messages;
        config.slow_subscriber = policy;
    });
    let slow = world.join("slow", Encoding::Json);
    let healthy = world.join("healthy", Encoding::Json);
    let publisher = world.join("publisher", Encoding::Cbor);
    for client in [slow, healthy] {
        client.subscribe(&mut world, "com.example.tick");
    }
    world.run();
    world.stall(slow, Way::Down);
    (world, slow, healthy, publisher)
}

#[test]
fn fault_68_a_slow_subscriber_is_closed() {
    let (mut world, slow, healthy, publisher) = world(3, SlowSubscriber::Close);
    for n in 1..=5 {
        publisher.publish(&mut world, "com.example.tick", (n,));
        world.run();
    }
    assert_eq!(world.left(slow), Some("the peer does not read"));
    assert_eq!(healthy.received(&mut world).len(), 5);
    assert_eq!(publisher.closed(&mut world), None);
    world.unstall(slow, Way::Down);
    world.run();
    assert!(!world.is_connected(slow));
    check(&mut world, "slow_close");
}

#[test]
fn fault_68_events_for_a_slow_subscriber_are_dropped() {
    let (mut world, slow, healthy, publisher) = world(3, SlowSubscriber::Drop);
    for n in 1..=5 {
        publisher.publish(&mut world, "com.example.tick", (n,));
        world.run();
    }
    assert_eq!(world.left(slow), None);
    assert_eq!(world.counts().dropped_events, 2);
    world.unstall(slow, Way::Down);
    world.run();
    assert_eq!(slow.received(&mut world), ["[1]", "[2]", "[3]"]);
    assert_eq!(healthy.received(&mut world).len(), 5);
    check(&mut world, "slow_drop");
}

#[test]
fn fault_68_a_stalled_reader_is_closed_in_time() {
    let (mut world, slow, healthy, publisher) = world(1_000, SlowSubscriber::Close);
    publisher.publish(&mut world, "com.example.tick", (1,));
    world.run();
    let mut closed = None;
    for second in 1..=15 {
        world.advance(Duration::from_secs(1));
        publisher.publish(&mut world, "com.example.tick", (second,));
        world.run();
        if closed.is_none() && world.left(slow).is_some() {
            closed = Some(second);
        }
    }
    assert!(closed.is_some_and(|second| second <= 10), "{closed:?}");
    assert_eq!(healthy.received(&mut world).len(), 16);
    world.unstall(slow, Way::Down);
    world.run();
    world.end();
}

/// However busy the connection was before it stalled.
#[test]
fn fault_68_a_reader_that_stalls_later_is_closed_in_time_too() {
    for stalls_at in [0, 1, 3, 5, 9, 10, 12] {
        let mut world = World::new(1);
        let slow = world.join("slow", Encoding::Json);
        let publisher = world.join("publisher", Encoding::Cbor);
        slow.subscribe(&mut world, "com.example.tick");
        world.run();
        let mut closed = None;
        for second in 0..40 {
            if second == stalls_at {
                world.stall(slow, Way::Down);
            }
            publisher.publish(&mut world, "com.example.tick", (second,));
            world.advance(Duration::from_secs(1));
            if closed.is_none() && world.left(slow).is_some() {
                closed = Some(second + 1 - stalls_at);
            }
        }
        let after = closed.unwrap();
        assert!((10..=11).contains(&after), "stalled at {stalls_at}, closed {after} s later");
        world.unstall(slow, Way::Down);
        world.run();
        world.end();
    }
}

/// A router whose process was stopped, or whose machine slept, blames nobody for the time that it was away.
#[test]
fn fault_27_fault_68_nobody_stalls_while_the_router_is_away() {
    const HOUR: Duration = Duration::from_secs(3600);
    for takes in [true, false] {
        let mut world = World::new(1);
        let slow = world.join("slow", Encoding::Json);
        let publisher = world.join("publisher", Encoding::Cbor);
        slow.subscribe(&mut world, "com.example.tick");
        world.run();
        world.stall(slow, Way::Down);
        publisher.publish(&mut world, "com.example.tick", (1,));
        world.run();
        world.advance(Duration::from_secs(4));
        world.freeze(HOUR);
        world.advance(Duration::from_secs(4));
        assert_eq!(world.left(slow), None);
        if takes {
            world.unstall(slow, Way::Down);
            world.freeze(HOUR);
        }
        world.advance(Duration::from_secs(2));
        assert_eq!(world.left(slow).is_none(), takes, "ten seconds without the hour");
        if !takes {
            world.unstall(slow, Way::Down);
        }
        world.run();
        world.end();
    }
}

/// The session of a peer that was told to go ends at once; its transport may take a while to notice.
#[test]
fn fault_68_a_stalled_reader_that_was_aborted_does_not_keep_its_transport() {
    let mut world = World::new(1);
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    world.stall(mallory, Way::Down);
    mallory.send(&mut world, "[]");
    assert_eq!(world.counts().sessions, 0);
    world.unstall(mallory, Way::Down);
    world.run();
    assert!(!world.is_connected(mallory));
    world.end();
}

#[test]
fn fault_68_a_call_to_a_callee_with_a_full_queue() {
    let mut world = World::with(1, |config| config.queue_messages = 2);
    let callee = world.join("callee", Encoding::Json);
    let caller = world.join("caller", Encoding::Cbor);
    callee.register(&mut world, "com.example.add");
    world.run();
    world.stall(callee, Way::Down);
    let calls = [1, 2, 3].map(|n| {
        let call = caller.call(&mut world, "com.example.add", (n,));
        world.run();
        call
    });
    assert_eq!(caller.failure(&mut world, calls[2]), "wamp.error.unavailable");
    assert_eq!(world.left(callee), None);
    world.unstall(callee, Way::Down);
    world.run();
    callee.answer(&mut world, (1,));
    callee.answer(&mut world, (2,));
    world.run();
    assert_eq!(caller.result::<u8>(&mut world, calls[1]), Ok(2));
    check(&mut world, "callee_queue_full");
}

#[test]
fn results_are_never_dropped() {
    let mut world = World::with(1, |config| {
        config.queue_messages = 2;
        config.slow_subscriber = SlowSubscriber::Drop;
    });
    let callee = world.join("callee", Encoding::Json);
    let caller = world.join("caller", Encoding::Cbor);
    callee.register(&mut world, "com.example.add");
    world.run();
    for n in 1..=3 {
        caller.call(&mut world, "com.example.add", (n,));
        world.run();
    }
    world.stall(caller, Way::Down);
    for n in 1..=3 {
        callee.answer(&mut world, (n,));
        world.run();
    }
    assert_eq!(world.left(caller), Some("the peer does not read"));
    world.unstall(caller, Way::Down);
    world.run();
    check(&mut world, "slow_caller");
}

/// The router stops reading from who does not read, and goes on when that has read.
#[test]
fn wants_read_has_a_high_and_a_low_mark() {
    type Change = fn(&mut wamp_proto::router::Config);
    let cases: [(&str, Change); 2] =
        [("bytes", |config| config.queue_bytes = 4_000), ("messages", |config| config.queue_messages = 40)];
    for (what, change) in cases {
        let mut world = World::with(1, change);
        let raw = world.raw("greedy", Encoding::Json);
        raw.hello(&mut world);
        world.stall(raw, Way::Down);
        for n in 1..=200 {
            raw.send(&mut world, &format!(r#"[48,{n},{{}},"com.example.{}"]"#, "x".repeat(30)));
        }
        assert!(!world.router_reads(raw), "{what}");
        assert_eq!(world.left(raw), None, "{what}: what is not read needs no answer");
        world.unstall(raw, Way::Down);
        world.run();
        assert!(world.router_reads(raw), "{what}");
        assert_eq!(raw.received(&mut world).len(), 201, "{what}: all were answered in the end");
        world.end();
    }
}
