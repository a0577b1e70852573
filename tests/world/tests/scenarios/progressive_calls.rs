//! Arguments in several parts (R-30..R-45).

use std::time::Duration;

use wamp_proto::{
    Encoding,
    id::RequestId,
    message::{CallOptions, CancelMode, InvocationPolicy, RegisterOptions},
    session::Event,
};
use wamp_world::{Client, Raw, World, world::Way};

use crate::{check, join_canceling};

const CALLER: &str = r#"[1,"realm1",{"roles":{"caller":{"features":{"progressive_call_invocations":true,"progressive_call_results":true}}}}]"#;

fn options() -> CallOptions {
    CallOptions { progress: true, ..CallOptions::default() }
}

/// Bob has sent the first part of his arguments to alice.
fn called() -> (World, Client, Client, RequestId) {
    called_with(options())
}

fn called_with(options: CallOptions) -> (World, Client, Client, RequestId) {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::MessagePack);
    alice.register(&mut world, "com.example.sum");
    world.run();
    let call = bob.call_with(&mut world, "com.example.sum", (1,), options);
    world.run();
    (world, alice, bob, call)
}

/// The same with a caller that sends what it likes.
fn raw_call(strict: bool) -> (World, Client, Raw) {
    let mut world = World::with(1, |config| config.strict_request_ids = strict);
    let alice = world.join("alice", Encoding::Json);
    alice.register(&mut world, "com.example.sum");
    world.run();
    let caller = world.raw("caller", Encoding::Json);
    caller.send(&mut world, CALLER);
    caller.send(&mut world, r#"[48,1,{"progress":true},"com.example.sum",[1]]"#);
    caller.received(&mut world);
    (world, alice, caller)
}

fn parts(client: Client, world: &mut World) -> Vec<(String, bool)> {
    let part = |event: &Event| match event {
        Event::Invocation { details, payload, .. } | Event::InvocationProgress { details, payload, .. } => {
            Some((String::from_utf8(payload.raw().to_vec()).unwrap(), details.progress))
        }
        _ => None,
    };
    client.events(world).iter().filter_map(part).collect()
}

#[test]
fn r_33_r_34_one_id_at_either_end() {
    let (mut world, alice, bob, call) = called();
    bob.continue_call(&mut world, call, (2,), true);
    bob.continue_call(&mut world, call, (3,), false);
    world.run();
    let expected = [("[1]", true), ("[2]", true), ("[3]", false)].map(|(part, more)| (part.to_owned(), more));
    assert_eq!(parts(alice, &mut world), expected);
    alice.answer(&mut world, (6,));
    world.run();
    assert_eq!(bob.results(&mut world, call), ["[6]"]);
    check(&mut world, "progressive_call");
}

#[test]
fn r_31_s_51_a_caller_that_has_not_announced_it() {
    let (mut world, _, _) = raw_call(false);
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, r#"[48,1,{"progress":true},"com.example.sum"]"#);
    assert!(mallory.received(&mut world)[1].contains("wamp.error.protocol_violation"));
    assert!(!world.is_connected(mallory));
    check(&mut world, "progressive_call_not_announced");
}

#[test]
fn r_32_r_38_a_callee_that_does_not_know_it() {
    let mut world = World::new(1);
    let alice = join_canceling(&mut world, "alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    alice.register(&mut world, "com.example.sum");
    world.run();
    world.stall(bob, Way::Down);
    let call = bob.call_with(&mut world, "com.example.sum", (1,), options());
    bob.continue_call(&mut world, call, (2,), true);
    bob.continue_call(&mut world, call, (3,), false);
    world.run();
    world.unstall(bob, Way::Down);
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.feature_not_supported"]);
    assert_eq!(alice.invoked(&mut world), 0);
    check(&mut world, "progressive_call_not_supported");
}

#[test]
fn r_38_r_40_t_51_the_callee_has_heard_enough() {
    for strict in [false, true] {
        let (mut world, alice, caller) = raw_call(strict);
        alice.answer(&mut world, ("enough",));
        world.run();
        caller.send(&mut world, r#"[48,1,{"progress":true},"com.example.sum",[2]]"#);
        caller.send(&mut world, r#"[48,1,{},"com.example.sum",[3]]"#);
        assert_eq!(caller.received(&mut world), [r#"[50,1,{},["enough"]]"#]);
        assert_eq!(alice.invoked(&mut world), 0);
        caller.send(&mut world, r#"[48,2,{},"com.example.sum"]"#);
        assert_eq!(alice.invoked(&mut world), 1);
        check(&mut world, &format!("progressive_call_late_{strict}"));
    }
}

/// Fault 65.
#[test]
fn r_36_r_38_strict_ids() {
    for (part, violates) in [
        (r#"[48,1,{"progress":true},"com.example.sum"]"#, false),
        (r#"[48,1,{},"com.example.other"]"#, true),
        (r#"[48,2,{},"com.example.other"]"#, false),
        (r#"[48,3,{},"com.example.sum"]"#, true),
    ] {
        let (mut world, _, caller) = raw_call(true);
        caller.send(&mut world, part);
        assert_eq!(!world.is_connected(caller), violates, "{part}");
        let (mut world, alice, caller) = raw_call(true);
        alice.answer(&mut world, ());
        world.run();
        caller.send(&mut world, part);
        assert_eq!(!world.is_connected(caller), violates, "late: {part}");
    }
}

#[test]
fn r_37_r_44_parts_that_must_not_come() {
    for strict in [false, true] {
        // Of a call whose arguments are complete.
        let (mut world, alice, caller) = raw_call(strict);
        caller.send(&mut world, r#"[48,1,{},"com.example.sum",[2]]"#);
        caller.send(&mut world, r#"[48,1,{},"com.example.sum",[3]]"#);
        assert_eq!(world.is_connected(caller), !strict);
        assert_eq!(parts(alice, &mut world).len(), 2);
        world.end();
        // Of a call that is not progressive.
        let (mut world, _, caller) = raw_call(strict);
        caller.send(&mut world, r#"[48,2,{},"com.example.sum",[2]]"#);
        caller.send(&mut world, r#"[48,2,{"progress":true},"com.example.sum",[3]]"#);
        assert!(!world.is_connected(caller));
        world.end();
    }
}

#[test]
fn r_41_t_52_the_options_of_the_first_part_count() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    alice.register_pattern(&mut world, wamp_proto::Match::Prefix, "com.example");
    world.run();
    let caller = world.raw("caller", Encoding::Json);
    caller.send(&mut world, CALLER);
    let first = r#"[48,1,{"progress":true,"disclose_me":true},"com.example.sum",[1]]"#;
    let last = r#"[48,1,{"receive_progress":true,"timeout":1},"com.example.sum",[2]]"#;
    caller.send(&mut world, first);
    caller.send(&mut world, last);
    world.advance(Duration::from_secs(1));
    for event in alice.events(&mut world) {
        if let Event::Invocation { details, .. } | Event::InvocationProgress { details, .. } = event {
            assert!(details.caller.is_some() && details.procedure.is_some());
            assert!(!details.receive_progress && details.timeout.is_none());
        }
    }
    alice.answer(&mut world, ());
    world.run();
    check(&mut world, "progressive_call_options");
}

#[test]
fn r_35_t_52_all_parts_go_to_the_same_callee() {
    let mut world = World::new(1);
    let callees = ["alice", "carol"].map(|name| {
        let callee = world.join(name, Encoding::Json);
        let invoke = Some(InvocationPolicy::RoundRobin);
        let options = RegisterOptions { invoke, ..RegisterOptions::default() };
        callee.register_with(&mut world, "com.example.sum", options);
        world.run();
        callee
    });
    let bob = world.join("bob", Encoding::Json);
    let calls = [1, 2].map(|n| bob.call_with(&mut world, "com.example.sum", (n,), options()));
    world.run();
    for (call, part) in [(calls[1], 20), (calls[0], 10), (calls[1], 21)] {
        bob.continue_call(&mut world, call, (part,), true);
    }
    world.run();
    let seen =
        callees.map(|callee| parts(callee, &mut world).into_iter().map(|part| part.0).collect::<String>());
    assert_eq!(seen, ["[1][10]", "[2][20][21]"]);
    check(&mut world, "progressive_call_round_robin");
}

#[test]
fn r_43_parts_in_both_directions() {
    let (mut world, alice, bob, call) = called_with(CallOptions { receive_progress: true, ..options() });
    alice.progress(&mut world, ("a",));
    bob.continue_call(&mut world, call, (2,), true);
    world.run();
    alice.progress(&mut world, ("b",));
    alice.progress(&mut world, ("c",));
    bob.continue_call(&mut world, call, (3,), false);
    world.run();
    alice.answer(&mut world, ("d",));
    world.run();
    assert_eq!(bob.results(&mut world, call), [r#"["a"]..."#, r#"["b"]..."#, r#"["c"]..."#, r#"["d"]"#]);
    check(&mut world, "progressive_call_and_result");
}

#[test]
fn r_24_r_57_r_81_r_83_ended_before_the_last_part() {
    for end in ["skip", "killnowait", "timeout", "callee leaves"] {
        let (mut world, alice, bob, call) = called_with(CallOptions { timeout: Some(1000), ..options() });
        world.stall(bob, Way::Down);
        match end {
            "skip" => bob.cancel(&mut world, call, CancelMode::Skip),
            "killnowait" => bob.cancel(&mut world, call, CancelMode::KillNoWait),
            "timeout" => world.advance(Duration::from_secs(1)),
            _ => world.cut(alice),
        }
        world.run();
        bob.continue_call(&mut world, call, (2,), true);
        bob.continue_call(&mut world, call, (3,), false);
        world.run();
        world.unstall(bob, Way::Down);
        world.run();
        assert_eq!(bob.results(&mut world, call).len(), 1, "{end}");
        assert_eq!(world.counts().calls, 0);
        check(&mut world, &format!("progressive_call_{}", end.replace(' ', "_")));
    }
}

#[test]
fn r_82_kill_and_further_parts() {
    let (mut world, alice, bob, call) = called();
    bob.cancel(&mut world, call, CancelMode::Kill);
    bob.continue_call(&mut world, call, (2,), false);
    world.run();
    alice.fail(&mut world, "wamp.error.canceled", ());
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.canceled"]);
    check(&mut world, "progressive_call_kill");
}

#[test]
fn r_20_r_24_the_caller_leaves_before_the_last_part() {
    let (mut world, alice, bob, _) = called();
    world.cut(bob);
    world.run();
    assert_eq!(world.transcript().matches("[69,").count(), 1);
    alice.answer(&mut world, ());
    world.run();
    check(&mut world, "progressive_call_caller_leaves");
}

#[test]
fn fault_38_a_part_that_does_not_fit() {
    let mut world = World::new(1);
    let small = wamp_world::world::LinkRule { send_limit: Some(1024), ..Default::default() };
    let alice = world.join_with("alice", Encoding::Json, small, |_| {});
    let bob = world.join("bob", Encoding::Json);
    alice.register(&mut world, "com.example.sum");
    world.run();
    let call = bob.call_with(&mut world, "com.example.sum", (1,), options());
    bob.continue_call(&mut world, call, ("x".repeat(1024),), true);
    bob.continue_call(&mut world, call, ("late",), false);
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.payload_size_exceeded"]);
    alice.answer(&mut world, ());
    world.run();
    check(&mut world, "progressive_call_too_large");
}
