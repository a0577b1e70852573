//! The serde deserializer: one data model for all encodings.

use std::borrow::Cow;
use std::str::FromStr;

use serde::de::value::SeqDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::{DecodeError, Encoding, Kind, Reader, Token};

/// Reads a `T` from the whole of `input`, the reverse of [`to_vec`](super::to_vec).
///
/// Text and binary values are borrowed from the input where they stand there as they are. A float is never taken for an
/// integer (W-19); an integer is taken for a float, a list of octets for a binary value and the reverse. What becomes of
/// a key that is there twice is up to `T`: [`Elements::split`](super::Elements::split) refuses a message for it.
///
/// # Errors
///
/// Malformed or truncated input, bytes after the value, nesting beyond
/// [`Limits::MAX_DEPTH`](crate::Limits::MAX_DEPTH), or a value that `T` does not accept.
///
/// ```
/// use wamp_proto::{Encoding, codec};
///
/// let pair: (u8, &str) = codec::from_slice(Encoding::Json, br#"[1, "two"]"#)?;
/// assert_eq!(pair, (1, "two"));
/// # Ok::<(), wamp_proto::DecodeError>(())
/// ```
pub fn from_slice<'de, T: Deserialize<'de>>(encoding: Encoding, input: &'de [u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(encoding, input);
    let value = T::deserialize(Deserializer::new(&mut reader))?;
    match reader.at_end_of_container() {
        Ok(true) => Ok(value),
        _ => Err(DecodeError::Trailing { at: reader.position() }),
    }
}

/// A serde deserializer of the next value of a [`Reader`].
///
/// ```
/// use serde::Deserialize;
/// use wamp_proto::Encoding;
/// use wamp_proto::codec::{Deserializer, Reader};
///
/// let mut reader = Reader::new(Encoding::Json, br#"[true, null]"#);
/// let flags = Vec::<Option<bool>>::deserialize(Deserializer::new(&mut reader))?;
/// assert_eq!(flags, [Some(true), None]);
/// # Ok::<(), wamp_proto::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Deserializer<'r, 'de> {
    reader: &'r mut Reader<'de>,
}

impl<'r, 'de> Deserializer<'r, 'de> {
    /// A deserializer of the next value of `reader`.
    pub fn new(reader: &'r mut Reader<'de>) -> Self {
        Self { reader }
    }

    fn visit<V: Visitor<'de>>(self, token: Token<'de>, visitor: V) -> Result<V::Value, DecodeError> {
        match token {
            Token::Null => visitor.visit_unit(),
            Token::Bool(v) => visitor.visit_bool(v),
            Token::Unsigned(v) => visitor.visit_u64(v),
            Token::Signed(v) => visitor.visit_i64(v),
            Token::Float(v) => visitor.visit_f64(v),
            Token::Text(Cow::Borrowed(v)) => visitor.visit_borrowed_str(v),
            Token::Text(Cow::Owned(v)) => visitor.visit_string(v),
            Token::Bytes(Cow::Borrowed(v)) => visitor.visit_borrowed_bytes(v),
            Token::Bytes(Cow::Owned(v)) => visitor.visit_byte_buf(v),
            Token::List(len) => self.visit_list(len, visitor),
            Token::Dict(len) => self.visit_dict(len, visitor),
            Token::End => Err(DecodeError::Type { expected: "a value", found: "the end of a container" }),
        }
    }

    fn visit_list<V: Visitor<'de>>(self, len: Option<usize>, visitor: V) -> Result<V::Value, DecodeError> {
        let mut items = Items { from: self, left: len, ended: false };
        let value = visitor.visit_seq(&mut items)?;
        if !items.ended && items.from.reader.item()? {
            return Err(DecodeError::Type { expected: "the end of the list", found: "more items" });
        }
        Ok(value)
    }

    fn visit_dict<V: Visitor<'de>>(self, len: Option<usize>, visitor: V) -> Result<V::Value, DecodeError> {
        let mut entries = Entries { from: self, left: len, ended: false };
        let value = visitor.visit_map(&mut entries)?;
        if !entries.ended && entries.from.reader.key()?.is_some() {
            return Err(DecodeError::Type { expected: "the end of the dict", found: "more entries" });
        }
        Ok(value)
    }

    /// A deserializer of a value inside of this one.
    fn inner(&mut self) -> Deserializer<'_, 'de> {
        Deserializer { reader: self.reader }
    }

    /// A list, or a binary value as the list of its octets.
    fn visit_sequence<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.next()? {
            Token::Bytes(octets) => visit_octets(&octets, visitor),
            token => self.visit(token, visitor),
        }
    }
}

