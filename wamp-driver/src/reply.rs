//! What a procedure answers with.

use std::{error::Error as StdError, fmt};

use serde::Serialize;
use wamp_proto::{
    Dict, EncodeError, Encoding, Payload, Uri, Value, error::RemoteError, uri::uris, value::to_value,
};

use crate::{Args, Error, Kwargs};

/// What an application error without a URI of its own becomes; autobahn calls it the same.
pub(crate) const RUNTIME_ERROR: &str = "wamp.error.runtime_error";

/// The error that a procedure answers with.
///
/// Every [`std::error::Error`] becomes one by `?`: `wamp.error.runtime_error` with its text. What the caller should be able
/// to tell apart gets a URI of its own:
///
/// ```
/// use wamp_driver::ErrorReply;
///
/// fn check(celsius: f64) -> Result<f64, ErrorReply> {
///     if celsius > 40.0 {
///         return Err(ErrorReply::new("com.example.error.too_hot").arg(celsius));
///     }
///     Ok(celsius)
/// }
/// # assert!(check(41.0).is_err());
/// ```
///
/// Errors that have a type of their own are [`WampError`]s.
#[derive(Debug)]
pub struct ErrorReply {
    pub(crate) error: Uri,
    args: Vec<Value>,
    kwargs: Dict,
    failed: Option<EncodeError>,
}

impl ErrorReply {
    /// An error with this URI and no arguments.
    pub fn new(error: impl AsRef<str>) -> Self {
        Self { error: Uri::unchecked(error), args: Vec::new(), kwargs: Dict::new(), failed: None }
    }

    /// With one more positional argument.
    #[must_use]
    pub fn arg(mut self, value: impl Serialize) -> Self {
        match to_value(&value) {
            Ok(value) => self.args.push(value),
            Err(error) => self.failed = Some(error),
        }
        self
    }

    /// With one more keyword argument.
    #[must_use]
    pub fn kwarg(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        match to_value(&value) {
            Ok(value) => {
                self.kwargs.insert(key, value);
            }
            Err(error) => self.failed = Some(error),
        }
        self
    }

    pub(crate) fn invalid_argument(why: impl fmt::Display) -> Self {
        Self::new(uris::error::INVALID_ARGUMENT).arg(why.to_string())
    }

    pub(crate) fn runtime(why: impl fmt::Display) -> Self {
        Self::new(RUNTIME_ERROR).arg(why.to_string())
    }

    pub(crate) fn into_remote(self, encoding: Encoding) -> RemoteError {
        if let Some(error) = &self.failed {
            tracing::error!(error = %self.error, %error, "the arguments of an error cannot be serialized");
        }
        let payload = Payload::new(encoding, &self.args, &self.kwargs);
        RemoteError::new(self.error, payload.unwrap_or_else(|_| Payload::empty()))
    }
}

impl<E: StdError> From<E> for ErrorReply {
    fn from(error: E) -> Self {
        Self::runtime(error)
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.args.first().and_then(Value::as_str) {
            Some(text) => write!(f, "{}: {text}", self.error),
            None => self.error.fmt(f),
        }
    }
}

/// An error with a type of its own at both ends: a procedure answers with it, and its caller gets it back by
/// [`Error::decode`].
///
/// `#[derive(WampError)]`, which every adapter has, writes this for an enum whose variants are URIs. By hand:
///
/// ```
/// use wamp_driver::{ErrorReply, WampError, proto::error::RemoteError};
///
/// #[derive(Debug, PartialEq)]
/// struct TooHot(f64);
///
/// impl WampError for TooHot {
///     fn into_reply(self) -> ErrorReply {
///         ErrorReply::new("com.example.error.too_hot").arg(self.0)
///     }
///
///     fn from_remote(error: &RemoteError) -> Option<Self> {
///         let (celsius,) = (error.error == "com.example.error.too_hot").then(|| error.payload.args().ok())??;
///         Some(Self(celsius))
///     }
/// }
/// ```
///
/// [`ErrorReply`] is one, [`Error`], whose remote errors are passed on as they are, and a boxed [`std::error::Error`], which
/// becomes `wamp.error.runtime_error`. In a closure whose error is an [`ErrorReply`], `?` takes a typed error that is a
/// [`std::error::Error`] too for one of those: [`typed`](crate::typed) handlers keep its URI.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error that a procedure can answer with",
    label = "not a `WampError`",
    note = "derive `WampError` for it, or answer with `ErrorReply`, which every standard error becomes by `?`"
)]
pub trait WampError: Sized {
    /// What the caller is sent.
    fn into_reply(self) -> ErrorReply;

