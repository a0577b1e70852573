//! Many calls and events by one command, and what autobahn-python's `wamp` understands.

use wamp_tokio::{ErrorReply, Invocation, Reply, proto::Value};

use crate::harness::{Directory, Router, start, wamp};

#[test]
fn calls_are_repeated() {
    let router = Router::start();
    let _echo = router.register("echo", &["--echo", "--sleep", "10ms"]);
    assert_eq!(router.wamp(&["call", "echo", "1", "--repeat", "3"]).ok(), "1\n1\n1\n");
    let many = router.wamp(&["call", "echo", "1", "--repeat", "40", "--concurrency", "20"]).ok();
    assert_eq!(many.lines().count(), 40);
}

#[test]
fn a_call_waits_for_its_procedure() {
    let router = Router::start();
    let call = router.start_client(&["call", "later", "5", "--retry-until-registered", "20s", "-v"]);
    call.says("joined");
    let _later = router.register("later", &["--echo"]);
    assert_eq!(call.end().stdout, "5\n");
    router.wamp(&["call", "never", "--retry-until-registered", "150ms"]).failed(8);
}

#[test]
fn errors_on_purpose() {
    let router = Router::start();
    let _odd = router.register("odd", &["--error", "com.example.odd"]);
    let ended = router.wamp(&["call", "odd", "7", "-o", "json"]);
    assert_eq!(ended.code, 9);
    assert_eq!(ended.stdout, "{\"error\":\"com.example.odd\",\"args\":[7],\"kwargs\":{}}\n");
    router.wamp(&["register", "x", "--error", "no uri"]).failed(2);
}

#[test]
fn many_events() {
    let router = Router::start();
    let subscriber = router.start_client(&[
        "subscribe",
        "t",
        "--count",
        "5",
        "--format",
        "{{topic}} {{args.0}} {{kwargs.a}}",
    ]);
    subscriber.says("subscribed");
    let environment = [("WAMP_URL", router.url())];
    let lines = ["publish", "t", "--lines", "--ack", "-k", "a=1", "--rate", "1000/s"];
    assert_eq!(start(&lines, &environment, b"1\ntwo\n[3]\n").end().ok().lines().count(), 3);
    router.wamp(&["publish", "t", "x", "--repeat", "2"]).ok();
    assert_eq!(subscriber.end().stdout, "t 1 1\nt two 1\nt [3] 1\nt x \nt x \n");
    assert!(router.wamp(&["subscribe", "t", "--format", "{{arg}}"]).failed(2).contains("template"));
}

#[test]
fn events_run_commands() {
    let router = Router::start();
    let command = "read line; echo \"$WAMP_TOPIC $WAMP_ARGS_JSON $line\"; exit 1";
    let subscriber = router.start_client(&["subscribe", "t", "--count", "1", "--exec", command]);
    subscriber.says("subscribed");
    router.wamp(&["publish", "t", "a b"]).ok();
    let ended = subscriber.end();
    assert_eq!(ended.stdout, "t [\"a b\"] {\"args\":[\"a b\"],\"kwargs\":{}}\n");
    assert!(ended.code == 0 && ended.stderr.contains("the command failed"), "{ended:?}");
}

#[test]
fn raw_results() {
    let router = Router::start();
    let _echo = router.register("echo", &["--echo"]);
    for (argument, raw) in [("text", &b"text"[..]), ("hex:ff00", b"\xff\0"), ("[1]", b"[1]\n")] {
        assert_eq!(router.wamp(&["call", "echo", argument, "-o", "raw"]).raw, raw);
    }
}

#[test]
fn words_of_autobahn() {
    let router = Router::start();
    let url = ["--url", router.url(), "--realm", "realm1"];
    let directory = Directory::new();
    let program = directory.file("program");
    std::fs::write(&program, "#!/bin/sh\necho \"$1: $WAMP_ARGS: $WAMP_KWARGS\"\n").unwrap();
    let mut mode = std::fs::metadata(&program).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let register = ["register", "--times", "1", "com.example.run", program.to_str().unwrap(), "it's"];
    let service = start(&[&url[..], &register].concat(), &[], b"");
    service.says("registered");
    let call = ["call", "com.example.run", "a", "2", "--keyword", "k", "v=w"];
    assert_eq!(wamp(&[&url[..], &call].concat()).ok(), "it's: a 2: k=v=w\n");
    assert_eq!(service.end().code, 0);
    let subscribe = ["subscribe", "com.example.", "--times", "1", "--match", "prefix"];
    let subscriber = start(&[&url[..], &subscribe].concat(), &[], b"");
    subscriber.says("subscribed");
    wamp(&[&url[..], &["publish", "com.example.topic", "1", "--keyword", "k", "2"]].concat()).ok();
    assert!(subscriber.end().stdout.contains("\"args\":[1],\"kwargs\":{\"k\":2}"));
    let key = ["--authid", "a", "--private-key", "no key"];
    wamp(&[&url[..], &key, &["call", "x"]].concat()).failed(2);
    let patient = ["--url", "ws://127.0.0.1:1/ws", "--max-failures", "2", "-v", "call", "x"];
    let ended = wamp(&patient);
    assert_eq!(ended.stderr.matches("trying again").count(), 1, "{ended:?}");
    assert_eq!(ended.code, 3);
}

/// the arguments, a part for each line, and the end.
#[test]
fn lines_are_parts_of_a_call() {
    async fn length(invocation: Invocation) -> Result<Reply, ErrorReply> {
        let mut parts = invocation.parts();
        let mut texts = vec![Value::List(invocation.payload.list()?).to_string()];
        while let Some(part) = parts.next().await {
            texts.push(Value::List(part?.payload.list()?).to_string());
        }
        invocation.reply((texts.join(" "),), ())
    }

    let router = Router::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _callee = runtime.block_on(async {
        let callee = wamp_tokio::connect(router.url()).await.unwrap();
        callee.register("length", length).await.unwrap();
        callee
    });
    let call = |uri: &str| {
        let environment = [("WAMP_URL", router.url())];
        start(&["call", uri, "0", "--stdin-progress"], &environment, b"1\ntwo\n").end().ok()
    };
    assert_eq!(call("length"), "[0] [1] [\"two\"] []\n");
    // Who needs no more has the last word.
    let _echo = router.register("echo", &["--echo"]);
    assert_eq!(call("echo"), "0\n");
    router.wamp(&["call", "nobody", "--stdin-progress"]).failed(8);
}

#[test]
fn several_topics_at_once() {
    let router = Router::start();
    let subscriber = router.start_client(&["subscribe", "a", "b", "--count", "2", "--format", "{{topic}}"]);
    subscriber.says("subscribed to a");
    subscriber.says("subscribed to b");
    router.wamp(&["publish", "b", "1", "--ack"]).ok();
    assert_eq!(subscriber.line(), "b");
    router.wamp(&["publish", "a", "1", "--ack"]).ok();
    assert_eq!(subscriber.end().stdout, "a\n");
    assert_eq!(router.wamp(&["-q", "subscribe", "a", "b", "--exit-when-subscribed"]).ok(), "");
    assert!(router.wamp(&["subscribe", "a", "b c"]).failed(2).contains("b c"));
}
