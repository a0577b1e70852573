//! A position in serialized bytes, and what starts there.

use super::{DecodeError, Encoding, reader::Kind};

/// The first part of a value: all of a scalar, only the opening of a container.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    Float(f64),
    /// The text itself, its UTF-8 not yet checked.
    Text(&'a [u8]),
    /// Text that must be put together first: JSON with escapes, the chunks of a CBOR text.
    EncodedText(&'a [u8]),
    Bytes(&'a [u8]),
    /// Bytes that must be put together first: a JSON string (W-12), the chunks of a CBOR byte string.
    EncodedBytes(&'a [u8]),
    /// Items, when known: never more than there are bytes left.
    List(Option<usize>),
    /// Entries, when known: never more than there are bytes left.
    Dict(Option<usize>),
    /// The end of a CBOR container of indefinite length.
    Break,
}

impl Head<'_> {
    /// `None` for a break, which is no value.
    #[inline]
    pub(super) const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Unsigned(_) | Self::Signed(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Text(_) | Self::EncodedText(_) => Kind::Text,
            Self::Bytes(_) | Self::EncodedBytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Dict(_) => Kind::Dict,
            Self::Break => return None,
        })
    }
}

/// An integer in a signed encoding, which may well be positive (W-28).
#[inline]
pub(super) const fn integer<'a>(value: i64) -> Head<'a> {
    if value < 0 { Head::Signed(value) } else { Head::Unsigned(value.unsigned_abs()) }
}

/// Serialized bytes and how many of them are consumed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) encoding: Encoding,
    input: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) const fn new(encoding: Encoding, input: &'a [u8]) -> Self {
        Self { encoding, input, at: 0 }
    }

    #[inline]
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) const fn input(&self) -> &'a [u8] {
        self.input
    }

    #[inline]
    pub(super) const fn left(&self) -> usize {
        self.input.len().saturating_sub(self.at)
    }

    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// The bytes from `start` to here.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.input.get(start..self.at).unwrap_or_default()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// Passes `count` bytes that the caller has seen.
    #[inline]
    pub(super) const fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let Some(&byte) = self.input.get(self.at) else { return Err(self.truncated()) };
        self.advance(1);
        Ok(byte)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some(&array) = self.rest().first_chunk::<N>() else { return Err(self.truncated()) };
        self.advance(N);
        Ok(array)
    }

    /// The next `count` bytes; a count beyond the input costs nothing.
    #[inline]
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], DecodeError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let Some(taken) = self.rest().get(..count) else { return Err(self.truncated()) };
        self.advance(count);
        Ok(taken)
    }

    /// A number of items that take `bytes_each` at least, refused when so many bytes are not there.
    #[inline]
    pub(super) fn count(&self, count: u64, bytes_each: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count.saturating_mul(bytes_each) > self.left() { Err(self.truncated()) } else { Ok(count) }
    }

    #[cold]
    pub(super) const fn truncated(&self) -> DecodeError {
        DecodeError::Truncated { encoding: self.encoding, at: self.input.len() }
    }

    #[cold]
    pub(super) const fn malformed(&self, at: usize) -> DecodeError {
        DecodeError::Malformed { encoding: self.encoding, at }
    }
}
