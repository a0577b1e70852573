//! REGISTER, CALL, YIELD, ERROR, UNREGISTER.

use wamp_proto::Encoding;
use wamp_world::World;

use crate::{alice_and_bob, check};

#[test]
fn r_01_r_03_r_10_to_r_12_the_life_of_a_procedure() {
    let (mut world, alice, bob) = alice_and_bob();
    let added = alice.register(&mut world, "com.example.add");
    world.run();
    let call = bob.call(&mut world, "com.example.add", (2, 3));
    world.run();
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));

    let call = bob.call(&mut world, "com.example.add", ("two", 3));
    world.run();
    alice.fail(&mut world, "com.example.error.not_a_number", ("two",));
    world.run();
    assert_eq!(bob.failure(&mut world, call), "com.example.error.not_a_number");

    let registration = alice.registration(&mut world, added);
    alice.unregister(&mut world, registration);
    world.run();
    let call = bob.call(&mut world, "com.example.add", (2, 3));
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.no_such_procedure");
    check(&mut world, "procedure");
}

#[test]
fn r_02_fault_57_duplicate_register() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.register(&mut world, "com.example.add");
    world.run();
    let other = bob.register(&mut world, "com.example.add");
    let again = alice.register(&mut world, "com.example.add");
    world.run();
    assert_eq!(bob.failure(&mut world, other), "wamp.error.procedure_already_exists");
    assert_eq!(alice.failure(&mut world, again), "wamp.error.procedure_already_exists");
    check(&mut world, "register_twice");
}

#[test]
fn r_11_no_such_procedure() {
    let (mut world, alice, _) = alice_and_bob();
    let call = alice.call(&mut world, "com.example.nothing", ());
    world.run();
    assert_eq!(alice.failure(&mut world, call), "wamp.error.no_such_procedure");
    check(&mut world, "call_nothing");
}

#[test]
fn r_17_a_session_calls_its_own_procedure() {
    let (mut world, alice, _) = alice_and_bob();
    alice.register(&mut world, "com.example.add");
    world.run();
    let call = alice.call(&mut world, "com.example.add", (2, 3));
    world.run();
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(alice.result::<u8>(&mut world, call), Ok(5));
    check(&mut world, "call_oneself");
}

#[test]
fn r_06_invocations_outlive_their_registration() {
    let (mut world, alice, bob) = alice_and_bob();
    let added = alice.register(&mut world, "com.example.add");
    world.run();
    let call = bob.call(&mut world, "com.example.add", (2, 3));
    world.run();
    let registration = alice.registration(&mut world, added);
    alice.unregister(&mut world, registration);
    world.run();
    alice.answer(&mut world, (5,));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
    check(&mut world, "unregister_during_a_call");
}

#[test]
fn an_invocation_crosses_unregister() {
    let (mut world, alice, bob) = alice_and_bob();
    let added = alice.register(&mut world, "com.example.add");
    world.run();
    let registration = alice.registration(&mut world, added);
    bob.call(&mut world, "com.example.add", (2, 3));
    alice.unregister(&mut world, registration);
    world.run();
    alice.answer(&mut world, (5,));
    world.run();
    check(&mut world, "invocation_crosses_unregister");
}

#[test]
fn i_15_t_74_fault_50_unregister_what_one_does_not_have() {
    let (mut world, alice, _) = alice_and_bob();
    alice.register(&mut world, "com.example.add");
    world.run();
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, "[66,1,1]");
    mallory.send(&mut world, "[66,2,4711]");
    let answers = mallory.received(&mut world);
    assert!(answers[1].starts_with("[8,66,1,{},\"wamp.error.no_such_registration\""), "{answers:?}");
    assert!(answers[2].starts_with("[8,66,2,{},\"wamp.error.no_such_registration\""), "{answers:?}");
    assert_eq!(world.counts().registrations, 1);
    check(&mut world, "unregister_foreign");
}

