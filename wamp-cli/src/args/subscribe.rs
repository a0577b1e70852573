//! The flags of `wamp subscribe`.

use std::time::Duration;

use clap::Args;

use super::MatchPolicy;
use crate::duration;

/// `wamp subscribe`.
#[derive(Debug, Args)]
pub(crate) struct Subscribe {
    /// The topics, or the patterns of topics.
    #[arg(required = true, value_name = "URI")]
    pub(crate) uris: Vec<String>,
    /// How the URIs select topics.
    #[arg(long = "match", value_name = "POLICY", value_enum, default_value = "exact")]
    pub(crate) policy: MatchPolicy,
    /// Ask for the events that were retained: they come first.
    #[arg(long)]
    pub(crate) retained: bool,
    /// Print each event like this: {{time}}, {{topic}}, {{args.0}}, {{kwargs.NAME}}, {{publication}}, {{details.NAME}}.
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "exec")]
    pub(crate) format: Option<String>,
    /// Run this shell command for each event, one after the other: {"args": [..], "kwargs": {..}} on its stdin, and
    /// WAMP_TOPIC, WAMP_ARGS_JSON and WAMP_KWARGS_JSON in its environment.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
    /// End at once when the router has confirmed the subscriptions: to find out whether they are allowed.
    #[arg(long, conflicts_with_all = ["count", "duration"])]
    pub(crate) exit_when_subscribed: bool,
    /// When to end.
    #[command(flatten)]
    pub(crate) until: Until,
}

/// When a command ends that prints events.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Until {
    /// End after this many events.
    #[arg(long, alias = "times", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after this time, with exit code 7 when --count is given and not reached.
    #[arg(long, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) duration: Option<Duration>,
}
