//! How long it takes to start a router for a test, and until a client has joined.

#![allow(clippy::disallowed_methods, reason = "it measures time")]

use std::time::{Duration, Instant};

use wamp_test::{Router, blocking};

fn main() {
    let rounds = (0..100).map(|_| {
        let begin = Instant::now();
        let router = Router::start();
        let started = begin.elapsed();
        let _client = blocking::Client::at(&router);
        (started, begin.elapsed())
    });
    let (started, joined): (Vec<_>, Vec<_>) = rounds.unzip();
    println!("started after {:?}, joined after {:?} (medians of 100)", median(started), median(joined));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
