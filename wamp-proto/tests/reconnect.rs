//! The life of a client above its sessions: it always tries again at a known time, or is closed for a reason.

use std::time::Duration;

use wamp_proto::{
    Instant,
    reconnect::{Kind, MIN_DELAY, Policy, Reconnect, State, Stop, Verdict},
};

/// A linear congruential generator: the same seed, the same world.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}

/// One thing that happens to a client.
#[derive(Clone, Copy, Debug)]
enum Step {
    Joined,
    Failure(Kind),
    Wait(Duration),
    /// Until the time of the next attempt.
    Due,
    Now,
    Close,
}

impl Step {
    fn draw(random: &mut Random) -> Self {
        match random.below(40) {
            0..10 => Self::Joined,
            10..24 => Self::Failure(Kind::ALL[random.below(Kind::ALL.len() as u64) as usize]),
            24..29 => Self::Wait(random.millis(30_000)),
            29..38 => Self::Due,
            38 => Self::Now,
            _ if random.below(20) == 0 => Self::Close,
            _ => Self::Due,
        }
    }

    fn happen(self, client: &mut Reconnect, now: &mut Instant) {
        match self {
            Self::Joined => client.handle_joined(*now),
            Self::Failure(kind) => client.handle_failure(*now, kind),
            Self::Wait(time) => *now = *now + time,
            Self::Due => {
                *now = client.poll_timeout().unwrap_or(*now).max(*now);
                client.handle_timeout(*now);
            }
            Self::Now => client.reconnect_now(),
            Self::Close => client.close(),
        }
    }
}

struct Limits {
    cap: Duration,
    attempts: Option<u32>,
    elapsed: Option<Duration>,
}

fn policy(random: &mut Random) -> (Policy, Limits) {
    let cap = random.millis(20_000);
    let attempts = (random.below(2) == 0).then(|| random.below(8) as u32);
    let elapsed = (random.below(2) == 0).then(|| random.millis(60_000));
    let mut policy = Policy::default()
        .initial(random.millis(3_000))
        .factor([0.0, 1.0, 1.5, 10.0, f64::NAN, f64::INFINITY][random.below(6) as usize])
        .cap(cap)
        .jitter([-1.0, 0.0, 0.3, 1.0, 9.0, f64::NAN][random.below(6) as usize])
        .stable_after(random.millis(20_000));
    // Some worlds forgive everything.
    if random.below(2) == 0 {
        policy = Kind::ALL.into_iter().fold(policy, |policy, kind| policy.on(kind, Verdict::Retry));
    }
    if let Some(attempts) = attempts {
        policy = policy.max_attempts(attempts);
    }
    if let Some(elapsed) = elapsed {
        policy = policy.max_elapsed(elapsed);
    }
    (policy, Limits { cap, attempts, elapsed })
}

fn check(before: State, client: &Reconnect, step: Step, now: Instant, limits: &Limits) {
    let state = client.state();
    match (before, state) {
        (State::Closed(_), _) => assert_eq!(state, before, "the end is the end"),
        (State::Waiting { at }, State::Connecting { .. }) => {
            assert!(matches!(step, Step::Now) || now >= at, "too early: {now:?}, due at {at:?}");
        }
        (State::Waiting { at }, State::Waiting { at: same }) => assert_eq!(at, same),
        (State::Connecting { .. } | State::Joined { .. }, State::Waiting { at }) => {
            assert!(matches!(step, Step::Failure(_)));
            assert!(at - now >= MIN_DELAY, "a tight loop");
            assert!(at - now <= limits.cap.max(MIN_DELAY), "too late");
        }
        (State::Connecting { .. } | State::Joined { .. }, State::Connecting { .. }) => {
            assert_eq!(state, before, "an attempt without a pause");
        }
        _ => {}
    }
    match state {
        State::Waiting { at } => assert_eq!(client.poll_timeout(), Some(at)),
        State::Connecting { attempt } => {
            assert!(attempt >= 1 && limits.attempts.is_none_or(|most| attempt <= most.max(1)));
            assert_eq!(client.poll_timeout(), None);
        }
        State::Closed(Stop::ByUs) if before != state => assert!(matches!(step, Step::Close)),
        State::Closed(Stop::Attempts(_)) => assert!(limits.attempts.is_some()),
        State::Closed(Stop::Elapsed(_)) => assert!(limits.elapsed.is_some()),
        _ => assert_eq!(client.poll_timeout(), None),
    }
}

