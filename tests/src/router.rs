//! A router for one test.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};
use wamp_blocking::{RouterBuilder, StartError, TlsConfig, Wait as _};
use wamp_driver::{
    Address, Endpoint, SocketAddress,
    net::{Connect, Network},
    proto::router::Counts,
};

use crate::{Client, Eventually, Faults, certificates::Authority, eventually, users};

/// A router in this process, on a free port of the loopback interface and on a thread of its own, so that tests of any
/// runtime, or of none, can use it. Any number of them run side by side; one takes about a millisecond to start.
///
/// Clones are handles of the same router. It stops when the last one is dropped.
///
/// ```
/// use wamp_blocking::Wait as _;
///
/// let router = wamp_test::Router::start();
/// let client = wamp_blocking::connect(&router.url()).wait()?;
/// client.register("com.example.add", |a: i64, b: i64| Ok(a + b)).wait()?;
/// router.wait_for_registrations(1).wait();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Router(Arc<Inner>);

struct Inner {
    endpoint: Endpoint,
    /// Keeps the port while the router is away.
    _place: Socket,
    settings: Box<Settings>,
    authority: Option<String>,
    running: Mutex<wamp_blocking::Router>,
}

type Settings = dyn Fn(RouterBuilder) -> RouterBuilder + Send + Sync;

impl Router {
    /// One that lets everybody in, with the realm `realm1`.
    ///
    /// # Panics
    ///
    /// When it does not start, as all that follow.
    pub fn start() -> Self {
        Self::with(|builder| builder)
    }

    /// One with settings, that are applied again by each [`restart`](Self::restart). Where to listen is not one of them.
    ///
    /// ```
    /// let router = wamp_test::Router::with(|builder| builder.realm("com.example.test"));
    /// ```
    pub fn with(settings: impl Fn(RouterBuilder) -> RouterBuilder + Send + Sync + 'static) -> Self {
        Self::at("ws://127.0.0.1", Box::new(settings), None)
    }

    /// One that asks everybody who they are: see [`users`].
    pub fn static_auth() -> Self {
        Self::with(|builder| builder.config(|config| config.authentication = vec![users::rule()]))
    }

    /// One that speaks TLS, with a certificate of an [authority](Self::ca_pem) made for it.
    pub fn tls() -> Self {
        let authority = Authority::new();
        let identity = authority.issue(&["localhost", "127.0.0.1"]);
        let tls = TlsConfig::from_pem(identity.chain, identity.key);
        let settings = move |builder: RouterBuilder| builder.tls(tls.clone());
        Self::at("wss://127.0.0.1", Box::new(settings), Some(authority.pem()))
    }

    /// One that asks a client for a sign of life after half a second of silence, and gives it one second.
    pub fn impatient_ping() -> Self {
        Self::with(|builder| builder.heartbeat(Duration::from_millis(500), Duration::from_secs(1)))
    }

    /// One that listens on IPv6, which not every machine has.
    pub fn ipv6() -> Self {
        Self::at("ws://[::1]", Box::new(|builder| builder), None)
    }

    fn at(host: &str, settings: Box<Settings>, authority: Option<String>) -> Self {
        let endpoint: Endpoint = format!("{host}:0/ws").parse().expect("the URL is one");
        let Address::Tcp(address) = endpoint.address() else { unreachable!("it is one of TCP") };
        let (place, port) = reserve(&address).unwrap_or_else(|error| panic!("no port of {address}: {error}"));
        let endpoint = endpoint.at(SocketAddress { port, ..address });
        let running = start(&endpoint, &*settings).unwrap_or_else(|error| panic!("the router: {error}"));
        Self(Arc::new(Inner { endpoint, _place: place, settings, authority, running: Mutex::new(running) }))
    }

    /// What clients connect to: the same as [`ws_url`](Self::ws_url).
    pub fn url(&self) -> String {
        self.ws_url()
    }

    /// The URL for WebSocket: `ws://`, or `wss://` where it speaks TLS.
    pub fn ws_url(&self) -> String {
        self.0.endpoint.to_string()
    }

