//! TLS: what is trusted, what is not and why (W-97, A-19, fault 87).

use std::{io::Write as _, net::TcpStream, sync::Arc, time::Duration};

use futures_util::future::join_all;
use wamp_driver::{
    Address, Client, ClientOptions, ConnectError,
    net::{Listener, Roots, TlsConfig, TlsError, TlsOptions},
    proto::{Encoding, error::Closed},
};

use super::{
    Kit, RouterSettings, Serving,
    rules::rest,
    tools::{BOUND, echo},
};
use crate::{
    certificates::{Authority, Identity, self_signed},
    proxy::{Fault, Proxy},
};

const URLS: [&str; 2] = ["wss://127.0.0.1:0", "tcps://127.0.0.1:0"];

fn config(identity: &Identity) -> TlsConfig {
    TlsConfig::from_pem(&identity.chain, &identity.key)
}

/// A router at this URL.
async fn start(kit: &Kit, url: &str, config: TlsConfig) -> Arc<dyn Serving> {
    kit.start(RouterSettings::at(Listener::new(url).tls(config))).await
}

fn url(router: &dyn Serving) -> String {
    router.endpoints()[0].to_string()
}

/// A client that speaks TLS so.
async fn join(kit: &Kit, url: String, tls: impl FnOnce(&mut TlsOptions)) -> Result<Client, ConnectError> {
    let set = |options: &mut ClientOptions| tls(&mut options.tls);
    kit.within(kit.connect(url).serializers([Encoding::Json]).options(set)).await
}

/// Why a client cannot connect.
async fn refused(kit: &Kit, url: String, tls: impl FnOnce(&mut TlsOptions)) -> TlsError {
    match join(kit, url, tls).await {
        Err(ConnectError::Tls { error, .. }) => error,
        joined => panic!("{joined:?}"),
    }
}

/// W-97: calls and events of all sizes, over both transports.
pub(super) async fn calls_and_events(kit: Kit) {
    let authority = Authority::new();
    let identity = authority.issue(&["127.0.0.1"]);
    for at in URLS {
        for config in [config(&identity), config(&identity).tls13_only()] {
            let router = start(&kit, at, config).await;
            join_all(Encoding::ALL.map(|encoding| session(&kit, url(&*router), &authority, encoding))).await;
            kit.settle(&*router, |counts| counts.connections == 0).await;
        }
    }
}

async fn session(kit: &Kit, url: String, authority: &Authority, encoding: Encoding) {
    let connect = kit.connect(url).serializers([encoding]);
    let client =
        kit.within(connect.options(|options| _ = options.tls.ca_pem(authority.pem()))).await.unwrap();
    let name = format!("t.{encoding:?}").to_lowercase();
    client.register(&name, |text: String| async move { Ok(text) }).await.unwrap();
    let mut events = client.subscribe(&name).await.unwrap();
    for length in [0, 1, 16_383, 16_384, 16_385, 500_000] {
        let text = "x".repeat(length);
        let answer = kit.within(client.call(&name).args((&text,)).value::<String>()).await.unwrap();
        assert!(answer == text, "{length} bytes");
        client.publish(&name).args((&text,)).exclude_me(false).await.unwrap();
        let event = kit.within(events.next()).await.unwrap();
        assert!(event.args::<(String,)>().unwrap().0 == text, "{length} bytes");
    }
    assert_eq!(kit.within(client.close()).await, Closed::ByUs);
}

