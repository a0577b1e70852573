//! What the handles of one client share: the session, and who waits for what.

mod effects;
mod life;
mod procedures;
mod restore;
mod topics;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_channel::oneshot;
use wamp_proto::{
    Channel, Encoding, Instant, Pattern, Uri,
    auth::AuthError,
    id::{RegistrationId, RequestId, SubscriptionId},
    message::CancelMode,
    reconnect::Reconnect,
    session::{self, Config, Session},
    uri::InvalidUri,
};

pub(crate) use effects::{Effects, Outcome};
pub(crate) use life::{Duty, Life};
pub(crate) use procedures::{Key, Procedure};
use procedures::{Registered, Running};
use restore::{Restoring, What};
pub(crate) use topics::{Topic, TopicStatus};

use crate::{
    CallResult, Client, ConnectError, Error, Pending,
    auth::{self, Login},
    client::Guard,
    connect::ClientOptions,
    handler::DynHandler,
    invocation::Part,
    machine::{BATCH, ClientMachine, Flow},
    queue::{Full, Queue},
    runtime::Runtime,
    wakers::Wakers,
};

/// One client: what its handles, its pump and its handlers share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) options: ClientOptions,
    pub(crate) realm: Uri,
    /// The serializer of the last session, by its place in [`Encoding::ALL`].
    encoding: AtomicUsize,
    keys: AtomicU64,
    /// Those who use the client, for handlers that want to.
    guard: OnceLock<Weak<Guard>>,
    state: Mutex<State>,
}

/// What can write on behalf of the pump's task, from any other.
pub(crate) trait Writer: Send + Sync {
    /// Writes what the machine has to say, in the name of the pump's task. False when the pump is at it, or has to be woken
    /// for another reason.
    fn write_now(&self) -> bool;
}

/// Who changes the state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The pump, which looks for itself what there is to do.
    Pump,
    /// Somebody who waits for an answer, or gives one: it writes its message itself if it is the only one who has any. That
    /// saves the way over the pump's task, and often over another thread. If there are more, the pump writes them together.
    Waiter,
    /// Anybody else.
    Other,
}

/// What changes, under the lock.
pub(crate) struct State {
    /// The present session, or the last one. Before the first there is one that nobody pumps, and that refuses everything.
    pub(crate) session: Session,
    /// How many there were.
    sessions: u64,
    pub(crate) life: Life,
    /// The authentication under way, unless somebody is about to answer a challenge.
    pub(crate) login: Option<Box<Login>>,
    seed: [u8; 32],
    /// The pump, for those who want to write at once.
    writer: Option<Weak<dyn Writer>>,
    /// Who waits for the answer to a request.
    pub(crate) waiting: HashMap<RequestId, oneshot::Sender<Outcome>>,
    /// Where the progressive results of a call go.
    pub(crate) results: HashMap<RequestId, Arc<Queue<CallResult>>>,
    /// The topics that somebody here listens to.
    pub(crate) topics: HashMap<Pattern, Topic>,
    /// The topic of each SUBSCRIBE that is on its way.
    pub(crate) asking: HashMap<RequestId, Pattern>,
    /// The topic of each active subscription.
    patterns: HashMap<SubscriptionId, Pattern>,
    /// The procedures that are to be registered in every session.
    pub(crate) procedures: BTreeMap<Key, Procedure>,
    /// The procedure of each REGISTER that is on its way.
    pub(crate) registering: HashMap<RequestId, Key>,
    /// The registrations of this session.
    pub(crate) registered: HashMap<RegistrationId, Registered>,
    /// The registration of each UNREGISTER that is on its way.
    pub(crate) ending: HashMap<RequestId, RegistrationId>,
    /// Handlers that are to be dropped outside of the lock.
    buried: Vec<Arc<DynHandler>>,
    /// What this session is still to be given of what was asked for in others.
    restoring: Option<Box<Restoring>>,
    /// Invocations that are being handled.
    running: HashMap<RequestId, Running>,
    /// Whether a pump still holds the transport.
    pub(crate) pumping: bool,
    /// The pump, to be woken when there is something to write or an earlier deadline.
    pump: Option<Waker>,
    /// The deadline that the pump knows.
    armed: Option<Instant>,
    /// Those who wait for room in the outbound queue.
    pub(crate) room: Wakers,
    /// Those who wait for what becomes of the client, or for the pump to be done.
    pub(crate) watchers: Wakers,
    /// Those who wait until no procedure is running.
    pub(crate) idle: Wakers,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under the lock would be a bug here, never in a handler: those run outside of it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is wrong with a router that goes on while we are about to answer its challenge.
const NOT_WAITED: AuthError = AuthError::Router("it has not waited for our answer");

/// A request, and the session that it was made in: ids start anew with every session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) request: RequestId,
    session: u64,
}

