//! Events on their way from the session to a subscriber's stream.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use serde::Deserialize;
use wamp_proto::{
    DecodeError, Payload, Uri,
    id::{PublicationId, SubscriptionId},
    message::EventDetails,
};

use crate::shared::lock;

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
    /// How many events were dropped right before this one, because the stream was not read as fast as they came.
    pub missed: u64,
}

impl Event {
    /// The positional arguments as a tuple or list.
    ///
    /// # Errors
    ///
    /// When they are of another type.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.args()
    }

    /// The keyword arguments as a struct or map.
    ///
    /// # Errors
    ///
    /// When they are of another type.
    pub fn kwargs<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.kwargs()
    }

    /// The one value that was published: see [`Payload::value`].
    ///
    /// # Errors
    ///
    /// When it is of another type.
    pub fn value<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.value()
    }
}

/// The queue of one stream, bounded in events.
#[derive(Debug)]
pub(crate) struct EventQueue {
    inner: Mutex<Inner>,
    capacity: usize,
    pub(crate) topic: Uri,
}

#[derive(Debug, Default)]
struct Inner {
    events: VecDeque<Event>,
    missed: u64,
    ended: bool,
    waker: Option<Waker>,
}

impl EventQueue {
    pub(crate) fn new(topic: Uri, capacity: usize) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), capacity: capacity.max(1), topic })
    }

    /// Adds an event, or counts it when the stream lags; gives the waker to wake once no lock is held.
    pub(crate) fn push(&self, mut event: Event) -> Option<Waker> {
        let mut inner = lock(&self.inner);
        if inner.events.len() >= self.capacity {
            if inner.missed == 0 {
                tracing::warn!(topic = %self.topic, capacity = self.capacity, "subscriber lags, events are dropped");
            }
            inner.missed += 1;
            return None;
        }
        event.missed = std::mem::take(&mut inner.missed);
        inner.events.push_back(event);
        inner.waker.take()
    }

    /// No more events come.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut inner = lock(&self.inner);
        inner.ended = true;
        inner.waker.take()
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut inner = lock(&self.inner);
        match inner.events.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if inner.ended => Poll::Ready(None),
            None => {
                inner.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
