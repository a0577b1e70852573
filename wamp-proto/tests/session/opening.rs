//! HELLO to WELCOME (S-01..S-08, S-29, S-30).

use wamp_proto::error::{Closed, Misuse, Violation};
use wamp_proto::message::{AuthenticateExtra, Features, MessageKind, Role, Roles};
use wamp_proto::session::{Event, State, Timeout};

use super::*;

#[test]
fn s_01_hello_comes_first() {
    let mut config = config();
    config.agent = Some("agent/1".to_owned());
    config.authid = Some("joe".to_owned());
    config.authextra = Some([("k", 1)].into_iter().collect());
    config.roles = Roles::NONE.with(Role::Caller, Features::NONE).with(Role::Callee, Features::NONE);
    let mut client = Client::new(config);
    assert_eq!(client.session.state(), State::Joining);
    assert_eq!(
        client.sent(),
        [
            r#"[1,"realm1",{"roles":{"caller":{},"callee":{}},"agent":"agent/1","authmethods":["ticket"],"authid":"joe","authextra":{"k":1}}]"#
        ]
    );
    client.assert_silent();
}

/// F-42: what the session does is announced, and nothing else.
#[test]
fn s_06_s_08_default_roles() {
    let mut default = Config::new(uri("realm1"));
    default.agent = None;
    assert_eq!(
        Client::new(default).sent(),
        [
            r#"[1,"realm1",{"roles":{"publisher":{"features":{"payload_passthru_mode":true,"subscriber_blackwhite_listing":true,"publisher_exclusion":true,"publisher_identification":true}},"subscriber":{"features":{"payload_passthru_mode":true,"publisher_identification":true,"publication_trustlevels":true,"pattern_based_subscription":true,"subscription_revocation":true}},"caller":{"features":{"progressive_call_results":true,"progressive_call_invocations":true,"call_timeout":true,"call_canceling":true,"caller_identification":true,"payload_passthru_mode":true}},"callee":{"features":{"progressive_call_results":true,"progressive_call_invocations":true,"call_timeout":true,"call_canceling":true,"caller_identification":true,"call_trustlevels":true,"pattern_based_registration":true,"shared_registration":true,"registration_revocation":true,"call_reroute":true,"payload_passthru_mode":true}}},"authmethods":["anonymous"]}]"#
        ]
    );
}

