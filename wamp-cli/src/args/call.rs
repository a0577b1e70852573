//! The flags of `wamp call`.

use clap::Args;

use super::Payload;

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
    /// Ask the router to tell the callee who calls.
    #[arg(long)]
    pub(crate) disclose: bool,
}
