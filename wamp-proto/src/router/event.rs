//! What a router tells the one who runs it.

use super::{Authorization, ConnectionId, Right, Ruling};
use crate::{
    auth::Method,
    error::Closed,
    id::SessionId,
    uri::{Pattern, Uri},
};

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
    /// A session wants to do something about which whoever runs the router decides, with
    /// [`Router::authorize`](super::Router::authorize). The session's messages wait until then, or until
    /// [`Config::authorization_timeout`](super::Config::authorization_timeout) is over.
    Authorize(Box<Authorization>),
    /// A session was not allowed to do something. Of one connection, the first sixteen are told; all are counted, as
    /// [`Totals::denied`].
    NotAuthorized {
        /// Its connection.
        connection: ConnectionId,
        /// The session.
        session: SessionId,
        /// Its name.
        authid: String,
        /// What it wanted.
        denial: Denial,
    },
    /// A session looks at the messages of another from now on: for whoever keeps a record of that.
    Tapped {
        /// Who looks: its connection.
        connection: ConnectionId,
        /// Its session.
        session: SessionId,
        /// Its name.
        authid: String,
        /// Whose messages it sees.
        tapped: SessionId,
        /// Whether it sees their arguments, too.
        payload: bool,
    },
    /// A connection has reached a limit: told once for each connection and limit, and counted each time, as
    /// [`Totals::limited`].
    Limited {
        /// The connection.
        connection: ConnectionId,
        /// Its session, if it has one.
        session: Option<SessionId>,
        /// The name of that.
        authid: Option<String>,
        /// Which limit.
        limit: Limit,
    },
}

/// What a session was not allowed to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Denial {
    /// What it wanted to do.
    pub right: Right,
    /// With what.
    pub subject: Pattern,
    /// Whether it was denied, or could not be decided.
    pub ruling: Ruling,
}

/// What keeps one peer from taking more than its share: settings of [`Config`](super::Config).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// `message_rate`: nothing is read from the connection for a while.
    MessageRate,
    /// `join_rate`: the client is refused.
    JoinRate,
    /// `max_sessions`: the client is refused.
    Sessions,
    /// [`RealmTemplate::max_realms`](super::RealmTemplate::max_realms): the client is refused.
    Realms,
    /// `max_sessions_of_authid`: the client is refused.
    SessionsOfAuthid,
    /// `max_subscriptions`: the request is refused.
    Subscriptions,
    /// `max_registrations`: the request is refused.
    Registrations,
    /// `max_calls`: the call is refused.
    Calls,
    /// `max_invocations`, of the callee: a call is refused.
    Invocations,
    /// `max_held_messages` or `max_held_bytes`: nothing is read from the connection until there is a decision.
    HeldMessages,
    /// `max_waiting_calls` or `kept_bytes`: the call is refused.
    WaitingCalls,
    /// `max_testaments` or `max_testament_bytes`: the testament is refused.
    Testaments,
    /// `max_taps`: the call is refused.
    Taps,
    /// `queue_bytes` or `queue_messages`: an event was dropped, a call refused, or the connection is closed.
    Queue,
}

impl Limit {
    /// The setting that says so.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::MessageRate => "message_rate",
            Self::JoinRate => "join_rate",
            Self::Sessions => "max_sessions",
            Self::Realms => "max_realms",
            Self::SessionsOfAuthid => "max_sessions_of_authid",
            Self::Subscriptions => "max_subscriptions",
            Self::Registrations => "max_registrations",
            Self::Calls => "max_calls",
            Self::Invocations => "max_invocations",
            Self::HeldMessages => "max_held_messages",
            Self::WaitingCalls => "max_waiting_calls",
            Self::Testaments => "max_testaments",
            Self::Taps => "max_taps",
            Self::Queue => "queue_bytes",
        }
    }
}

/// What a router holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections, those without a session too.
    pub connections: usize,
    /// Open sessions.
    pub sessions: usize,
    /// Realms that were made from templates.
    pub template_realms: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Registrations.
    pub registrations: usize,
    /// Retained events; they outlive the sessions.
    pub retained: usize,
    /// Calls that wait for their result.
    pub calls: usize,
    /// Sessions that look at the messages of another: see [`Config::max_taps`](super::Config::max_taps).
    pub taps: usize,
    /// Bytes in all outbound queues.
    pub queued_bytes: usize,
    /// Bytes in the longest of them.
    pub longest_queue: usize,
    /// Events dropped since the start, because a queue was full or the receiver could not take their size.
    pub dropped_events: u64,
    /// What has happened since the start.
    pub totals: Totals,
}

/// What has happened at a router since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Sessions that were opened.
    pub joined: u64,
    /// Clients that were not let in, because of what they have shown or not shown: see [`Event::Denied`].
    pub rejected: u64,
    /// Messages that came.
    pub received: u64,
    /// Messages that were queued to be sent.
    pub sent: u64,
    /// Connections closed because the peer broke the protocol.
    pub violations: u64,
    /// Requests that were not allowed, or about which nobody could decide.
    pub denied: u64,
    /// Times that a limit was reached: see [`Limit`].
    pub limited: u64,
    /// Times that a connection was not read from for a while, because it sent too much at once.
    pub throttled: u64,
}

/// What one realm of a router holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RealmCounts {
    /// Sessions that have joined, and are not about to leave.
    pub sessions: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Registrations.
    pub registrations: usize,
    /// Retained events.
    pub retained: usize,
}
