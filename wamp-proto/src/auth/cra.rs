//! WAMP-CRA: a signature of the router's challenge with a shared secret (A-30..A-38).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{AuthError, Secret, mac::mac, secret::same};
use crate::message::ChallengeExtra;

/// Length and rounds of a derived key when the challenge has a salt and does not say (A-35).
const KEY_LENGTH: u64 = 32;
const ITERATIONS: u64 = 1_000;

/// How a key is derived from a secret (A-33).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salt {
    /// The salt, as text.
    pub salt: String,
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// Length of the key in bytes.
    pub keylen: u32,
}

impl Salt {
    /// This salt, with 100,000 rounds and keys of 32 bytes.
    pub fn new(salt: impl Into<String>) -> Self {
        Self { salt: salt.into(), iterations: 100_000, keylen: 32 }
    }

    /// With so many rounds.
    #[must_use]
    pub fn iterations(mut self, iterations: u32) -> Self {
        self.iterations = iterations;
        self
    }

    /// The key that takes the place of the secret: Base64 text of PBKDF2 with HMAC-SHA-256, the salt taken as it is (A-34).
    ///
    /// ```
    /// use wamp_proto::auth::cra::Salt;
    ///
    /// let key = Salt::new("salt123").iterations(1_000).derive(&"secret2".into());
    /// assert_eq!(key.expose_text(), Some("nythvFZ7EuM5sPCQrrgnz1oJiZXUNcZZFlDIdGSiNUs="));
    /// ```
    pub fn derive(&self, secret: &Secret) -> Secret {
        let mut key = Zeroizing::new(vec![0; usize::try_from(self.keylen).unwrap_or(0)]);
        pbkdf2::pbkdf2_hmac::<Sha256>(secret.expose(), self.salt.as_bytes(), self.iterations, &mut key);
        STANDARD.encode(&*key).into()
    }

    /// What a challenge says, within what a client accepts (fault 81).
    fn of(extra: &ChallengeExtra) -> Result<Option<Self>, AuthError> {
        let Some(salt) = &extra.salt else { return Ok(None) };
        let within = |what, found, least, most| {
            let number = u32::try_from(found).ok().filter(|_| (least..=most).contains(&found));
            number.ok_or(AuthError::KeyDerivation { what, least, most, found })
        };
        let iterations = within(
            "iterations",
            extra.iterations.unwrap_or(ITERATIONS),
            1_000,
            super::client::MAX_ITERATIONS,
        )?;
        let keylen = within("keylen", extra.keylen.unwrap_or(KEY_LENGTH), 16, 64)?;
        Ok(Some(Self { salt: salt.clone(), iterations, keylen }))
    }
}

/// What a router keeps of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub(super) key: Secret,
    pub(super) salt: Option<Salt>,
}

impl Credential {
    /// A secret that is used as it is.
    pub fn plain(secret: impl Into<Secret>) -> Self {
        Self { key: secret.into(), salt: None }
    }

    /// A key that was derived with this salt.
    pub fn derived(key: impl Into<Secret>, salt: Salt) -> Self {
        Self { key: key.into(), salt: Some(salt) }
    }

    /// One with the same parameters, another salt and a key that nobody has.
    #[cfg(feature = "router")]
    pub(super) fn decoy(&self, bytes: [u8; 32]) -> Self {
        let key = STANDARD.encode(mac(&bytes, b"key"));
        let other = STANDARD.encode(mac(&bytes, b"salt"));
        let salt = self.salt.as_ref().map(|real| {
            let salt = other.chars().cycle().take(real.salt.chars().count()).collect();
            Salt { salt, ..real.clone() }
        });
        Self { key: key.into(), salt }
    }
}

/// The signature of a challenge: Base64 of HMAC-SHA-256 over the text as it came (A-32).
pub fn sign(key: &Secret, challenge: &str) -> String {
    STANDARD.encode(mac(key.expose(), challenge.as_bytes()))
}

/// Whether this is the signature of a challenge; takes the same time if not.
pub fn verify(key: &Secret, challenge: &str, signature: &str) -> bool {
    same(sign(key, challenge).as_bytes(), signature.as_bytes())
}

/// What a client answers to a challenge.
pub(super) fn answer(secret: &Secret, extra: &ChallengeExtra) -> Result<String, AuthError> {
    let challenge = challenge(extra)?;
    let derived = Salt::of(extra)?.map(|salt| salt.derive(secret));
    Ok(sign(derived.as_ref().unwrap_or(secret), challenge))
}

pub(super) fn challenge(extra: &ChallengeExtra) -> Result<&str, AuthError> {
    let why = "it lacks the text to sign";
    extra.challenge.as_deref().ok_or(AuthError::Challenge { method: "wampcra", why })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = r#"{"authid":"peter","authrole":"user","authmethod":"wampcra","authprovider":"userdb","nonce":"LHRTC9zeOIrt_9U3","timestamp":"2014-06-22T16:36:25.448Z","session":3251278072152162}"#;

    fn extra() -> ChallengeExtra {
        ChallengeExtra { challenge: Some(CHALLENGE.to_owned()), ..ChallengeExtra::default() }
    }

    #[test]
    fn a_36_known_answers() {
        let secret = Secret::from("secret2");
        assert_eq!(answer(&secret, &extra()).unwrap(), "LQzJtCJ9YyiABg8R8kXZayLFOGWSkgHTq3sDdveQPbc=");
        for (iterations, keylen) in [(Some(1_000), Some(32)), (None, None)] {
            let extra = ChallengeExtra { salt: Some("salt123".to_owned()), iterations, keylen, ..extra() };
            assert_eq!(answer(&secret, &extra).unwrap(), "IGltHlrWwLthd8FSINTknlwucV059v3lRrpEds2/aZU=");
        }
    }

    #[test]
    fn a_37_only_the_right_signature_is_right() {
        let secret = Secret::from("secret2");
        let signature = sign(&secret, CHALLENGE);
        assert!(verify(&secret, CHALLENGE, &signature));
        let shorter = signature.trim_end_matches('=');
        for wrong in ["", shorter, "LQzJtCJ9YyiABg8R8kXZayLFOGWSkgHTq3sDdveQPbd="] {
            assert!(!verify(&secret, CHALLENGE, wrong));
        }
        assert!(!verify(&"secret3".into(), CHALLENGE, &signature));
    }

    #[test]
    fn fault_81_hostile_parameters() {
        for (iterations, keylen) in [
            (0, 32),
            (999, 32),
            (1_000_001, 32),
            (1_000_000_000, 32),
            (u64::MAX, 32),
            (1_000, 0),
            (1_000, 1 << 31),
        ] {
            let (iterations, keylen) = (Some(iterations), Some(keylen));
            let extra = ChallengeExtra { salt: Some("s".to_owned()), iterations, keylen, ..extra() };
            let refused = answer(&"secret".into(), &extra);
            assert!(matches!(refused, Err(AuthError::KeyDerivation { .. })), "{refused:?}");
        }
        assert!(matches!(
            answer(&"secret".into(), &ChallengeExtra::default()),
            Err(AuthError::Challenge { .. })
        ));
    }
}
