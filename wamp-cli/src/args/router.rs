//! The flags of `wamp router`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use crate::duration;

/// `wamp router`.
#[derive(Debug, Subcommand)]
pub(crate) enum RouterCommand {
    /// Run a router until SIGINT or SIGTERM; without arguments on port 8080 of this machine, for anybody.
    Run(RouterRun),
}

/// `wamp router run`.
#[derive(Debug, Args)]
pub(crate) struct RouterRun {
    /// Listen here, may be given several times: ws://host:port and tcp://host:port each take WebSocket and RawSocket,
    /// port 0 is any free one; unix:///path; ws+unix:///path.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080")]
    pub(crate) listen: Vec<String>,

    /// Write the router's URLs to this file, one in each line, once it accepts connections.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,

    /// Serve at most this many connections at once; more are told so and refused.
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,

    /// Shut down after this time.
    #[arg(long, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) shutdown_after: Option<Duration>,
}
