//! Call timeouts (R-60..R-67).

use std::time::Duration;

use wamp_proto::{
    Encoding,
    id::RequestId,
    message::{CallOptions, CancelMode, RegisterOptions},
};
use wamp_world::{Client, World, world::Way};

use crate::{check, join_canceling, join_plain};

fn within(timeout: u64) -> CallOptions {
    CallOptions { timeout: Some(timeout), ..CallOptions::default() }
}

/// Bob has called alice and gives her a second.
fn called(callee: fn(&mut World, &str, Encoding) -> Client) -> (World, Client, Client, RequestId) {
    let mut world = World::new(1);
    let alice = callee(&mut world, "alice", Encoding::Json);
    let bob = world.join("bob", Encoding::MessagePack);
    alice.register(&mut world, "com.example.slow");
    world.run();
    let call = bob.call_with(&mut world, "com.example.slow", (), within(1000));
    world.run();
    (world, alice, bob, call)
}

#[test]
fn r_60_r_61_r_62_fault_56_the_dealer_cancels() {
    let (mut world, alice, bob, call) = called(join_canceling);
    world.advance(Duration::from_millis(999));
    assert!(bob.results(&mut world, call).is_empty());
    world.advance(Duration::from_millis(1));
    assert_eq!(bob.failure(&mut world, call), "wamp.error.timeout");
    world.note("late, and dropped");
    alice.answer(&mut world, ());
    world.run();
    assert_eq!(bob.results(&mut world, call).len(), 1);
    check(&mut world, "timeout");
}

#[test]
fn r_61_a_callee_that_cannot_be_interrupted() {
    let (mut world, alice, bob, call) = called(join_plain);
    world.advance(Duration::from_secs(1));
    assert_eq!(bob.failure(&mut world, call), "wamp.error.timeout");
    alice.answer(&mut world, ());
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "timeout_skip");
}

#[test]
fn r_60_an_answer_in_time_and_no_limit_at_all() {
    let (mut world, alice, bob, call) = called(join_canceling);
    world.advance(Duration::from_millis(999));
    alice.answer(&mut world, (1,));
    world.run();
    let unlimited = bob.call_with(&mut world, "com.example.slow", (), within(0));
    world.advance(Duration::from_secs(2000));
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(1));
    alice.answer(&mut world, (2,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, unlimited), Ok(2));
    check(&mut world, "timeout_in_time");
}

#[test]
fn r_62_the_result_crosses_the_interrupt() {
    let (mut world, alice, bob, call) = called(join_canceling);
    world.stall(alice, Way::Up);
    alice.answer(&mut world, (1,));
    world.advance(Duration::from_secs(1));
    world.unstall(alice, Way::Up);
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.timeout"]);
    check(&mut world, "timeout_crosses_result");
}

#[test]
fn r_82_a_killed_call_times_out() {
    let (mut world, alice, bob, call) = called(join_canceling);
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.advance(Duration::from_secs(1));
    assert_eq!(bob.failure(&mut world, call), "wamp.error.timeout");
    assert_eq!(world.transcript().matches("[69,").count(), 1, "the callee is told once");
    alice.fail(&mut world, "wamp.error.canceled", ());
    world.run();
    check(&mut world, "timeout_after_kill");
}

#[test]
fn r_20_r_23_nothing_is_left_when_either_leaves() {
    for callee_leaves in [true, false] {
        let (mut world, alice, bob, _) = called(join_canceling);
        world.cut(if callee_leaves { alice } else { bob });
        world.advance(Duration::from_secs(2));
        assert_eq!(world.counts().calls, 0);
        assert!(!world.transcript().contains("wamp.error.timeout"));
        world.end();
    }
}

#[test]
fn r_63_r_64_r_12_the_callee_keeps_the_time() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    let forwards = RegisterOptions { forward_timeout: true, ..RegisterOptions::default() };
    alice.register_with(&mut world, "com.example.slow", forwards);
    world.run();
    let call = bob.call_with(&mut world, "com.example.slow", (), within(1000));
    world.advance(Duration::from_secs(1));
    assert_eq!(bob.failure(&mut world, call), "wamp.error.timeout");
    assert!(!world.transcript().contains("[69,"), "the dealer leaves it to the callee");
    check(&mut world, "timeout_forwarded");
}

#[test]
fn r_65_f_12_forwarded_always_but_only_to_those_who_can() {
    let mut world = World::with(1, |config| config.always_forward_timeout = true);
    let alice = world.join("alice", Encoding::Json);
    let carol = join_canceling(&mut world, "carol", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    alice.register(&mut world, "com.example.can");
    carol.register(&mut world, "com.example.cannot");
    world.run();
    let calls = ["com.example.can", "com.example.cannot"]
        .map(|procedure| bob.call_with(&mut world, procedure, (), within(1000)));
    world.advance(Duration::from_secs(1));
    for call in calls {
        assert_eq!(bob.failure(&mut world, call), "wamp.error.timeout");
    }
    check(&mut world, "timeout_forwarded_always");
}
