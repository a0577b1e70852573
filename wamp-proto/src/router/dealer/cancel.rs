//! CANCEL -> INTERRUPT, and callers that leave (R-20..R-22, R-80..R-91).

use super::Dealer;
use crate::{
    error::Violation,
    id::RequestId,
    message::{Cancel, CancelMode, CancelOptions, Feature, Interrupt, MessageKind, Role},
    router::{
        Context,
        link::{Class, Links, Peer, Route},
    },
    time::Instant,
    uri::uris,
};

impl Dealer {
    /// R-81..R-84. A call that is unknown or finished is ignored: CANCEL may cross its RESULT.
    pub(in crate::router) fn cancel(
        &mut self,
        context: &mut Context<'_>,
        cancel: &Cancel,
    ) -> Result<(), Violation> {
        let request = cancel.request;
        let link = context.links.get(context.from);
        let Some(route) = link.and_then(|link| link.calls.get(&request)).copied() else { return Ok(()) };
        // the default is ours to choose; skip disturbs nobody.
        let mode = cancel.options.mode.unwrap_or(CancelMode::Skip);
        if mode == CancelMode::Unknown {
            forget(context, request, route);
            let text = "`mode` must be skip, kill or killnowait";
            context.refuse(MessageKind::Call, request, uris::error::INVALID_ARGUMENT, text);
            return Ok(());
        }
        let interruptible = supports_canceling(context.links, route.callee);
        if mode == CancelMode::Kill && interruptible {
            // the callee answers, the caller waits for it; a second CANCEL changes nothing.
            let pending = context
                .links
                .get_mut(route.callee)
                .and_then(|link| link.invocations.get_mut(&route.invocation));
            if let Some(pending) = pending.filter(|pending| !pending.killed) {
                pending.killed = true;
                interrupt(context.now, context.links, route, mode);
            }
            return Ok(());
        }
        let told = forget(context, request, route);
        if mode == CancelMode::KillNoWait && interruptible && !told {
            interrupt(context.now, context.links, route, mode);
        }
        context.refuse(MessageKind::Call, request, uris::error::CANCELED, "");
        Ok(())
    }

    /// The calls of a session that has left: callees that can be interrupted are, others finish for nobody.
    pub(super) fn abandon(&mut self, now: Instant, links: &mut Links, mut calls: Vec<Route>) {
        calls.sort_unstable_by_key(|route| (route.callee, route.invocation));
        for route in calls {
            let pending =
                links.get_mut(route.callee).and_then(|link| link.invocations.remove(&route.invocation));
            let told = pending.is_some_and(|pending| pending.killed);
            // dealer and callee must support it; the caller is not asked any more.
            if !told && pending.is_some() && supports_canceling(links, route.callee) {
                interrupt(now, links, route, CancelMode::KillNoWait);
            }
        }
    }
}

fn supports_canceling(links: &Links, callee: Peer) -> bool {
    let identity = links.get(callee).and_then(|link| link.identity.as_ref());
    identity.is_some_and(|identity| identity.roles.supports(Role::Callee, Feature::CallCanceling))
}

/// Neither side knows the call any more; what the callee answers is late. Returns whether the callee was told to stop
/// before.
fn forget(context: &mut Context<'_>, request: RequestId, route: Route) -> bool {
    if let Some(link) = context.links.get_mut(context.from) {
        link.calls.remove(&request);
    }
    #[cfg(feature = "planted-bugs")]
    if context.config.has(crate::router::Bug::LateYieldForwarded) {
        return false;
    }
    let callee = context.links.get_mut(route.callee);
    let pending = callee.and_then(|link| link.invocations.remove(&route.invocation));
    pending.is_some_and(|pending| pending.killed)
}

fn interrupt(now: Instant, links: &mut Links, route: Route, mode: CancelMode) {
    let options = CancelOptions { mode: Some(mode), ..CancelOptions::default() };
    links.send(now, route.callee, Class::Reply, Interrupt { request: route.invocation, options });
}
