//! What can go wrong for an application.

use wamp_proto::{
    DecodeError, EncodeError, Uri,
    error::{Closed, Misuse, RemoteError},
    reconnect::Kind,
    session::Failure,
    uri::uris,
};

use crate::{cipher::CipherError, endpoint::InvalidEndpoint};

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
    /// The connection was not made in time.
    #[error("{to} did not answer within {within:?}")]
    Timeout {
        /// Where to.
        to: String,
        /// The time limit.
        within: std::time::Duration,
    },
    /// The router refused the session, or was lost before it was open.
    #[error("cannot join: {0}")]
    Join(Closed),
}

impl ConnectError {
    /// The same as the end of a client.
    pub(crate) fn to_closed(&self) -> Closed {
        let kind = match self {
            Self::Join(closed) => return closed.clone(),
            Self::Endpoint(_) | Self::Realm(_) => Kind::Misuse,
            Self::Io { .. } => Kind::Unreachable,
            Self::Handshake { .. } => Kind::Handshake,
            Self::Timeout { .. } => Kind::Timeout,
        };
        Closed::NotConnected { kind, why: self.to_string() }
    }
}
