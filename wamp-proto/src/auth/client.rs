//! A client's side of an authentication.

#[cfg(feature = "scram")]
use base64::{Engine as _, engine::general_purpose::STANDARD};

#[cfg(feature = "cra")]
use super::cra;
#[cfg(feature = "cryptosign")]
use super::cryptosign::{self, PublicKey, SecretKey};
#[cfg(feature = "scram")]
use super::scram;
use super::{AuthError, Method, Secret, TLS_EXPORTER};
use crate::{
    channel::Channel,
    dict::Dict,
    id::RandomIds,
    message::{AuthenticateExtra, Challenge, Welcome},
    session::Config,
};

/// Most rounds of PBKDF2 that a client does for a router (fault 81).
#[cfg(any(feature = "cra", feature = "scram"))]
pub(super) const MAX_ITERATIONS: u64 = 1_000_000;

/// One way in which a client can prove who it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// None: whatever the router lets anybody do.
    Anonymous,
    /// A ticket, sent as it is.
    Ticket(Secret),
    /// WAMP-CRA with this secret; `None` when somebody else signs (A-38).
    #[cfg(feature = "cra")]
    Cra(Option<Secret>),
    /// WAMP-SCRAM with this password.
    #[cfg(feature = "scram")]
    Scram(Secret),
    /// Cryptosign with this key.
    #[cfg(feature = "cryptosign")]
    Cryptosign(SecretKey),
    /// Cryptosign with this key, whose private half is somewhere else (A-38).
    #[cfg(feature = "cryptosign")]
    CryptosignElsewhere(PublicKey),
    /// The certificate that the TLS layer has shown.
    Tls,
    /// The cookie that went with the WebSocket handshake.
    Cookie,
}

impl Proof {
    /// The method it belongs to.
    pub const fn method(&self) -> Method {
        match self {
            Self::Anonymous => Method::Anonymous,
            Self::Ticket(_) => Method::Ticket,
            #[cfg(feature = "cra")]
            Self::Cra(_) => Method::Cra,
            #[cfg(feature = "scram")]
            Self::Scram(_) => Method::Scram,
            #[cfg(feature = "cryptosign")]
            Self::Cryptosign(_) | Self::CryptosignElsewhere(_) => Method::Cryptosign,
            Self::Tls => Method::Tls,
            Self::Cookie => Method::Cookie,
        }
    }

    /// Whether the router has to ask for it.
    const fn is_challenged(&self) -> bool {
        !matches!(self.method(), Method::Anonymous | Method::Tls | Method::Cookie)
    }
}

/// What a client insists on, whatever the method.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Policy {
    /// Send tickets where others can read them. Default false (fault 80).
    pub insecurely_allow_readable_tickets: bool,
    /// Sign challenges of WAMP-CRA where others can read them: they cannot use the signature, but try secrets on it until
    /// one fits. Default false (fault 80).
    pub insecurely_allow_guessable_secrets: bool,
    /// Bind signatures to the TLS channel: [`TLS_EXPORTER`]. Default: no.
    pub channel_binding: Option<String>,
    /// Go on with a router that does not bind to the channel as asked. Default false (A-74).
    pub allow_unbound: bool,
    /// The key that the router must prove to have, with cryptosign (A-76). Default: any router will do.
    #[cfg(feature = "cryptosign")]
    pub router_key: Option<PublicKey>,
}

/// The client's side of one authentication, from HELLO to WELCOME.
///
/// ```
/// use wamp_proto::{auth::{Answer, Exchange, Policy, Proof}, message::Challenge, session::Config, Channel};
///
/// let proofs = vec![Proof::Ticket("secret".into())];
/// let mut exchange = Exchange::new(Some("joe".into()), proofs, Policy::default(), Channel::unix(), [7; 32])?;
/// let mut config = Config::new("realm1".parse()?);
/// exchange.fill(&mut config); // what goes into HELLO
///
/// let challenge = Challenge { authmethod: "ticket".into(), extra: Default::default() };
/// let Answer::Authenticate { signature, .. } = exchange.answer(&challenge)? else { panic!() };
/// assert_eq!(signature, "secret");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Exchange {
    authid: Option<String>,
    proofs: Vec<Proof>,
    policy: Policy,
    channel: Channel,
    #[cfg(feature = "scram")]
    nonce: String,
    #[cfg(feature = "cryptosign")]
    router_challenge: [u8; 32],
    /// Some challenge was answered.
    answered: bool,
    /// The router has proven to be the one whose key is expected.
    #[cfg(feature = "cryptosign")]
    router_known: bool,
    /// What the router has to prove itself with in WELCOME.
    #[cfg(feature = "scram")]
    expected: Option<[u8; 32]>,
}

