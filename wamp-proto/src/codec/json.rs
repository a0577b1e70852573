//! JSON (RFC 8259, W-10): tokens read and written, and binaries in strings (W-11).

use std::{borrow::Cow, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    DecodeError, Encoding,
    cursor::{Cursor, Head},
    reader::Kind,
};

/// How a string that is a binary starts (W-12): a raw NUL is not JSON, so this is its only spelling.
const BINARY: &[u8] = b"\\u0000";

/// Base64 characters that are checked at once: whole groups of 4, without allocating.
const BASE64_CHUNK: usize = 1024;

/// A number, read no further than its type needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number<'a> {
    Unsigned(u64),
    Signed(i64),
    /// With a fraction or exponent, or too large for an integer.
    Float(&'a [u8]),
}

/// Whether a number is beyond every float. Only an exponent or very many digits can be.
pub(super) fn overflows(literal: &[u8]) -> bool {
    let suspicious = literal.len() > 300 || literal.iter().any(|byte| matches!(byte, b'e' | b'E'));
    let text = || core::str::from_utf8(literal).ok();
    suspicious && text().and_then(|text| text.parse::<f64>().ok()).is_none_or(f64::is_infinite)
}

/// What stands between two quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted<'a> {
    pub(super) raw: &'a [u8],
    pub(super) escaped: bool,
}

impl Quoted<'_> {
    #[inline]
    pub(super) fn is_binary(&self) -> bool {
        self.escaped && self.raw.starts_with(BINARY)
    }
}

/// The head of the value at the cursor, which is not white space.
pub(super) fn head<'a>(cursor: &mut Cursor<'a>) -> Result<Head<'a>, DecodeError> {
    match cursor.peek() {
        Some(b'"') => {
            let quoted = string(cursor)?;
            Ok(if quoted.is_binary() { Head::EncodedBytes(quoted.raw) } else { text_head(quoted) })
        }
        Some(b'[') => opened(cursor, Head::List(None)),
        Some(b'{') => opened(cursor, Head::Dict(None)),
        Some(b't') => literal(cursor, b"true").map(|()| Head::Bool(true)),
        Some(b'f') => literal(cursor, b"false").map(|()| Head::Bool(false)),
        Some(b'n') => literal(cursor, b"null").map(|()| Head::Null),
        _ => number(cursor).map(number_head),
    }
}

/// The key at the cursor and the colon after it.
pub(super) fn key<'a>(cursor: &mut Cursor<'a>) -> Result<Quoted<'a>, DecodeError> {
    match cursor.peek() {
        Some(b'"') => {}
        Some(_) => return Err(cursor.malformed(cursor.at())),
        None => return Err(cursor.truncated()),
    }
    let quoted = string(cursor)?;
    skip_space(cursor);
    expect(cursor, b':')?;
    Ok(quoted)
}

