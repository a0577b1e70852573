//! What the handles of one client share: the session, and who waits for what.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::future::AbortHandle;
use wamp_proto::{
    Encoding, Instant, Pattern, Payload, Uri,
    auth::AuthError,
    error::{Closed, Misuse, RemoteError},
    id::{PublicationId, RegistrationId, RequestId, SubscriptionId},
    message::{self, CancelMode, InvocationDetails, ResultDetails},
    session::{self, Session},
    uri::uris,
};

use crate::{
    CallResult, Cipher, Error, Invocation,
    auth::{self, Login},
    connect::Joined,
    handler::{self, DynHandler},
    invocation::{MAX_PARTS, Part},
    machine::{BATCH, Flow},
    queue::{Event, EventQueue, Full, Queue},
    runtime::{BoxFuture, Runtime},
    wakers::Wakers,
};

/// One client: what its handles, its pump and its handlers share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) encoding: Encoding,
    pub(crate) receive_limit: usize,
    pub(crate) max_invocations: usize,
    /// What payloads are encrypted with, if they are.
    pub(crate) cipher: Option<Arc<dyn Cipher>>,
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
    /// The authentication under way, unless somebody is about to answer a challenge.
    pub(crate) login: Option<Box<Login>>,
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

/// An invocation that is being handled.
pub(crate) struct Running {
    abort: AbortHandle,
    /// Where further arguments go, if the caller sends them in parts.
    parts: Option<Arc<Queue<Part>>>,
}

impl Running {
    /// Nobody waits for its answer any more.
    fn cancel(&self) -> Option<Waker> {
        self.abort.abort();
        self.parts.as_ref()?.end()
    }
}

/// A topic, or a pattern of topics, and the streams of its events (P-06).
pub(crate) struct Topic {
    pub(crate) status: TopicStatus,
    pub(crate) queues: Vec<Arc<EventQueue>>,
}

pub(crate) enum TopicStatus {
    /// SUBSCRIBE is on its way; those who wait for the answer.
    Asking(Vec<oneshot::Sender<Outcome>>),
    /// SUBSCRIBED.
    Active(SubscriptionId),
}

impl Topic {
    fn is_active(&self) -> bool {
        matches!(self.status, TopicStatus::Active(_))
    }
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Result { details: Box<ResultDetails>, payload: Payload },
    Published(PublicationId),
    Subscribed(SubscriptionId),
    Registered(RegistrationId),
    Done,
    Failed(Error),
}

impl Outcome {
    /// An answer of another kind than the request has; the session never gives one.
    pub(crate) fn unexpected(self) -> Error {
        match self {
            Self::Failed(error) => error,
            _ => Error::Timeout,
        }
    }
}

