//! Connections in their handshake: bounded in time and in number.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex},
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
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// Dropped to end the handshake; the oldest one first.
    keep: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Handshakes {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, waiting: Mutex::default() })
    }

    /// One more, which may take so long.
    pub(super) fn begin(self: &Arc<Self>, runtime: &dyn Runtime, timeout: Duration) -> Handshake {
        let (keep, dropped) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        let number = waiting.next;
        waiting.next += 1;
        waiting.keep.insert(number, keep);
        if waiting.keep.len() > self.most {
            waiting.keep.pop_first();
        }
        drop(waiting);
        let over = select(dropped, runtime.sleep(timeout));
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
