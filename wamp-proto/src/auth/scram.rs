//! WAMP-SCRAM: a password that neither end reveals, and a router that proves that it knows it (A-40..A-58).

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{AuthError, Secret, TLS_EXPORTER, client::MAX_ITERATIONS, hex, mac::mac, secret::same};
use crate::message::{AuthenticateExtra, ChallengeExtra};

/// How a password becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kdf {
    /// PBKDF2 with HMAC-SHA-256.
    Pbkdf2 {
        /// Rounds.
        iterations: u32,
    },
    /// Argon2id, version 1.3, in one lane.
    Argon2id {
        /// Passes.
        iterations: u32,
        /// Memory in KiB.
        memory: u32,
    },
}

impl Kdf {
    /// PBKDF2 with so many rounds.
    pub const fn pbkdf2(iterations: u32) -> Self {
        Self::Pbkdf2 { iterations }
    }

    /// Argon2id with so many passes over so many KiB.
    pub const fn argon2id(iterations: u32, memory: u32) -> Self {
        Self::Argon2id { iterations, memory }
    }

    /// The name in CHALLENGE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pbkdf2 { .. } => "pbkdf2",
            Self::Argon2id { .. } => "argon2id13",
        }
    }

    pub(super) const fn iterations(self) -> u32 {
        match self {
            Self::Pbkdf2 { iterations } | Self::Argon2id { iterations, .. } => iterations,
        }
    }

    pub(super) const fn memory(self) -> Option<u32> {
        match self {
            Self::Pbkdf2 { .. } => None,
            Self::Argon2id { memory, .. } => Some(memory),
        }
    }

    /// What a challenge says, within what a client accepts (A-44, fault 81).
    fn of(extra: &ChallengeExtra) -> Result<Self, AuthError> {
        let within = |what, found: Option<u64>, least, most| {
            let found = found.unwrap_or(0);
            let number = u32::try_from(found).ok().filter(|_| (least..=most).contains(&found));
            number.ok_or(AuthError::KeyDerivation { what, least, most, found })
        };
        match extra.kdf.as_deref() {
            Some("pbkdf2") => Ok(Self::Pbkdf2 {
                iterations: within("iterations", extra.iterations, 4_096, MAX_ITERATIONS)?,
            }),
            Some("argon2id13") => {
                let memory = within("memory", extra.memory, 4 << 10, 256 << 10)?;
                let most = MAX_ARGON2_COST.checked_div(u64::from(memory)).unwrap_or(0);
                Ok(Self::Argon2id { iterations: within("iterations", extra.iterations, 1, most)?, memory })
            }
            _ => Err(bad("its key derivation is neither pbkdf2 nor argon2id13")),
        }
    }

    /// The salted password.
    fn derive(self, password: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, AuthError> {
        let mut key = Zeroizing::new([0; 32]);
        match self {
            Self::Pbkdf2 { iterations } => {
                pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, &mut *key);
            }
            Self::Argon2id { iterations, memory } => Params::new(memory, iterations, 1, Some(32))
                .and_then(|params| {
                    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                    argon2.hash_password_into(password.as_bytes(), salt, &mut *key)
                })
                .map_err(|_| AuthError::Unusable("argon2id13 takes no salt of less than 8 bytes"))?,
        }
        Ok(key)
    }
}

/// Most KiB times passes: some seconds.
const MAX_ARGON2_COST: u64 = 4 << 20;

/// What a router keeps of a user: neither the password, nor what could be used in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential {
    /// The salt.
    pub salt: Vec<u8>,
    /// The key derivation.
    pub kdf: Kdf,
    /// What proofs are checked against.
    pub stored_key: Secret,
    /// What the router proves itself with.
    pub server_key: Secret,
}

impl Credential {
    /// What was derived from a password earlier.
    pub fn new(salt: Vec<u8>, kdf: Kdf, stored_key: [u8; 32], server_key: [u8; 32]) -> Self {
        Self { salt, kdf, stored_key: stored_key.to_vec().into(), server_key: server_key.to_vec().into() }
    }

