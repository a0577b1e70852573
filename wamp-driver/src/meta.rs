//! The meta API: what the router tells of its sessions, registrations and subscriptions, and lets peers do with them.

mod tap;

use std::{
    future::{Future, IntoFuture as _},
    pin::Pin,
    task::{Context, Poll},
};

use serde::{Deserialize, Serialize};
use wamp_proto::{
    DecodeError, Dict, Match, Value,
    id::{PublicationId, RegistrationId, SessionId, SubscriptionId},
    router::rfc3339,
};

use crate::{CallFuture, Client, Error, Event, Subscribe, ValueCall};
pub use tap::{NextTapped, Tap, TapFuture, TapStream, Tapped};

/// The meta API of the router, for the realm of the session: see [`Client::meta`]. The router may refuse any part of it.
///
/// ```
/// # async fn example(client: wamp_driver::Client) -> Result<(), wamp_driver::Error> {
/// for session in client.meta().sessions().list().await? {
///     let session = client.meta().sessions().get(session).await?;
///     println!("{}: {} as {}", session.session, session.authid, session.authrole);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Meta(Client);

impl Meta {
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Sessions.
    pub fn sessions(&self) -> Sessions {
        Sessions(self.0.clone())
    }

    /// Registrations.
    pub fn registrations(&self) -> Registrations {
        Registrations(self.0.clone())
    }

    /// Subscriptions.
    pub fn subscriptions(&self) -> Subscriptions {
        Subscriptions(self.0.clone())
    }

    /// All meta events, each of which [`MetaEvent::try_from`] understands.
    ///
    /// ```
    /// # async fn example(client: wamp_driver::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use wamp_driver::MetaEvent;
    ///
    /// let mut events = client.meta().events().await?;
    /// while let Some(event) = events.next().await {
    ///     if let MetaEvent::SessionJoined(session) = MetaEvent::try_from(&event)? {
    ///         println!("welcome, {}", session.authid);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> Subscribe {
        self.0.subscribe("wamp.").prefix()
    }
}

/// What the router tells of a session (X-10).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id.
    pub session: SessionId,
    /// Who it is.
    #[serde(default)]
    pub authid: String,
    /// What it may do.
    #[serde(default)]
    pub authrole: String,
    /// How it has shown who it is.
    #[serde(default)]
    pub authmethod: String,
    /// Who has said so.
    #[serde(default)]
    pub authprovider: String,
}

/// What the router tells of a registration (X-40).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct RegistrationInfo {
    /// Its id.
    pub id: RegistrationId,
    /// When it came into being, as RFC 3339 has it.
    pub created: String,
    /// The procedure, or the pattern of procedures.
    pub uri: String,
    /// `exact`, `prefix` or `wildcard`.
    #[serde(rename = "match", default)]
    pub match_policy: String,
    /// How its callees share it.
    #[serde(default)]
    pub invoke: String,
}

/// What the router tells of a subscription (X-60).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionInfo {
    /// Its id.
    pub id: SubscriptionId,
    /// When it came into being, as RFC 3339 has it.
    pub created: String,
    /// The topic, or the pattern of topics.
    pub uri: String,
    /// `exact`, `prefix` or `wildcard`.
    #[serde(rename = "match", default)]
    pub match_policy: String,
}

/// Ids by how their URIs match (X-44, X-64).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ByMatch<Id> {
    /// Of one URI.
    #[serde(default = "Vec::new")]
    pub exact: Vec<Id>,
    /// Of all that begin with it.
    #[serde(default = "Vec::new")]
    pub prefix: Vec<Id>,
    /// Of a pattern.
    #[serde(default = "Vec::new")]
    pub wildcard: Vec<Id>,
}

#[derive(Serialize)]
struct Roles<'a> {
    filter_authroles: &'a [&'a str],
}

/// Why sessions are ended: what they are told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KillReason {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl KillReason {
    /// A reason for programs, which is a URI, and a message for people.
    pub fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), message: Some(message.into()) }
    }
}

/// Sessions: see [`Meta::sessions`].
#[derive(Clone, Debug)]
pub struct Sessions(Client);

impl Sessions {
    /// How many there are (X-12).
    pub fn count(&self) -> ValueCall<u64> {
        self.0.call("wamp.session.count").value()
    }

    /// All of them (X-13).
    pub fn list(&self) -> ValueCall<Vec<SessionId>> {
        self.0.call("wamp.session.list").value()
    }

