//! Connections at the router: how they are let in, and what they are given.

use std::{
    future::poll_fn,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use tracing::Instrument as _;
use tungstenite::protocol::Role;
use wamp_proto::{
    Channel,
    router::Opened,
    transport::rawsocket::{self, RawSocket},
};

use super::{
    Accept, Network, Socket,
    gate::Gate,
    handshakes::{Handshake, Handshakes},
    listener::Defaults,
    places::{AddressPlace, Place, Places},
    prefixed::Prefixed,
    pump,
    raw::Raw,
    refusals::{Reason, Refusals},
    socket::read,
    upgrade::{Agreed, upgrade},
    websocket::WebSocket,
};
use crate::router::RouterHandle;

/// What all connections of a router share.
pub(super) struct Server<N> {
    pub(super) network: Arc<N>,
    pub(super) handle: RouterHandle,
    pub(super) places: Arc<Places>,
    pub(super) handshakes: Arc<Handshakes>,
    pub(super) refusals: Refusals,
    /// For listeners that come later.
    pub(super) defaults: Defaults,
    /// All listeners are open, and stay so.
    pub(super) ready: AtomicBool,
}

impl<N> Server<N> {
    /// Whether clients can connect.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

/// How long to wait when the operating system has no more sockets (fault 26).
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until the router stops.
pub(super) async fn accept<N: Network>(
    server: Arc<Server<N>>,
    gate: Arc<Gate>,
    mut listener: Box<dyn Accept>,
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
        let handshake = server.handshakes.begin(&*server.network, gate.handshake_timeout);
        if let Some(visit) = Visit::begin(server.clone(), gate.clone(), socket.channel()) {
            server.network.spawn(Box::pin(visit.serve(socket, handshake)));
        }
    }
}

/// Most that is read to find out what is spoken: enough for a usual request.
pub(super) const FIRST_READ: usize = 1 << 10;

/// One connection, from when it is accepted.
pub(super) struct Visit<N> {
    pub(super) server: Arc<Server<N>>,
    pub(super) gate: Arc<Gate>,
    pub(super) channel: Channel,
    /// Its place among those of its address, where these are limited.
    _address: Option<AddressPlace>,
}

impl<N: Network> Visit<N> {
    /// `None` when there are too many from its address.
    pub(super) fn begin(server: Arc<Server<N>>, gate: Arc<Gate>, channel: Channel) -> Option<Self> {
        let address = channel.peer.as_deref().and_then(|peer| peer.parse::<SocketAddr>().ok());
        let limited = gate.addresses.as_ref().zip(address);
        let place = limited.map(|(addresses, address)| addresses.take(address.ip()));
        let full = matches!(place, Some(None));
        let visit = Self { server, gate, channel, _address: place.flatten() };
        if full {
            visit.refused(Reason::Address, "there are too many connections from its address");
        }
        (!full).then_some(visit)
    }

    pub(super) fn refused(&self, reason: Reason, why: &str) {
        let (now, peer) = (self.server.network.now(), self.channel.peer.as_deref());
        self.server.refusals.note(now, reason, &self.gate.name, peer, why);
    }

    pub(super) fn too_late(&self) {
        self.refused(Reason::Timeout, "its handshake was not finished in time");
    }

    /// A place at the listener and at the router, if both have one.
    pub(super) fn place(&self) -> Option<(Place, Option<Place>)> {
        let here = match &self.gate.places {
            Some(places) => Some(places.take()?),
            None => None,
        };
        Some((self.server.places.take()?, here))
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "only TLS has a handshake here"))]
    async fn serve(self, socket: Box<dyn Socket>, mut handshake: Handshake) {
        #[cfg(feature = "tls")]
        if self.gate.acceptor.is_some() {
            let secured = handshake.limit(self.secure(socket)).await;
            return match secured {
                Some(Some(socket)) => self.serve_transport(socket, handshake).await,
                Some(None) => {}
                None => self.too_late(),
            };
        }
        self.serve_transport(socket, handshake).await;
    }

    async fn serve_transport(&self, mut socket: impl Socket + 'static, mut handshake: Handshake) {
        let mut head = Vec::new();
        match handshake.limit(read(&mut socket, &mut head, FIRST_READ)).await {
            Some(Ok(1..)) if self.gate.is_rawsocket(&head) => self.serve_raw(socket, &head, handshake).await,
            Some(Ok(1..)) => self.serve_websocket(socket, head, handshake).await,
            Some(_) => tracing::debug!("a connection ended before its handshake"),
            None => self.too_late(),
        }
    }

    async fn serve_raw(&self, socket: impl Socket + 'static, head: &[u8], mut handshake: Handshake) {
        let place = self.place();
        let mut config = rawsocket::Config::default();
        config.receive_limit = self.gate.message_size;
        config.encodings.clone_from(&self.gate.encodings);
        // W-65: one connection too many is told so.
        let codec = if place.is_some() { RawSocket::server(&config) } else { RawSocket::refuse() };
        let mut channel = socket.channel();
        channel.listener = Some(self.gate.name.clone());
        let mut raw = Raw::with_read(socket, codec, head);
        match handshake.limit(raw.open()).await {
            Some(Ok((encoding, send_limit))) => {
                drop(handshake);
                let opened = Opened::new(encoding).send_limit(send_limit).channel(channel);
                let machine = self.server.handle.open(opened);
                let span = machine.span();
                let pump = pump::run(self.server.network.clone(), raw, machine, self.gate.heartbeat);
                pump.instrument(span).await;
            }
            Some(Err(error)) => {
                let reason = if place.is_some() { Reason::Handshake } else { Reason::Full };
                self.refused(reason, &error.to_string());
                drop(place);
                handshake.limit(raw.refuse(&*self.server.network, &error)).await;
            }
            None => self.too_late(),
        }
    }

    async fn serve_websocket(
        &self,
        mut socket: impl Socket + 'static,
        head: Vec<u8>,
        mut handshake: Handshake,
    ) {
        let Self { server, gate, .. } = self;
        let mut full = false;
        // A request that is refused takes no place, not even while its answer goes out.
        let admit = || {
            let place = self.place();
            full = place.is_none();
            place
        };
        let upgraded = upgrade(&*server.network, &mut socket, head, gate, admit);
        match handshake.limit(upgraded).await {
            Some(Ok((agreed, rest))) => {
                drop(handshake);
                let channel = socket.channel();
                self.serve_frames(Prefixed::new(rest, socket), channel, agreed).await;
            }
            Some(Err(error)) => {
                self.refused(if full { Reason::Full } else { Reason::Handshake }, &error);
            }
            None => self.too_late(),
        }
    }

    /// Serves a WebSocket from its first frame on.
    pub(super) async fn serve_frames<P>(
        &self,
        socket: impl Socket + 'static,
        mut channel: Channel,
        agreed: Agreed<P>,
    ) {
        let Self { server, gate, .. } = self;
        let Agreed { subprotocol, cookie, place: _place } = agreed;
        channel.listener = Some(gate.name.clone());
        channel.cookie = cookie;
        let socket = WebSocket::new(socket, Role::Server, subprotocol, gate.message_size);
        let machine = server.handle.open(Opened::new(subprotocol.encoding).channel(channel));
        let span = machine.span();
        pump::run(server.network.clone(), socket, machine, gate.heartbeat).instrument(span).await;
    }
}

