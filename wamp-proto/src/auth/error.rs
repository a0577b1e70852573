//! Why a client does not go on with an authentication.

/// Why a client does not go on with an authentication. Says who is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Others could read the secret on this connection (fault 80).
    #[error(
        "the router asks for a {0}, which others could read on this connection: use TLS, or allow it by name"
    )]
    Readable(&'static str),
    /// Others could read the signature on this connection, and try secrets until one fits (fault 80).
    #[error(
        "others could read the {0} signature on this connection and guess the secret by it: use TLS, or allow it by name"
    )]
    Guessable(&'static str),
    /// The router's challenge is not one of its method (fault 83).
    #[error("the router's {method} challenge is bad: {why}")]
    Challenge {
        /// The method.
        method: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The router asks for a key derivation that is suspiciously cheap, or that would keep us busy (fault 81).
    #[error("the router's key derivation is refused: {what} must be from {least} to {most}, not {found}")]
    KeyDerivation {
        /// Which parameter.
        what: &'static str,
        /// The least that is accepted.
        least: u64,
        /// The most that is accepted.
        most: u64,
        /// What the router asks for.
        found: u64,
    },
    /// A channel binding is wanted, and the connection has none of this type.
    #[error(
        "this connection has no channel binding `{0}`: only TLS has, and `tls-exporter` is the one supported"
    )]
    NoChannelBinding(String),
    /// The router does not bind the authentication to the channel as asked.
    #[error("the router does not bind the authentication to the channel, as it was asked to")]
    Unbound,
    /// The router has not proven who it is: it does not know the password, or is not the one whose key is expected
    /// (A-47, A-76, fault 82).
    #[error("the router has not proven who it is: {0}")]
    Router(&'static str),
    /// The router opened the session by a method that was not offered (fault 80).
    #[error("the router opened the session by the method `{0}`, which was not offered")]
    NotOffered(String),
    /// What the application gave cannot be used: a name or a password with characters that must not be in one.
    #[error("{0}")]
    Unusable(&'static str),
    /// Whoever signs for the application failed.
    #[error("cannot sign the challenge: {0}")]
    Signer(String),
}
