//! All deadlines of a router, in one table.

use std::collections::BTreeSet;

use super::ConnectionId;
use crate::{id::RequestId, time::Instant};

/// When [`handle_timeout`](super::Router::handle_timeout) has something to do, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// For which connection.
    pub connection: ConnectionId,
    /// Why.
    pub why: Timeout,
}

/// What runs out at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// HELLO has not come (fault 21).
    Hello,
    /// The client has not proven who it is, or there is no decision about it (A-06, fault 84).
    Authenticate,
    /// GOODBYE was not answered (S-69).
    Close,
    /// Time to look whether the connection takes what is queued for it (fault 68).
    Stall,
    /// Nobody has decided what the session may do (fault 86).
    Authorization,
    /// The connection may send again.
    Throttle,
    /// A call of this connection was not answered in its time.
    Call(RequestId),
}

/// The table; a connection has each kind of deadline at most once.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, ConnectionId, Timeout)>);

impl Timers {
    pub(super) fn set(&mut self, at: Instant, connection: ConnectionId, why: Timeout) {
        self.0.insert((at, connection, why));
    }

    pub(super) fn stop(&mut self, at: Instant, connection: ConnectionId, why: Timeout) {
        self.0.remove(&(at, connection, why));
    }

    pub(super) fn next(&self) -> Option<Deadline> {
        self.0.first().map(|&(at, connection, why)| Deadline { at, connection, why })
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<Deadline> {
        let deadline = self.next().filter(|deadline| deadline.at <= now)?;
        self.0.pop_first();
        Some(deadline)
    }
}
