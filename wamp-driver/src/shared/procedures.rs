//! Our procedures, and their invocations.

use std::{sync::Arc, task::Waker};

use futures_util::future::AbortHandle;
use wamp_proto::{
    Instant, Payload, Uri,
    error::{Misuse, RemoteError},
    id::{RegistrationId, RequestId},
    message::{InvocationDetails, RegisterOptions},
    uri::uris,
};

use super::{Effects, Outcome, Shared, State, Ticket, What};
use crate::{
    Error, Invocation,
    handler::{self, DynHandler},
    invocation::{MAX_PARTS, Part},
    queue::{Full, Queue},
    reply::RUNTIME_ERROR,
};

/// What names a procedure from its registration on, whatever ids the sessions give it.
pub(crate) type Key = u64;

/// A procedure that is to be registered in every session.
pub(crate) struct Procedure {
    pub(crate) uri: Uri,
    pub(crate) options: RegisterOptions,
    pub(crate) handler: Arc<DynHandler>,
    /// The registration in this session.
    pub(crate) registration: Option<RegistrationId>,
}

/// A registration of this session.
pub(crate) struct Registered {
    key: Key,
    handler: Arc<DynHandler>,
}

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
        let refusal = match state.registered.get(&registration) {
            None => Some((uris::error::NO_SUCH_PROCEDURE, "the procedure is not registered any more")),
            Some(_) if state.running.len() >= self.options.max_invocations => {
                Some((uris::error::UNAVAILABLE, "too many invocations at once"))
            }
            Some(Registered { key, handler }) => {
                let (abort, aborted) = AbortHandle::new_pair();
                let parts = details.progress.then(|| Arc::new(Queue::new(MAX_PARTS)));
                state.running.insert(request, Running { abort, parts: parts.clone() });
                let invocation = Invocation::new(
                    self.clone(),
                    state.ticket(request),
                    registration,
                    details,
                    payload,
                    parts,
                );
                // Looked for only when somebody listens.
                let uri =
                    || state.procedures.get(key).map(|procedure| tracing::field::display(&procedure.uri));
                let span = tracing::debug_span!("invocation", procedure = uri(), %request);
                effects.tasks.push(handler::run(self.clone(), handler.clone(), invocation, aborted, span));
                None
            }
        };
        if let Some((error, text)) = refusal {
            self.refuse(state, request, error, text);
        }
    }

    /// The procedure of a registration.
    pub(crate) fn procedure(&self, registration: RegistrationId) -> Option<Uri> {
        self.peek(|state| {
            let registered = state.registered.get(&registration)?;
            Some(state.procedures.get(&registered.key)?.uri.clone())
        })
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
        let payload = Payload::from_args(self.encoding(), &[text]).unwrap_or_else(|_| Payload::empty());
        self.reply(state, request, Err(RemoteError::new(Uri::unchecked(error), payload)));
    }

    /// A handler has finished.
    pub(crate) fn finish(self: &Arc<Self>, invocation: Ticket, reply: Result<Payload, RemoteError>) {
        self.update_at_once(|state, _| {
            // In another session, the request is another one.
            if state.is_of_this_session(invocation) {
                state.running.remove(&invocation.request);
                self.reply(state, invocation.request, reply);
            }
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
            _ => RUNTIME_ERROR,
        });
        let payload =
            Payload::from_args(self.encoding(), &[misuse.to_string()]).unwrap_or_else(|_| Payload::empty());
        if let Ok(open) = state.session.reply(request) {
            // The last resort has a few dozen bytes; a peer that refuses even those gets nothing.
            let _ = open.error(RemoteError::new(error, payload));
        }
    }
}

impl State {
    /// Whether nobody waits for the answer to an invocation any more.
    pub(crate) fn is_canceled(&self, invocation: Ticket) -> bool {
        let running = self.running.get(&invocation.request).filter(|_| self.is_of_this_session(invocation));
        running.is_none_or(|running| running.abort.is_aborted())
    }

    /// A procedure is to be registered, in this session if there is one and in all that follow. Gives the request, if one
    /// could be made.
    pub(crate) fn register(
        &mut self,
        now: Instant,
        key: Key,
        procedure: Procedure,
    ) -> Result<Option<RequestId>, Misuse> {
        let (uri, options) = (procedure.uri.clone(), procedure.options.clone());
        let request = match self.session.register(now, uri, options) {
            Ok(request) => Some(request),
            Err(Misuse::Closed(_) | Misuse::NotJoined) if !self.life.is_ending() => None,
            Err(misuse) => {
                self.buried.push(procedure.handler);
                return Err(misuse);
            }
        };
        self.procedures.insert(key, procedure);
        self.registering.extend(request.map(|request| (request, key)));
        Ok(request)
    }

    /// Asks for a procedure in a new session.
    pub(super) fn ask_for_procedure(&mut self, now: Instant, key: Key) -> Result<(), Misuse> {
        let Some(procedure) = self.procedures.get(&key) else { return Ok(()) };
        let request = self.session.register(now, procedure.uri.clone(), procedure.options.clone())?;
        self.registering.insert(request, key);
        Ok(())
    }

