//! What asks a program to end: signals, and handles within it.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use crate::shared::lock;

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: what service managers and containers send.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// The signals that ask the process to end, caught from the moment this is made: what an adapter lends to the driver.
pub struct Signals(Box<Caught>);

type Caught = dyn FnMut(&mut Context<'_>) -> Poll<Signal> + Send;

impl Signals {
    /// Those that `poll` gives, one after the other.
    pub fn new(poll: impl FnMut(&mut Context<'_>) -> Poll<Signal> + Send + 'static) -> Self {
        Self(Box::new(poll))
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signals")
    }
}

/// Who has asked for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShutdownCause {
    /// Somebody outside, by a signal.
    Signal(Signal),
    /// Somebody inside, by a [`ShutdownHandle`].
    Handle,
}

impl fmt::Display for ShutdownCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => signal.fmt(f),
            Self::Handle => f.write_str("the program's own wish"),
        }
    }
}

/// Ends a [`Runner`](crate::Runner) from within the program, as a signal does. Clones are the same handle.
#[derive(Clone, Default)]
pub struct ShutdownHandle(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    times: u64,
    waker: Option<Waker>,
}

impl ShutdownHandle {
    /// Ends it in order. Asked a second time, it waits for nothing under way any more.
    pub fn shutdown(&self) {
        let mut asked = lock(&self.0);
        asked.times = asked.times.saturating_add(1);
        let waker = asked.waker.take();
        drop(asked);
        waker.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, seen: &mut u64, context: &mut Context<'_>) -> Poll<ShutdownCause> {
        let mut asked = lock(&self.0);
        if asked.times > *seen {
            *seen += 1;
            return Poll::Ready(ShutdownCause::Handle);
        }
        asked.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShutdownHandle")
    }
}

/// All wishes for the end, from inside and outside.
pub(crate) struct Wishes {
    handle: ShutdownHandle,
    seen: u64,
    signals: Option<Signals>,
}

impl Wishes {
    pub(crate) fn new(handle: ShutdownHandle, signals: Option<Signals>) -> Self {
        Self { handle, seen: 0, signals }
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> ShutdownCause {
        poll_fn(|context| {
            if let Some(Signals(poll)) = &mut self.signals {
                if let Poll::Ready(signal) = poll(context) {
                    return Poll::Ready(ShutdownCause::Signal(signal));
                }
            }
            self.handle.poll(&mut self.seen, context)
        })
        .await
    }
}
