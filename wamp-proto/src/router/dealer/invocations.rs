//! CALL -> INVOCATION, and YIELD or ERROR back to RESULT or ERROR.

use super::Dealer;
use crate::{
    error::Violation,
    id::RequestId,
    message::{self, Call, Feature, Invocation, InvocationDetails, MessageKind, ResultDetails, Yield},
    router::{
        Context, check_passthru,
        link::{Class, PendingCall, Route, Sent},
    },
    uri::{Match, Uri, uris},
};

impl Dealer {
    /// to the one best registration.
    pub(in crate::router) fn call(&mut self, context: &mut Context<'_>, call: Call) -> Result<(), Violation> {
        let request = call.request;
        let in_use = context.links.get(context.from).is_some_and(|link| link.calls.contains_key(&request));
        if in_use {
            // only a progressive call may go on under its id.
            return Err(Violation::RequestInUse { message: MessageKind::Call, request });
        }
        if call.options.progress {
            // this dealer does not announce it.
            let (message, feature) = (MessageKind::Call, Feature::ProgressiveCallInvocations);
            return Err(Violation::FeatureNotAnnounced { message, feature });
        }
        check_passthru(MessageKind::Call, call.options.payload_attributes.as_deref())?;
        if let Err((error, text)) = self.try_call(context, call) {
            context.refuse(MessageKind::Call, request, error, &text);
        }
        Ok(())
    }

    fn try_call(&mut self, context: &mut Context<'_>, call: Call) -> Result<(), (&'static str, String)> {
        context.check_uri(&call.procedure).map_err(|text| (uris::error::INVALID_URI, text))?;
        // I-30: a pattern of an application never stands for what belongs to the protocol.
        let best = if call.procedure.is_reserved() { None } else { self.index.best(&call.procedure) };
        let Some((registration, entry)) = best.and_then(|id| Some((id, self.registrations.get(&id)?))) else {
            return Err((
                uris::error::NO_SUCH_PROCEDURE,
                format!("nobody has registered `{}`", call.procedure),
            ));
        };
        let unavailable = |text: &str| (uris::error::UNAVAILABLE, text.to_owned());
        let (caller, callee) = (context.from, entry.callee);
        if context.links.get(caller).is_none_or(|link| link.calls.len() >= context.config.max_calls) {
            return Err(unavailable("too many calls of this session wait for their results"));
        }
        let Some(link) = context.links.get(callee) else { return Err(unavailable("the callee has left")) };
        if link.invocations.len() >= context.config.max_invocations {
            return Err(unavailable("too many calls wait for this callee"));
        }
        let mut ids = link.invocation_ids.clone();
        let invocation: RequestId = ids.next();
        #[cfg(feature = "planted-bugs")]
        let invocation =
            if context.config.has(crate::router::Bug::InvocationIdSkipped) && invocation.get() == 3 {
                ids.next()
            } else {
                invocation
            };
        // pattern registrations must be told the procedure; T-68: details are made afresh.
        let procedure = (entry.pattern.kind() != Match::Exact).then_some(call.procedure);
        let details = InvocationDetails { procedure, ..InvocationDetails::default() };
        let message = Invocation { request: invocation, registration, details, payload: call.payload };
        match context.links.send(context.now, callee, Class::Invocation, message) {
            Sent::Queued => {}
            Sent::Refused => return Err(unavailable("the callee does not keep up with its calls")),
            Sent::TooLarge => {
                let text = "the call is too large for the callee";
                return Err((uris::error::PAYLOAD_SIZE_EXCEEDED, text.to_owned()));
            }
            Sent::Unencodable => {
                return Err((uris::error::INVALID_ARGUMENT, "the arguments cannot be transcoded".to_owned()));
            }
        }
        if let Some(link) = context.links.get_mut(callee) {
            link.invocation_ids = ids;
            let pending = PendingCall { caller, request: call.request, killed: false };
            link.invocations.insert(invocation, pending);
        }
        if let Some(link) = context.links.get_mut(caller) {
            link.calls.insert(call.request, Route { callee, invocation });
        }
        Ok(())
    }

    /// the result goes back under the caller's own id (T-05).
    pub(in crate::router) fn yield_(
        &mut self,
        context: &mut Context<'_>,
        answer: Yield,
    ) -> Result<(), Violation> {
        check_passthru(MessageKind::Yield, answer.options.payload_attributes.as_deref())?;
        // progress that nobody can have asked for is dropped, and the call goes on.
        if answer.options.progress {
            return check_issued(context, MessageKind::Yield, answer.request);
        }
        let Some(call) = take_call(context, MessageKind::Yield, answer.request)? else { return Ok(()) };
        let result = message::Result {
            request: call.request,
            details: ResultDetails::default(),
            payload: answer.payload,
        };
        let sent = context.links.send(context.now, call.caller, Class::Reply, result);
        if let Some((error, text)) = undeliverable(sent) {
            fail(context, &call, error, text);
        }
        Ok(())
    }

    /// an error too.
    pub(in crate::router) fn error(
        &mut self,
        context: &mut Context<'_>,
        error: message::Error,
    ) -> Result<(), Violation> {
        if error.request_kind != MessageKind::Invocation {
            return Err(Violation::ErrorType(error.request_kind.code()));
        }
        let Some(call) = take_call(context, MessageKind::Error, error.request)? else { return Ok(()) };
        // I-33: an error URI that is none is replaced, the payload kept.
        let uri = match context.check_uri(&error.error) {
            Ok(()) => error.error,
            Err(_) => Uri::unchecked(uris::error::INVALID_URI),
        };
        let message = message::Error {
            request_kind: MessageKind::Call,
            request: call.request,
            details: message::ErrorDetails::default(),
            error: uri,
            payload: error.payload,
        };
        let sent = context.links.send(context.now, call.caller, Class::Reply, message);
        if let Some((error, text)) = undeliverable(sent) {
            fail(context, &call, error, text);
        }
        Ok(())
    }
}

/// Takes the call that an answer of `context.from` belongs to. Late answers give `None`; an answer to an
/// invocation that was never issued is a violation (S-47, S-55).
fn take_call(
    context: &mut Context<'_>,
    answer: MessageKind,
    invocation: RequestId,
) -> Result<Option<PendingCall>, Violation> {
    check_issued(context, answer, invocation)?;
    let call = context.links.get_mut(context.from).and_then(|link| link.invocations.remove(&invocation));
    if let Some(PendingCall { caller, request, .. }) = call {
        if let Some(link) = context.links.get_mut(caller) {
            link.calls.remove(&request);
        }
    }
    Ok(call)
}

fn check_issued(context: &Context<'_>, answer: MessageKind, invocation: RequestId) -> Result<(), Violation> {
    let last = context.links.get(context.from).map_or(0, |link| link.invocation_ids.last());
    if invocation.get() > last {
        return Err(Violation::UnknownRequest { message: answer, request: invocation });
    }
    Ok(())
}

/// What the caller is told when the answer itself cannot reach it (W-78, fault 38).
fn undeliverable(sent: Sent) -> Option<(&'static str, &'static str)> {
    match sent {
        Sent::TooLarge => {
            Some((uris::error::PAYLOAD_SIZE_EXCEEDED, "the result is too large for the caller"))
        }
        Sent::Unencodable => Some((uris::error::INVALID_ARGUMENT, "the result cannot be transcoded")),
        Sent::Queued | Sent::Refused => None,
    }
}

fn fail(context: &mut Context<'_>, call: &PendingCall, error: &'static str, text: &str) {
    context.links.refuse(context.now, call.caller, MessageKind::Call, call.request, error, text);
}
