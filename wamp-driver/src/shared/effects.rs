//! What follows from a change, and is done once the lock is released.

use std::{sync::Arc, task::Waker};

use futures_channel::oneshot;
use wamp_proto::{
    Payload,
    id::{PublicationId, RegistrationId, SubscriptionId},
    message::ResultDetails,
};

use super::Shared;
use crate::{Error, handler::DynHandler, runtime::BoxFuture};

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Result { details: Box<ResultDetails>, payload: Payload },
    Published(PublicationId),
    Subscribed(SubscriptionId),
    Registered(RegistrationId),
    Done,
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
    /// Handlers that are not needed any more. One may own the last handle of this very client, whose drop takes the lock.
    pub(super) buried: Vec<Arc<DynHandler>>,
}

impl Effects {
    pub(super) fn run(self, shared: &Arc<Shared>) {
        for (waiter, outcome) in self.answers {
            // Whoever has stopped waiting does not care, unless it is left with a registration.
            if let Err(Outcome::Registered(registration)) = waiter.send(outcome) {
                shared.update(|state, _| state.abandon(registration));
            }
        }
        self.tasks.into_iter().for_each(|task| shared.runtime.spawn(task));
        self.wakers.into_iter().for_each(Waker::wake);
        let written = || shared.writer.get()?.upgrade().map(|writer| writer.write_now());
        if self.write && written() != Some(true) {
            let pump = shared.peek(|state| state.pump.take());
            pump.into_iter().for_each(Waker::wake);
        }
    }
}