    /// Those that have one of these authroles (X-27).
    pub fn list_by_authrole(&self, authroles: &[&str]) -> ValueCall<Vec<SessionId>> {
        self.0.call("wamp.session.list").kwargs(Roles { filter_authroles: authroles }).value()
    }

    /// About one (X-14).
    pub fn get(&self, session: SessionId) -> ValueCall<SessionInfo> {
        self.0.call("wamp.session.get").args((session,)).value()
    }

    /// Ends another session (X-15).
    pub fn kill(&self, session: SessionId, why: KillReason) -> ValueCall<()> {
        self.0.call("wamp.session.kill").args((session,)).kwargs(why).value()
    }

    /// Ends all other sessions of an authid; gives them (X-16).
    pub fn kill_by_authid(&self, authid: &str, why: KillReason) -> ValueCall<Vec<SessionId>> {
        self.0.call("wamp.session.kill_by_authid").args((authid,)).kwargs(why).value()
    }

    /// Ends all other sessions of an authrole; gives their number (X-17).
    pub fn kill_by_authrole(&self, authrole: &str, why: KillReason) -> ValueCall<u64> {
        self.0.call("wamp.session.kill_by_authrole").args((authrole,)).kwargs(why).value()
    }

    /// Ends all other sessions; gives their number (X-18).
    pub fn kill_all(&self, why: KillReason) -> ValueCall<u64> {
        self.0.call("wamp.session.kill_all").kwargs(why).value()
    }

    /// Looks at the messages of another session, as they come and go: `.await` it for the stream of them. An extension of
    /// this router, for whose use a role needs the right to call `wamp.x.session.tap`.
    ///
    /// ```
    /// # async fn example(client: wamp_driver::Client, session: wamp_proto::id::SessionId) -> Result<(), wamp_driver::Error> {
    /// let mut messages = client.meta().sessions().tap(session).await?;
    /// while let Some(tapped) = messages.next().await {
    ///     let tapped = tapped?;
    ///     println!("{} {:?}: {}", tapped.timestamp, tapped.sender, tapped.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn tap(&self, session: SessionId) -> Tap {
        Tap::new(self.0.call("wamp.x.session.tap").args((session,)))
    }

    /// Leaves an event that the router publishes when this session has ended, however it ends (X-19): for others to learn
    /// that it is gone.
    pub fn add_testament<A: Serialize, K: Serialize>(
        &self,
        topic: &str,
        args: A,
        kwargs: K,
    ) -> ValueCall<()> {
        self.0.call("wamp.session.add_testament").args((topic, args, kwargs)).value()
    }

    /// Takes back all testaments of this session (X-20).
    pub fn flush_testaments(&self) -> ValueCall<Value> {
        self.0.call("wamp.session.flush_testaments").value()
    }
}

#[derive(Serialize)]
struct LookUp {
    #[serde(rename = "match")]
    kind: &'static str,
}

impl LookUp {
    fn new(kind: Match) -> Self {
        Self { kind: kind.as_str() }
    }
}

/// Registrations: see [`Meta::registrations`].
#[derive(Clone, Debug)]
pub struct Registrations(Client);

impl Registrations {
    /// All of them (X-44).
    pub fn list(&self) -> ValueCall<ByMatch<RegistrationId>> {
        self.0.call("wamp.registration.list").value()
    }

    /// The one of this very URI, or pattern (X-45).
    pub fn lookup(&self, procedure: &str, kind: Match) -> ValueCall<Option<RegistrationId>> {
        self.0.call("wamp.registration.lookup").args((procedure, LookUp::new(kind))).value()
    }

    /// The one that a call of this procedure goes to (X-46).
    pub fn best_match(&self, procedure: &str) -> ValueCall<Option<RegistrationId>> {
        self.0.call("wamp.registration.match").args((procedure,)).value()
    }

    /// About one (X-47).
    pub fn get(&self, registration: RegistrationId) -> ValueCall<RegistrationInfo> {
        self.0.call("wamp.registration.get").args((registration,)).value()
    }

    /// The sessions that have it (X-48).
    pub fn list_callees(&self, registration: RegistrationId) -> ValueCall<Vec<SessionId>> {
        self.0.call("wamp.registration.list_callees").args((registration,)).value()
    }

    /// How many sessions have it (X-49).
    pub fn count_callees(&self, registration: RegistrationId) -> ValueCall<u64> {
        self.0.call("wamp.registration.count_callees").args((registration,)).value()
    }

