//! Progressive calls: arguments in several parts (R-30..R-45), results in several parts (R-50..R-57).

use super::{
    Dealer, Refusal,
    answers::{UNWRAPPABLE, undeliverable},
    check_issued,
    invocations::{check_wrapping, unavailable, undelivered},
    ongoing::{Ongoing, Origin},
};
#[cfg(feature = "planted-bugs")]
use crate::router::Bug;
use crate::{
    error::Violation,
    message::{self, Call, Feature, Invocation, InvocationDetails, MessageKind, ResultDetails, Role, Yield},
    router::{
        Context,
        link::{Class, Peer},
        passthru::{Part, Wrapping, takes_wrapped},
    },
    uri::uris,
};

impl Dealer {
    /// a CALL under the id of one that waits for its result is a further part of it, or a violation.
    pub(super) fn continue_call(
        &mut self,
        context: &mut Context<'_>,
        mut call: Call,
    ) -> Result<(), Violation> {
        let wrapping = call.options.payload_attributes.take();
        let wrapping = context.check_passthru(MessageKind::Call, wrapping)?;
        let origin = Origin { caller: context.from, request: call.request };
        let in_use = Err(Violation::RequestInUse { message: MessageKind::Call, request: call.request });
        let Some(ongoing) = context.links.ongoing(origin) else { return Ok(()) };
        let stream = ongoing.extra.as_mut().and_then(|extra| extra.stream.as_mut());
        let Some(stream) = stream.filter(|stream| stream.procedure == call.procedure) else { return in_use };
        if !stream.open {
            // a part after the last one.
            return if context.config.strict_request_ids { in_use } else { Ok(()) };
        }
        // of the options of later parts, only `progress` counts.
        stream.open = call.options.progress;
        let part = Part { payload: call.payload, wrapping };
        let sent = match ongoing.place {
            Some(_) => send_part(context, origin, part, call.options.progress),
            None => keep_part(context, origin, &part),
        };
        if let Err((error, text)) = sent {
            // Arguments with a hole in them are of no use.
            self.stop_call(context, origin, error, &text);
        }
        Ok(())
    }

    /// a part of the result.
    pub(super) fn progress(
        &mut self,
        context: &mut Context<'_>,
        answer: Yield,
        wrapping: Wrapping,
    ) -> Result<(), Violation> {
        check_issued(context, MessageKind::Yield, answer.request)?;
        let link = context.links.get(context.from);
        let Some(origin) = link.and_then(|link| link.invocations.get(&answer.request)).copied() else {
            return Ok(());
        };
        // progress that nobody has asked for is dropped, and the call goes on.
        let asked = |call: &&mut Ongoing| call.receives_progress;
        #[cfg(feature = "planted-bugs")]
        let unasked = context.config.has(Bug::ProgressUnasked);
        #[cfg(feature = "planted-bugs")]
        let asked = |call: &&mut Ongoing| unasked || asked(call);
        let Some(call) = context.links.ongoing(origin).filter(asked) else { return Ok(()) };
        if let Some(extra) = &mut call.extra {
            // from now on no other callee can have the call.
            let kept = extra.kept.take();
            context.restart_timer(origin);
            context.links.unkeep(origin.caller, kept.map_or(0, |kept| kept.bytes));
        }
        if wrapping.is_some() && !takes_wrapped(context.links, origin.caller, Role::Caller) {
            self.stop_call(context, origin, uris::error::FEATURE_NOT_SUPPORTED, UNWRAPPABLE);
            return Ok(());
        }
        let details =
            ResultDetails { progress: true, payload_attributes: wrapping, ..ResultDetails::default() };
        let result = message::Result { request: origin.request, details, payload: answer.payload };
        let sent = context.links.send(context.now, origin.caller, Class::Reply, result);
        if let Some((error, text)) = undeliverable(sent) {
            self.stop_call(context, origin, error, text);
        }
        Ok(())
    }
}

/// A further part goes where the first has gone.
pub(super) fn send_part(
    context: &mut Context<'_>,
    origin: Origin,
    part: Part,
    progress: bool,
) -> Result<(), Refusal> {
    let Some(call) = context.links.ongoing(origin) else { return Ok(()) };
    let stream = call.extra.as_ref().and_then(|extra| extra.stream.as_ref());
    let Some((place, stream)) = call.place.zip(stream) else { return Ok(()) };
    let (request, registration) = (place.invocation, call.registration);
    let mut details = InvocationDetails { progress, ..(*stream.details).clone() };
    check_wrapping(context, place.callee, &part.wrapping)?;
    details.payload_attributes = part.wrapping;
    let message = Invocation { request, registration, details, payload: part.payload };
    undelivered(context.links.send(context.now, place.callee, Class::Invocation, message))
}

/// A further part waits with those before it.
fn keep_part(context: &mut Context<'_>, origin: Origin, part: &Part) -> Result<(), Refusal> {
    let bytes = context.links.keep(origin.caller, &part.payload);
    let extra = context.links.ongoing(origin).and_then(|call| call.extra.as_mut());
    let kept = extra.and_then(|extra| extra.kept.as_mut());
    let Some((kept, bytes)) = kept.zip(bytes) else {
        return Err(unavailable("too many arguments of this session wait for callees"));
    };
    kept.bytes = kept.bytes.saturating_add(bytes);
    kept.parts.push_back(part.detach());
    Ok(())
}

/// the caller must have announced that its arguments may come in parts.
pub(super) fn check_announced(context: &Context<'_>) -> Result<(), Violation> {
    let feature = Feature::ProgressiveCallInvocations;
    if context.links.supports(context.from, Role::Caller, feature) {
        return Ok(());
    }
    Err(Violation::FeatureNotAnnounced { message: MessageKind::Call, feature })
}

/// R-51, T-48: whether the caller may be shown parts of the result, as both ends know them.
pub(super) fn receives_progress(context: &Context<'_>, callee: Peer) -> bool {
    let feature = Feature::ProgressiveCallResults;
    context.links.supports(context.from, Role::Caller, feature)
        && context.links.supports(callee, Role::Callee, feature)
        && context.links.supports(callee, Role::Callee, Feature::CallCanceling)
}

/// whether a callee can take arguments in parts.
pub(super) fn takes_parts(context: &Context<'_>, callee: Peer) -> bool {
    context.links.supports(callee, Role::Callee, Feature::ProgressiveCallInvocations)
        && context.links.supports(callee, Role::Callee, Feature::CallCanceling)
}
