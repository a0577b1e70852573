//! Signs of life: whether the peer of a connection is still there, when it says nothing (fault 22).
//!
//! TCP does not notice when a cable is cut, or when a router in between forgets a connection. So whoever has heard nothing
//! for a while asks, by a PING of the transport, and takes the peer for dead when no byte comes back.
//!
//! Time in which this side was not there itself (its process was stopped, its machine slept or was busy) says nothing about
//! the peer. So the time for an answer is waited for in four parts, and a part that ends late counts no more than one that
//! ends in time.

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
    /// It was asked, and nothing has come since.
    asked: Option<Wait>,
    /// How many PINGs were sent; the last one's payload.
    pings: u64,
    /// When the last PING was sent, unless its PONG has come.
    sent: Option<Instant>,
    round_trip: Option<Duration>,
}

/// In how many parts an answer is waited for.
const PARTS: u32 = 4;

/// Waiting for an answer.
#[derive(Clone, Copy, Debug)]
struct Wait {
    /// When this part is over.
    until: Instant,
    /// How many more there are.
    more: u32,
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
            Some(wait) => wait.until,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) -> Beat {
        if now < self.deadline() {
            return Beat::Quiet;
        }
        let until = now + self.config.timeout.checked_div(PARTS).unwrap_or_default();
        match self.asked.map(|wait| wait.more.checked_sub(1)) {
            Some(None) => Beat::Dead,
            Some(Some(more)) => {
                self.asked = Some(Wait { until, more });
                Beat::Quiet
            }
            None => {
                self.asked = Some(Wait { until, more: PARTS - 1 });
                self.sent = Some(now);
                self.pings = self.pings.wrapping_add(1);
                Beat::Ping(self.pings.to_be_bytes())
            }
        }
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

    /// Lets it wait for an answer that does not come, and says until when it does.
    fn silence(heartbeat: &mut Heartbeat, mut now: Instant) -> Instant {
        loop {
            now = now.max(heartbeat.deadline());
            match heartbeat.handle_timeout(now) {
                Beat::Quiet => {}
                Beat::Dead => return now,
                ping @ Beat::Ping(_) => panic!("{ping:?}"),
            }
        }
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
        assert_eq!(silence(&mut heartbeat, at(20)), at(30));
    }

    #[test]
    fn time_that_this_side_was_not_there_says_nothing_about_the_peer() {
        let mut heartbeat = heartbeat();
        assert!(matches!(heartbeat.handle_timeout(at(20)), Beat::Ping(_)));
        // An hour of sleep begins right after the question; the answer may still take most of its time.
        assert_eq!(heartbeat.handle_timeout(at(3600)), Beat::Quiet);
        assert_eq!(silence(&mut heartbeat.clone(), at(3600)), at(3600) + SECOND * 15 / 2);
        heartbeat.handle_bytes(at(3607));
        assert!(matches!(heartbeat.handle_timeout(at(3627)), Beat::Ping(_)));
        // Nor is one that is late at each deadline kept waiting for ever.
        assert_eq!([1, 2, 3, 4].map(|late| heartbeat.handle_timeout(at(5000 * late)))[3], Beat::Dead);
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
