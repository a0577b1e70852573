//! The handle of a session.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use wamp_proto::{Encoding, Uri, error::Closed, id::SessionId, message::WelcomeDetails, session, uri::uris};

use crate::{
    call::Call,
    connect::Joined,
    handler::{self, BlockingHandler, Handler},
    meta::Meta,
    publish::Publish,
    register::Register,
    service::{Serve, Service},
    shared::Shared,
    subscribe::Subscribe,
    wakers::Place,
};

/// A session with a router: calls, publishes, subscribes and registers.
///
/// Cheap to clone, and usable from any thread. When the last clone is dropped, and with it the last subscription stream
/// and the last request under way, the session is closed in the background; [`close`](Self::close) does so and waits.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    guard: Arc<Guard>,
}

/// Closes the session when nobody uses it any more.
pub(crate) struct Guard {
    shared: Arc<Shared>,
    joined: Joined,
}

impl Drop for Guard {
    fn drop(&mut self) {
        close(&self.shared);
    }
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>, joined: Joined) -> Self {
        let guard = Arc::new(Guard { shared: shared.clone(), joined });
        shared.set_guard(Arc::downgrade(&guard));
        Self { shared, guard }
    }

    /// Another handle, as long as there is one.
    pub(crate) fn of_guard(guard: Arc<Guard>) -> Self {
        Self { shared: guard.shared.clone(), guard }
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
    /// They last as long as the session, or until [`Serving::stop`](crate::Serving::stop).
    pub fn serve(&self, service: impl Service) -> Serve {
        Serve::new(self.clone(), Arc::new(service).routes())
    }

    /// The meta API: what the router tells of the sessions, registrations and subscriptions of the realm.
    pub fn meta(&self) -> Meta {
        Meta::new(self.clone())
    }

    /// Closes the session in order: GOODBYE, its answer, and the end of the transport, each bounded by a deadline. All
    /// requests under way fail. Closing twice is the same as closing once.
    ///
    /// The future may be dropped; the session closes all the same.
    pub fn close(&self) -> CloseFuture {
        close(&self.shared);
        CloseFuture::new(self.shared.clone())
    }

    /// Waits until the session has ended, whoever ends it.
    pub fn closed(&self) -> CloseFuture {
        CloseFuture::new(self.shared.clone())
    }

    /// Waits until none of our procedures is running and the answers of all that were are queued: a
    /// [`close`](Self::close) after it lets no caller down who was being served.
    pub fn idle(&self) -> IdleFuture {
        IdleFuture { shared: self.shared.clone(), place: None }
    }

    /// Why the session has ended, once it has.
    pub fn close_reason(&self) -> Option<Closed> {
        self.shared.peek(|state| state.session.closed().cloned())
    }

    /// The session's id.
    pub fn session(&self) -> SessionId {
        self.guard.joined.session
    }

    /// The realm that was joined: the one asked for, unless the router chose another.
    pub fn realm(&self) -> &Uri {
        &self.guard.joined.realm
    }

    /// What the router said in WELCOME: its roles and features, and who we are to it.
    pub fn welcome(&self) -> &WelcomeDetails {
        &self.guard.joined.details
    }

    /// The serializer of the connection.
    pub fn encoding(&self) -> Encoding {
        self.shared.encoding
    }
}

fn close(shared: &Arc<Shared>) {
    shared.update(|state, now| state.session.close(now, Uri::unchecked(uris::close::CLOSE_REALM)));
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("session", &self.session()).finish_non_exhaustive()
    }
}

/// The end of a session: says why it ended.
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

    /// Whether the end has begun: somebody has closed the session, or it is lost.
    pub fn has_begun(&self) -> bool {
        use session::State::{Closed, Leaving};
        self.shared.peek(|state| matches!(state.session.state(), Leaving | Closed))
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
        let (poll, _stale) = shared.peek(|state| match state.session.closed() {
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
