//! The flags of `wamp keygen`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `wamp keygen`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeygenCommand {
    /// Make an authority, and the certificates of a router and a client that it signs: for tests, not for the world.
    Tls(KeygenTls),
}

/// `wamp keygen tls`.
#[derive(Debug, Args)]
pub(crate) struct KeygenTls {
    /// Write ca.pem, server.pem, server.key, client.pem and client.key to this directory; what is there stays.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// A name or address of the router, may be given several times.
    #[arg(long, value_name = "NAME", default_values = ["localhost", "127.0.0.1", "::1"])]
    pub(crate) name: Vec<String>,

    /// The name in the client's certificate.
    #[arg(long, value_name = "NAME", default_value = "client")]
    pub(crate) client: String,

    /// Let the certificates expire after so many days.
    #[arg(long, value_name = "N", default_value = "30", value_parser = clap::value_parser!(u16).range(1..=825))]
    pub(crate) days: u16,
}
