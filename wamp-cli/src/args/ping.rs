//! The flags of `wamp ping`.

use std::time::Duration;

use clap::Args;

use crate::duration;

/// `wamp ping`.
#[derive(Debug, Args)]
pub(crate) struct Ping {
    /// Make this many round trips.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,
    /// Wait this long between two of them.
    #[arg(long, value_name = "DUR", default_value = "200ms", value_parser = duration::parse)]
    pub(crate) interval: Duration,
}
