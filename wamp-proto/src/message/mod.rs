//! The messages of WAMP, each a plain struct, and the one table of their codes (M-20..M-43).
//!
//! A [`Message`] is decoded from a frame, one serialized list, with [`Message::decode`] and becomes one again with
//! [`Message::encode`]. The application payload is never decoded on the way: it stays a slice of the frame
//! ([`Payload`]). Attributes of the `Options`, `Details` and `Extra` dicts that the specification knows are typed
//! fields; those that a peer invented under the name rule for extensions (M-08, a leading underscore) are kept in
//! `extra`; all others are ignored (M-06).

mod attributes;
mod element;
mod error;
mod pubsub;
mod roles;
mod rpc;
mod secrets;
mod session;

use core::{fmt, ops::RangeInclusive};

use bytes::Bytes;

pub use attributes::{Audience, Forwarder, PayloadAttributes};
pub use error::{Error, ErrorDetails};
pub use pubsub::{
    Event, EventDetails, Publish, PublishOptions, Published, Subscribe, SubscribeOptions, Subscribed,
    SubscriptionRevocation, Unsubscribe, Unsubscribed,
};
pub use roles::{Feature, Features, Role, Roles};
pub use rpc::{
    Call, CallOptions, Cancel, CancelMode, CancelOptions, Interrupt, Invocation, InvocationDetails,
    InvocationPolicy, Register, RegisterOptions, Registered, RegistrationRevocation, Result, ResultDetails,
    Unregister, Unregistered, Yield, YieldOptions,
};
pub use session::{
    Abort, Authenticate, AuthenticateExtra, Challenge, ChallengeExtra, ClosingDetails, Goodbye, Hello,
    HelloDetails, Welcome, WelcomeDetails,
};

use crate::{
    codec::{Elements, EncodeError, Encoding, Writer},
    error::Violation,
    limits::Limits,
    payload::Payload,
};
use element::Cursor;

/// Who may send a message (M-20..M-43).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Client to router.
    ToRouter,
    /// Router to client.
    ToClient,
    /// Either.
    Both,
}

