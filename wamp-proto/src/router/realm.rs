//! A realm: sessions that can reach each other, and nobody else (S-12).

use std::collections::BTreeMap;

use super::{
    Config, Disclosure, RealmCounts, admission::Names, broker::Broker, dealer::Dealer, link::Peer, meta,
    permissions::Permissions,
};
use crate::{id::SessionId, map::Seeded, uri::Uri};

#[derive(Debug)]
pub(super) struct Realm {
    pub(super) name: Uri,
    /// The name under which its settings are written.
    pub(super) like: Uri,
    /// Which template it is made from. One of the configuration has none, and stays when nobody is in it.
    pub(super) template: Option<usize>,
    pub(super) settings: Settings,
    pub(super) broker: Broker,
    pub(super) dealer: Dealer,
    /// Who has joined, and is not about to leave.
    pub(super) members: BTreeMap<SessionId, Peer>,
    /// Their names.
    pub(super) names: Names,
    pub(super) permissions: Permissions,
    pub(super) meta: meta::Pending,
}

/// What may differ from realm to realm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) caller_disclosure: Disclosure,
    pub(super) publisher_disclosure: Disclosure,
    pub(super) max_sessions: usize,
}

impl Settings {
    /// Those that are written under this name, and those of the router where there are none.
    pub(super) fn of(name: &Uri, config: &Config) -> Self {
        let own = config.realm_settings.iter().find(|settings| settings.realm == *name);
        let of = |disclosure: Option<Disclosure>, default| disclosure.unwrap_or(default);
        Self {
            caller_disclosure: of(own.and_then(|own| own.caller_disclosure), config.caller_disclosure),
            publisher_disclosure: of(
                own.and_then(|own| own.publisher_disclosure),
                config.publisher_disclosure,
            ),
            max_sessions: own.and_then(|own| own.max_sessions).unwrap_or(config.max_sessions),
        }
    }
}

impl Realm {
    /// A realm with nobody in it, in which everybody may do everything.
    pub(super) fn new(hash: Seeded, seed: [u8; 32], name: &Uri, like: &Uri, config: &Config) -> Self {
        Self {
            name: name.clone(),
            like: like.clone(),
            template: None,
            settings: Settings::of(like, config),
            broker: Broker::new(hash),
            dealer: Dealer::new(hash, seed),
            members: BTreeMap::new(),
            names: Names::new(hash),
            permissions: Permissions::open(),
            meta: meta::Pending::new(config.meta_api),
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
