//! Who may join changes while the router runs: whom that concerns, and nobody else.

use wamp_proto::{
    Channel, Encoding,
    auth::{
        Credential, Method, Proof, cra,
        cryptosign::SecretKey,
        scram::{self, Kdf},
    },
    channel::{ClientCertificate, Cookie},
    error::Closed,
    router::{Authentication, Grant, Principal, Verdict},
};
use wamp_world::{Client, World, world::Login};

const CHANGED: &str = "the credential of this user has changed";

fn rule(principals: impl IntoIterator<Item = Principal>) -> Authentication {
    principals.into_iter().fold(Authentication::new(Method::ALL), Authentication::principal)
}

fn world(principals: impl IntoIterator<Item = Principal>) -> World {
    let rule = rule(principals);
    World::with(1, |config| config.authentication = vec![rule])
}

fn user(name: &str, credential: Credential) -> Principal {
    Principal::new(name, "user").credential(credential)
}

fn ticket(text: &str) -> Credential {
    Credential::Ticket(text.into())
}

/// What a session was told that has to go.
fn told(world: &mut World, client: Client) -> Option<String> {
    world.run();
    match client.closed(world)? {
        Closed::ByPeer { reason, message } => {
            assert_eq!(reason, "wamp.close.killed");
            message
        }
        other => panic!("{other:?}"),
    }
}

fn scram(password: &str) -> Credential {
    let credential = scram::Credential::derive(&password.into(), b"saltsalt", Kdf::pbkdf2(4_096));
    Credential::Scram(credential.unwrap())
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32])
}

fn keys<const N: usize>(bytes: [u8; N]) -> Credential {
    Credential::Cryptosign(bytes.map(|byte| key(byte).public_key()).to_vec())
}

/// A client, what proves who it is, what does so as well, and what does not any more.
struct Case {
    login: Login,
    before: Credential,
    same: Credential,
    other: Credential,
}

fn cases() -> Vec<Case> {
    let mut shown = Channel::unix();
    shown.client_certificate = Some(ClientCertificate::new([5; 32], ["device".to_owned()]));
    shown.cookie = Some(Cookie::new("sid=42"));
    let cookie = |value: &str| Credential::Cookie { name: "sid".to_owned(), value: value.into() };
    let plain = |secret| Credential::Cra(cra::Credential::plain(secret));
    let case = |proof, before: Credential, same, other| {
        let login = Login { channel: shown.clone(), ..Login::new("joe", proof) };
        Case { login, before, same, other }
    };
    let again = |credential: Credential| (credential.clone(), credential);
    let mut cases = Vec::new();
    for (proof, (before, same), other) in [
        (Proof::Ticket("one".into()), again(ticket("one")), ticket("two")),
        (Proof::Cra(Some("one".into())), again(plain("one")), plain("two")),
        (Proof::Scram("one".into()), again(scram("one")), scram("two")),
        // The other keys do not matter.
        (Proof::Cryptosign(key(1)), (keys([1, 2]), keys([3, 1])), keys([2, 3])),
        // Another way to say the same.
        (
            Proof::Tls,
            (Credential::CertificateFingerprint([5; 32]), Credential::CertificateName("device".to_owned())),
            Credential::CertificateFingerprint([6; 32]),
        ),
        (Proof::Cookie, again(cookie("42")), cookie("43")),
    ] {
        cases.push(case(proof, before, same, other));
    }
    cases
}

#[test]
fn who_came_in_by_what_does_not_count_any_more_has_to_go() {
    for Case { login, before, same, other } in cases() {
        let method = login.proofs[0].method();
        let mut world = world([user("joe", before), user("ann", ticket("hers"))]);
        let joe = world.login("joe", Encoding::Json, login);
        let ann = world.login("ann", Encoding::Cbor, Login::new("ann", Proof::Ticket("hers".into())));
        joe.welcome(&mut world);
        joe.register(&mut world, "com.example.joe");
        ann.register(&mut world, "com.example.ann");
        world.run();
        world.admit([rule([user("joe", same.clone()), user("ann", ticket("hers"))])]);
        assert_eq!(told(&mut world, joe), None, "{method:?}");
        world.admit([rule([user("joe", other), user("ann", ticket("hers"))])]);
        assert_eq!(told(&mut world, joe).as_deref(), Some(CHANGED), "{method:?}");
        // She has not noticed anything.
        assert_eq!(told(&mut world, ann), None);
        assert_eq!((world.counts().sessions, world.counts().registrations), (1, 1), "{method:?}");
        world.end();
    }
}

