//! The states of a client session, as a table: what is not listed is refused.

use crate::message::MessageKind;

/// Where a client session stands (S-14..S-27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// HELLO is sent, the router has not answered.
    Joining,
    /// The router sent a CHALLENGE (S-23).
    Authenticating,
    /// The session is open (S-15).
    Open,
    /// We sent GOODBYE and wait for the answer (S-16).
    Leaving,
    /// The session is over, for good.
    Closed,
}

/// What can change the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A message came from the router.
    Received(MessageKind),
    /// The application asks for something.
    Wish(Wish),
}

/// What an application can ask of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// A request or an answer: call, publish, subscribe, register, reply, ...
    Use,
    /// Answer a CHALLENGE.
    Authenticate,
    /// Close in order, with GOODBYE.
    Close,
}

impl State {
    /// All states, in the order of a session's life.
    pub const ALL: [Self; 5] = [Self::Joining, Self::Authenticating, Self::Open, Self::Leaving, Self::Closed];

    /// The table: the state after `input`, or `None` when it must not come now. A message is then a violation (S-40),
    /// a wish is misuse.
    pub const fn next(self, input: Input) -> Option<Self> {
        use Input::{Received, Wish as Wished};
        use MessageKind as M;
        use State::{Authenticating, Closed, Joining, Leaving, Open};
        match (self, input) {
            // S-29, S-30: opening.
            (Joining | Authenticating, Received(M::Welcome)) => Some(Open),
            (Joining | Authenticating, Received(M::Challenge)) => Some(Authenticating),
            (Authenticating, Wished(Wish::Authenticate)) => Some(Joining),
            // S-31: ABORT ends it in any state, and is never answered.
            (Joining | Authenticating | Open | Leaving, Received(M::Abort)) => Some(Closed),
            // S-33, S-34: work.
            (
                Open,
                Received(
                    M::Error
                    | M::Subscribed
                    | M::Unsubscribed
                    | M::Published
                    | M::Result
                    | M::Registered
                    | M::Unregistered
                    | M::Invocation
                    | M::Event
                    | M::Interrupt,
                )
                | Wished(Wish::Use),
            ) => Some(Open),
            // S-32, S-16, S-17: closing. A session that is not open yet has nobody to say GOODBYE to: ABORT.
            (Open, Received(M::Goodbye)) => Some(Closed),
            (Open, Wished(Wish::Close)) => Some(Leaving),
            (Joining | Authenticating, Wished(Wish::Close)) => Some(Closed),
            (Leaving, Received(M::Goodbye)) => Some(Closed),
            (Leaving, Received(_)) => Some(Leaving), // S-27: ignored.
            (Leaving, Wished(Wish::Close)) => Some(Leaving),
            (Closed, Received(_) | Wished(Wish::Close)) => Some(Closed),
            _ => None,
        }
    }

    /// The state in words, for errors: "... must not be sent `while ...`".
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Joining => "to a client that waits for WELCOME",
            Self::Authenticating => "to a client that is about to answer a CHALLENGE",
            Self::Open => "to a client in an open session",
            Self::Leaving | Self::Closed => "to a client that has left",
        }
    }
}
