//! The router beside the naive one, under random operations.
//!
//! `WAMP_MODEL_SEEDS` and `WAMP_MODEL_MESSAGES` make the campaign larger, `WAMP_MODEL_SEED` runs one seed only.

use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use wamp_world::model::{Drive, Figures, Trial};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.replace('_', "").parse().unwrap())
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("WAMP_MODEL_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => 0..number("WAMP_MODEL_SEEDS", 200),
    }
}

/// Messages of one seed.
fn messages(seeds: u64) -> u64 {
    let all = number("WAMP_MODEL_MESSAGES", 100_000);
    match std::env::var("WAMP_MODEL_SEED") {
        Ok(_) => all.div_ceil(number("WAMP_MODEL_SEEDS", 200)),
        Err(_) => all.div_ceil(seeds),
    }
}

fn trial(seed: u64, messages: u64, drive: Drive) -> Figures {
    Trial::new(seed, drive, |_| {}).run(messages).unwrap_or_else(|difference| {
        panic!(
            "seed {seed}, {drive:?}: {difference}\n\
             replay: WAMP_MODEL_SEED={seed} WAMP_MODEL_SEEDS={} WAMP_MODEL_MESSAGES={} \
             cargo test -p wamp-world --test model -- --nocapture\n",
            number("WAMP_MODEL_SEEDS", 200),
            number("WAMP_MODEL_MESSAGES", 100_000),
        )
    })
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it measures itself")]
fn the_router_does_what_the_model_says() {
    let (seeds, start) = (seeds(), Instant::now());
    let count = seeds.end - seeds.start;
    let messages = messages(count);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(seeds.start);
    let run = || {
        let mut sum = (0, 0);
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds.end) {
            let figures = trial(seed, messages, Drive::default());
            sum = (sum.0 + figures.operations, sum.1 + figures.messages);
        }
        sum
    };
    let sums = thread::scope(|scope| {
        let threads = (0..threads).map(|_| scope.spawn(run)).collect::<Vec<_>>();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|why| resume_unwind(why)))
            .collect::<Vec<_>>()
    });
    let (operations, passed) = sums.into_iter().fold((0, 0), |all, sum| (all.0 + sum.0, all.1 + sum.1));
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{passed} messages, {operations} operations, {count} seeds in {seconds:.1} s: {:.0} messages/s",
        passed as f64 / seconds
    );
}

/// Fault 24 and decision 7 of the design: neither pieces nor the order of polls change anything.
#[test]
fn bytes_one_at_a_time_and_any_poll_order_give_the_same_output() {
    let whole = Drive::default();
    let others = [
        Drive { bytes: true, ..whole },
        Drive { backwards: true, ..whole },
        Drive { curious: true, ..whole },
        Drive { bytes: true, backwards: true, curious: true },
    ];
    for seed in 0..20 {
        let expected = trial(seed, 500, whole);
        for drive in others {
            assert_eq!(trial(seed, 500, drive), expected, "seed {seed} {drive:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..20 {
        let figures = trial(seed, 500, Drive::default());
        assert_eq!(trial(seed, 500, Drive::default()), figures);
        assert_ne!(trial(seed + 1, 500, Drive::default()).digest, figures.digest);
    }
}
