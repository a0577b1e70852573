//! TLS of a router.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use rustls::{
    RootCertStore, ServerConfig, ServerConnection,
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{
    HTTP, TlsError,
    pem::{Identity, Source, authorities},
    provider,
    stream::TlsSocket,
    versions,
};
use crate::{net::Socket, shared::lock};

/// How a router speaks TLS: its certificate, and what it demands of clients.
///
/// Files are read when the router starts, and again by [`Router::reload_tls`](crate::net::Router::reload_tls).
#[derive(Clone, Debug)]
#[must_use = "it is for a listener"]
pub struct TlsConfig {
    identity: Identity,
    client_authorities: Vec<Source>,
    client_optional: bool,
    tls13_only: bool,
}

impl TlsConfig {
    /// The files of the chain, the own certificate first, and of its private key, in PEM.
    pub fn from_files(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(chain.into()), Source::File(key.into()))
    }

    /// The same, from memory.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        Self::new(Source::Pem(chain.as_ref().into()), Source::Pem(key.as_ref().into()))
    }

    fn new(chain: Source, key: Source) -> Self {
        let identity = Identity { chain, key };
        Self { identity, client_authorities: Vec::new(), client_optional: false, tls13_only: false }
    }

    /// Demands of every client a certificate that an authority of this file, in PEM, has signed.
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_authorities.push(Source::File(path.into()));
        self
    }

    /// The same, with authorities in PEM.
    pub fn client_ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.client_authorities.push(Source::Pem(pem.as_ref().into()));
        self
    }

    /// Lets clients in that show no certificate; one that is shown must still be good.
    pub fn client_certs_optional(mut self) -> Self {
        self.client_optional = true;
        self
    }

    /// Refuses TLS 1.2.
    pub fn tls13_only(mut self) -> Self {
        self.tls13_only = true;
        self
    }

    /// Whether the files can be read and are what they should be.
    #[cfg(feature = "config")]
    pub(crate) fn check(&self) -> Result<(), TlsError> {
        self.read().map(drop)
    }

    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        if self.client_authorities.is_empty() {
            return Ok(Arc::new(NoClientAuth));
        }
        let mut store = RootCertStore::empty();
        authorities(&self.client_authorities, &mut store)?;
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider());
        let builder = if self.client_optional { builder.allow_unauthenticated() } else { builder };
        builder.build().map_err(|error| TlsError::Settings(error.to_string()))
    }

    fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let (chain, key) = self.identity.read()?;
        let versions = versions(self.tls13_only);
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&versions)?;
        let builder = builder.with_client_cert_verifier(self.verifier()?);
        let config = builder.with_single_cert(chain, key);
        let mut config = config.map_err(|error| self.identity.refused(&error))?;
        config.alpn_protocols.push(HTTP.to_vec());
        Ok(Arc::new(config))
    }
}

/// What makes the TLS connections of a listener.
pub(in crate::net) struct Acceptor {
    config: TlsConfig,
    current: Mutex<Arc<ServerConfig>>,
}

impl Acceptor {
    pub(in crate::net) fn new(config: TlsConfig) -> Result<Self, TlsError> {
        Ok(Self { current: Mutex::new(config.read()?), config })
    }

    /// Reads the files again, for connections from now on. When they are bad, all stays as it was.
    pub(in crate::net) fn reload(&self) -> Result<(), TlsError> {
        let fresh = self.config.read()?;
        *lock(&self.current) = fresh;
        Ok(())
    }

    /// A connection whose handshake is still to come.
    pub(in crate::net) fn accept(&self, socket: Box<dyn Socket>) -> Result<TlsSocket, TlsError> {
        let connection = ServerConnection::new(lock(&self.current).clone())?;
        Ok(TlsSocket::new(socket, connection.into()))
    }
}
