//! From an open transport to a joined session.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use wamp_proto::{
    Channel, Encoding, Limits, Uri,
    auth::Secret,
    id::SessionId,
    message::{Feature, Features, Role, Roles, Welcome, WelcomeDetails},
    reconnect::Policy,
    session::Config,
    transport::heartbeat,
};

use crate::{
    Cipher, Client, ConnectError, IpVersion, OnChange, Tap, auth::Auth, machine::ClientMachine,
    runtime::Runtime, shared::Shared, wakers::Place,
};

/// Settings of a client, the same for every adapter.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientOptions {
    /// The realm to join. Default `realm1`.
    pub realm: String,
    /// The serializers to offer, best first. Default MessagePack, CBOR, JSON; RawSocket offers the first alone.
    pub serializers: Vec<Encoding>,
    /// How the client can prove who it is, best first. Default: not at all, it is anonymous.
    pub auth: Vec<Auth>,
    /// Headers of the WebSocket handshake besides those it needs.
    pub headers: Vec<(String, Secret)>,
    /// Whether to ask for batches of messages over WebSocket. Default: no.
    pub batched: bool,
    /// How long making the connection may take, its transport's handshake included. Default 5 s.
    pub connect_timeout: Duration,
    /// How long the router may take to open the session. Default 10 s.
    pub join_timeout: Duration,
    /// How long the answer to a request may take unless the request says. Default 10 s.
    pub request_timeout: Duration,
    /// How long the router may take to answer GOODBYE. Default 1 s.
    pub close_timeout: Duration,
    /// Bounds on every received message.
    pub limits: Limits,
    /// Invocations that are handled at once; more are answered with `wamp.error.unavailable`. Default 1,000.
    pub max_invocations: usize,
    /// What to call ourselves, for the router's logs. Default: this library.
    pub agent: Option<String>,
    /// When a silent router is asked for a sign of life, and how long it may take to give one. Default 20 s and 10 s.
    pub heartbeat: heartbeat::Config,
    /// How TLS is spoken.
    #[cfg(feature = "tls")]
    pub tls: crate::net::TlsOptions,
    /// Whether and how the client connects again. Default [never](Policy::never): the end of the session is that of the client.
    pub reconnect: Policy,
    /// Whether connecting ends at once, with a client that is about to join. Default false.
    pub lazy: bool,
    /// Whether calls and publications that are made while there is no connection wait for one, up to their time limit,
    /// instead of failing at once with [`Error::Disconnected`](crate::Error::Disconnected). Default false.
    pub wait_for_connection: bool,
    /// What payloads are encrypted with from end to end. Default: nothing.
    pub cipher: Option<Arc<dyn Cipher>>,
    /// More URLs, of routers that are as good: see [`Connect::or`](crate::net::Connect::or). A router within the process is always
    /// there, and needs none. Default: none.
    pub alternatives: Vec<String>,
    /// Which version of IP to connect over. Default: any.
    pub ip: IpVersion,
    /// Who sees the messages. Default: nobody.
    pub taps: Vec<Arc<dyn Tap>>,
    /// Who is told of each change in the life of the client. Default: nobody.
    pub on_change: Vec<OnChange>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            realm: "realm1".to_owned(),
            serializers: vec![Encoding::MessagePack, Encoding::Cbor, Encoding::Json],
            auth: Vec::new(),
            headers: Vec::new(),
            batched: false,
            connect_timeout: Duration::from_secs(5),
            join_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(1),
            limits: Limits::default(),
            max_invocations: 1_000,
            agent: None,
            heartbeat: heartbeat::Config::CLIENT,
            #[cfg(feature = "tls")]
            tls: crate::net::TlsOptions::default(),
            reconnect: Policy::never(),
            lazy: false,
            wait_for_connection: false,
            cipher: None,
            alternatives: Vec::new(),
            ip: IpVersion::Any,
            taps: Vec::new(),
            on_change: Vec::new(),
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("realm", &self.realm)
            .field("serializers", &self.serializers)
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

