//! The router, shared by the connections of an adapter.

mod connection;
mod log;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use tracing::Span;
use wamp_proto::{
    Instant, Limits, Uri,
    router::{
        Action, Authorization, Changes, Config, ConnectionId, Counts, Event, Grant, Opened, Permission,
        Question, RealmCounts, Router,
    },
};

pub use connection::RouterConnection;
use log::{connection, log, span};

use crate::{
    Side, Tap,
    authenticator::Authenticators,
    authorizer::{Authorizer, Procedure, decide},
    machine::{BATCH, Flow},
    runtime::{BoxFuture, Runtime},
    shared::lock,
    tap::Watched,
};

/// A router without a network: an adapter opens connections on it and pumps them.
///
/// Frames are decoded by the connection that reads them. What happens under the lock is the routing itself: look-ups and
/// the copy of the payload behind a new header. Those who have something to write are woken once a batch, after the lock.
#[derive(Clone)]
pub struct RouterHandle(Arc<Shared>);

pub(crate) struct Shared {
    runtime: Arc<dyn Runtime>,
    limits: Limits,
    authenticators: Authenticators,
    /// Whom clients within this process are taken for.
    known_as: Option<Grant>,
    taps: Vec<Arc<dyn Tap>>,
    /// How many connections there were.
    connections: AtomicU64,
    authorization_timeout: Duration,
    /// Who decides about the dynamic roles of each realm.
    authorizers: Mutex<HashMap<Uri, Arc<dyn Authorizer>>>,
    state: Mutex<State>,
    /// Bytes of the messages that came.
    received: AtomicU64,
}

/// Who is beside a router.
pub(crate) struct Company {
    /// Those who decide about clients.
    pub(crate) authenticators: Authenticators,
    /// Whom clients within this process are taken for.
    pub(crate) known_as: Option<Grant>,
    /// Who sees the messages.
    pub(crate) taps: Vec<Arc<dyn Tap>>,
}

impl Default for Company {
    fn default() -> Self {
        Self { authenticators: Authenticators::default(), known_as: Some(Grant::trusted()), taps: Vec::new() }
    }
}

/// What a router holds and has done, for those who watch over it.
pub(crate) struct Figures {
    pub(crate) counts: Counts,
    pub(crate) realms: BTreeMap<Uri, RealmCounts>,
    /// Bytes of the messages that came.
    pub(crate) received_bytes: u64,
    /// Bytes of the messages that were sent.
    pub(crate) sent_bytes: u64,
}

struct State {
    router: Router,
    /// What belongs to each connection, by its place.
    places: Vec<Place>,
    /// The task that keeps the router's timer.
    timer: Option<Waker>,
    /// The deadline that the timer knows.
    armed: Option<Instant>,
    /// Whether all connections are to be dropped as they are.
    killed: bool,
    /// Bytes of the messages that the pumps have taken.
    sent: u64,
    /// Whether no connection is left after a shutdown, and who wants to know.
    idle: Vec<Waker>,
}

/// What is kept of a connection beside the router.
struct Place {
    /// Its pump.
    pump: Option<Waker>,
    /// What is logged about it stands in here.
    span: Span,
}

impl RouterHandle {
    /// A router for the realms of `config`; its timer runs as a task of `runtime`, as long as the router is in use.
    pub fn new(runtime: Arc<dyn Runtime>, config: Config) -> Self {
        Self::with(runtime, config, Company::default())
    }

    /// The same, in the company of those who decide and look on.
    pub(crate) fn with(runtime: Arc<dyn Runtime>, mut config: Config, company: Company) -> Self {
        let (limits, authorization_timeout) = (config.limits, config.authorization_timeout);
        if config.unix_time_at_zero.is_zero() {
            config.unix_time_at_zero = runtime.unix_time().saturating_sub(runtime.now().since_origin());
        }
        let router = Router::new(config, runtime.seed());
        let state = State {
            router,
            places: Vec::new(),
            timer: None,
            armed: None,
            killed: false,
            sent: 0,
            idle: Vec::new(),
        };
        let shared = Arc::new(Shared {
            runtime,
            limits,
            authenticators: company.authenticators,
            known_as: company.known_as,
            taps: company.taps,
            connections: AtomicU64::new(0),
            authorization_timeout,
            authorizers: Mutex::default(),
            state: Mutex::new(state),
            received: AtomicU64::new(0),
        });
        let timer = Timer { shared: Arc::downgrade(&shared), sleep: None };
        shared.runtime.spawn(Box::pin(timer));
        Self(shared)
    }

