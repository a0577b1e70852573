//! What cases are made with: clients and routers of an adapter, or of two.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc, thread, time::Duration};

use futures_channel::oneshot;
use futures_util::{FutureExt as _, future::join_all};
use wamp_driver::{
    BoxFuture, Client, ClientOptions, ConnectError, Endpoint, Question, ReconnectPolicy, Recording, Routes,
    RunFuture, Runner, Runtime, ShutdownHandle, SocketAddress, Verdict,
    auth::{BoxError, Method},
    net::{Connect, Listener, Network, Refused, Router, RouterBuilder, ShutdownFuture, StartError},
    proto::{
        Encoding,
        router::{Authorization, Changes, Config, Counts, Permission},
    },
};

use super::{Adapter, Body, Case, Dial, Stage, Transport, tools::LONG};

/// Clients of an adapter, and routers of the same or another one.
#[derive(Clone)]
pub struct Kit {
    pub(super) runtime: Arc<dyn Runtime>,
    connect: ConnectFn,
    start: StartFn,
    run: RunFn,
    /// Whether clients and routers can be within one process, without a socket between them.
    in_process: bool,
}

type ConnectFn = fn(String, ClientOptions) -> BoxFuture<Result<Client, ConnectError>>;
type RunFn = fn(String, ReconnectPolicy, Routes, Duration) -> (ShutdownHandle, RunFuture);
type StartFn = fn(RouterSettings) -> BoxFuture<Result<Arc<dyn Serving>, StartError>>;

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit").finish_non_exhaustive()
    }
}

/// A router of any adapter.
pub trait Serving: Send + Sync {
    /// See [`Router::endpoints`].
    fn endpoints(&self) -> &[Endpoint];

    /// See [`Router::http`].
    fn http(&self) -> Option<&SocketAddress>;

    /// See [`Router::counts`].
    fn counts(&self) -> Counts;

    /// See [`Router::reconfigure`].
    fn reconfigure(&self, changes: Changes);

    /// See [`Router::refused`].
    fn refused(&self) -> Refused;

    /// See [`Router::reload_tls`].
    ///
    /// # Errors
    ///
    /// As there.
    fn reload_tls(&self) -> Result<(), StartError>;

    /// See [`Router::shutdown`].
    fn shutdown(&self) -> ShutdownFuture;

    /// See [`Router::kill`].
    fn kill(&self);

    /// See [`Router::connect`].
    fn connect(&self, options: ClientOptions) -> BoxFuture<Result<Client, ConnectError>>;
}

impl<N: Network<Client: Into<Client>>> Serving for Router<N> {
    fn endpoints(&self) -> &[Endpoint] {
        Self::endpoints(self)
    }

    fn http(&self) -> Option<&SocketAddress> {
        Self::http(self)
    }

    fn counts(&self) -> Counts {
        Self::counts(self)
    }

    fn reconfigure(&self, changes: Changes) {
        Self::reconfigure(self, changes);
    }

    fn refused(&self) -> Refused {
        Self::refused(self)
    }

    fn reload_tls(&self) -> Result<(), StartError> {
        Self::reload_tls(self)
    }

    fn shutdown(&self) -> ShutdownFuture {
        Self::shutdown(self)
    }

    fn kill(&self) {
        Self::kill(self);
    }

    fn connect(&self, options: ClientOptions) -> BoxFuture<Result<Client, ConnectError>> {
        finish(Self::connect(self), options)
    }
}

fn finish<N: Network<Client: Into<Client>>>(
    connect: Connect<N>,
    options: ClientOptions,
) -> BoxFuture<Result<Client, ConnectError>> {
    let joined = connect.options(|set| *set = options).into_future();
    Box::pin(async move { joined.await.map(Into::into) })
}

fn run<N: Network>(
    url: String,
    policy: ReconnectPolicy,
    routes: Routes,
    grace: Duration,
) -> (ShutdownHandle, RunFuture) {
    let connect = Connect::<N>::url(url).reconnect(policy);
    let runner = Runner::new().connect(connect).serve(routes).drain_within(grace);
    (runner.shutdown_handle(), runner.run())
}

