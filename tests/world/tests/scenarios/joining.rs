//! HELLO and what it is answered with.

use std::time::Duration;

use wamp_proto::{Encoding, Uri, error::Closed, message::Roles};
use wamp_world::{World, world::LinkRule};

use crate::check;

#[test]
fn s_01_s_15_join_and_welcome_in_every_serializer() {
    let mut world = World::new(1);
    for encoding in Encoding::ALL {
        let client = world.join(encoding.name(), encoding);
        assert_eq!(client.closed(&mut world), None);
    }
    assert_eq!(world.counts().sessions, 3);
    check(&mut world, "join");
}

#[test]
fn s_09_fault_41_unknown_realm() {
    let mut world = World::new(1);
    let alice = world.join_with("alice", Encoding::Json, LinkRule::default(), |config| {
        config.realm = Uri::unchecked("nowhere");
    });
    assert!(matches!(
        alice.closed(&mut world),
        Some(Closed::Aborted { reason, joined: false, .. }) if reason == "wamp.error.no_such_realm"
    ));
    check(&mut world, "join_unknown_realm");
}

#[test]
fn i_33_fault_41_realms_that_are_no_uris() {
    let mut world = World::new(1);
    for realm in ["", "a..b", "a b", "a#b", "realm1."] {
        let raw = world.raw("mallory", Encoding::Json);
        raw.send(&mut world, &format!(r#"[1,"{realm}",{{"roles":{{"caller":{{}}}}}}]"#));
        let answer = raw.received(&mut world);
        assert!(answer[0].ends_with(r#","wamp.error.invalid_uri"]"#), "{answer:?}");
        // The log says who has ended it.
        let why = world.left(raw).unwrap();
        assert!(why.starts_with("refused by us: wamp.error.invalid_uri: "), "{why}");
    }
    check(&mut world, "join_invalid_realm");
}

/// Fault 59: a peer chooses neither the length of a realm nor that of our answer.
#[test]
fn fault_59_a_realm_of_any_length_gets_a_short_answer() {
    let mut world = World::new(1);
    let raw =
        world.raw_with("mallory", Encoding::Json, LinkRule { send_limit: Some(512), ..LinkRule::default() });
    let realm = "r".repeat(100_000);
    raw.send(&mut world, &format!(r#"[1,"{realm}",{{"roles":{{"caller":{{}}}}}}]"#));
    let answer = raw.received(&mut world);
    assert_eq!(answer.len(), 1);
    assert!(answer[0].len() <= 512 && answer[0].contains("wamp.error.invalid_uri"), "{answer:?}");

    let raw =
        world.raw_with("mallory", Encoding::Json, LinkRule { send_limit: Some(512), ..LinkRule::default() });
    let method = "m".repeat(100_000);
    raw.send(
        &mut world,
        &format!(r#"[1,"realm1",{{"roles":{{"caller":{{}}}},"authmethods":["{method}"]}}]"#),
    );
    let answer = raw.received(&mut world);
    assert!(answer[0].len() <= 512 && answer[0].contains("no_matching_auth_method"), "{answer:?}");
    world.end();
}

#[test]
fn s_07_fault_42_no_roles_or_unknown_ones_only() {
    let mut world = World::new(1);
    for details in ["{}", r#"{"roles":{}}"#, r#"{"roles":{"spectator":{}}}"#, r#"{"roles":{"broker":{}}}"#] {
        let raw = world.raw("mallory", Encoding::Json);
        raw.send(&mut world, &format!(r#"[1,"realm1",{details}]"#));
        assert!(raw.received(&mut world)[0].ends_with(r#","wamp.error.no_such_role"]"#));
        assert!(!world.is_connected(raw));
    }
    let alice =
        world.join_with("alice", Encoding::Cbor, LinkRule::default(), |config| config.roles = Roles::NONE);
    assert!(alice.closed(&mut world).is_some());
    check(&mut world, "join_no_roles");
}

#[test]
fn a_17_authentication_methods() {
    let mut world = World::new(1);
    for (methods, welcome) in
        [(r#"["ticket","wampcra"]"#, false), (r#"["ticket","anonymous"]"#, true), ("[]", true)]
    {
        let raw = world.raw("client", Encoding::Json);
        let roles = r#""roles":{"caller":{}}"#;
        raw.send(&mut world, &format!(r#"[1,"realm1",{{{roles},"authmethods":{methods}}}]"#));
        assert_eq!(raw.received(&mut world)[0].starts_with("[2,"), welcome);
    }
    check(&mut world, "join_methods");
}

#[test]
fn fault_21_no_hello_in_time() {
    let mut world = World::new(1);
    let silent = world.raw("silent", Encoding::Json);
    let alice = world.join("alice", Encoding::Json);
    world.advance(Duration::from_millis(4_999));
    assert!(world.is_connected(silent));
    world.advance(Duration::from_millis(1));
    assert!(!world.is_connected(silent));
    let why = world.left(silent);
    assert_eq!(why, Some("refused by us: wamp.error.timeout: HELLO did not come in time"));
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "join_no_hello_in_time");
}

#[test]
fn s_21_fault_40_hello_twice() {
    let mut world = World::new(1);
    let raw = world.raw("mallory", Encoding::MessagePack);
    raw.hello(&mut world);
    raw.hello(&mut world);
    assert!(raw.received(&mut world)[1].contains("wamp.error.protocol_violation"));
    check(&mut world, "join_twice");
}

#[test]
fn s_29_the_router_does_not_answer_hello() {
    let mut world = World::new(1);
    let rule = LinkRule { latency: Duration::from_secs(3), ..LinkRule::default() };
    let alice = world.join_with("alice", Encoding::Json, rule, |config| {
        config.join_timeout = Duration::from_secs(5);
    });
    world.advance(Duration::from_secs(30));
    assert_eq!(alice.closed(&mut world), Some(Closed::JoinTimeout));
    check(&mut world, "join_timeout");
}

/// What a client says of itself is any text, and is not believed.
#[test]
fn i_11_i_35_a_20_what_hello_claims() {
    let mut world = World::new(1);
    let watcher = world.raw("watcher", Encoding::Json);
    watcher.hello(&mut world);
    watcher.send(&mut world, r#"[32,1,{},"wamp.session.on_join"]"#);
    let mallory = world.raw("mallory", Encoding::Json);
    let hello = r##"[1,"realm1",{"authid":"a b#.ü","transport":{"peer":"root"},"roles":{"caller":{}}}]"##;
    mallory.send(&mut world, hello);
    let welcome = mallory.received(&mut world).remove(0);
    let session = welcome.trim_start_matches("[2,").split(',').next().unwrap().to_owned();
    let joined = watcher.received(&mut world).pop().unwrap();
    assert!(joined.contains(&format!("\"session\":{session}")) && !joined.contains("root"), "{joined}");
    mallory.send(&mut world, r#"[48,1,{},"wamp.session.list"]"#);
    let listed = mallory.received(&mut world).remove(0);
    assert!(listed.starts_with("[50,1,") && listed.contains(&session), "{listed}");
    world.end();
}
