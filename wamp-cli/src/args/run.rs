//! The flags of `wamp run` and `wamp dev`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::duration;

/// `wamp run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What to run.
    #[command(flatten)]
    pub(crate) services: Services,

    /// Start a router beside them, which lets everybody in.
    #[arg(long)]
    pub(crate) router: bool,

    /// Where that router listens, may be given several times; as for `wamp router run` [default: ws://127.0.0.1:8080].
    #[arg(long, value_name = "URL", requires = "router")]
    pub(crate) listen: Vec<String>,
}

/// `wamp dev`.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// What to run.
    #[command(flatten)]
    pub(crate) services: Services,

    /// Where the router listens, may be given several times; as for `wamp router run` [default: ws://127.0.0.1:8080].
    #[arg(long, value_name = "URL")]
    pub(crate) listen: Vec<String>,

    /// Show the arguments of messages too, which may be anything, secrets as well.
    #[arg(long)]
    pub(crate) payload: bool,
}

/// Programs, and what else is served.
#[derive(Debug, Args)]
pub(crate) struct Services {
    /// A program; one with spaces in it is a command for the shell.
    #[arg(value_name = "PROG")]
    pub(crate) programs: Vec<String>,

    /// Run what this file says, too: programs, procedures and topics with commands, a router.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// When a program is started again that has ended; a file may say otherwise for each of its programs.
    #[arg(long, value_name = "POLICY", value_enum, default_value = "on-failure")]
    pub(crate) restart: RestartPolicy,

    /// How long programs and handlers may take to end: then they are killed.
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "10s")]
    pub(crate) grace: Duration,
}

/// When a program is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RestartPolicy {
    /// Never.
    Never,
    /// When it has failed.
    OnFailure,
    /// Whenever it has ended.
    Always,
}