    /// The error that somebody answered with; `None` when it is another one, or its arguments are.
    fn from_remote(error: &RemoteError) -> Option<Self>;
}

impl WampError for ErrorReply {
    fn into_reply(self) -> Self {
        self
    }

    fn from_remote(error: &RemoteError) -> Option<Self> {
        let (args, kwargs) = (error.payload.list().ok()?, error.payload.dict().ok()?);
        Some(Self { error: error.error.clone(), args, kwargs, failed: None })
    }
}

impl WampError for Error {
    fn into_reply(self) -> ErrorReply {
        self.remote().and_then(ErrorReply::from_remote).unwrap_or_else(|| ErrorReply::runtime(self))
    }

    fn from_remote(error: &RemoteError) -> Option<Self> {
        Some(Self::Remote(error.clone()))
    }
}

impl WampError for Box<dyn StdError + Send + Sync> {
    fn into_reply(self) -> ErrorReply {
        ErrorReply::runtime(self)
    }

    fn from_remote(error: &RemoteError) -> Option<Self> {
        Some(Box::new(error.clone()))
    }
}

/// The result of a procedure that answers with more than one value: see [`Invocation::reply`](crate::Invocation::reply).
#[derive(Clone, Debug)]
pub struct Reply(pub(crate) Payload);

impl From<Payload> for Reply {
    fn from(payload: Payload) -> Self {
        Self(payload)
    }
}

/// What a procedure can answer with, in the `Ok` of its result:
///
/// * a value that can be serialized, as the one positional result; `()` for none;
/// * [`Args`], [`Kwargs`] or both in a pair, for several results or named ones;
/// * a [`Reply`], which is serialized already.
///
/// `Kind` tells them apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result that a procedure can answer with",
    label = "not a result",
    note = "a result can be serialized (`serde::Serialize`), or is `Args`, `Kwargs`, `(Args, Kwargs)` or a `Reply`"
)]
pub trait IntoReply<Kind> {
    /// The results, serialized.
    ///
    /// # Errors
    ///
    /// When they cannot be serialized.
    fn into_reply(self, encoding: Encoding) -> Result<Reply, EncodeError>;
}

/// An answer of one value.
#[derive(Debug)]
pub struct ByValue;

/// An answer whose arguments are given.
#[derive(Debug)]
pub struct ByArguments;

impl<T: Serialize> IntoReply<ByValue> for T {
    fn into_reply(self, encoding: Encoding) -> Result<Reply, EncodeError> {
        if size_of::<T>() == 0 && to_value(&self).is_ok_and(|value| value.is_null()) {
            return Ok(Reply(Payload::empty()));
        }
        Payload::from_args(encoding, &(self,)).map(Reply)
    }
}

impl IntoReply<ByArguments> for Reply {
    fn into_reply(self, _: Encoding) -> Result<Self, EncodeError> {
        Ok(self)
    }
}

impl<A: Serialize> IntoReply<ByArguments> for Args<A> {
    fn into_reply(self, encoding: Encoding) -> Result<Reply, EncodeError> {
        Payload::from_args(encoding, &self.0).map(Reply)
    }
}

impl<K: Serialize> IntoReply<ByArguments> for Kwargs<K> {
    fn into_reply(self, encoding: Encoding) -> Result<Reply, EncodeError> {
        Payload::from_kwargs(encoding, &self.0).map(Reply)
    }
}

impl<A: Serialize, K: Serialize> IntoReply<ByArguments> for (Args<A>, Kwargs<K>) {
    fn into_reply(self, encoding: Encoding) -> Result<Reply, EncodeError> {
        Payload::new(encoding, &self.0.0, &self.1.0).map(Reply)
    }
}
