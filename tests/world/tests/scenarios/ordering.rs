//! What may not overtake what (S-75..S-80), over slow links and links that cut messages in pieces.

use std::time::Duration;

use wamp_proto::{Encoding, session::Event};
use wamp_world::{Client, World, world::LinkRule};

/// One client over a whole, a slow or a fragmented link, as the seed wants it.
fn join(world: &mut World, name: &str, seed: u64) -> Client {
    let encoding = Encoding::ALL[(seed % 3) as usize];
    let rule = LinkRule {
        latency: Duration::from_millis(seed % 5 * 7),
        fragmented: seed % 2 == 0,
        ..LinkRule::default()
    };
    world.join_with(name, encoding, rule, |_| {})
}

/// Fault 75.
#[test]
fn s_75_events_of_one_publisher_arrive_in_order_across_topics() {
    for seed in 0..30 {
        let mut world = World::new(seed);
        let subscribers = [1, 2, 3].map(|n| join(&mut world, "subscriber", seed + n));
        let publisher = join(&mut world, "publisher", seed * 7);
        for subscriber in subscribers {
            for topic in ["a.0", "a.1", "a.2"] {
                subscriber.subscribe(&mut world, topic);
            }
        }
        world.run();
        for n in 0..50 {
            publisher.publish(&mut world, &format!("a.{}", n % 3), (n,));
            if n % 10 == 0 {
                world.set_latency(publisher, Duration::from_millis(50 - n));
                world.run();
            }
        }
        world.run();
        let expected = (0..50).map(|n| format!("[{n}]")).collect::<Vec<_>>();
        for subscriber in subscribers {
            assert_eq!(subscriber.received(&mut world), expected, "seed {seed}");
        }
        world.end();
    }
}

#[test]
fn s_76_t_20_subscribed_comes_before_the_first_event() {
    for seed in 0..30 {
        let mut world = World::new(seed);
        let publisher = join(&mut world, "publisher", seed);
        let subscriber = join(&mut world, "subscriber", seed * 5 + 1);
        for n in 0..20 {
            publisher.publish(&mut world, "com.example.tick", (n,));
            if n == 7 {
                subscriber.subscribe(&mut world, "com.example.tick");
            }
            world.advance(Duration::from_millis(3));
        }
        world.run();
        let events = subscriber.events(&mut world);
        let subscribed = events.iter().position(|event| matches!(event, Event::Subscribed { .. })).unwrap();
        let first = events.iter().position(|event| matches!(event, Event::Event(_))).unwrap_or(usize::MAX);
        assert!(subscribed < first);
        world.end();
    }
}

#[test]
fn s_77_s_78_invocations_arrive_in_order_and_behind_registered() {
    for seed in 0..30 {
        let mut world = World::new(seed);
        let callee = join(&mut world, "callee", seed + 1);
        let caller = join(&mut world, "caller", seed * 3);
        callee.register(&mut world, "com.example.a");
        callee.register(&mut world, "com.example.b");
        let mut calls = Vec::new();
        for n in 0..30 {
            let procedure = if n % 3 == 0 { "com.example.a" } else { "com.example.b" };
            calls.push(caller.call(&mut world, procedure, (n,)));
            world.advance(Duration::from_millis(2));
        }
        world.run();
        let mut last = None;
        let mut registered = 0;
        for event in callee.events(&mut world) {
            match event {
                Event::Registered { .. } => registered += 1,
                Event::Invocation { payload, .. } => {
                    assert_eq!(registered, 2);
                    let n = payload.value::<u32>().unwrap();
                    assert!(last < Some(n), "seed {seed}");
                    last = Some(n);
                }
                _ => {}
            }
        }
        world.end();
    }
}

/// Fault 24: a message in pieces is the same message.
#[test]
fn fault_24_pieces_change_nothing() {
    let transcript = |fragmented| {
        let mut world = World::new(1);
        let rule = LinkRule { fragmented, ..LinkRule::default() };
        let alice = world.join_with("alice", Encoding::Json, rule, |_| {});
        let bob = world.join_with("bob", Encoding::MessagePack, rule, |_| {});
        alice.register(&mut world, "com.example.add");
        alice.subscribe(&mut world, "com.example.tick");
        world.run();
        for n in 0..10 {
            bob.call(&mut world, "com.example.add", (n, "x".repeat(100)));
            world.run();
            alice.answer(&mut world, (n,));
            bob.publish(&mut world, "com.example.tick", (n,));
            world.run();
        }
        world.end();
        world.transcript().to_owned()
    };
    assert_eq!(transcript(false), transcript(true));
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    let transcript = |seed| {
        let mut world = World::new(seed);
        let alice = join(&mut world, "alice", seed);
        let bob = join(&mut world, "bob", seed + 1);
        alice.subscribe(&mut world, "com.example.tick");
        world.run();
        for n in 0..20 {
            bob.publish(&mut world, "com.example.tick", (n,));
        }
        world.run();
        world.transcript().to_owned()
    };
    for seed in 0..5 {
        assert_eq!(transcript(seed), transcript(seed));
    }
}

/// Fault 23: what is on its way when the transport goes is gone, a message in the middle too.
#[test]
fn fault_23_a_cut_in_the_middle_of_a_message() {
    for millis in 0..40 {
        let mut world = World::new(millis);
        let rule = LinkRule { fragmented: true, latency: Duration::from_millis(10), ..LinkRule::default() };
        let alice = world.join_with("alice", Encoding::Cbor, rule, |_| {});
        let bob = world.join("bob", Encoding::Json);
        bob.subscribe(&mut world, "com.example.tick");
        world.run();
        alice.publish(&mut world, "com.example.tick", ("x".repeat(100),));
        world.deliver_packets(millis as usize);
        world.cut(alice);
        world.run();
        assert_eq!(bob.closed(&mut world), None);
        assert!(bob.received(&mut world).len() <= 1);
        world.end();
    }
}
