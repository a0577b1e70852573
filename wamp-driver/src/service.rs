//! Services: procedures and handlers of events that belong together.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};

use crate::{
    BlockingEventHandler, BlockingHandler, BoxFuture, Client, Error, EventHandler, HandleFuture, Handler,
    Register, Registration, Subscribe,
    handler::{erase, erase_blocking, erase_blocking_events, erase_events},
    patience::Patience,
    subscribe::Stop,
};

/// Procedures and handlers of events that share a state: what [`Client::serve`] takes.
///
/// The macro `#[service]`, which every adapter has, writes this for an impl block. By hand it is a table:
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use wamp_driver::{InvocationPolicy, Routes, Service, State, with_state};
///
/// #[derive(Default)]
/// struct Counter(AtomicU64);
///
/// impl Service for Counter {
///     fn routes(self: Arc<Self>) -> Routes {
///         let next = |State(counter): State<Arc<Counter>>| async move {
///             Ok(counter.0.fetch_add(1, Ordering::Relaxed))
///         };
///         Routes::new()
///             .procedure("com.example.counter.next", with_state(self, next))
///             .procedure_with(
///                 "com.example.counter.name",
///                 |register| register.invoke(InvocationPolicy::RoundRobin),
///                 || async { Ok("counter") },
///             )
///     }
/// }
/// # async fn example(client: wamp_driver::Client) -> Result<(), wamp_driver::ServeError> {
/// client.serve(Counter::default()).await?;
/// # Ok(())
/// # }
/// ```
///
/// An `Arc` of a service is one too, for those who want to keep a handle, and so is a table.
pub trait Service: Send + Sync + 'static {
    /// What it offers.
    fn routes(self: Arc<Self>) -> Routes;
}

impl<T: Service> Service for Arc<T> {
    fn routes(self: Arc<Self>) -> Routes {
        T::routes(Self::clone(&self))
    }
}

impl Service for Routes {
    fn routes(self: Arc<Self>) -> Routes {
        (*self).clone()
    }
}

/// The procedures and topics of a [`Service`], and what handles them.
#[derive(Clone, Default)]
#[must_use = "a table of routes does nothing until it is served"]
pub struct Routes(Vec<Route>);

#[derive(Clone)]
struct Route {
    uri: String,
    target: Target,
}

/// How a route comes into being on a client.
#[derive(Clone)]
enum Target {
    Procedure(Arc<Make<Register>>),
    Topic(Arc<Make<HandleFuture>>),
}

/// Makes a request of a client, for a URI.
type Make<Request> = dyn Fn(&Client, &str) -> Request + Send + Sync;

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a procedure.
    pub fn procedure<S: 'static>(self, procedure: &str, handler: impl Handler<S>) -> Self {
        self.procedure_with(procedure, |register| register, handler)
    }

    /// With a procedure and options for its registration.
    pub fn procedure_with<S: 'static>(
        self,
        procedure: &str,
        options: impl Fn(Register) -> Register + Send + Sync + 'static,
        handler: impl Handler<S>,
    ) -> Self {
        let handler = erase(Arc::new(handler));
        let make = move |client: &Client, procedure: &str| {
            options(Register::new(client.clone(), procedure, handler.clone()))
        };
        self.route(procedure, Target::Procedure(Arc::new(make)))
    }

    /// With a procedure that blocks, on a thread of its own.
    pub fn procedure_blocking<S: 'static>(self, procedure: &str, handler: impl BlockingHandler<S>) -> Self {
        self.procedure_blocking_with(procedure, |register| register, handler)
    }

    /// With a procedure that blocks, and options for its registration.
    pub fn procedure_blocking_with<S: 'static>(
        self,
        procedure: &str,
        options: impl Fn(Register) -> Register + Send + Sync + 'static,
        handler: impl BlockingHandler<S>,
    ) -> Self {
        let handler = Arc::new(handler);
        let make = move |client: &Client, procedure: &str| {
            let handler = erase_blocking(client.shared.runtime.clone(), handler.clone());
            options(Register::new(client.clone(), procedure, handler))
        };
        self.route(procedure, Target::Procedure(Arc::new(make)))
    }

    /// With a topic whose events are handled.
    pub fn subscribe<S: 'static>(self, topic: &str, handler: impl EventHandler<S>) -> Self {
        self.subscribe_with(topic, |subscribe| subscribe, handler)
    }

    /// With a topic whose events are handled, and options for the subscription.
    pub fn subscribe_with<S: 'static>(
        self,
        topic: &str,
        options: impl Fn(Subscribe) -> Subscribe + Send + Sync + 'static,
        handler: impl EventHandler<S>,
    ) -> Self {
        let handler = erase_events(Arc::new(handler));
        let make = move |client: &Client, topic: &str| {
            HandleFuture::new(options(client.subscribe(topic)), handler.clone())
        };
        self.route(topic, Target::Topic(Arc::new(make)))
    }

    /// With a topic whose events are handled by what blocks, on a thread of its own.
    pub fn subscribe_blocking<S: 'static>(self, topic: &str, handler: impl BlockingEventHandler<S>) -> Self {
        self.subscribe_blocking_with(topic, |subscribe| subscribe, handler)
    }

    /// With a topic whose events are handled by what blocks, and options for the subscription.
    pub fn subscribe_blocking_with<S: 'static>(
        self,
        topic: &str,
        options: impl Fn(Subscribe) -> Subscribe + Send + Sync + 'static,
        handler: impl BlockingEventHandler<S>,
    ) -> Self {
        let handler = Arc::new(handler);
        let make = move |client: &Client, topic: &str| {
            let handler = erase_blocking_events(client.shared.runtime.clone(), handler.clone());
            HandleFuture::new(options(client.subscribe(topic)), handler)
        };
        self.route(topic, Target::Topic(Arc::new(make)))
    }

    /// With all of another service.
    pub fn service(mut self, service: impl Service) -> Self {
        self.0.extend(Arc::new(service).routes().0);
        self
    }

    /// The URIs of its procedures and topics, in order.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|route| &*route.uri)
    }

    fn route(mut self, uri: &str, target: Target) -> Self {
        self.0.push(Route { uri: uri.to_owned(), target });
        self
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.uris()).finish()
    }
}

