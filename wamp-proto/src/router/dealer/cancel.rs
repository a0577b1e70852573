//! CANCEL -> INTERRUPT, and callers that leave (R-20..R-22, R-80..R-91).

use super::{
    Dealer,
    ongoing::{Ongoing, Origin, Place},
};
use crate::{
    error::Violation,
    message::{Cancel, CancelMode, CancelOptions, Feature, Interrupt, MessageKind, Role},
    router::{Context, link::Class},
    uri::uris,
};

impl Dealer {
    /// R-81..R-84. A call that is unknown or finished is ignored: CANCEL may cross its RESULT.
    pub(in crate::router) fn cancel(
        &mut self,
        context: &mut Context<'_>,
        cancel: &Cancel,
    ) -> Result<(), Violation> {
        let origin = Origin { caller: context.from, request: cancel.request };
        let Some(call) = context.links.ongoing(origin) else {
            context.links.cancel_tap(context.now, origin);
            return Ok(());
        };
        let (place, killed) = (call.place, call.killed);
        // the default is ours to choose; skip disturbs nobody.
        match cancel.options.mode.unwrap_or(CancelMode::Skip) {
            CancelMode::Kill => match place.filter(|place| is_interruptible(context, *place)) {
                // the callee answers, the caller waits for it; a second CANCEL changes nothing.
                Some(_) if killed => {}
                Some(place) => {
                    if let Some(call) = context.links.ongoing(origin) {
                        call.killed = true;
                    }
                    interrupt(context, place, CancelMode::Kill);
                }
                None => self.skip(context, origin, uris::error::CANCELED, ""),
            },
            CancelMode::KillNoWait => self.stop_call(context, origin, uris::error::CANCELED, ""),
            CancelMode::Skip => self.skip(context, origin, uris::error::CANCELED, ""),
            CancelMode::Unknown => {
                let text = "`mode` must be skip, kill or killnowait";
                self.skip(context, origin, uris::error::INVALID_ARGUMENT, text);
            }
        }
        Ok(())
    }

    /// Ends a call in the way of `skip`: the callee does not hear of it.
    fn skip(&mut self, context: &mut Context<'_>, origin: Origin, error: &'static str, text: &str) {
        let Some(call) = forsake(context, origin) else { return };
        context.links.refuse(context.now, origin.caller, MessageKind::Call, origin.request, error, text);
        self.release(context, origin, &call);
    }

    /// Ends a call in the way of `killnowait`.
    pub(super) fn stop_call(
        &mut self,
        context: &mut Context<'_>,
        origin: Origin,
        error: &'static str,
        text: &str,
    ) {
        if let Some(call) = stop(context, origin, error, text) {
            self.release(context, origin, &call);
        }
    }

    /// The calls of a session that has left: callees that can be interrupted are, others finish for nobody. Returns the
    /// registrations in which others may now be served.
    pub(super) fn abandon(
        &mut self,
        context: &mut Context<'_>,
        calls: Vec<(Origin, Ongoing)>,
    ) -> Vec<crate::id::RegistrationId> {
        let mut changed = Vec::new();
        for (origin, call) in calls {
            let Some(place) = call.place else {
                self.leave_queue(origin, &call);
                changed.push(call.registration);
                continue;
            };
            let callee = context.links.get_mut(place.callee);
            let known = callee.is_some_and(|link| link.invocations.remove(&place.invocation).is_some());
            // dealer and callee must support it; the caller is not asked any more.
            if known {
                interrupt_once(context, &call);
            }
            if call.counted {
                if let Some(entry) = self.registrations.get_mut(&call.registration) {
                    entry.vacate(place.number);
                }
                changed.push(call.registration);
            }
        }
        changed
    }
}

/// The same as [`Dealer::stop_call`], but for what others gain by it.
pub(super) fn stop(
    context: &mut Context<'_>,
    origin: Origin,
    error: &'static str,
    text: &str,
) -> Option<Ongoing> {
    let call = forsake(context, origin)?;
    interrupt_once(context, &call);
    context.links.refuse(context.now, origin.caller, MessageKind::Call, origin.request, error, text);
    Some(call)
}

/// Neither side knows the call any more; what the callee answers is late.
fn forsake(context: &mut Context<'_>, origin: Origin) -> Option<Ongoing> {
    let call = context.links.take_call(origin)?;
    #[cfg(feature = "planted-bugs")]
    if context.config.has(crate::router::Bug::LateYieldForwarded) {
        if let Some(link) = context.links.get_mut(origin.caller) {
            link.calls.insert(origin.request, Ongoing { extra: None, ..call });
        }
        return Some(Ongoing { extra: None, ..call });
    }
    if let Some(place) = call.place {
        if let Some(link) = context.links.get_mut(place.callee) {
            link.invocations.remove(&place.invocation);
        }
    }
    Some(call)
}

fn interrupt_once(context: &mut Context<'_>, call: &Ongoing) {
    let place = call.place.filter(|place| !call.killed && is_interruptible(context, *place));
    if let Some(place) = place {
        interrupt(context, place, CancelMode::KillNoWait);
    }
}

fn is_interruptible(context: &Context<'_>, place: Place) -> bool {
    context.links.supports(place.callee, Role::Callee, Feature::CallCanceling)
}

fn interrupt(context: &mut Context<'_>, place: Place, mode: CancelMode) {
    let options = CancelOptions { mode: Some(mode), ..CancelOptions::default() };
    let interrupt = Interrupt { request: place.invocation, options };
    context.links.send(context.now, place.callee, Class::Reply, interrupt);
}
