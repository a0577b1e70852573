//! Requests and their answers, events and invocations (S-53, S-54, I-05, I-06, chapters 5 and 6).

use wamp_proto::error::Misuse;
use wamp_proto::message::CancelMode;
use wamp_proto::session::Timeout;

use super::*;

const NO_SUCH: &str = "wamp.error.no_such_procedure";

#[test]
fn i_05_i_06_one_sequence_for_all_kinds() {
    let mut client = Client::joined();
    assert_eq!(client.subscribe(), 1);
    assert_eq!(client.call(), 2);
    client.feed("[33,1,10]");
    assert_eq!(client.publish(false), 3);
    assert_eq!(client.publish(true), 4);
    assert_eq!(client.register(), 5);
    client.feed("[65,5,20]");
    // T-02: what is refused uses no id.
    let bad = client.session.call(client.now, Call::new(Uri::unchecked("a..b"), Payload::empty()));
    assert!(matches!(bad, Err(Misuse::Uri(_))));
    let unknown = client.session.unsubscribe(client.now, id(11));
    assert_eq!(unknown, Err(Misuse::NoSuchSubscription(id(11))));
    assert_eq!(client.session.unregister(client.now, id(21)), Err(Misuse::NoSuchRegistration(id(21))));
    assert_eq!(client.unsubscribe(10), 6);
    assert_eq!(client.unregister(20), 7);
    assert_eq!(
        client.sent(),
        [
            r#"[32,1,{},"com.topic"]"#,
            r#"[48,2,{},"com.proc"]"#,
            r#"[16,3,{},"com.topic"]"#,
            r#"[16,4,{"acknowledge":true},"com.topic"]"#,
            r#"[64,5,{},"com.proc"]"#,
            "[34,6,10]",
            "[66,7,20]",
        ]
    );
}

