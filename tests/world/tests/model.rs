//! The router beside the naive one, under random operations.
//!
//! `WAMP_MODEL_SEEDS` and `WAMP_MODEL_MESSAGES` make the campaign larger, `WAMP_MODEL_SEED` runs one seed only.

use std::time::Instant;

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
    let messages = messages(seeds.end - seeds.start);
    let count = seeds.end - seeds.start;
    let (mut operations, mut passed) = (0, 0);
    for seed in seeds {
        let figures = trial(seed, messages, Drive::default());
        operations += figures.operations;
        passed += figures.messages;
    }
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
