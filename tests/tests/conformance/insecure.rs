//! A client that was told to believe everybody (feature `dangerous-insecure-tls`).

use std::sync::Arc;

use wamp_driver::{
    ConnectError,
    net::{Listener, TlsConfig, TlsError},
};
use wamp_test::{
    certificates::{Authority, Identity, self_signed},
    conformance::{Adapter, Kit, RouterSettings, Serving},
};

async fn start(kit: &Kit, identity: &Identity) -> Arc<dyn Serving> {
    let config = TlsConfig::from_pem(&identity.chain, &identity.key);
    kit.start(RouterSettings::at(Listener::new("wss://127.0.0.1:0").tls(config))).await
}

/// Nothing about a certificate matters to it, neither its signer nor its time nor its name; to everybody else all of it does.
pub(crate) fn certificates_do_not_matter<A: Adapter>() {
    A::run(async {
        let (kit, names) = (Kit::of::<A>(), ["127.0.0.1"]);
        let authority = Authority::new();
        for identity in
            [self_signed(&names), authority.issue_expired(&names), authority.issue(&["elsewhere.example"])]
        {
            let router = start(&kit, &identity).await;
            let url = router.endpoints()[0].to_string();
            let refused = kit.connect(&url).await.unwrap_err();
            let ConnectError::Tls { error, .. } = refused else { panic!("{refused:?}") };
            assert!(matches!(error, TlsError::UnknownAuthority | TlsError::Expired), "{error:?}");
            let trusting = |options: &mut wamp_driver::ClientOptions| {
                options.tls.danger_accept_invalid_certs();
            };
            let client = kit.connect(&url).options(trusting).await.unwrap();
            client.register("t.echo", |text: String| async move { Ok(text) }).await.unwrap();
            assert_eq!(client.call("t.echo").args(("x",)).value::<String>().await.unwrap(), "x");
        }
    });
}
