//! Clients that prove who they are, and routers that ask others about them.

use std::{
    future::pending,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wamp_driver::{
    Authentication, BoxFuture, ConnectError, ErrorReply, Fault, Grant, Principal, Question, Verdict,
    auth::{
        Anonymous, Auth, BoxError, CookieHeader, Cra, Cryptosign, Method, Scram, Secret, SecretKey, Ticket,
    },
    proto::{
        Dict, Encoding, Uri, Value,
        auth::{Credential, cra, scram},
        channel::Cookie,
        error::Closed,
    },
};

use super::{Kit, RouterSettings, Stage, Transport};

const TRANSPORTS: [Transport; 4] = [Transport::Ws, Transport::Tcp, Transport::Unix, Transport::InProcess];

fn key() -> SecretKey {
    SecretKey::from_bytes(&[1; 32])
}

/// A user by each method; the secret of all of them is `secret`, if they have one.
fn rule() -> Authentication {
    let salt = cra::Salt::new("salt").iterations(1_000);
    let derived = cra::Credential::derived(salt.derive(&"secret".into()), salt);
    let kdf = scram::Kdf::pbkdf2(4_096);
    let scram = scram::Credential::derive(&"secret".into(), b"saltsalt", kdf).expect("a password");
    let users = [
        ("ticket", Credential::Ticket("secret".into())),
        ("cra", Credential::Cra(cra::Credential::plain("secret"))),
        ("salted", Credential::Cra(derived)),
        ("scram", Credential::Scram(scram)),
        ("cryptosign", Credential::Cryptosign(vec![key().public_key()])),
        ("cookie", Credential::Cookie { name: "sid".to_owned(), value: "42".into() }),
    ];
    let users = users.map(|(name, credential)| Principal::new(name, "user").credential(credential));
    users.into_iter().fold(Authentication::new(Method::ALL), Authentication::principal).router_key(key())
}

fn guarded(transport: Transport) -> RouterSettings {
    RouterSettings::on(transport).config(|config| {
        let mut rule = rule();
        rule.methods.retain(|method| *method != Method::Anonymous);
        config.authentication = vec![rule];
    })
}

fn ways(secret: &Secret) -> [(&'static str, Auth); 4] {
    [
        ("ticket", Ticket::new("ticket", secret.clone()).into()),
        ("cra", Cra::new("cra", secret.clone()).into()),
        ("salted", Cra::new("salted", secret.clone()).into()),
        ("scram", Scram::new("scram", secret.clone()).into()),
    ]
}

async fn stages(kit: &Kit, settings: impl Fn(Transport) -> RouterSettings) -> Vec<Stage> {
    let mut stages = Vec::new();
    for (transport, encoding) in
        kit.transports(&TRANSPORTS).into_iter().zip(Encoding::ALL.into_iter().cycle())
    {
        stages.push(kit.stage_with(transport, encoding, settings(transport)).await);
    }
    stages
}

async fn join(stage: &Stage, ways: impl IntoIterator<Item = Auth>) -> Result<[String; 3], ConnectError> {
    let client =
        stage.within(stage.connect().options(|options| options.auth = ways.into_iter().collect())).await?;
    let welcome = client.welcome();
    let told = [&welcome.authid, &welcome.authrole, &welcome.authmethod];
    let told = told.map(|told| told.clone().expect("WELCOME says who we are"));
    stage.within(client.close()).await;
    Ok(told)
}

fn refusal(joined: Result<[String; 3], ConnectError>) -> String {
    let error = joined.expect_err("nobody is let in");
    assert_eq!(error.fault(), Fault::Application, "{error}");
    error.refusal().map(|(reason, _)| reason.to_string()).unwrap_or_else(|| panic!("{error}"))
}

/// A-01, A-03, A-77: the right secret, over everything, with every serializer.
pub(super) async fn every_method_and_its_right_secret(kit: Kit) {
    for stage in stages(&kit, guarded).await {
        for (user, way) in ways(&"secret".into()) {
            let told = join(&stage, [way]).await.expect("it joins");
            assert_eq!((told[0].as_str(), told[1].as_str()), (user, "user"));
        }
        let hex = "01".repeat(32);
        let way = Cryptosign::new(hex.as_str()).authid("cryptosign").expect_router(key().public_key());
        assert_eq!(join(&stage, [way.into()]).await.expect("it joins")[2], "cryptosign");
        // The first that fits, of many.
        let many = [Anonymous.into(), CookieHeader.into(), Cra::new("ticket", "x").into()];
        let many = many.into_iter().chain([Ticket::new("ticket", "secret").into()]);
        if stage.url().is_some() {
            assert_eq!(join(&stage, many).await.expect("it joins")[2], "ticket");
        }
        stage.settle(|counts| counts.sessions == 0).await;
    }
}

/// Fault 77, A-16: why not, in words that give nothing away.
pub(super) async fn wrong_secrets_and_unknown_users(kit: Kit) {
    for stage in stages(&kit, guarded).await {
        for (_, way) in ways(&"wrong".into()) {
            assert_eq!(refusal(join(&stage, [way]).await), "wamp.error.authentication_denied");
        }
        let other = Cryptosign::new("02".repeat(32)).authid("cryptosign");
        assert_eq!(refusal(join(&stage, [other.into()]).await), "wamp.error.authentication_denied");
        if stage.url().is_some() {
            assert_eq!(refusal(join(&stage, []).await), "wamp.error.authentication_required");
        }
        let stranger = Cryptosign::new("01".repeat(32)).authid("cryptosign");
        let stranger = stranger.expect_router(SecretKey::from_bytes(&[3; 32]).public_key());
        let error = join(&stage, [stranger.into()]).await.expect_err("the router is another one");
        assert!(matches!(error, ConnectError::Join(Closed::Authentication(_))), "{error}");
        assert_eq!(error.fault(), Fault::Router);
        stage.settle(|counts| counts.connections == 0).await;
    }
}

/// Secrets of every origin; one that is not there names the place, and nothing is sent.
pub(super) async fn secrets_from_everywhere(kit: Kit) {
    let stage = kit.stage_with(Transport::Ws, Encoding::Json, guarded(Transport::Ws)).await;
    let file = std::env::temp_dir().join(format!("wamp-secret-{:p}", &raw const stage));
    std::fs::write(&file, "secret\n").expect("a file");
    let callback = Secret::callback(|| Ok("secret".to_owned()));
    for secret in [Secret::literal("secret"), Secret::file(&file), callback] {
        for (user, way) in ways(&secret) {
            assert_eq!(join(&stage, [way]).await.expect("it joins")[0], user);
        }
    }
    std::fs::remove_file(&file).expect("the file");
    let failing = Secret::callback(|| Err("the vault is closed".into()));
    for (secret, named) in [
        (Secret::env("WAMP_NO_SUCH_VARIABLE"), "WAMP_NO_SUCH_VARIABLE"),
        (Secret::file(&file), file.to_str().expect("a path")),
        (failing, "the vault is closed"),
    ] {
        let error = join(&stage, [Ticket::new("ticket", secret).into()]).await.expect_err("no secret");
        assert!(matches!(error, ConnectError::Secret { .. }) && error.to_string().contains(named), "{error}");
    }
    let home = std::env::var("PATH").expect("there is one");
    let expected = Credential::Ticket(home.into());
    let settings = RouterSettings::on(Transport::Tcp).config(|config| {
        let user = Principal::new("joe", "user").credential(expected);
        config.authentication = vec![Authentication::new([Method::Ticket]).principal(user)];
    });
    let stage = kit.stage_with(Transport::Tcp, Encoding::Cbor, settings).await;
    assert_eq!(
        join(&stage, [Ticket::new("joe", Secret::env("PATH")).into()]).await.expect("it joins")[0],
        "joe"
    );
}

/// A-38.
pub(super) async fn somebody_else_signs(kit: Kit) {
    let stage = kit.stage_with(Transport::Ws, Encoding::MessagePack, guarded(Transport::Ws)).await;
    let runtime = kit.clone();
    let sign = move |challenge: String| {
        let kit = runtime.clone();
        async move {
            kit.sleep(Duration::from_millis(1)).await;
            Ok(cra::sign(&"secret".into(), &challenge))
        }
    };
    assert_eq!(join(&stage, [Cra::signed_by("cra", sign).into()]).await.expect("it joins")[0], "cra");
    let sign = |message: [u8; 32]| async move { Ok(key().sign(&message)) };
    let way = Cryptosign::signed_by(key().public_key(), sign);
    assert_eq!(join(&stage, [way.into()]).await.expect("it joins")[0], "cryptosign");
    let broken = |_| async { Err("no key in the slot".into()) };
    let error = join(&stage, [Cra::signed_by("cra", broken).into()]).await.expect_err("nobody signs");
    assert!(error.to_string().contains("no key in the slot"), "{error}");
}

/// A-18: a cookie of the handshake.
pub(super) async fn cookies(kit: Kit) {
    let stage = kit.stage_with(Transport::Ws, Encoding::Json, guarded(Transport::Ws)).await;
    for (cookie, known) in [("theme=dark; sid=42", true), ("sid=43", false)] {
        let connect = stage.connect().options(|options| {
            options.auth = vec![CookieHeader.into()];
            options.headers = vec![("Cookie".to_owned(), cookie.into())];
            assert!(!format!("{options:?}").contains("sid"));
        });
        assert_eq!(stage.within(connect).await.is_ok(), known, "{:?}", Cookie::new(cookie));
    }
}

type Decision = BoxFuture<Result<Verdict, BoxError>>;

/// Decides by the ticket alone.
fn decide(question: Question) -> Decision {
    let ticket =
        question.ticket.as_ref().and_then(|ticket| ticket.expose_text()).unwrap_or_default().to_owned();
    assert!(ticket != "panic at once", "as the ticket says");
    Box::pin(async move {
        match ticket.as_str() {
            "good" => Ok(Verdict::Accept(Grant::new("somebody", "guest").provider("code"))),
            "panic" => panic!("as the ticket says"),
            "slow" => pending().await,
            "broken" => Err("the database is gone: password=hunter2".into()),
            "refused" => {
                let reason = Uri::unchecked("com.example.closed");
                Ok(Verdict::Refuse { reason, message: "come back later".to_owned() })
            }
            _ => Ok(Verdict::Deny),
        }
    })
}

/// Fault 85: an authenticator decides, and one that fails lets nobody in.
pub(super) async fn an_authenticator_decides(kit: Kit) {
    let asked = |transport| {
        let settings = RouterSettings::on(transport).authenticator("realm1", vec![Method::Ticket], decide);
        settings.authenticator_timeout(Duration::from_secs(1))
    };
    for stage in stages(&kit, asked).await {
        let told = join(&stage, [Ticket::new("joe", "good").into()]).await.expect("it joins");
        assert_eq!(told, ["somebody", "guest", "ticket"]);
        for (ticket, reason) in [
            ("bad", "wamp.error.authentication_denied"),
            ("refused", "com.example.closed"),
            ("panic", "wamp.error.authentication_failed"),
            ("panic at once", "wamp.error.authentication_failed"),
            ("broken", "wamp.error.authentication_failed"),
            ("slow", "wamp.error.authentication_failed"),
        ] {
            let joined = join(&stage, [Ticket::new("joe", ticket).into()]).await;
            // crossbar#649: what went wrong within is not for the client.
            assert!(!format!("{joined:?}").contains("hunter2"));
            assert_eq!(refusal(joined), reason);
        }
        stage.settle(|counts| counts.connections == 0).await;
    }
}

/// As Crossbar has it: a role, or a dict.
fn answer(authid: Option<String>, details: &Dict) -> Result<Value, ErrorReply> {
    let text = |key: &str| details.get(key).and_then(Value::as_str).unwrap_or_default();
    let public = key().public_key().to_string();
    Ok(match (text("authmethod"), authid.as_deref()) {
        ("ticket", Some("joe")) if text("ticket") == "secret" => "user".into(),
        ("ticket", Some("oddly")) => 7.into(),
        ("wampcra", _) => {
            Dict::from_iter([("role", "user"), ("secret", "secret"), ("authid", "renamed")]).into()
        }
        ("cryptosign", _) => Dict::from_iter([("role", "user"), ("pubkey", public.as_str())]).into(),
        _ => return Err(ErrorReply::new("com.example.unknown")),
    })
}

/// A-85: a procedure decides.
pub(super) async fn a_procedure_decides(kit: Kit) {
    let methods = vec![Method::Ticket, Method::Cra, Method::Cryptosign];
    let asked = |transport| {
        let settings = RouterSettings::on(transport).realms(["realm1", "inner"]);
        let settings =
            settings.authenticator_procedure("realm1", methods.clone(), "com.example.authenticate", "inner");
        settings.config(|config| {
            let inner = "inner".parse().expect("a realm");
            config.authentication.push(Authentication::new([Method::Anonymous]).realm(inner));
        })
    };
    for stage in stages(&kit, asked).await {
        let joe = |ticket: &str| Auth::from(Ticket::new("joe", ticket));
        assert_eq!(refusal(join(&stage, [joe("secret")]).await), "wamp.error.authentication_failed");
        let authenticator = stage.within(stage.connect().realm("inner")).await.expect("it joins");
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let procedure = move |_realm: String, authid: Option<String>, details: Dict| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(answer(authid, &details))
        };
        let registered = authenticator.register("com.example.authenticate", procedure);
        stage.within(registered).await.expect("it registers");
        for (way, expected) in [
            (joe("secret"), ["joe", "user", "ticket"]),
            (Cra::new("joe", "secret").into(), ["renamed", "user", "wampcra"]),
            (Cryptosign::new("01".repeat(32)).authid("joe").into(), ["joe", "user", "cryptosign"]),
        ] {
            assert_eq!(join(&stage, [way]).await.expect("it joins"), expected);
        }
        for (way, reason) in [
            (joe("wrong"), "wamp.error.authentication_denied"),
            (Cra::new("joe", "wrong").into(), "wamp.error.authentication_denied"),
            (Cryptosign::new("02".repeat(32)).authid("joe").into(), "wamp.error.authentication_denied"),
            (Ticket::new("oddly", "x").into(), "wamp.error.authentication_failed"),
        ] {
            assert_eq!(refusal(join(&stage, [way]).await), reason);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 7);
        stage.within(authenticator.close()).await;
        stage.shut_down().await;
    }
}

/// Faults 80, 81, 82, 83: what a client does not put up with, and that its secret stays with it.
pub(super) async fn routers_that_are_not_to_be_trusted(kit: Kit) {
    let cra = || Auth::from(Cra::new("joe", "hunter2"));
    let scram = || Auth::from(Scram::new("joe", "hunter2"));
    let key = || Auth::from(Cryptosign::new("01".repeat(32)));
    for (way, answer, why) in [
        (cra(), r#"[4,"ticket",{}]"#, "`ticket`, which was not offered"),
        (
            cra(),
            r#"[2,1,{"roles":{"broker":{}},"authmethod":"anonymous"}]"#,
            "`anonymous`, which was not offered",
        ),
        (cra(), r#"[4,"wampcra",{}]"#, "challenge is bad"),
        (
            cra(),
            r#"[4,"wampcra",{"challenge":"x","salt":"s","iterations":1000000000}]"#,
            "iterations must be",
        ),
        (cra(), r#"[4,"wampcra",{"challenge":"x","salt":"s","iterations":1}]"#, "iterations must be"),
        (cra(), r#"[4,"wampcra",{"challenge":"x","salt":"s","keylen":2147483648}]"#, "keylen must be"),
        (
            scram(),
            r#"[4,"wamp-scram",{"nonce":"theirs","salt":"c2FsdA==","kdf":"pbkdf2","iterations":4096}]"#,
            "challenge is bad",
        ),
        (
            scram(),
            r#"[2,1,{"roles":{"broker":{}},"authmethod":"wamp-scram"}]"#,
            "the router opened the session by the method `wamp-scram`",
        ),
        (key(), r#"[4,"cryptosign",{"challenge":"00ff"}]"#, "challenge is bad"),
        (key(), r#"[4,"cryptosign",{}]"#, "challenge is bad"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("tcp://{}", listener.local_addr().expect("an address"));
        let heard = kit.blocking(move || converse(&listener, answer));
        let connect = kit.connect(url).serializers([Encoding::Json]);
        let joined = kit.within(connect.options(|options| options.auth = vec![way])).await;
        let error = joined.expect_err("the client does not go on");
        let distrusted =
            matches!(error, ConnectError::Join(Closed::Authentication(_) | Closed::Violation(_)));
        assert!(distrusted, "{answer}: {error}");
        assert!(error.to_string().contains(why), "{answer}: {error}");
        assert_eq!(error.fault(), Fault::Router, "{answer}");
        let heard = kit.within(heard).await;
        assert!(heard.contains("[3,{"), "{answer}: no ABORT in {heard}");
        assert!(!heard.contains("hunter2") && !heard.contains("[5,"), "{answer}: {heard}");
    }
}

/// Answers HELLO over RawSocket, and gives all that the client says.
fn converse(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().expect("a client");
    let mut head = [0; 4];
    stream.read_exact(&mut head).expect("a handshake");
    stream.write_all(&[0x7F, 0xF1, 0, 0]).expect("it reads");
    stream.read_exact(&mut head).expect("a frame");
    let length = u32::try_from(answer.len()).expect("a short answer");
    stream.write_all(&[&length.to_be_bytes()[..], answer.as_bytes()].concat()).expect("it reads");
    let mut heard = Vec::new();
    // Being cut off is an end as well.
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8_lossy(&heard).into_owned()
}
