//! Peers that leave during a call.

use wamp_proto::{Encoding, error::Closed};
use wamp_world::{Client, World};

use crate::{check, join_canceling, join_plain};

/// Bob has called alice, who has not answered.
fn during_a_call(name: &str) -> (World, Client, Client, wamp_proto::id::RequestId) {
    let mut world = World::new(1);
    let alice = join_canceling(&mut world, "alice", Encoding::MessagePack);
    let bob = join_canceling(&mut world, "bob", Encoding::Json);
    world.note(name);
    alice.register(&mut world, "com.example.add");
    world.run();
    let call = bob.call(&mut world, "com.example.add", (2, 3));
    world.run();
    (world, alice, bob, call)
}

#[test]
fn r_23_t_11_fault_53_the_callee_says_goodbye() {
    let (mut world, alice, bob, call) = during_a_call("the callee says goodbye");
    alice.leave(&mut world);
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    assert_eq!(alice.closed(&mut world), Some(Closed::ByUs));
    check(&mut world, "callee_goodbye");
}

#[test]
fn r_23_fault_53_the_callee_is_cut_off() {
    let (mut world, alice, bob, call) = during_a_call("the callee is cut off");
    world.cut(alice);
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    check(&mut world, "callee_cut");
}

#[test]
fn r_23_t_16_fault_53_the_callee_aborts() {
    let mut world = World::new(1);
    let callee = world.raw("callee", Encoding::Cbor);
    let bob = world.join("bob", Encoding::Json);
    callee.hello(&mut world);
    callee.send(&mut world, r#"[64,1,{},"com.example.add"]"#);
    let calls = [1, 2].map(|n| bob.call(&mut world, "com.example.add", (n,)));
    world.run();
    callee.send(&mut world, r#"[3,{},"com.example.crash"]"#);
    for call in calls {
        assert_eq!(bob.failure(&mut world, call), "wamp.error.canceled");
    }
    assert_eq!(world.counts().registrations, 0);
    check(&mut world, "callee_abort");
}

#[test]
fn r_20_r_22_fault_54_the_caller_leaves() {
    let (mut world, alice, bob, _) = during_a_call("the caller leaves; both support canceling");
    bob.leave(&mut world);
    world.run();
    assert_eq!(world.counts().calls, 0);
    world.note("late, and dropped");
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "caller_leaves");
}

#[test]
fn r_20_the_caller_is_cut_off() {
    let (mut world, alice, bob, _) = during_a_call("the caller is cut off; both support canceling");
    world.cut(bob);
    world.run();
    alice.fail(&mut world, "wamp.error.canceled", ());
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "caller_cut");
}

#[test]
fn r_20_r_21_t_10_interrupt_if_the_callee_supports_it() {
    type Join = fn(&mut World, &str, Encoding) -> Client;
    let cases: [(&str, Join, Join, bool); 2] = [
        ("the caller does not support canceling, the callee does", join_canceling, join_plain, true),
        ("the callee does not support canceling", join_plain, join_canceling, false),
    ];
    for (n, (name, callee, caller, interrupted)) in cases.into_iter().enumerate() {
        let mut world = World::new(1);
        let alice = callee(&mut world, "alice", Encoding::Json);
        let bob = caller(&mut world, "bob", Encoding::Json);
        world.note(name);
        alice.register(&mut world, "com.example.add");
        world.run();
        bob.call(&mut world, "com.example.add", (2, 3));
        world.run();
        world.cut(bob);
        alice.answer(&mut world, (5,));
        world.run();
        assert_eq!(alice.closed(&mut world), None);
        assert_eq!(world.transcript().contains("[69,"), interrupted, "{name}");
        check(&mut world, &format!("caller_leaves_{}", n + 1));
    }
}

#[test]
fn fault_53_everybody_is_cut_off_at_once() {
    let (mut world, alice, bob, _) = during_a_call("everybody is cut off");
    alice.call(&mut world, "com.example.add", (1, 1));
    bob.register(&mut world, "com.example.sub");
    world.run();
    world.cut(alice);
    world.cut(bob);
    check(&mut world, "everybody_cut");
}
