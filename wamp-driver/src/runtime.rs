//! What the driver needs from the world.

use std::{future::Future, io, pin::Pin, time::Duration};

use wamp_proto::Instant;

use crate::Signals;

/// A future on the heap.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What runs where it may block. What it gives tells that it is done: that is short, and to be called right after on the
/// same thread.
pub type Job = Box<dyn FnOnce() -> Box<dyn FnOnce() + Send> + Send>;

/// A clock, a way to start tasks and a source of seeds: what an adapter lends to the driver.
pub trait Runtime: Send + Sync + 'static {
    /// The time on a monotonic clock.
    fn now(&self) -> Instant;

    /// The time of the world, since 1970: for timestamps, never for deadlines.
    fn unix_time(&self) -> Duration;

    /// Runs `task` in the background, to its end.
    fn spawn(&self, task: BoxFuture<()>);

    /// Runs `job`, and what it gives, on a thread where it may block.
    fn spawn_blocking(&self, job: Job);

    /// Is ready after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;

    /// 32 bytes from a secure random source.
    fn seed(&self) -> [u8; 32];

    /// The signals that ask the process to end, which they do not do by themselves from now on.
    ///
    /// # Errors
    ///
    /// When there are none, as here by default, or when they cannot be caught.
    fn signals(&self) -> io::Result<Signals> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
