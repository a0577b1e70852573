//! The callee: REGISTER, UNREGISTER, INVOCATION, YIELD, ERROR (R-01..R-15).

use core::time::Duration;
use std::collections::BTreeSet;

use super::{
    Event, Session, State, Timeout,
    requests::{Answered, Pending, Purpose, Unwanted},
};
use crate::{
    error::{Misuse, RemoteError},
    id::{RegistrationId, RequestId, SubscriptionId},
    map::{IdMap, IdSet},
    message::{
        self, ErrorDetails, Feature, Interrupt, Message, MessageKind, PayloadAttributes, Register,
        RegisterOptions, Registered, Role, Unregister, Unregistered, Unsubscribe, Yield, YieldOptions,
    },
    payload::Payload,
    time::Instant,
    uri::{Uri, uris},
};

/// Our procedures, and the invocations that wait for our answer.
#[derive(Debug, Default)]
pub(super) struct Invocations {
    registrations: IdSet<RegistrationId>,
    open: IdMap<RequestId, Open>,
    /// Those that were answered before their last part had come: what still comes of them is late.
    late: BTreeSet<RequestId>,
}

/// One of them.
#[derive(Debug)]
struct Open {
    /// The caller takes progressive results.
    receives_progress: bool,
    /// More arguments follow.
    incomplete: bool,
    /// How long we may take, and until when, if the caller has said so.
    limit: Option<(Duration, Instant)>,
    /// A part of the result was sent since then.
    progressed: bool,
}

/// How many late ones are remembered.
const MAX_LATE: usize = 4096;

impl Invocations {
    pub(super) fn clear(&mut self) {
        self.registrations.clear();
        self.open.clear();
        self.late.clear();
    }

    /// An invocation is answered.
    fn end(&mut self, request: RequestId) -> Option<Open> {
        let open = self.open.remove(&request)?;
        if open.incomplete {
            self.late.insert(request);
            if self.late.len() > MAX_LATE {
                self.late.pop_first();
            }
        }
        Some(open)
    }
}

/// The answer to one open invocation: [`Session::reply`] hands it out, and its last method ends the invocation.
#[derive(Debug)]
pub struct Reply<'a> {
    session: &'a mut Session,
    request: RequestId,
    wrapping: Option<Box<PayloadAttributes>>,
}

impl Reply<'_> {
    /// Says what the payloads of this answer are wrapped in: payload passthru mode (E-08). The payloads are those of
    /// [`Payload::wrap`], or as the scheme has it.
    ///
    /// # Errors
    ///
    /// [`Misuse::Feature`] when this session or its router has not announced the mode.
    pub fn wrapped(mut self, attributes: PayloadAttributes) -> Result<Self, Misuse> {
        self.session.check_passthru(Role::Callee, Role::Dealer, Some(&attributes))?;
        self.wrapping = Some(Box::new(attributes));
        Ok(self)
    }

    /// Sends a part of the result; more follows. Only for callers that asked for it (`details.receive_progress`).
    ///
    /// # Errors
    ///
    /// When the caller did not ask for it, the part is too large for the peer, cannot be serialized, or the queue is full;
    /// nothing is sent then.
    pub fn progress(&mut self, payload: Payload) -> Result<(), Misuse> {
        let open = self.session.invocations.open.get(&self.request);
        if !open.is_some_and(|open| open.receives_progress) {
            return Err(Misuse::NoProgress(self.request));
        }
        let payload_attributes = self.wrapping.clone();
        let options = YieldOptions { progress: true, payload_attributes, ..YieldOptions::default() };
        self.session.send(&Message::Yield(Yield { request: self.request, options, payload }))?;
        if let Some(open) = self.session.invocations.open.get_mut(&self.request) {
            open.progressed = true;
        }
        Ok(())
    }

    /// Answers with the result.
    ///
    /// # Errors
    ///
    /// When the result is too large for the peer or cannot be serialized; the invocation stays open then, for another
    /// answer.
    pub fn result(mut self, payload: Payload) -> Result<(), Misuse> {
        let options = YieldOptions { payload_attributes: self.wrapping.take(), ..YieldOptions::default() };
        let answer = Yield { request: self.request, options, payload };
        self.finish(&answer.into())
    }

    /// Answers with an error, wrapped in what it says, or else in what [`wrapped`](Self::wrapped) said.
    ///
    /// # Errors
    ///
    /// When it is wrapped and this session or its router has not announced that. When the error is too large for the peer or cannot be serialized; the invocation stays open then.
    pub fn error(mut self, mut error: RemoteError) -> Result<(), Misuse> {
        let wrapping = error.wrapping.take().or(self.wrapping.take());
        self.session.check_passthru(Role::Callee, Role::Dealer, wrapping.as_deref())?;
        let answer = message::Error {
            request_kind: MessageKind::Invocation,
            request: self.request,
            details: ErrorDetails { payload_attributes: wrapping, ..ErrorDetails::default() },
            error: error.error,
            payload: error.payload,
        };
        self.finish(&answer.into())
    }

    /// An answer is not refused for a full queue: the caller must not wait for ever.
    fn finish(self, answer: &Message) -> Result<(), Misuse> {
        let frame = answer.encode(self.session.encoding)?;
        self.session.outbox.check_size(&frame)?;
        self.session.end_invocation(self.request);
        self.session.queue_always(frame);
        Ok(())
    }
}

