//! CANCEL and its races (R-80..R-91).

use wamp_proto::{Encoding, id::RequestId, message::CancelMode};
use wamp_world::{Client, World, world::Way};

use crate::{check, join_canceling, join_plain};

/// Bob has called alice, who can be interrupted or not.
fn called(interruptible: bool) -> (World, Client, Client, RequestId) {
    let mut world = World::new(1);
    let join = if interruptible { join_canceling } else { join_plain };
    let alice = join(&mut world, "alice", Encoding::Json);
    let bob = join_canceling(&mut world, "bob", Encoding::Json);
    alice.register(&mut world, "com.example.add");
    world.run();
    let call = bob.call(&mut world, "com.example.add", (2, 3));
    world.run();
    (world, alice, bob, call)
}

#[test]
fn r_81_skip() {
    let (mut world, alice, bob, call) = called(true);
    bob.cancel(&mut world, call, CancelMode::Skip);
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    world.note("late, and dropped");
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "cancel_skip");
}

#[test]
fn r_82_t_08_kill_is_answered_by_the_callee() {
    let (mut world, alice, bob, call) = called(true);
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    world.note("the callee answers all the same");
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
    check(&mut world, "cancel_kill_result");
}

#[test]
fn r_82_r_90_kill_with_an_error_of_the_callee() {
    let (mut world, alice, bob, call) = called(true);
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    alice.fail(&mut world, "wamp.error.canceled", ("stopped half-way",));
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    check(&mut world, "cancel_kill_error");
}

#[test]
fn r_83_killnowait() {
    let (mut world, alice, bob, call) = called(true);
    bob.cancel(&mut world, call, CancelMode::KillNoWait);
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    alice.fail(&mut world, "wamp.error.canceled", ());
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "cancel_killnowait");
}

#[test]
fn r_84_t_09_every_mode_is_skip_when_the_callee_cannot_be_interrupted() {
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let (mut world, alice, bob, call) = called(false);
        bob.cancel(&mut world, call, mode);
        world.run();
        assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
        alice.answer(&mut world, (5,));
        world.run();
        assert!(!world.transcript().contains("[69,"), "{mode:?}");
        check(&mut world, &format!("cancel_{}_degraded", mode.as_str()));
    }
}

#[test]
fn r_86_fault_55_no_mode_and_unknown_modes() {
    let mut world = World::new(1);
    let alice = join_canceling(&mut world, "alice", Encoding::Json);
    alice.register(&mut world, "com.example.add");
    let caller = world.raw("caller", Encoding::Json);
    caller.hello(&mut world);
    for (id, options) in [(1, "{}"), (2, r#"{"mode":"brutal"}"#)] {
        caller.send(&mut world, &format!(r#"[48,{id},{{}},"com.example.add"]"#));
        caller.send(&mut world, &format!("[49,{id},{options}]"));
    }
    let answers = caller.received(&mut world);
    assert!(answers[1].starts_with(r#"[8,48,1,{},"wamp.error.canceled""#), "{answers:?}");
    assert!(answers[2].starts_with(r#"[8,48,2,{},"wamp.error.invalid_argument""#), "{answers:?}");
    check(&mut world, "cancel_modes");
}

#[test]
fn r_87_t_07_cancel_crosses_the_result() {
    let (mut world, alice, bob, call) = called(true);
    world.stall(bob, Way::Down);
    alice.answer(&mut world, (5,));
    world.run();
    world.note("the result is on its way");
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    world.unstall(bob, Way::Down);
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
    check(&mut world, "cancel_crosses_result");
}

#[test]
fn r_87_fault_55_unknown_finished_and_foreign_calls() {
    let (mut world, alice, bob, call) = called(true);
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, &format!(r#"[49,{call},{{"mode":"kill"}}]"#));
    mallory.send(&mut world, r#"[49,4711,{"mode":"skip"}]"#);
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
    assert!(world.is_connected(mallory));
    assert_eq!(mallory.received(&mut world).len(), 1);
    check(&mut world, "cancel_unknown");
}

#[test]
fn r_88_the_answer_crosses_the_interrupt() {
    let (mut world, alice, bob, call) = called(true);
    world.stall(alice, Way::Down);
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    alice.answer(&mut world, (5,));
    world.run();
    world.unstall(alice, Way::Down);
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "cancel_interrupt_crosses_result");
}

#[test]
fn r_82_r_87_kill_again_changes_nothing_and_killnowait_ends_the_wait() {
    let (mut world, alice, bob, call) = called(true);
    bob.cancel(&mut world, call, CancelMode::Kill);
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    bob.cancel(&mut world, call, CancelMode::KillNoWait);
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    assert_eq!(world.transcript().matches("[69,").count(), 1, "the callee is told once");
    alice.answer(&mut world, (5,));
    world.run();
    check(&mut world, "cancel_again");
}

#[test]
fn r_91_the_callee_leaves_after_kill() {
    let (mut world, alice, bob, call) = called(true);
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    world.cut(alice);
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    check(&mut world, "cancel_kill_callee_leaves");
}

#[test]
fn r_20_the_caller_leaves_after_kill() {
    let (mut world, alice, bob, call) = called(true);
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    world.cut(bob);
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(world.transcript().matches("[69,").count(), 1, "the callee is told once");
    check(&mut world, "cancel_kill_caller_leaves");
}