#[test]
fn i_07_t_03_invocation_ids_are_those_of_the_callee() {
    let (mut world, alice, bob) = alice_and_bob();
    let carol = world.join("carol", Encoding::MessagePack);
    alice.register(&mut world, "com.example.a");
    bob.register(&mut world, "com.example.b");
    world.run();
    for procedure in ["com.example.a", "com.example.b", "com.example.a", "com.example.b"] {
        carol.call(&mut world, procedure, ());
    }
    world.run();
    for callee in [bob, alice, bob, alice] {
        callee.answer(&mut world, ());
    }
    world.run();
    check(&mut world, "invocation_ids");
}

#[test]
fn s_47_fault_51_an_answer_to_no_invocation() {
    for answer in ["[70,1,{}]", r#"[8,68,1,{},"com.example.error"]"#, r#"[70,1,{"progress":true}]"#] {
        let (mut world, alice, bob) = alice_and_bob();
        alice.register(&mut world, "com.example.add");
        let mallory = world.raw("mallory", Encoding::Json);
        mallory.hello(&mut world);
        let call = bob.call(&mut world, "com.example.add", (2, 3));
        world.run();
        // Invocation 1 is one of alice's.
        mallory.send(&mut world, answer);
        assert!(!world.is_connected(mallory));
        alice.answer(&mut world, (5,));
        world.run();
        assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
        if answer.starts_with("[70,1,{}]") {
            check(&mut world, "yield_never_issued");
        }
    }
}

#[test]
fn s_46_m_45_fault_52_errors_of_other_types() {
    for kind in [48, 64, 32, 16, 1] {
        let mut world = World::new(1);
        let mallory = world.raw("mallory", Encoding::Json);
        mallory.hello(&mut world);
        mallory.send(&mut world, &format!(r#"[8,{kind},1,{{}},"com.example.error"]"#));
        assert!(mallory.received(&mut world)[1].contains("wamp.error.protocol_violation"), "{kind}");
        world.end();
    }
}

#[test]
fn r_56_progress_that_nobody_asked_for() {
    let mut world = World::new(1);
    let callee = world.raw("callee", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    callee.hello(&mut world);
    callee.send(&mut world, r#"[64,1,{},"com.example.add"]"#);
    let call = bob.call(&mut world, "com.example.add", ());
    world.run();
    callee.send(&mut world, r#"[70,1,{"progress":true},["some"]]"#);
    callee.send(&mut world, r#"[70,1,{},["all"]]"#);
    assert_eq!(bob.result::<String>(&mut world, call), Ok("all".to_owned()));
    check(&mut world, "progress_unasked");
}

#[test]
fn r_13_r_37_a_call_reuses_the_id_of_an_open_one() {
    let (mut world, alice, _) = alice_and_bob();
    alice.register(&mut world, "com.example.add");
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, r#"[48,7,{},"com.example.add",[1]]"#);
    mallory.send(&mut world, r#"[48,7,{},"com.example.add",[2]]"#);
    assert!(!world.is_connected(mallory));
    alice.answer(&mut world, (1,));
    world.run();
    check(&mut world, "call_id_in_use");
}

#[test]
fn i_10_any_request_ids_are_taken() {
    let (mut world, alice, _) = alice_and_bob();
    alice.register(&mut world, "com.example.add");
    let random = world.raw("random", Encoding::Json);
    random.hello(&mut world);
    for id in ["9007199254740992", "5", "1"] {
        random.send(&mut world, &format!(r#"[48,{id},{{}},"com.example.add",[{id}]]"#));
        alice.answer(&mut world, (0,));
        world.run();
    }
    random.send(&mut world, r#"[48,5,{},"com.example.add"]"#);
    alice.answer(&mut world, (0,));
    world.run();
    assert_eq!(random.received(&mut world).len(), 5);
    check(&mut world, "request_ids_at_random");
}
