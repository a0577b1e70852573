//! Bugs on demand: the tests of the tests switch one on and must find it. Only with the private feature `planted-bugs`.

use super::Config;

/// One mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// An event reaches its publisher in spite of `exclude_me`.
    EventToPublisher,
    /// A YIELD that comes after the call was canceled becomes a RESULT.
    LateYieldForwarded,
    /// A session's registrations stay when it leaves.
    RegistrationKept,
    /// ERROR answers the wrong request.
    WrongErrorRequest,
    /// Two events change places.
    EventsReordered,
    /// An event reaches another realm.
    EventCrossesRealms,
    /// Queues have no limit.
    QueueLimitIgnored,
    /// Invocation ids have gaps.
    InvocationIdSkipped,
    /// A late part of a progressive call is a call of its own.
    LatePartCalled,
    /// A part of a result reaches a caller that did not ask for it.
    ProgressUnasked,
    /// The time of a call is that of all its parts.
    TimeoutInAll,
    /// A callee that was unavailable is asked again.
    TriedAgain,
    /// A callee gets more calls at once than it takes.
    ConcurrencyIgnored,
    /// A call that is over still takes its callee's room.
    RoomKept,
    /// A whitelist with nobody on it counts as none.
    EmptyWhitelistIgnored,
    /// A retained event goes to whoever asks, whatever its lists say.
    RetainedToAnybody,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::EventToPublisher,
        Self::LateYieldForwarded,
        Self::RegistrationKept,
        Self::WrongErrorRequest,
        Self::EventsReordered,
        Self::EventCrossesRealms,
        Self::QueueLimitIgnored,
        Self::InvocationIdSkipped,
        Self::LatePartCalled,
        Self::ProgressUnasked,
        Self::TimeoutInAll,
        Self::TriedAgain,
        Self::ConcurrencyIgnored,
        Self::RoomKept,
        Self::EmptyWhitelistIgnored,
        Self::RetainedToAnybody,
    ];
}

impl Config {
    /// Whether this bug is switched on.
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.planted == Some(bug)
    }
}
