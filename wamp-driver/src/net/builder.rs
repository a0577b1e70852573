//! Settings of a router, and its start.

use std::{
    fmt, io,
    marker::PhantomData,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use wamp_proto::{
    Uri,
    router::{Config, Grant, RealmTemplate},
    transport::heartbeat,
    uri::InvalidUri,
};

use super::{
    Network, Router, TlsError,
    access::Deciders,
    gate::Gate,
    handshakes::Handshakes,
    listener::{Defaults, Listener},
    places::Places,
    refusals::Refusals,
    serve::Server,
};
use crate::{
    Tap,
    endpoint::{Endpoint, InvalidEndpoint},
    router::{Company, RouterHandle},
    runtime::BoxFuture,
};

/// A router to be started: add listeners and settings, then `.await` it.
#[must_use = "no router runs until it is awaited"]
pub struct RouterBuilder<N> {
    realms: Vec<String>,
    listen: Vec<Listener>,
    http: Option<String>,
    pub(super) config: Config,
    defaults: Defaults,
    max_connections: usize,
    max_handshakes: usize,
    #[cfg(feature = "tls")]
    tls: Option<super::TlsConfig>,
    pub(super) deciders: Deciders,
    known_as: Option<Grant>,
    taps: Vec<Arc<dyn Tap>>,
    network: PhantomData<fn() -> N>,
}

/// Why a router did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A listener's URL is bad.
    Endpoint(InvalidEndpoint),
    /// A realm is not a URI.
    Realm(InvalidUri),
    /// A listener cannot be opened.
    Listen {
        /// Which.
        endpoint: Endpoint,
        /// Why not.
        error: io::Error,
    },
    /// The address for HTTP cannot be opened.
    Http {
        /// Which.
        address: String,
        /// Why not.
        error: io::Error,
    },
    /// A listener cannot speak TLS.
    Tls {
        /// Which.
        endpoint: Endpoint,
        /// Why not.
        error: TlsError,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(error) => error.fmt(f),
            Self::Realm(error) => write!(f, "bad realm: {error}"),
            Self::Listen { endpoint, error } => write!(f, "cannot listen on {endpoint}: {error}"),
            Self::Http { address, error } => write!(f, "cannot answer HTTP at {address}: {error}"),
            Self::Tls { endpoint, error } => write!(f, "cannot speak TLS on {endpoint}: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Endpoint(error) => Some(error),
            Self::Realm(error) => Some(error),
            Self::Listen { error, .. } | Self::Http { error, .. } => Some(error),
            Self::Tls { error, .. } => Some(error),
        }
    }
}

impl<N: Network> RouterBuilder<N> {
    pub(crate) fn new() -> Self {
        Self {
            realms: Vec::new(),
            listen: Vec::new(),
            http: None,
            config: Config::new([]),
            defaults: Defaults::default(),
            max_connections: 10_000,
            max_handshakes: 256,
            #[cfg(feature = "tls")]
            tls: None,
            deciders: Deciders::default(),
            known_as: Some(Grant::trusted()),
            taps: Vec::new(),
            network: PhantomData,
        }
    }