#[cfg(feature = "tls")]
mod secure {
    use tungstenite::http::StatusCode;

    use super::{FIRST_READ, Network, Prefixed, Reason, Socket, Visit, read};
    use crate::net::{
        TlsError,
        http::refuse,
        socket::linger,
        tls::{self, TlsSocket},
    };

    impl<N: Network> Visit<N> {
        /// Speaks TLS with the client; `None` when it cannot, and was turned away.
        pub(super) async fn secure(&self, mut socket: Box<dyn Socket>) -> Option<TlsSocket> {
            let mut head = Vec::new();
            if !matches!(read(&mut socket, &mut head, FIRST_READ).await, Ok(1..)) {
                tracing::debug!("a connection ended before its handshake");
                return None;
            }
            let runtime = &*self.server.network;
            // Programs and people who speak plain HTTP understand an answer in plain HTTP.
            if head.first().is_some_and(u8::is_ascii_uppercase) {
                self.refused(Reason::Tls, "it speaks HTTP, and no TLS");
                let _ = refuse(runtime, &mut socket, StatusCode::BAD_REQUEST, tls::SPEAK_TLS).await;
                return None;
            }
            let acceptor = self.gate.acceptor.as_ref()?;
            let accepted = acceptor.accept(Box::new(Prefixed::new(head, socket)));
            let mut socket =
                accepted.inspect_err(|error| self.refused(Reason::Tls, &error.to_string())).ok()?;
            match socket.handshake().await {
                Ok(()) => Some(socket),
                Err(error) => {
                    let why = match error {
                        TlsError::NotTls => "it does not speak TLS".to_owned(),
                        error => error.to_string(),
                    };
                    self.refused(Reason::Tls, &why);
                    // The alert is to be heard.
                    linger(runtime, &mut socket.into_inner()).await;
                    None
                }
            }
        }
    }
}
