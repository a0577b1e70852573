#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
mod connect;
mod runtime;
mod serve;
mod signals;

pub use runtime::Tokio;
#[cfg(feature = "config")]
pub use wamp_driver::config;
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
    parse_duration, proto, typed, with_state,
};

#[cfg(feature = "tower")]
pub use wamp_driver::tower;
#[doc(inline)]
pub use wamp_macros::{WampErrorTokio as WampError, proxy_tokio as proxy, service_tokio as service};

/// A connection to be made: add settings, then `.await` it for a joined [`Client`].
pub type Connect = wamp_driver::net::Connect<Tokio>;

/// A running router.
pub type Router = wamp_driver::net::Router<Tokio>;

/// A router to be started: add listeners and settings, then `.await` it.
pub type RouterBuilder = wamp_driver::net::RouterBuilder<Tokio>;

/// Services that run until a signal comes: see [`wamp_driver::Runner`].
pub type Runner = wamp_driver::Runner<Tokio>;

/// Connects to a router and joins a realm: `wamp_tokio::connect("ws://localhost:8080/ws").realm("realm1").await?`.
///
/// The URL's scheme is the transport: `ws`, `wss`, `tcp` (or `rs`), `tcps` (or `rss`), `unix`, `ws+unix`; see [`Endpoint`].
pub fn connect(url: &str) -> Connect {
    Connect::url(url)
}

/// Connects to `ws://localhost:8080/ws`.
pub fn connect_default() -> Connect {
    Connect::default()
}
