//! Procedures: what an application registers, and how it is run.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_channel::oneshot;
use futures_util::{
    FutureExt as _,
    future::{AbortRegistration, Abortable},
};
use serde::{Serialize, de::DeserializeOwned};
use wamp_proto::{DecodeError, EncodeError, Encoding, Payload, Uri, error::RemoteError, uri::uris};

use crate::{
    Invocation, Reply,
    runtime::{BoxFuture, Runtime},
    shared::Shared,
};

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
#[derive(Debug)]
pub struct ErrorReply {
    error: Uri,
    args: Vec<wamp_proto::Value>,
    kwargs: wamp_proto::Dict,
    failed: Option<EncodeError>,
}

impl ErrorReply {
    /// An error with this URI and no arguments.
    pub fn new(error: impl AsRef<str>) -> Self {
        Self { error: Uri::unchecked(error), args: Vec::new(), kwargs: wamp_proto::Dict::new(), failed: None }
    }

    /// With one more positional argument.
    #[must_use]
    pub fn arg(mut self, value: impl Serialize) -> Self {
        match wamp_proto::value::to_value(&value) {
            Ok(value) => self.args.push(value),
            Err(error) => self.failed = Some(error),
        }
        self
    }

    /// With one more keyword argument.
    #[must_use]
    pub fn kwarg(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        match wamp_proto::value::to_value(&value) {
            Ok(value) => {
                self.kwargs.insert(key, value);
            }
            Err(error) => self.failed = Some(error),
        }
        self
    }

    pub(crate) fn invalid_argument(error: DecodeError) -> Self {
        Self::new(uris::error::INVALID_ARGUMENT).arg(error.to_string())
    }

    pub(crate) fn into_remote(self, encoding: Encoding) -> RemoteError {
        if let Some(error) = &self.failed {
            tracing::error!(error = %self.error, %error, "the arguments of an error cannot be serialized");
        }
        let payload = Payload::new(encoding, &self.args, &self.kwargs);
        RemoteError::new(self.error, payload.unwrap_or_else(|_| Payload::empty()))
    }
}

impl<E: std::error::Error> From<E> for ErrorReply {
    fn from(error: E) -> Self {
        Self::new(RUNTIME_ERROR).arg(error.to_string())
    }
}

/// What an application error without a URI of its own becomes; autobahn calls it the same.
pub(crate) const RUNTIME_ERROR: &str = "wamp.error.runtime_error";

/// A function that can be registered as a procedure.
///
/// * `|a: A, b: B, ..| async { Ok(value) }` with up to eight typed arguments: the positional arguments of the call must be
///   as many, else the caller gets `wamp.error.invalid_argument`; the result is the one positional result, `()` none.
/// * `|invocation: Invocation| async { invocation.reply(args, kwargs) }`, for all the rest.
///
/// `Shape` tells the two kinds apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered as a procedure",
    label = "not a procedure",
    note = "a procedure is an async function or closure of up to eight arguments that can be deserialized, or of one `Invocation`; its result is `Result<T, ErrorReply>`, where `T` can be serialized"
)]
pub trait Handler<Shape>: Send + Sync + 'static {
    /// Runs the procedure.
    fn call(&self, invocation: Invocation) -> BoxFuture<Result<Payload, ErrorReply>>;
}

/// A handler whose kind is forgotten.
pub(crate) type DynHandler = dyn Fn(Invocation) -> BoxFuture<Result<Payload, ErrorReply>> + Send + Sync;

impl<F, R> Handler<Invocation> for F
where
    F: Fn(Invocation) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Reply, ErrorReply>> + Send + 'static,
{
    fn call(&self, invocation: Invocation) -> BoxFuture<Result<Payload, ErrorReply>> {
        let reply = self(invocation);
        Box::pin(async move { Ok(reply.await?.0) })
    }
}

/// What can be registered as a procedure that blocks: the same as for a [`Handler`], as functions that are not async. They
/// run on threads of their own, see [`Client::register_blocking`](crate::Client::register_blocking).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered as a procedure that blocks",
    label = "not a procedure",
    note = "it is a function or closure, not async, of up to eight arguments that can be deserialized, or of one `Invocation`; its result is `Result<T, ErrorReply>`, where `T` can be serialized"
)]
pub trait BlockingHandler<Shape>: Send + Sync + 'static {
    /// Runs the procedure to its end.
    ///
    /// # Errors
    ///
    /// What the caller gets instead of a result.
    fn call(&self, invocation: Invocation) -> Result<Payload, ErrorReply>;
}

