//! The flags of `wamp router`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use wamp_tokio::proto::router::Right;

use super::{AuthScram, MatchPolicy};
use crate::duration;

/// `wamp router`.
#[derive(Debug, Subcommand)]
pub(crate) enum RouterCommand {
    /// Run a router until SIGINT or SIGTERM; without arguments on port 8080 of this machine, for anybody.
    Run(RouterRun),
    /// Write a configuration file to begin with.
    Init(RouterInit),
    /// Print what a configuration file says about a user, with what a router keeps instead of the password: that is
    /// WAMP_PASSWORD, --password-file (- for stdin) or --password.
    Passwd(RouterPasswd),
    /// Look for mistakes in a configuration file, and print a summary of it.
    Check(RouterFile),
    /// Print the JSON schema of configuration files, for editors.
    Schema,
    /// Ask what roles may do.
    #[command(subcommand)]
    Permissions(PermissionsCommand),
}

/// `wamp router init`.
#[derive(Debug, Args)]
pub(crate) struct RouterInit {
    /// The new file.
    #[arg(value_name = "FILE", default_value = "wamp-router.toml")]
    pub(crate) file: PathBuf,

    /// What kind of router.
    #[arg(long, value_enum, default_value = "dev")]
    pub(crate) template: Template,

    /// Replace a file that is there already.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A kind of router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// For this machine only, and for everybody on it.
    Dev,
    /// Users with secrets, and roles that say what they may do.
    StaticAuth,
    /// The same for a network, over TLS.
    Tls,
}

/// `wamp router passwd`.
#[derive(Debug, Args)]
pub(crate) struct RouterPasswd {
    /// The name of the user.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The user's role.
    #[arg(long, value_name = "ROLE", default_value = "user")]
    pub(crate) role: String,

    /// How the user is to prove who he is.
    #[arg(long, value_enum, default_value = "wamp-scram")]
    pub(crate) method: PasswordMethod,

    /// How the password becomes what the router keeps; a ticket is kept as it is.
    #[command(flatten)]
    pub(crate) derivation: AuthScram,
}

/// A method of authentication with something to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PasswordMethod {
    /// A password that the router does not know.
    #[value(alias = "scram")]
    WampScram,
    /// A shared secret, salted.
    #[value(alias = "cra")]
    Wampcra,
    /// A ticket, which is sent and kept as it is.
    Ticket,
}

/// A configuration file.
#[derive(Debug, Args)]
pub(crate) struct RouterFile {
    /// The file: TOML, or JSON if its name ends in .json.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// `wamp router permissions`.
#[derive(Debug, Subcommand)]
pub(crate) enum PermissionsCommand {
    /// Say whether a role may do something, and which rule decides; exits with 6 if it may not.
    Explain(Explain),
}

/// `wamp router permissions explain`. The realm is that of --realm.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,

    /// The role.
    #[arg(value_name = "ROLE")]
    pub(crate) role: String,

    /// call, register, publish or subscribe.
    #[arg(value_name = "ACTION")]
    pub(crate) action: Right,

    /// The URI, or the pattern to subscribe to or to register.
    #[arg(value_name = "URI")]
    pub(crate) uri: String,

    /// How the URI selects others.
    #[arg(long, value_name = "POLICY", value_enum, default_value = "exact")]
    pub(crate) r#match: MatchPolicy,
}

/// `wamp router run`.
#[derive(Debug, Args)]
pub(crate) struct RouterRun {
    /// Run the router of this file, whose listeners, realms, users, roles and limits are all there is; --realm has no
    /// meaning then. SIGHUP reads roles, users and certificates again.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["listen", "max_connections"])]
    pub(crate) config: Option<PathBuf>,

    /// Listen here, may be given several times: ws://host:port and tcp://host:port each take WebSocket and RawSocket,
    /// port 0 is any free one; unix:///path; ws+unix:///path.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080")]
    pub(crate) listen: Vec<String>,

    /// Answer /metrics (for Prometheus), /healthz and /readyz here, over plain HTTP and to everybody: host:port.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<String>,

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
