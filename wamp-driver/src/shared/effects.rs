//! What follows from a change, and is done once the lock is released.

use std::{sync::Arc, task::Waker};

use futures_channel::oneshot;
use wamp_proto::{
    Payload,
    id::{PublicationId, RegistrationId, SubscriptionId},
    message::ResultDetails,
};

use super::{Shared, Writer};
use crate::{Error, handler::DynHandler, runtime::BoxFuture};

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Result {
        details: Box<ResultDetails>,
        payload: Payload,
    },
    Published(PublicationId),
    Subscribed(SubscriptionId),
    Registered(RegistrationId),
    Done,
    /// There is no session now: it will be asked for in the next one.
    Kept,
    Failed(Error),
}

impl Outcome {
    /// An answer of another kind than the request has; the session never gives one.
    pub(crate) fn unexpected(self) -> Error {
        match self {
            Self::Failed(error) => error,
            _ => Error::Timeout,
        }
    }
}

/// What is done once the lock is released: nobody is woken under it.
#[derive(Default)]
pub(crate) struct Effects {
    pub(super) wakers: Vec<Waker>,
    pub(super) answers: Vec<(oneshot::Sender<Outcome>, Outcome)>,
    pub(super) tasks: Vec<BoxFuture<()>>,
    /// Something is to be written, and nobody has been woken for it.
    pub(super) write: bool,
    /// Who can write it at once.
    pub(super) writer: Option<Arc<dyn Writer>>,
    /// Handlers that are not needed any more. One may own the last handle of this very client, whose drop takes the lock.
    pub(super) buried: Vec<Arc<DynHandler>>,
    /// There is something to tell those who want to know of changes.
    pub(super) changed: bool,
}

impl Effects {
    pub(super) fn run(self, shared: &Arc<Shared>) {
        // Before anybody goes on who has waited for the change.
        if self.changed {
            shared.tell_changes();
        }
        for (waiter, outcome) in self.answers {
            // Whoever has stopped waiting does not care.
            let _ = waiter.send(outcome);
        }
        self.tasks.into_iter().for_each(|task| shared.runtime.spawn(task));
        self.wakers.into_iter().for_each(Waker::wake);
        if self.write && !self.writer.is_some_and(|writer| writer.write_now()) {
            let pump = shared.peek(|state| state.pump.take());
            pump.into_iter().for_each(Waker::wake);
        }
    }
}
