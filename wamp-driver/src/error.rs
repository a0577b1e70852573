//! What can go wrong for an application.

use std::fmt;

use wamp_proto::{
    DecodeError, EncodeError, Uri,
    auth::AuthError,
    error::{Closed, Misuse, RemoteError},
    reconnect::{Kind, may_be_restored},
    session::Failure,
    uri::uris,
};

use crate::{WampError, cipher::CipherError, endpoint::InvalidEndpoint, net::TlsError};

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
    /// The client has ended. Whether a request that was under way was carried out is not known.
    #[error("the session has ended: {0}")]
    Closed(Closed),
    /// The connection was lost while the request was under way. The client connects again; the request is not made again,
    /// for it may have been carried out.
    #[error("the connection was lost, and it is not known whether the request was carried out: {0}")]
    Lost(Closed),
    /// There is no connection at the moment. Nothing was sent; the client is about to connect again. See
    /// [`wait_for_connection`](crate::ClientOptions::wait_for_connection) for requests that wait instead.
    #[error("there is no connection at the moment, nothing was sent")]
    Disconnected,
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

    /// The error that the other end answered with, as a type of the application; `None` when it is none of those, or no answer.
    ///
    /// ```
    /// # use wamp_driver::{Error, WampError};
    /// # fn example<Fault: WampError>(error: Error) -> Result<(), Error> {
    /// match error.decode::<Fault>() {
    ///     Some(fault) => { /* the procedure's own */ }
    ///     None => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn decode<E: WampError>(&self) -> Option<E> {
        E::from_remote(self.remote()?)
    }

    /// Whether the router, or the procedure, does not allow the caller to do this.
    pub fn is_not_authorized(&self) -> bool {
        self.is(uris::error::NOT_AUTHORIZED)
    }

    /// Whether nobody offers the procedure.
    pub fn is_no_such_procedure(&self) -> bool {
        self.is(uris::error::NO_SUCH_PROCEDURE)
    }

    /// Whether the procedure takes other arguments.
    pub fn is_invalid_argument(&self) -> bool {
        self.is(uris::error::INVALID_ARGUMENT)
    }

    /// Whether the time was over, by whoever's clock.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout) || self.is(uris::error::TIMEOUT)
    }

    fn is(&self, error: &str) -> bool {
        self.uri().is_some_and(|uri| *uri == *error)
    }
}

impl Error {
    /// Whether a registration or subscription that was refused so may be granted later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Remote(remote) => may_be_restored(&remote.error),
            Self::Timeout => true,
            _ => false,
        }
    }

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
    /// A variable of the environment is not what it should be, or is missing: see [`environment`](crate::environment).
    #[error("the environment variable {name} {why}")]
    Environment {
        /// Which.
        name: &'static str,
        /// What is wrong with it, as the rest of a sentence. It shows no secret.
        why: String,
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
    /// A secret that the client was to prove itself with is not there, or is none.
    #[error("there is no usable secret: {from}: {why}")]
    Secret {
        /// Where it was to come from.
        from: String,
        /// Why it does not, or what is wrong with it.
        why: String,
    },
    /// The client cannot prove itself as it was told to.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The router refused the session, or was lost before it was open.
    #[error("cannot join: {0}")]
    Join(Closed),
    /// None of several URLs is of any use: each of them with its error, in the order in which they were tried. See
    /// [`Connect::or`](crate::net::Connect::or).
    #[error("none of {} URLs can be connected to: {}", .0.len(), one_after_the_other(.0))]
    NoneOf(Vec<Tried>),
}

/// A URL that was tried, and why it is of no use.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tried {
    /// The URL.
    pub url: String,
    /// What became of it.
    pub error: ConnectError,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ConnectError as E;
        match &self.error {
            // They name it themselves.
            error @ (E::Io { .. } | E::Handshake { .. } | E::Tls { .. } | E::Timeout { .. }) => error.fmt(f),
            error => write!(f, "{}: {error}", self.url),
        }
    }
}