#[test]
fn users_that_are_gone_or_have_another_role_have_to_go() {
    let gone = "who may join has changed";
    let changes: [(Authentication, Option<&str>); 5] = [
        (rule([user("joe", ticket("one"))]), None),
        (rule([user("ann", ticket("one"))]), Some(gone)),
        (rule([Principal::new("joe", "admin").credential(ticket("one"))]), Some(gone)),
        (rule([user("joe", keys([1]))]), Some(CHANGED)),
        (Authentication::new([Method::Cra]).principal(user("joe", ticket("one"))), Some(gone)),
    ];
    for (change, expected) in changes {
        let mut world = world([user("joe", ticket("one"))]);
        let joe = world.login("joe", Encoding::Json, Login::new("joe", Proof::Ticket("one".into())));
        world.admit([change.clone()]);
        assert_eq!(told(&mut world, joe).as_deref(), expected, "{change:?}");
        world.end();
    }
    // Nobody may come in where they came in.
    let mut world = world([user("joe", ticket("one"))]);
    let joe = world.login("joe", Encoding::Json, Login::new("joe", Proof::Ticket("one".into())));
    world.admit([rule([user("joe", ticket("one"))]).listener("elsewhere")]);
    let told = told(&mut world, joe).unwrap();
    assert!(told.contains("where this session came in"), "{told}");
    world.end();
}

#[test]
fn anonymous_sessions_keep_to_their_role_and_the_host_vouches_for_its_own() {
    let mut world = World::new(1);
    let guest = world.join("guest", Encoding::Json);
    let insider = world.join_as("insider", "trusted", "realm1");
    world.admit([Authentication::new([Method::Anonymous])]);
    assert_eq!(told(&mut world, guest), None);
    let mut other = Authentication::new([Method::Anonymous]);
    other.anonymous_role = "guest".to_owned();
    world.admit([other]);
    assert_eq!(told(&mut world, guest).as_deref(), Some("who may join has changed"));
    world.admit([Authentication::new([Method::Ticket])]);
    assert_eq!(told(&mut world, insider), None);
    world.end();
}

#[test]
fn whom_an_authenticator_has_let_in_stays_as_long_as_it_is_asked() {
    let mut world = World::with(1, |config| {
        config.authentication = vec![Authentication::new([Method::Ticket]).ask()];
    });
    let joe = world.login("joe", Encoding::Json, Login::new("joe", Proof::Ticket("one".into())));
    let question = world.questions().remove(0);
    assert!(world.decide(question.connection, Verdict::Accept(Grant::new("joe", "user"))));
    world.admit([rule([user("ann", ticket("hers"))]).ask()]);
    assert_eq!(told(&mut world, joe), None);
    // It is a user of the router's own now, who has not proven to be this one.
    world.admit([rule([user("joe", ticket("one"))]).ask()]);
    assert_eq!(told(&mut world, joe).as_deref(), Some(CHANGED));
    let joe = world.login("joe", Encoding::Json, Login::new("joe", Proof::Ticket("one".into())));
    joe.welcome(&mut world);
    world.admit([Authentication::new([Method::Ticket]).ask()]);
    assert_eq!(told(&mut world, joe), None);
    world.admit([Authentication::new([Method::Ticket])]);
    assert!(told(&mut world, joe).is_some());
    world.end();
}

/// Whoever was asked under the old rules is told to try again.
#[test]
fn clients_on_their_way_in_start_again() {
    let mut world = world([user("joe", ticket("one"))]);
    let raw = world.raw("joe", Encoding::Json);
    raw.send(&mut world, r#"[1,"realm1",{"roles":{"caller":{}},"authid":"joe","authmethods":["ticket"]}]"#);
    world.admit([rule([user("joe", ticket("two"))])]);
    raw.send(&mut world, r#"[5,"one",{}]"#);
    let told = raw.received(&mut world).concat();
    assert!(told.contains("wamp.error.authentication_failed") && told.contains("try again"), "{told}");
    assert_eq!(world.counts().sessions, 0);
    world.end();
}
