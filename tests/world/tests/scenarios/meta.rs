//! The meta API: sessions and subscriptions, as others see them.

use wamp_proto::{
    Dict, Encoding, Match, Uri, Value,
    message::{PublishOptions, SubscribeOptions},
    router::MetaAccess,
    session::Event,
};
use wamp_world::{
    Client, World,
    world::{LinkRule, OTHER_REALM},
};

use crate::{alice_and_bob, check, join_plain};

fn nothing() -> Dict {
    Dict::new()
}

fn kwargs<V: Into<Value>>(entries: impl IntoIterator<Item = (&'static str, V)>) -> Dict {
    Dict::from_iter(entries)
}

fn join_other_realm(world: &mut World, name: &str) -> Client {
    world.join_with(name, Encoding::Json, LinkRule::default(), |config| {
        config.realm = Uri::unchecked(OTHER_REALM);
    })
}

/// A client that listens to all meta events of one kind.
fn listen(world: &mut World, name: &str, prefix: &str) -> Client {
    let client = world.join(name, Encoding::Json);
    client.subscribe_pattern(world, Match::Prefix, prefix);
    world.run();
    client
}

#[test]
fn x_12_x_13_x_14_x_27_who_is_there() {
    let (mut world, alice, bob) = alice_and_bob();
    join_other_realm(&mut world, "carol");
    let [mut one, mut two] = [alice, bob].map(|client| client.session_id(&mut world).get());
    if one > two {
        (one, two) = (two, one);
    }
    assert_eq!(alice.ask(&mut world, "wamp.session.count", (), nothing()), "[2]");
    assert_eq!(bob.ask(&mut world, "wamp.session.list", (), nothing()), format!("[[{one},{two}]]"));
    for (filter, count) in
        [(vec!["anonymous"], 2), (vec!["admin", "anonymous"], 2), (vec!["admin"], 0), (vec![], 0)]
    {
        let found = alice.ask(&mut world, "wamp.session.count", (filter,), nothing());
        assert_eq!(found, format!("[{count}]"));
    }
    assert_eq!(alice.ask(&mut world, "wamp.session.list", (["admin"],), nothing()), "[[]]");
    assert_eq!(alice.ask(&mut world, "wamp.session.count", (Value::Null,), nothing()), "[2]");
    assert_eq!(alice.ask(&mut world, "wamp.session.count", (7,), nothing()), "wamp.error.invalid_argument");
    assert_eq!(alice.ask(&mut world, "wamp.session.list", ([7],), nothing()), "wamp.error.invalid_argument");
    let bob_id = bob.session_id(&mut world);
    alice.ask(&mut world, "wamp.session.get", (bob_id,), nothing());
    check(&mut world, "meta_sessions");
}

#[test]
fn x_01_x_14_no_such_session() {
    let (mut world, alice, _) = alice_and_bob();
    let carol = join_other_realm(&mut world, "carol");
    let other = carol.session_id(&mut world).get();
    for (session, error) in [
        (Value::from(4711), "wamp.error.no_such_session"),
        (Value::from(other), "wamp.error.no_such_session"),
        (Value::from(0), "wamp.error.no_such_session"),
        (Value::from("x"), "wamp.error.invalid_argument"),
        (Value::Null, "wamp.error.invalid_argument"),
    ] {
        assert_eq!(
            alice.ask(&mut world, "wamp.session.get", (session.clone(),), nothing()),
            error,
            "{session}"
        );
        assert_eq!(
            alice.ask(&mut world, "wamp.session.kill", (session.clone(),), nothing()),
            error,
            "{session}"
        );
    }
    assert_eq!(alice.ask(&mut world, "wamp.session.get", (), nothing()), "wamp.error.invalid_argument");
    assert_eq!(carol.closed(&mut world), None);
    world.end();
}

#[test]
fn x_10_x_11_x_31_x_32_x_29_sessions_come_and_go() {
    let mut world = World::new(1);
    let listener = listen(&mut world, "listener", "wamp.session.on_");
    let alice = world.join("alice", Encoding::Json);
    alice.leave(&mut world);
    world.run();
    let bob = world.join("bob", Encoding::Json);
    world.cut(bob);
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, "garbage");
    let carol = world.join("carol", Encoding::Json);
    let session = carol.session_id(&mut world);
    assert_eq!(listener.ask(&mut world, "wamp.session.kill", (session,), nothing()), "");
    let dave = world.raw("dave", Encoding::Json);
    dave.send(&mut world, r#"[1,"realm1",{"roles":{}}]"#);
    // X-01: what happens in another realm is of no concern.
    let eve = join_other_realm(&mut world, "eve");
    eve.leave(&mut world);
    world.run();
    assert_eq!(listener.received(&mut world).len(), 8);
    check(&mut world, "meta_session_events");
}

#[test]
fn x_15_x_25_x_28_kill() {
    let (mut world, alice, bob) = alice_and_bob();
    let carol = world.join("carol", Encoding::MessagePack);
    let [bob_id, carol_id] = [bob, carol].map(|client| client.session_id(&mut world));
    bob.register(&mut world, "com.example.add");
    world.run();
    let call = alice.call(&mut world, "com.example.add", ());
    world.run();
    alice.ask(&mut world, "wamp.session.kill", (bob_id,), nothing());
    // What it held is gone at once, its callers know.
    assert_eq!(alice.failure(&mut world, call), "wamp.error.canceled");
    assert_eq!(
        alice.ask(&mut world, "wamp.session.kill", (bob_id,), nothing()),
        "wamp.error.no_such_session"
    );
    let why = kwargs([("reason", "com.example.enough"), ("message", "go home")]);
    alice.ask(&mut world, "wamp.session.kill", (carol_id,), why);
    assert!(bob.closed(&mut world).unwrap().to_string().contains("wamp.close.killed"));
    assert!(carol.closed(&mut world).unwrap().to_string().contains("com.example.enough"));
    check(&mut world, "meta_kill");
}

#[test]
fn x_15_x_16_x_17_x_18_bad_reasons() {
    let (mut world, alice, bob) = alice_and_bob();
    let bob_id = bob.session_id(&mut world).get();
    for (procedure, args) in [
        ("wamp.session.kill", Value::from_iter([bob_id])),
        ("wamp.session.kill_by_authid", Value::from_iter(["x"])),
        ("wamp.session.kill_by_authrole", Value::from_iter(["anonymous"])),
        ("wamp.session.kill_all", Value::List(vec![])),
    ] {
        for reason in ["", "no uri", "a..b"] {
            let answer = alice.ask(&mut world, procedure, &args, kwargs([("reason", reason)]));
            assert_eq!(answer, "wamp.error.invalid_uri", "{procedure} {reason:?}");
        }
        for key in ["reason", "message"] {
            let answer = alice.ask(&mut world, procedure, &args, kwargs([(key, 7)]));
            assert_eq!(answer, "wamp.error.invalid_argument", "{procedure} {key}");
        }
    }
    for procedure in ["wamp.session.kill_by_authid", "wamp.session.kill_by_authrole"] {
        assert_eq!(alice.ask(&mut world, procedure, (), nothing()), "wamp.error.invalid_argument");
    }
    assert_eq!(bob.closed(&mut world), None);
    world.end();
}

#[test]
fn x_16_to_x_18_x_26_t_54_t_55_kill_many() {
    let (mut world, alice, bob) = alice_and_bob();
    let other = join_other_realm(&mut world, "other");
    let (alice_id, bob_id) = (alice.session_id(&mut world), bob.session_id(&mut world));
    let authid = bob.welcome(&mut world).details.authid.unwrap();
    assert_eq!(
        alice.ask(&mut world, "wamp.session.kill", (alice_id,), nothing()),
        "wamp.error.no_such_session"
    );
    assert_eq!(alice.ask(&mut world, "wamp.session.kill_by_authid", ("nobody",), nothing()), "[[]]");
    assert_eq!(alice.ask(&mut world, "wamp.session.kill_by_authrole", ("admin",), nothing()), "[0]");
    assert_eq!(
        alice.ask(&mut world, "wamp.session.kill_by_authid", (authid,), nothing()),
        format!("[[{bob_id}]]")
    );
    for name in ["carol", "dave"] {
        world.join(name, Encoding::Cbor);
    }
    assert_eq!(alice.ask(&mut world, "wamp.session.kill_by_authrole", ("anonymous",), nothing()), "[2]");
    for name in ["eve", "frank", "grace"] {
        world.join(name, Encoding::Cbor);
    }
    assert_eq!(alice.ask(&mut world, "wamp.session.kill_all", (), nothing()), "[3]");
    assert_eq!(alice.ask(&mut world, "wamp.session.count", (), nothing()), "[1]");
    assert_eq!(other.closed(&mut world), None);
    world.end();
}

#[test]
fn x_30_p_96_kill_all_is_quiet() {
    let mut world = World::new(1);
    let listener = listen(&mut world, "listener", "wamp.");
    listener.subscribe(&mut world, "com.example.gone");
    let alice = world.join("alice", Encoding::Json);
    let testament = ("com.example.gone", ["alice"], nothing());
    alice.ask(&mut world, "wamp.session.add_testament", testament, nothing());
    alice.subscribe(&mut world, "com.example.tick");
    world.run();
    listener.events(&mut world);
    assert_eq!(listener.ask(&mut world, "wamp.session.kill_all", (), nothing()), "[1]");
    // Its subscription is gone all the same, and that may be told.
    let received = listener.received(&mut world);
    assert_eq!(received.len(), 2, "{received:?}");
    check(&mut world, "meta_kill_all");
}

#[test]
fn x_60_to_x_63_x_71_x_73_t_21_t_57_subscriptions_come_and_go() {
    let mut world =
        World::with(1, |config| config.unix_time_at_zero = std::time::Duration::from_secs(1_795_389_171));
    let listener = listen(&mut world, "listener", "wamp.subscription.");
    let (alice, bob) = (world.join("alice", Encoding::Json), world.join("bob", Encoding::Cbor));
    world.advance(std::time::Duration::from_millis(1_500));
    let subscribed = alice.subscribe(&mut world, "com.example.tick");
    world.run();
    alice.subscribe(&mut world, "com.example.tick");
    bob.subscribe(&mut world, "com.example.tick");
    bob.subscribe_pattern(&mut world, Match::Wildcard, "com..tick");
    world.run();
    let subscription = alice.subscription(&mut world, subscribed);
    alice.unsubscribe(&mut world, subscription);
    world.run();
    world.cut(bob);
    // X-05: subscriptions to meta topics are subscriptions.
    let carol = world.join("carol", Encoding::Json);
    carol.subscribe(&mut world, "wamp.subscription.on_create");
    world.run();
    check(&mut world, "meta_subscription_events");
    let events = listener.received(&mut world);
    assert!(
        events.iter().any(|event| event.contains(r#""created":"2026-11-22T23:12:52.500000Z""#)),
        "{events:?}"
    );
}

#[test]
fn x_31_x_52_meta_events_come_behind_the_answer_that_they_are_about() {
    let mut world = World::new(1);
    let alice = listen(&mut world, "alice", "wamp.");
    let own = alice.received(&mut world);
    assert_eq!(own.len(), 2, "on_create and on_subscribe of its own: {own:?}");
    let transcript = world.transcript();
    assert!(transcript.find("[33,1,1]").unwrap() < transcript.find("[36,1,").unwrap());
    world.end();
}

#[test]
fn x_64_to_x_69_t_56_look_up_subscriptions() {
    let (mut world, alice, bob) = alice_and_bob();
    let mut subscribe = |client: Client, kind, pattern: &str| {
        let request = client.subscribe_pattern(&mut world, kind, pattern);
        world.run();
        client.subscription(&mut world, request).get()
    };
    let exact = subscribe(alice, Match::Exact, "com.example.tick");
    let prefix = subscribe(alice, Match::Prefix, "com.example.tick");
    let wildcard = subscribe(bob, Match::Wildcard, "com..tick");
    assert_eq!(subscribe(bob, Match::Prefix, "com.example.tick"), prefix);
    let mut ask =
        |name: &str, args: Value| bob.ask(&mut world, &format!("wamp.subscription.{name}"), args, nothing());
    let of = |values: Vec<Value>| Value::List(values);
    let policy = |kind: &str| Value::from(Dict::from_iter([("match", kind)]));
    assert_eq!(
        ask("list", of(vec![])),
        format!(r#"[{{"exact":[{exact}],"prefix":[{prefix}],"wildcard":[{wildcard}]}}]"#)
    );
    let tick = || Value::from("com.example.tick");
    assert_eq!(ask("lookup", of(vec![tick()])), format!("[{exact}]"));
    assert_eq!(ask("lookup", of(vec![tick(), policy("prefix")])), format!("[{prefix}]"));
    assert_eq!(ask("lookup", of(vec!["com..tick".into(), policy("wildcard")])), format!("[{wildcard}]"));
    assert_eq!(ask("lookup", of(vec![tick(), policy("wildcard")])), "[null]");
    assert_eq!(ask("lookup", of(vec!["com..tick".into()])), "[null]");
    assert_eq!(ask("lookup", of(vec![tick(), policy("regex")])), "wamp.error.invalid_argument");
    assert_eq!(ask("lookup", of(vec![tick(), 7.into()])), "wamp.error.invalid_argument");
    assert_eq!(ask("lookup", of(vec![])), "wamp.error.invalid_argument");
    assert_eq!(ask("match", of(vec![tick()])), format!("[[{exact},{prefix},{wildcard}]]"));
    assert_eq!(ask("match", of(vec!["com.other.tick".into()])), format!("[[{wildcard}]]"));
    // X-72.
    assert_eq!(ask("match", of(vec!["org.example".into()])), "[null]");
    assert_eq!(ask("count_subscribers", of(vec![prefix.into()])), "[2]");
    for name in ["get", "list_subscribers", "count_subscribers", "get_events"] {
        assert_eq!(ask(name, of(vec![4711.into()])), "wamp.error.no_such_subscription", "{name}");
        assert_eq!(ask(name, of(vec!["x".into()])), "wamp.error.invalid_argument", "{name}");
    }
    bob.ask(&mut world, "wamp.subscription.get", (wildcard,), nothing());
    alice.ask(&mut world, "wamp.subscription.list_subscribers", (prefix,), nothing());
    check(&mut world, "meta_subscriptions");
}

#[test]
fn p_58_to_p_60_x_53_a_subscription_is_taken_away() {
    let (mut world, alice, bob) = alice_and_bob();
    let plain = join_plain(&mut world, "plain", Encoding::Json);
    let listener = listen(&mut world, "listener", "wamp.subscription.on_");
    let mut ids = Vec::new();
    for client in [bob, plain] {
        let request = client.subscribe(&mut world, "com.example.tick");
        world.run();
        ids.push((client.session_id(&mut world), client.subscription(&mut world, request)));
    }
    let why = kwargs([("reason", "com.example.enough")]);
    for (session, subscription) in &ids {
        let remove = (*session, *subscription);
        assert_eq!(
            alice.ask(&mut world, "wamp.subscription.remove_subscriber", (remove.1, remove.0), why.clone()),
            ""
        );
    }
    let again = alice.ask(&mut world, "wamp.subscription.remove_subscriber", (ids[0].1, ids[0].0), nothing());
    assert_eq!(again, "wamp.error.no_such_subscription");
    alice.publish(&mut world, "com.example.tick", ());
    world.run();
    assert!(bob.received(&mut world).is_empty() && plain.received(&mut world).is_empty());
    let revoked = |event: &Event| matches!(event, Event::SubscriptionRevoked { .. });
    assert!(bob.events(&mut world).iter().any(revoked));
    // P-59: who does not know the message is not sent it.
    assert!(!plain.events(&mut world).iter().any(revoked));
    assert!(listener.received(&mut world).len() > 4);
    check(&mut world, "revoked");
}

#[test]
fn x_07_fault_71_the_meta_api_can_be_restricted() {
    let mut world = World::with(1, |config| config.meta_api = MetaAccess::ReadOnly);
    let alice = listen(&mut world, "alice", "wamp.session.");
    let bob = world.join("bob", Encoding::Json);
    let session = bob.session_id(&mut world).get();
    for (procedure, args) in [
        ("wamp.session.kill", Value::from_iter([session])),
        ("wamp.session.kill_by_authid", Value::from_iter(["x"])),
        ("wamp.session.kill_by_authrole", Value::from_iter(["anonymous"])),
        ("wamp.session.kill_all", Value::List(vec![])),
        ("wamp.subscription.remove_subscriber", Value::from_iter([1, session])),
    ] {
        assert_eq!(
            alice.ask(&mut world, procedure, args, nothing()),
            "wamp.error.not_authorized",
            "{procedure}"
        );
    }
    assert_eq!(alice.ask(&mut world, "wamp.session.count", (), nothing()), "[2]");
    assert_eq!(alice.received(&mut world).len(), 1);
    world.end();

    let mut world = World::with(1, |config| config.meta_api = MetaAccess::Nothing);
    let alice = listen(&mut world, "alice", "wamp.");
    world.join("bob", Encoding::Json);
    let count = alice.ask(&mut world, "wamp.session.count", (), nothing());
    assert_eq!(count, "wamp.error.no_such_procedure");
    assert!(alice.received(&mut world).is_empty());
    assert!(!world.transcript().contains("meta_api"));
    world.end();
}

#[test]
fn i_30_x_05_only_known_procedures_are_there() {
    let (mut world, alice, _) = alice_and_bob();
    for procedure in
        ["wamp.session", "wamp.session.x", "wamp.count", "wamp.x.count", "wamp.subscription.count"]
    {
        let answer = alice.ask(&mut world, procedure, (), nothing());
        assert_eq!(answer, "wamp.error.no_such_procedure", "{procedure}");
    }
    alice.publish_with(
        &mut world,
        "wamp.session.on_join",
        (),
        PublishOptions { acknowledge: true, ..PublishOptions::default() },
    );
    world.run();
    check(&mut world, "meta_unknown");
}

#[test]
fn i_30_patterns_of_applications_get_no_meta_events() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    for (kind, pattern) in
        [(Match::Prefix, ""), (Match::Prefix, "wam"), (Match::Wildcard, ".."), (Match::Wildcard, ".session.")]
    {
        alice.subscribe_pattern(&mut world, kind, pattern);
    }
    world.run();
    world.join("bob", Encoding::Json);
    assert!(alice.received(&mut world).is_empty());
    let found = alice.ask(&mut world, "wamp.subscription.match", ("wamp.session.on_join",), nothing());
    assert_eq!(found, "[null]");
    for (kind, pattern) in
        [(Match::Prefix, "wamp"), (Match::Wildcard, "wamp..on_join"), (Match::Exact, "wamp.session.on_join")]
    {
        alice.subscribe_pattern(&mut world, kind, pattern);
    }
    world.run();
    let before = alice.received(&mut world).len();
    world.join("carol", Encoding::Json);
    assert_eq!(alice.received(&mut world).len(), before + 3);
    world.end();
}

#[test]
fn r_37_a_meta_call_reuses_the_id_of_an_open_one() {
    let (mut world, alice, _) = alice_and_bob();
    alice.register(&mut world, "com.example.add");
    world.run();
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, r#"[48,7,{},"com.example.add"]"#);
    mallory.send(&mut world, r#"[48,7,{},"wamp.session.count"]"#);
    assert!(mallory.received(&mut world).last().unwrap().contains("wamp.error.protocol_violation"));
    world.end();
}

#[test]
fn fault_38_a_list_that_is_too_large_for_the_caller() {
    let mut world = World::new(1);
    let rule = LinkRule { send_limit: Some(2_048), ..LinkRule::default() };
    let alice = world.join_with("alice", Encoding::Json, rule, |_| {});
    for _ in 0..130 {
        world.join("another", Encoding::Json);
    }
    assert_eq!(alice.ask(&mut world, "wamp.session.count", (), nothing()), "[131]");
    assert_eq!(alice.ask(&mut world, "wamp.session.list", (), nothing()), "wamp.error.payload_size_exceeded");
    world.end();
}

#[test]
fn meta_events_of_one_end_may_end_others() {
    // A listener that takes nothing is closed for the events that others cause, and that is an event again.
    let mut world = World::with(1, |config| config.queue_messages = 4);
    let alice = listen(&mut world, "alice", "wamp.session.");
    let bob = listen(&mut world, "bob", "wamp.session.");
    world.stall(bob, wamp_world::world::Way::Down);
    for _ in 0..6 {
        let carol = world.join("carol", Encoding::Json);
        carol.subscribe_with(&mut world, "com.example.tick", SubscribeOptions::default());
        world.cut(carol);
    }
    world.run();
    assert!(!world.is_connected(bob) || world.left(bob).is_some());
    assert!(alice.received(&mut world).len() >= 12);
    world.unstall(bob, wamp_world::world::Way::Down);
    world.run();
    world.end();
}
