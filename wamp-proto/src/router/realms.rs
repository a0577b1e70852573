//! All realms: those of the configuration, which last, and those made from templates, which last as long as somebody is in
//! them.

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use super::{Config, RealmTemplate, permissions::Permissions, realm::Realm};
use crate::{
    id::RandomIds,
    map::Seeded,
    uri::{Uri, uris},
};

/// A realm, by its place in the table. Places are used again, generations are not: the name of a realm that is gone never
/// leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RealmId {
    index: usize,
    generation: u64,
}

#[derive(Debug)]
pub(super) struct Realms {
    config: Arc<Config>,
    hash: Seeded,
    realms: Slab<(u64, Realm)>,
    places: HashMap<Uri, RealmId, Seeded>,
    generations: u64,
    /// How many there are of each template. The templates of a router stay as they are.
    made: Vec<usize>,
}

/// Why a realm cannot be joined: the reason of the ABORT, and a text for people.
pub(super) type NoRealm = (&'static str, String);

impl Realms {
    /// With the realms of the configuration.
    pub(super) fn new(config: Arc<Config>, hash: Seeded, random: &mut RandomIds) -> Self {
        let places = HashMap::with_hasher(hash);
        let made = vec![0; config.templates.len()];
        let mut realms = Self { config, hash, realms: Slab::new(), places, generations: 0, made };
        for uri in &realms.config.clone().realms {
            if realms.places.contains_key(uri) {
                continue;
            }
            realms.make(uri, uri, None, random);
        }
        realms
    }

    pub(super) fn set_config(&mut self, config: Arc<Config>) {
        self.config = config;
    }

    pub(super) fn get(&self, id: RealmId) -> Option<&Realm> {
        self.realms
            .get(id.index)
            .filter(|(generation, _)| *generation == id.generation)
            .map(|(_, realm)| realm)
    }

    pub(super) fn get_mut(&mut self, id: RealmId) -> Option<&mut Realm> {
        let slot = self.realms.get_mut(id.index);
        slot.filter(|(generation, _)| *generation == id.generation).map(|(_, realm)| realm)
    }

    pub(super) fn find(&self, name: &Uri) -> Option<RealmId> {
        self.places.get(name).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Realm> {
        self.realms.iter().map(|(_, (_, realm))| realm)
    }

    /// All that there are, in the order of their places.
    pub(super) fn ids(&self) -> Vec<RealmId> {
        let id =
            |(index, (generation, _)): (usize, &(u64, Realm))| RealmId { index, generation: *generation };
        self.realms.iter().map(id).collect()
    }

    /// Under which name the settings of a realm are written, whether it is there or not: its own, or that of its template.
    /// The error is for a client that wants to join it.
    pub(super) fn like(&self, name: &Uri) -> Result<&Uri, NoRealm> {
        if let Some(realm) = self.find(name).and_then(|id| self.get(id)) {
            return Ok(&realm.like);
        }
        let unknown = || (uris::error::NO_SUCH_REALM, format!("this router has no realm `{name}`"));
        let (_, template) = self.template(name).ok_or_else(unknown)?;
        if name.len() > template.max_name {
            let text = format!("the name of the realm is longer than {} bytes", template.max_name);
            return Err((uris::error::NO_SUCH_REALM, text));
        }
        Ok(&template.like)
    }

    fn template(&self, name: &str) -> Option<(usize, &RealmTemplate)> {
        self.config.templates.iter().enumerate().find(|(_, template)| template.makes(name))
    }

    /// The realm that a session joins: it is made if need be. `None` when there are as many as its template may have.
    pub(super) fn enter(&mut self, name: &Uri, random: &mut RandomIds) -> Option<RealmId> {
        if let Some(id) = self.find(name) {
            return Some(id);
        }
        let (index, template) = self.template(name)?;
        let (like, max) = (template.like.clone(), template.max_realms);
        let made = self.made.get_mut(index).filter(|made| **made < max)?;
        *made = made.saturating_add(1);
        Some(self.make(name, &like, Some(index), random))
    }

    fn make(&mut self, name: &Uri, like: &Uri, template: Option<usize>, random: &mut RandomIds) -> RealmId {
        let config = self.config.clone();
        let mut realm = Realm::new(self.hash, random.seed(), name, like, &config);
        realm.template = template;
        realm.permissions = Permissions::of(like, &config.permissions, self.hash);
        for rule in config.history.iter().filter(|rule| rule.realm == *like) {
            realm.broker.keep_history(&mut realm.meta, rule);
        }
        self.generations = self.generations.wrapping_add(1);
        let generation = self.generations;
        let id = RealmId { index: self.realms.insert((generation, realm)), generation };
        self.places.insert(name.clone(), id);
        id
    }

    /// Nobody is in a realm any more, perhaps: then all that it holds is gone, unless it is one of the configuration.
    pub(super) fn leave(&mut self, id: RealmId) {
        let over = self.get(id).filter(|realm| realm.members.is_empty());
        let Some((name, template)) = over.and_then(|realm| Some((realm.name.clone(), realm.template?)))
        else {
            return;
        };
        self.places.remove(&name);
        self.realms.try_remove(id.index);
        if let Some(made) = self.made.get_mut(template) {
            *made = made.saturating_sub(1);
        }
    }

    /// The permissions have changed.
    pub(super) fn permit(&mut self) {
        for (_, (_, realm)) in &mut self.realms {
            realm.permissions = Permissions::of(&realm.like, &self.config.permissions, self.hash);
        }
    }
}
