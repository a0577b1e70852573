//! The model can fail: each bug that is planted in the router is found.
//! `cargo test -p wamp-world --features planted-bugs --test planted`.

#![cfg(feature = "planted-bugs")]

use wamp_proto::router::Bug;
use wamp_world::model::{Drive, Trial};

/// In how many trials of 500 messages each it must be found.
const TRIALS: u64 = 1000;

#[test]
fn the_model_finds_every_planted_bug() {
    for bug in Bug::ALL {
        let run = |seed| Trial::new(seed, Drive::default(), |config| config.planted = Some(bug)).run(500);
        let found = (0..TRIALS).find_map(|seed| run(seed).err().map(|difference| (seed, difference)));
        let Some((seed, difference)) = found else { panic!("{bug:?} was not found in {TRIALS} trials") };
        let difference = difference.lines().filter(|line| !line.starts_with("  ")).collect::<Vec<_>>();
        println!("{bug:?}: seed {seed}, {}", difference.join(" "));
    }
}

#[test]
fn nothing_is_found_without_one() {
    for seed in 0..TRIALS {
        Trial::new(seed, Drive::default(), |_| {}).run(500).unwrap();
    }
}