    /// Takes a registration from a session, which learns of it if it can (X-53).
    pub fn remove_callee(&self, registration: RegistrationId, callee: SessionId) -> ValueCall<()> {
        self.0.call("wamp.registration.remove_callee").args((registration, callee)).value()
    }
}

/// Subscriptions: see [`Meta::subscriptions`].
#[derive(Clone, Debug)]
pub struct Subscriptions(Client);

impl Subscriptions {
    /// All of them (X-64).
    pub fn list(&self) -> ValueCall<ByMatch<SubscriptionId>> {
        self.0.call("wamp.subscription.list").value()
    }

    /// The one to this very topic, or pattern (X-65).
    pub fn lookup(&self, topic: &str, kind: Match) -> ValueCall<Option<SubscriptionId>> {
        self.0.call("wamp.subscription.lookup").args((topic, LookUp::new(kind))).value()
    }

    /// Those that an event of this topic goes to; `None`, or none in the list, when it goes nowhere (X-66).
    pub fn matching(&self, topic: &str) -> ValueCall<Option<Vec<SubscriptionId>>> {
        self.0.call("wamp.subscription.match").args((topic,)).value()
    }

    /// About one (X-67).
    pub fn get(&self, subscription: SubscriptionId) -> ValueCall<SubscriptionInfo> {
        self.0.call("wamp.subscription.get").args((subscription,)).value()
    }

    /// The sessions that have it (X-68).
    pub fn list_subscribers(&self, subscription: SubscriptionId) -> ValueCall<Vec<SessionId>> {
        self.0.call("wamp.subscription.list_subscribers").args((subscription,)).value()
    }

    /// How many sessions have it (X-69).
    pub fn count_subscribers(&self, subscription: SubscriptionId) -> ValueCall<u64> {
        self.0.call("wamp.subscription.count_subscribers").args((subscription,)).value()
    }

    /// Takes a subscription from a session, which learns of it if it can (X-53).
    pub fn remove_subscriber(&self, subscription: SubscriptionId, subscriber: SessionId) -> ValueCall<()> {
        self.0.call("wamp.subscription.remove_subscriber").args((subscription, subscriber)).value()
    }

    /// The events of a subscription that the router has kept (X-70).
    pub fn events(&self, subscription: SubscriptionId, query: HistoryQuery) -> HistoryFuture {
        let call = self.0.call("wamp.subscription.get_events").args((subscription,)).kwargs(query);
        HistoryFuture { call: call.into_future(), subscription }
    }
}

/// A question for past events under way: see [`Subscriptions::events`].
#[derive(Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct HistoryFuture {
    call: CallFuture,
    subscription: SubscriptionId,
}

impl Future for HistoryFuture {
    type Output = Result<Vec<PastEvent>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let subscription = self.subscription;
        Pin::new(&mut self.call).poll(context).map(|result| {
            let result = result?;
            // They are the arguments of the result; other routers answer with one list of them.
            let events = match result.args::<(Vec<Told>,)>() {
                Ok((events,)) => events,
                Err(_) => result.args()?,
            };
            Ok(events.into_iter().map(|told| told.event(subscription)).collect())
        })
    }
}

/// Which events of the past are asked for; all that is not set asks for more (P-76).
#[derive(Clone, Debug, Default, Serialize)]
pub struct HistoryQuery {
    /// The latest first.
    #[serde(skip_serializing_if = "is_false")]
    pub reverse: bool,
    /// Most events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Of this topic only, where the subscription has many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// From this time on; times are as RFC 3339 has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_time: Option<String>,
    /// After this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_time: Option<String>,
    /// Before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_time: Option<String>,
    /// Until this time, and then no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_time: Option<String>,
    /// From this publication on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_publication: Option<PublicationId>,
    /// After this publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_publication: Option<PublicationId>,
    /// Before this publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_publication: Option<PublicationId>,
    /// Until this publication, and then no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_publication: Option<PublicationId>,
}

/// An event that the router has kept (P-78).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PastEvent {
    /// When it was published, as RFC 3339 has it.
    pub timestamp: String,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The publication.
    pub publication: PublicationId,
    /// What else the router says about it.
    pub details: Dict,
    /// The positional arguments.
    pub args: Vec<Value>,
    /// The keyword arguments.
    pub kwargs: Dict,
}