impl<F> BlockingHandler<Invocation> for F
where
    F: Fn(Invocation) -> Result<Reply, ErrorReply> + Send + Sync + 'static,
{
    fn call(&self, invocation: Invocation) -> Result<Payload, ErrorReply> {
        Ok(self(invocation)?.0)
    }
}

/// Runs a job where it may block; its panic is the future's.
pub(crate) async fn run_blocking<T: Send + 'static>(
    runtime: Arc<dyn Runtime>,
    job: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, receiver) = oneshot::channel();
    runtime.spawn_blocking(Box::new(move || {
        let output = std::panic::catch_unwind(AssertUnwindSafe(job));
        // Nobody may wait any more: the call was canceled.
        Box::new(move || drop(sender.send(output)))
    }));
    match receiver.await {
        Ok(Ok(output)) => output,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(oneshot::Canceled) => std::panic::resume_unwind(Box::new("its thread was stopped")),
    }
}

/// The positional arguments of an invocation as a tuple. Serde's empty tuple is null; ours is an empty list.
macro_rules! arguments {
    ($invocation:ident) => {
        $invocation.args::<[(); 0]>().map(|[]| ())
    };
    ($invocation:ident $($arg:ident)+) => {
        $invocation.args::<($($arg,)+)>()
    };
}

macro_rules! handlers {
    ($(($($arg:ident)*))*) => {$(
        impl<Function, Future_, Output, $($arg,)*> Handler<($($arg,)*)> for Function
        where
            Function: Fn($($arg,)*) -> Future_ + Send + Sync + 'static,
            Future_: Future<Output = Result<Output, ErrorReply>> + Send + 'static,
            Output: Serialize,
            $($arg: DeserializeOwned,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, invocation: Invocation) -> BoxFuture<Result<Payload, ErrorReply>> {
                let encoding = invocation.encoding();
                let ($($arg,)*) = match arguments!(invocation $($arg)*) {
                    Ok(args) => args,
                    Err(error) => return Box::pin(std::future::ready(Err(error))),
                };
                let result = self($($arg,)*);
                Box::pin(async move { single(encoding, &result.await?) })
            }
        }

        impl<Function, Output, $($arg,)*> BlockingHandler<($($arg,)*)> for Function
        where
            Function: Fn($($arg,)*) -> Result<Output, ErrorReply> + Send + Sync + 'static,
            Output: Serialize,
            $($arg: DeserializeOwned,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, invocation: Invocation) -> Result<Payload, ErrorReply> {
                let ($($arg,)*) = arguments!(invocation $($arg)*)?;
                single(invocation.encoding(), &self($($arg,)*)?)
            }
        }
    )*};
}

handlers! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E G)
    (A B C D E G H)
    (A B C D E G H I)
}

/// One positional result, or none for `()`.
fn single<T: Serialize>(encoding: Encoding, value: &T) -> Result<Payload, ErrorReply> {
    if size_of::<T>() == 0 && wamp_proto::value::to_value(value).is_ok_and(|value| value.is_null()) {
        return Ok(Payload::empty());
    }
    Ok(Payload::from_args(encoding, &(value,))?)
}

/// Runs a handler to its end: whatever it does, the caller gets one answer (fault 89).
pub(crate) fn run(
    shared: Arc<Shared>,
    handler: Arc<DynHandler>,
    invocation: Invocation,
    aborted: AbortRegistration,
) -> BoxFuture<()> {
    Box::pin(async move {
        let (request, encoding) = (invocation.request, invocation.encoding());
        let work = AssertUnwindSafe(async { handler(invocation).await }).catch_unwind();
        let reply = match Abortable::new(work, aborted).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(panic)) => {
                let text = panic_text(&*panic);
                tracing::error!(%request, panic = text, "a procedure panicked");
                Err(ErrorReply::new(RUNTIME_ERROR).arg("the procedure panicked"))
            }
            Err(_) => Err(ErrorReply::new(uris::error::CANCELED)),
        };
        if let Err(error) = &reply {
            tracing::debug!(%request, error = %error.error, "a procedure answers with an error");
        }
        shared.finish(request, reply.map_err(|error| error.into_remote(encoding)));
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    match panic.downcast_ref::<String>() {
        Some(text) => text,
        None => panic.downcast_ref::<&str>().copied().unwrap_or("(no text)"),
    }
}
