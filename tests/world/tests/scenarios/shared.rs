//! Several callees on one registration (R-140..R-148).

use wamp_proto::{
    Encoding,
    message::{InvocationPolicy, RegisterOptions},
};
use wamp_world::{Client, World};

use crate::check;

pub(crate) fn shared(invoke: InvocationPolicy) -> RegisterOptions {
    RegisterOptions { invoke: Some(invoke), ..RegisterOptions::default() }
}

/// Three callees that registered one after the other, and a caller.
pub(crate) fn pool(invoke: InvocationPolicy) -> (World, [Client; 3], Client) {
    let mut world = World::new(1);
    let callees = ["alice", "carol", "dora"].map(|name| {
        let callee = world.join(name, Encoding::Json);
        callee.register_with(&mut world, "com.example.work", shared(invoke));
        world.run();
        callee
    });
    let bob = world.join("bob", Encoding::MessagePack);
    (world, callees, bob)
}

/// Calls, has it answered, and says by whom.
pub(crate) fn served_by(world: &mut World, callees: &[Client], bob: Client) -> usize {
    let call = bob.call(world, "com.example.work", ());
    world.run();
    let place = callees.iter().position(|callee| callee.invoked(world) > 0).unwrap();
    callees[place].answer(world, (place,));
    world.run();
    assert_eq!(bob.result::<usize>(world, call), Ok(place));
    place
}

#[test]
fn r_141_r_145_r_146_in_turn() {
    let (mut world, callees, bob) = pool(InvocationPolicy::RoundRobin);
    let served = [(); 5].map(|()| served_by(&mut world, &callees, bob));
    assert_eq!(served, [0, 1, 2, 0, 1]);
    assert_eq!(world.counts().registrations, 1);
    check(&mut world, "shared_roundrobin");
}

#[test]
fn r_146_first_and_last() {
    for (invoke, expected) in [(InvocationPolicy::First, 0), (InvocationPolicy::Last, 2)] {
        let (mut world, callees, bob) = pool(invoke);
        assert_eq!([(); 3].map(|()| served_by(&mut world, &callees, bob)), [expected; 3]);
        // Hot standby: the next one takes over.
        callees[expected].leave(&mut world);
        world.run();
        assert_eq!(served_by(&mut world, &callees, bob), 1);
        check(&mut world, &format!("shared_{}", invoke.as_str()));
    }
}

#[test]
fn r_146_at_random() {
    let (mut world, callees, bob) = pool(InvocationPolicy::Random);
    let mut served = [0; 3];
    for _ in 0..300 {
        served[served_by(&mut world, &callees, bob)] += 1;
    }
    assert!(served.iter().all(|count| (60..140).contains(count)), "{served:?}");
    world.end();
}

#[test]
fn r_147_the_order_is_kept_when_one_leaves() {
    for (leaver, expected) in [(0, [1, 2, 1]), (1, [2, 0, 2]), (2, [1, 0, 1])] {
        let (mut world, callees, bob) = pool(InvocationPolicy::RoundRobin);
        assert_eq!(served_by(&mut world, &callees, bob), 0);
        callees[leaver].leave(&mut world);
        world.run();
        assert_eq!([(); 3].map(|()| served_by(&mut world, &callees, bob)), expected, "{leaver}");
        world.end();
    }
}

#[test]
fn r_05_r_142_r_143_r_144_fault_57_who_may_not_join() {
    use InvocationPolicy::{First, Last, Random, RoundRobin, Single};
    for invoke in [Single, RoundRobin, Random, First, Last] {
        let mut world = World::new(1);
        let alice = world.join("alice", Encoding::Json);
        alice.register_with(&mut world, "com.example.work", shared(invoke));
        let bob = world.join("bob", Encoding::Json);
        for other in [Single, RoundRobin, Random, First, Last] {
            if other != invoke || other == Single {
                let request = bob.register_with(&mut world, "com.example.work", shared(other));
                world.run();
                assert_eq!(bob.failure(&mut world, request), "wamp.error.procedure_already_exists");
            }
        }
        let again = alice.register_with(&mut world, "com.example.work", shared(invoke));
        world.run();
        assert_eq!(alice.failure(&mut world, again), "wamp.error.procedure_already_exists");
        check(&mut world, &format!("shared_mismatch_{}", invoke.as_str()));
    }
}

#[test]
fn t_12_r_23_only_the_calls_of_the_one_that_leaves_fail() {
    let (mut world, callees, bob) = pool(InvocationPolicy::RoundRobin);
    let calls = [(); 3].map(|()| bob.call(&mut world, "com.example.work", ()));
    world.run();
    world.cut(callees[1]);
    world.run();
    assert_eq!(bob.failure(&mut world, calls[1]), "wamp.error.canceled");
    for place in [0, 2] {
        callees[place].answer(&mut world, (place,));
        world.run();
        assert_eq!(bob.result::<usize>(&mut world, calls[place]), Ok(place));
    }
    check(&mut world, "shared_callee_leaves");
}

#[test]
fn r_04_r_148_unregister_one_by_one() {
    let mut world = World::new(1);
    let callees = ["alice", "carol"].map(|name| world.join(name, Encoding::Json));
    let mut registrations = Vec::new();
    for callee in callees {
        let request = callee.register_with(&mut world, "com.example.work", shared(InvocationPolicy::First));
        world.run();
        registrations.push(callee.registration(&mut world, request));
    }
    assert_eq!(registrations[0], registrations[1], "R-145");
    let bob = world.join("bob", Encoding::Json);
    callees[0].unregister(&mut world, registrations[0]);
    world.run();
    assert_eq!(served_by(&mut world, &callees, bob), 1);
    callees[1].unregister(&mut world, registrations[1]);
    world.run();
    let call = bob.call(&mut world, "com.example.work", ());
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.no_such_procedure");
    // The policy is gone with the last callee, and the id never comes again.
    let request = callees[1].register(&mut world, "com.example.work");
    world.run();
    assert_ne!(callees[1].registration(&mut world, request), registrations[1]);
    check(&mut world, "shared_unregister");
}
