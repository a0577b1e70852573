//! Procedures and calls as services of [tower](https://docs.rs/tower), for its layers: timeouts, limits, tracing, ...
//!
//! ```
//! use std::time::Duration;
//! use tower::ServiceBuilder;
//! use wamp_driver::{Client, tower::{procedure, served_by}};
//!
//! # async fn example(client: Client) -> Result<(), wamp_driver::Error> {
//! let add = procedure(|a: i64, b: i64| async move { Ok(a + b) });
//! let limited = ServiceBuilder::new().concurrency_limit(4).timeout(Duration::from_secs(1)).service(add);
//! client.register("com.example.add", served_by(limited)).await?;
//! # Ok(())
//! # }
//! ```

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;
use wamp_proto::Payload;

use crate::{
    BoxFuture, Call, CallFuture, CallResult, Error, ErrorReply, Handler, Invocation, Reply, WampError,
};

/// A handler as a service.
pub fn procedure<H: Handler<Shape>, Shape>(handler: H) -> Procedure<H, Shape> {
    Procedure { handler: Arc::new(handler), shape: PhantomData }
}

/// A service as a handler: to be registered, and asked with an [`Invocation`]. Each call has a clone of it, and waits until that
/// is ready; calls that are given up leave it.
///
/// The error of a [`procedure`] inside is the caller's answer, through any layers. Those of the layers themselves become
/// `wamp.error.runtime_error` with their text, unless `map_err` makes a [`ProcedureError`] of them.
pub fn served_by<S>(service: S) -> ServedBy<S> {
    ServedBy(service)
}

/// A handler as a service: see [`procedure`].
pub struct Procedure<H, Shape> {
    handler: Arc<H>,
    shape: PhantomData<fn(Shape)>,
}

impl<H: Handler<Shape>, Shape> Service<Invocation> for Procedure<H, Shape> {
    type Response = Reply;
    type Error = ProcedureError;
    type Future = BoxFuture<Result<Reply, ProcedureError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ProcedureError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: Invocation) -> Self::Future {
        let answer = self.handler.call(invocation, &());
        Box::pin(async move { answer.await.map(Reply::from).map_err(ProcedureError) })
    }
}

impl<H, Shape> Clone for Procedure<H, Shape> {
    fn clone(&self) -> Self {
        Self { handler: self.handler.clone(), shape: PhantomData }
    }
}

impl<H, Shape> fmt::Debug for Procedure<H, Shape> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Procedure").finish_non_exhaustive()
    }
}

/// The error of a procedure, as an error that goes through the layers of tower.
#[derive(Debug)]
pub struct ProcedureError(pub ErrorReply);

impl fmt::Display for ProcedureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for ProcedureError {}

/// A service as a handler: see [`served_by`].
#[derive(Clone, Debug)]
pub struct ServedBy<S>(S);

/// The handler of a [`ServedBy`].
#[derive(Debug)]
pub struct ServiceShape;

impl<S> Handler<ServiceShape> for ServedBy<S>
where
    S: Service<Invocation, Response = Reply> + Clone + Send + Sync + 'static,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
{
    fn call(&self, invocation: Invocation, (): &()) -> BoxFuture<Result<Payload, ErrorReply>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            poll_fn(|context| service.poll_ready(context)).await.map_err(reply)?;
            Ok(service.call(invocation).await.map_err(reply)?.0)
        })
    }
}

fn reply(error: impl Into<Box<dyn StdError + Send + Sync>>) -> ErrorReply {
    error.into().downcast::<ProcedureError>().map_or_else(WampError::into_reply, |procedure| procedure.0)
}

/// Calls as a service: it takes a [`Call`] that is ready to be made, and gives its result.
///
/// ```
/// use std::time::Duration;
/// use tower::{Service as _, ServiceBuilder, ServiceExt as _};
/// use wamp_driver::{Client, tower::Calls};
///
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let mut calls = ServiceBuilder::new().concurrency_limit(2).timeout(Duration::from_secs(1)).service(Calls);
/// let result = calls.ready().await?.call(client.call("com.example.add").args((2, 3))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls;

impl Service<Call> for Calls {
    type Response = CallResult;
    type Error = Error;
    type Future = CallFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> CallFuture {
        call.into_future()
    }
}
