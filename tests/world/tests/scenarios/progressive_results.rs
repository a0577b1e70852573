//! Results in several parts (R-50..R-57).

use std::time::Duration;

use wamp_proto::{
    Encoding,
    id::RequestId,
    message::{CallOptions, CancelMode, Feature, Features, Role},
};
use wamp_world::{
    Client, World,
    world::{LinkRule, Way},
};

use crate::{check, join_canceling};

fn options() -> CallOptions {
    CallOptions { receive_progress: true, ..CallOptions::default() }
}

/// Bob has called alice and takes parts of the result.
fn called() -> (World, Client, Client, RequestId) {
    called_with(options())
}

fn called_with(options: CallOptions) -> (World, Client, Client, RequestId) {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    alice.register(&mut world, "com.example.count");
    world.run();
    let call = bob.call_with(&mut world, "com.example.count", (), options);
    world.run();
    (world, alice, bob, call)
}

#[test]
fn r_51_r_52_r_53_r_54_parts_and_the_end() {
    let (mut world, alice, bob, call) = called();
    alice.progress(&mut world, (1,));
    alice.progress(&mut world, ());
    world.run();
    alice.answer(&mut world, ());
    world.run();
    assert_eq!(bob.results(&mut world, call), ["[1]...", "...", ""]);
    check(&mut world, "progressive_result");
}

#[test]
fn r_53_an_error_ends_it_and_what_is_late_is_dropped() {
    let (mut world, alice, bob, call) = called();
    alice.progress(&mut world, (1,));
    alice.fail(&mut world, "com.example.error", ());
    world.run();
    assert_eq!(bob.results(&mut world, call), ["[1]...", "com.example.error"]);
    check(&mut world, "progressive_result_error");
}

#[test]
fn r_50_r_51_t_48_only_if_both_ends_know_it() {
    let results = Features::NONE.with(Feature::ProgressiveCallResults);
    let canceling = Features::NONE.with(Feature::CallCanceling);
    for (caller, callee) in [
        (results, results),
        (results, canceling),
        (canceling, results.with(Feature::CallCanceling)),
        (Features::NONE, Features::NONE),
    ] {
        let mut world = World::new(1);
        let join = |world: &mut World, name, role, features| {
            world.join_with(name, Encoding::Json, LinkRule::default(), |config| {
                config.roles = config.roles.with(role, features);
            })
        };
        let alice = join(&mut world, "alice", Role::Callee, callee);
        let bob = join(&mut world, "bob", Role::Caller, caller);
        alice.register(&mut world, "com.example.count");
        world.run();
        let call = bob.call_with(&mut world, "com.example.count", (), options());
        world.run();
        assert!(world.transcript().contains("router -> alice  [68,1,1,{}]"), "{}", world.transcript());
        alice.answer(&mut world, ());
        world.run();
        assert_eq!(bob.results(&mut world, call), [""]);
        world.end();
    }
}

#[test]
fn r_57_t_49_every_part_starts_the_time_anew() {
    let (mut world, alice, bob, call) = called_with(CallOptions { timeout: Some(1000), ..options() });
    for part in 0..3 {
        world.advance(Duration::from_millis(900));
        alice.progress(&mut world, (part,));
        world.run();
    }
    world.advance(Duration::from_millis(1000));
    assert_eq!(bob.results(&mut world, call), ["[0]...", "[1]...", "[2]...", "wamp.error.timeout"]);
    alice.progress(&mut world, ("late",));
    alice.answer(&mut world, ("late",));
    world.run();
    check(&mut world, "progressive_result_timeout");
}

#[test]
fn r_81_r_83_r_24_canceled_between_two_parts() {
    for mode in [CancelMode::Skip, CancelMode::KillNoWait] {
        let (mut world, alice, bob, call) = called();
        alice.progress(&mut world, (1,));
        world.run();
        bob.cancel(&mut world, call, mode);
        world.run();
        alice.progress(&mut world, (2,));
        alice.answer(&mut world, (3,));
        world.run();
        assert_eq!(bob.results(&mut world, call), ["[1]...", "wamp.error.canceled"]);
        check(&mut world, &format!("progressive_result_{}", mode.as_str()));
    }
}

#[test]
fn r_82_parts_go_on_after_kill_until_the_callee_ends_it() {
    let (mut world, alice, bob, call) = called();
    bob.cancel(&mut world, call, CancelMode::Kill);
    world.run();
    alice.progress(&mut world, (1,));
    alice.fail(&mut world, "wamp.error.canceled", ());
    world.run();
    assert_eq!(bob.results(&mut world, call), ["[1]...", "wamp.error.canceled"]);
    check(&mut world, "progressive_result_kill");
}

#[test]
fn r_24_r_23_the_callee_leaves_between_two_parts() {
    let (mut world, alice, bob, call) = called();
    alice.progress(&mut world, (1,));
    world.run();
    world.cut(alice);
    world.run();
    assert_eq!(bob.results(&mut world, call), ["[1]...", "wamp.error.canceled"]);
    check(&mut world, "progressive_result_callee_leaves");
}

#[test]
fn r_24_r_20_the_caller_leaves_between_two_parts() {
    let (mut world, alice, bob, _) = called();
    alice.progress(&mut world, (1,));
    world.run();
    world.cut(bob);
    alice.progress(&mut world, (2,));
    alice.answer(&mut world, (3,));
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "progressive_result_caller_leaves");
}

#[test]
fn fault_38_a_part_that_does_not_fit() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let small = LinkRule { send_limit: Some(1024), ..LinkRule::default() };
    let bob = world.join_with("bob", Encoding::Json, small, |_| {});
    alice.register(&mut world, "com.example.count");
    world.run();
    let call = bob.call_with(&mut world, "com.example.count", (), options());
    world.run();
    alice.progress(&mut world, ("x".repeat(1024),));
    world.run();
    alice.answer(&mut world, ("late",));
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.payload_size_exceeded"]);
    check(&mut world, "progressive_result_too_large");
}

#[test]
fn fault_63_a_flood_of_parts_for_a_caller_that_does_not_read() {
    let mut world = World::with(1, |config| config.queue_messages = 8);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    let carol = join_canceling(&mut world, "carol", Encoding::Json);
    alice.register(&mut world, "com.example.count");
    world.run();
    bob.call_with(&mut world, "com.example.count", (), options());
    world.run();
    world.stall(bob, Way::Down);
    for part in 0..20 {
        alice.progress(&mut world, (part,));
        world.run();
    }
    assert!(world.left(bob).is_some(), "who does not read is closed");
    alice.answer(&mut world, ());
    let call = carol.call(&mut world, "com.example.count", ());
    world.run();
    alice.answer(&mut world, (1,));
    world.run();
    assert_eq!(carol.result::<u8>(&mut world, call), Ok(1));
    world.end();
}
