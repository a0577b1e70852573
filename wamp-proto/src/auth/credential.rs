//! What a router keeps of somebody.

#[cfg(feature = "cra")]
use super::cra;
#[cfg(feature = "cryptosign")]
use super::cryptosign::PublicKey;
#[cfg(feature = "scram")]
use super::scram;
use super::{Method, Secret, secret::same};
use crate::channel::{Channel, ClientCertificate};

/// What a router checks a proof against. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// A ticket.
    Ticket(Secret),
    /// The secret of WAMP-CRA.
    #[cfg(feature = "cra")]
    Cra(cra::Credential),
    /// What was derived from a password.
    #[cfg(feature = "scram")]
    Scram(scram::Credential),
    /// Public keys: any of them will do.
    #[cfg(feature = "cryptosign")]
    Cryptosign(Vec<PublicKey>),
    /// The SHA-256 fingerprint of a TLS client certificate.
    CertificateFingerprint([u8; 32]),
    /// A name of a TLS client certificate, common or alternative: whoever issues certificates decides who has it.
    CertificateName(String),
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
}

impl Credential {
    /// The method it belongs to.
    pub const fn method(&self) -> Method {
        match self {
            Self::Ticket(_) => Method::Ticket,
            #[cfg(feature = "cra")]
            Self::Cra(_) => Method::Cra,
            #[cfg(feature = "scram")]
            Self::Scram(_) => Method::Scram,
            #[cfg(feature = "cryptosign")]
            Self::Cryptosign(_) => Method::Cryptosign,
            Self::CertificateFingerprint(_) | Self::CertificateName(_) => Method::Tls,
            Self::Cookie { .. } => Method::Cookie,
        }
    }

    /// Whether the connection itself proves it.
    pub(crate) fn is_shown_by(&self, channel: &Channel) -> bool {
        let certificate = channel.client_certificate.as_ref();
        let shows = |test: &dyn Fn(&ClientCertificate) -> bool| certificate.is_some_and(test);
        match self {
            Self::CertificateFingerprint(sha256) => shows(&|shown| shown.sha256 == *sha256),
            Self::CertificateName(name) => shows(&|shown| shown.names.contains(name)),
            Self::Cookie { name, value } => {
                let sent = channel.cookie.as_ref().and_then(|cookie| cookie.get(name));
                sent.is_some_and(|sent| same(sent.as_bytes(), value.expose()))
            }
            _ => false,
        }
    }

    /// One that looks the same to a client and that nothing proves, for somebody who is not there (fault 77). `bytes` must
    /// depend on the name, and on what no client knows.
    pub(crate) fn decoy(&self, bytes: [u8; 32]) -> Self {
        match self {
            #[cfg(feature = "cra")]
            Self::Cra(real) => Self::Cra(real.decoy(bytes)),
            #[cfg(feature = "scram")]
            Self::Scram(real) => Self::Scram(real.decoy(bytes)),
            #[cfg(feature = "cryptosign")]
            Self::Cryptosign(_) => Self::Cryptosign(Vec::new()),
            _ => Self::Ticket(bytes.to_vec().into()),
        }
    }
}
