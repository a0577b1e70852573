//! TLS of a client.

use std::{path::PathBuf, sync::Arc};

use rustls::{ClientConfig, ClientConnection, RootCertStore, pki_types::ServerName};

use super::{
    TlsError,
    pem::{Identity, Source, authorities},
    provider,
    stream::TlsSocket,
    versions,
};
use crate::net::Socket;

/// Authorities that others have chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the operating system, which its administrator can change.
    System,
    /// Those of Mozilla's browser, as they were when this program was built: for places without any, such as a container
    /// with nothing but the program.
    Web,
}

/// How a client speaks TLS: whom it trusts, and who it is itself.
///
/// Without any setting, a router is trusted if an authority of the operating system has signed its certificate for the host
/// of the URL. Who names an authority of his own trusts that one alone, unless he asks for [`roots`](Self::roots) too.
///
/// Files are read anew for every connection: a client that reconnects shows the certificate that is there by then.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    roots: Vec<Roots>,
    authorities: Vec<Source>,
    identity: Option<Identity>,
    server_name: Option<String>,
    tls13_only: bool,
    #[cfg(feature = "dangerous-insecure-tls")]
    accept_invalid: bool,
}

impl TlsOptions {
    /// Trusts these authorities, too.
    pub fn roots(&mut self, roots: Roots) -> &mut Self {
        self.roots.push(roots);
        self
    }

    /// Trusts the authorities of a file in PEM.
    pub fn ca_file(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.authorities.push(Source::File(path.into()));
        self
    }

    /// Trusts authorities in PEM.
    pub fn ca_pem(&mut self, pem: impl AsRef<[u8]>) -> &mut Self {
        self.authorities.push(Source::Pem(pem.as_ref().into()));
        self
    }

    /// Shows the router a certificate: the files of the chain, the own certificate first, and of its private key, in PEM.
    pub fn client_cert(&mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> &mut Self {
        self.identity = Some(Identity { chain: Source::File(chain.into()), key: Source::File(key.into()) });
        self
    }

    /// The same, with chain and key in PEM.
    pub fn client_cert_pem(&mut self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> &mut Self {
        let (chain, key) = (chain.as_ref().into(), key.as_ref().into());
        self.identity = Some(Identity { chain: Source::Pem(chain), key: Source::Pem(key) });
        self
    }

    /// The name that the router's certificate must be for, instead of the host of the URL.
    pub fn server_name(&mut self, name: impl Into<String>) -> &mut Self {
        self.server_name = Some(name.into());
        self
    }

    /// Refuses TLS 1.2.
    pub fn tls13_only(&mut self) -> &mut Self {
        self.tls13_only = true;
        self
    }

    /// Connects to whoever answers, whatever certificate it shows, if any authority has signed it at all: everybody on the
    /// way can read and change everything. For experiments; it is logged as a warning whenever it is made use of.
    #[cfg(feature = "dangerous-insecure-tls")]
    pub fn danger_accept_invalid_certs(&mut self) -> &mut Self {
        self.accept_invalid = true;
        self
    }

    /// Reads the files now, to find out whether they can be used. A connection says the same, but not before it is made.
    ///
    /// # Errors
    ///
    /// [`TlsError::Settings`] names the file, and what is wrong with it.
    pub fn check(&self) -> Result<(), TlsError> {
        self.config().map(drop)
    }

    fn store(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        authorities(&self.authorities, &mut store)?;
        let default: &[Roots] = if self.authorities.is_empty() { &[Roots::System] } else { &[] };
        let roots = if self.roots.is_empty() { default } else { &self.roots };
        for roots in roots {
            match roots {
                Roots::System => add_system(&mut store)?,
                Roots::Web => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            }
        }
        Ok(store)
    }

    fn config(&self) -> Result<ClientConfig, TlsError> {
        let versions = versions(self.tls13_only);
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&versions)?;
        let builder = builder.with_root_certificates(self.store()?);
        // No ALPN is offered: WebSocket is HTTP/1.1 without, and Crossbar ends the handshake of whoever offers it.
        let config = match &self.identity {
            Some(identity) => {
                let (chain, key) = identity.read()?;
                builder.with_client_auth_cert(chain, key).map_err(|error| identity.refused(&error))?
            }
            None => builder.with_no_client_auth(),
        };
        #[cfg(feature = "dangerous-insecure-tls")]
        let mut config = config;
        #[cfg(feature = "dangerous-insecure-tls")]
        if self.accept_invalid {
            tracing::warn!("TLS certificates are not verified: anybody can pass for the router");
            config.dangerous().set_certificate_verifier(insecure::verifier());
        }
        Ok(config)
    }
}

fn add_system(store: &mut RootCertStore) -> Result<(), TlsError> {
    let found = rustls_native_certs::load_native_certs();
    // Some of what an operating system keeps is not for us, or broken.
    let (added, _) = store.add_parsable_certificates(found.certs);
    if added > 0 {
        return Ok(());
    }
    let why = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
    Err(TlsError::Settings(format!(
        "the operating system has no certificates of authorities{why}; name one, or ask for those of the web"
    )))
}

/// What the connections of a client to one router have in common: their settings, read once, and the sessions that can be
/// resumed.
pub(in crate::net) struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Connector {
    /// For a router on this host.
    pub(in crate::net) fn new(options: &TlsOptions, host: &str) -> Result<Self, TlsError> {
        let name = options.server_name.as_deref().unwrap_or(host);
        let bad = |_| TlsError::Settings(format!("`{name}` is no name for a certificate"));
        let name = ServerName::try_from(name.to_owned()).map_err(bad)?;
        Ok(Self { config: Arc::new(options.config()?), name })
    }

    /// Speaks TLS from now on.
    pub(in crate::net) async fn connect(&self, socket: Box<dyn Socket>) -> Result<TlsSocket, TlsError> {
        let connection = ClientConnection::new(self.config.clone(), self.name.clone())?;
        let mut socket = TlsSocket::new(socket, connection.into());
        socket.handshake().await?;
        Ok(socket)
    }
}

#[cfg(feature = "dangerous-insecure-tls")]
mod insecure {
    use std::sync::Arc;

    use rustls::{
        DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    };

    /// Believes every certificate.
    #[derive(Debug)]
    struct Anybody(Arc<CryptoProvider>);

    pub(super) fn verifier() -> Arc<dyn ServerCertVerifier> {
        Arc::new(Anybody(super::provider()))
    }

    impl ServerCertVerifier for Anybody {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
