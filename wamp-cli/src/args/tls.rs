//! The flags that say how to speak TLS.

use std::path::PathBuf;

use clap::Args;
use wamp_tokio::environment;

/// Whom to trust, and the certificate to show.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct Tls {
    /// Trust the authorities of this PEM file only, instead of those of the operating system; may be given several times.
    #[arg(long, global = true, env = environment::CACERT, value_name = "FILE")]
    pub(crate) cacert: Vec<PathBuf>,

    /// Show the router the certificates of this PEM file, the own one first.
    #[arg(long, global = true, env = environment::CERT, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of --cert, a PEM file.
    #[arg(long, global = true, env = environment::KEY, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,

    /// The name that the router's certificate must be for, instead of the URL's host.
    #[arg(long, global = true, env = environment::SERVER_NAME, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
}
