//! From a URL to a joined session.

use std::{fmt, future::ready, io, marker::PhantomData, sync::Arc, time::Duration};

use tungstenite::{
    client::IntoClientRequest as _,
    handshake::client::{Request, Response},
    http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL},
    protocol::Role,
};
use wamp_proto::{
    Encoding, Limits,
    reconnect::Policy,
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
    Cipher, ConnectError,
    connect::ClientOptions,
    endpoint::Endpoint,
    memory,
    router::RouterHandle,
    runtime::BoxFuture,
    shared::Shared,
    supervise::{Attempt, Supervisor},
};

/// A connection to be made: add settings, then `.await` it for a joined [`Client`](crate::Client).
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

    /// Connects again after a failure, as the policy has it; also when the first attempt fails. See
    /// [`Client::lifecycle`](crate::Client::lifecycle).
    ///
    /// What was subscribed and registered is restored in every new session; calls that are under way when the connection is
    /// lost fail with [`Error::Lost`](crate::Error::Lost), and those made while there is none with
    /// [`Error::Disconnected`](crate::Error::Disconnected).
    pub fn reconnect(mut self, policy: Policy) -> Self {
        self.options.reconnect = policy;
        self
    }

    /// Gives the client at once, and joins in the background: what is subscribed and registered meanwhile is asked for when
    /// there is a session. Best with [`reconnect`](Self::reconnect), for without it one failure is the end of the client.
    pub fn lazily(mut self) -> Self {
        self.options.lazy = true;
        self
    }

    /// Lets calls and publications that are made while there is no connection wait for one, up to their time limit, instead
    /// of failing at once. They are queued nowhere: each of them waits by itself.
    pub fn wait_for_connection(mut self) -> Self {
        self.options.wait_for_connection = true;
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
            let attempt: Box<Attempt> = match self.to {
                To::Url(url) => {
                    let endpoint: Endpoint = url.parse()?;
                    let (sockets, address) = (network.clone(), endpoint.address());
                    let dial =
                        Arc::new(Dial { endpoint, dial: Box::new(move || sockets.connect(address.clone())) });
                    Box::new(move |shared| Box::pin(dial.clone().connect(shared)))
                }
                To::Router(router) => Box::new(move |shared| {
                    connect_in_process(&router, &shared);
                    Box::pin(ready(Ok(())))
                }),
            };
            let shared = Arc::new(Shared::new(network, self.options)?);
            Supervisor::new(shared, attempt).connect().await.map(N::Client::from)
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
fn connect_in_process(router: &RouterHandle, shared: &Arc<Shared>) {
    let encoding = shared.options.serializers.first().copied().unwrap_or(Encoding::MessagePack);
    let machine = shared.begin(encoding, router.limits().message_size);
    let connection = router.open(Opened::new(encoding).send_limit(shared.options.limits.message_size));
    shared.runtime.spawn(memory::link(shared.runtime.clone(), machine, connection));
}

/// How a socket is opened to an endpoint, as often as it takes.
struct Dial {
    endpoint: Endpoint,
    dial: Box<Dialer>,
}

type Dialer = dyn Fn() -> BoxFuture<io::Result<Box<dyn Socket>>> + Send + Sync;

impl Dial {
    async fn connect(self: Arc<Self>, shared: Arc<Shared>) -> Result<(), ConnectError> {
        let limit = shared.options.connect_timeout;
        let opened = within(&*shared.runtime, limit, self.open(&shared)).await;
        opened.ok_or_else(|| ConnectError::Timeout { to: self.endpoint.to_string(), within: limit })?
    }

    async fn open(&self, shared: &Arc<Shared>) -> Result<(), ConnectError> {
        match &self.endpoint {
            Endpoint::WebSocket { address, path } => {
                self.websocket(shared, &format!("ws://{address}{path}")).await
            }
            Endpoint::WebSocketUnix(_) => self.websocket(shared, "ws://localhost/ws").await,
            Endpoint::RawSocket(_) | Endpoint::Unix(_) => self.raw(shared).await,
        }
    }

    async fn dial(&self) -> Result<Box<dyn Socket>, ConnectError> {
        (self.dial)().await.map_err(|error| ConnectError::Io { to: self.endpoint.to_string(), error })
    }

    async fn websocket(&self, shared: &Arc<Shared>, url: &str) -> Result<(), ConnectError> {
        let upgrade = self.upgrade(shared, url)?;
        match request(self.dial().await?, upgrade).await {
            Ok((socket, response)) => self.upgraded(shared, socket, &response),
            Err(error) => Err(self.failed(describe(error))),
        }
    }

    fn upgrade(&self, shared: &Shared, url: &str) -> Result<Request, ConnectError> {
        let mut request = url.into_client_request().map_err(|error| self.failed(error.to_string()))?;
        let offer = HeaderValue::from_str(&websocket::offer(&subprotocols(&shared.options)));
        let offer = offer.map_err(|error| self.failed(error.to_string()))?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, offer);
        Ok(request)
    }

    fn upgraded(
        &self,
        shared: &Arc<Shared>,
        socket: impl Socket + 'static,
        response: &Response,
    ) -> Result<(), ConnectError> {
        let answer = response.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let subprotocol = websocket::accept(answer, &subprotocols(&shared.options))
            .map_err(|error| self.failed(error.to_string()))?;
        let limit = shared.options.limits.message_size;
        let socket = WebSocket::new(socket, Role::Client, subprotocol, limit);
        start(shared, socket, subprotocol.encoding, Limits::MAX_MESSAGE_SIZE);
        Ok(())
    }

    /// RawSocket offers one serializer at a time: the next one is tried when the router does not know it.
    async fn raw(&self, shared: &Arc<Shared>) -> Result<(), ConnectError> {
        let mut config = rawsocket::Config::default();
        config.receive_limit = shared.options.limits.message_size;
        let mut refused = "no serializer is offered".to_owned();
        for encoding in &shared.options.serializers {
            let mut raw = Raw::new(self.dial().await?, RawSocket::client(*encoding, &config));
            match raw.open().await {
                Ok((encoding, send_limit)) => {
                    start(shared, raw, encoding, send_limit);
                    return Ok(());
                }
                Err(RawSocketError::Refused(error)) if error == HandshakeRefused::SERIALIZER => {
                    refused = error.to_string();
                }
                Err(error) => return Err(self.failed(error.to_string())),
            }
        }
        Err(self.failed(refused))
    }

    fn failed(&self, why: String) -> ConnectError {
        ConnectError::Handshake { to: self.endpoint.to_string(), why }
    }
}

/// What to offer: a router that knows no batches takes the same serializer without.
fn subprotocols(options: &ClientOptions) -> Vec<Subprotocol> {
    let forms = |&encoding| {
        let batched = options.batched.then_some(Subprotocol::batched(encoding));
        batched.into_iter().chain([Subprotocol::plain(encoding)])
    };
    options.serializers.iter().flat_map(forms).collect()
}

/// A session begins, and a pump for it.
fn start(
    shared: &Arc<Shared>,
    transport: impl Transport + Send + 'static,
    encoding: Encoding,
    send_limit: usize,
) {
    let machine = shared.begin(encoding, send_limit);
    shared.runtime.spawn(Box::pin(pump::run(shared.runtime.clone(), transport, machine)));
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
