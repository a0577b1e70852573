//! Our procedures, and their invocations.

use std::{sync::Arc, task::Waker};

use futures_util::future::AbortHandle;
use wamp_proto::{
    Payload, Uri,
    error::{Misuse, RemoteError},
    id::{RegistrationId, RequestId},
    message::InvocationDetails,
    uri::uris,
};

use super::{Effects, Shared, State};
use crate::{
    Invocation,
    handler::{self, DynHandler},
    invocation::{MAX_PARTS, Part},
    queue::{Full, Queue},
};

/// An invocation that is being handled.
pub(crate) struct Running {
    abort: AbortHandle,
    /// Where further arguments go, if the caller sends them in parts.
    parts: Option<Arc<Queue<Part>>>,
}

impl Running {
    /// Nobody waits for its answer any more.
    pub(super) fn cancel(&self) -> Option<Waker> {
        self.abort.abort();
        self.parts.as_ref()?.end()
    }
}

impl Shared {
    /// Starts the handler of an invocation.
    pub(super) fn invoke(
        self: &Arc<Self>,
        state: &mut State,
        effects: &mut Effects,
        request: RequestId,
        registration: RegistrationId,
        details: InvocationDetails,
        payload: Payload,
    ) {
        let refusal = match state.procedures.get(&registration) {
            None => Some((uris::error::NO_SUCH_PROCEDURE, "the procedure is not registered any more")),
            Some(_) if state.running.len() >= self.max_invocations => {
                Some((uris::error::UNAVAILABLE, "too many invocations at once"))
            }
            Some(handler) => {
                let (abort, aborted) = AbortHandle::new_pair();
                let parts = details.progress.then(|| Arc::new(Queue::new(MAX_PARTS)));
                state.running.insert(request, Running { abort, parts: parts.clone() });
                let invocation =
                    Invocation::new(self.clone(), request, registration, details, payload, parts);
                effects.tasks.push(handler::run(self.clone(), handler.clone(), invocation, aborted));
                None
            }
        };
        if let Some((error, text)) = refusal {
            self.refuse(state, request, error, text);
        }
    }

    /// Further arguments of an invocation. One whose handler does not take them is refused.
    pub(super) fn more_arguments(
        &self,
        state: &mut State,
        effects: &mut Effects,
        request: RequestId,
        part: Part,
    ) {
        let Some(parts) = state.running.get(&request).and_then(|running| running.parts.clone()) else {
            return;
        };
        let last = part.last;
        match parts.push(part) {
            Ok(waker) => effects.wakers.extend(waker),
            Err(Full) => {
                effects.wakers.extend(state.running.get(&request).and_then(Running::cancel));
                self.refuse(state, request, uris::error::UNAVAILABLE, "the arguments come too fast");
            }
        }
        if last {
            effects.wakers.extend(parts.end());
        }
    }

    fn refuse(&self, state: &mut State, request: RequestId, error: &str, text: &str) {
        let payload = Payload::from_args(self.encoding, &[text]).unwrap_or_else(|_| Payload::empty());
        self.reply(state, request, Err(RemoteError { error: Uri::unchecked(error), payload }));
    }

    /// A handler has finished.
    pub(crate) fn finish(self: &Arc<Self>, request: RequestId, reply: Result<Payload, RemoteError>) {
        self.update_at_once(|state, _| {
            state.running.remove(&request);
            self.reply(state, request, reply);
        });
    }

    /// Answers an invocation; an answer that cannot be sent becomes an error that can.
    fn reply(&self, state: &mut State, request: RequestId, reply: Result<Payload, RemoteError>) {
        let Ok(open) = state.session.reply(request) else { return };
        let sent = match reply {
            Ok(payload) => open.result(payload),
            Err(error) => open.error(error),
        };
        let Err(misuse) = sent else { return };
        tracing::warn!(%request, %misuse, "the answer of a procedure cannot be sent");
        let error = Uri::unchecked(match misuse {
            Misuse::TooLarge { .. } => uris::error::PAYLOAD_SIZE_EXCEEDED,
            _ => handler::RUNTIME_ERROR,
        });
        let payload =
            Payload::from_args(self.encoding, &[misuse.to_string()]).unwrap_or_else(|_| Payload::empty());
        if let Ok(open) = state.session.reply(request) {
            // The last resort has a few dozen bytes; a peer that refuses even those gets nothing.
            let _ = open.error(RemoteError { error, payload });
        }
    }
}

impl State {
    /// Whether nobody waits for the answer to an invocation any more.
    pub(crate) fn is_canceled(&self, request: RequestId) -> bool {
        self.running.get(&request).is_none_or(|running| running.abort.is_aborted())
    }

    /// A procedure is not ours any more.
    pub(super) fn unregistered(&mut self, effects: &mut Effects, request: RequestId) {
        let ended = self.ending.remove(&request);
        effects.buried.extend(ended.and_then(|registration| self.procedures.remove(&registration)));
    }

    /// Ends a registration that nobody asked for any more when it came into being. The handler is given back to be dropped
    /// outside of the lock.
    #[must_use = "a handler is dropped outside of the lock"]
    pub(crate) fn abandon(&mut self, registration: RegistrationId) -> Option<Arc<DynHandler>> {
        self.session.abandon_registration(registration);
        self.procedures.remove(&registration)
    }

    /// The session is over, and with it all registrations.
    pub(super) fn end_procedures(&mut self, effects: &mut Effects) {
        self.ending.clear();
        effects.buried.extend(self.offered.drain().map(|(_, handler)| handler));
        effects.buried.extend(self.procedures.drain().map(|(_, handler)| handler));
        // Handlers run on: what they do may matter to others than the caller. But no more arguments come.
        let parts = self.running.drain().filter_map(|(_, running)| running.parts);
        effects.wakers.extend(parts.filter_map(|parts| parts.end()));
    }
}
