//! The router's side of one challenge: what is sent, and what must come back.

#[cfg(feature = "scram")]
use base64::{Engine as _, engine::general_purpose::STANDARD};

#[cfg(any(feature = "scram", feature = "cryptosign"))]
use super::TLS_EXPORTER;
#[cfg(feature = "cra")]
use super::cra;
#[cfg(feature = "cryptosign")]
use super::cryptosign::{self, PublicKey, SecretKey};
#[cfg(feature = "scram")]
use super::scram;
use super::{Credential, Secret, secret::same};
use crate::{
    channel::Channel,
    dict::Dict,
    message::{Authenticate, ChallengeExtra, HelloDetails},
};

/// What a client claims in HELLO, and what the router adds to it.
#[cfg_attr(not(feature = "scram"), allow(dead_code, reason = "each method reads what it needs"))]
pub(crate) struct Claim<'a> {
    pub(crate) authid: &'a str,
    pub(crate) hello: &'a HelloDetails,
    pub(crate) channel: &'a Channel,
    /// Random.
    pub(crate) nonce: [u8; 32],
    /// The text that WAMP-CRA signs.
    #[cfg(feature = "cra")]
    pub(crate) to_sign: String,
    /// The router's own key.
    #[cfg(feature = "cryptosign")]
    pub(crate) router_key: Option<&'a SecretKey>,
}

#[cfg(any(feature = "scram", feature = "cryptosign"))]
impl<'a> Claim<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.hello.authextra.as_ref()?.get(key)?.as_str()
    }

    /// What to bind to, of what the client asked for.
    fn binding(&self) -> Option<[u8; 32]> {
        self.text("channel_binding").filter(|kind| *kind == TLS_EXPORTER).and(self.channel.tls_exporter)
    }
}

/// What must come back. It is used once.
#[derive(Debug)]
pub(crate) enum Expected {
    Ticket(Secret),
    #[cfg(feature = "cra")]
    Cra {
        key: Secret,
        challenge: String,
    },
    #[cfg(feature = "scram")]
    Scram(Box<ExpectedScram>),
    #[cfg(feature = "cryptosign")]
    Cryptosign {
        key: PublicKey,
        known: bool,
        message: [u8; 32],
    },
}

#[cfg(feature = "scram")]
#[derive(Debug)]
pub(crate) struct ExpectedScram {
    credential: scram::Credential,
    authid: String,
    client_nonce: String,
    nonce: String,
    salt: String,
    binding: Option<[u8; 32]>,
}

/// What the client did wrong in HELLO; it is told.
pub(crate) type Wrong = &'static str;

/// What the client is told in WELCOME, as proof of the router.
pub(crate) type Proven = Option<Dict>;

/// Most characters of a client's nonce.
#[cfg(feature = "scram")]
const MAX_NONCE: usize = 256;

