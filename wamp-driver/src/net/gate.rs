//! What is let in at a listener: its settings, worked out.

use std::{sync::Arc, time::Duration};

use wamp_proto::{
    Encoding,
    transport::{heartbeat, rawsocket, websocket::Subprotocol},
};

use super::{
    TlsError,
    listener::Listener,
    places::{Addresses, Places},
    upgrade::Origins,
};
use crate::endpoint::Endpoint;

/// A listener's settings, as its connections need them.
pub(super) struct Gate {
    pub(super) name: Arc<str>,
    pub(super) encodings: Vec<Encoding>,
    pub(super) subprotocols: Vec<Subprotocol>,
    websocket: bool,
    rawsocket: bool,
    pub(super) origins: Origins,
    pub(super) places: Option<Arc<Places>>,
    pub(super) addresses: Option<Arc<Addresses>>,
    pub(super) message_size: usize,
    pub(super) handshake_timeout: Duration,
    pub(super) heartbeat: heartbeat::Config,
    #[cfg(feature = "tls")]
    pub(super) acceptor: Option<super::tls::Acceptor>,
}

impl Gate {
    /// The gate of a listener at this endpoint, which has no setting left to the router.
    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "only TLS has settings of its own"))]
    pub(super) fn new(endpoint: &Endpoint, mut listener: Listener) -> Result<Self, TlsError> {
        #[cfg(not(feature = "tls"))]
        if endpoint.is_tls() {
            return Err(TlsError::NotBuilt);
        }
        #[cfg(feature = "tls")]
        let acceptor = acceptor(endpoint, listener.tls.take())?;
        let gate = Self::at_web_server(listener);
        Ok(Self {
            #[cfg(feature = "tls")]
            acceptor,
            websocket: gate.websocket && !matches!(endpoint, Endpoint::Unix(_)),
            rawsocket: gate.rawsocket && !matches!(endpoint, Endpoint::WebSocketUnix(_)),
            ..gate
        })
    }

    /// The gate of a listener at a web server, which speaks TLS itself, or does not.
    pub(super) fn at_web_server(listener: Listener) -> Self {
        Self {
            #[cfg(feature = "tls")]
            acceptor: None,
            name: listener.name.unwrap_or(listener.url).into(),
            subprotocols: subprotocols(&listener.encodings),
            encodings: listener.encodings,
            websocket: listener.websocket,
            rawsocket: listener.rawsocket,
            origins: listener.origins,
            places: listener.max_connections.map(Places::new),
            addresses: listener.max_per_address.map(Addresses::new),
            message_size: listener.message_size.unwrap_or_default(),
            handshake_timeout: listener.handshake_timeout.unwrap_or_default(),
            heartbeat: listener.heartbeat.unwrap_or(heartbeat::Config::ROUTER),
        }
    }

    /// Whether a connection that begins so is a RawSocket. Where both are spoken, the first byte says: 0x7F is no HTTP
    /// method (W-80).
    pub(super) fn is_rawsocket(&self, head: &[u8]) -> bool {
        match (self.websocket, self.rawsocket) {
            (true, true) => head.first() == Some(&rawsocket::MAGIC),
            (_, rawsocket) => rawsocket,
        }
    }
}

/// What a WebSocket may speak, in batches or without.
fn subprotocols(encodings: &[Encoding]) -> Vec<Subprotocol> {
    let spoken = |subprotocol: &Subprotocol| encodings.contains(&subprotocol.encoding);
    Subprotocol::ALL.into_iter().filter(spoken).collect()
}

#[cfg(feature = "tls")]
fn acceptor(
    endpoint: &Endpoint,
    config: Option<super::TlsConfig>,
) -> Result<Option<super::tls::Acceptor>, TlsError> {
    match (endpoint.is_tls(), config) {
        (true, Some(config)) => super::tls::Acceptor::new(config).map(Some),
        (true, None) => Err(TlsError::Settings("there is no certificate: give one with `tls`".to_owned())),
        (false, Some(_)) => Err(TlsError::Settings("its URL is one of plaintext".to_owned())),
        (false, None) => Ok(None),
    }
}
