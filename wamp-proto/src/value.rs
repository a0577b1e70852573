//! Values of any type and any encoding.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::codec::{self, DecodeError, EncodeError, Encoding, Reader, Writer};
use crate::dict::{self, Dict};

/// A value of any encoding (W-01): for payloads whose types are not known beforehand.
///
/// The types stay apart as the encodings keep them apart: text is not binary (W-03), and `1.0` is no integer (W-19), so
/// `Value::Float(1.0) != Value::Unsigned(1)`.
///
/// ```
/// use wamp_proto::{Dict, Encoding, Value, codec};
///
/// let value: Value = codec::from_slice(Encoding::Json, br#"{"name": "x", "tags": [1, -2, null]}"#)?;
/// let dict = value.as_dict().unwrap();
/// assert_eq!(dict.get("name").and_then(Value::as_str), Some("x"));
/// assert_eq!(value.to_string(), r#"{"name":"x","tags":[1,-2,null]}"#);
/// # Ok::<(), wamp_proto::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A non-negative integer.
    Unsigned(u64),
    /// A negative integer; use `Value::from` for an integer of either sign.
    Signed(i64),
    /// A floating point number.
    Float(f64),
    /// Text. It cannot be sent when it starts with U+0000 (W-16).
    Text(String),
    /// A binary value (W-11).
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A dict.
    Dict(Dict),
}

/// Anything that can be serialized, as a value.
///
/// # Errors
///
/// As [`codec::to_vec`].
///
/// ```
/// let value = wamp_proto::value::to_value(&(1, "two"))?;
/// assert_eq!(value.to_string(), r#"[1,"two"]"#);
/// # Ok::<(), wamp_proto::EncodeError>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, EncodeError> {
    // The data model is the same in all encodings; this one is quick.
    let bytes = codec::to_vec(Encoding::MessagePack, value)?;
    Ok(Value::read(&mut Reader::new(Encoding::MessagePack, &bytes))?)
}

impl Value {
    /// Reads the next value of `reader`.
    ///
    /// # Errors
    ///
    /// Malformed or truncated input, a key that is there twice (M-04), nesting beyond
    /// [`Limits::MAX_DEPTH`](crate::Limits::MAX_DEPTH).
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::deserialize(codec::Deserializer::new(reader))
    }

    /// Appends the value to `writer`. After an error `writer` is of no further use.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LeadingNul`] for text that starts with U+0000 (W-16), [`EncodeError::TooDeep`] for nesting beyond
    /// [`Limits::MAX_DEPTH`](crate::Limits::MAX_DEPTH).
    pub fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        self.serialize(codec::Serializer::new(writer))
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The bool, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(v) = self { Some(*v) } else { None }
    }

    /// The integer, if it is a non-negative one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(v) => Some(*v),
            Self::Signed(v) => u64::try_from(*v).ok(),
            _ => None,
        }
    }

    /// The integer, if it is one of this range.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Unsigned(v) => i64::try_from(*v).ok(),
            Self::Signed(v) => Some(*v),
            _ => None,
        }
    }

    /// The number, be it a float or an integer (then the nearest float).
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Unsigned(v) => Some(*v as f64),
            Self::Signed(v) => Some(*v as f64),
            Self::Float(v) => Some(*v),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(v) = self { Some(v) } else { None }
    }

    /// The octets, if it is a binary value.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(v) = self { Some(v) } else { None }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(v) = self { Some(v) } else { None }
    }

    /// The dict, if it is one.
    pub fn as_dict(&self) -> Option<&Dict> {
        if let Self::Dict(v) = self { Some(v) } else { None }
    }
}

/// Writes JSON, binary values as in W-11.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match codec::to_vec(Encoding::Json, self) {
            Ok(json) => f.write_str(&String::from_utf8_lossy(&json)),
            Err(error) => write!(f, "<{error}>"),
        }
    }
}

/// `From` for the types that widen to the content of a variant.
macro_rules! from {
    ($($variant:ident: $($type:ty)*;)*) => {
        $($(impl From<$type> for Value {
            fn from(v: $type) -> Self {
                Self::$variant(v.into())
            }
        })*)*
    };
}

from! {
    Bool: bool;
    Unsigned: u8 u16 u32 u64;
    Float: f32 f64;
    Text: String &str char Cow<'_, str> Box<str>;
    Bytes: Vec<u8> &[u8] bytes::Bytes;
    List: Vec<Self>;
    Dict: Dict;
}

/// `From` for the integers of either sign.
macro_rules! from_signed {
    ($($type:ty)*) => {
        $(impl From<$type> for Value {
            fn from(v: $type) -> Self {
                u64::try_from(v).map_or(Self::Signed(v.into()), Self::Unsigned)
            }
        })*
    };
}

from_signed! { i8 i16 i32 i64 }

