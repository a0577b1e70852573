//! The caller: CALL, CANCEL, RESULT (R-10..R-17).

use core::time::Duration;

use super::{
    Event, Session, Timeout,
    requests::{Pending, Purpose},
};
use crate::{
    error::{Misuse, Violation},
    id::RequestId,
    message::{self, CallOptions, Cancel, CancelMode, CancelOptions, Feature, MessageKind, Role},
    payload::Payload,
    time::Instant,
    uri::Uri,
};

/// A call to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The procedure.
    pub procedure: Uri,
    /// How to call.
    pub options: CallOptions,
    /// The arguments.
    pub payload: Payload,
    /// How long the result may take; between progressive results the time starts anew. `None` is
    /// [`Config::request_timeout`](super::Config::request_timeout).
    pub timeout: Option<Duration>,
}

impl Call {
    /// A call with default options.
    pub fn new(procedure: Uri, payload: Payload) -> Self {
        Self { procedure, options: CallOptions::default(), payload, timeout: None }
    }
}

impl Session {
    /// Calls a procedure. Exactly one [`Event::Result`] without `progress`, one [`Event::Failed`] or
    /// [`Event::Closed`] follows.
    ///
    /// # Errors
    ///
    /// When the session is not open, the URI is bad, there is no room, or `options.progress` is set and this session and
    /// its router do not both announce progressive call invocations; nothing is sent then.
    pub fn call(&mut self, now: Instant, call: Call) -> Result<RequestId, Misuse> {
        self.config.uri_rule.check(&call.procedure)?;
        self.check_passthru(Role::Caller, Role::Dealer, call.options.payload_attributes.as_deref())?;
        let timeout = call.timeout.unwrap_or(self.config.request_timeout);
        let pending = Pending::new(Purpose::Call { progress: call.options.receive_progress, timeout });
        let parts = call.options.progress.then(|| call.procedure.clone());
        if parts.is_some() {
            self.check_parts()?;
        }
        let request = self.request(now, pending, Some(timeout), |request| message::Call {
            request,
            options: call.options,
            procedure: call.procedure,
            payload: call.payload,
        })?;
        if let Some(procedure) = parts {
            self.requests.begin_parts(request, procedure);
        }
        Ok(request)
    }

    /// Sends further arguments of a call that was made with `options.progress`. With the last part, `progress`
    /// is false. The time for the result starts anew. A result or an error may come before the last part is sent: then the
    /// callee wants no more of them.
    ///
    /// # Errors
    ///
    /// [`Misuse::NoSuchCall`] when the call is finished, [`Misuse::CallComplete`] when it takes no further arguments, or
    /// as [`call`](Self::call).
    pub fn continue_call(
        &mut self,
        now: Instant,
        request: RequestId,
        payload: Payload,
        progress: bool,
    ) -> Result<(), Misuse> {
        self.check_use(Role::Caller)?;
        match self.requests.get_mut(request).map(|pending| pending.kind()) {
            Some(MessageKind::Call) => {}
            _ => return Err(Misuse::NoSuchCall(request)),
        }
        let procedure = self.requests.procedure(request).cloned().ok_or(Misuse::CallComplete(request))?;
        // all other options are those of the first part.
        let options = CallOptions { progress, ..CallOptions::default() };
        self.send(&message::Call { request, options, procedure, payload }.into())?;
        if !progress {
            self.requests.end_parts(request);
        }
        self.restart_timer(now, request);
        Ok(())
    }

    /// a router that does not know it would close the session.
    fn check_parts(&self) -> Result<(), Misuse> {
        let feature = Feature::ProgressiveCallInvocations;
        self.check_use(Role::Caller)?;
        if self.router.supports(Role::Dealer, feature) && self.config.roles.supports(Role::Caller, feature) {
            return Ok(());
        }
        Err(Misuse::Feature(feature))
    }

    /// The time for the result of a call begins anew.
    fn restart_timer(&mut self, now: Instant, request: RequestId) {
        let Some(pending) = self.requests.get_mut(request) else { return };
        let Purpose::Call { timeout, .. } = pending.purpose else { return };
        let deadline = now + timeout;
        let old = core::mem::replace(&mut pending.deadline, deadline);
        self.timers.stop(old, Timeout::Request(request));
        self.timers.set(deadline, Timeout::Request(request));
    }

    /// Asks the router to cancel a call; its answer still comes, a result or an error. Returns whether the router was
    /// asked: one that does not announce call canceling is not (F-03).
    ///
    /// # Errors
    ///
    /// When the call is finished already, or the session is not open.
    pub fn cancel(&mut self, request: RequestId, mode: CancelMode) -> Result<bool, Misuse> {
        self.check_use(Role::Caller)?;
        match self.requests.get_mut(request) {
            Some(pending) if pending.kind() == MessageKind::Call => Ok(self.send_cancel(request, mode)),
            _ => Err(Misuse::NoSuchCall(request)),
        }
    }

    /// Nobody waits for the answer to this request any more: it is dropped when it comes, and what it would have begun
    /// (a subscription, a registration) is ended at once. No event follows. Unknown requests are ignored.
    pub fn give_up(&mut self, request: RequestId) {
        if let Some(pending) = self.requests.give_up(request) {
            self.timers.stop(pending.deadline, Timeout::Request(request));
            self.end_unwanted();
        }
    }

    pub(super) fn send_cancel(&mut self, request: RequestId, mode: CancelMode) -> bool {
        if !self.router.supports(Role::Dealer, Feature::CallCanceling) {
            return false;
        }
        let options = CancelOptions { mode: Some(mode), ..CancelOptions::default() };
        self.send_always(Cancel { request, options });
        true
    }

    pub(super) fn receive_result(&mut self, now: Instant, result: message::Result) {
        let request = result.request;
        if result.details.progress && self.requests.is_given_up(MessageKind::Call, request) {
            return;
        }
        if result.details.progress {
            let waiting =
                self.requests.get_mut(request).filter(|pending| pending.kind() == MessageKind::Call);
            let Some(pending) = waiting else {
                return self.violate(Violation::UnknownRequest { message: MessageKind::Result, request });
            };
            let Purpose::Call { progress: true, .. } = pending.purpose else {
                // Progress that nobody asked for: the call goes on (fault 64).
                return;
            };
            self.restart_timer(now, request);
        } else if self.answered(MessageKind::Result, MessageKind::Call, request).is_none() {
            return;
        }
        self.events.push_back(Event::Result { request, details: result.details, payload: result.payload });
    }
}
