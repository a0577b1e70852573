//! Calls that go on to another callee (R-95..R-99).

use std::time::Duration;

use wamp_proto::{
    Encoding,
    message::{CallOptions, CancelMode, Feature, Features, InvocationPolicy, Role},
};
use wamp_world::{Client, World, world::LinkRule};

use crate::{
    check,
    shared::{pool, shared},
};

const UNAVAILABLE: &str = "wamp.error.unavailable";

fn busy(world: &mut World, callees: &[Client]) -> usize {
    let place = callees.iter().position(|callee| callee.invoked(world) > 0).unwrap();
    callees[place].fail(world, UNAVAILABLE, ());
    world.run();
    place
}

#[test]
fn r_96_r_97_r_98_t_53_the_order_of_every_policy() {
    for (invoke, expected) in [
        (InvocationPolicy::First, [0, 1, 2]),
        (InvocationPolicy::Last, [2, 1, 0]),
        (InvocationPolicy::RoundRobin, [0, 1, 2]),
    ] {
        let (mut world, callees, bob) = pool(invoke);
        let call = bob.call(&mut world, "com.example.work", ("hard",));
        world.run();
        assert_eq!([(); 3].map(|()| busy(&mut world, &callees)), expected);
        assert_eq!(bob.results(&mut world, call), ["wamp.error.no_available_callee"]);
        check(&mut world, &format!("reroute_{}", invoke.as_str()));
    }
}

#[test]
fn r_97_random_asks_nobody_twice() {
    for _ in 0..5 {
        let (mut world, callees, bob) = pool(InvocationPolicy::Random);
        let call = bob.call(&mut world, "com.example.work", ());
        world.run();
        let mut asked = [(); 3].map(|()| busy(&mut world, &callees));
        asked.sort_unstable();
        assert_eq!(asked, [0, 1, 2]);
        assert_eq!(bob.results(&mut world, call), ["wamp.error.no_available_callee"]);
        world.end();
    }
}

#[test]
fn r_96_the_second_one_answers() {
    let (mut world, callees, bob) = pool(InvocationPolicy::First);
    let call = bob.call(&mut world, "com.example.work", ("hard",));
    world.run();
    callees[0].fail(&mut world, UNAVAILABLE, ());
    world.run();
    callees[1].answer(&mut world, ("done",));
    world.run();
    assert_eq!(bob.results(&mut world, call), [r#"["done"]"#]);
    check(&mut world, "reroute");
}

#[test]
fn r_95_r_97_single_and_callees_that_do_not_ask_for_it() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let carol = world.join_with("carol", Encoding::Json, LinkRule::default(), |config| {
        config.roles = config.roles.with(Role::Callee, Features::NONE.with(Feature::CallCanceling));
    });
    let bob = world.join("bob", Encoding::Json);
    alice.register(&mut world, "com.example.single");
    carol.register_with(&mut world, "com.example.work", shared(InvocationPolicy::First));
    world.run();
    alice.register_with(&mut world, "com.example.work", shared(InvocationPolicy::First));
    world.run();
    let single = bob.call(&mut world, "com.example.single", ());
    let plain = bob.call(&mut world, "com.example.work", ());
    world.run();
    alice.fail(&mut world, UNAVAILABLE, ());
    carol.fail(&mut world, UNAVAILABLE, ("its own words",));
    world.run();
    assert_eq!(bob.results(&mut world, single), ["wamp.error.no_available_callee"]);
    assert_eq!(bob.results(&mut world, plain), [UNAVAILABLE]);
    check(&mut world, "reroute_not_asked_for");
}

#[test]
fn r_99_the_time_goes_on() {
    let (mut world, callees, bob) = pool(InvocationPolicy::First);
    let options = CallOptions { timeout: Some(1000), ..CallOptions::default() };
    let call = bob.call_with(&mut world, "com.example.work", (), options);
    world.advance(Duration::from_millis(900));
    callees[0].fail(&mut world, UNAVAILABLE, ());
    world.advance(Duration::from_millis(100));
    assert_eq!(bob.results(&mut world, call), ["wamp.error.timeout"]);
    callees[1].fail(&mut world, UNAVAILABLE, ());
    world.run();
    assert_eq!(callees[2].invoked(&mut world), 0, "late, and dropped");
    check(&mut world, "reroute_timeout");
}

#[test]
fn r_99_not_behind_progress() {
    let (mut world, callees, bob) = pool(InvocationPolicy::First);
    let options = CallOptions { receive_progress: true, ..CallOptions::default() };
    let call = bob.call_with(&mut world, "com.example.work", (), options);
    world.run();
    callees[0].progress(&mut world, (1,));
    callees[0].fail(&mut world, UNAVAILABLE, ());
    world.run();
    assert_eq!(bob.results(&mut world, call), ["[1]...", "wamp.error.no_available_callee"]);
    let options = CallOptions { progress: true, ..CallOptions::default() };
    let call = bob.call_with(&mut world, "com.example.work", (), options);
    world.run();
    callees[0].fail(&mut world, UNAVAILABLE, ());
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.no_available_callee"]);
    check(&mut world, "reroute_behind_progress");
}

#[test]
fn r_99_canceled_before_and_after() {
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let (mut world, callees, bob) = pool(InvocationPolicy::First);
        let call = bob.call(&mut world, "com.example.work", ());
        world.run();
        callees[0].fail(&mut world, UNAVAILABLE, ());
        world.run();
        bob.cancel(&mut world, call, mode);
        world.run();
        callees[1].fail(&mut world, UNAVAILABLE, ());
        world.run();
        assert_eq!(callees[2].invoked(&mut world), 0);
        let expected = if mode == CancelMode::Kill { UNAVAILABLE } else { "wamp.error.canceled" };
        assert_eq!(bob.results(&mut world, call), [expected]);
        check(&mut world, &format!("reroute_{}", mode.as_str()));
    }
}

#[test]
fn fault_53_callees_leave_while_it_is_on_its_way() {
    let (mut world, callees, bob) = pool(InvocationPolicy::First);
    let call = bob.call(&mut world, "com.example.work", ());
    world.run();
    callees[0].fail(&mut world, UNAVAILABLE, ());
    world.run();
    world.cut(callees[1]);
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.canceled"]);
    check(&mut world, "reroute_callee_leaves");
}

#[test]
fn what_is_kept_for_another_callee_is_bounded() {
    let (mut world, callees, bob) = {
        let mut world = World::with(1, |config| config.kept_bytes = 500);
        let callees = ["alice", "carol"].map(|name| {
            let callee = world.join(name, Encoding::Json);
            callee.register_with(&mut world, "com.example.work", shared(InvocationPolicy::First));
            world.run();
            callee
        });
        let bob = world.join("bob", Encoding::Json);
        (world, callees, bob)
    };
    let calls = [300, 300].map(|size| bob.call(&mut world, "com.example.work", ("x".repeat(size),)));
    world.run();
    callees[0].fail(&mut world, UNAVAILABLE, ());
    callees[0].fail(&mut world, UNAVAILABLE, ());
    world.run();
    assert_eq!(bob.results(&mut world, calls[1]), ["wamp.error.no_available_callee"]);
    callees[1].answer(&mut world, ());
    world.run();
    assert_eq!(bob.results(&mut world, calls[0]), [""]);
    // There is room again.
    let call = bob.call(&mut world, "com.example.work", ("x".repeat(400),));
    world.run();
    assert_eq!(busy(&mut world, &callees), 0);
    callees[1].answer(&mut world, ());
    world.run();
    assert_eq!(bob.results(&mut world, call), [""]);
    world.end();
}
