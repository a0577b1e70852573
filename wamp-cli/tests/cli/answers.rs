//! `wamp register`: what procedures answer.

use std::process::{Command, Stdio};

use crate::harness::{Directory, Router, poll};

#[test]
fn a_fixed_reply() {
    let router = Router::start();
    let _fixed = router.register("fixed", &["--reply", "{\"a\": [1, \"x\"]}"]);
    assert_eq!(router.wamp(&["call", "fixed", "whatever"]).ok(), "{\"a\":[1,\"x\"]}\n");
}

#[test]
fn a_command_gets_the_call_and_its_output_is_the_result() {
    let router = Router::start();
    for (uri, command, printed) in [
        ("com.example.in", "cat", r#"{"args":[1,"b64:/w=="],"kwargs":{"k":"v"}}"#),
        ("com.example.args", "echo \"$WAMP_ARGS_JSON\"", r#"[1,"b64:/w=="]"#),
        ("com.example.kwargs", "echo \"$WAMP_KWARGS_JSON\"", r#"{"k":"v"}"#),
        ("com.example.name", "echo $WAMP_PROCEDURE", "com.example.name"),
        ("com.example.number", "echo 5", "5"),
        ("com.example.text", "echo two; echo lines", "two\nlines"),
        ("com.example.nothing", "true", ""),
        ("com.example.talk", "echo noise >&2; echo data", "data"),
    ] {
        let _service = router.register(uri, &["--exec", command]);
        assert_eq!(
            router.wamp(&["call", uri, "1", "hex:ff", "-k", "k=v"]).ok(),
            format!("{printed}\n"),
            "{command}"
        );
    }
}

#[test]
fn a_command_that_fails_is_an_application_error() {
    let router = Router::start();
    let _fails = router.register("fails", &["--exec", "echo half; echo went wrong >&2; exit 3"]);
    let _silent = router.register("silent", &["--exec", "exit 4"]);
    let error = router.wamp(&["call", "fails"]).failed(9);
    assert_eq!(error, "error: the procedure failed: wamp.error.runtime_error: went wrong\n");
    assert!(router.wamp(&["call", "silent"]).failed(9).contains("exit status: 4"));
    let ended = router.wamp(&["call", "fails", "-o", "json"]);
    assert_eq!(
        ended.stdout,
        "{\"error\":\"wamp.error.runtime_error\",\"args\":[\"went wrong\"],\"kwargs\":{}}\n"
    );
    assert_eq!((ended.code, ended.stderr.lines().count()), (9, 1));
}

#[test]
fn commands_run_side_by_side() {
    let router = Router::start();
    // Each of the two waits for a call that comes while it runs.
    let command = "case $WAMP_ARGS_JSON in '[1]') wamp_other=2;; *) wamp_other=1;; esac; \
                   \"$WAMP\" call mark $wamp_other >/dev/null; echo done";
    let _mark = router.register("mark", &["--echo"]);
    let environment = [("WAMP_URL", router.url()), ("WAMP", env!("CARGO_BIN_EXE_wamp"))];
    let slow = crate::harness::start(&["register", "slow", "--exec", "sleep 100"], &environment, b"");
    slow.says("registered");
    let quick = crate::harness::start(&["register", "quick", "--exec", command], &environment, b"");
    quick.says("registered");
    let waiting = router.start_client(&["call", "slow", "--timeout", "30s"]);
    assert_eq!(router.wamp(&["call", "quick", "1"]).ok(), "done\n");
    let more = [1, 2, 3].map(|n| router.start_client(&["call", "quick", &n.to_string()]));
    assert!(more.into_iter().all(|call| call.end().ok() == "done\n"));
    waiting.signal("INT");
    assert_eq!(waiting.end().code, 130);
}

#[test]
fn a_service_ends_after_its_calls_and_answers_the_last_one() {
    let router = Router::start();
    let service = router.register("twice", &["--exec", "sleep 0.2; echo ok", "--count", "2"]);
    let calls = [(); 2].map(|()| router.start_client(&["call", "twice"]));
    for call in calls {
        assert_eq!(call.end().ok(), "ok\n");
    }
    let ended = service.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""));
    router.wamp(&["call", "twice"]).failed(8);
}

#[test]
fn a_name_that_is_taken_is_the_routers_answer() {
    let router = Router::start();
    let _first = router.register("taken", &["--echo"]);
    let error = router.wamp(&["register", "taken", "--echo"]).failed(9);
    assert!(error.contains("wamp.error.procedure_already_exists"), "{error}");
}

#[test]
fn a_command_and_all_it_started_dies_with_the_call_or_the_service() {
    let router = Router::start();
    let directory = Directory::new();
    let gone = |file: &std::path::Path| {
        let leader = poll("the start of the command", || {
            std::fs::read_to_string(file).ok().filter(|leader| leader.ends_with('\n'))
        });
        let alive = format!("kill -0 -- -{}", leader.trim_end());
        move || {
            poll("the end of the command", || {
                let alive = Command::new("sh").args(["-c", &alive]).stderr(Stdio::null()).status().unwrap();
                (!alive.success()).then_some(())
            });
        }
    };
    let command = format!(
        "echo $$ > {}/$(echo $WAMP_ARGS_JSON | tr -d '[]'); sleep 100; true",
        directory.file("").display()
    );
    let service = router.register("slow", &["--exec", &command]);
    let canceled = router.start_client(&["call", "slow", "1"]);
    let first = gone(&directory.file("1"));
    canceled.signal("INT");
    assert_eq!(canceled.end().code, 130);
    first();
    let served = router.start_client(&["call", "slow", "2"]);
    let second = gone(&directory.file("2"));
    service.signal("TERM");
    assert_eq!(service.end().code, 143);
    second();
    assert_ne!(served.end().code, 0);
}
