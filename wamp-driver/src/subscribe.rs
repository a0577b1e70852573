//! Subscribing to topics.

use std::{
    fmt,
    future::{Future, IntoFuture, pending},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_channel::oneshot;
use futures_core::Stream;
use futures_util::{
    FutureExt as _,
    future::{Either, OptionFuture, select},
};
use tracing::Instrument as _;
use wamp_proto::{Instant, Match, Pattern, Uri, error::Misuse, id::SubscriptionId, uri::UriRule};

use crate::{
    BlockingEventHandler, Client, CloseFuture, Delivery, Error, Event, EventHandler,
    handler::{DynEventHandler, erase_blocking_events, erase_events, panic_text},
    queue::EventQueue,
    room::{Room, Urgency},
    runtime::Runtime,
    shared::{Outcome, State, Topic, TopicStatus},
};

/// A topic to subscribe to: add options, then `.await` it for a stream of events, or give it a handler.
#[derive(Debug)]
#[must_use = "nothing is subscribed until it is awaited"]
pub struct Subscribe {
    client: Client,
    topic: String,
    kind: Match,
    capacity: usize,
    get_retained: bool,
}

/// Events that wait in a stream before later ones are dropped and counted.
const DEFAULT_CAPACITY: usize = 1024;

impl Subscribe {
    pub(crate) fn new(client: Client, topic: &str) -> Self {
        Self {
            client,
            topic: topic.to_owned(),
            kind: Match::Exact,
            capacity: DEFAULT_CAPACITY,
            get_retained: false,
        }
    }

    /// Takes the events of every topic that begins with the URI, character by character (P-46).
    pub fn prefix(mut self) -> Self {
        self.kind = Match::Prefix;
        self
    }

    /// Takes the events of every topic that matches the URI, whose empty components stand for any one component (P-47).
    pub fn wildcard(mut self) -> Self {
        self.kind = Match::Wildcard;
        self
    }

    /// Asks for the event that was retained on the topic, or for those on all topics of a pattern (P-68): they come first,
    /// with `details.retained`.
    pub fn get_retained(mut self) -> Self {
        self.get_retained = true;
        self
    }

    /// How many events may wait in the stream, instead of 1,024. When more come, they are dropped, and the next event says
    /// how many it [`missed`](Event::missed).
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// Runs `handler` for each event, one after the other, as long as the client lasts; what may handle events, see
    /// [`EventHandler`]. An event that it cannot take is logged and dropped, and so is a panic, and the next event handled. The
    /// future fails when the subscription does.
    pub fn handle<S: 'static>(self, handler: impl EventHandler<S>) -> HandleFuture {
        HandleFuture::new(self, erase_events(Arc::new(handler)))
    }

    /// As [`handle`](Self::handle), for a handler that blocks or computes for long: it runs on a thread of its own.
    pub fn handle_blocking<S: 'static>(self, handler: impl BlockingEventHandler<S>) -> HandleFuture {
        let handler = erase_blocking_events(self.client.shared.runtime.clone(), Arc::new(handler));
        HandleFuture::new(self, handler)
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscription, Error>;
    type IntoFuture = SubscribeFuture;

    fn into_future(self) -> SubscribeFuture {
        SubscribeFuture { room: Room::new(self.client.shared.clone()), wish: Some(self), waiting: None }
    }
}

/// A subscription under way.
#[must_use = "nothing is subscribed until it is awaited"]
pub struct SubscribeFuture {
    wish: Option<Subscribe>,
    room: Room,
    /// The stream to hand out, and the answer of the router, unless it had answered already.
    waiting: Option<(Subscription, Option<oneshot::Receiver<Outcome>>)>,
}

impl Future for SubscribeFuture {
    type Output = Result<Subscription, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(wish) = &self.wish {
            let pattern = Pattern::new(UriRule::Loose, wish.kind, &wish.topic).map_err(Misuse::Uri)?;
            let Self { wish: Some(wish), room, .. } = &mut *self else { return Poll::Pending };
            let joined =
                ready!(room.poll(context, Urgency::AtOnce, |state, now| join(state, now, wish, pattern)))?;
            (self.wish, self.waiting) = (None, Some(joined));
        }
        let Some((subscription, answer)) = &mut self.waiting else { return Poll::Pending };
        if let Some(answer) = answer {
            match ready!(Pin::new(answer).poll(context)) {
                Ok(Outcome::Subscribed(id)) => subscription.id = Some(id),
                Ok(Outcome::Kept) => {}
                Ok(Outcome::Failed(error)) => return Poll::Ready(Err(error)),
                Ok(outcome) => return Poll::Ready(Err(outcome.unexpected())),
                Err(oneshot::Canceled) => return Poll::Ready(Err(Error::Timeout)),
            }
        }
        Poll::Ready(self.waiting.take().map(|(subscription, _)| subscription).ok_or(Error::Timeout))
    }
}

