//! YIELD and ERROR of a callee, back to RESULT and ERROR for the caller.

use super::{
    Dealer, check_issued,
    ongoing::{Ongoing, Origin},
};
use crate::{
    error::Violation,
    id::RequestId,
    message::{self, MessageKind, ResultDetails, Role, Yield},
    payload::Payload,
    router::{
        Context,
        link::{Class, Sent},
        passthru::takes_wrapped,
    },
    uri::{Uri, uris},
};

impl Dealer {
    /// the result goes back under the caller's own id (T-05).
    pub(in crate::router) fn yield_(
        &mut self,
        context: &mut Context<'_>,
        mut answer: Yield,
    ) -> Result<(), Violation> {
        let wrapping = answer.options.payload_attributes.take();
        let wrapping = context.check_passthru(MessageKind::Yield, wrapping)?;
        if answer.options.progress {
            return self.progress(context, answer, wrapping);
        }
        let Some((origin, call)) = take_call(context, MessageKind::Yield, answer.request)? else {
            return Ok(());
        };
        if wrapping.is_some() && !takes_wrapped(context.links, origin.caller, Role::Caller) {
            // E-06.
            fail(context, origin, uris::error::FEATURE_NOT_SUPPORTED, UNWRAPPABLE);
        } else {
            let (request, payload) = (origin.request, answer.payload);
            let details = ResultDetails { payload_attributes: wrapping, ..ResultDetails::default() };
            let result = message::Result { request, details, payload };
            let sent = context.links.send(context.now, origin.caller, Class::Reply, result);
            if let Some((error, text)) = undeliverable(sent) {
                fail(context, origin, error, text);
            }
        }
        self.release(context, origin, &call);
        Ok(())
    }

    /// an error too.
    pub(in crate::router) fn error(
        &mut self,
        context: &mut Context<'_>,
        mut error: message::Error,
    ) -> Result<(), Violation> {
        if error.request_kind != MessageKind::Invocation {
            return Err(Violation::ErrorType(error.request_kind.code()));
        }
        let wrapping = error.details.payload_attributes.take();
        let mut wrapping = context.check_passthru(MessageKind::Error, wrapping)?;
        if error.error == uris::error::UNAVAILABLE && self.reroute(context, error.request)? {
            return Ok(());
        }
        let Some((origin, call)) = take_call(context, MessageKind::Error, error.request)? else {
            return Ok(());
        };
        if wrapping.is_some() && !takes_wrapped(context.links, origin.caller, Role::Caller) {
            // The error itself is not wrapped.
            (wrapping, error.payload) = (None, Payload::empty());
        }
        // I-33: an error URI that is none is replaced, the payload kept.
        let uri = match context.config.check_uri(&error.error) {
            Ok(()) => error.error,
            Err(_) => Uri::unchecked(uris::error::INVALID_URI),
        };
        let message = message::Error {
            request_kind: MessageKind::Call,
            request: origin.request,
            details: message::ErrorDetails {
                payload_attributes: wrapping,
                ..message::ErrorDetails::default()
            },
            error: uri,
            payload: error.payload,
        };
        let sent = context.links.send(context.now, origin.caller, Class::Reply, message);
        if let Some((error, text)) = undeliverable(sent) {
            fail(context, origin, error, text);
        }
        self.release(context, origin, &call);
        Ok(())
    }
}

/// E-06.
pub(super) const UNWRAPPABLE: &str = "the result is wrapped, and the caller does not take such";

/// Takes the call that an answer of `context.from` belongs to. Late answers give `None`; an answer to an
/// invocation that was never issued is a violation (S-47, S-55).
fn take_call(
    context: &mut Context<'_>,
    answer: MessageKind,
    invocation: RequestId,
) -> Result<Option<(Origin, Ongoing)>, Violation> {
    check_issued(context, answer, invocation)?;
    Ok(context.links.take_invocation(context.from, invocation))
}

/// What the caller is told when the answer itself cannot reach it (W-78, fault 38).
pub(super) fn undeliverable(sent: Sent) -> Option<(&'static str, &'static str)> {
    match sent {
        Sent::TooLarge => {
            Some((uris::error::PAYLOAD_SIZE_EXCEEDED, "the result is too large for the caller"))
        }
        Sent::Unencodable => Some((uris::error::INVALID_ARGUMENT, "the result cannot be transcoded")),
        Sent::Queued | Sent::Refused => None,
    }
}

fn fail(context: &mut Context<'_>, origin: Origin, error: &'static str, text: &str) {
    context.links.refuse(context.now, origin.caller, MessageKind::Call, origin.request, error, text);
}
