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
    /// A whitelist with nobody on it counts as none.
    EmptyWhitelistIgnored,
    /// A retained event goes to whoever asks, whatever its lists say.
    RetainedToAnybody,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::EventToPublisher,
        Self::LateYieldForwarded,
        Self::RegistrationKept,
        Self::WrongErrorRequest,
        Self::EventsReordered,
        Self::EventCrossesRealms,
        Self::QueueLimitIgnored,
        Self::InvocationIdSkipped,
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
