//! The flags that say who one is.

use std::{convert::Infallible, path::PathBuf};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use wamp_tokio::{
    auth::{Method, PublicKey, Secret},
    environment,
};

/// Who joins, and the proofs of it.
///
/// The environment is no business of clap's here: a flag beats a variable, and help must not show what a variable holds.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Authentication")]
pub(crate) struct Login {
    /// Join as this user.
    #[arg(long, global = true, env = environment::AUTHID, value_name = "NAME")]
    pub(crate) authid: Option<String>,

    /// Offer these methods, in this order [default: those that a secret is given for, the strongest first].
    #[arg(
        long,
        global = true,
        env = environment::AUTHMETHOD,
        value_name = "METHOD",
        value_enum,
        value_delimiter = ','
    )]
    pub(crate) authmethod: Vec<AuthMethod>,

    /// A private key of Ed25519 for cryptosign, 64 hex digits. Anybody on this machine can read what stands on a command
    /// line: WAMP_PRIVATE_KEY and the flag below are better.
    #[arg(long, global = true, value_name = "HEX", value_parser = literal)]
    pub(crate) private_key: Option<Secret>,

    /// Read the private key from this file, - for stdin.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) private_key_file: Option<PathBuf>,

    /// A password for WAMP-SCRAM, readable as above: rather in WAMP_PASSWORD or a file.
    #[arg(long, global = true, value_name = "TEXT", value_parser = literal)]
    pub(crate) password: Option<Secret>,

    /// Read the password from this file, - for stdin.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// A shared secret for WAMP-CRA, readable as above: rather in WAMP_SECRET, WAMPYSECRET or a file.
    #[arg(long, global = true, value_name = "TEXT", value_parser = literal)]
    pub(crate) secret: Option<Secret>,

    /// Read the shared secret from this file, - for stdin.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,

    /// A ticket, readable as above: rather in WAMP_TICKET or a file.
    #[arg(long, global = true, value_name = "TEXT", value_parser = literal)]
    pub(crate) ticket: Option<Secret>,

    /// Read the ticket from this file, - for stdin.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ticket_file: Option<PathBuf>,

    /// Send a ticket over a network in plaintext, where everybody on the way can read it and use it.
    #[arg(long, global = true)]
    pub(crate) insecurely_allow_readable_ticket: bool,

    /// Sign with a shared secret over a network in plaintext, where everybody on the way can try secrets on the signature
    /// until one fits.
    #[arg(long, global = true)]
    pub(crate) insecurely_allow_guessable_secret: bool,

    /// Bind cryptosign or WAMP-SCRAM to the TLS connection, so that nobody can sit in between.
    #[arg(
        long,
        global = true,
        env = environment::CHANNEL_BINDING,
        value_name = "TYPE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = wamp_tokio::auth::TLS_EXPORTER
    )]
    pub(crate) channel_binding: Option<String>,

    /// Have the router prove, with cryptosign, that it has this public key.
    #[arg(long, global = true, env = environment::ROUTER_KEY, value_name = "HEX")]
    pub(crate) router_key: Option<PublicKey>,

    /// What the context has.
    #[arg(skip)]
    pub(crate) stored: StoredSecrets,
}

/// Secrets that are neither in flags nor in the usual variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredSecrets {
    pub(crate) private_key: Option<Secret>,
    pub(crate) password: Option<Secret>,
    pub(crate) secret: Option<Secret>,
    pub(crate) ticket: Option<Secret>,
}

/// A method of authentication, by its name in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AuthMethod {
    /// No proof at all.
    Anonymous,
    /// A ticket, sent as it is.
    Ticket,
    /// WAMP-CRA: a shared secret.
    #[value(alias = "cra")]
    Wampcra,
    /// WAMP-SCRAM: a password.
    #[value(alias = "scram")]
    WampScram,
    /// A private key.
    Cryptosign,
    /// The client certificate of --cert and --key.
    Tls,
}

impl From<AuthMethod> for Method {
    fn from(method: AuthMethod) -> Self {
        match method {
            AuthMethod::Anonymous => Self::Anonymous,
            AuthMethod::Ticket => Self::Ticket,
            AuthMethod::Wampcra => Self::Cra,
            AuthMethod::WampScram => Self::Scram,
            AuthMethod::Cryptosign => Self::Cryptosign,
            AuthMethod::Tls => Self::Tls,
        }
    }
}

/// `Debug` of the flags must not show it.
fn literal(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::literal(text))
}
