//! The router on the network: listeners, handshakes, shutdown.

use std::{
    fmt,
    future::poll_fn,
    io,
    marker::PhantomData,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use tungstenite::protocol::Role;
use wamp_proto::{
    Uri,
    router::{Config, Counts, Opened},
    transport::rawsocket::{self, RawSocket},
    uri::InvalidUri,
};

use super::{
    Connect, Listener, Network, Socket, bind,
    handshakes::{Handshake, Handshakes, Places},
    prefixed::Prefixed,
    pump,
    raw::Raw,
    socket::read,
    upgrade::{Origins, Upgraded, upgrade},
    websocket::WebSocket,
};
use crate::{
    endpoint::{Endpoint, InvalidEndpoint, SocketAddress},
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
        let Self { mut realms, listen, mut config, .. } = self;
        if realms.is_empty() {
            realms.push("realm1".to_owned());
        }
        config.realms = realms
            .iter()
            .map(|realm| realm.parse::<Uri>())
            .collect::<Result<_, _>>()
            .map_err(StartError::Realm)?;
        let endpoints = listen.iter().map(|url| url.parse()).collect::<Result<Vec<Endpoint>, _>>();
        let endpoints = endpoints.map_err(StartError::Endpoint)?;
        let network = N::current();
        let server = Arc::new(Server {
            handle: RouterHandle::new(network.clone(), config),
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

/// What all connections of a router share.
struct Server<N> {
    network: Arc<N>,
    handle: RouterHandle,
    places: Arc<Places>,
    handshakes: Arc<Handshakes>,
    origins: Origins,
}

/// How long to wait when the operating system has no more sockets (fault 26).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener takes.
#[derive(Clone, Copy)]
enum Speaks {
    /// What the first byte says: 0x7F is no HTTP method (W-80).
    Either,
    #[cfg(unix)]
    RawSocket,
    #[cfg(unix)]
    WebSocket,
}

impl Speaks {
    fn is_rawsocket(self, head: &[u8]) -> bool {
        match self {
            Self::Either => head.first() == Some(&rawsocket::MAGIC),
            #[cfg(unix)]
            Self::RawSocket => true,
            #[cfg(unix)]
            Self::WebSocket => false,
        }
    }
}

/// Takes connections until the router stops.
async fn accept<N: Network>(
    server: Arc<Server<N>>,
    mut listener: Box<dyn Listener>,
    speaks: Speaks,
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
        let handshake = server.handshakes.begin(&*server.network);
        server.network.spawn(Box::pin(serve(server.clone(), socket, speaks, handshake)));
    }
}

/// Most that is read to find out what is spoken: enough for a usual request.
const FIRST_READ: usize = 1 << 10;

async fn serve<N: Network>(
    server: Arc<Server<N>>,
    mut socket: Box<dyn Socket>,
    speaks: Speaks,
    mut handshake: Handshake,
) {
    let mut head = Vec::new();
    match handshake.limit(read(&mut socket, &mut head, FIRST_READ)).await {
        Some(Ok(1..)) if speaks.is_rawsocket(&head) => {
            serve_raw(&server, socket, &head, handshake).await;
        }
        Some(Ok(1..)) => serve_websocket(&server, socket, head, handshake).await,
        _ => tracing::debug!("a connection ended before its handshake"),
    }
}

async fn serve_raw<N: Network>(
    server: &Server<N>,
    socket: Box<dyn Socket>,
    head: &[u8],
    mut handshake: Handshake,
) {
    let place = server.places.take();
    let mut config = rawsocket::Config::default();
    config.receive_limit = server.handle.limits().message_size;
    // W-65: one connection too many is told so.
    let codec = if place.is_some() { RawSocket::server(&config) } else { RawSocket::refuse() };
    let mut raw = Raw::with_read(socket, codec, head);
    match handshake.limit(raw.open()).await {
        Some(Ok((encoding, send_limit))) => {
            drop(handshake);
            let machine = server.handle.open(Opened::new(encoding).send_limit(send_limit));
            pump::run(server.network.clone(), raw, machine).await;
        }
        Some(Err(error)) => {
            tracing::debug!(%error, "RawSocket handshake failed");
            drop(place);
            handshake.limit(raw.refuse(&*server.network, &error)).await;
        }
        None => tracing::debug!("RawSocket handshake not finished in time"),
    }
}

async fn serve_websocket<N: Network>(
    server: &Server<N>,
    mut socket: Box<dyn Socket>,
    head: Vec<u8>,
    mut handshake: Handshake,
) {
    // A request that is refused takes no place, not even while its answer goes out.
    let admit = || server.places.take();
    let upgraded = upgrade(&*server.network, &mut socket, head, &server.origins, admit);
    match handshake.limit(upgraded).await {
        Some(Ok(Upgraded { subprotocol, rest, place: _place })) => {
            drop(handshake);
            let limit = server.handle.limits().message_size;
            let socket = WebSocket::new(Prefixed::new(rest, socket), Role::Server, subprotocol, limit);
            let machine = server.handle.open(Opened::new(subprotocol.encoding));
            pump::run(server.network.clone(), socket, machine).await;
        }
        Some(Err(error)) => tracing::debug!(%error, "WebSocket handshake failed"),
        None => tracing::debug!("WebSocket handshake not finished in time"),
    }
}
