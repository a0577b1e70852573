//! Whom [`Router::static_auth`](crate::Router::static_auth) knows: one user for each method, named after it, in the role
//! `user`, with the same [`SECRET`]. Nobody else is let in.
//!
//! ```
//! use wamp_blocking::Wait as _;
//! use wamp_test::{Router, blocking, users};
//!
//! let router = Router::static_auth();
//! let client = router.connect::<blocking::Network>().auth(users::cra()).wait()?;
//! assert_eq!(client.welcome().authid.unwrap(), "cra");
//! assert!(router.connect::<blocking::Network>().wait().is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::OnceLock;

use wamp_driver::{
    Authentication, Principal,
    auth::{Cra, Cryptosign, Method, Scram, Secret, SecretKey, Ticket},
    proto::auth::{
        Credential,
        cra::Credential as CraCredential,
        scram::{Credential as ScramCredential, Kdf},
    },
};

/// The secret of all of them.
pub const SECRET: &str = "open sesame";

/// The private key of the user `cryptosign`, in hex.
pub const PRIVATE_KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// The user `ticket`.
pub fn ticket() -> Ticket {
    Ticket::new("ticket", SECRET)
}

/// The user `cra`.
pub fn cra() -> Cra {
    Cra::new("cra", SECRET)
}

/// The user `scram`.
pub fn scram() -> Scram {
    Scram::new("scram", SECRET)
}

/// The user `cryptosign`.
pub fn cryptosign() -> Cryptosign {
    Cryptosign::new(Secret::from(PRIVATE_KEY)).authid("cryptosign")
}

/// The rule that lets them in.
pub(crate) fn rule() -> Authentication {
    let users = [
        ("ticket", Credential::Ticket(SECRET.into())),
        ("cra", Credential::Cra(CraCredential::plain(SECRET))),
        ("scram", Credential::Scram(scram_credential())),
        ("cryptosign", Credential::Cryptosign(vec![SecretKey::from_bytes(&[1; 32]).public_key()])),
    ];
    let methods = [Method::Ticket, Method::Cra, Method::Scram, Method::Cryptosign];
    let users = users.map(|(name, credential)| Principal::new(name, "user").credential(credential));
    users.into_iter().fold(Authentication::new(methods), Authentication::principal)
}

/// Made once: it is slow on purpose.
fn scram_credential() -> ScramCredential {
    static MADE: OnceLock<ScramCredential> = OnceLock::new();
    let derive =
        || ScramCredential::derive(&SECRET.into(), b"saltsalt", Kdf::pbkdf2(4_096)).expect("a password");
    MADE.get_or_init(derive).clone()
}
