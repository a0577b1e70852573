//! The task of a client that reconnects: it makes the attempts, and keeps the time between them.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, select};
use wamp_proto::{Instant, uri::InvalidUri};

use crate::{
    Client, ClientOptions, CloseFuture, ConnectError,
    runtime::{BoxFuture, Runtime},
    shared::{Duty, Shared, State},
    wakers::Place,
};

/// One attempt to open a transport; when it succeeds, a session has begun on it, and a pump runs.
pub(crate) type Attempt = dyn Fn(Arc<Shared>) -> BoxFuture<Result<(), ConnectError>> + Send + Sync;

/// Makes a client's attempts, one after the other, for as long as there is a next one.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    attempt: Box<Attempt>,
    place: Place,
    timer: Option<(Instant, BoxFuture<()>)>,
    /// Whether there was no session yet: the first one is to be told of.
    joining: bool,
    /// Whether the client goes on without this.
    done: bool,
}

impl Supervisor {
    /// # Errors
    ///
    /// When the realm is not a URI.
    pub(crate) fn new(
        runtime: Arc<dyn Runtime>,
        options: ClientOptions,
        attempt: Box<Attempt>,
    ) -> Result<Self, InvalidUri> {
        let shared = Arc::new(Shared::new(runtime, options)?);
        Ok(Self { shared, attempt, place: None, timer: None, joining: true, done: false })
    }

    /// A client that has joined, or one that has yet to, as its options have it. Dropping the future ends the attempts.
    pub(crate) async fn connect(mut self) -> Result<Client, ConnectError> {
        if !self.shared.options.lazy {
            self.join().await?;
        }
        let client = Client::new(self.shared.clone());
        if self.shared.options.reconnect.retries() || self.shared.options.lazy {
            self.shared.runtime.clone().spawn(Box::pin(self.run()));
        } else {
            self.done = true;
        }
        Ok(client)
    }

    /// Makes attempts until one has led to a session.
    async fn join(&mut self) -> Result<(), ConnectError> {
        loop {
            if let Some(outcome) = self.shared.peek(State::outcome) {
                self.joining = false;
                return outcome;
            }
            self.step().await;
        }
    }

    async fn run(mut self) {
        self.joining = false;
        while self.shared.peek(|state| state.duty()) != Duty::End {
            self.step().await;
        }
    }

    /// Waits until something has changed, or makes an attempt.
    async fn step(&mut self) {
        if self.shared.peek(|state| state.duty()) == Duty::Connect {
            let attempt = (self.attempt)(self.shared.clone());
            let closed = CloseFuture::new(self.shared.clone());
            if let Either::Left((Err(error), _)) = select(attempt, closed).await {
                self.shared.update_with(|state, now, effects| state.connect_failed(effects, now, error));
            }
            return;
        }
        // Whatever wakes it, it looks again at what there is to do.
        let mut asleep = false;
        poll_fn(|context| match std::mem::replace(&mut asleep, true) {
            true => Poll::Ready(()),
            false => self.poll_timer(context),
        })
        .await;
    }

    /// Ready when time has done something; else the task is woken by whatever changes.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let Self { shared, place, joining, .. } = self;
            // What is waited for is looked at under the lock under which the wait begins: nothing happens in between.
            let (idle, due, _stale) = shared.peek(|state| {
                let idle = state.duty() == Duty::Wait && !(*joining && state.is_decided());
                (idle, state.next_due(), state.watchers.wait(place, context.waker()))
            });
            let Some(at) = due.filter(|_| idle) else {
                return if idle { Poll::Pending } else { Poll::Ready(()) };
            };
            let runtime = &self.shared.runtime;
            if self.timer.as_ref().is_none_or(|(armed, _)| *armed != at) {
                self.timer = Some((at, runtime.sleep(at - runtime.now())));
            }
            if self.timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_pending()) {
                return Poll::Pending;
            }
            self.timer = None;
            self.shared.update_with(|state, now, effects| state.tick(effects, now));
        }
    }
}

impl Drop for Supervisor {
    /// A task that is dropped, with its runtime say, or given up, must not leave anybody waiting.
    fn drop(&mut self) {
        let _waker = self.shared.peek(|state| state.watchers.leave(&mut self.place));
        if !self.done {
            self.shared.update_with(|state, now, effects| state.abandon(effects, now));
        }
    }
}
