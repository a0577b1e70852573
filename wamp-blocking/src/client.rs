//! The handle of a session.

use std::sync::Arc;

use wamp_driver::{
    BlockingHandler, Call, CloseFuture, ErrorReply, Extract, Extraction, IdleFuture, Joined, JoinedFuture,
    Lifecycle, Meta, Occasion, Pending, Publish, Register, RegistrationStatus, RunFuture, Serve, Service,
    Subscribe, SubscriptionStatus, WelcomeDetails,
    proto::{Encoding, Uri, error::Closed, id::SessionId},
};

use crate::{
    Changes,
    runtime::{block_on, on_io_thread},
};

/// A session with a router: calls, publishes, subscribes and registers.
///
/// Cheap to clone, and usable from any thread. Leaving the scope of the last clone, and of the last subscription, closes the
/// session and waits until that is done, a second or so at most; [`close`](Self::close) does it earlier.
///
/// ```
/// use wamp_blocking::{Router, Wait as _};
///
/// let router = Router::builder().wait()?;
/// {
///     let client = router.connect().wait()?;
///     client.register("com.example.add", |a: i64, b: i64| Ok(a + b)).wait()?;
///     assert_eq!(client.call("com.example.add").args((2, 3)).value::<i64>().wait()?, 5);
/// }
/// assert_eq!(router.counts().sessions, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    inner: wamp_driver::Client,
    /// Dropped last.
    _parting: Parting,
}

impl From<wamp_driver::Client> for Client {
    fn from(inner: wamp_driver::Client) -> Self {
        let parting = Parting(inner.closed());
        Self { inner, _parting: parting }
    }
}

/// The handle for async code: its futures run on any executor. It does not wait when it is dropped.
impl From<Client> for wamp_driver::Client {
    fn from(client: Client) -> Self {
        client.inner
    }
}

impl Client {
    /// Calls a procedure: `client.call("com.example.add").args((2, 3)).value::<i64>().wait()?`.
    pub fn call(&self, procedure: &str) -> Call {
        self.inner.call(procedure)
    }

    /// Publishes an event: `client.publish("com.example.alarm").args((7,)).wait()?`.
    pub fn publish(&self, topic: &str) -> Publish {
        self.inner.publish(topic)
    }

    /// Subscribes to a topic: `for event in client.subscribe("com.example.alarm").wait()? { .. }`. Several subscriptions to
    /// one topic share one at the router (P-06).
    pub fn subscribe(&self, topic: &str) -> Subscribe {
        self.inner.subscribe(topic)
    }

    /// Registers a procedure: `client.register("com.example.add", |a: i64, b: i64| Ok(a + b)).wait()?`. What may be
    /// registered, see [`BlockingHandler`]. It runs on a thread of the client's pool, and may block.
    pub fn register<S: 'static>(&self, procedure: &str, handler: impl BlockingHandler<S>) -> Register {
        self.inner.register_blocking(procedure, handler)
    }

    /// Offers all procedures of a service, and handles its events: `client.serve(Thermostat::new()).wait()?`; see
    /// [`wamp_driver::Client::serve`].
    pub fn serve(&self, service: impl Service) -> Serve {
        self.inner.serve(service)
    }

    /// The meta API: what the router tells of the sessions, registrations and subscriptions of the realm.
    pub fn meta(&self) -> Meta {
        self.inner.meta()
    }

    /// What happens to the client: its attempts, its sessions, its end; see [`Lifecycle`]. The first item tells where it
    /// stands.
    pub fn lifecycle(&self) -> Changes {
        Changes(self.inner.lifecycle())
    }

    /// Where the client stands: the last of its changes, other than those of single registrations and subscriptions.
    pub fn state(&self) -> Lifecycle {
        self.inner.state()
    }

    /// Makes the next attempt at once: see [`wamp_driver::Client::reconnect_now`].
    pub fn reconnect_now(&self) {
        self.inner.reconnect_now();
    }

    /// Closes the session in order: GOODBYE, its answer, and the end of the transport, each bounded by a deadline. All
    /// requests under way fail. Closing twice is the same as closing once; it happens even if nobody waits.
    pub fn close(&self) -> CloseFuture {
        self.inner.close()
    }

    /// Waits until the client has ended, whoever ends it: with its session, or, if it reconnects, when it is closed or gives
    /// up.
    pub fn closed(&self) -> CloseFuture {
        self.inner.closed()
    }

    /// Waits for SIGINT or SIGTERM, then drains and closes the client: see [`wamp_driver::Client::run_until_shutdown`].
    pub fn run_until_shutdown(&self) -> RunFuture {
        self.inner.run_until_shutdown()
    }

    /// Waits until there is a session: see [`wamp_driver::Client::wait_joined`].
    pub fn wait_joined(&self) -> JoinedFuture {
        self.inner.wait_joined()
    }

    /// What the client is subscribed to, or wants to be, by topic: a picture of this moment.
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        self.inner.subscriptions()
    }

    /// What the client has registered, or wants to have, in the order of asking: a picture of this moment.
    pub fn registrations(&self) -> Vec<RegistrationStatus> {
        self.inner.registrations()
    }

    /// How many requests wait for an answer, and how many invocations are being handled, at this moment.
    pub fn pending(&self) -> Pending {
        self.inner.pending()
    }

    /// Waits until none of our procedures is running: see [`wamp_driver::Client::idle`].
    pub fn idle(&self) -> IdleFuture {
        self.inner.idle()
    }

    /// Why the client has ended, once it has.
    pub fn close_reason(&self) -> Option<Closed> {
        self.inner.close_reason()
    }

    /// The session, or the last one there was; see [`wamp_driver::Client::joined`].
    pub fn joined(&self) -> Option<Arc<Joined>> {
        self.inner.joined()
    }

    /// The id of the session, or of the last one there was; see [`wamp_driver::Client::session`].
    pub fn session(&self) -> SessionId {
        self.inner.session()
    }

    /// The realm that was joined: the one asked for, unless the router chose another.
    pub fn realm(&self) -> Uri {
        self.inner.realm()
    }

    /// What the router said in the last WELCOME: its roles and features, and who we are to it.
    pub fn welcome(&self) -> WelcomeDetails {
        self.inner.welcome()
    }

    /// The serializer of the connection.
    pub fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }
}

/// A kind of argument of a handler: see [`Extract`].
#[derive(Debug)]
pub struct Serves;

/// The client that serves, see [`Extract`]: the handler may call and publish.
impl<From: Occasion, S> Extract<From, Serves, S> for Client {
    fn extract(from: &mut Extraction<'_, From>, state: &S) -> Result<Self, ErrorReply> {
        wamp_driver::Client::extract(from, state).map(Self::from)
    }
}

/// The end of a scope: when what was dropped before was the last user of a session, waits until the session is closed.
#[derive(Debug)]
pub(crate) struct Parting(pub(crate) CloseFuture);

impl Clone for Parting {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Drop for Parting {
    fn drop(&mut self) {
        // A handler may own a client, and be dropped by the thread that closes the session.
        if self.0.has_begun() && !on_io_thread() {
            block_on(&mut self.0, None);
        }
    }
}
