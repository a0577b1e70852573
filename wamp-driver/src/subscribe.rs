//! Subscribing to topics.

use std::{
    fmt,
    future::{Future, IntoFuture},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_channel::oneshot;
use futures_core::Stream;
use futures_util::FutureExt as _;
use wamp_proto::{
    Instant, Match, Pattern, Uri, error::Misuse, id::SubscriptionId, message::SubscribeOptions, uri::UriRule,
};

use crate::{
    Client, CloseFuture, Error, Event,
    handler::run_blocking,
    queue::EventQueue,
    room::{Room, Urgency},
    runtime::{BoxFuture, Runtime},
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

    /// Runs `handler` for each event, one after the other, as long as the session lasts. A handler that panics is logged,
    /// and the next event handled. The future fails when the subscription does.
    pub fn handle<F, R>(self, handler: F) -> HandleFuture
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let handler: Box<EventHandler> = Box::new(move |event| Box::pin(handler(event)));
        HandleFuture {
            runtime: self.client.shared.runtime.clone(),
            subscribe: self.into_future(),
            handler: Some(handler),
        }
    }

    /// As [`handle`](Self::handle), for a handler that blocks or computes for long: it runs on a thread of its own.
    pub fn handle_blocking(self, handler: impl Fn(Event) + Send + Sync + 'static) -> HandleFuture {
        let (runtime, handler) = (self.client.shared.runtime.clone(), Arc::new(handler));
        self.handle(move |event| {
            let handler = handler.clone();
            run_blocking(runtime.clone(), move || handler(event))
        })
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

/// A handler of events whose kind is forgotten.
type EventHandler = dyn Fn(Event) -> BoxFuture<()> + Send + Sync;

/// A subscription under way whose events a handler gets: see [`Subscribe::handle`].
#[must_use = "nothing is subscribed until it is awaited"]
pub struct HandleFuture {
    subscribe: SubscribeFuture,
    runtime: Arc<dyn Runtime>,
    handler: Option<Box<EventHandler>>,
}

impl Future for HandleFuture {
    type Output = Result<SubscriptionId, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut subscription = ready!(Pin::new(&mut self.subscribe).poll(context))?;
        let id = subscription.id();
        // The handler must not keep the session alive: that is for those who use it.
        subscription.client = None;
        if let Some(handler) = self.handler.take() {
            self.runtime.spawn(Box::pin(handle(subscription, handler)));
        }
        Poll::Ready(Ok(id))
    }
}

impl fmt::Debug for HandleFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleFuture").field("subscribe", &self.subscribe).finish_non_exhaustive()
    }
}

async fn handle(mut subscription: Subscription, handler: Box<EventHandler>) {
    while let Some(event) = subscription.next().await {
        let topic = event.topic.clone();
        let work = AssertUnwindSafe(async { handler(event).await }).catch_unwind();
        if work.await.is_err() {
            tracing::error!(%topic, "an event handler panicked");
        }
    }
}

/// A stream, and the router's answer unless the topic is active already.
type Joined = (Subscription, Option<oneshot::Receiver<Outcome>>);

/// Adds a stream to its topic, and asks the router unless it was asked before (P-06). One that wants retained events asks in
/// any case: they come with the answer, and are for this stream alone.
fn join(state: &mut State, now: Instant, wish: &Subscribe, pattern: Pattern) -> Result<Joined, Error> {
    if let Some(closed) = state.session.closed() {
        return Err(Error::Closed(closed.clone()));
    }
    if wish.get_retained || !state.topics.contains_key(&pattern) {
        ask(state, now, &pattern, wish.get_retained)?;
    }
    let asking = || Topic { status: TopicStatus::Asking(Vec::new()), queues: Vec::new() };
    let topic = state.topics.entry(pattern.clone()).or_insert_with(asking);
    let queue = EventQueue::new(pattern.uri().clone(), wish.capacity, wish.get_retained);
    if wish.get_retained {
        topic.queues.iter().for_each(|queue| queue.take_no_retained());
    }
    topic.queues.push(queue.clone());
    let (id, answer) = match &mut topic.status {
        TopicStatus::Active(id) => (Some(*id), None),
        TopicStatus::Asking(waiters) => {
            let (sender, receiver) = oneshot::channel();
            waiters.push(sender);
            (None, Some(receiver))
        }
    };
    let client = wish.client.clone();
    Ok((Subscription { shared: client.shared.clone(), client: Some(client), pattern, queue, id }, answer))
}

fn ask(state: &mut State, now: Instant, pattern: &Pattern, get_retained: bool) -> Result<(), Misuse> {
    let match_policy = Some(pattern.kind()).filter(|kind| *kind != Match::Exact);
    let options = SubscribeOptions { match_policy, get_retained, ..SubscribeOptions::default() };
    let request = state.session.subscribe(now, pattern.uri().clone(), options)?;
    state.asking.insert(request, pattern.clone());
    Ok(())
}

/// The events of a topic, or of a pattern of topics, in the order in which each publisher sent them (S-75).
///
/// A [`Stream`], with a [`next`](Self::next) of its own for those who do without stream adapters. It ends with the session.
/// Dropping it ends the subscription, unless other streams of this client share it (P-06).
pub struct Subscription {
    /// Keeps the session alive.
    client: Option<Client>,
    shared: Arc<crate::shared::Shared>,
    pattern: Pattern,
    queue: Arc<EventQueue>,
    id: Option<SubscriptionId>,
}

impl Subscription {
    /// The subscription's id.
    pub fn id(&self) -> SubscriptionId {
        self.id.unwrap_or(SubscriptionId::FIRST)
    }

    /// What was subscribed to.
    pub fn topic(&self) -> &Uri {
        self.pattern.uri()
    }

    /// The next event; `None` when the session or the subscription has ended.
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

    /// Waits until the session has ended, whoever ends it.
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
            Ok(Outcome::Failed(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }
}
