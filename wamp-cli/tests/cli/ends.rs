//! How commands end: exit codes and what is said about it.

use crate::harness::{Router, scripted, start, wamp};

/// The answer to HELLO.
const WELCOME: &str = r#"[2,1,{"roles":{"broker":{},"dealer":{}}}]"#;

#[test]
fn bad_usage_is_2_and_needs_no_router() {
    for arguments in [
        &["call"][..],
        &["cal", "x"],
        &["call", "x", "--timeout", "soon"],
        &["call", "x", "--serializer", "xml"],
        &["call", "x", "-s", "-j"],
        &["call", "x", "1", "--args", "[]"],
        &["register", "x"],
        &["register", "x", "--echo", "--reply", "1"],
        &["subscribe", "x", "--count", "0"],
        &["msg", "decode", "--serializer", "json"],
    ] {
        let ended = wamp(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ended.stderr.starts_with("error: "), "{ended:?}");
    }
    for (arguments, why) in [
        (&["call", "a b"][..], "whitespace"),
        (&["call", "x", "99999999999999999999"], "64 bits"),
        (&["call", "x", "hex:0"], "hexadecimal"),
        (&["call", "x", "-j", "{"], "JSON"),
        (&["call", "x", "-k", "a"], "name=value"),
        (&["call", "x", "-k", "a=1", "-k", "a=2"], "twice"),
        (&["call", "x", "--payload", "/no/such/file"], "cannot read"),
        (&["call", "x", "-u", "localhost:8080"], "scheme"),
        (&["call", "x", "-u", "wss://localhost", "--cacert", "/no/such/file"], "/no/such/file"),
        (&["call", "x", "-u", "tcps://localhost", "--cert", "/no/such/file"], "go together"),
        (&["call", "x", "-r", "a b"], "realm"),
        (&["call", "x", "-r", "a", "-r", "b"], "one realm"),
        (&["register", "x", "--reply", "pong"], "JSON"),
    ] {
        let error = wamp(arguments).failed(2);
        assert!(error.contains(why), "{error}");
    }
    assert!(wamp(&["cal", "x"]).stderr.contains("'call'"));
}

#[test]
fn no_router_is_3() {
    let error = wamp(&["call", "x", "-u", "ws://127.0.0.1:1/ws"]).failed(3);
    assert!(error.contains("127.0.0.1:1") && error.contains("`wamp router run` starts one"), "{error}");
    wamp(&["call", "x", "-u", "unix:///no/such/socket"]).failed(3);
    // A listener that never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["ws", "tcp"] {
        let url = format!("{scheme}://{}", silent.local_addr().unwrap());
        let error = wamp(&["call", "x", "-u", &url, "--timeout", "100ms"]).failed(3);
        assert!(error.contains("100ms"), "{error}");
    }
}

#[test]
fn a_refused_join_is_5() {
    let router = Router::start();
    let error = router.wamp(&["call", "x", "--realm", "nowhere"]).failed(5);
    assert!(error.contains("wamp.error.no_such_realm"), "{error}");
}

#[test]
fn a_forbidden_request_is_6() {
    let url = scripted(&[
        WELCOME,
        r#"[8,48,1,{},"wamp.error.not_authorized"]"#,
        r#"[6,{},"wamp.close.goodbye_and_out"]"#,
    ]);
    let error = wamp(&["call", "x", "-u", &url, "--serializer", "json"]).failed(6);
    assert!(error.contains("does not allow it: wamp.error.not_authorized"), "{error}");
}

#[test]
fn no_answer_is_7() {
    let router = Router::start();
    let _slow = router.register("slow", &["--exec", "sleep 100"]);
    let error = router.wamp(&["call", "slow", "--timeout", "2s"]).failed(7);
    assert!(error.contains("time limit"), "{error}");
}

#[test]
fn no_procedure_is_8() {
    let router = Router::start();
    let error = router.wamp(&["call", "nobody"]).failed(8);
    assert!(error.contains("wamp.error.no_such_procedure"), "{error}");
    let ended = router.wamp(&["call", "nobody", "-o", "jsonl"]);
    assert!(
        ended.code == 8 && ended.stdout.starts_with("{\"error\":\"wamp.error.no_such_procedure\""),
        "{ended:?}"
    );
}

