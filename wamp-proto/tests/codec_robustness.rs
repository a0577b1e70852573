//! The serializers against hostile bytes, and against other implementations.

use serde_json::Value;
use wamp_proto::{
    DecodeError, Encoding, Limits,
    codec::{Elements, Reader, Token, Writer, transcode},
};

use Encoding::{Cbor, Json, MessagePack};

fn write(encoding: Encoding, values: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(encoding);
    values(&mut writer);
    writer.finish()
}

fn split(encoding: Encoding, frame: &[u8]) -> Result<Elements<'_>, DecodeError> {
    Elements::split(encoding, frame, &Limits::default())
}

/// Every token of a sequence of values.
fn tokens(encoding: Encoding, input: &[u8]) -> Result<Vec<Token<'_>>, DecodeError> {
    let mut reader = Reader::new(encoding, input);
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    while depth > 0 || !reader.at_end_of_container()? {
        let token = reader.next()?;
        match token {
            Token::List(_) | Token::Dict(_) => depth += 1,
            Token::End => depth -= 1,
            _ => {}
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// Everything that may go wrong with bytes is an error, not a panic.
fn exercise(encoding: Encoding, input: &[u8]) {
    let whole = tokens(encoding, input);
    let mut reader = Reader::new(encoding, input);
    while reader.at_end_of_container() == Ok(false) && reader.peek().is_ok() && reader.skip().is_ok() {}
    for to in Encoding::ALL {
        let transcoded = transcode(encoding, input, to);
        if to != encoding {
            assert_eq!(transcoded.is_ok(), whole.is_ok());
        }
    }
    if let Ok(elements) = split(encoding, input) {
        assert!(whole.is_ok(), "{encoding} {input:x?}: {whole:?}");
        for index in 0..elements.len() {
            let mut reader = elements.reader(index);
            if index < 8 {
                assert_eq!(reader.peek().ok(), elements.kind(index));
                reader.skip().unwrap();
                assert_eq!(reader.position(), elements.span(index).len());
            }
            let _ = (elements.unsigned(index), elements.text(index), elements.is_empty_container(index));
        }
    }
}

/// An EVENT with one of everything.
fn sample(encoding: Encoding) -> Vec<u8> {
    write(encoding, |w| {
        w.list(Some(6));
        w.unsigned(36);
        w.unsigned(5_512_315_355);
        w.unsigned(1 << 53);
        w.dict(Some(2));
        w.key("topic");
        w.text("com.myapp.tøpic");
        w.key("\u{0}quote\"\\");
        w.null();
        w.end();
        w.list(None);
        for value in [0, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX) + 1, u64::MAX] {
            w.unsigned(value);
        }
        for value in [-1, -24, -25, -32, -33, -128, -129, -32_768, -32_769, i64::MIN] {
            w.signed(value);
        }
        w.bytes(&[0x10, 0xe3, 0xff, 0x90]);
        w.bytes(&[]);
        w.text("");
        w.text("line\nzürich \u{1F600} \u{1}\u{7f}");
        w.float(0.1);
        w.float(-1e300);
        w.bool(true);
        w.end();
        w.dict(None);
        w.key("");
        w.list(Some(0));
        w.end();
        w.key("deep");
        w.list(Some(1));
        w.dict(Some(0));
        w.end();
        w.end();
        w.end();
        w.end();
    })
}

fn refusal(encoding: Encoding, frame: &[u8]) -> DecodeError {
    split(encoding, frame).map(|elements| elements.len()).unwrap_err()
}

#[test]
fn w_10_malformed_json_is_refused() {
    let frames = [
        "[01]",
        "[+1]",
        "[.5]",
        "[1.]",
        "[1e]",
        "[1e+]",
        "[-]",
        "[NaN]",
        "[Infinity]",
        "[-Infinity]",
        "[0x1]",
        "[1_0]",
        "[1,]",
        "[,1]",
        "[,]",
        "[1 2]",
        "[1,,2]",
        "[1}",
        "[}",
        "[{]",
        "[{]}",
        "[{\"a\"}]",
        "[{\"a\":}]",
        "[{\"a\":1,}]",
        "[{\"a\" 1}]",
        "[{,}]",
        "[{a:1}]",
        "[{1:1}]",
        "[{\"a\":1 \"b\":2}]",
        "[tru]",
        "[True]",
        "[nul]",
        "[truefalse]",
        "['a']",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\u12g4\"]",
        "[\"\\u+123\"]",
        "[\"a\nb\"]",
        "[\"\u{1}\"]",
        "[\"\u{0}\"]",
        "[{\"\t\":1}]",
        "[1/**/]",
        "[1]//",
        "\u{feff}[1]",
        "[\u{a0}1]",
        "[1]]",
        "[1],",
        "[1] [2]",
        "[1]\u{0}",
    ];
    for frame in frames {
        let error = refusal(Json, frame.as_bytes());
        assert!(
            matches!(error, DecodeError::Malformed { .. } | DecodeError::Trailing { .. }),
            "{frame:?}: {error:?}"
        );
        assert!(tokens(Json, frame.as_bytes()).is_err() || frame == "[1],", "{frame:?}");
    }
    assert_eq!(refusal(Json, b"[1] x"), DecodeError::Trailing { at: 4 });
}

#[test]
fn w_10_lone_surrogates_are_no_text() {
    for text in
        ["\\ud800", "\\udc00", "\\ud800x", "\\ud800\\n", "\\ud800\\ud800", "\\ud800\\u0041", "\\udc00\\ud800"]
    {
        assert_eq!(refusal(Json, format!("[\"{text}\"]").as_bytes()), DecodeError::Text { at: 1 }, "{text}");
        assert_eq!(
            refusal(Json, format!("[{{\"{text}\":1}}]").as_bytes()),
            DecodeError::Text { at: 2 },
            "{text}"
        );
    }
}

#[test]
fn w_29_invalid_utf8_is_refused() {
    for bad in [
        &b"\xff"[..],
        b"\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"long enough \x80 for words",
    ] {
        let len = bad.len() as u8;
        for (encoding, before, after) in [
            (Json, b"[\"".to_vec(), &b"\"]"[..]),
            (Json, b"[{\"".to_vec(), b"\":1}]"),
            (MessagePack, vec![0x91, 0xa0 | len], b""),
            (MessagePack, vec![0x91, 0x81, 0xd9, len], b"\x01"),
            (Cbor, vec![0x81, 0x78, len], b""),
            (Cbor, vec![0x81, 0xa1, 0x78, len], b"\x01"),
            (Cbor, vec![0x81, 0x7f, 0x78, len], b"\xff"),
        ] {
            let frame = [&before, bad, after].concat();
            assert!(matches!(refusal(encoding, &frame), DecodeError::Text { .. }), "{encoding} {frame:x?}");
            assert!(tokens(encoding, &frame).is_err());
        }
    }
    // A character may not be cut in two by chunks.
    assert_eq!(refusal(Cbor, b"\x81\x7f\x61\xc3\x61\xbc\xff"), DecodeError::Text { at: 1 });
}

#[test]
fn m_04_keys_must_be_strings() {
    assert_eq!(refusal(MessagePack, b"\x91\x81\x01\x01"), DecodeError::Key { at: 2 });
    assert_eq!(refusal(MessagePack, b"\x91\x81\xc4\x01a\x01"), DecodeError::Key { at: 2 });
    assert_eq!(refusal(Cbor, b"\x81\xa1\x01\x01"), DecodeError::Key { at: 2 });
    assert_eq!(refusal(Cbor, b"\x81\xbf\x41a\x01\xff"), DecodeError::Key { at: 2 });
    assert_eq!(tokens(Cbor, b"\xa1\x80\x01"), Err(DecodeError::Key { at: 1 }));
}

#[test]
fn w_25_w_26_malformed_binary_is_refused() {
    assert_eq!(refusal(MessagePack, b"\x91\xc1"), DecodeError::Malformed { encoding: MessagePack, at: 1 });
    assert_eq!(refusal(MessagePack, b"\x91\x01\x02"), DecodeError::Trailing { at: 2 });
    assert_eq!(refusal(Cbor, b"\x81\x01\x02"), DecodeError::Trailing { at: 2 });
    for frame in [
        &b"\xff"[..],
        b"\x81\xff",
        b"\x81\x1c",
        b"\x81\x1f",
        b"\x81\x3f",
        b"\x81\xdf\x01",
        b"\x81\xf8\x1f",
        b"\x81\xfc",
        b"\x81\x5f\x61a\xff",
        b"\x81\x7f\x41a\xff",
        b"\x81\x7f\x7f\x61a\xff\xff",
        b"\x81\xbf\x61a\xff",
        b"\x81\xc1\xff",
        b"\x9f\xc1\xff",
        b"\x81\xa1\xff\x01",
        b"\x81\xa1\x61a\xff",
    ] {
        assert!(matches!(refusal(Cbor, frame), DecodeError::Malformed { .. }), "{frame:x?}");
        assert!(tokens(Cbor, frame).is_err(), "{frame:x?}");
    }
}

#[test]
fn w_10_a_message_is_one_list() {
    for (encoding, frame, found) in [
        (Json, &b" {\"a\":[]}"[..], "a dict"),
        (Json, b"1", "an integer"),
        (Json, b"\"[1]\"", "text"),
        (MessagePack, b"\xc0", "null"),
        (Cbor, b"\x41a", "bytes"),
    ] {
        assert_eq!(refusal(encoding, frame), DecodeError::Type { expected: "a list", found });
    }
    for encoding in Encoding::ALL {
        assert!(matches!(refusal(encoding, b""), DecodeError::Truncated { .. }));
        let empty = write(encoding, |w| w.list(None));
        assert!(split(encoding, &empty).unwrap().is_empty());
        let many = write(encoding, |w| {
            w.list(None);
            (0..20).for_each(|n| w.unsigned(n));
        });
        let many = split(encoding, &many).unwrap();
        assert_eq!((many.len(), many.unsigned(7), many.kind(8), many.span(8)), (20, Ok(7), None, 0..0));
        assert!(many.reader(8).peek().is_err() && !many.is_empty_container(8));
    }
}

#[test]
fn limits_are_kept_in_every_encoding() {
    for encoding in Encoding::ALL {
        for dicts in [false, true] {
            let nested = |depth: usize| {
                write(encoding, |w| {
                    w.list(None);
                    for _ in 1..depth {
                        if dicts {
                            w.dict(None);
                            w.key("k");
                        } else {
                            w.list(None);
                        }
                    }
                    w.list(None);
                })
            };
            assert!(split(encoding, &nested(63)).is_ok());
            let error = DecodeError::Limit { what: "nesting", limit: 64 };
            assert_eq!(refusal(encoding, &nested(64)), error);
            assert!(tokens(encoding, &nested(63)).is_ok());
            assert_eq!(tokens(encoding, &nested(64)), Err(error.clone()));
            assert_eq!(Reader::new(encoding, &nested(64)).skip(), Err(error));
            assert!(split(encoding, &nested(100_000)).is_err());
        }
        let frame = write(encoding, |w| {
            w.list(None);
            w.dict(None);
            for key in ["a", "b", "c"] {
                w.key(key);
                w.list(None);
                w.null();
                w.end();
            }
        });
        let with = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            Elements::split(encoding, &frame, &limits).map(|elements| elements.len())
        };
        let refused = |what, limit| Err(DecodeError::Limit { what, limit });
        assert_eq!(with(|limits| limits.values = 7), Ok(1));
        assert_eq!(with(|limits| limits.values = 6), refused("number of values", 6));
        assert_eq!(with(|limits| limits.keys = 3), Ok(1));
        assert_eq!(with(|limits| limits.keys = 2), refused("number of keys", 2));
        assert_eq!(with(|limits| limits.depth = 3), Ok(1));
        assert_eq!(with(|limits| limits.depth = 2), refused("nesting", 2));
        assert_eq!(with(|limits| limits.message_size = 3), refused("message size", 3));
    }
}

