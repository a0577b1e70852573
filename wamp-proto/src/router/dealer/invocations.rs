//! CALL -> INVOCATION.

use core::time::Duration;

use super::{
    Dealer, Refusal,
    details::details,
    ongoing::{Ask, Extra, Ongoing, Origin, Place, Stream},
    policy::{Choice, Registration},
    progress::{check_announced, takes_parts},
    timeouts::Keeper,
    waiting::nobody,
};
#[cfg(feature = "planted-bugs")]
use crate::router::Bug;
use crate::{
    error::Violation,
    id::{RegistrationId, RequestId},
    message::{Call, Invocation, InvocationDetails, MessageKind},
    payload::Payload,
    router::{
        Context, check_passthru,
        link::{Class, Sent},
    },
    uri::uris,
};

impl Dealer {
    /// to the one best registration.
    pub(in crate::router) fn call(&mut self, context: &mut Context<'_>, call: Call) -> Result<(), Violation> {
        let (request, progress) = (call.request, call.options.progress);
        let Some(link) = context.links.get_mut(context.from) else { return Ok(()) };
        if link.calls.contains_key(&request) {
            return self.continue_call(context, call);
        }
        // a part of a call that is over.
        if !link.late.is_empty() && link.late.take(request, &call.procedure, !progress) {
            return Ok(());
        }
        check_passthru(MessageKind::Call, call.options.payload_attributes.as_deref())?;
        if progress {
            check_announced(context)?;
        }
        let parts = progress.then(|| call.procedure.clone());
        if let Err((error, text)) = self.try_call(context, call) {
            context.refuse(MessageKind::Call, request, error, &text);
            if let Some((procedure, link)) = parts.zip(context.links.get_mut(context.from)) {
                link.late.insert(request, procedure, context.config.max_late_calls);
            }
        }
        Ok(())
    }

    fn try_call(&mut self, context: &mut Context<'_>, call: Call) -> Result<(), Refusal> {
        context.check_uri(&call.procedure).map_err(|text| (uris::error::INVALID_URI, text))?;
        // I-30: a pattern of an application never stands for what belongs to the protocol.
        let best = if call.procedure.is_reserved() { None } else { self.index.best(&call.procedure) };
        let found = best.and_then(|id| Some((id, self.registrations.get_mut(&id)?)));
        let Some((registration, entry)) = found else {
            let text = format!("nobody has registered `{}`", call.procedure);
            return Err((uris::error::NO_SUCH_PROCEDURE, text));
        };
        if context.links.get(context.from).is_none_or(|link| link.calls.len() >= context.config.max_calls) {
            return Err(unavailable("too many calls of this session wait for their results"));
        }
        context.check_disclosure(&call.options)?;
        let ask = Ask::new(call.procedure, &call.options);
        let choice =
            if entry.waiting.is_empty() { entry.choose(&[], &mut self.random) } else { Choice::Busy };
        match choice {
            Choice::Callee(place) => {
                begin(context, (registration, entry), place, call.request, ask, call.payload)
            }
            Choice::Busy => entry.wait(context, registration, call.request, ask, &call.payload),
            Choice::Nobody => Err(nobody()),
        }
    }
}

/// Hands a call that has just come to a callee.
fn begin(
    context: &mut Context<'_>,
    (registration, entry): (RegistrationId, &mut Registration),
    place: usize,
    request: RequestId,
    ask: Ask,
    payload: Payload,
) -> Result<(), Refusal> {
    let caller = context.from;
    // What may have to go to another callee is kept.
    let copy = entry.may_reroute(context, place, &ask).then(|| payload.detach());
    let origin = Origin { caller, request };
    let served = serve(context, (registration, entry), place, origin, &ask, payload, true)?;
    let limit = served.limit.map(|limit| context.start_timer(origin, limit));
    let (mut stream, mut kept) = (None, None);
    if let Some(details) = served.details {
        stream = Some(Stream { procedure: ask.procedure, details, open: true });
    } else if let Some(part) = copy {
        kept = context.links.keep_call(caller, ask, part);
    }
    let call = Ongoing {
        place: Some(served.place),
        registration,
        killed: false,
        receives_progress: served.receives_progress,
        counted: served.counted,
        extra: Extra { limit, stream, kept }.boxed(),
    };
    if let Some(link) = context.links.get_mut(caller) {
        link.calls.insert(request, call);
    }
    Ok(())
}

/// An invocation on its way.
pub(super) struct Served {
    pub(super) place: Place,
    pub(super) receives_progress: bool,
    pub(super) counted: bool,
    /// How long the dealer waits for the callee.
    pub(super) limit: Option<Duration>,
    /// What later parts will say.
    pub(super) details: Option<Box<InvocationDetails>>,
}

/// Sends the INVOCATION for a call of `context.from` to the callee at `place`. `fresh`: nobody keeps the time yet.
pub(super) fn serve(
    context: &mut Context<'_>,
    (registration, entry): (RegistrationId, &mut Registration),
    place: usize,
    origin: Origin,
    ask: &Ask,
    payload: Payload,
    fresh: bool,
) -> Result<Served, Refusal> {
    let Some(callee) = entry.callees().get(place) else { return Err(unavailable("the callee has left")) };
    let (peer, number, counted) = (callee.peer, callee.number, callee.is_limited());
    if ask.progress && !takes_parts(context, peer) {
        let text = "the callee does not take progressive call invocations";
        return Err((uris::error::FEATURE_NOT_SUPPORTED, text.to_owned()));
    }
    let Some(link) = context.links.get(peer) else { return Err(unavailable("the callee has left")) };
    if link.invocations.len() >= context.config.max_invocations {
        return Err(unavailable("too many calls wait for this callee"));
    }
    let mut ids = link.invocation_ids.clone();
    let invocation: RequestId = ids.next();
    #[cfg(feature = "planted-bugs")]
    let invocation = if context.config.has(Bug::InvocationIdSkipped) && invocation.get() == 3 {
        ids.next()
    } else {
        invocation
    };
    let keeper = if fresh { Keeper::new(context, callee, ask.timeout) } else { Keeper::Nobody };
    let details = details(context, entry, callee, ask, keeper);
    let message = Invocation { request: invocation, registration, details, payload };
    let receives_progress = message.details.receive_progress;
    let later = ask.progress.then(|| Box::new(message.details.clone()));
    undelivered(context.links.send(context.now, peer, Class::Invocation, message))?;
    if let Some(link) = context.links.get_mut(peer) {
        link.invocation_ids = ids;
        link.invocations.insert(invocation, origin);
    }
    if counted {
        entry.occupy(place);
    }
    let limit = keeper.dealer();
    let place = Place { callee: peer, invocation, number };
    Ok(Served { place, receives_progress, counted, limit, details: later })
}

/// What the caller is told when an invocation cannot reach its callee.
pub(super) fn undelivered(sent: Sent) -> Result<(), Refusal> {
    match sent {
        Sent::Queued => Ok(()),
        Sent::Refused => Err(unavailable("the callee does not keep up with its calls")),
        Sent::TooLarge => {
            Err((uris::error::PAYLOAD_SIZE_EXCEEDED, "the call is too large for the callee".to_owned()))
        }
        Sent::Unencodable => {
            Err((uris::error::INVALID_ARGUMENT, "the arguments cannot be transcoded".to_owned()))
        }
    }
}

pub(super) fn unavailable(text: &str) -> Refusal {
    (uris::error::UNAVAILABLE, text.to_owned())
}
