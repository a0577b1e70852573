//! A message as a list of elements.

use core::ops::Range;
use std::borrow::Cow;

use super::{
    DecodeError, Encoding, Kind, Reader,
    cbor::Cbor,
    check::{Binary, Check, Record},
    cursor::Head,
    json,
    msgpack::MessagePack,
};
use crate::Limits;

/// Spans that are kept; no WAMP message has more elements.
const STORED: usize = 8;

/// A WAMP message's list, split into its elements, every byte of it validated.
///
/// ```
/// use wamp_proto::{Encoding, Limits, codec::Elements};
///
/// let frame = br#"[64, 25349185, {}, "com.myapp.myprocedure1"]"#;
/// let elements = Elements::split(Encoding::Json, frame, &Limits::default())?;
/// assert_eq!(elements.len(), 4);
/// assert_eq!(elements.unsigned(1)?, 25349185);
/// assert!(elements.is_empty_container(2));
/// assert_eq!(elements.text(3)?, "com.myapp.myprocedure1");
/// assert_eq!(&frame[elements.span(2)], b"{}");
/// # Ok::<(), wamp_proto::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    encoding: Encoding,
    frame: &'a [u8],
    len: usize,
    spans: Spans,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
    kind: Kind,
    /// The value of a non-negative integer: most elements of most messages, and read only once.
    number: Option<u64>,
}

/// The places of the first elements.
#[derive(Clone, Debug)]
struct Spans {
    stored: [Span; STORED],
    len: usize,
}

impl Record for Spans {
    #[inline]
    fn item(&mut self, start: usize, end: usize, kind: Kind, number: Option<u64>) {
        if let Some(span) = self.stored.get_mut(self.len) {
            // `split` has refused messages of more than 4 GiB.
            let [start, end] = [start, end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
            let number = number.filter(|_| kind == Kind::Integer);
            *span = Span { start, end, kind, number };
            self.len = self.len.saturating_add(1);
        }
    }
}

impl<'a> Elements<'a> {
    /// Splits and validates a whole message: well-formedness, UTF-8, the limits, dict keys that are strings and unique
    /// (M-04), binaries in JSON that are Base64 (W-15), no text that only some serializers can carry (W-16), and
    /// nothing after the list. White space around a JSON list is fine (W-10).
    ///
    /// Limits beyond [`Limits::MAX_MESSAGE_SIZE`] and [`Limits::MAX_DEPTH`] are those. The message's list is at depth 1
    /// and is no value of [`Limits::values`].
    ///
    /// # Errors
    ///
    /// All but [`DecodeError::Custom`]; [`DecodeError::Type`] when the message is not a list.
    pub fn split(encoding: Encoding, frame: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let message_size = limits.message_size.min(Limits::MAX_MESSAGE_SIZE);
        if frame.len() > message_size {
            return Err(DecodeError::Limit { what: "message size", limit: message_size });
        }
        let filler = Span { start: 0, end: 0, kind: Kind::Null, number: None };
        let mut spans = Spans { stored: [filler; STORED], len: 0 };
        let mut check = Check::new(encoding, frame, limits);
        let len = match encoding {
            Encoding::Json => json_message(&mut check, &mut spans)?,
            Encoding::MessagePack => message::<MessagePack>(&mut check, &mut spans)?,
            Encoding::Cbor => message::<Cbor>(&mut check, &mut spans)?,
        };
        if check.cursor.left() > 0 {
            return Err(DecodeError::Trailing { at: check.cursor.at() });
        }
        Ok(Self { encoding, frame, len, spans })
    }

    /// The message's serializer.
    #[inline]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Number of elements, the message's type code included. Of more than 8 only the first 8 can be looked at.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the list has no elements.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The type of an element.
    #[inline]
    pub fn kind(&self, index: usize) -> Option<Kind> {
        self.stored(index).map(|span| span.kind)
    }

    /// An element that is a non-negative integer, however it is encoded (W-28); `1.0` is none (W-19).
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] for anything else.
    #[inline]
    pub fn unsigned(&self, index: usize) -> Result<u64, DecodeError> {
        match self.stored(index) {
            Some(Span { number: Some(number), .. }) => Ok(number),
            _ => self.present(index, "a non-negative integer")?.unsigned(),
        }
    }

    /// An element that is text.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] for anything else.
    #[inline]
    pub fn text(&self, index: usize) -> Result<Cow<'a, str>, DecodeError> {
        self.present(index, "text")?.text()
    }

    /// Whether an element is `{}` or `[]`.
    pub fn is_empty_container(&self, index: usize) -> bool {
        let element = self.frame.get(self.span(index)).unwrap_or_default();
        match (self.encoding, element) {
            (Encoding::Json, b"{}" | b"[]")
            | (Encoding::MessagePack, [0x80 | 0x90])
            | (Encoding::Cbor, [0x80 | 0xa0]) => return true,
            _ => {}
        }
        let mut reader = self.reader(index);
        let opened = match self.kind(index) {
            Some(Kind::List) => reader.list(),
            Some(Kind::Dict) => reader.dict(),
            _ => return false,
        };
        opened.is_ok() && reader.at_end_of_container().unwrap_or(false)
    }

    /// A reader over an element; without input when the element is absent.
    #[inline]
    pub fn reader(&self, index: usize) -> Reader<'a> {
        Reader::new(self.encoding, self.frame.get(self.span(index)).unwrap_or_default())
    }

    /// An element's place in the frame; an empty range when the element is absent.
    #[inline]
    pub fn span(&self, index: usize) -> Range<usize> {
        self.stored(index).map_or(0..0, |span| span.start as usize..span.end as usize)
    }

    #[inline]
    fn stored(&self, index: usize) -> Option<Span> {
        if index < self.spans.len { self.spans.stored.get(index).copied() } else { None }
    }

    #[inline]
    fn present(&self, index: usize, expected: &'static str) -> Result<Reader<'a>, DecodeError> {
        if self.stored(index).is_none() {
            return Err(DecodeError::Type { expected, found: "nothing" });
        }
        Ok(self.reader(index))
    }
}

#[inline]
fn message<F: Binary>(check: &mut Check<'_>, spans: &mut Spans) -> Result<usize, DecodeError> {
    match F::head(&mut check.cursor)? {
        Head::List(len) => check.list::<F, _>(len, 1, spans),
        other => match other.kind() {
            Some(kind) => Err(not_a_list(kind)),
            None => Err(check.cursor.malformed(0)),
        },
    }
}

fn json_message(check: &mut Check<'_>, spans: &mut Spans) -> Result<usize, DecodeError> {
    json::skip_space(&mut check.cursor);
    if check.cursor.peek() != Some(b'[') {
        return Err(not_a_list(json::kind(check.cursor)?));
    }
    let len = check.json_list(1, spans)?;
    json::skip_space(&mut check.cursor);
    Ok(len)
}

#[cold]
fn not_a_list(found: Kind) -> DecodeError {
    DecodeError::Type { expected: "a list", found: found.description() }
}
