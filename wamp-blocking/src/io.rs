//! Sockets that the I/O thread watches.

use std::{
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use mio::{Events, Interest, Token, event::Source};

use crate::runtime::{Reactor, lock};

/// The token of the alarm.
pub(crate) const WAKE: Token = Token(usize::MAX);

/// All sockets that are watched, by their token.
#[derive(Default)]
pub(crate) struct Sources {
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    used: Vec<Option<Arc<Mutex<Ready>>>>,
    free: Vec<usize>,
}

/// What is known of a socket, and who wants to know more.
#[derive(Default)]
struct Ready {
    read: bool,
    write: bool,
    /// The peer has ended its side, or all of it: there is no later event, and reading shows it.
    ended: bool,
    /// How many events there were.
    events: u64,
    waker: Option<Waker>,
}

impl Sources {
    fn add(&self) -> (usize, Arc<Mutex<Ready>>) {
        // Whether it is ready, the first attempt shows.
        let ready = Arc::new(Mutex::new(Ready { read: true, write: true, ..Ready::default() }));
        let mut slots = lock(&self.slots);
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.used.push(None);
            slots.used.len() - 1
        });
        slots.used[slot] = Some(ready.clone());
        (slot, ready)
    }

    fn remove(&self, slot: usize) {
        let mut slots = lock(&self.slots);
        slots.used[slot] = None;
        slots.free.push(slot);
    }

    /// Forgets who waits.
    pub(crate) fn clear(&self) {
        let used = lock(&self.slots).used.clone();
        for ready in used.into_iter().flatten() {
            let waker = lock(&ready).waker.take();
            drop(waker);
        }
    }

    /// Tells those whom the events concern.
    pub(crate) fn wake(&self, events: &Events) {
        for event in events {
            let Token(slot) = event.token();
            // None is the alarm, or a socket that is gone.
            let Some(ready) = lock(&self.slots).used.get(slot).cloned().flatten() else { continue };
            let mut ready = lock(&ready);
            ready.read |= event.is_readable() || event.is_read_closed() || event.is_error();
            ready.write |= event.is_writable() || event.is_write_closed() || event.is_error();
            ready.ended |= event.is_read_closed() || event.is_error();
            ready.events += 1;
            let waker = ready.waker.take();
            drop(ready);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// A socket of mio's under watch.
pub(crate) struct Watched<S: Source> {
    source: S,
    reactor: Arc<Reactor>,
    slot: usize,
    ready: Arc<Mutex<Ready>>,
}

/// What one waits for.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Readable,
    Writable,
}

impl Ready {
    fn flag(&mut self, until: Until) -> &mut bool {
        match until {
            Until::Readable => &mut self.read,
            Until::Writable => &mut self.write,
        }
    }
}

impl<S: Source> Watched<S> {
    pub(crate) fn new(reactor: Arc<Reactor>, mut source: S) -> io::Result<Self> {
        let (slot, ready) = reactor.sources.add();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = reactor.registry.register(&mut source, Token(slot), interest) {
            reactor.sources.remove(slot);
            return Err(error);
        }
        Ok(Self { source, reactor, slot, ready })
    }

    pub(crate) fn get(&self) -> &S {
        &self.source
    }

    pub(crate) fn reactor(&self) -> &Arc<Reactor> {
        &self.reactor
    }

    /// Does something that would block sooner or later. `more` says of what was done whether there may be more to do at
    /// once; if not, only an event shows.
    pub(crate) fn poll<T>(
        &self,
        context: &Context<'_>,
        until: Until,
        mut attempt: impl FnMut(&S) -> io::Result<T>,
        more: impl Fn(&T) -> bool,
    ) -> Poll<io::Result<T>> {
        loop {
            let mut ready = lock(&self.ready);
            let ended = ready.ended && matches!(until, Until::Readable);
            if !ended && !*ready.flag(until) {
                match &mut ready.waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
                return Poll::Pending;
            }
            // An event that comes during the attempt sets it again.
            *ready.flag(until) = false;
            let events = ready.events;
            drop(ready);
            match attempt(&self.source) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut ready = lock(&self.ready);
                    // It was no end, unless it has come meanwhile.
                    if ended && ready.events == events {
                        ready.ended = false;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.set(until),
                done => {
                    if done.as_ref().map_or(true, &more) {
                        self.set(until);
                    }
                    return Poll::Ready(done);
                }
            }
        }
    }

    fn set(&self, until: Until) {
        *lock(&self.ready).flag(until) = true;
    }
}

impl<S: Source> Drop for Watched<S> {
    fn drop(&mut self) {
        // The socket is closed right after, which ends the watch in any case.
        let _ = self.reactor.registry.deregister(&mut self.source);
        self.reactor.sources.remove(self.slot);
    }
}
