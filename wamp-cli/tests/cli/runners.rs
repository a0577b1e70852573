//! `wamp run` and `wamp dev`.

use std::process::Command;

use crate::harness::{Directory, Router, Running, poll, start, wamp};

/// The program itself, for those that it runs.
const WAMP: &str = env!("CARGO_BIN_EXE_wamp");

/// Starts services of a file, at a router unless they have one of their own.
fn services(directory: &Directory, text: &str, url: Option<&str>, more: &[&str]) -> Running {
    let file = directory.file("services.toml");
    std::fs::write(&file, text).unwrap();
    let environment = url.map(|url| ("WAMP_URL", url));
    let flags = ["run", "--file", file.to_str().unwrap()];
    start(&[&flags, more].concat(), environment.as_slice(), b"")
}

fn is_alive(process: &str) -> bool {
    Command::new("kill").args(["-0", process]).stderr(std::process::Stdio::null()).status().unwrap().success()
}

#[test]
fn programs_are_told_of_the_router() {
    let print = "echo $WAMP_URL $WAMP_REALM $WAMP_AUTHID $WAMP_TICKET; echo oops >&2";
    let flags = ["-u", "ws://r.example.com/ws", "-r", "app", "--authid", "joe", "--ticket", "t1"];
    let ended = wamp(&[&flags[..], &["run", print, "--restart", "never"]].concat());
    assert_eq!((ended.code, &*ended.stdout), (0, "echo | ws://r.example.com/ws app joe t1\n"));
    assert_eq!(ended.stderr, "echo | oops\necho | has ended\n");
}

#[test]
fn commands_serve_procedures_and_topics() {
    let (router, directory) = (Router::start(), Directory::new());
    let text = r#"
        [[procedures]]
        uri = "com.example.upper"
        exec = 'printf %s "$WAMP_ARGS" | tr a-z A-Z'
        match = "prefix"

        [[topics]]
        uri = "com.example.tick"
        exec = 'echo "$WAMP_TOPIC $WAMP_ARGS"'
    "#;
    let running = services(&directory, text, Some(router.url()), &[]);
    let call = ["call", "com.example.upper.it", "hello", "--retry-until-registered", "20s"];
    assert_eq!(router.wamp(&call).ok(), "HELLO\n");
    // Both were asked for at once, and the subscription may be the later one.
    poll("the subscription", || {
        let found = router.wamp(&["meta", "subscription", "lookup", "com.example.tick"]);
        (found.stdout.trim() != "null").then_some(())
    });
    router.wamp(&["publish", "com.example.tick", "7"]).ok();
    assert_eq!(running.line(), "com.example.tick 7");
    running.signal("TERM");
    assert_eq!(running.end().code, 143);
    router.wamp(&["call", "com.example.upper.it"]).failed(8);
}

#[test]
fn commands_wait_for_a_procedure_that_a_former_session_has() {
    let (router, directory) = (Router::start(), Directory::new());
    let former = router.register("com.example.taken", &["--echo"]);
    let text = "[[procedures]]\nuri = 'com.example.taken'\nexec = 'echo ours'";
    let running = services(&directory, text, Some(router.url()), &[]);
    let said = running.says("another session has the procedure");
    assert!(said.contains("com.example.taken") && said.contains("asking again"), "{said}");
    former.signal("KILL");
    former.end();
    let call = ["call", "com.example.taken", "--retry-until-registered", "60s"];
    assert_eq!(router.wamp(&call).ok(), "ours\n");
    running.signal("TERM");
    assert_eq!(running.end().code, 143);
}