#[test]
fn an_application_error_is_9_with_all_it_says() {
    let error = r#"[8,48,1,{},"com.example.error.odd",["too odd\nline 2",7],{"n":1}]"#;
    let bye = r#"[6,{},"wamp.close.goodbye_and_out"]"#;
    let answers: &'static [&'static str] = Box::leak(Box::new([WELCOME, error, bye]));
    let ended = wamp(&["call", "x", "-u", &scripted(answers), "--serializer", "json", "-o", "json"]);
    assert_eq!(ended.code, 9);
    let printed =
        "{\"error\":\"com.example.error.odd\",\"args\":[\"too odd\\nline 2\",7],\"kwargs\":{\"n\":1}}\n";
    assert_eq!(ended.stdout, printed);
    let said = "error: the application at the other end answered with an error: com.example.error.odd: too odd line 2\n";
    assert_eq!(ended.stderr, said);
}

#[test]
fn a_broken_protocol_is_10() {
    for answers in [&["[2]"][..], &["nonsense"], &[WELCOME, "[50,7,{}]"], &[WELCOME, "[99]"]] {
        let error = wamp(&["call", "x", "-u", &scripted(answers), "--serializer", "json"]).failed(10);
        assert!(error.contains("the router broke the protocol"), "{error}");
    }
}

#[test]
fn a_lost_connection_is_11() {
    let router = Router::start();
    let subscriber = router.start_client(&["subscribe", "topic"]);
    subscriber.says("subscribed");
    let service = router.register("procedure", &["--echo"]);
    router.process.signal("KILL");
    for client in [subscriber, service] {
        let error = client.end().failed(11);
        assert!(error.contains("lost"), "{error}");
    }
}

#[test]
fn a_registration_that_is_taken_away_is_11() {
    let router = Router::start();
    let service = router.start_client(&["register", "procedure", "--echo"]);
    let said = service.says("registered procedure (registration ");
    let registration = said.trim_end().rsplit(' ').next().unwrap().trim_end_matches(')').to_owned();
    let callees = router.wamp(&["meta", "registration", "callees", &registration, "-o", "json"]).ok();
    let session = callees.trim().trim_matches(['[', ']']);
    router.wamp(&["call", "wamp.registration.remove_callee", &registration, session]).ok();
    let ended = service.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (11, ""), "{ended:?}");
    assert!(ended.stderr.contains("error: the router has ended the registration of procedure"), "{ended:?}");
}

#[test]
fn an_event_that_the_router_has_not_read_is_no_success() {
    let publish = ["publish", "topic", "--serializer", "json", "--timeout", "2s"];
    for (answers, code, why) in [
        (&[WELCOME][..], 7, "no answer within the time limit"),
        (&[WELCOME, r#"[3,{"message":"too odd"},"com.example.odd"]"#], 11, "com.example.odd: too odd"),
        (&[WELCOME, r#"[3,{},"wamp.error.protocol_violation"]"#], 10, "wamp.error.protocol_violation"),
    ] {
        let error = wamp(&[&publish[..], &["-u", &scripted(answers)]].concat()).failed(code);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn an_interrupt_is_130_at_any_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", silent.local_addr().unwrap());
    let connecting = start(&["-u", &url, "call", "x"], &[], b"");
    let _connection = silent.accept().unwrap();
    connecting.signal("INT");
    let ended = connecting.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (130, ""));

    let router = Router::start();
    let service = router.register("slow", &["--exec", "sleep 100"]);
    service.signal("INT");
    assert_eq!(service.end().code, 130);
}

#[test]
fn help_and_version_are_data() {
    let version = wamp(&["--version"]).ok();
    assert!(version.starts_with("wamp 0.") && version.contains("(wamp-cli, https://"), "{version}");
    let help = wamp(&["--help"]).ok();
    assert!(help.contains("Exit codes:") && help.contains("130"), "{help}");
    assert!(wamp(&["call", "-h"]).ok().contains("--payload"));
}

#[test]
fn logs_go_to_stderr_when_asked_for() {
    let router = Router::start();
    let _echo = router.register("echo", &["--echo"]);
    let ended = router.wamp(&["call", "echo", "1", "-v"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1\n"));
    assert!(ended.stderr.contains("joined"), "{ended:?}");
    let environment = [("WAMP_URL", router.url()), ("RUST_LOG", "wamp=info")];
    assert!(start(&["call", "echo", "1"], &environment, b"").end().stderr.contains("joined"));
}
