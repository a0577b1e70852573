//! What only tokio has: runtimes that end, and web servers of axum. All else is in the conformance suite, `wamp-test`.

mod harness;
mod runtimes;
#[cfg(feature = "axum")]
mod web;
