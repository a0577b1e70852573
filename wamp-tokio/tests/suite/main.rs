//! What only tokio has: runtimes that end. All else is in the conformance suite, `wamp-test`.

mod harness;
mod runtimes;