impl fmt::Debug for SubscribeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeFuture").field("wish", &self.wish).finish_non_exhaustive()
    }
}

/// A subscription under way whose events a handler gets: see [`Subscribe::handle`].
#[must_use = "nothing is subscribed until it is awaited"]
pub struct HandleFuture {
    subscribe: SubscribeFuture,
    runtime: Arc<dyn Runtime>,
    handler: Arc<DynEventHandler>,
    stop: Option<oneshot::Receiver<Stop>>,
}

/// Ends the handling of events; dropped when that is done.
pub(crate) type Stop = oneshot::Sender<()>;

impl HandleFuture {
    pub(crate) fn new(subscribe: Subscribe, handler: Arc<DynEventHandler>) -> Self {
        let runtime = subscribe.client.shared.runtime.clone();
        Self { subscribe: subscribe.into_future(), runtime, handler, stop: None }
    }

    /// Until somebody wants it to stop.
    pub(crate) fn until(mut self, stop: oneshot::Receiver<Stop>) -> Self {
        self.stop = Some(stop);
        self
    }
}

impl Future for HandleFuture {
    type Output = Result<SubscriptionId, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut subscription = ready!(Pin::new(&mut self.subscribe).poll(context))?;
        let id = subscription.id();
        // The handler must not keep the session alive: that is for those who use it.
        subscription.client = None;
        let (handler, stop) = (self.handler.clone(), self.stop.take());
        self.runtime.spawn(Box::pin(handle(subscription, handler, stop)));
        Poll::Ready(Ok(id))
    }
}

impl fmt::Debug for HandleFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleFuture").field("subscribe", &self.subscribe).finish_non_exhaustive()
    }
}

async fn handle(
    mut subscription: Subscription,
    handler: Arc<DynEventHandler>,
    stop: Option<oneshot::Receiver<Stop>>,
) {
    let mut stop = pin!(wanted(stop));
    loop {
        let event = match select(subscription.next(), stop.as_mut()).await {
            Either::Left((None, _)) => return,
            Either::Left((Some(event), _)) => event,
            Either::Right((_stopped, _)) => {
                // One who is told that it has stopped need not know that the session has ended.
                let _ = subscription.unsubscribe().await;
                return;
            }
        };
        let topic = event.topic.clone();
        let span = tracing::debug_span!("event", %topic, publication = %event.publication);
        let delivery = Delivery::new(event, subscription.shared.clone());
        let handling = async {
            match AssertUnwindSafe(async { handler(delivery).await }).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%topic, %error, "an event was not handled"),
                Err(panic) => {
                    tracing::error!(%topic, panic = panic_text(&*panic), "an event handler panicked");
                }
            }
        };
        handling.instrument(span).await;
    }
}

/// Waits for the wish to stop: for ever, when nobody can have it any more.
async fn wanted(stop: Option<oneshot::Receiver<Stop>>) -> Stop {
    if let Some(Ok(stop)) = OptionFuture::from(stop).await {
        return stop;
    }
    pending().await
}

/// A stream, and the router's answer unless the topic is active already.
type Joined = (Subscription, Option<oneshot::Receiver<Outcome>>);

