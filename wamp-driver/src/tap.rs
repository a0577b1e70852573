//! Taps: what an application sees of the messages of a client.

mod observed;
mod recording;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use wamp_proto::{Encoding, Limits};

pub use observed::{Direction, Observed};
pub use recording::Recording;

/// Sees every message of a client, both ways, as it is on the wire: in the order in which they are read, and in that in which
/// they are written. A closure is one, and so is a [`Recording`].
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

/// Shows frames to all taps.
pub(crate) fn show<'a>(
    taps: &[Arc<dyn Tap>],
    direction: Direction,
    encoding: Encoding,
    limits: &Limits,
    frames: impl Iterator<Item = &'a Bytes>,
) {
    for frame in frames {
        let message = Observed::new(direction, encoding, limits, frame);
        taps.iter().for_each(|tap| guard(|| tap.observe(&message)));
    }
}

/// Runs code of the application where a panic must not end what goes on around it.
pub(crate) fn guard(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!("a tap or a hook of the application panicked");
    }
}
