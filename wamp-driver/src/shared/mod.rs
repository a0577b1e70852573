//! What the handles of one client share: the session, and who waits for what.

mod effects;
mod procedures;
mod topics;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_channel::oneshot;
use wamp_proto::{
    Encoding, Instant, Pattern, Uri,
    error::Closed,
    id::{RegistrationId, RequestId, SubscriptionId},
    message::CancelMode,
    session::{self, Session},
    uri::uris,
};

pub(crate) use effects::{Effects, Outcome};
use procedures::Running;
pub(crate) use topics::{Topic, TopicStatus};

use crate::{
    CallResult, Error,
    connect::Joined,
    handler::DynHandler,
    invocation::Part,
    machine::{BATCH, Flow},
    queue::{Full, Queue},
    runtime::Runtime,
    wakers::Wakers,
};

/// One client: what its handles, its pump and its handlers share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) encoding: Encoding,
    pub(crate) receive_limit: usize,
    pub(crate) max_invocations: usize,
    /// The pump, for those who want to write at once.
    writer: OnceLock<Weak<dyn Writer>>,
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
    pub(crate) session: Session,
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
    /// Handlers of procedures whose registration is on its way.
    pub(crate) offered: HashMap<RequestId, Arc<DynHandler>>,
    /// Handlers of registered procedures.
    pub(crate) procedures: HashMap<RegistrationId, Arc<DynHandler>>,
    /// The registration of each UNREGISTER that is on its way.
    pub(crate) ending: HashMap<RequestId, RegistrationId>,
    /// Invocations that are being handled.
    running: HashMap<RequestId, Running>,
    pub(crate) joined: Option<Joined>,
    /// Whether a pump still holds the transport.
    pub(crate) pumping: bool,
    /// The pump, to be woken when there is something to write or an earlier deadline.
    pump: Option<Waker>,
    /// The deadline that the pump knows.
    armed: Option<Instant>,
    /// Those who wait for room in the outbound queue.
    pub(crate) room: Wakers,
    /// Those who wait for the session to open, or for the pump to be done.
    pub(crate) watchers: Wakers,
    /// Those who wait until no procedure is running.
    pub(crate) idle: Wakers,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under the lock would be a bug here, never in a handler: those run outside of it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        runtime: Arc<dyn Runtime>,
        session: Session,
        receive_limit: usize,
        max_invocations: usize,
    ) -> Self {
        let encoding = session.encoding();
        let state = State {
            session,
            waiting: HashMap::new(),
            results: HashMap::new(),
            topics: HashMap::new(),
            asking: HashMap::new(),
            patterns: HashMap::new(),
            offered: HashMap::new(),
            procedures: HashMap::new(),
            ending: HashMap::new(),
            running: HashMap::new(),
            joined: None,
            pumping: true,
            pump: None,
            armed: None,
            room: Wakers::default(),
            watchers: Wakers::default(),
            idle: Wakers::default(),
        };
        let writer = OnceLock::new();
        Self { runtime, encoding, receive_limit, max_invocations, writer, state: Mutex::new(state) }
    }

    /// The pump that writes for this session.
    pub(crate) fn set_writer(&self, writer: Weak<dyn Writer>) {
        // There is one pump a session.
        let _ = self.writer.set(writer);
    }

    /// Changes the state and acts on what follows from it.
    pub(crate) fn update<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.update_by(By::Other, change)
    }

    /// As [`update`](Self::update), for somebody who waits for an answer or gives one.
    pub(crate) fn update_at_once<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.update_by(By::Waiter, change)
    }

    /// As [`update`](Self::update), for the pump itself.
    pub(crate) fn update_as_pump<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.update_by(By::Pump, change)
    }

    fn update_by<T>(self: &Arc<Self>, by: By, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = self.runtime.now();
        let mut effects = Effects::default();
        let result = {
            let mut state = lock(&self.state);
            let result = change(&mut state, now);
            self.dispatch(&mut state, &mut effects, by);
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

    fn dispatch(self: &Arc<Self>, state: &mut State, effects: &mut Effects, by: By) {
        while let Some(event) = state.session.poll_event() {
            self.handle_event(state, effects, event);
        }
        let earlier = match (state.session.poll_timeout(), state.armed) {
            (Some(next), Some(armed)) => next.at < armed,
            (next, None) => next.is_some(),
            (None, Some(_)) => false,
        };
        let more = earlier || state.session.closed().is_some();
        if by == By::Waiter && !more && state.is_quiet() {
            effects.write = state.session.has_output();
        } else if by != By::Pump && (more || state.session.has_output()) {
            effects.wakers.extend(state.pump.take());
        }
        if !state.watchers.is_empty() && (state.joined.is_some() || state.session.closed().is_some()) {
            effects.wakers.extend(state.watchers.take());
        }
        if !state.idle.is_empty() && state.is_idle() {
            effects.wakers.extend(state.idle.take());
        }
    }

    fn handle_event(self: &Arc<Self>, state: &mut State, effects: &mut Effects, event: session::Event) {
        use session::Event as E;
        match event {
            E::Joined(welcome) => state.joined = Some(Joined::new(*welcome, state.session.realm())),
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
            E::Registered { request, registration } => {
                if let Some(handler) = state.offered.remove(&request) {
                    state.procedures.insert(registration, handler);
                }
                state.answer(effects, request, Outcome::Registered(registration));
            }
            E::Unsubscribed { request } => state.answer(effects, request, Outcome::Done),
            E::Unregistered { request } => {
                state.unregistered(effects, request);
                state.answer(effects, request, Outcome::Done);
            }
            E::Failed { request, failure } => state.failed(effects, request, failure.into()),
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
                effects.buried.extend(state.procedures.remove(&registration));
            }
            E::Challenge(_) => {
                // Anonymous is the only method that is offered, and it has no challenge.
                state.session.close(self.runtime.now(), Uri::unchecked(uris::error::NO_MATCHING_AUTH_METHOD));
            }
            E::Closed(closed) => state.end(effects, &closed),
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

    fn failed(&mut self, effects: &mut Effects, request: RequestId, error: Error) {
        effects.buried.extend(self.offered.remove(&request));
        // A router that does not know the registration will not call it; one that did not answer may.
        match error {
            Error::Remote(_) => self.unregistered(effects, request),
            _ => drop(self.ending.remove(&request)),
        }
        self.answer(effects, request, Outcome::Failed(error.clone()));
        self.not_subscribed(effects, request, &error);
    }

    fn wait_as_pump(&mut self, context: &Context<'_>) {
        match &mut self.pump {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
    }

    /// The session is over: everybody who waits is told why.
    fn end(&mut self, effects: &mut Effects, closed: &Closed) {
        let failed = || Outcome::Failed(Error::Closed(closed.clone()));
        effects.answers.extend(self.waiting.drain().map(|(_, waiter)| (waiter, failed())));
        self.end_topics(effects, closed);
        self.end_procedures(effects);
        self.results.clear();
        effects.wakers.extend(self.room.take());
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}
