#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod codec;
pub mod id;
pub mod limits;
pub mod time;
pub mod transport;
pub mod uri;

pub use codec::{DecodeError, Encoding};
pub use limits::Limits;
pub use time::Instant;
pub use uri::{Match, Pattern, Uri};
