//! The three serializers: JSON, MessagePack and CBOR (W-01..W-32).

use core::fmt;

mod cbor;
mod check;
mod cursor;
mod de;
mod elements;
mod json;
mod msgpack;
mod reader;
mod ser;
mod stack;
mod transcode;
mod writer;

pub use de::{Deserializer, from_slice};
pub use elements::Elements;
pub use reader::{Kind, Reader, Token};
pub(crate) use ser::to_vec_at;
pub use ser::{Serializer, to_vec};
pub use transcode::transcode;
pub use writer::Writer;

/// A serializer: how messages become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// JSON, `wamp.2.json` (W-05): text frames.
    Json,
    /// MessagePack, `wamp.2.msgpack` (W-06): binary frames.
    MessagePack,
    /// CBOR, `wamp.2.cbor` (W-07): binary frames.
    Cbor,
}

impl Encoding {
    /// All serializers.
    pub const ALL: [Self; 3] = [Self::Json, Self::MessagePack, Self::Cbor];

    /// The short name: `json`, `msgpack` or `cbor`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "msgpack",
            Self::Cbor => "cbor",
        }
    }

    /// The serializer of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name)
    }

    /// Whether a WebSocket carries it in text messages rather than binary ones (W-42).
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Json)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes that are not what the serializer, the protocol or the caller's type demands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not well-formed in this serializer.
    #[error("malformed {encoding} at byte {at}")]
    Malformed {
        /// The serializer.
        encoding: Encoding,
        /// Offset of the first byte that cannot be right.
        at: usize,
    },
    /// Well-formed, but the input ends inside a value.
    #[error("{encoding} ends inside a value at byte {at}")]
    Truncated {
        /// The serializer.
        encoding: Encoding,
        /// The length of the input.
        at: usize,
    },
    /// Bytes follow the message.
    #[error("trailing bytes from byte {at}")]
    Trailing {
        /// Offset of the first trailing byte.
        at: usize,
    },
    /// Text that is not UTF-8, a lone surrogate, or a text that starts with U+0000 (W-16).
    #[error("text at byte {at} is not representable as Unicode text in every serializer")]
    Text {
        /// Offset of the text.
        at: usize,
    },
    /// A JSON string that starts with U+0000 but does not go on with Base64 (W-15).
    #[error("binary at byte {at} is not Base64")]
    Base64 {
        /// Offset of the string.
        at: usize,
    },
    /// A dict key that is not a string (M-04).
    #[error("dict key at byte {at} is not a string")]
    Key {
        /// Offset of the key.
        at: usize,
    },
    /// A dict has the same key twice (M-04).
    #[error("dict key at byte {at} is there twice")]
    DuplicateKey {
        /// Offset of a key that is there twice.
        at: usize,
    },
    /// A bound of [`Limits`](crate::Limits) is exceeded.
    #[error("{what} exceeds the limit of {limit}")]
    Limit {
        /// What is too large: `message size`, `nesting`, `number of values`, `number of keys`.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A value of another type than the one asked for.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The caller's type refused the data.
    #[error("{0}")]
    Custom(String),
}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// A value that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The positional arguments of a message are not a list, a tuple or `()` (M-09).
    #[error("positional arguments must be a list")]
    NotAList,
    /// The keyword arguments of a message are not a struct, a map or `()` (M-09).
    #[error("keyword arguments must be a dict")]
    NotADict,
    /// A map key that has no text form (M-04).
    #[error("dict key is not a string")]
    KeyNotText,
    /// A map has the same key twice (M-04).
    #[error("dict key `{0}` is there twice")]
    DuplicateKey(String),
    /// Text that starts with U+0000, which JSON keeps for binary values (W-16).
    #[error("text starts with U+0000")]
    LeadingNul,
    /// An integer outside of `i64::MIN..=u64::MAX`.
    #[error("integer is out of range")]
    IntegerRange,
    /// Lists and dicts are nested deeper than peers take.
    #[error("nesting exceeds the limit of {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The message is larger than the peer takes (W-73, W-77).
    #[error("message of {size} bytes exceeds the limit of {limit}")]
    TooLarge {
        /// The size of the message in bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A payload in another encoding cannot be transcoded.
    #[error("the payload cannot be transcoded: {0}")]
    Payload(#[from] DecodeError),
    /// The caller's type refused to be serialized.
    #[error("{0}")]
    Custom(String),
}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}
