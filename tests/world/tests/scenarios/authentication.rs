//! Who may join, by the rules of the configuration: every method, and every way to get it wrong.

use std::time::Duration;

use serde_json::{Value as Json, json};
use wamp_proto::{
    Channel, Encoding,
    auth::{
        AuthError, Credential, Exchange, Method, Policy, Proof, TLS_EXPORTER, cra,
        cryptosign::{self, SecretKey},
        scram::{self, Kdf},
    },
    channel::{ClientCertificate, Cookie},
    error::Closed,
    message::{Challenge, ChallengeExtra, MessageKind, Welcome, WelcomeDetails},
    router::{Authentication, Config, Grant, Opened, Principal},
    session::{self, Event},
};
use wamp_world::{Client, Random, Raw, World, world::Login};

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32])
}

fn channel() -> Channel {
    let mut channel = Channel::tcp("192.0.2.1:5000", false);
    channel.private = true;
    channel.tls_exporter = Some([9; 32]);
    channel
}

/// A user for every method, each in a role of the same name.
fn principals() -> Vec<Principal> {
    let salt = cra::Salt::new("salt123").iterations(1_000);
    let derived = cra::Credential::derived(salt.derive(&"secret2".into()), salt);
    let kdf = Kdf::pbkdf2(4_096);
    let scram = scram::Credential::derive(&"pencil".into(), b"saltsalt", kdf).unwrap();
    [
        ("ticket", Credential::Ticket("ticket1".into())),
        ("cra", Credential::Cra(cra::Credential::plain("secret1"))),
        ("salted", Credential::Cra(derived)),
        ("scram", Credential::Scram(scram)),
        ("cryptosign", Credential::Cryptosign(vec![key(1).public_key(), key(2).public_key()])),
        ("fingerprint", Credential::CertificateFingerprint([5; 32])),
        ("name", Credential::CertificateName("device1".to_owned())),
        ("cookie", Credential::Cookie { name: "sid".to_owned(), value: "42".into() }),
    ]
    .map(|(name, credential)| Principal::new(name, format!("{name}s")).credential(credential))
    .into()
}

fn rule() -> Authentication {
    let methods = Method::ALL.into_iter().filter(|method| *method != Method::Anonymous);
    principals().into_iter().fold(Authentication::new(methods), Authentication::principal).router_key(key(8))
}

fn guarded(config: &mut Config) {
    config.authentication = vec![rule()];
}

