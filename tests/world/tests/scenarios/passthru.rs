//! Payloads that are wrapped for somebody else: payload passthru mode.

use wamp_proto::{
    Encoding, Payload, Uri,
    error::Misuse,
    message::{
        CallOptions, Feature, Features, PayloadAttributes, PublishOptions, RegisterOptions, Role,
        SubscribeOptions,
    },
    session::{Call, Event},
};
use wamp_world::{Client, World, world::LinkRule};

use crate::{alice_and_bob, check, join_plain};

/// All four attributes.
fn attributes() -> PayloadAttributes {
    PayloadAttributes {
        ppt_scheme: Some("wamp".to_owned()),
        ppt_serializer: Some("cbor".to_owned()),
        ppt_cipher: Some("xsalsa20poly1305".to_owned()),
        ppt_keyid: Some("0x1234".to_owned()),
        // What is no attribute of the mode is not forwarded.
        enc_algo: Some("x".to_owned()),
        ..PayloadAttributes::default()
    }
}

fn wrapped(text: &str) -> Payload {
    let payload = Payload::new(
        Encoding::Json,
        &(text, 1.5),
        &[("n", 7)].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    );
    payload.unwrap().wrap(Encoding::Cbor, Encoding::MessagePack).unwrap()
}

fn call(procedure: &str, payload: Payload) -> Call {
    let options = CallOptions { payload_attributes: Some(Box::new(attributes())), ..CallOptions::default() };
    Call { options, ..Call::new(Uri::unchecked(procedure), payload) }
}

fn publish() -> PublishOptions {
    PublishOptions { payload_attributes: Some(Box::new(attributes())), ..PublishOptions::default() }
}

/// Without the feature in one role.
fn join_without(world: &mut World, name: &str, role: Role) -> Client {
    world.join_with(name, Encoding::Json, LinkRule::default(), |config| {
        config.roles = config.roles.with(role, Features::NONE);
    })
}

#[test]
fn e_02_e_08_e_10_e_13_there_and_back() {
    let (mut world, alice, bob) = alice_and_bob();
    alice.register(&mut world, "com.example.echo");
    world.run();
    let request = bob.send_call(&mut world, call("com.example.echo", wrapped("there"))).unwrap();
    world.run();
    let invocation = alice.events(&mut world).into_iter().find_map(|event| match event {
        Event::Invocation { details, payload, .. } => Some((details, payload)),
        _ => None,
    });
    let (details, payload) = invocation.unwrap();
    let forwarded = PayloadAttributes { enc_algo: None, ..attributes() };
    assert_eq!(details.payload_attributes.as_deref(), Some(&forwarded));
    let (text, number): (String, f64) = payload.unwrap_from(Encoding::Cbor).unwrap().args().unwrap();
    assert_eq!((&*text, number), ("there", 1.5));
    alice.answer_wrapped(&mut world, attributes(), wrapped("back"));
    world.run();
    let result = bob.events(&mut world).into_iter().find_map(|event| match event {
        Event::Result { request: of, details, payload } if of == request => Some((details, payload)),
        _ => None,
    });
    let (details, payload) = result.unwrap();
    assert_eq!(details.payload_attributes.as_deref(), Some(&forwarded));
    assert_eq!(payload.unwrap_from(Encoding::Cbor).unwrap().kwargs_raw(), Some(&b"\xa1\x61n\x07"[..]));
    check(&mut world, "passthru_call");
}

#[test]
fn e_07_e_08_events_reach_everybody() {
    let (mut world, alice, bob) = alice_and_bob();
    let plain = join_plain(&mut world, "plain", Encoding::MessagePack);
    for client in [bob, plain] {
        client.subscribe(&mut world, "com.example.tick");
    }
    world.run();
    let options = PublishOptions { retain: true, ..publish() };
    alice.publish_payload(&mut world, "com.example.tick", wrapped("event"), options);
    world.run();
    let late = world.join("late", Encoding::Json);
    late.subscribe_with(
        &mut world,
        "com.example.tick",
        SubscribeOptions { get_retained: true, ..SubscribeOptions::default() },
    );
    world.run();
    for client in [bob, plain, late] {
        let events = client.events(&mut world);
        let attributes = events.iter().find_map(|event| match event {
            Event::Event(event) => event.details.payload_attributes.clone(),
            _ => None,
        });
        assert_eq!(attributes.unwrap().ppt_keyid.as_deref(), Some("0x1234"));
    }
    check(&mut world, "passthru_event");
}

