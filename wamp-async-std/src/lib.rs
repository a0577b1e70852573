#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod connect;
mod runtime;
mod serve;
mod signals;

#[cfg(feature = "async-std")]
pub use runtime::AsyncStd;
#[cfg(feature = "smol")]
pub use runtime::Smol;
pub use runtime::{AsyncIo, Executor};
#[cfg(feature = "tls")]
pub use wamp_driver::net::{Roots, TlsConfig, TlsOptions};
pub use wamp_driver::{
    Args, Authentication, Authenticator, BlockingEventHandler, BlockingHandler, Call, CallResult, CallSink,
    CallStream, Caller, CancelMode, Client, ClientOptions, ConnectError, Delivery, Details, Endpoint,
    Envelope, Enveloped, Error, ErrorReply, Event, EventDetails, EventHandler, Extract, Extraction,
    FailureKind, Fault, Finished, Grant, Handler, Intent, IntoReply, Invocation, InvocationPolicy, IpVersion,
    Kwargs, Lifecycle, LifecycleStream, Observed, Part, Parts, Pending, Principal, Progress, Publish,
    Question, ReconnectPolicy, ReconnectVerdict, Recording, Register, Registration, RegistrationStatus,
    Reply, Routes, RunError, RunFuture, Serve, ServeError, Service, Serving, ShutdownCause, ShutdownHandle,
    Side, Signal, State, Subscribe, Subscription, SubscriptionStatus, Tap, Tried, Typed, Verdict, WampError,
    WampyMeta, WithState, auth, environment, meta,
    net::{Listener, Refused, Socket, StartError, TlsError},
    proto, typed, with_state,
};

#[cfg(feature = "tower")]
pub use wamp_driver::tower;
#[doc(inline)]
pub use wamp_macros::{
    WampErrorAsyncStd as WampError, proxy_async_std as proxy, service_async_std as service,
};

/// What is the same for each executor.
macro_rules! entrance {
    ($executor:ty) => {
        /// A connection to be made: add settings, then `.await` it for a joined [`Client`](crate::Client).
        pub type Connect = wamp_driver::net::Connect<crate::AsyncIo<$executor>>;

        /// A running router.
        pub type Router = wamp_driver::net::Router<crate::AsyncIo<$executor>>;

        /// A router to be started: add listeners and settings, then `.await` it.
        pub type RouterBuilder = wamp_driver::net::RouterBuilder<crate::AsyncIo<$executor>>;

        /// Services that run until a signal comes: see [`wamp_driver::Runner`].
        pub type Runner = wamp_driver::Runner<crate::AsyncIo<$executor>>;

        /// Connects to a router and joins a realm:
        /// `wamp_async_std::connect("ws://localhost:8080/ws").realm("realm1").await?`.
        ///
        /// The URL's scheme is the transport: `ws`, `wss`, `tcp` (or `rs`), `tcps` (or `rss`), `unix`, `ws+unix`; see
        /// [`Endpoint`](crate::Endpoint).
        pub fn connect(url: &str) -> Connect {
            Connect::url(url)
        }

        /// Connects to `ws://localhost:8080/ws`.
        pub fn connect_default() -> Connect {
            Connect::default()
        }
    };
}

/// With tasks on smol's global executor. All of it is at the root of the crate too.
#[cfg(feature = "smol")]
pub mod smol {
    entrance!(crate::Smol);
}

/// With tasks on async-std's executor. All of it is at the root of the crate when the feature `smol` is off.
#[cfg(feature = "async-std")]
pub mod async_std {
    entrance!(crate::AsyncStd);
}

#[cfg(all(feature = "async-std", not(feature = "smol")))]
pub use self::async_std::{Connect, Router, RouterBuilder, Runner, connect, connect_default};
#[cfg(feature = "smol")]
pub use self::smol::{Connect, Router, RouterBuilder, Runner, connect, connect_default};

#[cfg(not(any(feature = "smol", feature = "async-std")))]
compile_error!("wamp-async-std needs an executor: enable the feature `smol` or `async-std`");