fn world(seed: u64) -> Vec<State> {
    let mut random = Random(seed);
    let (policy, limits) = policy(&mut random);
    let (mut now, mut client) = (Instant::ZERO, Reconnect::new(policy, [seed as u8; 32], Instant::ZERO));
    let mut states = Vec::new();
    for _ in 0..100 {
        let (step, before) = (Step::draw(&mut random), client.state());
        step.happen(&mut client, &mut now);
        check(before, &client, step, now, &limits);
        states.push(client.state());
    }
    // Nothing is stuck: with time alone, one who waits comes to its next attempt.
    if let State::Waiting { at } = client.state() {
        client.handle_timeout(at);
        assert!(matches!(client.state(), State::Connecting { .. }));
    }
    states
}

#[test]
fn after_whatever_happens_it_tries_again_at_a_known_time_or_is_closed() {
    let (mut waiting, mut closed) = (0, 0);
    for seed in 0..5_000 {
        let states = world(seed);
        assert_eq!(states, world(seed), "the same seed, the same life");
        waiting += usize::from(states.iter().any(|state| matches!(state, State::Waiting { .. })));
        closed += usize::from(matches!(states.last(), Some(State::Closed(_))));
    }
    assert!(
        waiting > 2_500 && (1_250..4_875).contains(&closed),
        "{waiting} have waited, {closed} are closed"
    );
}

/// The delays until the attempts of a client that never succeeds, or whose sessions last this long.
fn delays(policy: Policy, lasts: Option<Duration>, number: usize) -> Vec<Duration> {
    let (mut now, mut client) = (Instant::ZERO, Reconnect::new(policy, [3; 32], Instant::ZERO));
    let mut delays = Vec::new();
    while delays.len() < number {
        if let Some(lasts) = lasts {
            client.handle_joined(now);
            now = now + lasts;
        }
        client.handle_failure(now, if lasts.is_some() { Kind::Dismissed } else { Kind::Unreachable });
        let Some(at) = client.poll_timeout() else { break };
        delays.push(at - now);
        now = at;
        client.handle_timeout(now);
    }
    delays
}

#[test]
fn delays_grow_up_to_a_cap() {
    let policy = Policy::default().jitter(0.0).cap(Duration::from_secs(3));
    let millis =
        |delays: Vec<Duration>| delays.into_iter().map(|delay| delay.as_millis()).collect::<Vec<_>>();
    assert_eq!(millis(delays(policy.clone(), None, 5)), [500, 1_000, 2_000, 3_000, 3_000]);
    // A router that throws its clients out at once is not asked again at once ...
    let kicked = delays(policy.clone(), Some(Duration::from_millis(1)), 5);
    assert_eq!(millis(kicked), [500, 1_000, 2_000, 3_000, 3_000]);
    // ... but the loss of a session that was stable is a new misfortune.
    assert_eq!(millis(delays(policy, Some(Duration::from_secs(10)), 3)), [500, 500, 500]);
    // No policy makes a tight loop.
    let eager = Policy::default().initial(Duration::ZERO).jitter(1.0);
    assert_eq!(delays(eager, None, 3), [MIN_DELAY; 3]);
}

#[test]
fn a_part_of_each_delay_is_drawn_at_random() {
    let drawn = delays(Policy::default().factor(1.0), None, 200);
    let (shortest, longest) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
    assert!(
        *shortest >= Duration::from_millis(250) && *shortest < Duration::from_millis(260),
        "{shortest:?}"
    );
    assert!(*longest <= Duration::from_millis(500) && *longest > Duration::from_millis(490), "{longest:?}");
}

