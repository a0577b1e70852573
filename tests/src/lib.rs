#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adapters;
pub mod certificates;
mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
mod crossbar;
mod eventually;
mod faults;
mod fixture;
pub mod proxy;
mod router;
pub mod users;

#[cfg(feature = "async-std")]
pub use adapters::async_std;
pub use adapters::blocking;
#[doc(hidden)]
pub use adapters::chosen;
#[cfg(feature = "smol")]
pub use adapters::smol;
#[cfg(feature = "tokio")]
pub use adapters::tokio;
pub use client::Client;
pub use crossbar::Crossbar;
pub use eventually::{Eventually, LIMIT, Look, eventually, eventually_async};
pub use faults::Faults;
pub use fixture::{Fixture, Scene};
pub use router::Router;
pub use wamp_driver::{Direction, Observed, Recording, proto::message::MessageKind};
#[doc(inline)]
pub use wamp_macros::test;
#[cfg(feature = "conformance")]
pub use wamp_world::{Random, Raw, World, model, random, world};

/// The programs of the repository's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct RepositoryReadme;

/// The programs of the chapter about authentication, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/authentication.md")]
struct AuthenticationChapter;
