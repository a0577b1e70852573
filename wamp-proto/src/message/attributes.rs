//! The attributes of `Options`, `Details` and `Extra` dicts: typed where the specification knows them.

use super::{
    MessageKind,
    element::{Cursor, Element, write_text},
};
use crate::{
    codec::{DecodeError, EncodeError, Kind, Reader, Writer},
    dict::Dict,
    error::Violation,
    id::{RegistrationId, SessionId, SubscriptionId},
    uri::{Match, Uri},
    value::Value,
};

/// The value of one known attribute. Absent, null (M-121) and the default are the same.
pub(super) trait Attribute: Sized {
    /// What a violation says was expected.
    const EXPECTED: &'static str;
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
    fn write(&self, writer: &mut Writer) -> Result<(), EncodeError>;
    fn is_absent(&self) -> bool;
}

/// Several attributes that are seldom used and therefore boxed together.
pub(super) trait Group: Default {
    /// Reads the value when `key` belongs to the group; says what was expected when the value is wrong.
    fn read(&mut self, key: &str, reader: &mut Reader<'_>) -> Option<Result<(), &'static str>>;
    fn count(&self) -> usize;
    fn write(&self, writer: &mut Writer) -> Result<(), EncodeError>;
}

impl Attribute for bool {
    const EXPECTED: &'static str = "a bool";

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.bool()
    }

    fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.bool(*self);
        Ok(())
    }

    fn is_absent(&self) -> bool {
        !self
    }
}

impl<T: Attribute> Attribute for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::read(reader).map(Some)
    }

    fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        self.as_ref().map_or(Ok(()), |value| value.write(writer))
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

/// A scalar attribute that is present whenever its `Option` is `Some`.
macro_rules! scalars {
    ($($type:ty, $expected:literal, |$reader:ident| $read:expr, |$value:ident, $writer:ident| $write:expr;)*) => {$(
        impl Attribute for $type {
            const EXPECTED: &'static str = $expected;

            fn read($reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $read
            }

            fn write(&self, $writer: &mut Writer) -> Result<(), EncodeError> {
                let $value = self;
                $write
            }

            fn is_absent(&self) -> bool {
                false
            }
        }
    )*};
}

scalars! {
    u64, "a non-negative integer", |reader| reader.unsigned(), |value, writer| write_number(*value, writer);
    String, "a string", |reader| Ok(reader.text()?.into_owned()), |value, writer| write_text(value, writer);
    Uri, "a URI", |reader| Ok(Self::unchecked(reader.text()?)), |value, writer| write_text(value, writer);
    Match, "`exact`, `prefix` or `wildcard`", |reader| named(reader, Self::EXPECTED), |value, writer| write_text(value.as_str(), writer);
    SessionId, "a session id", |reader| id(reader, Self::EXPECTED), |value, writer| write_number(value.get(), writer);
    SubscriptionId, "a subscription id", |reader| id(reader, Self::EXPECTED), |value, writer| write_number(value.get(), writer);
    RegistrationId, "a registration id", |reader| id(reader, Self::EXPECTED), |value, writer| write_number(value.get(), writer);
    Value, "any value", |reader| Self::read(reader), |value, writer| Self::write(value, writer);
    Dict, "a dict", |reader| Self::read(reader), |value, writer| Self::write(value, writer);
}

fn write_number(number: u64, writer: &mut Writer) -> Result<(), EncodeError> {
    writer.unsigned(number);
    Ok(())
}

/// A list of such attributes.
macro_rules! lists {
    ($($item:ty, $expected:literal;)*) => {$(
        impl Attribute for Vec<$item> {
            const EXPECTED: &'static str = $expected;

            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let mut items = Self::new();
                reader.list()?;
                while reader.item()? {
                    items.push(<$item>::read(reader)?);
                }
                Ok(items)
            }

            fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
                writer.list(Some(self.len()));
                for item in self {
                    item.write(writer)?;
                }
                writer.end();
                Ok(())
            }

            fn is_absent(&self) -> bool {
                false
            }
        }
    )*};
}

lists! {
    u64, "a list of non-negative integers";
    String, "a list of strings";
    SessionId, "a list of session ids";
    Forwarder, "a list of `{session, authid, authrole}`";
}

fn named<T: core::str::FromStr>(reader: &mut Reader<'_>, expected: &'static str) -> Result<T, DecodeError> {
    reader.text()?.parse().map_err(|_| DecodeError::Type { expected, found: "another string" })
}

