//! The end of a builder in an application without an async runtime.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use wamp_driver::{
    Call, CallFuture, CallResult, CallSink, CloseFuture, ConnectError, Error, Finished, HandleFuture,
    IdleFuture, Joined, JoinedFuture, LastResult, Parts, ProgressFuture, ProgressiveCall, Publish,
    PublishFuture, Register, RegisterFuture, Registration, ReportingCall, RunError, RunFuture, SendPart,
    Serve, ServeError, Serving, StopFuture, StreamingCall, Subscribe, UnregisterFuture, UnsubscribeFuture,
    ValueCall,
    net::{ShutdownFuture, StartError},
    proto::{
        error::Closed,
        id::{PublicationId, SubscriptionId},
    },
};

use crate::{Arguments, Client, Connect, Results, Router, RouterBuilder, Subscription, runtime::block_on};

/// Ends a builder where other adapters have `.await`: the calling thread waits until it is done.
///
/// Every wait is bounded by the time limit of what is waited for. A handler may wait too, for it runs on a thread of its own.
///
/// ```no_run
/// use wamp_blocking::Wait as _;
///
/// let client = wamp_blocking::connect("ws://localhost:8080/ws").realm("realm1").wait()?;
/// let sum: i64 = client.call("com.example.add").args((2, 3)).value().wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Wait {
    /// What there is in the end.
    type Output;

    /// Waits for it.
    ///
    /// # Panics
    ///
    /// In an async handler, which runs on the thread that would bring the answer.
    fn wait(self) -> Self::Output;
}

/// Waits for what the driver makes.
macro_rules! wait {
    ($($builder:ty => $output:ty,)*) => {$(
        impl Wait for $builder {
            type Output = $output;

            fn wait(self) -> $output {
                wait(self)
            }
        }
    )*};
}

wait! {
    Connect => Result<Client, ConnectError>,
    RouterBuilder => Result<Router, StartError>,
    ShutdownFuture => (),
    Call => Result<CallResult, Error>,
    CallFuture => Result<CallResult, Error>,
    Publish => Result<Option<PublicationId>, Error>,
    PublishFuture => Result<Option<PublicationId>, Error>,
    HandleFuture => Result<SubscriptionId, Error>,
    LastResult => Result<CallResult, Error>,
    ProgressFuture => Result<(), Error>,
    UnsubscribeFuture => Result<(), Error>,
    Register => Result<Registration, Error>,
    RegisterFuture => Result<Registration, Error>,
    UnregisterFuture => Result<(), Error>,
    Serve => Result<Serving, ServeError>,
    StopFuture => Result<(), Error>,
    CloseFuture => Closed,
    JoinedFuture => Result<Arc<Joined>, Error>,
    IdleFuture => (),
    RunFuture => Result<Finished, RunError>,
}

impl<T: DeserializeOwned> Wait for ValueCall<T> {
    type Output = Result<T, Error>;

    fn wait(self) -> Self::Output {
        wait(self)
    }
}

impl<T: DeserializeOwned> Wait for ReportingCall<T> {
    type Output = Result<T, Error>;

    fn wait(self) -> Self::Output {
        wait(self)
    }
}

impl Wait for SendPart<'_> {
    type Output = Result<(), Error>;

    fn wait(self) -> Self::Output {
        wait(self)
    }
}

impl Wait for ProgressiveCall {
    type Output = Result<Results, Error>;

    fn wait(self) -> Self::Output {
        wait(self).map(Results)
    }
}

impl Wait for StreamingCall {
    type Output = Result<(CallSink, Results), Error>;

    fn wait(self) -> Self::Output {
        wait(self).map(|(sink, stream)| (sink, Results(stream)))
    }
}

impl Wait for Parts {
    type Output = Arguments;

    /// Waits for nothing: the iterator that this gives does.
    fn wait(self) -> Arguments {
        Arguments(self)
    }
}

impl Wait for Subscribe {
    type Output = Result<Subscription, Error>;

    fn wait(self) -> Self::Output {
        wait(self).map(Subscription::new)
    }
}

fn wait<F: IntoFuture>(future: F) -> F::Output {
    // Without a time, it waits until there is an output.
    match block_on(future.into_future(), None) {
        Some(output) => output,
        None => unreachable!("there is no time limit"),
    }
}
