//! Who may do what in a realm, as plain data (A-86, A-87, A-91).
//!
//! # Which rule decides
//!
//! The most specific rule that matches the URI decides alone, for all four rights: exact before prefix, a longer prefix
//! before a shorter one, any prefix before any wildcard, wildcards by R-127. It is the order in which a call finds its
//! procedure (R-124), so that nobody needs to learn two. What that rule does not allow is denied; there is no second rule
//! to ask, and without a rule everything is denied. Rules of one role for the same pattern count as one, in which `deny`
//! is stronger than `allow`.
//!
//! That any prefix stands above any wildcard has a consequence: a wildcard that is to take something away from what a
//! prefix allows never gets a word. [`RealmPermissions::idle_rules`] finds such rules.
//!
//! # Patterns as subjects
//!
//! Who subscribes to a pattern, or registers one, must be allowed to do so for every URI that the pattern selects: one rule
//! has to cover it all, and none that is more specific may take any of it away.
//!
//! # What belongs to the protocol
//!
//! A rule is about URIs whose first component is `wamp`, the meta API, only if its own is: no prefix of an application
//! opens `wamp.session.kill` by accident (X-07, I-30).

mod decide;
mod explain;
#[cfg(test)]
mod tests;

use core::fmt;

pub(super) use decide::{Access as Compiled, Guard, Permissions};
pub use explain::{Explanation, Reason};

use crate::uri::{Pattern, Uri};

/// What a session may be allowed to do with a URI (A-86).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Call a procedure.
    Call,
    /// Register a procedure.
    Register,
    /// Publish to a topic.
    Publish,
    /// Subscribe to a topic.
    Subscribe,
}

impl Right {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Call, Self::Register, Self::Publish, Self::Subscribe];

    /// The name in configurations and for authorizers: `call`, `register`, `publish` or `subscribe`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Register => "register",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::str::FromStr for Right {
    type Err = UnknownRight;

    fn from_str(name: &str) -> Result<Self, UnknownRight> {
        let found = Self::ALL.into_iter().find(|right| right.as_str() == name);
        found.ok_or_else(|| UnknownRight(crate::uri::shortened(name)))
    }
}

/// A name that is not one of a [`Right`], shortened to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown right {0:?}: expected `call`, `register`, `publish` or `subscribe`")]
pub struct UnknownRight(pub String);

/// A set of rights.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rights(u8);

impl Rights {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(0b1111);

    /// These, and one more.
    #[must_use]
    pub const fn with(self, right: Right) -> Self {
        Self(self.0 | 1 << right as u8)
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether this one is among them.
    pub const fn has(self, right: Right) -> bool {
        self.0 & (1 << right as u8) != 0
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        rights.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Right::ALL.into_iter().filter(|right| self.has(*right))).finish()
    }
}

/// What a role may do with some URIs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// The URIs.
    pub pattern: Pattern,
    /// What is allowed.
    pub allow: Rights,
    /// What is not, whatever another rule for this very pattern allows.
    pub deny: Rights,
    /// Tell callees who calls, whether the caller asks for it or not, unless
    /// [`Config::caller_disclosure`](super::Config::caller_disclosure) is `Never`.
    pub disclose_caller: bool,
    /// Tell subscribers who publishes, whether the publisher asks for it or not, unless
    /// [`Config::publisher_disclosure`](super::Config::publisher_disclosure) is `Never`.
    pub disclose_publisher: bool,
}

impl Rule {
    /// A rule that allows these rights, discloses nobody and denies nothing that another allows.
    pub fn new(pattern: Pattern, allow: Rights) -> Self {
        let (deny, disclose_caller, disclose_publisher) = (Rights::NONE, false, false);
        Self { pattern, allow, deny, disclose_caller, disclose_publisher }
    }

    /// With rights that are denied.
    #[must_use]
    pub fn deny(mut self, deny: Rights) -> Self {
        self.deny = deny;
        self
    }

    /// With the disclosure of callers.
    #[must_use]
    pub fn disclose_caller(mut self) -> Self {
        self.disclose_caller = true;
        self
    }

    /// With the disclosure of publishers.
    #[must_use]
    pub fn disclose_publisher(mut self) -> Self {
        self.disclose_publisher = true;
        self
    }

    /// Whether this rule, where it decides, allows something.
    pub fn permits(&self, right: Right) -> bool {
        self.allow.has(right) && !self.deny.has(right)
    }

    fn discloses(&self, right: Right) -> bool {
        match right {
            Right::Call => self.disclose_caller,
            Right::Publish => self.disclose_publisher,
            Right::Register | Right::Subscribe => false,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.allow = self.allow.and(other.allow);
        self.deny = self.deny.and(other.deny);
        self.disclose_caller |= other.disclose_caller;
        self.disclose_publisher |= other.disclose_publisher;
    }
}

/// What decides about a role.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Access {
    /// Nothing: the role may do everything.
    Everything,
    /// Rules; what they do not allow is denied. Without any, the role may do nothing.
    Rules(Vec<Rule>),
    /// Whoever runs the router, each time: see [`Router::authorize`](super::Router::authorize).
    Dynamic,
}

impl Access {
    /// The role may do nothing at all.
    pub const NOTHING: Self = Self::Rules(Vec::new());
}

/// What the sessions of one authrole may do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RolePermissions {
    /// The authrole.
    pub role: String,
    /// What decides about it.
    pub access: Access,
}

/// What everybody may do in one realm.
///
/// ```
/// use wamp_proto::{Match, Pattern, uri::UriRule};
/// use wamp_proto::router::{Access, RealmPermissions, Right, Rights, Rule};
///
/// let pattern = |kind, uri| Pattern::new(UriRule::Loose, kind, uri).unwrap();
/// let permissions = RealmPermissions::new("realm1".parse()?).role("sensor", Access::Rules(vec![
///     Rule::new(pattern(Match::Prefix, "com.example.sensor."), Rights::NONE.with(Right::Publish)),
///     Rule::new(pattern(Match::Exact, "com.example.sensor.reset"), Rights::NONE),
/// ]));
/// let may_publish = |uri| permissions.explain("sensor", Right::Publish, &pattern(Match::Exact, uri)).allowed;
/// assert!(may_publish("com.example.sensor.kitchen"));
/// assert!(!may_publish("com.example.sensor.reset"));
/// assert!(!may_publish("com.example.alarm"));
/// # Ok::<(), wamp_proto::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RealmPermissions {
    /// The realm.
    pub realm: Uri,
    /// The roles. Of two entries for one role, the later counts.
    pub roles: Vec<RolePermissions>,
    /// What decides about all other roles. Default: they may do nothing, but for clients within the router's process whose
    /// authrole and authmethod are both `trusted`, which may do everything.
    pub others: Access,
}

impl RealmPermissions {
    /// A realm where nobody may do anything yet.
    pub fn new(realm: Uri) -> Self {
        Self { realm, roles: Vec::new(), others: Access::NOTHING }
    }

    /// With one more role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>, access: Access) -> Self {
        self.roles.push(RolePermissions { role: role.into(), access });
        self
    }

    /// With something else for the roles that are not listed.
    #[must_use]
    pub fn others(mut self, access: Access) -> Self {
        self.others = access;
        self
    }
}
