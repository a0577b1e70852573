//! Every message of the protocol in every serializer, and everything that can be wrong with one.

use bytes::Bytes;
use wamp_proto::codec::transcode;
use wamp_proto::error::Violation;
use wamp_proto::message::{
    CallOptions, Cancel, CancelMode, CancelOptions, ClosingDetails, Direction, Feature, Forwarder, Goodbye,
    Hello, HelloDetails, InvocationPolicy, Message, MessageKind, PayloadAttributes, Publish, PublishOptions,
    Role, Unsubscribe,
};
use wamp_proto::{DecodeError, Dict, EncodeError, Encoding, Limits, Payload, Uri, Value, message};

fn decode_as(encoding: Encoding, frame: impl Into<Bytes>) -> Result<Message, Violation> {
    Message::decode(encoding, &frame.into(), &Limits::default())
}

/// Decodes the JSON text in all serializers, which must agree.
fn decode(json: &str) -> Result<Message, Violation> {
    let decoded = decode_as(Encoding::Json, json.as_bytes().to_vec());
    for encoding in [Encoding::MessagePack, Encoding::Cbor] {
        let frame = transcode(Encoding::Json, json.as_bytes(), encoding).unwrap();
        assert_eq!(decode_as(encoding, frame), decoded, "{encoding}: {json}");
    }
    decoded
}

fn good(json: &str) -> Message {
    decode(json).unwrap_or_else(|violation| panic!("{json}: {violation}"))
}

fn json(message: &Message) -> String {
    String::from_utf8(message.encode(Encoding::Json).unwrap().to_vec()).unwrap()
}

const FORWARD: &str = r#""forward_for":[{"session":1},{"session":2,"authid":"a","authrole":"r"}]"#;
const WRAPPED: &str = r#""ppt_scheme":"wamp","ppt_serializer":"cbor","ppt_cipher":"c","ppt_keyid":"k","enc_algo":"a","enc_key":"e","enc_serializer":"json""#;