#[inline]
pub(super) const fn text_head(quoted: Quoted<'_>) -> Head<'_> {
    if quoted.escaped { Head::EncodedText(quoted.raw) } else { Head::Text(quoted.raw) }
}

fn opened<'a>(cursor: &mut Cursor<'a>, head: Head<'a>) -> Result<Head<'a>, DecodeError> {
    cursor.advance(1);
    Ok(head)
}

fn number_head(number: Number<'_>) -> Head<'_> {
    match number {
        Number::Unsigned(value) => Head::Unsigned(value),
        Number::Signed(value) => Head::Signed(value),
        Number::Float(literal) => {
            // The grammar of `number` is a subset of what `f64` parses, so the fallback is never taken.
            let value = core::str::from_utf8(literal).ok().and_then(|text| text.parse().ok());
            Head::Float(value.unwrap_or(f64::NAN))
        }
    }
}

/// The kind of the value at the cursor, without scanning a string to its end.
pub(super) fn kind(mut cursor: Cursor<'_>) -> Result<Kind, DecodeError> {
    Ok(match cursor.peek() {
        Some(b'"') => {
            cursor.advance(1);
            if cursor.rest().starts_with(BINARY) { Kind::Bytes } else { Kind::Text }
        }
        _ => {
            return head(&mut cursor)?
                .kind()
                .ok_or(DecodeError::Truncated { encoding: Encoding::Json, at: 0 });
        }
    })
}

#[inline]
pub(super) fn skip_space(cursor: &mut Cursor<'_>) {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = cursor.peek() {
        cursor.advance(1);
    }
}

#[inline]
pub(super) fn expect(cursor: &mut Cursor<'_>, wanted: u8) -> Result<(), DecodeError> {
    match cursor.peek() {
        Some(byte) if byte == wanted => {
            cursor.advance(1);
            Ok(())
        }
        Some(_) => Err(cursor.malformed(cursor.at())),
        None => Err(cursor.truncated()),
    }
}

#[inline]
pub(super) fn literal(cursor: &mut Cursor<'_>, word: &[u8]) -> Result<(), DecodeError> {
    if cursor.rest().starts_with(word) {
        cursor.advance(word.len());
        return Ok(());
    }
    for &wanted in word {
        expect(cursor, wanted)?;
    }
    Ok(())
}

/// Strictly the grammar of RFC 8259; integers stay integers as long as 64 bits hold them (W-18), and `1.0` is none
/// (W-19).
#[inline]
pub(super) fn number<'a>(cursor: &mut Cursor<'a>) -> Result<Number<'a>, DecodeError> {
    let start = cursor.at();
    let negative = cursor.peek() == Some(b'-');
    if negative {
        cursor.advance(1);
    }
    let magnitude = if cursor.peek() == Some(b'0') {
        cursor.advance(1);
        Some(0)
    } else {
        digits(cursor)?
    };
    if let Some(b'.' | b'e' | b'E') = cursor.peek() {
        fraction_and_exponent(cursor)?;
        return Ok(Number::Float(cursor.since(start)));
    }
    let integer = match (negative, magnitude) {
        (false, Some(magnitude)) => Some(Number::Unsigned(magnitude)),
        (true, Some(0)) => Some(Number::Unsigned(0)),
        (true, Some(magnitude)) => 0_i64.checked_sub_unsigned(magnitude).map(Number::Signed),
        (_, None) => None,
    };
    Ok(integer.unwrap_or_else(|| Number::Float(cursor.since(start))))
}

/// At least one digit; `None` when 64 bits do not hold the number.
#[inline]
fn digits(cursor: &mut Cursor<'_>) -> Result<Option<u64>, DecodeError> {
    let start = cursor.at();
    let mut value = Some(0_u64);
    while let Some(byte @ b'0'..=b'9') = cursor.peek() {
        let digit = u64::from(byte & 0x0f);
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(digit));
        cursor.advance(1);
    }
    if cursor.at() > start {
        return Ok(value);
    }
    Err(if cursor.left() == 0 { cursor.truncated() } else { cursor.malformed(start) })
}

fn fraction_and_exponent(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    if cursor.peek() == Some(b'.') {
        cursor.advance(1);
        digits(cursor)?;
    }
    if let Some(b'e' | b'E') = cursor.peek() {
        cursor.advance(1);
        if let Some(b'+' | b'-') = cursor.peek() {
            cursor.advance(1);
        }
        digits(cursor)?;
    }
    Ok(())
}

/// The string at the cursor, which is a quote. Checks escapes, not UTF-8.
#[inline]
pub(super) fn string<'a>(cursor: &mut Cursor<'a>) -> Result<Quoted<'a>, DecodeError> {
    let quote = cursor.at();
    cursor.advance(1);
    let start = cursor.at();
    let mut escaped = false;
    loop {
        cursor.advance(plain_run(cursor.rest()));
        match cursor.peek() {
            Some(b'"') => break,
            Some(b'\\') => {
                escaped = true;
                escape(cursor, quote)?;
            }
            Some(_) => return Err(cursor.malformed(cursor.at())),
            None => return Err(cursor.truncated()),
        }
    }
    let raw = cursor.since(start);
    cursor.advance(1);
    Ok(Quoted { raw, escaped })
}

