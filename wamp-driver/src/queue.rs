//! Events on their way from the session to a subscriber's stream.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use serde::Deserialize;
use wamp_proto::{
    DecodeError, Payload, Uri,
    id::{PublicationId, SubscriptionId},
    message::EventDetails,
};

use crate::{
    cipher::{CipherError, Sealing},
    shared::{Shared, lock},
};

/// An event of a subscription. What the router says about it never mixes with what the publisher sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The topic it was published to.
    pub topic: Uri,
    /// The subscription it matches.
    pub subscription: SubscriptionId,
    /// The publication.
    pub publication: PublicationId,
    /// What else the router says: the publisher when disclosed, whether it was retained, ...
    pub details: EventDetails,
    /// What the publisher sent.
    pub payload: Payload,
    /// Why the payload could not be decrypted, if it could not (see [`Cipher`](crate::Cipher)): it is as it came then.
    pub sealed: Option<CipherError>,
    /// How many events were dropped right before this one, because the stream was not read as fast as they came.
    pub missed: u64,
}

impl Event {
    /// The positional arguments as a tuple or list.
    ///
    /// # Errors
    ///
    /// When they are of another type, or cannot be decrypted.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.readable()?.args()
    }

    /// The keyword arguments as a struct or map.
    ///
    /// # Errors
    ///
    /// When they are of another type, or cannot be decrypted.
    pub fn kwargs<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.readable()?.kwargs()
    }

    /// The one value that was published: see [`Payload::value`].
    ///
    /// # Errors
    ///
    /// When it is of another type, or cannot be decrypted.
    pub fn value<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.readable()?.value()
    }

    fn readable(&self) -> Result<&Payload, DecodeError> {
        match &self.sealed {
            None => Ok(&self.payload),
            Some(_) => {
                Err(DecodeError::Type { expected: "a payload that the cipher decrypts", found: "another" })
            }
        }
    }

    /// Unwraps the payload, if the client has a cipher for the topic.
    pub(crate) fn open(mut self, shared: &Shared) -> Self {
        let attributes = self.details.payload_attributes.as_deref();
        match Sealing::new(shared, &self.topic).open(attributes, self.payload.clone()) {
            Ok(payload) => self.payload = payload,
            Err(error) => {
                tracing::warn!(topic = %self.topic, %error, "an event cannot be decrypted");
                self.sealed = Some(error);
            }
        }
        self
    }
}

/// What comes for one who takes it in turn, bounded.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    capacity: usize,
}

#[derive(Debug)]
struct Inner<T> {
    items: VecDeque<T>,
    ended: bool,
    waker: Option<Waker>,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let inner = Inner { items: VecDeque::new(), ended: false, waker: None };
        Self { inner: Mutex::new(inner), capacity: capacity.max(1) }
    }

    /// Adds an item, or says that there is no room; gives the waker to wake once no lock is held.
    pub(crate) fn push(&self, item: T) -> Result<Option<Waker>, Full> {
        let mut inner = lock(&self.inner);
        if inner.items.len() >= self.capacity {
            return Err(Full);
        }
        inner.items.push_back(item);
        Ok(inner.waker.take())
    }

    /// No more items come.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut inner = lock(&self.inner);
        inner.ended = true;
        inner.waker.take()
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inner = lock(&self.inner);
        match inner.items.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if inner.ended => Poll::Ready(None),
            None => {
                inner.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn is_full(&self) -> bool {
        lock(&self.inner).items.len() >= self.capacity
    }
}

/// There is no room for one more.
#[derive(Debug)]
pub(crate) struct Full;

/// The queue of one stream of events.
#[derive(Debug)]
pub(crate) struct EventQueue {
    events: Queue<Event>,
    missed: AtomicU64,
    /// Whether retained events that come are for this stream.
    retained: AtomicBool,
    pub(crate) topic: Uri,
}

impl EventQueue {
    pub(crate) fn new(topic: Uri, capacity: usize, retained: bool) -> Arc<Self> {
        let (missed, retained) = (AtomicU64::new(0), AtomicBool::new(retained));
        Arc::new(Self { events: Queue::new(capacity), missed, retained, topic })
    }

    /// Another stream has asked for the retained events.
    pub(crate) fn take_no_retained(&self) {
        self.retained.store(false, Ordering::Relaxed);
    }

    /// Adds an event, or counts it when the stream lags; gives the waker to wake once no lock is held. The session's lock is
    /// held meanwhile, so that there is one who pushes.
    pub(crate) fn push(&self, mut event: Event) -> Option<Waker> {
        if event.details.retained && !self.retained.load(Ordering::Relaxed) {
            return None;
        }
        if self.events.is_full() {
            if self.missed.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(topic = %self.topic, "subscriber lags, events are dropped");
            }
            return None;
        }
        event.missed = self.missed.swap(0, Ordering::Relaxed);
        // There was room, and nobody else pushes.
        self.events.push(event).ok().flatten()
    }

    /// No more events come.
    pub(crate) fn end(&self) -> Option<Waker> {
        self.events.end()
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll(context)
    }
}
