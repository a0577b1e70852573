//! SUBSCRIBE, PUBLISH, EVENT, UNSUBSCRIBE.

use wamp_proto::{Encoding, Match, message::PublishOptions};

use crate::{alice_and_bob, check};

fn acknowledged() -> PublishOptions {
    PublishOptions { acknowledge: true, ..PublishOptions::default() }
}

#[test]
fn p_01_p_04_p_07_to_p_09_the_life_of_a_subscription() {
    let (mut world, alice, bob) = alice_and_bob();
    let subscribed = alice.subscribe(&mut world, "com.example.tick");
    world.run();
    bob.publish(&mut world, "com.example.tick", (1,));
    bob.publish_with(&mut world, "com.example.tick", (2,), acknowledged());
    world.run();
    assert_eq!(alice.received(&mut world), ["[1]", "[2]"]);
    let subscription = alice.subscription(&mut world, subscribed);
    alice.unsubscribe(&mut world, subscription);
    world.run();
    bob.publish(&mut world, "com.example.tick", (3,));
    world.run();
    assert_eq!(alice.received(&mut world).len(), 2);
    assert_eq!(world.counts().subscriptions, 0);
    check(&mut world, "subscription");
}

#[test]
fn p_11_nobody_is_subscribed() {
    let (mut world, alice, _) = alice_and_bob();
    alice.publish(&mut world, "com.example.tick", (1,));
    alice.publish_with(&mut world, "com.example.tick", (2,), acknowledged());
    world.run();
    check(&mut world, "publish_to_nobody");
}

#[test]
fn p_10_p_21_t_19_t_23_exclude_me() {
    let (mut world, alice, bob) = alice_and_bob();
    for client in [alice, bob] {
        client.subscribe(&mut world, "com.example.tick");
        client.subscribe_pattern(&mut world, Match::Prefix, "com.");
    }
    world.run();
    alice.publish_with(&mut world, "com.example.tick", (1,), acknowledged());
    world.run();
    assert!(alice.received(&mut world).is_empty());
    let options = PublishOptions { exclude_me: Some(false), ..acknowledged() };
    alice.publish_with(&mut world, "com.example.tick", (2,), options);
    world.run();
    assert_eq!(alice.received(&mut world), ["[2]", "[2]"]);
    assert_eq!(bob.received(&mut world), ["[1]", "[1]", "[2]", "[2]"]);
    check(&mut world, "exclude_me");
}

#[test]
fn p_02_p_03_t_21_subscribe_twice() {
    let (mut world, alice, bob) = alice_and_bob();
    let first = alice.subscribe(&mut world, "com.example.tick");
    let second = alice.subscribe(&mut world, "com.example.tick");
    let third = bob.subscribe(&mut world, "com.example.tick");
    world.run();
    let subscription = alice.subscription(&mut world, first);
    assert_eq!(alice.subscription(&mut world, second), subscription);
    assert_eq!(bob.subscription(&mut world, third), subscription);
    let carol = world.join("carol", Encoding::MessagePack);
    carol.publish(&mut world, "com.example.tick", ());
    world.run();
    assert_eq!(alice.received(&mut world).len(), 1);
    alice.unsubscribe(&mut world, subscription);
    world.run();
    carol.publish(&mut world, "com.example.tick", ());
    world.run();
    assert_eq!((alice.received(&mut world).len(), bob.received(&mut world).len()), (1, 2));
    check(&mut world, "subscribe_twice");
}

