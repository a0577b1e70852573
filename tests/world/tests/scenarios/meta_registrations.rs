//! The meta API: registrations, as others see them.

use std::time::Duration;

use wamp_proto::{
    Dict, Encoding, Match, Value,
    message::{InvocationPolicy, RegisterOptions},
    session::Event,
};
use wamp_world::{Client, World};

use crate::{alice_and_bob, check, join_plain};

fn nothing() -> Dict {
    Dict::new()
}

fn shared() -> RegisterOptions {
    RegisterOptions { invoke: Some(InvocationPolicy::RoundRobin), ..RegisterOptions::default() }
}

/// A client that listens to registrations.
fn listener(world: &mut World) -> Client {
    let client = world.join("listener", Encoding::Json);
    client.subscribe_pattern(world, Match::Prefix, "wamp.registration.");
    world.run();
    client
}

#[test]
fn x_40_to_x_43_x_50_x_52_x_73_t_12_registrations_come_and_go() {
    let mut world = World::with(1, |config| config.unix_time_at_zero = Duration::from_secs(1_795_389_171));
    let listener = listener(&mut world);
    let (alice, bob) = (world.join("alice", Encoding::Json), world.join("bob", Encoding::Cbor));
    world.advance(Duration::from_millis(250));
    let registered = alice.register_with(&mut world, "com.example.add", shared());
    world.run();
    bob.register_with(&mut world, "com.example.add", shared());
    bob.register_pattern(&mut world, Match::Prefix, "com.");
    world.run();
    // What is refused is no event.
    bob.register(&mut world, "com.example.add");
    world.run();
    let registration = alice.registration(&mut world, registered);
    alice.unregister(&mut world, registration);
    world.run();
    world.cut(bob);
    // The one who registers hears of it behind the answer.
    listener.register(&mut world, "com.example.own");
    world.run();
    check(&mut world, "meta_registration_events");
    let events = listener.received(&mut world);
    assert_eq!(events.len(), 2 + 1 + 2 + 1 + 4 + 2, "{events:?}");
}