fn id<T: TryFrom<u64>>(reader: &mut Reader<'_>, expected: &'static str) -> Result<T, DecodeError> {
    reader
        .unsigned()?
        .try_into()
        .map_err(|_| DecodeError::Type { expected, found: "an integer out of range" })
}

/// Reads the dict element `cursor` stands at, entry by entry. `read` takes the value of a key it knows and returns what
/// was expected if the value is wrong; for a key it does not know it returns `None`.
pub(super) fn read_dict(
    cursor: &mut Cursor<'_>,
    extra: &mut Dict,
    mut read: impl FnMut(&str, &mut Reader<'_>) -> Option<Result<(), &'static str>>,
) -> Result<(), Violation> {
    let index = cursor.advance();
    if cursor.elements.kind(index) != Some(Kind::Dict) {
        return Err(cursor.wrong(index, "a dict"));
    }
    // Nearly all options on the hot path are empty.
    if cursor.elements.is_empty_container(index) {
        return Ok(());
    }
    let mut reader = cursor.elements.reader(index);
    reader.dict()?;
    while let Some(key) = reader.key()? {
        if reader.peek()? == Kind::Null {
            reader.skip()?;
            continue;
        }
        match read(&key, &mut reader) {
            Some(Ok(())) => {}
            Some(Err(expected)) => return Err(wrong_attribute(cursor.kind, &key, expected)),
            None if key.starts_with('_') => {
                let value = Value::read(&mut reader)?;
                extra.insert(key.into_owned(), value);
            }
            None => reader.skip()?,
        }
    }
    Ok(())
}

fn wrong_attribute(message: MessageKind, key: &str, expected: &'static str) -> Violation {
    Violation::Attribute { message, attribute: key.to_owned(), expected }
}

/// Reads a known attribute into its field.
pub(super) fn read_field<T: Attribute>(field: &mut T, reader: &mut Reader<'_>) -> Result<(), &'static str> {
    *field = T::read(reader).map_err(|_| T::EXPECTED)?;
    Ok(())
}

/// The key of an attribute: the field's name unless another one is given.
macro_rules! key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

/// Declares a dict of attributes: a struct with the known ones as fields, `extra` for those of M-08, and optional boxed
/// groups.
macro_rules! attributes {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$field_doc:meta])* $field:ident $(as $key:literal)?: $type:ty,)*
        }
        $(groups { $($(#[$group_doc:meta])* $group:ident: $group_type:ty,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            $($($(#[$group_doc])* pub $group: Option<Box<$group_type>>,)*)?
            /// Attributes of implementations, with a leading underscore (M-08). A known one here is not sent: encoding
            /// fails.
            pub extra: $crate::dict::Dict,
        }

        impl $crate::message::element::Element for $name {
            fn decode(
                cursor: &mut $crate::message::element::Cursor<'_>,
            ) -> core::result::Result<Self, $crate::error::Violation> {
                let mut this = Self::default();
                let mut extra = $crate::dict::Dict::new();
                $crate::message::attributes::read_dict(cursor, &mut extra, |key, reader| {
                    let _ = &reader;
                    match key {
                        $($crate::message::attributes::key!($field $($key)?) => {
                            return Some($crate::message::attributes::read_field(&mut this.$field, reader));
                        })*
                        _ => {}
                    }
                    $($(
                        if <$group_type>::KEYS.contains(&key) {
                            let group = this.$group.get_or_insert_default();
                            return $crate::message::attributes::Group::read(&mut **group, key, reader);
                        }
                    )*)?
                    None
                })?;
                this.extra = extra;
                Ok(this)
            }

            fn encode(
                &self,
                writer: &mut $crate::codec::Writer,
            ) -> core::result::Result<(), $crate::codec::EncodeError> {
                use $crate::message::attributes::Attribute as _;
                let count = self.extra.len()
                    $(.saturating_add(usize::from(!self.$field.is_absent())))*
                    $($(.saturating_add(self.$group.as_ref().map_or(0, |group| $crate::message::attributes::Group::count(&**group))))*)?;
                if count == 0 {
                    writer.empty_dict();
                    return Ok(());
                }
                writer.dict(Some(count));
                $(if !self.$field.is_absent() {
                    writer.key($crate::message::attributes::key!($field $($key)?));
                    self.$field.write(writer)?;
                })*
                $($(if let Some(group) = &self.$group {
                    $crate::message::attributes::Group::write(&**group, writer)?;
                })*)?
                for (key, value) in self.extra.iter() {
                    // The typed fields are the only way to send what is known.
                    let known = [$($crate::message::attributes::key!($field $($key)?)),*].contains(&key)
                        $($(|| <$group_type>::KEYS.contains(&key))*)?;
                    if known {
                        return Err($crate::codec::EncodeError::DuplicateKey(key.to_owned()));
                    }
                    writer.key(key);
                    value.write(writer)?;
                }
                writer.end();
                Ok(())
            }
        }
    };
}

/// Declares a group of attributes that lie in the same dict as others.
macro_rules! group {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            pub(super) const KEYS: &'static [&'static str] = &[$(stringify!($field),)*];
        }

        impl Group for $name {
            fn read(&mut self, key: &str, reader: &mut Reader<'_>) -> Option<Result<(), &'static str>> {
                match key {
                    $(stringify!($field) => Some(read_field(&mut self.$field, reader)),)*
                    _ => None,
                }
            }

            fn count(&self) -> usize {
                0usize $(.saturating_add(usize::from(!self.$field.is_absent())))*
            }

            fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
                $(if !self.$field.is_absent() {
                    writer.key(stringify!($field));
                    self.$field.write(writer)?;
                })*
                Ok(())
            }
        }
    };
}

