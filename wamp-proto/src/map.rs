//! Hash maps without a random source: the keys of the hash come from a seed or, for ids that we choose ourselves, there
//! are none. They are never iterated where the order could reach an output.

#[cfg(feature = "router")]
use core::hash::BuildHasher;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{HashMap, HashSet};

#[cfg(feature = "router")]
use siphasher::sip::SipHasher13;

/// A map keyed by ids of our own choosing: nobody outside can aim at its buckets.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// A set of ids of our own choosing.
pub(crate) type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;

/// One multiplication and a rotation: our ids are sequential or uniformly random.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The high half of the product depends on every bit; the table looks at both ends.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }
}

/// Keys for maps whose keys a peer chooses, such as URIs: hash flooding needs the seed (fault 37).
#[cfg(feature = "router")]
#[derive(Clone, Copy)]
pub(crate) struct Seeded {
    low: u64,
    high: u64,
}

#[cfg(feature = "router")]
impl Seeded {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let half = |range: core::ops::Range<usize>| {
            seed.get(range).unwrap_or_default().iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        Self { low: half(0..8), high: half(8..16) }
    }
}

#[cfg(feature = "router")]
impl BuildHasher for Seeded {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.low, self.high)
    }
}

#[cfg(feature = "router")]
impl core::fmt::Debug for Seeded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seeded")
    }
}
