//! A realm: sessions that can reach each other, and nobody else (S-12).

use super::{broker::Broker, dealer::Dealer};
use crate::map::Seeded;

#[derive(Debug)]
pub(super) struct Realm {
    pub(super) broker: Broker,
    pub(super) dealer: Dealer,
}

impl Realm {
    pub(super) fn new(hash: Seeded, seed: [u8; 32]) -> Self {
        Self { broker: Broker::new(hash), dealer: Dealer::new(hash, seed) }
    }
}
