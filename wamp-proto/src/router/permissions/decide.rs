//! Permissions in the form in which they are looked up: what a decision costs does not grow with the number of rules,
//! unless the subject is a pattern.

use core::cmp::Ordering;
use std::{collections::BTreeMap, sync::Arc};

use super::{RealmPermissions, Right, Rule};
use crate::{
    map::Seeded,
    router::{index::Index, link::Identity},
    uri::{Match, Pattern, Uri},
};

/// What stands between a session and the realm: nothing, for who may do everything.
pub(in crate::router) type Guard = Option<Arc<Access>>;

/// What decides about a role, other than that it may do everything.
#[derive(Debug, PartialEq)]
pub(in crate::router) enum Access {
    Rules(Box<Rules>),
    Dynamic,
}

/// The permissions of one realm.
#[derive(Debug)]
pub(in crate::router) struct Permissions {
    roles: BTreeMap<String, Guard>,
    others: Guard,
}

impl Permissions {
    /// Everybody may do everything.
    pub(in crate::router) fn open() -> Self {
        Self { roles: BTreeMap::new(), others: None }
    }

    /// Those of a realm: open if there are none for any realm, closed if there are for others only.
    pub(in crate::router) fn of(realm: &Uri, all: &[RealmPermissions], hash: Seeded) -> Self {
        match all.iter().find(|permissions| permissions.realm == *realm) {
            Some(permissions) => Self::new(permissions, hash),
            None if all.is_empty() => Self::open(),
            None => Self::new(&RealmPermissions::new(realm.clone()), hash),
        }
    }

    pub(super) fn new(permissions: &RealmPermissions, hash: Seeded) -> Self {
        let roles = permissions.roles.iter();
        Self {
            roles: roles.map(|role| (role.role.clone(), compile(&role.access, hash))).collect(),
            others: compile(&permissions.others, hash),
        }
    }

    pub(in crate::router) fn guard(&self, identity: &Identity) -> Guard {
        match self.roles.get(&identity.authrole) {
            Some(guard) => guard.clone(),
            None if identity.authrole == TRUSTED && identity.authmethod == TRUSTED => None,
            None => self.others.clone(),
        }
    }

    /// The same by the name of the role alone.
    pub(super) fn guard_of(&self, role: &str) -> &Guard {
        self.roles.get(role).unwrap_or(&self.others)
    }
}

/// The role and the method of clients within the router's process.
const TRUSTED: &str = "trusted";

fn compile(access: &super::Access, hash: Seeded) -> Guard {
    match access {
        super::Access::Everything => None,
        super::Access::Rules(rules) => Some(Arc::new(Access::Rules(Box::new(Rules::new(rules, hash))))),
        super::Access::Dynamic => Some(Arc::new(Access::Dynamic)),
    }
}

/// The rules of a role.
#[derive(Debug)]
pub(in crate::router) struct Rules {
    /// One for each pattern.
    rules: Vec<Rule>,
    index: Index<usize>,
    /// Those for what belongs to the protocol, which no other rule is about.
    reserved: Index<usize>,
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::router) enum Decision<'a> {
    /// This rule allows it.
    Allowed(&'a Rule),
    /// This rule decides, and does not allow it.
    Denied(&'a Rule),
    /// A rule allows it, but this one takes a part of the pattern away.
    Narrowed(&'a Rule),
    /// No rule is about it.
    Unknown,
}

impl Decision<'_> {
    /// Whether the request is allowed, and then whether it discloses who makes it.
    pub(in crate::router) fn allowed(self, right: Right) -> Option<bool> {
        match self {
            Self::Allowed(rule) => Some(rule.discloses(right)),
            _ => None,
        }
    }
}

impl Rules {
    pub(super) fn new(rules: &[Rule], hash: Seeded) -> Self {
        let mut compiled = Self { rules: Vec::new(), index: Index::new(hash), reserved: Index::new(hash) };
        for rule in rules {
            compiled.add(rule);
        }
        compiled
    }

    fn add(&mut self, rule: &Rule) {
        let index = if rule.pattern.uri().is_reserved() { &mut self.reserved } else { &mut self.index };
        match index.get(&rule.pattern).and_then(|place| self.rules.get_mut(place)) {
            Some(known) => known.merge(rule),
            None => {
                index.insert(&rule.pattern, self.rules.len());
                self.rules.push(rule.clone());
            }
        }
    }

    /// For a URI that is no pattern.
    pub(in crate::router) fn decide(&self, right: Right, uri: &Uri) -> Decision<'_> {
        let index = if uri.is_reserved() { &self.reserved } else { &self.index };
        self.judge(right, index.best(uri).and_then(|place| self.rules.get(place)))
    }

    /// For all URIs of a pattern at once.
    pub(in crate::router) fn decide_pattern(&self, right: Right, pattern: &Pattern) -> Decision<'_> {
        if pattern.kind() == Match::Exact {
            return self.decide(right, pattern.uri());
        }
        let reserved = pattern.uri().is_reserved();
        let about = || self.rules.iter().filter(move |rule| rule.pattern.uri().is_reserved() == reserved);
        let covering = about().filter(|rule| rule.pattern.covers(pattern));
        let decision = self.judge(right, covering.max_by(|a, b| a.pattern.precedence(&b.pattern)));
        let Decision::Allowed(cover) = decision else { return decision };
        let narrows = |rule: &&Rule| {
            !rule.permits(right)
                && rule.pattern.precedence(&cover.pattern) == Ordering::Greater
                && rule.pattern.overlaps(pattern)
        };
        about().find(narrows).map_or(decision, Decision::Narrowed)
    }

    fn judge<'a>(&self, right: Right, rule: Option<&'a Rule>) -> Decision<'a> {
        match rule {
            None => Decision::Unknown,
            Some(rule) if rule.permits(right) => Decision::Allowed(rule),
            Some(rule) => Decision::Denied(rule),
        }
    }
}
