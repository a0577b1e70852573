//! TLS by rustls, once for all adapters (W-97): a [`Socket`](super::Socket) around another one.
//!
//! Certificates are verified always, TLS 1.2 and 1.3 are spoken, and nothing ever falls back to plaintext. Revocation is
//! not checked: certificates that live short are the remedy.

#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod client;
mod error;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "tls")]
mod server;
#[cfg(feature = "tls")]
mod stream;
#[cfg(all(test, feature = "tls"))]
mod tests;

#[cfg(feature = "tls")]
pub use client::{Roots, TlsOptions};
pub use error::TlsError;
#[cfg(feature = "tls")]
pub use server::TlsConfig;
#[cfg(feature = "tls")]
pub(super) use {client::Connector, server::Acceptor, stream::TlsSocket};

/// The first byte of what a TLS server says to those who do not speak TLS: the record of an alert.
pub(super) const ALERT: u8 = 0x15;

/// What a port of TLS tells those who speak plaintext to it.
#[cfg(feature = "tls")]
pub(super) const SPEAK_TLS: &str = "this port speaks TLS: use wss:// or tcps://";

/// The versions of TLS that are spoken.
#[cfg(feature = "tls")]
fn versions(tls13_only: bool) -> Vec<&'static rustls::SupportedProtocolVersion> {
    use rustls::version::{TLS12, TLS13};
    if tls13_only { vec![&TLS13] } else { vec![&TLS13, &TLS12] }
}

/// What the sub-protocol of TLS is for WebSocket.
#[cfg(feature = "tls")]
const HTTP: &[u8] = b"http/1.1";

#[cfg(feature = "tls")]
fn provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::ring::default_provider())
}
