//! The programs of the chapter about tests, which are tests.

use std::time::Duration;

use wamp_blocking::{ReconnectPolicy, Wait as _};
use wamp_test::{
    Client, Crossbar, Faults, MessageKind, Router, blocking, eventually, eventually_async, tokio::Network,
    users,
};

#[wamp_test::test]
async fn adds(router: Router, callee: Client, caller: Client) {
    callee.register("com.example.add", |a: i64, b: i64| async move { Ok(a + b) }).await.unwrap();
    router.wait_for_registrations(1).await;
    assert_eq!(caller.call("com.example.add").args((2, 3)).value::<i64>().await.unwrap(), 5);
}

#[wamp_test::test]
fn adds_on_threads(client: blocking::Client) {
    client.register("com.example.add", |a: i64, b: i64| Ok(a + b)).wait().unwrap();
    assert_eq!(client.call("com.example.add").args((2, 3)).value::<i64>().wait().unwrap(), 5);
}

#[wamp_test::test(router = Router::static_auth())]
async fn knows_joe(router: Router) {
    let client = router.connect::<Network>().auth(users::cra()).await.unwrap();
    assert_eq!(client.welcome().authrole.as_deref(), Some("user"));
    assert!(router.connect::<Network>().await.is_err(), "nobody is anonymous here");
}

#[wamp_test::test(router = Router::with(|builder| builder.realm("com.example.test")))]
async fn in_another_realm(router: Router) {
    router.connect::<Network>().realm("com.example.test").await.unwrap();
}

#[wamp_test::test]
async fn says_what_it_does(client: Client) {
    client.publish("com.example.alarm").args((7,)).acknowledge().await.unwrap();
    client.assert_sent(MessageKind::Publish, r#""com.example.alarm",[7]"#);
    let published = client.wait_for_received(MessageKind::Published, "").await;
    assert!(published.json().unwrap().starts_with("[17,"));
}

#[wamp_test::test]
async fn becomes_ready(router: Router, client: Client) {
    let service = client.handle();
    let start = std::thread::spawn(move || {
        service.register("com.example.ready", || async { Ok("yes") }).wait().unwrap();
    });
    let ask = async || client.call("com.example.ready").value::<String>().await;
    assert_eq!(eventually_async(ask).await, "yes");
    eventually(|| start.is_finished()).within(Duration::from_secs(1)).await;
    assert_eq!(router.counts().registrations, 1);
}

#[wamp_test::test]
async fn comes_back(router: Router, faults: Faults) {
    let client = faults.connect::<Network>().reconnect(ReconnectPolicy::default()).await.unwrap();
    let first = client.session();
    // Connections are reset; new ones have no fault.
    faults.kill();
    eventually(|| client.session() != first).await;
    // The router's process is killed, and comes back at the same port.
    router.kill();
    router.restart();
    router.wait_for_sessions(1).await;
}

#[test]
#[ignore = "it needs Crossbar"]
fn with_crossbar() {
    let crossbar = Crossbar::start(std::env::var("WAMP_CROSSBAR").unwrap()).unwrap();
    let client = wamp_blocking::connect(crossbar.ws_url()).wait().unwrap();
    assert!(client.call("com.example.add").wait().unwrap_err().is_no_such_procedure());
}

/// What the chapter shows is what runs here.
#[test]
fn the_chapter_shows_this_file() {
    let (chapter, file) = (include_str!("../../docs/testing.md"), include_str!("testing_chapter.rs"));
    let programs = chapter.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let programs = programs.collect::<Vec<_>>();
    assert!(programs.len() >= 5, "{} programs", programs.len());
    for program in programs {
        assert!(file.contains(program), "{program}");
    }
}