    /// One more realm. Without any, there is `realm1`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realms.push(realm.into());
        self
    }

    /// Realms that come into being with the first session that joins them, and go with the last.
    pub fn realm_template(mut self, template: RealmTemplate) -> Self {
        self.config.templates.push(template);
        self
    }

    /// One more place to listen on: a URL, or a [`Listener`] with settings of its own. Port 0 takes a free port: see
    /// [`Router::endpoints`]. Without any, the router serves this process only.
    pub fn listen(mut self, listener: impl Into<Listener>) -> Self {
        self.listen.push(listener.into());
        self
    }

    /// Answers plain HTTP at this address, such as `127.0.0.1:9100`, for those who watch over the router: `/metrics` are its
    /// figures in the text format of Prometheus, `/healthz` says that it runs, and `/readyz` whether clients can connect
    /// (503 before and while it stops). Port 0 takes a free port: see [`Router::http`]. Nobody is asked who he is there, so
    /// it is no address for the public.
    pub fn http(mut self, address: impl Into<String>) -> Self {
        self.http = Some(address.into());
        self
    }

    /// How TLS is spoken at `wss://` and `tcps://`, where the listener does not say.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: super::TlsConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Changes the settings of the router itself: limits, queues, timeouts.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// How long a connection may take for the handshakes of TLS and its transport, instead of 5 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.defaults.handshake_timeout = timeout;
        self
    }

    /// How long a client may be silent before it is asked for a sign of life, and how long it may take to give one, instead
    /// of 10 s and 5 s (fault 22). Any byte is a sign of life. An interval of zero never asks: then a client whose network is
    /// gone keeps its session, and all that it has registered.
    pub fn heartbeat(mut self, interval: Duration, timeout: Duration) -> Self {
        self.defaults.heartbeat = heartbeat::Config::new(interval, timeout);
        self
    }

    /// Lets web pages of one more origin connect, such as `https://app.example.com`; `*` is any. Without this, only pages
    /// whose host is the one they connect to may. Programs, which have no origin, always may.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.defaults.origins.allowed.push(origin.into());
        self
    }

    /// Most connections at once, instead of 10,000; more are refused.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Most connections in their handshake at once, instead of 256; for one more, the one that began first is dropped.
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.max_handshakes = handshakes;
        self
    }

    /// Whom clients within this process ([`Router::connect`]) are taken for, instead of somebody in the role `trusted`;
    /// `None` is for them to prove who they are like anybody else.
    pub fn in_process_as(mut self, grant: impl Into<Option<Grant>>) -> Self {
        self.known_as = grant.into();
        self
    }

    /// Shows every message of every connection, both ways and from HELLO on, to a [`Tap`]: for a log, a test, an audit. It
    /// sees what is in the messages, secrets of the handshake excepted, whatever the permissions are. All connections wait for
    /// it, each on its own task.
    pub fn tap(mut self, tap: impl Tap) -> Self {
        self.taps.push(Arc::new(tap));
        self
    }

    fn start(mut self) -> Result<Router<N>, StartError> {
        if self.realms.is_empty() && self.config.templates.is_empty() {
            self.realms.push("realm1".to_owned());
        }
        let realms = self.realms.iter().map(|realm| realm.parse::<Uri>()).collect::<Result<_, _>>();
        self.config.realms = realms.map_err(StartError::Realm)?;
        let authenticators = self.deciders.authenticators(&mut self.config).map_err(StartError::Realm)?;
        self.defaults.message_size = self.config.limits.message_size;
        let gates = self.gates()?;
        let network = N::current();
        let company = Company { authenticators, known_as: self.known_as, taps: self.taps };
        let server = Arc::new(Server {
            handle: RouterHandle::with(network.clone(), self.config, company),
            places: Places::new(self.max_connections),
            handshakes: Handshakes::new(self.max_handshakes),
            refusals: Refusals::default(),
            defaults: self.defaults,
            ready: AtomicBool::new(false),
            network,
        });
        self.deciders.appoint(&server.handle);
        Router::open(server, gates, self.http)
    }

    /// The listeners, with everything that they leave to the router.
    fn gates(&mut self) -> Result<Vec<(Endpoint, Gate)>, StartError> {
        let listeners = std::mem::take(&mut self.listen);
        listeners.into_iter().map(|listener| self.gate(listener)).collect()
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "only TLS has settings of its own"))]
    fn gate(&self, mut listener: Listener) -> Result<(Endpoint, Gate), StartError> {
        let endpoint: Endpoint = listener.url.parse().map_err(StartError::Endpoint)?;
        #[cfg(feature = "tls")]
        if endpoint.is_tls() && listener.tls.is_none() {
            listener.tls.clone_from(&self.tls);
        }
        match Gate::new(&endpoint, self.defaults.complete(listener)) {
            Ok(gate) => Ok((endpoint, gate)),
            Err(error) => Err(StartError::Tls { endpoint, error }),
        }
    }
}

impl<N: Network> IntoFuture for RouterBuilder<N> {
    type Output = Result<Router<N>, StartError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start() })
    }
}

impl<N> fmt::Debug for RouterBuilder<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RouterBuilder");
        shown.field("realms", &self.realms).field("listen", &self.listen).field("config", &self.config);
        shown.finish_non_exhaustive()
    }
}
