//! CBOR (RFC 8949, W-26): the heads of values, read and written.

use std::borrow::Cow;

use super::{
    DecodeError, Encoding,
    check::Binary,
    cursor::{Cursor, Head},
    writer::Header,
};

/// Ends a container or string of indefinite length.
pub(super) const BREAK: u8 = 0xff;

/// CBOR to the generic parts.
pub(super) struct Cbor;

impl Binary for Cbor {
    #[inline(always)]
    fn head<'a>(cursor: &mut Cursor<'a>) -> Result<Head<'a>, DecodeError> {
        let first = cursor.byte()?;
        Ok(match first {
            0x00..=0x17 => Head::Unsigned(first.into()),
            0x60..=0x77 => Head::Text(cursor.take(u64::from(first & 0x1f))?),
            0x80..=0x97 => Head::List(Some(cursor.count(u64::from(first & 0x1f), 1)?)),
            0xa0..=0xb7 => Head::Dict(Some(cursor.count(u64::from(first & 0x1f), 2)?)),
            _ => wide(cursor, first)?,
        })
    }
}

/// The encodings with more than one byte of head, and the rare ones. Tags are passed over: what they tag is the
/// value (W-04).
fn wide<'a>(cursor: &mut Cursor<'a>, mut first: u8) -> Result<Head<'a>, DecodeError> {
    let mut tagged = false;
    while first >> 5 == 6 {
        argument(cursor, first)?;
        first = cursor.byte()?;
        tagged = true;
    }
    Ok(match (first >> 5, first & 0x1f) {
        (2, 31) => Head::EncodedBytes(chunks(cursor, 2)?),
        (3, 31) => Head::EncodedText(chunks(cursor, 3)?),
        (4, 31) => Head::List(None),
        (5, 31) => Head::Dict(None),
        (7, 31) if !tagged => Head::Break,
        (7, _) => simple(cursor, first)?,
        (major, _) => {
            let argument = argument(cursor, first)?;
            match major {
                0 => Head::Unsigned(argument),
                1 => negative_head(argument),
                2 => Head::Bytes(cursor.take(argument)?),
                3 => Head::Text(cursor.take(argument)?),
                4 => Head::List(Some(cursor.count(argument, 1)?)),
                _ => Head::Dict(Some(cursor.count(argument, 2)?)),
            }
        }
    })
}

/// The number that belongs to an initial byte.
#[inline]
fn argument(cursor: &mut Cursor<'_>, first: u8) -> Result<u64, DecodeError> {
    Ok(match first & 0x1f {
        small @ 0..=23 => small.into(),
        24 => cursor.byte()?.into(),
        25 => u16::from_be_bytes(cursor.array()?).into(),
        26 => u32::from_be_bytes(cursor.array()?).into(),
        27 => u64::from_be_bytes(cursor.array()?),
        _ => return Err(cursor.malformed(cursor.at().saturating_sub(1))),
    })
}

/// -1 - `argument`, as a float when no i64 holds it.
fn negative_head<'a>(argument: u64) -> Head<'a> {
    match i64::try_from(argument) {
        Ok(argument) => Head::Signed(!argument),
        Err(_) => Head::Float(-1.0 - argument as f64),
    }
}

/// Major type 7: what has no counterpart elsewhere is null (W-04).
fn simple<'a>(cursor: &mut Cursor<'a>, first: u8) -> Result<Head<'a>, DecodeError> {
    let start = cursor.at().saturating_sub(1);
    Ok(match first & 0x1f {
        20 => Head::Bool(false),
        21 => Head::Bool(true),
        0..=23 => Head::Null,
        24 if cursor.byte()? >= 32 => Head::Null,
        25 => Head::Float(half(u16::from_be_bytes(cursor.array()?))),
        26 => Head::Float(f32::from_be_bytes(cursor.array()?).into()),
        27 => Head::Float(f64::from_be_bytes(cursor.array()?)),
        _ => return Err(cursor.malformed(start)),
    })
}

/// The value of a half-precision float.
fn half(bits: u16) -> f64 {
    let mantissa = f64::from(bits & 0x3ff);
    let magnitude = match (bits >> 10) & 0x1f {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (mantissa + 1024.0) * 2_f64.powi(i32::from(exponent).saturating_sub(25)),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// The chunks of a string of indefinite length, with their heads, without the break.
fn chunks<'a>(cursor: &mut Cursor<'a>, major: u8) -> Result<&'a [u8], DecodeError> {
    let start = cursor.at();
    while cursor.peek() != Some(BREAK) {
        chunk(cursor, major)?;
    }
    let chunks = cursor.since(start);
    cursor.advance(1);
    Ok(chunks)
}

/// One chunk: a string of definite length and of the same type.
fn chunk<'a>(cursor: &mut Cursor<'a>, major: u8) -> Result<&'a [u8], DecodeError> {
    let first = cursor.byte()?;
    if first >> 5 != major {
        return Err(cursor.malformed(cursor.at().saturating_sub(1)));
    }
    let len = argument(cursor, first)?;
    cursor.take(len)
}

/// Checks the chunks of a text: each of them must be UTF-8, and a value (not a key) must not start with U+0000.
pub(super) fn check_chunks(chunks: &[u8], at: usize, is_key: bool) -> Result<(), DecodeError> {
    let mut cursor = Cursor::new(Encoding::Cbor, chunks);
    let mut started = is_key;
    while cursor.left() > 0 {
        let text = chunk(&mut cursor, 3)?;
        let leading_nul = !started && text.first() == Some(&0);
        if leading_nul || core::str::from_utf8(text).is_err() {
            return Err(DecodeError::Text { at });
        }
        started |= !text.is_empty();
    }
    Ok(())
}

/// Joins the chunks of a text.
pub(super) fn join_text<'a>(chunks: &[u8], at: usize) -> Result<Cow<'a, str>, DecodeError> {
    let mut cursor = Cursor::new(Encoding::Cbor, chunks);
    let mut text = String::with_capacity(chunks.len());
    while cursor.left() > 0 {
        let part = core::str::from_utf8(chunk(&mut cursor, 3)?).map_err(|_| DecodeError::Text { at })?;
        text.push_str(part);
    }
    Ok(Cow::Owned(text))
}

/// Joins the chunks of a byte string.
pub(super) fn join_bytes<'a>(chunks: &[u8]) -> Result<Cow<'a, [u8]>, DecodeError> {
    let mut cursor = Cursor::new(Encoding::Cbor, chunks);
    let mut bytes = Vec::with_capacity(chunks.len());
    while cursor.left() > 0 {
        bytes.extend_from_slice(chunk(&mut cursor, 2)?);
    }
    Ok(Cow::Owned(bytes))
}

/// The head of a value of type `major`, its argument in the shortest form (W-27).
#[inline]
pub(super) fn header(major: u8, argument: u64) -> Header {
    let first = major << 5;
    match argument {
        0..=23 => Header::tiny(first, argument),
        24..=0xff => Header::wide(first | 24, argument, 1),
        0x100..=0xffff => Header::wide(first | 25, argument, 2),
        0x1_0000..=0xffff_ffff => Header::wide(first | 26, argument, 4),
        _ => Header::wide(first | 27, argument, 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_the_values_of_rfc_8949() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0x3e00, 1.5),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 0.000_061_035_156_25),
            (0xc400, -4.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), f64::to_bits(value), "{bits:04x}");
        }
        assert!(half(0x7e00).is_nan());
    }
}
