//! Procedures and handlers of events: what an application registers, and how it is run.

mod functions;
mod typed;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_channel::oneshot;
use futures_util::{
    FutureExt as _,
    future::{AbortRegistration, Abortable},
};
use tracing::{Instrument as _, Span};
use wamp_proto::{Payload, uri::uris};

use crate::{
    Delivery, ErrorReply, Invocation,
    reply::RUNTIME_ERROR,
    runtime::{BoxFuture, Runtime},
    shared::Shared,
};

pub use typed::{Typed, WithState, typed, with_state};

/// A function that can be registered as a procedure: an async function, or a closure that gives a future.
///
/// * It takes up to eight arguments, whose types say where they come from: positional and keyword arguments, details of the
///   call, the client, ...; the table is at [`Extract`](crate::Extract).
/// * It gives `Ok(value)`: the one positional result, `()` none, or several; see [`IntoReply`](crate::IntoReply).
/// * Or it gives an [`ErrorReply`]; one with an error of another type is wrapped in [`typed`].
///
/// ```
/// use wamp_driver::{Caller, Client};
///
/// # async fn example(client: Client) -> Result<(), wamp_driver::Error> {
/// client.register("com.example.add", |a: i64, b: i64| async move { Ok(a + b) }).await?;
/// client.register("com.example.announce", async |who: Caller, client: Client, text: String| {
///     client.publish("com.example.news").args((who.session, text)).acknowledge().await?;
///     Ok(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// When the arguments of a call are others, or not as many, the caller gets `wamp.error.invalid_argument` and a text that says
/// which one. `Shape` is always inferred; `S` is the state that [`with_state`] gives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered as a procedure",
    label = "not a procedure",
    note = "a procedure is an async function, or a closure that gives a future; its arguments, eight at most, can be deserialized or are extractors such as `Args`, `Kwargs`, `Details` or `Invocation`; its result is `Result<T, ErrorReply>`, where `T` can be serialized",
    note = "for an error of another type wrap it in `typed(..)`, for `State` in `with_state(state, ..)`"
)]
pub trait Handler<Shape, S = ()>: Send + Sync + 'static {
    /// Runs the procedure.
    fn call(&self, invocation: Invocation, state: &S) -> BoxFuture<Result<Payload, ErrorReply>>;
}

/// What can be registered as a procedure that blocks: the same as for a [`Handler`], as functions that are not async. They
/// run on threads of their own, see [`Client::register_blocking`](crate::Client::register_blocking).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered as a procedure that blocks",
    label = "not a procedure",
    note = "it is a function or closure, not async; its arguments, eight at most, can be deserialized or are extractors such as `Args`, `Kwargs`, `Details` or `Invocation`; its result is `Result<T, ErrorReply>`, where `T` can be serialized",
    note = "for an error of another type wrap it in `typed(..)`, for `State` in `with_state(state, ..)`"
)]
pub trait BlockingHandler<Shape, S = ()>: Send + Sync + 'static {
    /// Runs the procedure to its end.
    ///
    /// # Errors
    ///
    /// What the caller gets instead of a result.
    fn call(&self, invocation: Invocation, state: &S) -> Result<Payload, ErrorReply>;
}

/// A function that can handle events, see [`Subscribe::handle`](crate::Subscribe::handle): as a [`Handler`], with the
/// arguments of the event, of which it need not take all. It gives nothing, or `Result<(), ErrorReply>`, whose error is
/// logged.
///
/// ```
/// use wamp_driver::{Client, EventDetails};
///
/// # async fn example(client: Client) -> Result<(), wamp_driver::Error> {
/// let show = |celsius: f64, about: EventDetails| async move { println!("{celsius} ({:?})", about.topic) };
/// client.subscribe("com.example.weather").prefix().handle(show).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle events",
    label = "not a handler of events",
    note = "a handler is an async function, or a closure that gives a future; its arguments, eight at most, can be deserialized or are extractors such as `Kwargs`, `EventDetails` or `Event`; it gives `()` or `Result<(), ErrorReply>`"
)]
pub trait EventHandler<Shape, S = ()>: Send + Sync + 'static {
    /// Handles an event.
    fn call(&self, delivery: Delivery, state: &S) -> BoxFuture<Result<(), ErrorReply>>;
}

