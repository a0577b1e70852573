//! The options that go beyond the basics, and `wamp meta`.

use crate::harness::{Router, Running, scripted, wamp};

#[test]
fn a_call_prints_its_progressive_results() {
    let url = scripted(&[
        r#"[2,7,{"roles":{"dealer":{"features":{"progressive_call_results":true}}}}]"#,
        r#"[50,1,{"progress":true},[10]]"#,
    ]);
    // The last one never comes; what came is printed all the same.
    let ended = wamp(&["call", "x", "--progress", "--timeout", "2s", "-u", &url, "--serializer", "json"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (7, "10\n"), "{ended:?}");
}

#[test]
fn a_call_may_ask_for_progress_that_does_not_come() {
    let router = Router::start();
    let _callee = router.register("com.example.echo", &["--echo"]);
    assert_eq!(router.wamp(&["call", "com.example.echo", "1", "--progress", "--disclose"]).ok(), "1\n");
}

#[test]
fn callees_share_a_procedure_or_take_it_over() {
    let router = Router::start();
    let callee = |reply: &'static str, more: &[&'static str]| {
        router.register("com.example.name", &[&["--reply", reply][..], more].concat())
    };
    let one = callee("1", &["--invoke", "roundrobin", "--concurrency", "2"]);
    let _two = callee("2", &["--invoke", "roundrobin"]);
    let mut names = [(); 4].map(|()| router.wamp(&["call", "com.example.name"]).ok());
    names.sort();
    assert_eq!(names, ["1\n", "1\n", "2\n", "2\n"]);
    // Taking over is by permission, which the router of this program does not give.
    let error = router.wamp(&["register", "com.example.name", "--echo", "--invoke", "last"]).failed(9);
    assert!(error.contains("procedure_already_exists"), "{error}");
    let error = router.wamp(&["register", "com.example.name", "--echo", "--force"]);
    assert!(error.code != 0, "{error:?}");
    drop(one);
}

#[test]
fn events_reach_their_audience_and_are_kept() {
    let router = Router::start();
    let ack = ["publish", "com.example.kept", "--ack"];
    router.wamp(&[&ack[..], &["1", "--retain", "--disclose"]].concat()).ok();
    let subscriber = router.start_client(&["subscribe", "com.example.kept", "--retained", "--count", "3"]);
    let line = subscriber.line();
    assert!(line.contains("\"args\":[1]") && line.contains("\"retained\":true"), "{line}");
    let subscription = router.wamp(&["meta", "subscription", "lookup", "com.example.kept"]).ok();
    let id = router.wamp(&["meta", "subscription", "subscribers", subscription.trim(), "-o", "json"]).ok();
    let id = id.trim().trim_matches(['[', ']']).to_owned();
    for kept_from in [
        &["--exclude", &id][..],
        &["--exclude-authrole", "nobody,anonymous"],
        &["--eligible", "1"],
        &["--eligible-authid", "nobody"],
        &["--eligible-authrole", "nobody"],
    ] {
        router.wamp(&[&ack[..], &["0"], kept_from].concat()).ok();
    }
    router.wamp(&[&ack[..], &["2", "--eligible", &id, "--exclude-me", "false"]].concat()).ok();
    router.wamp(&[&ack[..], &["3", "--eligible-authrole", "anonymous", "--exclude", "1,2"]].concat()).ok();
    assert!(subscriber.line().contains("\"args\":[2]"));
    let ended = subscriber.end();
    assert!(ended.stdout.contains("\"args\":[3]") && ended.code == 0, "{ended:?}");
    let error = router.wamp(&["publish", "com.example.kept", "--exclude", "0"]).code;
    assert_eq!(error, 2);
}

