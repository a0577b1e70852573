//! What a router tells the one who runs it.

use super::ConnectionId;
use crate::{auth::Method, error::Closed, id::SessionId, uri::Uri};

/// Something worth a log line or a counter, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A session was opened.
    Joined {
        /// Its connection.
        connection: ConnectionId,
        /// The session.
        session: SessionId,
        /// Its realm.
        realm: Uri,
        /// Its identity.
        authid: String,
    },
    /// Somebody was not let in; [`Event::Left`] comes next. For the limits of whoever guesses (fault 85).
    Denied {
        /// Its connection.
        connection: ConnectionId,
        /// The realm.
        realm: Uri,
        /// Who it claims to be.
        authid: Option<String>,
        /// By which method.
        method: Method,
        /// Where it is.
        peer: Option<String>,
    },
    /// A session has ended, or a connection that never became one.
    Left {
        /// Its connection.
        connection: ConnectionId,
        /// The session, if there was one.
        session: Option<SessionId>,
        /// Why.
        why: Closed,
    },
}

/// What a router holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections, those without a session too.
    pub connections: usize,
    /// Open sessions.
    pub sessions: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Registrations.
    pub registrations: usize,
    /// Retained events; they outlive the sessions.
    pub retained: usize,
    /// Calls that wait for their result.
    pub calls: usize,
    /// Bytes in all outbound queues.
    pub queued_bytes: usize,
    /// Events dropped since the start, because a queue was full or the receiver could not take their size.
    pub dropped_events: u64,
}
