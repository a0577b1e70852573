//! What happens to a client, one after the other.

use std::time::Duration;

use wamp_driver::{Lifecycle, LifecycleStream};

use crate::{
    RecvError,
    runtime::{block_on, clock},
};

/// The changes in the life of a client, an iterator that ends after [`Lifecycle::Closed`]; the first one tells where it
/// stands. It does not keep the client alive.
///
/// ```no_run
/// # use wamp_blocking::{Client, Lifecycle};
/// # fn example(client: Client) {
/// for change in client.lifecycle() {
///     if let Lifecycle::Retrying { after, why, .. } = change {
///         println!("{why}; trying again in {after:?}");
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Changes(pub(crate) LifecycleStream);

impl Changes {
    /// Waits for the next change, but not for longer than this.
    ///
    /// # Errors
    ///
    /// When none has come in time, or none will come.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Lifecycle, RecvError> {
        // A time that no clock reaches is none.
        match block_on(self.0.next(), clock().checked_add(timeout)) {
            Some(Some(change)) => Ok(change),
            Some(None) => Err(RecvError::Ended),
            None => Err(RecvError::Timeout),
        }
    }
}

impl Iterator for Changes {
    type Item = Lifecycle;

    /// Waits for the next change; `None` after the last one.
    fn next(&mut self) -> Option<Lifecycle> {
        block_on(self.0.next(), None).flatten()
    }
}