/// What a router is started with; what is not set is as [`RouterBuilder`] has it.
#[derive(Default)]
#[must_use = "no router runs until it is started"]
pub struct RouterSettings {
    listen: Vec<Listener>,
    http: bool,
    heartbeat: Option<(Duration, Duration)>,
    config: Option<Change>,
    handshake_timeout: Option<Duration>,
    max_connections: Option<usize>,
    max_handshakes: Option<usize>,
    realms: Vec<String>,
    authenticators: Vec<(String, Vec<Method>, Asked)>,
    authenticator_timeout: Option<Duration>,
    authorizer: Option<Authorize>,
    authorizer_procedure: Option<String>,
    tap: Option<Recording>,
}

/// Who decides about clients.
enum Asked {
    Code(Decide),
    Procedure(String, String),
}

/// An authenticator.
pub(super) type Decide = fn(Question) -> BoxFuture<Result<Verdict, BoxError>>;

type Authorize = Box<dyn Fn(Authorization) -> BoxFuture<Permission> + Send + Sync>;
type Change = Box<dyn FnOnce(&mut Config) + Send>;

impl fmt::Debug for RouterSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterSettings").field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl RouterSettings {
    /// A router that listens here, with a free port where a port is needed.
    pub fn on(transport: Transport) -> Self {
        Self { listen: transport.listen().map(Listener::new).into_iter().collect(), ..Self::default() }
    }

    /// A router that listens here.
    pub fn at(listener: impl Into<Listener>) -> Self {
        Self { listen: vec![listener.into()], ..Self::default() }
    }

    /// See [`RouterBuilder::http`]: at a free port.
    pub fn http(mut self) -> Self {
        self.http = true;
        self
    }

    /// See [`RouterBuilder::heartbeat`].
    pub fn heartbeat(mut self, interval: Duration, timeout: Duration) -> Self {
        self.heartbeat = Some((interval, timeout));
        self
    }

    /// See [`RouterBuilder::config`].
    pub fn config(mut self, change: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        self.config = Some(Box::new(change));
        self
    }

    /// See [`RouterBuilder::handshake_timeout`].
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = Some(timeout);
        self
    }

    /// See [`RouterBuilder::max_connections`].
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// See [`RouterBuilder::max_handshakes`].
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.max_handshakes = Some(handshakes);
        self
    }

    /// See [`RouterBuilder::realm`].
    pub fn realms<const N: usize>(mut self, realms: [&str; N]) -> Self {
        self.realms = realms.map(str::to_owned).into();
        self
    }

    /// See [`RouterBuilder::authenticator`].
    pub fn authenticator(mut self, realm: &str, methods: Vec<Method>, decide: Decide) -> Self {
        self.authenticators.push((realm.to_owned(), methods, Asked::Code(decide)));
        self
    }

    /// See [`RouterBuilder::authenticator_procedure`].
    pub fn authenticator_procedure(
        mut self,
        realm: &str,
        methods: Vec<Method>,
        procedure: &str,
        within: &str,
    ) -> Self {
        let asked = Asked::Procedure(procedure.to_owned(), within.to_owned());
        self.authenticators.push((realm.to_owned(), methods, asked));
        self
    }

    /// See [`RouterBuilder::authenticator_timeout`].
    pub fn authenticator_timeout(mut self, timeout: Duration) -> Self {
        self.authenticator_timeout = Some(timeout);
        self
    }

    /// See [`RouterBuilder::authorizer`]: for `realm1`.
    pub fn authorizer(
        mut self,
        decide: impl Fn(Authorization) -> BoxFuture<Permission> + Send + Sync + 'static,
    ) -> Self {
        self.authorizer = Some(Box::new(decide));
        self
    }

    /// See [`RouterBuilder::authorizer_procedure`]: for `realm1`.
    pub fn authorizer_procedure(mut self, procedure: &str) -> Self {
        self.authorizer_procedure = Some(procedure.to_owned());
        self
    }

    /// See [`RouterBuilder::tap`].
    pub fn tap(mut self, recording: &Recording) -> Self {
        self.tap = Some(recording.clone());
        self
    }

    fn builder<N: Network>(self) -> RouterBuilder<N> {
        let mut builder = self.listen.into_iter().fold(Router::builder(), RouterBuilder::listen);
        builder = self.realms.into_iter().fold(builder, RouterBuilder::realm);
        builder = self.tap.into_iter().fold(builder, RouterBuilder::tap);
        if self.http {
            builder = builder.http("127.0.0.1:0");
        }
        for (realm, methods, asked) in self.authenticators {
            builder = match asked {
                Asked::Code(decide) => builder.authenticator(realm, methods, decide),
                Asked::Procedure(procedure, within) => {
                    builder.authenticator_procedure(realm, methods, procedure, within)
                }
            };
        }
        if let Some(timeout) = self.authenticator_timeout {
            builder = builder.authenticator_timeout(timeout);
        }
        if let Some(change) = self.config {
            builder = builder.config(change);
        }
        if let Some((interval, timeout)) = self.heartbeat {
            builder = builder.heartbeat(interval, timeout);
        }
        if let Some(timeout) = self.handshake_timeout {
            builder = builder.handshake_timeout(timeout);
        }
        if let Some(connections) = self.max_connections {
            builder = builder.max_connections(connections);
        }
        if let Some(handshakes) = self.max_handshakes {
            builder = builder.max_handshakes(handshakes);
        }
        let realm = wamp_driver::proto::Uri::unchecked("realm1");
        if let Some(decide) = self.authorizer {
            builder = builder.authorizer(realm.clone(), decide);
        }
        if let Some(procedure) = self.authorizer_procedure {
            builder = builder.authorizer_procedure(realm, procedure);
        }
        builder
    }
}

