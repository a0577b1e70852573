//! Decoding in each serializer: decode, encode, decode again.

use bytes::Bytes;

use crate::{
    Limits, Value,
    codec::{Elements, Encoding, Reader, Token, Writer, from_slice},
    message::Message,
};

pub(super) fn json(data: &[u8]) {
    target(Encoding::Json, data);
}

pub(super) fn msgpack(data: &[u8]) {
    target(Encoding::MessagePack, data);
}

pub(super) fn cbor(data: &[u8]) {
    target(Encoding::Cbor, data);
}

fn target(encoding: Encoding, data: &[u8]) {
    let values = walk(encoding, data);
    skip_all(encoding, data);
    value(encoding, data);
    if let Ok(elements) = Elements::split(encoding, data, &Limits::default()) {
        assert_eq!(values, Some(1), "the reader refuses what the check has passed");
        split(encoding, data, &elements);
    }
    tight(encoding, data);
    message(encoding, data);
}

/// Pulls every token of a sequence of values out; the number of values when nothing is wrong with them.
pub(super) fn walk(encoding: Encoding, data: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(encoding, data);
    let (mut depth, mut values, mut tokens) = (0_usize, 0, 0_usize);
    while depth > 0 || !reader.at_end_of_container().ok()? {
        let before = reader.position();
        let token = reader.next().ok()?;
        assert!(reader.position() <= data.len() && reader.position() >= before);
        tokens += 1;
        assert!(tokens <= 2 * data.len(), "more tokens than bytes could make");
        match token {
            Token::List(_) | Token::Dict(_) => depth += 1,
            Token::End => depth -= 1,
            Token::Text(text) => assert!(text.len() <= data.len()),
            Token::Bytes(bytes) => assert!(bytes.len() <= data.len()),
            _ => {}
        }
        assert!(depth <= Limits::MAX_DEPTH);
        values += usize::from(depth == 0);
    }
    Some(values)
}

fn skip_all(encoding: Encoding, data: &[u8]) {
    let mut reader = Reader::new(encoding, data);
    while reader.at_end_of_container() == Ok(false) {
        let before = reader.position();
        let kind = reader.peek();
        if reader.skip().is_err() {
            break;
        }
        assert!(kind.is_ok() && reader.position() > before);
    }
}

/// A value that can be read and written reads the same again.
fn value(encoding: Encoding, data: &[u8]) {
    let Ok(value) = from_slice::<Value>(encoding, data) else { return };
    let mut writer = Writer::new(encoding);
    if value.write(&mut writer).is_err() {
        return;
    }
    let written = writer.finish();
    assert_bounded(data, &written);
    let again = from_slice::<Value>(encoding, &written).expect("what was written can be read");
    if !is_lossy(encoding, &value) {
        assert_same(&again, &value);
    }
}

/// The elements are where they are said to be, and each can be read.
fn split(encoding: Encoding, data: &[u8], elements: &Elements<'_>) {
    let list = from_slice::<Value>(encoding, data).expect("what was checked can be read");
    let list = list.as_list().expect("a message is a list");
    assert_eq!(list.len(), elements.len());
    let mut end = 0;
    for (index, expected) in list.iter().enumerate().take(8) {
        let span = elements.span(index);
        assert!(span.start >= end && span.end > span.start && span.end <= data.len());
        end = span.end;
        let mut reader = elements.reader(index);
        assert_eq!(reader.peek().ok(), elements.kind(index));
        assert_same(&Value::read(&mut reader).expect("an element can be read"), expected);
        assert_eq!(reader.position(), span.len());
        assert_eq!(elements.unsigned(index).ok(), expected.as_u64());
        assert_eq!(elements.text(index).ok().as_deref(), expected.as_str());
        let empty = expected.as_list().is_some_and(<[_]>::is_empty)
            || expected.as_dict().is_some_and(crate::Dict::is_empty);
        assert_eq!(elements.is_empty_container(index), empty);
    }
}

/// What narrow limits let pass, wide ones do too, and the limits are kept.
fn tight(encoding: Encoding, data: &[u8]) {
    let limits =
        Limits { message_size: 64, depth: 3, values: 12, keys: 2, uri_length: 16, uri_components: 4 };
    let Ok(narrow) = Elements::split(encoding, data, &limits) else { return };
    let wide = Elements::split(encoding, data, &Limits::default()).expect("wide limits pass more");
    assert!(data.len() <= 64 && narrow.len() == wide.len());
    let value = from_slice::<Value>(encoding, data).expect("what was checked can be read");
    assert!(count(&value, 1) <= 13);
}

/// The number of values, under narrow limits.
fn count(value: &Value, depth: usize) -> usize {
    let items: usize = match value {
        Value::List(items) => items.iter().map(|item| count(item, depth + 1)).sum(),
        Value::Dict(dict) => {
            assert!(dict.len() <= 2);
            dict.iter().map(|(_, value)| count(value, depth + 1)).sum()
        }
        _ => return 1,
    };
    assert!(depth <= 3);
    items + 1
}

fn message(encoding: Encoding, data: &[u8]) {
    let limits = Limits::default();
    let frame = Bytes::copy_from_slice(data);
    let Ok(message) = Message::decode(encoding, &frame, &limits) else { return };
    let encoded = message.encode(encoding).expect("what was decoded can be encoded");
    assert_bounded(data, &encoded);
    let again = Message::decode(encoding, &encoded, &limits).expect("what was encoded can be decoded");
    if !is_lossy(encoding, &message) {
        assert_same(&again, &message);
        assert_eq!(again.encode(encoding).as_ref(), Ok(&encoded));
    }
    for other in Encoding::ALL {
        let forwarded = message.encode(other).expect("what is valid is so in every encoding");
        let arrived = Message::decode(other, &forwarded, &limits).expect("every peer can decode it");
        assert_eq!(arrived.kind(), message.kind());
    }
}

/// Equal, or the same text where there is a NaN, which is not equal to itself.
fn assert_same<T: PartialEq + core::fmt::Debug>(left: &T, right: &T) {
    if left != right {
        assert_eq!(format!("{left:?}"), format!("{right:?}"));
    }
}

/// Whether there is an infinity, such as JSON's 1e999, which JSON has no way to write: it becomes null (W-04).
fn is_lossy<T: core::fmt::Debug>(encoding: Encoding, value: &T) -> bool {
    if encoding != Encoding::Json {
        return false;
    }
    let text = format!("{value:?}");
    text.contains("Float(inf)") || text.contains("Float(-inf)")
}

/// What is written is no longer than a small multiple of what was read.
fn assert_bounded(read: &[u8], written: &[u8]) {
    assert!(written.len() <= 8 * read.len() + 64, "{} bytes became {}", read.len(), written.len());
}
