//! What a router tells those who watch over it.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use wamp_driver::proto::Encoding;

use super::{Kit, RouterSettings, Serving, Transport};

/// Sends a request; gives the whole answer.
async fn ask(kit: &Kit, router: &dyn Serving, request: &str) -> String {
    let (address, request) = (router.http().expect("it answers HTTP").to_string(), request.to_owned());
    let asked = kit.blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        // The router may have had enough before it has read all.
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = String::new();
        // Being cut off is an end as well.
        let _ = stream.read_to_string(&mut answer);
        answer
    });
    kit.within(asked).await
}

async fn get(kit: &Kit, router: &dyn Serving, path: &str) -> String {
    ask(kit, router, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
}

/// The value of a metric.
fn value(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
}

/// Figures of all that has happened; alive while it runs, ready while clients can connect.
pub(super) async fn figures_and_states(kit: Kit) {
    let settings = RouterSettings::on(Transport::Tcp).http().realms(["realm1", "other"]);
    let stage = kit.stage_with(Transport::Tcp, Encoding::Json, settings).await;
    let router = stage.router().unwrap();
    let client = stage.client().await;
    let _subscription = stage.within(client.subscribe("t.topic")).await.unwrap();
    let _registration = stage.within(client.register("t.echo", || async { Ok(()) })).await.unwrap();
    stage.within(client.call("t.echo")).await.unwrap();

    let answer = get(&kit, router, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
    let (head, metrics) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with(&format!("Content-Length: {}", metrics.len())), "{head}");
    for (name, expected) in [
        ("wamp_connections", 1),
        ("wamp_sessions{realm=\"realm1\"}", 1),
        ("wamp_sessions{realm=\"other\"}", 0),
        ("wamp_subscriptions{realm=\"realm1\"}", 1),
        ("wamp_registrations{realm=\"realm1\"}", 1),
        ("wamp_calls", 0),
        ("wamp_queue_bytes", 0),
        ("wamp_sessions_total", 1),
        ("wamp_violations_total", 0),
        ("wamp_refused_connections_total{reason=\"full\"}", 0),
    ] {
        assert_eq!(value(metrics, name), expected, "{name} in {metrics}");
    }
    assert!(value(metrics, "wamp_messages_received_total") >= 5, "{metrics}");
    assert!(value(metrics, "wamp_received_bytes_total") > value(metrics, "wamp_messages_received_total"));
    assert!(value(metrics, "wamp_sent_bytes_total") > value(metrics, "wamp_messages_sent_total"));
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(metrics.contains(&format!("# HELP {name} ")) && metrics.contains(&format!("# TYPE {name} ")));
    }

    assert!(get(&kit, router, "/healthz").await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(&kit, router, "/readyz?verbose").await.ends_with("\r\n\r\nready\n"));
    stage.within(router.shutdown()).await;
    assert!(get(&kit, router, "/healthz").await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(&kit, router, "/readyz").await.starts_with("HTTP/1.1 503 "));
}

/// Bad requests are answered, and are nobody else's trouble.
pub(super) async fn requests_that_are_none(kit: Kit) {
    let router = kit.start(RouterSettings::on(Transport::Tcp).http()).await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000));
    for (request, answer) in [
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "),
        ("GET /metrics/x HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "),
        (
            "POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n",
        ),
        ("GET", ""),
        ("", ""),
        ("\u{7F}\u{1}", "HTTP/1.1 400 "),
        ("GET /metrics HTTP/1.1\r\nno header\r\n\r\n", "HTTP/1.1 400 "),
        (&long, "HTTP/1.1 431 "),
    ] {
        let heard = ask(&kit, &*router, request).await;
        assert!(heard.starts_with(answer) && heard.is_empty() == answer.is_empty(), "{request:?}: {heard}");
    }
    // Those who say nothing are many, and others are answered all the same once they are gone.
    let address = router.http().unwrap().to_string();
    let silent = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect::<Vec<_>>();
    drop(silent);
    let answered = async { while !get(&kit, &*router, "/readyz").await.ends_with("ready\n") {} };
    kit.within(answered).await;
    let none = kit.start(RouterSettings::on(Transport::Tcp)).await;
    assert!(none.http().is_none());
}
