//! `REGISTER.Options.concurrency`, an extension of Crossbar.io: calls wait until a callee has room.

use std::time::Duration;

use wamp_proto::{
    Encoding,
    id::RequestId,
    message::{CallOptions, CancelMode, InvocationPolicy, RegisterOptions},
};
use wamp_world::{Client, World};

use crate::check;

fn limited(concurrency: u64) -> RegisterOptions {
    RegisterOptions { concurrency: Some(concurrency), ..RegisterOptions::default() }
}

/// Alice takes one call at a time; bob has made three.
fn waiting() -> (World, Client, Client, [RequestId; 3]) {
    waiting_with(CallOptions::default(), |_| {})
}

fn waiting_with(
    options: CallOptions,
    change: impl FnOnce(&mut wamp_proto::router::Config),
) -> (World, Client, Client, [RequestId; 3]) {
    let mut world = World::with(1, change);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::MessagePack);
    alice.register_with(&mut world, "com.example.work", limited(1));
    world.run();
    let calls = [1, 2, 3].map(|n| bob.call_with(&mut world, "com.example.work", (n,), options.clone()));
    world.run();
    (world, alice, bob, calls)
}

#[test]
fn one_at_a_time_in_their_order() {
    let (mut world, alice, bob, calls) = waiting();
    assert_eq!(world.counts().calls, 3);
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(alice.invoked(&mut world), 1);
        if n == 1 {
            alice.fail(&mut world, "com.example.error", ());
        } else {
            alice.answer(&mut world, (n,));
        }
        world.run();
        assert_eq!(bob.results(&mut world, call).len(), 1);
    }
    check(&mut world, "concurrency");
}

#[test]
fn a_call_that_waits_is_canceled() {
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let (mut world, alice, bob, calls) = waiting();
        bob.cancel(&mut world, calls[1], mode);
        world.run();
        assert_eq!(bob.failure(&mut world, calls[1]), "wamp.error.canceled");
        alice.answer(&mut world, (1,));
        world.run();
        alice.answer(&mut world, (3,));
        world.run();
        assert_eq!(bob.results(&mut world, calls[2]), ["[3]"]);
        check(&mut world, &format!("concurrency_{}", mode.as_str()));
    }
}

#[test]
fn canceling_the_one_that_runs_makes_room() {
    let (mut world, alice, bob, calls) = waiting();
    bob.cancel(&mut world, calls[0], CancelMode::KillNoWait);
    world.run();
    assert_eq!(alice.invoked(&mut world), 2);
    check(&mut world, "concurrency_cancel_running");
}

#[test]
fn calls_time_out_while_they_wait() {
    let options = CallOptions { timeout: Some(1000), ..CallOptions::default() };
    let (mut world, alice, bob, calls) = waiting_with(options, |_| {});
    world.advance(Duration::from_millis(500));
    alice.answer(&mut world, (1,));
    world.advance(Duration::from_millis(500));
    assert_eq!(bob.results(&mut world, calls[0]), ["[1]"]);
    for call in &calls[1..] {
        assert_eq!(bob.results(&mut world, *call), ["wamp.error.timeout"]);
    }
    check(&mut world, "concurrency_timeout");
}

#[test]
fn caller_or_callee_leave() {
    let (mut world, alice, bob, _) = waiting();
    let carol = world.join("carol", Encoding::Json);
    let call = carol.call(&mut world, "com.example.work", ("carol",));
    world.run();
    world.cut(bob);
    world.run();
    assert_eq!(alice.invoked(&mut world), 2, "the one of bob's that ran is defunct");
    let other = carol.call(&mut world, "com.example.work", ("other",));
    world.run();
    alice.leave(&mut world);
    world.run();
    for call in [call, other] {
        assert_eq!(carol.results(&mut world, call), ["wamp.error.canceled"]);
    }
    check(&mut world, "concurrency_leave");
}

#[test]
fn the_registration_ends_while_calls_wait() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    let request = alice.register_with(&mut world, "com.example.work", limited(1));
    world.run();
    let calls = [1, 2].map(|n| bob.call(&mut world, "com.example.work", (n,)));
    world.run();
    let registration = alice.registration(&mut world, request);
    alice.unregister(&mut world, registration);
    world.run();
    assert_eq!(bob.results(&mut world, calls[1]), ["wamp.error.canceled"]);
    alice.answer(&mut world, (1,));
    world.run();
    assert_eq!(bob.results(&mut world, calls[0]), ["[1]"]);
    check(&mut world, "concurrency_unregister");
}

