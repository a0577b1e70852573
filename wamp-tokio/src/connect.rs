//! From a URL to a joined session.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self,
        client::IntoClientRequest as _,
        http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL},
        protocol::Role,
    },
};
use wamp_driver::{
    Client, ClientOptions, ConnectError, Endpoint, RouterHandle, Runtime, SocketAddress,
    proto::{
        Encoding, Limits,
        router::Opened,
        transport::{
            rawsocket::{self, HandshakeRefused, RawSocket, RawSocketError},
            websocket,
        },
    },
};

use crate::{
    prefixed::Prefixed,
    pump::{self, Raw, Transport, WebSocket, websocket_config},
    runtime::Tokio,
};

/// Where [`connect_default`](crate::connect_default) connects to.
pub(crate) const DEFAULT_URL: &str = "ws://localhost:8080/ws";

/// A connection to be made: add settings, then `.await` it for a joined [`Client`].
#[must_use = "nothing is connected until it is awaited"]
pub struct Connect {
    to: To,
    options: ClientOptions,
}

pub(crate) enum To {
    Url(String),
    Router(RouterHandle),
}

impl Connect {
    pub(crate) fn new(to: To) -> Self {
        Self { to, options: ClientOptions::default() }
    }

    /// The realm to join, instead of `realm1`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.options.realm = realm.into();
        self
    }

    /// The serializers to offer, best first, instead of MessagePack, CBOR, JSON.
    pub fn serializers(mut self, serializers: impl IntoIterator<Item = Encoding>) -> Self {
        self.options.serializers = serializers.into_iter().collect();
        self
    }

    /// How long the answer to a request may take when the request does not say, instead of 10 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.options.request_timeout = timeout;
        self
    }

    /// How long making the connection may take, instead of 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// What to call ourselves, for the router's logs.
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.options.agent = Some(agent.into());
        self
    }

    /// Changes any of the settings.
    pub fn options(mut self, change: impl FnOnce(&mut ClientOptions)) -> Self {
        change(&mut self.options);
        self
    }
}

impl IntoFuture for Connect {
    type Output = Result<Client, ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match self.to {
                To::Url(url) => connect(&url.parse()?, &self.options).await,
                To::Router(router) => connect_in_process(&router, &self.options).await,
            }
        })
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("options", &self.options).finish_non_exhaustive()
    }
}

async fn connect(endpoint: &Endpoint, options: &ClientOptions) -> Result<Client, ConnectError> {
    let within = options.connect_timeout;
    let open = async {
        match endpoint {
            Endpoint::WebSocket { address, path } => {
                let url = format!("ws://{address}{path}");
                websocket(&url, endpoint, tcp(address).await, options).await
            }
            Endpoint::RawSocket(address) => raw(endpoint, || tcp(address), options).await,
            #[cfg(unix)]
            Endpoint::Unix(path) => raw(endpoint, || unix(path), options).await,
            #[cfg(unix)]
            Endpoint::WebSocketUnix(path) => {
                websocket("ws://localhost/ws", endpoint, unix(path).await, options).await
            }
            _ => Err(io_error(endpoint, io::ErrorKind::Unsupported.into())),
        }
    };
    let join = tokio::time::timeout(within, open)
        .await
        .map_err(|_| ConnectError::Timeout { to: endpoint.to_string(), within })??;
    join.await
}

/// The session within this process: frames change hands, no socket is used.
async fn connect_in_process(router: &RouterHandle, options: &ClientOptions) -> Result<Client, ConnectError> {
    let runtime = Tokio::current();
    let encoding = options.serializers.first().copied().unwrap_or(Encoding::MessagePack);
    let send_limit = router.limits().message_size;
    let (machine, join) = options.start(runtime.clone(), encoding, send_limit)?;
    let connection = router.open(Opened::new(encoding).send_limit(options.limits.message_size));
    runtime.spawn(wamp_driver::link(runtime.clone(), machine, connection));
    join.await
}

async fn tcp(address: &SocketAddress) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(unix)]
async fn unix(path: &Path) -> io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(path).await
}

async fn websocket<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    url: &str,
    endpoint: &Endpoint,
    stream: io::Result<S>,
    options: &ClientOptions,
) -> Result<wamp_driver::JoinFuture, ConnectError> {
    let stream = stream.map_err(|error| io_error(endpoint, error))?;
    let failed = |why: String| ConnectError::Handshake { to: endpoint.to_string(), why };
    let mut request = url.into_client_request().map_err(|error| failed(error.to_string()))?;
    let offer = websocket::offer(&options.serializers);
    let offer = HeaderValue::from_str(&offer).map_err(|error| failed(error.to_string()))?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, offer);
    let config = websocket_config(options.limits.message_size);
    let (socket, response) = tokio_tungstenite::client_async(request, Prefixed::with_answer(stream))
        .await
        .map_err(|error| failed(describe(error)))?;
    let answer = response.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    let encoding =
        websocket::accept(answer, &options.serializers).map_err(|error| failed(error.to_string()))?;
    let socket = WebSocketStream::from_raw_socket(socket.into_inner(), Role::Client, Some(config)).await;
    start(WebSocket::new(socket, encoding), encoding, Limits::MAX_MESSAGE_SIZE, options)
}

/// RawSocket offers one serializer at a time: the next one is tried when the router does not know it.
async fn raw<S, F>(
    endpoint: &Endpoint,
    dial: impl Fn() -> F,
    options: &ClientOptions,
) -> Result<wamp_driver::JoinFuture, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<S>>,
{
    let mut config = rawsocket::Config::default();
    config.receive_limit = options.limits.message_size;
    let mut refused = "no serializer is offered".to_owned();
    for encoding in &options.serializers {
        let stream = dial().await.map_err(|error| io_error(endpoint, error))?;
        let mut raw = Raw::new(stream, RawSocket::client(*encoding, &config));
        match raw.open().await {
            Ok((encoding, send_limit)) => return start(raw, encoding, send_limit, options),
            Err(RawSocketError::Refused(error)) if error == HandshakeRefused::SERIALIZER => {
                refused = error.to_string();
            }
            Err(error) => {
                return Err(ConnectError::Handshake { to: endpoint.to_string(), why: error.to_string() });
            }
        }
    }
    Err(ConnectError::Handshake { to: endpoint.to_string(), why: refused })
}

fn start(
    transport: impl Transport + Send + 'static,
    encoding: Encoding,
    send_limit: usize,
    options: &ClientOptions,
) -> Result<wamp_driver::JoinFuture, ConnectError> {
    let runtime: Arc<dyn Runtime> = Tokio::current();
    let (machine, join) = options.start(runtime.clone(), encoding, send_limit)?;
    tokio::spawn(pump::run(runtime, transport, machine));
    Ok(join)
}

fn io_error(endpoint: &Endpoint, error: io::Error) -> ConnectError {
    ConnectError::Io { to: endpoint.to_string(), error }
}

fn describe(error: tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Http(response) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            format!("it answered HTTP {} {}", response.status(), body.trim())
        }
        error => error.to_string(),
    }
}
