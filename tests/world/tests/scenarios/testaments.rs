//! What is published when a session has ended.

use wamp_proto::{Dict, Encoding, Match, Value, message::SubscribeOptions};
use wamp_world::{Client, World};

use crate::check;

const ADD: &str = "wamp.session.add_testament";
const FLUSH: &str = "wamp.session.flush_testaments";

fn nothing() -> Dict {
    Dict::new()
}

fn detached() -> Dict {
    Dict::from_iter([("scope", "detached")])
}

fn options(options: Dict) -> Dict {
    Dict::from_iter([("publish_options", options)])
}

fn testament(text: &str) -> (&str, [&str; 1], Dict) {
    ("com.example.gone", [text], nothing())
}

/// A listener to everything, and a session with two testaments of each scope.
fn listener_and_alice() -> (World, Client, Client) {
    let mut world = World::new(1);
    let listener = world.join("listener", Encoding::Json);
    listener.subscribe_pattern(&mut world, Match::Prefix, "");
    listener.subscribe(&mut world, "wamp.session.on_leave");
    let alice = world.join("alice", Encoding::Cbor);
    for (text, kwargs) in [
        ("destroyed 1", nothing()),
        ("detached 1", detached()),
        ("destroyed 2", nothing()),
        ("detached 2", detached()),
    ] {
        assert_eq!(alice.ask(&mut world, ADD, testament(text), kwargs), "");
    }
    (world, listener, alice)
}

