//! Cryptosign: Ed25519 signatures of the router's challenge, bound to the TLS channel if asked (A-65..A-78).

use core::{fmt, str::FromStr};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::{Secret, hex, secret::same};

/// A private key; not shown by `Debug`, overwritten when dropped.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// From its 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// From 64 hex digits, with spaces around them.
    pub fn from_hex(text: &Secret) -> Option<Self> {
        let bytes = zeroize::Zeroizing::new(hex::decode::<32>(text.expose_text()?.trim())?);
        Some(Self::from_bytes(&bytes))
    }

    /// Its public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature of 32 bytes.
    pub fn sign(&self, message: &[u8; 32]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(.. of {})", self.public_key())
    }
}

/// A public key: 64 hex digits as text.
///
/// ```
/// use wamp_proto::auth::cryptosign::PublicKey;
///
/// let text = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d";
/// assert_eq!(text.parse::<PublicKey>()?.to_string(), text);
/// assert!("1adfc8bf".parse::<PublicKey>().is_err());
/// # Ok::<(), wamp_proto::auth::cryptosign::InvalidKey>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Whether this is a signature of 32 bytes.
    pub fn verify(&self, message: &[u8; 32], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// The text is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of Ed25519: 64 hex digits")]
pub struct InvalidKey;

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let bytes = hex::decode::<32>(text).ok_or(InvalidKey)?;
        // A weak key has signatures that anybody can make.
        let key = VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak());
        key.map(Self).ok_or(InvalidKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The 32 bytes of a challenge, which is 64 hex digits.
pub(super) fn challenge(text: &str) -> Option<[u8; 32]> {
    hex::decode(text)
}

pub(super) fn text(challenge: &[u8; 32]) -> String {
    hex::encode(challenge)
}

/// What is signed: the challenge, or what it and the channel make together (A-68).
pub fn message(challenge: &[u8; 32], channel: Option<&[u8; 32]>) -> [u8; 32] {
    let mut message = *challenge;
    message.iter_mut().zip(channel.into_iter().flatten()).for_each(|(byte, channel)| *byte ^= channel);
    message
}

/// A signature as it is sent: itself and what was signed, 192 hex digits (A-69, A-70).
pub fn attach(signature: &[u8; 64], message: &[u8; 32]) -> String {
    hex::encode(signature) + &hex::encode(message)
}

/// Whether what was sent is a signature of `message`, and of nothing else (A-71).
pub fn verify(key: &PublicKey, message: &[u8; 32], sent: &str) -> bool {
    let Some((signature, signed)) = hex::decode::<96>(sent)
        .and_then(|sent| sent.split_first_chunk::<64>().map(|(a, b)| (*a, b.to_vec())))
    else {
        return false;
    };
    let right = key.verify(message, &signature);
    same(&signed, message) && right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap()
    }

    const CHANNEL: &str = "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff";

    const KEYS: [(&str, &str, &str); 3] = [
        (
            "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
            "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ),
        (
            "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
            "6ed32739ff04a6074044ff0b0e3bfc7c856bc9d5f1d25efc57363bda0af3a8b0",
            "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        ),
        (
            "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
            "28e11f427b82b9a625ee7ac89a7d29326b505f2dc11dd88c1245f83b6da79a85",
            "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        ),
    ];

    /// What each of the keys sends, without a channel and with it.
    const SENT: [[&str; 2]; 3] = [
        [
            "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0cae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00",
        ],
        [
            "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660fb26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
            "305aaa3ac25e98f651427688b3fc43fe7d8a68a7ec1d7d61c61517c519bd4a427c3015599d83ca28b4c652333920223844ef0725eb5dc2febfd6af7677b73f01d0852a29b460fc92ec943242ac638a053bbacc200512b18b30d15083cbdc9282",
        ],
        [
            "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1ec184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30bb05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
            "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608d2b75e24a189a7f78ca776ba36fc53f6c3e31c32f251f2c524f0a44202f2902d",
        ],
    ];

    #[test]
    fn a_77_known_answers() {
        for ((secret, public, challenge), sent) in KEYS.into_iter().zip(SENT) {
            let key = SecretKey::from_hex(&secret.into()).unwrap();
            assert_eq!(key.public_key().to_string(), public);
            for (channel, sent) in [None, Some(bytes::<32>(CHANNEL))].into_iter().zip(sent) {
                let message = message(&bytes(challenge), channel.as_ref());
                assert_eq!(attach(&key.sign(&message), &message), sent);
                assert!(verify(&key.public_key(), &message, sent));
            }
        }
    }

    const CLIENT: &str = "545efb0a2192db8d43f118e9bf9aee081466e1ef36c708b96ee6f62dddad9122";
    const CERTIFIED_CLIENT: &str = "12ae0184b180e9a9c5e45be4a1afbce3c6491320063701cd9c4011a777d04089";
    const ROUTER: &str = "4a3838f6fe75251e613329d53fc69b262d5eac97fb1d73bebbaed4015b53c862";
    /// The channels of the second and the third example.
    const SECOND: &str = "e973bee24dcea9e20625f949c0e3cd28d632ccbefe4907c2fac2728710f7b160";
    const THIRD: &str = "bd5b9ef32d574c39617a2e3cbf0844859165acb9443b1d7b49a004b68b82281e";

    /// All signatures of the chapter: signer, challenge, channel, and the signature without the message behind it.
    const SIGNED: [(&str, &str, Option<&str>, &str); 7] = [
        (
            CLIENT,
            "fa034062ad76352b53a25358854577730db82f367aa439709c91296d04a5716c",
            None,
            "e2f0297a193b63b7a4a92028e9e2e6107f82730560d54a657bd982cb4b3151490399debbbde998e494d3c3b2a5e2e91271291e10dee85a6cfaa127885ddd8b0a",
        ),
        (
            ROUTER,
            "bbae60ea44cdd7b20dc7010a618b0f0803fab25a817520b4b7f057299b524deb",
            None,
            "fd5128d2d207ba58a9d1d6f41b72c747964ad9d1294077b3b1eee6130b05843ab12c53c7f2519f73d4feb82db19d8ca0fc26b62bde6518e79a882f5795bc9f00",
        ),
        (
            CLIENT,
            "0e9192bc08512c8198da159c1ae600ba91729215f35d56102ee318558e773537",
            None,
            "a3a178fe792ed772a8fc092f8341e455de96670c8901264a7c312dbf940d5743626fe9fbc29b23dcd2169b308eca309de85a89ccd296b24835de3d95b16b7703",
        ),
        (
            ROUTER,
            "4f861f12796c2972b7b0026522a687aa851d90355122a61d4f1fdce4d06b564f",
            Some(SECOND),
            "aa05f4cd7747d36b79443f1d4703a681e107edc085d876b508714e2a3a8135bacaae1c018452c4acb3ad2818aa97a6d23e5ac7e3734c7b1f40e6232a70938205",
        ),
        (
            CLIENT,
            "358625312c6c3bf64ed51d17d210ce21af1639c774cabf5735a9651d7d91fc6a",
            Some(SECOND),
            "25114474580d6e99a6126b091b4565c23db567d686c5b8c3a94e3f2f09dc80300c5b40a124236733fa56396df721eb12ac092362379bd5b27b4db9e2beaa1408",
        ),
        (
            ROUTER,
            "2763e7fdb1c34a74e8497daf6c913744d11161a94cec3b16aeec60a788612e17",
            Some(THIRD),
            "ce456092998d796533d7ef2bab543300409d161066c9520c9284df6bbfb82947b37fb78d69fd56e5118afec62e35e015c60569af2e18ed92fedc738552242d03",
        ),
        (
            CERTIFIED_CLIENT,
            "e4b40f72f9604754789d472225483bace926b9668d72c9122545e540d8d98f23",
            Some(THIRD),
            "16c89629e72aff3f44661e701341b2221a2fa9d93205826fad85e70d3a8dab70a8f54314c14d470ebeb77a0dd16c833928c01134a52b2e73862b7d3f258b6000",
        ),
    ];

    #[test]
    fn a_78_known_signatures() {
        for (signer, challenge, channel, signature) in SIGNED {
            let signer = signer.parse().unwrap();
            let signed = message(&bytes(challenge), channel.map(bytes::<32>).as_ref());
            let sent = signature.to_owned() + &hex::encode(&signed);
            assert!(verify(&signer, &signed, &sent), "{challenge}");
            // Nor is one of them good for another challenge, or without its channel.
            let others = SIGNED.iter().filter(|(_, other, ..)| *other != challenge);
            for (_, other, channel, _) in others {
                let other = message(&bytes(other), channel.map(bytes::<32>).as_ref());
                assert!(!verify(&signer, &other, &sent));
            }
        }
    }

    #[test]
    fn a_71_fault_83_anything_else_is_no_signature() {
        let key = SecretKey::from_bytes(&[1; 32]);
        let (one, other) = ([2; 32], [3; 32]);
        let sent = attach(&key.sign(&other), &other);
        assert!(verify(&key.public_key(), &other, &sent));
        // A replay: rightly signed, but something else.
        assert!(!verify(&key.public_key(), &one, &sent));
        assert!(!verify(&key.public_key(), &one, &attach(&key.sign(&other), &one)));
        assert!(!verify(&key.public_key(), &other, &attach(&key.sign(&other), &one)));
        assert!(!verify(&SecretKey::from_bytes(&[4; 32]).public_key(), &other, &sent));
        for text in ["", "00", &sent[..190], &sent[..128], &(sent.clone() + "00"), &"zz".repeat(96)] {
            assert!(!verify(&key.public_key(), &other, text));
        }
        let (off_the_curve, weak) = ("02".to_owned() + &"00".repeat(31), "01".to_owned() + &"00".repeat(31));
        for text in ["", "00", &"00".repeat(31), &"zz".repeat(32), &off_the_curve, &weak] {
            assert_eq!(text.parse::<PublicKey>(), Err(InvalidKey), "{text}");
        }
    }
}