    /// A connection whose transport is open: give it to a pump.
    pub fn open(&self, opened: Opened) -> RouterConnection {
        let encoding = opened.encoding;
        let span = span(&opened.channel);
        let id = self.0.update(None, |router, now| router.open(now, opened));
        if let Some(place) = lock(&self.0.state).place(id) {
            place.span = span.clone();
        }
        let number = self.0.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let watched = Watched::new(&self.0.taps, Side::Router, number, encoding, self.0.limits);
        RouterConnection { shared: self.0.clone(), id, encoding, span, watched }
    }

    /// Closes all sessions in order and refuses new ones; the future waits until the last connection is gone, which each of
    /// them is after a deadline.
    pub fn shutdown(&self) -> Idle {
        self.0.update(None, Router::shutdown);
        Idle(self.0.clone())
    }

    /// Drops all connections where they are, and those that still come: nobody is told anything.
    pub fn kill(&self) {
        let pumps = {
            let mut state = lock(&self.0.state);
            state.killed = true;
            state.places.iter_mut().filter_map(|place| place.pump.take()).collect::<Vec<_>>()
        };
        pumps.into_iter().for_each(Waker::wake);
    }

    /// Decides from now on what the dynamic roles of a realm may do, or of all that have its settings.
    pub fn set_authorizer(&self, realm: &Uri, authorizer: impl Authorizer) {
        let former = lock(&self.0.authorizers).insert(realm.clone(), Arc::new(authorizer));
        drop(former);
    }

    /// The same by a procedure of the realm, as Crossbar.io has it. It is called with a dict about the session (`session`,
    /// `realm`, `authid`, `authrole`, `authmethod`, `authprovider`), a URI, an action (`call`, `register`, `publish` or
    /// `subscribe`) and a dict of options. It answers with a bool, or with a dict of `allow` and perhaps `disclose`, both
    /// bools, and `cache`, which is a number of seconds, or true for a minute. Whatever else comes of the call, the request
    /// is refused. The role of whoever registers the procedure must not be a dynamic one.
    pub fn set_authorizer_procedure(&self, realm: &Uri, procedure: impl Into<String>) {
        self.set_authorizer(realm, Procedure::new(Arc::downgrade(&self.0), realm, procedure.into()));
    }

    /// Changes settings of the running router; see [`Router::reconfigure`].
    pub fn reconfigure(&self, changes: Changes) {
        self.0.update(None, |router, now| router.reconfigure(now, changes));
    }

    /// What the router holds at the moment.
    pub fn counts(&self) -> Counts {
        lock(&self.0.state).router.counts()
    }

    pub(crate) fn figures(&self) -> Figures {
        let state = lock(&self.0.state);
        Figures {
            counts: state.router.counts(),
            realms: state.router.realm_counts().map(|(realm, counts)| (realm.clone(), counts)).collect(),
            received_bytes: self.0.received.load(Ordering::Relaxed),
            sent_bytes: state.sent,
        }
    }

    pub(crate) fn known_as(&self) -> Option<Grant> {
        self.0.known_as.clone()
    }

    pub(crate) fn runtime(&self) -> Arc<dyn Runtime> {
        self.0.runtime.clone()
    }

    /// Bounds on every received message.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }
}

impl From<Arc<Shared>> for RouterHandle {
    fn from(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl fmt::Debug for RouterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterHandle").finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The timer's task ends when it finds the router gone.
        if let Some(timer) = lock(&self.state).timer.take() {
            timer.wake();
        }
    }
}

impl Shared {
    /// Changes the router, then wakes all who have something to do; `pumping` is the one who asks, and who will look for
    /// itself.
    fn update<T>(
        self: &Arc<Self>,
        pumping: Option<ConnectionId>,
        change: impl FnOnce(&mut Router, Instant) -> T,
    ) -> T {
        let now = self.runtime.now();
        let mut wakers = Vec::new();
        let (result, events, questions) = {
            let mut state = lock(&self.state);
            let result = change(&mut state.router, now);
            state.collect(pumping, &mut wakers);
            let events = state.events();
            (result, events, std::iter::from_fn(|| state.router.poll_question()).collect::<Vec<_>>())
        };
        wakers.into_iter().for_each(Waker::wake);
        for (event, span) in events {
            match event {
                Event::Authorize(wish) => self.authorize(*wish),
                event => span.in_scope(|| log(&span, event)),
            }
        }
        questions.into_iter().for_each(|question| self.authenticate(question));
        result
    }

    /// Has somebody decide about a client, as a task: nobody waits for it but the client.
    fn authenticate(self: &Arc<Self>, question: Question) {
        let shared = self.clone();
        self.runtime.spawn(Box::pin(async move {
            let (runtime, connection) = (shared.runtime.clone(), question.connection);
            let router = RouterHandle(shared.clone());
            let verdict = shared.authenticators.decide(&*runtime, router, question).await;
            shared.update(None, |router, now| router.decide(now, connection, verdict));
        }));
    }