/// In which order they must come.
const ALL: [&str; 4] = [r#"["detached 1"]"#, r#"["detached 2"]"#, r#"["destroyed 1"]"#, r#"["destroyed 2"]"#];

#[test]
fn p_90_to_p_92_p_94_t_72_after_a_goodbye() {
    let (mut world, listener, alice) = listener_and_alice();
    // P-98: it cannot receive them itself.
    alice.subscribe(&mut world, "com.example.gone");
    alice.leave(&mut world);
    world.run();
    assert_eq!(listener.received(&mut world)[..4], ALL);
    // The session's end is told of last.
    assert_eq!(listener.received(&mut world).len(), 5);
    check(&mut world, "testaments");
}

#[test]
fn p_91_t_16_x_29_however_the_session_ends() {
    let end: [fn(&mut World, Client, Client); 4] = [
        |world, _, alice| world.cut(alice),
        |world, _, alice| {
            world.stall(alice, wamp_world::world::Way::Down);
            alice.call(world, "com.example.nothing", ());
            world.run();
            world.advance(std::time::Duration::from_secs(11));
        },
        |world, listener, alice| {
            let session = alice.session_id(world);
            listener.ask(world, "wamp.session.kill", (session,), nothing());
        },
        |world, _, _| {
            world.shutdown();
            world.run();
        },
    ];
    for (case, end) in end.into_iter().enumerate() {
        let (mut world, listener, alice) = listener_and_alice();
        end(&mut world, listener, alice);
        world.run();
        // The listener is the first to leave when the router shuts down.
        let expected: &[&str] = if case == 3 { &[] } else { &ALL };
        let received = listener.received(&mut world);
        let texts = received.iter().filter(|event| event.contains("detached") || event.contains("destroyed"));
        assert!(texts.eq(expected), "{case}: {received:?}");
        world.end();
    }
}

#[test]
fn p_91_after_a_violation() {
    let mut world = World::new(1);
    let listener = world.join("listener", Encoding::Json);
    listener.subscribe(&mut world, "com.example.gone");
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory
        .send(&mut world, r#"[48,1,{},"wamp.session.add_testament",["com.example.gone",["x"],{"n":1.5}]]"#);
    mallory.send(&mut world, "garbage");
    assert_eq!(listener.received(&mut world), [r#"["x"],{"n":1.5}"#]);
    world.end();
}

#[test]
fn p_95_flush_one_scope() {
    let (mut world, listener, alice) = listener_and_alice();
    assert_eq!(listener.ask(&mut world, FLUSH, (), nothing()), "");
    assert_eq!(alice.ask(&mut world, FLUSH, (), nothing()), "");
    world.cut(alice);
    world.run();
    assert_eq!(listener.received(&mut world)[..2], ALL[..2]);
    let (mut world, listener, alice) = listener_and_alice();
    assert_eq!(alice.ask(&mut world, FLUSH, (), detached()), "");
    world.cut(alice);
    world.run();
    assert_eq!(listener.received(&mut world)[..2], ALL[2..]);
    world.end();
}

#[test]
fn p_93_p_98_t_68_options_of_the_publication() {
    let (mut world, listener, alice) = listener_and_alice();
    let id = listener.session_id(&mut world).get();
    alice.ask(&mut world, FLUSH, (), nothing());
    alice.ask(&mut world, FLUSH, (), detached());
    for (text, given) in [
        ("acknowledged", Dict::from_iter([("acknowledge", Value::from(true))])),
        ("disclosed", Dict::from_iter([("disclose_me", Value::from(true))])),
        ("retained", Dict::from_iter([("retain", Value::from(true))])),
        ("not for you", Dict::from_iter([("exclude", Value::from_iter([id]))])),
        ("null", Dict::from_iter([("eligible", Value::Null)])),
    ] {
        assert_eq!(alice.ask(&mut world, ADD, testament(text), options(given)), "", "{text}");
    }
    world.cut(alice);
    world.run();
    let late = world.join("late", Encoding::MessagePack);
    late.subscribe_with(
        &mut world,
        "com.example.gone",
        SubscribeOptions { get_retained: true, ..SubscribeOptions::default() },
    );
    world.run();
    assert_eq!(late.received(&mut world), [r#"["retained"]"#]);
    check(&mut world, "testament_options");
}

#[test]
fn p_90_p_98_m_120_x_06_bad_testaments() {
    let (mut world, listener, alice) = listener_and_alice();
    let bad = Dict::from_iter([("scope", "forever")]);
    assert_eq!(alice.ask(&mut world, ADD, testament("x"), bad.clone()), "wamp.error.invalid_argument");
    assert_eq!(alice.ask(&mut world, FLUSH, (), bad), "wamp.error.invalid_argument");
    for (args, error) in [
        (Value::from_iter([Value::from("wamp.x")]), "wamp.error.invalid_uri"),
        (Value::from_iter([Value::from("a..b")]), "wamp.error.invalid_uri"),
        (Value::List(vec![]), "wamp.error.invalid_argument"),
        (Value::from_iter([Value::from("a.b"), Value::from("no list")]), "wamp.error.invalid_argument"),
        (
            Value::from_iter([Value::from("a.b"), Value::List(vec![]), Value::List(vec![1.into()])]),
            "wamp.error.invalid_argument",
        ),
    ] {
        assert_eq!(alice.ask(&mut world, ADD, &args, nothing()), error, "{args}");
    }
    for wrong in [Value::from(7), Value::from(Dict::from_iter([("exclude", "everybody")]))] {
        let kwargs = Dict::from_iter([("publish_options", wrong)]);
        assert_eq!(alice.ask(&mut world, ADD, testament("x"), kwargs), "wamp.error.invalid_argument");
    }
    // Nothing of this is left.
    alice.ask(&mut world, FLUSH, (), nothing());
    alice.ask(&mut world, FLUSH, (), detached());
    world.cut(alice);
    world.run();
    assert_eq!(listener.received(&mut world).len(), 1, "only that the session has left");
    world.end();
}

#[test]
fn fault_74_testaments_are_bounded() {
    let mut world = World::with(1, |config| {
        config.max_testaments = 3;
        config.max_testament_bytes = 1_000;
    });
    let alice = world.join("alice", Encoding::Json);
    let large = "x".repeat(600);
    assert_eq!(alice.ask(&mut world, ADD, testament(&large), nothing()), "");
    assert_eq!(alice.ask(&mut world, ADD, testament(&large), detached()), "wamp.error.unavailable");
    let many = Dict::from_iter([("exclude", Value::from_iter((1..400_u64).map(|n| n << 40)))]);
    assert_eq!(alice.ask(&mut world, ADD, testament("y"), options(many)), "wamp.error.unavailable");
    for (scope, answer) in [(nothing(), ""), (detached(), ""), (nothing(), "wamp.error.unavailable")] {
        assert_eq!(alice.ask(&mut world, ADD, testament("z"), scope), answer);
    }
    assert_eq!(alice.ask(&mut world, FLUSH, (), nothing()), "");
    assert_eq!(alice.ask(&mut world, ADD, testament("z"), nothing()), "");
    world.end();
}