#[test]
fn s_02_welcome_opens() {
    let mut client = Client::new(config());
    client.sent();
    client.feed(r#"[2,4711,{"roles":{"dealer":{}},"authid":"x","realm":"realm2"}]"#);
    assert_eq!(client.session.state(), State::Open);
    let events = client.events();
    let [Event::Joined(welcome)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((welcome.session.get(), welcome.details.authid.as_deref()), (4711, Some("x")));
    assert!(client.session.router().has(Role::Dealer) && !client.session.router().has(Role::Broker));
    assert_eq!(client.session.poll_timeout(), None);
    client.assert_silent();
}

#[test]
fn s_02_abort_refuses() {
    for state in [State::Joining, State::Authenticating] {
        let mut client = Client::in_state(state);
        client.feed(r#"[3,{"message":"who?"},"wamp.error.no_such_realm",[1],{"k":2}]"#);
        let refused = Closed::Aborted {
            reason: uri("wamp.error.no_such_realm"),
            message: Some("who?".to_owned()),
            joined: false,
        };
        assert_eq!(client.events(), [Event::Closed(refused)]);
        client.assert_over();
    }
}

#[test]
fn s_06_welcome_without_roles() {
    for roles in
        ["", r#""roles":{}"#, r#""roles":{"caller":{}}"#, r#""roles":{"other":1}"#, r#""roles":null"#]
    {
        let mut client = Client::in_state(State::Joining);
        client.feed(&format!("[2,1,{{{roles}}}]"));
        let closed = Closed::Violation(Violation::NoRoles { message: MessageKind::Welcome });
        assert_eq!(client.events(), [Event::Closed(closed)]);
        assert_eq!(
            client.sent(),
            [
                r#"[3,{"message":"the peer broke the protocol: WELCOME must announce at least one role"},"wamp.error.no_such_role"]"#
            ]
        );
        client.assert_over();
    }
}

#[test]
fn s_29_second_welcome() {
    let mut client = Client::joined();
    client.feed(WELCOME);
    client.assert_violation("WELCOME must not be sent to a client in an open session");
}

#[test]
fn s_30_challenge_offered() {
    let mut client = Client::in_state(State::Joining);
    client.feed(r#"[4,"ticket",{"nonce":"n"}]"#);
    assert_eq!(client.session.state(), State::Authenticating);
    let events = client.events();
    let [Event::Challenge(challenge)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&*challenge.authmethod, challenge.extra.nonce.as_deref()), ("ticket", Some("n")));
    client.session.authenticate("secret".to_owned(), AuthenticateExtra::default()).unwrap();
    assert_eq!(client.sent(), [r#"[5,"secret",{}]"#]);
    assert_eq!(client.session.state(), State::Joining);
    // One challenge, one answer.
    let again = client.session.authenticate("secret".to_owned(), AuthenticateExtra::default());
    assert_eq!(again, Err(Misuse::NoChallenge));
    // S-04: another round.
    client.feed(CHALLENGE);
    assert!(matches!(client.events()[..], [Event::Challenge(_)]));
    client.session.authenticate("more".to_owned(), AuthenticateExtra::default()).unwrap();
    assert_eq!(client.sent(), [r#"[5,"more",{}]"#]);
    client.feed(WELCOME);
    assert!(matches!(client.events()[..], [Event::Joined(_)]));
    client.assert_silent();
}

#[test]
fn s_30_challenge_not_offered() {
    let mut client = Client::in_state(State::Joining);
    client.feed(r#"[4,"wampcra",{}]"#);
    client.assert_violation("CHALLENGE demands the authentication method `wampcra`, which was not offered");
    // S-40: however long the method's name is, the ABORT stays small.
    let mut client = Client::in_state(State::Joining);
    client.feed(&format!(r#"[4,"{}",{{}}]"#, "é".repeat(100_000)));
    assert!(client.sent()[0].len() < 512);
}

#[test]
fn s_30_nobody_is_asked() {
    for state in [State::Joining, State::Open, State::Leaving] {
        let mut client = Client::in_state(state);
        let answer = client.session.authenticate(String::new(), AuthenticateExtra::default());
        assert_eq!(answer, Err(Misuse::NoChallenge));
        client.assert_silent();
    }
    let mut client = Client::in_state(State::Closed);
    let answer = client.session.authenticate(String::new(), AuthenticateExtra::default());
    assert_eq!(answer, Err(Misuse::Closed(Closed::Lost(String::new()))));
}

#[test]
fn join_timeout() {
    for state in [State::Joining, State::Authenticating] {
        let mut client = Client::in_state(state);
        let deadline = client.session.poll_timeout().unwrap();
        assert_eq!((deadline.at - client.now, deadline.why), (Duration::from_secs(10), Timeout::Join));
        client.wait(9_999);
        client.assert_silent();
        client.wait(1);
        assert_eq!(
            client.sent(),
            [r#"[3,{"message":"the router did not open the session in time"},"wamp.error.timeout"]"#]
        );
        assert_eq!(client.events(), [Event::Closed(Closed::JoinTimeout)]);
        client.assert_over();
    }
}

#[test]
fn not_joined_yet() {
    for state in [State::Joining, State::Authenticating] {
        let mut client = Client::in_state(state);
        let now = client.now;
        let session = &mut client.session;
        let topic = || uri("com.topic");
        let one = || 1.try_into().unwrap();
        let refused = [
            session.call(now, Call::new(topic(), Payload::empty())).err(),
            session.publish(now, topic(), PublishOptions::default(), Payload::empty()).err(),
            session.subscribe(now, topic(), SubscribeOptions::default()).err(),
            session.register(now, topic(), RegisterOptions::default()).err(),
            session.unsubscribe(now, 1.try_into().unwrap()).err(),
            session.unregister(now, 1.try_into().unwrap()).err(),
            session.reply(one()).err(),
            session.cancel(one(), wamp_proto::message::CancelMode::Kill).err(),
        ];
        assert_eq!(refused, [const { Some(Misuse::NotJoined) }; 8]);
        client.session.give_up(1.try_into().unwrap());
        client.assert_silent();
        client.feed(WELCOME);
        assert_eq!(client.call(), 1);
    }
}
