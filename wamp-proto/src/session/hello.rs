//! Opening: HELLO, CHALLENGE, AUTHENTICATE, WELCOME (S-01..S-08, S-29, S-30).

use super::{Event, Input, Session, State, Timeout, Wish};
use crate::{
    auth::{AuthError, Secret},
    error::{Closed, Misuse, Violation},
    message::{
        Authenticate, AuthenticateExtra, Challenge, Hello, HelloDetails, Message, MessageKind, Role, Welcome,
    },
    time::Instant,
};

impl Session {
    pub(super) fn start(&mut self, now: Instant) {
        let config = &self.config;
        let details = HelloDetails {
            roles: config.roles,
            agent: config.agent.clone(),
            authmethods: (!config.authmethods.is_empty()).then(|| config.authmethods.clone()),
            authid: config.authid.clone(),
            authextra: config.authextra.clone(),
            ..HelloDetails::default()
        };
        let hello = Hello { realm: config.realm.clone(), details };
        self.timers.set(now + config.join_timeout, Timeout::Join);
        // The first frame is no overrun, however small the queue.
        match Message::from(hello).encode(self.encoding) {
            Ok(frame) => self.outbox.push_always(frame),
            Err(error) => self.finish(Closed::Unsendable(error)),
        }
    }

    pub(super) fn receive_welcome(&mut self, next: State, welcome: Welcome) {
        let roles = welcome.details.roles;
        if !Role::ROUTER.into_iter().any(|role| roles.has(role)) {
            return self.violate(Violation::NoRoles { message: MessageKind::Welcome });
        }
        self.timers.clear();
        self.state = next;
        self.router = roles;
        self.events.push_back(Event::Joined(Box::new(welcome)));
    }

    pub(super) fn receive_challenge(&mut self, next: State, challenge: Challenge) {
        // never a method that was not offered.
        if !self.config.authmethods.contains(&challenge.authmethod) {
            return self.violate(Violation::MethodNotOffered { authmethod: challenge.authmethod });
        }
        self.state = next;
        self.events.push_back(Event::Challenge(Box::new(challenge)));
    }

    /// Answers a [`Event::Challenge`].
    ///
    /// # Errors
    ///
    /// When no challenge is open.
    pub fn authenticate(
        &mut self,
        signature: impl Into<Secret>,
        extra: AuthenticateExtra,
    ) -> Result<(), Misuse> {
        let Some(next) = self.state.next(Input::Wish(Wish::Authenticate)) else {
            return Err(self.closed.clone().map_or(Misuse::NoChallenge, Misuse::Closed));
        };
        self.send(&Authenticate { signature: signature.into(), extra }.into())?;
        self.state = next;
        Ok(())
    }

    /// Ends the session with ABORT, because of a [`Event::Challenge`] or a WELCOME that is not to be trusted.
    pub fn distrust(&mut self, why: AuthError) {
        if self.state != State::Closed {
            self.abort(Closed::Authentication(why));
        }
    }

    pub(super) fn lose(&mut self, why: Closed) {
        self.outbox.clear();
        self.finish(why);
    }
}
