//! Events for those who subscribe later.

use wamp_proto::{
    Encoding, Match,
    message::{Audience, PublishOptions, SubscribeOptions},
};
use wamp_world::{Client, World};

use crate::{alice_and_bob, check};

fn retain() -> PublishOptions {
    PublishOptions { retain: true, ..PublishOptions::default() }
}

fn get_retained(kind: Match) -> SubscribeOptions {
    SubscribeOptions { get_retained: true, match_policy: Some(kind), ..SubscribeOptions::default() }
}

/// What a new subscriber to a topic gets.
fn retained(world: &mut World, name: &str, topic: &str) -> Vec<String> {
    let client = world.join(name, Encoding::Json);
    client.subscribe_with(world, topic, get_retained(Match::Exact));
    world.run();
    client.received(world)
}

#[test]
fn p_65_to_p_68_p_71_the_last_retained_event() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.publish(&mut world, "com.example.tick", ("not kept",));
    assert!(retained(&mut world, "early", "com.example.tick").is_empty());
    let acknowledged = PublishOptions { acknowledge: true, ..retain() };
    alice.publish_with(&mut world, "com.example.tick", (1,), retain());
    alice.publish_with(&mut world, "com.example.tick", (2,), acknowledged);
    alice.publish(&mut world, "com.example.tick", ("not kept",));
    world.run();
    assert_eq!(world.counts().retained, 1);
    bob.subscribe_with(&mut world, "com.example.tick", get_retained(Match::Exact));
    world.run();
    assert_eq!(bob.received(&mut world), ["[2]"]);
    // P-67: it must be asked for.
    let carol = world.join("carol", Encoding::MessagePack);
    carol.subscribe(&mut world, "com.example.tick");
    world.run();
    assert!(carol.received(&mut world).is_empty());
    // The event outlives its publisher.
    alice.leave(&mut world);
    world.run();
    assert_eq!(retained(&mut world, "late", "com.example.tick"), ["[2]"]);
    check(&mut world, "retained");
}

