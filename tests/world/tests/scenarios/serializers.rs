//! Payloads from each serializer to each other (W-03, faults 35 and 38).

use wamp_proto::{Dict, Encoding, Payload, Value, message::PublishOptions};
use wamp_world::{World, world::LinkRule};

use crate::check;

/// What has a form of its own in every serializer.
fn payload(encoding: Encoding) -> Payload {
    let mut dict = Dict::new();
    dict.insert("grüße", "schöne \u{1f600} \u{7f} \"\\ /");
    dict.insert("empty", "");
    let list = vec![
        Value::Bytes(vec![0, 255, 16, 13]),
        Value::Bytes(Vec::new()),
        Value::from(u64::MAX),
        Value::from(i64::MIN),
        Value::from(9_007_199_254_740_993_u64),
        Value::from(1.5),
        Value::from(false),
        Value::Null,
        Value::List(vec![Value::List(vec![]), Value::Dict(Dict::new())]),
    ];
    Payload::new(encoding, &list, &dict).unwrap()
}

#[test]
fn w_03_w_11_w_18_events_and_calls_between_all_serializers() {
    for from in Encoding::ALL {
        for to in Encoding::ALL {
            let mut world = World::new(1);
            let publisher = world.join("publisher", from);
            let subscriber = world.join("subscriber", to);
            subscriber.subscribe(&mut world, "com.example.tick");
            world.run();
            publisher.publish_payload(
                &mut world,
                "com.example.tick",
                payload(from),
                PublishOptions::default(),
            );
            world.run();
            let received = subscriber.events(&mut world).into_iter().find_map(|event| match event {
                wamp_proto::session::Event::Event(event) => Some(event.payload),
                _ => None,
            });
            let (received, sent) = (received.unwrap(), payload(from));
            assert_eq!(received.list().unwrap(), sent.list().unwrap(), "{from} {to}");
            assert_eq!(received.dict().unwrap(), sent.dict().unwrap(), "{from} {to}");
            world.end();
        }
    }
}

#[test]
fn w_03_one_event_in_three_serializers() {
    let mut world = World::new(1);
    for encoding in Encoding::ALL {
        let subscriber = world.join(encoding.name(), encoding);
        subscriber.subscribe(&mut world, "com.example.tick");
    }
    let publisher = world.join("publisher", Encoding::MessagePack);
    let binary = payload(Encoding::MessagePack);
    publisher.publish_payload(&mut world, "com.example.tick", binary, PublishOptions::default());
    world.run();
    check(&mut world, "event_in_three_serializers");
}

fn small(bytes: usize) -> LinkRule {
    LinkRule { send_limit: Some(bytes), ..LinkRule::default() }
}

#[test]
fn fault_38_w_78_an_event_that_is_too_large_for_one_subscriber() {
    let mut world = World::new(1);
    let little = world.join_with("little", Encoding::Json, small(512), |_| {});
    let big = world.join("big", Encoding::Json);
    let publisher = world.join("publisher", Encoding::Cbor);
    for client in [little, big] {
        client.subscribe(&mut world, "com.example.tick");
    }
    world.run();
    publisher.publish(&mut world, "com.example.tick", ("x".repeat(512),));
    publisher.publish(&mut world, "com.example.tick", ("y",));
    world.run();
    assert_eq!((little.received(&mut world).len(), big.received(&mut world).len()), (1, 2));
    assert_eq!(world.counts().dropped_events, 1);
    check(&mut world, "event_too_large");
}

#[test]
fn fault_38_w_78_calls_and_results_that_are_too_large() {
    let mut world = World::new(1);
    let callee = world.join_with("callee", Encoding::Json, small(512), |_| {});
    let caller = world.join_with("caller", Encoding::Json, small(512), |_| {});
    callee.register(&mut world, "com.example.echo");
    world.run();
    let call = caller.call(&mut world, "com.example.echo", ("x".repeat(512),));
    world.run();
    assert_eq!(caller.failure(&mut world, call), "wamp.error.payload_size_exceeded");
    let call = caller.call(&mut world, "com.example.echo", ("short",));
    world.run();
    callee.answer(&mut world, ("x".repeat(512),));
    world.run();
    assert_eq!(caller.failure(&mut world, call), "wamp.error.payload_size_exceeded");
    let call = caller.call(&mut world, "com.example.echo", ("again",));
    world.run();
    callee.fail(&mut world, "com.example.error", ("x".repeat(512),));
    world.run();
    assert_eq!(caller.failure(&mut world, call), "wamp.error.payload_size_exceeded");
    let call = caller.call(&mut world, "com.example.echo", ("last",));
    world.run();
    callee.answer(&mut world, ("last",));
    world.run();
    assert_eq!(caller.result::<String>(&mut world, call), Ok("last".to_owned()));
    check(&mut world, "call_too_large");
}

/// The router's own words must not be what makes an answer too large.
#[test]
fn fault_38_an_error_of_the_router_always_fits() {
    let mut world = World::new(1);
    let caller = world.join_with("caller", Encoding::Json, small(512), |_| {});
    let call = caller.call(&mut world, &format!("com.{}", "x".repeat(600)), ());
    world.run();
    assert_eq!(caller.failure(&mut world, call), "wamp.error.no_such_procedure");
    world.end();
}
