//! Asking for a procedure or a topic again that was refused at first.

use std::time::Duration;

use wamp_proto::{
    Instant,
    reconnect::{Backoff, Policy},
    uri::uris,
};

use crate::{Error, runtime::Runtime};

/// How often something new is asked for: by the policy that restores what a session had before.
pub(crate) struct Patience {
    policy: Policy,
    backoff: Backoff,
    begun: Instant,
    /// Whether it was asked for more than once.
    again: bool,
}

impl Patience {
    /// From now on.
    pub(crate) fn new(policy: Policy, runtime: &dyn Runtime) -> Self {
        Self { policy, backoff: Backoff::new(runtime.seed()), begun: runtime.now(), again: false }
    }

    /// When to ask again, if that may help, and there is time for it. That is told in the log.
    pub(crate) fn delay(&mut self, uri: &str, error: &Error, now: Instant) -> Option<Duration> {
        let until = self.begun + self.policy.time_to_restore();
        // The client comes back, and has lost nothing but the answer.
        let passes = error.may_pass() || matches!(error, Error::Lost(_));
        if !passes || now >= until {
            return None;
        }
        let after = self.backoff.next(&self.policy).min(until - now);
        if error.uri().is_some_and(|error| *error == uris::error::PROCEDURE_ALREADY_EXISTS) {
            let why = "another session has the procedure, maybe a former one of this program that is not gone yet: asking again";
            tracing::warn!(uri, ?after, "{why}");
        } else {
            tracing::warn!(uri, ?after, %error, "it cannot be offered yet: asking again");
        }
        self.again = true;
        Some(after)
    }

    /// For how long it was asked for again and again.
    pub(crate) fn so_far(&self, now: Instant) -> Duration {
        if self.again { now - self.begun } else { Duration::ZERO }
    }
}
