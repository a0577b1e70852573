//! The fuzz targets without a fuzzer: every file of the corpus, and inputs from a generator.

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use wamp_proto::fuzz::{TARGETS, Target};

/// Pseudo-random inputs for each target, and bytes in all of them: the long ones are few.
const INPUTS: u64 = 2_000;
const BYTES: usize = 150_000;

fn corpus(target: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A linear congruential generator: the same seed, the same input.
fn input(seed: u64, pool: &[Vec<u8>]) -> Vec<u8> {
    let mut state = seed;
    let mut below = move |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let mut data = match below(3) {
        // Noise, or a corpus file with some bytes changed.
        0 => (0..below(64)).map(|_| below(256) as u8).collect(),
        _ => pool[below(pool.len())].clone(),
    };
    for _ in 0..below(4) {
        let at = below(data.len() + 1);
        match below(3) {
            0 => data.insert(at, below(256) as u8),
            1 if at < data.len() => data[at] = below(256) as u8,
            _ => data.truncate(at.max(1)),
        }
    }
    data
}

fn replay(&(name, body): &Target) {
    let files = corpus(name);
    assert!(!files.is_empty(), "{name} has no corpus");
    let mut pool = Vec::new();
    for file in files {
        let data = fs::read(&file).unwrap();
        assert!(catch_unwind(|| body(&data)).is_ok(), "{name} fails on {}", file.display());
        pool.push(data);
    }
    let mut bytes = 0;
    for seed in 0..INPUTS {
        let data = input(seed, &pool);
        bytes += data.len();
        if bytes > BYTES {
            break;
        }
        assert!(catch_unwind(|| body(&data)).is_ok(), "{name} fails on {data:?}");
    }
}

#[test]
fn the_targets_hold_for_their_corpus_and_for_random_inputs() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(|| replay(target));
        }
    });
}

#[test]
fn every_corpus_has_a_target() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for entry in fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "{name} is the corpus of no target");
    }
}
