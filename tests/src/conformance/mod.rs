//! What every adapter must do: one suite, run for each of them and between them.
//!
//! A case is an async function over a [`Stage`], which is a router and the way to it, or over a [`Kit`], with which it starts
//! the routers that it needs. It knows [`wamp_driver::Client`] and no runtime. An adapter takes part by implementing
//! [`Adapter`]; [`conformance_cases`](crate::conformance_cases) lists the cases, for the tests to be made of them.

mod addresses;
mod authentication;
mod authorization;
mod batches;
mod calls;
mod cases;
pub mod closing;
mod events;
mod extractors;
mod faults;
mod http;
mod kit;
mod listeners;
mod payloads;
mod progress;
mod reconnect;
mod registrations;
pub mod remote;
mod restarts;
mod rules;
mod runners;
mod secrets;
mod services;
mod sharing;
mod stage;
mod stalls;
mod taps;
mod tls;
mod tools;

use wamp_driver::{Client, net::Network};

pub use cases::{Body, Case, cases};
pub use kit::{Kit, RouterSettings, Serving};
pub use stage::{Dial, Stage, Transport};
pub use tools::Task;
pub use wamp_driver::proto::Encoding;

/// A runtime that clients and routers run on.
pub trait Adapter: Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// What it lends to the driver.
    type Network: Network<Client: Into<Client>>;

    /// Runs a future to its end, where [`Network::current`] works.
    fn run<T>(test: impl Future<Output = T>) -> T;
}

/// Runs a case with clients and routers of one adapter.
///
/// # Panics
///
/// When the adapter does not do what the case demands, or there is no such case.
pub fn run<A: Adapter>(group: &str, name: &str) {
    A::run(async { Kit::of::<A>().run(&cases::find(group, name)).await });
}

/// Runs a case with clients of one adapter and routers of another, over these transports.
///
/// # Panics
///
/// As [`run`] does.
pub fn run_pair<C: Adapter, R: Adapter>(group: &str, name: &str, transports: &[Transport]) {
    let case = cases::find(group, name);
    C::run(async {
        let kit = Kit::between::<C, R>();
        match case.body {
            Body::Everywhere(body) | Body::Sockets(body) => kit.run_over(&case, body, transports).await,
            Body::Routers(_) => kit.run(&case).await,
        }
    });
}
