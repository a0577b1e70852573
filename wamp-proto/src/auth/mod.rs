//! Authentication as arithmetic: what a client answers to a challenge, and what a router expects (A-01..A-78).
//!
//! Nothing here waits, reads a clock or draws a random number. A client's side is an [`Exchange`]; the router has its own
//! in [`router`](crate::router), over the [`Credential`]s of its configuration or of a decision.
//!
//! Secrets are compared in constant time, overwritten when they are dropped, and never shown by `Debug` (fault 78, 88).

mod client;
#[cfg(feature = "cra")]
pub mod cra;
#[cfg(feature = "router")]
mod credential;
#[cfg(feature = "cryptosign")]
pub mod cryptosign;
mod error;
#[cfg(feature = "router")]
mod expected;
#[cfg(any(feature = "scram", feature = "cryptosign"))]
mod hex;
#[cfg(any(feature = "cra", feature = "scram"))]
mod mac;
#[cfg(feature = "scram")]
pub mod scram;
mod secret;

pub use client::{Answer, Exchange, Policy, Proof, ToSign};
#[cfg(feature = "router")]
pub use credential::Credential;
pub use error::AuthError;
#[cfg(all(feature = "router", feature = "cryptosign"))]
pub(crate) use expected::public_key;
#[cfg(feature = "router")]
pub(crate) use expected::{Claim, Expected};
pub use secret::Secret;

/// What TLS exports for channel binding (RFC 9266): the one binding there is. `tls-unique` has no meaning in TLS 1.3, and
/// rustls does not offer it in TLS 1.2.
pub const TLS_EXPORTER: &str = "tls-exporter";

/// A way to prove who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Method {
    /// No proof at all.
    Anonymous,
    /// A secret that is sent as it is.
    Ticket,
    /// WAMP-CRA: a signature with a shared secret.
    Cra,
    /// WAMP-SCRAM: a password that neither end reveals.
    Scram,
    /// Cryptosign: a signature with a private key.
    Cryptosign,
    /// The certificate of the TLS connection.
    Tls,
    /// A cookie of the WebSocket handshake.
    Cookie,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Anonymous, Self::Ticket, Self::Cra, Self::Scram, Self::Cryptosign, Self::Tls, Self::Cookie];

    /// The name in HELLO and WELCOME.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Ticket => "ticket",
            Self::Cra => "wampcra",
            Self::Scram => "wamp-scram",
            Self::Cryptosign => "cryptosign",
            Self::Tls => "tls",
            Self::Cookie => "cookie",
        }
    }

    /// The method of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}