impl Shared {
    /// A client that has no transport yet.
    ///
    /// # Errors
    ///
    /// When the realm is not a URI.
    pub(crate) fn new(runtime: Arc<dyn Runtime>, options: ClientOptions) -> Result<Self, InvalidUri> {
        let realm = options.realm.parse::<Uri>()?;
        let encoding = options.serializers.first().copied().unwrap_or(Encoding::MessagePack);
        let (now, seed) = (runtime.now(), runtime.seed());
        let machine = Reconnect::new(options.reconnect.clone(), seed, now);
        let state = State {
            session: Session::new(Arc::new(Config::new(realm.clone())), encoding, now),
            sessions: 0,
            life: Life::new(machine, !options.on_change.is_empty()),
            login: None,
            seed,
            writer: None,
            waiting: HashMap::new(),
            results: HashMap::new(),
            topics: HashMap::new(),
            asking: HashMap::new(),
            patterns: HashMap::new(),
            procedures: BTreeMap::new(),
            registering: HashMap::new(),
            registered: HashMap::new(),
            ending: HashMap::new(),
            buried: Vec::new(),
            restoring: None,
            running: HashMap::new(),
            pumping: false,
            pump: None,
            armed: None,
            room: Wakers::default(),
            watchers: Wakers::default(),
            idle: Wakers::default(),
        };
        Ok(Self {
            runtime,
            options,
            realm,
            encoding: AtomicUsize::new(place(encoding)),
            keys: AtomicU64::new(0),
            guard: OnceLock::new(),
            state: Mutex::new(state),
        })
    }

    /// What all handles of the client share.
    pub(crate) fn set_guard(&self, guard: Weak<Guard>) {
        // Handles are cloned from the first one.
        let _ = self.guard.set(guard);
    }

    /// A handle of the client, unless nobody has one any more.
    pub(crate) fn client(&self) -> Option<Client> {
        Some(Client::of_guard(self.guard.get()?.upgrade()?))
    }

    /// A session begins, over an open transport that speaks `encoding` and takes messages up to `send_limit` bytes, where
    /// `channel` is what is known about the connection. Every session has a login of its own, with secrets read anew.
    ///
    /// # Errors
    ///
    /// When a secret is not there, or of no use.
    pub(crate) fn begin(
        self: &Arc<Self>,
        encoding: Encoding,
        send_limit: usize,
        channel: Channel,
    ) -> Result<ClientMachine, ConnectError> {
        let login = Login::new(&self.options.auth, channel, self.runtime.seed())?;
        let mut config = self.options.session(self.realm.clone());
        login.exchange.fill(&mut config);
        self.encoding.store(place(encoding), Ordering::Relaxed);
        let number = self.update(|state, now| {
            let mut session = Session::new(Arc::new(config), encoding, now);
            session.set_send_limit(send_limit);
            state.begin(session, login);
            state.sessions
        });
        Ok(ClientMachine::new(self.clone(), number))
    }

    /// The serializer of the last session.
    pub(crate) fn encoding(&self) -> Encoding {
        let place = self.encoding.load(Ordering::Relaxed);
        Encoding::ALL.get(place).copied().unwrap_or(Encoding::MessagePack)
    }

    /// A name for a procedure.
    pub(crate) fn key(&self) -> Key {
        self.keys.fetch_add(1, Ordering::Relaxed)
    }

    /// The pump that writes for this session.
    pub(crate) fn set_writer(&self, writer: Weak<dyn Writer>) {
        let _old = self.peek(|state| state.writer.replace(writer));
    }

