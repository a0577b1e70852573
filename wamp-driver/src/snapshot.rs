//! What a client has and waits for, at one moment.

use wamp_proto::{
    Match, Uri,
    id::{RegistrationId, SubscriptionId},
};

use crate::shared::State;

/// A subscription of a client: see [`Client::subscriptions`](crate::Client::subscriptions).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionStatus {
    /// The topic, or the pattern of topics.
    pub topic: Uri,
    /// How it matches.
    pub kind: Match,
    /// Its id in the present session; `None` until the router has confirmed it.
    pub id: Option<SubscriptionId>,
    /// How many streams and handlers share it.
    pub streams: usize,
}

/// A registration of a client: see [`Client::registrations`](crate::Client::registrations).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrationStatus {
    /// The procedure, or the pattern of procedures.
    pub procedure: Uri,
    /// How it matches.
    pub kind: Match,
    /// Its id in the present session; `None` until the router has confirmed it.
    pub id: Option<RegistrationId>,
}

/// What is under way at a client: see [`Client::pending`](crate::Client::pending).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// Requests that wait for an answer of the router.
    pub requests: usize,
    /// Invocations that are being handled here.
    pub invocations: usize,
}

impl State {
    /// The subscriptions, by their topic.
    pub(crate) fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let status = self.topics.iter().map(|(pattern, topic)| SubscriptionStatus {
            topic: pattern.uri().clone(),
            kind: pattern.kind(),
            id: topic.id(),
            streams: topic.queues.len(),
        });
        // One whose last stream has gone is only waited for.
        let mut status = status.filter(|status| status.streams > 0).collect::<Vec<_>>();
        status.sort_by(|a, b| {
            a.topic.as_str().cmp(b.topic.as_str()).then(a.kind.as_str().cmp(b.kind.as_str()))
        });
        status
    }

    /// The registrations, in the order in which they were asked for.
    pub(crate) fn registrations(&self) -> Vec<RegistrationStatus> {
        let status = self.procedures.values().map(|procedure| RegistrationStatus {
            procedure: procedure.uri.clone(),
            kind: procedure.options.match_policy.unwrap_or(Match::Exact),
            id: procedure.registration,
        });
        status.collect()
    }
}