#[test]
fn length_bombs_are_refused_at_once() {
    let huge = [0xff_u8; 8];
    let mut bombs = Vec::new();
    for first in [0xc6, 0xc9, 0xdb, 0xdd, 0xdf] {
        bombs.push((MessagePack, [&[0x91, first], &huge[..4], &[0x01]].concat()));
    }
    bombs.push((MessagePack, b"\xdd\xff\xff\xff\xff\x01\x01\x01".to_vec()));
    for first in [0x5b, 0x7b, 0x9b, 0xbb] {
        bombs.push((Cbor, [&[0x81, first], &huge[..]].concat()));
        bombs.push((Cbor, [&[0x81, first, 0x7f], &huge[1..], b"aa"].concat()));
        bombs.push((Cbor, [&[0x9f, first & 0xe0 | 26], &huge[..4]].concat()));
    }
    bombs.push((Cbor, [&[0x81, 0x5f, 0x5b], &huge[..]].concat()));
    for (encoding, frame) in bombs {
        assert!(matches!(refusal(encoding, &frame), DecodeError::Truncated { .. }), "{encoding} {frame:x?}");
        assert!(tokens(encoding, &frame).is_err());
    }
}

#[test]
fn truncation_is_an_error_at_every_byte() {
    for encoding in Encoding::ALL {
        let frame = sample(encoding);
        assert_eq!(split(encoding, &frame).unwrap().len(), 6);
        exercise(encoding, &frame);
        for end in 0..frame.len() {
            let error = refusal(encoding, &frame[..end]);
            assert_eq!(error, DecodeError::Truncated { encoding, at: end });
            exercise(encoding, &frame[..end]);
        }
    }
}