#[test]
fn i_15_t_74_fault_50_unsubscribe_what_one_does_not_have() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.subscribe(&mut world, "com.example.tick");
    world.run();
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, "[34,1,1]");
    mallory.send(&mut world, "[34,2,4711]");
    for answer in &mallory.received(&mut world)[1..] {
        assert!(answer.contains(r#"{},"wamp.error.no_such_subscription""#), "{answer}");
    }
    bob.publish(&mut world, "com.example.tick", ());
    world.run();
    assert_eq!(alice.received(&mut world).len(), 1);
    check(&mut world, "unsubscribe_foreign");
}

#[test]
fn p_48_p_49_p_51_t_22_t_31_exact_prefix_and_wildcard() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.subscribe(&mut world, "com.example.tick");
    alice.subscribe_pattern(&mut world, Match::Prefix, "com.exam");
    alice.subscribe_pattern(&mut world, Match::Prefix, "com.example.tick");
    alice.subscribe_pattern(&mut world, Match::Wildcard, "com..tick");
    alice.subscribe_pattern(&mut world, Match::Wildcard, "com.example.tick");
    world.run();
    bob.publish(&mut world, "com.example.tick", ("all five",));
    bob.publish(&mut world, "com.other.tick", ("the wildcard",));
    bob.publish(&mut world, "com.example.tick.tock", ("both prefixes",));
    bob.publish(&mut world, "com.other", ("nobody",));
    world.run();
    assert_eq!(alice.received(&mut world).len(), 8);
    check(&mut world, "subscription_patterns");
}

#[test]
fn p_46_p_47_t_26_t_27_what_patterns_match() {
    for (kind, pattern, topics) in [
        (
            Match::Prefix,
            "com.myapp.topic.emergency",
            &[
                ("com.myapp.topic.emergency.11", true),
                ("com.myapp.topic.emergency-low", true),
                ("com.myapp.topic.emergency.category.severe", true),
                ("com.myapp.topic.emergency", true),
                ("com.myapp.topic.emerge", false),
            ][..],
        ),
        (
            Match::Wildcard,
            "com.myapp..userevent",
            &[
                ("com.myapp.foo.userevent", true),
                ("com.myapp.foo.userevent.bar", false),
                ("com.myapp.foo.user", false),
                ("com.myapp2.foo.userevent", false),
            ],
        ),
        (Match::Prefix, "", &[("a", true), ("wampum.b", true)]),
        (Match::Wildcard, "", &[("a", true), ("a.b", false)]),
    ] {
        let (mut world, alice, bob) = alice_and_bob();
        alice.subscribe_pattern(&mut world, kind, pattern);
        world.run();
        for (topic, matches) in topics {
            let before = alice.received(&mut world).len();
            bob.publish(&mut world, topic, ());
            world.run();
            assert_eq!(alice.received(&mut world).len() - before, usize::from(*matches), "{pattern} {topic}");
        }
        world.end();
    }
}

#[test]
fn s_54_an_event_crosses_unsubscribe() {
    let (mut world, alice, bob) = alice_and_bob();
    let subscribed = alice.subscribe(&mut world, "com.example.tick");
    world.run();
    let subscription = alice.subscription(&mut world, subscribed);
    bob.publish(&mut world, "com.example.tick", (1,));
    alice.unsubscribe(&mut world, subscription);
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "event_crosses_unsubscribe");
}

#[test]
fn fault_49_m_49_roles_that_were_not_announced() {
    for (role, message) in [
        ("caller", r#"[16,1,{},"com.example.tick"]"#),
        ("caller", r#"[32,1,{},"com.example.tick"]"#),
        ("caller", "[34,1,1]"),
        ("publisher", r#"[48,1,{},"com.example.add"]"#),
        ("publisher", "[49,1,{}]"),
        ("subscriber", r#"[64,1,{},"com.example.add"]"#),
        ("subscriber", "[66,1,1]"),
        ("subscriber", "[70,1,{}]"),
        ("subscriber", r#"[8,68,1,{},"com.example.error"]"#),
    ] {
        let (mut world, alice, _) = alice_and_bob();
        let mallory = world.raw("mallory", Encoding::Json);
        mallory.send(&mut world, &format!(r#"[1,"realm1",{{"roles":{{"{role}":{{}}}}}}]"#));
        mallory.send(&mut world, message);
        let answers = mallory.received(&mut world);
        assert!(answers[1].contains("wamp.error.protocol_violation"), "{message}: {answers:?}");
        assert!(answers[1].contains("was not announced"), "{message}: {answers:?}");
        assert_eq!(alice.closed(&mut world), None);
        world.end();
    }
}