/// What to do about a challenge.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Answer it so.
    Authenticate {
        /// The signature, proof or ticket.
        signature: String,
        /// What goes with it.
        extra: AuthenticateExtra,
    },
    /// Have this signed, and answer with the outcome.
    Sign(ToSign),
}

/// What somebody else is to sign (A-38).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToSign {
    /// WAMP-CRA: this text, with HMAC-SHA-256; the signature in Base64 is what AUTHENTICATE carries.
    Cra(String),
    /// Cryptosign: these bytes, with Ed25519; AUTHENTICATE carries what
    /// [`attach`](super::cryptosign::attach) makes of the signature.
    Cryptosign([u8; 32]),
}

impl Exchange {
    /// The beginning, over a connection of which `channel` is known. Nonces come from `seed`: take it from a secure random
    /// source. The order of the proofs is that of preference.
    ///
    /// # Errors
    ///
    /// When the channel cannot be bound to as `policy` wants.
    pub fn new(
        authid: Option<String>,
        proofs: Vec<Proof>,
        policy: Policy,
        channel: Channel,
        seed: [u8; 32],
    ) -> Result<Self, AuthError> {
        if let Some(kind) = &policy.channel_binding {
            if kind != TLS_EXPORTER || channel.tls_exporter.is_none() {
                return Err(AuthError::NoChannelBinding(kind.clone()));
            }
        }
        #[cfg_attr(not(any(feature = "scram", feature = "cryptosign")), expect(unused_mut, unused_variables))]
        let mut random = RandomIds::new(seed);
        Ok(Self {
            authid,
            proofs,
            policy,
            channel,
            #[cfg(feature = "scram")]
            nonce: STANDARD.encode(random.seed().get(..16).unwrap_or_default()),
            #[cfg(feature = "cryptosign")]
            router_challenge: random.seed(),
            answered: false,
            #[cfg(feature = "cryptosign")]
            router_known: false,
            #[cfg(feature = "scram")]
            expected: None,
        })
    }

