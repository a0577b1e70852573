//! GOODBYE and ABORT both ways, and the end of the router.

use std::time::Duration;

use wamp_proto::{Encoding, error::Closed};
use wamp_world::{World, world::Way};

use crate::{alice_and_bob, check};

#[test]
fn s_39_s_60_s_61_the_client_says_goodbye() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.subscribe(&mut world, "com.example.tick");
    alice.register(&mut world, "com.example.add");
    world.run();
    alice.leave(&mut world);
    world.run();
    assert_eq!(alice.closed(&mut world), Some(Closed::ByUs));
    assert_eq!(bob.closed(&mut world), None);
    let counts = world.counts();
    assert_eq!((counts.sessions, counts.subscriptions, counts.registrations), (1, 0, 0));
    check(&mut world, "goodbye");
}

#[test]
fn fault_48_s_68_the_router_shuts_down() {
    let (mut world, alice, bob) = alice_and_bob();
    let silent = world.raw("silent", Encoding::Json);
    alice.register(&mut world, "com.example.add");
    world.run();
    bob.call(&mut world, "com.example.add", ());
    world.run();
    world.shutdown();
    world.run();
    for client in [alice, bob] {
        assert!(matches!(
            client.closed(&mut world),
            Some(Closed::ByPeer { reason, .. }) if reason == "wamp.close.system_shutdown"
        ));
    }
    assert!(!world.is_connected(silent));
    let late = world.join("late", Encoding::Cbor);
    assert!(matches!(late.closed(&mut world), Some(Closed::Aborted { .. })));
    check(&mut world, "shutdown");
}

#[test]
fn fault_44_s_69_goodbye_is_not_answered() {
    let mut world = World::new(1);
    let deaf = world.raw("deaf", Encoding::Json);
    deaf.hello(&mut world);
    world.shutdown();
    world.advance(Duration::from_millis(999));
    assert!(world.is_connected(deaf));
    world.advance(Duration::from_millis(1));
    assert!(!world.is_connected(deaf));
    check(&mut world, "goodbye_unanswered");
}

#[test]
fn s_62_t_13_fault_43_goodbyes_cross() {
    let (mut world, alice, _) = alice_and_bob();
    world.set_latency(alice, Duration::from_millis(20));
    alice.leave(&mut world);
    world.shutdown();
    world.run();
    assert_eq!(alice.closed(&mut world), Some(Closed::ByUs));
    let goodbyes = world.transcript().lines().filter(|line| line.contains("alice") && line.contains("[6,"));
    assert_eq!(goodbyes.count(), 2, "one each way");
    check(&mut world, "goodbyes_cross");
}

#[test]
fn s_27_s_63_t_14_what_comes_while_we_leave_is_ignored() {
    let mut world = World::new(1);
    let peer = world.raw("peer", Encoding::Json);
    peer.hello(&mut world);
    world.shutdown();
    world.run();
    peer.received(&mut world);
    for message in [
        r#"[48,1,{},"com.example.add"]"#,
        r#"[1,"realm1",{}]"#,
        "[36,1,1,{}]",
        "garbage",
        "[70,9,{}]",
        "[6,{},",
    ] {
        peer.send(&mut world, message);
    }
    peer.send(&mut world, r#"[6,{},"wamp.close.goodbye_and_out"]"#);
    assert_eq!(peer.received(&mut world), [""; 0]);
    assert!(!world.is_connected(peer));
    check(&mut world, "ignored_while_leaving");
}

#[test]
fn s_38_s_60_t_15_abort_is_never_answered() {
    let mut world = World::new(1);
    let before = world.raw("before", Encoding::Json);
    before.send(&mut world, r#"[3,{},"com.example.changed_my_mind"]"#);
    let after = world.raw("after", Encoding::Json);
    after.hello(&mut world);
    after.send(&mut world, r#"[3,{"message":"it broke"},"com.example.broken",["more"],{"and":"more"}]"#);
    assert_eq!(before.received(&mut world), [""; 0]);
    assert_eq!(after.received(&mut world).len(), 1);
    assert_eq!(world.left(after), Some("aborted by the peer: com.example.broken: it broke"));
    check(&mut world, "abort");
}

#[test]
fn s_41_t_77_nothing_is_processed_after_a_violation() {
    let (mut world, alice, _) = alice_and_bob();
    alice.subscribe(&mut world, "com.example.tick");
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    world.stall(mallory, Way::Up);
    mallory.send(&mut world, "[]");
    mallory.send(&mut world, r#"[16,1,{},"com.example.tick"]"#);
    world.unstall(mallory, Way::Up);
    world.run();
    assert!(alice.received(&mut world).is_empty());
    check(&mut world, "nothing_after_a_violation");
}

#[test]
fn s_05_s_65_the_transport_is_lost() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.register(&mut world, "com.example.add");
    world.run();
    bob.call(&mut world, "com.example.add", ());
    world.run();
    world.cut(bob);
    assert_eq!(bob.closed(&mut world), Some(Closed::Lost("cut".to_owned())));
    assert_eq!(world.left(bob), Some("the connection was lost: cut"));
    let raw = world.raw("raw", Encoding::Json);
    raw.hello(&mut world);
    raw.hang_up(&mut world);
    assert_eq!(world.left(raw), Some("the connection was lost"));
    check(&mut world, "transport_lost");
}
