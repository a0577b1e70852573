//! What a client session is told before it starts.

use core::time::Duration;

use crate::{
    dict::Dict,
    limits::Limits,
    message::{Feature, Features, Role, Roles},
    uri::{Uri, UriRule},
};

/// Settings of a client session. Start from [`Config::new`] and change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The realm to join.
    pub realm: Uri,
    /// Roles and features to announce. Default: all four client roles, with the features that work.
    pub roles: Roles,
    /// What to call ourselves. Default: this crate's name and version.
    pub agent: Option<String>,
    /// The identity to claim.
    pub authid: Option<String>,
    /// Authentication methods to offer, best first. Default: `anonymous`.
    pub authmethods: Vec<String>,
    /// What the first offered method needs in HELLO.
    pub authextra: Option<Dict>,
    /// Bounds on every received message.
    pub limits: Limits,
    /// What makes a URI acceptable. Default: loose.
    pub uri_rule: UriRule,
    /// How long the router may take from HELLO to WELCOME. Default 10 s.
    pub join_timeout: Duration,
    /// How long the router may take to answer GOODBYE (S-69). Default 1 s.
    pub close_timeout: Duration,
    /// How long the answer to a request may take when the request does not say. Default 10 s.
    pub request_timeout: Duration,
    /// Most requests waiting for an answer at once. Default 65,536.
    pub max_requests: usize,
    /// Most bytes in the outbound queue. Default 16 MiB. Answers to invocations may exceed it, up to twice; a router that
    /// lets it come to that loses the session.
    pub queue_bytes: usize,
    /// Most messages in the outbound queue. Default 65,536.
    pub queue_messages: usize,
    /// Most events that wait for [`poll_event`](super::Session::poll_event) before reading stops. Default 4,096.
    pub max_events: usize,
}

impl Config {
    /// The default settings for `realm`.
    pub fn new(realm: Uri) -> Self {
        Self {
            realm,
            roles: client_roles(),
            agent: Some(concat!("wamp-proto/", env!("CARGO_PKG_VERSION")).to_owned()),
            authid: None,
            authmethods: vec!["anonymous".to_owned()],
            authextra: None,
            limits: Limits::default(),
            uri_rule: UriRule::default(),
            join_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(10),
            max_requests: 1 << 16,
            queue_bytes: 16 << 20,
            queue_messages: 1 << 16,
            max_events: 1 << 12,
        }
    }
}

/// The client's roles, each with the features that this session can do its part of (F-42).
fn client_roles() -> Roles {
    let caller = [
        Feature::PayloadPassthruMode,
        Feature::ProgressiveCallResults,
        Feature::ProgressiveCallInvocations,
        Feature::CallTimeout,
        Feature::CallCanceling,
        Feature::CallerIdentification,
    ];
    let callee = [
        Feature::PayloadPassthruMode,
        Feature::ProgressiveCallResults,
        Feature::ProgressiveCallInvocations,
        Feature::CallTimeout,
        Feature::CallCanceling,
        Feature::CallerIdentification,
        Feature::CallTrustlevels,
        Feature::PatternBasedRegistration,
        Feature::SharedRegistration,
        Feature::RegistrationRevocation,
        Feature::CallReroute,
    ];
    let publisher = [
        Feature::PayloadPassthruMode,
        Feature::SubscriberBlackwhiteListing,
        Feature::PublisherExclusion,
        Feature::PublisherIdentification,
    ];
    let subscriber = [
        Feature::PayloadPassthruMode,
        Feature::PublisherIdentification,
        Feature::PublicationTrustlevels,
        Feature::PatternBasedSubscription,
        Feature::SubscriptionRevocation,
    ];
    let set = |features: &[Feature]| features.iter().fold(Features::NONE, |set, feature| set.with(*feature));
    Roles::NONE
        .with(Role::Publisher, set(&publisher))
        .with(Role::Subscriber, set(&subscriber))
        .with(Role::Caller, set(&caller))
        .with(Role::Callee, set(&callee))
}