fn one_after_the_other(tried: &[Tried]) -> String {
    tried.iter().map(Tried::to_string).collect::<Vec<_>>().join("; ")
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

    /// The URLs that were tried, each with its error, in that order, if there were several; empty if there was one.
    ///
    /// ```
    /// # use wamp_driver::ConnectError;
    /// fn report(error: &ConnectError) {
    ///     for tried in error.tried() {
    ///         println!("{}: {}", tried.url, tried.error);
    ///     }
    /// }
    /// ```
    pub fn tried(&self) -> &[Tried] {
        match self {
            Self::NoneOf(tried) => tried,
            _ => &[],
        }
    }

    /// The error of an attempt that has tried these.
    pub(crate) fn of(mut tried: Vec<Tried>) -> Self {
        match tried.pop() {
            Some(only) if tried.is_empty() => only.error,
            last => {
                tried.extend(last);
                Self::NoneOf(tried)
            }
        }
    }

    /// At whom to look for it; with several URLs, at the application as soon as one of them is its fault, then at a router.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoneOf(tried) => {
                let any = |fault: &Fault| tried.iter().any(|tried| tried.error.fault() == *fault);
                [Fault::Application, Fault::Router].into_iter().find(any).unwrap_or(Fault::Network)
            }
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

    /// The same as the end of a client.
    pub(crate) fn to_closed(&self) -> Closed {
        match self {
            Self::Join(closed) => closed.clone(),
            Self::Auth(error) => Closed::Authentication(error.clone()),
            error => Closed::NotConnected { kind: error.kind(), why: error.to_string() },
        }
    }

    /// What it means for whether another attempt may go well. With several URLs, one that may be of use then is enough.
    fn kind(&self) -> Kind {
        match self {
            Self::Join(_) | Self::Auth(_) => Kind::of(&self.to_closed()),
            Self::Endpoint(_) | Self::Realm(_) | Self::Environment { .. } | Self::Secret { .. } => {
                Kind::Misuse
            }
            Self::Io { .. } => Kind::Unreachable,
            Self::Handshake { .. } => Kind::Handshake,
            Self::Tls { error, .. } => error.kind(),
            Self::Timeout { .. } => Kind::Timeout,
            Self::NoneOf(tried) => {
                let kinds = || tried.iter().map(|tried| tried.error.kind());
                let passes =
                    |kind: &Kind| matches!(kind, Kind::Unreachable | Kind::Handshake | Kind::Timeout);
                kinds().find(passes).or_else(|| kinds().next_back()).unwrap_or(Kind::Unreachable)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wamp_proto::auth::AuthError;

    use super::*;

    fn tried(url: &str, error: impl FnOnce(String) -> ConnectError) -> Tried {
        Tried { url: url.to_owned(), error: error(url.to_owned()) }
    }

    #[test]
    fn every_url_is_named_with_its_error() {
        let refused = |to| ConnectError::Io { to, error: std::io::ErrorKind::ConnectionRefused.into() };
        let untrusted = |to| ConnectError::Tls { to, error: TlsError::UnknownAuthority };
        let unusable = |_| ConnectError::Auth(AuthError::Unusable("a ticket can be read here"));
        let error = ConnectError::of(vec![
            tried("ws://a/", refused),
            tried("wss://b/", untrusted),
            tried("ws://c/", unusable),
        ]);
        let text = error.to_string();
        assert!(
            text.starts_with("none of 3 URLs can be connected to: cannot connect to ws://a/: "),
            "{text}"
        );
        let found = ["ws://a/", "wss://b/", "authority", "ws://c/: ", "a ticket"].map(|part| text.find(part));
        assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{text}");
        assert!(error.tried().iter().map(|tried| &*tried.url).eq(["ws://a/", "wss://b/", "ws://c/"]));
        assert_eq!(error.fault(), Fault::Application);
        let Closed::NotConnected { kind: Kind::Unreachable, why } = error.to_closed() else {
            panic!("{error}")
        };
        assert_eq!(why, text);
        // What none of them can mend is not tried again.
        let error = ConnectError::of(vec![tried("wss://a/", untrusted), tried("wss://b/", untrusted)]);
        assert!(matches!(error.to_closed(), Closed::NotConnected { kind: Kind::Tls, .. }));
        assert_eq!(error.fault(), Fault::Router);
        let one = ConnectError::of(vec![tried("ws://a/", refused)]);
        assert!(matches!(one, ConnectError::Io { .. }) && one.tried().is_empty());
    }
}
