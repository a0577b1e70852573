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
    ErrorReply, Event, EventDetails, Extract, Extraction, FailureKind, Fault, Grant, Intent, IntoReply,
    Invocation, InvocationPolicy, Kwargs, Lifecycle, Part, Principal, Progress, Publish, Question,
    ReconnectPolicy, ReconnectVerdict, Register, Registration, Reply, Routes, Serve, ServeError, Service,
    Serving, Side, State, Subscribe, Tapped, Typed, Verdict, WampError, WampyMeta, WithState, auth,
    net::{Listener, Refused, StartError, TlsError},
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
