//! A running router.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering},
    task::{Context, Poll},
};

use futures_channel::oneshot;
use wamp_proto::{
    Uri,
    router::{Changes, Counts, RealmCounts},
};

use super::{
    Connect, Entrance, Listener, Network, RouterBuilder, StartError, bind,
    gate::Gate,
    refusals::Refused,
    serve::{Server, accept},
    status::answer_all,
};
use crate::{
    endpoint::{Address, Endpoint, SocketAddress},
    router::Idle,
    shared::lock,
};

/// A running router. Dropping it closes its listeners and says GOODBYE to its sessions, but waits for nobody;
/// [`shutdown`](Self::shutdown) does.
pub struct Router<N: Network> {
    server: Arc<Server<N>>,
    endpoints: Vec<Endpoint>,
    #[cfg(feature = "tls")]
    gates: Vec<Arc<Gate>>,
    /// Dropped to stop the listeners.
    stop: Mutex<Vec<oneshot::Sender<()>>>,
    /// Unix sockets to remove from the file system.
    sockets: Vec<PathBuf>,
    /// Where HTTP is answered, until this is dropped.
    http: Option<(SocketAddress, oneshot::Sender<()>)>,
}

impl<N: Network> Router<N> {
    /// A router to be started.
    pub fn builder() -> RouterBuilder<N> {
        RouterBuilder::new()
    }

    /// Where the router listens, with the ports that were really taken.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Where the router answers HTTP, with the port that was really taken: see [`RouterBuilder::http`].
    pub fn http(&self) -> Option<&SocketAddress> {
        self.http.as_ref().map(|(address, _)| address)
    }

    /// The first endpoint as a URL, for a client; `None` when the router serves this process only.
    pub fn url(&self) -> Option<String> {
        self.endpoints.first().map(ToString::to_string)
    }

    /// A client within this process, without a socket.
    pub fn connect(&self) -> Connect<N> {
        Connect::router(self.server.handle.clone())
    }

    /// One more way in: for WebSockets at a web server that the application has anyway. `listener` has the settings, and its
    /// URL only is its name; those of TLS and RawSocket mean nothing there. With listeners of its own or without.
    pub fn entrance(&self, listener: impl Into<Listener>) -> Entrance<N> {
        Entrance::new(self.server.clone(), listener.into())
    }

    /// What the router holds at the moment.
    pub fn counts(&self) -> Counts {
        self.server.handle.counts()
    }

    /// What each realm holds at the moment, by name.
    pub fn realm_counts(&self) -> BTreeMap<Uri, RealmCounts> {
        self.server.handle.figures().realms
    }

    /// Changes settings while the router runs; see [`reconfigure`](wamp_proto::router::Router::reconfigure) of the core.
    pub fn reconfigure(&self, changes: Changes) {
        self.server.handle.reconfigure(changes);
    }

    /// Connections that were turned away before they became sessions.
    pub fn refused(&self) -> Refused {
        self.server.refusals.counts()
    }

    /// Reads the certificates and keys of TLS from their files again, for connections from now on; those that there are stay
    /// as they are.
    ///
    /// # Errors
    ///
    /// When a listener's files are bad: that one goes on with what it had.
    #[cfg(feature = "tls")]
    pub fn reload_tls(&self) -> Result<(), StartError> {
        let mut result = Ok(());
        for (endpoint, gate) in self.endpoints.iter().zip(&self.gates) {
            if let Some(Err(error)) = gate.acceptor.as_ref().map(super::tls::Acceptor::reload) {
                result = Err(StartError::Tls { endpoint: endpoint.clone(), error });
            }
        }
        result
    }

    /// Stops listening, says GOODBYE to every session and waits until all connections are gone, which each of them is after
    /// a second at most. Nobody needs to wait for it.
    pub fn shutdown(&self) -> ShutdownFuture {
        self.stop_listening();
        ShutdownFuture(self.server.handle.shutdown())
    }

    /// Ends as a process that is killed does, for tests of clients: stops listening and drops all connections, without
    /// GOODBYE.
    pub fn kill(&self) {
        self.stop_listening();
        self.server.handle.kill();
    }

    fn stop_listening(&self) {
        self.server.ready.store(false, Ordering::Relaxed);
        lock(&self.stop).clear();
        for socket in &self.sockets {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(socket);
        }
    }

    pub(super) fn open(
        server: Arc<Server<N>>,
        gates: Vec<(Endpoint, Gate)>,
        http: Option<String>,
    ) -> Result<Self, StartError> {
        let mut router = Self {
            server,
            endpoints: Vec::new(),
            #[cfg(feature = "tls")]
            gates: Vec::new(),
            stop: Mutex::default(),
            sockets: Vec::new(),
            http: None,
        };
        for (endpoint, gate) in gates {
            let opened = router.listen(&endpoint, Arc::new(gate));
            let actual = opened.map_err(|error| StartError::Listen { endpoint, error })?;
            router.endpoints.push(actual);
        }
        if let Some(address) = http {
            let opened = router.answer_http(&address);
            router.http = Some(opened.map_err(|error| StartError::Http { address, error })?);
        }
        router.server.ready.store(true, Ordering::Relaxed);
        Ok(router)
    }

    fn answer_http(&self, address: &str) -> io::Result<(SocketAddress, oneshot::Sender<()>)> {
        let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
        let mut address = SocketAddress::parse(address).map_err(invalid)?;
        let (listener, port) = bind::tcp(&address)?;
        address.port = port;
        let network = &self.server.network;
        let listener = network.listen(listener)?;
        let (keep, gone) = oneshot::channel();
        network.spawn(Box::pin(answer_all(self.server.clone(), listener, gone)));
        Ok((address, keep))
    }

    /// Opens a listener; gives the endpoint as clients reach it.
    fn listen(&mut self, endpoint: &Endpoint, gate: Arc<Gate>) -> io::Result<Endpoint> {
        let (listener, mut actual) = match endpoint.address() {
            Address::Tcp(SocketAddress { host, port }) => {
                let (listener, port) = bind::tcp(&SocketAddress { host: host.clone(), port })?;
                (listener, endpoint.clone().at(SocketAddress { host, port }))
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let listener = bind::unix(&path)?;
                self.sockets.push(path);
                (listener, endpoint.clone())
            }
            #[cfg(not(unix))]
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        if let Endpoint::WebSocket { path, .. } | Endpoint::WebSocketTls { path, .. } = &mut actual {
            if path == "/" {
                "/ws".clone_into(path);
            }
        }
        #[cfg(feature = "tls")]
        self.gates.push(gate.clone());
        self.accept(listener, gate)?;
        Ok(actual)
    }

    fn accept(&self, listener: bind::OpenListener, gate: Arc<Gate>) -> io::Result<()> {
        let network = &self.server.network;
        let listener = network.listen(listener)?;
        let (stop, stopped) = oneshot::channel();
        lock(&self.stop).push(stop);
        network.spawn(Box::pin(accept(self.server.clone(), gate, listener, stopped)));
        Ok(())
    }
}

impl<N: Network> Drop for Router<N> {
    fn drop(&mut self) {
        self.stop_listening();
        drop(self.server.handle.shutdown());
    }
}

impl<N: Network> fmt::Debug for Router<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// The end of a router: see [`Router::shutdown`].
#[derive(Debug)]
#[must_use = "the router stops by itself, but nobody waits for it"]
pub struct ShutdownFuture(Idle);

impl Future for ShutdownFuture {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}
