//! Closing at the router: GOODBYE and ABORT both ways, violations, shutdown; one way out for every session (S-38..S-69).

use super::{
    ConnectionId, Event, Right, Router,
    link::{Peer, Sent},
    state::State,
    timers::Timeout,
};
use crate::{
    error::{Closed, Violation},
    message::{Abort, ClosingDetails, Goodbye},
    payload::Payload,
    time::Instant,
    uri::{Pattern, Uri, uris},
};

impl Router {
    /// Closes all sessions in order, with GOODBYE `wamp.close.system_shutdown`, and refuses new ones (fault 48).
    /// Connections that do not answer in time are closed all the same.
    pub fn shutdown(&mut self, now: Instant) {
        self.shutting_down = true;
        for peer in self.links.peers() {
            match self.links.get(peer).map(|link| link.state) {
                Some(State::Open) => {
                    let reason = Uri::unchecked(uris::close::SYSTEM_SHUTDOWN);
                    self.leave(now, peer, Goodbye { details: ClosingDetails::default(), reason }, false);
                }
                Some(State::AwaitingHello | State::Authenticating) => {
                    self.refuse_while_shutting_down(now, self.links.id(peer));
                }
                _ => {}
            }
        }
        self.reap(now);
    }

    pub(super) fn refuse_while_shutting_down(&mut self, now: Instant, id: ConnectionId) {
        if let Some(peer) = self.links.find(id) {
            let reason = Uri::unchecked(uris::close::SYSTEM_SHUTDOWN);
            self.abort(now, peer, Closed::Refused { reason, message: None });
        }
    }

    /// Says GOODBYE first: what the session owned goes away now, not when it answers (S-41, S-64).
    /// Quietly: others are not told that it is gone, and its testaments are void (X-30, P-96).
    pub(super) fn leave(&mut self, now: Instant, peer: Peer, goodbye: Goodbye, quietly: bool) {
        if self.links.send_last(now, peer, goodbye, false) == Sent::TooLarge {
            let reason = Uri::unchecked(uris::close::KILLED);
            self.links.send_last(now, peer, Goodbye { details: ClosingDetails::default(), reason }, false);
        }
        self.links.set_deadline(peer, now + self.config.close_timeout, Timeout::Close);
        if let Some(link) = self.links.get_mut(peer) {
            link.state = State::Leaving;
        }
        self.release(now, peer, quietly);
    }

    pub(super) fn receive_goodbye(&mut self, now: Instant, peer: Peer, state: State, goodbye: Goodbye) {
        // S-62: a GOODBYE that meets ours is the answer, or crosses it; neither is answered.
        if state == State::Leaving {
            return self.end(now, peer, Closed::ByUs);
        }
        let reason = Uri::unchecked(uris::close::GOODBYE_AND_OUT);
        self.links.send_last(now, peer, Goodbye { details: ClosingDetails::default(), reason }, false);
        self.end(now, peer, Closed::ByPeer { reason: goodbye.reason, message: goodbye.details.message });
    }

    /// The peer broke the protocol: ABORT, and nothing more (S-40..S-42).
    pub(super) fn violate(&mut self, now: Instant, peer: Peer, violation: Violation) {
        self.links.totals.violations = self.links.totals.violations.wrapping_add(1);
        self.abort(now, peer, Closed::Violation(violation));
    }

    /// Ends a session with ABORT.
    pub(super) fn abort(&mut self, now: Instant, peer: Peer, why: Closed) {
        let (reason, message) = match &why {
            Closed::Refused { reason, message } => (reason.clone(), message.clone()),
            Closed::Violation(violation) => (Uri::unchecked(violation.reason()), Some(violation.to_string())),
            Closed::AuthTimeout => {
                (Uri::unchecked(uris::error::AUTHENTICATION_FAILED), Some(why.to_string()))
            }
            Closed::Overrun => {
                let text = "the session does not take its messages as fast as they come";
                (Uri::unchecked(uris::close::KILLED), Some(text.to_owned()))
            }
            _ => (Uri::unchecked(uris::close::KILLED), None),
        };
        let discard = why == Closed::Overrun;
        let details = message.as_deref().map(ClosingDetails::with_text).unwrap_or_default();
        let abort = Abort { details, reason, payload: Payload::empty() };
        if self.links.send_last(now, peer, abort.clone(), discard) == Sent::TooLarge {
            // A host may have set a limit below what any transport has.
            self.links.send_last(now, peer, Abort { details: ClosingDetails::default(), ..abort }, discard);
        }
        self.end(now, peer, why);
    }

    /// The one way out: whatever ends a session ends here, once (X-29, T-16).
    pub(super) fn end(&mut self, now: Instant, peer: Peer, why: Closed) {
        let Some(link) = self.links.get_mut(peer).filter(|link| link.state != State::Closed) else { return };
        let session = link.identity.as_ref().map(|identity| identity.session);
        link.state = State::Closed;
        self.links.stop_deadline(peer);
        // An adapter that waits for its transport must hear that it need not wait for long.
        self.links.notify_again(peer);
        self.release(now, peer, false);
        if let Some(link) = self.links.get_mut(peer) {
            link.identity = None;
            link.joining = None;
        }
        if let Some(session) = session {
            self.sessions.remove(&session);
        }
        self.links.tell(Event::Left { connection: self.links.id(peer), session, why: why.shortened() });
    }

    /// Takes back everything that a session holds in its realm, and tells the others; the second time does nothing.
    fn release(&mut self, now: Instant, peer: Peer, quietly: bool) {
        let Some(link) = self.links.get_mut(peer) else { return };
        let testaments = link.testaments.take().filter(|_| !quietly);
        self.links.take_waiting(peer);
        self.links.end_taps(now, peer);
        let Some(link) = self.links.get(peer) else { return };
        let Some(identity) = link.identity.as_deref() else { return };
        let (place, session) = (identity.realm, identity.session);
        let (authid, authrole) = (identity.authid.clone(), identity.authrole.clone());
        let Some((broker, dealer, mut context)) = self.context(now, peer, place) else { return };
        broker.leave(&mut context);
        dealer.leave(&mut context);
        for testament in testaments.into_iter().flat_map(|testaments| testaments.into_iter()) {
            // It was checked when it was made, but permissions may have changed.
            if context.links.may_at_once(peer, Right::Publish, &Pattern::exact(testament.topic.clone())) {
                let _ = broker.publish(&mut context, testament);
            }
        }
        let Some(realm) = self.realms.get_mut(place) else { return };
        let was_member = realm.members.remove(&session).is_some();
        if was_member {
            realm.names.leave(&authid);
        }
        if was_member && !quietly {
            realm.meta.push("wamp.session.on_leave", || (session, authid, authrole));
        }
        self.publish_meta(now, place);
        self.realms.leave(place);
    }

    /// Ends the connections that serving others has shown to be beyond help, until there are none.
    pub(super) fn reap(&mut self, now: Instant) {
        while let Some((peer, why)) = self.links.doomed.pop() {
            self.abort(now, peer, why);
        }
    }
}
