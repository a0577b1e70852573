//! What an application sees of its client: every message, every change, and what it has and waits for.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use wamp_driver::{
    Authentication, Client, ErrorReply, Invocation, KillReason, Lifecycle, Observed, Principal,
    ReconnectPolicy, Recording, Reply, Side,
    auth::{Cra, Method, Scram, Ticket},
    proto::{
        Encoding, Match,
        auth::{Credential, cra, scram},
    },
};

use super::{
    Dial, Kit, RouterSettings, Stage, Transport,
    tools::{echo, poll_once},
};

fn recorded(stage: &Stage) -> (Dial, Recording) {
    let recording = Recording::new();
    let tap = Arc::new(recording.clone());
    (stage.connect().options(|options| options.taps.push(tap)), recording)
}

/// What was seen, as `> CALL`.
fn kinds(messages: &[Observed]) -> Vec<String> {
    let line = |message: &Observed| {
        let way = if message.sender() == Side::Client { '>' } else { '<' };
        format!("{way} {}", message.kind().expect("it is a message"))
    };
    messages.iter().map(line).collect()
}

pub(super) async fn every_message_both_ways(stage: Stage) {
    let (dial, recording) = recorded(&stage);
    let client = stage.within(dial).await.unwrap();
    client.register("t.echo", echo).await.unwrap();
    assert_eq!(client.call("t.echo").args(("hi",)).value::<String>().await.unwrap(), "hi");
    client.publish("t.topic").args((1,)).acknowledge().await.unwrap();
    assert!(client.call("t.nobody").await.is_err());
    stage.within(client.close()).await;
    let messages = recording.messages();
    let expected = [
        "> HELLO",
        "< WELCOME",
        "> REGISTER",
        "< REGISTERED",
        "> CALL",
        "< INVOCATION",
        "> YIELD",
        "< RESULT",
        "> PUBLISH",
        "< PUBLISHED",
        "> CALL",
        "< ERROR",
        "> GOODBYE",
        "< GOODBYE",
    ];
    assert_eq!(kinds(&messages), expected);
    assert_eq!(recording.forgotten(), 0);
    let call = &messages[4];
    assert_eq!(call.json().unwrap(), r#"[48,2,{},"t.echo",["hi"]]"#);
    assert_eq!(call.payload().unwrap().args::<(String,)>().unwrap(), ("hi".to_owned(),));
    assert!(messages.iter().all(|message| message.encoding() == stage.encoding()));
}

/// A tap may use the client, and one that panics harms nobody.
pub(super) async fn taps_that_panic_and_taps_that_call(stage: Stage) {
    let place = Arc::new(Mutex::new(None::<Client>));
    let seen = place.clone();
    let tap = move |message: &Observed| {
        let client = seen.lock().unwrap().clone();
        if let Some(client) = client.filter(|_| message.to_string().contains("t.first")) {
            // Without an answer, it is sent when it is polled first.
            let _ = poll_once(&mut Box::pin(client.publish("t.second").into_future()));
        }
        assert!(!message.to_string().contains("t.first"), "for the test");
    };
    let dial = stage.connect().options(|options| {
        options.taps.push(Arc::new(tap));
        options.on_change.push(Arc::new(|_| panic!("for the test")));
    });
    let client = stage.within(dial).await.unwrap();
    let listener = stage.client().await;
    let mut events = listener.subscribe("t.second").await.unwrap();
    *place.lock().unwrap() = Some(client.clone());
    client.publish("t.first").acknowledge().await.unwrap();
    assert!(stage.within(events.next()).await.is_some());
    place.lock().unwrap().take();
    stage.within(client.close()).await;
}

pub(super) async fn changes_are_told_in_their_order(stage: Stage) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let dial = stage.connect().options(|options| {
        options.on_change.push(Arc::new(move |change: &Lifecycle| {
            let text = format!("{change:?}");
            tell.lock().unwrap().push(text.split([' ', '{']).next().unwrap().to_owned());
        }));
        options.reconnect = ReconnectPolicy::default().initial(Duration::from_millis(1));
    });
    let client = stage.within(dial).await.unwrap();
    client.register("t.echo", echo).await.unwrap();
    let mut changes = client.lifecycle();
    let admin = stage.client().await;
    admin.meta().sessions().kill(client.session(), KillReason::default()).await.unwrap();
    while !matches!(stage.within(changes.next()).await, Some(Lifecycle::Restored { .. })) {}
    stage.within(client.close()).await;
    let expected = ["Joined", "Lost", "Retrying", "Connecting", "Joined", "Restored", "Lost", "Closed"];
    // Whoever makes a change tells of it, and may be about to.
    stage
        .within(async {
            while told.lock().unwrap().len() < expected.len() {
                stage.sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    assert_eq!(*told.lock().unwrap(), expected);
}

/// Nobody who looks at the messages learns a secret.
pub(super) async fn secrets_are_hidden(kit: Kit) {
    const SECRET: &str = "correct horse battery staple";
    let kdf = scram::Kdf::pbkdf2(4_096);
    let scram = scram::Credential::derive(&SECRET.into(), b"saltsalt", kdf).expect("a password");
    let users = [
        ("ticket", Credential::Ticket(SECRET.into())),
        ("cra", Credential::Cra(cra::Credential::plain(SECRET))),
        ("scram", Credential::Scram(scram)),
    ];
    let rule = users.into_iter().fold(Authentication::new(Method::ALL), |rule, (name, credential)| {
        rule.principal(Principal::new(name, "user").credential(credential))
    });
    let settings = RouterSettings::on(Transport::Ws).config(|config| config.authentication = vec![rule]);
    let stage = kit.stage_with(Transport::Ws, Encoding::Json, settings).await;
    for auth in [
        Ticket::new("ticket", SECRET).into(),
        Cra::new("cra", SECRET).into(),
        Scram::new("scram", SECRET).into(),
    ] {
        let (dial, recording) = recorded(&stage);
        let client = stage.within(dial.options(|options| options.auth = vec![auth])).await.unwrap();
        let text = recording.messages().iter().map(ToString::to_string).collect::<Vec<_>>();
        let [hello, challenge, authenticate, welcome] = &text[..] else { panic!("{text:#?}") };
        assert!(hello.contains("realm1") && welcome.contains(&client.welcome().authid.unwrap()), "{text:#?}");
        let hidden = r#"{"challenge":"(hidden)"}"#;
        assert!(challenge.ends_with(&format!("{hidden}]")), "{challenge}");
        assert_eq!(authenticate, r#"client: [5,"(hidden)",{}]"#);
        for line in &text {
            let secrets = [SECRET, "nonce\":\"", "signature", "verifier\":\"", "salt\":"];
            let shown = secrets.iter().any(|secret| line.replace("\"(hidden)", "(hidden)").contains(secret));
            assert!(!shown, "{line}");
        }
    }
}

/// The router's own tap: who has joined and who has not, each from its first message to its last.
pub(super) async fn a_router_shows_all_connections(kit: Kit) {
    let recording = Recording::new();
    let settings = RouterSettings::on(Transport::Ws).tap(&recording);
    let stage = kit.stage_with(Transport::Ws, Encoding::Cbor, settings).await;
    let refused = stage.connect().options(|options| options.realm = "nowhere".to_owned());
    assert!(stage.within(refused).await.is_err());
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.echo", echo).await.unwrap();
    assert_eq!(caller.call("t.echo").args(("hi",)).value::<String>().await.unwrap(), "hi");
    let sessions = [callee.session(), caller.session()];
    stage.within(async { (callee.close().await, caller.close().await) }).await;
    let seen = |connection: u64| {
        let mut messages = recording.messages();
        messages.retain(|message| message.connection() == connection);
        messages
    };
    assert_eq!(kinds(&seen(1)), ["> HELLO", "< ABORT"]);
    let expected = ["> HELLO", "< WELCOME", "> CALL", "< RESULT", "> GOODBYE", "< GOODBYE"];
    assert_eq!(kinds(&seen(3)), expected);
    let expected = [
        "> HELLO",
        "< WELCOME",
        "> REGISTER",
        "< REGISTERED",
        "< INVOCATION",
        "> YIELD",
        "> GOODBYE",
        "< GOODBYE",
    ];
    assert_eq!(kinds(&seen(2)), expected);
    for (connection, session) in [(2, sessions[0]), (3, sessions[1])] {
        let told = seen(connection).iter().map(Observed::session).collect::<Vec<_>>();
        assert_eq!(told[0], None);
        assert!(told[1..].iter().all(|told| *told == Some(session)), "{told:?}");
    }
    // Causes come before what they cause, over all connections.
    let all = recording.messages();
    let place = |kind: &str| kinds(&all).iter().position(|line| line.ends_with(kind)).unwrap();
    assert!(place("CALL") < place("INVOCATION") && place("YIELD") < place("RESULT"));
}

async fn never(_: Invocation) -> Result<Reply, ErrorReply> {
    pending().await
}

pub(super) async fn what_a_client_has(stage: Stage) {
    let client = stage.client().await;
    assert!(client.subscriptions().is_empty() && client.registrations().is_empty());
    let (first, second) =
        (client.subscribe("t.topic").await.unwrap(), client.subscribe("t.topic").await.unwrap());
    let _third = client.subscribe("t.a").prefix().await.unwrap();
    let registration = client.register("t.never", never).await.unwrap();
    client.register("t.pattern", echo).prefix().await.unwrap();
    let subscriptions = client.subscriptions();
    let shown = subscriptions.iter().map(|one| (one.topic.as_str(), one.kind, one.id.is_some(), one.streams));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [("t.a", Match::Prefix, true, 1), ("t.topic", Match::Exact, true, 2)]
    );
    let registrations = client.registrations();
    let shown = registrations.iter().map(|one| (one.procedure.as_str(), one.kind, one.id.is_some()));
    let expected = [("t.never", Match::Exact, true), ("t.pattern", Match::Prefix, true)];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert_eq!((client.pending().requests, client.pending().invocations), (0, 0));
    let call = client.call("t.never").into_future();
    let mut call = Box::pin(call);
    while client.pending().invocations == 0 {
        assert!(stage.timeout(Duration::from_millis(2), &mut call).await.is_none());
    }
    assert_eq!(client.pending().requests, 1);
    drop(call);
    stage
        .within(async {
            while client.pending() != Default::default() {
                stage.sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    drop((first, second));
    registration.unregister().await.unwrap();
    assert_eq!((client.subscriptions().len(), client.registrations().len()), (1, 1));
    stage.within(client.close()).await;
    assert!(client.subscriptions().is_empty() && client.registrations().is_empty());
}
