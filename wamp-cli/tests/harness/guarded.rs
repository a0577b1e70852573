//! A router that asks who one is.

use std::path::Path;

use tokio::runtime::Runtime;
use wamp_tokio::{
    Authentication, Principal, Router, RouterBuilder, TlsConfig,
    auth::{Method, SecretKey},
    proto::auth::{Credential, cra, scram},
};

/// The secret of everybody who has one.
pub(crate) const SECRET: &str = "open sesame";
/// The private key of `key`, and the router's.
pub(crate) const KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// A router in this process: `realm1` is for everybody, `guarded` for those who are known.
pub(crate) struct Guarded {
    router: Router,
    runtime: Runtime,
}

impl Guarded {
    pub(crate) fn start() -> Self {
        Self::start_with(|builder| builder)
    }

    pub(crate) fn start_with(change: impl FnOnce(RouterBuilder) -> RouterBuilder) -> Self {
        let builder = change(Router::builder().listen("ws://127.0.0.1:0"));
        let builder = builder.realm("realm1").realm("guarded");
        let open = Authentication::new([Method::Anonymous]).realm("realm1".parse().unwrap());
        let builder = builder.authentication(open).authentication(known());
        let runtime = Runtime::new().unwrap();
        let router = runtime.block_on(async { builder.await }).unwrap();
        Self { router, runtime }
    }

    /// One that speaks TLS, with the certificates that `wamp keygen tls` has made in this directory, and plaintext besides.
    pub(crate) fn start_tls(directory: &Path) -> Self {
        let file = |name: &str| directory.join(name);
        let tls = TlsConfig::from_files(file("server.pem"), file("server.key"));
        let tls = tls.client_ca_file(file("ca.pem")).client_certs_optional();
        Self::start_with(|builder| builder.listen("wss://localhost:0").tls(tls))
    }

    /// The URL of TLS.
    pub(crate) fn secure_url(&self) -> String {
        self.router.endpoints()[1].to_string()
    }

    pub(crate) fn url(&self) -> String {
        self.router.url().unwrap()
    }

    /// Host and port of plaintext.
    pub(crate) fn address(&self) -> String {
        host_and_port(&self.url())
    }

    /// Host and port of TLS.
    pub(crate) fn secure_address(&self) -> String {
        host_and_port(&self.secure_url())
    }
}

fn host_and_port(url: &str) -> String {
    url.split('/').nth(2).unwrap().to_owned()
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.runtime.block_on(self.router.shutdown());
    }
}

/// One user by each method, named like it.
fn known() -> Authentication {
    let salt = cra::Salt::new("salt").iterations(1_000);
    let salted = cra::Credential::derived(salt.derive(&SECRET.into()), salt);
    let scram =
        scram::Credential::derive(&SECRET.into(), b"saltsalt", scram::Kdf::argon2id(1, 4_096)).unwrap();
    let key = SecretKey::from_hex(&KEY.into()).unwrap();
    let users = [
        ("ticket", Credential::Ticket(SECRET.into())),
        ("cra", Credential::Cra(cra::Credential::plain(SECRET))),
        ("salted", Credential::Cra(salted)),
        ("scram", Credential::Scram(scram)),
        ("key", Credential::Cryptosign(vec![key.public_key()])),
        ("certificate", Credential::CertificateName("client".to_owned())),
    ];
    let methods = Method::ALL.into_iter().filter(|method| *method != Method::Anonymous);
    let rule = Authentication::new(methods).realm("guarded".parse().unwrap()).router_key(key);
    let users = users.map(|(name, credential)| Principal::new(name, "user").credential(credential));
    users.into_iter().fold(rule, Authentication::principal)
}
