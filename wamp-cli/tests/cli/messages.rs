//! `wamp msg`: known bytes both ways.

use crate::harness::{Directory, start, wamp};

/// A message in JSON and its known bytes.
const KNOWN: [(&str, &str, &str); 4] = [
    (r#"[6,{},"wamp.close.close_realm"]"#, "msgpack", "930680b677616d702e636c6f73652e636c6f73655f7265616c6d"),
    (r#"[6,{},"wamp.close.close_realm"]"#, "cbor", "8306a07677616d702e636c6f73652e636c6f73655f7265616c6d"),
    (r#"[36,1,2,{},["\u0000//4="],{"n":-1}]"#, "msgpack", "9624010280 91c402fffe 81a16eff"),
    (r#"[36,1,2,{},["\u0000//4="],{"n":-1}]"#, "cbor", "86182401 02a0 8142fffe a1616e20"),
];

#[test]
fn known_bytes_both_ways() {
    for (json, serializer, hex) in KNOWN {
        let flags = ["msg", "--serializer", serializer];
        assert_eq!(wamp(&[&flags[..], &["decode", "--hex", hex]].concat()).ok(), format!("{json}\n"));
        let encoded = wamp(&[&flags[..], &["encode", json]].concat()).ok();
        assert_eq!(encoded, format!("{}\n", hex.replace(' ', "")), "{json}");
    }
    let spaced = "[6, {},\n \"wamp.close.close_realm\"] ";
    let hex = wamp(&["msg", "encode", "--serializer", "json", spaced]).ok();
    let json = wamp(&["msg", "decode", "--serializer", "json", "--hex", hex.trim_end()]).ok();
    assert_eq!(json, "[6,{},\"wamp.close.close_realm\"]\n");
}

#[test]
fn every_way_in_and_out() {
    let json = r#"[48,1,{},"a",[1]]"#;
    for serializer in ["json", "msgpack", "cbor"] {
        let encode = ["msg", "encode", "--serializer", serializer];
        let decode = ["msg", "decode", "--serializer", serializer];
        let raw = start(&[&encode[..], &["--raw", "-"]].concat(), &[], json.as_bytes()).end().raw;
        let directory = Directory::new();
        let file = directory.file("message");
        std::fs::write(&file, &raw).unwrap();
        let base64 = wamp(&[&encode[..], &["--base64", json]].concat()).ok();
        let hex = wamp(&[&encode[..], &["--hex", json]].concat()).ok();
        let printed = format!("{json}\n");
        assert_eq!(start(&[&decode[..], &["-"]].concat(), &[], &raw).end().ok(), printed);
        assert_eq!(wamp(&[&decode[..], &["--file", file.to_str().unwrap()]].concat()).ok(), printed);
        assert_eq!(wamp(&[&decode[..], &["--base64", base64.trim_end()]].concat()).ok(), printed);
        assert_eq!(wamp(&[&decode[..], &["--hex", hex.trim_end()]].concat()).ok(), printed);
    }
}

#[test]
fn any_list_is_decoded_and_what_is_wrong_with_it_said() {
    for (hex, json, why) in [
        ("9103", "[3]", "ABORT"),
        ("93cd03e7a178c0", "[999,\"x\",null]", "code 999"),
        ("90", "[]", "empty"),
        ("92a17801", "[\"x\",1]", "code"),
        ("95068001 0203", "[6,{},1,2,3]", "GOODBYE must have 3 elements, found 5"),
        ("930682a16101a16102a178", "[6,{\"a\":1,\"a\":2},\"x\"]", "twice"),
    ] {
        let ended = wamp(&["msg", "decode", "--serializer", "msgpack", "--hex", hex]);
        assert_eq!((ended.code, ended.stdout), (10, format!("{json}\n")));
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(why), "{}", ended.stderr);
    }
    let ended = wamp(&["msg", "encode", "--serializer", "cbor", "[999]"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (10, "811903e7\n"));
}

#[test]
fn what_is_no_list_is_not_decoded() {
    for hex in ["", "80", "01", "9301", "9301c1", "930680a17800", "c0"] {
        let error = wamp(&["msg", "decode", "--serializer", "msgpack", "--hex", hex]).failed(10);
        assert!(error.contains("well-formed"), "{error}");
    }
    for json in ["", "{}", "[1", "[1] [2]", "nonsense"] {
        wamp(&["msg", "encode", "--serializer", "cbor", json]).failed(2);
    }
    wamp(&["msg", "decode", "--serializer", "cbor", "--hex", "0"]).failed(2);
    wamp(&["msg", "decode", "--serializer", "cbor", "--base64", "?"]).failed(2);
    assert!(wamp(&["msg", "decode", "--hex", "90"]).failed(2).contains("--serializer"));
}

#[test]
fn messages_are_checked_one_by_one() {
    let lines =
        b"[6,{},\"wamp.close.normal\"]\n\n[48,1,{},7]\n[48,1,{\"timeout\":\"x\"},\"a\"]\n[3]\n[77]\n[\n";
    let ended = start(&["msg", "validate"], &[], lines).end();
    assert_eq!(ended.code, 10, "{ended:?}");
    assert_eq!(ended.stderr, "error: 5 of 6 messages are invalid\n");
    for (line, (starts, ends)) in ended.stdout.lines().zip([
        ("{\"message\":1,\"valid\":true,", "\"type\":\"GOODBYE\"}"),
        (
            "{\"message\":2,\"valid\":false,\"fault\":\"CALL: element 3 must be",
            "\"type\":\"CALL\",\"field\":3}",
        ),
        ("{\"message\":3,\"valid\":false,", "\"type\":\"CALL\",\"field\":\"timeout\"}"),
        ("{\"message\":4,\"valid\":false,\"fault\":\"ABORT must have 3", "\"type\":\"ABORT\"}"),
        ("{\"message\":5,\"valid\":false,\"fault\":\"there is no message with code 77", "\"field\":0}"),
        ("{\"message\":6,\"valid\":false,\"fault\":\"cannot decode", "}"),
    ]) {
        assert!(line.starts_with(starts) && line.ends_with(ends), "{line}");
    }
    for (serializer, form) in [
        ("msgpack", "930680b677616d702e636c6f73652e636c6f73655f7265616c6d"),
        ("cbor", "gwagdndhbXAuY2xvc2UuY2xvc2VfcmVhbG0="),
    ] {
        let validate = ["msg", "validate", "--serializer", serializer, form];
        assert!(wamp(&validate).ok().contains("\"type\":\"GOODBYE\""), "{serializer}");
    }
    assert!(wamp(&["msg", "validate", "--serializer", "cbor", "?"]).failed(2).contains("message 1"));
    assert!(start(&["msg", "validate"], &[], b"").end().failed(2).contains("no message"));
}
