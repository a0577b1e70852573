//! Calls that wait until a callee has room, and calls that go from one callee to another (R-95..R-99).

use super::{
    Dealer, Refusal,
    cancel::stop,
    check_issued,
    invocations::{serve, unavailable},
    ongoing::{Ask, Extra, Kept, Ongoing, Origin, Stream},
    policy::{Choice, Registration},
    progress::send_part,
};
#[cfg(feature = "planted-bugs")]
use crate::router::Bug;
use crate::{
    error::Violation,
    id::{RegistrationId, RequestId},
    message::{Feature, InvocationPolicy, MessageKind, Role},
    payload::Payload,
    router::{Context, Limit, passthru::Part},
    uri::uris,
};

impl Registration {
    /// No callee has room for this call just now.
    pub(super) fn wait(
        &mut self,
        context: &mut Context<'_>,
        registration: RegistrationId,
        request: RequestId,
        ask: Ask,
        part: &Part,
    ) -> Result<(), Refusal> {
        if self.waiting.len() >= context.config.max_waiting_calls {
            context.links.limited(context.from, Limit::WaitingCalls);
            return Err(unavailable("too many calls wait for this procedure"));
        }
        let origin = Origin { caller: context.from, request };
        let limit = ask.timeout.map(core::time::Duration::from_millis);
        let stream = ask.progress.then(|| Stream {
            procedure: ask.procedure.clone(),
            details: Box::default(),
            open: true,
        });
        let kept = context.links.keep_call(context.from, ask, part.detach());
        if kept.is_none() {
            context.links.limited(context.from, Limit::WaitingCalls);
            return Err(unavailable("too many arguments of this session wait for callees"));
        }
        let limit = limit.map(|limit| context.start_timer(origin, limit));
        let call = Ongoing {
            place: None,
            registration,
            killed: false,
            receives_progress: false,
            counted: false,
            extra: Extra { limit, stream, kept }.boxed(),
        };
        if let Some(link) = context.links.get_mut(context.from) {
            link.calls.insert(request, call);
        }
        self.waiting.push_back(origin);
        Ok(())
    }

    /// R-95..R-97: whether this callee may say that it is unavailable, and somebody else then gets the call. A
    /// progressive call stays where it is.
    pub(super) fn may_reroute(&self, context: &Context<'_>, place: usize, ask: &Ask) -> bool {
        if self.policy == InvocationPolicy::Single || self.callees().len() < 2 || ask.progress {
            return false;
        }
        let callee = self.callees().get(place);
        callee.is_some_and(|callee| context.links.supports(callee.peer, Role::Callee, Feature::CallReroute))
    }
}

impl Dealer {
    /// A callee may have room now, or somebody else be the one to call: calls that wait go on, in their order.
    pub(super) fn dispatch(&mut self, context: &mut Context<'_>, registration: RegistrationId) {
        loop {
            let Some(entry) = self.registrations.get_mut(&registration) else { return };
            let Some(&origin) = entry.waiting.front() else { return };
            let mut context = context.of(origin.caller);
            let extra = context.links.ongoing(origin).and_then(|call| call.extra.as_ref());
            let choice = match extra.and_then(|extra| extra.kept.as_ref()) {
                Some(kept) => entry.choose(&kept.tried, &mut self.random),
                None => Choice::Nobody,
            };
            let resumed = match choice {
                Choice::Busy => return,
                Choice::Nobody => Err(nobody()),
                Choice::Callee(place) => resume(&mut context, (registration, &mut *entry), place, origin),
            };
            entry.waiting.pop_front();
            if let Err((error, text)) = resumed {
                let stopped = stop(&mut context, origin, error, &text);
                if let Some(place) = stopped.filter(|call| call.counted).and_then(|call| call.place) {
                    entry.vacate(place.number);
                }
            }
        }
    }

    /// A call is over: its room is somebody else's, its place in the queue too.
    pub(super) fn release(&mut self, context: &mut Context<'_>, origin: Origin, call: &Ongoing) {
        match call.place {
            Some(_) if !call.counted => return,
            #[cfg(feature = "planted-bugs")]
            Some(_) if context.config.has(Bug::RoomKept) => {}
            Some(place) => {
                if let Some(entry) = self.registrations.get_mut(&call.registration) {
                    entry.vacate(place.number);
                }
            }
            None => self.leave_queue(origin, call),
        }
        self.dispatch(context, call.registration);
    }

