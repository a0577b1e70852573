//! Who may join, by decisions from outside.

use std::time::Duration;

use wamp_proto::{
    Encoding, Uri,
    auth::{Credential, Method, Proof, cra, cryptosign::SecretKey},
    error::Closed,
    router::{Authentication, Grant, Question, Verdict},
};
use wamp_world::{Client, World, world::Login};

fn world() -> World {
    World::with(1, |config| {
        config.authentication = vec![Authentication::new(Method::ALL).ask()];
        // Less than the client waits.
        config.auth_timeout = Duration::from_secs(5);
    })
}

fn ticket() -> Login {
    Login::new("joe", Proof::Ticket("secret".into()))
}

/// Somebody asks to be let in.
fn asked(world: &mut World, login: Login) -> (Client, Question) {
    let client = world.login("joe", Encoding::Json, login);
    let mut questions = world.questions();
    assert_eq!(questions.len(), 1);
    (client, questions.remove(0))
}

fn reason(client: Client, world: &mut World) -> String {
    match client.closed(world) {
        Some(Closed::Aborted { reason, message, joined: false }) => {
            format!("{reason}: {}", message.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_25_a_ticket_is_looked_at_by_somebody_else() {
    let mut world = world();
    let (client, question) = asked(&mut world, ticket());
    assert_eq!(question.ticket, Some("secret".into()));
    assert_eq!((question.method, question.realm.as_str()), (Method::Ticket, "realm1"));
    assert_eq!(question.details.authid.as_deref(), Some("joe"));
    assert!(!format!("{question:?}").contains("secret"));
    let grant = Grant::new("joe1", "user").provider("database");
    assert!(world.decide(question.connection, Verdict::Accept(grant)));
    let details = client.welcome(&mut world).details;
    assert_eq!(details.authid.as_deref(), Some("joe1"));
    assert_eq!(details.authprovider.as_deref(), Some("database"));
    // Once is enough.
    assert!(!world.decide(question.connection, Verdict::Deny));
    assert_eq!(client.closed(&mut world), None);
    world.end();
}

#[test]
fn a_07_every_no() {
    for (verdict, told) in [
        (Verdict::Deny, "wamp.error.authentication_denied: the credentials are not accepted"),
        (Verdict::Fail, "wamp.error.authentication_failed: the router cannot authenticate at the moment"),
        (
            Verdict::Refuse {
                reason: Uri::unchecked("com.example.closed"),
                message: "come back later".to_owned(),
            },
            "com.example.closed: come back later",
        ),
    ] {
        let mut world = world();
        let (client, question) = asked(&mut world, ticket());
        assert!(world.decide(question.connection, verdict));
        assert_eq!(reason(client, &mut world), told);
        world.end();
    }
}

#[test]
fn a_37_somebody_else_gives_the_credential_and_the_core_checks_it() {
    let given = |secret| Credential::Cra(cra::Credential::plain(secret));
    let grant = || Some(Grant::new("joe", "user"));
    for (grant, secret, good) in
        [(grant(), "secret", true), (grant(), "other", false), (None, "secret", false)]
    {
        let mut world = world();
        let (client, question) = asked(&mut world, Login::new("joe", Proof::Cra(Some("secret".into()))));
        assert!(world.decide(question.connection, Verdict::Challenge { grant, credential: given(secret) }));
        if good {
            assert_eq!(client.welcome(&mut world).details.authmethod.as_deref(), Some("wampcra"));
        } else {
            assert!(reason(client, &mut world).starts_with("wamp.error.authentication_denied"));
        }
        world.end();
    }
}

/// A yes to somebody who has proven nothing yet is no yes.
#[test]
fn a_yes_takes_the_place_of_no_proof() {
    let mut world = world();
    for proof in [Proof::Cra(Some("x".into())), Proof::Scram("x".into())] {
        let (client, question) = asked(&mut world, Login::new("joe", proof));
        assert!(world.decide(question.connection, Verdict::Accept(Grant::new("joe", "user"))));
        assert!(reason(client, &mut world).starts_with("wamp.error.authentication_failed"));
    }
    // With cryptosign it means: the key that is shown is the right one, if the client has it.
    let key = SecretKey::from_bytes(&[1; 32]);
    let (client, question) = asked(&mut world, Login::new("joe", Proof::Cryptosign(key)));
    assert!(world.decide(question.connection, Verdict::Accept(Grant::new("joe", "user"))));
    assert_eq!(client.welcome(&mut world).details.authmethod.as_deref(), Some("cryptosign"));
    // And a credential of another method is none.
    let (client, question) = asked(&mut world, Login::new("joe", Proof::Cra(Some("x".into()))));
    let credential = Credential::Ticket("x".into());
    let grant = Some(Grant::new("joe", "user"));
    assert!(world.decide(question.connection, Verdict::Challenge { grant, credential }));
    assert!(reason(client, &mut world).starts_with("wamp.error.authentication_failed"));
    world.end();
}

#[test]
fn a_06_decisions_that_come_too_late_are_harmless() {
    let yes = || Verdict::Accept(Grant::new("joe", "user"));
    let mut world = world();
    let (late, question) = asked(&mut world, ticket());
    world.advance(Duration::from_secs(5));
    assert!(reason(late, &mut world).starts_with("wamp.error.authentication_failed"));
    assert!(!world.decide(question.connection, yes()));

    let (gone, question) = asked(&mut world, ticket());
    world.cut(gone);
    assert!(!world.decide(question.connection, yes()));
    // Its place is somebody else's by now.
    let (other, _) = asked(&mut world, ticket());
    assert!(!world.decide(question.connection, yes()));
    assert_eq!(other.closed(&mut world), None);
    assert_eq!(world.counts().sessions, 0);
    world.shutdown();
    world.run();
    assert!(reason(other, &mut world).starts_with("wamp.close.system_shutdown"));
    world.end();
}

#[test]
fn fault_84_authenticate_while_the_one_before_is_looked_at() {
    let mut world = world();
    let raw = world.raw("mallory", Encoding::Json);
    raw.send(&mut world, r#"[1,"realm1",{"roles":{"caller":{}},"authid":"joe","authmethods":["ticket"]}]"#);
    raw.send(&mut world, r#"[5,"secret",{}]"#);
    let questions = world.questions();
    raw.send(&mut world, r#"[5,"secret",{}]"#);
    assert!(raw.received(&mut world).concat().contains("protocol_violation"));
    assert!(!world.decide(questions[0].connection, Verdict::Accept(Grant::new("joe", "user"))));
    world.end();
}
