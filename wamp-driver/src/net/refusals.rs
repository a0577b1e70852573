//! Connections that were turned away: counted, and logged with their address, though not so often that a flood of them
//! fills the log.

use std::{sync::Mutex, time::Duration};

use wamp_proto::Instant;

use crate::shared::lock;

/// How many connections a router has turned away since it started, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// There were too many connections, of the router or at the listener.
    pub full: u64,
    /// There were too many from the same host.
    pub address: u64,
    /// The handshake of TLS failed, or none was tried where it is demanded.
    pub tls: u64,
    /// The handshake of WebSocket or RawSocket failed.
    pub handshake: u64,
    /// The handshakes took too long, or had to make room for newer ones.
    pub timeout: u64,
}

/// Why a connection is turned away.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reason {
    Full,
    Address,
    #[cfg(feature = "tls")]
    Tls,
    Handshake,
    Timeout,
}

/// Lines in the log that a period may have; the others are counted.
const MOST_LINES: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);

/// Most characters of an explanation, which may be the peer's own words.
const MOST_TEXT: usize = 200;

/// Counts and logs.
#[derive(Default)]
pub(super) struct Refusals(Mutex<State>);

#[derive(Default)]
struct State {
    refused: Refused,
    /// When the period of the log began.
    since: Option<Instant>,
    lines: u32,
    silent: u64,
}

impl State {
    fn count(&mut self, reason: Reason) {
        let refused = &mut self.refused;
        *match reason {
            Reason::Full => &mut refused.full,
            Reason::Address => &mut refused.address,
            #[cfg(feature = "tls")]
            Reason::Tls => &mut refused.tls,
            Reason::Handshake => &mut refused.handshake,
            Reason::Timeout => &mut refused.timeout,
        } += 1;
    }

    /// Whether there may be a line for it, and how many there was none for.
    fn line(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now - since >= PERIOD) {
            (self.since, self.lines) = (Some(now), 0);
        }
        if self.lines == MOST_LINES {
            self.silent += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.silent))
    }
}

impl Refusals {
    pub(super) fn counts(&self) -> Refused {
        lock(&self.0).refused
    }

    /// One more.
    pub(super) fn note(&self, now: Instant, reason: Reason, listener: &str, peer: Option<&str>, why: &str) {
        let mut state = lock(&self.0);
        state.count(reason);
        let Some(silent) = state.line(now) else { return };
        drop(state);
        // Quoted, so that what a peer has said cannot look like a line of ours.
        let why = why.chars().take(MOST_TEXT).collect::<String>();
        tracing::info!(?reason, listener, peer, ?why, not_logged_before = silent, "connection refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_but_not_logged() {
        let refusals = Refusals::default();
        let now = Instant::from_origin(Duration::from_secs(5));
        for _ in 0..1_000 {
            refusals.note(now, Reason::Handshake, "public", None, "no");
        }
        assert_eq!(refusals.counts(), Refused { handshake: 1_000, ..Refused::default() });
        let mut state = lock(&refusals.0);
        assert_eq!((state.lines, state.silent), (MOST_LINES, 1_000 - u64::from(MOST_LINES)));
        assert_eq!(state.line(now + PERIOD), Some(1_000 - u64::from(MOST_LINES)), "and made up for later");
        assert_eq!(state.line(now + PERIOD), Some(0));
    }
}
