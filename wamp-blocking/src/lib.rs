#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod client;
mod connect;
mod io;
mod pool;
mod progressive;
mod runtime;
mod serve;
mod subscription;
mod timers;
mod wait;

pub use client::Client;
pub use progressive::{Arguments, Results};
pub use runtime::Threads;
pub use subscription::{RecvError, Subscription};
pub use wait::Wait;
#[cfg(feature = "tls")]
pub use wamp_driver::net::{Roots, TlsConfig, TlsOptions};
pub use wamp_driver::{
    Authentication, Authenticator, BlockingHandler, Call, CallResult, CallSink, CancelMode, ClientOptions,
    ConnectError, Endpoint, Error, ErrorReply, Event, Fault, Grant, Invocation, InvocationPolicy, Part,
    Principal, Publish, Question, Register, Registration, Reply, Subscribe, Verdict, auth,
    net::{Listener, Refused, StartError, TlsError},
    proto,
};

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
