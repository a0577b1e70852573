//! How sessions end.

use std::{
    future::{IntoFuture, pending},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures_channel::mpsc;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{join_all, join3},
};
use wamp_driver::{
    Client, ConnectError, Error, ErrorReply,
    proto::{Encoding, error::Closed, router::Counts},
};

use super::{
    Kit, Stage, Task,
    tools::{echo, poll_once},
};

pub(super) async fn closing_twice_is_closing_once(stage: Stage) {
    let client = stage.client().await;
    let other = client.clone();
    let (first, second, third) = stage.within(join3(client.close(), other.close(), client.closed())).await;
    assert_eq!((first, second, third), (Closed::ByUs, Closed::ByUs, Closed::ByUs));
    assert_eq!(stage.within(client.close()).await, Closed::ByUs);
    assert_eq!(client.close_reason(), Some(Closed::ByUs));
    stage.settle(|counts| counts.connections == 0).await;
}

/// Everything that a handle can do, after the end of the session.
async fn is_closed(kit: &Kit, client: &Client) {
    assert!(matches!(kit.within(client.call("t.echo")).await, Err(Error::Closed(_))));
    assert!(matches!(kit.within(client.publish("t.topic")).await, Err(Error::Closed(_))));
    assert!(matches!(kit.within(client.publish("t.topic").acknowledge()).await, Err(Error::Closed(_))));
    assert!(matches!(kit.within(client.subscribe("t.topic")).await, Err(Error::Closed(_))));
    let handled = client.subscribe("t.topic").handle(|_| async {});
    assert!(matches!(kit.within(handled).await, Err(Error::Closed(_))));
    let registered = kit.within(client.register("t.echo", || async { Ok(()) })).await;
    assert!(matches!(registered, Err(Error::Closed(_))));
}

pub(super) async fn a_handle_of_an_ended_session_says_so(stage: Stage) {
    let client = stage.client().await;
    let registration = client.register("t.echo", || async { Ok(()) }).await.unwrap();
    let events = client.subscribe("t.topic").await.unwrap();
    stage.within(client.close()).await;
    is_closed(&stage, &client).await;
    assert!(matches!(stage.within(registration.unregister()).await, Err(Error::Closed(_))));
    stage.within(events.unsubscribe()).await.unwrap();
}

/// Calls that nobody answers; gives them once they are all under way.
async fn calls(kit: &Kit, callee: &Client, caller: &Client) -> Vec<Task<Result<(), Error>>> {
    let (started, mut starts) = mpsc::unbounded();
    callee
        .register("t.never", move || {
            let _ = started.unbounded_send(());
            pending::<Result<(), ErrorReply>>()
        })
        .await
        .unwrap();
    let calls = (0..20).map(|_| kit.spawn(caller.call("t.never").value::<()>())).collect();
    for _ in 0..20 {
        kit.within(starts.next()).await.unwrap();
    }
    calls
}

pub(super) async fn closing_fails_all_that_is_under_way(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let calls = calls(&stage, &callee, &caller).await;
    assert_eq!(stage.within(caller.close()).await, Closed::ByUs);
    for call in stage.within(join_all(calls)).await {
        assert!(matches!(call, Err(Error::Closed(Closed::ByUs))));
    }
    stage.settle(|counts| counts.calls == 0 && counts.sessions == 1).await;
}

pub(super) async fn the_last_handle_closes_the_session(stage: Stage) {
    let client = stage.client().await;
    let events = client.subscribe("t.topic").await.unwrap();
    let registration = client.register("t.echo", || async { Ok(()) }).await.unwrap();
    drop((client.clone(), client));
    drop(registration);
    stage.holds(|counts| counts.sessions == 1);
    drop(events);
    stage.settle(|counts| counts.connections == 0 && counts.sessions == 0).await;
}

pub(super) async fn a_call_under_way_keeps_its_session(stage: Stage) {
    let client = stage.client().await;
    client.register("t.echo", echo).await.unwrap();
    let call = client.call("t.echo").args((1,)).value::<i64>();
    drop(client);
    assert_eq!(stage.within(call).await.unwrap(), 1);
    stage.settle(|counts| counts.connections == 0).await;
}

