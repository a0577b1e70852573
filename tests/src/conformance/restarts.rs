//! Routers that come and go, and the network between.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wamp_driver::{
    Client, ConnectError, Error, ErrorReply, FailureKind, Invocation, Lifecycle, LifecycleStream,
    ReconnectPolicy, Reply,
    proto::{Encoding, error::Closed},
};

use super::{Dial, Kit, RouterSettings, Transport, reconnect::next, tools::echo};
use crate::proxy::{Fault, Proxy};

/// It comes back as soon as it can.
fn fast() -> ReconnectPolicy {
    ReconnectPolicy::default().initial(Duration::from_millis(10)).cap(Duration::from_millis(50))
}

fn connect(kit: &Kit, url: &str, policy: ReconnectPolicy) -> Dial {
    kit.connect(url).serializers([Encoding::Cbor]).options(|set| set.reconnect = policy)
}

/// Sockets whose names nobody else takes while no router is there.
const PLACES: [Transport; 2] = [Transport::Unix, Transport::WsUnix];

async fn until(kit: &Kit, changes: &mut LifecycleStream, wanted: impl Fn(&Lifecycle) -> bool) -> Lifecycle {
    kit.within(async {
        loop {
            let change = changes.next().await.expect("it has not ended");
            if wanted(&change) {
                return change;
            }
        }
    })
    .await
}

fn is_restored(change: &Lifecycle) -> bool {
    matches!(change, Lifecycle::Restored { .. })
}

pub(super) async fn a_router_that_is_started_again(kit: Kit) {
    for place in PLACES {
        let url = place.listen().unwrap();
        let mut router = kit.start(RouterSettings::at(&url)).await;
        let client = kit.within(connect(&kit, &url, fast())).await.unwrap();
        let mut changes = client.lifecycle();
        client.register("t.echo", echo).await.unwrap();
        let mut events = client.subscribe("t.topic").await.unwrap();
        for round in 0..2 {
            kit.within(router.shutdown()).await;
            let lost = until(&kit, &mut changes, |change| matches!(change, Lifecycle::Lost { .. })).await;
            let Lifecycle::Lost { why: Closed::ByPeer { reason, .. } } = lost else { panic!("{lost:?}") };
            assert_eq!(reason, "wamp.close.system_shutdown");
            let failed = |change: &Lifecycle| matches!(change, Lifecycle::Retrying { kind, .. } if *kind == FailureKind::Unreachable);
            until(&kit, &mut changes, failed).await;
            // It removes its socket when it goes, not later.
            drop(router);
            router = kit.start(RouterSettings::at(&url)).await;
            until(&kit, &mut changes, is_restored).await;
            let counts = router.counts();
            assert_eq!((counts.sessions, counts.subscriptions, counts.registrations), (1, 1, 1));
            assert_eq!(kit.within(client.call("t.echo").args((round,)).value::<i64>()).await.unwrap(), round);
            kit.within(client.publish("t.topic").args((round,)).exclude_me(false)).await.unwrap();
            let event = kit.within(events.next()).await.unwrap();
            assert_eq!((event.value::<i64>().unwrap(), event.gap), (round, true));
        }
        kit.within(client.close()).await;
        kit.within(router.shutdown()).await;
    }
}

pub(super) async fn a_router_that_is_not_there_yet(kit: Kit) {
    let url = Transport::Unix.listen().unwrap();
    let alone = kit.within(connect(&kit, &url, ReconnectPolicy::never())).await.unwrap_err();
    assert!(matches!(alone, ConnectError::Io { .. }), "{alone:?}");
    let joined = kit.spawn(connect(&kit, &url, fast()).into_future());
    kit.sleep(Duration::from_millis(30)).await;
    let router = kit.start(RouterSettings::at(&url)).await;
    let client = kit.within(joined).await.unwrap();
    let first = client.lifecycle().next().await;
    assert!(matches!(first, Some(Lifecycle::Joined { resumed: false, .. })), "{first:?}");
    assert_eq!(router.counts().sessions, 1);
    // Whoever gives up on it leaves nothing behind.
    let elsewhere = Transport::Unix.listen().unwrap();
    assert!(kit.timeout(Duration::from_millis(30), connect(&kit, &elsewhere, fast())).await.is_none());
    let there = kit.start(RouterSettings::at(&elsewhere)).await;
    kit.sleep(Duration::from_millis(100)).await;
    assert_eq!(there.counts().connections, 0);
}

