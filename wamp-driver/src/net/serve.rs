//! Connections at the router: how they are let in, and what they are given.

use std::{future::poll_fn, net::SocketAddr, sync::Arc, time::Duration};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use tungstenite::protocol::Role;
use wamp_proto::{
    Channel,
    router::Opened,
    transport::rawsocket::{self, RawSocket},
};

use super::{
    Accept, Network, Socket,
    gate::Gate,
    handshakes::{Handshake, Handshakes},
    places::{AddressPlace, Place, Places},
    prefixed::Prefixed,
    pump,
    raw::Raw,
    refusals::{Reason, Refusals},
    socket::read,
    upgrade::{Upgraded, upgrade},
    websocket::WebSocket,
};
<<<<<<< HEAD
use crate::router::RouterHandle;
=======
use crate::{
    Authenticator,
    authenticator::{Authenticators, Decider},
    endpoint::{Endpoint, InvalidEndpoint, SocketAddress},
    procedure::ProcedureAuthenticator,
    router::{Idle, RouterHandle},
    runtime::BoxFuture,
    shared::lock,
};

/// A router to be started: add listeners and settings, then `.await` it.
#[must_use = "no router runs until it is awaited"]
pub struct RouterBuilder<N> {
    realms: Vec<String>,
    listen: Vec<String>,
    config: Config,
    handshake_timeout: Duration,
    origins: Origins,
    max_connections: usize,
    max_handshakes: usize,
    deciders: Vec<(String, Vec<Method>, Asked)>,
    authenticator_timeout: Duration,
    known_as: Option<Grant>,
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
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(error) => error.fmt(f),
            Self::Realm(error) => write!(f, "bad realm: {error}"),
            Self::Listen { endpoint, error } => write!(f, "cannot listen on {endpoint}: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Endpoint(error) => Some(error),
            Self::Realm(error) => Some(error),
            Self::Listen { error, .. } => Some(error),
        }
    }
}

impl<N: Network> RouterBuilder<N> {
    fn new() -> Self {
        Self {
            realms: Vec::new(),
            listen: Vec::new(),
            config: Config::new([]),
            handshake_timeout: Duration::from_secs(5),
            origins: Origins::default(),
            max_connections: 10_000,
            max_handshakes: 256,
            deciders: Vec::new(),
            authenticator_timeout: Duration::from_secs(5),
            known_as: Some(Grant::trusted()),
            network: PhantomData,
        }
    }

