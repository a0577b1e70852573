//! A realm: sessions that can reach each other, and nobody else (S-12).

use super::{broker::Broker, dealer::Dealer};
use crate::{map::Seeded, uri::Uri};

#[derive(Debug)]
pub(super) struct Realm {
    pub(super) uri: Uri,
    pub(super) broker: Broker,
    pub(super) dealer: Dealer,
}

impl Realm {
    pub(super) fn new(uri: Uri, hash: Seeded) -> Self {
        Self { uri, broker: Broker::new(hash), dealer: Dealer::new(hash) }
    }
}
