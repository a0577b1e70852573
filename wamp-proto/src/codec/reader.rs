//! Pulling tokens out of serialized bytes.

use std::borrow::Cow;

use super::{
    DecodeError, Encoding,
    cbor::{self, Cbor},
    check::Binary as _,
    cursor::{Cursor, Head},
    json,
    msgpack::MessagePack,
    stack::Stack,
};
use crate::Limits;

/// One token of a serialized value. Containers open with `List`/`Dict` and close with `End`; in a dict, keys (always
/// `Text`) and values alternate.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// Non-negative integer.
    Unsigned(u64),
    /// Negative integer.
    Signed(i64),
    /// A number that is no integer, or too large for one.
    Float(f64),
    /// Text, or a dict's key.
    Text(Cow<'a, str>),
    /// Binary.
    Bytes(Cow<'a, [u8]>),
    /// List, with its length when the encoding tells it.
    List(Option<usize>),
    /// Dict, with its number of entries when the encoding tells it.
    Dict(Option<usize>),
    /// The end of the innermost open list or dict.
    End,
}

/// The type of a value, from its first byte(s).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No value.
    Null,
    /// A truth value.
    Bool,
    /// An integer of either sign.
    Integer,
    /// A number that is no integer, or too large for one.
    Float,
    /// Text.
    Text,
    /// Binary.
    Bytes,
    /// A list.
    List,
    /// A dict.
    Dict,
}

impl Kind {
    /// The kind as error messages name it.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::List => "a list",
            Self::Dict => "a dict",
        }
    }
}

/// Pull parser over one serialized value, or a sequence of values (comma-separated in JSON).
///
/// It may be used on bytes that nobody has validated: it does not panic, allocates no more than the input warrants and
/// follows [`Limits::MAX_DEPTH`] levels. It does not look for duplicate keys. When a method fails with
/// [`DecodeError::Type`], nothing is consumed.
///
/// ```
/// use wamp_proto::{Encoding, codec::Reader};
///
/// let mut reader = Reader::new(Encoding::Json, br#"{"invoke": "roundrobin", "match": "prefix"}"#);
/// reader.dict()?;
/// while let Some(key) = reader.key()? {
///     match &*key {
///         "match" => assert_eq!(reader.text()?, "prefix"),
///         _ => reader.skip()?,
///     }
/// }
/// # Ok::<(), wamp_proto::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    /// The innermost open container.
    level: Level,
    /// What is around it.
    parents: Stack<Level, 4>,
}

/// An open container, or the sequence that everything is in.
#[derive(Clone, Copy, Debug)]
struct Level {
    shape: Shape,
    /// Tokens left, a dict's keys and values counted apart; [`Level::UNTIL_END`] when only the end tells.
    left: usize,
    /// A key is read, its value is not.
    value_due: bool,
    /// Something is read already.
    begun: bool,
    /// JSON: the comma before the next token is read.
    comma: bool,
}

impl Level {
    const UNTIL_END: usize = usize::MAX;

    #[inline]
    const fn new(shape: Shape, left: usize) -> Self {
        Self { shape, left, value_due: false, begun: false, comma: false }
    }