#[test]
fn e_05_the_callee_does_not_know_it() {
    let mut world = World::new(1);
    let callee = join_without(&mut world, "callee", Role::Callee);
    let caller = world.join("caller", Encoding::Json);
    callee.register(&mut world, "com.example.echo");
    world.run();
    let request = caller.send_call(&mut world, call("com.example.echo", wrapped("x"))).unwrap();
    world.run();
    assert_eq!(caller.failure(&mut world, request), "wamp.error.feature_not_supported");
    check(&mut world, "passthru_callee_without");
}

#[test]
fn e_06_the_caller_does_not_know_it() {
    let mut world = World::new(1);
    let callee = world.join("callee", Encoding::Json);
    let caller = join_without(&mut world, "caller", Role::Caller);
    callee.register(&mut world, "com.example.echo");
    world.run();
    let request = caller.call(&mut world, "com.example.echo", ());
    world.run();
    callee.answer_wrapped(&mut world, attributes(), wrapped("x"));
    world.run();
    assert_eq!(caller.failure(&mut world, request), "wamp.error.feature_not_supported");
    assert_eq!(callee.closed(&mut world), None);
    check(&mut world, "passthru_caller_without");
}

#[test]
fn e_08_errors_too() {
    let mut world = World::new(1);
    let callee = world.raw("callee", Encoding::Json);
    callee
        .send(&mut world, r#"[1,"realm1",{"roles":{"callee":{"features":{"payload_passthru_mode":true}}}}]"#);
    callee.send(&mut world, r#"[64,1,{},"com.example.echo"]"#);
    let knowing = world.join("knowing", Encoding::Json);
    let plain = join_plain(&mut world, "plain", Encoding::Json);
    for (number, caller) in [knowing, plain].into_iter().enumerate() {
        caller.call(&mut world, "com.example.echo", ());
        world.run();
        let error =
            format!(r#"[8,68,{},{{"ppt_scheme":"x_own"}},"com.example.error",["\u0000AAE="]]"#, number + 1);
        callee.send(&mut world, &error);
    }
    check(&mut world, "passthru_error");
}

#[test]
fn e_14_parts_of_results() {
    let mut world = World::new(1);
    let callee = world.join("callee", Encoding::Json);
    callee.register_with(&mut world, "com.example.echo", RegisterOptions::default());
    world.run();
    let caller = world.raw("caller", Encoding::Json);
    let features = r#"{"features":{"payload_passthru_mode":true,"progressive_call_results":true}}"#;
    caller.send(&mut world, &format!(r#"[1,"realm1",{{"roles":{{"caller":{features}}}}}]"#));
    caller.send(
        &mut world,
        r#"[48,1,{"receive_progress":true,"ppt_scheme":"mqtt"},"com.example.echo",["\u0000AAE="]]"#,
    );
    callee.progress_wrapped(&mut world, attributes(), wrapped("part"));
    callee.answer_wrapped(&mut world, attributes(), wrapped("end"));
    world.run();
    let answers = caller.received(&mut world);
    assert!(answers[1].starts_with(r#"[50,1,{"progress":true,"ppt_scheme":"wamp""#), "{answers:?}");
    assert!(answers[2].starts_with(r#"[50,1,{"ppt_scheme":"wamp""#), "{answers:?}");
    world.end();
}

#[test]
fn e_02_an_empty_scheme_is_none() {
    let (mut world, alice, bob) = alice_and_bob();
    bob.subscribe(&mut world, "com.example.tick");
    world.run();
    let attributes = PayloadAttributes {
        ppt_scheme: Some(String::new()),
        ppt_cipher: Some("x".to_owned()),
        ..PayloadAttributes::default()
    };
    let options =
        PublishOptions { payload_attributes: Some(Box::new(attributes)), ..PublishOptions::default() };
    alice.publish_with(&mut world, "com.example.tick", ("plain",), options);
    world.run();
    assert_eq!(bob.received(&mut world), [r#"["plain"]"#]);
    assert!(!world.transcript().lines().any(|line| line.contains("-> bob") && line.contains("ppt")));
    world.end();
}

#[test]
fn e_03_e_04_s_52_a_session_that_did_not_announce_it_refuses_by_itself() {
    let mut world = World::new(1);
    let publisher = join_without(&mut world, "publisher", Role::Publisher);
    let caller = join_without(&mut world, "caller", Role::Caller);
    let refused = publisher.try_publish(&mut world, "com.example.tick", wrapped("x"), publish());
    assert_eq!(refused, Err(Misuse::Feature(Feature::PayloadPassthruMode)));
    let refused = caller.send_call(&mut world, call("com.example.echo", wrapped("x")));
    assert_eq!(refused, Err(Misuse::Feature(Feature::PayloadPassthruMode)));
    world.end();
}
