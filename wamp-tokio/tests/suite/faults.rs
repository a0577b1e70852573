//! Every fault of the network over every transport: nothing hangs, and nobody else notices.

use std::{future::IntoFuture, time::Duration};

use futures_util::future::join_all;
use wamp_tokio::{
    Client, Error, Router,
    proto::{Encoding, error::Closed},
};

use crate::{
    harness::{echo, run, settle, within},
    proxy::{Fault, Proxy},
};

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It goes on; everything is answered.
    Lives,
    /// It is lost, and both ends find out by themselves.
    Lost,
    /// Neither end can find out before it wants something: its calls time out.
    Silent,
}

const FAULTS: [(Fault, Fate); 9] = [
    (Fault::Delay(Duration::from_millis(20)), Fate::Lives),
    (Fault::Slices, Fate::Lives),
    (Fault::SlowRead, Fate::Lives),
    // At once, within a header, within a frame, and between later ones.
    (Fault::CutAfter(0), Fate::Lost),
    (Fault::CutAfter(3), Fate::Lost),
    (Fault::CutAfter(40), Fate::Lost),
    (Fault::CutAfter(1_000), Fate::Lost),
    (Fault::Reset, Fate::Lost),
    (Fault::BlackHole, Fate::Silent),
];

#[test]
fn faults_over_websocket() {
    matrix("ws://127.0.0.1:0");
}

#[test]
fn faults_over_rawsocket() {
    matrix("tcp://127.0.0.1:0");
}

fn matrix(url: &'static str) {
    run(async {
        let cases = FAULTS.map(|(fault, fate)| (fault, tokio::spawn(case(url, fault, fate))));
        for (fault, case) in cases {
            let ended = within(case).await;
            assert!(ended.is_ok(), "{fault:?}: {ended:?}");
        }
    });
}

async fn case(url: &str, fault: Fault, fate: Fate) {
    let router = Router::builder()
        .listen(url)
        .config(|config| config.stall_timeout = Duration::from_secs(1))
        .await
        .unwrap();
    let url = router.url().unwrap();
    let port = url.trim_end_matches("/ws").rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::new(port).await;
    let healthy = wamp_tokio::connect(&url).await.unwrap();
    healthy.register("t.echo", echo).await.unwrap();
    let connect = wamp_tokio::connect(&proxy.url(&url)).serializers([Encoding::Json]);
    let time = if fate == Fate::Silent { 1 } else { 9 };
    let client = connect.request_timeout(Duration::from_secs(time)).await.unwrap();
    let mut events = client.subscribe("t.topic").await.unwrap();
    proxy.set(fault);
    let results = within(calls(&client)).await;
    check(&client, &results, fate).await;
    // The healthy session does not notice.
    assert_eq!(within(healthy.call("t.echo").args((7,)).value::<i64>()).await.unwrap(), 7);
    assert!(healthy.close_reason().is_none());
    within(client.close()).await;
    while within(events.next()).await.is_some() {}
    if fate == Fate::Silent {
        // To the router, the client is only silent; what it does not take ends it.
        let text = "x".repeat(100_000);
        while router.counts().sessions > 1 {
            within(healthy.publish("t.topic").args((&text,)).acknowledge()).await.unwrap();
        }
    }
    settle(&router, |counts| counts.sessions == 1 && counts.connections == 1 && counts.calls == 0).await;
}

/// Twenty calls at once, of 200 bytes each.
async fn calls(client: &Client) -> Vec<Result<String, Error>> {
    let text = "x".repeat(200);
    let call = || client.call("t.echo").args((&text,)).value().into_future();
    join_all((0..20).map(|_| call())).await
}

async fn check(client: &Client, results: &[Result<String, Error>], fate: Fate) {
    match fate {
        Fate::Lives => assert!(results.iter().all(Result::is_ok), "{results:?}"),
        Fate::Silent => {
            assert!(results.iter().all(|result| matches!(result, Err(Error::Timeout))), "{results:?}");
        }
        Fate::Lost => {
            let lost = |result: &Result<String, Error>| matches!(result, Err(Error::Closed(Closed::Lost(_))));
            assert!(results.iter().all(|result| result.is_ok() || lost(result)), "{results:?}");
            assert!(matches!(within(client.closed()).await, Closed::Lost(_)));
        }
    }
}
