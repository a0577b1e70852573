//! A router that asks clients that somebody else wrote who they are: one user by each method.
//! `cargo run -p wamp-tokio --example peer_router -- DIR`, as `scripts/interop` does; DIR is what `wamp keygen tls` has made,
//! and gets the router's URLs in the file `urls`.

use std::{error::Error, fs, path::PathBuf};

use wamp_tokio::{
    Authentication, Principal, Router, TlsConfig,
    auth::{Method, PublicKey},
    proto::auth::{Credential, cra},
};

/// Of the private key in the tests of interoperability, which is the first of the specification's test vectors.
const PUBLIC_KEY: &str = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d";

fn users() -> Result<Authentication, Box<dyn Error>> {
    let salt = cra::Salt::new("salt123").iterations(1_000);
    let salted = cra::Credential::derived(salt.derive(&"open sesame".into()), salt);
    let key: PublicKey = PUBLIC_KEY.parse()?;
    let users = [
        ("ticket", Credential::Ticket("open sesame".into())),
        ("cra", Credential::Cra(cra::Credential::plain("open sesame"))),
        ("salted", Credential::Cra(salted)),
        ("key", Credential::Cryptosign(vec![key])),
    ];
    let users = users.map(|(name, credential)| Principal::new(name, "user").credential(credential));
    let methods = [Method::Ticket, Method::Cra, Method::Cryptosign];
    Ok(users.into_iter().fold(Authentication::new(methods), Authentication::principal))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("DIR?")?);
    let tls = TlsConfig::from_files(directory.join("server.pem"), directory.join("server.key"));
    let builder =
        Router::builder().listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0").listen("wss://localhost:0");
    let router = builder.tls(tls).authentication(users()?).await?;
    let urls = router.endpoints().iter().map(|url| format!("{url}\n")).collect::<String>();
    fs::write(directory.join("urls.new"), urls)?;
    fs::rename(directory.join("urls.new"), directory.join("urls"))?;
    // Until it is killed.
    std::future::pending().await
}
