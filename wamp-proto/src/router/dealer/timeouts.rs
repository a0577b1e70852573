//! Call timeouts: the dealer ends calls whose callees take too long (R-60..R-67).

use core::time::Duration;

use super::{Dealer, ongoing::Origin, policy::Callee};
use crate::{
    id::RequestId,
    message::{Feature, Role},
    router::{Context, timers::Timeout},
    time::Instant,
    uri::uris,
};

impl Dealer {
    /// the time of a call of `context.from` is over.
    pub(in crate::router) fn time_out(&mut self, context: &mut Context<'_>, request: RequestId) {
        let origin = Origin { caller: context.from, request };
        self.stop_call(context, origin, uris::error::TIMEOUT, "no answer in time");
    }
}

impl Context<'_> {
    /// The time of a call begins.
    pub(super) fn start_timer(&mut self, origin: Origin, limit: Duration) -> (Duration, Instant) {
        let deadline = self.now + limit;
        let id = self.links.id(origin.caller);
        self.links.timers.set(deadline, id, Timeout::Call(origin.request));
        (limit, deadline)
    }

    /// with every part of the result the time begins anew.
    pub(super) fn restart_timer(&mut self, origin: Origin) {
        let extra = self.links.ongoing(origin).and_then(|call| call.extra.as_ref());
        let Some((limit, old)) = extra.and_then(|extra| extra.limit) else { return };
        #[cfg(feature = "planted-bugs")]
        if self.config.has(crate::router::Bug::TimeoutInAll) {
            return;
        }
        let id = self.links.id(origin.caller);
        self.links.timers.stop(old, id, Timeout::Call(origin.request));
        let new = self.start_timer(origin, limit);
        if let Some(extra) = self.links.ongoing(origin).and_then(|call| call.extra.as_mut()) {
            extra.limit = Some(new);
        }
    }
}

/// Who keeps the time of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeper {
    Nobody,
    /// It is told so many milliseconds, and ends the call itself.
    Callee(u64),
    Dealer(Duration),
}

impl Keeper {
    /// ..R-65.
    pub(super) fn new(context: &Context<'_>, callee: &Callee, milliseconds: Option<u64>) -> Self {
        let Some(milliseconds) = milliseconds else { return Self::Nobody };
        let forwards = callee.forwards_timeout || context.config.always_forward_timeout;
        if forwards && context.links.supports(callee.peer, Role::Callee, Feature::CallTimeout) {
            Self::Callee(milliseconds)
        } else {
            Self::Dealer(Duration::from_millis(milliseconds))
        }
    }

    pub(super) fn callee(self) -> Option<u64> {
        if let Self::Callee(milliseconds) = self { Some(milliseconds) } else { None }
    }

    pub(super) fn dealer(self) -> Option<Duration> {
        if let Self::Dealer(limit) = self { Some(limit) } else { None }
    }
}
