//! Broker and dealer, faults 50 to 75, over both transports and every serializer.

use std::net::Shutdown;

use wamp_tokio::proto::{Encoding, message::Message};

use crate::{
    encode::{V, v},
    harness::Router,
    scene::Scene,
    wire::{Peer, Reaction, Transport, violation},
};

/// A feature of each role that is told of here.
const FEATURES: [&str; 5] = [
    "call_canceling",
    "call_timeout",
    "progressive_call_results",
    "progressive_call_invocations",
    "caller_identification",
];

/// Sessions that have done nothing yet, over one transport after the other, in one serializer after the other.
struct Stage {
    scene: Scene,
    opened: usize,
}

impl Stage {
    fn start() -> Self {
        Self { scene: Scene::start(), opened: 0 }
    }

    /// With a router of this file: one listener of its own, and `realm1`.
    fn of(config: &str) -> Self {
        Self { scene: Scene::of(Router::of_config(config)), opened: 0 }
    }

    fn open(&mut self) -> Peer {
        self.opened += 1;
        self.scene.open(Transport::ALL[self.opened % 2], Encoding::ALL[self.opened % 3])
    }

    /// A session of all roles, and of [`FEATURES`].
    fn join(&mut self) -> Peer {
        self.join_realm("realm1")
    }

    fn join_realm(&mut self, realm: &str) -> Peer {
        let features = V::Dict(FEATURES.iter().map(|feature| (v!(*feature), v!(true))).collect());
        let role = V::Dict(vec![(v!("features"), features)]);
        let roles = ["publisher", "subscriber", "caller", "callee"].map(|name| (v!(name), role.clone()));
        let mut peer = self.open();
        peer.send(&V::List(vec![v!(1), v!(realm), V::Dict(vec![(v!("roles"), V::Dict(roles.to_vec()))])]));
        let Message::Welcome(_) = peer.message() else { panic!("no WELCOME") };
        peer
    }
}

/// The next message as JSON, whatever it came in.
fn heard(peer: &mut Peer) -> String {
    let json = peer.message().encode(Encoding::Json).unwrap();
    String::from_utf8(json.to_vec()).unwrap()
}

fn ask(peer: &mut Peer, message: &V) -> String {
    peer.send(message);
    heard(peer)
}

/// The id that a request was answered with, the last element.
fn granted(peer: &mut Peer, message: &V) -> u64 {
    let answer = ask(peer, message);
    let id = answer.trim_end_matches(']').rsplit(',').next().unwrap();
    id.parse().unwrap_or_else(|_| panic!("{answer}"))
}

/// The URI of the ERROR that answers a request of this kind and number.
fn refused(peer: &mut Peer, message: &V, kind: u16, request: u64) -> String {
    peer.send(message);
    failed(peer, kind, request)
}

