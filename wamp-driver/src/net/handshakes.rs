//! Connections in their handshake: bounded in time and in number.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::future::{Either, Select, select};

use crate::{
    runtime::{BoxFuture, Runtime},
    shared::lock,
};

/// All handshakes that are under way. One too many, and the oldest has to go: accepting never waits, so that peers that
/// never finish keep nobody out for long (fault 19).
pub(super) struct Handshakes {
    most: usize,
    timeout: Duration,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// Dropped to end the handshake; the oldest one first.
    keep: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Handshakes {
    pub(super) fn new(most: usize, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { most, timeout, waiting: Mutex::default() })
    }

    /// One more.
    pub(super) fn begin(self: &Arc<Self>, runtime: &dyn Runtime) -> Handshake {
        let (keep, dropped) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        let number = waiting.next;
        waiting.next += 1;
        waiting.keep.insert(number, keep);
        if waiting.keep.len() > self.most {
            waiting.keep.pop_first();
        }
        drop(waiting);
        let over = select(dropped, runtime.sleep(self.timeout));
        Handshake { all: self.clone(), number, over }
    }
}

/// One handshake, over when this is dropped.
pub(super) struct Handshake {
    all: Arc<Handshakes>,
    number: u64,
    /// It has to make room, or takes too long: one time limit for the whole of it, from the first byte on.
    over: Select<oneshot::Receiver<()>, BoxFuture<()>>,
}

impl Handshake {
    /// Does a part of the handshake; `None` when it takes too long, or has to make room.
    pub(super) async fn limit<T>(&mut self, part: impl Future<Output = T>) -> Option<T> {
        match select(pin!(part), &mut self.over).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        }
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        lock(&self.all.waiting).keep.remove(&self.number);
    }
}

/// The places for connections, of which there are so many.
pub(super) struct Places {
    most: usize,
    taken: AtomicUsize,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0) })
    }

    /// Takes a place, unless all are taken.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let free = |taken: usize| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).ok()?;
        Some(Place(self.clone()))
    }
}

/// A taken place, free again when this is dropped.
pub(super) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
