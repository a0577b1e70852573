//! Payloads: their shapes, how they are read, and that forwarding shares memory.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wamp_proto::codec::{Writer, to_vec};
use wamp_proto::{DecodeError, Dict, EncodeError, Encoding, Payload, Value};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<i32>,
}

const POINT: Point = Point { x: 1, y: None };

fn json<A: Serialize, K: Serialize>(args: A, kwargs: K) -> String {
    let payload = Payload::new(Encoding::Json, &args, &kwargs).unwrap();
    String::from_utf8(payload.raw().to_vec()).unwrap()
}

#[test]
fn m10_empty_arguments_are_left_out() {
    assert_eq!(json((), ()), "");
    assert_eq!(json([0_u8; 0], ()), "");
    assert_eq!(json(Vec::<Value>::new(), Dict::new()), "");
    assert_eq!(json((), None::<Point>), "");
    assert_eq!(json((1,), Dict::new()), "[1]");
    assert_eq!(json([1, 2], ()), "[1,2]");
    for encoding in Encoding::ALL {
        let payload = Payload::new(encoding, &[0_u8; 0], &Dict::new()).unwrap();
        assert_eq!((payload.elements(), payload.size(), payload.is_empty()), (0, 0, true));
        assert_eq!((payload.args_raw(), payload.kwargs_raw()), (None, None));
    }
}