/// Adds a stream to its topic, and asks the router unless it was asked before (P-06). One that wants retained events asks in
/// any case: they come with the answer, and are for this stream alone.
fn join(state: &mut State, now: Instant, wish: &Subscribe, pattern: Pattern) -> Result<Joined, Error> {
    // Without a session, it is asked for in the next one.
    let status = match state.topics.get(&pattern).map(|topic| &topic.status) {
        Some(TopicStatus::Kept) => TopicStatus::Kept,
        Some(_) if !wish.get_retained => TopicStatus::Kept,
        _ => {
            match state.subscribe(now, &pattern, wish.get_retained).map_err(|misuse| state.refusal(misuse)) {
                Ok(()) => TopicStatus::Asking(Vec::new()),
                Err(Error::Disconnected) => TopicStatus::Kept,
                Err(error) => return Err(error),
            }
        }
    };
    let fresh = || Topic { status, queues: Vec::new() };
    let topic = state.topics.entry(pattern.clone()).or_insert_with(fresh);
    let queue = EventQueue::new(pattern.uri().clone(), wish.capacity, wish.get_retained);
    if wish.get_retained {
        topic.queues.iter().for_each(|queue| queue.take_no_retained());
    }
    topic.queues.push(queue.clone());
    let (id, answer) = match &mut topic.status {
        TopicStatus::Active(id) => (Some(*id), None),
        TopicStatus::Kept => (None, None),
        TopicStatus::Asking(waiters) => {
            let (sender, receiver) = oneshot::channel();
            waiters.push(sender);
            (None, Some(receiver))
        }
    };
    let client = wish.client.clone();
    Ok((Subscription { shared: client.shared.clone(), client: Some(client), pattern, queue, id }, answer))
}

/// The events of a topic, or of a pattern of topics, in the order in which each publisher sent them (S-75).
///
/// A [`Stream`], with a [`next`](Self::next) of its own for those who do without stream adapters. It ends with the client: if
/// that reconnects, the stream goes on in the next session, and its first event there says that there is a
/// [gap](Event::gap). A subscription made while there is no session is made in the next one. Dropping the stream ends the subscription, unless other streams of this client share it (P-06).
pub struct Subscription {
    /// Keeps the session alive.
    client: Option<Client>,
    shared: Arc<crate::shared::Shared>,
    pattern: Pattern,
    queue: Arc<EventQueue>,
    id: Option<SubscriptionId>,
}

impl Subscription {
    /// The subscription's id in this session, or the first it had. One that was made while there was no session has none
    /// until it is restored, and gets the smallest id there is.
    pub fn id(&self) -> SubscriptionId {
        let status = |state: &mut State| state.topics.get(&self.pattern).and_then(Topic::id);
        self.shared.peek(status).or(self.id).unwrap_or(SubscriptionId::FIRST)
    }

    /// What was subscribed to.
    pub fn topic(&self) -> &Uri {
        self.pattern.uri()
    }

    /// The next event; `None` when the client or the subscription has ended.
    #[allow(
        clippy::should_implement_trait,
        reason = "a stream is no iterator, and this is what its next item is called"
    )]
    pub fn next(&mut self) -> Next<'_> {
        Next(self)
    }

    fn poll_event(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll(context).map(|event| Some(event?.open(&self.shared)))
    }

    /// Waits until the client has ended, whoever ends it.
    pub fn closed(&self) -> CloseFuture {
        CloseFuture::new(self.shared.clone())
    }

    /// Ends the subscription and waits until the router has done so, if this was its last stream.
    pub fn unsubscribe(self) -> UnsubscribeFuture {
        let answer = self.shared.update(|state, now| {
            let subscription = state.drop_queue(&self.pattern, &self.queue)?;
            let Ok(request) = state.session.unsubscribe(now, subscription) else {
                // No room to ask: it ends all the same, and there is no answer to wait for.
                state.session.abandon_subscription(subscription);
                return None;
            };
            let (sender, receiver) = oneshot::channel();
            state.waiting.insert(request, sender);
            Some(receiver)
        });
        UnsubscribeFuture(answer)
    }
}

impl Stream for Subscription {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(context)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.update(|state, _| {
            if let Some(subscription) = state.drop_queue(&self.pattern, &self.queue) {
                state.session.abandon_subscription(subscription);
            }
        });
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("pattern", &self.pattern)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The next event: see [`Subscription::next`]. May be dropped without losing one.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Next<'a>(&'a Subscription);

impl Future for Next<'_> {
    type Output = Option<Event>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_event(context)
    }
}

/// The end of a subscription under way.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct UnsubscribeFuture(Option<oneshot::Receiver<Outcome>>);

impl Future for UnsubscribeFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(answer) = &mut self.0 else { return Poll::Ready(Ok(())) };
        match ready!(Pin::new(answer).poll(context)) {
            // With the session, the subscription has ended.
            Ok(Outcome::Failed(Error::Lost(_))) => Poll::Ready(Ok(())),
            Ok(Outcome::Failed(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }
}
