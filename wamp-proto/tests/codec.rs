//! The serializers against known bytes, and what they refuse.

use wamp_proto::{
    DecodeError, Encoding, Limits,
    codec::{Elements, Kind, Reader, Token, Writer, transcode},
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

fn refusal(encoding: Encoding, frame: &[u8]) -> DecodeError {
    split(encoding, frame).map(|elements| elements.len()).unwrap_err()
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

/// Lists as they are written by others: white space, escapes, indefinite and long forms, tags.
fn foreign_sample(encoding: Encoding) -> Vec<u8> {
    match encoding {
        Json => b" [ 36 ,\t1e5, \"\\ud83d\\ude00\\/\" , { \"\\u0061\" : -0.5E+1 , \"b\":\"\\u0000AA\\/\\/\" } ,\r\n[ ] ] "
            .to_vec(),
        MessagePack => b"\xdd\0\0\0\x06\xd3\0\0\0\0\0\0\0\x24\xdf\0\0\0\x01\xdb\0\0\0\x01a\xda\0\x01b\xca\x3f\x80\0\0\
            \xd4\x05x\xc7\x02\x01yz\xc6\0\0\0\x01q"
            .to_vec(),
        Cbor => b"\x9f\x1b\0\0\0\0\0\0\0\x24\xbf\x7f\x61a\x60\x61b\xff\x5f\x41\xff\x42ab\xff\xff\xc1\xfb\x3f\xf0\0\0\0\0\0\0\
            \xf9\x3c\0\xf7\xc2\x42\x01\x02\x7f\x62\xc3\xbc\xff\xff"
            .to_vec(),
    }
}

#[test]
fn w_13_binary_in_json_has_the_specified_bytes() {
    let bytes = b"\x10\xe3\xff\x90S\x07\\Ro_\xc0mO\xe3|\xdb";
    let json = br#""\u0000EOP/kFMHXFJvX8BtT+N82w==""#;
    assert_eq!(write(Json, |w| w.bytes(bytes)), json);
    assert_eq!(Reader::new(Json, json).next(), Ok(Token::Bytes(bytes.to_vec().into())));
    let escaped = br#""\u0000EOP\/kFMHXFJvX8BtT+N82w==""#;
    assert_eq!(Reader::new(Json, escaped).next(), Ok(Token::Bytes(bytes.to_vec().into())));
}

#[test]
fn w_14_empty_binary_is_a_lone_nul() {
    assert_eq!(write(Json, |w| w.bytes(b"")), br#""\u0000""#);
    assert_eq!(Reader::new(Json, br#""\u0000""#).next(), Ok(Token::Bytes(vec![].into())));
}

#[test]
fn w_15_binary_must_be_padded_standard_base64() {
    for good in ["", "AA==", "AAA=", "AAAA", "+/+/", r"\/\/\/\/"] {
        let frame = format!(r#"["\u0000{good}"]"#);
        assert_eq!(split(Json, frame.as_bytes()).unwrap().kind(0), Some(Kind::Bytes), "{good}");
    }
    for bad in ["A", "AA", "AA=", "AA==AAAA", "-_-_", "AAA A", "AAA=\\n", "\\u0000", "é", "AB=="] {
        let frame = format!(r#"["\u0000{bad}"]"#);
        assert_eq!(refusal(Json, frame.as_bytes()), DecodeError::Base64 { at: 1 }, "{bad}");
    }
    for len in [1023, 1024, 1025, 2048, 3071, 3072, 5000] {
        let frame = write(Json, |w| {
            w.list(None);
            w.bytes(&vec![7; len]);
        });
        assert_eq!(split(Json, &frame).unwrap().kind(0), Some(Kind::Bytes), "{len}");
    }
    let inner_padding = format!(r#"["\u0000{}AAAA"]"#, "A".repeat(1022) + "==");
    assert_eq!(refusal(Json, inner_padding.as_bytes()), DecodeError::Base64 { at: 1 });
}

#[test]
fn w_16_text_with_leading_nul_is_refused() {
    assert_eq!(refusal(MessagePack, b"\x91\xa2\0a"), DecodeError::Text { at: 1 });
    assert_eq!(refusal(Cbor, b"\x81\x62\0a"), DecodeError::Text { at: 1 });
    assert_eq!(refusal(Cbor, b"\x81\x7f\x60\x62\0a\xff"), DecodeError::Text { at: 1 });
    assert_eq!(transcode(MessagePack, b"\xa2\0a", Json), Err(DecodeError::Text { at: 0 }));
    assert!(split(MessagePack, b"\x91\xa2a\0").is_ok());
}

#[test]
fn w_17_keys_are_never_binary() {
    for (encoding, frame) in [
        (Json, &br#"[{"\u0000no base64":1}]"#[..]),
        (MessagePack, b"\x91\x81\xa3\0no\x01"),
        (Cbor, b"\x81\xa1\x63\0no\x01"),
        (Cbor, b"\x81\xa1\x7f\x63\0no\xff\x01"),
    ] {
        let elements = split(encoding, frame).unwrap();
        let mut reader = elements.reader(0);
        reader.dict().unwrap();
        assert!(reader.key().unwrap().unwrap().starts_with("\0no"));
    }
}

#[test]
fn w_18_integers_stay_integers() {
    for (text, token) in [
        ("9007199254740992", Token::Unsigned(1 << 53)),
        ("18446744073709551615", Token::Unsigned(u64::MAX)),
        ("18446744073709551616", Token::Float(18_446_744_073_709_551_616.0)),
        ("-9223372036854775808", Token::Signed(i64::MIN)),
        ("-9223372036854775809", Token::Float(-9_223_372_036_854_775_809.0)),
        ("-0", Token::Unsigned(0)),
        ("-0.0", Token::Float(-0.0)),
        ("1.0", Token::Float(1.0)),
        ("1E2", Token::Float(100.0)),
    ] {
        assert_eq!(tokens(Json, text.as_bytes()), Ok(vec![token]), "{text}");
    }
    assert_eq!(
        tokens(Cbor, b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff").unwrap(),
        [Token::Float(-18446744073709551616.0)]
    );
    assert_eq!(tokens(Cbor, b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff").unwrap(), [Token::Signed(i64::MIN)]);
}

#[test]
fn w_19_floats_and_strings_are_no_ids() {
    let elements = split(Json, br#"[1.0, 1e3, "1", -1, 1]"#).unwrap();
    for (index, found) in
        [(0, "a float"), (1, "a float"), (2, "text"), (3, "a negative integer"), (5, "nothing")]
    {
        let expected = "a non-negative integer";
        assert_eq!(elements.unsigned(index), Err(DecodeError::Type { expected, found }));
    }
    assert_eq!(elements.unsigned(4), Ok(1));
    assert!(split(MessagePack, b"\x91\xcb\x3f\xf0\0\0\0\0\0\0").unwrap().unsigned(0).is_err());
}

#[test]
fn w_20_duplicate_keys_are_refused_in_every_dict() {
    for (encoding, frame) in [
        (Json, &br#"[[{"a":1,"b":2,"a":3}]]"#[..]),
        (Json, br#"[{"a":1,"\u0061":3}]"#),
        (Json, "[{\"\u{1F600}\":1,\"\\ud83d\\ude00\":3}]".as_bytes()),
        (MessagePack, b"\x91\x82\xa1a\x01\xd9\x01a\x02"),
        (Cbor, b"\x81\xa2\x61a\x01\x61a\x02"),
        (Cbor, b"\x81\xbf\x62ab\x01\x7f\x61a\x61b\xff\x02\xff"),
    ] {
        assert!(matches!(refusal(encoding, frame), DecodeError::DuplicateKey { .. }), "{encoding}");
    }
    for encoding in Encoding::ALL {
        for (count, duplicate) in [(16, 0), (17, 0), (17, 16), (500, 250), (40, 999)] {
            let frame = write(encoding, |w| {
                w.list(None);
                w.dict(None);
                for key in (0..count).chain([duplicate]) {
                    w.key(&format!("key {key}"));
                    w.dict(Some(1));
                    w.key("key 0");
                    w.null();
                    w.end();
                }
            });
            let refused = matches!(split(encoding, &frame), Err(DecodeError::DuplicateKey { .. }));
            assert_eq!(refused, duplicate < count, "{encoding} {count} {duplicate}");
        }
    }
}

#[test]
fn w_27_shortest_integers() {
    let cases: [(i128, &[u8], &[u8]); 24] = [
        (0, b"\0", b"\0"),
        (23, b"\x17", b"\x17"),
        (24, b"\x18", b"\x18\x18"),
        (127, b"\x7f", b"\x18\x7f"),
        (128, b"\xcc\x80", b"\x18\x80"),
        (255, b"\xcc\xff", b"\x18\xff"),
        (256, b"\xcd\x01\0", b"\x19\x01\0"),
        (65_535, b"\xcd\xff\xff", b"\x19\xff\xff"),
        (65_536, b"\xce\0\x01\0\0", b"\x1a\0\x01\0\0"),
        (0xffff_ffff, b"\xce\xff\xff\xff\xff", b"\x1a\xff\xff\xff\xff"),
        (0x1_0000_0000, b"\xcf\0\0\0\x01\0\0\0\0", b"\x1b\0\0\0\x01\0\0\0\0"),
        (
            u64::MAX.into(),
            &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0x1b, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        (-1, b"\xff", b"\x20"),
        (-24, b"\xe8", b"\x37"),
        (-25, b"\xe7", b"\x38\x18"),
        (-32, b"\xe0", b"\x38\x1f"),
        (-33, b"\xd0\xdf", b"\x38\x20"),
        (-128, b"\xd0\x80", b"\x38\x7f"),
        (-129, b"\xd1\xff\x7f", b"\x38\x80"),
        (-32_768, b"\xd1\x80\0", b"\x39\x7f\xff"),
        (-32_769, b"\xd2\xff\xff\x7f\xff", b"\x39\x80\0"),
        (-0x8000_0000, b"\xd2\x80\0\0\0", b"\x1a\x7f\xff\xff\xff"),
        (-0x8000_0001, b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff", b"\x1a\x80\0\0\0"),
        (i64::MIN.into(), b"\xd3\x80\0\0\0\0\0\0\0", &[0x3b, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
    ];
    for (value, msgpack, cbor) in cases {
        let mut cbor = cbor.to_vec();
        if value < 0 {
            cbor[0] |= 0x20;
        }
        let text = value.to_string();
        for (encoding, bytes) in [(Json, text.as_bytes()), (MessagePack, msgpack), (Cbor, &cbor)] {
            let written = write(encoding, |w| match u64::try_from(value) {
                Ok(value) => w.unsigned(value),
                Err(_) => w.signed(value as i64),
            });
            assert_eq!(written, bytes, "{encoding} {value}");
            let token = u64::try_from(value).map_or(Token::Signed(value as i64), Token::Unsigned);
            assert_eq!(tokens(encoding, bytes), Ok(vec![token]), "{encoding} {value}");
        }
    }
}

#[test]
fn w_27_shortest_forms() {
    type Write = fn(&mut Writer, usize, bool);
    fn text(w: &mut Writer, len: usize, _: bool) {
        w.text(&"x".repeat(len));
    }
    fn bytes(w: &mut Writer, len: usize, _: bool) {
        w.bytes(&vec![b'x'; len]);
    }
    fn list(w: &mut Writer, len: usize, told: bool) {
        w.list(told.then_some(len));
        (0..len).for_each(|_| w.null());
        w.end();
    }
    fn dict(w: &mut Writer, len: usize, told: bool) {
        w.dict(told.then_some(len));
        for n in 0..len {
            w.key(&n.to_string());
            w.bool(true);
        }
        w.end();
    }
    let cases: [(Encoding, Write, usize, &[u8]); 44] = [
        (MessagePack, text, 0, b"\xa0"),
        (MessagePack, text, 31, b"\xbf"),
        (MessagePack, text, 32, b"\xd9\x20"),
        (MessagePack, text, 255, b"\xd9\xff"),
        (MessagePack, text, 256, b"\xda\x01\0"),
        (MessagePack, text, 65_535, b"\xda\xff\xff"),
        (MessagePack, text, 65_536, b"\xdb\0\x01\0\0"),
        (MessagePack, bytes, 0, b"\xc4\0"),
        (MessagePack, bytes, 255, b"\xc4\xff"),
        (MessagePack, bytes, 256, b"\xc5\x01\0"),
        (MessagePack, bytes, 65_535, b"\xc5\xff\xff"),
        (MessagePack, bytes, 65_536, b"\xc6\0\x01\0\0"),
        (MessagePack, list, 0, b"\x90"),
        (MessagePack, list, 15, b"\x9f"),
        (MessagePack, list, 16, b"\xdc\0\x10"),
        (MessagePack, list, 65_535, b"\xdc\xff\xff"),
        (MessagePack, list, 65_536, b"\xdd\0\x01\0\0"),
        (MessagePack, dict, 0, b"\x80"),
        (MessagePack, dict, 15, b"\x8f"),
        (MessagePack, dict, 16, b"\xde\0\x10"),
        (MessagePack, dict, 65_535, b"\xde\xff\xff"),
        (MessagePack, dict, 65_536, b"\xdf\0\x01\0\0"),
        (Cbor, text, 0, b"\x60"),
        (Cbor, text, 23, b"\x77"),
        (Cbor, text, 24, b"\x78\x18"),
        (Cbor, text, 255, b"\x78\xff"),
        (Cbor, text, 256, b"\x79\x01\0"),
        (Cbor, text, 65_535, b"\x79\xff\xff"),
        (Cbor, text, 65_536, b"\x7a\0\x01\0\0"),
        (Cbor, bytes, 23, b"\x57"),
        (Cbor, bytes, 24, b"\x58\x18"),
        (Cbor, bytes, 256, b"\x59\x01\0"),
        (Cbor, bytes, 65_536, b"\x5a\0\x01\0\0"),
        (Cbor, list, 0, b"\x80"),
        (Cbor, list, 23, b"\x97"),
        (Cbor, list, 24, b"\x98\x18"),
        (Cbor, list, 255, b"\x98\xff"),
        (Cbor, list, 256, b"\x99\x01\0"),
        (Cbor, list, 65_536, b"\x9a\0\x01\0\0"),
        (Cbor, dict, 23, b"\xb7"),
        (Cbor, dict, 24, b"\xb8\x18"),
        (Cbor, dict, 256, b"\xb9\x01\0"),
        (Cbor, dict, 65_535, b"\xb9\xff\xff"),
        (Cbor, dict, 65_536, b"\xba\0\x01\0\0"),
    ];
    for (encoding, value, len, header) in cases {
        let told = write(encoding, |w| value(w, len, true));
        assert_eq!(&told[..header.len()], header, "{encoding} {len}");
        assert_eq!(write(encoding, |w| value(w, len, false)), told, "{encoding} {len}");
        assert!(tokens(encoding, &told).is_ok());
    }
    assert_eq!(write(MessagePack, |w| w.float(1.5)), b"\xcb\x3f\xf8\0\0\0\0\0\0");
    assert_eq!(write(Cbor, |w| w.float(1.5)), b"\xfb\x3f\xf8\0\0\0\0\0\0");
}

#[test]
fn w_27_a_wrong_length_is_put_right() {
    for encoding in Encoding::ALL {
        let [right, wrong] = [3, 300].map(|len| {
            write(encoding, |w| {
                w.list(Some(len));
                w.text("before");
                w.dict(Some(len));
                w.key("a");
                w.raw(&write(encoding, |w| w.bool(true)), 1);
                w.end();
                w.raw(b"", 0);
                w.raw(&write(encoding, |w| w.unsigned(7)), 1);
            })
        });
        assert_eq!(right, wrong);
        assert_eq!(split(encoding, &right).unwrap().len(), 3);
    }
}

#[test]
fn w_10_json_text_is_escaped_minimally() {
    let text = "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é\u{2028}";
    let json = "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}é\u{2028}\"";
    assert_eq!(write(Json, |w| w.text(text)), json.as_bytes());
    assert_eq!(tokens(Json, json.as_bytes()).unwrap(), [Token::Text(text.into())]);
    let floats = write(Json, |w| {
        for value in [1.0, -0.0, 0.1, 1e21, 5e-324, f64::MAX, f64::NAN, f64::NEG_INFINITY] {
            w.float(value);
        }
    });
    assert_eq!(floats, b"1.0,-0.0,0.1,1e21,5e-324,1.7976931348623157e308,null,null");
}

#[test]
fn w_10_specials_are_found_at_every_place_of_a_long_string() {
    for len in 0..100 {
        for special in ["\"", "\\", "\u{1f}", "\n", "\u{0}"] {
            let text = format!("{}{special}{}", "ä".repeat(len / 2), "!".repeat(len));
            let text = &text[..];
            let json = write(Json, |w| w.text(&format!("x{text}")));
            assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), format!("x{text}"));
            assert_eq!(tokens(Json, &json).unwrap(), [Token::Text(format!("x{text}").into())]);
        }
    }
}

#[test]
fn w_28_foreign_forms_are_read() {
    let json = foreign_sample(Json);
    let elements = split(Json, &json).unwrap();
    assert_eq!(elements.text(2).unwrap(), "\u{1F600}/");
    assert!(elements.is_empty_container(4) && !elements.is_empty_container(3));
    assert_eq!(&json[elements.span(0)], b"36");
    assert_eq!(&json[elements.span(4)], b"[ ]");

    let msgpack = foreign_sample(MessagePack);
    let elements = split(MessagePack, &msgpack).unwrap();
    assert_eq!((elements.len(), elements.unsigned(0)), (6, Ok(36)));
    let expected = [
        Token::List(Some(6)),
        Token::Unsigned(36),
        Token::Dict(Some(1)),
        Token::Text("a".into()),
        Token::Text("b".into()),
        Token::End,
        Token::Float(1.0),
        Token::Bytes(b"x".into()),
        Token::Bytes(b"yz".into()),
        Token::Bytes(b"q".into()),
        Token::End,
    ];
    assert_eq!(tokens(MessagePack, &msgpack).unwrap(), expected);

    let cbor = foreign_sample(Cbor);
    let elements = split(Cbor, &cbor).unwrap();
    assert_eq!((elements.len(), elements.unsigned(0)), (7, Ok(36)));
    assert_eq!(elements.text(6).unwrap(), "ü");
    let expected = [
        Token::List(None),
        Token::Unsigned(36),
        Token::Dict(None),
        Token::Text("ab".into()),
        Token::Bytes(b"\xffab".into()),
        Token::End,
        Token::Float(1.0),
        Token::Float(1.0),
        Token::Null,
        Token::Bytes(b"\x01\x02".into()),
        Token::Text("ü".into()),
        Token::End,
    ];
    assert_eq!(tokens(Cbor, &cbor).unwrap(), expected);
}

/// A number beyond every float is refused where it comes in: it would be forwarded to others as it is.
#[test]
fn w_04_numbers_beyond_every_float() {
    let digits = "9".repeat(400);
    for (number, fine) in
        [("1e308", true), ("1e309", false), ("-1E400", false), ("1e-400", true), (&digits, false)]
    {
        let frame = format!("[{number}]");
        let split = Elements::split(Json, frame.as_bytes(), &Limits::default());
        assert_eq!(split.is_ok(), fine, "{number}");
    }
}
