//! How sessions end.

use std::{
    future::{IntoFuture, pending},
    time::Duration,
};

use futures_util::future::join_all;
use wamp_tokio::{
    Client, ConnectError, Error, ErrorReply, Router,
    proto::{Encoding, error::Closed},
};

use crate::harness::{everywhere, over_sockets, run, within};

#[test]
fn closing_twice_is_closing_once() {
    everywhere(|world| async move {
        let client = world.client().await;
        let other = client.clone();
        let (first, second, third) =
            within(async { tokio::join!(client.close(), other.close(), client.closed()) }).await;
        assert_eq!((first, second, third), (Closed::ByUs, Closed::ByUs, Closed::ByUs));
        assert_eq!(within(client.close()).await, Closed::ByUs);
        assert_eq!(client.close_reason(), Some(Closed::ByUs));
        world.settle(|counts| counts.connections == 0).await;
    });
}

/// Everything that a handle can do, after the end of the session.
async fn is_closed(client: &Client) {
    assert!(matches!(within(client.call("t.echo")).await, Err(Error::Closed(_))));
    assert!(matches!(within(client.publish("t.topic")).await, Err(Error::Closed(_))));
    assert!(matches!(within(client.publish("t.topic").acknowledge()).await, Err(Error::Closed(_))));
    assert!(matches!(within(client.subscribe("t.topic")).await, Err(Error::Closed(_))));
    let handled = client.subscribe("t.topic").handle(|_| async {});
    assert!(matches!(within(handled).await, Err(Error::Closed(_))));
    let registered = within(client.register("t.echo", || async { Ok(()) })).await;
    assert!(matches!(registered, Err(Error::Closed(_))));
}

#[test]
fn a_handle_of_an_ended_session_says_so() {
    everywhere(|world| async move {
        let client = world.client().await;
        let registration = client.register("t.echo", || async { Ok(()) }).await.unwrap();
        let events = client.subscribe("t.topic").await.unwrap();
        within(client.close()).await;
        is_closed(&client).await;
        assert!(matches!(within(registration.unregister()).await, Err(Error::Closed(_))));
        within(events.unsubscribe()).await.unwrap();
    });
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

#[test]
fn closing_fails_all_that_is_under_way() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let calls = calls(&callee, &caller).await;
        assert_eq!(within(caller.close()).await, Closed::ByUs);
        for call in within(join_all(calls)).await {
            assert!(matches!(call.unwrap(), Err(Error::Closed(Closed::ByUs))));
        }
        world.settle(|counts| counts.calls == 0 && counts.sessions == 1).await;
    });
}

#[test]
fn the_last_handle_closes_the_session() {
    everywhere(|world| async move {
        let client = world.client().await;
        let events = client.subscribe("t.topic").await.unwrap();
        let registration = client.register("t.echo", || async { Ok(()) }).await.unwrap();
        drop((client.clone(), client));
        drop(registration);
        assert_eq!(world.router.counts().sessions, 1);
        drop(events);
        world.settle(|counts| counts.connections == 0 && counts.sessions == 0).await;
    });
}

#[test]
fn a_call_under_way_keeps_its_session() {
    everywhere(|world| async move {
        let client = world.client().await;
        client.register("t.echo", crate::harness::echo).await.unwrap();
        let call = client.call("t.echo").args((1,)).value::<i64>();
        drop(client);
        assert_eq!(within(call).await.unwrap(), 1);
        world.settle(|counts| counts.connections == 0).await;
    });
}

#[test]
fn a_router_that_shuts_down_says_goodbye() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let calls = calls(&callee, &caller).await;
        let mut events = caller.subscribe("t.topic").await.unwrap();
        within(world.router.shutdown()).await;
        for client in [&callee, &caller] {
            let why = within(client.closed()).await;
            let Closed::ByPeer { reason, .. } = why else { panic!("{why:?}") };
            assert_eq!(reason, "wamp.close.system_shutdown");
            is_closed(client).await;
        }
        // A router that leaves first takes the callee away: that is an error, or the end.
        for call in within(join_all(calls)).await {
            call.unwrap().unwrap_err();
        }
        assert!(within(events.next()).await.is_none());
        assert_eq!(world.router.counts(), wamp_tokio::proto::router::Counts::default());
        let refused = within(world.connect()).await.unwrap_err();
        match world.router.url() {
            Some(_) => assert!(matches!(refused, ConnectError::Io { .. }), "{refused}"),
            None => assert!(matches!(refused, ConnectError::Join(Closed::Aborted { .. })), "{refused}"),
        }
    });
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

#[test]
fn a_join_that_is_refused_says_why() {
    everywhere(|world| async move {
        let refused = within(world.connect().realm("t.nowhere")).await.unwrap_err();
        let ConnectError::Join(Closed::Aborted { reason, message, joined: false }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(reason, "wamp.error.no_such_realm");
        assert!(message.unwrap().contains("t.nowhere"));
        assert!(matches!(within(world.connect().realm("not a uri")).await, Err(ConnectError::Realm(_))));
        world.settle(|counts| counts.connections == 0).await;
    });
}

#[test]
fn a_dropped_connect_leaves_nothing_behind() {
    over_sockets(|world| async move {
        for millis in 0..10 {
            let connect = world.connect().into_future();
            let _ = tokio::time::timeout(Duration::from_millis(millis), connect).await;
        }
        world.settle(|counts| counts.connections == 0).await;
    });
}

#[test]
fn nobody_there() {
    run(async {
        for (url, why) in [
            ("ws://127.0.0.1:1", "cannot connect"),
            ("unix:///nowhere/at/all", "cannot connect"),
            ("http://localhost", "scheme"),
        ] {
            let error = within(wamp_tokio::connect(url)).await.unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    });
}

#[test]
fn serializers_are_negotiated() {
    over_sockets(|world| async move {
        let every = [world.encoding, Encoding::Json, Encoding::MessagePack];
        let client = world.connect().serializers(every).await.unwrap();
        assert_eq!(client.encoding(), world.encoding);
        let none: [Encoding; 0] = [];
        assert!(within(world.connect().serializers(none)).await.is_err());
    });
}