pub(super) async fn a_router_that_shuts_down_says_goodbye(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let calls = calls(&stage, &callee, &caller).await;
    let mut events = caller.subscribe("t.topic").await.unwrap();
    stage.shut_down().await;
    for client in [&callee, &caller] {
        let why = stage.within(client.closed()).await;
        let Closed::ByPeer { reason, .. } = why else { panic!("{why:?}") };
        assert_eq!(reason, "wamp.close.system_shutdown");
        is_closed(&stage, client).await;
    }
    // A router that leaves first takes the callee away: that is an error, or the end.
    for call in stage.within(join_all(calls)).await {
        call.unwrap_err();
    }
    assert!(stage.within(events.next()).await.is_none());
    stage.holds(holds_nothing);
    match (stage.url(), stage.within(stage.connect()).await) {
        (Some(_), Err(ConnectError::Io { .. })) => {}
        // Another router may have taken the port since.
        (Some(_), Ok(_)) => stage.holds(holds_nothing),
        (None, Err(ConnectError::Join(Closed::Aborted { .. }))) => {}
        (_, other) => panic!("{other:?}"),
    }
}

/// A router in a process of its own, which is killed while calls are under way: for tests that can start such a process.
///
/// # Panics
///
/// When anything hangs, or says that the session has ended in order.
pub async fn a_router_that_is_killed_is_noticed(kit: &Kit, url: &str, kill: impl FnOnce()) {
    let (callee, caller) = (kit.connect(url).await.unwrap(), kit.connect(url).await.unwrap());
    let calls = calls(kit, &callee, &caller).await;
    kill();
    for client in [&callee, &caller] {
        let why = kit.within(client.closed()).await;
        assert!(matches!(why, Closed::Lost(_)), "{why:?}");
        is_closed(kit, client).await;
    }
    for call in kit.within(join_all(calls)).await {
        assert!(matches!(call, Err(Error::Closed(Closed::Lost(_)))));
    }
}

pub(super) async fn a_join_that_is_refused_says_why(stage: Stage) {
    let refused = stage.within(stage.connect().realm("t.nowhere")).await.unwrap_err();
    let ConnectError::Join(Closed::Aborted { reason, message, joined: false }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reason, "wamp.error.no_such_realm");
    assert!(message.unwrap().contains("t.nowhere"));
    assert!(matches!(stage.within(stage.connect().realm("not a uri")).await, Err(ConnectError::Realm(_))));
    stage.settle(|counts| counts.connections == 0).await;
}

pub(super) async fn a_dropped_connect_leaves_nothing_behind(stage: Stage) {
    for millis in 0..10 {
        let connect = stage.connect().into_future();
        let _ = stage.timeout(Duration::from_millis(millis), connect).await;
    }
    stage.settle(|counts| counts.connections == 0).await;
}

pub(super) async fn nobody_there(kit: Kit) {
    for (url, why) in [
        ("ws://127.0.0.1:1", "cannot connect"),
        ("tcp://localhost:1", "cannot connect"),
        ("unix:///nowhere/at/all", "cannot connect"),
        ("http://localhost", "scheme"),
    ] {
        let error = kit.within(kit.connect(url)).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

pub(super) async fn serializers_are_negotiated(stage: Stage) {
    let every = [stage.encoding(), Encoding::Json, Encoding::MessagePack];
    let client = stage.connect().serializers(every).await.unwrap();
    assert_eq!(client.encoding(), stage.encoding());
    let none: [Encoding; 0] = [];
    assert!(stage.within(stage.connect().serializers(none)).await.is_err());
}

/// A waker that uses the client in the very moment in which it is woken.
struct Reentrant {
    client: Client,
    woken: AtomicUsize,
}

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::Relaxed);
        let mut publish = self.client.publish("t.topic").into_future();
        let _ = poll_once(&mut publish);
        let _ = self.client.close_reason();
    }
}

pub(super) async fn nobody_is_woken_under_the_lock(stage: Stage) {
    let client = stage.client().await;
    client.register("t.never", pending::<Result<(), ErrorReply>>).await.unwrap();
    let reentrant = Arc::new(Reentrant { client: client.clone(), woken: AtomicUsize::new(0) });
    let waker = Waker::from(reentrant.clone());
    let mut events = client.subscribe("t.topic").await.unwrap();
    let mut call = client.call("t.never").into_future();
    let mut closed = client.closed();
    {
        let mut context = Context::from_waker(&waker);
        assert!(call.poll_unpin(&mut context).is_pending());
        assert!(events.next().poll_unpin(&mut context).is_pending());
        assert!(closed.poll_unpin(&mut context).is_pending());
    }
    stage.within(client.publish("t.topic").exclude_me(false).acknowledge()).await.unwrap();
    stage.within(client.close()).await;
    assert!(reentrant.woken.load(Ordering::Relaxed) >= 2);
    assert!(poll_once(&mut call).is_ready() && poll_once(&mut closed).is_ready());
}

/// Whatever has happened.
fn holds_nothing(counts: &Counts) -> bool {
    let mut nothing = Counts::default();
    nothing.totals = counts.totals;
    *counts == nothing
}
