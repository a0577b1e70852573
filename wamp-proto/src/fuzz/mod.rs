//! The bodies of the fuzz targets: each takes any bytes and panics when a property is broken.
//!
//! `fuzz/` runs them under libFuzzer, `tests/fuzz_replay.rs` runs the corpus through them in every build.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a broken property panics, and so may a broken target"
)]

mod batch;
mod codec;
mod matching;
mod rawsocket;
mod router;
mod session;
mod source;
mod transcode;
mod uri;

use source::Source;

/// A target: its name, that of its corpus too, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("json", codec::json),
    ("msgpack", codec::msgpack),
    ("cbor", codec::cbor),
    ("transcode", transcode::target),
    ("rawsocket", rawsocket::target),
    ("batch", batch::target),
    ("uri", uri::target),
    ("matching", matching::target),
    ("session", session::target),
    ("router", router::target),
];

/// Runs one input through the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let (_, body) = TARGETS.iter().find(|(target, _)| *target == name).expect("a target of this name");
    body(data);
}
