//! The handle of a session.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use wamp_proto::{Encoding, Uri, error::Closed, id::SessionId, message::WelcomeDetails};

use crate::{
    Error,
    call::Call,
    connect::Joined,
    handler::{self, BlockingHandler, Handler},
    lifecycle::{Lifecycle, LifecycleStream},
    meta::Meta,
    publish::Publish,
    register::Register,
    service::{Serve, Service},
    shared::Shared,
    snapshot::{Pending, RegistrationStatus, SubscriptionStatus},
    subscribe::Subscribe,
    wakers::Place,
};

/// A session with a router: calls, publishes, subscribes and registers.
///
/// Cheap to clone, and usable from any thread. When the last clone is dropped, and with it the last subscription stream
/// and the last request under way, the session is closed in the background; [`close`](Self::close) does so and waits.
///
/// A client that [reconnects](crate::net::Connect::reconnect) outlives its sessions: streams go on, and procedures are
/// registered again, see [`lifecycle`](Self::lifecycle). Without that, the end of the session is the end of the client.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    _guard: Arc<Guard>,
}

/// Closes the session when nobody uses it any more.
pub(crate) struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        close(&self.0);
    }
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let guard = Arc::new(Guard(shared.clone()));
        shared.set_guard(Arc::downgrade(&guard));
        Self { shared, _guard: guard }
    }

    /// Another handle, as long as there is one.
    pub(crate) fn of_guard(guard: Arc<Guard>) -> Self {
        Self { shared: guard.0.clone(), _guard: guard }
    }

    /// Calls a procedure: `client.call("com.example.add").args((2, 3)).value::<i64>().await?`.
    pub fn call(&self, procedure: &str) -> Call {
        Call::new(self.clone(), procedure)
    }

    /// Publishes an event: `client.publish("com.example.alarm").args((7,)).await?`.
    pub fn publish(&self, topic: &str) -> Publish {
        Publish::new(self.clone(), topic)
    }

    /// Subscribes to a topic: `let mut events = client.subscribe("com.example.alarm").await?`. Several subscriptions to one
    /// topic share one at the router (P-06).
    pub fn subscribe(&self, topic: &str) -> Subscribe {
        Subscribe::new(self.clone(), topic)
    }

    /// Registers a procedure: `client.register("com.example.add", |a: i64, b: i64| async move { Ok(a + b) }).await?`. What
    /// may be registered, see [`Handler`].
    pub fn register<S: 'static>(&self, procedure: &str, handler: impl Handler<S>) -> Register {
        Register::new(self.clone(), procedure, handler::erase(Arc::new(handler)))
    }

    /// Registers a procedure that blocks or computes for long: it runs on a thread of its own, and holds up nobody else.
    /// When its call is canceled, the caller is told so at once; the procedure goes on, and its answer is dropped.
    pub fn register_blocking<S: 'static>(
        &self,
        procedure: &str,
        handler: impl BlockingHandler<S>,
    ) -> Register {
        let handler = handler::erase_blocking(self.shared.runtime.clone(), Arc::new(handler));
        Register::new(self.clone(), procedure, handler)
    }

    /// Offers all procedures of a service, and handles its events: `client.serve(Thermostat::new()).await?`. All or nothing:
    /// when one cannot be offered, those that were are taken back. Any number of services may share a client.
    ///
    /// They last as long as the client, or until [`Serving::stop`](crate::Serving::stop).
    pub fn serve(&self, service: impl Service) -> Serve {
        Serve::new(self.clone(), Arc::new(service).routes())
    }

    /// The meta API: what the router tells of the sessions, registrations and subscriptions of the realm.
    pub fn meta(&self) -> Meta {
        Meta::new(self.clone())
    }

    /// What happens to the client: its attempts, its sessions, its end. The first item tells where it stands.
    ///
    /// ```
    /// # async fn example(client: wamp_driver::Client) {
    /// use wamp_driver::Lifecycle;
    ///
    /// let mut changes = client.lifecycle();
    /// while let Some(change) = changes.next().await {
    ///     match change {
    ///         Lifecycle::Joined { session, resumed } => println!("session {session}, again: {resumed}"),
    ///         Lifecycle::Retrying { after, why, .. } => println!("{why}; trying again in {after:?}"),
    ///         Lifecycle::NotRestored { what, error } => println!("{what} is lost: {error}"),
    ///         change => println!("{change:?}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn lifecycle(&self) -> LifecycleStream {
        let shared = self.shared.clone();
        let changes = shared.peek(|state| state.life.listen());
        LifecycleStream { shared, changes }
    }

    /// Where the client stands: the last of its changes, other than those of single registrations and subscriptions.
    pub fn state(&self) -> Lifecycle {
        self.shared.peek(|state| state.life.state())
    }

    /// Makes the next attempt at once, when the client waits for the time of one: the network is known to be back, say.
    /// Delays begin anew, limits of attempts stay. While there is a session, asks at once for what it has not restored yet.
    pub fn reconnect_now(&self) {
        self.shared.update_with(|state, _, effects| state.reconnect_now(effects));
    }

    /// Closes the session in order: GOODBYE, its answer, and the end of the transport, each bounded by a deadline. All
    /// requests under way fail. Closing twice is the same as closing once. A client that waits for its next attempt ends at
    /// once.
    ///
    /// The future may be dropped; the session closes all the same.
    pub fn close(&self) -> CloseFuture {
        close(&self.shared);
        CloseFuture::new(self.shared.clone())
    }

    /// Waits until the client has ended, whoever ends it: with its session, or, if it reconnects, when it is closed or gives
    /// up.
    pub fn closed(&self) -> CloseFuture {
        CloseFuture::new(self.shared.clone())
    }

    /// Waits until there is a session: at once when there is one, else until an attempt has led to one. Of use with a client
    /// that [connects lazily](crate::net::Connect::lazily) or [again](crate::net::Connect::reconnect).
    ///
    /// ```
    /// # async fn example(client: wamp_driver::Client) -> Result<(), wamp_driver::Error> {
    /// println!("session {}", client.wait_joined().await?.session);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The future's: [`Error::Closed`] when the client has ended, or does before there is a session.
    pub fn wait_joined(&self) -> JoinedFuture {
        JoinedFuture { shared: self.shared.clone(), place: None }
    }

    /// What the client is subscribed to, or wants to be, by topic: a picture of this moment.
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        self.shared.peek(|state| state.subscriptions())
    }

    /// What the client has registered, or wants to have, in the order of asking: a picture of this moment.
    pub fn registrations(&self) -> Vec<RegistrationStatus> {
        self.shared.peek(|state| state.registrations())
    }

    /// How many requests wait for an answer, and how many invocations are being handled, at this moment.
    pub fn pending(&self) -> Pending {
        self.shared.peek(|state| state.under_way())
    }

    /// Waits until none of our procedures is running and the answers of all that were are queued: a
    /// [`close`](Self::close) after it lets no caller down who was being served.
    pub fn idle(&self) -> IdleFuture {
        IdleFuture { shared: self.shared.clone(), place: None }
    }

    /// Why the client has ended, once it has.
    pub fn close_reason(&self) -> Option<Closed> {
        self.shared.peek(|state| state.life.closed.clone())
    }

    /// The session, or the last one there was: its id, its realm, what the router said in WELCOME. `None` until a client
    /// that connects [lazily](crate::ClientOptions::lazy) has joined for the first time.
    pub fn joined(&self) -> Option<Arc<Joined>> {
        self.shared.peek(|state| state.life.joined.clone())
    }

    /// The id of the session, or of the last one there was. A client that has [never joined](Self::joined) has none, and gets
    /// the smallest id there is.
    pub fn session(&self) -> SessionId {
        self.joined().map_or(SessionId::FIRST, |joined| joined.session)
    }

    /// The realm that was joined: the one asked for, unless the router chose another.
    pub fn realm(&self) -> Uri {
        self.joined().map_or_else(|| self.shared.realm.clone(), |joined| joined.realm.clone())
    }

    /// What the router said in the last WELCOME: its roles and features, and who we are to it.
    pub fn welcome(&self) -> WelcomeDetails {
        self.joined().map(|joined| joined.details.clone()).unwrap_or_default()
    }

    /// The serializer of the connection.
    pub fn encoding(&self) -> Encoding {
        self.shared.encoding()
    }
}

