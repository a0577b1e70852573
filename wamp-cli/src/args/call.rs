//! The flags of `wamp call`.

use std::time::Duration;

use clap::Args;

use super::Payload;
use crate::duration;

/// `wamp call`.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The procedure.
    pub(crate) uri: String,
    /// Its arguments.
    #[command(flatten)]
    pub(crate) payload: Payload,
    /// Print progressive results too, as they come, and the last one behind them. --timeout is the time between two then.
    #[arg(long)]
    pub(crate) progress: bool,
    /// Send each line of stdin as one more argument of the same call, as it comes (progressive call invocations): ARGs go
    /// first, and the end of stdin is the last part, without arguments.
    #[arg(long, conflicts_with_all = ["repeat", "concurrency", "retry_until_registered", "payload"])]
    pub(crate) stdin_progress: bool,
    /// Ask the router to tell the callee who calls.
    #[arg(long)]
    pub(crate) disclose: bool,
    /// Call this many times, and print every result.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repeat: u64,
    /// Make this many of the repeated calls at once; the results are printed as they come.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// Try again for so long while nobody has registered the procedure.
    #[arg(long, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) retry_until_registered: Option<Duration>,
}