impl From<usize> for Value {
    fn from(v: usize) -> Self {
        Self::Unsigned(v as u64)
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(v) => serializer.serialize_bool(*v),
            Self::Unsigned(v) => serializer.serialize_u64(*v),
            Self::Signed(v) => serializer.serialize_i64(*v),
            Self::Float(v) => serializer.serialize_f64(*v),
            Self::Text(v) => serializer.serialize_str(v),
            Self::Bytes(v) => serializer.serialize_bytes(v),
            Self::List(v) => serializer.collect_seq(v),
            Self::Dict(v) => v.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

/// Visits of what converts by `From`.
macro_rules! visit {
    ($($method:ident($type:ty))*) => {
        $(fn $method<E>(self, v: $type) -> Result<Value, E> {
            Ok(Value::from(v))
        })*
    };
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    visit! {
        visit_bool(bool) visit_u64(u64) visit_i64(i64) visit_f64(f64)
        visit_str(&str) visit_string(String) visit_bytes(&[u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        dict::visit_map(map).map(Value::Dict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        let nested = Dict::from_iter([("z", Value::Null), ("a", Value::from(true))]);
        Value::from_iter([
            Value::Null,
            Value::from(u64::MAX),
            Value::from(i64::MIN),
            Value::from(0),
            Value::from(1.5),
            Value::from(2.0),
            Value::from("text\u{0}"),
            Value::from(vec![0_u8, 255]),
            Value::from(Vec::<u8>::new()),
            Value::from(nested),
            Value::List(vec![]),
            Value::Dict(Dict::new()),
        ])
    }

    #[test]
    fn w01_every_value_round_trips_in_every_encoding() {
        for encoding in Encoding::ALL {
            let mut writer = Writer::new(encoding);
            sample().write(&mut writer).unwrap();
            let bytes = writer.finish();
            let mut reader = Reader::new(encoding, &bytes);
            assert_eq!(Value::read(&mut reader).unwrap(), sample(), "{encoding}");
            assert_eq!(reader.position(), bytes.len());
        }
    }

    #[test]
    fn w03_values_survive_transcoding_between_all_encodings() {
        for from in Encoding::ALL {
            for to in Encoding::ALL {
                let bytes = codec::transcode(from, &codec::to_vec(from, &sample()).unwrap(), to).unwrap();
                assert_eq!(codec::from_slice::<Value>(to, &bytes).unwrap(), sample(), "{from} to {to}");
            }
        }
    }

    #[test]
    fn w13_display_is_json() {
        let bytes = [16, 227, 255, 144, 83, 7, 92, 82, 111, 95, 192, 109, 79, 227, 124, 219];
        let value = Value::from_iter([
            Value::from(&bytes[..]),
            Value::from(-1),
            Value::from("ü\""),
            Value::from(None::<u8>),
        ]);
        assert_eq!(value.to_string(), r#"["\u0000EOP/kFMHXFJvX8BtT+N82w==",-1,"ü\"",null]"#);
        assert_eq!(Value::from("\0").to_string(), "<text starts with U+0000>");
    }

    #[test]
    fn w19_a_float_is_no_integer() {
        let value: Value = codec::from_slice(Encoding::Json, b"1.0").unwrap();
        assert_eq!((value.as_u64(), value.as_i64(), value.as_f64()), (None, None, Some(1.0)));
        assert_ne!(value, Value::from(1));
    }

    #[test]
    fn accessors_answer_for_their_type_only() {
        assert_eq!(Value::from(3_u8).as_i64(), Some(3));
        assert_eq!(Value::from(-3_i8).as_i64(), Some(-3));
        assert_eq!(Value::from(-3).as_u64(), None);
        assert_eq!(Value::from(u64::MAX).as_i64(), None);
        assert_eq!(Value::from(-3).as_f64(), Some(-3.0));
        assert_eq!(Value::from('c').as_str(), Some("c"));
        assert_eq!(Value::from("c").as_bytes(), None);
        assert_eq!(Value::from(&b"c"[..]).as_bytes(), Some(&b"c"[..]));
        assert_eq!(Value::from(()).as_bool(), None);
        assert!(Value::default().is_null());
        assert_eq!(sample().as_list().map(<[_]>::len), Some(12));
        assert_eq!(sample().as_dict(), None);
    }

    #[test]
    fn other_serde_formats_read_and_write_values() {
        let value: Value = serde_json::from_str(r#"{"a":[1,-1,1.5,"x",null,true]}"#).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), value.to_string());
        let packed = rmp_serde::to_vec(&sample()).unwrap();
        assert_eq!(rmp_serde::from_slice::<Value>(&packed).unwrap(), sample());
        assert_eq!(packed, codec::to_vec(Encoding::MessagePack, &sample()).unwrap());
    }

    #[test]
    fn nesting_is_bounded_both_ways() {
        let deep = |n: usize| (0..n).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        for encoding in Encoding::ALL {
            let bytes = codec::to_vec(encoding, &deep(64)).unwrap();
            assert_eq!(codec::from_slice::<Value>(encoding, &bytes).unwrap(), deep(64));
            assert_eq!(codec::to_vec(encoding, &deep(65)), Err(EncodeError::TooDeep { limit: 64 }));
        }
        assert!(codec::from_slice::<Value>(Encoding::MessagePack, &[0x91; 100_000]).is_err());
    }
}
