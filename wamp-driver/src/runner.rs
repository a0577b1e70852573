//! A program that serves until it is told to end.

use std::{
    fmt,
    future::{Future, IntoFuture as _},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{Either, join_all, select, select_all, try_join_all};
use wamp_proto::{error::Closed, reconnect::Policy};

use crate::{
    BoxFuture, Client, ConnectError, Routes, Runtime, ServeError, Service, Serving, ShutdownCause,
    ShutdownHandle,
    net::{Connect, Network},
    shutdown::Wishes,
};

/// Services that run until a signal comes: `Runner::new().serve(Thermostat::new()).run().await?`.
///
/// All services share one session, that of the environment: see [`Connect::from_env`]. [`connect`](Self::connect) begins
/// another one, for the services that are named after it. Every session reconnects, also before it has joined for the first
/// time; one whose settings have no policy of their own does so with the usual one. What the router refuses at first for a reason
/// that may pass is asked for again by the same policy, for two minutes unless it says otherwise
/// ([`restore_within`](Policy::restore_within)): above all a procedure that a former session of the same program still has, whose end the
/// router has not noticed yet.
///
/// At SIGINT, SIGTERM or by a [`ShutdownHandle`] it drains: it takes its procedures and subscriptions back, lets the handlers
/// that are running finish, up to a [limit](Self::drain_within), and says GOODBYE. When it is asked again meanwhile, it waits
/// no longer.
#[must_use = "nothing is served until it runs"]
pub struct Runner<N> {
    plans: Vec<Plan<N>>,
    grace: Duration,
    signals: bool,
    handle: ShutdownHandle,
}

/// A session to be made, and what is to be served on it.
struct Plan<N> {
    connect: Connect<N>,
    routes: Routes,
}

/// How long handlers may take to finish when nobody has said so.
const GRACE: Duration = Duration::from_secs(10);

impl<N: Network> Runner<N> {
    /// One without services yet.
    pub fn new() -> Self {
        Self { plans: Vec::new(), grace: GRACE, signals: true, handle: ShutdownHandle::default() }
    }

    /// Begins another session, for the services that are named from here on: a URL, or a connection with its settings.
    pub fn connect(mut self, connect: impl Into<Connect<N>>) -> Self {
        let connect = connect.into().options(|options| {
            if !options.reconnect.retries() {
                options.reconnect = Policy::default();
            }
        });
        self.plans.push(Plan { connect, routes: Routes::new() });
        self
    }

    /// Adds a service to the session that was begun last.
    pub fn serve(mut self, service: impl Service) -> Self {
        self = self.with_session();
        if let Some(plan) = self.plans.last_mut() {
            plan.routes = std::mem::take(&mut plan.routes).service(service);
        }
        self
    }

    /// How long handlers that are running may take to finish, instead of 10 s.
    pub fn drain_within(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Leaves signals to the program: a [`ShutdownHandle`] alone ends the runner then.
    pub fn without_signals(mut self) -> Self {
        self.signals = false;
        self
    }

    /// What ends it from within the program.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.handle.clone()
    }

    /// Connects, serves, and drains when it is told to. Signals that are caught once do not end the process any more, also
    /// when this has ended.
    pub fn run(self) -> RunFuture {
        RunFuture(Box::pin(run(self.with_session())))
    }

    /// With the session of the environment, if nobody has begun another.
    fn with_session(self) -> Self {
        if self.plans.is_empty() { self.connect(Connect::from_env()) } else { self }
    }
}

impl<N: Network> Default for Runner<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N> fmt::Debug for Runner<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services = self.plans.iter().map(|plan| &plan.routes).collect::<Vec<_>>();
        f.debug_struct("Runner").field("services", &services).finish_non_exhaustive()
    }
}

impl Client {
    /// Waits for SIGINT or SIGTERM, then drains and closes the client as a [`Runner`] does: for programs that set up
    /// everything by themselves.
    ///
    /// # Errors
    ///
    /// The future's: when the signals cannot be caught, or when the client has ended by itself.
    pub fn run_until_shutdown(&self) -> RunFuture {
        let client = self.clone();
        RunFuture(Box::pin(async move {
            let runtime = client.shared.runtime.clone();
            let signals = runtime.signals().map_err(RunError::Signals)?;
            let mut wishes = Wishes::new(ShutdownHandle::default(), Some(signals));
            let sessions = vec![Session { client, serving: Serving::default() }];
            until_told(&*runtime, sessions, GRACE, &mut wishes).await
        }))
    }
}

