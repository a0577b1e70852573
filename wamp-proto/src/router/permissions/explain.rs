//! Why something is allowed or denied, for people.

use super::{
    Access, RealmPermissions, Right, Rule,
    decide::{self, Decision, Permissions},
};
use crate::{map::Seeded, uri::Pattern};

/// What would become of a request, and why.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// Whether it is allowed for certain: false too when that is decided only then.
    pub allowed: bool,
    /// What decides.
    pub reason: Reason,
}

/// What decides about a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The role may do everything.
    Everything,
    /// It is decided when the request comes.
    Dynamic,
    /// No rule of the role is about it, or the role has none.
    NoRule,
    /// This rule, into which all rules of the role for its pattern have gone.
    Rule(Rule),
    /// A rule allows it, but not for all URIs of the pattern: this one takes some away.
    Narrowed(Rule),
}

impl RealmPermissions {
    /// What would become of a request of a session with this authrole. Rules are looked up in a fresh index: this is for
    /// people, not for each request.
    pub fn explain(&self, role: &str, right: Right, subject: &Pattern) -> Explanation {
        let permissions = Permissions::new(self, no_seed());
        let (allowed, reason) = match permissions.guard_of(role).as_deref() {
            None => (true, Reason::Everything),
            Some(decide::Access::Dynamic) => (false, Reason::Dynamic),
            Some(decide::Access::Rules(rules)) => match rules.decide_pattern(right, subject) {
                Decision::Allowed(rule) => (true, Reason::Rule(rule.clone())),
                Decision::Denied(rule) => (false, Reason::Rule(rule.clone())),
                Decision::Narrowed(rule) => (false, Reason::Narrowed(rule.clone())),
                Decision::Unknown => (false, Reason::NoRule),
            },
        };
        Explanation { allowed, reason }
    }

    /// The rules that can never decide, each with its role: a prefix of the same role stands above them wherever they match.
    /// They are mistakes.
    pub fn idle_rules(&self) -> Vec<(&str, &Rule)> {
        let mut idle = Vec::new();
        for role in &self.roles {
            let Access::Rules(rules) = &role.access else { continue };
            let shadowed = |rule: &&Rule| rules.iter().any(|other| shadows(other, rule));
            idle.extend(rules.iter().filter(shadowed).map(|rule| (role.role.as_str(), rule)));
        }
        idle
    }
}

fn shadows(above: &Rule, below: &Rule) -> bool {
    let (above, below) = (&above.pattern, &below.pattern);
    above.uri().is_reserved() == below.uri().is_reserved()
        && above.precedence(below).is_gt()
        && above.covers(below)
}

/// The names in a configuration are not chosen by peers.
fn no_seed() -> Seeded {
    Seeded::new([0; 32])
}
