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
    error::Closed,
    id::SessionId,
    message::{Feature, Features, Role, Roles, Welcome, WelcomeDetails},
    session::{self, Config, Session},
    transport::heartbeat,
    uri::uris,
};

use crate::{
    Cipher, Client, ConnectError,
    auth::{Auth, Login},
    machine::ClientMachine,
    runtime::Runtime,
    shared::Shared,
    wakers::Place,
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
    /// What payloads are encrypted with from end to end. Default: nothing.
    pub cipher: Option<Arc<dyn Cipher>>,
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
            cipher: None,
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
    /// session is joined.
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
        let mut config = Config::new(self.realm.parse::<Uri>()?);
        config.roles = roles();
        config.limits = self.limits;
        config.join_timeout = self.join_timeout;
        config.request_timeout = self.request_timeout;
        config.close_timeout = self.close_timeout;
        config.agent = self.agent.clone().or(config.agent);
        let login = Login::new(&self.auth, channel, runtime.seed())?;
        login.exchange.fill(&mut config);
        let mut session = Session::new(Arc::new(config), encoding, runtime.now());
        session.set_send_limit(send_limit);
        let (size, invocations) = (self.limits.message_size, self.max_invocations);
        let shared = Arc::new(Shared::new(runtime, session, size, invocations, self.cipher.clone()));
        shared.peek(|state| state.login = Some(Box::new(login)));
        Ok((ClientMachine(shared.clone()), JoinFuture { shared, place: None }))
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
}

impl Future for JoinFuture {
    type Output = Result<Client, ConnectError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, place } = self.get_mut();
        let (joined, _stale) = shared.peek(|state| match (state.joined.take(), state.session.closed()) {
            (_, Some(closed)) => (Poll::Ready(Err::<_, Closed>(closed.clone())), None),
            (Some(joined), None) => (Poll::Ready(Ok(joined)), None),
            (None, None) => (Poll::Pending, state.watchers.wait(place, context.waker())),
        });
        joined.map(|joined| match joined {
            Ok(joined) => Ok(Client::new(shared.clone(), joined)),
            Err(closed) => Err(ConnectError::Join(closed)),
        })
    }
}

impl Drop for JoinFuture {
    /// Giving up on the join closes the session, unless a client has taken over.
    fn drop(&mut self) {
        // A client takes `joined` away.
        let unclaimed = |state: &mut crate::shared::State| {
            state.joined.is_some()
                || matches!(state.session.state(), session::State::Joining | session::State::Authenticating)
        };
        let (unclaimed, _waker) =
            self.shared.peek(|state| (unclaimed(state), state.watchers.leave(&mut self.place)));
        if unclaimed {
            let reason = Uri::unchecked(uris::close::CLOSE_REALM);
            self.shared.update(|state, now| state.session.close(now, reason));
        }
    }
}
