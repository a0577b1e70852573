//! The settings of one place to listen on.

use std::{fmt, time::Duration};

use wamp_proto::{Encoding, Limits, transport::heartbeat};

use super::upgrade::Origins;

/// One place that a router listens on, and what is let in there. A URL is one, with everything as the router has it.
///
/// ```
/// use std::time::Duration;
/// use wamp_driver::{net::Listener, proto::Encoding};
///
/// let _public = Listener::new("ws://127.0.0.1:8080")
///     .name("public")
///     .websocket_only()
///     .serializers([Encoding::Json])
///     .allow_origin("https://app.example.com")
///     .max_connections(500)
///     .max_connections_per_address(20)
///     .message_size(64 * 1024)
///     .handshake_timeout(Duration::from_secs(2));
/// ```
#[derive(Clone)]
#[must_use = "it is for a router"]
pub struct Listener {
    pub(super) url: String,
    pub(super) name: Option<String>,
    pub(super) encodings: Vec<Encoding>,
    pub(super) websocket: bool,
    pub(super) rawsocket: bool,
    pub(super) origins: Origins,
    pub(super) max_connections: Option<usize>,
    pub(super) max_per_address: Option<usize>,
    pub(super) message_size: Option<usize>,
    pub(super) handshake_timeout: Option<Duration>,
    pub(super) heartbeat: Option<heartbeat::Config>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::TlsConfig>,
}

impl Listener {
    /// At a URL: `ws://host:port` or `tcp://host:port`, which both take WebSocket on any path and RawSocket, told apart by
    /// their first byte (W-80); the same over TLS at `wss://host:port` or `tcps://host:port` (W-97); `unix:///path` for
    /// RawSocket and `ws+unix:///path` for WebSocket over a Unix socket. Port 0 takes a free port. At a web server of the
    /// application, it is only a name: see [`Router::entrance`](super::Router::entrance).
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: None,
            encodings: Encoding::ALL.to_vec(),
            websocket: true,
            rawsocket: true,
            origins: Origins::default(),
            max_connections: None,
            max_per_address: None,
            message_size: None,
            handshake_timeout: None,
            heartbeat: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// What to call it, in logs and for rules on who may come in where. Default: its URL.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How TLS is spoken here, instead of as the router has it; for URLs of TLS only.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: super::TlsConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// The serializers that clients may choose from, instead of all.
    pub fn serializers(mut self, serializers: impl IntoIterator<Item = Encoding>) -> Self {
        self.encodings = serializers.into_iter().collect();
        self
    }

    /// Takes no RawSocket.
    pub fn websocket_only(mut self) -> Self {
        (self.websocket, self.rawsocket) = (true, false);
        self
    }

    /// Takes no WebSocket.
    pub fn rawsocket_only(mut self) -> Self {
        (self.websocket, self.rawsocket) = (false, true);
        self
    }

    /// Lets web pages of one more origin connect here; see [`RouterBuilder::allow_origin`](super::RouterBuilder::allow_origin).
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.allowed.push(origin.into());
        self
    }

    /// Lets in no web page whose origin is not listed, not even of the same host; `*` is no origin then. Needed wherever a
    /// cookie logs in: a browser sends it along for every page that connects.
    pub fn strict_origins(mut self) -> Self {
        self.origins.strict = true;
        self
    }

    /// Most connections at once here; those of the router altogether are limited too.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// Most connections at once from one host, those in their handshake included, instead of any number. A network of
    /// IPv6, of 64 bits, is one host. Mind that all clients behind a proxy have its address.
    pub fn max_connections_per_address(mut self, connections: usize) -> Self {
        self.max_per_address = Some(connections);
        self
    }

    /// Longest message from a client, in bytes, where that is less than the router takes.
    pub fn message_size(mut self, bytes: usize) -> Self {
        self.message_size = Some(bytes);
        self
    }

    /// How long a connection may take for the handshakes of TLS and its transport, instead of as the router has it.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = Some(timeout);
        self
    }

    /// How long a client may be silent before it is asked for a sign of life, and how long it may take to give one, instead
    /// of as the router has it. An interval of zero never asks.
    pub fn heartbeat(mut self, interval: Duration, timeout: Duration) -> Self {
        self.heartbeat = Some(heartbeat::Config::new(interval, timeout));
        self
    }
}

/// What the listeners of a router have where they do not say.
pub(super) struct Defaults {
    pub(super) origins: Origins,
    pub(super) handshake_timeout: Duration,
    pub(super) heartbeat: heartbeat::Config,
    /// The longest message that any of them takes.
    pub(super) message_size: usize,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            origins: Origins::default(),
            handshake_timeout: Duration::from_secs(5),
            heartbeat: heartbeat::Config::ROUTER,
            message_size: Limits::default().message_size,
        }
    }
}

impl Defaults {
    /// The listener with nothing left open.
    pub(super) fn complete(&self, mut listener: Listener) -> Listener {
        listener.origins.allowed.extend_from_slice(&self.origins.allowed);
        listener.handshake_timeout.get_or_insert(self.handshake_timeout);
        listener.heartbeat.get_or_insert(self.heartbeat);
        let own = listener.message_size.unwrap_or(self.message_size);
        listener.message_size = Some(own.min(self.message_size));
        listener
    }
}

impl From<&str> for Listener {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for Listener {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl From<&String> for Listener {
    fn from(url: &String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("url", &self.url).field("name", &self.name).finish_non_exhaustive()
    }
}