    /// One more realm. Without any, there is `realm1`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realms.push(realm.into());
        self
    }

    /// One more place to listen on: `ws://host:port` or `tcp://host:port`, which both take WebSocket on any path and
    /// RawSocket, told apart by their first byte (W-80); `unix:///path` for RawSocket and `ws+unix:///path` for WebSocket
    /// over a Unix socket. Port 0 takes a free port: see [`Router::endpoints`]. Without any, the router serves this process
    /// only.
    pub fn listen(mut self, url: impl Into<String>) -> Self {
        self.listen.push(url.into());
        self
    }

    /// Changes the settings of the router itself: limits, queues, timeouts.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// One more rule about who may join: the first that fits a client's realm and listener decides. Without any rule,
    /// everybody may, as `anonymous`.
    pub fn authentication(mut self, rule: Authentication) -> Self {
        self.config.authentication.push(rule);
        self
    }

    /// Who decides about clients of a realm that come with one of these methods, and that no rule knows.
    pub fn authenticator(
        mut self,
        realm: impl Into<String>,
        methods: impl IntoIterator<Item = Method>,
        authenticator: impl Authenticator,
    ) -> Self {
        let asked = Asked::Code(Arc::new(authenticator));
        self.deciders.push((realm.into(), methods.into_iter().collect(), asked));
        self
    }

    /// The same by a procedure, registered in the realm `within`: it is called with the realm, the authid, and details with
    /// `authmethod`, `ticket`, `authextra` and more. It answers with a role or, where the client is to prove something, with
    /// a dict: `role`, `authid`, `extra`; `secret`, `salt`, `iterations`, `keylen` for WAMP-CRA; `pubkeys` for cryptosign;
    /// `salt`, `kdf`, `iterations`, `memory`, `stored_key`, `server_key` for SCRAM. Who can register this procedure decides
    /// who may join: see to it that not everybody can.
    pub fn authenticator_procedure(
        mut self,
        realm: impl Into<String>,
        methods: impl IntoIterator<Item = Method>,
        procedure: impl Into<String>,
        within: impl Into<String>,
    ) -> Self {
        let asked = Asked::Procedure(procedure.into(), within.into());
        self.deciders.push((realm.into(), methods.into_iter().collect(), asked));
        self
    }

    /// How long an authenticator may take, instead of 5 s; nobody is let in then.
    pub fn authenticator_timeout(mut self, timeout: Duration) -> Self {
        self.authenticator_timeout = timeout;
        self
    }

    /// Whom clients within this process ([`Router::connect`]) are taken for, instead of somebody in the role `trusted`;
    /// `None` is for them to prove who they are like anybody else.
    pub fn in_process_as(mut self, grant: impl Into<Option<Grant>>) -> Self {
        self.known_as = grant.into();
        self
    }

    /// How long a connection may take for the handshake of its transport, instead of 5 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Lets web pages of one more origin connect, such as `https://app.example.com`; `*` is any. Without this, only pages
    /// whose host is the one they connect to may. Programs, which have no origin, always may.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.0.push(origin.into());
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

    fn start(self) -> Result<Router<N>, StartError> {
        let Self { mut realms, listen, mut config, deciders, .. } = self;
        if realms.is_empty() {
            realms.push("realm1".to_owned());
        }
        config.realms = realms
            .iter()
            .map(|realm| realm.parse::<Uri>())
            .collect::<Result<_, _>>()
            .map_err(StartError::Realm)?;
        let authenticators = Authenticators {
            of_realms: admit_asked(&mut config, deciders).map_err(StartError::Realm)?,
            timeout: self.authenticator_timeout,
        };
        let endpoints = listen.iter().map(|url| url.parse()).collect::<Result<Vec<Endpoint>, _>>();
        let endpoints = endpoints.map_err(StartError::Endpoint)?;
        let network = N::current();
        let server = Arc::new(Server {
            handle: RouterHandle::with(network.clone(), config, authenticators, self.known_as),
            places: Places::new(self.max_connections),
            handshakes: Handshakes::new(self.max_handshakes, self.handshake_timeout),
            origins: self.origins,
            network,
        });
        let mut router =
            Router { server, endpoints: Vec::new(), stop: Mutex::default(), sockets: Vec::new() };
        for endpoint in endpoints {
            let opened = router.open(&endpoint);
            let actual = opened.map_err(|error| StartError::Listen { endpoint, error })?;
            router.endpoints.push(actual);
        }
        Ok(router)
    }
}

/// Who is to be asked, as the application says it.
enum Asked {
    Code(Arc<dyn Authenticator>),
    Procedure(String, String),
}

