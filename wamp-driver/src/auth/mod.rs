//! How a client proves who it is: see [`Connect::auth`](crate::net::Connect::auth).

mod login;
mod secret;

use std::{error::Error as StdError, fmt, sync::Arc};

pub use secret::Secret;
#[cfg(feature = "cryptosign")]
pub use wamp_proto::auth::cryptosign::{PublicKey, SecretKey};
pub use wamp_proto::auth::{AuthError, Method, TLS_EXPORTER};
use wamp_proto::auth::{Policy, Proof, ToSign};

use crate::{ConnectError, runtime::BoxFuture};
pub(crate) use login::{Login, answer};

/// One way to prove who one is, made from [`Ticket`], [`Cra`], [`Scram`], [`Cryptosign`], [`Anonymous`], [`Certificate`] or
/// [`CookieHeader`]. `Debug` shows no secret.
#[derive(Clone)]
pub struct Auth {
    authid: Option<String>,
    way: Way,
    policy: Policy,
}

/// What is behind it.
#[derive(Clone)]
enum Way {
    /// What needs no secret.
    Plain(Proof),
    Ticket(Secret),
    #[cfg(feature = "cra")]
    Cra(Secret),
    #[cfg(feature = "scram")]
    Scram(Secret),
    #[cfg(feature = "cryptosign")]
    Cryptosign(Secret),
    /// Signed by somebody else.
    #[cfg(any(feature = "cra", feature = "cryptosign"))]
    Elsewhere(Proof, Signer),
}

/// Signs for the application; gives what AUTHENTICATE carries.
pub(crate) type Signer = Arc<dyn Fn(ToSign) -> BoxFuture<Result<String, BoxError>> + Send + Sync>;

/// Any error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

impl Auth {
    fn new(authid: Option<String>, way: Way) -> Self {
        Self { authid, way, policy: Policy::default() }
    }

    /// The method that it proves who one is by.
    pub fn method(&self) -> Method {
        match &self.way {
            Way::Plain(proof) => proof.method(),
            Way::Ticket(_) => Method::Ticket,
            #[cfg(feature = "cra")]
            Way::Cra(_) => Method::Cra,
            #[cfg(feature = "scram")]
            Way::Scram(_) => Method::Scram,
            #[cfg(feature = "cryptosign")]
            Way::Cryptosign(_) => Method::Cryptosign,
            #[cfg(any(feature = "cra", feature = "cryptosign"))]
            Way::Elsewhere(proof, _) => proof.method(),
        }
    }

    /// Reads the secret.
    pub(crate) fn proof(&self) -> Result<Proof, ConnectError> {
        Ok(match &self.way {
            Way::Plain(proof) => proof.clone(),
            Way::Ticket(secret) => Proof::Ticket(secret.read()?),
            #[cfg(feature = "cra")]
            Way::Cra(secret) => Proof::Cra(Some(secret.read()?)),
            #[cfg(feature = "scram")]
            Way::Scram(password) => Proof::Scram(password.read()?),
            #[cfg(feature = "cryptosign")]
            Way::Cryptosign(key) => {
                let read = SecretKey::from_hex(&key.read()?);
                Proof::Cryptosign(read.ok_or_else(|| key.unusable("a private key is 64 hex digits"))?)
            }
            #[cfg(any(feature = "cra", feature = "cryptosign"))]
            Way::Elsewhere(proof, _) => proof.clone(),
        })
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("authid", &self.authid).finish_non_exhaustive()
    }
}

/// No proof: what the router lets anybody do. This is what a client offers that is told nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

impl From<Anonymous> for Auth {
    fn from(_: Anonymous) -> Self {
        Self::new(None, Way::Plain(Proof::Anonymous))
    }
}

/// The certificate that the client shows in the TLS handshake.
#[derive(Clone, Copy, Debug)]
pub struct Certificate;

impl From<Certificate> for Auth {
    fn from(_: Certificate) -> Self {
        Self::new(None, Way::Plain(Proof::Tls))
    }
}

/// The cookie that goes with the WebSocket handshake, see [`Connect::cookie`](crate::net::Connect::cookie).
#[derive(Clone, Copy, Debug)]
pub struct CookieHeader;

impl From<CookieHeader> for Auth {
    fn from(_: CookieHeader) -> Self {
        Self::new(None, Way::Plain(Proof::Cookie))
    }
}

/// Declares a method: its builder, and what it becomes.
macro_rules! method {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[must_use = "it is offered once it is given to `auth`"]
        pub struct $name(Auth);

        impl From<$name> for Auth {
            fn from(method: $name) -> Self {
                method.0
            }
        }
    };
}