    #[inline]
    const fn passed(&mut self) {
        self.begun = true;
        self.comma = false;
        self.value_due = matches!(self.shape, Shape::Dict) && !self.value_due;
        if self.left != Self::UNTIL_END {
            self.left = self.left.saturating_sub(1);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Sequence,
    List,
    Dict,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Key,
    Value,
    /// The end of the open container.
    End,
    /// The end of the input, where it may be.
    Nothing,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `input`.
    #[inline]
    pub const fn new(encoding: Encoding, input: &'a [u8]) -> Self {
        let level = Level::new(Shape::Sequence, Level::UNTIL_END);
        Self { cursor: Cursor::new(encoding, input), level, parents: Stack::new(level) }
    }

    /// The serializer.
    #[inline]
    pub const fn encoding(&self) -> Encoding {
        self.cursor.encoding
    }

    /// Bytes consumed so far.
    #[inline]
    pub const fn position(&self) -> usize {
        self.cursor.at()
    }

    /// The kind of the next value or key.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] at the end of a container, [`DecodeError::Truncated`] at the end of the input.
    pub fn peek(&mut self) -> Result<Kind, DecodeError> {
        let next = self.next_is()?;
        if next == Next::Value && self.encoding() == Encoding::Json {
            return json::kind(self.cursor);
        }
        let (head, _) = self.look(next, "a value")?;
        head.kind().ok_or_else(|| self.cursor.malformed(self.position()))
    }

    /// Whether the next token is the end of the open container; outside of containers, whether the input ends.
    ///
    /// # Errors
    ///
    /// What [`next`](Self::next) would fail with, as far as it shows.
    pub fn at_end_of_container(&mut self) -> Result<bool, DecodeError> {
        Ok(matches!(self.next_is()?, Next::End | Next::Nothing))
    }

    /// The next token.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] at the end of the input, and whatever is wrong with the bytes.
    #[expect(clippy::should_implement_trait, reason = "an iterator would go on after errors")]
    pub fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        let next = self.next_is()?;
        if next == Next::End {
            self.close();
            return Ok(Token::End);
        }
        let at = self.position();
        let (head, after) = self.look(next, "a value")?;
        let token = match head {
            Head::Null => Token::Null,
            Head::Bool(value) => Token::Bool(value),
            Head::Unsigned(value) => Token::Unsigned(value),
            Head::Signed(value) => Token::Signed(value),
            Head::Float(value) => Token::Float(value),
            Head::Text(_) | Head::EncodedText(_) => Token::Text(self.decode_text(head, at, next)?),
            Head::Bytes(bytes) => Token::Bytes(Cow::Borrowed(bytes)),
            Head::EncodedBytes(raw) => Token::Bytes(self.decode_bytes(raw, at)?),
            Head::List(len) => return self.open(head, after).map(|()| Token::List(len)),
            Head::Dict(len) => return self.open(head, after).map(|()| Token::Dict(len)),
            Head::Break => return Err(self.cursor.malformed(at)),
        };
        self.accept(after);
        Ok(token)
    }

    /// Passes one whole value or key, checking no more than finding its end takes.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next); [`DecodeError::Type`] at the end of a container.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        let outside = self.parents.len();
        loop {
            let next = self.next_is()?;
            if next == Next::End && self.parents.len() > outside {
                self.close();
            } else {
                let at = self.position();
                let (head, after) = self.look(next, "a value")?;
                match head {
                    Head::List(_) | Head::Dict(_) => self.open(head, after)?,
                    Head::Break => return Err(self.cursor.malformed(at)),
                    _ => self.accept(after),
                }
            }
            if self.parents.len() == outside {
                return Ok(());
            }
        }
    }

