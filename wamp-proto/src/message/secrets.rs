//! What stands in messages and is not for others to see: proofs of who somebody is, and what they are made of.

use super::{AuthenticateExtra, ChallengeExtra, Message, MessageKind};
use crate::dict::Dict;

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

impl MessageKind {
    /// Whether messages of this kind may prove who somebody is, or help with it: HELLO, WELCOME, CHALLENGE, AUTHENTICATE.
    pub const fn may_hold_secrets(self) -> bool {
        matches!(self, Self::Hello | Self::Welcome | Self::Challenge | Self::Authenticate)
    }
}

impl Message {
    /// The message as it may be logged: without the values of `authextra` in HELLO and WELCOME, without all of CHALLENGE but the
    /// method, and without the signature and all else of AUTHENTICATE. `(hidden)` stands for what was there. Payloads stay.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use wamp_proto::{Encoding, Limits, message::Message};
    ///
    /// let frame = Bytes::from_static(br#"[5,"open sesame",{}]"#);
    /// let message = Message::decode(Encoding::Json, &frame, &Limits::default()).unwrap().without_secrets();
    /// assert_eq!(message.encode(Encoding::Json).unwrap(), r#"[5,"(hidden)",{}]"#);
    /// ```
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        match &mut self {
            Self::Hello(hello) => hide(&mut hello.details.authextra),
            Self::Welcome(welcome) => hide(&mut welcome.details.authextra),
            Self::Challenge(challenge) => {
                challenge.extra = ChallengeExtra::default();
                challenge.extra.challenge = Some(HIDDEN.to_owned());
            }
            Self::Authenticate(authenticate) => {
                authenticate.signature = HIDDEN.into();
                authenticate.extra = AuthenticateExtra::default();
            }
            _ => {}
        }
        self
    }
}

/// The names are of use, the values are not to be seen.
fn hide(extra: &mut Option<Dict>) {
    if let Some(extra) = extra {
        let names = extra.keys().map(str::to_owned).collect::<Vec<_>>();
        for name in names {
            extra.insert(name, HIDDEN);
        }
    }
}
