//! Pushing values into serialized bytes.

use super::{Encoding, cbor, json, msgpack, stack::Stack};

/// The first bytes of a value in a binary serializer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    bytes: [u8; 9],
    len: usize,
}

impl Header {
    /// One byte: `first` with a small number in its low bits.
    #[inline]
    pub(super) const fn tiny(first: u8, value: u64) -> Self {
        Self { bytes: [first | value as u8, 0, 0, 0, 0, 0, 0, 0, 0], len: 1 }
    }

    /// `first` and then the low 1, 2, 4 or 8 bytes of a number.
    #[inline]
    pub(super) const fn wide(first: u8, value: u64, width: usize) -> Self {
        let unused = 8_usize.saturating_sub(width).saturating_mul(8);
        let [a, b, c, d, e, f, g, h] = value.wrapping_shl(unused as u32).to_be_bytes();
        Self { bytes: [first, a, b, c, d, e, f, g, h], len: width.saturating_add(1) }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Push writer of serialized values: shortest forms, definite lengths, dicts in the order they are written (W-27).
///
/// Outside of containers it writes a sequence of values, comma-separated in JSON. It never fails, so what to write is
/// the caller's: keys and values alternate in a dict, an [`end`](Self::end) closes each container, keys are unique, and
/// a text does not start with U+0000, which JSON could not tell from a binary (W-16).
///
/// ```
/// use wamp_proto::{Encoding, codec::Writer};
///
/// let mut writer = Writer::new(Encoding::Json);
/// writer.list(None);
/// writer.unsigned(1);
/// writer.text("realm1");
/// writer.dict(Some(1));
/// writer.key("authid");
/// writer.text("joe");
/// writer.end();
/// writer.end();
/// assert_eq!(writer.finish(), br#"[1,"realm1",{"authid":"joe"}]"#);
/// ```
#[derive(Clone, Debug)]
pub struct Writer {
    encoding: Encoding,
    out: Vec<u8>,
    /// The innermost open container.
    level: Level,
    /// What is around it.
    parents: Stack<Level, 4>,
}

/// An open container, or the sequence that everything is in.
#[derive(Clone, Copy, Debug)]
struct Level {
    dict: bool,
    /// Where its header starts.
    start: usize,
    /// The number of items or entries in its header.
    declared: usize,
    /// Items or entries so far.
    count: usize,
}

impl Writer {
    /// A writer with nothing written yet.
    pub const fn new(encoding: Encoding) -> Self {
        Self::over(encoding, Vec::new())
    }

    /// As [`new`](Self::new), with room for `bytes` bytes.
    pub fn with_capacity(encoding: Encoding, bytes: usize) -> Self {
        Self::over(encoding, Vec::with_capacity(bytes))
    }

    const fn over(encoding: Encoding, out: Vec<u8>) -> Self {
        let level = Level { dict: false, start: 0, declared: 0, count: 0 };
        Self { encoding, out, level, parents: Stack::new(level) }
    }

    /// The serializer.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Writes a null.
    pub fn null(&mut self) {
        self.constant(b"null", 0xc0, 0xf6);
    }

    /// Writes a bool.
    pub fn bool(&mut self, value: bool) {
        if value {
            self.constant(b"true", 0xc3, 0xf5);
        } else {
            self.constant(b"false", 0xc2, 0xf4);
        }
    }

    fn constant(&mut self, json: &[u8], msgpack: u8, cbor: u8) {
        self.before_value();
        match self.encoding {
            Encoding::Json => self.out.extend_from_slice(json),
            Encoding::MessagePack => self.out.push(msgpack),
            Encoding::Cbor => self.out.push(cbor),
        }
    }

    /// Writes a non-negative integer.
    #[inline]
    pub fn unsigned(&mut self, value: u64) {
        self.before_value();
        match self.encoding {
            Encoding::Json => json::write_unsigned(&mut self.out, value),
            Encoding::MessagePack => self.header(msgpack::unsigned(value)),
            Encoding::Cbor => self.header(cbor::header(0, value)),
        }
    }

    /// Writes an integer of either sign.
    pub fn signed(&mut self, value: i64) {
        if value >= 0 {
            return self.unsigned(value.unsigned_abs());
        }
        self.before_value();
        match self.encoding {
            Encoding::Json => {
                self.out.push(b'-');
                json::write_unsigned(&mut self.out, value.unsigned_abs());
            }
            Encoding::MessagePack => self.header(msgpack::negative(value)),
            Encoding::Cbor => self.header(cbor::header(1, (!value).unsigned_abs())),
        }
    }

    /// Writes a float, in 64 bits; in JSON the shortest digits that read back as it, and null when it is not finite.
    pub fn float(&mut self, value: f64) {
        self.before_value();
        match self.encoding {
            Encoding::Json => json::write_float(&mut self.out, value),
            Encoding::MessagePack => self.header(Header::wide(0xcb, value.to_bits(), 8)),
            Encoding::Cbor => self.header(Header::wide(0xfb, value.to_bits(), 8)),
        }
    }

    /// Writes text.
    #[inline]
    pub fn text(&mut self, value: &str) {
        self.before_value();
        self.string(value);
    }

    /// Writes a binary: in JSON a string of U+0000 and standard Base64 with padding (W-11).
    pub fn bytes(&mut self, value: &[u8]) {
        self.before_value();
        match self.encoding {
            Encoding::Json => return json::write_binary(&mut self.out, value),
            Encoding::MessagePack => self.header(msgpack::bytes(value.len() as u64)),
            Encoding::Cbor => self.header(cbor::header(2, value.len() as u64)),
        }
        self.out.extend_from_slice(value);
    }

    /// Opens a list. Telling its length saves [`end`](Self::end) work; without it, or with a wrong one, `end` puts the
    /// length in.
    pub fn list(&mut self, len: Option<usize>) {
        self.open(false, len);
    }

    /// Opens a dict. Telling its number of entries saves [`end`](Self::end) work, as for [`list`](Self::list).
    pub fn dict(&mut self, len: Option<usize>) {
        self.open(true, len);
    }

    /// Writes a dict without entries: most options and details of most messages.
    #[inline]
    pub fn empty_dict(&mut self) {
        self.constant(b"{}", 0x80, 0xa0);
    }

    fn open(&mut self, dict: bool, len: Option<usize>) {
        self.before_value();
        self.parents.push(self.level);
        let declared = len.unwrap_or(0);
        self.level = Level { dict, start: self.out.len(), declared, count: 0 };
        match self.container_header(dict, declared) {
            Some(header) => self.header(header),
            None => self.out.push(if dict { b'{' } else { b'[' }),
        }
    }

    /// Writes a key of the open dict; its value is next.
    #[inline]
    pub fn key(&mut self, key: &str) {
        self.separate(1);
        self.string(key);
        if self.encoding == Encoding::Json {
            self.out.push(b':');
        }
    }

    /// Closes the innermost open container; without one, does nothing.
    pub fn end(&mut self) {
        let Some(parent) = self.parents.pop() else { return };
        let Level { dict, start, declared, count } = self.level;
        self.level = parent;
        match self.container_header(dict, count) {
            None => self.out.push(if dict { b'}' } else { b']' }),
            Some(_) if count == declared => {}
            Some(right) => {
                let wrong = self.container_header(dict, declared).map_or(0, |header| header.len);
                let end = start.saturating_add(wrong);
                self.out.splice(start..end, right.as_slice().iter().copied());
            }
        }
    }

    /// Splices `count` values that are serialized in the same encoding already (in JSON comma-separated) as the next
    /// items of the open list, or one as the value of a key.
    pub fn raw(&mut self, values: &[u8], count: usize) {
        if count == 0 {
            return;
        }
        if !self.level.dict {
            self.separate(count);
        }
        self.out.extend_from_slice(values);
    }

    /// What is written, with containers that are still open closed.
    pub fn finish(mut self) -> Vec<u8> {
        while self.parents.len() > 0 {
            self.end();
        }
        self.out
    }

    /// A dict's value belongs to its key, which is counted and separated.
    #[inline]
    fn before_value(&mut self) {
        if !self.level.dict {
            self.separate(1);
        }
    }

    #[inline]
    fn separate(&mut self, count: usize) {
        if self.level.count > 0 && self.encoding == Encoding::Json {
            self.out.push(b',');
        }
        self.level.count = self.level.count.saturating_add(count);
    }

    #[inline]
    fn string(&mut self, text: &str) {
        match self.encoding {
            Encoding::Json => return json::write_text(&mut self.out, text),
            Encoding::MessagePack => self.header(msgpack::text(text.len() as u64)),
            Encoding::Cbor => self.header(cbor::header(3, text.len() as u64)),
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn header(&mut self, header: Header) {
        self.out.extend_from_slice(header.as_slice());
    }

    /// `None` in JSON, where brackets tell where a container ends.
    fn container_header(&self, dict: bool, len: usize) -> Option<Header> {
        match self.encoding {
            Encoding::Json => None,
            Encoding::MessagePack => Some(msgpack::container(dict, len as u64)),
            Encoding::Cbor => Some(cbor::header(if dict { 5 } else { 4 }, len as u64)),
        }
    }
}
