//! From a URL to a joined session.

mod dial;
mod hooks;
#[cfg(feature = "tls")]
mod secure;

use std::{
    fmt, io,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tungstenite::{
    client::IntoClientRequest as _,
    handshake::client::{Request, Response},
    http::header::{HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL},
    protocol::Role,
};
use wamp_proto::{
    Channel, Encoding, Limits,
    reconnect::Policy,
    transport::{
        heartbeat,
        rawsocket::{self, HandshakeRefused, RawSocket, RawSocketError},
        websocket::{self, Subprotocol},
    },
};

use self::dial::{Dial, Dialer};
use super::{
    Network, Socket,
    pump::{self, Transport},
    raw::Raw,
    tls::{self, TlsError},
    websocket::{WebSocket, request},
    within,
};
use crate::{
    Cipher, Client, ConnectError, IpVersion,
    auth::Auth,
    connect::ClientOptions,
    endpoint::Endpoint,
    environment::{self, DEFAULT_URL, Environment},
    error::Tried,
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
    /// What is wrong with the environment, to be told when it is awaited.
    refused: Option<ConnectError>,
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

    /// To where the environment says, as `wamp run` sets it for its programs and as the command `wamp` reads it: `WAMP_URL`, or else
    /// `ws://localhost:8080/ws`; `WAMP_REALM` and `WAMP_SERIALIZER`; the heartbeat as for the [default](Self::default).
    ///
    /// Whom it joins as: `WAMP_AUTHID`, with the secrets in `WAMP_PRIVATE_KEY`, `WAMP_PASSWORD`, `WAMP_SECRET` (or `WAMPYSECRET`) and
    /// `WAMP_TICKET`, the strongest first, or by the methods of `WAMP_AUTHMETHOD`, with commas between them;
    /// `WAMP_CHANNEL_BINDING` and `WAMP_ROUTER_KEY` for those that know them. How TLS is spoken: `WAMP_CACERT`, `WAMP_CERT` with
    /// `WAMP_KEY`, `WAMP_SERVER_NAME`.
    ///
    /// An empty variable is one that is not set. One that is wrong is an error when this is awaited, which names it; to look at the
    /// settings, or to change them, see [`Environment`].
    pub fn from_env() -> Self {
        let connect = Environment::read().and_then(|environment| environment.connect());
        connect.unwrap_or_else(|error| Self { refused: Some(error), ..Self::url(DEFAULT_URL) })
    }

    /// To the router at a URL, with the heartbeat of the environment.
    pub(crate) fn beating(url: &str) -> Self {
        let mut connect = Self::url(url);
        match environment::heartbeat(connect.options.heartbeat, |name| std::env::var_os(name)) {
            Ok(heartbeat) => connect.options.heartbeat = heartbeat,
            Err(error) => connect.refused = Some(error),
        }
        connect
    }

    /// To a router within this process.
    pub(super) fn router(router: RouterHandle) -> Self {
        Self::new(To::Router(router))
    }

    fn new(to: To) -> Self {
        Self { to, options: ClientOptions::default(), refused: None, network: PhantomData }
    }

    /// One more URL, of a router that is as good as the first one. Each attempt goes through the URLs, from the one behind the
    /// last that was tried, until a connection can be opened; when none can, the error names each with its own:
    /// [`ConnectError::NoneOf`]. Every URL has the whole time limit. A client that [reconnects](Self::reconnect) waits only after it has tried them all.
    ///
    /// A router that opens a connection and refuses the session ends the attempt: the next one begins behind it.
    pub fn or(mut self, url: impl Into<String>) -> Self {
        self.options.alternatives.push(url.into());
        self
    }

    /// Which version of IP to connect over, instead of any that the host has.
    pub fn ip(mut self, version: IpVersion) -> Self {
        self.options.ip = version;
        self
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

    /// How long the router may be silent before it is asked for a sign of life, and how long it may take to give one, instead
    /// of 20 s and 10 s: a session whose network is gone ends within the sum of the two. An interval of zero never asks.
    pub fn heartbeat(mut self, interval: Duration, timeout: Duration) -> Self {
        self.options.heartbeat = heartbeat::Config::new(interval, timeout);
        self
    }

    /// Connects again after a failure, as the policy has it; also when the first attempt fails. See
    /// [`Client::lifecycle`](crate::Client::lifecycle). Secrets and certificates are read anew for every attempt.
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

    /// How to prove who we are: [`Ticket`](crate::auth::Ticket), [`Cra`](crate::auth::Cra),
    /// [`Scram`](crate::auth::Scram), [`Cryptosign`](crate::auth::Cryptosign), ... Several are offered in the order of the
    /// calls, and the router chooses. Without any, the client is anonymous.
    pub fn auth(mut self, auth: impl Into<Auth>) -> Self {
        self.options.auth.push(auth.into());
        self
    }

    /// One more header of the WebSocket handshake.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push((name.into(), value.into().into()));
        self
    }

    /// The cookies of the WebSocket handshake: `name=value; name2=value2`. A client is known by them when it offers
    /// [`CookieHeader`](crate::auth::CookieHeader).
    pub fn cookie(self, cookies: impl Into<String>) -> Self {
        self.header("cookie", cookies)
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
        Box::pin(async move { self.on(N::current()).await.map(N::Client::from) })
    }
}

impl<N: Network> Connect<N> {
    /// Connects in this runtime.
    pub(crate) fn on(self, network: Arc<N>) -> BoxFuture<Result<Client, ConnectError>> {
        Box::pin(async move {
            if let Some(error) = self.refused {
                return Err(error);
            }
            let attempt: Box<Attempt> = match self.to {
                To::Url(url) => {
                    let urls = [&url].into_iter().chain(&self.options.alternatives);
                    let endpoints = urls.map(|url| url.parse()).collect::<Result<_, _>>()?;
                    let dialer = dial::dialer(network.clone(), self.options.ip);
                    let targets = Arc::new(Targets { endpoints, tried: AtomicUsize::new(0), dialer });
                    Box::new(move |shared| Box::pin(targets.clone().connect(shared)))
                }
                To::Router(router) => {
                    let known_as = router.known_as();
                    memory::attempt(router, known_as)
                }
            };
            Supervisor::new(network, self.options, attempt)?.connect().await
        })
    }
}

impl<N: Network> From<&str> for Connect<N> {
    fn from(url: &str) -> Self {
        Self::url(url)
    }
}

impl<N: Network> From<String> for Connect<N> {
    fn from(url: String) -> Self {
        Self::url(url)
    }
}

/// To `ws://localhost:8080/ws`, with the heartbeat of the environment: `WAMP_HEARTBEAT` and `WAMP_HEARTBEAT_TIMEOUT` are
/// durations such as `20`, `20s`, `500ms` or `off`.
impl<N: Network> Default for Connect<N> {
    fn default() -> Self {
        Self::beating(DEFAULT_URL)
    }
}

impl<N> fmt::Debug for Connect<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Where a client may connect to.
struct Targets {
    endpoints: Vec<Endpoint>,
    /// How often one was tried: they take turns.
    tried: AtomicUsize,
    dialer: Arc<Dialer>,
}

impl Targets {
    /// One attempt: each endpoint has one chance.
    async fn connect(self: Arc<Self>, shared: Arc<Shared>) -> Result<(), ConnectError> {
        let mut tried = Vec::new();
        for _ in &self.endpoints {
            let place = self.tried.fetch_add(1, Ordering::Relaxed) % self.endpoints.len();
            let Some(endpoint) = self.endpoints.get(place) else { break };
            let Err(error) = connect(shared.clone(), endpoint.clone(), self.dialer.clone()).await else {
                return Ok(());
            };
            tracing::debug!(%error, "no connection");
            tried.push(Tried { url: endpoint.to_string(), error });
        }
        Err(ConnectError::of(tried))
    }
}

/// One attempt to connect.
async fn connect(shared: Arc<Shared>, endpoint: Endpoint, dialer: Arc<Dialer>) -> Result<(), ConnectError> {
    let dial = Dial::new(endpoint, dialer, &shared.options)?;
    let opening = Opening { shared, dial };
    let limit = opening.options().connect_timeout;
    let opened = within(&*opening.shared.runtime, limit, opening.open()).await;
    opened.ok_or_else(|| ConnectError::Timeout { to: opening.dial.endpoint.to_string(), within: limit })?
}

/// A connection being made: the handshake of its transport.
struct Opening {
    shared: Arc<Shared>,
    dial: Dial,
}

impl Opening {
    fn options(&self) -> &ClientOptions {
        &self.shared.options
    }

    async fn open(&self) -> Result<(), ConnectError> {
        match &self.dial.endpoint {
            Endpoint::WebSocket { address, path } => self.websocket(&format!("ws://{address}{path}")).await,
            Endpoint::WebSocketTls { address, path } => {
                self.websocket(&format!("wss://{address}{path}")).await
            }
            Endpoint::WebSocketUnix(_) => self.websocket("ws://localhost/ws").await,
            Endpoint::RawSocket(_) | Endpoint::RawSocketTls(_) | Endpoint::Unix(_) => self.raw().await,
        }
    }

    async fn websocket(&self, url: &str) -> Result<(), ConnectError> {
        let upgrade = self.upgrade(url)?;
        let socket = self.dial.open().await?;
        let channel = socket.channel();
        match request(socket, upgrade).await {
            Ok((socket, response)) => self.upgraded(socket, &response, channel),
            Err(tungstenite::Error::Io(error)) => Err(self.broken(&error)),
            Err(error) => Err(self.failed(describe(error))),
        }
    }

    fn upgrade(&self, url: &str) -> Result<Request, ConnectError> {
        let mut request = url.into_client_request().map_err(|error| self.failed(error.to_string()))?;
        let offer = HeaderValue::from_str(&websocket::offer(&self.subprotocols()));
        let offer = offer.map_err(|error| self.failed(error.to_string()))?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, offer);
        for (name, value) in &self.options().headers {
            // The value may be a secret: the error does not show it.
            let bad = || self.failed(format!("the header `{name}` cannot be sent"));
            let header = HeaderName::try_from(name.as_str()).map_err(|_| bad())?;
            let mut value = HeaderValue::from_bytes(value.expose()).map_err(|_| bad())?;
            value.set_sensitive(true);
            request.headers_mut().append(header, value);
        }
        Ok(request)
    }

    fn upgraded(
        &self,
        socket: impl Socket + 'static,
        response: &Response,
        channel: Channel,
    ) -> Result<(), ConnectError> {
        let answer = response.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let subprotocol = websocket::accept(answer, &self.subprotocols())
            .map_err(|error| self.failed(error.to_string()))?;
        let socket = WebSocket::new(socket, Role::Client, subprotocol, self.options().limits.message_size);
        self.start(socket, subprotocol.encoding, Limits::MAX_MESSAGE_SIZE, channel)
    }

    /// What to offer: a router that knows no batches takes the same serializer without.
    fn subprotocols(&self) -> Vec<Subprotocol> {
        let forms = |&encoding| {
            let batched = self.options().batched.then_some(Subprotocol::batched(encoding));
            batched.into_iter().chain([Subprotocol::plain(encoding)])
        };
        self.options().serializers.iter().flat_map(forms).collect()
    }

    /// RawSocket offers one serializer at a time: the next one is tried when the router does not know it.
    async fn raw(&self) -> Result<(), ConnectError> {
        let mut config = rawsocket::Config::default();
        config.receive_limit = self.options().limits.message_size;
        let mut refused = "no serializer is offered".to_owned();
        for encoding in &self.options().serializers {
            let socket = self.dial.open().await?;
            let channel = socket.channel();
            let mut raw = Raw::new(socket, RawSocket::client(*encoding, &config));
            match raw.open().await {
                Ok((encoding, send_limit)) => return self.start(raw, encoding, send_limit, channel),
                Err(RawSocketError::Refused(error)) if error == HandshakeRefused::SERIALIZER => {
                    refused = error.to_string();
                }
                Err(RawSocketError::NotRawSocket { octet: tls::ALERT }) => {
                    return Err(self.dial.no_tls(TlsError::TlsExpected));
                }
                Err(error) => {
                    return Err(raw
                        .failure()
                        .map_or_else(|| self.failed(error.to_string()), |failure| self.broken(failure)));
                }
            }
        }
        Err(self.failed(refused))
    }

    /// A session begins, and a pump for it.
    fn start(
        &self,
        transport: impl Transport + Send + 'static,
        encoding: Encoding,
        send_limit: usize,
        channel: Channel,
    ) -> Result<(), ConnectError> {
        let machine = self.shared.begin(encoding, send_limit, channel)?;
        let runtime = &self.shared.runtime;
        let pump = pump::run(runtime.clone(), transport, machine, self.options().heartbeat);
        runtime.spawn(Box::pin(pump));
        Ok(())
    }

    fn failed(&self, why: String) -> ConnectError {
        ConnectError::Handshake { to: self.dial.endpoint.to_string(), why }
    }

    /// The socket failed within the handshake of the transport; it may be TLS that did.
    fn broken(&self, error: &io::Error) -> ConnectError {
        match TlsError::within(error) {
            Some(error) => self.dial.no_tls(error.clone()),
            None => self.failed(error.to_string()),
        }
    }
}

fn describe(error: tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Http(response) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            // A router's reason is a line; the page of some web server tells nobody anything.
            match (response.status(), body.trim()) {
                (status, page) if page.is_empty() || page.starts_with('<') => {
                    format!("it answered HTTP {status}")
                }
                (status, reason) => format!("it answered HTTP {status}: {reason}"),
            }
        }
        error => error.to_string(),
    }
}
