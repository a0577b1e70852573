//! `wamp ping` and `wamp bench`.

use crate::harness::{Router, scripted, wamp};

/// A number in a line of JSON.
fn number(json: &str, name: &str) -> f64 {
    let (_, rest) = json.split_once(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name}: {json}"));
    rest.split([',', '}']).next().unwrap().parse().unwrap_or_else(|_| panic!("{name}: {json}"))
}

#[test]
fn a_ping_says_how_long_it_takes() {
    let router = Router::start();
    for url in &router.urls {
        let printed = router.wamp(&["-u", url, "-q", "ping", "--count", "3", "--interval", "1ms"]).ok();
        assert_eq!(number(&printed, "round_trips"), 3.0);
        let [min, median, p99] = ["min_ms", "median_ms", "p99_ms"].map(|name| number(&printed, name));
        assert!(
            0.0 < min && min <= median && median <= p99 && number(&printed, "joined_ms") > 0.0,
            "{printed}"
        );
        assert!(printed.contains(&format!("\"url\":\"{url}\"")) && printed.contains("\"error\":null"));
    }
    let told = router.wamp(&["ping", "--count", "2", "--interval", "1ms"]);
    assert_eq!(told.stderr.lines().filter(|line| line.starts_with("round trip")).count(), 2, "{told:?}");
}

#[test]
fn a_health_check_says_what_is_wrong() {
    wamp(&["-q", "ping", "-u", "ws://127.0.0.1:1/ws"]).failed(3);
    let router = Router::start();
    router.wamp(&["-q", "ping", "-r", "nowhere"]).failed(5);
    // An answer that is an error is none that is good.
    const WELCOME: &str = r#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#;
    const BYE: &str = r#"[6,{},"wamp.close.goodbye_and_out"]"#;
    for (no, code, good) in [
        (
            &[r#"[8,48,1,{},"wamp.error.not_authorized"]"#, r#"[8,48,2,{},"wamp.error.not_authorized"]"#][..],
            6,
            0.0,
        ),
        (&["[50,1,{},[1]]", r#"[8,48,2,{},"wamp.error.no_such_procedure"]"#], 8, 1.0),
        (&[r#"[8,48,1,{},"com.example.odd"]"#, "[50,2,{},[1]]"], 9, 1.0),
    ] {
        let answers: &'static [&'static str] = [&[WELCOME], no, &[BYE]].concat().leak();
        let count = ["ping", "--count", "2", "--interval", "1ms", "--serializer", "json", "-o", "json"];
        let ended = wamp(&[&count[..], &["-u", &scripted(answers)]].concat());
        let errors = 2.0 - good;
        assert_eq!((ended.code, ended.stdout.lines().count()), (code, 1), "{ended:?}");
        let counted = ["round_trips", "errors"].map(|name| number(&ended.stdout, name));
        assert_eq!(counted, [good, errors], "{ended:?}");
        assert_eq!(ended.stdout.contains("\"min_ms\":null"), good == 0.0, "{ended:?}");
        let said = format!("error: {errors} of 2 answers to wamp.session.count were errors: ");
        assert!(ended.stderr.contains(&said) && ended.stderr.contains("round trip 2: "), "{ended:?}");
    }
    let silent = scripted(&[WELCOME]);
    wamp(&["-q", "ping", "--serializer", "json", "-u", &silent, "--timeout", "2s"]).failed(7);
}

const SHORT: [&str; 4] = ["--duration", "200ms", "--warmup", "20ms"];

#[test]
fn calls_are_measured_at_any_router() {
    let router = Router::start();
    let bench = ["bench", "rpc", "--callers", "2", "--callees", "2", "--inflight", "4", "--payload", "100"];
    let printed = router.wamp(&[&bench[..], &SHORT].concat()).ok();
    assert!(number(&printed, "messages") > 1.0 && number(&printed, "per_second") > 1.0, "{printed}");
    assert!(number(&printed, "cpu_us_per_message") > 0.0, "{printed}");
    assert!(number(&printed, "p50") <= number(&printed, "max"), "{printed}");
    assert_eq!((number(&printed, "callers"), number(&printed, "payload")), (2.0, 100.0));
    // Everybody has left.
    assert_eq!(router.wamp(&["meta", "session", "count"]).ok(), "1\n");
}

#[test]
fn events_are_measured_and_counted() {
    let bench = ["bench", "pubsub", "--embedded", "--publishers", "2", "--subscribers", "3", "--json"];
    let printed = wamp(&[&bench[..], &SHORT].concat()).ok();
    assert!(number(&printed, "messages") > 3.0 && number(&printed, "lost") == 0.0, "{printed}");
}

#[test]
fn a_rate_is_kept() {
    let bench =
        ["bench", "latency", "--embedded", "--rate", "100/s", "--duration", "300ms", "--warmup", "100ms"];
    let printed = wamp(&bench).ok();
    // All of the 30 that were due, were the machine ever so slow, unless it was still behind at the end.
    assert!(number(&printed, "messages") <= 30.0 && number(&printed, "messages") >= 1.0, "{printed}");
    assert!(printed.contains("\"distribution\":[{\"up_to_ms\":"), "{printed}");
    assert!(wamp(&["bench", "latency", "--rate", "0"]).stderr.contains("rate"));
}

#[test]
fn sessions_come_and_go() {
    let router = Router::start();
    let url = router.url();
    let bench = ["-u", url, "bench", "connect", "--sessions", "5", "--concurrency", "2"];
    assert_eq!(number(&wamp(&bench).ok(), "messages"), 5.0);
}

#[test]
fn a_limit_that_is_not_kept_is_12() {
    let bench = ["bench", "rpc", "--embedded"];
    let ended = wamp(&[&bench[..], &SHORT, &["--assert-p99", "1m"]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = wamp(&[&bench[..], &SHORT, &["--assert-p99", "0.000001s"]].concat());
    assert!(ended.code == 12 && ended.stderr.contains("p99 is "), "{ended:?}");
    assert!(ended.stdout.contains("\"benchmark\":\"rpc\""), "{ended:?}");
    wamp(&["bench", "rpc", "-u", "ws://127.0.0.1:1/ws"]).failed(3);
}
