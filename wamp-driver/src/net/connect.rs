//! From a URL to a joined session.

use std::{fmt, io, marker::PhantomData, sync::Arc, time::Duration};

use tungstenite::{
    client::IntoClientRequest as _,
    handshake::client::{Request, Response},
    http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL},
    protocol::Role,
};
use wamp_proto::{
    Encoding, Limits,
    router::Opened,
    transport::{
        rawsocket::{self, HandshakeRefused, RawSocket, RawSocketError},
        websocket::{self, Subprotocol},
    },
};

use super::{
    Network, Socket,
    pump::{self, Transport},
    raw::Raw,
    websocket::{WebSocket, request},
    within,
};
use crate::{
    Cipher, Client, ConnectError,
    connect::{ClientOptions, JoinFuture},
    endpoint::Endpoint,
    memory,
    router::RouterHandle,
    runtime::{BoxFuture, Runtime},
};

/// A connection to be made: add settings, then `.await` it for a joined [`Client`].
#[must_use = "nothing is connected until it is awaited"]
pub struct Connect<N> {
    to: To,
    options: ClientOptions,
    network: PhantomData<fn() -> N>,
}

enum To {
    Url(String),
    Router(RouterHandle),
}

impl<N: Network> Connect<N> {
    /// To the router at a URL: see [`Endpoint`].
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(To::Url(url.into()))
    }

    /// To a router within this process.
    pub(super) fn router(router: RouterHandle) -> Self {
        Self::new(To::Router(router))
    }

    fn new(to: To) -> Self {
        Self { to, options: ClientOptions::default(), network: PhantomData }
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

    /// Whether to ask for batches, where a WebSocket message holds what is queued and not one message (W-50). They are off
    /// unless this is called; a router that does not know them is spoken to without. Other transports have no batches.
    pub fn batched(mut self, batched: bool) -> Self {
        self.options.batched = batched;
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

    /// Encrypts payloads from end to end: see [`Cipher`].
    pub fn cipher(mut self, cipher: impl Cipher) -> Self {
        self.options.cipher = Some(Arc::new(cipher));
        self
    }

    /// Changes any of the settings.
    pub fn options(mut self, change: impl FnOnce(&mut ClientOptions)) -> Self {
        change(&mut self.options);
        self
    }
}

impl<N: Network> IntoFuture for Connect<N> {
    type Output = Result<N::Client, ConnectError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let network = N::current();
            let client = match self.to {
                To::Url(url) => {
                    let endpoint: Endpoint = url.parse()?;
                    let (runtime, address) = (network.clone(), endpoint.address());
                    let dial = Box::new(move || network.connect(address.clone()));
                    Dial { runtime, endpoint, options: self.options, dial }.connect().await
                }
                To::Router(router) => connect_in_process(network, &router, &self.options).await,
            };
            client.map(N::Client::from)
        })
    }
}

/// To `ws://localhost:8080/ws`.
impl<N: Network> Default for Connect<N> {
    fn default() -> Self {
        Self::url("ws://localhost:8080/ws")
    }
}

impl<N> fmt::Debug for Connect<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The session within this process: frames change hands, no socket is used.
async fn connect_in_process<N: Network>(
    network: Arc<N>,
    router: &RouterHandle,
    options: &ClientOptions,
) -> Result<Client, ConnectError> {
    let encoding = options.serializers.first().copied().unwrap_or(Encoding::MessagePack);
    let send_limit = router.limits().message_size;
    let (machine, join) = options.start(network.clone(), encoding, send_limit)?;
    let connection = router.open(Opened::new(encoding).send_limit(options.limits.message_size));
    network.spawn(memory::link(network.clone(), machine, connection));
    join.await
}

/// A connection being made.
struct Dial {
    runtime: Arc<dyn Runtime>,
    endpoint: Endpoint,
    options: ClientOptions,
    /// Opens a socket to the endpoint.
    dial: Box<Dialer>,
}

