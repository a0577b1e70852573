#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod client;
mod connect;
mod io;
mod lifecycle;
mod pool;
mod progressive;
mod runtime;
mod serve;
#[cfg(unix)]
mod signals;
mod subscription;
mod timers;
mod wait;

pub use client::Client;
pub use lifecycle::Changes;
pub use progressive::{Arguments, Results};
pub use runtime::Threads;
pub use subscription::{RecvError, Subscription};
pub use wait::Wait;
#[cfg(feature = "tls")]
pub use wamp_driver::net::{Roots, TlsConfig, TlsOptions};
pub use wamp_driver::{
    Args, Authentication, Authenticator, BlockingEventHandler, BlockingHandler, Call, CallResult, CallSink,
    Caller, CancelMode, ClientOptions, ConnectError, Delivery, Details, Endpoint, Envelope, Enveloped, Error,
    ErrorReply, Event, EventDetails, Extract, Extraction, FailureKind, Fault, Finished, Grant, Intent,
    IntoReply, Invocation, InvocationPolicy, IpVersion, Kwargs, Lifecycle, Observed, Part, Pending,
    Principal, Progress, Publish, Question, ReconnectPolicy, ReconnectVerdict, Recording, Register,
    Registration, RegistrationStatus, Reply, Routes, RunError, RunFuture, Serve, ServeError, Service,
    Serving, ShutdownCause, ShutdownHandle, Side, Signal, State, Subscribe, SubscriptionStatus, Tap, Tried,
    Typed, Verdict, WampError, WampyMeta, WithState, auth, environment, meta,
    net::{Listener, Refused, Socket, StartError, TlsError},
    proto, typed, with_state,
};

#[doc(inline)]
pub use wamp_macros::{WampErrorBlocking as WampError, proxy_blocking as proxy, service_blocking as service};

/// A connection to be made: add settings, then [`wait`](Wait::wait) for a joined [`Client`].
pub type Connect = wamp_driver::net::Connect<Threads>;

/// A running router.
pub type Router = wamp_driver::net::Router<Threads>;

/// A router to be started: add listeners and settings, then [`wait`](Wait::wait) for it.
pub type RouterBuilder = wamp_driver::net::RouterBuilder<Threads>;

/// Services that run until a signal comes, with [`wait`](Wait::wait) behind `run()`: see [`wamp_driver::Runner`].
pub type Runner = wamp_driver::Runner<Threads>;

/// Connects to a router and joins a realm: `wamp_blocking::connect("ws://localhost:8080/ws").realm("realm1").wait()?`.
///
/// The URL's scheme is the transport: `ws`, `wss`, `tcp` (or `rs`), `tcps` (or `rss`), `unix`, `ws+unix`; see [`Endpoint`].
pub fn connect(url: &str) -> Connect {
    Connect::url(url)
}

/// Connects to `ws://localhost:8080/ws`.
pub fn connect_default() -> Connect {
    Connect::default()
}
