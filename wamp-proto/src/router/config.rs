//! What a router is told before it starts.

use core::time::Duration;

use super::{
    Authentication, RealmPermissions,
    link::{Identity, Link},
    rate::Rate,
};
use crate::{
    auth::Method,
    limits::Limits,
    time::Instant,
    uri::{Match, Pattern, Uri, UriRule},
};

/// Settings of a router. Start from [`Config::new`] and change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The realms that exist; others are refused (S-09).
    pub realms: Vec<Uri>,
    /// What to call ourselves. Default: this crate's name and version.
    pub agent: Option<String>,
    /// Bounds on every received message.
    pub limits: Limits,
    /// What makes a URI acceptable. Default: loose.
    pub uri_rule: UriRule,
    /// Abort sessions whose request ids are not 1, 2, 3, ... (I-09). Default false: many clients draw them (I-10).
    pub strict_request_ids: bool,
    /// How long a connection may take until its HELLO has come. Default 5 s.
    pub hello_timeout: Duration,
    /// Who may join: for each client, the first rule of its realm and listener; where there is none, nobody may. Default: no
    /// rules at all, and everybody may.
    pub authentication: Vec<Authentication>,
    /// How long it may take from HELLO until a client has proven who it is, the time for a decision included.
    /// Default 10 s.
    pub auth_timeout: Duration,
    /// How long a client may take to answer GOODBYE (S-69). Default 1 s.
    pub close_timeout: Duration,
    /// Most bytes queued for one connection. Default 16 MiB.
    pub queue_bytes: usize,
    /// Most messages queued for one connection. Default 65,536.
    pub queue_messages: usize,
    /// How long a connection may take nothing from a queue that is not empty, before it is closed. Default 10 s.
    pub stall_timeout: Duration,
    /// What becomes of an event for a connection whose queue is full. Default: the connection is closed.
    pub slow_subscriber: SlowSubscriber,
    /// Most subscriptions of one session. Default 10,000.
    pub max_subscriptions: usize,
    /// Most registrations of one session. Default 10,000.
    pub max_registrations: usize,
    /// Most calls of one session that wait for their result; more are refused with `wamp.error.unavailable`. Default 1,000.
    pub max_calls: usize,
    /// Most invocations that one callee has not answered yet. Default 65,536.
    pub max_invocations: usize,
    /// Whether events name their publishers (P-36, P-37). Default: when the publisher asks for it.
    pub publisher_disclosure: Disclosure,
    /// How far publications are trusted, where that is not as far as calls: the first rule that fits says it (P-40). Default:
    /// no rules.
    pub publication_trust: Vec<TrustRule>,
    /// Most events that are retained in one realm; the oldest make room. Default 10,000; with 0, none are.
    pub max_retained: usize,
    /// Most bytes of retained events in one realm. Default 16 MiB.
    pub max_retained_bytes: usize,
    /// Topics whose events are kept for `wamp.subscription.get_events` (P-75). Default: none.
    pub history: Vec<HistoryRule>,
    /// Most bytes of events that one `wamp.subscription.get_events` gives; the rest is left out. Default 1 MiB.
    pub max_history_result: usize,
    /// The time since 1970 at [`Instant::ZERO`]: what timestamps are counted from. Default 0.
    pub unix_time_at_zero: Duration,
    /// What everybody may do with the meta API, `wamp.session.*` and the like, as far as their permissions go. Default:
    /// everything, which is right among peers that trust each other.
    pub meta_api: MetaAccess,
    /// Most testaments of one session. Default 100; with 0, none are taken.
    pub max_testaments: usize,
    /// Most bytes of the testaments of one session. Default 256 KiB.
    pub max_testament_bytes: usize,
    /// Most calls that wait for one procedure, because all its callees have as many as their `concurrency` allows; more are
    /// refused with `wamp.error.unavailable`. Default 1,000.
    pub max_waiting_calls: usize,
    /// Most bytes of arguments that are kept for the calls of one session: those that wait for a callee, and those that
    /// another callee may get when the first is unavailable. Beyond, the former are refused with
    /// `wamp.error.unavailable`, and the latter stay with the first callee. Default 16 MiB.
    pub kept_bytes: usize,
    /// Most progressive calls of one session that are remembered because they were over before the caller had sent their
    /// last part. Default 1,000.
    pub max_late_calls: usize,
    /// Leave call timeouts to every callee that can keep them, not only where `REGISTER.Options.forward_timeout` says so
    /// . Default false.
    pub always_forward_timeout: bool,
    /// Whether callees learn who calls. Default: when caller or callee ask for it.
    pub caller_disclosure: Disclosure,
    /// How far calls are trusted, told to callees that know trust levels; 0 is lowest. A connection may have a
    /// level of its own, [`Opened::trust_level`](super::Opened::trust_level). Default: nothing is told.
    pub trust_level: Option<u64>,
    /// Let a callee take a procedure over from others with `REGISTER.Options.force_reregister`. Default false.
    pub allow_force_reregister: bool,
    /// Who may do what in which realm. Default: none, and then everybody may do everything. As soon as there are
    /// some, nobody may do anything in realms that are not among them.
    pub permissions: Vec<RealmPermissions>,
    /// How long a decision may take where roles are [`Access::Dynamic`](super::Access::Dynamic); after that the request is
    /// refused with `wamp.error.authorization_failed`. Default 5 s.
    pub authorization_timeout: Duration,
    /// Most messages of one session that are taken while one of them waits for a decision; then nothing more is read from
    /// it, but for what the transport has read already. Default 1,000.
    pub max_held_messages: usize,
    /// Most bytes of those messages. Default 4 MiB.
    pub max_held_bytes: usize,
    /// Most decisions that are remembered for one session. Default 256.
    pub max_cached_decisions: usize,
    /// How many messages each connection may send; beyond, nothing is read from it for a while. Default 200,000 a second,
    /// which is about what one core routes.
    pub message_rate: Option<Rate>,
    /// How often that may happen to a connection before it is closed. Default: as often as it likes.
    pub max_throttles: Option<u32>,
    /// How many clients may try to join, in all realms together; more are refused with `wamp.error.unavailable`. Default
    /// 1,000 a second, 10,000 at once.
    pub join_rate: Option<Rate>,
    /// Most sessions of one realm. Default 100,000.
    pub max_sessions: usize,
    /// Most sessions of one authid in a realm. Default 1,000.
    pub max_sessions_of_authid: usize,
    /// A bug that the tests must find.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<super::Bug>,
}