#[test]
fn m12_keyword_arguments_alone_come_behind_an_empty_list() {
    assert_eq!(json((), POINT), r#"[],{"x":1}"#);
    assert_eq!(json((1, "a"), POINT), r#"[1,"a"],{"x":1}"#);
    for encoding in Encoding::ALL {
        let payload = Payload::from_kwargs(encoding, &POINT).unwrap();
        assert_eq!(payload.args_raw(), Some(&to_vec(encoding, &[0; 0]).unwrap()[..]));
        assert_eq!(payload.kwargs_raw(), Some(&to_vec(encoding, &POINT).unwrap()[..]));
        assert_eq!((payload.elements(), payload.is_empty()), (2, false));
    }
}

#[test]
fn m09_arguments_are_a_list_and_a_dict() {
    for encoding in Encoding::ALL {
        for wrong in [Value::from(1), Value::from("x"), Value::from(&b"x"[..]), Value::from(Dict::new())] {
            assert_eq!(Payload::from_args(encoding, &wrong), Err(EncodeError::NotAList), "{wrong}");
        }
        for wrong in [Value::from(1), Value::from("x"), Value::List(vec![])] {
            assert_eq!(Payload::from_kwargs(encoding, &wrong), Err(EncodeError::NotADict), "{wrong}");
        }
        assert_eq!(Payload::from_args(encoding, &("\0",)), Err(EncodeError::LeadingNul));
    }
}

#[test]
fn a_payload_leaves_room_for_the_list_of_the_message() {
    let deep = |n: usize| (0..n).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    assert!(Payload::from_args(Encoding::Json, &deep(63)).is_ok());
    assert_eq!(Payload::from_args(Encoding::Json, &deep(64)), Err(EncodeError::TooDeep { limit: 64 }));
}

#[test]
fn reading_absent_arguments_gives_empty_ones() {
    let empty = Payload::empty();
    assert_eq!(empty.args::<Vec<u8>>().unwrap(), []);
    assert_eq!(empty.kwargs::<BTreeMap<String, u8>>().unwrap(), BTreeMap::new());
    assert_eq!((empty.list().unwrap(), empty.dict().unwrap()), (vec![], Dict::new()));
    assert!(empty.args::<(u8,)>().is_err());
    for encoding in Encoding::ALL {
        let payload = Payload::from_args(encoding, &(1, "two")).unwrap();
        assert_eq!(payload.args::<(u8, &str)>().unwrap(), (1, "two"));
        assert_eq!(payload.list().unwrap(), [Value::from(1), Value::from("two")]);
        assert!(payload.dict().unwrap().is_empty());
    }
}

#[test]
fn value_of_no_arguments_is_null() {
    for encoding in Encoding::ALL {
        let explicit = to_vec(encoding, &[0; 0]).unwrap();
        let end = explicit.len();
        for payload in [Payload::empty(), Payload::from_frame(encoding, &explicit.into(), Some(0..end), None)]
        {
            payload.value::<()>().unwrap();
            assert_eq!(payload.value::<Option<u8>>().unwrap(), None);
            assert_eq!(payload.value::<Value>().unwrap(), Value::Null);
            assert!(payload.value::<u8>().is_err());
        }
    }
}

#[test]
fn value_of_one_argument_is_that_argument() {
    for encoding in Encoding::ALL {
        let payload = |value: Value| Payload::from_args(encoding, &[value]).unwrap();
        assert_eq!(payload(Value::from(7)).value::<u8>().unwrap(), 7);
        assert_eq!(payload(Value::from("x")).value::<&str>().unwrap(), "x");
        assert_eq!(payload(Value::from_iter([1, 2])).value::<(u8, u8)>().unwrap(), (1, 2));
        assert_eq!(payload(Value::List(vec![])).value::<Vec<u8>>().unwrap(), []);
        assert_eq!(payload(Value::from(Dict::from_iter([("x", 1)]))).value::<Point>().unwrap(), POINT);
        assert_eq!(payload(Value::Null).value::<Option<u8>>().unwrap(), None);
        assert!(payload(Value::from("x")).value::<u8>().is_err());
    }
}

#[test]
fn value_of_several_arguments_is_their_list() {
    for encoding in Encoding::ALL {
        let payload = Payload::from_args(encoding, &[1, 2, 3]).unwrap();
        assert_eq!(payload.value::<(u8, u8, u8)>().unwrap(), (1, 2, 3));
        assert_eq!(payload.value::<Vec<u8>>().unwrap(), [1, 2, 3]);
        assert!(payload.value::<u8>().is_err());
        assert!(payload.value::<(u8, u8)>().is_err());
    }
}

#[test]
fn value_of_keyword_arguments_is_their_dict_but_not_of_both() {
    for encoding in Encoding::ALL {
        assert_eq!(Payload::from_kwargs(encoding, &POINT).unwrap().value::<Point>().unwrap(), POINT);
        for args in [&[1][..], &[1, 2]] {
            let both = Payload::new(encoding, args, &POINT).unwrap();
            assert!(matches!(both.value::<Value>(), Err(DecodeError::Type { found: "both", .. })));
        }
    }
}

#[test]
fn w03_transcoding_keeps_the_arguments() {
    let bytes = Value::from(&[0_u8, 200][..]);
    let kwargs = Dict::from_iter([("k", Value::from("v")), ("b", bytes.clone())]);
    for from in Encoding::ALL {
        let payloads = [
            Payload::empty(),
            Payload::from_args(from, &[Value::from(-1), bytes.clone()]).unwrap(),
            Payload::from_kwargs(from, &kwargs).unwrap(),
            Payload::new(from, &(1.5, "x", u64::MAX), &kwargs).unwrap(),
        ];
        for payload in payloads {
            for to in Encoding::ALL {
                let there = payload.transcode(to).unwrap();
                assert_eq!(there, payload, "{from} to {to}");
                assert_eq!(there.elements(), payload.elements());
                assert!(there.is_empty() || there.encoding() == to);
            }
            let same = payload.transcode(payload.encoding()).unwrap();
            assert_eq!(same.raw().as_ptr(), payload.raw().as_ptr());
        }
    }
}

#[test]
fn m19_write_appends_the_elements_behind_a_header() {
    for from in Encoding::ALL {
        for to in Encoding::ALL {
            let message = |payload: &Payload| {
                let mut writer = Writer::new(to);
                writer.list(None);
                writer.unsigned(36);
                payload.write(&mut writer).unwrap();
                writer.end();
                writer.finish()
            };
            let both = Payload::new(from, &("a",), &POINT).unwrap();
            assert_eq!(message(&both), to_vec(to, &(36, ("a",), &POINT)).unwrap());
            let args = Payload::from_args(from, &("a",)).unwrap();
            assert_eq!(message(&args), to_vec(to, &(36, ("a",))).unwrap());
            assert_eq!(message(&Payload::empty()), to_vec(to, &(36,)).unwrap());
        }
    }
}

/// Where the two parts are in the frame `[36,<args>,<kwargs>]`.
fn frame(encoding: Encoding) -> (Bytes, Range<usize>, Range<usize>) {
    let [args, kwargs] = [to_vec(encoding, &["x"]).unwrap(), to_vec(encoding, &POINT).unwrap()];
    let frame = to_vec(encoding, &(36, ["x"], POINT)).unwrap();
    let find = |part: &[u8]| {
        let at = frame.windows(part.len()).position(|window| window == part).unwrap();
        at..at + part.len()
    };
    let (args, kwargs) = (find(&args), find(&kwargs));
    (frame.into(), args, kwargs)
}

#[test]
fn m19_payloads_of_a_frame_share_its_memory_until_detached() {
    for encoding in Encoding::ALL {
        let (frame, args, kwargs) = frame(encoding);
        let both = Payload::from_frame(encoding, &frame, Some(args.clone()), Some(kwargs.clone()));
        assert_eq!(both, Payload::new(encoding, &["x"], &POINT).unwrap());
        assert_eq!(both.args_raw().unwrap().as_ptr(), frame[args.start..].as_ptr());
        assert_eq!(both.kwargs_raw().unwrap().as_ptr(), frame[kwargs.start..].as_ptr());
        assert_eq!(both.kwargs_raw().unwrap(), &frame[kwargs.clone()]);
        assert_eq!(both.size(), kwargs.end - args.start);

        let one = Payload::from_frame(encoding, &frame, Some(args.clone()), None);
        assert_eq!(one.raw().as_ptr(), frame[args.start..].as_ptr());
        assert_eq!(one.value::<&str>().unwrap(), "x");

        let detached = both.detach();
        assert_eq!(detached, both);
        assert_ne!(detached.raw().as_ptr(), both.raw().as_ptr());
        assert_eq!(detached.kwargs::<Point>().unwrap(), POINT);
    }
}

#[test]
fn m12_a_frame_with_keyword_arguments_only_gets_its_empty_list() {
    for encoding in Encoding::ALL {
        let (frame, _, kwargs) = frame(encoding);
        let payload = Payload::from_frame(encoding, &frame, None, Some(kwargs));
        assert_eq!(payload, Payload::from_kwargs(encoding, &POINT).unwrap());
    }
}

#[test]
fn places_outside_of_the_frame_make_an_empty_payload() {
    let frame = Bytes::from_static(b"[36,[],{}]");
    #[allow(clippy::reversed_empty_ranges)]
    let places =
        [(Some(4..60), None), (Some(7..9), Some(4..6)), (Some(4..6), Some(7..60)), (None, Some(7..3))];
    for (args, kwargs) in places {
        assert!(Payload::from_frame(Encoding::Json, &frame, args, kwargs).is_empty());
    }
}

#[test]
fn m11_empty_arguments_equal_absent_ones() {
    let frame = Bytes::from_static(b"[36, [ ] , { }]");
    let payload = Payload::from_frame(Encoding::Json, &frame, Some(5..8), Some(11..14));
    assert_eq!(&payload.raw()[..], b"[ ] , { }");
    assert_eq!((payload.elements(), payload.is_empty()), (2, true));
    assert_eq!(payload, Payload::empty());
    payload.value::<()>().unwrap();
    assert_ne!(Payload::from_args(Encoding::Json, &[1]).unwrap(), Payload::empty());
}

#[test]
fn debug_shows_shortened_json() {
    let payload = Payload::new(Encoding::Cbor, &(1, "a"), &POINT).unwrap();
    assert_eq!(format!("{payload:?}"), r#"Payload(cbor: [1,"a"],{"x":1})"#);
    assert_eq!(format!("{:?}", Payload::default()), "Payload(json: )");
    let long = Payload::from_args(Encoding::MessagePack, &["ä".repeat(1_000)]).unwrap();
    let text = format!("{long:?}");
    assert!(text.len() < 250 && text.ends_with(".. 2004 bytes)"), "{text}");
}
