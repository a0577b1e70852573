//! What a configuration file says that makes no sense, though it is well-formed.

use std::fmt;

use toml::de::{DeTable, DeValue};
use wamp_proto::{Match, Pattern, Uri, uri::UriRule};

use super::{
    error::closest,
    file::{ConfigFile, ListenerEntry, MatchName, Method, RealmEntry, RoleEntry, UserEntry},
};
use crate::{Endpoint, SocketAddress};

/// Something that makes no sense, and where it stands: keys, and positions in lists.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) place: Vec<String>,
    what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place.join("."), self.what)
    }
}

type Checked = Result<(), Wrong>;

/// Says that `what` is wrong with the value at `place`.
pub(super) fn wrong<const N: usize>(place: [&str; N], what: impl Into<String>) -> Wrong {
    Wrong { place: place.map(str::to_owned).into(), what: what.into() }
}

impl From<MatchName> for Match {
    fn from(name: MatchName) -> Self {
        match name {
            MatchName::Exact => Self::Exact,
            MatchName::Prefix => Self::Prefix,
            MatchName::Wildcard => Self::Wildcard,
        }
    }
}

impl ConfigFile {
    /// Looks at everything that refers to something else.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        if self.realms.is_empty() {
            return Err(wrong(["realms"], "there is no realm; add one, such as [realms.realm1]"));
        }
        for (at, listener) in self.listeners.iter().enumerate() {
            self.check_listener(&at.to_string(), listener)?;
        }
        if let Some(http) = &self.http {
            let address = SocketAddress::parse(http.listen.as_str());
            address.map_err(|why| wrong(["http", "listen"], format!("not host:port: {why}")))?;
        }
        self.realms.iter().try_for_each(|(name, realm)| self.check_realm(name, realm))?;
        self.realms.iter().try_for_each(|(name, realm)| self.check_template(name, realm))?;
        self.roles.iter().try_for_each(|(name, role)| self.check_role(name, role))?;
        self.users.iter().try_for_each(|(name, user)| self.check_user(name, user))?;
        if self.limits.message_size.is_some_and(|size| size.0 > wamp_proto::Limits::MAX_MESSAGE_SIZE) {
            return Err(wrong(["limits", "message_size"], "no transport takes messages of more than 16 MiB"));
        }
        self.realms.iter().try_for_each(|(name, realm)| self.check_open(name, realm))
    }

    /// A realm that nobody can join is a mistake.
    fn check_open(&self, name: &str, realm: &RealmEntry) -> Checked {
        let has_users = || self.users.values().any(|user| user.may_join(name));
        if realm.anonymous.is_some() || realm.authenticator.is_some() || has_users() {
            return Ok(());
        }
        let what = "nobody can join this realm: give it users, an `authenticator`, or the role of `anonymous` clients";
        Err(wrong(["realms", name], what))
    }

    fn check_listener(&self, at: &str, listener: &ListenerEntry) -> Checked {
        let url = listener.url.as_str();
        let endpoint =
            url.parse::<Endpoint>().map_err(|error| wrong(["listeners", at, "url"], error.to_string()))?;
        if endpoint.is_tls() != listener.tls.is_some() {
            let what = match listener.tls {
                None => format!("`{url}` needs a certificate: [listeners.tls]"),
                Some(_) => format!("`{url}` has no use for a certificate; wss:// and tcps:// have"),
            };
            return Err(wrong(["listeners", at, "url"], what));
        }
        if let Some(tls) = listener.tls.as_ref().filter(|tls| tls.client_certificates.is_some()) {
            if tls.client_ca.is_none() {
                let what = "clients' certificates cannot be checked without `client_ca`";
                return Err(wrong(["listeners", at, "tls", "client_certificates"], what));
            }
        }
        if listener.transports.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong(["listeners", at, "transports"], "a listener needs a transport"));
        }
        if let Some(any) = listener.origins.iter().position(|origin| origin.as_str() == "*") {
            if self.takes_cookies(listener) {
                let what = "cookies log in here, and any web page could use them: list the origins that may";
                return Err(wrong(["listeners", at, "origins", &any.to_string()], what));
            }
        }
        let realms = listener.realms.iter().flatten();
        realms.into_iter().try_for_each(|realm| self.check_realm_name(["listeners", at, "realms"], realm))
    }

    /// Whether somebody can come in there by a cookie, which browsers send along for every page that connects.
    pub(super) fn takes_cookies(&self, listener: &ListenerEntry) -> bool {
        let by_cookie = |name: &str, realm: &RealmEntry| {
            let mut users = self.users.values().filter(|user| user.may_join(name));
            users.any(|user| !user.cookies.is_empty())
                && realm.auth.as_ref().is_none_or(|methods| methods.contains(&Method::Cookie))
        };
        self.realms
            .iter()
            .any(|(name, realm)| listener.takes(name, Method::Cookie.into()) && by_cookie(name, realm))
    }

    fn check_realm(&self, name: &str, realm: &RealmEntry) -> Checked {
        name.parse::<Uri>().map_err(|error| wrong(["realms", name], error.to_string()))?;
        if let Some(role) = &realm.anonymous {
            self.check_role_name(["realms", name, "anonymous"], role)?;
        }
        for (key, procedure) in [("authenticator", &realm.authenticator), ("authorizer", &realm.authorizer)] {
            let Some(procedure) = procedure else { continue };
            let uri = procedure.procedure.parse::<Uri>();
            uri.map_err(|error| wrong(["realms", name, key, "procedure"], error.to_string()))?;
            if let Some(realm) = &procedure.realm {
                self.check_realm_name(["realms", name, key, "realm"], realm)?;
                if self.realms.get(realm).is_some_and(|realm| realm.pattern.is_some()) {
                    let what = format!("`{realm}` stands for many realms, which come and go");
                    return Err(wrong(["realms", name, key, "realm"], what));
                }
                if key == "authorizer" && realm != name {
                    let what = "an authorizer is registered in the realm that it decides about";
                    return Err(wrong(["realms", name, key, "realm"], what));
                }
            }
        }
        realm.history.iter().enumerate().try_for_each(|(at, history)| {
            check_pattern(
                ["realms", name, "history", &at.to_string(), "topic"],
                history.policy,
                &history.topic,
            )
        })
    }

    fn check_template(&self, name: &str, realm: &RealmEntry) -> Checked {
        let Some(pattern) = &realm.pattern else {
            return match realm.max_realms {
                Some(_) => Err(wrong(
                    ["realms", name, "max_realms"],
                    "one realm is one: this belongs to a `pattern`",
                )),
                None => Ok(()),
            };
        };
        let place = ["realms", name, "pattern"];
        let prefix = prefix(pattern).ok_or_else(|| {
            wrong(place, "expected how the names begin and one `*` at the end, such as `tenant-*`")
        })?;
        format!("{prefix}x").parse::<Uri>().map_err(|error| wrong(place, error.to_string()))?;
        let overlaps = |other: &str| other.starts_with(prefix) || prefix.starts_with(other);
        let others = self.realms.iter().filter(|(other, _)| *other != name);
        let mut patterns = others.filter_map(|(other, realm)| Some((other, prefix_of(realm)?)));
        if let Some((other, _)) = patterns.find(|(_, prefix)| overlaps(prefix)) {
            return Err(wrong(
                place,
                format!("the pattern of [realms.{other}] has names in common with this"),
            ));
        }
        if realm.authorizer.is_some() {
            let what = "these realms come and go, and nobody could rely on the procedure: use rules";
            return Err(wrong(["realms", name, "authorizer"], what));
        }
        match realm.authenticator.as_ref().map(|procedure| &procedure.realm) {
            Some(None) => {
                let what = "nobody is there yet who could be asked: say the `realm` of the procedure";
                Err(wrong(["realms", name, "authenticator"], what))
            }
            _ => Ok(()),
        }
    }

    fn check_role(&self, name: &str, role: &RoleEntry) -> Checked {
        if role.allow_all && (role.dynamic || !role.rules.is_empty()) {
            return Err(wrong(["roles", name, "allow_all"], "a role that may do anything needs no rules"));
        }
        if role.dynamic && !role.rules.is_empty() {
            return Err(wrong(
                ["roles", name, "dynamic"],
                "an authorizer decides everything: there is no use for rules",
            ));
        }
        if role.dynamic && self.realms.values().all(|realm| realm.authorizer.is_none()) {
            return Err(wrong(["roles", name, "dynamic"], "no realm has an authorizer that could decide"));
        }
        role.rules.iter().enumerate().try_for_each(|(at, rule)| {
            let at = at.to_string();
            check_pattern(["roles", name, "rules", &at, "uri"], rule.policy, &rule.uri)?;
            match rule.allow.iter().find(|action| rule.deny.contains(action)) {
                None => Ok(()),
                Some(action) => {
                    let what = format!("`{action:?}` is both allowed and denied").to_lowercase();
                    Err(wrong(["roles", name, "rules", &at, "deny"], what))
                }
            }
        })
    }

    fn check_user(&self, name: &str, user: &UserEntry) -> Checked {
        self.check_role_name(["users", name, "role"], &user.role)?;
        if user.methods().is_empty() {
            let what = "the user has nothing to prove who he is: a ticket, wampcra, scram, public_keys, certificates or cookies";
            return Err(wrong(["users", name], what));
        }
        let realms = user.realms.iter().flatten();
        realms.into_iter().try_for_each(|realm| self.check_realm_name(["users", name, "realms"], realm))
    }

    fn check_role_name<const N: usize>(&self, place: [&str; N], role: &str) -> Checked {
        if self.roles.contains_key(role) {
            return Ok(());
        }
        Err(wrong(place, unknown("role", role, self.roles.keys())))
    }

    fn check_realm_name<const N: usize>(&self, place: [&str; N], realm: &str) -> Checked {
        if self.realms.contains_key(realm) {
            return Ok(());
        }
        Err(wrong(place, unknown("realm", realm, self.realms.keys())))
    }
}

