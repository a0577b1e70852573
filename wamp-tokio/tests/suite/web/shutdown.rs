//! The end of a web server, and of the router in it.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use wamp_tokio::{Router, proto::error::Closed};

use super::{Site, ask, offer, upgrade};
use crate::harness::{run, within};

fn is_told(why: &Closed) -> bool {
    matches!(why, Closed::ByPeer { reason, .. } if *reason == "wamp.close.system_shutdown")
}

/// S-100: the web server stops in order and waits for no WebSocket; then the router says GOODBYE, waits for those who answer,
/// and for those who do not for a bounded time.
#[test]
fn sessions_are_told_when_the_web_server_has_stopped() {
    run(async {
        let site = Site::start(Router::builder(), "web").await;
        let client = within(wamp_tokio::connect(&site.url())).await.unwrap();
        let (mut mute, answer) = ask(site.address, &upgrade(&offer("wamp.2.json"))).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        drop(site.stop);
        within(site.served).await.unwrap().unwrap();
        // Requests of sessions are answered until the router stops.
        assert!(within(client.call("t.nobody")).await.unwrap_err().is_no_such_procedure());
        let (closed, ()) = within(async { tokio::join!(client.closed(), site.router.shutdown()) }).await;
        assert!(is_told(&closed), "{closed:?}");
        assert_eq!(site.router.counts().connections, 0);
        within(mute.read_to_end(&mut Vec::new())).await.unwrap();
    });
}

/// The other way round: the router first. Pages are still served; new WebSockets are turned away.
#[test]
fn a_router_that_has_stopped_lets_nobody_in() {
    run(async {
        let site = Site::start(Router::builder(), "web").await;
        let client = within(wamp_tokio::connect(&site.url())).await.unwrap();
        within(site.router.shutdown()).await;
        assert!(is_told(&within(client.closed()).await));
        let (_, answer) = ask(site.address, &upgrade(&offer("wamp.2.json"))).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        let (_, page) = ask(site.address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        drop(site.stop);
        within(site.served).await.unwrap().unwrap();
    });
}

/// Whoever forgets the router has none.
#[test]
fn a_router_that_is_dropped_says_goodbye() {
    run(async {
        let Site { router, address, stop: _stop, .. } = Site::start(Router::builder(), "web").await;
        let client = within(wamp_tokio::connect(&format!("ws://{address}/ws"))).await.unwrap();
        drop(router);
        assert!(is_told(&within(client.closed()).await));
        let connect = wamp_tokio::connect(&format!("ws://{address}/ws"));
        assert!(within(connect.connect_timeout(Duration::from_secs(5))).await.is_err());
    });
}