/// Bytes before the first quote, backslash or control character.
#[inline]
fn plain_run(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    // Most strings end within the first two words; only a longer one is worth wide steps.
    for _ in 0..2 {
        let Some((word, tail)) = rest.split_first_chunk::<8>() else { break };
        let found = specials(*word);
        if found != 0 {
            return run_length(bytes, rest, found);
        }
        rest = tail;
    }
    while let Some((block, tail)) = rest.split_first_chunk::<32>() {
        if block.iter().fold(false, |found, &byte| found | is_special(byte)) {
            break;
        }
        rest = tail;
    }
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let found = specials(*word);
        if found != 0 {
            return run_length(bytes, rest, found);
        }
        rest = tail;
    }
    let tail = rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len());
    bytes.len().saturating_sub(rest.len()).saturating_add(tail)
}

#[inline]
const fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Sets the top bit of the first byte of the word that is special, and of no byte before it.
#[inline]
const fn specials(word: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(word);
    let quote = word ^ ONES.wrapping_mul(b'"' as u64);
    let backslash = word ^ ONES.wrapping_mul(b'\\' as u64);
    // x - ONES borrows into the top bit of a zero byte; a borrow beyond it touches later bytes only.
    let control = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
    let zero = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    (control | zero) & TOPS
}

#[inline]
const fn run_length(bytes: &[u8], rest: &[u8], found: u64) -> usize {
    let passed = bytes.len().saturating_sub(rest.len());
    passed.saturating_add((found.trailing_zeros() >> 3) as usize)
}

/// Passes the escape at the cursor; a lone surrogate is no text.
fn escape(cursor: &mut Cursor<'_>, quote: usize) -> Result<(), DecodeError> {
    cursor.advance(1);
    match cursor.byte()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
        b'u' => match code_unit(cursor)? {
            0xd800..=0xdbff => {
                let lone = || DecodeError::Text { at: quote };
                match (cursor.peek(), cursor.rest().get(1)) {
                    (Some(b'\\'), Some(b'u')) => cursor.advance(2),
                    (None, _) | (Some(b'\\'), None) => return Err(cursor.truncated()),
                    _ => return Err(lone()),
                }
                if matches!(code_unit(cursor)?, 0xdc00..=0xdfff) { Ok(()) } else { Err(lone()) }
            }
            0xdc00..=0xdfff => Err(DecodeError::Text { at: quote }),
            _ => Ok(()),
        },
        _ => Err(cursor.malformed(cursor.at().saturating_sub(1))),
    }
}

/// Four hexadecimal digits.
fn code_unit(cursor: &mut Cursor<'_>) -> Result<u32, DecodeError> {
    let mut unit = 0_u32;
    for _ in 0..4 {
        let digit = char::from(cursor.byte()?).to_digit(16);
        let Some(digit) = digit else { return Err(cursor.malformed(cursor.at().saturating_sub(1))) };
        unit = (unit << 4) | digit;
    }
    Ok(unit)
}

/// The text of a string that [`string`] has passed.
pub(super) fn unescape<'a>(raw: &'a [u8], at: usize) -> Result<Cow<'a, str>, DecodeError> {
    let raw = core::str::from_utf8(raw).map_err(|_| DecodeError::Text { at })?;
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else { return Ok(Cow::Borrowed(raw)) };
    let (plain, mut rest) = raw.split_at(first);
    let mut text = String::with_capacity(raw.len());
    text.push_str(plain);
    while let Some(escaped) = rest.strip_prefix('\\') {
        let mut cursor = Cursor::new(Encoding::Json, escaped.as_bytes());
        text.push(unescaped(&mut cursor).ok_or(DecodeError::Text { at })?);
        let after = escaped.get(cursor.at()..).unwrap_or_default();
        let run = memchr::memchr(b'\\', after.as_bytes()).unwrap_or(after.len());
        let (plain, tail) = after.split_at(run);
        text.push_str(plain);
        rest = tail;
    }
    Ok(Cow::Owned(text))
}