impl UserEntry {
    /// The methods by which the user can come in.
    pub fn methods(&self) -> Vec<Method> {
        [
            (self.ticket.is_some(), Method::Ticket),
            (self.wampcra.is_some(), Method::Cra),
            (self.scram.is_some(), Method::Scram),
            (!self.public_keys.is_empty(), Method::Cryptosign),
            (!self.certificates.is_empty(), Method::Tls),
            (!self.cookies.is_empty(), Method::Cookie),
        ]
        .into_iter()
        .filter_map(|(has, method)| has.then_some(method))
        .collect()
    }
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    match closest(name, known.map(String::as_str)) {
        Some(meant) => format!("there is no {kind} `{name}`; did you mean `{meant}`?"),
        None => format!("there is no {kind} `{name}`; add [{kind}s.{name}]"),
    }
}

/// What stands before the one `*` at the end of a pattern of realms.
pub(super) fn prefix(pattern: &str) -> Option<&str> {
    pattern.strip_suffix('*').filter(|prefix| !prefix.is_empty() && !prefix.contains('*'))
}

fn prefix_of(realm: &RealmEntry) -> Option<&str> {
    realm.pattern.as_deref().and_then(prefix)
}

fn check_pattern<const N: usize>(place: [&str; N], policy: MatchName, uri: &str) -> Checked {
    Pattern::new(UriRule::Loose, policy.into(), uri)
        .map(drop)
        .map_err(|error| wrong(place, error.to_string()))
}

/// The byte at which the value at `place` begins, or as much of the way to it as there is.
pub(super) fn locate(text: &str, place: &[String]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut at = None;
    let mut inside = Inside::Table(table.get_ref());
    for step in place {
        let (key, value) = match inside {
            Inside::Table(table) => {
                let (key, value) = table.iter().find(|(key, _)| key.get_ref() == step.as_str())?;
                (key.span().start, value)
            }
            Inside::List(values) => {
                let value = values.get(step.parse::<usize>().ok()?)?;
                (value.span().start, value)
            }
            Inside::Value => break,
        };
        at = Some(key);
        inside = match value.get_ref() {
            DeValue::Table(table) => Inside::Table(table),
            DeValue::Array(values) => Inside::List(values),
            _ => Inside::Value,
        };
    }
    at
}

/// Where the search stands.
enum Inside<'a> {
    Table(&'a DeTable<'a>),
    List(&'a toml::de::DeArray<'a>),
    Value,
}
