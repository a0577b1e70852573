//! All deadlines of a client session, in one table.

use std::collections::BTreeSet;

use crate::{id::RequestId, time::Instant};

/// When [`handle_timeout`](super::Session::handle_timeout) has something to do, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// Why.
    pub why: Timeout,
}

/// What runs out at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// The router's answer to HELLO.
    Join,
    /// The router's answer to GOODBYE (S-69).
    Close,
    /// The answer to a request.
    Request(RequestId),
    /// Our answer to an invocation.
    Invocation(RequestId),
}

/// The table. A deadline that is due is taken out by [`pop`](Self::pop); a spurious look does nothing.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, Timeout)>);

impl Timers {
    pub(super) fn set(&mut self, at: Instant, why: Timeout) {
        self.0.insert((at, why));
    }

    pub(super) fn stop(&mut self, at: Instant, why: Timeout) {
        self.0.remove(&(at, why));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn next(&self) -> Option<Deadline> {
        self.0.first().map(|&(at, why)| Deadline { at, why })
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<Timeout> {
        self.next().filter(|deadline| deadline.at <= now)?;
        self.0.pop_first().map(|(_, why)| why)
    }
}
