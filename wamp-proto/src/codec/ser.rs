//! The serde serializer: one data model for all encodings.

use std::collections::BTreeSet;

use serde::ser::{self, Impossible, Serialize};

use super::{EncodeError, Encoding, Writer};
use crate::Limits;

/// Serializes `value`.
///
/// Structs and maps become dicts with text keys, sequences and tuples lists, enums are externally tagged, `None` and
/// `()` become null, [`serialize_bytes`](ser::Serializer::serialize_bytes) makes a binary value (W-11).
///
/// # Errors
///
/// An [`EncodeError`] for what has no counterpart in some serializer: a map key that is not text, the same key twice
/// (M-04), text that starts with U+0000 (W-16), integers outside of `i64::MIN..=u64::MAX`, nesting beyond
/// [`Limits::MAX_DEPTH`].
///
/// ```
/// use wamp_proto::{Encoding, codec};
///
/// #[derive(serde::Serialize)]
/// struct Point {
///     x: i32,
///     y: i32,
/// }
///
/// let json = codec::to_vec(Encoding::Json, &Point { x: 1, y: -2 })?;
/// assert_eq!(json, br#"{"x":1,"y":-2}"#);
/// # Ok::<(), wamp_proto::EncodeError>(())
/// ```
pub fn to_vec<T: Serialize + ?Sized>(encoding: Encoding, value: &T) -> Result<Vec<u8>, EncodeError> {
    to_vec_at(encoding, value, 0)
}

/// [`to_vec`] for a value that is going to sit inside of `depth` lists and dicts.
pub(crate) fn to_vec_at<T: Serialize + ?Sized>(
    encoding: Encoding,
    value: &T,
    depth: usize,
) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::new(encoding);
    let room = Limits::MAX_DEPTH.saturating_sub(depth);
    value.serialize(Serializer { writer: &mut writer, room })?;
    Ok(writer.finish())
}

/// A serde serializer that appends one value to a [`Writer`].
///
/// After an error the writer holds part of a value and is of no further use.
///
/// ```
/// use serde::Serialize;
/// use wamp_proto::Encoding;
/// use wamp_proto::codec::{Serializer, Writer};
///
/// let mut writer = Writer::new(Encoding::Json);
/// writer.list(None);
/// (1, "two").serialize(Serializer::new(&mut writer))?;
/// writer.end();
/// assert_eq!(writer.finish(), br#"[[1,"two"]]"#);
/// # Ok::<(), wamp_proto::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Serializer<'w> {
    writer: &'w mut Writer,
    /// How many more levels of nesting are allowed.
    room: usize,
}

impl<'w> Serializer<'w> {
    /// A serializer for the next value of `writer`.
    pub fn new(writer: &'w mut Writer) -> Self {
        Self { writer, room: Limits::MAX_DEPTH }
    }

    fn text(self, text: &str) -> Result<(), EncodeError> {
        // JSON keeps this form for binary values (W-11), so no such text would arrive as text.
        if text.starts_with('\0') {
            return Err(EncodeError::LeadingNul);
        }
        self.writer.text(text);
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), EncodeError> {
        let limit = Limits::MAX_DEPTH;
        self.room = self.room.checked_sub(1).ok_or(EncodeError::TooDeep { limit })?;
        Ok(())
    }

    fn open_list(mut self, len: Option<usize>) -> Result<Items<'w>, EncodeError> {
        self.deeper()?;
        self.writer.list(len);
        Ok(Items { to: self, in_variant: false })
    }

    fn open_dict(mut self, len: Option<usize>) -> Result<Entries<'w>, EncodeError> {
        self.deeper()?;
        self.writer.dict(len);
        Ok(Entries { to: self, in_variant: false, seen: BTreeSet::new() })
    }

    /// Opens the dict `{variant: ..}` around the content of an enum variant.
    fn open_variant(mut self, variant: &str) -> Result<Self, EncodeError> {
        self.deeper()?;
        self.writer.dict(Some(1));
        self.writer.key(variant);
        Ok(self)
    }

    /// A serializer for a value inside of this one.
    fn inner(&mut self) -> Serializer<'_> {
        Serializer { writer: self.writer, room: self.room }
    }
}