/// The proofs that are right, by user.
fn right() -> [(&'static str, Proof); 5] {
    [
        ("ticket", Proof::Ticket("ticket1".into())),
        ("cra", Proof::Cra(Some("secret1".into()))),
        ("salted", Proof::Cra(Some("secret2".into()))),
        ("scram", Proof::Scram("pencil".into())),
        ("cryptosign", Proof::Cryptosign(key(2))),
    ]
}

/// The same methods with other secrets.
fn wrong() -> [(&'static str, Proof); 5] {
    [
        ("ticket", Proof::Ticket("ticket2".into())),
        ("cra", Proof::Cra(Some("secret2".into()))),
        ("salted", Proof::Cra(Some("secret1".into()))),
        ("scram", Proof::Scram("pencils".into())),
        ("cryptosign", Proof::Cryptosign(key(3))),
    ]
}

fn reason(client: Client, world: &mut World) -> String {
    match client.closed(world) {
        Some(Closed::Aborted { reason, joined: false, .. }) => reason.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn identity(client: Client, world: &mut World) -> [String; 4] {
    let WelcomeDetails { authid, authrole, authmethod, authprovider, .. } = client.welcome(world).details;
    [authid, authrole, authmethod, authprovider].map(Option::unwrap)
}

#[test]
fn a_01_a_03_every_method_lets_the_right_one_in() {
    for encoding in Encoding::ALL {
        let mut world = World::with(1, guarded);
        for (user, proof) in right() {
            let method = proof.method().name();
            let client = world.login(user, encoding, Login::new(user, proof));
            let role = format!("{user}s");
            assert_eq!(identity(client, &mut world), [user, &role, method, "static"], "{encoding:?}");
            // And others see it so.
            let id = client.session_id(&mut world);
            let details = client.ask(&mut world, "wamp.session.get", (id,), ());
            assert!(
                details.contains(&format!(r#""authrole":"{role}","authmethod":"{method}""#)),
                "{details}"
            );
        }
        world.end();
    }
}

#[test]
fn a_07_fault_77_wrong_secrets_and_unknown_users_end_alike() {
    let mut world = World::with(1, guarded);
    for (user, proof) in wrong() {
        for authid in [user, "nobody", "", "josé"] {
            let known = authid == user;
            let login = Login { authid: Some(authid.to_owned()), ..Login::new(user, proof.clone()) };
            let client = world.login(user, Encoding::Json, login);
            let found = reason(client, &mut world);
            let method = proof.method();
            // Somebody who is not there has a method of somebody who is, always the same.
            let expected: &[&str] = if known {
                &["wamp.error.authentication_denied"]
            } else {
                &["wamp.error.authentication_denied", "wamp.error.no_matching_auth_method"]
            };
            assert!(expected.contains(&found.as_str()), "{authid} by {method:?}: {found}");
        }
    }
    assert_eq!(world.counts().sessions, 0);
    world.end();
}

fn hello(raw: Raw, world: &mut World, authid: &str, methods: &[&str], extra: Json) {
    let details = json!({
        "roles": {"caller": {}}, "authid": authid, "authmethods": methods, "authextra": extra,
    });
    raw.send(world, &json!([1, "realm1", details]).to_string());
}

/// What comes back first, with its extra.
fn challenged(raw: Raw, world: &mut World) -> Json {
    let received = raw.received(world);
    let challenge: Json = serde_json::from_str(&received[0]).unwrap();
    assert_eq!(challenge[0], 4, "{received:?}");
    challenge[2].clone()
}

/// The one user there is has a SCRAM password: everybody else seems to have one too, with a salt that stays the same.
#[test]
fn a_42_fault_77_a_mock_challenge_is_as_stable_as_a_real_one() {
    let user = principals().into_iter().find(|principal| principal.authid == "scram").unwrap();
    let mut world = World::with(1, |config| {
        config.authentication = vec![Authentication::new([Method::Scram]).principal(user)];
    });
    let mut salt_of = |authid: &str| {
        let raw = world.raw("mallory", Encoding::Json);
        hello(raw, &mut world, authid, &["wamp-scram"], json!({"nonce": "Y2xpZW50"}));
        let extra = challenged(raw, &mut world);
        assert_eq!((&extra["kdf"], &extra["iterations"]), (&json!("pbkdf2"), &json!(4_096)));
        let proof = json!([5, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", {"nonce": extra["nonce"]}]);
        raw.send(&mut world, &proof.to_string());
        let end = raw.received(&mut world).concat();
        (extra["salt"].as_str().unwrap().to_owned(), end)
    };
    let (real, denied) = salt_of("scram");
    let (one, like) = salt_of("nobody");
    assert_eq!((salt_of("nobody").0, like), (one.clone(), denied));
    let (other, _) = salt_of("anybody");
    assert!(one != other && one != real && one.len() == real.len());
}

#[test]
fn a_15_a_16_a_17_without_a_method_nobody_gets_in_where_one_is_needed() {
    let mut world = World::with(1, guarded);
    for methods in ["", r#","authmethods":[]"#, r#","authmethods":["anonymous"]"#] {
        let raw = world.raw("nobody", Encoding::Json);
        raw.send(&mut world, &format!(r#"[1,"realm1",{{"roles":{{"caller":{{}}}}{methods}}}]"#));
        let answer = raw.received(&mut world).concat();
        assert!(answer.ends_with(r#","wamp.error.authentication_required"]"#), "{answer}");
    }
    for methods in [&["wampsomething"][..], &["ticket"], &["tls", "cookie"]] {
        let raw = world.raw("nobody", Encoding::Json);
        hello(raw, &mut world, "cra", methods, Json::Null);
        assert!(raw.received(&mut world).concat().contains("no_matching_auth_method"), "{methods:?}");
    }
    world.end();
}

/// The client's order is that of preference; what the router does not take, or has nothing for, is skipped.
#[test]
fn a_01_a_08_one_hello_with_many_methods() {
    let mut world = World::with(1, guarded);
    let all = vec![
        Proof::Anonymous,
        Proof::Tls,
        Proof::Cookie,
        Proof::Scram("x".into()),
        Proof::Cryptosign(key(7)),
        Proof::Cra(Some("secret1".into())),
        Proof::Ticket("x".into()),
    ];
    let login = Login { proofs: all, ..Login::new("cra", Proof::Anonymous) };
    let client = world.login("cra", Encoding::Cbor, login);
    assert_eq!(identity(client, &mut world)[2], "wampcra");
    world.end();
}

#[test]
fn a_30_a_31_the_challenge_names_the_session_that_is_opened() {
    let mut world = World::with(1, guarded);
    let client = world.login("cra", Encoding::Json, Login::new("cra", Proof::Cra(Some("secret1".into()))));
    let session = client.session_id(&mut world);
    let [Event::Challenge(challenge), Event::Joined(_)] = &client.events(&mut world)[..] else { panic!() };
    let challenge: Json = serde_json::from_str(challenge.extra.challenge.as_ref().unwrap()).unwrap();
    for (name, value) in
        [("authid", "cra"), ("authrole", "cras"), ("authmethod", "wampcra"), ("authprovider", "static")]
    {
        assert_eq!(challenge[name], value);
    }
    assert!(challenge["timestamp"].as_str().unwrap().ends_with('Z') && challenge["nonce"].is_string());
    assert_eq!(challenge["session"], session.get());
    world.end();
}

#[test]
fn fault_79_a_signature_for_one_session_is_nothing_in_another() {
    let mut world = World::with(1, guarded);
    let [one, two] = ["one", "two"].map(|name| {
        let raw = world.raw(name, Encoding::Json);
        hello(raw, &mut world, "cra", &["wampcra"], Json::Null);
        (raw, challenged(raw, &mut world)["challenge"].as_str().unwrap().to_owned())
    });
    assert_ne!(one.1, two.1);
    let answer = json!([5, cra::sign(&"secret1".into(), &one.1), {}]).to_string();
    two.0.send(&mut world, &answer);
    assert!(two.0.received(&mut world).concat().contains("authentication_denied"));
    one.0.send(&mut world, &answer);
    assert!(one.0.received(&mut world).concat().starts_with("[2,"));
    // Once is enough, and twice is too much.
    one.0.send(&mut world, &answer);
    assert!(one.0.received(&mut world).concat().contains("protocol_violation"));
    world.end();
}

#[test]
fn a_06_fault_84_no_answer_in_time() {
    let mut world = World::with(1, guarded);
    let raw = world.raw("slow", Encoding::Json);
    hello(raw, &mut world, "cra", &["wampcra"], Json::Null);
    let text = challenged(raw, &mut world)["challenge"].as_str().unwrap().to_owned();
    world.advance(Duration::from_millis(9_999));
    assert!(world.is_connected(raw));
    world.advance(Duration::from_millis(1));
    assert!(!world.is_connected(raw));
    assert!(raw.received(&mut world).concat().contains("authentication_failed"));
    raw.send(&mut world, &json!([5, cra::sign(&"secret1".into(), &text), {}]).to_string());
    assert_eq!(world.counts().sessions, 0);
    world.end();
}

#[test]
fn s_26_anything_but_authenticate_is_a_violation() {
    for message in
        [r#"[48,1,{},"a.b"]"#, r#"[6,{},"wamp.close.normal"]"#, r#"[1,"realm1",{"roles":{"caller":{}}}]"#]
    {
        let mut world = World::with(1, guarded);
        let raw = world.raw("hasty", Encoding::Json);
        hello(raw, &mut world, "cra", &["wampcra"], Json::Null);
        challenged(raw, &mut world);
        raw.send(&mut world, message);
        assert!(raw.received(&mut world).concat().contains("protocol_violation"), "{message}");
        world.end();
    }
}

#[test]
fn a_18_a_19_certificates_and_cookies_only_when_they_are_offered() {
    let certificate = |sha256, name: &str| {
        let mut channel = channel();
        channel.client_certificate = Some(ClientCertificate::new(sha256, [name.to_owned()]));
        channel
    };
    let cookie = |text: &str| {
        let mut channel = channel();
        channel.cookie = Some(Cookie::new(text));
        channel
    };
    let mut world = World::with(1, guarded);
    for (seen, proof, user) in [
        (certificate([5; 32], "x"), Proof::Tls, Some("fingerprint")),
        (certificate([6; 32], "device1"), Proof::Tls, Some("name")),
        (certificate([6; 32], "device2"), Proof::Tls, None),
        (channel(), Proof::Tls, None),
        (cookie("a=b; sid=42"), Proof::Cookie, Some("cookie")),
        (cookie("sid=43"), Proof::Cookie, None),
        (cookie("xsid=42"), Proof::Cookie, None),
        // crossbar#33: what was not offered is not used.
        (cookie("sid=42"), Proof::Tls, None),
        (cookie("sid=42"), Proof::Anonymous, None),
    ] {
        let login = Login { authid: None, seen: Some(seen.clone()), ..Login::new("", proof) };
        let client = world.login("client", Encoding::MessagePack, login);
        match user {
            Some(user) => assert_eq!(identity(client, &mut world)[0], user),
            None => assert!(client.closed(&mut world).is_some(), "{seen:?}"),
        }
    }
    world.end();
}

#[test]
fn a_20_in_process_clients_are_known_unless_they_say_who_they_are() {
    let mut world = World::with(1, guarded);
    let opened = || Opened::new(Encoding::Json).channel(Channel::in_process()).known_as(Grant::trusted());
    let raw = world.raw_as("inside", opened());
    raw.hello(&mut world);
    let welcome = raw.received(&mut world).concat();
    assert!(welcome.contains(r#""authid":"trusted-"#), "{welcome}");
    assert!(welcome.contains(r#""authrole":"trusted","authmethod":"trusted""#), "{welcome}");
    let raw = world.raw_as("inside", opened());
    hello(raw, &mut world, "ticket", &["ticket"], Json::Null);
    challenged(raw, &mut world);
    world.end();
}

#[test]
fn rules_of_realms_and_listeners() {
    let mut world = World::with(1, |config| {
        let mut guest = Authentication::new([Method::Anonymous]);
        guest.anonymous_role = "guest".to_owned();
        config.authentication = vec![
            guest.realm("realm1".parse().unwrap()).listener("inner"),
            rule().realm("realm1".parse().unwrap()),
        ];
    });
    let mut inner = Channel::unix();
    inner.listener = Some("inner".into());
    for (channel, realm, answer) in [
        (inner.clone(), "realm1", r#""authrole":"guest""#),
        (Channel::unix(), "realm1", "authentication_required"),
        (inner, "realm2", "authentication_required"),
    ] {
        let raw = world.raw_as("client", Opened::new(Encoding::Json).channel(channel));
        raw.send(&mut world, &format!(r#"[1,"{realm}",{{"roles":{{"caller":{{}}}}}}]"#));
        let found = raw.received(&mut world).concat();
        assert!(found.contains(answer), "{found}");
    }
    world.end();
}

fn bound(proof: Proof, user: &str) -> Login {
    let mut login = Login { channel: channel(), ..Login::new(user, proof) };
    login.policy.channel_binding = Some(TLS_EXPORTER.to_owned());
    login
}

#[test]
fn a_46_a_68_a_74_bound_to_the_channel_both_ends_see() {
    for (user, proof) in [("scram", Proof::Scram("pencil".into())), ("cryptosign", Proof::Cryptosign(key(1)))]
    {
        let mut world = World::with(1, guarded);
        let client = world.login("good", Encoding::Json, bound(proof.clone(), user));
        assert_eq!(client.closed(&mut world), None, "{user}");
        // Somebody is in between: two channels.
        let mut other = channel();
        other.tls_exporter = Some([10; 32]);
        let login = Login { seen: Some(other), ..bound(proof.clone(), user) };
        let client = world.login("relayed", Encoding::Json, login);
        assert_eq!(reason(client, &mut world), "wamp.error.authentication_denied", "{user}");
        // The router does not see the channel: a downgrade is refused by whoever can.
        let login = Login { seen: Some(Channel::unix()), ..bound(proof, user) };
        let client = world.login("unbound", Encoding::Json, login);
        assert!(client.closed(&mut world).is_some(), "{user}");
        assert_eq!(world.counts().sessions, 1);
        world.end();
    }
    let mut world = World::with(1, guarded);
    let mut login = Login { seen: Some(Channel::unix()), ..bound(Proof::Cryptosign(key(1)), "cryptosign") };
    let client = world.login("strict", Encoding::Json, login.clone());
    assert_eq!(client.closed(&mut world), Some(Closed::Authentication(AuthError::Unbound)));
    login.policy.allow_unbound = true;
    let client = world.login("lax", Encoding::Json, login);
    assert_eq!(client.closed(&mut world), None);
}

#[test]
fn a_73_there_is_no_tls_unique() {
    let mut policy = Policy::default();
    policy.channel_binding = Some("tls-unique".to_owned());
    let refused =
        Exchange::new(None, vec![Proof::Cryptosign(key(1))], policy.clone(), channel(), [0; 32]).unwrap_err();
    assert_eq!(refused, AuthError::NoChannelBinding("tls-unique".to_owned()));
    assert!(refused.to_string().contains("tls-exporter"));
    policy.channel_binding = Some(TLS_EXPORTER.to_owned());
    let refused = Exchange::new(None, vec![], policy, Channel::unix(), [0; 32]);
    assert!(matches!(refused, Err(AuthError::NoChannelBinding(_))));
}

#[test]
fn a_75_a_76_the_router_proves_who_it_is() {
    let mut world = World::with(1, guarded);
    for (expected, binding, good) in [(8, false, true), (8, true, true), (9, false, false)] {
        let mut login = if binding {
            bound(Proof::Cryptosign(key(1)), "cryptosign")
        } else {
            Login::new("cryptosign", Proof::Cryptosign(key(1)))
        };
        login.policy.router_key = Some(key(expected).public_key());
        let client = world.login("client", Encoding::Json, login);
        let closed = client.closed(&mut world);
        assert_eq!(closed.is_none(), good, "{closed:?}");
        assert!(good || matches!(closed, Some(Closed::Authentication(AuthError::Router(_)))));
    }
    // By a method that cannot prove it, the router stays unknown.
    let mut login = Login::new("cra", Proof::Cra(Some("secret1".into())));
    login.policy.router_key = Some(key(8).public_key());
    let client = world.login("client", Encoding::Json, login);
    assert!(matches!(client.closed(&mut world), Some(Closed::Authentication(AuthError::Router(_)))));
}

#[test]
fn a_66_the_key_is_name_enough() {
    let mut world = World::with(1, guarded);
    let login = Login { authid: None, ..Login::new("", Proof::Cryptosign(key(1))) };
    let client = world.login("client", Encoding::Json, login);
    assert_eq!(identity(client, &mut world)[0], "cryptosign");
}

#[test]
fn fault_83_hellos_that_no_challenge_can_be_made_of() {
    let mut world = World::with(1, guarded);
    let (pubkey, long) = (key(1).public_key().to_string(), "QUJD".repeat(100));
    for (authid, method, extra) in [
        ("cryptosign", "cryptosign", json!({})),
        ("cryptosign", "cryptosign", json!({"pubkey": &pubkey[..62]})),
        ("cryptosign", "cryptosign", json!({"pubkey": "00".repeat(32)})),
        ("cryptosign", "cryptosign", json!({"pubkey": 7})),
        ("cryptosign", "cryptosign", json!({"pubkey": pubkey, "challenge": "00"})),
        ("scram", "wamp-scram", json!({})),
        ("scram", "wamp-scram", json!({"nonce": ""})),
        ("scram", "wamp-scram", json!({"nonce": "a b"})),
        ("scram", "wamp-scram", json!({"nonce": long})),
        ("scram", "wamp-scram", json!({"nonce": "Y2xpZW50", "channel_binding": "tls-unique"})),
    ] {
        let raw = world.raw("mallory", Encoding::Json);
        hello(raw, &mut world, authid, &[method], extra.clone());
        let answer = raw.received(&mut world).concat();
        assert!(answer.contains("authentication_failed"), "{extra}: {answer}");
    }
    world.end();
}

fn exchange(proof: Proof, channel: Channel) -> Exchange {
    Exchange::new(Some("joe".to_owned()), vec![proof], Policy::default(), channel, [3; 32]).unwrap()
}

fn challenge(authmethod: &str, extra: ChallengeExtra) -> Challenge {
    Challenge { authmethod: authmethod.to_owned(), extra }
}

#[test]
fn fault_80_a_ticket_goes_nowhere_where_others_read() {
    let asked = challenge("ticket", ChallengeExtra::default());
    let proof = || Proof::Ticket("secret".into());
    assert!(exchange(proof(), Channel::unix()).answer(&asked).is_ok());
    let readable = Channel::tcp("192.0.2.1:80", false);
    assert_eq!(
        exchange(proof(), readable.clone()).answer(&asked).unwrap_err(),
        AuthError::Readable("ticket")
    );
    let mut policy = Policy::default();
    policy.insecurely_allow_readable_tickets = true;
    assert!(Exchange::new(None, vec![proof()], policy, readable, [3; 32]).unwrap().answer(&asked).is_ok());
    // A signature of WAMP-CRA gives a weak secret away to whoever tries enough of them.
    let extra = ChallengeExtra { challenge: Some("{}".to_owned()), ..ChallengeExtra::default() };
    let asked_to_sign = challenge("wampcra", extra);
    for secret in [Some("secret".into()), None] {
        let proof = Proof::Cra(secret);
        assert!(exchange(proof.clone(), Channel::unix()).answer(&asked_to_sign).is_ok());
        let readable = Channel::tcp("192.0.2.1:80", false);
        let refused = exchange(proof.clone(), readable.clone()).answer(&asked_to_sign).unwrap_err();
        assert_eq!(refused, AuthError::Guessable("wampcra"));
        let mut policy = Policy::default();
        policy.insecurely_allow_guessable_secrets = true;
        let mut allowed = Exchange::new(None, vec![proof], policy, readable, [3; 32]).unwrap();
        assert!(allowed.answer(&asked_to_sign).is_ok());
    }
    // A-09: and never when it was not offered.
    let mut cra = exchange(Proof::Cra(Some("secret".into())), Channel::unix());
    assert_eq!(cra.answer(&asked).unwrap_err(), AuthError::NotOffered("ticket".to_owned()));
}

#[test]
fn fault_80_fault_82_welcomes_that_are_not_to_be_trusted() {
    let welcome = |details| Welcome { session: 1.try_into().unwrap(), details };
    let plain =
        || welcome(WelcomeDetails { authmethod: Some("anonymous".to_owned()), ..WelcomeDetails::default() });
    let mut scram = exchange(Proof::Scram("pencil".into()), Channel::unix());
    assert_eq!(scram.check_welcome(&plain()), Err(AuthError::NotOffered("anonymous".to_owned())));
    assert_eq!(exchange(Proof::Anonymous, Channel::unix()).check_welcome(&plain()), Ok(()));
    let mut config = session::Config::new("realm1".parse().unwrap());
    scram.fill(&mut config);
    let nonce = config.authextra.unwrap().get("nonce").unwrap().as_str().unwrap().to_owned();
    let extra = ChallengeExtra {
        nonce: Some(nonce + "c2VydmVy"),
        salt: Some("c2FsdHNhbHQ=".to_owned()),
        kdf: Some("pbkdf2".to_owned()),
        iterations: Some(4_096),
        ..ChallengeExtra::default()
    };
    scram.answer(&challenge("wamp-scram", extra)).unwrap();
    // A router that takes any proof, since it does not know the password.
    for verifier in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), Some("")] {
        let authextra = verifier.map(|verifier| [("verifier", verifier)].into_iter().collect());
        let told = welcome(WelcomeDetails { authextra, ..WelcomeDetails::default() });
        assert!(matches!(scram.check_welcome(&told), Err(AuthError::Router(_))));
    }
}

#[test]
fn s_04_more_than_one_round() {
    let proofs = vec![Proof::Cra(Some("secret".into())), Proof::Ticket("pin".into())];
    let mut exchange = Exchange::new(None, proofs, Policy::default(), Channel::unix(), [3; 32]).unwrap();
    let text = ChallengeExtra { challenge: Some("{}".to_owned()), ..ChallengeExtra::default() };
    assert!(exchange.answer(&challenge("wampcra", text)).is_ok());
    assert!(exchange.answer(&challenge("ticket", ChallengeExtra::default())).is_ok());
}

/// Fault 88.
#[test]
fn secrets_are_not_shown() {
    let mut config = Config::new(["realm1".parse().unwrap()]);
    guarded(&mut config);
    let message =
        wamp_proto::message::Authenticate { signature: "ticket1".into(), extra: Default::default() };
    let exchange =
        Exchange::new(None, right().map(|(_, proof)| proof).into(), Policy::default(), channel(), [3; 32]);
    let shown = format!("{config:?} {message:?} {exchange:?} {:?}", Cookie::new("sid=42"));
    for secret in
        ["ticket1", "secret1", "pencil", "sid=42", "nythvFZ7EuM5sPCQ", &"0202".repeat(16), "2, 2, 2, 2"]
    {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    assert!(message_kind_is_still_told(&shown));
}

fn message_kind_is_still_told(shown: &str) -> bool {
    shown.contains("Authenticate {") && MessageKind::Authenticate.code() == 5
}

/// Whatever AUTHENTICATE says, it lets nobody in and breaks nothing.
#[test]
fn fault_83_random_answers_let_nobody_in() {
    let mut random = Random::new(7);
    let mut world = World::with(1, guarded);
    let good_length = cryptosign::attach(&[0; 64], &[0; 32]);
    for round in 0..400 {
        let (user, proof) = right()[round % 5].clone();
        let raw = world.raw("mallory", Encoding::Json);
        let extra = json!({"nonce": "Y2xpZW50", "pubkey": key(1).public_key().to_string()});
        hello(raw, &mut world, user, &[proof.method().name()], extra);
        let asked = challenged(raw, &mut world);
        let mut text = match random.below(4) {
            0 => String::new(),
            1 => good_length.clone(),
            2 => asked["challenge"].as_str().unwrap_or("A").to_owned(),
            _ => cra::sign(&"guess".into(), "x"),
        };
        for _ in 0..random.below(4) {
            let at = random.below(text.len() + 1);
            if text.is_char_boundary(at) {
                text.insert(at, ['=', 'A', 'é', '0', '\u{1}'][random.below(5)]);
            }
        }
        let nonce = if random.below(2) == 0 { asked["nonce"].clone() } else { Json::Null };
        let extra = json!({"nonce": nonce, "channel_binding": Json::Null, "cbind_data": "x"});
        raw.send(&mut world, &json!([5, text, extra]).to_string());
        let end = raw.received(&mut world).concat();
        assert!(end.starts_with("[3,"), "{user}: {text}: {end}");
    }
    assert_eq!(world.counts().sessions, 0);
    world.end();
}
