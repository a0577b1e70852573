//! Every way to prove who one is, to a router that knows some users and asks a function about the others:
//! `cargo run -p wamp-tokio --example authentication`.

use std::error::Error;

use wamp_tokio::{
    Authentication, Grant, Principal, Question, Router, Verdict,
    auth::{Anonymous, BoxError, Cra, Cryptosign, Method, Scram, Secret, SecretKey, Ticket},
    proto::auth::{Credential, cra, scram},
};

/// A private key, 64 hex digits. Make your own.
const KEY: &str = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510";

/// Who may join, as far as the router knows by itself. A router need not keep passwords: `scram` and the salted `wampcra`
/// have what was derived from them.
fn users() -> Result<Authentication, Box<dyn Error>> {
    let kdf = scram::Kdf::argon2id(2, 19 << 10);
    let scram = scram::Credential::derive(&"pencil".into(), b"random for each", kdf)?;
    let salt = cra::Salt::new("random too");
    let cra = cra::Credential::derived(salt.derive(&"secret".into()), salt);
    let key = SecretKey::from_hex(&KEY.into()).ok_or("not a key")?.public_key();
    let methods = [Method::Ticket, Method::Cra, Method::Scram, Method::Cryptosign];
    Ok(Authentication::new(methods)
        .realm("realm1".parse()?)
        .principal(Principal::new("ann", "admin").credential(Credential::Scram(scram)))
        .principal(Principal::new("bob", "user").credential(Credential::Cra(cra)))
        .principal(Principal::new("cat", "user").credential(Credential::Ticket("valid for a day".into())))
        .principal(Principal::new("sensor", "device").credential(Credential::Cryptosign(vec![key]))))
}

/// Whom the router does not know: look into a database, or ask another service.
async fn look_up(question: Question) -> Result<Verdict, BoxError> {
    let ticket = question.ticket.as_ref().and_then(|ticket| ticket.expose_text());
    Ok(match ticket {
        Some("open sesame") => Verdict::Accept(Grant::new("ali", "guest").provider("look_up")),
        _ => Verdict::Deny,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let router = Router::builder()
        .listen("ws://127.0.0.1:0")
        .authentication(users()?)
        .authenticator("realm1", [], look_up)
        .await?;
    let url = router.url().ok_or("the router listens nowhere")?;
    let connect = || wamp_tokio::connect(&url);

    for connecting in [
        connect().auth(Scram::new("ann", "pencil")),
        connect().auth(Cra::new("bob", Secret::callback(|| Ok("secret".to_owned())))),
        // Nobody else reads what goes to this very machine; elsewhere a ticket needs TLS.
        connect().auth(Ticket::new("cat", "valid for a day")),
        connect().auth(Cryptosign::new(KEY)),
        connect().auth(Ticket::new("whoever", "open sesame")),
        // The router takes the first that it can.
        connect().auth(Anonymous).auth(Cra::new("cat", "unused")).auth(Ticket::new("cat", "valid for a day")),
    ] {
        let client = connecting.await?;
        let me = client.welcome();
        println!("{:?} is {:?} by {:?}, says {:?}", me.authid, me.authrole, me.authmethod, me.authprovider);
        client.close().await;
    }
    for connecting in [connect(), connect().auth(Cra::new("bob", "wrong"))] {
        if let Err(error) = connecting.await {
            println!("{error}");
        }
    }
    router.shutdown().await;
    Ok(())
}
