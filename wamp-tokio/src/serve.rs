//! The router on the network: listeners, handshakes, shutdown.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    path::PathBuf,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream, lookup_host},
    sync::{Semaphore, watch},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};
use wamp_driver::{
    Endpoint, InvalidEndpoint, RouterHandle, SocketAddress,
    proto::{
        Uri,
        router::{Config, Counts, Opened},
        transport::rawsocket::{self, RawSocket},
        uri::InvalidUri,
    },
};

use crate::{
    Connect,
    connect::To,
    handshakes::{Handshake, Handshakes},
    prefixed::Prefixed,
    pump::{self, Raw, WebSocket, websocket_config},
    runtime::Tokio,
    upgrade::{Origins, Upgraded, upgrade},
};

/// A router to be started: add listeners and settings, then `.await` it.
#[must_use = "no router runs until it is awaited"]
#[derive(Debug)]
pub struct RouterBuilder {
    realms: Vec<String>,
    listen: Vec<String>,
    config: Config,
    handshake_timeout: Duration,
    origins: Origins,
    max_connections: usize,
    max_handshakes: usize,
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

impl RouterBuilder {
    pub(crate) fn new() -> Self {
        Self {
            realms: Vec::new(),
            listen: Vec::new(),
            config: Config::new([]),
            handshake_timeout: Duration::from_secs(5),
            origins: Origins::default(),
            max_connections: 10_000,
            max_handshakes: 256,
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

    async fn start(self) -> Result<Router, StartError> {
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
        let (stop, stopped) = watch::channel(());
        let server = Arc::new(Server {
            handle: RouterHandle::new(Tokio::current(), config),
            connections: Arc::new(Semaphore::new(self.max_connections)),
            handshakes: Handshakes::new(self.max_handshakes, self.handshake_timeout),
            origins: self.origins,
        });
        let mut router =
            Router { server, endpoints: Vec::new(), stop: Mutex::new(Some(stop)), sockets: Vec::new() };
        for endpoint in endpoints {
            let opened = router.open(&endpoint, stopped.clone()).await;
            let actual = opened.map_err(|error| StartError::Listen { endpoint, error })?;
            router.endpoints.push(actual);
        }
        Ok(router)
    }
}

impl IntoFuture for RouterBuilder {
    type Output = Result<Router, StartError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

/// A running router. Dropping it closes its listeners and says GOODBYE to its sessions, but waits for nobody;
/// [`shutdown`](Self::shutdown) does.
pub struct Router {
    server: Arc<Server>,
    endpoints: Vec<Endpoint>,
    /// Dropped to stop the listeners.
    stop: Mutex<Option<watch::Sender<()>>>,
    /// Unix sockets to remove from the file system.
    sockets: Vec<PathBuf>,
}

impl Router {
    /// A router to be started.
    pub fn builder() -> RouterBuilder {
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
    pub fn connect(&self) -> Connect {
        Connect::new(To::Router(self.server.handle.clone()))
    }

    /// What the router holds at the moment.
    pub fn counts(&self) -> Counts {
        self.server.handle.counts()
    }

    /// Stops listening, says GOODBYE to every session and waits until all connections are gone, which each of them is after
    /// a second at most.
    pub async fn shutdown(&self) {
        self.stop_listening();
        self.server.handle.shutdown().await;
    }

    fn stop_listening(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        for socket in &self.sockets {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(socket);
        }
    }

    async fn open(&mut self, endpoint: &Endpoint, stopped: watch::Receiver<()>) -> io::Result<Endpoint> {
        match endpoint {
            Endpoint::WebSocket { address, path } => {
                let address = self.open_tcp(address, stopped).await?;
                let path = if path == "/" { "/ws".to_owned() } else { path.clone() };
                Ok(Endpoint::WebSocket { address, path })
            }
            Endpoint::RawSocket(address) => Ok(Endpoint::RawSocket(self.open_tcp(address, stopped).await?)),
            #[cfg(unix)]
            Endpoint::Unix(path) | Endpoint::WebSocketUnix(path) => {
                let websocket = matches!(endpoint, Endpoint::WebSocketUnix(_));
                let listener = bind_unix(path).await?;
                self.sockets.push(path.clone());
                tokio::spawn(accept_unix(self.server.clone(), listener, websocket, stopped));
                Ok(endpoint.clone())
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    async fn open_tcp(
        &self,
        address: &SocketAddress,
        stopped: watch::Receiver<()>,
    ) -> io::Result<SocketAddress> {
        let listener = bind_tcp(address).await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(accept_tcp(self.server.clone(), listener, stopped));
        Ok(SocketAddress { host: address.host.clone(), port })
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.stop_listening();
        drop(self.server.handle.shutdown());
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// What all connections of a router share.
struct Server {
    handle: RouterHandle,
    connections: Arc<Semaphore>,
    handshakes: Arc<Handshakes>,
    origins: Origins,
}

/// How long to wait when the operating system has no more sockets (fault 26).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

async fn accept_tcp(server: Arc<Server>, listener: TcpListener, mut stopped: watch::Receiver<()>) {
    loop {
        let Some(stream) = next(&mut stopped, || listener.accept()).await else { return };
        let server = server.clone();
        let mut handshake = server.handshakes.begin();
        tokio::spawn(async move {
            // Without it, small frames wait for the acknowledgement of those before.
            let _ = stream.set_nodelay(true);
            match handshake.limit(is_rawsocket(&stream)).await {
                Some(Ok(true)) => serve_raw(&server, stream, handshake).await,
                Some(Ok(false)) => serve_websocket(&server, stream, handshake).await,
                _ => {}
            }
        });
    }
}

#[cfg(unix)]
async fn accept_unix(
    server: Arc<Server>,
    listener: tokio::net::UnixListener,
    websocket: bool,
    mut stopped: watch::Receiver<()>,
) {
    loop {
        let Some(stream) = next(&mut stopped, || listener.accept()).await else { return };
        let server = server.clone();
        let handshake = server.handshakes.begin();
        tokio::spawn(async move {
            if websocket {
                serve_websocket(&server, stream, handshake).await;
            } else {
                serve_raw(&server, stream, handshake).await;
            }
        });
    }
}

/// Connections that the operating system keeps until they are accepted. When there are more, it lets a client wait for a
/// second and try again, which many that come at once would notice (faults 19 and 25).
const BACKLOG: u32 = 1024;

async fn bind_tcp(address: &SocketAddress) -> io::Result<TcpListener> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in lookup_host((address.host.as_str(), address.port)).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A port whose last connections have just ended may be taken again; elsewhere the option means something worse.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A socket file that nobody listens on any more is left over from a router that was killed: it is replaced.
#[cfg(unix)]
async fn bind_unix(path: &std::path::Path) -> io::Result<tokio::net::UnixListener> {
    use tokio::net::{UnixListener, UnixStream};
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match UnixStream::connect(path).await {
                Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path)?;
                }
                _ => return Err(error),
            }
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// The next connection; `None` when the router stops.
async fn next<S, A, F>(stopped: &mut watch::Receiver<()>, accept: impl Fn() -> F) -> Option<S>
where
    F: Future<Output = io::Result<(S, A)>>,
{
    loop {
        let stop = pin!(stopped.changed());
        match select(stop, pin!(accept())).await {
            Either::Left(_) => return None,
            Either::Right((Ok((stream, _)), _)) => return Some(stream),
            Either::Right((Err(error), _)) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// 0x7F is no HTTP method (W-80).
async fn is_rawsocket(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(first == [rawsocket::MAGIC])
}

async fn serve_raw<S>(server: &Server, stream: S, mut handshake: Handshake)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connection = server.connections.clone().try_acquire_owned();
    let mut config = rawsocket::Config::default();
    config.receive_limit = server.handle.limits().message_size;
    // W-65: one connection too many is told so.
    let codec = if connection.is_ok() { RawSocket::server(&config) } else { RawSocket::refuse() };
    let mut raw = Raw::new(stream, codec);
    match handshake.limit(raw.open()).await {
        Some(Ok((encoding, send_limit))) => {
            drop(handshake);
            let machine = server.handle.open(Opened::new(encoding).send_limit(send_limit));
            pump::run(Tokio::current(), raw, machine).await;
        }
        Some(Err(error)) => {
            tracing::debug!(%error, "RawSocket handshake failed");
            drop(connection);
            handshake.limit(raw.refuse(&error)).await;
        }
        None => tracing::debug!("RawSocket handshake not finished in time"),
    }
}

async fn serve_websocket<S>(server: &Server, mut stream: S, mut handshake: Handshake)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A request that is refused takes no place, not even while its answer goes out.
    let admit = || server.connections.clone().try_acquire_owned().ok();
    match handshake.limit(upgrade(&mut stream, &server.origins, admit)).await {
        Some(Ok(Upgraded { encoding, rest, place: _place })) => {
            drop(handshake);
            let config = websocket_config(server.handle.limits().message_size);
            let stream = Prefixed::new(rest, stream);
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
            let machine = server.handle.open(Opened::new(encoding));
            pump::run(Tokio::current(), WebSocket::new(socket, encoding), machine).await;
        }
        Some(Err(error)) => tracing::debug!(%error, "WebSocket handshake failed"),
        None => tracing::debug!("WebSocket handshake not finished in time"),
    }
}
