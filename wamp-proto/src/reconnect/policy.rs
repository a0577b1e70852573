//! When to try again, and when not to.

use core::time::Duration;

use super::Kind;

/// How a client comes back after a failure: delays, limits, and which failures are worth another attempt.
///
/// The delays grow: the first is [`initial`](Self::initial), each further one [`factor`](Self::factor) times as long, up to
/// [`cap`](Self::cap). Of each, a part drawn at random is left out, so that the clients of a router that was restarted do not
/// all come back at once. They begin anew once a session has been [stable](Self::stable_after): a router that lets a client in
/// and throws it out at once does not make it try again and again without a pause.
///
/// ```
/// use std::time::Duration;
/// use wamp_proto::reconnect::{Kind, Policy, Verdict};
///
/// let policy = Policy::default()
///     .initial(Duration::from_millis(200))
///     .cap(Duration::from_secs(10))
///     .max_elapsed(Duration::from_secs(3600))
///     .on(Kind::NoSuchRealm, Verdict::Retry);
/// assert!(policy.retries());
/// assert!(!Policy::never().retries());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub(super) initial: Duration,
    pub(super) factor: f64,
    pub(super) cap: Duration,
    pub(super) jitter: f64,
    pub(super) max_attempts: Option<u32>,
    pub(super) max_elapsed: Option<Duration>,
    pub(super) stable_after: Duration,
    restore_within: Duration,
    /// Whether there is a second attempt at all.
    enabled: bool,
    /// What was decided otherwise than by default.
    verdicts: Vec<(Kind, Verdict)>,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Another attempt, after the delay.
    Retry,
    /// The end.
    Stop,
}

impl Default for Policy {
    /// Half a second, doubled up to 30 s, of which up to a half is left out; for ever; stable after 10 s; two minutes to
    /// restore what was registered and subscribed.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            factor: 2.0,
            cap: Duration::from_secs(30),
            jitter: 0.5,
            max_attempts: None,
            max_elapsed: None,
            stable_after: Duration::from_secs(10),
            restore_within: Duration::from_secs(120),
            enabled: true,
            verdicts: Vec::new(),
        }
    }
}

impl Policy {
    /// One attempt and one session: every failure is the end.
    pub fn never() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// Whether there may be a second attempt.
    pub fn retries(&self) -> bool {
        self.enabled
    }

    /// The first delay, instead of half a second.
    #[must_use]
    pub fn initial(mut self, delay: Duration) -> Self {
        self.initial = delay;
        self
    }

    /// How many times as long each delay is as the one before, instead of 2; at least 1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        // `max` takes what is no number for 1.
        self.factor = factor.max(1.0);
        self
    }

    /// The longest delay, instead of 30 s.
    #[must_use]
    pub fn cap(mut self, delay: Duration) -> Self {
        self.cap = delay;
        self
    }

    /// How much of a delay may be left out at random, from 0 to 1, instead of 0.5.
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = if part > 0.0 { part.min(1.0) } else { 0.0 };
        self
    }

    /// Gives up after so many attempts since the last stable session, instead of never.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Gives up when there has been no stable session for so long, instead of never. No attempt begins after that.
    #[must_use]
    pub fn max_elapsed(mut self, time: Duration) -> Self {
        self.max_elapsed = Some(time);
        self
    }

    /// How long a session must have lasted for its loss to be taken as a new misfortune and not the same one, instead of 10 s.
    #[must_use]
    pub fn stable_after(mut self, time: Duration) -> Self {
        self.stable_after = time;
        self
    }

    /// How long registrations and subscriptions that a new session refuses are tried again, where it may help, instead of two
    /// minutes: a router may take that long to find out that our own last session, which still has the procedure, is dead.
    #[must_use]
    pub fn restore_within(mut self, time: Duration) -> Self {
        self.restore_within = time;
        self
    }

    /// How long registrations and subscriptions are tried again.
    pub fn time_to_restore(&self) -> Duration {
        self.restore_within
    }

    /// Decides about a kind of failure otherwise than [by default](Kind).
    #[must_use]
    pub fn on(mut self, kind: Kind, verdict: Verdict) -> Self {
        self.verdicts.retain(|(known, _)| *known != kind);
        self.verdicts.push((kind, verdict));
        self
    }

    /// What a failure leads to; `known` says whether there has been a session before.
    pub fn verdict(&self, kind: Kind, known: bool) -> Verdict {
        if !self.enabled {
            return Verdict::Stop;
        }
        let decided = self.verdicts.iter().find(|(decided, _)| *decided == kind);
        decided.map_or_else(|| kind.verdict(known), |(_, verdict)| *verdict)
    }
}
