//! The elements of a message's list, as fields of its struct.

use core::ops::Range;

use bytes::Bytes;

use super::MessageKind;
use crate::{
    auth::Secret,
    codec::{Elements, EncodeError, Writer},
    error::Violation,
    id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId},
    payload::Payload,
    uri::Uri,
};

/// Walks over the elements of one received message.
pub(super) struct Cursor<'a> {
    pub(super) kind: MessageKind,
    pub(super) elements: &'a Elements<'a>,
    frame: &'a Bytes,
    next: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(kind: MessageKind, frame: &'a Bytes, elements: &'a Elements<'a>) -> Self {
        Self { kind, elements, frame, next: 1 }
    }

    /// The index of the next element, which is then behind us.
    pub(super) fn advance(&mut self) -> usize {
        let index = self.next;
        self.next = index.saturating_add(1);
        index
    }

    /// Whether there is another element.
    pub(super) fn has_more(&self) -> bool {
        self.next < self.elements.len()
    }

    /// The violation of an element that is not what the table says.
    pub(super) fn wrong(&self, index: usize, expected: &'static str) -> Violation {
        Violation::Element { message: self.kind, index, expected }
    }

    fn optional(&mut self) -> Option<Range<usize>> {
        self.has_more().then(|| {
            let index = self.advance();
            self.elements.span(index)
        })
    }
}

/// A type that fills one element of a message, or, for the payload, all the rest of it.
pub(super) trait Element: Sized {
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation>;
    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError>;
    fn count(&self) -> usize {
        1
    }
}

macro_rules! id_elements {
    ($($id:ident)*) => {$(
        impl Element for $id {
            fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
                let index = cursor.advance();
                let id = cursor.elements.unsigned(index).ok().and_then(|id| Self::try_from(id).ok());
                id.ok_or_else(|| cursor.wrong(index, "an id, an integer from 1 to 2^53"))
            }

            fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
                writer.unsigned(self.get());
                Ok(())
            }
        }
    )*};
}

id_elements! { SessionId PublicationId SubscriptionId RegistrationId RequestId }

impl Element for Uri {
    /// Takes any text: which URIs are acceptable is for the one who answers to say (I-32).
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        let index = cursor.advance();
        let text = cursor.elements.text(index).map_err(|_| cursor.wrong(index, "a URI"))?;
        Ok(Self::unchecked(text))
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        write_text(self, writer)
    }
}

impl Element for String {
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        let index = cursor.advance();
        Ok(cursor.elements.text(index).map_err(|_| cursor.wrong(index, "a string"))?.into_owned())
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        write_text(self, writer)
    }
}

/// Text that nobody is to see (fault 88).
impl Element for Secret {
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        String::decode(cursor).map(Self::from)
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        write_text(self.expose_text().unwrap_or_default(), writer)
    }
}

impl Element for MessageKind {
    /// `REQUEST.Type` of an ERROR: only the codes that some peer may answer so (M-45, M-46).
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        let index = cursor.advance();
        let code = cursor.elements.unsigned(index).map_err(|_| cursor.wrong(index, "a message code"))?;
        match Self::from_code(code) {
            Some(
                kind @ (Self::Publish
                | Self::Subscribe
                | Self::Unsubscribe
                | Self::Call
                | Self::Register
                | Self::Unregister
                | Self::Invocation),
            ) => Ok(kind),
            _ => Err(Violation::ErrorType(code)),
        }
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.unsigned(self.code());
        Ok(())
    }
}

impl Element for Payload {
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Violation> {
        use crate::codec::Kind;
        for (offset, (kind, expected)) in
            [(Kind::List, "a list of arguments"), (Kind::Dict, "a dict of arguments")].into_iter().enumerate()
        {
            let index = cursor.next.saturating_add(offset);
            if cursor.elements.kind(index).is_some_and(|found| found != kind) {
                return Err(cursor.wrong(index, expected));
            }
        }
        let args = cursor.optional();
        let kwargs = cursor.optional();
        Ok(Self::from_frame(cursor.elements.encoding(), cursor.frame, args, kwargs))
    }

    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        Ok(self.write(writer)?)
    }

    fn count(&self) -> usize {
        self.elements()
    }
}

/// Text, which must not look like the JSON form of a binary (W-16).
pub(super) fn write_text(text: &str, writer: &mut Writer) -> Result<(), EncodeError> {
    if text.starts_with('\0') {
        return Err(EncodeError::LeadingNul);
    }
    writer.text(text);
    Ok(())
}

/// Declares a message whose fields are its elements in order.
macro_rules! message {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* } $(payload: $payload:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            $(
                /// The application payload, still serialized.
                pub $payload: $crate::payload::Payload,
            )?
        }

        impl $crate::message::Wire for $name {
            fn decode(
                cursor: &mut $crate::message::element::Cursor<'_>,
            ) -> core::result::Result<Self, $crate::error::Violation> {
                Ok(Self {
                    $($field: $crate::message::element::Element::decode(cursor)?,)*
                    $($payload: $crate::message::element::Element::decode(cursor)?,)?
                })
            }

            fn elements(&self) -> usize {
                use $crate::message::element::Element as _;
                0usize
                    $(.saturating_add(self.$field.count()))*
                    $(.saturating_add(self.$payload.count()))?
            }

            fn encode(
                &self,
                writer: &mut $crate::codec::Writer,
            ) -> core::result::Result<(), $crate::codec::EncodeError> {
                use $crate::message::element::Element as _;
                $(self.$field.encode(writer)?;)*
                $(self.$payload.encode(writer)?;)?
                Ok(())
            }

            $(
                fn payload(&self) -> Option<&$crate::payload::Payload> {
                    Some(&self.$payload)
                }

                fn without_payload(self) -> Self {
                    Self { $payload: $crate::payload::Payload::empty(), ..self }
                }
            )?
        }
    };
}

pub(super) use message;
