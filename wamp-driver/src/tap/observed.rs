//! A message as taps see it.

use std::fmt;

use bytes::Bytes;
use wamp_proto::{
    Encoding, Limits, Payload,
    id::SessionId,
    message::{Message, MessageKind},
};

use super::Side;

/// A message, as a [`Tap`](super::Tap) sees it. Cheap to clone; the payload is looked at when it is asked for.
///
/// What proves who somebody is has been replaced by `(hidden)`: the `authextra` of HELLO and WELCOME, and all of CHALLENGE and
/// AUTHENTICATE. Payloads are as they are on the wire, wrapped where there is a [`Cipher`](crate::Cipher); what an application
/// sends in them is its own to hide.
///
/// Its `Display` is who has sent it and the JSON text.
#[derive(Clone)]
pub struct Observed {
    sender: Side,
    connection: u64,
    session: Option<SessionId>,
    kind: Option<MessageKind>,
    size: usize,
    encoding: Encoding,
    /// Without secrets; empty when it is no message.
    frame: Bytes,
}

impl Observed {
    pub(super) fn new(
        sender: Side,
        connection: u64,
        session: Option<SessionId>,
        encoding: Encoding,
        message: Option<Message>,
        frame: &Bytes,
    ) -> Self {
        let (kind, shown) = match message {
            Some(message) => (Some(message.kind()), without_secrets(message, encoding, frame)),
            // It may be half a secret.
            None => (None, Bytes::new()),
        };
        Self { sender, connection, session, kind, size: frame.len(), encoding, frame: shown }
    }

    /// Who has sent it.
    pub fn sender(&self) -> Side {
        self.sender
    }

    /// Over which connection: they are counted from 1, those of a client as well as those of a router.
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// In which session: `None` before WELCOME, which has it.
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// Which message it is; `None` when it is none, and the session is about to end for it.
    pub fn kind(&self) -> Option<MessageKind> {
        self.kind
    }

    /// The size of its frame in bytes, secrets included.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The serializer it came or goes in.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The whole message as JSON, whatever it is serialized in; `None` when it is no message.
    pub fn json(&self) -> Option<String> {
        let text = self.message()?.encode(Encoding::Json).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// The same without the payload, and whether there was any.
    pub fn header_json(&self) -> Option<(String, bool)> {
        let message = self.message()?;
        let cut = message.payload().is_some_and(|payload| payload.elements() > 0);
        let text = message.without_payload().encode(Encoding::Json).ok()?;
        Some((String::from_utf8_lossy(&text).into_owned(), cut))
    }

    /// The payload, if the message has one.
    pub fn payload(&self) -> Option<Payload> {
        self.message()?.payload().cloned()
    }

    /// A copy that keeps nothing alive but what it shows, for those who keep messages: this one may hold on to the buffer that
    /// it was read into.
    pub fn detached(&self) -> Self {
        Self { frame: Bytes::copy_from_slice(&self.frame), ..self.clone() }
    }

    fn message(&self) -> Option<Message> {
        self.kind.and_then(|_| Message::decode(self.encoding, &self.frame, &Limits::loosest()).ok())
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.json() {
            Some(json) => write!(f, "{}: {json}", self.sender),
            None => write!(f, "{}: {} bytes that are no message", self.sender, self.size),
        }
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The frame to show of a message.
fn without_secrets(message: Message, encoding: Encoding, frame: &Bytes) -> Bytes {
    if !message.kind().may_hold_secrets() {
        return frame.clone();
    }
    // What was decoded can be encoded; if not, nothing is shown.
    message.without_secrets().encode(encoding).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(json: &'static str) -> Observed {
        let frame = Bytes::from_static(json.as_bytes());
        let message = Message::decode(Encoding::Json, &frame, &Limits::default()).ok();
        Observed::new(Side::Router, 1, None, Encoding::Json, message, &frame)
    }

    #[test]
    fn secrets_are_hidden_and_the_rest_is_not() {
        for (json, shown) in [
            (
                r#"[1,"realm1",{"authid":"joe","authextra":{"nonce":"s3cret","pubkey":"s3cret"},"roles":{}}]"#,
                r#""authextra":{"nonce":"(hidden)","pubkey":"(hidden)"}"#,
            ),
            (
                r#"[2,1,{"roles":{},"authextra":{"verifier":"s3cret"}}]"#,
                r#""authextra":{"verifier":"(hidden)"}"#,
            ),
            (
                r#"[4,"wampcra",{"challenge":"s3cret","salt":"s3cret","iterations":1}]"#,
                r#"[4,"wampcra",{"challenge":"(hidden)"}]"#,
            ),
            (r#"[5,"s3cret",{"nonce":"s3cret","_mine":"s3cret"}]"#, r#"[5,"(hidden)",{}]"#),
        ] {
            let message = observed(json);
            let text = format!("{message} {message:?} {}", message.json().unwrap());
            assert!(text.contains(shown) && !text.contains("s3cret"), "{text}");
            assert!(!format!("{:?}", message.frame).contains("s3cret"));
            assert_eq!(message.size(), json.len());
        }
    }

    #[test]
    fn other_messages_are_shown_as_they_are() {
        let message = observed(r#"[48,7,{},"com.example.add",[2,3]]"#);
        assert_eq!(message.kind(), Some(MessageKind::Call));
        assert_eq!(message.to_string(), r#"router: [48,7,{},"com.example.add",[2,3]]"#);
        assert_eq!(message.header_json().unwrap(), (r#"[48,7,{},"com.example.add"]"#.to_owned(), true));
        assert_eq!(message.payload().unwrap().args::<(u8, u8)>().unwrap(), (2, 3));
    }

    #[test]
    fn what_is_no_message_is_not_shown() {
        let message = observed(r#"[5,"s3cret""#);
        assert_eq!((message.kind(), message.json(), message.size()), (None, None, 11));
        assert_eq!(message.to_string(), "router: 11 bytes that are no message");
    }
}