    /// Changes the state and acts on what follows from it.
    pub(crate) fn update<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.update_by(By::Other, |state, now, _| change(state, now))
    }

    /// As [`update`](Self::update), with what is to follow from it.
    pub(crate) fn update_with<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut State, Instant, &mut Effects) -> T,
    ) -> T {
        self.update_by(By::Other, change)
    }

    /// As [`update`](Self::update), for somebody who waits for an answer or gives one.
    pub(crate) fn update_at_once<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.update_by(By::Waiter, |state, now, _| change(state, now))
    }

    /// As [`update`](Self::update), for the pump itself.
    pub(crate) fn update_as_pump<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.update_by(By::Pump, |state, now, _| change(state, now))
    }

    fn update_by<T>(
        self: &Arc<Self>,
        by: By,
        change: impl FnOnce(&mut State, Instant, &mut Effects) -> T,
    ) -> T {
        let now = self.runtime.now();
        let mut effects = Effects::default();
        let result = {
            let mut state = lock(&self.state);
            let result = change(&mut state, now, &mut effects);
            self.dispatch(&mut state, now, &mut effects, by);
            result
        };
        effects.run(self);
        result
    }

    /// Looks at the state, and changes nothing that others wait for.
    pub(crate) fn peek<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut lock(&self.state))
    }

    pub(crate) fn poll_output(&self, context: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Flow> {
        let (flow, room) = {
            let mut state = lock(&self.state);
            let mut bytes = 0;
            while bytes < BATCH {
                let Some(frame) = state.session.poll_transmit() else { break };
                bytes += frame.len();
                frames.push_back(frame);
            }
            let flow = if state.session.is_finished() {
                Poll::Ready(Flow::Close)
            } else if bytes > 0 {
                Poll::Ready(Flow::Continue)
            } else {
                state.wait_as_pump(context);
                Poll::Pending
            };
            let room = state.session.has_room().then(|| state.room.take());
            (flow, room)
        };
        room.into_iter().flatten().for_each(Waker::wake);
        flow
    }

    /// Whether the session is over, whatever is still to be written; if not, the pump waits for this and for all else.
    pub(crate) fn poll_over(&self, context: &mut Context<'_>) -> Poll<()> {
        self.peek(|state| match state.session.closed() {
            Some(_) => Poll::Ready(()),
            None => {
                state.wait_as_pump(context);
                Poll::Pending
            }
        })
    }

    /// The deadline for the pump's timer, which only moves forward until it is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.peek(|state| {
            let next = state.session.poll_timeout().map(|deadline| deadline.at);
            state.armed = state.armed.into_iter().chain(next).min();
            state.armed
        })
    }

    /// The pump's timer is due.
    pub(crate) fn handle_timeout(self: &Arc<Self>) {
        self.update_as_pump(|state, now| {
            state.armed = None;
            state.session.handle_timeout(now);
        });
    }

    fn dispatch(self: &Arc<Self>, state: &mut State, now: Instant, effects: &mut Effects, by: By) {
        while let Some(event) = state.session.poll_event() {
            self.handle_event(state, now, effects, event);
        }
        if state.restoring.is_some() {
            state.restore_more(effects, now);
        }
        effects.buried.append(&mut state.buried);
        let earlier = match (state.session.poll_timeout(), state.armed) {
            (Some(next), Some(armed)) => next.at < armed,
            (next, None) => next.is_some(),
            (None, Some(_)) => false,
        };
        let more = earlier || state.session.closed().is_some();
        if by == By::Waiter && !more && state.is_quiet() {
            effects.write = state.session.has_output();
            effects.writer = state.writer.as_ref().filter(|_| effects.write).and_then(Weak::upgrade);
        } else if by != By::Pump && (more || state.session.has_output()) {
            effects.wakers.extend(state.pump.take());
        }
        if !state.idle.is_empty() && state.is_idle() {
            effects.wakers.extend(state.idle.take());
        }
    }

    fn handle_event(
        self: &Arc<Self>,
        state: &mut State,
        now: Instant,
        effects: &mut Effects,
        event: session::Event,
    ) {
        use session::Event as E;
        match event {
            E::Joined(welcome) => state.welcomed(effects, now, *welcome),
            E::Result { request, details, payload } if details.progress => {
                self.progress(state, effects, request, CallResult { details, payload });
            }
            E::Result { request, details, payload } => {
                state.answer(effects, request, Outcome::Result { details: Box::new(details), payload });
            }
            E::Published { request, publication } => {
                state.answer(effects, request, Outcome::Published(publication));
            }
            E::Subscribed { request, subscription } => state.subscribed(effects, request, subscription),
            E::Registered { request, registration } => state.registered(effects, request, registration),
            E::Unsubscribed { request } => state.answer(effects, request, Outcome::Done),
            E::Unregistered { request } => {
                state.unregistered(effects, request);
                state.answer(effects, request, Outcome::Done);
            }
            E::Failed { request, failure } => state.failed(effects, now, request, failure.into()),
            E::Event(event) => state.deliver(effects, *event),
            E::Invocation { request, registration, details, payload } => {
                self.invoke(state, effects, request, registration, *details, payload);
            }
            E::InvocationProgress { request, details, payload } => {
                self.more_arguments(state, effects, request, Part::new(&details, payload));
            }
            E::InvocationTimedOut { request } => {
                tracing::debug!(%request, "the time of a call is over");
                effects.wakers.extend(state.running.get(&request).and_then(Running::cancel));
            }
            E::Interrupted { request, mode } => {
                tracing::debug!(%request, ?mode, "the caller canceled the call");
                effects.wakers.extend(state.running.get(&request).and_then(Running::cancel));
            }
            E::SubscriptionRevoked { subscription, .. } => state.end_topic(effects, subscription),
            E::RegistrationRevoked { registration, reason } => {
                let reason = reason.unwrap_or_default();
                tracing::warn!(%registration, reason, "registration revoked by the router");
                state.registration_revoked(effects, registration);
            }
            E::Challenge(challenge) => match state.login.take() {
                Some(login) => {
                    let answer = auth::answer(self.clone(), state.sessions, login, *challenge);
                    effects.tasks.push(Box::pin(answer));
                }
                None => state.session.distrust(NOT_WAITED),
            },
            E::Closed(closed) => state.session_ended(effects, now, closed),
            _ => {}
        }
    }

    /// A progressive result. A call whose results come faster than they are taken is canceled: none is lost in silence.
    fn progress(&self, state: &mut State, effects: &mut Effects, request: RequestId, part: CallResult) {
        let Some(queue) = state.results.get(&request) else { return };
        match queue.push(part) {
            Ok(waker) => effects.wakers.extend(waker),
            Err(Full) => {
                tracing::warn!(%request, "progressive results are not taken, the call is canceled");
                // A router that cannot cancel is not asked; what still comes is dropped.
                let _ = state.session.cancel(request, CancelMode::KillNoWait);
                state.session.give_up(request);
                state.answer(effects, request, Outcome::Failed(Error::Lagging));
            }
        }
    }
}

