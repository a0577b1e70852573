//! How a connection that is to be made speaks TLS: the same settings as [`TlsOptions`] has.

use std::path::PathBuf;

use super::Connect;
use crate::net::{Network, Roots, TlsOptions};

impl<N: Network> Connect<N> {
    /// Changes any of the settings of TLS.
    pub fn tls(self, change: impl FnOnce(&mut TlsOptions)) -> Self {
        self.options(|options| change(&mut options.tls))
    }

    /// Trusts these authorities, instead of those of the operating system or besides those that are named.
    pub fn tls_roots(self, roots: Roots) -> Self {
        self.tls(|tls| _ = tls.roots(roots))
    }

    /// Trusts the authorities of a file in PEM, and no others unless [`tls_roots`](Self::tls_roots) are asked for.
    pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
        self.tls(|tls| _ = tls.ca_file(path))
    }

    /// The same, with authorities in PEM.
    pub fn ca_pem(self, pem: impl AsRef<[u8]>) -> Self {
        self.tls(|tls| _ = tls.ca_pem(pem))
    }

    /// Shows the router a certificate: the files of the chain, the own certificate first, and of its private key, in PEM.
    pub fn client_cert(self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls(|tls| _ = tls.client_cert(chain, key))
    }

    /// The name that the router's certificate must be for, instead of the host of the URL.
    pub fn server_name(self, name: impl Into<String>) -> Self {
        self.tls(|tls| _ = tls.server_name(name))
    }

    /// Connects to whoever answers: see [`TlsOptions::danger_accept_invalid_certs`].
    #[cfg(feature = "dangerous-insecure-tls")]
    pub fn danger_accept_invalid_certs(self) -> Self {
        self.tls(|tls| _ = tls.danger_accept_invalid_certs())
    }
}
