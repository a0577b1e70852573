//! How often something may happen.

use core::time::Duration;

use crate::time::Instant;

/// So many a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// How many a second; 0 counts as 1.
    pub per_second: u32,
    /// How many at once after a while without any; 0 counts as 1.
    pub burst: u32,
}

impl Rate {
    /// So many a second, of which those of one second may come at once.
    pub const fn per_second(per_second: u32) -> Self {
        Self { per_second, burst: per_second }
    }

    /// With so many at once.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    fn interval(self) -> Duration {
        Duration::from_secs(1).checked_div(self.per_second).unwrap_or(Duration::from_secs(1))
    }

    /// The time in which what came at once is made up for.
    fn window(self) -> Duration {
        self.interval().saturating_mul(self.burst.max(1))
    }
}

/// A bucket of tokens, as the moment at which it will be full again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    full: Instant,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { full: Instant::ZERO }
    }
}

impl Bucket {
    /// Takes a token, if need be on credit: then it returns how long there will be none.
    pub(super) fn take(&mut self, now: Instant, rate: Rate) -> Option<Duration> {
        self.full = self.full.max(now) + rate.interval();
        let missing = (self.full - now).saturating_sub(rate.window());
        (!missing.is_zero()).then_some(missing)
    }

    /// Takes a token if there is one.
    pub(super) fn try_take(&mut self, now: Instant, rate: Rate) -> bool {
        let mut after = *self;
        let taken = after.take(now, rate).is_none();
        if taken {
            *self = after;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_then_one_each_interval() {
        let rate = Rate::per_second(10).burst(3);
        let mut bucket = Bucket::default();
        let taken = |bucket: &mut Bucket, millis| bucket.try_take(at(millis), rate);
        assert!((0..3).all(|_| taken(&mut bucket, 0)));
        assert!(!taken(&mut bucket, 0));
        assert!(!taken(&mut bucket, 99));
        assert!(taken(&mut bucket, 100));
        assert!(!taken(&mut bucket, 150));
        // A while without any gives back no more than a burst.
        assert!((0..3).all(|_| taken(&mut bucket, 10_000)));
        assert!(!taken(&mut bucket, 10_000));
    }

    #[test]
    fn credit_is_paid_back() {
        let rate = Rate::per_second(10).burst(1);
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(at(0), rate), None);
        assert_eq!(bucket.take(at(0), rate), Some(Duration::from_millis(100)));
        assert_eq!(bucket.take(at(0), rate), Some(Duration::from_millis(200)));
        assert_eq!(bucket.take(at(300), rate), None);
    }

    #[test]
    fn zero_counts_as_one() {
        let rate = Rate { per_second: 0, burst: 0 };
        let mut bucket = Bucket::default();
        assert!(bucket.try_take(at(0), rate));
        assert!(!bucket.try_take(at(999), rate));
        assert!(bucket.try_take(at(1_000), rate));
    }
}