#[test]
fn a_budget_is_kept() {
    assert_eq!(delays(Policy::default().max_attempts(4), None, 9).len(), 3);
    let policy = Policy::default().jitter(0.0).max_elapsed(Duration::from_secs(10));
    // After 0.5, 1.5, 3.5 and 7.5 s; the next would be after 15.5 s.
    assert_eq!(delays(policy.clone(), None, 9).len(), 4);
    assert_eq!(delays(policy, Some(Duration::from_secs(10)), 9).len(), 9, "a stable session begins it anew");
    assert!(delays(Policy::never(), None, 9).is_empty());
    assert!(delays(Policy::never(), Some(Duration::from_secs(60)), 9).is_empty());
}

#[test]
fn a_realm_that_was_there_may_come_back() {
    for joined in [false, true] {
        let mut client = Reconnect::new(Policy::default(), [0; 32], Instant::ZERO);
        if joined {
            client.handle_joined(Instant::ZERO);
            client.handle_failure(Instant::ZERO, Kind::Lost);
            client.reconnect_now();
        }
        client.handle_failure(Instant::ZERO, Kind::NoSuchRealm);
        assert_eq!(client.poll_timeout().is_some(), joined);
    }
}

#[test]
fn reconnect_now_makes_an_attempt_and_no_more() {
    let policy = Policy::default().max_attempts(3).jitter(0.0);
    let mut client = Reconnect::new(policy, [0; 32], Instant::ZERO);
    for attempt in 2..=3 {
        client.reconnect_now();
        assert_eq!(client.state(), State::Connecting { attempt: attempt - 1 }, "one is under way already");
        client.handle_failure(Instant::ZERO, Kind::Unreachable);
        assert_eq!(
            client.poll_timeout(),
            Some(Instant::ZERO + Duration::from_millis(500)),
            "they begin anew"
        );
        client.reconnect_now();
        assert_eq!(client.state(), State::Connecting { attempt });
    }
    client.handle_failure(Instant::ZERO, Kind::Unreachable);
    assert_eq!(client.state(), State::Closed(Stop::Attempts(Kind::Unreachable)), "the limits stay");
    client.reconnect_now();
    assert_eq!(client.state(), State::Closed(Stop::Attempts(Kind::Unreachable)));
}

/// Fault 25: a router that was started again takes 100 connections a second, and refuses the rest.
#[test]
fn fault_25_a_thousand_clients_come_back_without_a_storm() {
    const CLIENTS: u16 = 1_000;
    const A_SECOND: usize = 100;
    let mut clients = (0..CLIENTS)
        .map(|number| {
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&number.to_be_bytes());
            let mut client = Reconnect::new(Policy::default(), seed, Instant::ZERO);
            client.handle_joined(Instant::ZERO);
            client.handle_failure(Instant::ZERO, Kind::Lost);
            client
        })
        .collect::<Vec<_>>();
    let (mut attempts, mut joined, mut busiest) = (0, 0, 0);
    let mut seconds = 0;
    while joined < CLIENTS {
        seconds += 1;
        assert!(seconds < 120, "only {joined} are back after two minutes");
        let now = Instant::ZERO + Duration::from_secs(seconds);
        let due = clients.iter_mut().filter(|client| client.poll_timeout().is_some_and(|at| at <= now));
        for (place, client) in due.enumerate() {
            client.handle_timeout(now);
            attempts += 1;
            if place < A_SECOND {
                client.handle_joined(now);
                joined += 1;
            } else {
                client.handle_failure(now, Kind::Unreachable);
            }
            // The first two seconds are the first two attempts of all of them.
            busiest = busiest.max(if seconds > 4 { place + 1 } else { 0 });
        }
    }
    println!("{joined} clients back in {seconds} s by {attempts} attempts, {busiest} a second at most");
    assert!(busiest <= CLIENTS as usize / 2, "{busiest} at once");
    assert!(attempts <= 6 * CLIENTS, "{attempts} attempts");
}
