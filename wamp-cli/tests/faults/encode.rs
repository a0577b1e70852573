//! Values in the three serializers, the malformed ones too: written by hand, with no codec of ours.

use wamp_tokio::proto::Encoding;

/// A value to be sent. Dicts may have any keys, and the same one twice.
#[derive(Clone, Debug)]
pub(crate) enum V {
    Null,
    Bool(bool),
    Number(i128),
    Float(f64),
    Text(String),
    Binary(Vec<u8>),
    List(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    /// These bytes, whatever they are.
    Raw(Vec<u8>),
}

/// A value as one writes it: `v!([1, "realm1", {"roles": {}}])`; negative numbers and expressions in parentheses.
macro_rules! v {
    ([$($item:tt),* $(,)?]) => { $crate::encode::V::List(vec![$(v!($item)),*]) };
    ({$($key:tt: $value:tt),* $(,)?}) => { $crate::encode::V::Dict(vec![$((v!($key), v!($value))),*]) };
    (null) => { $crate::encode::V::Null };
    ($value:expr) => { $crate::encode::V::from($value) };
}
pub(crate) use v;

macro_rules! conversions {
    ($($from:ty, |$value:ident| $to:expr;)*) => {$(
        impl From<$from> for V {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )*};
}

conversions! {
    bool, |value| Self::Bool(value);
    i32, |value| Self::Number(value.into());
    u64, |value| Self::Number(value.into());
    i128, |value| Self::Number(value);
    f64, |value| Self::Float(value);
    &str, |value| Self::Text(value.to_owned());
    &[u8], |value| Self::Binary(value.to_vec());
}

impl V {
    pub(crate) fn raw(bytes: &[u8]) -> Self {
        Self::Raw(bytes.to_vec())
    }

    pub(crate) fn encode(&self, encoding: Encoding) -> Vec<u8> {
        let mut out = Vec::new();
        match encoding {
            Encoding::Json => self.json(&mut out),
            Encoding::MessagePack => self.msgpack(&mut out),
            Encoding::Cbor => self.cbor(&mut out),
        }
        out
    }

    fn json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Bool(value) => out.extend(value.to_string().bytes()),
            Self::Number(value) => out.extend(value.to_string().bytes()),
            Self::Float(value) => out.extend(format!("{value:?}").bytes()),
            Self::Text(text) => out.extend(format!("\"{text}\"").bytes()),
            Self::Binary(bytes) => {
                use base64::Engine as _;
                let text = base64::engine::general_purpose::STANDARD.encode(bytes);
                out.extend(format!("\"\\u0000{text}\"").bytes());
            }
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    out.extend(b",".iter().take(index.min(1)));
                    item.json(out);
                }
                out.push(b']');
            }
            Self::Dict(entries) => {
                out.push(b'{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.extend(b",".iter().take(index.min(1)));
                    key.json(out);
                    out.push(b':');
                    value.json(out);
                }
                out.push(b'}');
            }
            Self::Raw(bytes) => out.extend(bytes),
        }
    }

    fn msgpack(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0xC0),
            Self::Bool(value) => out.push(0xC2 + u8::from(*value)),
            Self::Number(value @ 0..=0x7F) => out.push(*value as u8),
            Self::Number(value @ 0..) => out.extend([&[0xCF][..], &(*value as u64).to_be_bytes()].concat()),
            Self::Number(value) => out.extend([&[0xD3][..], &(*value as i64).to_be_bytes()].concat()),
            Self::Float(value) => out.extend([&[0xCB][..], &value.to_be_bytes()].concat()),
            Self::Text(text) => {
                msgpack_head(0xDB, text.len(), out);
                out.extend(text.bytes());
            }
            Self::Binary(bytes) => {
                msgpack_head(0xC6, bytes.len(), out);
                out.extend(bytes);
            }
            Self::List(items) => {
                msgpack_head(0xDD, items.len(), out);
                items.iter().for_each(|item| item.msgpack(out));
            }
            Self::Dict(entries) => {
                msgpack_head(0xDF, entries.len(), out);
                entries.iter().for_each(|(key, value)| {
                    key.msgpack(out);
                    value.msgpack(out);
                });
            }
            Self::Raw(bytes) => out.extend(bytes),
        }
    }

    fn cbor(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0xF6),
            Self::Bool(value) => out.push(0xF4 + u8::from(*value)),
            Self::Number(value @ 0..) => cbor_head(0, *value as u64, out),
            Self::Number(value) => cbor_head(1, (-1 - *value) as u64, out),
            Self::Float(value) => out.extend([&[0xFB][..], &value.to_be_bytes()].concat()),
            Self::Text(text) => {
                cbor_head(3, text.len() as u64, out);
                out.extend(text.bytes());
            }
            Self::Binary(bytes) => {
                cbor_head(2, bytes.len() as u64, out);
                out.extend(bytes);
            }
            Self::List(items) => {
                cbor_head(4, items.len() as u64, out);
                items.iter().for_each(|item| item.cbor(out));
            }
            Self::Dict(entries) => {
                cbor_head(5, entries.len() as u64, out);
                entries.iter().for_each(|(key, value)| {
                    key.cbor(out);
                    value.cbor(out);
                });
            }
            Self::Raw(bytes) => out.extend(bytes),
        }
    }
}

fn msgpack_head(marker: u8, length: usize, out: &mut Vec<u8>) {
    out.push(marker);
    out.extend((length as u32).to_be_bytes());
}

fn cbor_head(major: u8, value: u64, out: &mut Vec<u8>) {
    out.push(major << 5 | 27);
    out.extend(value.to_be_bytes());
}
