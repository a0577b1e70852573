//! What can go wrong with TLS.

use std::io;

use wamp_proto::reconnect::Kind;

/// Why TLS failed. Says at whose end, and what to look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer's certificate is out of date. A clock that is wrong looks the same.
    #[error("its certificate has expired")]
    Expired,
    /// The peer's certificate is valid in the future only. A clock that is wrong looks the same.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// The peer's certificate belongs to somebody else.
    #[error("its certificate is not for `{expected}`{}", listed(.presented))]
    WrongName {
        /// Who it should be.
        expected: String,
        /// Whom it is for, as far as that is known.
        presented: Vec<String>,
    },
    /// Nobody who is trusted has signed the peer's certificate; it may have been signed by its owner.
    #[error(
        "its certificate is self-signed or of an authority that is not trusted; name the authority if it should be"
    )]
    UnknownAuthority,
    /// The peer's certificate is no good for another reason.
    #[error("its certificate is bad: {0}")]
    BadCertificate(String),
    /// The peer refused our certificate, or wants one and got none.
    #[error("it refused us for our certificate: {0}")]
    CertificateRefused(String),
    /// The peer answered TLS with something else.
    #[error("the port does not speak TLS")]
    NotTls,
    /// TLS was expected of us.
    #[error("the port speaks TLS: use wss:// or tcps://")]
    TlsExpected,
    /// There is no version of TLS, or no cipher suite, that both ends want.
    #[error("no version of TLS in common: {0}")]
    Version(String),
    /// The connection ended before TLS said so. It may have been cut off by somebody in between.
    #[error("the connection was cut off without TLS's close_notify")]
    Truncated,
    /// Our own settings cannot be used.
    #[error("bad TLS settings: {0}")]
    Settings(String),
    /// This program was built without TLS.
    #[error("this program was built without TLS: turn on the feature `tls`")]
    NotBuilt,
    /// Something else; what the library says of it.
    #[error("TLS failed: {0}")]
    Other(String),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" but for {}", names.join(", ")) }
}

impl TlsError {
    /// What it means for whether another attempt may go well: a bad certificate stays one, but whoever cuts a handshake off or
    /// answers with something else may be what stands in for a router that is not up.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Settings(_) | Self::NotBuilt | Self::TlsExpected => Kind::Misuse,
            Self::NotTls | Self::Truncated | Self::Other(_) => Kind::Handshake,
            Self::Expired
            | Self::NotYetValid
            | Self::WrongName { .. }
            | Self::UnknownAuthority
            | Self::BadCertificate(_)
            | Self::CertificateRefused(_)
            | Self::Version(_) => Kind::Tls,
        }
    }

    /// The error of TLS that is in an error of a socket, if that is what it is.
    pub(crate) fn within(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        let kind = match error {
            TlsError::Truncated => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

#[cfg(feature = "tls")]
mod rustls_errors {
    use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

    use super::TlsError;

    impl From<Error> for TlsError {
        fn from(error: Error) -> Self {
            match error {
                Error::InvalidCertificate(error) => of_certificate(error),
                Error::AlertReceived(alert) => of_alert(alert),
                // What is no TLS shows in its first byte, or in the version behind it.
                Error::InvalidMessage(
                    InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
                ) => Self::NotTls,
                Error::PeerIncompatible(why) => Self::Version(format!("{why:?}")),
                Error::NoCertificatesPresented => Self::BadCertificate("it showed none".to_owned()),
                error => Self::Other(error.to_string()),
            }
        }
    }

    fn of_certificate(error: CertificateError) -> TlsError {
        use CertificateError as E;
        match error {
            E::Expired | E::ExpiredContext { .. } => TlsError::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => TlsError::NotYetValid,
            // An authority of the same name, but with another key, has signed it: an old test authority, most often.
            E::UnknownIssuer | E::BadSignature => TlsError::UnknownAuthority,
            E::NotValidForNameContext { expected, presented } => {
                let presented = presented.into_iter().map(name_of).collect();
                TlsError::WrongName { expected: expected.to_str().into_owned(), presented }
            }
            error => TlsError::BadCertificate(error.to_string()),
        }
    }

    /// A name as people write it; rustls has `DnsName("example.com")` or `IpAddress(127.0.0.1)`.
    fn name_of(presented: String) -> String {
        let name = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        name.map(|name| name.trim_matches('"').to_owned()).unwrap_or(presented)
    }

    fn of_alert(alert: AlertDescription) -> TlsError {
        use AlertDescription as A;
        let why = format!("{alert:?}");
        match alert {
            A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::CertificateRequired
            | A::UnknownCA
            | A::DecryptError
            | A::AccessDenied => TlsError::CertificateRefused(why),
            A::ProtocolVersion | A::InsufficientSecurity => TlsError::Version(why),
            _ => TlsError::Other(format!("the peer broke off: {why}")),
        }
    }
}
