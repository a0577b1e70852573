//! One serde data model in all encodings.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

use serde::de::{Deserializer, IgnoredAny, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use wamp_proto::codec::{from_slice, to_vec, transcode};
use wamp_proto::{DecodeError, Dict, EncodeError, Encoding, Value};

/// Octets that ask serde for binary.
#[derive(Clone, Debug, PartialEq)]
struct Octets(Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OctetsVisitor;
        impl Visitor<'_> for OctetsVisitor {
            type Value = Octets;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("binary")
            }
            fn visit_bytes<E>(self, v: &[u8]) -> Result<Octets, E> {
                Ok(Octets(v.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(OctetsVisitor)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(i8),
    Tuple(u8, Option<bool>),
    Struct { at: Vec<Self>, r#as: Meters },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Meters(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    LeftHand,
    Right,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    A { n: i32 },
    B,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    shapes: Vec<Shape>,
    none: Option<u8>,
    some: Option<String>,
    octets: Octets,
    address: Ipv4Addr,
    pair: (i64, u64),
    float: f64,
    small: f32,
    letter: char,
    unit: (),
    by_number: BTreeMap<i32, bool>,
    by_side: HashMap<Side, Meters>,
    by_letter: BTreeMap<char, u8>,
    by_wide: BTreeMap<u128, u8>,
    by_bool: BTreeMap<bool, u8>,
    tagged: Vec<Tagged>,
    value: Value,
    wide: i128,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<u8>,
    #[serde(flatten)]
    rest: Dict,
}

fn everything() -> Everything {
    let nested = Shape::Struct { at: vec![Shape::Unit, Shape::Newtype(-128)], r#as: Meters(u64::MAX) };
    Everything {
        shapes: vec![
            Shape::Unit,
            Shape::Newtype(1),
            Shape::Tuple(255, None),
            Shape::Tuple(0, Some(true)),
            nested,
        ],
        none: None,
        some: Some("\u{1F980} \"quoted\" \u{1}".to_owned()),
        octets: Octets(vec![0, 1, 254, 255]),
        address: Ipv4Addr::LOCALHOST,
        pair: (i64::MIN, 1 << 53),
        float: 1e300,
        small: 2.0,
        letter: 'ß',
        unit: (),
        by_number: [(-1, true), (10, false)].into(),
        by_side: [(Side::LeftHand, Meters(1)), (Side::Right, Meters(2))].into(),
        by_wide: [(u128::MAX, 0)].into(),
        by_letter: [('x', 1), ('\0', 2)].into(),
        by_bool: [(true, 1), (false, 0)].into(),
        tagged: vec![Tagged::A { n: -1 }, Tagged::B],
        value: Value::from_iter([Value::from(1), Value::from(&b"\0"[..])]),
        wide: -5,
        skipped: None,
        rest: Dict::from_iter([("more", Value::from(2)), ("", Value::Null)]),
    }
}

#[test]
fn w03_one_data_model_round_trips_in_all_encodings_and_transcodes() {
    let here = everything();
    for from in Encoding::ALL {
        let bytes = to_vec(from, &here).unwrap();
        assert_eq!(from_slice::<Everything>(from, &bytes).unwrap(), here, "{from}");
        for to in Encoding::ALL {
            let there = transcode(from, &bytes, to).unwrap();
            assert_eq!(from_slice::<Everything>(to, &there).unwrap(), here, "{from} to {to}");
            assert_eq!(
                there,
                to_vec(to, &from_slice::<Value>(from, &bytes).unwrap()).unwrap(),
                "{from} to {to}"
            );
        }
    }
}

#[test]
fn w10_json_is_the_text_that_serde_json_writes() {
    let mut here = everything();
    here.by_side.remove(&Side::Right);
    here.octets = Octets(vec![]);
    here.value = Value::Null;
    let json = String::from_utf8(to_vec(Encoding::Json, &here).unwrap()).unwrap();
    let expected = serde_json::to_value(&here).unwrap();
    let mut found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["octets"], "\0");
    found["octets"] = serde_json::json!([]);
    assert_eq!(found, expected);
}

#[test]
fn w10_known_json() {
    let json = |shape: Shape| String::from_utf8(to_vec(Encoding::Json, &shape).unwrap()).unwrap();
    assert_eq!(json(Shape::Unit), r#""Unit""#);
    assert_eq!(json(Shape::Newtype(-1)), r#"{"Newtype":-1}"#);
    assert_eq!(json(Shape::Tuple(1, None)), r#"{"Tuple":[1,null]}"#);
    assert_eq!(json(Shape::Struct { at: vec![], r#as: Meters(3) }), r#"{"Struct":{"at":[],"as":3}}"#);
    let sides: BTreeMap<_, _> = [(Side::LeftHand, 1.5), (Side::Right, f64::NAN)].into();
    assert_eq!(to_vec(Encoding::Json, &sides).unwrap(), br#"{"left_hand":1.5,"right":null}"#);
}

#[test]
fn w25_messagepack_and_cbor_are_what_other_implementations_read() {
    let here = everything();
    let packed = to_vec(Encoding::MessagePack, &here).unwrap();
    let mut reader = rmp_serde::Deserializer::new(&packed[..]).with_human_readable();
    assert_eq!(Value::deserialize(&mut reader).unwrap(), from_slice(Encoding::MessagePack, &packed).unwrap());
    let cbor = to_vec(Encoding::Cbor, &here).unwrap();
    let there: Value = ciborium::from_reader(&cbor[..]).unwrap();
    assert_eq!(there, from_slice(Encoding::Cbor, &cbor).unwrap());
}

#[test]
fn w11_binary_is_read_from_binary_and_from_a_list_and_as_a_list() {
    for encoding in Encoding::ALL {
        let binary = to_vec(encoding, &Octets(vec![1, 2, 255])).unwrap();
        let list = to_vec(encoding, &[1, 2, 255]).unwrap();
        assert_ne!(binary, list);
        for bytes in [binary, list] {
            assert_eq!(from_slice::<Octets>(encoding, &bytes).unwrap().0, [1, 2, 255]);
            assert_eq!(from_slice::<Vec<u8>>(encoding, &bytes).unwrap(), [1, 2, 255]);
            assert_eq!(from_slice::<[u8; 3]>(encoding, &bytes).unwrap(), [1, 2, 255]);
            assert!(from_slice::<[u8; 2]>(encoding, &bytes).is_err());
            assert!(from_slice::<String>(encoding, &bytes).is_err());
        }
        assert!(from_slice::<Octets>(encoding, &to_vec(encoding, "text").unwrap()).is_err());
    }
}

#[test]
fn w16_text_that_starts_with_nul_is_refused_but_keys_are_left_alone_as_of_w17() {
    #[derive(Serialize)]
    enum Odd {
        #[serde(rename = "\0")]
        Variant,
    }
    for encoding in Encoding::ALL {
        assert_eq!(to_vec(encoding, "\0x"), Err(EncodeError::LeadingNul));
        assert_eq!(to_vec(encoding, &'\0'), Err(EncodeError::LeadingNul));
        assert_eq!(to_vec(encoding, &Odd::Variant), Err(EncodeError::LeadingNul));
        let dict = Dict::from_iter([("\0key", "x\0")]);
        assert_eq!(from_slice::<Dict>(encoding, &to_vec(encoding, &dict).unwrap()).unwrap(), dict);
    }
}

#[test]
fn m04_map_keys_that_are_no_text_or_there_twice_are_refused() {
    #[derive(Serialize)]
    struct Flat {
        a: u8,
        #[serde(flatten)]
        rest: Dict,
    }
    let twice = Flat { a: 1, rest: Dict::from_iter([("a", 2)]) };
    for encoding in Encoding::ALL {
        assert_eq!(to_vec(encoding, &BTreeMap::from([((1, 2), 3)])), Err(EncodeError::KeyNotText));
        assert_eq!(to_vec(encoding, &BTreeMap::from([(None::<u8>, 3)])), Err(EncodeError::KeyNotText));
        assert_eq!(to_vec(encoding, &BTreeMap::from([((), 3)])), Err(EncodeError::KeyNotText));
        assert_eq!(to_vec(encoding, &BTreeMap::from([(Shape::Newtype(1), 3)])), Err(EncodeError::KeyNotText));
        assert_eq!(to_vec(encoding, &BTreeMap::from([(vec![1], 3)])), Err(EncodeError::KeyNotText));
        assert_eq!(to_vec(encoding, &twice), Err(EncodeError::DuplicateKey("a".to_owned())));
    }
}

#[test]
fn w18_integers_keep_their_range() {
    for encoding in Encoding::ALL {
        assert_eq!(to_vec(encoding, &(u128::from(u64::MAX) + 1)), Err(EncodeError::IntegerRange));
        assert_eq!(to_vec(encoding, &(i128::from(i64::MIN) - 1)), Err(EncodeError::IntegerRange));
        let top = to_vec(encoding, &u128::from(u64::MAX)).unwrap();
        assert_eq!(from_slice::<u64>(encoding, &top).unwrap(), u64::MAX);
        assert_eq!(from_slice::<u128>(encoding, &top).unwrap(), u128::from(u64::MAX));
        assert!(from_slice::<i64>(encoding, &top).is_err());
        let bytes = to_vec(encoding, &-129).unwrap();
        assert_eq!(from_slice::<i16>(encoding, &bytes).unwrap(), -129);
        assert!(from_slice::<i8>(encoding, &bytes).is_err());
        assert!(from_slice::<u64>(encoding, &bytes).is_err());
        let keys = to_vec(encoding, &BTreeMap::from([("300", 0)])).unwrap();
        assert!(from_slice::<BTreeMap<u8, u8>>(encoding, &keys).is_err());
        assert!(from_slice::<BTreeMap<bool, u8>>(encoding, &keys).is_err());
        assert_eq!(from_slice::<BTreeMap<u16, u8>>(encoding, &keys).unwrap(), [(300, 0)].into());
    }
}

#[test]
fn w19_an_integer_is_taken_for_a_float_but_not_the_reverse() {
    for encoding in Encoding::ALL {
        assert_eq!(from_slice::<f64>(encoding, &to_vec(encoding, &-3).unwrap()).unwrap(), -3.0);
        assert_eq!(from_slice::<f32>(encoding, &to_vec(encoding, &3).unwrap()).unwrap(), 3.0);
        assert!(from_slice::<u8>(encoding, &to_vec(encoding, &3.0).unwrap()).is_err());
        assert!(from_slice::<bool>(encoding, &to_vec(encoding, &1).unwrap()).is_err());
    }
}

#[test]
fn a_container_that_breaks_its_announced_length_is_written_right() {
    struct Liar(usize);
    impl Serialize for Liar {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(Some(self.0))?;
            seq.serialize_element(&1)?;
            seq.serialize_element(&2)?;
            seq.end()
        }
    }
    for encoding in Encoding::ALL {
        for announced in [0, 1, 2, 100] {
            assert_eq!(to_vec(encoding, &Liar(announced)).unwrap(), to_vec(encoding, &[1, 2]).unwrap());
        }
    }
}

#[test]
fn from_slice_takes_the_whole_input() {
    for encoding in Encoding::ALL {
        let mut bytes = to_vec(encoding, &(1, "x")).unwrap();
        assert_eq!(from_slice::<(u8, &str)>(encoding, &bytes).unwrap(), (1, "x"));
        assert_eq!(from_slice::<Option<IgnoredAny>>(encoding, &bytes).unwrap(), Some(IgnoredAny));
        assert!(from_slice::<(u8,)>(encoding, &bytes).is_err());
        assert!(from_slice::<(u8, &str, u8)>(encoding, &bytes).is_err());
        let at = bytes.len();
        bytes.extend(to_vec(encoding, &1).unwrap());
        assert_eq!(from_slice::<(u8, &str)>(encoding, &bytes), Err(DecodeError::Trailing { at }));
        assert!(from_slice::<(u8, &str)>(encoding, &bytes[..at - 1]).is_err());
    }
    assert_eq!(from_slice::<[u8; 1]>(Encoding::Json, b" [ 1 ] \n").unwrap(), [1]);
}

#[test]
fn text_is_borrowed_where_it_stands_as_it_is() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        text: &'a str,
        octets: &'a [u8],
    }
    let here = Dict::from_iter([("text", Value::from("x")), ("octets", Value::from(&[1_u8][..]))]);
    for encoding in [Encoding::MessagePack, Encoding::Cbor] {
        let bytes = to_vec(encoding, &here).unwrap();
        let there: Borrowed<'_> = from_slice(encoding, &bytes).unwrap();
        assert_eq!((there.text, there.octets), ("x", &[1][..]));
    }
    assert_eq!(from_slice::<&str>(Encoding::Json, br#""x""#).unwrap(), "x");
    assert!(from_slice::<&str>(Encoding::Json, br#""\n""#).is_err());
    assert_eq!(from_slice::<String>(Encoding::Json, br#""\n""#).unwrap(), "\n");
}

#[test]
fn w28_indefinite_cbor_lengths_are_read() {
    let cbor = b"\xbf\x61a\x9f\x01\xff\x61b\x5f\x41\x01\x41\x02\xff\xff";
    let there: Value = from_slice(Encoding::Cbor, cbor).unwrap();
    let here = Dict::from_iter([("a", Value::from_iter([1])), ("b", Value::from(vec![1_u8, 2]))]);
    assert_eq!(there, Value::from(here));
}

#[test]
fn enums_take_one_variant() {
    let read = |json: &str| from_slice::<Shape>(Encoding::Json, json.as_bytes());
    assert_eq!(read(r#"{"Unit":null}"#).unwrap(), Shape::Unit);
    for wrong in
        ["{}", "[]", "1", r#""Newtype""#, r#""None""#, r#"{"Newtype":1,"Unit":null}"#, r#"{"Unit":1}"#]
    {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
