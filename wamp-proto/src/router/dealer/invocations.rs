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
    message::{Call, Invocation, InvocationDetails, MessageKind, Role},
    router::{
        Context, Limit,
        link::{Class, Peer, Sent},
        passthru::{Part, Wrapping, takes_wrapped},
    },
    uri::uris,
};

impl Dealer {
    /// to the one best registration. A call of the router's own procedures is given back.
    pub(in crate::router) fn call(
        &mut self,
        context: &mut Context<'_>,
        mut call: Call,
    ) -> Result<Option<Call>, Violation> {
        let (request, progress) = (call.request, call.options.progress);
        let Some(link) = context.links.get_mut(context.from) else { return Ok(None) };
        if link.calls.contains_key(&request) {
            return self.continue_call(context, call).map(|()| None);
        }
        // a part of a call that is over.
        if !link.late.is_empty() && link.late.take(request, &call.procedure, !progress) {
            return Ok(None);
        }
        let wrapping = call.options.payload_attributes.take();
        let wrapping = context.check_passthru(MessageKind::Call, wrapping)?;
        if progress {
            check_announced(context)?;
        }
        let parts = progress.then(|| call.procedure.clone());
        let is_own = call.procedure.is_reserved() && context.meta.has(&call.procedure);
        let (done, own) =
            if is_own { (Ok(()), Some(call)) } else { (self.try_call(context, call, wrapping), None) };
        if let Err((error, text)) = &done {
            context.refuse(MessageKind::Call, request, error, text);
        }
        // Either way the call is over.
        if done.is_err() || own.is_some() {
            if let Some(procedure) = parts {
                context.links.expect_parts(context.from, request, procedure);
            }
        }
        Ok(own)
    }

    fn try_call(&mut self, context: &mut Context<'_>, call: Call, wrapping: Wrapping) -> Result<(), Refusal> {
        context.config.check_uri(&call.procedure).map_err(|text| (uris::error::INVALID_URI, text))?;
        // I-30: a pattern of an application never stands for what belongs to the protocol.
        let best = if call.procedure.is_reserved() { None } else { self.index.best(&call.procedure) };
        let found = best.and_then(|id| Some((id, self.registrations.get_mut(&id)?)));
        let Some((registration, entry)) = found else {
            let text = format!("nobody has registered `{}`", call.procedure);
            return Err((uris::error::NO_SUCH_PROCEDURE, text));
        };
        if context.links.get(context.from).is_none_or(|link| link.calls.len() >= context.config.max_calls) {
            context.links.limited(context.from, Limit::Calls);
            return Err(unavailable("too many calls of this session wait for their results"));
        }
        context.check_disclosure(&call.options)?;
        let ask = Ask::new(call.procedure, &call.options);
        let part = Part { payload: call.payload, wrapping };
        let choice =
            if entry.waiting.is_empty() { entry.choose(&[], &mut self.random) } else { Choice::Busy };
        match choice {
            Choice::Callee(place) => begin(context, (registration, entry), place, call.request, ask, part),
            Choice::Busy => entry.wait(context, registration, call.request, ask, &part),
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
    part: Part,
) -> Result<(), Refusal> {
    let caller = context.from;
    // What may have to go to another callee is kept.
    let copy = entry.may_reroute(context, place, &ask).then(|| part.detach());
    let origin = Origin { caller, request };
    let served = serve(context, (registration, entry), place, origin, &ask, part, true)?;
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
    part: Part,
    fresh: bool,
) -> Result<Served, Refusal> {
    let Some(callee) = entry.callees().get(place) else { return Err(unavailable("the callee has left")) };
    let (peer, number, counted) = (callee.peer, callee.number, callee.is_limited());
    if ask.progress && !takes_parts(context, peer) {
        let text = "the callee does not take progressive call invocations";
        return Err((uris::error::FEATURE_NOT_SUPPORTED, text.to_owned()));
    }
    check_wrapping(context, peer, &part.wrapping)?;
    let Some(link) = context.links.get(peer) else { return Err(unavailable("the callee has left")) };
    if link.invocations.len() >= context.config.max_invocations {
        return Err(unavailable("too many calls wait for this callee"));
    }
    let mut ids = link.invocation_ids.clone();
    let invocation = ids.next_unused(|id: RequestId| link.invocations.contains_key(&id));
    #[cfg(feature = "planted-bugs")]
    let invocation = if context.config.has(Bug::InvocationIdSkipped) && invocation.get() == 3 {
        ids.next()
    } else {
        invocation
    };
    let keeper = if fresh { Keeper::new(context, callee, ask.timeout) } else { Keeper::Nobody };
    let details = details(context, entry, callee, ask, keeper);
    let mut message = Invocation { request: invocation, registration, details, payload: part.payload };
    let receives_progress = message.details.receive_progress;
    // Every part has a wrapping of its own.
    let later = ask.progress.then(|| Box::new(message.details.clone()));
    message.details.payload_attributes = part.wrapping;
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

/// E-05.
pub(super) fn check_wrapping(
    context: &Context<'_>,
    callee: Peer,
    wrapping: &Wrapping,
) -> Result<(), Refusal> {
    if wrapping.is_none() || takes_wrapped(context.links, callee, Role::Callee) {
        return Ok(());
    }
    let text = "the callee does not take wrapped payloads";
    Err((uris::error::FEATURE_NOT_SUPPORTED, text.to_owned()))
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
