//! The states of a connection at the router, as a table: what is not listed is refused.

use crate::message::MessageKind;

/// Where a connection stands at the router (S-14..S-27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The transport is open, HELLO has not come.
    AwaitingHello,
    /// CHALLENGE is sent, AUTHENTICATE has not come (S-23).
    Authenticating,
    /// The session is open (S-15).
    Open,
    /// We sent GOODBYE and wait for the answer (S-16).
    Leaving,
    /// The session is over; what is queued still goes out.
    Closed,
}

impl State {
    /// All states, in the order of a session's life.
    pub const ALL: [Self; 5] =
        [Self::AwaitingHello, Self::Authenticating, Self::Open, Self::Leaving, Self::Closed];

    /// The table: the state after `message`, or `None` when it is a violation (S-40). A HELLO or AUTHENTICATE that is
    /// refused leads to `Closed` instead (S-20, S-24).
    pub const fn next(self, message: MessageKind) -> Option<Self> {
        use MessageKind as M;
        use State::{Authenticating, AwaitingHello, Closed, Leaving, Open};
        match (self, message) {
            // S-36, S-37: opening.
            (AwaitingHello, M::Hello) => Some(Open),
            (Authenticating, M::Authenticate) => Some(Open),
            // S-38: ABORT ends it in any state, and is never answered.
            (AwaitingHello | Authenticating | Open | Leaving, M::Abort) => Some(Closed),
            // S-39b: work.
            (
                Open,
                M::Publish
                | M::Subscribe
                | M::Unsubscribe
                | M::Call
                | M::Cancel
                | M::Register
                | M::Unregister
                | M::Yield
                | M::Error,
            ) => Some(Open),
            // S-39, S-17: closing.
            (Open | Leaving, M::Goodbye) => Some(Closed),
            (Leaving, _) => Some(Leaving), // S-27: ignored.
            (Closed, _) => Some(Closed),
            _ => None,
        }
    }

    /// The state in words, for errors: "... must not be sent `while ...`".
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::AwaitingHello => "before HELLO",
            Self::Authenticating => "before AUTHENTICATE",
            Self::Open => "to a router in an open session",
            Self::Leaving | Self::Closed => "to a router that has closed the session",
        }
    }
}
