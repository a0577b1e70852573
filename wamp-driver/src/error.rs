//! What can go wrong for an application.

use wamp_proto::{
    DecodeError, EncodeError, Uri,
    auth::AuthError,
    error::{Closed, Misuse, RemoteError},
    session::Failure,
    uri::uris,
};

use crate::{cipher::CipherError, endpoint::InvalidEndpoint, net::TlsError};

/// Why a call, publication, subscription or registration failed. Says whose fault it is.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The application at the other end, or the router, answered with an error.
    #[error("{0}")]
    Remote(#[from] RemoteError),
    /// No answer came in time; the call was canceled.
    #[error("no answer within the time limit")]
    Timeout,
    /// Progressive results came faster than they were taken; the call was canceled.
    #[error("the progressive results were not taken as fast as they came")]
    Lagging,
    /// The caller of an invocation has given up, or its time is over.
    #[error("the call was canceled")]
    Canceled,
    /// The session has ended.
    #[error("the session has ended: {0}")]
    Closed(Closed),
    /// The arguments cannot be serialized.
    #[error("cannot serialize the arguments: {0}")]
    Encode(#[from] EncodeError),
    /// The answer is not of the type that was asked for.
    #[error("the answer has another type: {0}")]
    Decode(#[from] DecodeError),
    /// The payload cannot be encrypted, or what came cannot be decrypted.
    #[error("cannot encrypt or decrypt the payload: {0}")]
    Cipher(#[from] CipherError),
    /// The request cannot be made: a bad URI, too large a message, ...
    #[error("{0}")]
    Misuse(Misuse),
}

impl Error {
    /// The error that the other end answered with, if that is what happened.
    pub fn remote(&self) -> Option<&RemoteError> {
        match self {
            Self::Remote(error) => Some(error),
            _ => None,
        }
    }

    /// The URI of the error that the other end answered with.
    pub fn uri(&self) -> Option<&Uri> {
        self.remote().map(|remote| &remote.error)
    }
}

impl Error {
    /// The router keeps the time limit of a call too, and may be faster than we are: it is the same time limit.
    pub(crate) fn of_limited_call(self) -> Self {
        match self.uri() {
            Some(error) if *error == uris::error::TIMEOUT => Self::Timeout,
            _ => self,
        }
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::Closed(closed) => Self::Closed(closed),
            Misuse::Encode(error) => Self::Encode(error),
            misuse => Self::Misuse(misuse),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Remote(error) => Self::Remote(error),
            _ => Self::Timeout,
        }
    }
}

/// Why a client could not connect and join.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one that can be connected to.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// The realm is not a valid URI.
    #[error("bad realm: {0}")]
    Realm(#[from] wamp_proto::uri::InvalidUri),
    /// A variable of the environment is not what it should be.
    #[error("the variable {name} is `{text}`, which is no duration such as `20s`, `500ms` or `off`")]
    Environment {
        /// Which.
        name: &'static str,
        /// What it is.
        text: String,
    },
    /// The network connection could not be made.
    #[error("cannot connect to {to}: {error}")]
    Io {
        /// Where to.
        to: String,
        /// Why not.
        #[source]
        error: std::io::Error,
    },
    /// The connection was made, but the transport's own handshake failed.
    #[error("{to} is not a WAMP router we can talk to: {why}")]
    Handshake {
        /// Where to.
        to: String,
        /// What went wrong.
        why: String,
    },
    /// TLS failed, or the certificate of the router is not to be trusted. Nothing was sent in plaintext.
    #[error("no TLS with {to}: {error}")]
    Tls {
        /// Where to.
        to: String,
        /// What went wrong, and at whose end.
        #[source]
        error: TlsError,
    },
    /// The connection was not made in time.
    #[error("{to} did not answer within {within:?}")]
    Timeout {
        /// Where to.
        to: String,
        /// The time limit.
        within: std::time::Duration,
    },
    /// A secret that the client was to prove itself with is not there.
    #[error("there is no secret: {from}: {why}")]
    Secret {
        /// Where it was to come from.
        from: String,
        /// Why it does not.
        why: String,
    },
    /// The client cannot prove itself as it was told to.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The router refused the session, or was lost before it was open.
    #[error("cannot join: {0}")]
    Join(Closed),
}

/// At whom an error is to be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// What the application said: URL, realm, secret, credentials.
    Application,
    /// The router, or who pretends to be it.
    Router,
    /// What is between them.
    Network,
}

impl ConnectError {
    /// Why the router refused the session, and what it says about it, if that is what happened.
    ///
    /// ```
    /// # use wamp_driver::ConnectError;
    /// fn is_wrong_password(error: &ConnectError) -> bool {
    ///     error.refusal().is_some_and(|(reason, _)| *reason == "wamp.error.authentication_denied")
    /// }
    /// ```
    pub fn refusal(&self) -> Option<(&Uri, Option<&str>)> {
        match self {
            Self::Join(Closed::Aborted { reason, message, joined: false }) => {
                Some((reason, message.as_deref()))
            }
            _ => None,
        }
    }

    /// At whom to look for it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Endpoint(_)
            | Self::Realm(_)
            | Self::Environment { .. }
            | Self::Secret { .. }
            | Self::Auth(_)
            | Self::Tls {
                error: TlsError::Settings(_) | TlsError::NotBuilt | TlsError::TlsExpected, ..
            } => Fault::Application,
            Self::Join(Closed::Aborted { .. } | Closed::Unsendable(_) | Closed::ByUs) => Fault::Application,
            Self::Join(Closed::Authentication(AuthError::Unusable(_) | AuthError::Signer(_))) => {
                Fault::Application
            }
            Self::Io { .. } | Self::Timeout { .. } | Self::Join(Closed::Lost(_)) => Fault::Network,
            Self::Handshake { .. } | Self::Tls { .. } | Self::Join(_) => Fault::Router,
        }
    }
}
