//! The life of a session, faults 39 to 49.

use std::{io::Write as _, thread, time::Duration};

use wamp_tokio::proto::{Encoding, message::Message};

use crate::{
    encode::{V, v},
    scene::Scene,
    wire::{
        Heard, Peer, Reaction,
        Transport::{self, RawSocket, WebSocket},
        raw_frame, violation,
    },
};

fn aborted(reason: &str, text: &str) -> Reaction {
    Reaction::Abort(reason.to_owned(), text.to_owned())
}

/// All messages that are not HELLO, ABORT or GOODBYE, by name and whether a client may send them at all.
fn messages() -> Vec<(&'static str, bool, V)> {
    vec![
        ("WELCOME", false, v!([2, 1, {"roles": {"broker": {}}}])),
        ("CHALLENGE", false, v!([4, "ticket", {}])),
        ("ERROR", true, v!([8, 68, 1, {}, "com.example.error"])),
        ("PUBLISH", true, v!([16, 1, {}, "com.example.topic"])),
        ("PUBLISHED", false, v!([17, 1, 1])),
        ("SUBSCRIBE", true, v!([32, 1, {}, "com.example.topic"])),
        ("SUBSCRIBED", false, v!([33, 1, 1])),
        ("UNSUBSCRIBE", true, v!([34, 1, 1])),
        ("UNSUBSCRIBED", false, v!([35, 1])),
        ("EVENT", false, v!([36, 1, 1, {}])),
        ("CALL", true, v!([48, 1, {}, "com.example.procedure"])),
        ("CANCEL", true, v!([49, 1, {}])),
        ("RESULT", false, v!([50, 1, {}])),
        ("REGISTER", true, v!([64, 1, {}, "com.example.procedure"])),
        ("REGISTERED", false, v!([65, 1, 1])),
        ("UNREGISTER", true, v!([66, 1, 1])),
        ("UNREGISTERED", false, v!([67, 1])),
        ("INVOCATION", false, v!([68, 1, 1, {}])),
        ("INTERRUPT", false, v!([69, 1, {}])),
        ("YIELD", true, v!([70, 1, {}])),
    ]
}

#[test]
fn fault_39_anything_but_hello_first() {
    let mut scene = Scene::start();
    let mut all = messages();
    all.push(("AUTHENTICATE", true, v!([5, "secret", {}])));
    all.push(("GOODBYE", true, v!([6, {}, "wamp.close.close_realm"])));
    for (index, (name, _, message)) in all.iter().enumerate() {
        let transport = Transport::ALL[index % 2];
        let peer = scene.open(transport, Encoding::ALL[index % 3]);
        let expected = violation(&format!("{name} must not be sent before HELLO"));
        assert_eq!(scene.offend(peer, message), expected, "{transport:?}");
    }
    // ABORT is never answered.
    let peer = scene.open(RawSocket, Encoding::Json);
    assert_eq!(scene.offend(peer, &v!([3, {}, "com.example.reason"])), Reaction::Silence);
}

#[test]
fn faults_40_and_45_what_a_client_never_sends_in_an_open_session() {
    let mut scene = Scene::start();
    let mut all = messages();
    all.retain(|(_, client, _)| !client);
    all.push(("HELLO", false, v!([1, "realm1", {"roles": {"caller": {}}}])));
    all.push(("AUTHENTICATE", false, v!([5, "secret", {}])));
    for (index, (name, _, message)) in all.iter().enumerate() {
        let transport = Transport::ALL[index % 2];
        let peer = scene.join(transport, Encoding::ALL[index % 3]);
        let expected = violation(&format!("{name} must not be sent to a router in an open session"));
        assert_eq!(scene.offend(peer, message), expected, "{transport:?}");
    }
}

