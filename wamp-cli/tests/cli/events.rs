//! `wamp publish` and `wamp subscribe`.

use crate::harness::{Router, start};

#[test]
fn events_are_lines_over_every_transport_and_serializer() {
    let router = Router::start();
    for url in &router.urls {
        for serializer in ["json", "msgpack", "cbor"] {
            let flags = ["-u", url, "--serializer", serializer];
            let subscriber = router
                .start_client(&[&flags[..], &["subscribe", "com.example.temp", "--count", "2"]].concat());
            subscriber.says("subscribed to com.example.temp");
            let publish = ["publish", "com.example.temp", "21.5", "hex:ff", "-k", "unit=C", "--ack"];
            let publication = router.wamp(&[&flags[..], &publish].concat()).ok();
            let line = subscriber.line();
            let expected = format!(
                ",\"publication\":{},\"topic\":\"com.example.temp\",\"args\":[21.5,\"b64:/w==\"],\"kwargs\":{{\"unit\":\"C\"}},\"details\":{{",
                publication.trim_end()
            );
            assert!(line.starts_with("{\"subscription\":") && line.contains(&expected), "{line}");
            // Without --ack there is nothing to print, and the event is sent all the same.
            assert_eq!(router.wamp(&[&flags[..], &["publish", "com.example.temp"]].concat()).ok(), "");
            let ended = subscriber.end();
            assert!(ended.stdout.contains("\"args\":[],\"kwargs\":{}"), "{ended:?}");
            assert_eq!((ended.code, ended.stdout.lines().count()), (0, 1));
        }
    }
}

#[test]
fn an_event_that_is_too_long_is_not_lost_in_silence() {
    let limit = "[limits]\nmessage_size = \"4 KiB\"\n[roles.anybody]\nallow_all = true\n";
    let router = Router::of_config(limit);
    let line = "x".repeat(5_000);
    let payload = format!("{{\"args\":[\"{line}\"]}}");
    for (how, stdin) in [("--lines", &line), ("--payload=-", &payload)] {
        let publish = start(&["publish", "topic", how, "--url", router.url()], &[], stdin.as_bytes());
        let error = publish.end().failed(11);
        let told = "the connection was lost: the peer closed the WebSocket with code 1009: ";
        assert!(error.contains(told), "{error}");
    }
}

/// Whoever publishes one event wants to know what became of it; nothing is printed of one that was taken.
#[test]
fn what_may_not_be_published_is_told() {
    let router = Router::start();
    assert_eq!(router.wamp(&["publish", "com.example.tick", "--repeat", "2"]).ok(), "");
    let error = router.wamp(&["publish", "wamp.tick", "--repeat", "2"]).failed(2);
    assert!(error.contains("reserved"), "{error}");
    let rules = "rules = [{ uri = \"com.example.\", match = \"prefix\", allow = [\"subscribe\"] }]";
    let router = Router::of_config(&format!("[roles.anybody]\n{rules}\n"));
    let error = router.wamp(&["publish", "com.example.tick"]).failed(6);
    assert!(error.contains("the role `anybody` may not publish"), "{error}");
}

#[test]
fn a_subscriber_ends_in_time_or_by_a_signal() {
    let router = Router::start();
    assert_eq!(router.wamp(&["-q", "subscribe", "topic", "--duration", "50ms"]).ok(), "");
    let error = router.wamp(&["-q", "subscribe", "topic", "--duration", "50ms", "--count", "1"]).failed(7);
    assert!(error.contains("0 of 1 came in time"), "{error}");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let subscriber = router.start_client(&["subscribe", "topic"]);
        subscriber.says("subscribed");
        subscriber.signal(signal);
        let ended = subscriber.end();
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (code, "", ""));
    }
}

#[test]
fn patterns_say_which_topic_it_was() {
    let router = Router::start();
    for (policy, uri) in [("prefix", "com.example."), ("wildcard", "com..temp")] {
        let subscriber = router.start_client(&["subscribe", uri, "--match", policy, "--count", "1"]);
        subscriber.says("subscribed");
        router.wamp(&["publish", "com.example.temp", "1"]).ok();
        let line = subscriber.line();
        assert!(line.contains("\"topic\":\"com.example.temp\",\"args\":[1]"), "{line}");
        assert_eq!(subscriber.end().code, 0);
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_subscriber() {
    let router = Router::start();
    let script = "\"$0\" -q subscribe topic | head -n 1";
    let mut pipe = std::process::Command::new("sh");
    pipe.args(["-c", script, env!("CARGO_BIN_EXE_wamp")]).env("WAMP_URL", router.url());
    let mut pipe =
        pipe.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    crate::harness::poll("the end of the pipe", || {
        router.wamp(&["publish", "topic", "1", "--ack"]).ok();
        pipe.try_wait().unwrap()
    });
    let output = pipe.wait_with_output().unwrap();
    assert!(output.stdout.ends_with(b"}\n") && output.stderr.is_empty(), "{output:?}");
}