    pub(super) fn registered(
        &mut self,
        effects: &mut Effects,
        request: RequestId,
        registration: RegistrationId,
    ) {
        let Some(key) = self.registering.remove(&request) else { return };
        match self.procedures.get_mut(&key) {
            Some(procedure) => {
                procedure.registration = Some(registration);
                let handler = procedure.handler.clone();
                self.registered.insert(registration, Registered { key, handler });
                self.settle(&What::Procedure(key), true);
            }
            // It is not wanted any more.
            None => self.session.abandon_registration(registration),
        }
        self.answer(effects, request, Outcome::Registered(registration));
    }

    /// REGISTER has failed.
    pub(super) fn not_registered(
        &mut self,
        effects: &mut Effects,
        now: Instant,
        request: RequestId,
        error: &Error,
    ) {
        let Some(key) = self.registering.remove(&request) else { return };
        let what = What::Procedure(key);
        if self.is_restoring(&what) {
            self.refused(effects, now, what, error.clone());
        } else {
            effects.buried.extend(self.procedures.remove(&key).map(|procedure| procedure.handler));
        }
    }

    /// A procedure is wanted no more: the next sessions do not get it. Gives its registration in this one, and its handler to
    /// be dropped outside of the lock.
    #[must_use = "a handler is dropped outside of the lock"]
    pub(crate) fn withdraw(&mut self, key: Key) -> Option<Procedure> {
        self.settle(&What::Procedure(key), false);
        self.procedures.remove(&key)
    }

    /// Ends a registration. Gives the request, if one has to be made.
    pub(crate) fn unregister(
        &mut self,
        now: Instant,
        key: Key,
        last: RegistrationId,
    ) -> Result<Option<RequestId>, Misuse> {
        let request = match (self.procedures.get(&key), &self.life.closed) {
            (_, Some(closed)) => return Err(Misuse::Closed(closed.clone())),
            (None, None) => return Err(Misuse::NoSuchRegistration(last)),
            (Some(Procedure { registration: None, .. }), None) => None,
            (Some(Procedure { registration: Some(registration), .. }), None) => {
                let registration = *registration;
                let request = self.session.unregister(now, registration)?;
                self.ending.insert(request, registration);
                Some(request)
            }
        };
        let procedure = self.withdraw(key);
        self.buried.extend(procedure.map(|procedure| procedure.handler));
        Ok(request)
    }

    /// Ends a registration that nobody asked for any more when it came into being. The handlers are given back to be dropped
    /// outside of the lock.
    #[must_use = "a handler is dropped outside of the lock"]
    pub(crate) fn abandon_procedure(&mut self, key: Key) -> (Option<Procedure>, Option<Registered>) {
        let procedure = self.withdraw(key);
        let registration = procedure.as_ref().and_then(|procedure| procedure.registration);
        let registered = registration.and_then(|registration| {
            self.session.abandon_registration(registration);
            self.registered.remove(&registration)
        });
        (procedure, registered)
    }

    /// A registration is not ours any more.
    pub(super) fn unregistered(&mut self, effects: &mut Effects, request: RequestId) {
        let ended = self.ending.remove(&request);
        let registered = ended.and_then(|registration| self.registered.remove(&registration));
        effects.buried.extend(registered.map(|registered| registered.handler));
    }

    /// The router has ended a registration.
    pub(super) fn registration_revoked(&mut self, effects: &mut Effects, registration: RegistrationId) {
        let Some(Registered { key, handler }) = self.registered.remove(&registration) else { return };
        effects.buried.push(handler);
        effects.buried.extend(self.withdraw(key).map(|procedure| procedure.handler));
    }

    /// The session is over; what is registered stays so in the next one.
    pub(super) fn keep_procedures(&mut self, effects: &mut Effects) {
        // Their answer is that they will be registered, or are not any more.
        for (request, _) in std::mem::take(&mut self.registering) {
            self.answer(effects, request, Outcome::Kept);
        }
        for (request, _) in std::mem::take(&mut self.ending) {
            self.answer(effects, request, Outcome::Done);
        }
        for procedure in self.procedures.values_mut() {
            procedure.registration = None;
        }
        effects.buried.extend(self.registered.drain().map(|(_, registered)| registered.handler));
    }

    /// The client is over, and with it all procedures.
    pub(super) fn end_procedures(&mut self, effects: &mut Effects) {
        self.ending.clear();
        self.registering.clear();
        let procedures = std::mem::take(&mut self.procedures);
        effects.buried.extend(procedures.into_values().map(|procedure| procedure.handler));
        effects.buried.extend(self.registered.drain().map(|(_, registered)| registered.handler));
    }

    /// Handlers run on: what they do may matter to others than the caller. But no more arguments come.
    pub(super) fn end_running(&mut self, effects: &mut Effects) {
        let parts = self.running.drain().filter_map(|(_, running)| running.parts);
        effects.wakers.extend(parts.filter_map(|parts| parts.end()));
    }
}