    /// From text: the salt in Base64, the keys in hexadecimal.
    pub fn parse(salt: &str, kdf: Kdf, stored_key: &str, server_key: &str) -> Option<Self> {
        let salt = STANDARD.decode(salt).ok()?;
        Some(Self::new(salt, kdf, hex::decode(stored_key)?, hex::decode(server_key)?))
    }

    /// Derives it from a password; this takes as long as `kdf` is strong.
    ///
    /// # Errors
    ///
    /// When the password has characters that no password may have, or `kdf` cannot be computed.
    pub fn derive(password: &Secret, salt: &[u8], kdf: Kdf) -> Result<Self, AuthError> {
        let salted = kdf.derive(&prepared(password)?, salt)?;
        let (client_key, server_key) = (mac(&*salted, b"Client Key"), mac(&*salted, b"Server Key"));
        Ok(Self::new(salt.to_vec(), kdf, Sha256::digest(client_key).into(), server_key))
    }

    /// One with the same parameters, a salt that stays the same for a name, and keys that nobody has.
    #[cfg(feature = "router")]
    pub(super) fn decoy(&self, bytes: [u8; 32]) -> Self {
        let salt = mac(&bytes, b"salt").into_iter().cycle().take(self.salt.len()).collect();
        Self::new(salt, self.kdf, mac(&bytes, b"stored"), mac(&bytes, b"server"))
    }
}

/// SASLprep.
fn prepared(password: &Secret) -> Result<Zeroizing<String>, AuthError> {
    let unusable = AuthError::Unusable("the password has characters that no password may have");
    let text = password.expose_text().ok_or(unusable.clone())?;
    let prepared = stringprep::saslprep(text).map_err(|_| unusable)?;
    Ok(Zeroizing::new(prepared.into_owned()))
}

/// The parts of the exchange that both ends sign.
pub(super) struct Signed<'a> {
    pub(super) authid: &'a str,
    pub(super) client_nonce: &'a str,
    pub(super) nonce: &'a str,
    pub(super) salt: &'a str,
    pub(super) iterations: u64,
    pub(super) binding: Option<&'a [u8; 32]>,
}

impl Signed<'_> {
    fn message(&self) -> Result<String, AuthError> {
        let authid = stringprep::saslprep(self.authid)
            .map_err(|_| AuthError::Unusable("the authid has characters that no name may have"))?;
        let authid = authid.replace('=', "=3D").replace(',', "=2C");
        let Self { client_nonce, nonce, salt, iterations, binding, .. } = self;
        let bound = match binding {
            Some(data) => [b"p=", TLS_EXPORTER.as_bytes(), b",,", *data].concat(),
            None => b"n,,".to_vec(),
        };
        let bound = STANDARD.encode(bound);
        Ok(format!("n={authid},r={client_nonce},r={nonce},s={salt},i={iterations},c={bound},r={nonce}"))
    }

    /// The client's proof, and the signature that the router has to answer with.
    fn prove(&self, salted: &[u8; 32]) -> Result<([u8; 32], [u8; 32]), AuthError> {
        let message = self.message()?;
        let client_key = Zeroizing::new(mac(salted, b"Client Key"));
        let stored_key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(*client_key)));
        let proof = xor(&client_key, &mac(&*stored_key, message.as_bytes()));
        Ok((proof, mac(&mac(salted, b"Server Key"), message.as_bytes())))
    }

    /// The router's signature, if the proof is right; takes the same time if not.
    #[cfg(feature = "router")]
    pub(super) fn verify(&self, credential: &Credential, proof: &str) -> Option<[u8; 32]> {
        let message = self.message().unwrap_or_default();
        let proof = STANDARD.decode(proof).ok().and_then(|proof| <[u8; 32]>::try_from(proof).ok());
        let client_key =
            xor(&proof.unwrap_or_default(), &mac(credential.stored_key.expose(), message.as_bytes()));
        let right = same(&Sha256::digest(client_key), credential.stored_key.expose());
        let signature = mac(credential.server_key.expose(), message.as_bytes());
        (right && proof.is_some() && !message.is_empty()).then_some(signature)
    }
}

