//! From one serializer to another.

use super::{DecodeError, Encoding, Reader, Token, Writer};

/// Serialized values (the items of a list, without the list) from one encoding to another (W-03).
///
/// Strings stay strings and binaries stay binaries (W-11, T-38), integers stay integers and dicts keep their order. What
/// the target has no counterpart for is lossy (W-04): NaN and infinities become null in JSON. From an encoding to itself
/// this is a copy (E-13).
///
/// ```
/// use wamp_proto::{Encoding, codec::transcode};
///
/// let json = transcode(Encoding::MessagePack, b"\x01\xc4\x02\xff\xfe", Encoding::Json)?;
/// assert_eq!(json, br#"1,"\u0000//4=""#);
/// assert_eq!(transcode(Encoding::Json, &json, Encoding::MessagePack)?, b"\x01\xc4\x02\xff\xfe");
/// # Ok::<(), wamp_proto::DecodeError>(())
/// ```
///
/// # Errors
///
/// Whatever is wrong with `values`, except for duplicate keys.
pub fn transcode(from: Encoding, values: &[u8], to: Encoding) -> Result<Vec<u8>, DecodeError> {
    if from == to {
        return Ok(values.to_vec());
    }
    let mut reader = Reader::new(from, values);
    let mut writer = Writer::with_capacity(to, values.len());
    // An `End` belongs to a container, so the input is at its end only between values.
    while !reader.at_end_of_input()? {
        let is_key = reader.key_is_due();
        match reader.next()? {
            Token::Null => writer.null(),
            Token::Bool(value) => writer.bool(value),
            Token::Unsigned(value) => writer.unsigned(value),
            Token::Signed(value) => writer.signed(value),
            Token::Float(value) => writer.float(value),
            Token::Text(key) if is_key => writer.key(&key),
            Token::Text(value) => writer.text(&value),
            Token::Bytes(value) => writer.bytes(&value),
            Token::List(len) => writer.list(len),
            Token::Dict(len) => writer.dict(len),
            Token::End => writer.end(),
        }
    }
    Ok(writer.finish())
}
