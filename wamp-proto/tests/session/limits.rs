//! What is bounded: messages, queues, requests.

use wamp_proto::EncodeError;
use wamp_proto::error::Misuse;

use super::*;

#[test]
fn messages_too_large_for_the_peer() {
    let mut client = Client::joined();
    client.registered(20);
    client.feed("[68,1,20,{\"receive_progress\":true}]");
    client.events();
    client.session.set_send_limit(64);
    let long = || args(&format!("[\"{}\"]", "x".repeat(64)));
    let too_large = |size| Misuse::TooLarge { size, limit: 64 };
    let now = client.now;
    let session = &mut client.session;
    assert_eq!(session.call(now, Call::new(uri("com.proc"), long())), Err(too_large(89)));
    let options = PublishOptions::default();
    assert_eq!(session.publish(now, uri("com.topic"), options, long()), Err(too_large(90)));
    // The invocation stays open, for another answer.
    assert_eq!(session.reply(1.try_into().unwrap()).unwrap().progress(long()), Err(too_large(93)));
    assert_eq!(session.reply(1.try_into().unwrap()).unwrap().result(long()), Err(too_large(78)));
    let error = RemoteError::new(uri("com.error"), long());
    assert_eq!(session.reply(1.try_into().unwrap()).unwrap().error(error), Err(too_large(92)));
    session.reply(1.try_into().unwrap()).unwrap().result(Payload::empty()).unwrap();
    assert_eq!(too_large(89).to_string(), "the message has 89 bytes, the peer accepts 64");
    assert_eq!(client.sent(), ["[70,1,{}]"]);
    // No id was used up; exactly as large as the peer takes is fine.
    let exact = args(&format!("[\"{}\"]", "x".repeat(39)));
    client.session.call(client.now, Call::new(uri("com.proc"), exact)).unwrap();
    let sent = client.sent();
    assert!(sent[0].len() == 64 && sent[0].starts_with("[48,2,"), "{sent:?}");
}

#[test]
fn messages_that_cannot_be_serialized() {
    let mut client = Client::joined();
    let mut call = Call::new(uri("com.proc"), Payload::empty());
    call.options.rkey = Some("\0".to_owned());
    let refused = client.session.call(client.now, call);
    assert_eq!(refused, Err(Misuse::Encode(EncodeError::LeadingNul)));
    client.assert_silent();
    assert_eq!(client.call(), 1);
}

#[test]
fn too_many_requests() {
    let mut config = config();
    config.max_requests = 2;
    let mut client = Client::open(config);
    client.call();
    client.publish(true);
    client.publish(false);
    let refused = client.session.call(client.now, Call::new(uri("a"), Payload::empty()));
    assert_eq!(refused, Err(Misuse::TooManyRequests(2)));
    client.feed("[50,1,{}]");
    assert_eq!(client.call(), 4);
    client.session.give_up(4.try_into().unwrap());
    assert_eq!(client.call(), 5);
}

#[test]
fn full_queue() {
    let mut config = config();
    config.queue_messages = 4;
    let mut client = Client::open(config);
    client.registered(20);
    client.feed("[68,1,20,{\"receive_progress\":true}]");
    client.feed("[68,2,20,{}]");
    client.events();
    for _ in 0..4 {
        client.publish(false);
    }
    assert!(client.session.wants_read(), "two peers that stop reading would wait for each other");
    let now = client.now;
    let session = &mut client.session;
    let full = Misuse::QueueFull;
    assert_eq!(session.call(now, Call::new(uri("a"), Payload::empty())), Err(full.clone()));
    assert_eq!(
        session.publish(now, uri("a"), PublishOptions::default(), Payload::empty()),
        Err(full.clone())
    );
    assert_eq!(session.subscribe(now, uri("a"), SubscribeOptions::default()), Err(full.clone()));
    assert_eq!(session.reply(1.try_into().unwrap()).unwrap().progress(Payload::empty()), Err(full));
    // Answers are always taken.
    session.reply(1.try_into().unwrap()).unwrap().result(Payload::empty()).unwrap();
    let error = RemoteError::new(uri("com.error"), Payload::empty());
    session.reply(2.try_into().unwrap()).unwrap().error(error).unwrap();
    for _ in 0..6 {
        assert!(client.session.poll_transmit().is_some());
    }
    assert!(!client.session.has_output() && client.session.has_room());
    assert_eq!(client.publish(false), 6);
}

#[test]
fn full_queue_in_bytes() {
    let mut config = config();
    config.queue_bytes = 100;
    let mut client = Client::open(config);
    // 21 bytes each.
    for _ in 0..5 {
        client.publish(false);
    }
    let refused = client.session.publish(client.now, uri("a"), PublishOptions::default(), Payload::empty());
    assert_eq!(refused, Err(Misuse::QueueFull));
    for _ in 0..5 {
        assert_eq!(client.session.poll_transmit().unwrap().len(), 21);
    }
}

#[test]
fn full_event_queue() {
    let mut config = config();
    config.max_events = 4;
    let mut client = Client::open(config);
    client.subscribed(10);
    for publication in 1..=4 {
        assert!(client.session.wants_read());
        client.feed(&format!("[36,10,{publication},{{}}]"));
    }
    assert!(!client.session.wants_read());
    // What was read before is not lost.
    client.feed("[36,10,5,{}]");
    for left in (0..5).rev() {
        assert!(matches!(client.session.poll_event(), Some(Event::Event(_))));
        assert_eq!(client.session.wants_read(), left <= 2, "{left}");
    }
}

/// What the protocol demands is sent with a full queue too, up to twice its limits.
#[test]
fn protocol_answers_count() {
    let mut config = config();
    config.queue_messages = 2;
    let mut client = Client::open(config);
    for invocation in 1..=4 {
        client.feed(&format!("[68,{invocation},20,{{}}]"));
        assert!(client.session.wants_read());
    }
    assert!(client.session.closed().is_none());
    client.feed("[68,5,20,{}]");
    assert_eq!(client.session.closed(), Some(&Closed::Overrun));
    assert!(client.session.is_finished());

    let mut config = self::config();
    config.queue_messages = 2;
    let mut client = Client::open(config);
    client.call();
    client.session.cancel(1.try_into().unwrap(), wamp_proto::message::CancelMode::Skip).unwrap();
    client.close();
    assert_eq!(client.sent().len(), 3);
}
