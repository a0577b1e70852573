//! Signs of life: whether the peer of a connection is still there, when it says nothing (fault 22).
//!
//! TCP does not notice when a cable is cut, or when a router in between forgets a connection. So whoever has heard nothing
//! for a while asks, by a PING of the transport, and takes the peer for dead when no byte comes back.

use core::time::Duration;

use crate::Instant;

/// How long silence is taken for peace, and how long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long nothing may come before the peer is asked; zero never asks.
    pub interval: Duration,
    /// How long the peer may take for its answer, which may be any byte.
    pub timeout: Duration,
}

impl Config {
    /// What a client does unless it is told: it asks after 20 s, and waits for 10 s.
    pub const CLIENT: Self = Self::new(Duration::from_secs(20), Duration::from_secs(10));

    /// What a router does unless it is told: it asks after 10 s, and waits for 5 s.
    pub const ROUTER: Self = Self::new(Duration::from_secs(10), Duration::from_secs(5));

    /// Asks after `interval`, and waits for `timeout`: a dead peer is found out within the sum of the two.
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout }
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing.
    Quiet,
    /// Send a PING with this payload.
    Ping([u8; 8]),
    /// Give the peer up.
    Dead,
}

/// The watch over one peer.
///
/// Tell it of whatever comes, at any time; call [`handle_timeout`](Self::handle_timeout) at the
/// [`deadline`](Self::deadline) or later, or as often as you like. What comes does not have to move a timer: one that fires
/// too early finds nothing to do.
///
/// ```
/// use std::time::Duration;
/// use wamp_proto::{Instant, transport::heartbeat::{Beat, Config, Heartbeat}};
///
/// let second = Duration::from_secs(1);
/// let start = Instant::ZERO;
/// let mut heartbeat = Heartbeat::start(Config::new(20 * second, 10 * second), start).unwrap();
/// let Beat::Ping(payload) = heartbeat.handle_timeout(start + 20 * second) else { panic!() };
/// heartbeat.handle_bytes(start + 21 * second);
/// heartbeat.handle_pong(start + 21 * second, &payload);
/// assert_eq!(heartbeat.round_trip(), Some(second));
/// assert_eq!(heartbeat.deadline(), start + 41 * second);
/// ```
#[derive(Clone, Debug)]
pub struct Heartbeat {
    config: Config,
    /// When the peer was heard last.
    heard: Instant,
    /// When it was asked, and nothing has come since.
    asked: Option<Instant>,
    /// How many PINGs were sent; the last one's payload.
    pings: u64,
    /// When the last PING was sent, unless its PONG has come.
    sent: Option<Instant>,
    round_trip: Option<Duration>,
}

impl Heartbeat {
    /// Begins with a peer that was heard just now; `None` when the peer is never to be asked.
    pub fn start(config: Config, now: Instant) -> Option<Self> {
        let heartbeat = Self { config, heard: now, asked: None, pings: 0, sent: None, round_trip: None };
        (!config.interval.is_zero()).then_some(heartbeat)
    }

    /// Bytes came, whatever they are.
    pub fn handle_bytes(&mut self, now: Instant) {
        (self.heard, self.asked) = (now, None);
    }

    /// A PONG came. One that nobody asked for says nothing about time.
    pub fn handle_pong(&mut self, now: Instant, payload: &[u8]) {
        if payload == self.pings.to_be_bytes() {
            if let Some(sent) = self.sent.take() {
                self.round_trip = Some(now - sent);
            }
        }
    }

    /// When there is something to do at the earliest.
    pub fn deadline(&self) -> Instant {
        match self.asked {
            None => self.heard + self.config.interval,
            Some(asked) => asked + self.config.timeout,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) -> Beat {
        if now < self.deadline() {
            return Beat::Quiet;
        }
        if self.asked.is_some() {
            return Beat::Dead;
        }
        self.pings = self.pings.wrapping_add(1);
        (self.asked, self.sent) = (Some(now), Some(now));
        Beat::Ping(self.pings.to_be_bytes())
    }

    /// How long the last PING that was answered took there and back.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// What it goes by.
    pub fn config(&self) -> Config {
        self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u32) -> Instant {
        Instant::ZERO + SECOND * seconds
    }

    fn heartbeat() -> Heartbeat {
        Heartbeat::start(Config::new(20 * SECOND, 10 * SECOND), at(0)).unwrap()
    }

    #[test]
    fn fault_22_silence_ends_after_interval_and_timeout() {
        let mut heartbeat = heartbeat();
        assert_eq!(heartbeat.deadline(), at(20));
        assert_eq!(heartbeat.handle_timeout(at(19)), Beat::Quiet);
        assert!(matches!(heartbeat.handle_timeout(at(20)), Beat::Ping(_)));
        assert_eq!(heartbeat.handle_timeout(at(20)), Beat::Quiet, "it asks once");
        assert_eq!(heartbeat.deadline(), at(30));
        assert_eq!(heartbeat.handle_timeout(at(30)), Beat::Dead);
    }

    #[test]
    fn any_byte_is_a_sign_of_life() {
        let mut heartbeat = heartbeat();
        heartbeat.handle_bytes(at(15));
        assert_eq!(heartbeat.handle_timeout(at(20)), Beat::Quiet);
        assert!(matches!(heartbeat.handle_timeout(at(35)), Beat::Ping(_)));
        heartbeat.handle_bytes(at(44));
        assert_eq!(heartbeat.handle_timeout(at(45)), Beat::Quiet);
        assert_eq!(heartbeat.deadline(), at(64));
        assert_eq!(heartbeat.round_trip(), None, "that was no PONG");
    }

    #[test]
    fn w_76_only_its_own_pong_tells_the_time() {
        let mut heartbeat = heartbeat();
        heartbeat.handle_pong(at(1), &0_u64.to_be_bytes());
        heartbeat.handle_pong(at(1), b"");
        let Beat::Ping(payload) = heartbeat.handle_timeout(at(20)) else { panic!("it asks") };
        heartbeat.handle_pong(at(21), b"other");
        assert_eq!(heartbeat.round_trip(), None);
        heartbeat.handle_pong(at(22), &payload);
        heartbeat.handle_pong(at(25), &payload);
        assert_eq!(heartbeat.round_trip(), Some(2 * SECOND));
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_harms_nobody() {
        let mut heartbeat = heartbeat();
        assert!(matches!(heartbeat.handle_timeout(at(100)), Beat::Ping(_)));
        assert_eq!(heartbeat.handle_timeout(at(50)), Beat::Quiet);
        heartbeat.handle_bytes(at(40));
        assert_eq!(heartbeat.deadline(), at(60));
    }

    #[test]
    fn zero_is_off() {
        assert!(Heartbeat::start(Config::new(Duration::ZERO, SECOND), at(0)).is_none());
    }
}
