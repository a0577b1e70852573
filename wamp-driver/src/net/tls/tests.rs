//! Both ends of TLS in memory, whatever the pieces are that bytes come in.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use rcgen::{Certificate, CertificateParams, KeyPair};
use rustls::{ClientConfig, ClientConnection, RootCertStore, version::TLS12};

use super::{Acceptor, Connector, TlsConfig, TlsError, TlsOptions, TlsSocket, provider};
use crate::{
    net::{
        Socket,
        socket::{read, write_all},
    },
    shared::lock,
};

#[derive(Default)]
struct Way {
    bytes: VecDeque<u8>,
    ended: bool,
}

/// One end of a connection in memory, which passes so many bytes at a time.
struct Pipe {
    from: Arc<Mutex<Way>>,
    to: Arc<Mutex<Way>>,
    piece: usize,
}

fn pipe(piece: usize) -> (Box<Pipe>, Box<Pipe>) {
    let [one, other] = [(); 2].map(|()| Arc::new(Mutex::new(Way::default())));
    let end = |from: &Arc<Mutex<Way>>, to: &Arc<Mutex<Way>>| {
        Box::new(Pipe { from: from.clone(), to: to.clone(), piece })
    };
    (end(&one, &other), end(&other, &one))
}

impl Socket for Pipe {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut from = lock(&self.from);
        if from.bytes.is_empty() && !from.ended {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = from.bytes.len().min(buffer.len()).min(self.piece);
        buffer.iter_mut().zip(from.bytes.drain(..count)).for_each(|(to, from)| *to = from);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(self.piece);
        lock(&self.to).bytes.extend(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.to).ended = true;
        Poll::Ready(Ok(()))
    }
}

/// Two ends whose handshake is done.
async fn secured(piece: usize, change: impl FnOnce(&mut TlsOptions)) -> (TlsSocket, TlsSocket) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["router".to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = TlsConfig::from_pem(certificate.pem(), key.serialize_pem());
    let acceptor = Acceptor::new(config.client_ca_pem(certificate.pem()).client_certs_optional()).unwrap();
    let mut options = TlsOptions::default();
    options.ca_pem(certificate.pem());
    change(&mut options);
    let connector = Connector::new(&options, "router").unwrap();
    let (here, there) = pipe(piece);
    let mut server = acceptor.accept(there).unwrap();
    let (client, served) = futures_util::future::join(connector.connect(here), server.handshake()).await;
    served.unwrap();
    (client.unwrap(), server)
}

#[tokio::test]
async fn w_79_any_pieces_do() {
    for piece in [1, 7, 1_000, usize::MAX] {
        let (mut client, mut server) = secured(piece, |_| {}).await;
        let sent = (0..50_000_u32).map(|at| at as u8).collect::<Vec<_>>();
        write_all(&mut client, &sent).await.unwrap();
        let mut came = Vec::new();
        while came.len() < sent.len() {
            assert!(read(&mut server, &mut came, 3_000).await.unwrap() > 0);
        }
        assert_eq!(came, sent, "in pieces of {piece}");
    }
}

#[tokio::test]
async fn a_72_both_ends_export_the_same_and_no_other_connection_does() {
    let (client, server) = secured(1_000, |_| {}).await;
    let exported = client.channel().tls_exporter.unwrap();
    assert_eq!(server.channel().tls_exporter, Some(exported));
    assert!(client.channel().private && server.channel().private);
    assert_eq!(server.channel().client_certificate, None, "the client has shown none");
    let (other, _) = secured(1_000, |_| {}).await;
    assert_ne!(other.channel().tls_exporter, Some(exported));
}

/// A client of TLS 1.2, and what comes of its handshake with this router.
async fn meet_tls12(config: TlsConfig, authority: &Certificate) -> Result<(TlsSocket, TlsSocket), TlsError> {
    let mut store = RootCertStore::empty();
    store.add(authority.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS12]).unwrap();
    let client = Arc::new(builder.with_root_certificates(store).with_no_client_auth());
    let client = ClientConnection::new(client, "router".try_into().unwrap()).unwrap();
    let (here, there) = pipe(1_000);
    let mut client = TlsSocket::new(here, client.into());
    let mut server = Acceptor::new(config).unwrap().accept(there).unwrap();
    let (met, _) = futures_util::future::join(client.handshake(), server.handshake()).await;
    met.map(|()| (client, server))
}

