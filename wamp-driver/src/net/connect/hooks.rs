//! What an application sees of a client: its messages, and the changes in its life.

use std::sync::Arc;

use super::Connect;
use crate::{Lifecycle, Tap, net::Network};

impl<N: Network> Connect<N> {
    /// Shows every message of the client, both ways, to a [`Tap`]: a closure, a [`Recording`](crate::Recording), or one of your
    /// own. Any number of them may be added.
    pub fn tap(self, tap: impl Tap) -> Self {
        self.options(|options| options.taps.push(Arc::new(tap)))
    }

    /// Calls this for each change in the life of the client: when it has joined, when its session is lost, when it is closed or
    /// gives up, and why. The same changes, in the same order, as [`lifecycle`](crate::Client::lifecycle) gives, but for the first
    /// attempt, which is known to be made; none is missed, and no task is needed.
    ///
    /// It runs on whatever thread the change comes from, which waits for it: it must be quick, and must not block. Others, who have
    /// awaited the same change, may be a little faster. It must not own the client.
    ///
    /// ```
    /// # use wamp_driver::{Lifecycle, net::{Connect, Network}};
    /// # fn example<N: Network>(connect: Connect<N>) -> Connect<N> {
    /// connect.on_change(|change| match change {
    ///     Lifecycle::Joined { session, .. } => println!("joined as {session}"),
    ///     Lifecycle::Lost { why } | Lifecycle::Closed { why } => println!("left: {why}"),
    ///     _ => {}
    /// })
    /// # }
    /// ```
    pub fn on_change(self, hook: impl Fn(&Lifecycle) + Send + Sync + 'static) -> Self {
        self.options(|options| options.on_change.push(Arc::new(hook)))
    }
}