pub(super) async fn a_lazy_client(kit: Kit) {
    let url = Transport::WsUnix.listen().unwrap();
    let client = kit.within(connect(&kit, &url, fast()).options(|set| set.lazy = true)).await.unwrap();
    assert!(client.joined().is_none());
    let mut changes = client.lifecycle();
    // What is asked for before there is a router is there with the first session.
    client.register("t.echo", echo).await.unwrap();
    let mut events = client.subscribe("t.").prefix().await.unwrap();
    assert!(matches!(kit.within(client.call("t.echo")).await, Err(Error::Disconnected)));
    until(&kit, &mut changes, |change| matches!(change, Lifecycle::Retrying { .. })).await;
    let _router = kit.start(RouterSettings::at(&url)).await;
    let joined = until(&kit, &mut changes, |change| matches!(change, Lifecycle::Joined { .. })).await;
    let Lifecycle::Joined { session, resumed: false } = joined else { panic!("{joined:?}") };
    assert_eq!(client.joined().unwrap().session, session);
    let Lifecycle::Restored { subscriptions: 1, registrations: 1 } = next(&kit, &mut changes).await else {
        panic!()
    };
    assert_eq!(kit.within(client.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
    kit.within(client.publish("t.topic").exclude_me(false)).await.unwrap();
    assert!(!kit.within(events.next()).await.unwrap().gap, "nothing was missed");
}

pub(super) async fn waiting_for_a_connection(kit: Kit) {
    let url = Transport::Unix.listen().unwrap();
    let patient = |set: &mut wamp_driver::ClientOptions| (set.lazy, set.wait_for_connection) = (true, true);
    let client = kit.within(connect(&kit, &url, fast()).options(patient)).await.unwrap();
    let short = client.call("t.nobody").timeout(Duration::from_millis(20));
    assert!(matches!(kit.within(short).await, Err(Error::Disconnected)));
    let call = kit.spawn(client.call("t.nobody").into_future());
    let publish = kit.spawn(client.publish("t.topic").acknowledge().into_future());
    let _router = kit.start(RouterSettings::at(&url)).await;
    assert_eq!(kit.within(call).await.unwrap_err().uri().unwrap(), "wamp.error.no_such_procedure");
    assert!(kit.within(publish).await.unwrap().is_some());
    // One that waits is told when there will be none.
    let away = Transport::Unix.listen().unwrap();
    let lost = kit.within(connect(&kit, &away, fast()).options(patient)).await.unwrap();
    let mut call = lost.call("t.nobody").into_future();
    let begun =
        std::pin::Pin::new(&mut call).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(begun.is_pending());
    kit.within(lost.close()).await;
    assert!(matches!(kit.within(call).await, Err(Error::Closed(Closed::ByUs))));
}

pub(super) async fn giving_up(kit: Kit) {
    let url = Transport::Unix.listen().unwrap();
    let policy = fast().max_attempts(3);
    let error = kit.within(connect(&kit, &url, policy.clone())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io { .. }), "{error:?}");
    let client = kit.within(connect(&kit, &url, policy).options(|set| set.lazy = true)).await.unwrap();
    let mut changes = client.lifecycle();
    let mut events = client.subscribe("t.topic").await.unwrap();
    let mut seen = Vec::new();
    while let Some(change) = kit.within(changes.next()).await {
        seen.push(match change {
            Lifecycle::Connecting { attempt } => format!("connecting {attempt}"),
            Lifecycle::Retrying { attempt, kind, .. } => format!("retrying {attempt} {kind:?}"),
            Lifecycle::Closed { why: Closed::NotConnected { kind, .. } } => format!("closed {kind:?}"),
            other => panic!("{other:?}"),
        });
    }
    let life = [
        "connecting 1",
        "retrying 2 Unreachable",
        "connecting 2",
        "retrying 3 Unreachable",
        "connecting 3",
        "closed Unreachable",
    ];
    // The first of them may have been over before anybody looked.
    assert!(
        seen.len() >= 4 && life.ends_with(&seen.iter().map(String::as_str).collect::<Vec<_>>()),
        "{seen:?}"
    );
    assert!(kit.within(events.next()).await.is_none());
    assert!(matches!(
        kit.within(client.call("t.echo")).await,
        Err(Error::Closed(Closed::NotConnected { .. }))
    ));
}

/// A router behind a proxy, a callee that is not, and a client that is.
async fn behind(kit: &Kit, transport: Transport) -> (super::Stage, Proxy, Client, Client, LifecycleStream) {
    let stage = kit.stage(transport, Encoding::Cbor).await;
    let proxy = Proxy::new(stage.url().unwrap()).unwrap();
    let callee = stage.client().await;
    let client = connect(kit, proxy.url(), fast()).connect_timeout(Duration::from_millis(500));
    let client = kit.within(client).await.unwrap();
    let changes = client.lifecycle();
    (stage, proxy, callee, client, changes)
}

pub(super) async fn a_call_under_way_is_not_made_again(kit: Kit) {
    for transport in Transport::TCP {
        let (stage, proxy, callee, client, mut changes) = behind(&kit, transport).await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = calls.clone();
        let never = move |_: Invocation| {
            counter.fetch_add(1, Ordering::Relaxed);
            pending::<Result<Reply, ErrorReply>>()
        };
        callee.register("t.never", never).await.unwrap();
        let call = kit.spawn(client.call("t.never").into_future());
        let (mut sink, results) = kit.within(client.call("t.never").args((1,)).streaming()).await.unwrap();
        stage.settle(|counts| counts.calls == 2).await;
        kit.within(async {
            while calls.load(Ordering::Relaxed) < 2 {
                kit.sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        proxy.set(Fault::Reset);
        let lost = kit.within(call).await.unwrap_err();
        assert!(matches!(lost, Error::Lost(Closed::Lost(_))), "{lost:?}");
        assert!(lost.to_string().contains("not known whether"), "{lost}");
        proxy.set(Fault::None);
        until(&kit, &mut changes, |change| matches!(change, Lifecycle::Joined { resumed: true, .. })).await;
        // What belongs to the old session does nothing in the new one.
        assert!(matches!(kit.within(sink.send((2,))).await, Err(Error::Lost(_))));
        assert!(matches!(kit.within(results.result()).await, Err(Error::Lost(_))));
        let nobody = kit.within(client.call("t.nobody")).await.unwrap_err();
        assert_eq!(nobody.uri().unwrap(), "wamp.error.no_such_procedure");
        stage.settle(|counts| (counts.calls, counts.sessions) == (0, 2)).await;
        assert_eq!(calls.load(Ordering::Relaxed), 2, "none was made again");
    }
}

pub(super) async fn connections_that_are_cut_again_and_again(kit: Kit) {
    for transport in Transport::TCP {
        let (stage, proxy, publisher, client, mut changes) = behind(&kit, transport).await;
        let mut events = client.subscribe("t.topic").await.unwrap();
        client.register("t.echo", echo).await.unwrap();
        let mut sent = 0;
        for fault in [Fault::CutAfter(0), Fault::Reset, Fault::Truncate, Fault::CutAfter(3)] {
            proxy.set(fault);
            // Something has to pass for most of them.
            let _ = kit.timeout(Duration::from_millis(200), client.call("t.nobody")).await;
            until(&kit, &mut changes, |change| matches!(change, Lifecycle::Retrying { .. })).await;
            proxy.set(Fault::None);
            until(&kit, &mut changes, is_restored).await;
            stage
                .settle(|counts| (counts.sessions, counts.subscriptions, counts.registrations) == (2, 1, 1))
                .await;
            for _ in 0..5 {
                publisher.publish("t.topic").args((sent,)).acknowledge().await.unwrap();
                let event = kit.within(events.next()).await.unwrap();
                assert_eq!(
                    (event.value::<i64>().unwrap(), event.gap),
                    (sent, sent % 5 == 0),
                    "after {fault:?}"
                );
                sent += 1;
            }
            assert_eq!(kit.within(publisher.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
        }
        kit.within(client.close()).await;
        assert!(kit.within(events.next()).await.is_none(), "none came twice");
    }
}

pub(super) async fn a_black_hole_while_connecting(kit: Kit) {
    let (_stage, proxy, _callee, client, mut changes) = behind(&kit, Transport::Ws).await;
    proxy.set(Fault::Reset);
    until(&kit, &mut changes, |change| matches!(change, Lifecycle::Lost { .. })).await;
    proxy.set(Fault::BlackHole);
    let timed_out = |change: &Lifecycle| matches!(change, Lifecycle::Retrying { kind, .. } if *kind == FailureKind::Timeout);
    until(&kit, &mut changes, timed_out).await;
    proxy.set(Fault::None);
    until(&kit, &mut changes, |change| matches!(change, Lifecycle::Joined { .. })).await;
    // An attempt that is under way is ended too.
    proxy.set(Fault::Reset);
    until(&kit, &mut changes, |change| matches!(change, Lifecycle::Retrying { .. })).await;
    proxy.set(Fault::BlackHole);
    until(&kit, &mut changes, |change| matches!(change, Lifecycle::Connecting { .. })).await;
    assert_eq!(kit.within(client.close()).await, Closed::ByUs);
}