/// All six kinds, answered in reverse order (S-79).
#[test]
fn s_79_answers_are_matched_by_id() {
    let mut client = Client::joined();
    client.subscribed(10);
    client.registered(20);
    let _ = (client.call(), client.publish(true), client.subscribe(), client.unsubscribe(10));
    let _ = (client.register(), client.unregister(20));
    assert_eq!(client.session.pending_requests(), 6);
    for frame in ["[67,8]", "[65,7,21]", "[35,6]", "[33,5,11]", "[17,4,99]", r#"[50,3,{},[1],{"k":2}]"#] {
        client.feed(frame);
    }
    let expected = [
        Event::Unregistered { request: id(8) },
        Event::Registered { request: id(7), registration: id(21) },
        Event::Unsubscribed { request: id(6) },
        Event::Subscribed { request: id(5), subscription: id(11) },
        Event::Published { request: id(4), publication: id(99) },
    ];
    let events = client.events();
    assert_eq!(events[..5], expected);
    let [Event::Result { request, details, payload }] = &events[5..] else { panic!("{events:?}") };
    assert_eq!((request.get(), details.progress), (3, false));
    assert_eq!(payload.raw()[..], br#"[1],{"k":2}"#[..]);
    assert_eq!(client.session.pending_requests(), 0);
    assert_eq!(client.session.poll_timeout(), None);
}

#[test]
fn m_45_errors_for_all_six_kinds() {
    let mut client = Client::joined();
    client.subscribed(10);
    client.registered(20);
    let requests = [
        (48, client.call()),
        (16, client.publish(true)),
        (32, client.subscribe()),
        (34, client.unsubscribe(10)),
        (64, client.register()),
        (66, client.unregister(20)),
    ];
    for (code, request) in requests {
        client.feed(&format!(r#"[8,{code},{request},{{}},"com.error",["no",{request}]]"#));
        let payload = args(&format!(r#"["no",{request}]"#));
        let events = client.events();
        assert_eq!(events, [failed(request, "com.error", payload)]);
        let [Event::Failed { failure, .. }] = &events[..] else { panic!() };
        assert_eq!(failure.to_string(), "com.error: no");
    }
    assert_eq!(client.session.poll_timeout(), None);
    // The router knows neither of the two any more, so neither do we.
    assert_eq!(client.session.unsubscribe(client.now, id(10)), Err(Misuse::NoSuchSubscription(id(10))));
    assert_eq!(client.session.unregister(client.now, id(20)), Err(Misuse::NoSuchRegistration(id(20))));
}

#[test]
fn m_45_error_of_an_invocation() {
    let mut client = Client::joined();
    client.feed(r#"[8,68,1,{},"com.error"]"#);
    client.assert_violation("ERROR must name the type of a request that can fail, not 68");
}

const ANSWERS: [(&str, &str, u64); 7] = [
    ("[50,@,{}]", "RESULT", 48),
    ("[50,@,{\"progress\":true}]", "RESULT", 48),
    ("[17,@,1]", "PUBLISHED", 16),
    ("[33,@,1]", "SUBSCRIBED", 32),
    ("[35,@]", "UNSUBSCRIBED", 34),
    ("[65,@,1]", "REGISTERED", 64),
    ("[67,@]", "UNREGISTERED", 66),
];

#[test]
fn s_53_answers_never_asked_for() {
    for (frame, name, code) in ANSWERS {
        let mut client = Client::joined();
        client.feed(&frame.replace('@', "1"));
        client.assert_violation(&format!("{name} answers request 1, which was never made"));

        let mut client = Client::joined();
        client.feed(&format!(r#"[8,{code},1,{{}},"com.error"]"#));
        client.assert_violation("ERROR answers request 1, which was never made");
    }
    // A publication that asked for no answer (P-07).
    let mut client = Client::joined();
    client.publish(false);
    client.sent();
    client.feed("[17,1,1]");
    client.assert_violation("PUBLISHED answers request 1, which was never made");
    // Twice is once too often.
    let mut client = Client::joined();
    client.call();
    client.sent();
    client.feed("[50,1,{}]");
    client.events();
    client.feed("[50,1,{}]");
    client.assert_violation("RESULT answers request 1, which was never made");
}

#[test]
fn s_53_answers_of_the_wrong_kind() {
    type Ask = fn(&mut Client) -> u64;
    let asks: [(u64, Ask); 6] = [
        (48, Client::call),
        (16, |client| client.publish(true)),
        (32, Client::subscribe),
        (34, |client| {
            client.subscribed(10);
            client.unsubscribe(10)
        }),
        (64, Client::register),
        (66, |client| {
            client.registered(20);
            client.unregister(20)
        }),
    ];
    for (asked, ask) in asks {
        for (frame, name, code) in ANSWERS.into_iter().filter(|(.., code)| *code != asked) {
            for given_up in [false, true] {
                let mut client = Client::joined();
                let request = ask(&mut client);
                client.sent();
                if given_up {
                    client.session.give_up(id(request));
                }
                client.feed(&frame.replace('@', &request.to_string()));
                client.assert_violation(&format!("{name} answers request {request}, which was never made"));

                let mut client = Client::joined();
                let request = ask(&mut client);
                client.sent();
                client.feed(&format!(r#"[8,{code},{request},{{}},"com.error"]"#));
                client.assert_violation(&format!("ERROR answers request {request}, which was never made"));
            }
        }
    }
}

#[test]
fn s_53_late_answers_are_dropped() {
    for give_up in [false, true] {
        for error in [false, true] {
            let mut client = Client::joined();
            client.subscribed(10);
            client.registered(20);
            let requests = [
                (client.call(), "[50,3,{}]", 48),
                (client.publish(true), "[17,4,1]", 16),
                (client.unsubscribe(10), "[35,5]", 34),
                (client.unregister(20), "[67,6]", 66),
                (client.subscribe(), "[33,7,10]", 32),
                (client.register(), "[65,8,20]", 64),
            ];
            client.sent();
            if give_up {
                requests.iter().for_each(|(request, ..)| client.session.give_up(id(*request)));
                client.assert_silent();
            } else {
                client.wait(10_000);
                // R-66: the router is told about the call, and only about the call.
                assert_eq!(client.sent(), [r#"[49,3,{"mode":"killnowait"}]"#]);
                assert_eq!(client.events(), [3, 4, 5, 6, 7, 8].map(timed_out));
            }
            assert_eq!((client.session.pending_requests(), client.session.poll_timeout()), (0, None));
            for (request, answer, code) in requests {
                if error {
                    client.feed(&format!(r#"[8,{code},{request},{{}},"com.error"]"#));
                } else {
                    client.feed(answer);
                }
                client.assert_silent();
            }
            assert_eq!(client.session.state(), State::Open);
            // Each of them may be late once.
            client.feed("[50,3,{}]");
            client.assert_violation("RESULT answers request 3, which was never made");
        }
    }
}

#[test]
fn r_66_no_cancel_for_routers_that_cannot() {
    let mut client = Client::new(config());
    client.feed(r#"[2,1,{"roles":{"dealer":{}}}]"#);
    client.sent();
    client.events();
    client.call();
    client.call();
    client.sent();
    assert_eq!(client.session.cancel(id(1), CancelMode::Kill), Ok(false));
    client.wait(10_000);
    assert_eq!(client.events(), [1, 2].map(timed_out));
    client.assert_silent();
}

#[test]
fn r_80_cancel() {
    let mut client = Client::joined();
    client.call();
    client.subscribe();
    client.sent();
    for (mode, name) in
        [(CancelMode::Skip, "skip"), (CancelMode::Kill, "kill"), (CancelMode::KillNoWait, "killnowait")]
    {
        assert_eq!(client.session.cancel(id(1), mode), Ok(true));
        assert_eq!(client.sent(), [format!(r#"[49,1,{{"mode":"{name}"}}]"#)]);
    }
    assert_eq!(client.session.cancel(id(2), CancelMode::Kill), Err(Misuse::NoSuchCall(id(2))));
    assert_eq!(client.session.cancel(id(3), CancelMode::Kill), Err(Misuse::NoSuchCall(id(3))));
    // T-07, T-08: the answer still comes, an error or a result.
    client.feed(r#"[50,1,{},["done after all"]]"#);
    assert!(matches!(client.events()[..], [Event::Result { .. }]));
    assert_eq!(client.session.cancel(id(1), CancelMode::Kill), Err(Misuse::NoSuchCall(id(1))));
}

#[test]
fn late_subscribed_and_registered_are_undone() {
    let mut client = Client::joined();
    let (subscribe, register) = (client.subscribe(), client.register());
    client.sent();
    client.session.give_up(id(subscribe));
    client.wait(10_000);
    assert_eq!(client.events(), [timed_out(register)]);
    client.feed("[33,1,10]");
    assert_eq!(client.sent(), ["[34,3,10]"]);
    client.feed("[65,2,20]");
    assert_eq!(client.sent(), ["[66,4,20]"]);
    // What comes until then reaches nobody.
    client.feed("[36,10,1,{}]");
    client.assert_silent();
    assert_eq!(client.session.stray_events(), 1);
    client.feed("[68,1,20,{}]");
    assert_eq!(client.sent(), [format!(r#"[8,68,1,{{}},"{NO_SUCH}"]"#)]);
    client.feed("[35,3]");
    client.feed(r#"[8,66,4,{},"wamp.error.no_such_registration"]"#);
    client.assert_silent();
    assert_eq!(client.session.state(), State::Open);
    assert_eq!(client.call(), 5);
}

/// P-02: the same topic again is the same subscription, so a second attempt makes the first one's answer welcome.
#[test]
fn late_subscribed_that_is_shared_stays() {
    let mut client = Client::joined();
    let (first, second) = (client.subscribe(), client.subscribe());
    client.session.give_up(id(first));
    client.sent();
    client.feed("[33,1,10]");
    client.assert_silent();
    client.feed(&format!("[33,{second},10]"));
    assert_eq!(client.events(), [Event::Subscribed { request: id(2), subscription: id(10) }]);
    client.assert_silent();
    // The other way round it is shared already.
    let late = client.subscribe();
    client.session.give_up(id(late));
    client.sent();
    client.feed(&format!("[33,{late},10]"));
    client.assert_silent();
    client.feed("[36,10,1,{}]");
    assert!(matches!(client.events()[..], [Event::Event(_)]));

    // The second attempt gets another one, or none: the first is ended after all.
    for answer in ["[33,2,11]", r#"[8,32,2,{},"com.error"]"#, ""] {
        let mut client = Client::joined();
        client.subscribe();
        client.subscribe();
        client.session.give_up(id(1));
        client.sent();
        client.feed("[33,1,10]");
        client.assert_silent();
        if answer.is_empty() {
            client.session.give_up(id(2));
        } else {
            client.feed(answer);
        }
        assert_eq!(client.sent(), ["[34,3,10]"]);
    }
    // The same for registrations.
    let mut client = Client::joined();
    client.register();
    client.register();
    client.session.give_up(id(1));
    client.sent();
    client.feed("[65,1,20]");
    client.assert_silent();
    client.wait(10_000);
    assert_eq!(client.events(), [timed_out(2)]);
    assert_eq!(client.sent(), ["[66,3,20]"]);
}

/// A call may wait for longer than we remember what was given up.
#[test]
fn s_53_forgotten_requests() {
    let mut client = Client::joined();
    client.call_progressively(1_000_000_000);
    assert_eq!(client.subscribe(), 2);
    client.session.give_up(id(2));
    for _ in 0..5000 {
        let request = client.call_progressively(1);
        client.session.give_up(id(request));
    }
    assert_eq!(client.call_progressively(1_000_000_000), 5003);
    client.sent();
    // Forgotten ones are late.
    client.feed("[50,3,{\"progress\":true}]");
    client.feed("[50,3,{}]");
    client.feed("[50,5002,{}]");
    client.assert_silent();
    // Those that wait are not.
    for frame in ["[50,1,{\"progress\":true}]", "[50,5003,{\"progress\":true}]", "[50,1,{}]", "[50,5003,{}]"]
    {
        client.feed(frame);
        assert!(matches!(client.events()[..], [Event::Result { .. }]), "{frame}");
    }
    client.feed("[50,5004,{}]");
    client.assert_violation("RESULT answers request 5004, which was never made");
}

#[test]
fn p_09_events() {
    let mut client = Client::joined();
    client.subscribed(10);
    client.feed(r#"[36,10,7,{"topic":"a.b","publisher":3},["x"],{"k":1}]"#);
    let events = client.events();
    let [Event::Event(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.subscription.get(), event.publication.get()), (10, 7));
    assert_eq!(event.payload.args::<(String,)>().unwrap().0, "x");
    // Until UNSUBSCRIBED comes, events may.
    let request = client.unsubscribe(10);
    client.sent();
    client.feed("[36,10,8,{}]");
    assert!(matches!(client.events()[..], [Event::Event(_)]));
    client.feed(&format!("[35,{request}]"));
    client.events();
    // S-54: after it, and for any other subscription, they are counted.
    client.feed("[36,10,9,{}]");
    client.feed("[36,11,9,{}]");
    client.assert_silent();
    assert_eq!(client.session.stray_events(), 2);
    assert_eq!(client.session.state(), State::Open);
}

#[test]
fn t_73_revocations() {
    let mut client = Client::joined();
    client.subscribed(10);
    client.registered(20);
    client.feed(r#"[35,0,{"subscription":10,"reason":"gone"}]"#);
    client.feed(r#"[67,0,{"registration":20}]"#);
    let reason = Some("gone".to_owned());
    let expected = [
        Event::SubscriptionRevoked { subscription: id(10), reason },
        Event::RegistrationRevoked { registration: id(20), reason: None },
    ];
    assert_eq!(client.events(), expected);
    // Unknown ones may cross our own.
    client.feed(r#"[35,0,{"subscription":10}]"#);
    client.feed(r#"[67,0,{"registration":21}]"#);
    client.assert_silent();
    assert_eq!(client.session.unsubscribe(client.now, id(10)), Err(Misuse::NoSuchSubscription(id(10))));
    assert_eq!(client.session.unregister(client.now, id(20)), Err(Misuse::NoSuchRegistration(id(20))));
}

#[test]
fn r_14_answers_to_invocations() {
    let mut client = Client::joined();
    client.registered(20);
    for request in 1..=3 {
        client.feed(&format!(r#"[68,{request},20,{{"receive_progress":true,"caller":5}},["x"]]"#));
        // R-39: the same id again is ignored.
        client.feed(&format!("[68,{request},20,{{}}]"));
        let events = client.events();
        let [Event::Invocation { request: found, registration, details, payload }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!((found.get(), registration.get(), details.receive_progress), (request, 20, true));
        assert_eq!(payload.raw()[..], b"[\"x\"]"[..]);
    }
    let reply = |client: &mut Client, request| client.session.reply(id(request)).map(drop);
    client.session.reply(id(1)).unwrap().progress(args("[1]")).unwrap();
    client.session.reply(id(1)).unwrap().result(args("[2]")).unwrap();
    let error = RemoteError::new(uri("com.error"), args("[\"no\"]"));
    client.session.reply(id(2)).unwrap().error(error).unwrap();
    // A reply that is dropped answers nothing.
    reply(&mut client, 3).unwrap();
    client.session.reply(id(3)).unwrap().result(Payload::empty()).unwrap();
    assert_eq!(
        client.sent(),
        [
            r#"[70,1,{"progress":true},[1]]"#,
            r#"[70,1,{},[2]]"#,
            r#"[8,68,2,{},"com.error",["no"]]"#,
            r#"[70,3,{}]"#
        ]
    );
    for request in 1..=4 {
        assert_eq!(reply(&mut client, request), Err(Misuse::NoSuchInvocation(id(request))));
    }
    assert_eq!(Misuse::NoSuchInvocation(id(4)).to_string(), "invocation 4 is not open");
    client.assert_silent();
}

#[test]
fn r_06_invocations_and_unregister() {
    let mut client = Client::joined();
    client.feed("[68,1,20,{}]");
    assert_eq!(client.sent(), [format!(r#"[8,68,1,{{}},"{NO_SUCH}"]"#)]);
    client.registered(20);
    client.unregister(20);
    client.sent();
    // It may come until UNREGISTERED does, and be answered after.
    client.feed("[68,2,20,{}]");
    assert!(matches!(client.events()[..], [Event::Invocation { .. }]));
    client.feed("[67,2]");
    client.events();
    client.session.reply(id(2)).unwrap().result(Payload::empty()).unwrap();
    assert_eq!(client.sent(), ["[70,2,{}]"]);
    client.feed("[68,3,20,{}]");
    assert_eq!(client.sent(), [format!(r#"[8,68,3,{{}},"{NO_SUCH}"]"#)]);
    client.assert_silent();
}

#[test]
fn r_88_interrupts() {
    let mut client = Client::joined();
    client.registered(20);
    client.feed(r#"[69,1,{"mode":"kill"}]"#);
    client.assert_silent();
    client.feed("[68,1,20,{}]");
    client.events();
    for (options, mode) in [
        (r#"{"mode":"kill"}"#, Some(CancelMode::Kill)),
        (r#"{"mode":"killnowait"}"#, Some(CancelMode::KillNoWait)),
        (r#"{"mode":"other"}"#, Some(CancelMode::Unknown)),
        ("{}", None),
    ] {
        client.feed(&format!("[69,1,{options}]"));
        assert_eq!(client.events(), [Event::Interrupted { request: id(1), mode }]);
    }
    // R-90: it is still to be answered.
    let error = RemoteError::new(uri("wamp.error.canceled"), Payload::empty());
    client.session.reply(id(1)).unwrap().error(error).unwrap();
    assert_eq!(client.sent(), [r#"[8,68,1,{},"wamp.error.canceled"]"#]);
    client.feed("[69,1,{}]");
    client.assert_silent();
}

#[test]
fn r_57_progress_moves_the_deadline() {
    let mut client = Client::joined();
    let call = client.call_progressively(1000);
    assert_eq!(client.sent(), [r#"[48,1,{"receive_progress":true},"com.proc"]"#]);
    for _ in 0..5 {
        client.wait(999);
        client.feed("[50,1,{\"progress\":true},[1]]");
        let events = client.events();
        assert!(matches!(&events[..], [Event::Result { details, .. }] if details.progress), "{events:?}");
        let deadline = client.session.poll_timeout().unwrap();
        assert_eq!(deadline.at - client.now, Duration::from_secs(1));
    }
    client.wait(1000);
    assert_eq!(client.events(), [timed_out(call)]);
    assert_eq!(client.sent(), [r#"[49,1,{"mode":"killnowait"}]"#]);
    // S-53: what still comes is late, the last of it too.
    client.feed("[50,1,{\"progress\":true}]");
    client.feed("[50,1,{\"progress\":true}]");
    client.feed("[50,1,{}]");
    client.assert_silent();
    client.feed("[50,1,{\"progress\":true}]");
    client.assert_violation("RESULT answers request 1, which was never made");
}

/// Fault 64.
#[test]
fn progress_that_was_not_asked_for() {
    let mut client = Client::joined();
    client.call();
    client.sent();
    client.wait(5_000);
    client.feed("[50,1,{\"progress\":true},[1]]");
    client.assert_silent();
    client.wait(4_999);
    client.feed("[50,1,{},[2]]");
    assert!(matches!(&client.events()[..], [Event::Result { details, .. }] if !details.progress));
}

#[test]
fn deadlines() {
    let mut client = Client::joined();
    client.call();
    client.wait(1000);
    client.call_progressively(500);
    client.wait(100);
    client.call_progressively(400);
    client.sent();
    let start = client.now;
    // The earliest one, and among equals the oldest.
    let next =
        |client: &Client| client.session.poll_timeout().map(|deadline| (deadline.at - start, deadline.why));
    let request = |number| Timeout::Request(id(number));
    assert_eq!(next(&client), Some((Duration::from_millis(400), request(2))));
    // Looking too early does nothing, nor does a clock that goes backwards (fault 27).
    client.wait(399);
    client.session.handle_timeout(Instant::ZERO);
    assert_eq!(client.events(), []);
    client.wait(1);
    assert_eq!(client.events(), [2, 3].map(timed_out));
    assert_eq!(next(&client), Some((Duration::from_millis(8900), request(1))));
    client.session.handle_timeout(client.now);
    client.session.handle_timeout(client.now);
    assert_eq!(client.events(), []);
    // A request that is made in the past is due in the past.
    client.now = Instant::ZERO;
    assert_eq!(client.call(), 4);
    assert_eq!(client.session.poll_timeout().unwrap().at, Instant::from_origin(Duration::from_secs(10)));
    client.feed("[50,4,{}]");
    assert_eq!(client.events().len(), 1);
    client.now = start;
    client.wait(8900);
    assert_eq!(client.events(), [timed_out(1)]);
    assert_eq!(next(&client), None);
}

#[test]
fn roles_that_are_not_ours() {
    use wamp_proto::message::{Features, Role, Roles};
    for role in Role::CLIENT {
        let mut config = config();
        config.roles = Roles::NONE.with(role, Features::NONE);
        let mut client = Client::open(config);
        let now = client.now;
        let session = &mut client.session;
        let refused: Vec<Role> = [
            session.call(now, Call::new(uri("a"), Payload::empty())).err(),
            session.cancel(id(9), CancelMode::Kill).err(),
            session.publish(now, uri("a"), PublishOptions::default(), Payload::empty()).err(),
            session
                .publish(
                    now,
                    uri("a"),
                    PublishOptions { acknowledge: true, ..PublishOptions::default() },
                    Payload::empty(),
                )
                .err(),
            session.subscribe(now, uri("a"), SubscribeOptions::default()).err(),
            session.unsubscribe(now, id(1)).err(),
            session.register(now, uri("a"), RegisterOptions::default()).err(),
            session.unregister(now, id(1)).err(),
            session.reply(id(1)).err(),
        ]
        .into_iter()
        .filter_map(|misuse| match misuse {
            Some(Misuse::Role(role)) => Some(role),
            _ => None,
        })
        .collect();
        use Role::{Callee, Caller, Publisher, Subscriber};
        let all = [Caller, Caller, Publisher, Publisher, Subscriber, Subscriber, Callee, Callee, Callee];
        assert_eq!(refused, all.into_iter().filter(|other| *other != role).collect::<Vec<_>>());
    }
}

#[test]
fn uris_are_checked() {
    use wamp_proto::Match;
    let mut client = Client::joined();
    let now = client.now;
    let session = &mut client.session;
    for bad in ["", "a.", ".a", "a..b", "a b", "a#b"] {
        let bad = || Uri::unchecked(bad);
        assert!(matches!(session.call(now, Call::new(bad(), Payload::empty())), Err(Misuse::Uri(_))));
        let options = PublishOptions::default();
        assert!(matches!(session.publish(now, bad(), options, Payload::empty()), Err(Misuse::Uri(_))));
        assert!(matches!(session.subscribe(now, bad(), SubscribeOptions::default()), Err(Misuse::Uri(_))));
        assert!(matches!(session.register(now, bad(), RegisterOptions::default()), Err(Misuse::Uri(_))));
    }
    let options = SubscribeOptions { match_policy: Some(Match::Wildcard), ..SubscribeOptions::default() };
    session.subscribe(now, Uri::unchecked("a..b"), options).unwrap();
    let options = RegisterOptions { match_policy: Some(Match::Prefix), ..RegisterOptions::default() };
    session.register(now, Uri::unchecked("a."), options).unwrap();
    assert_eq!(client.sent(), [r#"[32,1,{"match":"wildcard"},"a..b"]"#, r#"[64,2,{"match":"prefix"},"a."]"#]);
}

/// F-42: lists that the router would ignore are not sent, for the event would reach those it must not.
#[test]
fn f_42_no_audience_without_the_feature() {
    let mut client = Client::joined();
    let audience = Some(Box::new(wamp_proto::message::Audience::default()));
    let options = PublishOptions { audience, ..PublishOptions::default() };
    let refused = client.session.publish(client.now, uri("com.topic"), options, Payload::empty());
    let feature = wamp_proto::message::Feature::SubscriberBlackwhiteListing;
    assert_eq!(refused, Err(Misuse::Feature(feature)));
    client.assert_silent();
    assert_eq!(client.publish(false), 1);
}

/// P-07: nobody waits for the answer to an unacknowledged publication, and no harm is done by one.
#[test]
fn p_07_an_error_for_an_unacknowledged_publication() {
    let mut client = Client::joined();
    client.publish(false);
    client.sent();
    client.feed(r#"[8,16,1,{},"wamp.error.not_authorized"]"#);
    client.assert_silent();
    client.feed(r#"[8,16,2,{},"wamp.error.not_authorized"]"#);
    client.assert_violation("ERROR answers request 2, which was never made");
}