/// What a client answers, and the signature that WELCOME must carry.
pub(super) fn answer(
    authid: &str,
    password: &Secret,
    client_nonce: &str,
    binding: Option<&[u8; 32]>,
    extra: &ChallengeExtra,
) -> Result<(String, AuthenticateExtra, [u8; 32]), AuthError> {
    let kdf = Kdf::of(extra)?;
    let (Some(nonce), Some(salt)) = (&extra.nonce, &extra.salt) else {
        return Err(bad("it lacks nonce or salt"));
    };
    // and the router's part must not be empty.
    if nonce.strip_prefix(client_nonce).is_none_or(str::is_empty) {
        return Err(bad("its nonce does not begin with ours"));
    }
    let salt_bytes = STANDARD.decode(salt).map_err(|_| bad("its salt is not Base64"))?;
    let salted = kdf.derive(&prepared(password)?, &salt_bytes);
    // The salt is the router's.
    let salted = salted.map_err(|_| bad("its key derivation does not take its salt"))?;
    let iterations = u64::from(kdf.iterations());
    let (proof, expected) =
        Signed { authid, client_nonce, nonce, salt, iterations, binding }.prove(&salted)?;
    let extra = AuthenticateExtra {
        nonce: Some(nonce.clone()),
        channel_binding: binding.map(|_| TLS_EXPORTER.to_owned()),
        cbind_data: binding.map(|data| STANDARD.encode(data)),
        ..AuthenticateExtra::default()
    };
    Ok((STANDARD.encode(proof), extra, expected))
}

/// Whether WELCOME carries the signature, with or without the prefix that the example has.
pub(super) fn is_verified(verifier: &str, expected: &[u8; 32]) -> bool {
    let verifier = verifier.strip_prefix("v=").unwrap_or(verifier);
    STANDARD.decode(verifier).is_ok_and(|signature| same(&signature, expected))
}

fn bad(why: &'static str) -> AuthError {
    AuthError::Challenge { method: "wamp-scram", why }
}