/// The text of a key that need not have escapes.
pub(super) fn text_of(raw: &[u8], escaped: bool, at: usize) -> Result<Cow<'_, str>, DecodeError> {
    if escaped {
        return unescape(raw, at);
    }
    core::str::from_utf8(raw).map(Cow::Borrowed).map_err(|_| DecodeError::Text { at })
}

/// The character that an escape stands for, from after its backslash.
fn unescaped(cursor: &mut Cursor<'_>) -> Option<char> {
    Some(match cursor.byte().ok()? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => match code_unit(cursor).ok()? {
            high @ 0xd800..=0xdbff => {
                cursor.advance(2);
                let low = code_unit(cursor).ok()?;
                surrogates(high, low)?
            }
            unit => char::from_u32(unit)?,
        },
        other => char::from(other),
    })
}

/// The character of a surrogate pair.
fn surrogates(high: u32, low: u32) -> Option<char> {
    let offset = ((high & 0x3ff) << 10) | (low & 0x3ff);
    char::from_u32(offset.wrapping_add(0x1_0000))
}

/// The Base64 of a binary string, without the NUL.
fn base64_of<'a>(raw: &'a [u8], at: usize) -> Result<Cow<'a, [u8]>, DecodeError> {
    let rest = raw.get(BINARY.len()..).unwrap_or_default();
    // Some encoders escape the `/` of the Base64 alphabet.
    Ok(match unescape(rest, at).map_err(|_| DecodeError::Base64 { at })? {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// The bytes of a binary string.
pub(super) fn decode_binary<'a>(raw: &[u8], at: usize) -> Result<Cow<'a, [u8]>, DecodeError> {
    let text = base64_of(raw, at)?;
    STANDARD.decode(&*text).map(Cow::Owned).map_err(|_| DecodeError::Base64 { at })
}

/// Whether a binary string is one (W-15), found without allocating.
pub(super) fn check_binary(raw: &[u8], at: usize) -> Result<(), DecodeError> {
    let text = base64_of(raw, at)?;
    let mut decoded = [0; BASE64_CHUNK];
    let mut rest = &*text;
    while !rest.is_empty() {
        let (chunk, tail) = rest.split_at(rest.len().min(BASE64_CHUNK));
        let len = STANDARD.decode_slice(chunk, &mut decoded).map_err(|_| DecodeError::Base64 { at })?;
        // Padding may end the last chunk only.
        if !tail.is_empty() && len != BASE64_CHUNK / 4 * 3 {
            return Err(DecodeError::Base64 { at });
        }
        rest = tail;
    }
    Ok(())
}

/// Writes a number's decimal digits.
pub(super) fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    let mut buffer = [b'0'; 20];
    let mut len = 0_usize;
    for slot in buffer.iter_mut().rev() {
        *slot = b'0' | (value % 10) as u8;
        value /= 10;
        len = len.saturating_add(1);
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(buffer.get(buffer.len().saturating_sub(len)..).unwrap_or_default());
}

/// Writes the shortest digits that read back as `value`; JSON has no others than finite numbers (W-04).
pub(super) fn write_float(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        // Writing to a `Vec` does not fail.
        let _written = write!(out, "{value:?}");
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Writes a string, with no more escapes than JSON demands.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len().saturating_add(2));
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, tail) = rest.split_at_checked(plain_run(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&special, tail)) = tail.split_first() else { break };
        write_escape(out, special);
        rest = tail;
    }
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            // Only control characters come here, so the first two digits are 0.
            let _written = write!(out, "\\u{byte:04x}");
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes a binary as a string (W-11).
pub(super) fn write_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(BINARY);
    let start = out.len();
    let len = base64::encoded_len(bytes.len(), true).unwrap_or_default();
    out.resize(start.saturating_add(len), b'=');
    if let Some(place) = out.get_mut(start..) {
        // The place has exactly the length that the engine asks for.
        let _written = STANDARD.encode_slice(bytes, place);
    }
    out.push(b'"');
}
