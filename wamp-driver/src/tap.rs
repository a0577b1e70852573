//! Taps: what an application sees of the messages of a client, or of all sessions of a router.

mod observed;
mod recording;
mod watched;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::Deserialize;

pub use observed::Observed;
pub use recording::Recording;
pub(crate) use watched::Watched;

/// Sees every message of a client, or of all connections of a router, both ways, as it is on the wire: of each connection in
/// the order in which messages are read, and in that in which they are written. A closure is one, and so is a [`Recording`].
///
/// It is called on the task of the connection, which waits for it meanwhile: it must be quick, and must not block. It may use
/// the client, but must not own it, since the client owns its taps. A panic is logged, and nothing else comes of it.
///
/// Secrets are not shown: see [`Observed`]. Without any tap, nothing of this costs anything.
///
/// ```
/// use wamp_driver::{Observed, Tap};
///
/// struct Count(std::sync::atomic::AtomicUsize);
///
/// impl Tap for Count {
///     fn observe(&self, _: &Observed) {
///         self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///     }
/// }
/// ```
pub trait Tap: Send + Sync + 'static {
    /// A message was read, or is about to be written.
    fn observe(&self, message: &Observed);
}

impl<F: Fn(&Observed) + Send + Sync + 'static> Tap for F {
    fn observe(&self, message: &Observed) {
        self(message);
    }
}

/// Who has sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The client.
    Client,
    /// The router.
    Router,
}

impl Side {
    /// `client` or `router`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Router => "router",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Runs code of the application where a panic must not end what goes on around it.
pub(crate) fn guard(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!("a tap or a hook of the application panicked");
    }
}