impl State {
    /// Whether one request is under way at most, and one procedure running.
    fn is_quiet(&self) -> bool {
        self.waiting.len() <= 1 && self.running.len() <= 1
    }

    /// What is under way.
    pub(crate) fn under_way(&self) -> Pending {
        Pending { requests: self.session.pending_requests(), invocations: self.running.len() }
    }

    /// Whether no procedure is running.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    fn answer(&mut self, effects: &mut Effects, request: RequestId, outcome: Outcome) {
        if !self.results.is_empty() {
            self.results.remove(&request);
        }
        if let Some(waiter) = self.waiting.remove(&request) {
            effects.answers.push((waiter, outcome));
        }
    }

    fn failed(&mut self, effects: &mut Effects, now: Instant, request: RequestId, error: Error) {
        // A router that does not know the registration will not call it; one that did not answer may.
        match error {
            Error::Remote(_) => self.unregistered(effects, request),
            _ => drop(self.ending.remove(&request)),
        }
        self.not_registered(effects, now, request, &error);
        self.not_subscribed(effects, now, request, &error);
        self.answer(effects, request, Outcome::Failed(error));
    }

    /// A request of the present session, to be kept for later.
    pub(crate) fn ticket(&self, request: RequestId) -> Ticket {
        Ticket { request, session: self.sessions }
    }

    /// Whether the request was made in the present session, or in the last one while there is none.
    pub(crate) fn is_of_this_session(&self, ticket: Ticket) -> bool {
        self.is_session(ticket.session)
    }

    /// Whether the present session, or the last one, is the one that was counted so.
    pub(crate) fn is_session(&self, number: u64) -> bool {
        number == self.sessions
    }

    fn wait_as_pump(&mut self, context: &Context<'_>) {
        match &mut self.pump {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
    }
}

/// The place of a serializer in [`Encoding::ALL`].
fn place(encoding: Encoding) -> usize {
    Encoding::ALL.iter().position(|other| *other == encoding).unwrap_or_default()
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("realm", &self.realm).finish_non_exhaustive()
    }
}
