//! A request, from the wish to the answer: what all futures of this crate do.

use std::{
    fmt,
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_channel::oneshot;
use wamp_proto::{Instant, error::Misuse, id::RequestId};

use crate::{
    Error,
    shared::{Outcome, Shared, State},
    wakers::Place,
};

/// How a wish becomes a request.
type Send<W> = fn(&mut State, Instant, W) -> Result<RequestId, Misuse>;

/// Waits for room in the queue, makes the request, waits for the answer.
pub(crate) struct Pending<W> {
    shared: Arc<Shared>,
    step: Step<W>,
    /// Where it waits for room in the queue.
    room: Place,
}

enum Step<W> {
    Wish(W, Send<W>),
    Waiting(RequestId, oneshot::Receiver<Outcome>),
    Failed(Error),
    Done,
}

impl<W> Pending<W> {
    pub(crate) fn new(shared: Arc<Shared>, wish: Result<W, Error>, send: Send<W>) -> Self {
        let step = match wish {
            Ok(wish) => Step::Wish(wish, send),
            Err(error) => Step::Failed(error),
        };
        Self { shared, step, room: None }
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Outcome, Error>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Done) {
                Step::Wish(wish, send) => {
                    self.step = self.send(context, wish, send, true);
                    if let Step::Wish(..) = self.step {
                        return Poll::Pending;
                    }
                }
                Step::Waiting(request, mut answer) => match Pin::new(&mut answer).poll(context) {
                    Poll::Pending => {
                        self.step = Step::Waiting(request, answer);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Outcome::Failed(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(outcome)) => return Poll::Ready(Ok(outcome)),
                    // The state answers whoever waits when the session ends, so that this cannot happen; nor may it hang.
                    Poll::Ready(Err(oneshot::Canceled)) => return Poll::Ready(Err(Error::Timeout)),
                },
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::Done => return Poll::Pending,
            }
        }
    }

    /// Waits only until the request is queued; for those that nobody answers.
    pub(crate) fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match std::mem::replace(&mut self.step, Step::Done) {
            Step::Wish(wish, send) => {
                self.step = self.send(context, wish, send, false);
                match std::mem::replace(&mut self.step, Step::Done) {
                    Step::Wish(wish, send) => {
                        self.step = Step::Wish(wish, send);
                        Poll::Pending
                    }
                    Step::Waiting(request, _) => {
                        self.shared.peek(|state| state.waiting.remove(&request));
                        Poll::Ready(Ok(()))
                    }
                    Step::Failed(error) => Poll::Ready(Err(error)),
                    Step::Done => Poll::Pending,
                }
            }
            Step::Failed(error) => Poll::Ready(Err(error)),
            Step::Waiting(..) | Step::Done => Poll::Pending,
        }
    }

    /// Makes the request if there is room; stays a wish, with the waker left behind, if there is not. One that is not waited
    /// for can wait for others to go with it.
    fn send(&mut self, context: &mut Context<'_>, wish: W, send: Send<W>, at_once: bool) -> Step<W> {
        let (room, mut stale) = (&mut self.room, None);
        let make = |state: &mut State, now| {
            if !state.session.has_room() && state.session.closed().is_none() {
                stale = state.room.wait(room, context.waker());
                return Step::Wish(wish, send);
            }
            match send(state, now, wish) {
                Ok(request) => {
                    let (sender, receiver) = oneshot::channel();
                    state.waiting.insert(request, sender);
                    Step::Waiting(request, receiver)
                }
                Err(misuse) => Step::Failed(misuse.into()),
            }
        };
        let step = if at_once { self.shared.update_at_once(make) } else { self.shared.update(make) };
        drop(stale);
        step
    }

    /// The future is dropped: nobody waits for the answer any more. Gives the answer that had come already.
    pub(crate) fn give_up(&mut self, also: impl FnOnce(&mut State, RequestId)) -> Option<Outcome> {
        let Step::Waiting(request, mut answer) = std::mem::replace(&mut self.step, Step::Done) else {
            return None;
        };
        // A handler that was offered is dropped outside of the lock.
        let _handler = self.shared.update(|state, _| {
            state.waiting.remove(&request)?;
            also(state, request);
            state.session.give_up(request);
            state.offered.remove(&request)
        });
        answer.close();
        answer.try_recv().ok().flatten()
    }
}

impl<W> Drop for Pending<W> {
    fn drop(&mut self) {
        if self.room.is_some() {
            let _waker = self.shared.peek(|state| state.room.leave(&mut self.room));
        }
    }
}

impl<W> fmt::Debug for Pending<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.step {
            Step::Wish(..) => "Pending(not sent)",
            Step::Waiting(..) => "Pending(sent)",
            Step::Failed(_) | Step::Done => "Pending(done)",
        })
    }
}
