//! Events, one after the other.

use std::time::Duration;

use wamp_driver::{
    Event, UnsubscribeFuture,
    proto::{Uri, id::SubscriptionId},
};

use crate::{
    client::Parting,
    runtime::{block_on, clock},
};

/// The events of a topic, or of a pattern of topics, in the order in which each publisher sent them (S-75).
///
/// An iterator that ends with the session. Dropping it ends the subscription, unless other subscriptions of this client share
/// it (P-06).
///
/// ```no_run
/// # use wamp_blocking::{Client, Wait as _};
/// # fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// for event in client.subscribe("com.example.alarm").wait()? {
///     println!("{}: {:?}", event.topic, event.args::<(String,)>()?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Subscription {
    inner: wamp_driver::Subscription,
    /// Dropped last.
    parting: Parting,
}

/// Why there is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// None has come in time.
    Timeout,
    /// None will come: the session or the subscription has ended.
    Ended,
}

impl std::fmt::Display for RecvError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no event has come in time",
            Self::Ended => "the subscription has ended",
        })
    }
}

impl std::error::Error for RecvError {}

impl Subscription {
    pub(crate) fn new(inner: wamp_driver::Subscription) -> Self {
        let parting = Parting(inner.closed());
        Self { inner, parting }
    }

    /// The subscription's id.
    pub fn id(&self) -> SubscriptionId {
        self.inner.id()
    }

    /// What was subscribed to.
    pub fn topic(&self) -> &Uri {
        self.inner.topic()
    }

    /// Waits for the next event, but not for longer than this.
    ///
    /// # Errors
    ///
    /// When none has come in time, or none will come.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Event, RecvError> {
        // A time that no clock reaches is none.
        match block_on(self.inner.next(), clock().checked_add(timeout)) {
            Some(Some(event)) => Ok(event),
            Some(None) => Err(RecvError::Ended),
            None => Err(RecvError::Timeout),
        }
    }

    /// The next event if it has come already.
    ///
    /// # Errors
    ///
    /// When none has come, or none will come.
    pub fn try_recv(&mut self) -> Result<Event, RecvError> {
        self.recv_timeout(Duration::ZERO)
    }

    /// Ends the subscription and waits until the router has done so, if this was the last one of its topic.
    pub fn unsubscribe(self) -> UnsubscribeFuture {
        let Self { inner, parting } = self;
        let ended = inner.unsubscribe();
        drop(parting);
        ended
    }
}

impl Iterator for Subscription {
    type Item = Event;

    /// Waits for the next event; `None` when the session or the subscription has ended.
    fn next(&mut self) -> Option<Event> {
        block_on(self.inner.next(), None).flatten()
    }
}
