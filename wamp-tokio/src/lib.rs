#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod connect;
mod handshakes;
mod prefixed;
mod pump;
mod runtime;
mod serve;
mod upgrade;

pub use connect::Connect;
pub use serve::{Router, RouterBuilder, StartError};
pub use wamp_driver::{
    Call, CallResult, Client, ClientOptions, ConnectError, Endpoint, Error, ErrorReply, Event, Handler,
    Invocation, Publish, Register, Registration, Reply, Subscribe, Subscription, proto,
};

/// Connects to a router and joins a realm: `wamp_tokio::connect("ws://localhost:8080/ws").realm("realm1").await?`.
///
/// The URL's scheme is the transport: `ws`, `tcp` (or `rs`), `unix`, `ws+unix`; see [`Endpoint`].
pub fn connect(url: &str) -> Connect {
    Connect::new(connect::To::Url(url.to_owned()))
}

/// Connects to `ws://localhost:8080/ws`.
pub fn connect_default() -> Connect {
    connect(connect::DEFAULT_URL)
}

/// The programs of the repository's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct RepositoryReadme;
