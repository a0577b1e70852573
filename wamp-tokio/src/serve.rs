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
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout_at},
};
use tokio_tungstenite::tungstenite::{
    handshake::server::{ErrorResponse, Request, Response},
    http::{
        StatusCode,
        header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL},
    },
};
use wamp_driver::{
    Endpoint, InvalidEndpoint, RouterHandle, SocketAddress,
    proto::{
        Encoding, Uri,
        router::{Config, Counts, Opened},
        transport::{
            rawsocket::{self, RawSocket},
            websocket,
        },
        uri::InvalidUri,
    },
};

use crate::{
    Connect,
    connect::To,
    pump::{self, Raw, WebSocket, websocket_config},
    runtime::Tokio,
};

/// A router to be started: add listeners and settings, then `.await` it.
#[must_use = "no router runs until it is awaited"]
#[derive(Debug)]
pub struct RouterBuilder {
    realms: Vec<String>,
    listen: Vec<String>,
    config: Config,
    handshake_timeout: Duration,
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

    /// Most connections at once, instead of 10,000; more are refused.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Most connections in their handshake at once, instead of 256; more wait to be accepted.
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
            handshake_timeout: self.handshake_timeout,
            connections: Arc::new(Semaphore::new(self.max_connections)),
            handshakes: Arc::new(Semaphore::new(self.max_handshakes)),
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
        let listener = TcpListener::bind((address.host.as_str(), address.port)).await?;
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
    handshake_timeout: Duration,
    connections: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
}

impl Server {
    /// One for the whole handshake, from the first byte on (fault 19).
    fn handshake_deadline(&self) -> Instant {
        Instant::now() + self.handshake_timeout
    }
}

/// How long to wait when the operating system has no more sockets (fault 26).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

async fn accept_tcp(server: Arc<Server>, listener: TcpListener, mut stopped: watch::Receiver<()>) {
    loop {
        let Some(stream) = next(&server, &mut stopped, || listener.accept()).await else { return };
        let (stream, handshake) = stream;
        let server = server.clone();
        tokio::spawn(async move {
            // Without it, small frames wait for the acknowledgement of those before.
            let _ = stream.set_nodelay(true);
            let deadline = server.handshake_deadline();
            match timeout_at(deadline, is_rawsocket(&stream)).await {
                Ok(Ok(true)) => serve_raw(&server, stream, handshake, deadline).await,
                Ok(Ok(false)) => serve_websocket(&server, stream, handshake, deadline).await,
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
        let Some(stream) = next(&server, &mut stopped, || listener.accept()).await else { return };
        let (stream, handshake) = stream;
        let server = server.clone();
        tokio::spawn(async move {
            let deadline = server.handshake_deadline();
            if websocket {
                serve_websocket(&server, stream, handshake, deadline).await;
            } else {
                serve_raw(&server, stream, handshake, deadline).await;
            }
        });
    }
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

/// The next connection, once there is room for its handshake; `None` when the router stops.
async fn next<S, A, F>(
    server: &Server,
    stopped: &mut watch::Receiver<()>,
    accept: impl Fn() -> F,
) -> Option<(S, OwnedSemaphorePermit)>
where
    F: Future<Output = io::Result<(S, A)>>,
{
    loop {
        let stop = pin!(stopped.changed());
        let accept = pin!(async {
            let handshake = server.handshakes.clone().acquire_owned().await.map_err(io::Error::other)?;
            let (stream, _) = accept().await?;
            Ok::<_, io::Error>((stream, handshake))
        });
        match select(stop, accept).await {
            Either::Left(_) => return None,
            Either::Right((Ok(accepted), _)) => return Some(accepted),
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

async fn serve_raw<S>(server: &Server, stream: S, handshake: OwnedSemaphorePermit, deadline: Instant)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connection = server.connections.clone().try_acquire_owned();
    let mut config = rawsocket::Config::default();
    config.receive_limit = server.handle.limits().message_size;
    // W-65: one connection too many is told so.
    let codec = if connection.is_ok() { RawSocket::server(&config) } else { RawSocket::refuse() };
    let mut raw = Raw::new(stream, codec);
    match timeout_at(deadline, raw.open()).await {
        Ok(Ok((encoding, send_limit))) => {
            drop(handshake);
            let machine = server.handle.open(Opened::new(encoding).send_limit(send_limit));
            pump::run(Tokio::current(), raw, machine).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "RawSocket handshake failed"),
        Err(_) => tracing::debug!("RawSocket handshake not finished in time"),
    }
}

async fn serve_websocket<S>(server: &Server, stream: S, handshake: OwnedSemaphorePermit, deadline: Instant)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connection = server.connections.clone().try_acquire_owned();
    let full = connection.is_err();
    let mut encoding = None;
    #[allow(clippy::result_large_err, reason = "the signature is the library's")]
    let negotiate = |request: &Request, response: Response| {
        let (chosen, response) = negotiate(request, response, full)?;
        encoding = Some(chosen);
        Ok(response)
    };
    let config = websocket_config(server.handle.limits().message_size);
    let accept = tokio_tungstenite::accept_hdr_async_with_config(stream, negotiate, Some(config));
    let accepted = timeout_at(deadline, accept).await;
    match (accepted, encoding) {
        (Ok(Ok(socket)), Some(encoding)) => {
            drop(handshake);
            let machine = server.handle.open(Opened::new(encoding));
            pump::run(Tokio::current(), WebSocket::new(socket, encoding), machine).await;
        }
        (Ok(Err(error)), _) => tracing::debug!(%error, "WebSocket handshake failed"),
        _ => tracing::debug!("WebSocket handshake not finished in time"),
    }
}

/// Chooses the serializer; without a WAMP sub-protocol there is no connection (W-43, fault 13).
#[allow(clippy::result_large_err, reason = "the signature is the library's")]
fn negotiate(
    request: &Request,
    mut response: Response,
    full: bool,
) -> Result<(Encoding, Response), ErrorResponse> {
    if full {
        return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "too many connections"));
    }
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let offered = offered.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    let chosen = websocket::select(&offered, &Encoding::ALL).ok_or_else(|| {
        let why = format!("offer one of the sub-protocols {}\n", websocket::offer(&Encoding::ALL));
        refusal(StatusCode::BAD_REQUEST, &why)
    })?;
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(websocket::subprotocol(chosen)));
    Ok((chosen, response))
}

fn refusal(status: StatusCode, why: &str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(why.to_owned()));
    *response.status_mut() = status;
    response
}