/// A program that runs: see [`Runner::run`].
#[must_use = "nothing runs until it is awaited"]
pub struct RunFuture(BoxFuture<Result<Finished, RunError>>);

impl Future for RunFuture {
    type Output = Result<Finished, RunError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for RunFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFuture").finish_non_exhaustive()
    }
}

/// How a program has ended that was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// Who has told it.
    pub cause: ShutdownCause,
    /// How many calls were still being handled when their time was over, and have failed.
    pub abandoned: usize,
}

/// Why a program cannot run, or runs no more though nobody has told it to end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no session, and there will be none.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A service cannot be offered.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A session has ended for good.
    #[error("a session has ended: {0}")]
    Closed(Closed),
    /// The operating system, or the runtime, lets nobody catch signals.
    #[error("cannot catch signals: {0}")]
    Signals(#[source] io::Error),
}

/// A session, and what is served on it.
struct Session {
    client: Client,
    serving: Serving,
}

async fn run<N: Network>(runner: Runner<N>) -> Result<Finished, RunError> {
    let network = N::current();
    let signals = runner.signals.then(|| network.signals()).transpose().map_err(RunError::Signals)?;
    let mut wishes = Wishes::new(runner.handle, signals);
    let started = match select(pin!(start(&network, runner.plans)), pin!(wishes.next())).await {
        Either::Left((started, _)) => Ok(started?),
        Either::Right((cause, _)) => Err(cause),
    };
    match started {
        Ok(sessions) => until_told(&*network, sessions, runner.grace, &mut wishes).await,
        Err(cause) => Ok(Finished { cause, abandoned: 0 }),
    }
}

async fn start<N: Network>(network: &Arc<N>, plans: Vec<Plan<N>>) -> Result<Vec<Session>, RunError> {
    let connected = plans.into_iter().map(|plan| async move {
        let client = plan.connect.on(network.clone()).await?;
        Ok::<_, ConnectError>((client, plan.routes))
    });
    let connected = try_join_all(connected).await?;
    let clients = connected.iter().map(|(client, _)| client.clone()).collect::<Vec<_>>();
    let served = connected.into_iter().map(|(client, routes)| async move {
        let serving = client.serve(routes).patiently().into_future().await?;
        Ok::<_, RunError>(Session { client, serving })
    });
    let sessions = try_join_all(served).await;
    if sessions.is_err() {
        join_all(clients.iter().map(Client::close)).await;
    }
    sessions
}

async fn until_told(
    runtime: &dyn Runtime,
    sessions: Vec<Session>,
    grace: Duration,
    wishes: &mut Wishes,
) -> Result<Finished, RunError> {
    let ended = select_all(sessions.iter().map(|session| session.client.closed()));
    let outcome = match select(pin!(wishes.next()), ended).await {
        Either::Left((cause, _)) => Ok(cause),
        Either::Right(((closed, ..), _)) => Err(RunError::Closed(closed)),
    };
    if let Ok(cause) = &outcome {
        tracing::info!(%cause, "draining");
    }
    let abandoned = drain(runtime, sessions, grace, wishes).await;
    outcome.map(|cause| Finished { cause, abandoned })
}

/// Takes no more calls, lets those that have come be answered, and says GOODBYE; says how many were not answered.
async fn drain(runtime: &dyn Runtime, sessions: Vec<Session>, grace: Duration, wishes: &mut Wishes) -> usize {
    let clients = sessions.iter().map(|session| session.client.clone()).collect::<Vec<_>>();
    let quiet = join_all(sessions.into_iter().map(|Session { client, serving }| async move {
        // What cannot be taken back has ended with its session.
        let _ = serving.stop().await;
        client.unregister_all().await;
        client.idle().await;
    }));
    let hurry = pin!(wishes.next());
    select(pin!(quiet), select(runtime.sleep(grace), hurry)).await;
    let abandoned = clients.iter().map(|client| client.pending().invocations).sum();
    join_all(clients.iter().map(Client::close)).await;
    abandoned
}
