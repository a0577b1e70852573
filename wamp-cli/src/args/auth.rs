//! The flags of `wamp auth`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use wamp_tokio::auth::PublicKey;

/// `wamp auth`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Make a pair of keys for cryptosign.
    Keygen(AuthKeygen),
    /// Print the public key of the private key.
    Pubkey,
    /// Sign a challenge: with the private key as cryptosign does, or with the shared secret as WAMP-CRA does.
    Sign(AuthSign),
    /// Verify the signature of a challenge: exit code 12 if it is wrong.
    Verify(Box<AuthVerify>),
    /// Derive the key that a router keeps for WAMP-CRA, instead of the shared secret.
    Derive(AuthDerive),
    /// Derive what a router keeps for WAMP-SCRAM, instead of the password.
    Scram(AuthScram),
}

/// `wamp auth keygen`.
#[derive(Debug, Args)]
pub(crate) struct AuthKeygen {
    /// Write the private key to this new file, for its owner only, and print the public key; without it, print both.
    pub(crate) file: Option<PathBuf>,
}

/// `wamp auth sign`.
#[derive(Debug, Args)]
pub(crate) struct AuthSign {
    /// The challenge: 64 hex digits for cryptosign, any text for WAMP-CRA.
    pub(crate) challenge: String,
    /// For cryptosign: what TLS exports for channel binding, 64 hex digits.
    #[arg(long, value_name = "HEX")]
    pub(crate) channel: Option<String>,
    /// For WAMP-CRA.
    #[command(flatten)]
    pub(crate) salting: Salting,
}

/// `wamp auth verify`.
#[derive(Debug, Args)]
pub(crate) struct AuthVerify {
    /// What was to be signed, and with what.
    #[command(flatten)]
    pub(crate) signed: AuthSign,
    /// The signature: 192 hex digits for cryptosign, Base64 for WAMP-CRA.
    pub(crate) signature: String,
    /// For cryptosign: the public key; without it, that of the private key.
    #[arg(long, value_name = "HEX")]
    pub(crate) public_key: Option<PublicKey>,
}

/// `wamp auth derive`.
#[derive(Debug, Args)]
pub(crate) struct AuthDerive {
    /// With what.
    #[command(flatten)]
    pub(crate) salting: Salting,
}

/// How WAMP-CRA makes a key of a secret.
#[derive(Debug, Args)]
pub(crate) struct Salting {
    /// The salt, any text; `derive` draws one at random.
    #[arg(long, value_name = "TEXT")]
    pub(crate) salt: Option<String>,
    /// Rounds of PBKDF2.
    #[arg(long, value_name = "N", default_value_t = Salting::ITERATIONS, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    pub(crate) iterations: u32,
    /// Length of the key in bytes.
    #[arg(long, value_name = "N", default_value_t = Salting::KEYLEN, value_parser = clap::value_parser!(u32).range(16..=64))]
    pub(crate) keylen: u32,
}

impl Salting {
    /// Rounds of PBKDF2 where nobody says how many.
    pub(crate) const ITERATIONS: u32 = 100_000;
    /// Length of the key where nobody says how long.
    pub(crate) const KEYLEN: u32 = 32;
}

/// `wamp auth scram`.
#[derive(Debug, Args)]
pub(crate) struct AuthScram {
    /// The salt in Base64; drawn at random without it.
    #[arg(long, value_name = "BASE64")]
    pub(crate) salt: Option<String>,
    /// How the password becomes a key.
    #[arg(long, value_enum, default_value = "argon2id13")]
    pub(crate) kdf: KeyDerivation,
    /// Rounds of PBKDF2 [default: 100000], or passes of Argon2id [default: 2].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) iterations: Option<u32>,
    /// Memory of Argon2id in KiB.
    #[arg(long, value_name = "KIB", default_value = "19456", value_parser = clap::value_parser!(u32).range(4_096..=262_144))]
    pub(crate) memory: u32,
}

/// A key derivation by its name in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyDerivation {
    /// Argon2id, which takes memory too.
    #[value(alias = "argon2id")]
    Argon2id13,
    /// PBKDF2 with HMAC-SHA-256.
    Pbkdf2,
}
