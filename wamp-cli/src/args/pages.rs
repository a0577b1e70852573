//! The flags of `wamp completion` and `wamp man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `wamp completion`.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// `wamp man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command, such as `router run` [default: wamp itself].
    #[arg(conflicts_with = "directory")]
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands into this directory.
    #[arg(long = "dir", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}
