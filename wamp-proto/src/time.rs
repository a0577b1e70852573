//! Time as the machines see it: a number that the world passes in.

use core::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

/// A moment on the monotonic clock of whoever drives the machines.
///
/// The core never asks what time it is: every input carries `now`. The origin is the driver's choice (the start of the
/// process, or zero in a simulation), so two instants compare only when they come from the same clock. `now` may stand
/// still or go backwards; deadlines then simply come later.
///
/// ```
/// use std::time::Duration;
/// use wamp_proto::Instant;
///
/// let start = Instant::ZERO;
/// let later = start + Duration::from_millis(1500);
/// assert_eq!(later - start, Duration::from_millis(1500));
/// assert_eq!(start - later, Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    nanos: u64,
}

impl Instant {
    /// The origin of the driver's clock.
    pub const ZERO: Self = Self { nanos: 0 };

    /// The moment `since_origin` after the origin; saturates after 584 years.
    pub fn from_origin(since_origin: Duration) -> Self {
        Self { nanos: u64::try_from(since_origin.as_nanos()).unwrap_or(u64::MAX) }
    }

    /// How long after the origin this is.
    pub fn since_origin(self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_origin(self.since_origin().saturating_add(duration))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time from `earlier` to `self`, zero when `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        self.since_origin().saturating_sub(earlier.since_origin())
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:?}", self.since_origin())
    }
}