/// What becomes of an event for a connection whose queue is full (fault 68). Invocations are answered with
/// `wamp.error.unavailable` then, and results are never dropped: the connection is closed instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowSubscriber {
    /// Close the connection: no event is lost without the subscriber knowing.
    Close,
    /// Drop the event and count it.
    Drop,
}

/// Whether peers learn the session id, authid and authrole of others: callees those of their callers, subscribers those of
/// publishers (P-36, R-101..R-105).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disclosure {
    /// When the caller or publisher asks for it with `disclose_me`, or the callee with `disclose_caller`.
    OnRequest,
    /// Always.
    Always,
    /// Never: who asks for it is refused with `wamp.error.option_disallowed.disclose_me`.
    Never,
}

/// What everybody may do with the meta API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetaAccess {
    /// All of it: any session may end any other of its realm.
    Everything,
    /// Look, listen and leave testaments, but not take from others: no `wamp.session.kill`,
    /// `wamp.subscription.remove_subscriber` and the like.
    ReadOnly,
    /// Nothing: there is no meta API.
    Nothing,
}

/// A topic, or many by their pattern, whose last events are kept in one realm (P-80). They are those of the subscription
/// to this very pattern, which exists from the start (P-83).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HistoryRule {
    /// The realm.
    pub realm: Uri,
    /// The topics.
    pub topic: Pattern,
    /// Most events. Default 100.
    pub max_events: usize,
    /// Most bytes. Default 1 MiB.
    pub max_bytes: usize,
}

impl HistoryRule {
    /// The usual limits for these topics of a realm.
    pub fn new(realm: Uri, topic: Pattern) -> Self {
        Self { realm, topic, max_events: 100, max_bytes: 1 << 20 }
    }
}

/// A trust level for what comes from some sessions, or belongs to some URIs.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustRule {
    /// The authrole it applies to; `None` is any.
    pub authrole: Option<String>,
    /// The URIs it applies to; `None` is any.
    pub uri: Option<Pattern>,
    /// The level; 0 is lowest.
    pub level: u64,
}

impl TrustRule {
    fn fits(&self, identity: &Identity, uri: &str) -> bool {
        self.authrole.as_ref().is_none_or(|authrole| *authrole == identity.authrole)
            && self.uri.as_ref().is_none_or(|pattern| pattern.matches(uri))
    }
}