fn start<N: Network<Client: Into<Client>>>(
    settings: RouterSettings,
) -> BoxFuture<Result<Arc<dyn Serving>, StartError>> {
    let started = settings.builder::<N>().into_future();
    Box::pin(async move { Ok(Arc::new(started.await?) as Arc<dyn Serving>) })
}

/// A router on a thread of its own, in its own runtime.
struct Elsewhere {
    router: Arc<dyn Serving>,
    /// Dropped to end the thread.
    _stop: oneshot::Sender<()>,
}

fn start_elsewhere<A: Adapter>(settings: RouterSettings) -> BoxFuture<Result<Arc<dyn Serving>, StartError>> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        A::run(async move {
            let (stop, stopped) = oneshot::channel::<()>();
            let router = match start::<A::Network>(settings).await {
                Ok(router) => router,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let elsewhere = Elsewhere { router: router.clone(), _stop: stop };
            // Nobody may wait any more.
            let _ = tell.send(Ok(Arc::new(elsewhere) as Arc<dyn Serving>));
            let _ = stopped.await;
            router.shutdown().await;
        });
    });
    Box::pin(async move { told.await.expect("the router's thread has started it") })
}

impl Serving for Elsewhere {
    fn endpoints(&self) -> &[Endpoint] {
        self.router.endpoints()
    }

    fn http(&self) -> Option<&SocketAddress> {
        self.router.http()
    }

    fn counts(&self) -> Counts {
        self.router.counts()
    }

    fn reconfigure(&self, changes: Changes) {
        self.router.reconfigure(changes);
    }

    fn refused(&self) -> Refused {
        self.router.refused()
    }

    fn reload_tls(&self) -> Result<(), StartError> {
        self.router.reload_tls()
    }

    fn shutdown(&self) -> ShutdownFuture {
        self.router.shutdown()
    }

    fn kill(&self) {
        self.router.kill();
    }