    /// The same about what a session may do.
    fn authorize(self: &Arc<Self>, wish: Authorization) {
        let authorizer = lock(&self.authorizers).get(&wish.like).cloned();
        let (router, runtime, timeout) =
            (Arc::downgrade(self), self.runtime.clone(), self.authorization_timeout);
        self.runtime.spawn(Box::pin(async move {
            let id = wish.id;
            let permission = match authorizer {
                Some(authorizer) => decide(authorizer, wish, runtime, timeout).await,
                None => {
                    tracing::error!(realm = %wish.realm, role = wish.authrole, "nobody decides about a dynamic role");
                    Permission::failed()
                }
            };
            if let Some(router) = router.upgrade() {
                router.update(None, |router, now| router.authorize(now, id, permission));
            }
        }));
    }
}

impl State {
    /// Forgets the pump of a connection; says whether the connection was there.
    fn forget(&mut self, id: ConnectionId) -> bool {
        let known = self.router.contains(id);
        if let Some(place) = self.places.get_mut(id.index()).filter(|_| known) {
            place.pump = None;
        }
        known
    }

    /// There is one for each.
    fn place(&mut self, id: ConnectionId) -> Option<&mut Place> {
        let index = id.index();
        if self.places.len() <= index {
            self.places.resize_with(index + 1, || Place { pump: None, span: Span::none() });
        }
        self.places.get_mut(index)
    }

    /// What has happened, and the connection's span for it.
    fn events(&mut self) -> Vec<(Event, Span)> {
        let next = || {
            let event = self.router.poll_event()?;
            let place = connection(&event).and_then(|id| self.places.get(id.index()));
            let span = place.map_or_else(Span::none, |place| place.span.clone());
            Some((event, span))
        };
        std::iter::from_fn(next).collect()
    }

    fn poll_output(
        &mut self,
        id: ConnectionId,
        context: &Context<'_>,
        frames: &mut VecDeque<Bytes>,
    ) -> Poll<Flow> {
        if self.killed {
            return Poll::Ready(Flow::Close);
        }
        let mut bytes = 0;
        while bytes < BATCH {
            match self.router.poll_transmit(id) {
                Some(Action::Send(frame)) => {
                    bytes += frame.len();
                    frames.push_back(frame);
                }
                Some(Action::Close) => return Poll::Ready(Flow::Close),
                None => break,
            }
        }
        if bytes > 0 {
            self.sent = self.sent.wrapping_add(bytes as u64);
            return Poll::Ready(Flow::Continue);
        }
        self.wait_as_pump(id, context);
        Poll::Pending
    }

    fn wait_as_pump(&mut self, id: ConnectionId, context: &Context<'_>) {
        match self.place(id).map(|place| &mut place.pump) {
            Some(Some(waker)) => waker.clone_from(context.waker()),
            Some(pump) => *pump = Some(context.waker().clone()),
            None => {}
        }
    }

    fn collect(&mut self, pumping: Option<ConnectionId>, wakers: &mut Vec<Waker>) {
        while let Some(id) = self.router.poll_ready() {
            if Some(id) != pumping {
                wakers.extend(self.places.get_mut(id.index()).and_then(|place| place.pump.take()));
            }
        }
        let next = self.router.poll_timeout().map(|deadline| deadline.at);
        if next.is_some_and(|next| self.armed.is_none_or(|armed| next < armed)) {
            wakers.extend(self.timer.take());
        }
        if !self.idle.is_empty() && self.router.is_empty() {
            wakers.append(&mut self.idle);
        }
    }
}

/// The task that keeps the router's timer; ends when nobody uses the router any more.
struct Timer {
    shared: std::sync::Weak<Shared>,
    sleep: Option<BoxFuture<()>>,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(shared) = self.shared.upgrade() else { return Poll::Ready(()) };
        loop {
            if let Some(sleep) = &mut self.sleep {
                if sleep.as_mut().poll(context).is_ready() {
                    self.sleep = None;
                    shared.update(None, Router::handle_timeout);
                }
            }
            let now = shared.runtime.now();
            let mut state = lock(&shared.state);
            state.timer = Some(context.waker().clone());
            let next = state.router.poll_timeout().map(|deadline| deadline.at);
            if next == state.armed && (next.is_none() || self.sleep.is_some()) {
                return Poll::Pending;
            }
            state.armed = next;
            drop(state);
            self.sleep = next.map(|next| shared.runtime.sleep(next - now));
        }
    }
}

/// Waits until the router has no connection left.
#[must_use = "futures do nothing unless awaited"]
pub struct Idle(Arc<Shared>);

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idle")
    }
}

impl Future for Idle {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0.state);
        if state.router.is_empty() {
            return Poll::Ready(());
        }
        state.idle.push(context.waker().clone());
        Poll::Pending
    }
}