    /// The next value, which must be a bool.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] for another kind, else as [`next`](Self::next).
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.look_for("a bool")? {
            (Head::Bool(value), after) => {
                self.accept(after);
                Ok(value)
            }
            (head, _) => Err(mismatch("a bool", head)),
        }
    }

    /// The next value, which must be a non-negative integer, however it is encoded (W-28); `1.0` is none (W-19).
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] for another kind, else as [`next`](Self::next).
    pub fn unsigned(&mut self) -> Result<u64, DecodeError> {
        match self.look_for("a non-negative integer")? {
            (Head::Unsigned(value), after) => {
                self.accept(after);
                Ok(value)
            }
            (head, _) => Err(mismatch("a non-negative integer", head)),
        }
    }

    /// The next value or key, which must be text.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] for another kind, else as [`next`](Self::next).
    pub fn text(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        let next = self.next_is()?;
        let at = self.position();
        match self.look(next, "text")? {
            (head @ (Head::Text(_) | Head::EncodedText(_)), after) => {
                let text = self.decode_text(head, at, next)?;
                self.accept(after);
                Ok(text)
            }
            (head, _) => Err(mismatch("text", head)),
        }
    }

    /// Opens the next value, which must be a list; its length when the encoding tells it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] for another kind, else as [`next`](Self::next).
    pub fn list(&mut self) -> Result<Option<usize>, DecodeError> {
        match self.look_for("a list")? {
            (head @ Head::List(len), after) => self.open(head, after).map(|()| len),
            (head, _) => Err(mismatch("a list", head)),
        }
    }

    /// Opens the next value, which must be a dict; its number of entries when the encoding tells it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] for another kind, else as [`next`](Self::next).
    pub fn dict(&mut self) -> Result<Option<usize>, DecodeError> {
        match self.look_for("a dict")? {
            (head @ Head::Dict(len), after) => self.open(head, after).map(|()| len),
            (head, _) => Err(mismatch("a dict", head)),
        }
    }

    /// The next key of the open dict, or `None` at its end, which is then consumed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] when no key is due, else as [`next`](Self::next).
    pub fn key(&mut self) -> Result<Option<Cow<'a, str>>, DecodeError> {
        match self.next_is()? {
            Next::End if self.level.shape == Shape::Dict => {
                self.close();
                Ok(None)
            }
            Next::Key => self.text().map(Some),
            Next::End => Err(DecodeError::Type { expected: "a key", found: AN_END }),
            Next::Value | Next::Nothing => Err(DecodeError::Type { expected: "a key", found: "a value" }),
        }
    }

    /// Whether there is another item in the open list; `false` consumes the list's end. Outside of containers, whether
    /// there is another value.
    ///
    /// # Errors
    ///
    /// As [`at_end_of_container`](Self::at_end_of_container).
    pub fn item(&mut self) -> Result<bool, DecodeError> {
        Ok(match self.next_is()? {
            Next::Key | Next::Value => true,
            Next::Nothing => false,
            Next::End => {
                self.close();
                false
            }
        })
    }

    /// Whether the sequence of values is complete.
    pub(super) fn at_end_of_input(&mut self) -> Result<bool, DecodeError> {
        Ok(self.next_is()? == Next::Nothing)
    }

    /// Whether a key of a dict comes next, or the dict's end.
    pub(super) fn key_is_due(&self) -> bool {
        self.level.shape == Shape::Dict && !self.level.value_due
    }

    /// What comes next. In JSON, passes what separates it from the last token.
    #[inline]
    fn next_is(&mut self) -> Result<Next, DecodeError> {
        if self.encoding() == Encoding::Json {
            return self.next_is_json();
        }
        let level = &self.level;
        if level.shape == Shape::Sequence {
            return Ok(if self.cursor.left() == 0 { Next::Nothing } else { Next::Value });
        }
        if level.left == 0 {
            return Ok(Next::End);
        }
        if level.left == Level::UNTIL_END {
            match self.cursor.peek() {
                Some(cbor::BREAK) if level.value_due => return Err(self.cursor.malformed(self.position())),
                Some(cbor::BREAK) => return Ok(Next::End),
                Some(_) => {}
                None => return Err(self.cursor.truncated()),
            }
        }
        Ok(if self.key_is_due() { Next::Key } else { Next::Value })
    }

    fn next_is_json(&mut self) -> Result<Next, DecodeError> {
        json::skip_space(&mut self.cursor);
        if self.level.value_due {
            return Ok(Next::Value);
        }
        let end = match self.level.shape {
            Shape::Sequence => None,
            Shape::List => Some(b']'),
            Shape::Dict => Some(b'}'),
        };
        if !self.level.comma {
            if self.cursor.peek() == end {
                return Ok(if end.is_none() { Next::Nothing } else { Next::End });
            }
            if self.level.begun {
                json::expect(&mut self.cursor, b',')?;
                self.level.comma = true;
                json::skip_space(&mut self.cursor);
            }
        }
        Ok(if self.key_is_due() { Next::Key } else { Next::Value })
    }

    #[inline]
    fn look_for(&mut self, expected: &'static str) -> Result<(Head<'a>, Cursor<'a>), DecodeError> {
        let next = self.next_is()?;
        self.look(next, expected)
    }

    /// The head of what comes next, and where the cursor is after it.
    #[inline]
    fn look(&self, next: Next, expected: &'static str) -> Result<(Head<'a>, Cursor<'a>), DecodeError> {
        let mut cursor = self.cursor;
        let head = match (next, cursor.encoding) {
            (Next::End, _) => return Err(DecodeError::Type { expected, found: AN_END }),
            (Next::Nothing, _) => return Err(cursor.truncated()),
            (Next::Key, Encoding::Json) => json::text_head(json::key(&mut cursor)?),
            (Next::Value, Encoding::Json) => json::head(&mut cursor)?,
            (_, Encoding::MessagePack) => MessagePack::head(&mut cursor)?,
            (_, Encoding::Cbor) => Cbor::head(&mut cursor)?,
        };
        match head {
            Head::Text(_) | Head::EncodedText(_) => {}
            Head::Break => return Err(cursor.malformed(self.position())),
            _ if next == Next::Key => return Err(DecodeError::Key { at: self.position() }),
            _ => {}
        }
        Ok((head, cursor))
    }

    #[inline]
    const fn accept(&mut self, after: Cursor<'a>) {
        self.cursor = after;
        self.level.passed();
    }

    fn open(&mut self, head: Head<'a>, after: Cursor<'a>) -> Result<(), DecodeError> {
        if self.parents.len() >= Limits::MAX_DEPTH {
            return Err(DecodeError::Limit { what: "nesting", limit: Limits::MAX_DEPTH });
        }
        let (shape, left) = match head {
            Head::Dict(len) => (Shape::Dict, len.map(|len| len.saturating_mul(2))),
            Head::List(len) => (Shape::List, len),
            _ => return Ok(()),
        };
        self.accept(after);
        self.parents.push(self.level);
        self.level = Level::new(shape, left.unwrap_or(Level::UNTIL_END));
        Ok(())
    }

    /// Passes the end of the open container, which is next.
    fn close(&mut self) {
        if self.level.left == Level::UNTIL_END {
            self.cursor.advance(1);
        }
        if let Some(parent) = self.parents.pop() {
            self.level = parent;
        }
    }

    /// A value's leading U+0000 means a binary in JSON, so no text may have it (W-16); a key may (W-17).
    fn decode_text(&self, head: Head<'a>, at: usize, next: Next) -> Result<Cow<'a, str>, DecodeError> {
        let text = match (head, self.encoding()) {
            (Head::EncodedText(raw), Encoding::Json) => json::unescape(raw, at)?,
            (Head::EncodedText(raw), _) => cbor::join_text(raw, at)?,
            (Head::Text(raw), _) => {
                Cow::Borrowed(core::str::from_utf8(raw).map_err(|_| DecodeError::Text { at })?)
            }
            _ => return Err(mismatch("text", head)),
        };
        if next == Next::Value && text.starts_with('\0') {
            return Err(DecodeError::Text { at });
        }
        Ok(text)
    }

    fn decode_bytes(&self, raw: &'a [u8], at: usize) -> Result<Cow<'a, [u8]>, DecodeError> {
        match self.encoding() {
            Encoding::Json => json::decode_binary(raw, at),
            _ => cbor::join_bytes(raw),
        }
    }
}

const AN_END: &str = "the end of a container";

#[cold]
fn mismatch(expected: &'static str, head: Head<'_>) -> DecodeError {
    let found = match head {
        Head::Signed(_) => "a negative integer",
        head => head.kind().map_or(AN_END, Kind::description),
    };
    DecodeError::Type { expected, found }
}
