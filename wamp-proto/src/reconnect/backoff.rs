//! Delays that grow.

use core::time::Duration;

use chacha20::ChaCha12Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::Policy;

/// No delay is shorter, whatever the policy says: nobody is asked again in a tight loop.
pub const MIN_DELAY: Duration = Duration::from_millis(10);

/// The delays of a policy, each longer than the one before.
pub struct Backoff {
    random: ChaCha12Rng,
    /// The last delay, before a part of it was left out.
    last: Option<Duration>,
}

impl Backoff {
    /// The parts that are left out depend on `seed` alone.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { random: ChaCha12Rng::from_seed(seed), last: None }
    }

    /// The next delay.
    pub fn next(&mut self, policy: &Policy) -> Duration {
        let whole = match self.last {
            None => policy.initial.min(policy.cap),
            Some(last) => times(last, policy.factor).min(policy.cap),
        };
        self.last = Some(whole);
        // The 53 bits of a fraction, from 0 to 1.
        let fraction = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        times(whole, 1.0 - policy.jitter * fraction).max(MIN_DELAY)
    }

    /// Starts with the first delay again.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

impl core::fmt::Debug for Backoff {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Backoff").field("last", &self.last).finish_non_exhaustive()
    }
}

fn times(delay: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