/// What a router tells of a past event. Crossbar has times in nanoseconds, and what ours puts into the details beside them.
#[derive(Deserialize)]
struct Told {
    timestamp: Option<String>,
    time_ns: Option<u64>,
    subscription: Option<SubscriptionId>,
    publication: PublicationId,
    details: Option<Dict>,
    topic: Option<Value>,
    args: Option<Vec<Value>>,
    kwargs: Option<Dict>,
}

impl Told {
    /// `asked` is the subscription whose events were asked for.
    fn event(self, asked: SubscriptionId) -> PastEvent {
        let unix = |nanos: u64| rfc3339(nanos / 1_000);
        let mut details = self.details.unwrap_or_default();
        if let Some(topic) = self.topic {
            details.insert("topic", topic);
        }
        PastEvent {
            timestamp: self.timestamp.or(self.time_ns.map(unix)).unwrap_or_default(),
            subscription: self.subscription.unwrap_or(asked),
            publication: self.publication,
            details,
            args: self.args.unwrap_or_default(),
            kwargs: self.kwargs.unwrap_or_default(),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Something has happened in the realm (X-10, X-11, X-40..X-43, X-60..X-63).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MetaEvent {
    /// A session has joined.
    SessionJoined(SessionInfo),
    /// A session has ended.
    SessionLeft {
        /// Which.
        session: SessionId,
        /// Who it was.
        authid: String,
        /// What it was allowed to do.
        authrole: String,
    },
    /// There is a new registration.
    RegistrationCreated {
        /// Who has made it.
        session: SessionId,
        /// What it is.
        registration: RegistrationInfo,
    },
    /// A session has it now.
    Registered {
        /// Which session.
        session: SessionId,
        /// Which registration.
        registration: RegistrationId,
    },
    /// A session has it no longer.
    Unregistered {
        /// Which session.
        session: SessionId,
        /// Which registration.
        registration: RegistrationId,
    },
    /// No session has it any more.
    RegistrationDeleted {
        /// Who had it last.
        session: SessionId,
        /// Which registration.
        registration: RegistrationId,
    },
    /// There is a new subscription.
    SubscriptionCreated {
        /// Who has made it.
        session: SessionId,
        /// What it is.
        subscription: SubscriptionInfo,
    },
    /// A session has it now.
    Subscribed {
        /// Which session.
        session: SessionId,
        /// Which subscription.
        subscription: SubscriptionId,
    },
    /// A session has it no longer.
    Unsubscribed {
        /// Which session.
        session: SessionId,
        /// Which subscription.
        subscription: SubscriptionId,
    },
    /// No session has it any more.
    SubscriptionDeleted {
        /// Who had it last.
        session: SessionId,
        /// Which subscription.
        subscription: SubscriptionId,
    },
    /// Something that this library does not know, of this topic.
    Other(String),
}

impl TryFrom<&Event> for MetaEvent {
    type Error = DecodeError;

    fn try_from(event: &Event) -> Result<Self, DecodeError> {
        Ok(match event.topic.as_str() {
            "wamp.session.on_join" => Self::SessionJoined(event.args::<(SessionInfo,)>()?.0),
            "wamp.session.on_leave" => {
                let (session, authid, authrole) = event.args()?;
                Self::SessionLeft { session, authid, authrole }
            }
            "wamp.registration.on_create" => {
                let (session, registration) = event.args()?;
                Self::RegistrationCreated { session, registration }
            }
            "wamp.registration.on_register" => {
                let (session, registration) = event.args()?;
                Self::Registered { session, registration }
            }
            "wamp.registration.on_unregister" => {
                let (session, registration) = event.args()?;
                Self::Unregistered { session, registration }
            }
            "wamp.registration.on_delete" => {
                let (session, registration) = event.args()?;
                Self::RegistrationDeleted { session, registration }
            }
            "wamp.subscription.on_create" => {
                let (session, subscription) = event.args()?;
                Self::SubscriptionCreated { session, subscription }
            }
            "wamp.subscription.on_subscribe" => {
                let (session, subscription) = event.args()?;
                Self::Subscribed { session, subscription }
            }
            "wamp.subscription.on_unsubscribe" => {
                let (session, subscription) = event.args()?;
                Self::Unsubscribed { session, subscription }
            }
            "wamp.subscription.on_delete" => {
                let (session, subscription) = event.args()?;
                Self::SubscriptionDeleted { session, subscription }
            }
            topic => Self::Other(topic.to_owned()),
        })
    }
}
