//! A request, from the wish to the answer: what all futures of this crate do.

use std::{
    fmt,
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_channel::oneshot;
use wamp_proto::{Instant, error::Misuse, id::RequestId};

use crate::{
    Error,
    room::{Room, Urgency},
    shared::{Outcome, Shared, State, Ticket},
};

/// How a wish becomes a request, or is granted without one.
type Send<W> = fn(&mut State, Instant, W) -> Result<Option<RequestId>, Misuse>;

/// Waits for room in the queue, makes the request, waits for the answer.
pub(crate) struct Pending<W> {
    room: Room,
    step: Step<W>,
}

enum Step<W> {
    Wish(W, Send<W>),
    Waiting(Ticket, oneshot::Receiver<Outcome>),
    Kept,
    Failed(Error),
    Done,
}

impl<W> Pending<W> {
    pub(crate) fn new(shared: Arc<Shared>, wish: Result<W, Error>, send: Send<W>) -> Self {
        let step = match wish {
            Ok(wish) => Step::Wish(wish, send),
            Err(error) => Step::Failed(error),
        };
        Self { room: Room::new(shared), step }
    }

    /// Waits for a connection for so long when there is none, or for the time limit of requests; if the client does that.
    pub(crate) fn connected(mut self, limit: Option<Duration>) -> Self {
        self.room.wait_for_connection(limit);
        self
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Outcome, Error>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Done) {
                Step::Wish(wish, send) => {
                    self.step = self.send(context, wish, send, Urgency::AtOnce);
                    if let Step::Wish(..) = self.step {
                        return Poll::Pending;
                    }
                }
                Step::Waiting(ticket, mut answer) => match Pin::new(&mut answer).poll(context) {
                    Poll::Pending => {
                        self.step = Step::Waiting(ticket, answer);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Outcome::Failed(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(outcome)) => return Poll::Ready(Ok(outcome)),
                    // The state answers whoever waits when the session ends, so that this cannot happen; nor may it hang.
                    Poll::Ready(Err(oneshot::Canceled)) => return Poll::Ready(Err(Error::Timeout)),
                },
                Step::Kept => return Poll::Ready(Ok(Outcome::Kept)),
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::Done => return Poll::Pending,
            }
        }
    }

    /// Waits only until the request is queued; for those that nobody answers.
    pub(crate) fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match std::mem::replace(&mut self.step, Step::Done) {
            Step::Wish(wish, send) => {
                self.step = self.send(context, wish, send, Urgency::Soon);
                match std::mem::replace(&mut self.step, Step::Done) {
                    Step::Wish(wish, send) => {
                        self.step = Step::Wish(wish, send);
                        Poll::Pending
                    }
                    Step::Waiting(ticket, _) => {
                        self.room.shared.peek(|state| {
                            state.is_of_this_session(ticket).then(|| state.waiting.remove(&ticket.request))
                        });
                        Poll::Ready(Ok(()))
                    }
                    Step::Failed(error) => Poll::Ready(Err(error)),
                    Step::Kept | Step::Done => Poll::Pending,
                }
            }
            Step::Failed(error) => Poll::Ready(Err(error)),
            Step::Waiting(..) | Step::Kept | Step::Done => Poll::Pending,
        }
    }

    /// Waits only until the request is made; its answer is still to be polled for.
    pub(crate) fn poll_made(&mut self, context: &mut Context<'_>) -> Poll<Result<Ticket, Error>> {
        match std::mem::replace(&mut self.step, Step::Done) {
            Step::Wish(wish, send) => self.step = self.send(context, wish, send, Urgency::AtOnce),
            step => self.step = step,
        }
        match std::mem::replace(&mut self.step, Step::Done) {
            Step::Failed(error) => Poll::Ready(Err(error)),
            step => {
                self.step = step;
                match &self.step {
                    Step::Waiting(ticket, _) => Poll::Ready(Ok(*ticket)),
                    _ => Poll::Pending,
                }
            }
        }
    }

    /// Makes the request if there is room; stays a wish, with the waker left behind, if there is not.
    fn send(&mut self, context: &mut Context<'_>, wish: W, send: Send<W>, urgency: Urgency) -> Step<W> {
        let mut wish = Some(wish);
        let made = self.room.poll(context, urgency, |state, now| {
            let Some(wish) = wish.take() else { return Step::Done };
            match send(state, now, wish) {
                Ok(Some(request)) => {
                    let (sender, receiver) = oneshot::channel();
                    state.waiting.insert(request, sender);
                    Step::Waiting(state.ticket(request), receiver)
                }
                Ok(None) => Step::Kept,
                Err(misuse) => Step::Failed(state.refusal(misuse)),
            }
        });
        match (made, wish) {
            (Poll::Pending, Some(wish)) => Step::Wish(wish, send),
            (Poll::Ready(step), _) => step,
            (Poll::Pending, None) => Step::Done,
        }
    }

    /// The future is dropped: nobody waits for the answer any more.
    pub(crate) fn give_up(&mut self, also: impl FnOnce(&mut State, RequestId)) {
        let Step::Waiting(ticket, _answer) = std::mem::replace(&mut self.step, Step::Done) else { return };
        self.room.shared.update(|state, _| {
            if state.is_of_this_session(ticket) && state.waiting.remove(&ticket.request).is_some() {
                also(state, ticket.request);
                state.session.give_up(ticket.request);
                state.registering.remove(&ticket.request);
            }
        });
    }
}

impl<W> fmt::Debug for Pending<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.step {
            Step::Wish(..) => "Pending(not sent)",
            Step::Waiting(..) => "Pending(sent)",
            Step::Kept | Step::Failed(_) | Step::Done => "Pending(done)",
        })
    }
}
