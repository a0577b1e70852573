//! `wamp router run`.

use crate::harness::{Directory, Router, ready_urls, start, wamp};

#[test]
fn it_says_where_it_is_and_that_it_lets_everybody_in() {
    let router = Router::start();
    let [websocket, raw, ..] = router.urls.as_slice() else { panic!("{:?}", router.urls) };
    assert!(websocket.starts_with("ws://127.0.0.1:") && websocket.ends_with("/ws"), "{websocket}");
    assert_eq!(
        raw.strip_prefix("tcp://"),
        websocket.strip_prefix("ws://").and_then(|url| url.strip_suffix("/ws"))
    );
    assert_eq!(router.process.says("listening"), format!("listening on {websocket} and {raw}\n"));
    assert_eq!(router.process.says("listening on unix"), format!("listening on {}\n", router.urls[2]));
    assert_eq!(router.process.says("listening on ws+unix"), format!("listening on {}\n", router.urls[3]));
    assert_eq!(router.process.says("realm"), "realm realm1\n");
    assert!(router.process.says("WARNING").contains("no authentication"));
}

#[test]
fn signals_end_it_in_order_with_sessions_open() {
    for signal in ["TERM", "INT"] {
        let router = Router::start();
        let subscriber = router.start_client(&["subscribe", "topic"]);
        subscriber.says("subscribed");
        router.process.signal(signal);
        let Router { process, .. } = router;
        let ended = process.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended:?}");
        assert!(ended.stderr.ends_with("shutting down\n"), "{ended:?}");
        let error = subscriber.end().failed(11);
        assert!(error.contains("wamp.close.system_shutdown"), "{error}");
    }
}

#[test]
fn it_ends_after_its_time_and_cleans_up() {
    let directory = Directory::new();
    let (ready, socket) = (directory.file("ready"), directory.file("socket"));
    let listen = format!("unix://{}", socket.display());
    let arguments = ["-q", "router", "run", "--listen", &listen, "--shutdown-after", "300ms", "--ready-file"];
    let router = start(&[&arguments[..], &[ready.to_str().unwrap()]].concat(), &[], b"");
    assert_eq!(ready_urls(&ready).join(" "), listen);
    assert_eq!(router.end().ok(), "");
    assert!(!ready.exists() && !socket.exists());
}

#[test]
fn realms_of_its_own() {
    let router = Router::start_with(&["--realm", "one", "--realm", "two"]);
    let _echo = router.register("echo", &["--echo", "--realm", "two"]);
    assert_eq!(router.wamp(&["call", "echo", "1", "-r", "two"]).ok(), "1\n");
    router.wamp(&["call", "echo", "1", "-r", "one"]).failed(8);
    router.wamp(&["call", "echo", "1"]).failed(5);
    let environment = [("WAMP_URL", router.url()), ("WAMP_REALM", "two"), ("WAMP_OUTPUT", "json")];
    assert_eq!(start(&["call", "echo", "x"], &environment, b"").end().ok(), "\"x\"\n");
}

#[test]
fn what_it_cannot_do() {
    let router = Router::start();
    let taken = router.urls[1].clone();
    let error = wamp(&["router", "run", "--listen", &taken]).failed(2);
    assert!(error.contains(&taken) && error.contains("in use"), "{error}");
    let error = wamp(&["router", "run", "--listen", "127.0.0.1:0"]).failed(2);
    assert!(error.contains("scheme"), "{error}");
    let error = wamp(&["router", "run", "--listen", "ws://127.0.0.1:0", "--realm", "a b"]).failed(2);
    assert!(error.contains("realm"), "{error}");
    let ended =
        wamp(&["router", "run", "--listen", "ws://127.0.0.1:0", "--ready-file", "/no/such/directory/f"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("error: cannot write the ready file"), "{ended:?}");
}