    fn connect(&self, options: ClientOptions) -> BoxFuture<Result<Client, ConnectError>> {
        self.router.connect(options)
    }
}

impl Kit {
    /// Clients and routers of one adapter. To be called within [`Adapter::run`].
    pub fn of<A: Adapter>() -> Self {
        Self::on::<A::Network>()
    }

    /// Clients and routers of one network, where [`Network::current`] works.
    pub fn on<N: Network<Client: Into<Client>>>() -> Self {
        Self {
            runtime: N::current(),
            connect: |url, options| finish(Connect::<N>::url(url), options),
            start: start::<N>,
            run: run::<N>,
            in_process: true,
        }
    }

    /// Clients of one adapter, within whose [`run`](Adapter::run) this is called; routers of another one, each on a thread
    /// of its own.
    pub fn between<C: Adapter, R: Adapter>() -> Self {
        Self { start: start_elsewhere::<R>, in_process: false, ..Self::of::<C>() }
    }

    /// Those of these transports that client and router can have between them.
    pub fn transports(&self, all: &[Transport]) -> Vec<Transport> {
        let possible = |transport: &Transport| self.in_process || *transport != Transport::InProcess;
        all.iter().copied().filter(possible).collect()
    }

    /// A connection to be made.
    pub fn connect(&self, url: impl Into<String>) -> Dial {
        let (connect, url) = (self.connect, url.into());
        Dial::new(move |options| connect(url, options))
    }

    /// A program that serves at a router until it is told to end, by a signal to this process or by the handle.
    pub fn run_services(
        &self,
        url: impl Into<String>,
        policy: ReconnectPolicy,
        routes: Routes,
        grace: Duration,
    ) -> (ShutdownHandle, RunFuture) {
        (self.run)(url.into(), policy, routes, grace)
    }

    /// Starts a router.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start(&self, settings: RouterSettings) -> Arc<dyn Serving> {
        (self.start)(settings).await.expect("the router starts")
    }

    /// A router of its own for a case.
    pub async fn stage(&self, transport: Transport, encoding: Encoding) -> Stage {
        self.stage_with(transport, encoding, RouterSettings::on(transport)).await
    }

    /// The same, with settings, whose first listener is used.
    pub async fn stage_with(
        &self,
        transport: Transport,
        encoding: Encoding,
        settings: RouterSettings,
    ) -> Stage {
        Stage::new(self.clone(), transport, encoding, self.start(settings).await)
    }

    /// Runs a case, over all transports and serializers at once when it is one of those.
    ///
    /// # Panics
    ///
    /// When the case fails over any of them, or hangs.
    pub async fn run(&self, case: &Case) {
        match case.body {
            Body::Routers(body) => {
                let ended = self.timeout(LONG, body(self.clone())).await;
                ended.unwrap_or_else(|| panic!("{} hangs", case.name));
            }
            Body::Everywhere(body) => self.run_over(case, body, &Transport::ALL).await,
            Body::Sockets(body) => self.run_over(case, body, &Transport::SOCKETS).await,
        }
    }

    pub(super) async fn run_over(
        &self,
        case: &Case,
        body: fn(Stage) -> BoxFuture<()>,
        transports: &[Transport],
    ) {
        let mut under_way = Vec::new();
        for transport in self.transports(transports) {
            for encoding in Encoding::ALL {
                let body = body(self.stage(transport, encoding).await);
                under_way.push(async move {
                    let ended = self.timeout(LONG, AssertUnwindSafe(body).catch_unwind()).await;
                    match ended {
                        Some(Ok(())) => None,
                        Some(Err(_)) => Some(format!("over {transport:?} with {encoding}")),
                        None => Some(format!("over {transport:?} with {encoding}: it hangs")),
                    }
                });
            }
        }
        let failed = join_all(under_way).await.into_iter().flatten().collect::<Vec<_>>();
        assert!(failed.is_empty(), "{}: {failed:#?}", case.name);
    }
}