#[test]
fn fault_41_realms_that_do_not_exist_and_those_that_cannot() {
    let mut scene = Scene::start();
    let hello = |realm: &str| v!([1, (realm), {"roles": {"caller": {}}}]);
    for transport in Transport::ALL {
        let peer = scene.open(transport, Encoding::Json);
        let expected = aborted("wamp.error.no_such_realm", "this router has no realm `com.example.none`");
        assert_eq!(scene.offend(peer, &hello("com.example.none")), expected);
        for realm in ["", "a b", "a..b", "#", ".", "realm1.", "a\u{a0}b"] {
            let peer = scene.open(transport, Encoding::Cbor);
            match scene.offend(peer, &hello(realm)) {
                Reaction::Abort(reason, text) => assert!(
                    reason == "wamp.error.invalid_uri" && !text.is_empty(),
                    "{realm:?} {reason} {text}"
                ),
                other => panic!("{realm:?} {other:?}"),
            }
        }
        let peer = scene.open(transport, Encoding::MessagePack);
        let long = "a".repeat(2000);
        match scene.offend(peer, &hello(&long)) {
            Reaction::Abort(reason, text) => {
                assert!(reason == "wamp.error.invalid_uri" && text.len() <= 200, "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
    // No realm came into being by asking for it.
    let peer = scene.open(RawSocket, Encoding::Json);
    assert!(matches!(scene.offend(peer, &hello("com.example.none")), Reaction::Abort(..)));
}

#[test]
fn fault_42_no_roles() {
    let mut scene = Scene::start();
    for details in [
        v!({}),
        v!({"roles": {}}),
        v!({"roles": null}),
        v!({"roles": {"janitor": {}}}),
        v!({"roles": {"broker": {}, "dealer": {}}}),
    ] {
        let peer = scene.open(RawSocket, Encoding::MessagePack);
        let hello = V::List(vec![v!(1), v!("realm1"), details]);
        let expected = aborted("wamp.error.no_such_role", "HELLO must announce at least one role");
        assert_eq!(scene.offend(peer, &hello), expected, "{hello:?}");
    }
}

#[test]
fn fault_43_goodbye_is_answered_once_and_what_follows_it_is_ignored() {
    let mut scene = Scene::start();
    for transport in Transport::ALL {
        let mut peer = scene.join(transport, Encoding::Json);
        let goodbye = v!([6, {}, "wamp.close.close_realm"]).encode(Encoding::Json);
        let publish = br#"[16,2,{},"com.example.healthy",["late"]]"#;
        let bytes = [&*goodbye, publish, b"garbage", &goodbye].map(|message| peer.frame(message)).concat();
        scene.healthy.check();
        peer.stream.write_all(&bytes).unwrap();
        assert_eq!(peer.bytes_of_message(), br#"[6,{},"wamp.close.goodbye_and_out"]"#);
        assert!(matches!(peer.reaction(), Reaction::Silence | Reaction::Close(None, _)));
        scene.settled();
    }
}

#[test]
fn faults_43_44_and_48_shutdown_says_goodbye_to_all_and_waits_for_nobody_for_long() {
    let scene = Scene::start();
    let mut answering = Transport::ALL.map(|transport| scene.open(transport, Encoding::Json));
    answering.iter_mut().for_each(Peer::join);
    let (websocket, raw) = (scene.open(WebSocket, Encoding::Cbor), scene.open(RawSocket, Encoding::Cbor));
    let mut silent = [scene.open(RawSocket, Encoding::Json), scene.open(WebSocket, Encoding::Json)];
    silent.iter_mut().for_each(Peer::join);
    let Scene { healthy, router } = scene;
    router.process.signal("TERM");
    for peer in answering.iter_mut().chain([&mut healthy.into_peer()]) {
        assert_eq!(peer.bytes_of_message(), br#"[6,{},"wamp.close.system_shutdown"]"#);
        // Crossing: a GOODBYE of our own is the answer, and is not answered.
        peer.send(&v!([6, {}, "wamp.close.close_realm"]));
        assert!(matches!(peer.reaction(), Reaction::Silence | Reaction::Close(None, _)));
    }
    for mut peer in [websocket, raw] {
        assert_eq!(peer.reaction(), aborted("wamp.close.system_shutdown", ""));
    }
    for mut peer in silent {
        let Message::Goodbye(_) = peer.message() else { panic!("no GOODBYE") };
        // What else it says is ignored, and the answer that never comes is waited for a second.
        peer.send(&v!([16, 1, {}, "com.example.topic"]));
        assert!(matches!(peer.reaction(), Reaction::Silence | Reaction::Close(None, _)));
    }
    let ended = router.process.end();
    assert_eq!((ended.code, &*ended.stdout), (0, ""), "{ended:?}");
    assert!(!ended.stderr.contains("did not end in time"), "{ended:?}");
}

#[test]
fn fault_46_session_ids_are_random_and_differ() {
    let scene = Scene::start();
    let mut ids = Vec::new();
    for _ in 0..50 {
        let mut peer = scene.open(RawSocket, Encoding::Json);
        peer.send(&v!([1, "realm1", {"roles": {"caller": {}}}]));
        let Message::Welcome(welcome) = peer.message() else { panic!("no WELCOME") };
        ids.push(welcome.session.get());
        peer.leave();
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    // Uniform over 2^53: below 2^49 is one in sixteen.
    assert!(ids.iter().filter(|id| **id < 1 << 49).count() < 25, "{ids:?}");
}

#[test]
fn fault_47_request_ids_in_any_order() {
    let mut scene = Scene::start();
    let mut peer = scene.open(WebSocket, Encoding::Cbor);
    peer.join();
    for request in [7_u64, 3, 3, 1 << 53, 1] {
        peer.send(&v!([16, (request), {"acknowledge": true}, "com.example.topic"]));
        match peer.message() {
            Message::Published(published) => assert_eq!(published.request.get(), request),
            other => panic!("{other:?}"),
        }
    }
    peer.leave();
    scene.settled();
}

#[test]
fn fault_47_a_call_under_the_id_of_one_that_waits() {
    let mut scene = Scene::start();
    let mut peer = scene.join(RawSocket, Encoding::Json);
    peer.send(&v!([48, 9, {}, "com.example.offender"]));
    let Message::Invocation(_) = peer.message() else { panic!("no INVOCATION") };
    let expected = violation("CALL reuses the id 9 of a request that is not finished");
    assert_eq!(scene.offend(peer, &v!([48, 9, {}, "com.example.offender"])), expected);
}

#[test]
fn fault_49_requests_of_a_role_that_was_not_announced() {
    let mut scene = Scene::start();
    for (index, (name, client, message)) in messages().into_iter().enumerate() {
        let role = match name {
            _ if !client => continue,
            "PUBLISH" => "publisher",
            "SUBSCRIBE" | "UNSUBSCRIBE" => "subscriber",
            "CALL" | "CANCEL" => "caller",
            _ => "callee",
        };
        let mut peer = scene.open(Transport::ALL[index % 2], Encoding::Json);
        let mut roles = ["publisher", "subscriber", "caller", "callee"].to_vec();
        roles.retain(|other| *other != role);
        let roles = V::Dict(roles.into_iter().map(|role| (v!(role), v!({}))).collect());
        peer.send(&V::List(vec![v!(1), v!("realm1"), V::Dict(vec![(v!("roles"), roles)])]));
        let Message::Welcome(_) = peer.message() else { panic!("no WELCOME") };
        let expected = violation(&format!("{name} needs the role {role}, which was not announced"));
        assert_eq!(scene.offend(peer, &message), expected);
    }
}

#[test]
fn nothing_is_sent_unasked() {
    let mut scene = Scene::start();
    let mut peer = scene.open(RawSocket, Encoding::Json);
    peer.join();
    (0..10).for_each(|_| scene.healthy.check());
    thread::sleep(Duration::from_millis(50));
    peer.stream.write_all(&raw_frame(1, b"?")).unwrap();
    assert_eq!(peer.hear(), Heard::Pong(b"?".to_vec()));
}