/// A service to be offered: `.await` it. See [`Client::serve`].
#[derive(Debug)]
#[must_use = "nothing is offered until it is awaited"]
pub struct Serve {
    client: Client,
    routes: Routes,
    patient: bool,
}

impl Serve {
    pub(crate) fn new(client: Client, routes: Routes) -> Self {
        Self { client, routes, patient: false }
    }

    /// Asks again for what is refused for a reason that may pass, as long as the client's policy restores what it had before.
    pub(crate) fn patiently(self) -> Self {
        Self { patient: true, ..self }
    }
}

impl IntoFuture for Serve {
    type Output = Result<Serving, ServeError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(serve(self))
    }
}

/// Why a service cannot be offered.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot offer `{uri}`{}: {error}", still(.tried_for))]
#[non_exhaustive]
pub struct ServeError {
    /// The procedure or topic that was refused.
    pub uri: String,
    /// For how long it was asked for, again and again; zero if once.
    pub tried_for: Duration,
    /// Why.
    #[source]
    pub error: Error,
}

fn still(tried_for: &Duration) -> String {
    if tried_for.is_zero() { String::new() } else { format!(", after {tried_for:.0?} of asking") }
}

/// Asks for all routes at once, and takes back those that were made when one is not.
async fn serve(Serve { client, routes, patient }: Serve) -> Result<Serving, ServeError> {
    let routes = routes.0.into_iter();
    let mut under_way =
        routes.map(|route| establish(&client, route, patient)).collect::<FuturesUnordered<_>>();
    let mut made = Unfinished { client: client.clone(), serving: Serving::default() };
    let mut failed = None;
    while let Some(outcome) = under_way.next().await {
        match outcome {
            Ok(Made::Procedure(registration)) => made.serving.registrations.push(registration),
            Ok(Made::Topic(handling)) => made.serving.handling.push(handling),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let serving = std::mem::take(&mut made.serving);
    let Some(error) = failed else { return Ok(serving) };
    // What cannot be taken back has ended with the session.
    let _ = serving.stop().await;
    Err(error)
}

/// What has come into being.
enum Made {
    Procedure(Registration),
    Topic(oneshot::Sender<Stop>),
}

fn establish(
    client: &Client,
    route: Route,
    patient: bool,
) -> impl Future<Output = Result<Made, ServeError>> + use<> {
    let Route { uri, target } = route;
    let client = client.clone();
    async move {
        let runtime = &client.shared.runtime;
        let policy = patient.then(|| client.shared.options.reconnect.clone());
        let mut patience = policy.map(|policy| Patience::new(policy, &**runtime));
        loop {
            let error = match ask(&client, &uri, &target).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            let now = runtime.now();
            let again = patience.as_mut().and_then(|patience| patience.delay(&uri, &error, now));
            let Some(after) = again else {
                let tried_for = patience.map(|patience| patience.so_far(now)).unwrap_or_default();
                return Err(ServeError { uri, tried_for, error });
            };
            runtime.sleep(after).await;
        }
    }
}

/// Asks for a route once.
async fn ask(client: &Client, uri: &str, target: &Target) -> Result<Made, Error> {
    match target {
        Target::Procedure(make) => make(client, uri).await.map(Made::Procedure),
        Target::Topic(make) => {
            let (stop, stopped) = oneshot::channel();
            make(client, uri).until(stopped).await.map(|_| Made::Topic(stop))
        }
    }
}

/// Takes back what was made when nobody waits for the rest any more.
struct Unfinished {
    client: Client,
    serving: Serving,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let serving = std::mem::take(&mut self.serving);
        if !serving.is_empty() {
            let stop = serving.stop();
            self.client.shared.runtime.spawn(Box::pin(async { drop(stop.await) }));
        }
    }
}

/// A service that is offered. Dropping this does not end it: it lasts as long as the client.
#[derive(Debug, Default)]
pub struct Serving {
    registrations: Vec<Registration>,
    handling: Vec<oneshot::Sender<Stop>>,
}

impl Serving {
    /// Takes all procedures back, and handles no more events. Calls that are being handled are still answered (R-06).
    pub fn stop(self) -> StopFuture {
        StopFuture(Box::pin(async move {
            let stopped = self.handling.into_iter().map(|handling| {
                let (stop, stopped) = oneshot::channel();
                // The session may have ended before.
                let _ = handling.send(stop);
                stopped
            });
            let stopped = join_all(stopped);
            let ended = join_all(self.registrations.into_iter().map(Registration::unregister)).await;
            stopped.await;
            ended.into_iter().collect()
        }))
    }

    /// The registrations of its procedures.
    pub fn registrations(&self) -> &[Registration] {
        &self.registrations
    }

    fn is_empty(&self) -> bool {
        self.registrations.is_empty() && self.handling.is_empty()
    }
}

/// The end of a service under way: see [`Serving::stop`].
#[must_use = "nothing is stopped until it is awaited"]
pub struct StopFuture(BoxFuture<Result<(), Error>>);

impl Future for StopFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for StopFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopFuture").finish_non_exhaustive()
    }
}