    /// The URL for RawSocket: `tcp://`, or `tcps://` where it speaks TLS.
    pub fn tcp_url(&self) -> String {
        let Address::Tcp(address) = self.0.endpoint.address() else { unreachable!("it is one of TCP") };
        let secure = self.0.endpoint.is_tls();
        if secure { Endpoint::RawSocketTls(address) } else { Endpoint::RawSocket(address) }.to_string()
    }

    /// The certificate of the authority that clients are to trust, in PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.0.authority.as_deref()
    }

    /// A connection to be made, over WebSocket: `router.connect::<wamp_tokio::Tokio>()`. It trusts the router's certificate.
    pub fn connect<N: Network>(&self) -> Connect<N> {
        self.connect_to(&self.url())
    }

    /// The same, to another URL of this router.
    pub fn connect_to<N: Network>(&self, url: &str) -> Connect<N> {
        let connect = Connect::url(url);
        match self.ca_pem() {
            Some(pem) => connect.ca_pem(pem),
            None => connect,
        }
    }

    /// A client that has joined, whose messages are recorded.
    ///
    /// # Panics
    ///
    /// When it cannot join.
    pub async fn client<N: Network>(&self) -> Client<N::Client> {
        Client::join(self.connect::<N>()).await
    }

    /// A network between this router and its clients that fails on request. Every one is another.
    pub fn faults(&self) -> Faults {
        Faults::new(self.clone())
    }

    /// What the router holds at the moment.
    pub fn counts(&self) -> Counts {
        self.running().counts()
    }

    /// Ends all sessions as if the router's process were killed: connections just end, and nobody is told. Its port refuses
    /// connections until it is started [again](Self::restart).
    pub fn kill(&self) {
        self.running().kill();
    }

    /// Kills it if it runs, and starts it again at the same port, with nothing of what it held.
    pub fn restart(&self) {
        let mut running = self.running();
        running.kill();
        // Its listener closes on another thread.
        *running = eventually(|| start(&self.0.endpoint, &*self.0.settings)).wait();
    }

    /// Waits until there are so many sessions, no more and no fewer; those of other clients count too.
    #[track_caller]
    pub fn wait_for_sessions(&self, sessions: usize) -> Eventually<'_, ()> {
        self.wait_for("sessions", sessions, |counts| counts.sessions)
    }

    /// Waits until so many procedures are registered, no more and no fewer.
    #[track_caller]
    pub fn wait_for_registrations(&self, registrations: usize) -> Eventually<'_, ()> {
        self.wait_for("registrations", registrations, |counts| counts.registrations)
    }

    /// Waits until so many topics are subscribed to, no more and no fewer.
    #[track_caller]
    pub fn wait_for_subscriptions(&self, subscriptions: usize) -> Eventually<'_, ()> {
        self.wait_for("subscriptions", subscriptions, |counts| counts.subscriptions)
    }

    #[track_caller]
    fn wait_for(&self, what: &'static str, wanted: usize, count: fn(&Counts) -> usize) -> Eventually<'_, ()> {
        eventually(move || match count(&self.counts()) {
            count if count == wanted => Ok(()),
            count => Err(format!("the router has {count} {what}, not {wanted}")),
        })
    }

    fn running(&self) -> MutexGuard<'_, wamp_blocking::Router> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("url", &self.url()).finish_non_exhaustive()
    }
}

fn start(endpoint: &Endpoint, settings: &Settings) -> Result<wamp_blocking::Router, StartError> {
    settings(wamp_blocking::Router::builder()).listen(endpoint.to_string()).wait()
}

/// A free port, bound but not listened on: nobody else is given it, while a listener that may share it can come and go.
fn reserve(address: &SocketAddress) -> std::io::Result<(Socket, u16)> {
    let ip: std::net::IpAddr = address.host.parse().map_err(std::io::Error::other)?;
    let address = std::net::SocketAddr::new(ip, 0);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    let port = socket.local_addr()?.as_socket().map_or(0, |bound| bound.port());
    Ok((socket, port))
}