#[test]
fn no_corruption_of_a_byte_panics() {
    for encoding in Encoding::ALL {
        let mut frame = sample(encoding);
        for at in 0..frame.len() {
            let right = frame[at];
            for wrong in 0..=255 {
                frame[at] = wrong;
                exercise(encoding, &frame);
            }
            frame[at] = right;
        }
    }
}

#[test]
fn w_03_transcoding_is_faithful_between_all_encodings() {
    for from in Encoding::ALL {
        let message = sample(from);
        for to in Encoding::ALL {
            let there = transcode(from, &message, to).unwrap();
            assert_eq!(there, sample(to), "{from} to {to}");
            assert_eq!(transcode(to, &there, from).unwrap(), message, "{from} to {to}");
        }
    }
    assert_eq!(transcode(Json, b" ", Cbor).unwrap(), b"");
    assert_eq!(transcode(Json, b" 1 , [ ] , \"a\" ", MessagePack).unwrap(), b"\x01\x90\xa1a");
    assert_eq!(transcode(Cbor, b"\x01\xf9\x7e\0\x9f\xf6\xff", Json).unwrap(), b"1,null,[null]");
    assert!(transcode(Json, b"1,", Cbor).is_err());
    assert!(transcode(Json, b",1", Cbor).is_err());
    assert!(transcode(Json, b"1 2", Cbor).is_err());
    assert!(transcode(Json, b"1]", Cbor).is_err());
}