    /// Puts into a session's settings what HELLO has to say (A-01).
    pub fn fill(&self, config: &mut Config) {
        let mut names: Vec<&str> = Vec::new();
        for name in self.proofs.iter().map(|proof| proof.method().name()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        config.authmethods = names.into_iter().map(str::to_owned).collect();
        config.authid = self.authid.clone();
        let extra = self.hello_extra();
        config.authextra = (!extra.is_empty()).then_some(extra);
    }

    /// What all methods need in HELLO, in one dict.
    fn hello_extra(&self) -> Dict {
        let mut extra = Dict::default();
        for proof in &self.proofs {
            self.introduce(proof, &mut extra);
            let bound = matches!(proof.method(), Method::Scram | Method::Cryptosign);
            if let Some(binding) = self.policy.channel_binding.as_ref().filter(|_| bound) {
                extra.insert("channel_binding", binding.clone());
            }
        }
        extra
    }

    #[cfg_attr(not(any(feature = "scram", feature = "cryptosign")), expect(unused_variables))]
    fn introduce(&self, proof: &Proof, extra: &mut Dict) {
        match proof {
            #[cfg(feature = "scram")]
            Proof::Scram(_) => _ = extra.insert("nonce", self.nonce.clone()),
            #[cfg(feature = "cryptosign")]
            Proof::Cryptosign(key) => self.introduce_key(&key.public_key(), extra),
            #[cfg(feature = "cryptosign")]
            Proof::CryptosignElsewhere(key) => self.introduce_key(key, extra),
            _ => {}
        }
    }

    #[cfg(feature = "cryptosign")]
    fn introduce_key(&self, key: &PublicKey, extra: &mut Dict) {
        extra.insert("pubkey", key.to_string());
        if self.policy.router_key.is_some() {
            extra.insert("challenge", cryptosign::text(&self.router_challenge));
        }
    }

    /// What to answer to a challenge. Deriving a key may take a second: not on a thread that others wait for.
    ///
    /// # Errors
    ///
    /// When the challenge is not to be answered: the session is to be aborted.
    pub fn answer(&mut self, challenge: &Challenge) -> Result<Answer, AuthError> {
        let offered = |proof: &&Proof| proof.is_challenged() && proof.method().name() == challenge.authmethod;
        let proof = self.proofs.iter().find(offered).cloned();
        let proof = proof.ok_or_else(|| AuthError::NotOffered(challenge.authmethod.clone()))?;
        let answer = self.answer_with(&proof, challenge)?;
        self.answered = true;
        Ok(answer)
    }

    fn answer_with(&mut self, proof: &Proof, challenge: &Challenge) -> Result<Answer, AuthError> {
        let plain = |signature| Ok(Answer::Authenticate { signature, extra: AuthenticateExtra::default() });
        match proof {
            Proof::Ticket(ticket) => {
                if !self.channel.private && !self.policy.insecurely_allow_readable_tickets {
                    return Err(AuthError::Readable("ticket"));
                }
                let text = ticket.expose_text().ok_or(AuthError::Unusable("the ticket is not text"))?;
                plain(text.to_owned())
            }
            #[cfg(feature = "cra")]
            Proof::Cra(_) if !self.channel.private && !self.policy.insecurely_allow_guessable_secrets => {
                Err(AuthError::Guessable("wampcra"))
            }
            #[cfg(feature = "cra")]
            Proof::Cra(Some(secret)) => plain(cra::answer(secret, &challenge.extra)?),
            #[cfg(feature = "cra")]
            Proof::Cra(None) => Ok(Answer::Sign(ToSign::Cra(cra::challenge(&challenge.extra)?.to_owned()))),
            #[cfg(feature = "scram")]
            Proof::Scram(password) => self.answer_scram(password, challenge),
            #[cfg(feature = "cryptosign")]
            Proof::Cryptosign(key) => {
                let message = self.message(challenge)?;
                plain(cryptosign::attach(&key.sign(&message), &message))
            }
            #[cfg(feature = "cryptosign")]
            Proof::CryptosignElsewhere(_) => Ok(Answer::Sign(ToSign::Cryptosign(self.message(challenge)?))),
            _ => Err(AuthError::NotOffered(challenge.authmethod.clone())),
        }
    }

    #[cfg(feature = "scram")]
    fn answer_scram(&mut self, password: &Secret, challenge: &Challenge) -> Result<Answer, AuthError> {
        let authid = self.authid.as_deref().unwrap_or_default();
        let binding = self.policy.channel_binding.as_ref().and(self.channel.tls_exporter.as_ref());
        let (signature, extra, expected) =
            scram::answer(authid, password, &self.nonce, binding, &challenge.extra)?;
        self.expected = Some(expected);
        Ok(Answer::Authenticate { signature, extra })
    }

    /// The message to sign, once the router has shown what it was asked for.
    #[cfg(feature = "cryptosign")]
    fn message(&mut self, challenge: &Challenge) -> Result<[u8; 32], AuthError> {
        let extra = &challenge.extra;
        let channel = self.bound(extra.channel_binding.as_deref())?;
        if let Some(expected) = self.policy.router_key {
            let message = cryptosign::message(&self.router_challenge, channel.as_ref());
            let shown = extra.pubkey.as_deref().and_then(|key| key.parse::<PublicKey>().ok());
            if shown != Some(expected) {
                return Err(AuthError::Router("it shows another key than the expected one, or none"));
            }
            if !cryptosign::verify(&expected, &message, extra.signature.as_deref().unwrap_or_default()) {
                return Err(AuthError::Router("its signature is wrong"));
            }
            self.router_known = true;
        }
        let bytes = extra.challenge.as_deref().and_then(cryptosign::challenge);
        let why = "its challenge is not 64 hex digits";
        let bytes = bytes.ok_or(AuthError::Challenge { method: "cryptosign", why })?;
        Ok(cryptosign::message(&bytes, channel.as_ref()))
    }

    /// What the router binds to, if that is what it was asked to (A-74).
    #[cfg(feature = "cryptosign")]
    fn bound(&self, used: Option<&str>) -> Result<Option<[u8; 32]>, AuthError> {
        match (self.policy.channel_binding.as_deref(), used) {
            (None, None) => Ok(None),
            (Some(asked), Some(used)) if asked == used => Ok(self.channel.tls_exporter),
            (Some(_), None) if self.policy.allow_unbound => Ok(None),
            _ => Err(AuthError::Unbound),
        }
    }

    /// Whether to believe a WELCOME: the session was opened by a method that was offered, and the router has proven itself
    /// where the method lets it.
    ///
    /// # Errors
    ///
    /// When not: the session is to be aborted.
    pub fn check_welcome(&self, welcome: &Welcome) -> Result<(), AuthError> {
        let details = &welcome.details;
        if !self.answered && self.proofs.iter().all(Proof::is_challenged) {
            let method = details.authmethod.clone().unwrap_or_default();
            return Err(AuthError::NotOffered(method));
        }
        #[cfg(feature = "cryptosign")]
        if self.policy.router_key.is_some() && !self.router_known {
            return Err(AuthError::Router("a key is expected of it, and it was not asked for by cryptosign"));
        }
        #[cfg(feature = "scram")]
        if let Some(expected) = &self.expected {
            let verifier = details.authextra.as_ref().and_then(|extra| extra.get("verifier")?.as_str());
            if !scram::is_verified(verifier.unwrap_or_default(), expected) {
                return Err(AuthError::Router("it does not know the password"));
            }
        }
        Ok(())
    }
}