impl<'w> ser::Serializer for Serializer<'w> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Items<'w>;
    type SerializeTuple = Items<'w>;
    type SerializeTupleStruct = Items<'w>;
    type SerializeTupleVariant = Items<'w>;
    type SerializeMap = Entries<'w>;
    type SerializeStruct = Entries<'w>;
    type SerializeStructVariant = Entries<'w>;

    fn serialize_bool(self, v: bool) -> Result<(), EncodeError> {
        self.writer.bool(v);
        Ok(())
    }

    fn serialize_i8(self, v: i8) -> Result<(), EncodeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<(), EncodeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<(), EncodeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<(), EncodeError> {
        match u64::try_from(v) {
            Ok(v) => self.writer.unsigned(v),
            Err(_) => self.writer.signed(v),
        }
        Ok(())
    }

    fn serialize_i128(self, v: i128) -> Result<(), EncodeError> {
        match u64::try_from(v) {
            Ok(v) => self.serialize_u64(v),
            Err(_) => self.serialize_i64(v.try_into().map_err(|_| EncodeError::IntegerRange)?),
        }
    }

    fn serialize_u8(self, v: u8) -> Result<(), EncodeError> {
        self.serialize_u64(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<(), EncodeError> {
        self.serialize_u64(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<(), EncodeError> {
        self.serialize_u64(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<(), EncodeError> {
        self.writer.unsigned(v);
        Ok(())
    }

    fn serialize_u128(self, v: u128) -> Result<(), EncodeError> {
        self.serialize_u64(v.try_into().map_err(|_| EncodeError::IntegerRange)?)
    }

    fn serialize_f32(self, v: f32) -> Result<(), EncodeError> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<(), EncodeError> {
        self.writer.float(v);
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), EncodeError> {
        self.text(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), EncodeError> {
        self.text(v)
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), EncodeError> {
        self.writer.bytes(v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.writer.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let mut inside = self.open_variant(variant)?;
        value.serialize(inside.inner())?;
        inside.writer.end();
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'w>, EncodeError> {
        self.open_list(len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'w>, EncodeError> {
        self.open_list(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Items<'w>, EncodeError> {
        self.open_list(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'w>, EncodeError> {
        let items = self.open_variant(variant)?.open_list(Some(len))?;
        Ok(Items { in_variant: true, ..items })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'w>, EncodeError> {
        self.open_dict(len)
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Entries<'w>, EncodeError> {
        self.open_dict(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries<'w>, EncodeError> {
        let entries = self.open_variant(variant)?.open_dict(Some(len))?;
        Ok(Entries { in_variant: true, ..entries })
    }
}

/// The open list of a [`Serializer`].
#[derive(Debug)]
pub struct Items<'w> {
    to: Serializer<'w>,
    /// Whether the dict of an enum variant is open around it.
    in_variant: bool,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self.to.inner())
    }

    fn close(self) -> Result<(), EncodeError> {
        close(self.to.writer, self.in_variant);
        Ok(())
    }
}

/// Closes a container, and the dict of the enum variant around it.
fn close(writer: &mut Writer, in_variant: bool) {
    writer.end();
    if in_variant {
        writer.end();
    }
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Items<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Items<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

/// The open dict of a [`Serializer`].
#[derive(Debug)]
pub struct Entries<'w> {
    to: Serializer<'w>,
    /// Whether the dict of an enum variant is open around it.
    in_variant: bool,
    /// The keys so far, of a map only: the fields of a struct are distinct by themselves.
    seen: BTreeSet<String>,
}

impl Entries<'_> {
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        let key = key.serialize(KeySerializer)?;
        self.to.writer.key(&key);
        // A flattened field or keys of mixed types can bring the same key twice (M-04).
        if self.seen.contains(&key) {
            return Err(EncodeError::DuplicateKey(key));
        }
        self.seen.insert(key);
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        self.to.writer.key(name);
        value.serialize(self.to.inner())
    }

    fn close(self) -> Result<(), EncodeError> {
        close(self.to.writer, self.in_variant);
        Ok(())
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self.to.inner())
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Entries<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

/// Turns a map key into text. Keys may start with U+0000 (W-17).
struct KeySerializer;

type NoKey = Impossible<String, EncodeError>;

/// The scalar types whose keys are their text form.
macro_rules! display_key {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, v: $type) -> Result<String, EncodeError> {
            Ok(v.to_string())
        })*
    };
}

/// The scalar types that are no keys.
macro_rules! no_key {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, _v: $type) -> Result<String, EncodeError> {
            Err(EncodeError::KeyNotText)
        })*
    };
}

impl ser::Serializer for KeySerializer {
    type Ok = String;
    type Error = EncodeError;
    type SerializeSeq = NoKey;
    type SerializeTuple = NoKey;
    type SerializeTupleStruct = NoKey;
    type SerializeTupleVariant = NoKey;
    type SerializeMap = NoKey;
    type SerializeStruct = NoKey;
    type SerializeStructVariant = NoKey;

    display_key! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_i128(i128) serialize_u128(u128)
        serialize_char(char) serialize_str(&str)
    }

    no_key! { serialize_f32(f32) serialize_f64(f64) serialize_bytes(&[u8]) serialize_unit_struct(&'static str) }

    fn serialize_none(self) -> Result<String, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_unit_variant(
        self,
        _name: &str,
        _index: u32,
        variant: &'static str,
    ) -> Result<String, EncodeError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &str,
        value: &T,
    ) -> Result<String, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<String, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<NoKey, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_tuple(self, _len: usize) -> Result<NoKey, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<NoKey, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<NoKey, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<NoKey, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<NoKey, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<NoKey, EncodeError> {
        Err(EncodeError::KeyNotText)
    }
}
