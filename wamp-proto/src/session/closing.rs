//! Closing: GOODBYE and ABORT both ways, violations, the end (S-31, S-32, S-40..S-69).

use super::{Event, Input, Session, State, Timeout, Wish};
use crate::{
    error::{Closed, Violation},
    message::{Abort, ClosingDetails, Goodbye},
    payload::Payload,
    time::Instant,
    uri::{Uri, uris},
};

impl Session {
    /// Closes the session in order: GOODBYE goes out, and the session ends when the router answers it or does not do so
    /// in time. A session that has not joined yet ends at once. Closing twice is the same as closing once.
    pub fn close(&mut self, now: Instant, reason: Uri) {
        // What cannot be sent (W-16) must not keep the router from hearing of it.
        let reason = if reason.starts_with('\0') { Uri::unchecked(uris::close::CLOSE_REALM) } else { reason };
        let next = self.state.next(Input::Wish(Wish::Close));
        match (self.state, next) {
            (State::Open, Some(next)) => {
                self.state = next;
                self.timers.clear();
                self.timers.set(now + self.config.close_timeout, Timeout::Close);
                // Last, as it may be what overruns the queue and ends the session.
                self.send_always(Goodbye { details: ClosingDetails::default(), reason });
            }
            (State::Joining | State::Authenticating, Some(_)) => {
                self.send_abort(reason, ClosingDetails::default());
                self.finish(Closed::ByUs);
            }
            _ => {}
        }
    }

    pub(super) fn receive_goodbye(&mut self, goodbye: Goodbye) {
        // S-62: a GOODBYE that meets ours is the answer, or crosses it; neither is answered.
        if self.state == State::Leaving {
            return self.finish(Closed::ByUs);
        }
        let reply = Uri::unchecked(uris::close::GOODBYE_AND_OUT);
        self.send_always(Goodbye { details: ClosingDetails::default(), reason: reply });
        self.finish(Closed::ByPeer { reason: goodbye.reason, message: goodbye.details.message });
    }

    pub(super) fn receive_abort(&mut self, abort: Abort) {
        let joined = matches!(self.state, State::Open | State::Leaving);
        // S-60: ABORT is never answered, and there is nobody left to read what is queued.
        self.lose(Closed::Aborted { reason: abort.reason, message: abort.details.message, joined });
    }

    /// The peer broke the protocol: ABORT, and nothing more (S-40, S-41).
    pub(super) fn violate(&mut self, violation: Violation) {
        self.abort(Closed::Violation(violation));
    }

    pub(super) fn abort(&mut self, why: Closed) {
        let reason = match &why {
            Closed::Violation(violation) => violation.reason(),
            Closed::JoinTimeout => uris::error::TIMEOUT,
            Closed::Authentication(_) => uris::error::AUTHENTICATION_FAILED,
            _ => uris::close::CLOSE_REALM,
        };
        self.send_abort(Uri::unchecked(reason), ClosingDetails::with_text(&why.to_string()));
        self.finish(why);
    }

    fn send_abort(&mut self, reason: Uri, details: ClosingDetails) {
        self.send_always(Abort { details, reason, payload: Payload::empty() });
    }

    /// The end, once and for all: frees everything but what is still to be sent.
    pub(super) fn finish(&mut self, why: Closed) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.timers.clear();
        self.requests.clear();
        self.subscriptions.clear();
        self.invocations.clear();
        self.unwanted.clear();
        self.closed = Some(why.clone());
        self.events.push_back(Event::Closed(why));
    }
}