#[tokio::test]
async fn tls_1_2_is_spoken_unless_it_is_refused_and_binds_nothing() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["router".to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = TlsConfig::from_pem(certificate.pem(), key.serialize_pem());
    let (client, server) = meet_tls12(config.clone(), &certificate).await.unwrap();
    for end in [client, server] {
        assert!(end.channel().private);
        assert_eq!(end.channel().tls_exporter, None);
    }
    let demanding = config.clone().client_ca_pem(certificate.pem());
    let error = meet_tls12(demanding, &certificate).await.err().unwrap();
    assert!(matches!(error, TlsError::CertificateRefused(_)), "{error:?}");
    let error = meet_tls12(config.tls13_only(), &certificate).await.err().unwrap();
    assert!(matches!(error, TlsError::Version(_)), "{error:?}");
}

#[tokio::test]
async fn fault_87_an_end_without_close_notify_is_none() {
    for polite in [true, false] {
        let (mut client, mut server) = secured(1_000, |_| {}).await;
        write_all(&mut client, b"x").await.unwrap();
        if polite {
            std::future::poll_fn(|context| client.poll_close(context)).await.unwrap();
        } else {
            let mut below = client.into_inner();
            std::future::poll_fn(|context| below.poll_close(context)).await.unwrap();
        }
        let mut came = Vec::new();
        assert_eq!(read(&mut server, &mut came, 10).await.unwrap(), 1);
        match read(&mut server, &mut came, 10).await {
            Ok(count) => assert!(polite && count == 0),
            Err(error) => assert!(!polite && TlsError::within(&error) == Some(&TlsError::Truncated)),
        }
    }
}

/// A client whose certificate is renewed in its file shows the new one in its next connection.
#[tokio::test]
async fn a_certificate_is_read_anew_for_every_connection() {
    let folder = std::env::temp_dir().join(format!("wamp-renewed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (chain, private) = (folder.join("client.pem"), folder.join("client.key"));
    let keys = [(); 2].map(|()| KeyPair::generate().unwrap());
    let certificates = keys
        .each_ref()
        .map(|key| CertificateParams::new(["client".to_owned()]).unwrap().self_signed(key).unwrap());
    let key = KeyPair::generate().unwrap();
    let router = CertificateParams::new(["router".to_owned()]).unwrap().self_signed(&key).unwrap();
    let known = certificates.iter().map(Certificate::pem).collect::<String>();
    let config = TlsConfig::from_pem(router.pem(), key.serialize_pem()).client_ca_pem(known);
    let acceptor = Acceptor::new(config).unwrap();
    let mut options = TlsOptions::default();
    options.ca_pem(router.pem()).client_cert(&chain, &private);
    for (certificate, key) in certificates.iter().zip(&keys) {
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&private, key.serialize_pem()).unwrap();
        let connector = Connector::new(&options, "router").unwrap();
        let (near, far) = pipe(4096);
        let mut server = acceptor.accept(far).unwrap();
        let (client, served) = futures_util::future::join(connector.connect(near), server.handshake()).await;
        assert!(client.is_ok() && served.is_ok(), "{served:?}");
        let shown = server.channel().client_certificate.unwrap();
        assert_eq!(shown, super::certificate::identify(certificate.der()));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn settings_that_cannot_be_used_say_which() {
    let error = Acceptor::new(TlsConfig::from_files("nowhere.pem", "nowhere.key")).err().unwrap();
    assert!(error.to_string().contains("nowhere.pem"), "{error}");
    let mut options = TlsOptions::default();
    options.ca_pem("nothing");
    let error = Connector::new(&options, "router").err().unwrap();
    assert!(error.to_string().contains("the PEM given"), "{error}");
    let (one, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(["router".to_owned()]).unwrap().self_signed(&one).unwrap();
    let error = Acceptor::new(TlsConfig::from_pem(certificate.pem(), other.serialize_pem())).err().unwrap();
    assert!(matches!(error, TlsError::Settings(_)), "{error:?}");
    let shown = format!("{:?}", TlsConfig::from_pem(certificate.pem(), other.serialize_pem()));
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
