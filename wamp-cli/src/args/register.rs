//! The flags of `wamp register`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use wamp_tokio::InvocationPolicy;

use super::MatchPolicy;
use crate::duration;

/// `wamp register`.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The procedure, or the pattern of procedures.
    pub(crate) uri: String,
    /// What to answer.
    #[command(flatten)]
    pub(crate) answer: Answer,
    /// Wait this long before each answer.
    #[arg(long, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) sleep: Option<Duration>,
    /// How the URI selects procedures.
    #[arg(long = "match", value_name = "POLICY", value_enum, default_value = "exact")]
    pub(crate) policy: MatchPolicy,
    /// End once this many calls are answered.
    #[arg(long, alias = "times", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// How the procedure is shared with other callees, who all have to say the same.
    #[arg(long, value_name = "POLICY", value_enum, default_value = "single")]
    pub(crate) invoke: InvokePolicy,
    /// Take at most this many calls at once; the router, if it can, and we keep further ones back. Without this, 16 commands
    /// run at once with --exec.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: Option<u16>,
    /// Take the procedure over from whoever has it, if the router allows that.
    #[arg(long)]
    pub(crate) force: bool,
}

/// How several callees share a procedure.
#[derive(Clone, Copy, Debug, Default, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InvokePolicy {
    /// They do not.
    #[default]
    Single,
    /// The one that came first gets all calls.
    First,
    /// The one that came last gets all calls.
    Last,
    /// They take turns.
    Roundrobin,
    /// Any of them.
    Random,
}

impl From<InvokePolicy> for InvocationPolicy {
    fn from(policy: InvokePolicy) -> Self {
        match policy {
            InvokePolicy::Single => Self::Single,
            InvokePolicy::First => Self::First,
            InvokePolicy::Last => Self::Last,
            InvokePolicy::Roundrobin => Self::RoundRobin,
            InvokePolicy::Random => Self::Random,
        }
    }
}

/// What a registered procedure answers.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Answer {
    /// Answer with the arguments of the call.
    #[arg(long)]
    pub(crate) echo: bool,
    /// Answer every call with this JSON value.
    #[arg(long, value_name = "JSON")]
    pub(crate) reply: Option<String>,
    /// Answer every call with an error of this URI, and the arguments of the call.
    #[arg(long, value_name = "URI")]
    pub(crate) error: Option<String>,
    /// Run this shell command for every call: {"args": [..], "kwargs": {..}} on its stdin, the result on its stdout, and
    /// WAMP_PROCEDURE, WAMP_ARGS_JSON and WAMP_KWARGS_JSON in its environment.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
    /// Run this program with these arguments for every call, as the `wamp` of autobahn-python does.
    #[arg(value_name = "COMMAND", hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<String>,
}