fn visit_octets<'de, V: Visitor<'de>>(octets: &[u8], visitor: V) -> Result<V::Value, DecodeError> {
    let mut items = SeqDeserializer::new(octets.iter().copied());
    let value = visitor.visit_seq(&mut items)?;
    items.end()?;
    Ok(value)
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, 'de> {
    type Error = DecodeError;

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string unit unit_struct map struct identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let token = self.reader.next()?;
        self.visit(token, visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        // JSON peers write 1.0 as `1`.
        match self.reader.next()? {
            Token::Unsigned(v) => visitor.visit_f64(v as f64),
            Token::Signed(v) => visitor.visit_f64(v as f64),
            token => self.visit(token, visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.peek()? {
            Kind::List => visitor.visit_byte_buf(Vec::deserialize(self)?),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.reader.peek()? == Kind::Null {
            self.reader.next()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit_sequence(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit_sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.visit_sequence(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.reader.peek()? {
            Kind::Text => visitor.visit_enum(self.reader.text()?.into_deserializer()),
            _ => {
                self.reader.dict()?;
                let value = visitor.visit_enum(Variant { from: self.inner() })?;
                match self.reader.key()? {
                    None => Ok(value),
                    Some(_) => Err(DecodeError::Type { expected: "one variant", found: "several entries" }),
                }
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.reader.skip()?;
        visitor.visit_unit()
    }
}

/// The open list of a [`Deserializer`].
struct Items<'r, 'de> {
    from: Deserializer<'r, 'de>,
    left: Option<usize>,
    ended: bool,
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        if self.ended || !self.from.reader.item()? {
            self.ended = true;
            return Ok(None);
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        seed.deserialize(self.from.inner()).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.left
    }
}

/// The open dict of a [`Deserializer`].
struct Entries<'r, 'de> {
    from: Deserializer<'r, 'de>,
    left: Option<usize>,
    ended: bool,
}

impl<'de> de::MapAccess<'de> for Entries<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        if self.ended {
            return Ok(None);
        }
        let Some(key) = self.from.reader.key()? else {
            self.ended = true;
            return Ok(None);
        };
        self.left = self.left.map(|left| left.saturating_sub(1));
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(self.from.inner())
    }

    fn size_hint(&self) -> Option<usize> {
        self.left
    }
}

/// The open dict `{variant: content}` of an externally tagged enum.
struct Variant<'r, 'de> {
    from: Deserializer<'r, 'de>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), DecodeError> {
        let Some(name) = self.from.reader.key()? else {
            return Err(DecodeError::Type { expected: "a variant", found: "an empty dict" });
        };
        Ok((seed.deserialize(Key(name))?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        <()>::deserialize(self.from)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(self.from)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.from.visit_sequence(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_any(self.from, visitor)
    }
}

/// A key of a dict: text, that is read as a number or a bool where one is asked for.
struct Key<'de>(Cow<'de, str>);

impl Key<'_> {
    fn parse<T: FromStr>(&self, expected: &'static str) -> Result<T, DecodeError> {
        self.0.parse().map_err(|_| DecodeError::Type { expected, found: "another key" })
    }
}

/// Reads the text as the widest type of its sort; the visitor checks the range.
macro_rules! parsed_key {
    ($visit:ident($type:ty) $expected:literal: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            visitor.$visit(self.parse::<$type>($expected)?)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Key<'de> {
    type Error = DecodeError;

    forward_to_deserialize_any! {
        char str string bytes byte_buf f32 f64 unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }

    parsed_key! { visit_bool(bool) "a key that is a bool": deserialize_bool }
    parsed_key! { visit_i64(i64) "a key that is an integer":
    deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 }
    parsed_key! { visit_u64(u64) "a key that is a non-negative integer":
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }
    parsed_key! { visit_i128(i128) "a key that is an integer": deserialize_i128 }
    parsed_key! { visit_u128(u128) "a key that is a non-negative integer": deserialize_u128 }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Cow::Borrowed(key) => visitor.visit_borrowed_str(key),
            Cow::Owned(key) => visitor.visit_string(key),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self.0.into_deserializer())
    }
}