#[test]
fn the_queue_is_bounded() {
    let (mut world, alice, bob, calls) =
        waiting_with(CallOptions::default(), |config| config.max_waiting_calls = 1);
    assert_eq!(bob.failure(&mut world, calls[2]), "wamp.error.unavailable");
    alice.answer(&mut world, ());
    world.run();
    alice.answer(&mut world, ());
    world.run();
    check(&mut world, "concurrency_queue_full");
    // In bytes as well, of each caller.
    let (mut world, alice, bob, calls) =
        waiting_with(CallOptions::default(), |config| config.kept_bytes = 100);
    assert_eq!(bob.failure(&mut world, calls[2]), "wamp.error.unavailable");
    alice.answer(&mut world, ());
    world.run();
    let call = bob.call(&mut world, "com.example.work", ());
    world.run();
    for _ in 0..2 {
        alice.answer(&mut world, ());
        world.run();
    }
    assert_eq!(bob.results(&mut world, call), [""]);
    world.end();
}

#[test]
fn parts_wait_with_their_call() {
    let options = CallOptions { progress: true, ..CallOptions::default() };
    let (mut world, alice, bob, calls) = waiting_with(options, |_| {});
    for (call, part) in [(0, 10), (1, 20), (1, 21), (2, 30)] {
        bob.continue_call(&mut world, calls[call], (part,), part != 21);
    }
    world.run();
    for n in 0..3 {
        alice.answer(&mut world, (n,));
        world.run();
    }
    let results = calls.map(|call| bob.results(&mut world, call).concat());
    assert_eq!(results, ["[0]", "[1]", "[2]"]);
    check(&mut world, "concurrency_parts");
}

#[test]
fn policies_choose_among_those_with_room() {
    for (invoke, expected) in [
        (InvocationPolicy::RoundRobin, [2, 1]),
        (InvocationPolicy::Random, [2, 1]),
        // Others stand in for the first only when it is gone.
        (InvocationPolicy::First, [2, 0]),
        (InvocationPolicy::Last, [0, 1]),
    ] {
        let mut world = World::new(1);
        let callees = [("alice", 2), ("carol", 1)].map(|(name, concurrency)| {
            let callee = world.join(name, Encoding::Json);
            let options = RegisterOptions { invoke: Some(invoke), ..limited(concurrency) };
            callee.register_with(&mut world, "com.example.work", options);
            world.run();
            callee
        });
        let bob = world.join("bob", Encoding::Json);
        let calls = [(); 5].map(|()| bob.call(&mut world, "com.example.work", ()));
        world.run();
        assert_eq!(callees.map(|callee| callee.invoked(&mut world)), expected, "{invoke:?}");
        while let Some(callee) = callees.into_iter().find(|callee| callee.invoked(&mut world) > 0) {
            callee.answer(&mut world, ());
            world.run();
        }
        assert!(calls.iter().all(|call| bob.results(&mut world, *call) == [""]));
        world.end();
    }
}

#[test]
fn a_new_callee_takes_what_waits() {
    let mut world = World::new(1);
    let options = || RegisterOptions { invoke: Some(InvocationPolicy::RoundRobin), ..limited(1) };
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    alice.register_with(&mut world, "com.example.work", options());
    world.run();
    for n in 0..3 {
        bob.call(&mut world, "com.example.work", (n,));
    }
    let carol = world.join("carol", Encoding::Json);
    carol.register_with(&mut world, "com.example.work", options());
    world.run();
    assert_eq!(carol.invoked(&mut world), 1);
    // S-78: after REGISTERED.
    check(&mut world, "concurrency_new_callee");
}

#[test]
fn none_at_all_is_no_limit_that_makes_sense() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let request = alice.register_with(&mut world, "com.example.work", limited(0));
    world.run();
    assert_eq!(alice.failure(&mut world, request), "wamp.error.invalid_argument");
    world.end();
}
