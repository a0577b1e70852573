//! Calls whose arguments or results come in several parts, and invocations that have a time limit.

use std::time::Duration;

use wamp_proto::{
    Payload,
    error::Misuse,
    message::{Feature, Features, Role},
    session::{Call, Event, Timeout},
};

use crate::{Client, args, config, id, timed_out, uri};

const WELCOME: &str = r#"[2,4711,{"roles":{"dealer":{"features":{"progressive_call_invocations":true}}}}]"#;

fn joined() -> Client {
    let mut client = Client::new(config());
    client.feed(WELCOME);
    client.sent();
    client.events();
    client
}

fn progressive() -> Call {
    let mut call = Call::new(uri("com.proc"), args("[1]"));
    call.options.progress = true;
    call.timeout = Some(Duration::from_secs(1));
    call
}

#[test]
fn r_33_r_34_r_42_arguments_in_parts() {
    let mut client = joined();
    let call = client.session.call(client.now, progressive()).unwrap();
    client.session.continue_call(client.now, call, args("[2]"), true).unwrap();
    client.session.continue_call(client.now, call, Payload::empty(), false).unwrap();
    assert_eq!(
        client.sent(),
        [
            r#"[48,1,{"progress":true},"com.proc",[1]]"#,
            r#"[48,1,{"progress":true},"com.proc",[2]]"#,
            r#"[48,1,{},"com.proc"]"#
        ]
    );
    let more = client.session.continue_call(client.now, call, Payload::empty(), false);
    assert_eq!(more, Err(Misuse::CallComplete(call)));
    client.feed("[50,1,{},[3]]");
    assert!(matches!(&client.events()[..], [Event::Result { .. }]));
    let more = client.session.continue_call(client.now, call, Payload::empty(), false);
    assert_eq!(more, Err(Misuse::NoSuchCall(call)));
    client.assert_silent();
}

#[test]
fn r_40_the_answer_comes_before_the_last_part() {
    for answer in ["[50,1,{}]", r#"[8,48,1,{},"com.error"]"#] {
        let mut client = joined();
        let call = client.session.call(client.now, progressive()).unwrap();
        client.sent();
        client.feed(answer);
        assert_eq!(client.events().len(), 1);
        let more = client.session.continue_call(client.now, call, Payload::empty(), true);
        assert_eq!(more, Err(Misuse::NoSuchCall(call)));
        client.assert_silent();
    }
}

#[test]
fn every_part_moves_the_deadline() {
    let mut client = joined();
    let call = client.session.call(client.now, progressive()).unwrap();
    for _ in 0..3 {
        client.wait(900);
        client.session.continue_call(client.now, call, Payload::empty(), true).unwrap();
    }
    client.wait(999);
    assert_eq!(client.events(), []);
    client.wait(1);
    assert_eq!(client.events(), [timed_out(1)]);
    let more = client.session.continue_call(client.now, call, Payload::empty(), true);
    assert_eq!(more, Err(Misuse::NoSuchCall(call)));
}

#[test]
fn r_31_not_to_a_router_that_would_close_the_session() {
    let refused = Err(Misuse::Feature(Feature::ProgressiveCallInvocations));
    let mut client = Client::joined();
    assert_eq!(client.session.call(client.now, progressive()), refused);
    let mut config = config();
    config.roles = config.roles.with(Role::Caller, Features::NONE);
    let mut client = Client::new(config);
    client.feed(WELCOME);
    client.sent();
    client.events();
    assert_eq!(client.session.call(client.now, progressive()), refused);
    client.assert_silent();
    // A plain call has no further arguments.
    let call = client.call();
    client.sent();
    let more = client.session.continue_call(client.now, id(call), Payload::empty(), false);
    assert_eq!(more, Err(Misuse::CallComplete(id(call))));
    client.assert_silent();
}

#[test]
fn r_34_r_39_r_40_invocations_in_parts() {
    let mut client = Client::joined();
    client.registered(20);
    client.feed(r#"[68,1,20,{"progress":true},[1]]"#);
    client.feed(r#"[68,1,20,{"progress":true},[2]]"#);
    client.feed("[68,1,20,{},[3]]");
    // R-39: after the last part there are no more.
    client.feed("[68,1,20,{},[4]]");
    let parts = |events: &[Event]| {
        let part = |event: &Event| match event {
            Event::Invocation { details, payload, .. } => (true, details.progress, payload.raw().to_vec()),
            Event::InvocationProgress { details, payload, .. } => {
                (false, details.progress, payload.raw().to_vec())
            }
            other => panic!("{other:?}"),
        };
        events.iter().map(part).collect::<Vec<_>>()
    };
    let expected =
        [(true, true, b"[1]".to_vec()), (false, true, b"[2]".to_vec()), (false, false, b"[3]".to_vec())];
    assert_eq!(parts(&client.events()), expected);
    client.session.reply(id(1)).unwrap().result(Payload::empty()).unwrap();
    // R-40: the callee has said all it wants, the caller has not.
    client.feed(r#"[68,2,20,{"progress":true},[1]]"#);
    client.session.reply(id(2)).unwrap().result(Payload::empty()).unwrap();
    client.events();
    client.sent();
    client.feed(r#"[68,2,20,{"progress":true},[2]]"#);
    client.feed("[68,2,20,{},[3]]");
    client.assert_silent();
    // A part of one that came for a registration that is gone.
    client.feed(r#"[68,3,21,{"progress":true}]"#);
    assert_eq!(client.sent(), [r#"[8,68,3,{},"wamp.error.no_such_procedure"]"#]);
    client.feed("[68,3,21,{}]");
    client.assert_silent();
}

#[test]
fn r_56_no_progress_for_those_who_did_not_ask() {
    let mut client = Client::joined();
    client.registered(20);
    client.feed("[68,1,20,{}]");
    client.events();
    let refused = client.session.reply(id(1)).unwrap().progress(Payload::empty());
    assert_eq!(refused, Err(Misuse::NoProgress(id(1))));
    client.assert_silent();
}

#[test]
fn r_62_r_63_an_invocation_with_a_time_limit() {
    let mut client = Client::joined();
    client.registered(20);
    client.feed(r#"[68,1,20,{"timeout":500,"receive_progress":true}]"#);
    client.feed(r#"[68,2,20,{"timeout":500}]"#);
    client.events();
    assert_eq!(client.session.poll_timeout().unwrap().why, Timeout::Invocation(id(1)));
    client.session.reply(id(2)).unwrap().result(Payload::empty()).unwrap();
    client.sent();
    client.wait(400);
    client.session.reply(id(1)).unwrap().progress(Payload::empty()).unwrap();
    client.sent();
    // R-57: there was progress, so there is more time.
    client.wait(100);
    client.assert_silent();
    client.wait(500);
    assert_eq!(client.sent(), [r#"[8,68,1,{},"wamp.error.timeout"]"#]);
    assert_eq!(client.events(), [Event::InvocationTimedOut { request: id(1) }]);
    assert_eq!(client.session.reply(id(1)).map(drop), Err(Misuse::NoSuchInvocation(id(1))));
    assert_eq!(client.session.poll_timeout(), None);
    // F-12: who has not announced it keeps no time.
    let mut config = config();
    config.roles = config.roles.with(Role::Callee, Features::NONE);
    let mut client = Client::open(config);
    client.registered(20);
    client.feed(r#"[68,1,20,{"timeout":500}]"#);
    assert_eq!(client.session.poll_timeout(), None);
}