type Dialer = dyn Fn() -> BoxFuture<io::Result<Box<dyn Socket>>> + Send + Sync;

impl Dial {
    async fn connect(self) -> Result<Client, ConnectError> {
        let (runtime, to) = (self.runtime.clone(), self.endpoint.to_string());
        let limit = self.options.connect_timeout;
        let join = within(&*runtime, limit, self.open()).await;
        join.ok_or(ConnectError::Timeout { to, within: limit })??.await
    }

    async fn open(self) -> Result<JoinFuture, ConnectError> {
        match &self.endpoint {
            Endpoint::WebSocket { address, path } => self.websocket(&format!("ws://{address}{path}")).await,
            Endpoint::WebSocketUnix(_) => self.websocket("ws://localhost/ws").await,
            Endpoint::RawSocket(_) | Endpoint::Unix(_) => self.raw().await,
        }
    }

    async fn dial(&self) -> Result<Box<dyn Socket>, ConnectError> {
        (self.dial)().await.map_err(|error| ConnectError::Io { to: self.endpoint.to_string(), error })
    }

    async fn websocket(&self, url: &str) -> Result<JoinFuture, ConnectError> {
        let upgrade = self.upgrade(url)?;
        match request(self.dial().await?, upgrade).await {
            Ok((socket, response)) => self.upgraded(socket, &response),
            Err(error) => Err(self.failed(describe(error))),
        }
    }

    fn upgrade(&self, url: &str) -> Result<Request, ConnectError> {
        let mut request = url.into_client_request().map_err(|error| self.failed(error.to_string()))?;
        let offer = HeaderValue::from_str(&websocket::offer(&self.subprotocols()));
        let offer = offer.map_err(|error| self.failed(error.to_string()))?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, offer);
        Ok(request)
    }

    fn upgraded(
        &self,
        socket: impl Socket + 'static,
        response: &Response,
    ) -> Result<JoinFuture, ConnectError> {
        let answer = response.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let subprotocol = websocket::accept(answer, &self.subprotocols())
            .map_err(|error| self.failed(error.to_string()))?;
        let socket = WebSocket::new(socket, Role::Client, subprotocol, self.options.limits.message_size);
        self.start(socket, subprotocol.encoding, Limits::MAX_MESSAGE_SIZE)
    }

    /// What to offer: a router that knows no batches takes the same serializer without.
    fn subprotocols(&self) -> Vec<Subprotocol> {
        let forms = |&encoding| {
            let batched = self.options.batched.then_some(Subprotocol::batched(encoding));
            batched.into_iter().chain([Subprotocol::plain(encoding)])
        };
        self.options.serializers.iter().flat_map(forms).collect()
    }

    /// RawSocket offers one serializer at a time: the next one is tried when the router does not know it.
    async fn raw(&self) -> Result<JoinFuture, ConnectError> {
        let mut config = rawsocket::Config::default();
        config.receive_limit = self.options.limits.message_size;
        let mut refused = "no serializer is offered".to_owned();
        for encoding in &self.options.serializers {
            let mut raw = Raw::new(self.dial().await?, RawSocket::client(*encoding, &config));
            match raw.open().await {
                Ok((encoding, send_limit)) => return self.start(raw, encoding, send_limit),
                Err(RawSocketError::Refused(error)) if error == HandshakeRefused::SERIALIZER => {
                    refused = error.to_string();
                }
                Err(error) => return Err(self.failed(error.to_string())),
            }
        }
        Err(self.failed(refused))
    }

    fn start(
        &self,
        transport: impl Transport + Send + 'static,
        encoding: Encoding,
        send_limit: usize,
    ) -> Result<JoinFuture, ConnectError> {
        let (machine, join) = self.options.start(self.runtime.clone(), encoding, send_limit)?;
        self.runtime.spawn(Box::pin(pump::run(self.runtime.clone(), transport, machine)));
        Ok(join)
    }

    fn failed(&self, why: String) -> ConnectError {
        ConnectError::Handshake { to: self.endpoint.to_string(), why }
    }
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