method! {
    /// A ticket, sent as it is: only where nobody else can read it, which is TLS, a Unix socket, or this machine.
    Ticket
}

impl Ticket {
    /// With this name and ticket.
    pub fn new(authid: impl Into<String>, ticket: impl Into<Secret>) -> Self {
        Self(Auth::new(Some(authid.into()), Way::Ticket(ticket.into())))
    }

    /// Sends the ticket over connections that others can read, too: whoever reads it can use it (fault 80).
    pub fn insecurely_over_any_connection(mut self) -> Self {
        self.0.policy.insecurely_allow_readable_tickets = true;
        self
    }
}

#[cfg(feature = "cra")]
method! {
    /// WAMP-CRA: signs the router's challenge with a shared secret, which does not cross the wire. Only where nobody
    /// else can read the signature, which is TLS, a Unix socket, or this machine: a weak secret can be guessed by it.
    Cra
}

#[cfg(feature = "cra")]
impl Cra {
    /// With this name and secret.
    pub fn new(authid: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self(Auth::new(Some(authid.into()), Way::Cra(secret.into())))
    }

    /// Signs over connections that others can read, too: whoever reads a challenge and its signature can try secrets until
    /// one fits (fault 80). Harmless only with a secret that is long and random.
    pub fn insecurely_over_any_connection(mut self) -> Self {
        self.0.policy.insecurely_allow_guessable_secrets = true;
        self
    }

    /// With this name and somebody else who has the secret: is given the challenge, and gives its signature in Base64
    ///
    pub fn signed_by<F>(authid: impl Into<String>, sign: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        let signer: Signer = Arc::new(move |to_sign| match to_sign {
            ToSign::Cra(challenge) => Box::pin(sign(challenge)),
            _ => Box::pin(async { Err("not a challenge of WAMP-CRA".into()) }),
        });
        Self(Auth::new(Some(authid.into()), Way::Elsewhere(Proof::Cra(None), signer)))
    }
}

#[cfg(feature = "scram")]
method! {
    /// WAMP-SCRAM: a password that neither end reveals; the router proves that it knows it too.
    Scram
}

#[cfg(feature = "scram")]
impl Scram {
    /// With this name and password.
    pub fn new(authid: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self(Auth::new(Some(authid.into()), Way::Scram(password.into())))
    }

    /// Binds the proof to the TLS channel: `tls-exporter` ([`TLS_EXPORTER`]).
    pub fn channel_binding(mut self, kind: impl Into<String>) -> Self {
        self.0.policy.channel_binding = Some(kind.into());
        self
    }
}

#[cfg(feature = "cryptosign")]
method! {
    /// Cryptosign: signs the router's challenge with a private key of Ed25519.
    Cryptosign
}

#[cfg(feature = "cryptosign")]
impl Cryptosign {
    /// With this private key, 64 hex digits; the router knows the name by the key.
    pub fn new(key: impl Into<Secret>) -> Self {
        Self(Auth::new(None, Way::Cryptosign(key.into())))
    }

    /// With a private key that is somewhere else: is given 32 bytes, and gives their signature.
    pub fn signed_by<F>(key: PublicKey, sign: impl Fn([u8; 32]) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<[u8; 64], BoxError>> + Send + 'static,
    {
        let signer: Signer = Arc::new(move |to_sign| match to_sign {
            ToSign::Cryptosign(message) => {
                let signature = sign(message);
                Box::pin(async move { Ok(wamp_proto::auth::cryptosign::attach(&signature.await?, &message)) })
            }
            _ => Box::pin(async { Err("not a challenge of cryptosign".into()) }),
        });
        Self(Auth::new(None, Way::Elsewhere(Proof::CryptosignElsewhere(key), signer)))
    }

    /// With this name.
    pub fn authid(mut self, authid: impl Into<String>) -> Self {
        self.0.authid = Some(authid.into());
        self
    }

    /// Binds the signature to the TLS channel: `tls-exporter` ([`TLS_EXPORTER`]). A router that does not is refused.
    pub fn channel_binding(mut self, kind: impl Into<String>) -> Self {
        self.0.policy.channel_binding = Some(kind.into());
        self
    }

    /// Goes on with a router that does not bind to the channel as asked.
    pub fn allow_unbound(mut self) -> Self {
        self.0.policy.allow_unbound = true;
        self
    }

    /// Has the router prove that it has this key; any other is refused.
    pub fn expect_router(mut self, key: PublicKey) -> Self {
        self.0.policy.router_key = Some(key);
        self
    }
}