/// Numbers without pattern, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn bits(&mut self) -> u64 {
        let width = self.below(65);
        let bits = self.below(1 << 31) << 33 | self.below(1 << 31) << 16 | self.below(1 << 16);
        bits.checked_shr(64 - width as u32).unwrap_or(0)
    }

    fn text(&mut self) -> String {
        let len = if self.below(10) == 0 { self.below(300) } else { self.below(12) };
        let mut text = String::new();
        for _ in 0..len {
            let bound = [0x80, 0x800, 0x11_0000][self.below(3) as usize];
            text.extend(char::from_u32(self.below(bound) as u32));
        }
        text.trim_start_matches('\0').to_owned()
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => self.below(2).eq(&0).into(),
            2 => self.bits().into(),
            3 => (self.bits() as i64).into(),
            4 => Some(f64::from_bits(self.bits())).filter(|float| float.is_finite()).into(),
            5 => self.text().into(),
            6 => (0..self.below(20)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object((0..self.below(30)).map(|_| (self.text(), self.value(depth - 1))).collect()),
        }
    }
}

/// Equal, but for the last digit of floats, which serde_json parses inexactly by default.
fn is_close(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_close(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && is_close(a.1, b.1))
        }
        (Value::Number(x), Value::Number(y)) if x.is_f64() && y.is_f64() => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            (x - y).abs() <= x.abs() * 1e-15 + f64::MIN_POSITIVE
        }
        _ => a == b,
    }
}