    pub(super) fn leave_queue(&mut self, origin: Origin, call: &Ongoing) {
        if let Some(entry) = self.registrations.get_mut(&call.registration) {
            entry.waiting.retain(|waiting| *waiting != origin);
        }
    }

    /// Whether this callee asks for another to get the call, which it then does.
    pub(super) fn reroute(
        &mut self,
        context: &mut Context<'_>,
        invocation: RequestId,
    ) -> Result<bool, Violation> {
        if !context.links.supports(context.from, Role::Callee, Feature::CallReroute) {
            return Ok(false);
        }
        check_issued(context, MessageKind::Error, invocation)?;
        let link = context.links.get_mut(context.from);
        let origin = link.and_then(|link| link.invocations.get(&invocation)).copied();
        let Some((origin, call)) = origin.and_then(|origin| Some((origin, context.links.ongoing(origin)?)))
        else {
            return Ok(false);
        };
        // who waits for the end of a canceled call does not wait for another callee.
        if call.killed {
            return Ok(false);
        }
        let (registration, place, counted) = (call.registration, call.place.take(), call.counted);
        call.counted = false;
        let kept = call.extra.as_mut().and_then(|extra| extra.kept.as_mut());
        let entry = self.registrations.get_mut(&registration);
        let (known, number) = (kept.is_some(), place.map_or(0, |place| place.number));
        if let Some(kept) = kept {
            #[cfg(feature = "planted-bugs")]
            let number = if context.config.has(Bug::TriedAgain) { 0 } else { number };
            kept.tried.push(number);
        }
        if let Some(link) = context.links.get_mut(context.from) {
            link.invocations.remove(&invocation);
        }
        if let Some(entry) = entry {
            if counted {
                entry.vacate(number);
            }
            if known && entry.waiting.len() < context.config.max_waiting_calls {
                entry.waiting.push_back(origin);
                self.dispatch(context, registration);
                return Ok(true);
            }
        }
        let (error, text) = nobody();
        stop(context, origin, error, &text);
        self.dispatch(context, registration);
        Ok(true)
    }
}

/// Hands a call that has waited to a callee, with all its parts.
fn resume(
    context: &mut Context<'_>,
    (registration, entry): (RegistrationId, &mut Registration),
    place: usize,
    origin: Origin,
) -> Result<(), Refusal> {
    let extra = context.links.ongoing(origin).and_then(|call| call.extra.as_mut());
    let Some((Some(mut kept), limited)) = extra.map(|extra| (extra.kept.take(), extra.limit.is_some()))
    else {
        return Err(nobody());
    };
    let reroutes = entry.may_reroute(context, place, &kept.ask);
    let first = kept.parts.front().cloned();
    let first = first.unwrap_or(Part { payload: Payload::empty(), wrapping: None });
    let served = serve(context, (registration, entry), place, origin, &kept.ask, first, !limited);
    if served.is_err() || !reroutes {
        context.links.unkeep(origin.caller, kept.bytes);
    }
    let served = served?;
    let limit = served.limit.map(|limit| context.start_timer(origin, limit));
    let mut open = false;
    if let Some(call) = context.links.ongoing(origin) {
        call.place = Some(served.place);
        call.receives_progress = served.receives_progress;
        call.counted = served.counted;
        if let Some(extra) = &mut call.extra {
            extra.limit = limit.or(extra.limit);
            if let Some((stream, details)) = extra.stream.as_mut().zip(served.details) {
                stream.details = details;
                open = stream.open;
            }
            if reroutes {
                extra.kept = Some(kept);
                return Ok(());
            }
        }
    }
    kept.parts.pop_front();
    while let Some(part) = kept.parts.pop_front() {
        send_part(context, origin, part, open || !kept.parts.is_empty())?;
    }
    Ok(())
}

///
pub(super) fn nobody() -> Refusal {
    (uris::error::NO_AVAILABLE_CALLEE, "no callee is available".to_owned())
}

impl Kept {
    fn new(ask: Ask, part: Part, bytes: usize) -> Self {
        Self { ask, parts: [part].into(), bytes, tried: Vec::new() }
    }
}

impl crate::router::link::Links {
    /// A call with its arguments, unless its caller has too many of them kept.
    pub(super) fn keep_call(&mut self, caller: usize, ask: Ask, part: Part) -> Option<Kept> {
        let bytes = self.keep(caller, &part.payload)?;
        Some(Kept::new(ask, part, bytes))
    }
}
