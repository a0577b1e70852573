//! The flags of `wamp context`.

use clap::{Args, Subcommand};

/// `wamp context`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// Keep what the global flags and the environment say under a name: the URL, the realm, who one is, TLS.
    Add(ContextAdd),
    /// List the contexts, one in each line.
    #[command(visible_alias = "list")]
    Ls,
    /// Use a context from now on.
    Select {
        /// Its name.
        name: String,
    },
    /// Show a context.
    Show {
        /// Its name [default: the selected one].
        name: Option<String>,
    },
    /// Open the file of the contexts in $VISUAL or $EDITOR, and check it afterwards.
    Edit,
    /// Forget a context.
    Rm {
        /// Its name.
        name: String,
    },
}

/// `wamp context add`.
#[derive(Debug, Args)]
pub(crate) struct ContextAdd {
    /// Its name.
    pub(crate) name: String,
    /// Use it from now on.
    #[arg(long)]
    pub(crate) select: bool,
    /// Replace a context of the same name.
    #[arg(long)]
    pub(crate) force: bool,
    /// Take the private key from this environment variable.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "private_key_file")]
    pub(crate) private_key_env: Option<String>,
    /// Take the password from this environment variable.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "password_file")]
    pub(crate) password_env: Option<String>,
    /// Take the shared secret from this environment variable.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "secret_file")]
    pub(crate) secret_env: Option<String>,
    /// Take the ticket from this environment variable.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "ticket_file")]
    pub(crate) ticket_env: Option<String>,
}
