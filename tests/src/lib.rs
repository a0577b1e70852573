//! What wamp-rs is tested with, for your own tests too.
//!
//! [`World`] is a router, any number of client sessions and raw peers, and the links between them, in memory, on a
//! virtual clock, and the same for the same seed. [`model`] is a second, naive router that says what the real one must
//! do. [`conformance`] is what every adapter must do on real transports.

#![forbid(unsafe_code)]

pub mod certificates;
pub mod conformance;
pub mod proxy;

pub use wamp_world::{Client, Random, Raw, World, model, random, world};

/// The programs of the repository's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct RepositoryReadme;

/// The programs of the chapter about authentication, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/authentication.md")]
struct AuthenticationChapter;