/// A function that handles events and blocks: as an [`EventHandler`], but not async. It runs on a thread of its own, see
/// [`Subscribe::handle_blocking`](crate::Subscribe::handle_blocking).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle events",
    label = "not a handler of events",
    note = "it is a function or closure, not async; its arguments, eight at most, can be deserialized or are extractors such as `Kwargs`, `EventDetails` or `Event`; it gives `()` or `Result<(), ErrorReply>`"
)]
pub trait BlockingEventHandler<Shape, S = ()>: Send + Sync + 'static {
    /// Handles an event.
    ///
    /// # Errors
    ///
    /// What is logged.
    fn call(&self, delivery: Delivery, state: &S) -> Result<(), ErrorReply>;
}

/// A handler whose kind is forgotten.
pub(crate) type DynHandler = dyn Fn(Invocation) -> BoxFuture<Result<Payload, ErrorReply>> + Send + Sync;

/// Forgets the kind of a handler.
pub(crate) fn erase<S: 'static>(handler: Arc<impl Handler<S>>) -> Arc<DynHandler> {
    Arc::new(move |invocation| handler.call(invocation, &()))
}

/// The same, for one that runs on threads of its own.
pub(crate) fn erase_blocking<S: 'static>(
    runtime: Arc<dyn Runtime>,
    handler: Arc<impl BlockingHandler<S>>,
) -> Arc<DynHandler> {
    Arc::new(move |invocation| {
        let handler = handler.clone();
        Box::pin(run_blocking(runtime.clone(), move || handler.call(invocation, &())))
    })
}

/// A handler of events whose kind is forgotten.
pub(crate) type DynEventHandler = dyn Fn(Delivery) -> BoxFuture<Result<(), ErrorReply>> + Send + Sync;

/// Forgets the kind of a handler of events.
pub(crate) fn erase_events<S: 'static>(handler: Arc<impl EventHandler<S>>) -> Arc<DynEventHandler> {
    Arc::new(move |delivery| handler.call(delivery, &()))
}

/// The same, for one that runs on threads of its own.
pub(crate) fn erase_blocking_events<S: 'static>(
    runtime: Arc<dyn Runtime>,
    handler: Arc<impl BlockingEventHandler<S>>,
) -> Arc<DynEventHandler> {
    Arc::new(move |delivery| {
        let handler = handler.clone();
        Box::pin(run_blocking(runtime.clone(), move || handler.call(delivery, &())))
    })
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

/// Runs a handler to its end: whatever it does, the caller gets one answer (fault 89).
pub(crate) fn run(
    shared: Arc<Shared>,
    handler: Arc<DynHandler>,
    invocation: Invocation,
    aborted: AbortRegistration,
    span: Span,
) -> BoxFuture<()> {
    let handling = async move {
        let (ticket, encoding) = (invocation.ticket, invocation.encoding());
        let registration = invocation.registration;
        let work = AssertUnwindSafe(async { handler(invocation).await }).catch_unwind();
        let reply = match Abortable::new(work, aborted).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(panic)) => {
                // The span says which one, but only to those who log that much.
                let procedure = shared.procedure(registration);
                let procedure = procedure.as_ref().map(tracing::field::display);
                tracing::error!(procedure, panic = panic_text(&*panic), "a procedure panicked");
                Err(ErrorReply::new(RUNTIME_ERROR).arg("the procedure panicked"))
            }
            Err(_) => Err(ErrorReply::new(uris::error::CANCELED)),
        };
        if let Err(error) = &reply {
            tracing::debug!(error = %error.error, "a procedure answers with an error");
        }
        shared.finish(ticket, reply.map_err(|error| error.into_remote(encoding)));
    };
    Box::pin(handling.instrument(span))
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    match panic.downcast_ref::<String>() {
        Some(text) => text,
        None => panic.downcast_ref::<&str>().copied().unwrap_or("(no text)"),
    }
}
