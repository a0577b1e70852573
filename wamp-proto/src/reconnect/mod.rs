//! Reconnection, as a state machine without I/O: when to make the next attempt, and when to give up.

mod backoff;
mod kind;
mod policy;

pub use backoff::{Backoff, MIN_DELAY};
pub use kind::{Kind, may_be_restored};
pub use policy::{Policy, Verdict};

use crate::time::Instant;

/// The life of a client above its sessions.
///
/// At any moment the client is making an attempt, has a session, waits until a known time, or is closed for a reason. The
/// driver makes an attempt while the state is [`State::Connecting`], bounds it in time, and says what came of it.
///
/// * **The world** tells what happened: [`handle_joined`](Self::handle_joined), [`handle_failure`](Self::handle_failure),
///   [`handle_timeout`](Self::handle_timeout). What cannot happen in a state is ignored in it.
/// * **The application** wishes: [`reconnect_now`](Self::reconnect_now), [`close`](Self::close).
/// * **Outputs**: [`state`](Self::state), and [`poll_timeout`](Self::poll_timeout) for the time of the next attempt.
///
/// ```
/// use std::time::Duration;
/// use wamp_proto::{Instant, reconnect::{Kind, Policy, Reconnect, State, Stop}};
///
/// let mut client = Reconnect::new(Policy::default().jitter(0.0), [7; 32], Instant::ZERO);
/// client.handle_failure(Instant::ZERO, Kind::Unreachable);
/// let half_a_second = Instant::ZERO + Duration::from_millis(500);
/// assert_eq!(client.poll_timeout(), Some(half_a_second));
///
/// client.handle_timeout(half_a_second);
/// assert_eq!(client.state(), State::Connecting { attempt: 2 });
/// client.handle_failure(half_a_second, Kind::Refused);
/// assert_eq!(client.state(), State::Closed(Stop::Fatal(Kind::Refused)));
/// ```
#[derive(Debug)]
pub struct Reconnect {
    policy: Policy,
    backoff: Backoff,
    state: State,
    /// Attempts since the last stable session, and since when there has been none.
    attempts: u32,
    since: Instant,
    /// Whether there has been a session at all.
    known: bool,
}

/// Where a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// An attempt is being made.
    Connecting {
        /// The how manieth since the last stable session, from 1.
        attempt: u32,
    },
    /// There is a session.
    Joined {
        /// Since when.
        since: Instant,
    },
    /// The next attempt is to be made.
    Waiting {
        /// When.
        at: Instant,
    },
    /// There will be no other attempt.
    Closed(Stop),
}

/// Why there will be no other attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The application has closed the client.
    ByUs,
    /// A failure that another attempt would meet again.
    Fatal(Kind),
    /// All attempts that the policy allows have failed; the last one for this reason.
    Attempts(Kind),
    /// The time that the policy allows is over; the last attempt failed for this reason.
    Elapsed(Kind),
}

impl Reconnect {
    /// A client whose first attempt is under way. What it draws at random depends on `seed` alone.
    pub fn new(policy: Policy, seed: [u8; 32], now: Instant) -> Self {
        Self {
            policy,
            backoff: Backoff::new(seed),
            state: State::Connecting { attempt: 1 },
            attempts: 1,
            since: now,
            known: false,
        }
    }

    /// Where the client stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// What it goes by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many attempts there were since the last stable session, the present one included.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether there has been a session.
    pub fn has_joined(&self) -> bool {
        self.known
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { at } => Some(at),
            _ => None,
        }
    }

    /// The attempt has led to a session.
    pub fn handle_joined(&mut self, now: Instant) {
        if let State::Connecting { .. } = self.state {
            self.state = State::Joined { since: now };
            self.known = true;
        }
    }

    /// The attempt has failed, or the session has ended, otherwise than by our own wish.
    pub fn handle_failure(&mut self, now: Instant, kind: Kind) {
        match self.state {
            State::Connecting { .. } => {}
            State::Joined { since } if now - since >= self.policy.stable_after => {
                (self.attempts, self.since) = (0, now);
                self.backoff.reset();
            }
            State::Joined { .. } => {}
            State::Waiting { .. } | State::Closed(_) => return,
        }
        self.state = self.after(now, kind);
    }

    fn after(&mut self, now: Instant, kind: Kind) -> State {
        if self.policy.verdict(kind, self.known) == Verdict::Stop {
            return State::Closed(Stop::Fatal(kind));
        }
        if self.policy.max_attempts.is_some_and(|most| self.attempts >= most) {
            return State::Closed(Stop::Attempts(kind));
        }
        let at = now + self.backoff.next(&self.policy);
        if self.policy.max_elapsed.is_some_and(|most| at - self.since > most) {
            return State::Closed(Stop::Elapsed(kind));
        }
        State::Waiting { at }
    }

    /// Time has passed. Does nothing before the time of the next attempt.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.connect();
        }
    }

    /// Makes the next attempt at once, and lets the delays begin anew; the limits stay. Does nothing while there is a session
    /// or an attempt under way, or after the end.
    pub fn reconnect_now(&mut self) {
        if let State::Waiting { .. } = self.state {
            self.backoff.reset();
            self.connect();
        }
    }

    fn connect(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::Connecting { attempt: self.attempts };
    }

    /// The end. The first reason counts.
    pub fn close(&mut self) {
        if !matches!(self.state, State::Closed(_)) {
            self.state = State::Closed(Stop::ByUs);
        }
    }
}
