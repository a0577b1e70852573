//! Opening and closing: HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE, GOODBYE (M-20..M-25).

use super::{Roles, attributes::attributes, element::message};
use crate::{auth::Secret, dict::Dict, id::SessionId, uri::Uri, value::Value};

message! {
    /// The client asks to join a realm (M-20).
    pub struct Hello {
        /// The realm to join (I-34).
        realm: Uri,
        /// Who the client is and what it can do.
        details: HelloDetails,
    }
}

attributes! {
    /// `HELLO.Details` (M-50..M-58).
    pub struct HelloDetails {
        /// The client's roles and features; a HELLO without any is refused (S-07).
        roles: Roles,
        /// Implementation of the client.
        agent: Option<String>,
        /// Authentication methods that the client offers, best first.
        authmethods: Option<Vec<String>>,
        /// The identity that the client claims.
        authid: Option<String>,
        /// What the authentication method needs to begin.
        authextra: Option<Dict>,
        /// Transport-level authentication; never trusted when it comes from the client itself.
        transport: Option<Value>,
    }
}

message! {
    /// The router opens the session (M-21).
    pub struct Welcome {
        /// The session.
        session: SessionId,
        /// What the router can do, and who the client is to it.
        details: WelcomeDetails,
    }
}

attributes! {
    /// `WELCOME.Details` (M-59..M-66).
    pub struct WelcomeDetails {
        /// The router's roles and features.
        roles: Roles,
        /// Implementation of the router.
        agent: Option<String>,
        /// The realm that was joined, when it is not the one asked for (M-64).
        realm: Option<Uri>,
        /// The effective identity.
        authid: Option<String>,
        /// The effective role.
        authrole: Option<String>,
        /// How the client was authenticated.
        authmethod: Option<String>,
        /// Who authenticated the client.
        authprovider: Option<String>,
        /// What the authentication method ends with.
        authextra: Option<Dict>,
    }
}

message! {
    /// Either peer ends the session at once; never answered (M-22, S-60).
    pub struct Abort {
        /// A text for people.
        details: ClosingDetails,
        /// Why.
        reason: Uri,
    }
    payload: payload
}

message! {
    /// Either peer closes the session in order; answered by another one (M-25, S-60).
    pub struct Goodbye {
        /// A text for people.
        details: ClosingDetails,
        /// Why.
        reason: Uri,
    }
}

attributes! {
    /// `ABORT.Details` and `GOODBYE.Details` (M-67, M-68).
    pub struct ClosingDetails {
        /// A text for people.
        message: Option<String>,
        /// The error of a SCRAM exchange, as RFC 5802 names them.
        scram: Option<String>,
    }
}

impl ClosingDetails {
    /// Longest text in bytes, however a serializer escapes it: the rest of an ABORT fits into 512 bytes with it, the
    /// least that a peer can announce to receive (W-62).
    const MAX_TEXT: usize = 400;

    /// With a text for people that the other side may have chosen a part of: no more of it than fits into any limit.
    pub(crate) fn with_text(text: &str) -> Self {
        let mut room = Self::MAX_TEXT;
        let fits = |c: &char| {
            let size = match c {
                c if c.is_control() => 6,
                '"' | '\\' => 2,
                c => c.len_utf8(),
            };
            room.checked_sub(size).is_some_and(|left| {
                room = left;
                true
            })
        };
        Self { message: Some(text.chars().take_while(fits).collect()), ..Self::default() }
    }
}

message! {
    /// The router asks for proof of the claimed identity (M-23).
    pub struct Challenge {
        /// The method that the router chose among those offered.
        authmethod: String,
        /// What the method needs.
        extra: ChallengeExtra,
    }
}

attributes! {
    /// `CHALLENGE.Extra` of every method (M-69..M-72).
    pub struct ChallengeExtra {
        /// WAMP-CRA: the string to sign. Cryptosign: 32 random bytes in hex.
        challenge: Option<String>,
        /// WAMP-CRA, SCRAM: salt of the key derivation.
        salt: Option<String>,
        /// WAMP-CRA: length of the derived key in bytes.
        keylen: Option<u64>,
        /// WAMP-CRA, SCRAM: rounds of the key derivation.
        iterations: Option<u64>,
        /// SCRAM: the client's nonce followed by the router's.
        nonce: Option<String>,
        /// SCRAM: key derivation function.
        kdf: Option<String>,
        /// SCRAM: memory of the key derivation in KiB.
        memory: Option<u64>,
        /// Cryptosign: channel binding in use.
        channel_binding: Option<String>,
        /// Cryptosign: the router's public key in hex.
        pubkey: Option<String>,
        /// Cryptosign: the router's signature in hex.
        signature: Option<String>,
        /// Cryptosign: platform registers to attest.
        attest: Option<Vec<u64>>,
    }
}

message! {
    /// The client answers a challenge (M-24).
    pub struct Authenticate {
        /// Ticket, signature or proof, in text.
        signature: Secret,
        /// What the method needs besides.
        extra: AuthenticateExtra,
    }
}

attributes! {
    /// `AUTHENTICATE.Extra` of every method (M-69..M-72).
    pub struct AuthenticateExtra {
        /// SCRAM: the combined nonce.
        nonce: Option<String>,
        /// SCRAM: channel binding in use.
        channel_binding: Option<String>,
        /// SCRAM: channel binding data, Base64.
        cbind_data: Option<String>,
        /// Cryptosign: attestation quote.
        quote: Option<Value>,
        /// Cryptosign: attestation measurement.
        measurement: Option<Value>,
    }
}