#[test]
fn the_meta_api() {
    let router = Router::start();
    let meta = |arguments: &[&str]| router.wamp(&[&["meta"], arguments, &["-o", "json"]].concat());
    let watch = router.start_client(&["meta", "watch", "registration", "--count", "2"]);
    watch.says("subscribed to wamp.registration.");
    let callee = router.register("com.example.", &["--echo", "--match", "prefix"]);
    let line = watch.line();
    assert!(line.contains("\"topic\":\"wamp.registration.on_create\""), "{line}");
    assert!(watch.end().stdout.contains("\"topic\":\"wamp.registration.on_register\""));
    let registration = meta(&["registration", "match", "com.example.x"]).ok().trim().to_owned();
    assert_eq!(meta(&["registration", "lookup", "com.example."]).ok(), "null\n");
    assert_eq!(
        meta(&["registration", "lookup", "com.example.", "--match", "prefix"]).ok().trim(),
        registration
    );
    let ls = meta(&["registration", "ls"]).ok();
    assert!(ls.contains(&format!("\"prefix\":[{registration}]")), "{ls}");
    let known = meta(&["registration", "get", &registration]).ok();
    assert!(known.contains("\"uri\":\"com.example.\""), "{known}");
    let session = meta(&["registration", "callees", &registration]).ok();
    let session = session.trim().trim_matches(['[', ']']).to_owned();
    let known = meta(&["session", "get", &session]).ok();
    assert!(known.contains(&format!("\"session\":{session}")), "{known}");
    // The one who asks is a session, too.
    assert_eq!(meta(&["session", "count"]).ok(), "2\n");
    assert_eq!(meta(&["session", "count", "--authrole", "nobody"]).ok(), "0\n");
    assert!(meta(&["session", "ls", "--authrole", "anonymous"]).ok().contains(&session));
    meta(&["session", "kill", &session, "--message", "out of the way"]).ok();
    let ended = callee.end();
    assert!(ended.code != 0 && ended.stderr.contains("out of the way"), "{ended:?}");
    let error = router.wamp(&["meta", "session", "get", &session]).failed(9);
    assert!(error.contains("no_such_session"), "{error}");
    assert_eq!(meta(&["session", "get", "0"]).code, 2);
}

#[test]
fn a_session_is_tapped() {
    let router = Router::start();
    let callee = router.register("com.example.echo", &["--echo"]);
    let meta = |arguments: &[&str]| router.wamp(&[&["meta", "registration"], arguments].concat()).ok();
    let registration = meta(&["match", "com.example.echo"]);
    let session = meta(&["callees", registration.trim(), "-o", "json"]);
    let session = session.trim().trim_matches(['[', ']']).to_owned();
    let tap = ["meta", "session", "tap", &session, "--payload", "--count", "2", "-o", "json"];
    let viewer = router.start_client(&tap);
    viewer.says("tapping session");
    router.wamp(&["call", "com.example.echo", "hello"]).ok();
    let invocation = viewer.line();
    assert!(invocation.contains(r#""sender":"router""#) && invocation.contains("hello"), "{invocation}");
    let ended = viewer.end();
    assert!(ended.code == 0 && ended.stdout.contains(r#""sender":"client""#), "{ended:?}");
    let error = router.wamp(&["meta", "session", "tap", "1"]).failed(9);
    assert!(error.contains("no_such_session"), "{error}");
    // Less than was asked for is no success.
    let viewers = [&["--count", "1000"][..], &[]].map(|count| {
        let viewer = router.start_client(&[&["meta", "session", "tap", &session][..], count].concat());
        viewer.says("tapping session");
        viewer
    });
    drop(callee);
    let [counting, endless] = viewers.map(Running::end);
    assert!(counting.code == 11 && counting.stderr.contains("of 1000 messages"), "{counting:?}");
    assert!(endless.code == 0 && endless.stderr.contains("the session has ended"), "{endless:?}");
}

#[test]
fn subscriptions_in_the_meta_api() {
    let router = Router::start();
    let meta =
        |arguments: &[&str]| router.wamp(&[&["meta", "subscription"], arguments, &["-o", "json"]].concat());
    let subscriber = router.start_client(&["subscribe", "com.example.topic"]);
    subscriber.says("subscribed");
    let subscription = meta(&["lookup", "com.example.topic"]).ok().trim().to_owned();
    assert_eq!(meta(&["match", "com.example.topic"]).ok().trim(), format!("[{subscription}]"));
    assert!(meta(&["ls"]).ok().contains(&format!("\"exact\":[{subscription}]")));
    assert!(meta(&["get", &subscription]).ok().contains("com.example.topic"));
    let subscribers = meta(&["subscribers", &subscription]).ok();
    assert!(subscribers.starts_with('[') && !subscribers.contains(','), "{subscribers}");
    // This router keeps no history.
    let history = meta(&["history", &subscription, "--reverse", "--limit", "3"]);
    assert_eq!((history.code, &*history.stdout), (0, ""), "{history:?}");
    assert_eq!(router.wamp(&["meta", "session", "kill-authid", "nobody"]).ok(), "[]\n");
    let killed = router.wamp(&["meta", "session", "kill-authrole", "anonymous"]).ok();
    assert_eq!(killed, "1\n");
    assert_ne!(subscriber.end().code, 0);
}
