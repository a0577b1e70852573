//! A realm: sessions that can reach each other, and nobody else (S-12).

use std::collections::BTreeMap;

use super::{
    MetaAccess, RealmCounts, admission::Names, broker::Broker, dealer::Dealer, link::Peer, meta,
    permissions::Permissions,
};
use crate::{id::SessionId, map::Seeded};

#[derive(Debug)]
pub(super) struct Realm {
    pub(super) broker: Broker,
    pub(super) dealer: Dealer,
    /// Who has joined, and is not about to leave.
    pub(super) members: BTreeMap<SessionId, Peer>,
    /// Their names.
    pub(super) names: Names,
    pub(super) permissions: Permissions,
    pub(super) meta: meta::Pending,
}

impl Realm {
    pub(super) fn new(hash: Seeded, seed: [u8; 32], meta_api: MetaAccess) -> Self {
        let (broker, dealer) = (Broker::new(hash), Dealer::new(hash, seed));
        Self {
            broker,
            dealer,
            members: BTreeMap::new(),
            names: Names::new(hash),
            permissions: Permissions::open(),
            meta: meta::Pending::new(meta_api),
        }
    }

    pub(super) fn counts(&self) -> RealmCounts {
        RealmCounts {
            sessions: self.members.len(),
            subscriptions: self.broker.len(),
            registrations: self.dealer.len(),
            retained: self.broker.retained(),
        }
    }
}