fn close(shared: &Arc<Shared>) {
    shared.update_with(|state, now, effects| state.close(effects, now));
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("session", &self.session()).finish_non_exhaustive()
    }
}

/// The end of a client: says why it ended.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct CloseFuture {
    shared: Arc<Shared>,
    place: Place,
}

impl CloseFuture {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, place: None }
    }

    /// Whether the end has begun: somebody has closed the client, or it is lost for good.
    pub fn has_begun(&self) -> bool {
        self.shared.peek(|state| state.life.is_ending())
    }
}

impl Clone for CloseFuture {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl Future for CloseFuture {
    type Output = Closed;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Closed> {
        let Self { shared, place } = self.get_mut();
        let (poll, _stale) = shared.peek(|state| match &state.life.closed {
            Some(closed) if !state.pumping => (Poll::Ready(closed.clone()), None),
            _ => (Poll::Pending, state.watchers.wait(place, context.waker())),
        });
        poll
    }
}

impl Drop for CloseFuture {
    fn drop(&mut self) {
        let _waker = self.shared.peek(|state| state.watchers.leave(&mut self.place));
    }
}

/// The moment when no procedure is running: see [`Client::idle`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct IdleFuture {
    shared: Arc<Shared>,
    place: Place,
}

impl Future for IdleFuture {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { shared, place } = self.get_mut();
        let (poll, _stale) = shared.peek(|state| {
            if state.is_idle() {
                (Poll::Ready(()), None)
            } else {
                (Poll::Pending, state.idle.wait(place, context.waker()))
            }
        });
        poll
    }
}

impl Drop for IdleFuture {
    fn drop(&mut self) {
        let _waker = self.shared.peek(|state| state.idle.leave(&mut self.place));
    }
}

/// A session of the client: see [`Client::wait_joined`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct JoinedFuture {
    shared: Arc<Shared>,
    place: Place,
}

impl Future for JoinedFuture {
    type Output = Result<Arc<Joined>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, place } = self.get_mut();
        let (poll, _stale) = shared.peek(|state| match state.present() {
            Some(present) => (Poll::Ready(present), None),
            None => (Poll::Pending, state.watchers.wait(place, context.waker())),
        });
        poll
    }
}

impl Drop for JoinedFuture {
    fn drop(&mut self) {
        let _waker = self.shared.peek(|state| state.watchers.leave(&mut self.place));
    }
}