/// Fault 87: each has an error of its own, and nothing is sent in plaintext.
pub(super) async fn certificates_that_are_not_to_be_trusted(kit: Kit) {
    let authority = Authority::new();
    let names = ["127.0.0.1"];
    for at in URLS {
        for (identity, wanted) in [
            (authority.issue_expired(&names), TlsError::Expired),
            (authority.issue_future(&names), TlsError::NotYetValid),
            (Authority::new().issue(&names), TlsError::UnknownAuthority),
            (self_signed(&names), TlsError::UnknownAuthority),
        ] {
            let router = start(&kit, at, config(&identity)).await;
            let error = refused(&kit, url(&*router), |tls| _ = tls.ca_pem(authority.pem())).await;
            assert_eq!(error, wanted);
            kit.settle(&*router, |counts| counts.connections == 0).await;
        }
        let router = start(&kit, at, config(&authority.issue(&["other.example.com"]))).await;
        let error = refused(&kit, url(&*router), |tls| _ = tls.ca_pem(authority.pem())).await;
        let TlsError::WrongName { expected, presented } = &error else { panic!("{error:?}") };
        assert!(expected == "127.0.0.1" && *presented == ["other.example.com"], "{error}");
        let as_other =
            |tls: &mut TlsOptions| _ = tls.ca_pem(authority.pem()).server_name("other.example.com");
        join(&kit, url(&*router), as_other).await.unwrap();
        // The authorities of the system, or of the web, do not know ours.
        let error = refused(&kit, url(&*router), |tls| _ = tls.roots(Roots::Web)).await;
        assert_eq!(error, TlsError::UnknownAuthority);
    }
}

/// Fault 20: TLS meets plaintext, both ways round.
pub(super) async fn plaintext_and_tls(kit: Kit) {
    let authority = Authority::new();
    let plain = kit.start(RouterSettings::at("ws://127.0.0.1:0")).await;
    let port = url(&*plain).strip_prefix("ws").unwrap().to_owned();
    let trusting = |tls: &mut TlsOptions| _ = tls.ca_pem(authority.pem());
    assert_eq!(refused(&kit, format!("wss{port}"), trusting).await, TlsError::NotTls);
    let port = port.trim_end_matches("/ws");
    assert_eq!(refused(&kit, format!("tcps{port}"), trusting).await, TlsError::NotTls);

    let secure = start(&kit, URLS[0], config(&authority.issue(&["127.0.0.1"]))).await;
    let port = url(&*secure).strip_prefix("wss").unwrap().to_owned();
    let told = join(&kit, format!("ws{port}"), trusting).await.unwrap_err().to_string();
    assert!(told.contains("speaks TLS: use wss://"), "{told}");
    let port = port.trim_end_matches("/ws");
    assert_eq!(refused(&kit, format!("tcp{port}"), trusting).await, TlsError::TlsExpected);
    kit.refuses(&*secure, |refused| refused.tls == 2).await;
}