fn failed(peer: &mut Peer, kind: u16, request: u64) -> String {
    match peer.message() {
        Message::Error(error) => {
            assert_eq!((error.request_kind.code(), error.request.get()), (kind.into(), request));
            error.error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// The invocation that a callee was sent.
fn invoked(callee: &mut Peer) -> u64 {
    match callee.message() {
        Message::Invocation(invocation) => invocation.request.get(),
        other => panic!("{other:?}"),
    }
}

/// What is asked here is answered after all that was sent before.
fn nothing_more(peer: &mut Peer, request: u64) {
    peer.send(&v!([16, (request), {"acknowledge": true}, "com.example.nobody"]));
    let Message::Published(published) = peer.message() else { panic!("not PUBLISHED") };
    assert_eq!(published.request.get(), request);
}

#[test]
fn fault_50_what_is_not_ones_own_cannot_be_ended() {
    let mut stage = Stage::start();
    let (mut owner, mut other) = (stage.join(), stage.join());
    let subscription = granted(&mut owner, &v!([32, 1, {}, "com.example.topic"]));
    let registration = granted(&mut owner, &v!([64, 2, {}, "com.example.procedure"]));
    for (request, id) in [(1, subscription), (2, 12_345)] {
        let error = refused(&mut other, &v!([34, (request), (id)]), 34, request);
        assert_eq!(error, "wamp.error.no_such_subscription");
    }
    for (request, id) in [(3, registration), (4, 12_345)] {
        let error = refused(&mut other, &v!([66, (request), (id)]), 66, request);
        assert_eq!(error, "wamp.error.no_such_registration");
    }
    assert_eq!(ask(&mut owner, &v!([34, 3, (subscription)])), "[35,3]");
    assert_eq!(refused(&mut owner, &v!([34, 4, (subscription)]), 34, 4), "wamp.error.no_such_subscription");
    stage.scene.settled();
}

#[test]
fn faults_51_and_52_answers_to_what_was_never_asked() {
    let mut stage = Stage::start();
    for (message, text) in [
        (v!([70, 1, {}]), "YIELD answers request 1, which was never made"),
        (v!([8, 68, 7, {}, "com.example.error"]), "ERROR answers request 7, which was never made"),
    ] {
        let peer = stage.join();
        assert_eq!(stage.scene.offend(peer, &message), violation(text));
    }
    for kind in [48, 1, 36, 99] {
        let peer = stage.join();
        let reaction = stage.scene.offend(peer, &v!([8, (kind), 1, {}, "com.example.error"]));
        assert!(reaction.is_violation("ERROR"), "{kind} {reaction:?}");
    }
    // One that was asked, and is over: the answers crossed on the way.
    let (mut callee, mut caller) = (stage.join(), stage.join());
    granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
    caller.send(&v!([48, 1, {}, "com.example.procedure"]));
    let invocation = invoked(&mut callee);
    callee.send(&v!([70, (invocation), {}, [1]]));
    callee.send(&v!([70, (invocation), {}, [2]]));
    callee.send(&v!([8, 68, (invocation), {}, "com.example.error"]));
    nothing_more(&mut callee, 2);
    assert_eq!(heard(&mut caller), "[50,1,{},[1]]");
    nothing_more(&mut caller, 2);
    stage.scene.settled();
}

#[test]
fn fault_53_a_callee_that_leaves_owes_one_answer() {
    let mut stage = Stage::start();
    for abruptly in [false, true, false, true] {
        let (mut callee, mut caller) = (stage.join(), stage.join());
        granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
        caller.send(&v!([48, 1, {}, "com.example.procedure"]));
        invoked(&mut callee);
        if abruptly {
            callee.stream.shutdown(Shutdown::Both).unwrap();
        } else {
            callee.leave();
        }
        assert_eq!(failed(&mut caller, 48, 1), "wamp.error.canceled");
        nothing_more(&mut caller, 2);
    }
    stage.scene.settled();
}

#[test]
fn fault_54_a_caller_that_leaves_interrupts() {
    let mut stage = Stage::start();
    for abruptly in [false, true, false, true] {
        let (mut callee, mut caller) = (stage.join(), stage.join());
        granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
        caller.send(&v!([48, 1, {}, "com.example.procedure"]));
        let invocation = invoked(&mut callee);
        if abruptly {
            caller.stream.shutdown(Shutdown::Both).unwrap();
        } else {
            caller.leave();
        }
        let interrupt = heard(&mut callee);
        assert!(interrupt.starts_with(&format!("[69,{invocation},")), "{interrupt}");
        callee.send(&v!([70, (invocation), {}, ["late"]]));
        nothing_more(&mut callee, 2);
        callee.leave();
    }
    stage.scene.settled();
}

#[test]
fn fault_55_cancels_of_every_kind() {
    let mut stage = Stage::start();
    let (mut callee, mut caller) = (stage.join(), stage.join());
    granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
    caller.send(&v!([49, 77, {}]));
    nothing_more(&mut caller, 1);
    // A mode that there is not ends the call as `skip` does, and says what is wrong.
    caller.send(&v!([48, 2, {}, "com.example.procedure"]));
    invoked(&mut callee);
    let unknown = v!([49, 2, {"mode": "gently"}]);
    assert_eq!(refused(&mut caller, &unknown, 48, 2), "wamp.error.invalid_argument");
    // The answer crosses the cancel: one of them ends the call, and there is one end.
    caller.send(&v!([48, 3, {}, "com.example.procedure"]));
    let invocation = invoked(&mut callee);
    callee.send(&v!([70, (invocation), {}, [3]]));
    caller.send(&v!([49, 3, {"mode": "skip"}]));
    let ended = heard(&mut caller);
    assert!(ended == "[50,3,{},[3]]" || ended.starts_with("[8,48,3,"), "{ended}");
    nothing_more(&mut caller, 4);
    callee.leave();

    // Kill at a callee that cannot: as skip.
    let mut plain = stage.open();
    plain.join();
    granted(&mut plain, &v!([64, 1, {}, "com.example.procedure"]));
    caller.send(&v!([48, 5, {}, "com.example.procedure"]));
    invoked(&mut plain);
    assert_eq!(refused(&mut caller, &v!([49, 5, {"mode": "kill"}]), 48, 5), "wamp.error.canceled");
    nothing_more(&mut plain, 2);
    stage.scene.settled();
}

#[test]
fn fault_56_a_call_ends_in_time() {
    let mut stage = Stage::start();
    let mut callee = stage.open();
    callee.send(
        &v!([1, "realm1", {"roles": {"callee": {"features": {"call_canceling": true}}, "publisher": {}}}]),
    );
    let Message::Welcome(_) = callee.message() else { panic!("no WELCOME") };
    granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
    let mut caller = stage.join();
    caller.send(&v!([48, 1, {"timeout": 30}, "com.example.procedure"]));
    let invocation = invoked(&mut callee);
    assert_eq!(failed(&mut caller, 48, 1), "wamp.error.timeout");
    assert!(heard(&mut callee).starts_with(&format!("[69,{invocation},")));
    callee.send(&v!([70, (invocation), {}, ["late"]]));
    nothing_more(&mut callee, 2);
    nothing_more(&mut caller, 2);
    stage.scene.settled();
}

#[test]
fn fault_57_a_procedure_has_one_callee_or_one_policy() {
    let mut stage = Stage::start();
    let (mut first, mut second) = (stage.join(), stage.join());
    granted(&mut first, &v!([64, 1, {}, "com.example.single"]));
    granted(&mut first, &v!([64, 2, {"invoke": "roundrobin"}, "com.example.shared"]));
    let taken = "wamp.error.procedure_already_exists";
    assert_eq!(refused(&mut second, &v!([64, 1, {}, "com.example.single"]), 64, 1), taken);
    assert_eq!(refused(&mut first, &v!([64, 3, {}, "com.example.single"]), 64, 3), taken);
    second.send(&v!([64, 2, {"invoke": "random"}, "com.example.shared"]));
    match second.message() {
        Message::Error(error) => {
            assert_eq!(error.error.as_str(), taken);
            let text = String::from_utf8_lossy(&error.encode(Encoding::Json).unwrap()).into_owned();
            assert!(text.contains("roundrobin"), "says which policy it is: {text}");
        }
        other => panic!("{other:?}"),
    }
    granted(&mut second, &v!([64, 3, {"invoke": "roundrobin"}, "com.example.shared"]));
    stage.scene.settled();
}

#[test]
fn faults_58_and_59_uris_that_are_none() {
    let mut stage = Stage::start();
    let mut peer = stage.join();
    let long = format!("com.example.{}", "a".repeat(2_000));
    let deep = vec!["a"; 40].join(".");
    let mut request = 0;
    let mut refuse = |peer: &mut Peer, kind: i32, options: V, uri: &str| {
        request += 1;
        let message = V::List(vec![v!(kind), v!(request), options, v!(uri)]);
        let error = refused(peer, &message, kind.try_into().unwrap(), request);
        assert_eq!(error, "wamp.error.invalid_uri", "{kind} {uri:?}");
    };
    for uri in ["", "com.example.", "com..example", "com.exam ple", "com.#", ".", &long, &deep] {
        refuse(&mut peer, 64, v!({}), uri);
        refuse(&mut peer, 32, v!({}), uri);
        refuse(&mut peer, 16, v!({"acknowledge": true}), uri);
        refuse(&mut peer, 48, v!({}), uri);
    }
    for (options, uri) in
        [(v!({"match": "wildcard"}), "com. .x"), (v!({"match": "prefix"}), "com..x"), (v!({}), "com..x")]
    {
        refuse(&mut peer, 64, options.clone(), uri);
        refuse(&mut peer, 32, options, uri);
    }
    refuse(&mut peer, 64, v!({}), "wamp.example.procedure");
    refuse(&mut peer, 16, v!({"acknowledge": true}), "wamp.session.on_join");
    // Without a wish for an answer there is none.
    peer.send(&v!([16, 1000, {}, "com..example"]));
    nothing_more(&mut peer, 1001);
    stage.scene.settled();
}

#[test]
fn faults_61_and_62_nobody_takes_more_than_a_share() {
    let limits = "max_subscriptions = 3\nmax_registrations = 2\nmax_calls = 2";
    let mut stage = Stage::of(&format!("[roles.anybody]\nallow_all = true\n[limits]\n{limits}"));
    let (mut peer, mut other) = (stage.join(), stage.join());
    let mut request = 0;
    for (kind, limit) in [(32, 3), (64, 2)] {
        for number in 0..limit {
            request += 1;
            granted(&mut peer, &v!([(kind), (request), {}, (&*format!("com.example.n{number}"))]));
        }
        request += 1;
        let one_more = v!([(kind), (request), {}, "com.example.more"]);
        assert_eq!(
            refused(&mut peer, &one_more, kind.try_into().unwrap(), request),
            "wamp.error.unavailable"
        );
    }
    for call in 1..=2 {
        other.send(&v!([48, (call), {}, "com.example.n0"]));
        invoked(&mut peer);
    }
    assert_eq!(refused(&mut other, &v!([48, 3, {}, "com.example.n0"]), 48, 3), "wamp.error.unavailable");
    peer.send(&v!([70, 1, {}]));
    assert_eq!(heard(&mut other), "[50,1,{}]");
    other.send(&v!([48, 4, {}, "com.example.n0"]));
    invoked(&mut peer);
    stage.scene.healthy.check();
}

#[test]
fn fault_64_progress_that_nobody_asked_for() {
    let mut stage = Stage::start();
    let (mut callee, mut caller) = (stage.join(), stage.join());
    granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
    caller.send(&v!([48, 1, {"receive_progress": true}, "com.example.procedure"]));
    let invocation = invoked(&mut callee);
    callee.send(&v!([70, (invocation), {"progress": true}, [1]]));
    callee.send(&v!([70, (invocation), {}, [2]]));
    callee.send(&v!([70, (invocation), {"progress": true}, [3]]));
    nothing_more(&mut callee, 2);
    assert_eq!(heard(&mut caller), r#"[50,1,{"progress":true},[1]]"#);
    assert_eq!(heard(&mut caller), "[50,1,{},[2]]");
    nothing_more(&mut caller, 2);

    caller.send(&v!([48, 3, {}, "com.example.procedure"]));
    let invocation = invoked(&mut callee);
    callee.send(&v!([70, (invocation), {"progress": true}, [1]]));
    callee.send(&v!([70, (invocation), {}, [2]]));
    assert_eq!(heard(&mut caller), "[50,3,{},[2]]");
    stage.scene.settled();
}

#[test]
fn fault_65_a_call_that_was_ended_is_not_gone_on_with() {
    let mut stage = Stage::start();
    let (mut callee, mut caller) = (stage.join(), stage.join());
    granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
    caller.send(&v!([48, 1, {"progress": true}, "com.example.procedure", [1]]));
    let invocation = invoked(&mut callee);
    callee.send(&v!([8, 68, (invocation), {}, "com.example.enough"]));
    assert_eq!(failed(&mut caller, 48, 1), "com.example.enough");
    // Parts that were on their way are dropped, for good.
    caller.send(&v!([48, 1, {"progress": true}, "com.example.procedure", [2]]));
    caller.send(&v!([48, 1, {}, "com.example.procedure", [3]]));
    nothing_more(&mut caller, 2);
    nothing_more(&mut callee, 2);
    stage.scene.settled();
}

#[test]
fn fault_67_no_more_history_than_is_kept() {
    let history = r#"history = [{ topic = "com.example.kept", max_events = 3 }]"#;
    let config =
        format!("[roles.anybody]\nallow_all = true\n[realms.realm1]\nanonymous = \"anybody\"\n{history}");
    let mut stage = Stage::of(&config);
    let mut peer = stage.join();
    for number in 1..=10 {
        nothing_more(&mut peer, number * 2);
        ask(&mut peer, &v!([16, (number * 2 + 1), {"acknowledge": true}, "com.example.kept", [(number)]]));
    }
    let subscription = granted(&mut peer, &v!([32, 50, {}, "com.example.kept"]));
    let call = v!([48, 51, {}, "wamp.subscription.get_events", [(subscription)], {"limit": 1000000}]);
    let answer = ask(&mut peer, &call);
    assert_eq!(answer.matches("\"args\":[").count(), 3, "{answer}");
    stage.scene.healthy.check();
}

#[test]
fn fault_70_lists_of_a_publication_are_bounded() {
    let mut stage = Stage::start();
    let peer = stage.join();
    let ids = V::List((0..100_001).map(|_| v!(7)).collect());
    let message = V::List(vec![v!(16), v!(1), V::Dict(vec![(v!("exclude"), ids)]), v!("com.example.topic")]);
    let reaction = stage.scene.offend(peer, &message);
    assert!(reaction.is_violation("exceeds the limit of 100000"), "{reaction:?}");
}

#[test]
fn fault_71_the_meta_api_is_for_those_who_may() {
    let rules = r#"rules = [{ uri = "com.example.", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]"#;
    let mut stage = Stage::of(&format!("[roles.anybody]\n{rules}"));
    let mut peer = stage.join();
    for (request, call) in [
        v!([48, 1, {}, "wamp.session.kill", [1]]),
        v!([48, 2, {}, "wamp.session.kill_all"]),
        v!([48, 3, {}, "wamp.session.list"]),
        v!([48, 4, {}, "wamp.registration.list"]),
    ]
    .iter()
    .enumerate()
    {
        let error = refused(&mut peer, call, 48, request as u64 + 1);
        assert_eq!(error, "wamp.error.not_authorized");
    }
    let subscribe = v!([32, 5, {}, "wamp.session.on_join"]);
    assert_eq!(refused(&mut peer, &subscribe, 32, 5), "wamp.error.not_authorized");
    stage.scene.settled();
}

#[test]
fn fault_72_realms_do_not_know_of_each_other() {
    let scene = Scene::start_with(&["--realm", "realm1", "--realm", "realm2"]);
    let mut stage = Stage { scene, opened: 0 };
    let (mut here, mut there) = (stage.join(), stage.join_realm("realm2"));
    granted(&mut here, &v!([32, 1, {}, "com.example.topic"]));
    granted(&mut here, &v!([64, 2, {}, "com.example.procedure"]));
    nothing_more(&mut there, 1);
    ask(&mut there, &v!([16, 2, {"acknowledge": true}, "com.example.topic", ["elsewhere"]]));
    let call = v!([48, 3, {}, "com.example.procedure"]);
    assert_eq!(refused(&mut there, &call, 48, 3), "wamp.error.no_such_procedure");
    // The procedure is free there.
    granted(&mut there, &v!([64, 4, {}, "com.example.procedure"]));
    nothing_more(&mut here, 3);
    stage.scene.settled();
}

#[test]
fn fault_73_identity_is_disclosed_where_it_may_be() {
    let disclosure = "[disclosure]\ncaller = \"never\"\npublisher = \"never\"";
    let mut stage = Stage::of(&format!("[roles.anybody]\nallow_all = true\n{disclosure}"));
    let (mut callee, mut caller) = (stage.join(), stage.join());
    granted(&mut callee, &v!([64, 1, {}, "com.example.procedure"]));
    let refusal = "wamp.error.option_disallowed.disclose_me";
    let call = v!([48, 1, {"disclose_me": true}, "com.example.procedure"]);
    assert_eq!(refused(&mut caller, &call, 48, 1), refusal);
    let publish = v!([16, 2, {"disclose_me": true, "acknowledge": true}, "com.example.topic"]);
    assert_eq!(refused(&mut caller, &publish, 16, 2), refusal);
    caller.send(&v!([48, 3, {}, "com.example.procedure"]));
    let invocation = heard(&mut callee);
    assert!(!invocation.contains("caller"), "{invocation}");
    stage.scene.healthy.check();
}

#[test]
fn fault_74_testaments_are_bounded_and_run_once() {
    let mut stage = Stage::start();
    let (mut heir, mut testator) = (stage.join(), stage.join());
    granted(&mut heir, &v!([32, 1, {}, "com.example.gone"]));
    let add = |request: u64, argument: V| {
        let topic = v!("com.example.gone");
        let arguments = V::List(vec![topic, V::List(vec![argument]), v!({})]);
        V::List(vec![v!(48), v!(request), v!({}), v!("wamp.session.add_testament"), arguments])
    };
    let large = "x".repeat(500_000);
    let mut kept = 0;
    let error = loop {
        testator.send(&add(kept + 1, v!(&*large)));
        match testator.message() {
            Message::Result(_) => kept += 1,
            Message::Error(error) => break error.error,
            other => panic!("{other:?}"),
        }
        assert!(kept < 100, "there is an end to it");
    };
    assert_eq!(error.as_str(), "wamp.error.unavailable");
    testator.stream.shutdown(Shutdown::Both).unwrap();
    for _ in 0..kept {
        let Message::Event(_) = heir.message() else { panic!("not EVENT") };
    }
    nothing_more(&mut heir, 2);
    stage.scene.settled();
}

#[test]
fn fault_75_events_and_calls_come_in_order() {
    let mut stage = Stage::start();
    let (mut sender, mut receiver) = (stage.join(), stage.join());
    granted(&mut receiver, &v!([32, 1, {}, "com.example.a"]));
    granted(&mut receiver, &v!([32, 2, {}, "com.example.b"]));
    granted(&mut receiver, &v!([64, 3, {}, "com.example.c"]));
    let mut frames = Vec::new();
    for number in 1..=600_u64 {
        let message = match number % 3 {
            0 => v!([16, (number), {}, "com.example.a", [(number)]]),
            1 => v!([16, (number), {}, "com.example.b", [(number)]]),
            _ => v!([48, (number), {}, "com.example.c", [(number)]]),
        };
        frames.extend(sender.frame(&message.encode(sender.encoding)));
    }
    std::io::Write::write_all(&mut sender.stream, &frames).unwrap();
    for number in 1..=600 {
        let message = heard(&mut receiver);
        assert!(message.ends_with(&format!(",{{}},[{number}]]")), "{number}: {message}");
    }
    assert_eq!(
        stage.scene.offend(sender, &v!([])),
        Reaction::Abort(
            "wamp.error.protocol_violation".to_owned(),
            "a message needs at least a code, the list is empty".to_owned(),
        )
    );
}