impl Expected {
    /// The challenge for somebody with this credential.
    #[cfg_attr(
        not(any(feature = "cra", feature = "scram", feature = "cryptosign")),
        expect(unused_variables, reason = "a ticket claims nothing")
    )]
    pub(crate) fn new(credential: &Credential, claim: Claim<'_>) -> Result<(Self, ChallengeExtra), Wrong> {
        match credential {
            Credential::Ticket(ticket) => Ok((Self::Ticket(ticket.clone()), ChallengeExtra::default())),
            #[cfg(feature = "cra")]
            Credential::Cra(credential) => Ok(Self::cra(credential, claim)),
            #[cfg(feature = "scram")]
            Credential::Scram(credential) => Self::scram(credential, &claim),
            #[cfg(feature = "cryptosign")]
            Credential::Cryptosign(keys) => Self::cryptosign(keys, &claim),
            _ => Err("this credential needs no challenge"),
        }
    }

    #[cfg(feature = "cra")]
    fn cra(credential: &cra::Credential, claim: Claim<'_>) -> (Self, ChallengeExtra) {
        let mut extra =
            ChallengeExtra { challenge: Some(claim.to_sign.clone()), ..ChallengeExtra::default() };
        if let Some(salt) = &credential.salt {
            extra.salt = Some(salt.salt.clone());
            extra.iterations = Some(salt.iterations.into());
            extra.keylen = Some(salt.keylen.into());
        }
        (Self::Cra { key: credential.key.clone(), challenge: claim.to_sign }, extra)
    }

    #[cfg(feature = "scram")]
    fn scram(credential: &scram::Credential, claim: &Claim<'_>) -> Result<(Self, ChallengeExtra), Wrong> {
        let client_nonce = claim.text("nonce").ok_or("wamp-scram needs `authextra.nonce`")?;
        // and it must not make our answer long.
        if client_nonce.is_empty() || client_nonce.len() > MAX_NONCE || STANDARD.decode(client_nonce).is_err()
        {
            return Err("`authextra.nonce` must be some bytes in Base64");
        }
        let binding = claim.binding();
        if claim.text("channel_binding").is_some() && binding.is_none() {
            return Err("this channel binding is not supported on this connection");
        }
        let nonce = format!("{client_nonce}{}", STANDARD.encode(claim.nonce));
        let salt = STANDARD.encode(&credential.salt);
        let extra = ChallengeExtra {
            nonce: Some(nonce.clone()),
            salt: Some(salt.clone()),
            kdf: Some(credential.kdf.name().to_owned()),
            iterations: Some(credential.kdf.iterations().into()),
            memory: credential.kdf.memory().map(u64::from),
            ..ChallengeExtra::default()
        };
        let (authid, client_nonce) = (claim.authid.to_owned(), client_nonce.to_owned());
        let credential = credential.clone();
        let expected = ExpectedScram { credential, authid, client_nonce, nonce, salt, binding };
        Ok((Self::Scram(Box::new(expected)), extra))
    }

    #[cfg(feature = "cryptosign")]
    fn cryptosign(keys: &[PublicKey], claim: &Claim<'_>) -> Result<(Self, ChallengeExtra), Wrong> {
        let key = public_key(claim.hello).ok_or("cryptosign needs `authextra.pubkey`, 64 hex digits")?;
        let binding = claim.binding();
        let mut extra = ChallengeExtra {
            challenge: Some(cryptosign::text(&claim.nonce)),
            channel_binding: binding.map(|_| TLS_EXPORTER.to_owned()),
            ..ChallengeExtra::default()
        };
        let asked = claim
            .text("challenge")
            .map(|text| cryptosign::challenge(text).ok_or("`authextra.challenge` must be 64 hex digits"));
        if let (Some(asked), Some(router)) = (asked.transpose()?, claim.router_key) {
            let message = cryptosign::message(&asked, binding.as_ref());
            extra.pubkey = Some(router.public_key().to_string());
            extra.signature = Some(cryptosign::attach(&router.sign(&message), &message));
        }
        let message = cryptosign::message(&claim.nonce, binding.as_ref());
        Ok((Self::Cryptosign { key, known: keys.contains(&key), message }, extra))
    }

    /// Whether the client has proven what it claims; as much work if not. Used once: another answer finds nothing.
    pub(crate) fn verify(self, answer: &Authenticate) -> Option<Proven> {
        let signature = answer.signature.expose_text().unwrap_or_default();
        match self {
            Self::Ticket(ticket) => same(ticket.expose(), signature.as_bytes()).then_some(None),
            #[cfg(feature = "cra")]
            Self::Cra { key, challenge } => cra::verify(&key, &challenge, signature).then_some(None),
            #[cfg(feature = "scram")]
            Self::Scram(expected) => expected.verify(answer),
            #[cfg(feature = "cryptosign")]
            Self::Cryptosign { key, known, message } => {
                (cryptosign::verify(&key, &message, signature) && known).then_some(None)
            }
        }
    }
}

#[cfg(feature = "scram")]
impl ExpectedScram {
    fn verify(&self, answer: &Authenticate) -> Option<Proven> {
        let binding = self.binding.as_ref();
        let signed = scram::Signed {
            authid: &self.authid,
            client_nonce: &self.client_nonce,
            nonce: &self.nonce,
            salt: &self.salt,
            iterations: self.credential.kdf.iterations().into(),
            binding,
        };
        let signature = signed.verify(&self.credential, answer.signature.expose_text().unwrap_or_default());
        // what the proof says already, said openly.
        let extra = &answer.extra;
        let same_channel = extra.channel_binding.as_deref() == binding.map(|_| TLS_EXPORTER)
            && extra.cbind_data == binding.map(|data| STANDARD.encode(data));
        let agrees = extra.nonce.as_ref() == Some(&self.nonce) && same_channel;
        let verifier = STANDARD.encode(signature.filter(|_| agrees)?);
        Some(Some(Dict::from_iter([("verifier", verifier)])))
    }
}

/// The key that a client shows in HELLO.
#[cfg(feature = "cryptosign")]
pub(crate) fn public_key(hello: &HelloDetails) -> Option<PublicKey> {
    hello.authextra.as_ref()?.get("pubkey")?.as_str()?.parse().ok()
}