/// Has the rules ask those who decide.
fn admit_asked(
    config: &mut Config,
    deciders: Vec<(String, Vec<Method>, Asked)>,
) -> Result<Vec<(Uri, Decider)>, InvalidUri> {
    let mut of_realms = Vec::new();
    for (realm, methods, asked) in deciders {
        let realm: Uri = realm.parse()?;
        let mut rules = config.authentication.iter_mut();
        match rules.find(|rule| rule.realm.as_ref() == Some(&realm) && rule.listener.is_none()) {
            Some(rule) => {
                rule.methods.extend(methods);
                rule.ask = true;
            }
            None => config.authentication.push(Authentication::new(methods).realm(realm.clone()).ask()),
        }
        let decider = match asked {
            Asked::Code(code) => Decider::Code(code),
            Asked::Procedure(procedure, within) => {
                Decider::Procedure(Arc::new(ProcedureAuthenticator::new(procedure.parse()?, within.parse()?)))
            }
        };
        of_realms.push((realm, decider));
    }
    Ok(of_realms)
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

/// A running router. Dropping it closes its listeners and says GOODBYE to its sessions, but waits for nobody;
/// [`shutdown`](Self::shutdown) does.
pub struct Router<N: Network> {
    server: Arc<Server<N>>,
    endpoints: Vec<Endpoint>,
    /// Dropped to stop the listeners.
    stop: Mutex<Vec<oneshot::Sender<()>>>,
    /// Unix sockets to remove from the file system.
    sockets: Vec<PathBuf>,
}

impl<N: Network> Router<N> {
    /// A router to be started.
    pub fn builder() -> RouterBuilder<N> {
        RouterBuilder::new()
    }

    /// Where the router listens, with the ports that were really taken.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The first endpoint as a URL, for a client; `None` when the router serves this process only.
    pub fn url(&self) -> Option<String> {
        self.endpoints.first().map(ToString::to_string)
    }

    /// A client within this process, without a socket.
    pub fn connect(&self) -> Connect<N> {
        Connect::router(self.server.handle.clone())
    }

    /// What the router holds at the moment.
    pub fn counts(&self) -> Counts {
        self.server.handle.counts()
    }

    /// Stops listening, says GOODBYE to every session and waits until all connections are gone, which each of them is after
    /// a second at most. Nobody needs to wait for it.
    pub fn shutdown(&self) -> ShutdownFuture {
        self.stop_listening();
        ShutdownFuture(self.server.handle.shutdown())
    }

    fn stop_listening(&self) {
        lock(&self.stop).clear();
        for socket in &self.sockets {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(socket);
        }
    }

    fn open(&mut self, endpoint: &Endpoint) -> io::Result<Endpoint> {
        let open_tcp = |router: &mut Self, address: &SocketAddress| {
            let (listener, port) = bind::tcp(address)?;
            router.accept(listener, Speaks::Either)?;
            Ok::<_, io::Error>(SocketAddress { host: address.host.clone(), port })
        };
        match endpoint {
            Endpoint::WebSocket { address, path } => {
                let path = if path == "/" { "/ws".to_owned() } else { path.clone() };
                Ok(Endpoint::WebSocket { address: open_tcp(self, address)?, path })
            }
            Endpoint::RawSocket(address) => Ok(Endpoint::RawSocket(open_tcp(self, address)?)),
            #[cfg(unix)]
            Endpoint::Unix(path) | Endpoint::WebSocketUnix(path) => {
                let listener = bind::unix(path)?;
                self.sockets.push(path.clone());
                let raw = matches!(endpoint, Endpoint::Unix(_));
                self.accept(listener, if raw { Speaks::RawSocket } else { Speaks::WebSocket })?;
                Ok(endpoint.clone())
            }
            #[cfg(not(unix))]
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn accept(&mut self, listener: bind::OpenListener, speaks: Speaks) -> io::Result<()> {
        let network = &self.server.network;
        let listener = network.listen(listener)?;
        let (stop, stopped) = oneshot::channel();
        lock(&self.stop).push(stop);
        network.spawn(Box::pin(accept(self.server.clone(), listener, speaks, stopped)));
        Ok(())
    }
}

impl<N: Network> Drop for Router<N> {
    fn drop(&mut self) {
        self.stop_listening();
        drop(self.server.handle.shutdown());
    }
}

impl<N: Network> fmt::Debug for Router<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// The end of a router: see [`Router::shutdown`].
#[derive(Debug)]
#[must_use = "the router stops by itself, but nobody waits for it"]
pub struct ShutdownFuture(Idle);

impl Future for ShutdownFuture {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}
>>>>>>> authn

/// What all connections of a router share.
pub(super) struct Server<N> {
    pub(super) network: Arc<N>,
    pub(super) handle: RouterHandle,
    pub(super) places: Arc<Places>,
    pub(super) handshakes: Arc<Handshakes>,
    pub(super) refusals: Refusals,
}

/// How long to wait when the operating system has no more sockets (fault 26).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until the router stops.
pub(super) async fn accept<N: Network>(
    server: Arc<Server<N>>,
    gate: Arc<Gate>,
    mut listener: Box<dyn Accept>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let next = poll_fn(|context| listener.poll_accept(context));
        let socket = match select(&mut stopped, next).await {
            Either::Left(_) => return,
            Either::Right((Ok(socket), _)) => socket,
            Either::Right((Err(error), _)) => {
                tracing::warn!(%error, "cannot accept a connection");
                server.network.sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let handshake = server.handshakes.begin(&*server.network, gate.handshake_timeout);
        if let Some(visit) = Visit::begin(server.clone(), gate.clone(), &*socket) {
            server.network.spawn(Box::pin(visit.serve(socket, handshake)));
        }
    }
}

/// Most that is read to find out what is spoken: enough for a usual request.
const FIRST_READ: usize = 1 << 10;

/// One connection, from when it is accepted.
struct Visit<N> {
    server: Arc<Server<N>>,
    gate: Arc<Gate>,
    channel: Channel,
    /// Its place among those of its address, where these are limited.
    _address: Option<AddressPlace>,
}

impl<N: Network> Visit<N> {
    /// `None` when there are too many from its address.
    fn begin(server: Arc<Server<N>>, gate: Arc<Gate>, socket: &dyn Socket) -> Option<Self> {
        let channel = socket.channel();
        let address = channel.peer.as_deref().and_then(|peer| peer.parse::<SocketAddr>().ok());
        let limited = gate.addresses.as_ref().zip(address);
        let place = limited.map(|(addresses, address)| addresses.take(address.ip()));
        let full = matches!(place, Some(None));
        let visit = Self { server, gate, channel, _address: place.flatten() };
        if full {
            visit.refused(Reason::Address, "there are too many connections from its address");
        }
        (!full).then_some(visit)
    }

    fn refused(&self, reason: Reason, why: &str) {
        let (now, peer) = (self.server.network.now(), self.channel.peer.as_deref());
        self.server.refusals.note(now, reason, &self.gate.name, peer, why);
    }

    /// What the router is told of a connection over this socket.
    fn channel(&self, socket: &impl Socket) -> Channel {
        let mut channel = socket.channel();
        channel.listener = Some(self.gate.name.clone());
        channel
    }

    fn too_late(&self) {
        self.refused(Reason::Timeout, "its handshake was not finished in time");
    }

    /// A place at the listener and at the router, if both have one.
    fn place(&self) -> Option<(Place, Option<Place>)> {
        let here = match &self.gate.places {
            Some(places) => Some(places.take()?),
            None => None,
        };
        Some((self.server.places.take()?, here))
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "only TLS has a handshake here"))]
    async fn serve(self, socket: Box<dyn Socket>, mut handshake: Handshake) {
        #[cfg(feature = "tls")]
        if self.gate.acceptor.is_some() {
            let secured = handshake.limit(self.secure(socket)).await;
            return match secured {
                Some(Some(socket)) => self.serve_transport(socket, handshake).await,
                Some(None) => {}
                None => self.too_late(),
            };
        }
        self.serve_transport(socket, handshake).await;
    }

    async fn serve_transport(&self, mut socket: impl Socket + 'static, mut handshake: Handshake) {
        let mut head = Vec::new();
        match handshake.limit(read(&mut socket, &mut head, FIRST_READ)).await {
            Some(Ok(1..)) if self.gate.is_rawsocket(&head) => self.serve_raw(socket, &head, handshake).await,
            Some(Ok(1..)) => self.serve_websocket(socket, head, handshake).await,
            Some(_) => tracing::debug!("a connection ended before its handshake"),
            None => self.too_late(),
        }
    }

    async fn serve_raw(&self, socket: impl Socket + 'static, head: &[u8], mut handshake: Handshake) {
        let place = self.place();
        let mut config = rawsocket::Config::default();
        config.receive_limit = self.gate.message_size;
        config.encodings.clone_from(&self.gate.encodings);
        // W-65: one connection too many is told so.
        let codec = if place.is_some() { RawSocket::server(&config) } else { RawSocket::refuse() };
        let channel = self.channel(&socket);
        let mut raw = Raw::with_read(socket, codec, head);
        match handshake.limit(raw.open()).await {
            Some(Ok((encoding, send_limit))) => {
                drop(handshake);
                let opened = Opened::new(encoding).send_limit(send_limit).channel(channel);
                let machine = self.server.handle.open(opened);
                pump::run(self.server.network.clone(), raw, machine, self.gate.heartbeat).await;
            }
            Some(Err(error)) => {
                let reason = if place.is_some() { Reason::Handshake } else { Reason::Full };
                self.refused(reason, &error.to_string());
                drop(place);
                handshake.limit(raw.refuse(&*self.server.network, &error)).await;
            }
            None => self.too_late(),
        }
    }

    async fn serve_websocket(
        &self,
        mut socket: impl Socket + 'static,
        head: Vec<u8>,
        mut handshake: Handshake,
    ) {
        let Self { server, gate, .. } = self;
        let mut full = false;
        // A request that is refused takes no place, not even while its answer goes out.
        let admit = || {
            let place = self.place();
            full = place.is_none();
            place
        };
        let upgraded = upgrade(&*server.network, &mut socket, head, gate, admit);
        match handshake.limit(upgraded).await {
            Some(Ok(Upgraded { subprotocol, cookie, rest, place: _place })) => {
                drop(handshake);
                let mut channel = self.channel(&socket);
                channel.cookie = cookie;
                let socket = Prefixed::new(rest, socket);
                let socket = WebSocket::new(socket, Role::Server, subprotocol, gate.message_size);
                let machine = server.handle.open(Opened::new(subprotocol.encoding).channel(channel));
                pump::run(server.network.clone(), socket, machine, gate.heartbeat).await;
            }
            Some(Err(error)) => {
                self.refused(if full { Reason::Full } else { Reason::Handshake }, &error);
            }
            None => self.too_late(),
        }
    }
}

#[cfg(feature = "tls")]
mod secure {
    use tungstenite::http::StatusCode;

    use super::{FIRST_READ, Network, Prefixed, Reason, Socket, Visit, read};
    use crate::net::{
        TlsError,
        socket::linger,
        tls::{self, TlsSocket},
        upgrade::refuse,
    };

    impl<N: Network> Visit<N> {
        /// Speaks TLS with the client; `None` when it cannot, and was turned away.
        pub(super) async fn secure(&self, mut socket: Box<dyn Socket>) -> Option<TlsSocket> {
            let mut head = Vec::new();
            if !matches!(read(&mut socket, &mut head, FIRST_READ).await, Ok(1..)) {
                tracing::debug!("a connection ended before its handshake");
                return None;
            }
            let runtime = &*self.server.network;
            // Programs and people who speak plain HTTP understand an answer in plain HTTP.
            if head.first().is_some_and(u8::is_ascii_uppercase) {
                self.refused(Reason::Tls, "it speaks HTTP, and no TLS");
                let _ = refuse(runtime, &mut socket, StatusCode::BAD_REQUEST, tls::SPEAK_TLS).await;
                return None;
            }
            let acceptor = self.gate.acceptor.as_ref()?;
            let accepted = acceptor.accept(Box::new(Prefixed::new(head, socket)));
            let mut socket =
                accepted.inspect_err(|error| self.refused(Reason::Tls, &error.to_string())).ok()?;
            match socket.handshake().await {
                Ok(()) => Some(socket),
                Err(error) => {
                    let why = match error {
                        TlsError::NotTls => "it does not speak TLS".to_owned(),
                        error => error.to_string(),
                    };
                    self.refused(Reason::Tls, &why);
                    // The alert is to be heard.
                    linger(runtime, &mut socket.into_inner()).await;
                    None
                }
            }
        }
    }
}