#[test]
fn p_70_patterns_get_the_retained_event_of_every_matching_topic() {
    let (mut world, alice, bob) = alice_and_bob();
    for topic in ["com.a.tick", "com.b.tick", "com.b.tock", "com.b.tick.x", "org.a.tick", "com"] {
        alice.publish_with(&mut world, topic, (topic,), retain());
    }
    world.run();
    let mut got = |kind, pattern: &str| {
        bob.events(&mut world);
        bob.subscribe_with(&mut world, pattern, get_retained(kind));
        world.run();
        bob.received(&mut world).join(" ")
    };
    assert_eq!(got(Match::Prefix, "com.b.t"), r#"["com.b.tick"] ["com.b.tick.x"] ["com.b.tock"]"#);
    assert_eq!(got(Match::Wildcard, "com..tick"), r#"["com.a.tick"] ["com.b.tick"]"#);
    assert_eq!(got(Match::Wildcard, "..tick"), r#"["com.a.tick"] ["com.b.tick"] ["org.a.tick"]"#);
    assert_eq!(got(Match::Wildcard, "com.b."), r#"["com.b.tick"] ["com.b.tock"]"#);
    assert_eq!(got(Match::Wildcard, "com.b.tick"), r#"["com.b.tick"]"#);
    assert_eq!(got(Match::Wildcard, ""), r#"["com"]"#);
    assert_eq!(got(Match::Prefix, "").matches("[\"").count(), 6);
    assert_eq!(got(Match::Exact, "com.b"), "");
    check(&mut world, "retained_patterns");
}

#[test]
fn p_66_t_70_only_events_that_the_subscriber_was_eligible_for() {
    let (mut world, alice, bob) = alice_and_bob();
    let authid = bob.welcome(&mut world).details.authid.unwrap();
    let to_bob = || {
        let audience = Audience { eligible_authid: Some(vec![authid.clone()]), ..Audience::default() };
        PublishOptions { audience: Some(Box::new(audience)), ..retain() }
    };
    alice.publish_with(&mut world, "com.example.tick", ("all",), retain());
    alice.publish_with(&mut world, "com.example.tick", ("bob",), to_bob());
    world.run();
    assert_eq!(world.counts().retained, 2);
    assert_eq!(retained(&mut world, "carol", "com.example.tick"), [r#"["all"]"#]);
    bob.subscribe_with(&mut world, "com.example.tick", get_retained(Match::Exact));
    world.run();
    assert_eq!(bob.received(&mut world), [r#"["bob"]"#]);
    // Nobody is eligible by an empty list; and what everybody may have replaces all before it.
    let audience = Audience { eligible: Some(vec![]), ..Audience::default() };
    let nobody = PublishOptions { audience: Some(Box::new(audience)), ..retain() };
    alice.publish_with(&mut world, "com.example.tick", ("nobody",), nobody);
    world.run();
    assert_eq!(retained(&mut world, "dave", "com.example.tick"), [r#"["all"]"#]);
    alice.publish_with(&mut world, "com.example.tick", ("new",), retain());
    world.run();
    assert_eq!(world.counts().retained, 1);
    assert_eq!(retained(&mut world, "eve", "com.example.tick"), [r#"["new"]"#]);
    check(&mut world, "retained_lists");
}

#[test]
fn p_70_a_publisher_does_not_get_its_own_retained_event() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.publish_with(&mut world, "com.example.one", (1,), retain());
    let included = PublishOptions { exclude_me: Some(false), disclose_me: true, ..retain() };
    alice.publish_with(&mut world, "com.example.two", (2,), included);
    world.run();
    for client in [alice, bob] {
        client.subscribe_with(&mut world, "com.", get_retained(Match::Prefix));
    }
    world.run();
    assert_eq!(alice.received(&mut world), ["[2]"]);
    assert_eq!(bob.received(&mut world), ["[1]", "[2]"]);
    check(&mut world, "retained_exclude_me");
}

#[test]
fn p_65_a_refused_publication_is_not_retained() {
    let (mut world, alice, _) = alice_and_bob();
    alice.publish_with(&mut world, "wamp.example", (1,), retain());
    world.run();
    assert_eq!(world.counts().retained, 0);
    world.end();
}

fn publish_all(world: &mut World, client: Client, topics: &[&str], size: usize) {
    for topic in topics {
        client.publish_with(world, topic, ("x".repeat(size),), retain());
    }
    world.run();
}

#[test]
fn fault_66_t_76_the_oldest_retained_events_make_room() {
    let mut world = World::with(1, |config| config.max_retained = 3);
    let alice = world.join("alice", Encoding::Json);
    publish_all(&mut world, alice, &["a", "b", "c", "a", "d"], 1);
    assert_eq!(world.counts().retained, 3);
    for (topic, there) in [("a", true), ("b", false), ("c", true), ("d", true)] {
        assert_eq!(retained(&mut world, topic, topic).len(), usize::from(there), "{topic}");
    }
    let mut world = World::with(1, |config| config.max_retained_bytes = 10_000);
    let alice = world.join("alice", Encoding::Json);
    publish_all(&mut world, alice, &["a", "b", "c"], 4_000);
    assert_eq!(world.counts().retained, 2);
    // One that is too large for all of the room is not kept, nor is what it would have replaced.
    publish_all(&mut world, alice, &["b"], 11_000);
    assert_eq!(world.counts().retained, 1);
    assert_eq!(retained(&mut world, "c", "c").len(), 1);
}

#[test]
fn f_35_retention_can_be_switched_off() {
    let mut world = World::with(1, |config| config.max_retained = 0);
    let alice = world.join("alice", Encoding::Json);
    alice.publish_with(&mut world, "com.example.tick", (1,), retain());
    world.run();
    assert!(retained(&mut world, "bob", "com.example.tick").is_empty());
    assert!(!world.transcript().contains("event_retention"));
    world.end();
}

#[test]
fn fault_68_retained_events_for_a_full_queue() {
    let mut world = World::with(1, |config| config.queue_messages = 10);
    let alice = world.join("alice", Encoding::Json);
    for topic in 0..20 {
        alice.publish_with(&mut world, &format!("com.topic{topic}"), (topic,), retain());
    }
    world.run();
    let bob = world.join("bob", Encoding::Json);
    bob.subscribe_with(&mut world, "", get_retained(Match::Prefix));
    world.run();
    assert!(bob.closed(&mut world).is_some());
    assert!(alice.closed(&mut world).is_none());
    world.end();
}