impl Session {
    /// Registers a procedure, or a pattern when the options say so. One [`Event::Registered`], [`Event::Failed`] or
    /// [`Event::Closed`] follows.
    ///
    /// # Errors
    ///
    /// When the session is not open, the URI is bad, or there is no room; nothing is sent then.
    pub fn register(
        &mut self,
        now: Instant,
        procedure: Uri,
        options: RegisterOptions,
    ) -> Result<RequestId, Misuse> {
        self.config.uri_rule.check_pattern(&procedure, options.match_policy.unwrap_or_default())?;
        let pending = Pending::new(Purpose::Register);
        self.request(now, pending, None, |request| Register { request, options, procedure })
    }

    /// Ends a registration. One [`Event::Unregistered`], [`Event::Failed`] or [`Event::Closed`] follows; invocations may
    /// still come until then, and open ones can still be answered.
    ///
    /// # Errors
    ///
    /// When the session has no such registration, is not open, or there is no room.
    pub fn unregister(&mut self, now: Instant, registration: RegistrationId) -> Result<RequestId, Misuse> {
        self.check_use(Role::Callee)?;
        if !self.invocations.registrations.contains(&registration) {
            return Err(Misuse::NoSuchRegistration(registration));
        }
        let pending = Pending::new(Purpose::Unregister(registration));
        self.request(now, pending, None, |request| Unregister { request, registration })
    }

