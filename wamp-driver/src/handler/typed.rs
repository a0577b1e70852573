//! What is put around a handler.

use wamp_proto::Payload;

use super::{BlockingEventHandler, BlockingHandler, EventHandler, Handler};
use crate::{Delivery, ErrorReply, Invocation, runtime::BoxFuture};

/// A handler whose error has a type of its own, any [`WampError`](crate::WampError):
///
/// ```
/// use wamp_driver::{ErrorReply, WampError, typed, proto::error::RemoteError};
///
/// #[derive(Debug)]
/// enum Fault { TooHot(f64) }
///
/// impl WampError for Fault {
///     fn into_reply(self) -> ErrorReply {
///         let Self::TooHot(celsius) = self;
///         ErrorReply::new("com.example.error.too_hot").arg(celsius)
///     }
///
///     fn from_remote(error: &RemoteError) -> Option<Self> {
///         let (celsius,) = error.payload.args().ok()?;
///         (error.error == "com.example.error.too_hot").then_some(Self::TooHot(celsius))
///     }
/// }
///
/// async fn set(celsius: f64) -> Result<f64, Fault> {
///     if celsius > 40.0 { Err(Fault::TooHot(celsius)) } else { Ok(celsius) }
/// }
///
/// # fn example(client: wamp_driver::Client) {
/// let _ = client.register("com.example.set", typed(set));
/// # }
/// ```
///
/// Without it a handler's error is an [`ErrorReply`], so that the error of a closure need not be written down.
pub fn typed<F>(handler: F) -> Typed<F> {
    Typed(handler)
}

/// A handler whose error has a type of its own: see [`typed`].
#[derive(Clone, Copy, Debug)]
pub struct Typed<F>(pub(super) F);

/// A handler with a state, which it takes as [`State`](crate::State).
pub fn with_state<S, F>(state: S, handler: F) -> WithState<S, F> {
    WithState { state, handler }
}

/// A handler with a state: see [`with_state`].
#[derive(Clone, Copy, Debug)]
pub struct WithState<S, F> {
    state: S,
    handler: F,
}

/// The handler of a [`WithState`].
#[derive(Debug)]
pub struct StateShape<Shape>(Shape);

impl<Shape, S, F> Handler<StateShape<Shape>> for WithState<S, F>
where
    F: Handler<Shape, S>,
    S: Send + Sync + 'static,
{
    fn call(&self, invocation: Invocation, (): &()) -> BoxFuture<Result<Payload, ErrorReply>> {
        self.handler.call(invocation, &self.state)
    }
}

impl<Shape, S, F> BlockingHandler<StateShape<Shape>> for WithState<S, F>
where
    F: BlockingHandler<Shape, S>,
    S: Send + Sync + 'static,
{
    fn call(&self, invocation: Invocation, (): &()) -> Result<Payload, ErrorReply> {
        self.handler.call(invocation, &self.state)
    }
}

impl<Shape, S, F> EventHandler<StateShape<Shape>> for WithState<S, F>
where
    F: EventHandler<Shape, S>,
    S: Send + Sync + 'static,
{
    fn call(&self, delivery: Delivery, (): &()) -> BoxFuture<Result<(), ErrorReply>> {
        self.handler.call(delivery, &self.state)
    }
}

impl<Shape, S, F> BlockingEventHandler<StateShape<Shape>> for WithState<S, F>
where
    F: BlockingEventHandler<Shape, S>,
    S: Send + Sync + 'static,
{
    fn call(&self, delivery: Delivery, (): &()) -> Result<(), ErrorReply> {
        self.handler.call(delivery, &self.state)
    }
}
