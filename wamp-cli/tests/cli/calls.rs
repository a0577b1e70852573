//! `wamp call`: arguments and results.

use crate::harness::{Directory, Router, start};

#[test]
fn typed_arguments_come_back_as_they_went_over_every_transport_and_serializer() {
    let router = Router::start();
    let _echo = router.register("com.example.echo", &["--echo"]);
    assert_eq!(router.urls.len(), 4);
    for url in &router.urls {
        for serializer in ["json", "msgpack", "cbor"] {
            let call = ["-u", url, "--serializer", serializer, "call", "com.example.echo"];
            let arguments =
                ["1", "-2", "1.5", "2.0", "true", "null", "[1,[]]", "{\"a\":{}}", "x", "hex:00ff"];
            let keywords = [
                "18446744073709551615",
                "-9223372036854775808",
                "-k",
                "a=5",
                "-k",
                "b:=\"5\"",
                "-k",
                "c=b64:AQI=",
            ];
            let printed = router.wamp(&[&call[..], &arguments, &keywords].concat()).ok();
            let expected = concat!(
                r#"{"args":[1,-2,1.5,2.0,true,null,[1,[]],{"a":{}},"x","b64:AP8=","#,
                r#"18446744073709551615,-9223372036854775808],"kwargs":{"a":5,"b":"5","c":"b64:AQI="}}"#,
                "\n"
            );
            assert_eq!(printed, expected, "{url} {serializer}");
        }
    }
}

#[test]
fn ways_to_give_arguments() {
    let router = Router::start();
    let _echo = router.register("echo", &["--echo"]);
    let directory = Directory::new();
    let [text, bytes, payload] = ["text", "bytes", "payload"].map(|name| directory.file(name));
    std::fs::write(&text, "a text\n").unwrap();
    std::fs::write(&bytes, [0xFF, 0]).unwrap();
    std::fs::write(&payload, "{\"args\": [1, 2]}").unwrap();
    let [text, bytes] = [format!("t=@{}", text.display()), format!("b=@@{}", bytes.display())];
    let payload = payload.to_str().unwrap();
    for (arguments, printed) in [
        (&["-s", "5", "true"][..], r#"{"args":["5","true"],"kwargs":{}}"#),
        (&["-j", "\"5\"", "5"], r#"{"args":["5",5],"kwargs":{}}"#),
        (
            &["--args", "[1,\"2\"]", "--kwargs", "{\"a\":1}", "-k", "b=2"],
            r#"{"args":[1,"2"],"kwargs":{"a":1,"b":2}}"#,
        ),
        (&["-k", &text, "-k", &bytes], r#"{"args":[],"kwargs":{"t":"a text\n","b":"b64:/wA="}}"#),
        (&["--payload", payload], r#"{"args":[1,2],"kwargs":{}}"#),
        (&["--", "-x", "--"], r#"{"args":["-x","--"],"kwargs":{}}"#),
    ] {
        let printed_now = router.wamp(&[&["call", "echo"], arguments].concat()).ok();
        assert_eq!(printed_now.trim_end(), printed, "{arguments:?}");
    }
    let stdin = b"{\"kwargs\": {\"n\": 1}, \"args\": [\"x\"]}\n";
    let call = start(&["call", "echo", "--payload", "-"], &[("WAMP_URL", router.url())], stdin);
    assert_eq!(call.end().ok(), "{\"args\":[\"x\"],\"kwargs\":{\"n\":1}}\n");
}

#[test]
fn forms_of_results() {
    let router = Router::start();
    let _echo = router.register("echo", &["--echo"]);
    for (arguments, printed) in [
        (&["a text"][..], "a text\n"),
        (&["a text", "-o", "json"], "\"a text\"\n"),
        (&["a text", "-o", "jsonl"], "\"a text\"\n"),
        (&["5"], "5\n"),
        (&[], "null\n"),
        (&["[1,2]"], "[1,2]\n"),
        (&["hex:ff"], "b64:/w==\n"),
        (&["{\"a\":[1]}", "-o", "pretty"], "{\n  \"a\": [\n    1\n  ]\n}\n"),
    ] {
        assert_eq!(router.wamp(&[&["call", "echo"], arguments].concat()).ok(), printed, "{arguments:?}");
    }
}

#[test]
fn a_result_too_large_for_a_pipe_buffer_arrives_whole() {
    let router = Router::start();
    let _echo = router.register("echo", &["--echo"]);
    let text = "x".repeat(300_000);
    let payload = format!("{{\"args\": [\"{text}\"]}}");
    let call = start(&["call", "echo", "--payload", "-"], &[("WAMP_URL", router.url())], payload.as_bytes());
    assert_eq!(call.end().ok(), text + "\n");
}
