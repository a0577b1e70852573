//! What a router is told before it starts.

use core::time::Duration;

use crate::{
    limits::Limits,
    uri::{Uri, UriRule},
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
    pub caller_disclosure: CallerDisclosure,
    /// How far calls are trusted, told to callees that know trust levels; 0 is lowest. A connection may have a
    /// level of its own, [`Opened::trust_level`](super::Opened::trust_level). Default: nothing is told.
    pub trust_level: Option<u64>,
    /// Let a callee take a procedure over from others with `REGISTER.Options.force_reregister`. Default false.
    pub allow_force_reregister: bool,
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

/// Whether callees learn the session id, authid and authrole of their callers (R-101..R-105).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallerDisclosure {
    /// When the caller asks for it with `disclose_me`, or the callee with `disclose_caller`.
    OnRequest,
    /// Always.
    Always,
    /// Never: who asks for it is refused with `wamp.error.option_disallowed.disclose_me`.
    Never,
}

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
            close_timeout: Duration::from_secs(1),
            queue_bytes: 16 << 20,
            queue_messages: 1 << 16,
            stall_timeout: Duration::from_secs(10),
            slow_subscriber: SlowSubscriber::Close,
            max_subscriptions: 10_000,
            max_registrations: 10_000,
            max_calls: 1_000,
            max_invocations: 1 << 16,
            max_waiting_calls: 1_000,
            kept_bytes: 16 << 20,
            max_late_calls: 1_000,
            always_forward_timeout: false,
            caller_disclosure: CallerDisclosure::OnRequest,
            trust_level: None,
            allow_force_reregister: false,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }
}
