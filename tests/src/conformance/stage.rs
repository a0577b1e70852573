//! A router and the way to it.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use wamp_driver::{
    BoxFuture, Client, ClientOptions, CloseFuture, ConnectError,
    proto::{Encoding, router::Counts},
};

use super::{Kit, Serving};

/// How frames travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket over TCP.
    Ws,
    /// RawSocket over TCP.
    Tcp,
    /// RawSocket over a Unix socket.
    Unix,
    /// WebSocket over a Unix socket.
    WsUnix,
    /// Within the process.
    InProcess,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ws, Self::Tcp, Self::Unix, Self::WsUnix, Self::InProcess];

    /// Those that have a socket.
    pub const SOCKETS: [Self; 4] = [Self::Ws, Self::Tcp, Self::Unix, Self::WsUnix];

    /// Those that a TCP proxy can be put into.
    pub const TCP: [Self; 2] = [Self::Ws, Self::Tcp];

    /// Where a router is to listen for it; `None` when it has no socket.
    pub fn listen(self) -> Option<String> {
        static SOCKETS: AtomicUsize = AtomicUsize::new(0);
        let socket = || {
            let name = format!("wamp-{}-{}", std::process::id(), SOCKETS.fetch_add(1, Ordering::Relaxed));
            std::env::temp_dir().join(name).display().to_string()
        };
        Some(match self {
            Self::Ws => "ws://127.0.0.1:0".to_owned(),
            Self::Tcp => "tcp://127.0.0.1:0".to_owned(),
            Self::Unix => format!("unix://{}", socket()),
            Self::WsUnix => format!("ws+unix://{}", socket()),
            Self::InProcess => return None,
        })
    }
}

/// A router and the way to it: what most cases are given.
pub struct Stage {
    kit: Kit,
    encoding: Encoding,
    batched: bool,
    url: Option<String>,
    /// `None` when it is somebody else's: then nobody can look into it.
    router: Option<Arc<dyn Serving>>,
    /// What clients have that a case does not say.
    options: ClientOptions,
    /// The ends of the clients at somebody else's router, which no case waits for.
    ends: Arc<Mutex<Vec<CloseFuture>>>,
}

impl Stage {
    pub(super) fn new(kit: Kit, transport: Transport, encoding: Encoding, router: Arc<dyn Serving>) -> Self {
        let url = match transport {
            Transport::InProcess => None,
            _ => router.endpoints().first().map(ToString::to_string),
        };
        let (options, ends) = Default::default();
        Self { kit, encoding, batched: false, url, router: Some(router), options, ends }
    }

    /// A router that runs already, whoever made it.
    pub fn at(kit: Kit, url: impl Into<String>, encoding: Encoding) -> Self {
        let (options, ends) = Default::default();
        Self { kit, encoding, batched: false, url: Some(url.into()), router: None, options, ends }
    }

    /// The same, with other defaults for the clients, such as who they are.
    #[must_use]
    pub fn with_options(mut self, options: ClientOptions) -> Self {
        self.options = options;
        self
    }

    /// The same, for clients that ask for batches (W-50).
    #[must_use]
    pub fn batched(mut self) -> Self {
        self.batched = true;
        self
    }

    /// What to connect to; `None` when the router is reached within the process only.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The serializer that the clients speak.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The router, when it is ours.
    pub fn router(&self) -> Option<&dyn Serving> {
        self.router.as_deref()
    }

    /// A connection to be made.
    pub fn connect(&self) -> Dial {
        let mut dial = match (&self.url, &self.router) {
            (Some(url), Some(_)) => self.kit.connect(url),
            (Some(url), None) => self.kit.connect(url).remembered(self.ends.clone()),
            (None, Some(router)) => {
                let router = router.clone();
                Dial::new(move |options| router.connect(options))
            }
            (None, None) => unreachable!("a stage has a URL or a router"),
        };
        dial.options = self.options.clone();
        dial.serializers([self.encoding]).options(|options| options.batched = self.batched)
    }

    /// A client that has joined.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub async fn client(&self) -> Client {
        self.within(self.connect()).await.expect("it joins")
    }

    /// The router holds this now. What a router holds that is not ours, nobody can say.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn holds(&self, as_expected: impl Fn(&Counts) -> bool) {
        if let Some(router) = &self.router {
            assert!(as_expected(&router.counts()), "the router holds {:?}", router.counts());
        }
    }

    /// Waits until the router holds what it should.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub async fn settle(&self, as_expected: impl Fn(&Counts) -> bool) {
        if let Some(router) = &self.router {
            self.kit.settle(&**router, as_expected).await;
        }
    }

    /// The end of every client that has joined somebody else's router, which knows nothing of them afterwards.
    pub(super) fn ends(&self) -> impl Future<Output = ()> + use<> {
        let ends = self.ends.clone();
        async move {
            let ends = std::mem::take(&mut *ends.lock().unwrap_or_else(PoisonError::into_inner));
            join_all(ends).await;
        }
    }

    /// Shuts the router down.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub async fn shut_down(&self) {
        if let Some(router) = &self.router {
            self.within(router.shutdown()).await;
        }
    }
}

impl Deref for Stage {
    type Target = Kit;

    fn deref(&self) -> &Kit {
        &self.kit
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The time limits of a client that does not set them: longer than any of them waits for an answer, and shorter than a case may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A connection to be made: add settings, then `.await` it for a joined [`Client`].
#[must_use = "nothing is connected until it is awaited"]
pub struct Dial {
    options: ClientOptions,
    connect: Box<dyn FnOnce(ClientOptions) -> BoxFuture<Result<Client, ConnectError>> + Send>,
}

impl Dial {
    pub(super) fn new(
        connect: impl FnOnce(ClientOptions) -> BoxFuture<Result<Client, ConnectError>> + Send + 'static,
    ) -> Self {
        let mut options = ClientOptions::default();
        // Whoever waits for the end of a time limit sets it; nobody else is to meet one on a busy machine.
        for limit in [
            &mut options.connect_timeout,
            &mut options.join_timeout,
            &mut options.request_timeout,
            &mut options.close_timeout,
        ] {
            *limit = PATIENCE;
        }
        Self { options, connect: Box::new(connect) }
    }

    /// The same; the end of the client is kept here.
    fn remembered(self, ends: Arc<Mutex<Vec<CloseFuture>>>) -> Self {
        let connect = self.connect;
        let connect = move |options| -> BoxFuture<Result<Client, ConnectError>> {
            Box::pin(async move {
                let client = connect(options).await?;
                ends.lock().unwrap_or_else(PoisonError::into_inner).push(client.closed());
                Ok(client)
            })
        };
        Self { options: self.options, connect: Box::new(connect) }
    }

    /// Changes any of the settings.
    pub fn options(mut self, change: impl FnOnce(&mut ClientOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// The realm to join, instead of `realm1`.
    pub fn realm(self, realm: &str) -> Self {
        self.options(|options| realm.clone_into(&mut options.realm))
    }

    /// The serializers to offer, best first.
    pub fn serializers(self, serializers: impl IntoIterator<Item = Encoding>) -> Self {
        self.options(|options| options.serializers = serializers.into_iter().collect())
    }

    /// How long making the connection may take.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.options(|options| options.connect_timeout = timeout)
    }

    /// How long the answer to a request may take when the request does not say.
    pub fn request_timeout(self, timeout: Duration) -> Self {
        self.options(|options| options.request_timeout = timeout)
    }
}

impl IntoFuture for Dial {
    type Output = Result<Client, ConnectError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.connect)(self.options)
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("options", &self.options).finish_non_exhaustive()
    }
}
