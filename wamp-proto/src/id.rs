//! Ids: integers in [1, 2^53] (I-01), one newtype for each thing that they name, and their generators.

use core::{fmt, num::NonZeroU64};

use chacha20::ChaCha12Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// The largest id, 2^53, inclusive (I-01).
pub const MAX_ID: u64 = 1 << 53;

/// A number that is not an id: 0, or above 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an id: ids are integers from 1 to 2^53")]
pub struct InvalidId(pub u64);

/// The kinds of id that the generators make; implemented for those of this module only.
pub trait Id: sealed::Nearest {}

mod sealed {
    pub trait Nearest: Copy {
        /// The id closest to `number`.
        fn nearest(number: u64) -> Self;
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The smallest id.
            pub const FIRST: Self = Self(NonZeroU64::MIN);

            /// The id as a plain number, from 1 to 2^53.
            pub const fn get(self) -> u64 {
                self.0.get()
            }
        }

        impl Id for $name {}

        impl sealed::Nearest for $name {
            fn nearest(number: u64) -> Self {
                Self(NonZeroU64::new(number.min(MAX_ID)).unwrap_or(NonZeroU64::MIN))
            }
        }

        impl TryFrom<u64> for $name {
            type Error = InvalidId;

            fn try_from(id: u64) -> Result<Self, InvalidId> {
                match NonZeroU64::new(id) {
                    Some(valid) if id <= MAX_ID => Ok(Self(valid)),
                    _ => Err(InvalidId(id)),
                }
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> Self {
                id.get()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(self.get())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                u64::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A session, fixed for its lifetime (I-11); global scope, random (I-02).
    SessionId,
    /// One publication, the same on every event it causes (I-13); global scope, random (I-02).
    PublicationId,
    /// A subscription; router scope (I-03), shared by all its subscribers (I-14).
    SubscriptionId,
    /// A registration; router scope (I-03).
    RegistrationId,
    /// A request; session scope: 1, 2, 3, ... in each direction (I-04, I-05).
    RequestId,
}

/// Ids of global scope: uniform over [1, 2^53] (I-02), from a seed.
///
/// The stream is ChaCha12, so that nobody who sees some ids can guess the next; the same seed gives the same ids.
pub struct RandomIds(ChaCha12Rng);

impl RandomIds {
    /// A generator that depends on `seed` alone.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// The next id of the kind that the caller names.
    pub fn draw<T: Id>(&mut self) -> T {
        // 53 random bits are uniform over 0..2^53; one more shifts them to 1..=2^53.
        T::nearest((self.0.next_u64() >> 11).saturating_add(1))
    }

    /// A fresh seed for a machine that needs its own stream.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }
}

impl fmt::Debug for RandomIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomIds").finish_non_exhaustive()
    }
}

/// Ids in sequence: 1, 2, 3, ..., 2^53, 1, ... (I-05).
#[derive(Clone, Debug, Default)]
pub struct SequentialIds {
    last: u64,
    /// Whether ids were given out before 1: then any id may be in use still.
    wrapped: bool,
}

impl SequentialIds {
    /// Starts so that the next id follows `last`; 0 starts a fresh session.
    pub fn after(last: u64) -> Self {
        let wrapped = last >= MAX_ID;
        Self { last: if wrapped { 0 } else { last }, wrapped }
    }

    /// The number of the last id, 0 when none was given out since the start or the last wrap.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number that [`next`](Self::next) will return.
    pub fn peek(&self) -> u64 {
        if self.last >= MAX_ID { 1 } else { self.last.saturating_add(1) }
    }

    /// The next id.
    #[allow(clippy::should_implement_trait, reason = "ids never end, and an iterator cannot say which kind")]
    pub fn next<T: Id>(&mut self) -> T {
        self.wrapped |= self.last >= MAX_ID;
        self.last = self.peek();
        T::nearest(self.last)
    }

    /// The next id that is not in use. `used` is asked only once the ids have wrapped; it must not hold for all of them.
    pub fn next_unused<T: Id + Copy>(&mut self, used: impl Fn(T) -> bool) -> T {
        loop {
            let id = self.next();
            if !self.wrapped || !used(id) {
                return id;
            }
        }
    }

    /// Whether this number may have been given out.
    pub fn has_given_out(&self, id: u64) -> bool {
        self.wrapped || id <= self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i_01_range() {
        for bad in [0, MAX_ID + 1, u64::MAX] {
            assert_eq!(SessionId::try_from(bad), Err(InvalidId(bad)));
        }
        for good in [1, 2, MAX_ID] {
            assert_eq!(SessionId::try_from(good).unwrap().get(), good);
        }
    }

    #[test]
    fn i_02_random_ids_depend_on_the_seed_alone() {
        let draw = |seed| {
            let mut ids = RandomIds::new([seed; 32]);
            (0..100).map(|_| ids.draw::<SessionId>()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(3).iter().any(|id| id.get() > MAX_ID / 2));
    }

    /// Fault 76.
    #[test]
    fn i_05_sequence_wraps() {
        let mut ids = SequentialIds::default();
        assert_eq!(ids.next::<RequestId>().get(), 1);
        assert_eq!(ids.next::<RequestId>().get(), 2);
        let mut ids = SequentialIds::after(MAX_ID - 1);
        assert_eq!(ids.next::<RequestId>().get(), MAX_ID);
        assert_eq!(ids.next::<RequestId>().get(), 1);
        assert_eq!(SequentialIds::after(MAX_ID).next::<RequestId>().get(), 1);
    }

    #[test]
    fn i_05_fault_76_what_lives_is_skipped() {
        let used = |id: RequestId| [1, 2, MAX_ID - 1].contains(&id.get());
        let mut ids = SequentialIds::after(MAX_ID - 2);
        // Before the wrap nothing can be in use.
        let given = [(); 4].map(|()| ids.next_unused(used).get());
        assert_eq!(given, [MAX_ID - 1, MAX_ID, 3, 4]);
    }

    #[test]
    fn after_the_wrap_any_id_may_have_been_given_out() {
        let mut ids = SequentialIds::after(MAX_ID - 1);
        assert!(ids.has_given_out(7) && !ids.has_given_out(MAX_ID));
        let _ = [(); 2].map(|()| ids.next::<RequestId>());
        assert!(ids.has_given_out(MAX_ID));
    }
}