fn xor(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    let mut sum = *one;
    sum.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers: nonces, salt, proof and server signature.
    const KNOWN: [[&str; 5]; 2] = [
        // RFC 7677, section 3.
        [
            "rOprNGfwEbeRWgbNEkqO",
            "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
        //
        [
            "egVDf3DMJh0=",
            "egVDf3DMJh0=SBmkFIh7sSo=",
            "aBc+fx0NAVA=",
            "L1uwjEEL7BdbtlWMKxNcQ1A/CmNjct+7xdAguB/rpnA=",
            "AyTAljdPHv74Zx+gn+6DqiFnl4XOZUXpC7k/pSkjBOg=",
        ],
    ];

    fn extra(nonce: &str, salt: &str) -> ChallengeExtra {
        ChallengeExtra {
            nonce: Some(nonce.to_owned()),
            salt: Some(salt.to_owned()),
            kdf: Some("pbkdf2".to_owned()),
            iterations: Some(4_096),
            ..ChallengeExtra::default()
        }
    }

    #[test]
    fn a_57_a_58_known_answers() {
        for [client_nonce, nonce, salt, proof, signature] in KNOWN {
            let (found, _, expected) =
                answer("user", &"pencil".into(), client_nonce, None, &extra(nonce, salt)).unwrap();
            assert_eq!((found.as_str(), STANDARD.encode(expected).as_str()), (proof, signature));
            assert!(is_verified(signature, &expected) && is_verified(&format!("v={signature}"), &expected));
            assert!(!is_verified(proof, &expected) && !is_verified("", &expected));
        }
    }

    #[test]
    #[cfg(feature = "router")]
    fn a_50_both_ends_agree_whatever_the_kdf_and_binding() {
        let password = Secret::from("pass\u{AD}word"); // the soft hyphen is nothing.
        for kdf in [Kdf::Pbkdf2 { iterations: 4_096 }, Kdf::Argon2id { iterations: 1, memory: 4_096 }] {
            let credential = Credential::derive(&"password".into(), b"salt of it", kdf).unwrap();
            let salt = STANDARD.encode(&credential.salt);
            for binding in [None, Some(&[7; 32])] {
                let extra = ChallengeExtra {
                    kdf: Some(kdf.name().to_owned()),
                    iterations: Some(kdf.iterations().into()),
                    memory: kdf.memory().map(u64::from),
                    ..extra("Y2xpZW50cm91dGVy", &salt)
                };
                let (proof, sent, expected) =
                    answer("a=b,c", &password, "Y2xpZW50", binding, &extra).unwrap();
                assert_eq!(sent.cbind_data.is_some(), binding.is_some());
                let mut signed = Signed {
                    authid: "a=b,c",
                    client_nonce: "Y2xpZW50",
                    nonce: "Y2xpZW50cm91dGVy",
                    salt: &salt,
                    iterations: kdf.iterations().into(),
                    binding,
                };
                assert_eq!(signed.verify(&credential, &proof), Some(expected));
                assert_eq!(signed.verify(&credential, &STANDARD.encode([0; 32])), None);
                signed.binding = Some(&[8; 32]);
                assert_eq!(signed.verify(&credential, &proof), None, "bound to another channel");
            }
        }
    }

    #[test]
    fn fault_81_fault_82_hostile_challenges() {
        let good = extra("aaaabbbb", "c2FsdHNhbHQ=");
        let refused = |change: &dyn Fn(&mut ChallengeExtra)| {
            let mut extra = good.clone();
            change(&mut extra);
            answer("user", &"pencil".into(), "aaaa", None, &extra).unwrap_err()
        };
        for iterations in [0, 1, 4_095, 1_000_001, 1_000_000_000, u64::MAX] {
            assert!(matches!(
                refused(&|extra| extra.iterations = Some(iterations)),
                AuthError::KeyDerivation { .. }
            ));
        }
        for (memory, iterations) in [(1 << 32, 1), (4 << 30, 1), (0, 1), (256 << 10, 17), (4 << 10, 1 << 20)]
        {
            let error = refused(&|extra| {
                extra.kdf = Some("argon2id13".to_owned());
                (extra.memory, extra.iterations) = (Some(memory), Some(iterations));
            });
            assert!(matches!(error, AuthError::KeyDerivation { .. }), "{error:?}");
        }
        for nonce in ["bbbbaaaa", "aaaa", "", "aaa"] {
            assert!(matches!(
                refused(&|extra| extra.nonce = Some(nonce.to_owned())),
                AuthError::Challenge { .. }
            ));
        }
        assert!(matches!(refused(&|extra| extra.kdf = Some("md5".to_owned())), AuthError::Challenge { .. }));
        assert!(matches!(refused(&|extra| extra.salt = Some("?".to_owned())), AuthError::Challenge { .. }));
        let short = refused(&|extra| {
            extra.kdf = Some("argon2id13".to_owned());
            (extra.memory, extra.iterations, extra.salt) = (Some(4_096), Some(1), Some("AAAA".to_owned()));
        });
        assert!(short.to_string().contains("the router's wamp-scram challenge is bad"), "{short}");
        let own = Credential::derive(&"pencil".into(), b"abc", Kdf::argon2id(1, 64)).unwrap_err();
        assert!(matches!(own, AuthError::Unusable(_)), "{own}");
        assert!(matches!(
            answer("user", &"a\u{0}b".into(), "aaaa", None, &good),
            Err(AuthError::Unusable(_))
        ));
    }
}
