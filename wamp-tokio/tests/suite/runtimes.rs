//! What happens when a runtime ends under a client or a router.

use std::future::{IntoFuture, pending};

use futures_util::future::join_all;
use wamp_tokio::{Client, Error, ErrorReply, Event, Router, proto::error::Closed};

use crate::harness::{run, within};

/// Everything that a handle can do, after the end of the session.
async fn is_closed(client: &Client) {
    assert!(matches!(within(client.call("t.echo")).await, Err(Error::Closed(_))));
    assert!(matches!(within(client.publish("t.topic")).await, Err(Error::Closed(_))));
    assert!(matches!(within(client.publish("t.topic").acknowledge()).await, Err(Error::Closed(_))));
    assert!(matches!(within(client.subscribe("t.topic")).await, Err(Error::Closed(_))));
    let handled = client.subscribe("t.topic").handle(|_: Event| async {});
    assert!(matches!(within(handled).await, Err(Error::Closed(_))));
    let registered = within(client.register("t.echo", || async { Ok(()) })).await;
    assert!(matches!(registered, Err(Error::Closed(_))));
}

/// Calls that nobody answers; gives them once they are all under way.
async fn calls(callee: &Client, caller: &Client) -> Vec<tokio::task::JoinHandle<Result<(), Error>>> {
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    callee
        .register("t.never", move || {
            let _ = started.send(());
            pending::<Result<(), ErrorReply>>()
        })
        .await
        .unwrap();
    let calls = (0..20).map(|_| tokio::spawn(caller.call("t.never").value::<()>())).collect();
    for _ in 0..20 {
        within(starts.recv()).await.unwrap();
    }
    calls
}

/// A router in a runtime of its own, which is then stopped without a word.
#[test]
fn a_router_that_is_killed_is_noticed() {
    run(async {
        for url in ["ws://127.0.0.1:0", "tcp://127.0.0.1:0"] {
            let server =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let router =
                server.spawn(async move { Router::builder().listen(url).await.unwrap() }).await.unwrap();
            let url = router.url().unwrap();
            let connect = || wamp_tokio::connect(&url).into_future();
            let (callee, caller) = (connect().await.unwrap(), connect().await.unwrap());
            let calls = calls(&callee, &caller).await;
            server.shutdown_background();
            for client in [&callee, &caller] {
                let why = within(client.closed()).await;
                assert!(matches!(why, Closed::Lost(_)), "{why:?}");
                is_closed(client).await;
            }
            for call in within(join_all(calls)).await {
                assert!(matches!(call.unwrap(), Err(Error::Closed(Closed::Lost(_)))));
            }
            drop(router);
        }
    });
}

/// The client's own runtime is stopped: nobody who waits elsewhere hangs.
#[test]
fn a_client_whose_pump_is_gone_is_closed() {
    run(async {
        let router = Router::builder().listen("tcp://127.0.0.1:0").await.unwrap();
        let url = router.url().unwrap();
        let other =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let connect = wamp_tokio::connect(&url).into_future();
        let client = other.spawn(connect).await.unwrap().unwrap();
        let call = tokio::spawn(client.call("t.nobody").into_future());
        other.shutdown_background();
        let why = within(client.closed()).await;
        assert!(matches!(why, Closed::Lost(_)), "{why:?}");
        assert!(within(call).await.unwrap().is_err());
        is_closed(&client).await;
        crate::harness::settle(&router, |counts| counts.connections == 0).await;
    });
}