impl ClientOptions {
    /// A session over an open transport that speaks `encoding` and takes messages up to `send_limit` bytes, where `channel`
    /// is what is known about the connection: the machine for the adapter's pump, and the future that waits until the
    /// session is joined. It has this transport and no other: whoever opened it may open the next one.
    ///
    /// # Errors
    ///
    /// When the realm is not a URI, or a secret is not there.
    pub fn start(
        &self,
        runtime: Arc<dyn Runtime>,
        encoding: Encoding,
        send_limit: usize,
        channel: Channel,
    ) -> Result<(ClientMachine, JoinFuture), ConnectError> {
        let shared = Arc::new(Shared::new(runtime, self.clone())?);
        let machine = shared.begin(encoding, send_limit, channel)?;
        Ok((machine, JoinFuture { shared, place: None, done: false }))
    }

    /// The settings of a session.
    pub(crate) fn session(&self, realm: Uri) -> Config {
        let mut config = Config::new(realm);
        config.roles = roles();
        config.limits = self.limits;
        config.join_timeout = self.join_timeout;
        config.request_timeout = self.request_timeout;
        config.close_timeout = self.close_timeout;
        config.agent = self.agent.clone().or(config.agent);
        config
    }
}

/// The client roles, each with what can be reached through this crate (F-42).
fn roles() -> Roles {
    let set = |features: &[Feature]| features.iter().fold(Features::NONE, |set, feature| set.with(*feature));
    use Feature as F;
    Roles::NONE
        .with(
            Role::Caller,
            set(&[
                F::ProgressiveCallResults,
                F::ProgressiveCallInvocations,
                F::CallTimeout,
                F::CallCanceling,
                F::CallerIdentification,
                F::PayloadPassthruMode,
            ]),
        )
        .with(
            Role::Callee,
            set(&[
                F::ProgressiveCallResults,
                F::ProgressiveCallInvocations,
                F::CallTimeout,
                F::CallCanceling,
                F::CallerIdentification,
                F::CallTrustlevels,
                F::PatternBasedRegistration,
                F::SharedRegistration,
                F::RegistrationRevocation,
                F::CallReroute,
                F::PayloadPassthruMode,
            ]),
        )
        .with(
            Role::Publisher,
            set(&[
                F::PublisherExclusion,
                F::PublisherIdentification,
                F::SubscriberBlackwhiteListing,
                F::PayloadPassthruMode,
            ]),
        )
        .with(
            Role::Subscriber,
            set(&[
                F::PatternBasedSubscription,
                F::PublisherIdentification,
                F::PublicationTrustlevels,
                F::SubscriptionRevocation,
                F::EventRetention,
                F::PayloadPassthruMode,
            ]),
        )
}

/// The session, as WELCOME opened it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Joined {
    /// The session.
    pub session: SessionId,
    /// The realm: the one asked for, unless the router chose another (M-64).
    pub realm: Uri,
    /// What the router said.
    pub details: WelcomeDetails,
}

impl Joined {
    pub(crate) fn new(welcome: Welcome, asked: &Uri) -> Self {
        let realm = welcome.details.realm.clone().unwrap_or_else(|| asked.clone());
        Self { session: welcome.session, realm, details: welcome.details }
    }
}

/// Waits until the session is open.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct JoinFuture {
    shared: Arc<Shared>,
    place: Place,
    /// Whether it has given its output.
    done: bool,
}

impl Future for JoinFuture {
    type Output = Result<Client, ConnectError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, place, done } = self.get_mut();
        let (outcome, _stale) = shared.peek(|state| match state.outcome() {
            Some(outcome) => (Poll::Ready(outcome), None),
            None => (Poll::Pending, state.watchers.wait(place, context.waker())),
        });
        *done |= outcome.is_ready();
        outcome.map_ok(|()| Client::new(shared.clone()))
    }
}

impl Drop for JoinFuture {
    /// Giving up on the join closes the session, unless a client has taken over.
    fn drop(&mut self) {
        let _waker = self.shared.peek(|state| state.watchers.leave(&mut self.place));
        if !self.done {
            self.shared.update_with(|state, now, effects| state.close(effects, now));
        }
    }
}