/// How one message lies in its list: implemented by every message struct, by `message!` or by hand.
trait Wire: Sized {
    /// Reads the elements behind the code.
    fn decode(cursor: &mut Cursor<'_>) -> core::result::Result<Self, Violation>;
    /// How many elements follow the code.
    fn elements(&self) -> usize;
    /// Writes the elements behind the code.
    fn encode(&self, writer: &mut Writer) -> core::result::Result<(), EncodeError>;
    /// The payload, if the message has one.
    fn payload(&self) -> Option<&Payload> {
        None
    }
    /// The message without it.
    fn without_payload(self) -> Self {
        self
    }
}

/// A message of any kind, to be serialized without being moved into a [`Message`] first.
#[cfg(feature = "router")]
pub(crate) trait Encode {
    fn to_frame(&self, encoding: Encoding) -> core::result::Result<Bytes, EncodeError>;
}

/// The table of all messages: variant, code, name, permitted elements (the code included) and direction.
macro_rules! messages {
    ($($variant:ident = $code:literal, $name:literal, $elements:expr, $direction:ident;)*) => {
        /// Any message of the protocol.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "the large ones are rare, and the frequent ones should not be boxed")]
        pub enum Message {
            $(#[doc = concat!("`", $name, "`, code ", stringify!($code), ".")] $variant($variant),)*
        }

        /// Which message: the table of codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum MessageKind {
            $(#[doc = concat!("`", $name, "`, code ", stringify!($code), ".")] $variant,)*
        }

        impl MessageKind {
            /// Every message, by code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The message with this code, if there is one (M-14).
            pub const fn from_code(code: u64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The code, element 0 of the message.
            pub const fn code(self) -> u64 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name as the specification writes it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How many elements the message may have, the code included (M-05).
            pub const fn elements(self) -> RangeInclusive<usize> {
                match self { $(Self::$variant => $elements,)* }
            }

            /// Who may send it (M-48).
            pub const fn direction(self) -> Direction {
                match self { $(Self::$variant => Direction::$direction,)* }
            }
        }

        impl Message {
            /// Which message this is.
            pub const fn kind(&self) -> MessageKind {
                match self { $(Self::$variant(_) => MessageKind::$variant,)* }
            }

            /// The application payload, when the message carries one.
            pub fn payload(&self) -> Option<&Payload> {
                match self { $(Self::$variant(message) => message.payload(),)* }
            }

            /// The header alone.
            pub fn without_payload(self) -> Self {
                match self { $(Self::$variant(message) => Self::$variant(message.without_payload()),)* }
            }

            fn decode_kind(kind: MessageKind, cursor: &mut Cursor<'_>) -> core::result::Result<Self, Violation> {
                Ok(match kind { $(MessageKind::$variant => Self::$variant(Wire::decode(cursor)?),)* })
            }
        }

        $(
            #[cfg(feature = "router")]
            impl Encode for $variant {
                fn to_frame(&self, encoding: Encoding) -> core::result::Result<Bytes, EncodeError> {
                    self.encode(encoding)
                }
            }

            impl From<$variant> for Message {
                fn from(message: $variant) -> Self {
                    Self::$variant(message)
                }
            }

            impl $variant {
                /// Serializes the message; the payload is spliced, or transcoded when it is in another encoding.
                ///
                /// # Errors
                ///
                /// When a text starts with U+0000 (W-16), when `extra` has a known attribute, or when the payload cannot be
                /// transcoded, which a validated one always can.
                pub fn encode(&self, encoding: Encoding) -> core::result::Result<Bytes, EncodeError> {
                    encode(MessageKind::$variant, self, encoding)
                }
            }
        )*

        impl Message {
            /// Serializes the message; the payload is spliced, or transcoded when it is in another encoding.
            ///
            /// # Errors
            ///
            /// When a text starts with U+0000 (W-16), when `extra` has a known attribute, or when the payload cannot be
                /// transcoded, which a validated one always can.
            pub fn encode(&self, encoding: Encoding) -> core::result::Result<Bytes, EncodeError> {
                match self { $(Self::$variant(message) => message.encode(encoding),)* }
            }
        }
    };
}

messages! {
    Hello = 1, "HELLO", 3..=3, ToRouter;
    Welcome = 2, "WELCOME", 3..=3, ToClient;
    Abort = 3, "ABORT", 3..=5, Both;
    Challenge = 4, "CHALLENGE", 3..=3, ToClient;
    Authenticate = 5, "AUTHENTICATE", 3..=3, ToRouter;
    Goodbye = 6, "GOODBYE", 3..=3, Both;
    Error = 8, "ERROR", 5..=7, Both;
    Publish = 16, "PUBLISH", 4..=6, ToRouter;
    Published = 17, "PUBLISHED", 3..=3, ToClient;
    Subscribe = 32, "SUBSCRIBE", 4..=4, ToRouter;
    Subscribed = 33, "SUBSCRIBED", 3..=3, ToClient;
    Unsubscribe = 34, "UNSUBSCRIBE", 3..=4, ToRouter;
    Unsubscribed = 35, "UNSUBSCRIBED", 2..=3, ToClient;
    Event = 36, "EVENT", 4..=6, ToClient;
    Call = 48, "CALL", 4..=6, ToRouter;
    Cancel = 49, "CANCEL", 3..=3, ToRouter;
    Result = 50, "RESULT", 3..=5, ToClient;
    Register = 64, "REGISTER", 4..=4, ToRouter;
    Registered = 65, "REGISTERED", 3..=3, ToClient;
    Unregister = 66, "UNREGISTER", 3..=3, ToRouter;
    Unregistered = 67, "UNREGISTERED", 2..=3, ToClient;
    Invocation = 68, "INVOCATION", 4..=6, ToClient;
    Interrupt = 69, "INTERRUPT", 3..=3, ToClient;
    Yield = 70, "YIELD", 3..=5, ToRouter;
}

impl Message {
    /// Reads one message from one frame.
    ///
    /// The whole frame is validated, its payload too, so that what a router forwards from it is known to be good in
    /// every encoding. URIs are taken as they are: whether one is acceptable depends on where it stands (I-25, I-32).
    ///
    /// # Errors
    ///
    /// What is wrong with the frame; always the fault of the peer that sent it (M-18, S-49, S-50).
    ///
    /// ```
    /// use bytes::Bytes;
    /// use wamp_proto::{Encoding, Limits, message::Message};
    ///
    /// let frame = Bytes::from_static(br#"[48, 7, {}, "com.example.add", [2, 3]]"#);
    /// let Message::Call(call) = Message::decode(Encoding::Json, &frame, &Limits::default())? else { panic!() };
    /// assert_eq!(call.procedure, "com.example.add");
    /// assert_eq!(call.payload.args::<(u8, u8)>().unwrap(), (2, 3));
    /// # Ok::<(), wamp_proto::error::Violation>(())
    /// ```
    pub fn decode(
        encoding: Encoding,
        frame: &Bytes,
        limits: &Limits,
    ) -> core::result::Result<Self, Violation> {
        let elements = Elements::split(encoding, frame, limits)?;
        if elements.is_empty() {
            return Err(Violation::EmptyList);
        }
        let code = elements.unsigned(0).map_err(|_| Violation::NoCode)?;
        let kind = MessageKind::from_code(code).ok_or(Violation::UnknownCode(code))?;
        if !kind.elements().contains(&elements.len()) {
            return Err(Violation::Arity { message: kind, found: elements.len() });
        }
        Self::decode_kind(kind, &mut Cursor::new(kind, frame, &elements))
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn encode<M: Wire>(
    kind: MessageKind,
    message: &M,
    encoding: Encoding,
) -> core::result::Result<Bytes, EncodeError> {
    // Room for the header of any usual message, so that a frame is one allocation.
    let mut writer = Writer::with_capacity(
        encoding,
        HEADER_ROOM.saturating_add(message.payload().map_or(0, Payload::size)),
    );
    writer.list(Some(message.elements().saturating_add(1)));
    writer.unsigned(kind.code());
    message.encode(&mut writer)?;
    writer.end();
    Ok(writer.finish().into())
}

/// Bytes reserved for what stands before the payload.
const HEADER_ROOM: usize = 96;
