//! The end of a session, all the ways to it (S-31, S-32, S-40..S-69).

use wamp_proto::error::Misuse;
use wamp_proto::session::Timeout;

use super::*;

const GOODBYE: &str = r#"[6,{},"wamp.close.close_realm"]"#;
const REPLY: &str = r#"[6,{},"wamp.close.goodbye_and_out"]"#;

#[test]
fn s_60_goodbye_from_the_router() {
    let mut client = Client::joined();
    client.call();
    client.sent();
    client.feed(r#"[6,{"message":"maintenance"},"wamp.close.system_shutdown"]"#);
    assert!(!client.session.is_finished());
    assert!(!client.session.wants_read());
    assert_eq!(client.sent(), [REPLY]);
    let closed = by_peer("wamp.close.system_shutdown", Some("maintenance"));
    assert_eq!(closed.to_string(), "closed by the peer: wamp.close.system_shutdown: maintenance");
    assert_eq!(client.events(), [Event::Closed(closed)]);
    client.assert_over();
}

#[test]
fn s_61_goodbye_from_us() {
    let mut client = Client::joined();
    client.call();
    client.sent();
    client.close();
    client.close();
    assert_eq!(client.sent(), [GOODBYE]);
    assert_eq!(client.session.state(), State::Leaving);
    let deadline = client.session.poll_timeout().unwrap();
    assert_eq!((deadline.at - client.now, deadline.why), (Duration::from_secs(1), Timeout::Close));
    client.feed(REPLY);
    client.assert_closed(&Closed::ByUs);
}

/// W-16: a reason that no serializer can carry does not keep us from leaving.
#[test]
fn s_61_reason_that_cannot_be_sent() {
    let mut client = Client::joined();
    client.session.close(client.now, Uri::unchecked("\0"));
    assert_eq!(client.sent(), [GOODBYE]);
}

#[test]
fn s_62_goodbyes_cross() {
    let mut client = Client::joined();
    client.close();
    client.feed(r#"[6,{},"wamp.close.system_shutdown"]"#);
    // Ours is still on its way, and is the answer to theirs. There is no second one.
    assert!(!client.session.is_finished());
    assert_eq!(client.sent(), [GOODBYE]);
    client.assert_closed(&Closed::ByUs);
}

#[test]
fn s_63_nothing_is_looked_at_while_leaving() {
    let mut client = Client::joined();
    client.subscribed(10);
    client.registered(20);
    let request = client.call();
    client.close();
    client.sent();
    for frame in
        ["[36,10,1,{}]", "[68,1,20,{}]", "[50,3,{}]", "garbage", "[]", "[99]", "[1,2]", WELCOME, CHALLENGE]
    {
        client.feed(frame);
        client.assert_silent();
    }
    assert_eq!(client.session.state(), State::Leaving);
    // Nor is anything sent any more.
    let refused = Some(Misuse::Closed(Closed::ByUs));
    let now = client.now;
    let request = request.try_into().unwrap();
    assert_eq!(client.session.call(now, Call::new(uri("a"), Payload::empty())).err(), refused);
    assert_eq!(client.session.cancel(request, wamp_proto::message::CancelMode::Kill).err(), refused);
    assert_eq!(client.session.unsubscribe(now, 10.try_into().unwrap()).err(), refused);
    assert_eq!(client.session.unregister(now, 20.try_into().unwrap()).err(), refused);
    assert_eq!(client.session.reply(request).err(), refused);
    client.session.give_up(request);
    client.assert_silent();
    client.feed(REPLY);
    client.assert_closed(&Closed::ByUs);
}

#[test]
fn s_69_goodbye_is_not_answered() {
    let mut client = Client::joined();
    client.call();
    client.sent();
    client.close();
    client.wait(999);
    assert_eq!(client.events(), []);
    client.wait(1);
    // Nobody reads: nothing is left to wait for.
    assert!(client.session.is_finished());
    client.assert_closed(&Closed::CloseTimeout);
}

#[test]
fn s_31_abort_is_never_answered() {
    for state in [State::Open, State::Leaving] {
        let mut client = Client::in_state(state);
        if state == State::Open {
            client.call();
        }
        client.feed(r#"[3,{},"wamp.close.killed"]"#);
        assert!(client.session.is_finished());
        client.assert_closed(&Closed::Aborted {
            reason: uri("wamp.close.killed"),
            message: None,
            joined: true,
        });
    }
}

#[test]
fn s_67_close_before_the_session_is_open() {
    for state in [State::Joining, State::Authenticating] {
        let mut client = Client::in_state(state);
        client.close();
        assert!(!client.session.is_finished());
        assert_eq!(client.sent(), [r#"[3,{},"wamp.close.close_realm"]"#]);
        client.assert_closed(&Closed::ByUs);
    }
}

#[test]
fn s_40_t_77_abort_is_flushed_last() {
    let mut client = Client::joined();
    client.publish(false);
    client.feed("[99]");
    client.feed("[36,10,1,{}]");
    assert!(!client.session.is_finished());
    assert!(client.session.poll_transmit().unwrap().starts_with(b"[16,1,"));
    assert!(!client.session.is_finished());
    assert!(client.session.poll_transmit().unwrap().starts_with(b"[3,"));
    assert!(client.session.is_finished());
    assert_eq!(client.events().len(), 1);
    client.assert_over();
}

#[test]
fn s_41_every_violation_ends_it() {
    for state in [State::Joining, State::Authenticating, State::Open] {
        for (frame, text) in [
            ("[]", "a message needs at least a code, the list is empty"),
            ("[33,0,1]", "SUBSCRIBED: element 1 must be an id, an integer from 1 to 2^53"),
            ("[50,1]", "RESULT must have 3 to 5 elements, found 2"),
            ("[337,1]", "there is no message with code 337"),
            ("{}", "cannot decode: expected a list, found a dict"),
        ] {
            let mut client = Client::in_state(state);
            client.feed(frame);
            client.assert_violation(text);
        }
    }
}

#[test]
fn eof_in_every_state() {
    for state in State::ALL {
        let mut client = Client::in_state(state);
        if state == State::Open {
            // Nobody can be sent anything any more.
            client.call();
        }
        client.session.handle_eof("reset");
        assert!(client.session.is_finished());
        match state {
            State::Closed => client.assert_silent(),
            State::Leaving => client.assert_closed(&Closed::ByUs),
            _ => client.assert_closed(&Closed::Lost("reset".to_owned())),
        }
        client.assert_over();
    }
    // The end of the transport also ends the flush.
    let mut client = Client::joined();
    client.feed("[99]");
    client.session.handle_eof("");
    assert!(client.session.is_finished());
    assert_eq!(client.sent(), [""; 0]);
    assert_eq!(client.events().len(), 1);
}

#[test]
fn closed_is_misuse_for_ever() {
    let mut client = Client::joined();
    client.subscribed(10);
    client.registered(20);
    client.session.handle_eof("");
    client.events();
    let refused = Some(Misuse::Closed(Closed::Lost(String::new())));
    let now = client.now;
    let session = &mut client.session;
    assert_eq!(session.call(now, Call::new(uri("a"), Payload::empty())).err(), refused);
    assert_eq!(session.publish(now, uri("a"), PublishOptions::default(), Payload::empty()).err(), refused);
    assert_eq!(session.subscribe(now, uri("a"), SubscribeOptions::default()).err(), refused);
    assert_eq!(session.unsubscribe(now, 10.try_into().unwrap()).err(), refused);
    assert_eq!(session.register(now, uri("a"), RegisterOptions::default()).err(), refused);
    assert_eq!(session.unregister(now, 20.try_into().unwrap()).err(), refused);
    assert_eq!(session.reply(1.try_into().unwrap()).err(), refused);
    assert_eq!(session.cancel(1.try_into().unwrap(), wamp_proto::message::CancelMode::Skip).err(), refused);
    assert_eq!(
        Misuse::Closed(Closed::Lost("x".to_owned())).to_string(),
        "the session is closed: the connection was lost: x"
    );
    client.assert_over();
}

impl Client {
    /// Nothing is sent, and the only event is the end.
    #[track_caller]
    fn assert_closed(&mut self, why: &Closed) {
        assert_eq!(self.sent(), [""; 0]);
        assert_eq!(self.events(), [Event::Closed(why.clone())]);
        assert_eq!(self.session.closed(), Some(why));
        self.assert_over();
    }
}
