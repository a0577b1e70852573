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

pub mod auth;
pub mod channel;
pub mod codec;
pub mod dict;
pub mod error;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod fuzz;
pub mod id;
pub mod limits;
mod map;
pub mod message;
pub mod payload;
#[cfg(feature = "router")]
pub mod router;
pub mod session;
pub mod time;
pub mod transport;
pub mod uri;
pub mod value;

pub use channel::Channel;
pub use codec::{DecodeError, EncodeError, Encoding};
pub use dict::Dict;
pub use limits::Limits;
pub use payload::Payload;
pub use time::Instant;
pub use uri::{Match, Pattern, Uri};
pub use value::Value;
