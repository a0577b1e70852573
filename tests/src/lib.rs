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
pub use wamp_driver::{Observed, Recording, Side, proto::message::MessageKind};
#[doc(inline)]
pub use wamp_macros::test;
#[cfg(feature = "conformance")]
pub use wamp_world::{Random, Raw, World, model, random, world};

/// The programs of the READMEs and of the book, compiled, and run where they need nothing but themselves.
#[cfg(doctest)]
mod chapters {
    macro_rules! chapters {
        ($($name:ident: $path:literal,)*) => {$(
            #[doc = include_str!($path)]
            struct $name;
        )*};
    }

    chapters! {
        Repository: "../../README.md",
        Macros: "../../wamp-macros/README.md",
        GettingStarted: "../../docs/getting-started.md",
        Adapters: "../../docs/adapters.md",
        Clients: "../../docs/clients.md",
        Calls: "../../docs/calls.md",
        Events: "../../docs/events.md",
        Services: "../../docs/services.md",
        Errors: "../../docs/errors.md",
        Reconnection: "../../docs/reconnection.md",
        Runner: "../../docs/runner.md",
        Taps: "../../docs/taps.md",
        Web: "../../docs/web.md",
        Router: "../../docs/router.md",
        Authentication: "../../docs/authentication.md",
        Tls: "../../docs/tls.md",
        Core: "../../docs/core.md",
    }
}
