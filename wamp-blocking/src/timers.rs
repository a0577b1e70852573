//! Times that tasks wait for.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::runtime::{Reactor, clock, lock};

/// All timers of a reactor.
#[derive(Default)]
pub(crate) struct Timers {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// In the order in which they are due; the number tells those of one time apart.
    wakers: BTreeMap<(Instant, u64), Waker>,
}

impl Timers {
    /// How long until the next one is due.
    pub(crate) fn until_next(&self, now: Instant) -> Option<Duration> {
        let waiting = lock(&self.waiting);
        let ((at, _), _) = waiting.wakers.first_key_value()?;
        Some(at.saturating_duration_since(now))
    }

    /// Wakes all that are due.
    pub(crate) fn fire(&self, now: Instant) {
        let mut waiting = lock(&self.waiting);
        let later = waiting.wakers.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut waiting.wakers, later);
        drop(waiting);
        due.into_values().for_each(Waker::wake);
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        let left = std::mem::take(&mut lock(&self.waiting).wakers);
        drop(left);
    }
}

/// Is ready when its time has come.
pub(crate) struct Sleep {
    reactor: Arc<Reactor>,
    at: Instant,
    /// Its number among the timers, once it is one.
    number: Option<u64>,
}

impl Sleep {
    pub(crate) fn new(reactor: Arc<Reactor>, at: Instant) -> Self {
        Self { reactor, at, number: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.at <= clock() {
            return Poll::Ready(());
        }
        let mut waiting = lock(&self.reactor.timers.waiting);
        let number = self.number.unwrap_or(waiting.next);
        let key = (self.at, number);
        let first = waiting.wakers.first_key_value().is_none_or(|(first, _)| key < *first);
        let stale = waiting.wakers.insert(key, context.waker().clone());
        waiting.next = waiting.next.max(number + 1);
        drop(waiting);
        drop(stale);
        self.number = Some(number);
        // The I/O thread may sleep for longer than this.
        if first {
            self.reactor.rouse();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = lock(&self.reactor.timers.waiting).wakers.remove(&(self.at, number));
            drop(waker);
        }
    }
}
