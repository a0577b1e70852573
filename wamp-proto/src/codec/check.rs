//! The validating pass over a message: every byte of it, without allocating for usual messages.

use std::borrow::Cow;

use super::{
    DecodeError, Encoding, cbor,
    cursor::{Cursor, Head},
    json,
    reader::Kind,
    stack::Stack,
};
use crate::Limits;

/// Keys that are compared each with each; more are sorted.
const FEW_KEYS: usize = 16;

/// The next head of a binary serializer.
pub(super) trait Binary {
    fn head<'a>(cursor: &mut Cursor<'a>) -> Result<Head<'a>, DecodeError>;
}

/// Learns where the items of a list are.
pub(super) trait Record {
    /// An item from `start` to `end`; `number` is its value when it is a non-negative integer.
    fn item(&mut self, start: usize, end: usize, kind: Kind, number: Option<u64>);
}

/// Nested lists: nobody asks.
impl Record for () {
    #[inline]
    fn item(&mut self, _: usize, _: usize, _: Kind, _: Option<u64>) {}
}

/// Where the text of a key is. Messages are never above 4 GiB ([`Limits::MAX_MESSAGE_SIZE`]).
#[derive(Clone, Copy, Debug)]
struct Key {
    start: u32,
    end: u32,
    encoded: bool,
}

/// Validates one message.
pub(super) struct Check<'a> {
    pub(super) cursor: Cursor<'a>,
    depth: usize,
    max_keys: usize,
    max_values: usize,
    /// Values that may still come.
    values: usize,
    /// The last integer, when it is not negative.
    number: Option<u64>,
    /// The keys of all open dicts.
    keys: Stack<Key, 8>,
}

impl<'a> Check<'a> {
    #[inline]
    pub(super) fn new(encoding: Encoding, message: &'a [u8], limits: &Limits) -> Self {
        Self {
            cursor: Cursor::new(encoding, message),
            depth: limits.depth.min(Limits::MAX_DEPTH),
            max_keys: limits.keys,
            max_values: limits.values,
            values: limits.values,
            number: None,
            keys: Stack::new(Key { start: 0, end: 0, encoded: false }),
        }
    }

    /// The items of a list whose head is passed, and the list's end. `depth` counts this list.
    #[inline(always)]
    pub(super) fn list<F: Binary, R: Record>(
        &mut self,
        len: Option<usize>,
        depth: usize,
        record: &mut R,
    ) -> Result<usize, DecodeError> {
        self.enter(depth)?;
        if let Some(len) = len {
            self.count_values(len)?;
            for _ in 0..len {
                let start = self.cursor.at();
                let kind = self.value::<F>(depth)?;
                record.item(start, self.cursor.at(), kind, self.number);
            }
            return Ok(len);
        }
        let mut len = 0_usize;
        while !self.at_break()? {
            self.count_values(1)?;
            let start = self.cursor.at();
            let kind = self.value::<F>(depth)?;
            record.item(start, self.cursor.at(), kind, self.number);
            len = len.saturating_add(1);
        }
        Ok(len)
    }

    /// One value in a container of depth `depth`.
    #[inline(always)]
    fn value<F: Binary>(&mut self, depth: usize) -> Result<Kind, DecodeError> {
        let start = self.cursor.at();
        let head = F::head(&mut self.cursor)?;
        match head {
            Head::Text(text) => check_text(text, start)?,
            Head::EncodedText(chunks) => cbor::check_chunks(chunks, start, false)?,
            Head::List(Some(0)) | Head::Dict(Some(0)) => self.enter(depth.saturating_add(1))?,
            Head::List(len) => self.nested_list::<F>(len, depth.saturating_add(1))?,
            Head::Dict(len) => self.dict::<F>(len, depth.saturating_add(1))?,
            Head::Unsigned(number) => self.number = Some(number),
            Head::Signed(_) => self.number = None,
            _ => {}
        }
        head.kind().ok_or_else(|| self.cursor.malformed(start))
    }

    fn nested_list<F: Binary>(&mut self, len: Option<usize>, depth: usize) -> Result<(), DecodeError> {
        self.list::<F, ()>(len, depth, &mut ()).map(|_| ())
    }

    /// The entries of a dict whose head is passed, and the dict's end.
    fn dict<F: Binary>(&mut self, len: Option<usize>, depth: usize) -> Result<(), DecodeError> {
        self.enter(depth)?;
        let first_key = self.keys.len();
        if let Some(len) = len {
            self.count_keys(len)?;
            self.count_values(len)?;
            for _ in 0..len {
                self.key::<F>()?;
                self.value::<F>(depth)?;
            }
        } else {
            let mut len = 0_usize;
            while !self.at_break()? {
                len = len.saturating_add(1);
                self.count_keys(len)?;
                self.count_values(1)?;
                self.key::<F>()?;
                self.value::<F>(depth)?;
            }
        }
        self.unique_keys(first_key)
    }

