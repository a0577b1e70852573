//! The flags of `wamp bench`.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::duration;

/// `wamp bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Start a router in this process and measure that one, instead of the one at the URL.
    #[arg(long, global = true)]
    pub(crate) embedded: bool,
    /// Print one JSON document, as -o json does.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// End with exit code 12 when 99 % of the latencies are not below this.
    #[arg(long, global = true, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) assert_p99: Option<Duration>,
    /// What to measure.
    #[command(subcommand)]
    pub(crate) what: BenchCommand,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Calls of procedures that answer with their arguments.
    Rpc(BenchRpc),
    /// Events, from their publication to each of the subscribers.
    Pubsub(BenchPubsub),
    /// Sessions that connect, join and leave.
    Connect(BenchConnect),
    /// One call after the other, and how their latencies are distributed.
    Latency(BenchLatency),
}

/// For how long, and how fast.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Pacing {
    /// Measure for so long.
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = duration::parse)]
    pub(crate) duration: Duration,
    /// Run for so long before anything is measured.
    #[arg(long, value_name = "DUR", default_value = "1s", value_parser = duration::parse)]
    pub(crate) warmup: Duration,
    /// Begin this many in a second, all clients together, instead of one as soon as another one has ended. A latency then
    /// counts from when its message was due, also when it had to wait for its turn.
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(crate) rate: Option<f64>,
}

/// `wamp bench rpc`.
#[derive(Debug, Args)]
pub(crate) struct BenchRpc {
    /// Sessions that call.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) callers: u16,
    /// Sessions that answer, each with a procedure of its own.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) callees: u16,
    /// Calls of each caller that are under way at once.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) inflight: u16,
    /// Bytes in the argument of each call.
    #[arg(long, value_name = "BYTES", default_value = "16")]
    pub(crate) payload: u32,
    /// For how long, and how fast.
    #[command(flatten)]
    pub(crate) pacing: Pacing,
}

/// `wamp bench latency`.
#[derive(Debug, Args)]
pub(crate) struct BenchLatency {
    /// Bytes in the argument of each call.
    #[arg(long, value_name = "BYTES", default_value = "16")]
    pub(crate) payload: u32,
    /// For how long, and how fast.
    #[command(flatten)]
    pub(crate) pacing: Pacing,
}

/// `wamp bench pubsub`.
#[derive(Debug, Args)]
pub(crate) struct BenchPubsub {
    /// Sessions that publish.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) publishers: u16,
    /// Sessions that subscribe, all to the same topic.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) subscribers: u16,
    /// Publications of each publisher that are not acknowledged yet.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) inflight: u16,
    /// Bytes in the argument of each event.
    #[arg(long, value_name = "BYTES", default_value = "16")]
    pub(crate) size: u32,
    /// For how long, and how fast.
    #[command(flatten)]
    pub(crate) pacing: Pacing,
}

/// `wamp bench connect`.
#[derive(Debug, Args)]
pub(crate) struct BenchConnect {
    /// How many sessions, one after the other.
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) sessions: u32,
    /// Join this many at once.
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
}

/// `100`, or `100/s`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).parse::<f64>();
    match number {
        Ok(rate) if (MIN_RATE..=MAX_RATE).contains(&rate) => Ok(rate),
        _ => Err(format!(
            "`{text}` is not a rate such as 10 or 10/s, from {MIN_RATE} to {MAX_RATE} in a second"
        )),
    }
}

/// Less than anybody waits for.
const MIN_RATE: f64 = 0.001;

/// More than any router takes.
const MAX_RATE: f64 = 10_000_000.0;