    /// The answer to an [`Event::Invocation`].
    ///
    /// # Errors
    ///
    /// When the invocation was answered already, the session is over, or it never came.
    pub fn reply(&mut self, invocation: RequestId) -> Result<Reply<'_>, Misuse> {
        self.check_use(Role::Callee)?;
        if !self.invocations.open.contains_key(&invocation) {
            return Err(Misuse::NoSuchInvocation(invocation));
        }
        Ok(Reply { session: self, request: invocation, wrapping: None })
    }

    pub(super) fn receive_registered(&mut self, registered: &Registered) {
        let (request, registration) = (registered.request, registered.registration);
        let answered = self.requests.take(MessageKind::Register, request);
        if matches!(answered, Answered::GivenUp) && !self.invocations.registrations.contains(&registration) {
            self.unwanted.insert(Unwanted::Registration(registration));
        }
        if self.resolve(MessageKind::Registered, request, answered).is_some() {
            self.unwanted.remove(&Unwanted::Registration(registration));
            self.invocations.registrations.insert(registration);
            self.events.push_back(Event::Registered { request, registration });
        }
    }

    pub(super) fn receive_unregistered(&mut self, unregistered: Unregistered) {
        match unregistered {
            Unregistered::Reply { request } => {
                let answered = self.answered(MessageKind::Unregistered, MessageKind::Unregister, request);
                if let Some(Pending { purpose: Purpose::Unregister(registration), .. }) = answered {
                    self.invocations.registrations.remove(&registration);
                    self.events.push_back(Event::Unregistered { request });
                }
            }
            Unregistered::Revoked(details) => {
                let ours = details.registration.filter(|id| self.invocations.registrations.remove(id));
                if let Some(registration) = ours {
                    self.events
                        .push_back(Event::RegistrationRevoked { registration, reason: details.reason });
                }
            }
        }
    }

    pub(super) fn receive_invocation(&mut self, now: Instant, invocation: message::Invocation) {
        let (request, progress) = (invocation.request, invocation.details.progress);
        if let Some(open) = self.invocations.open.get_mut(&request) {
            // an id that is open and complete is ignored.
            if open.incomplete {
                open.incomplete = progress;
                self.events.push_back(Event::InvocationProgress {
                    request,
                    details: Box::new(invocation.details),
                    payload: invocation.payload,
                });
            }
            return;
        }
        // a part of one that was answered.
        if !self.invocations.late.is_empty() && self.invocations.late.contains(&request) {
            if !progress {
                self.invocations.late.remove(&request);
            }
            return;
        }
        if !self.invocations.registrations.contains(&invocation.registration) {
            // It crossed an UNREGISTER: the caller must not wait for ever.
            if progress {
                self.invocations.late.insert(request);
            }
            return self.answer_error(request, uris::error::NO_SUCH_PROCEDURE);
        }
        let limit = self.start_invocation_timer(now, request, invocation.details.timeout);
        let receives_progress = invocation.details.receive_progress;
        self.invocations
            .open
            .insert(request, Open { receives_progress, incomplete: progress, limit, progressed: false });
        self.events.push_back(Event::Invocation {
            request,
            registration: invocation.registration,
            details: Box::new(invocation.details),
            payload: invocation.payload,
        });
    }

    /// a timeout that the dealer hands on is ours to keep, if we have said that we do.
    fn start_invocation_timer(
        &mut self,
        now: Instant,
        request: RequestId,
        milliseconds: Option<u64>,
    ) -> Option<(Duration, Instant)> {
        let milliseconds = milliseconds.filter(|milliseconds| *milliseconds > 0)?;
        if !self.config.roles.supports(Role::Callee, Feature::CallTimeout) {
            return None;
        }
        let limit = Duration::from_millis(milliseconds);
        self.timers.set(now + limit, Timeout::Invocation(request));
        Some((limit, now + limit))
    }

    /// who has sent a part of the result since the last look gets as much time again.
    pub(super) fn invocation_timed_out(&mut self, now: Instant, request: RequestId) {
        if let Some(Open { progressed, limit: Some((limit, deadline)), .. }) =
            self.invocations.open.get_mut(&request)
        {
            if core::mem::take(progressed) {
                *deadline = now + *limit;
                return self.timers.set(*deadline, Timeout::Invocation(request));
            }
        }
        if self.invocations.end(request).is_none() {
            return;
        }
        self.events.push_back(Event::InvocationTimedOut { request });
        self.answer_error(request, uris::error::TIMEOUT);
    }

    fn end_invocation(&mut self, request: RequestId) {
        if let Some((_, deadline)) = self.invocations.end(request).and_then(|open| open.limit) {
            self.timers.stop(deadline, Timeout::Invocation(request));
        }
    }

    fn answer_error(&mut self, request: RequestId, error: &str) {
        self.send_always(message::Error {
            request_kind: MessageKind::Invocation,
            request,
            details: ErrorDetails::default(),
            error: Uri::unchecked(error),
            payload: Payload::empty(),
        });
    }

    pub(super) fn receive_interrupt(&mut self, interrupt: &Interrupt) {
        // an unknown or finished invocation is ignored.
        if self.invocations.open.contains_key(&interrupt.request) {
            let mode = interrupt.options.mode;
            self.events.push_back(Event::Interrupted { request: interrupt.request, mode });
        }
    }

    /// Subscriptions and registrations that came into being after their request was given up are ended, without a word
    /// to the application. While another request of the kind waits for its answer, the same id may come again for it:
    /// then it is wanted after all.
    pub(super) fn end_unwanted(&mut self) {
        if self.unwanted.is_empty() || self.state != State::Open {
            return;
        }
        for unwanted in core::mem::take(&mut self.unwanted) {
            // The one before may have overrun the queue.
            if self.state != State::Open {
                return;
            }
            let (began, ends) = unwanted.kinds();
            if self.requests.any_waits(began) {
                self.unwanted.insert(unwanted);
                continue;
            }
            self.end_without_answer(unwanted, ends);
        }
    }

    fn end_without_answer(&mut self, unwanted: Unwanted, ends: MessageKind) {
        let request = self.ids.next_unused(|id| self.requests.is_used(id));
        self.requests.ignore_answer(request, ends);
        self.send_always(match unwanted {
            Unwanted::Subscription(subscription) => {
                Message::from(Unsubscribe { request, subscription, options: None })
            }
            Unwanted::Registration(registration) => Unregister { request, registration }.into(),
        });
    }

    /// Ends a registration without waiting for the answer, full queue or not; no event follows. Calls of it that come
    /// until the router knows are answered with `wamp.error.no_such_procedure`. Unknown ones are ignored.
    pub fn abandon_registration(&mut self, registration: RegistrationId) {
        if self.state == State::Open && self.invocations.registrations.remove(&registration) {
            self.end_without_answer(Unwanted::Registration(registration), MessageKind::Unregister);
        }
    }

    /// Ends a subscription without waiting for the answer, full queue or not; no event follows. Unknown ones are ignored.
    pub fn abandon_subscription(&mut self, subscription: SubscriptionId) {
        if self.state == State::Open && self.subscriptions.remove(&subscription) {
            self.end_without_answer(Unwanted::Subscription(subscription), MessageKind::Unsubscribe);
        }
    }

    /// The router refused to end a subscription or registration: it does not know it, so neither do we.
    pub(super) fn forget_refused(&mut self, pending: &Pending) {
        match pending.purpose {
            Purpose::Unsubscribe(subscription) => {
                self.subscriptions.remove(&subscription);
            }
            Purpose::Unregister(registration) => {
                self.invocations.registrations.remove(&registration);
            }
            _ => {}
        }
    }
}