    /// A key is text as it is, a leading U+0000 included (W-17).
    #[inline(always)]
    fn key<F: Binary>(&mut self) -> Result<(), DecodeError> {
        let start = self.cursor.at();
        match F::head(&mut self.cursor)? {
            Head::Text(text) => {
                check_utf8(text, start)?;
                self.push_key(text.len(), self.cursor.at(), false);
                Ok(())
            }
            Head::EncodedText(chunks) => {
                cbor::check_chunks(chunks, start, true)?;
                // The break follows the chunks.
                self.push_key(chunks.len(), self.cursor.at().saturating_sub(1), true);
                Ok(())
            }
            Head::Break => Err(self.cursor.malformed(start)),
            _ => Err(DecodeError::Key { at: start }),
        }
    }

    /// Passes the break of a container of indefinite length, if it is there.
    #[inline]
    fn at_break(&mut self) -> Result<bool, DecodeError> {
        match self.cursor.peek() {
            Some(cbor::BREAK) => {
                self.cursor.advance(1);
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(self.cursor.truncated()),
        }
    }

    /// The items of a JSON list, from its bracket to its bracket. `depth` counts this list.
    #[inline]
    pub(super) fn json_list<R: Record>(
        &mut self,
        depth: usize,
        record: &mut R,
    ) -> Result<usize, DecodeError> {
        self.cursor.advance(1);
        self.enter(depth)?;
        let mut len = 0_usize;
        json::skip_space(&mut self.cursor);
        if self.cursor.peek() == Some(b']') {
            self.cursor.advance(1);
            return Ok(0);
        }
        loop {
            self.count_values(1)?;
            let start = self.cursor.at();
            let kind = self.json_value(depth)?;
            record.item(start, self.cursor.at(), kind, self.number);
            len = len.saturating_add(1);
            if self.json_end(b']')? {
                return Ok(len);
            }
        }
    }

    /// One JSON value in a container of depth `depth`.
    #[inline]
    fn json_value(&mut self, depth: usize) -> Result<Kind, DecodeError> {
        let start = self.cursor.at();
        match self.cursor.peek() {
            Some(b'"') => self.json_string(),
            Some(b'[') => self.nested_json_list(depth.saturating_add(1)),
            Some(b'{') => self.json_dict(depth.saturating_add(1)),
            Some(b't') => json::literal(&mut self.cursor, b"true").map(|()| Kind::Bool),
            Some(b'f') => json::literal(&mut self.cursor, b"false").map(|()| Kind::Bool),
            Some(b'n') => json::literal(&mut self.cursor, b"null").map(|()| Kind::Null),
            Some(b'-' | b'0'..=b'9') => {
                let number = json::number(&mut self.cursor)?;
                self.number = if let json::Number::Unsigned(number) = number { Some(number) } else { None };
                match number {
                    // W-04: what is forwarded as it is must be a number to whoever reads it, and many refuse 1e999.
                    json::Number::Float(literal) if json::overflows(literal) => {
                        Err(self.cursor.malformed(start))
                    }
                    json::Number::Float(_) => Ok(Kind::Float),
                    _ => Ok(Kind::Integer),
                }
            }
            Some(_) => Err(self.cursor.malformed(start)),
            None => Err(self.cursor.truncated()),
        }
    }

    fn nested_json_list(&mut self, depth: usize) -> Result<Kind, DecodeError> {
        self.json_list(depth, &mut ()).map(|_| Kind::List)
    }

    #[inline]
    fn json_string(&mut self) -> Result<Kind, DecodeError> {
        let start = self.cursor.at();
        let quoted = json::string(&mut self.cursor)?;
        if quoted.is_binary() {
            json::check_binary(quoted.raw, start)?;
            return Ok(Kind::Bytes);
        }
        check_utf8(quoted.raw, start)?;
        Ok(Kind::Text)
    }

    /// The entries of a JSON dict, from its brace to its brace.
    fn json_dict(&mut self, depth: usize) -> Result<Kind, DecodeError> {
        self.cursor.advance(1);
        self.enter(depth)?;
        json::skip_space(&mut self.cursor);
        if self.cursor.peek() == Some(b'}') {
            self.cursor.advance(1);
            return Ok(Kind::Dict);
        }
        let first_key = self.keys.len();
        let mut len = 0_usize;
        loop {
            len = len.saturating_add(1);
            self.count_keys(len)?;
            self.count_values(1)?;
            self.json_key()?;
            json::skip_space(&mut self.cursor);
            self.json_value(depth)?;
            if self.json_end(b'}')? {
                break;
            }
        }
        self.unique_keys(first_key)?;
        Ok(Kind::Dict)
    }

    #[inline]
    fn json_key(&mut self) -> Result<(), DecodeError> {
        let start = self.cursor.at();
        let quoted = json::key(&mut self.cursor)?;
        check_utf8(quoted.raw, start)?;
        let raw_end = start.saturating_add(1).saturating_add(quoted.raw.len());
        self.push_key(quoted.raw.len(), raw_end, quoted.escaped);
        Ok(())
    }

    /// Passes the container's end, or the comma before its next item.
    #[inline]
    fn json_end(&mut self, end: u8) -> Result<bool, DecodeError> {
        json::skip_space(&mut self.cursor);
        match self.cursor.peek() {
            Some(b',') => {
                self.cursor.advance(1);
                json::skip_space(&mut self.cursor);
                Ok(false)
            }
            _ => json::expect(&mut self.cursor, end).map(|()| true),
        }
    }

    #[inline]
    fn enter(&self, depth: usize) -> Result<(), DecodeError> {
        if depth > self.depth { Err(limit("nesting", self.depth)) } else { Ok(()) }
    }

    #[inline]
    fn count_values(&mut self, count: usize) -> Result<(), DecodeError> {
        let Some(left) = self.values.checked_sub(count) else {
            return Err(limit("number of values", self.max_values));
        };
        self.values = left;
        Ok(())
    }

    #[inline]
    fn count_keys(&self, count: usize) -> Result<(), DecodeError> {
        if count > self.max_keys { Err(limit("number of keys", self.max_keys)) } else { Ok(()) }
    }

    #[inline]
    fn push_key(&mut self, len: usize, end: usize, encoded: bool) {
        // `split` has refused messages of more than 4 GiB.
        let [start, end] = [end.saturating_sub(len), end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        self.keys.push(Key { start, end, encoded });
    }

    /// Closes a dict: drops its keys, which must all differ (M-04).
    #[inline]
    fn unique_keys(&mut self, first_key: usize) -> Result<(), DecodeError> {
        if self.keys.len() < first_key.saturating_add(2) {
            self.keys.truncate(first_key);
            return Ok(());
        }
        self.compare_keys(first_key)
    }

    fn compare_keys(&mut self, first_key: usize) -> Result<(), DecodeError> {
        let message = self.cursor.input();
        let keys = self.keys.since(first_key);
        let duplicate = if keys.iter().any(|key| key.encoded) {
            duplicate_decoded(self.cursor.encoding, message, keys)?
        } else if keys.len() <= FEW_KEYS {
            duplicate_of_few(message, keys)
        } else {
            duplicate_of_many(message, keys)
        };
        self.keys.truncate(first_key);
        duplicate.map_or(Ok(()), |key| Err(DecodeError::DuplicateKey { at: key.start as usize }))
    }
}

impl Key {
    #[inline]
    fn raw(self, message: &[u8]) -> &[u8] {
        message.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    #[inline]
    const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    fn decoded(self, encoding: Encoding, message: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
        let at = self.start as usize;
        match (encoding, self.encoded) {
            (Encoding::Cbor, true) => cbor::join_text(self.raw(message), at),
            _ => json::text_of(self.raw(message), self.encoded, at),
        }
    }
}

#[inline]
fn duplicate_of_few(message: &[u8], keys: &[Key]) -> Option<Key> {
    let mut rest = keys;
    while let Some((&key, later)) = rest.split_first() {
        for &other in later {
            if other.len() == key.len() && other.raw(message) == key.raw(message) {
                return Some(other);
            }
        }
        rest = later;
    }
    None
}

fn duplicate_of_many(message: &[u8], keys: &mut [Key]) -> Option<Key> {
    keys.sort_unstable_by(|a, b| a.raw(message).cmp(b.raw(message)));
    let mut pairs = keys.windows(2);
    pairs.find_map(|pair| match pair {
        [a, b] if a.raw(message) == b.raw(message) => Some(*b),
        _ => None,
    })
}

/// The rare case: keys with escapes or in chunks are compared as what they stand for.
#[cold]
fn duplicate_decoded(encoding: Encoding, message: &[u8], keys: &[Key]) -> Result<Option<Key>, DecodeError> {
    let mut decoded = Vec::with_capacity(keys.len());
    for &key in keys {
        decoded.push((key.decoded(encoding, message)?, key));
    }
    decoded.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut pairs = decoded.windows(2);
    Ok(pairs.find_map(|pair| match pair {
        [(a, _), (b, key)] if a == b => Some(*key),
        _ => None,
    }))
}

/// A text value: UTF-8 (W-29), and nothing that JSON would take for a binary (W-16).
#[inline]
fn check_text(text: &[u8], at: usize) -> Result<(), DecodeError> {
    if text.first() == Some(&0) {
        return Err(DecodeError::Text { at });
    }
    check_utf8(text, at)
}

#[inline]
fn check_utf8(text: &[u8], at: usize) -> Result<(), DecodeError> {
    if text.is_ascii() || core::str::from_utf8(text).is_ok() { Ok(()) } else { Err(DecodeError::Text { at }) }
}

#[cold]
const fn limit(what: &'static str, limit: usize) -> DecodeError {
    DecodeError::Limit { what, limit }
}