const RESERVED: &str = "URIs whose first component is `wamp` are reserved";

impl Config {
    /// The default settings for these realms.
    pub fn new(realms: impl IntoIterator<Item = Uri>) -> Self {
        Self {
            realms: realms.into_iter().collect(),
            agent: Some(concat!("wamp-proto/", env!("CARGO_PKG_VERSION")).to_owned()),
            limits: Limits::default(),
            uri_rule: UriRule::default(),
            strict_request_ids: false,
            hello_timeout: Duration::from_secs(5),
            authentication: Vec::new(),
            auth_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(1),
            queue_bytes: 16 << 20,
            queue_messages: 1 << 16,
            stall_timeout: Duration::from_secs(10),
            slow_subscriber: SlowSubscriber::Close,
            max_subscriptions: 10_000,
            max_registrations: 10_000,
            max_calls: 1_000,
            max_invocations: 1 << 16,
            publisher_disclosure: Disclosure::OnRequest,
            publication_trust: Vec::new(),
            max_retained: 10_000,
            max_retained_bytes: 16 << 20,
            history: Vec::new(),
            max_history_result: 1 << 20,
            unix_time_at_zero: Duration::ZERO,
            meta_api: MetaAccess::Everything,
            max_testaments: 100,
            max_testament_bytes: 256 << 10,
            max_waiting_calls: 1_000,
            kept_bytes: 16 << 20,
            max_late_calls: 1_000,
            always_forward_timeout: false,
            caller_disclosure: Disclosure::OnRequest,
            trust_level: None,
            allow_force_reregister: false,
            permissions: Vec::new(),
            authorization_timeout: Duration::from_secs(5),
            max_held_messages: 1_000,
            max_held_bytes: 4 << 20,
            max_cached_decisions: 256,
            message_rate: Some(Rate::per_second(200_000)),
            max_throttles: None,
            join_rate: Some(Rate::per_second(1_000).burst(10_000)),
            max_sessions: 100_000,
            max_sessions_of_authid: 1_000,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }

    /// Without any rule, everybody may join.
    pub(super) fn complete(&mut self) {
        if self.authentication.is_empty() {
            self.authentication.push(Authentication::new([Method::Anonymous]));
        }
    }

    /// A URI where no pattern may stand (I-25): PUBLISH.Topic, CALL.Procedure. The error is a text for people.
    pub(super) fn check_uri(&self, uri: &Uri) -> Result<(), String> {
        self.check_size(uri)?;
        self.uri_rule.check(uri).map_err(|error| error.to_string())
    }

    /// A topic to publish to: not a reserved one (I-30, I-31).
    pub(super) fn check_topic(&self, topic: &Uri) -> Result<(), String> {
        self.check_uri(topic)?;
        if topic.is_reserved() { Err(RESERVED.to_owned()) } else { Ok(()) }
    }

    /// What may be subscribed to.
    pub(super) fn check_pattern(&self, uri: &Uri, kind: Match) -> Result<Pattern, String> {
        self.check_size(uri)?;
        Pattern::new(self.uri_rule, kind, uri).map_err(|error| error.to_string())
    }

    /// What may be registered: not what is reserved (I-30).
    pub(super) fn check_procedure(&self, uri: &Uri, kind: Match) -> Result<Pattern, String> {
        let pattern = self.check_pattern(uri, kind)?;
        if pattern.uri().is_reserved() { Err(RESERVED.to_owned()) } else { Ok(pattern) }
    }

    fn check_size(&self, uri: &Uri) -> Result<(), String> {
        let (length, components) = (self.limits.uri_length, self.limits.uri_components);
        if uri.len() > length {
            return Err(format!("the URI is longer than {length} bytes"));
        }
        // A short one has no need to be counted.
        if uri.len() >= components && uri.components().count() > components {
            return Err(format!("the URI has more than {components} components"));
        }
        Ok(())
    }

    /// Microseconds since 1970.
    pub(super) fn unix_micros(&self, now: Instant) -> u64 {
        let since_1970 = self.unix_time_at_zero.saturating_add(now.since_origin());
        u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX)
    }

    /// How far this router trusts a publication.
    pub(super) fn publication_trust(&self, link: &Link, topic: &str) -> Option<u64> {
        let fits =
            |rule: &&TrustRule| link.identity.as_ref().is_some_and(|identity| rule.fits(identity, topic));
        self.publication_trust.iter().find(fits).map(|rule| rule.level).or(link.trust_level)
    }
}