/// Fault 20: garbage is answered by an alert, and silence has its time.
pub(super) async fn handshakes_that_are_none(kit: Kit) {
    let authority = Authority::new();
    let identity = authority.issue(&["127.0.0.1"]);
    let listener =
        Listener::new(URLS[0]).tls(config(&identity)).handshake_timeout(Duration::from_millis(1_500));
    let router = kit.start(RouterSettings::at(listener)).await;
    let Address::Tcp(at) = router.endpoints()[0].address() else { panic!("it is TCP") };
    let sent = [
        // Not TLS at all; a record that is too long; half a record; nothing.
        (&b"\x01garbage and more of it"[..], &b"\x15\x03"[..]),
        (b"\x16\x03\x01\xff\xff\x01\x00\x00\x00", b"\x15\x03"),
        (b"\x16\x03\x01\x00\x50\x01\x00", b""),
        (b"", b""),
    ];
    let kit = &kit;
    join_all(sent.map(|(sent, answer)| {
        let at = (at.host.clone(), at.port);
        let got = kit.blocking(move || {
            let mut stream = TcpStream::connect(at).unwrap();
            stream.set_read_timeout(Some(BOUND)).unwrap();
            stream.write_all(sent).unwrap();
            rest(&mut stream)
        });
        async move {
            let got = kit.within(got).await;
            let told = if answer.is_empty() { got.is_empty() } else { got.starts_with(answer) };
            assert!(told, "{sent:?} was answered by {got:?}");
        }
    }))
    .await;
    kit.refuses(&*router, |refused| (refused.tls, refused.timeout) == (2, 2)).await;
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

/// certificates of clients.
pub(super) async fn client_certificates(kit: Kit) {
    let (authority, clients) = (Authority::new(), Authority::new());
    let ours = authority.issue(&["127.0.0.1"]);
    let (good, other) = (clients.issue(&["client"]), authority.issue(&["client"]));
    let showing = |identity: &Identity| {
        let (identity, pem) = (identity.clone(), authority.pem());
        move |tls: &mut TlsOptions| _ = tls.ca_pem(pem).client_cert_pem(identity.chain, identity.key)
    };
    let showing_none = |tls: &mut TlsOptions| _ = tls.ca_pem(authority.pem());
    for at in URLS {
        let demand = config(&ours).client_ca_pem(clients.pem());
        let router = start(&kit, at, demand.clone()).await;
        join(&kit, url(&*router), showing(&good)).await.unwrap();
        let error = refused(&kit, url(&*router), showing(&other)).await;
        assert!(matches!(error, TlsError::CertificateRefused(_)), "{error:?}");
        let error = refused(&kit, url(&*router), showing_none).await;
        assert!(matches!(error, TlsError::CertificateRefused(_)), "{error:?}");
        kit.refuses(&*router, |refused| refused.tls == 2).await;

        let router = start(&kit, at, demand.client_certs_optional()).await;
        join(&kit, url(&*router), showing_none).await.unwrap();
        let error = refused(&kit, url(&*router), showing(&other)).await;
        assert!(matches!(error, TlsError::CertificateRefused(_)), "{error:?}");
    }
}

/// Certificates change, sessions stay.
pub(super) async fn certificates_are_read_again(kit: Kit) {
    let [old, new] = [Authority::new(), Authority::new()];
    let unique = format!("wamp-tls-{}-{:p}", std::process::id(), &old);
    let [chain, key] = ["chain", "key"].map(|what| std::env::temp_dir().join(format!("{unique}-{what}.pem")));
    let write = |identity: &Identity| {
        std::fs::write(&chain, &identity.chain).unwrap();
        std::fs::write(&key, &identity.key).unwrap();
    };
    write(&old.issue(&["127.0.0.1"]));
    let router = start(&kit, URLS[0], TlsConfig::from_files(&chain, &key)).await;
    let trusting = |authority: &Authority| {
        let pem = authority.pem();
        move |tls: &mut TlsOptions| _ = tls.ca_pem(pem)
    };
    let client = join(&kit, url(&*router), trusting(&old)).await.unwrap();
    client.register("t.echo", echo).await.unwrap();

    write(&new.issue(&["127.0.0.1"]));
    let fresh = refused(&kit, url(&*router), trusting(&new)).await;
    assert_eq!(fresh, TlsError::UnknownAuthority, "nobody has asked for the files yet");
    router.reload_tls().unwrap();
    let fresh = join(&kit, url(&*router), trusting(&new)).await.unwrap();
    assert_eq!(refused(&kit, url(&*router), trusting(&old)).await, TlsError::UnknownAuthority);
    assert_eq!(kit.within(fresh.call("t.echo").args((7,)).value::<i64>()).await.unwrap(), 7);

    std::fs::write(&chain, "no certificate").unwrap();
    let error = router.reload_tls().unwrap_err().to_string();
    assert!(error.contains("chain.pem"), "{error}");
    join(&kit, url(&*router), trusting(&new)).await.expect("what was good is kept");
    assert!(client.close_reason().is_none());
    for file in [chain, key] {
        std::fs::remove_file(file).unwrap();
    }
}

/// Fault 87: an end without close_notify is told apart from one in order.
pub(super) async fn a_connection_that_is_cut_off(kit: Kit) {
    let authority = Authority::new();
    for at in URLS {
        let router = start(&kit, at, config(&authority.issue(&["127.0.0.1"]))).await;
        let trusting = |tls: &mut TlsOptions| _ = tls.ca_pem(authority.pem());
        let proxy = Proxy::new(&url(&*router)).unwrap();
        let client = join(&kit, proxy.url().to_owned(), trusting).await.unwrap();
        proxy.set(Fault::CutAfter(0));
        let _ = kit.within(client.call("t.nobody")).await;
        let closed = kit.within(client.closed()).await;
        assert!(closed.to_string().contains("close_notify"), "{closed}");

        proxy.set(Fault::CutAfter(100));
        let error = refused(&kit, proxy.url().to_owned(), trusting).await;
        assert_eq!(error, TlsError::Truncated);

        let client = join(&kit, url(&*router), trusting).await.unwrap();
        kit.within(router.shutdown()).await;
        let closed = kit.within(client.closed()).await;
        assert!(!closed.to_string().contains("close_notify"), "{closed}");
    }
}
