//! Tests of the core, and with the core: deterministic, in memory, without a runtime.
//!
//! [`World`] is a router, any number of client sessions and raw peers, and the links between them, on a virtual clock, and
//! the same for the same seed. [`model`] is a second, naive router that says what the real one must do.

#![forbid(unsafe_code)]

pub mod model;
pub mod random;
pub mod world;

pub use random::Random;
pub use world::{Client, Raw, World};