group! {
    /// What a payload is wrapped in: payload passthru mode (M-81, E-08) and its older form (M-82).
    pub struct PayloadAttributes {
        /// Scheme of the payload; makes the mode active (E-02).
        ppt_scheme: Option<String>,
        /// Serializer of the wrapped payload.
        ppt_serializer: Option<String>,
        /// Cipher of the wrapped payload.
        ppt_cipher: Option<String>,
        /// Which key the cipher used.
        ppt_keyid: Option<String>,
        /// Older form: algorithm.
        enc_algo: Option<String>,
        /// Older form: key.
        enc_key: Option<String>,
        /// Older form: serializer.
        enc_serializer: Option<String>,
    }
}

impl PayloadAttributes {
    /// Whether the payload is wrapped: the scheme says so (E-02).
    pub fn is_active(&self) -> bool {
        self.ppt_scheme.as_ref().is_some_and(|scheme| !scheme.is_empty())
    }
}

group! {
    /// Who may receive a publication: black- and whitelists (M-75..M-77, P-26).
    pub struct Audience {
        /// Sessions that must not receive it.
        exclude: Option<Vec<SessionId>>,
        /// Authids that must not receive it.
        exclude_authid: Option<Vec<String>>,
        /// Authroles that must not receive it.
        exclude_authrole: Option<Vec<String>>,
        /// The only sessions that may receive it.
        eligible: Option<Vec<SessionId>>,
        /// The only authids that may receive it.
        eligible_authid: Option<Vec<String>>,
        /// The only authroles that may receive it.
        eligible_authrole: Option<Vec<String>>,
    }
}

/// One hop of `forward_for` (M-117): type-checked, never acted upon (E-35).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarder {
    /// The session that the message was forwarded for.
    pub session: SessionId,
    /// Its authid.
    pub authid: Option<String>,
    /// Its authrole.
    pub authrole: Option<String>,
}

impl Attribute for Forwarder {
    const EXPECTED: &'static str = "`{session, authid, authrole}`";

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (mut session, mut authid, mut authrole) = (None, None, None);
        reader.dict()?;
        while let Some(key) = reader.key()? {
            match &*key {
                _ if reader.peek()? == Kind::Null => reader.skip()?,
                "session" => session = Some(SessionId::read(reader)?),
                "authid" => authid = Some(String::read(reader)?),
                "authrole" => authrole = Some(String::read(reader)?),
                _ => reader.skip()?,
            }
        }
        let session = session.ok_or(DecodeError::Type { expected: Self::EXPECTED, found: "no session" })?;
        Ok(Self { session, authid, authrole })
    }

    fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        let names = [("authid", &self.authid), ("authrole", &self.authrole)];
        let present = names.iter().filter(|(_, name)| name.is_some()).count();
        writer.dict(Some(present.saturating_add(1)));
        writer.key("session");
        self.session.write(writer)?;
        for (key, name) in names {
            if let Some(name) = name {
                writer.key(key);
                write_text(name, writer)?;
            }
        }
        writer.end();
        Ok(())
    }

    fn is_absent(&self) -> bool {
        false
    }
}

impl Element for Dict {
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        let index = cursor.advance();
        if cursor.elements.kind(index) != Some(Kind::Dict) {
            return Err(cursor.wrong(index, "a dict"));
        }
        Ok(Self::read(&mut cursor.elements.reader(index))?)
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        Self::write(self, writer)
    }
}

pub(super) use {attributes, key};