/// Every message (M-20..M-43): as short as it can be, then with everything. `F` and `P` stand for the two constants
/// above. The texts are exactly what is sent.
const SAMPLES: &[(MessageKind, &[&str])] = &[
    (
        MessageKind::Hello,
        &[
            r#"[1,"realm1",{}]"#,
            r#"[1,"realm1",{"roles":{"publisher":{},"subscriber":{"features":{"pattern_based_subscription":true}},"caller":{"features":{"progressive_call_results":true,"call_canceling":true}},"callee":{}},"agent":"a/1","authmethods":["ticket","anonymous"],"authid":"joe","authextra":{"k":[1]},"transport":{"auth":{}},"_own":1}]"#,
        ],
    ),
    (
        MessageKind::Welcome,
        &[
            r#"[2,9007199254740992,{}]"#,
            r#"[2,1,{"roles":{"broker":{},"dealer":{"features":{"session_meta_api":true}}},"agent":"r","realm":"realm2","authid":"joe","authrole":"user","authmethod":"ticket","authprovider":"static","authextra":{"verifier":"v"},"_own":{"a":[]}}]"#,
        ],
    ),
    (
        MessageKind::Abort,
        &[
            r#"[3,{},"wamp.error.no_such_realm"]"#,
            r#"[3,{"message":"no","scram":"other-error","_own":"x"},"wamp.error.no_such_realm",["a"],{"b":1}]"#,
        ],
    ),
    (
        MessageKind::Challenge,
        &[
            r#"[4,"ticket",{}]"#,
            r#"[4,"wampcra",{"challenge":"c","salt":"s","keylen":32,"iterations":1000,"nonce":"n","kdf":"argon2id13","memory":64,"channel_binding":"tls-unique","pubkey":"ab","signature":"cd","attest":[1,2],"_own":1}]"#,
        ],
    ),
    (
        MessageKind::Authenticate,
        &[
            r#"[5,"secret",{}]"#,
            r#"[5,"",{"nonce":"n","channel_binding":"tls","cbind_data":"AA==","quote":[1],"measurement":"m","_own":1}]"#,
        ],
    ),
    (
        MessageKind::Goodbye,
        &[
            r#"[6,{},"wamp.close.close_realm"]"#,
            r#"[6,{"message":"bye","_own":true},"wamp.close.goodbye_and_out"]"#,
        ],
    ),
    (
        MessageKind::Error,
        &[
            r#"[8,48,1,{},"com.example.error"]"#,
            r#"[8,68,9007199254740992,{F,P,"_own":1},"com.example.error",["a",{}],{"b":[]}]"#,
        ],
    ),
    (
        MessageKind::Publish,
        &[
            r#"[16,1,{},"com.topic"]"#,
            r#"[16,1,{},"com.topic",[1,"x"]]"#,
            r#"[16,2,{"acknowledge":true,"exclude_me":false,"disclose_me":true,"retain":true,"rkey":"k","transaction_hash":"h",F,"exclude":[1,2],"exclude_authid":["a"],"exclude_authrole":["b"],"eligible":[],"eligible_authid":[],"eligible_authrole":["c"],P,"_own":1},"com.topic",[],{"k":1}]"#,
        ],
    ),
    (MessageKind::Published, &[r#"[17,1,2]"#]),
    (
        MessageKind::Subscribe,
        &[
            r#"[32,1,{},"com.topic"]"#,
            r#"[32,1,{"match":"wildcard","get_retained":true,"nkey":"n",F,"_own":1},"com..topic"]"#,
            r#"[32,1,{"match":"exact"},"com.topic"]"#,
            r#"[32,1,{"match":"prefix"},""]"#,
        ],
    ),
    (MessageKind::Subscribed, &[r#"[33,1,2]"#]),
    (MessageKind::Unsubscribe, &[r#"[34,1,2]"#, r#"[34,1,2,{}]"#, r#"[34,1,2,{"any":1}]"#]),
    (
        MessageKind::Unsubscribed,
        &[r#"[35,1]"#, r#"[35,0,{"subscription":7}]"#, r#"[35,0,{"subscription":7,"reason":"r","_own":1}]"#],
    ),
    (
        MessageKind::Event,
        &[
            r#"[36,1,2,{}]"#,
            r#"[36,1,2,{"topic":"com.t","publisher":3,"publisher_authid":"a","publisher_authrole":"r","trustlevel":0,"retained":true,"payload_limit_exceeded":true,"x_acknowledged_delivery":true,"transaction_hash":"h",F,P,"_own":1},[],{}]"#,
        ],
    ),
    (
        MessageKind::Call,
        &[
            r#"[48,1,{},"com.proc"]"#,
            r#"[48,1,{"receive_progress":true,"progress":true,"timeout":0,"disclose_me":true,"runmode":"partition","rkey":"k",F,P,"_own":1},"com.proc",[1],{"k":2}]"#,
        ],
    ),
    (
        MessageKind::Cancel,
        &[
            r#"[49,1,{}]"#,
            r#"[49,1,{"mode":"skip"}]"#,
            r#"[49,1,{"mode":"kill"}]"#,
            r#"[49,1,{"mode":"killnowait",F,"_own":1}]"#,
        ],
    ),
    (MessageKind::Result, &[r#"[50,1,{}]"#, r#"[50,1,{"progress":true,F,P,"_own":1},[1],{"k":2}]"#]),
    (
        MessageKind::Register,
        &[
            r#"[64,1,{},"com.proc"]"#,
            r#"[64,1,{"match":"prefix","invoke":"roundrobin","disclose_caller":true,"forward_timeout":true,F,"_own":1},"com."]"#,
        ],
    ),
    (MessageKind::Registered, &[r#"[65,1,2]"#]),
    (MessageKind::Unregister, &[r#"[66,1,2]"#]),
    (
        MessageKind::Unregistered,
        &[r#"[67,1]"#, r#"[67,0,{"registration":7}]"#, r#"[67,0,{"registration":7,"reason":"r","_own":1}]"#],
    ),
    (
        MessageKind::Invocation,
        &[
            r#"[68,1,2,{}]"#,
            r#"[68,1,2,{"procedure":"com.p","caller":3,"caller_authid":"a","caller_authrole":"r","trustlevel":5,"receive_progress":true,"progress":true,"timeout":100,F,P,"_own":1},["a"],{"k":2}]"#,
        ],
    ),
    (MessageKind::Interrupt, &[r#"[69,1,{}]"#, r#"[69,1,{"mode":"kill",F,"_own":1}]"#]),
    (MessageKind::Yield, &[r#"[70,1,{}]"#, r#"[70,1,{"progress":true,F,P,"_own":1},[1],{"k":2}]"#]),
];

fn expand(sample: &str) -> String {
    sample
        .replace(",F", &format!(",{FORWARD}"))
        .replace("{F", &format!("{{{FORWARD}"))
        .replace(",P", &format!(",{WRAPPED}"))
}

#[test]
fn m_20_to_m_43_round_trip() {
    assert_eq!(SAMPLES.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), MessageKind::ALL);
    for (kind, samples) in SAMPLES {
        for sample in *samples {
            let text = expand(sample);
            let message = good(&text);
            assert_eq!(message.kind(), *kind);
            assert_eq!(json(&message), text);
            for encoding in Encoding::ALL {
                let frame = message.encode(encoding).unwrap();
                let again = decode_as(encoding, frame.clone()).unwrap();
                assert_eq!(again, message, "{encoding}: {text}");
                assert_eq!(again.encode(encoding).unwrap(), frame, "{encoding}: {text}");
                assert_eq!(json(&again), text);
            }
        }
    }
}

/// The bytes of one message, worked out by hand.
#[test]
fn w_05_to_w_07_known_bytes() {
    let message = good(r#"[48,300,{"timeout":5},"a.b",[true]]"#);
    let packed = b"\x95\x30\xcd\x01\x2c\x81\xa7timeout\x05\xa3a.b\x91\xc3";
    let cbor = b"\x85\x18\x30\x19\x01\x2c\xa1\x67timeout\x05\x63a.b\x81\xf5";
    assert_eq!(message.encode(Encoding::MessagePack).unwrap(), packed[..]);
    assert_eq!(message.encode(Encoding::Cbor).unwrap(), cbor[..]);
}

#[test]
fn m_14_the_table_of_codes() {
    let codes: Vec<u64> = MessageKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(
        codes,
        [1, 2, 3, 4, 5, 6, 8, 16, 17, 32, 33, 34, 35, 36, 48, 49, 50, 64, 65, 66, 67, 68, 69, 70]
    );
    let names: Vec<&str> = MessageKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(
        names.join(" "),
        "HELLO WELCOME ABORT CHALLENGE AUTHENTICATE GOODBYE ERROR PUBLISH PUBLISHED SUBSCRIBE SUBSCRIBED \
         UNSUBSCRIBE UNSUBSCRIBED EVENT CALL CANCEL RESULT REGISTER REGISTERED UNREGISTER UNREGISTERED INVOCATION \
         INTERRUPT YIELD"
    );
    for code in 0..=1100 {
        match MessageKind::from_code(code) {
            Some(kind) => assert_eq!(kind.code(), code),
            None => assert!(!codes.contains(&code)),
        }
    }
    assert_eq!(MessageKind::from_code(u64::MAX), None);
    assert_eq!(MessageKind::Hello.to_string(), "HELLO");
}

#[test]
fn m_48_directions() {
    let of = |direction| {
        let kinds = MessageKind::ALL.iter().filter(|kind| kind.direction() == direction);
        kinds.map(|kind| kind.code()).collect::<Vec<_>>()
    };
    assert_eq!(of(Direction::Both), [3, 6, 8]);
    assert_eq!(of(Direction::ToRouter), [1, 5, 16, 32, 34, 48, 49, 64, 66, 70]);
    assert_eq!(of(Direction::ToClient), [2, 4, 17, 33, 35, 36, 50, 65, 67, 68, 69]);
}

/// The elements of the longest sample of a kind, as values.
fn longest(kind: MessageKind) -> Vec<Value> {
    let (_, samples) = SAMPLES.iter().find(|(sample, _)| *sample == kind).unwrap();
    let lists = samples.iter().map(|sample| list(&expand(sample)));
    lists.max_by_key(Vec::len).unwrap()
}

fn list(json: &str) -> Vec<Value> {
    wamp_proto::codec::from_slice(Encoding::Json, json.as_bytes()).unwrap()
}

fn text(elements: &[Value]) -> String {
    Value::List(elements.to_vec()).to_string()
}

#[test]
fn m_05_arity() {
    let arities: [(MessageKind, [usize; 2]); 24] = {
        use MessageKind::*;
        [
            (Hello, [3, 3]),
            (Welcome, [3, 3]),
            (Abort, [3, 5]),
            (Challenge, [3, 3]),
            (Authenticate, [3, 3]),
            (Goodbye, [3, 3]),
            (Error, [5, 7]),
            (Publish, [4, 6]),
            (Published, [3, 3]),
            (Subscribe, [4, 4]),
            (Subscribed, [3, 3]),
            (Unsubscribe, [3, 4]),
            (Unsubscribed, [2, 3]),
            (Event, [4, 6]),
            (Call, [4, 6]),
            (Cancel, [3, 3]),
            (Result, [3, 5]),
            (Register, [4, 4]),
            (Registered, [3, 3]),
            (Unregister, [3, 3]),
            (Unregistered, [2, 3]),
            (Invocation, [4, 6]),
            (Interrupt, [3, 3]),
            (Yield, [3, 5]),
        ]
    };
    for (kind, [min, max]) in arities {
        assert_eq!(kind.elements(), min..=max, "{kind}");
        let mut elements = longest(kind);
        assert_eq!(elements.len(), max);
        elements.push(Value::Null);
        assert_eq!(decode(&text(&elements)), Err(Violation::Arity { message: kind, found: max + 1 }));
        elements.truncate(min - 1);
        assert_eq!(decode(&text(&elements)), Err(Violation::Arity { message: kind, found: min - 1 }));
        // All that lies between is fine, but for the two forms of the revocable answers.
        if !matches!(kind, MessageKind::Unsubscribed | MessageKind::Unregistered) {
            for len in min..=max {
                assert!(decode(&text(&longest(kind)[..len])).is_ok(), "{kind} with {len}");
            }
        }
    }
    // Far more elements than any message has.
    let many = format!("[48{}]", ",1".repeat(1000));
    assert_eq!(decode(&many), Err(Violation::Arity { message: MessageKind::Call, found: 1001 }));
}

#[test]
fn m_05_every_element_of_wrong_type() {
    let wrong = ["null", "true", "-1", "1.5", "1", "\"1\"", "[]", "{}"]
        .map(|json| wamp_proto::codec::from_slice::<Value>(Encoding::Json, json.as_bytes()).unwrap());
    let class = |value: &Value| match value {
        Value::Dict(_) => 1,
        Value::List(_) => 2,
        Value::Text(_) => 3,
        value if value.as_u64().is_some() => 4,
        _ => 5,
    };
    for kind in MessageKind::ALL.iter().copied() {
        let elements = longest(kind);
        for index in 1..elements.len() {
            for value in &wrong {
                if class(value) == class(&elements[index]) {
                    continue;
                }
                let mut elements = elements.clone();
                elements[index] = value.clone();
                let violation = decode(&text(&elements)).unwrap_err();
                match violation {
                    Violation::Element { message, index: found, .. } => {
                        assert_eq!((message, found), (kind, index), "{}", text(&elements));
                    }
                    other => panic!("{}: {other}", text(&elements)),
                }
            }
        }
    }
}

#[test]
fn i_01_ids() {
    let templates = [
        (MessageKind::Welcome, 1, "[2,@,{}]"),
        (MessageKind::Error, 2, r#"[8,48,@,{},"a.b"]"#),
        (MessageKind::Published, 1, "[17,@,1]"),
        (MessageKind::Published, 2, "[17,1,@]"),
        (MessageKind::Subscribed, 2, "[33,1,@]"),
        (MessageKind::Unsubscribe, 2, "[34,1,@]"),
        (MessageKind::Event, 1, "[36,@,1,{}]"),
        (MessageKind::Event, 2, "[36,1,@,{}]"),
        (MessageKind::Call, 1, r#"[48,@,{},"a.b"]"#),
        (MessageKind::Registered, 2, "[65,1,@]"),
        (MessageKind::Invocation, 2, "[68,1,@,{}]"),
        (MessageKind::Yield, 1, "[70,@,{}]"),
    ];
    for (message, index, template) in templates {
        for bad in [
            "0",
            "-1",
            "9007199254740993",
            "18446744073709551615",
            "1.5",
            "\"1\"",
            "1.0",
            "true",
            "1e2",
            "null",
        ] {
            let expected =
                Violation::Element { message, index, expected: "an id, an integer from 1 to 2^53" };
            assert_eq!(decode(&template.replace('@', bad)), Err(expected), "{template} {bad}");
        }
        for fine in ["1", "9007199254740992"] {
            assert_eq!(json(&good(&template.replace('@', fine))), template.replace('@', fine));
        }
    }
    // 2^64 is no integer of the data model.
    let beyond = decode_as(Encoding::Json, &b"[17,1,18446744073709551616]"[..]);
    assert!(matches!(beyond, Err(Violation::Element { index: 2, .. } | Violation::Decode(_))), "{beyond:?}");
}

#[test]
fn m_14_m_15_unknown_codes() {
    for code in (0..1100).chain([u64::MAX]).filter(|code| MessageKind::from_code(*code).is_none()) {
        assert_eq!(decode(&format!("[{code},1,2]")), Err(Violation::UnknownCode(code)));
    }
    assert_eq!(decode("[337,1]"), Err(Violation::UnknownCode(337)));
    for code in ["-1", "1.0", "\"1\"", "true", "null", "[]", "{}"] {
        assert_eq!(decode(&format!("[{code},\"realm1\",{{}}]")), Err(Violation::NoCode), "{code}");
    }
}

#[test]
fn m_01_m_18_not_a_message() {
    assert_eq!(decode("[]"), Err(Violation::EmptyList));
    for not_a_list in ["{}", "1", "null", "\"[1]\"", "true"] {
        let violation = decode(not_a_list).unwrap_err();
        assert!(
            matches!(violation, Violation::Decode(DecodeError::Type { .. })),
            "{not_a_list}: {violation:?}"
        );
    }
    let cases: [(&[u8], &str); 9] = [
        (b"", "cannot decode: json ends inside a value at byte 0"),
        (b"[17,1,2", "cannot decode: json ends inside a value at byte 7"),
        (b"[17,1,2]x", "cannot decode: trailing bytes from byte 8"),
        (b"[17,1,2][17,1,2]", "cannot decode: trailing bytes from byte 8"),
        (b"[17,1,,2]", "cannot decode: malformed json at byte 6"),
        (
            b"[48,1,{\"progress\":true,\"progress\":true},\"a\"]",
            "cannot decode: dict key at byte 24 is there twice",
        ),
        (b"[48,1,{1:2},\"a\"]", "cannot decode: malformed json at byte 7"),
        (
            b"[48,1,{},\"\xff\"]",
            "cannot decode: text at byte 9 is not representable as Unicode text in every serializer",
        ),
        (b"[48,1,{},\"\\u0000\"]", ""),
    ];
    for (frame, expected) in cases {
        match decode_as(Encoding::Json, frame.to_vec()) {
            Err(violation) if !expected.is_empty() => assert_eq!(violation.to_string(), expected),
            // An empty binary, where a URI belongs.
            other => assert!(matches!(other, Err(Violation::Element { index: 3, .. })), "{other:?}"),
        }
    }
    // Keys twice, and keys that are no strings, in the binary serializers; a byte too many.
    let binary: [(Encoding, &[u8]); 6] = [
        (Encoding::MessagePack, b"\x94\x30\x01\x82\xa1a\xc3\xa1a\xc3\xa1a"),
        (Encoding::MessagePack, b"\x94\x30\x01\x81\x01\xc3\xa1a"),
        (Encoding::MessagePack, b"\x93\x11\x01\x02\x00"),
        (Encoding::Cbor, b"\x84\x18\x30\x01\xa2\x61a\xf5\x61a\xf5\x61a"),
        (Encoding::Cbor, b"\x84\x18\x30\x01\xa1\x01\xf5\x61a"),
        (Encoding::Cbor, b"\x83\x11\x01\x02\x00"),
    ];
    for (encoding, frame) in binary {
        let violation = decode_as(encoding, frame).unwrap_err();
        let Violation::Decode(error) = violation else { panic!("{encoding} {violation}") };
        assert!(
            matches!(
                error,
                DecodeError::DuplicateKey { .. } | DecodeError::Key { .. } | DecodeError::Trailing { .. }
            ),
            "{encoding} {error:?}"
        );
    }
    // Floats and bools are not ids in the binary serializers either (W-19).
    for bad in [&b"\x93\x11\x01\xcb\x3f\xf0\0\0\0\0\0\0"[..], b"\x93\x11\x01\xc3"] {
        assert!(matches!(decode_as(Encoding::MessagePack, bad), Err(Violation::Element { index: 2, .. })));
    }
}

/// Types of attributes: right values, then wrong ones.
const BOOL: [&[&str]; 2] = [&["true", "false"], &["0", "1", "\"true\"", "[]", "{}", "1.0"]];
const INTEGER: [&[&str]; 2] = [&["0", "1", "9007199254740993"], &["-1", "1.5", "\"1\"", "true", "[]", "1.0"]];
const ID: [&[&str]; 2] =
    [&["1", "9007199254740992"], &["0", "-1", "9007199254740993", "1.5", "1.0", "\"1\"", "true", "[]", "{}"]];
const STRING: [&[&str]; 2] = [&["\"x\"", "\"\""], &["1", "true", "[]", "{}", "[\"x\"]"]];
const MATCH: [&[&str]; 2] = [
    &["\"exact\"", "\"prefix\"", "\"wildcard\""],
    &["\"\"", "\"Exact\"", "\"regex\"", "\"exact \"", "1", "true", "[]", "{}"],
];
const NAME: [&[&str]; 2] = [&["\"x\"", "\"kill\"", "\"first\""], &["1", "true", "[]", "{}"]];
const IDS: [&[&str]; 2] =
    [&["[]", "[1,9007199254740992]"], &["1", "{}", "\"1\"", "[0]", "[\"1\"]", "[1,null]", "[1.0]"]];
const INTEGERS: [&[&str]; 2] = [&["[]", "[0,1]"], &["1", "{}", "[-1]", "[\"1\"]", "[null]"]];
const STRINGS: [&[&str]; 2] = [&["[]", "[\"a\",\"\"]"], &["\"a\"", "{}", "[1]", "[\"a\",null]", "[[]]"]];
const DICT: [&[&str]; 2] = [&["{}", "{\"a\":null}"], &["[]", "1", "\"{}\"", "true"]];
const ANY: [&[&str]; 2] = [&["1", "{}", "[null]", "\"x\"", "false"], &[]];
const FORWARDS: [&[&str]; 2] = [
    &["[]", "[{\"session\":1}]", "[{\"session\":1,\"authid\":null,\"other\":7}]"],
    &[
        "{}",
        "[1]",
        "[{}]",
        "[null]",
        "[{\"session\":null}]",
        "[{\"session\":0}]",
        "[{\"session\":\"1\"}]",
        "[{\"session\":1,\"authid\":2}]",
        "[{\"session\":1,\"authrole\":[]}]",
    ],
];
const ROLES: [&[&str]; 2] = [
    &[
        "{}",
        "{\"caller\":{}}",
        "{\"caller\":null}",
        "{\"caller\":{\"features\":null}}",
        "{\"caller\":{\"features\":{\"call_canceling\":null,\"other\":1}}}",
        "{\"broker\":{\"reflection\":1}}",
        "{\"unknown\":7}",
    ],
    &[
        "[]",
        "1",
        "\"caller\"",
        "{\"caller\":1}",
        "{\"caller\":[]}",
        "{\"caller\":{\"features\":[]}}",
        "{\"caller\":{\"features\":{\"call_canceling\":1}}}",
        "{\"callee\":{\"features\":{\"call_cancelling\":\"yes\"}}}",
    ],
];

type Type = [&'static [&'static str]; 2];

/// A message, the text with `@` for the dict, and the attributes of the dict.
type Known = (MessageKind, &'static str, Vec<(&'static str, Type)>);

/// M-50..M-117: where each known attribute stands, and its type.
fn attributes() -> Vec<Known> {
    use MessageKind::*;
    let wrapped = [
        ("ppt_scheme", STRING),
        ("ppt_serializer", STRING),
        ("ppt_cipher", STRING),
        ("ppt_keyid", STRING),
        ("enc_algo", STRING),
        ("enc_key", STRING),
        ("enc_serializer", STRING),
        ("forward_for", FORWARDS),
    ];
    let with_payload = |own: &[(&'static str, Type)]| [own, &wrapped].concat();
    vec![
        (
            Hello,
            r#"[1,"realm",@]"#,
            vec![
                ("roles", ROLES),
                ("agent", STRING),
                ("authmethods", STRINGS),
                ("authid", STRING),
                ("authextra", DICT),
                ("transport", ANY),
            ],
        ),
        (
            Welcome,
            "[2,1,@]",
            vec![
                ("roles", ROLES),
                ("agent", STRING),
                ("realm", STRING),
                ("authid", STRING),
                ("authrole", STRING),
                ("authmethod", STRING),
                ("authprovider", STRING),
                ("authextra", DICT),
            ],
        ),
        (Abort, r#"[3,@,"a.b"]"#, vec![("message", STRING), ("scram", STRING)]),
        (Goodbye, r#"[6,@,"a.b"]"#, vec![("message", STRING)]),
        (
            Challenge,
            r#"[4,"m",@]"#,
            vec![
                ("challenge", STRING),
                ("salt", STRING),
                ("keylen", INTEGER),
                ("iterations", INTEGER),
                ("nonce", STRING),
                ("kdf", STRING),
                ("memory", INTEGER),
                ("channel_binding", STRING),
                ("pubkey", STRING),
                ("signature", STRING),
                ("attest", INTEGERS),
            ],
        ),
        (
            Authenticate,
            r#"[5,"s",@]"#,
            vec![
                ("nonce", STRING),
                ("channel_binding", STRING),
                ("cbind_data", STRING),
                ("quote", ANY),
                ("measurement", ANY),
            ],
        ),
        (Error, r#"[8,48,1,@,"a.b"]"#, with_payload(&[])),
        (
            Publish,
            r#"[16,1,@,"a.b"]"#,
            with_payload(&[
                ("acknowledge", BOOL),
                ("exclude_me", BOOL),
                ("exclude", IDS),
                ("eligible", IDS),
                ("exclude_authid", STRINGS),
                ("eligible_authid", STRINGS),
                ("exclude_authrole", STRINGS),
                ("eligible_authrole", STRINGS),
                ("disclose_me", BOOL),
                ("retain", BOOL),
                ("rkey", STRING),
                ("transaction_hash", STRING),
            ]),
        ),
        (
            Subscribe,
            r#"[32,1,@,"a.b"]"#,
            vec![("match", MATCH), ("get_retained", BOOL), ("nkey", STRING), ("forward_for", FORWARDS)],
        ),
        (
            Event,
            "[36,1,2,@]",
            with_payload(&[
                ("publisher", ID),
                ("publisher_authid", STRING),
                ("publisher_authrole", STRING),
                ("topic", STRING),
                ("trustlevel", INTEGER),
                ("retained", BOOL),
                ("payload_limit_exceeded", BOOL),
                ("transaction_hash", STRING),
                ("x_acknowledged_delivery", BOOL),
            ]),
        ),
        (
            Call,
            r#"[48,1,@,"a.b"]"#,
            with_payload(&[
                ("receive_progress", BOOL),
                ("progress", BOOL),
                ("timeout", INTEGER),
                ("disclose_me", BOOL),
                ("runmode", STRING),
                ("rkey", STRING),
            ]),
        ),
        (Cancel, "[49,1,@]", vec![("mode", NAME), ("forward_for", FORWARDS)]),
        (Interrupt, "[69,1,@]", vec![("mode", NAME), ("forward_for", FORWARDS)]),
        (Result, "[50,1,@]", with_payload(&[("progress", BOOL)])),
        (
            Register,
            r#"[64,1,@,"a.b"]"#,
            vec![
                ("match", MATCH),
                ("invoke", NAME),
                ("disclose_caller", BOOL),
                ("forward_timeout", BOOL),
                ("forward_for", FORWARDS),
            ],
        ),
        (
            Invocation,
            "[68,1,2,@]",
            with_payload(&[
                ("caller", ID),
                ("caller_authid", STRING),
                ("caller_authrole", STRING),
                ("procedure", STRING),
                ("trustlevel", INTEGER),
                ("receive_progress", BOOL),
                ("progress", BOOL),
                ("timeout", INTEGER),
            ]),
        ),
        (Yield, "[70,1,@]", with_payload(&[("progress", BOOL)])),
    ]
}

#[test]
fn m_118_known_attributes() {
    for (kind, template, known) in attributes() {
        let with = |key: &str, value: &str| template.replace('@', &format!("{{\"{key}\":{value}}}"));
        let bare = good(&template.replace('@', "{}"));
        for (key, [right, wrong]) in known {
            for value in right {
                let message = good(&with(key, value));
                assert_eq!(good(&json(&message)), message, "{kind} {key} {value}");
            }
            for value in wrong {
                match decode(&with(key, value)) {
                    Err(Violation::Attribute { message, attribute, .. }) => {
                        assert_eq!((message, &*attribute), (kind, key), "{value}");
                    }
                    other => panic!("{kind} {key} {value}: {other:?}"),
                }
            }
            // M-121: null is as good as absent.
            assert_eq!(json(&good(&with(key, "null"))), json(&bare), "{kind} {key}");
        }
        // M-06: unknown ones are ignored; M-08: those with an underscore are kept.
        assert_eq!(json(&good(&with("x_cb_node", "[null]"))), json(&bare));
        assert_eq!(json(&good(&with("_own", "[null]"))), with("_own", "[null]"));
    }
}

#[test]
fn m_118_revocation_attributes() {
    for (kind, code, id) in
        [(MessageKind::Unsubscribed, 35, "subscription"), (MessageKind::Unregistered, 67, "registration")]
    {
        let wrong = |details: &str| decode(&format!("[{code},0,{details}]")).unwrap_err();
        for bad in ID[1] {
            let violation = wrong(&format!("{{\"{id}\":{bad}}}"));
            assert!(
                matches!(&violation, Violation::Attribute { message, attribute, .. } if *message == kind && attribute == id),
                "{violation}"
            );
        }
        for bad in STRING[1] {
            let violation = wrong(&format!("{{\"{id}\":1,\"reason\":{bad}}}"));
            assert!(matches!(&violation, Violation::Attribute { attribute, .. } if attribute == "reason"));
        }
        for bad in ["{}".to_owned(), format!("{{\"{id}\":null}}")] {
            assert!(matches!(wrong(&bad), Violation::Element { index: 2, .. }), "{bad}");
        }
    }
}

#[test]
fn t_73_revocation_forms() {
    for (kind, code, id) in
        [(MessageKind::Unsubscribed, 35, "subscription"), (MessageKind::Unregistered, 67, "registration")]
    {
        // Request 0 and details belong together.
        let text = |json: String| decode(&json).unwrap_err().to_string();
        assert_eq!(
            text(format!("[{code},0]")),
            format!("{kind}: element 1 must be an id, an integer from 1 to 2^53")
        );
        assert_eq!(
            text(format!("[{code},5,{{\"{id}\":7}}]")),
            format!("{kind}: element 1 must be 0 when details follow")
        );
        assert!(matches!(decode(&format!("[{code},0,[]]")), Err(Violation::Element { index: 2, .. })));
        assert!(matches!(decode(&format!("[{code},0.0,{{}}]")), Err(Violation::Element { index: 1, .. })));
        assert!(matches!(decode(&format!("[{code},-1]")), Err(Violation::Element { index: 1, .. })));
    }
}

#[test]
fn m_03_m_120_names() {
    let Message::Register(register) = good(r#"[64,1,{"invoke":"shuffled"},"a.b"]"#) else { panic!() };
    assert_eq!(register.options.invoke, Some(InvocationPolicy::Unknown));
    let Message::Cancel(cancel) = good(r#"[49,1,{"mode":"KILL"}]"#) else { panic!() };
    assert_eq!(cancel.options.mode, Some(CancelMode::Unknown));
    for (name, policy) in [
        ("single", InvocationPolicy::Single),
        ("roundrobin", InvocationPolicy::RoundRobin),
        ("random", InvocationPolicy::Random),
        ("first", InvocationPolicy::First),
        ("last", InvocationPolicy::Last),
    ] {
        let Message::Register(register) = good(&format!(r#"[64,1,{{"invoke":"{name}"}},"a.b"]"#)) else {
            panic!()
        };
        assert_eq!((register.options.invoke, policy.as_str()), (Some(policy), name));
    }
}

#[test]
fn f_20_features() {
    let Message::Hello(hello) = good(
        r#"[1,"r",{"roles":{"callee":{"features":{"call_cancelling":true,"new_thing":{},"call_timeout":false}}}}]"#,
    ) else {
        panic!()
    };
    let roles = hello.details.roles;
    assert!(roles.supports(Role::Callee, Feature::CallCanceling));
    assert!(!roles.supports(Role::Callee, Feature::CallTimeout));
    assert!(!roles.has(Role::Caller));
    for feature in Feature::ALL {
        let text = format!(r#"[2,1,{{"roles":{{"dealer":{{"features":{{"{}":true}}}}}}}}]"#, feature.key());
        let Message::Welcome(welcome) = good(&text) else { panic!() };
        assert!(welcome.details.roles.supports(Role::Dealer, *feature));
        assert_eq!(json(&welcome.into()), text);
    }
}

#[test]
fn m_45_m_46_error_types() {
    for kind in MessageKind::ALL.iter().copied() {
        let decoded = decode(&format!(r#"[8,{},1,{{}},"a.b"]"#, kind.code()));
        if [16, 32, 34, 48, 64, 66, 68].contains(&kind.code()) {
            let Ok(Message::Error(error)) = decoded else { panic!("{kind}") };
            assert_eq!(error.request_kind, kind);
        } else {
            assert_eq!(decoded, Err(Violation::ErrorType(kind.code())));
        }
    }
    assert_eq!(decode(r#"[8,337,1,{},"a.b"]"#), Err(Violation::ErrorType(337)));
}

#[test]
fn m_10_to_m_12_empty_payloads() {
    let publish = |payload| {
        let topic = "a.b".parse().unwrap();
        let request = 1.try_into().unwrap();
        json(&Publish { request, options: PublishOptions::default(), topic, payload }.into())
    };
    let new = |args: &[u8], kwargs: &Dict| Payload::new(Encoding::Json, args, kwargs).unwrap();
    let some: Dict = [("k", 1)].into_iter().collect();
    assert_eq!(publish(Payload::empty()), r#"[16,1,{},"a.b"]"#);
    assert_eq!(publish(new(&[], &Dict::new())), r#"[16,1,{},"a.b"]"#);
    assert_eq!(publish(new(&[1], &Dict::new())), r#"[16,1,{},"a.b",[1]]"#);
    assert_eq!(publish(new(&[], &some)), r#"[16,1,{},"a.b",[],{"k":1}]"#);
    for sent in ["", ",[]", ",[],{}"] {
        let message = good(&format!(r#"[16,1,{{}},"a.b"{sent}]"#));
        assert!(message.payload().unwrap().is_empty());
        assert_eq!(message, good(r#"[16,1,{},"a.b"]"#));
    }
    // M-09: there is no place for keyword arguments alone.
    assert!(matches!(decode(r#"[16,1,{},"a.b",{}]"#), Err(Violation::Element { index: 4, .. })));
    assert!(matches!(decode(r#"[16,1,{},"a.b",[],[]]"#), Err(Violation::Element { index: 5, .. })));
    assert!(matches!(decode(r#"[16,1,{},"a.b",null,{}]"#), Err(Violation::Element { index: 4, .. })));
}

#[test]
fn m_19_payloads_share_the_frame() {
    let text = r#"[50,1,{}, [1, "two"] , {"three": [3]} ]"#;
    for encoding in Encoding::ALL {
        let frame = Bytes::from(transcode(Encoding::Json, text.as_bytes(), encoding).unwrap());
        let message = decode_as(encoding, frame.clone()).unwrap();
        let payload = message.payload().unwrap();
        let inside = frame.as_ptr_range();
        let raw = payload.raw().as_ptr_range();
        assert!(inside.start <= raw.start && raw.end <= inside.end, "{encoding}");
        // To a peer of the same serializer go the same bytes.
        let again = message.encode(encoding).unwrap();
        assert!(again.windows(payload.size()).any(|bytes| bytes == &payload.raw()[..]));
        // To others it is transcoded (W-03).
        for other in Encoding::ALL {
            let forwarded = decode_as(other, message.encode(other).unwrap()).unwrap();
            assert_eq!(forwarded.payload().unwrap().encoding(), other);
            assert_eq!(forwarded, message);
        }
    }
}

#[test]
fn w_11_binaries_cross_serializers() {
    let message = good(r#"[50,1,{},["\u0000AAEC"],{"b":"\u0000"}]"#);
    let packed = message.encode(Encoding::MessagePack).unwrap();
    assert_eq!(packed, &b"\x95\x32\x01\x80\x91\xc4\x03\x00\x01\x02\x81\xa1b\xc4\x00"[..]);
    assert_eq!(
        json(&decode_as(Encoding::MessagePack, packed).unwrap()),
        r#"[50,1,{},["\u0000AAEC"],{"b":"\u0000"}]"#
    );
}

#[test]
fn w_16_leading_nul_is_never_sent() {
    let nul = "\0x".to_owned();
    let uri = Uri::unchecked("\0x");
    let request = 1.try_into().unwrap();
    let realm: Uri = "realm".parse().unwrap();
    let forwarder = Forwarder { session: 1.try_into().unwrap(), authid: Some(nul.clone()), authrole: None };
    let extra: Dict = [("_key", nul.as_str())].into_iter().collect();
    let group = PayloadAttributes { ppt_scheme: Some(nul.clone()), ..PayloadAttributes::default() };
    let hello = |details| Message::from(Hello { realm: realm.clone(), details });
    let call = |options| {
        Message::from(message::Call { request, options, procedure: realm.clone(), payload: Payload::empty() })
    };
    let messages: Vec<Message> = vec![
        Hello { realm: uri.clone(), details: HelloDetails::default() }.into(),
        hello(HelloDetails { agent: Some(nul.clone()), ..HelloDetails::default() }),
        hello(HelloDetails { authmethods: Some(vec![nul.clone()]), ..HelloDetails::default() }),
        hello(HelloDetails { authextra: Some(extra.clone()), ..HelloDetails::default() }),
        hello(HelloDetails { transport: Some(nul.as_str().into()), ..HelloDetails::default() }),
        hello(HelloDetails { extra: extra.clone(), ..HelloDetails::default() }),
        Goodbye { details: ClosingDetails::default(), reason: uri }.into(),
        call(CallOptions { forward_for: Some(vec![forwarder]), ..CallOptions::default() }),
        call(CallOptions { payload_attributes: Some(Box::new(group)), ..CallOptions::default() }),
        Unsubscribe { request, subscription: 1.try_into().unwrap(), options: Some(extra) }.into(),
    ];
    for message in messages {
        for encoding in Encoding::ALL {
            assert_eq!(message.encode(encoding), Err(EncodeError::LeadingNul), "{message:?}");
        }
    }
}

/// `extra` belongs to the application, but it cannot make a frame that nobody may decode.
#[test]
fn m_04_extra_never_repeats_a_known_attribute() {
    let mut options = CancelOptions { mode: Some(CancelMode::Kill), ..CancelOptions::default() };
    options.extra.insert("mode", "skip");
    let cancel = Message::from(Cancel { request: 1.try_into().unwrap(), options });
    assert!(matches!(cancel.encode(Encoding::Json), Err(EncodeError::DuplicateKey(key)) if key == "mode"));
}

#[test]
fn texts_of_violations() {
    let cases = [
        ("[]", "a message needs at least a code, the list is empty"),
        ("[\"1\",2]", "element 0 must be the message code, an integer"),
        ("[337,1]", "there is no message with code 337"),
        ("[1,\"realm1\"]", "HELLO must have 3 elements, found 2"),
        ("[8,48,1,{}]", "ERROR must have 5 to 7 elements, found 4"),
        ("[1,17,{}]", "HELLO: element 1 must be a URI"),
        ("[4,1,{}]", "CHALLENGE: element 1 must be a string"),
        ("[48,0,{},\"a\"]", "CALL: element 1 must be an id, an integer from 1 to 2^53"),
        ("[48,1,[],\"a\"]", "CALL: element 2 must be a dict"),
        ("[48,1,{},\"a\",{}]", "CALL: element 4 must be a list of arguments"),
        ("[48,1,{},\"a\",[],[]]", "CALL: element 5 must be a dict of arguments"),
        ("[8,\"x\",1,{},\"a\"]", "ERROR: element 1 must be a message code"),
        ("[8,50,1,{},\"a\"]", "ERROR must name the type of a request that can fail, not 50"),
        ("[16,1,{\"acknowledge\":1},\"a\"]", "PUBLISH: attribute `acknowledge` must be a bool"),
        (
            "[16,1,{\"eligible\":[\"a\"]},\"a\"]",
            "PUBLISH: attribute `eligible` must be a list of session ids",
        ),
        (
            "[32,1,{\"match\":\"regex\"},\"a\"]",
            "SUBSCRIBE: attribute `match` must be `exact`, `prefix` or `wildcard`",
        ),
        ("[48,1,{\"timeout\":-1},\"a\"]", "CALL: attribute `timeout` must be a non-negative integer"),
        ("[35,0,{}]", "UNSUBSCRIBED: element 2 must be a dict with `subscription`"),
        ("[67,0,{}]", "UNREGISTERED: element 2 must be a dict with `registration`"),
        (
            "[1,\"r\",{\"roles\":[]}]",
            "HELLO: attribute `roles` must be a dict of roles, each a dict with `features`, a dict of bools",
        ),
        (
            "[69,1,{\"forward_for\":[{}]}]",
            "INTERRUPT: attribute `forward_for` must be a list of `{session, authid, authrole}`",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(decode(json).unwrap_err().to_string(), expected, "{json}");
    }
}
