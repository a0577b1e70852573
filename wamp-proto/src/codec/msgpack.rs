//! MessagePack: the heads of values, read and written.

use super::{
    DecodeError,
    check::Binary,
    cursor::{Cursor, Head, integer},
    writer::Header,
};

/// MessagePack to the generic parts.
pub(super) struct MessagePack;

impl Binary for MessagePack {
    #[inline(always)]
    fn head<'a>(cursor: &mut Cursor<'a>) -> Result<Head<'a>, DecodeError> {
        let first = cursor.byte()?;
        Ok(match first {
            0x00..=0x7f => Head::Unsigned(first.into()),
            0x80..=0x8f => dict(cursor, u64::from(first & 0x0f))?,
            0x90..=0x9f => list(cursor, u64::from(first & 0x0f))?,
            0xa0..=0xbf => Head::Text(cursor.take(u64::from(first & 0x1f))?),
            0xe0..=0xff => Head::Signed(i8::from_be_bytes([first]).into()),
            _ => wide(cursor, first)?,
        })
    }
}

/// The encodings with more than one byte of head, and the constants.
fn wide<'a>(cursor: &mut Cursor<'a>, first: u8) -> Result<Head<'a>, DecodeError> {
    Ok(match first {
        0xc0 => Head::Null,
        0xc2 => Head::Bool(false),
        0xc3 => Head::Bool(true),
        0xc4..=0xc6 => {
            let len = length(cursor, first.wrapping_sub(0xc4))?;
            Head::Bytes(cursor.take(len)?)
        }
        0xc7..=0xc9 => {
            let len = length(cursor, first.wrapping_sub(0xc7))?;
            extension(cursor, len)?
        }
        0xca => Head::Float(f32::from_be_bytes(cursor.array()?).into()),
        0xcb => Head::Float(f64::from_be_bytes(cursor.array()?)),
        0xcc..=0xcf => Head::Unsigned(length(cursor, first.wrapping_sub(0xcc))?),
        0xd0 => integer(i8::from_be_bytes(cursor.array()?).into()),
        0xd1 => integer(i16::from_be_bytes(cursor.array()?).into()),
        0xd2 => integer(i32::from_be_bytes(cursor.array()?).into()),
        0xd3 => integer(i64::from_be_bytes(cursor.array()?)),
        0xd4..=0xd8 => extension(cursor, 1_u64.wrapping_shl(first.wrapping_sub(0xd4).into()))?,
        0xd9..=0xdb => {
            let len = length(cursor, first.wrapping_sub(0xd9))?;
            Head::Text(cursor.take(len)?)
        }
        0xdc | 0xdd => {
            let len = length(cursor, first.wrapping_sub(0xdb))?;
            list(cursor, len)?
        }
        0xde | 0xdf => {
            let len = length(cursor, first.wrapping_sub(0xdd))?;
            dict(cursor, len)?
        }
        _ => return Err(cursor.malformed(cursor.at().saturating_sub(1))),
    })
}

#[inline]
fn list<'a>(cursor: &Cursor<'a>, len: u64) -> Result<Head<'a>, DecodeError> {
    Ok(Head::List(Some(cursor.count(len, 1)?)))
}

#[inline]
fn dict<'a>(cursor: &Cursor<'a>, len: u64) -> Result<Head<'a>, DecodeError> {
    Ok(Head::Dict(Some(cursor.count(len, 2)?)))
}

/// An unsigned number of 2^`log2_bytes` bytes.
#[inline]
fn length(cursor: &mut Cursor<'_>, log2_bytes: u8) -> Result<u64, DecodeError> {
    Ok(match log2_bytes {
        0 => cursor.byte()?.into(),
        1 => u16::from_be_bytes(cursor.array()?).into(),
        2 => u32::from_be_bytes(cursor.array()?).into(),
        _ => u64::from_be_bytes(cursor.array()?),
    })
}

/// An extension is read as its data: WAMP knows no type for it (W-04).
fn extension<'a>(cursor: &mut Cursor<'a>, len: u64) -> Result<Head<'a>, DecodeError> {
    cursor.byte()?;
    Ok(Head::Bytes(cursor.take(len)?))
}

#[inline]
pub(super) fn unsigned(value: u64) -> Header {
    match value {
        0..=0x7f => Header::tiny(0, value),
        0x80..=0xff => Header::wide(0xcc, value, 1),
        0x100..=0xffff => Header::wide(0xcd, value, 2),
        0x1_0000..=0xffff_ffff => Header::wide(0xce, value, 4),
        _ => Header::wide(0xcf, value, 8),
    }
}

/// A number below zero.
#[inline]
pub(super) fn negative(value: i64) -> Header {
    let bits = u64::from_be_bytes(value.to_be_bytes());
    match value {
        -0x20..=-1 => Header::tiny(0, bits & 0xff),
        -0x80..=-0x21 => Header::wide(0xd0, bits, 1),
        -0x8000..=-0x81 => Header::wide(0xd1, bits, 2),
        -0x8000_0000..=-0x8001 => Header::wide(0xd2, bits, 4),
        _ => Header::wide(0xd3, bits, 8),
    }
}

#[inline]
pub(super) fn text(len: u64) -> Header {
    match len {
        0..=0x1f => Header::tiny(0xa0, len),
        0x20..=0xff => Header::wide(0xd9, len, 1),
        0x100..=0xffff => Header::wide(0xda, len, 2),
        _ => Header::wide(0xdb, len, 4),
    }
}

#[inline]
pub(super) fn bytes(len: u64) -> Header {
    match len {
        0..=0xff => Header::wide(0xc4, len, 1),
        0x100..=0xffff => Header::wide(0xc5, len, 2),
        _ => Header::wide(0xc6, len, 4),
    }
}

#[inline]
pub(super) fn container(dict: bool, len: u64) -> Header {
    match (len, dict) {
        (0..=0xf, false) => Header::tiny(0x90, len),
        (0..=0xf, true) => Header::tiny(0x80, len),
        (0x10..=0xffff, false) => Header::wide(0xdc, len, 2),
        (0x10..=0xffff, true) => Header::wide(0xde, len, 2),
        (_, false) => Header::wide(0xdd, len, 4),
        (_, true) => Header::wide(0xdf, len, 4),
    }
}
