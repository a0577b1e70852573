//! Authentication and TLS, faults 77 to 88, as far as they are the router's; the client's part is in the conformance suite
//! and in the tests of the command line.

use std::io::{Read as _, Write as _};

use wamp_tokio::proto::{
    Encoding,
    auth::{cra, cryptosign, scram},
    message::{ChallengeExtra, Message},
};

use crate::{
    encode::{V, v},
    harness::{
        Directory, Router, Running,
        guarded::{KEY, SECRET},
        start, wamp,
    },
    scene::{Healthy, address},
    wire::{Peer, Reaction, Transport, connect, violation},
};

/// A router that knows its users, and somebody in its other realm who must never notice anything.
struct Scene {
    healthy: Healthy,
    router: Router,
    opened: usize,
}

/// `realm1` is for everybody, `guarded` for those who are known: one user by each method, named like it.
fn known() -> String {
    let kdf = scram::Kdf::argon2id(1, 4_096);
    let kept = scram::Credential::derive(&SECRET.into(), b"saltsalt", kdf).unwrap();
    let [stored, server] = [kept.stored_key, kept.server_key]
        .map(|key| key.expose().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let public = public_key();
    format!(
        r#"
        [[listeners]]
        url = "ws://127.0.0.1:0"
        [realms.realm1]
        anonymous = "anybody"
        [roles.anybody]
        allow_all = true
        [users.ticket]
        role = "user"
        realms = ["guarded"]
        ticket = "{SECRET}"
        [users.cra]
        role = "user"
        realms = ["guarded"]
        wampcra = {{ secret = "{SECRET}" }}
        [users.scram]
        role = "user"
        realms = ["guarded"]
        scram = {{ kdf = "argon2id13", iterations = 1, memory = 4096, salt = "c2FsdHNhbHQ=", stored_key = "{stored}", server_key = "{server}" }}
        [users.key]
        role = "user"
        realms = ["guarded"]
        public_keys = ["{public}"]
        "#
    )
}

/// What else a configuration has where nothing special is wanted.
const USUAL: &str = "[realms.guarded]\n[roles.user]\nallow_all = true\n";

impl Scene {
    fn start() -> Self {
        Self::start_with(USUAL, &[])
    }

    fn start_with(more: &str, environment: &[(&str, &str)]) -> Self {
        let router = Router::configured(Directory::new(), &(known() + more), environment);
        Self { healthy: Healthy::join(address(&router)), router, opened: 0 }
    }

    /// A command that serves a procedure, as the user `decider` of a realm.
    fn decider(&self, procedure: &str, realm: &str, command: &str) -> Running {
        let environment =
            [("WAMP_URL", self.router.url()), ("WAMP_AUTHID", "decider"), ("WAMP_TICKET", SECRET)];
        let running = start(&["register", procedure, "-r", realm, "--exec", command], &environment, b"");
        running.says("registered ");
        running
    }

    /// A peer over one transport after the other, in one serializer after the other.
    fn open(&mut self) -> Peer {
        self.opened += 1;
        let (transport, encoding) = (Transport::ALL[self.opened % 2], Encoding::ALL[self.opened % 3]);
        Peer::open(address(&self.router), transport, encoding)
    }

    /// A peer that has said HELLO, and what it is asked.
    fn challenged(&mut self, user: &str, method: &str, extra: V) -> (Peer, ChallengeExtra) {
        self.try_challenged(user, method, extra).expect("CHALLENGE")
    }

    fn try_challenged(&mut self, user: &str, method: &str, extra: V) -> Option<(Peer, ChallengeExtra)> {
        let mut peer = self.open();
        peer.send(&hello(user, &[method], extra));
        let Message::Challenge(challenge) = peer.message() else { return None };
        assert_eq!(challenge.authmethod, method);
        Some((peer, challenge.extra))
    }

    /// Somebody who is not known, but taken for somebody with this method: which one that is depends on the name.
    fn nobody(&mut self, method: &str, extra: &V) -> (Peer, ChallengeExtra) {
        let mut names = (0..1_000).map(|number| format!("nobody {number}"));
        names.find_map(|name| self.try_challenged(&name, method, extra.clone())).expect("CHALLENGE")
    }

    /// A peer says something: how the router parts with it, while others notice nothing.
    fn offend(&mut self, mut peer: Peer, message: &V) -> Reaction {
        self.healthy.check();
        peer.send(message);
        let reaction = peer.reaction();
        self.healthy.check();
        reaction
    }
}

fn hello(user: &str, methods: &[&str], extra: V) -> V {
    let methods = V::List(methods.iter().map(|method| V::from(*method)).collect());
    v!([1, "guarded", {
        "roles": {"caller": {}}, "authid": user, "authmethods": (methods), "authextra": (extra)
    }])
}

fn authenticate(signature: &str) -> V {
    v!([5, signature, {}])
}

fn public_key() -> String {
    wamp_tokio::auth::SecretKey::from_hex(&KEY.into()).unwrap().public_key().to_string()
}

fn denied() -> Reaction {
    let text = "the credentials are not accepted".to_owned();
    Reaction::Abort("wamp.error.authentication_denied".to_owned(), text)
}

fn is_abort(reaction: &Reaction, reason: &str) -> bool {
    matches!(reaction, Reaction::Abort(found, _) if found == reason)
}

#[test]
fn fault_77_unknown_users_and_wrong_secrets_end_alike() {
    let mut scene = Scene::start();
    let wrong_scram = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (known, method, extra, signature) in [
        ("ticket", "ticket", v!({}), "wrong"),
        ("cra", "wampcra", v!({}), "d3Jvbmc="),
        ("scram", "wamp-scram", v!({"nonce": "Y2xpZW50"}), wrong_scram),
        ("key", "cryptosign", v!({"pubkey": (&*public_key())}), &"00".repeat(96)),
    ] {
        for (peer, asked) in [scene.challenged(known, method, extra.clone()), scene.nobody(method, &extra)] {
            let answer = match asked.nonce.as_deref() {
                Some(nonce) => v!([5, signature, {"nonce": nonce, "channel_binding": null}]),
                None => authenticate(signature),
            };
            assert_eq!(scene.offend(peer, &answer), denied(), "{method}");
        }
        // Nor does the method tell: neither has another one.
        for user in [known, "nobody"] {
            let peer = scene.open();
            let reaction = scene.offend(peer, &hello(user, &["cookie"], v!({})));
            assert!(is_abort(&reaction, "wamp.error.no_matching_auth_method"), "{user}: {reaction:?}");
        }
    }
}

#[test]
fn fault_79_a_signature_is_good_for_its_own_session() {
    let mut scene = Scene::start();
    let (mut first, asked) = scene.challenged("cra", "wampcra", v!({}));
    let signature = cra::sign(&SECRET.into(), &asked.challenge.unwrap());
    let (second, _) = scene.challenged("cra", "wampcra", v!({}));
    assert_eq!(scene.offend(second, &authenticate(&signature)), denied());
    first.send(&authenticate(&signature));
    let Message::Welcome(_) = first.message() else { panic!("no WELCOME") };
    // Nor for a second one, later.
    let (second, _) = scene.challenged("cra", "wampcra", v!({}));
    assert_eq!(scene.offend(second, &authenticate(&signature)), denied());
    first.leave();
}

#[test]
fn fault_80_what_the_router_does_not_take_lets_nobody_in() {
    let mut scene = Scene::start();
    for methods in [&["anonymous"][..], &[], &["wampcra2", "telepathy"], &["anonymous", "cookie"]] {
        let peer = scene.open();
        let reaction = scene.offend(peer, &hello("cra", methods, v!({})));
        assert!(
            matches!(&reaction, Reaction::Abort(reason, _) if reason.starts_with("wamp.error.")),
            "{reaction:?}"
        );
    }
    // The first that fits is the one that counts: a ticket that follows is not asked for.
    let mut peer = scene.open();
    peer.send(&hello("cra", &["anonymous", "wampcra", "ticket"], v!({})));
    let Message::Challenge(challenge) = peer.message() else { panic!("no CHALLENGE") };
    assert_eq!(challenge.authmethod, "wampcra");
    assert_eq!(scene.offend(peer, &authenticate(SECRET)), denied());
}

#[test]
fn fault_83_keys_and_signatures_that_are_none() {
    let mut scene = Scene::start();
    let key = public_key();
    for bad in
        ["", "00", &key[..62], &(key.clone() + "00"), &"zz".repeat(32), &("02".to_owned() + &"00".repeat(31))]
    {
        let peer = scene.open();
        let reaction = scene.offend(peer, &hello("key", &["cryptosign"], v!({"pubkey": bad})));
        assert!(is_abort(&reaction, "wamp.error.authentication_failed"), "{bad}: {reaction:?}");
    }
    // There is no TLS to bind to, and the router does not say that it has.
    let bound = v!({"pubkey": (&*key), "channel_binding": "tls-exporter"});
    assert_eq!(scene.challenged("key", "cryptosign", bound).1.channel_binding, None);
    let private = wamp_tokio::auth::SecretKey::from_hex(&KEY.into()).unwrap();
    let replayed = cryptosign::attach(&private.sign(&[7; 32]), &[7; 32]);
    for signature in ["", "00", &replayed, &replayed[..128], &"zz".repeat(96)] {
        let (peer, _) = scene.challenged("key", "cryptosign", v!({"pubkey": (&*key)}));
        assert_eq!(scene.offend(peer, &authenticate(signature)), denied(), "{signature}");
    }
}

#[test]
fn fault_84_no_authenticate_in_time_and_one_too_many() {
    let mut scene = Scene::start_with(&format!("{USUAL}[limits]\nauth_timeout = \"200ms\"\n"), &[]);
    let (mut silent, _) = scene.challenged("cra", "wampcra", v!({}));
    let reaction = silent.reaction();
    assert!(matches!(&reaction, Reaction::Abort(..)), "{reaction:?}");
    scene.healthy.check();
    let mut scene = Scene::start();
    let (mut peer, _) = scene.challenged("ticket", "ticket", v!({}));
    peer.send(&authenticate(SECRET));
    let Message::Welcome(_) = peer.message() else { panic!("no WELCOME") };
    let expected = violation("AUTHENTICATE must not be sent to a router in an open session");
    assert_eq!(scene.offend(peer, &authenticate(SECRET)), expected);
    let (peer, _) = scene.challenged("ticket", "ticket", v!({}));
    let reaction = scene.offend(peer, &v!([48, 1, {}, "com.example.procedure"]));
    assert!(is_abort(&reaction, "wamp.error.protocol_violation"), "{reaction:?}");
}

/// Who serves what the router asks, in a role that is no dynamic one.
const DECIDER: &str = "[roles.service]\nallow_all = true\n[users.decider]\nrole = \"service\"\n";

#[test]
fn fault_85_one_attempt_each_and_authenticators_that_fail() {
    let authenticator = r#"{ procedure = "com.example.authenticate", realm = "backend", timeout = "300ms" }"#;
    let mut scene = Scene::start_with(
        &format!(
            "{USUAL}[realms.backend]\n[realms.asked]\nauth = [\"ticket\"]\nauthenticator = {authenticator}\n\
             {DECIDER}realms = [\"backend\"]\nticket = \"{SECRET}\"\n"
        ),
        &[],
    );
    // One guess, and the connection is over: a second one finds nobody.
    let (peer, _) = scene.challenged("ticket", "ticket", v!({}));
    let mut guesses = peer.frame(&authenticate("wrong").encode(peer.encoding));
    guesses.extend(peer.frame(&authenticate(SECRET).encode(peer.encoding)));
    let mut peer = peer;
    peer.stream.write_all(&guesses).unwrap();
    assert_eq!(peer.reaction(), denied());
    let ask = |scene: &mut Scene, ticket: &str| {
        let mut peer = scene.open();
        peer.send(&v!([1, "asked", {"roles": {"caller": {}}, "authid": "joe", "authmethods": ["ticket"]}]));
        let Message::Challenge(_) = peer.message() else { panic!("no CHALLENGE") };
        scene.offend(peer, &authenticate(ticket))
    };
    let reaction = ask(&mut scene, "nobody is there to ask");
    assert!(is_abort(&reaction, "wamp.error.authentication_failed"), "{reaction:?}");
    let moody = r#"case "$WAMP_ARGS_JSON" in *slow*) sleep 20;; *odd*) echo 7;; *) exit 1;; esac"#;
    let _decider = scene.decider("com.example.authenticate", "backend", moody);
    for ticket in ["slow", "odd", "broken"] {
        let reaction = ask(&mut scene, ticket);
        assert!(is_abort(&reaction, "wamp.error.authentication_failed"), "{ticket}: {reaction:?}");
    }
}

#[test]
fn fault_86_no_decision_is_a_denial() {
    let authorizer = r#"{ procedure = "com.example.authorize", timeout = "3s" }"#;
    let mut scene = Scene::start_with(
        &format!(
            "[realms.guarded]\nauthorizer = {authorizer}\n[roles.user]\ndynamic = true\n\
             {DECIDER}realms = [\"guarded\"]\nticket = \"{SECRET}\"\n"
        ),
        &[],
    );
    let (mut peer, _) = scene.challenged("ticket", "ticket", v!({}));
    peer.send(&authenticate(SECRET));
    let Message::Welcome(_) = peer.message() else { panic!("no WELCOME") };
    let ask = |scene: &mut Scene, peer: &mut Peer, request: u64, procedure: &str| {
        peer.send(&v!([48, request, {}, procedure]));
        scene.healthy.check();
        let Message::Error(answer) = peer.message() else { panic!("no ERROR") };
        answer.error.as_str().to_owned()
    };
    let nobody = ask(&mut scene, &mut peer, 1, "com.example.nobody");
    assert_eq!(nobody, "wamp.error.authorization_failed");
    let unsure = r#"case "$WAMP_ARGS_JSON" in *slow*) sleep 20;; *broken*) exit 1;; *) echo true;; esac"#;
    let _decider = scene.decider("com.example.authorize", "guarded", unsure);
    for (request, procedure, error) in [
        (2, "com.example.broken", "wamp.error.authorization_failed"),
        (3, "com.example.slow", "wamp.error.authorization_failed"),
        (4, "com.example.nobody", "wamp.error.no_such_procedure"),
    ] {
        assert_eq!(ask(&mut scene, &mut peer, request, procedure), error, "{procedure}");
    }
    peer.leave();
}

#[test]
fn fault_87_what_is_not_tls_and_tls_that_is_too_old() {
    let directory = Directory::new();
    wamp(&["-q", "keygen", "tls", directory.file("").to_str().unwrap()]).ok();
    let tls = "[[listeners]]\nurl = \"wss://127.0.0.1:0\"\ntls = { certificate = \"server.pem\", key = \"server.key\" }\n";
    let router = Router::configured(directory, &format!("{}{USUAL}{tls}", known()), &[]);
    let secure = router.urls[2].split('/').nth(2).unwrap();
    // It is dropped first: the router waits for its goodbye.
    let mut healthy = Healthy::join(address(&router));
    let hello = client_hello_of_tls_1_1();
    for (bytes, answer) in [
        (&b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &b"speaks TLS"[..]),
        (b"\x7F\xF1\x00\x00", b""),
        (b"\x00\xFF\x00\xFF\x00\xFF\x00\xFF", b""),
        // An alert: fatal, protocol_version.
        (&hello, b"\x15\x03"),
        // The length of a record that no record has.
        (b"\x16\x03\x01\xFF\xFF", b""),
    ] {
        let mut stream = connect(secure);
        stream.write_all(bytes).unwrap();
        let mut heard = Vec::new();
        // Being cut off is an end as well.
        let _ = stream.read_to_end(&mut heard);
        assert!(
            answer.is_empty() || heard.windows(answer.len()).any(|part| part == answer),
            "{bytes:?} {heard:?}"
        );
        assert!(!heard.windows(4).any(|part| part == b"HTTP") || answer == b"speaks TLS", "{heard:?}");
        healthy.check();
    }
}

/// By hand, as nobody speaks it any more.
fn client_hello_of_tls_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session, one cipher suite (RSA with AES-128-CBC), no compression.
    hello.extend([0, 0, 2, 0, 0x2F, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat()
}

#[test]
fn fault_88_no_secret_is_logged() {
    let mut scene = Scene::start_with(USUAL, &[("RUST_LOG", "trace")]);
    let (peer, _) = scene.challenged("ticket", "ticket", v!({"note": "in authextra"}));
    assert_eq!(scene.offend(peer, &authenticate("hunter2")), denied());
    let (mut peer, _) = scene.challenged("ticket", "ticket", v!({}));
    peer.send(&authenticate(SECRET));
    let Message::Welcome(_) = peer.message() else { panic!("no WELCOME") };
    peer.leave();
    let Scene { healthy, router, .. } = scene;
    drop(healthy);
    router.process.signal("TERM");
    let logged = router.process.end().stderr;
    assert!(logged.contains("authentication denied") && logged.contains("session joined"), "{logged}");
    for secret in ["hunter2", SECRET, KEY] {
        let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(!logged.contains(secret) && !logged.contains(&hex), "{secret} is in {logged}");
    }
}