fn write_value(w: &mut Writer, value: &Value, told: bool) {
    match value {
        Value::Null => w.null(),
        Value::Bool(value) => w.bool(*value),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => w.unsigned(value),
            (_, Some(value)) => w.signed(value),
            _ => w.float(number.as_f64().unwrap()),
        },
        Value::String(text) => w.text(text),
        Value::Array(items) => {
            w.list(told.then_some(items.len()));
            items.iter().for_each(|item| write_value(w, item, told));
            w.end();
        }
        Value::Object(entries) => {
            w.dict(told.then_some(entries.len()));
            for (key, value) in entries {
                w.key(key);
                write_value(w, value, told);
            }
            w.end();
        }
    }
}

#[test]
fn w_27_random_values_are_what_other_implementations_read() {
    let mut random = Random(7);
    for round in 0..150 {
        let value = Value::Array((0..random.below(7)).map(|_| random.value(4)).collect());
        let label = format!("round {round}");
        let [json, msgpack, cbor] = Encoding::ALL.map(|encoding| {
            let told = write(encoding, |w| write_value(w, &value, true));
            assert_eq!(write(encoding, |w| write_value(w, &value, false)), told, "{label}");
            assert_eq!(split(encoding, &told).unwrap().len(), value.as_array().unwrap().len(), "{label}");
            told
        });
        assert_eq!(rmp_serde::from_slice::<Value>(&msgpack).unwrap(), value, "{label}");
        assert_eq!(ciborium::from_reader::<Value, _>(&cbor[..]).unwrap(), value, "{label}");
        let parsed: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(transcode(Json, &json, Cbor).unwrap(), cbor, "{label}");
        assert!(is_close(&parsed, &value), "{label}");
        for (from, bytes) in [(Json, &json), (MessagePack, &msgpack), (Cbor, &cbor)] {
            for (to, expected) in [(Json, &json), (MessagePack, &msgpack), (Cbor, &cbor)] {
                assert_eq!(&transcode(from, bytes, to).unwrap(), expected, "{from} to {to}, {label}");
            }
        }
    }
}

#[test]
fn w_28_what_others_write_is_read() {
    let mut random = Random(11);
    for _ in 0..200 {
        let value = Value::Array(vec![random.value(4)]);
        let expected = Encoding::ALL.map(|encoding| write(encoding, |w| write_value(w, &value, true)));
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        let msgpack = rmp_serde::to_vec(&value).unwrap();
        let mut cbor = Vec::new();
        ciborium::into_writer(&value, &mut cbor).unwrap();
        assert!(
            split(Json, &pretty).is_ok()
                && split(MessagePack, &msgpack).is_ok()
                && split(Cbor, &cbor).is_ok()
        );
        assert_eq!(transcode(Json, &pretty, Cbor).unwrap(), expected[2]);
        assert_eq!(transcode(MessagePack, &msgpack, Json).unwrap(), expected[0]);
        assert_eq!(transcode(Cbor, &cbor, MessagePack).unwrap(), expected[1]);
    }
}