/// What is done once the lock is released: nobody is woken under it.
#[derive(Default)]
pub(crate) struct Effects {
    wakers: Vec<Waker>,
    answers: Vec<(oneshot::Sender<Outcome>, Outcome)>,
    tasks: Vec<BoxFuture<()>>,
    /// Something is to be written, and nobody has been woken for it.
    write: bool,
    /// Handlers that are not needed any more. One may own the last handle of this very client, whose drop takes the lock.
    buried: Vec<Arc<DynHandler>>,
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
        cipher: Option<Arc<dyn Cipher>>,
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
            login: None,
            pumping: true,
            pump: None,
            armed: None,
            room: Wakers::default(),
            watchers: Wakers::default(),
            idle: Wakers::default(),
        };
        let writer = OnceLock::new();
        Self { runtime, encoding, receive_limit, max_invocations, cipher, writer, state: Mutex::new(state) }
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
            E::Joined(welcome) => {
                match state.login.take().map(|login| login.exchange.check_welcome(&welcome)) {
                    Some(Ok(())) => state.joined = Some(Joined::new(*welcome, state.session.realm())),
                    Some(Err(why)) => state.session.distrust(why),
                    None => state.session.distrust(AuthError::Router("it has not waited for our answer")),
                }
            }
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
            E::Challenge(challenge) => match state.login.take() {
                Some(login) => effects.tasks.push(Box::pin(auth::answer(self.clone(), login, *challenge))),
                None => state.session.distrust(AuthError::Router("it has not waited for our answer")),
            },
            E::Closed(closed) => state.end(effects, &closed),
            _ => {}
        }
    }

    /// Starts the handler of an invocation.
    fn invoke(
        self: &Arc<Self>,
        state: &mut State,
        effects: &mut Effects,
        request: RequestId,
        registration: RegistrationId,
        details: InvocationDetails,
        payload: Payload,
    ) {
        let refusal = match state.procedures.get(&registration) {
            None => Some((uris::error::NO_SUCH_PROCEDURE, "the procedure is not registered any more")),
            Some(_) if state.running.len() >= self.max_invocations => {
                Some((uris::error::UNAVAILABLE, "too many invocations at once"))
            }
            Some(handler) => {
                let (abort, aborted) = AbortHandle::new_pair();
                let parts = details.progress.then(|| Arc::new(Queue::new(MAX_PARTS)));
                state.running.insert(request, Running { abort, parts: parts.clone() });
                let invocation =
                    Invocation::new(self.clone(), request, registration, details, payload, parts);
                effects.tasks.push(handler::run(self.clone(), handler.clone(), invocation, aborted));
                None
            }
        };
        if let Some((error, text)) = refusal {
            self.refuse(state, request, error, text);
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

    /// Further arguments of an invocation. One whose handler does not take them is refused.
    fn more_arguments(&self, state: &mut State, effects: &mut Effects, request: RequestId, part: Part) {
        let Some(parts) = state.running.get(&request).and_then(|running| running.parts.clone()) else {
            return;
        };
        let last = part.last;
        match parts.push(part) {
            Ok(waker) => effects.wakers.extend(waker),
            Err(Full) => {
                effects.wakers.extend(state.running.get(&request).and_then(Running::cancel));
                self.refuse(state, request, uris::error::UNAVAILABLE, "the arguments come too fast");
            }
        }
        if last {
            effects.wakers.extend(parts.end());
        }
    }

    fn refuse(&self, state: &mut State, request: RequestId, error: &str, text: &str) {
        let payload = Payload::from_args(self.encoding, &[text]).unwrap_or_else(|_| Payload::empty());
        self.reply(state, request, Err(RemoteError::new(Uri::unchecked(error), payload)));
    }

    /// A handler has finished.
    pub(crate) fn finish(self: &Arc<Self>, request: RequestId, reply: Result<Payload, RemoteError>) {
        self.update_at_once(|state, _| {
            state.running.remove(&request);
            self.reply(state, request, reply);
        });
    }

    /// Answers an invocation; an answer that cannot be sent becomes an error that can.
    fn reply(&self, state: &mut State, request: RequestId, reply: Result<Payload, RemoteError>) {
        let Ok(open) = state.session.reply(request) else { return };
        let sent = match reply {
            Ok(payload) => open.result(payload),
            Err(error) => open.error(error),
        };
        let Err(misuse) = sent else { return };
        tracing::warn!(%request, %misuse, "the answer of a procedure cannot be sent");
        let error = Uri::unchecked(match misuse {
            Misuse::TooLarge { .. } => uris::error::PAYLOAD_SIZE_EXCEEDED,
            _ => handler::RUNTIME_ERROR,
        });
        let payload =
            Payload::from_args(self.encoding, &[misuse.to_string()]).unwrap_or_else(|_| Payload::empty());
        if let Ok(open) = state.session.reply(request) {
            // The last resort has a few dozen bytes; a peer that refuses even those gets nothing.
            let _ = open.error(RemoteError::new(error, payload));
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

    /// Whether nobody waits for the answer to an invocation any more.
    pub(crate) fn is_canceled(&self, request: RequestId) -> bool {
        self.running.get(&request).is_none_or(|running| running.abort.is_aborted())
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
        if let Some(pattern) = self.asking.remove(&request) {
            // One that is active stays, if it was only asked for its retained events.
            let asking = self.topics.get(&pattern).is_some_and(|topic| !topic.is_active());
            if let Some(Topic { status: TopicStatus::Asking(waiters), queues }) =
                asking.then(|| self.topics.remove(&pattern)).flatten()
            {
                effects.wakers.extend(queues.iter().filter_map(|queue| queue.end()));
                effects
                    .answers
                    .extend(waiters.into_iter().map(|waiter| (waiter, Outcome::Failed(error.clone()))));
            }
        }
    }

    fn subscribed(&mut self, effects: &mut Effects, request: RequestId, subscription: SubscriptionId) {
        let Some(pattern) = self.asking.remove(&request) else { return };
        let Some(topic) = self.topics.get_mut(&pattern) else { return };
        if topic.queues.is_empty() {
            // All who asked have gone away meanwhile.
            self.topics.remove(&pattern);
            return self.session.abandon_subscription(subscription);
        }
        let status = std::mem::replace(&mut topic.status, TopicStatus::Active(subscription));
        if let TopicStatus::Asking(waiters) = status {
            let told = waiters.into_iter().map(|waiter| (waiter, Outcome::Subscribed(subscription)));
            effects.answers.extend(told);
        }
        self.patterns.insert(subscription, pattern);
    }

    fn deliver(&mut self, effects: &mut Effects, event: message::Event) {
        let Some(topic) = self.patterns.get(&event.subscription).and_then(|pattern| self.topics.get(pattern))
        else {
            return;
        };
        let message::Event { subscription, publication, details, payload } = event;
        for queue in &topic.queues {
            let event = Event {
                topic: details.topic.clone().unwrap_or_else(|| queue.topic.clone()),
                subscription,
                publication,
                details: details.clone(),
                payload: payload.clone(),
                sealed: None,
                missed: 0,
            };
            effects.wakers.extend(queue.push(event));
        }
    }

    /// The router ended a subscription: so do its streams.
    fn end_topic(&mut self, effects: &mut Effects, subscription: SubscriptionId) {
        if let Some(topic) =
            self.patterns.remove(&subscription).and_then(|pattern| self.topics.remove(&pattern))
        {
            effects.wakers.extend(topic.queues.iter().filter_map(|queue| queue.end()));
        }
    }

    /// A stream was dropped. The last one of a topic ends the subscription, which is given back for that (P-06).
    pub(crate) fn drop_queue(
        &mut self,
        pattern: &Pattern,
        queue: &Arc<EventQueue>,
    ) -> Option<SubscriptionId> {
        let topic = self.topics.get_mut(pattern)?;
        topic.queues.retain(|other| !Arc::ptr_eq(other, queue));
        let TopicStatus::Active(subscription) = topic.status else { return None };
        if !topic.queues.is_empty() {
            return None;
        }
        self.topics.remove(pattern);
        self.patterns.remove(&subscription);
        Some(subscription)
    }

    fn wait_as_pump(&mut self, context: &Context<'_>) {
        match &mut self.pump {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
    }

    /// A procedure is not ours any more.
    fn unregistered(&mut self, effects: &mut Effects, request: RequestId) {
        let ended = self.ending.remove(&request);
        effects.buried.extend(ended.and_then(|registration| self.procedures.remove(&registration)));
    }

    /// Ends a registration that nobody asked for any more when it came into being. The handler is given back to be dropped
    /// outside of the lock.
    #[must_use = "a handler is dropped outside of the lock"]
    pub(crate) fn abandon(&mut self, registration: RegistrationId) -> Option<Arc<DynHandler>> {
        self.session.abandon_registration(registration);
        self.procedures.remove(&registration)
    }

    /// The session is over: everybody who waits is told why.
    fn end(&mut self, effects: &mut Effects, closed: &Closed) {
        let failed = || Outcome::Failed(Error::Closed(closed.clone()));
        effects.answers.extend(self.waiting.drain().map(|(_, waiter)| (waiter, failed())));
        for (_, topic) in self.topics.drain() {
            effects.wakers.extend(topic.queues.iter().filter_map(|queue| queue.end()));
            if let TopicStatus::Asking(waiters) = topic.status {
                effects.answers.extend(waiters.into_iter().map(|waiter| (waiter, failed())));
            }
        }
        self.patterns.clear();
        self.asking.clear();
        self.ending.clear();
        effects.buried.extend(self.offered.drain().map(|(_, handler)| handler));
        effects.buried.extend(self.procedures.drain().map(|(_, handler)| handler));
        self.results.clear();
        // Handlers run on: what they do may matter to others than the caller. But no more arguments come.
        let parts = self.running.drain().filter_map(|(_, running)| running.parts);
        effects.wakers.extend(parts.filter_map(|parts| parts.end()));
        effects.wakers.extend(self.room.take());
    }
}

impl Effects {
    fn run(self, shared: &Arc<Shared>) {
        for (waiter, outcome) in self.answers {
            // Whoever has stopped waiting does not care, unless it is left with a registration.
            if let Err(Outcome::Registered(registration)) = waiter.send(outcome) {
                shared.update(|state, _| state.abandon(registration));
            }
        }
        self.tasks.into_iter().for_each(|task| shared.runtime.spawn(task));
        self.wakers.into_iter().for_each(Waker::wake);
        let written = || shared.writer.get()?.upgrade().map(|writer| writer.write_now());
        if self.write && written() != Some(true) {
            let pump = shared.peek(|state| state.pump.take());
            pump.into_iter().for_each(Waker::wake);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}