#[test]
fn programs_that_fail_are_started_again() {
    let directory = Directory::new();
    let mark = directory.file("mark");
    let (failing, mark) = (format!("test -e {0} || {{ touch {0}; exit 3; }}", mark.display()), mark.exists());
    assert!(!mark);
    let ended = wamp(&["run", &failing]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let said = ["has failed: exit status: 3", "starts again in 500ms", "has ended"];
    assert!(ended.stderr.lines().zip(said).all(|(line, said)| line == format!("test | {said}")), "{ended:?}");
    // And those that are not make the exit code.
    let error = wamp(&["-q", "run", "--restart", "never", "exit 3", "exit 0"]).failed(9);
    assert!(error.contains("exit has failed: exit status: 3"), "{error}");
    let missing = wamp(&["-q", "run", "--restart", "never", "/nonexistent/x"]).failed(9);
    assert!(missing.contains("x cannot be started"), "{missing}");
}

#[test]
fn an_interrupt_ends_all_programs_and_what_they_have_started() {
    let stubborn = "trap '' TERM; sh -c 'echo $PPID $$; exec sleep 100'";
    let polite = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let running = start(&["run", "--grace", "300ms", stubborn, polite], &[], b"");
    let mut processes = String::new();
    for _ in 0..2 {
        let line = running.line();
        let (_, text) = line.split_once(" | ").unwrap();
        processes = if text == "ready" { processes } else { text.to_owned() };
    }
    running.signal("INT");
    let ended = running.end();
    assert_eq!((ended.code, &*ended.stdout), (130, "trap-2 | bye\n"), "{ended:?}");
    assert!(ended.stderr.contains("trap   | did not end in time, and is killed"), "{ended:?}");
    for process in processes.split(' ') {
        poll("the end of a program", || (!is_alive(process)).then_some(()));
    }
}

#[test]
fn a_router_beside_them() {
    let directory = Directory::new();
    let program = format!("{WAMP} call com.example.echo 5 --retry-until-registered 20s");
    let text = format!(
        "[router]\nlisten = [\"ws://127.0.0.1:0\"]\n[programs.caller]\ncommand = \"{program}\"\n\
         [[procedures]]\nuri = \"com.example.echo\"\nexec = 'printf %s \"$WAMP_ARGS\"'"
    );
    let running = services(&directory, &text, None, &[]);
    running.says("listening on ws://127.0.0.1:");
    assert_eq!(running.line(), "caller | 5");
    running.signal("INT");
    assert_eq!(running.end().code, 130);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let directory = Directory::new();
    let text = "[programs.a]\ncommand = 'a'\nrestrat = 'never'";
    let error = services(&directory, text, None, &[]).end().failed(2);
    assert!(error.contains("services.toml:3:1: unknown key `restrat`"), "{error}");
    assert!(error.contains("did you mean `restart`?"), "{error}");
    assert!(wamp(&["run"]).failed(2).contains("there is nothing to run"));
    // A session that cannot be had ends everything.
    let text = "[[procedures]]\nuri = 'a'\nexec = 'cat'\n[programs.a]\ncommand = 'sleep 100'";
    let router = Router::start();
    let error = services(&directory, text, Some(router.url()), &["-r", "nowhere", "-q"]).end();
    assert_eq!((error.code, error.stdout.as_str()), (5, ""), "{error:?}");
}

#[test]
fn a_development_router_shows_messages() {
    let service = format!("{WAMP} register com.example.echo --echo");
    let dev = start(&["dev", "--listen", "ws://127.0.0.1:0", "--payload", &service], &[], b"");
    let line = dev.says("listening on ws://");
    let url = line.split_whitespace().nth(2).unwrap();
    // The service has a session, and so has its caller.
    let call = ["-u", url, "call", "com.example.echo", "s3cret", "--retry-until-registered", "20s"];
    assert_eq!(wamp(&call).ok(), "s3cret\n");
    let seen = |kind: &str| loop {
        let line = dev.line();
        if line.contains(&format!("\"type\":\"{kind}\"")) {
            return line;
        }
    };
    // Every session is seen from its first message on.
    let hello = seen("HELLO");
    assert!(hello.contains("\"from\":\"client\"") && hello.contains("\"session\":null"), "{hello}");
    let invocation = seen("INVOCATION");
    assert!(invocation.contains("\"from\":\"router\"") && invocation.contains("\"s3cret\""), "{invocation}");
    dev.signal("INT");
    assert_eq!(dev.end().code, 130);
}
