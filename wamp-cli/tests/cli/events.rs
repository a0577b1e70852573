//! `wamp publish` and `wamp subscribe`.

use crate::harness::Router;

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