#[test]
fn x_44_to_x_49_x_51_t_56_look_up_registrations() {
    let (mut world, alice, bob) = alice_and_bob();
    let mut register = |client: Client, kind, pattern: &str| {
        let options = RegisterOptions { match_policy: Some(kind), ..shared() };
        let request = client.register_with(&mut world, pattern, options);
        world.run();
        client.registration(&mut world, request).get()
    };
    let exact = register(alice, Match::Exact, "com.example.add");
    let prefix = register(bob, Match::Prefix, "com.example");
    let wildcard = register(bob, Match::Wildcard, "com..add");
    assert_eq!(register(bob, Match::Exact, "com.example.add"), exact);
    let mut ask = |name: &str, args: &[Value]| {
        bob.ask(&mut world, &format!("wamp.registration.{name}"), args, nothing())
    };
    let policy = |kind: &str| Value::from(Dict::from_iter([("match", kind)]));
    assert_eq!(
        ask("list", &[]),
        format!(r#"[{{"exact":[{exact}],"prefix":[{prefix}],"wildcard":[{wildcard}]}}]"#)
    );
    let add = || Value::from("com.example.add");
    assert_eq!(ask("lookup", &[add()]), format!("[{exact}]"));
    assert_eq!(ask("lookup", &["com.example".into(), policy("prefix")]), format!("[{prefix}]"));
    assert_eq!(ask("lookup", &["com.example".into()]), "[null]");
    assert_eq!(ask("lookup", &[add(), policy("regex")]), "wamp.error.invalid_argument");
    assert_eq!(ask("match", &[add()]), format!("[{exact}]"));
    assert_eq!(ask("match", &["com.example.sub".into()]), format!("[{prefix}]"));
    assert_eq!(ask("match", &["com.other.add".into()]), format!("[{wildcard}]"));
    assert_eq!(ask("match", &["org.example".into()]), "[null]");
    assert_eq!(ask("match", &["wamp.session.count".into()]), "[null]");
    assert_eq!(ask("match", &[]), "wamp.error.invalid_argument");
    assert_eq!(ask("count_callees", &[exact.into()]), "[2]");
    for name in ["get", "list_callees", "count_callees", "remove_callee"] {
        assert_eq!(ask(name, &[4711.into()]), "wamp.error.no_such_registration", "{name}");
        assert_eq!(ask(name, &["x".into()]), "wamp.error.invalid_argument", "{name}");
    }
    alice.ask(&mut world, "wamp.registration.get", (prefix,), nothing());
    alice.ask(&mut world, "wamp.registration.list_callees", (exact,), nothing());
    check(&mut world, "meta_registrations");
}

#[test]
fn x_53_r_72_r_73_a_callee_is_taken_away() {
    let (mut world, alice, bob) = alice_and_bob();
    let plain = join_plain(&mut world, "plain", Encoding::Json);
    let listener = listener(&mut world);
    let mut sessions = Vec::new();
    let mut registration = None;
    for client in [bob, plain] {
        let request = client.register_with(&mut world, "com.example.add", shared());
        world.run();
        registration = Some(client.registration(&mut world, request));
        sessions.push(client.session_id(&mut world));
    }
    let alice_id = alice.session_id(&mut world);
    let remove = "wamp.registration.remove_callee";
    assert_eq!(
        alice.ask(&mut world, remove, (registration, alice_id), nothing()),
        "wamp.error.no_such_session"
    );
    for session in sessions {
        assert_eq!(
            alice.ask(&mut world, remove, (registration, session, "com.example.enough"), nothing()),
            ""
        );
    }
    let revoked = |event: &Event| matches!(event, Event::RegistrationRevoked { .. });
    assert!(bob.events(&mut world).iter().any(revoked));
    assert!(!plain.events(&mut world).iter().any(revoked));
    assert_eq!(alice.ask(&mut world, "com.example.add", (), nothing()), "wamp.error.no_such_procedure");
    assert_eq!(listener.received(&mut world).iter().filter(|event| !event.contains('{')).count(), 2 + 3);
    check(&mut world, "meta_remove_callee");
}

#[test]
fn x_01_x_44_realms_do_not_see_each_other() {
    let (mut world, alice, _) = alice_and_bob();
    let registered = alice.register(&mut world, "com.example.add");
    world.run();
    let registration = alice.registration(&mut world, registered);
    let other = world.raw("other", Encoding::Json);
    other.send(&mut world, r#"[1,"realm2",{"roles":{"caller":{}}}]"#);
    other.send(&mut world, r#"[48,1,{},"wamp.registration.list"]"#);
    other.send(&mut world, &format!(r#"[48,2,{{}},"wamp.registration.get",[{registration}]]"#));
    other.send(&mut world, r#"[48,3,{},"wamp.registration.match",["com.example.add"]]"#);
    let answers = other.received(&mut world);
    assert!(answers[1].contains(r#"{"exact":[],"prefix":[],"wildcard":[]}"#), "{answers:?}");
    assert!(answers[2].contains("no_such_registration") && answers[3].contains("[null]"), "{answers:?}");
    world.end();
}

#[test]
fn r_38_parts_of_a_meta_call() {
    let (mut world, _, _) = alice_and_bob();
    let caller = world.raw("caller", Encoding::Json);
    caller.send(
        &mut world,
        r#"[1,"realm1",{"roles":{"caller":{"features":{"progressive_call_invocations":true,"call_canceling":true}}}}]"#,
    );
    caller.send(&mut world, r#"[48,1,{"progress":true},"wamp.session.count"]"#);
    caller.send(&mut world, r#"[48,1,{"progress":true},"wamp.session.count"]"#);
    caller.send(&mut world, r#"[48,1,{},"wamp.session.count"]"#);
    caller.send(&mut world, r#"[48,2,{},"wamp.session.count"]"#);
    // One answer for each call, not for each part.
    assert_eq!(caller.received(&mut world)[1..], ["[50,1,{},[3]]", "[50,2,{},[3]]"]);
    world.end();
}
