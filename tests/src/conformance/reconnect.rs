//! A client that outlives its sessions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wamp_driver::{
    Client, ConnectError, Error, Event, FailureKind, Intent, InvocationPolicy, KillReason, Lifecycle,
    LifecycleStream, ReconnectPolicy, Subscription, proto::error::Closed,
};

use super::{Kit, Stage, tools::echo};

/// It stays away until it is told to come back; every session counts as a stable one.
fn patient() -> ReconnectPolicy {
    let hour = Duration::from_secs(3600);
    ReconnectPolicy::default().initial(hour).cap(hour).stable_after(Duration::ZERO)
}

/// A client that has joined, and its life from there.
async fn client(stage: &Stage, policy: ReconnectPolicy) -> (Client, LifecycleStream) {
    let client = stage.within(stage.connect().options(|set| set.reconnect = policy)).await.unwrap();
    let mut changes = client.lifecycle();
    let Lifecycle::Joined { session, resumed: false } = next(stage, &mut changes).await else { panic!() };
    assert_eq!(session, client.session());
    (client, changes)
}

pub(super) async fn next(kit: &Kit, changes: &mut LifecycleStream) -> Lifecycle {
    kit.within(changes.next()).await.expect("it has not ended")
}

/// Ends the client's session at the router, and waits until the client knows.
async fn throw_out(stage: &Stage, client: &Client, changes: &mut LifecycleStream) {
    let other = stage.client().await;
    other.meta().sessions().kill(client.session(), KillReason::new("t.away", "")).await.unwrap();
    let Lifecycle::Lost { why: Closed::ByPeer { reason, .. } } = next(stage, changes).await else { panic!() };
    assert_eq!(reason, "t.away");
    let Lifecycle::Retrying { attempt: 1, kind, after, .. } = next(stage, changes).await else { panic!() };
    assert_eq!(kind, FailureKind::Dismissed);
    assert!(after > Duration::from_secs(1000));
    assert!(client.close_reason().is_none());
    stage.within(other.close()).await;
    stage.settle(|counts| counts.sessions == counts.connections).await;
}

/// Lets it come back; gives how much of what it had was restored.
async fn come_back(stage: &Stage, client: &Client, changes: &mut LifecycleStream) -> (usize, usize) {
    let before = client.session();
    client.reconnect_now();
    assert!(matches!(next(stage, changes).await, Lifecycle::Connecting { attempt: 1 }));
    let Lifecycle::Joined { session, resumed: true } = next(stage, changes).await else { panic!() };
    assert!(session != before && session == client.session());
    match next(stage, changes).await {
        Lifecycle::Restored { subscriptions, registrations } => (subscriptions, registrations),
        other => panic!("{other:?}"),
    }
}

async fn event(kit: &Kit, events: &mut Subscription) -> Event {
    kit.within(events.next()).await.expect("the stream goes on")
}

fn number(event: &Event) -> i64 {
    event.value().unwrap()
}

pub(super) async fn a_client_that_is_thrown_out_comes_back(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    let publisher = stage.client().await;
    let mut exact = client.subscribe("t.a.b").await.unwrap();
    let mut prefix = client.subscribe("t.a").prefix().await.unwrap();
    let mut wildcard = client.subscribe("t..b").wildcard().await.unwrap();
    let handled = Arc::new(AtomicUsize::new(0));
    let counter = handled.clone();
    let count = move |_: Event| {
        counter.fetch_add(1, Ordering::Relaxed);
        async {}
    };
    client.subscribe("t.a.b").handle(count).await.unwrap();
    let registration = client.register("t.echo", echo).await.unwrap();
    stage.holds(|counts| (counts.subscriptions, counts.registrations) == (3, 1));
    for round in 0..3 {
        throw_out(&stage, &client, &mut changes).await;
        stage.holds(|counts| (counts.subscriptions, counts.registrations) == (0, 0));
        // What is published now, nobody hears.
        publisher.publish("t.a.b").args((-1,)).acknowledge().await.unwrap();
        assert_eq!(come_back(&stage, &client, &mut changes).await, (3, 1));
        stage.holds(|counts| (counts.subscriptions, counts.registrations) == (3, 1));
        for index in 0..3 {
            publisher.publish("t.a.b").args((index,)).acknowledge().await.unwrap();
            for events in [&mut exact, &mut prefix, &mut wildcard] {
                let event = event(&stage, events).await;
                assert_eq!((number(&event), event.gap), (index, index == 0), "in round {round}");
                assert_eq!(event.subscription, events.id());
            }
        }
        assert_eq!(
            stage.within(publisher.call("t.echo").args((round,)).value::<i64>()).await.unwrap(),
            round
        );
    }
    let looked_up = publisher.meta().registrations().lookup("t.echo", wamp_driver::proto::Match::Exact);
    assert_eq!(looked_up.await.unwrap(), Some(registration.id()));
    stage
        .within(async {
            while handled.load(Ordering::Relaxed) < 9 {
                stage.sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    stage.within(exact.unsubscribe()).await.unwrap();
    stage.within(registration.unregister()).await.unwrap();
    stage.settle(|counts| (counts.subscriptions, counts.registrations) == (3, 0)).await;
    assert_eq!(stage.within(client.close()).await, Closed::ByUs);
    assert!(matches!(next(&stage, &mut changes).await, Lifecycle::Lost { why: Closed::ByUs }));
    assert!(matches!(next(&stage, &mut changes).await, Lifecycle::Closed { why: Closed::ByUs }));
    assert!(stage.within(changes.next()).await.is_none());
    assert!(stage.within(prefix.next()).await.is_none());
    stage.settle(|counts| counts.sessions == 1 && counts.subscriptions == 0).await;
    assert_eq!(handled.load(Ordering::Relaxed), 9, "none came twice");
}

pub(super) async fn registrations_keep_their_options(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    let caller = stage.client().await;
    client.register("t.a", echo).prefix().await.unwrap();
    client.register("t..z", echo).wildcard().await.unwrap();
    let shared = client.register("t.shared", echo).invoke(InvocationPolicy::RoundRobin).concurrency(1).await;
    let shared = shared.unwrap();
    throw_out(&stage, &client, &mut changes).await;
    // It is of another callee now, who shares it in the same way: any other would be refused.
    let other = stage.client().await;
    other.register("t.shared", echo).invoke(InvocationPolicy::RoundRobin).await.unwrap();
    assert_eq!(come_back(&stage, &client, &mut changes).await, (0, 3));
    for procedure in ["t.a.b", "t.b.z", "t.shared"] {
        let call = caller.call(procedure).args((1,)).value::<i64>();
        assert_eq!(stage.within(call).await.unwrap(), 1, "{procedure}");
    }
    let registrations = caller.meta().registrations();
    assert_eq!(registrations.count_callees(shared.id()).await.unwrap(), 2);
    assert_eq!(registrations.list().await.unwrap().prefix.len(), 1);
    assert_eq!(registrations.list().await.unwrap().wildcard.len(), 1);
}

pub(super) async fn what_changes_while_away_is_so_afterwards(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    let publisher = stage.client().await;
    let mut stays = client.subscribe("t.stays").await.unwrap();
    let dropped = client.subscribe("t.dropped").await.unwrap();
    let left = client.subscribe("t.left").await.unwrap();
    let ended = client.register("t.ended", echo).await.unwrap();
    throw_out(&stage, &client, &mut changes).await;
    drop(dropped);
    stage.within(left.unsubscribe()).await.unwrap();
    stage.within(ended.clone().unregister()).await.unwrap();
    assert!(matches!(stage.within(ended.unregister()).await, Err(Error::Misuse(_))), "once is enough");
    let mut fresh = stage.within(client.subscribe("t.fresh")).await.unwrap();
    drop(stage.within(client.subscribe("t.passing")).await.unwrap());
    let registered = stage.within(client.register("t.echo", echo)).await.unwrap();
    assert_eq!(come_back(&stage, &client, &mut changes).await, (2, 1));
    stage.holds(|counts| (counts.subscriptions, counts.registrations) == (2, 1));
    publisher.publish("t.stays").args((1,)).acknowledge().await.unwrap();
    publisher.publish("t.fresh").args((2,)).acknowledge().await.unwrap();
    let (stays, fresh) = (event(&stage, &mut stays).await, event(&stage, &mut fresh).await);
    assert_eq!((number(&stays), stays.gap), (1, true));
    assert_eq!((number(&fresh), fresh.gap), (2, false), "it has missed nothing");
    assert_eq!(stage.within(publisher.call("t.echo").args((3,)).value::<i64>()).await.unwrap(), 3);
    stage.within(registered.unregister()).await.unwrap();
    stage.settle(|counts| counts.registrations == 0).await;
}

pub(super) async fn retained_events_come_once(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    let publisher = stage.client().await;
    let retain = |value: i64| publisher.publish("t.kept").args((value,)).retain().acknowledge();
    retain(1).await.unwrap();
    let mut kept = client.subscribe("t.kept").get_retained().await.unwrap();
    let mut plain = client.subscribe("t.kept").await.unwrap();
    let first = event(&stage, &mut kept).await;
    assert_eq!((number(&first), first.details.retained), (1, true));
    // Nothing is new: what was retained is known.
    throw_out(&stage, &client, &mut changes).await;
    assert_eq!(come_back(&stage, &client, &mut changes).await, (1, 0));
    retain(2).await.unwrap();
    for events in [&mut kept, &mut plain] {
        let event = event(&stage, events).await;
        assert_eq!((number(&event), event.details.retained, event.gap), (2, false, true));
    }
    // The one that was missed is caught up with, by the stream that wants it.
    throw_out(&stage, &client, &mut changes).await;
    retain(3).await.unwrap();
    assert_eq!(come_back(&stage, &client, &mut changes).await, (1, 0));
    let missed = event(&stage, &mut kept).await;
    assert_eq!((number(&missed), missed.details.retained, missed.gap), (3, true, true));
    retain(4).await.unwrap();
    assert_eq!(number(&event(&stage, &mut kept).await), 4);
    assert_eq!(number(&event(&stage, &mut plain).await), 4);
}

pub(super) async fn requests_while_away(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    client.register("t.echo", echo).await.unwrap();
    throw_out(&stage, &client, &mut changes).await;
    let away = |error: Error| matches!(error, Error::Disconnected);
    assert!(away(stage.within(client.call("t.echo")).await.unwrap_err()));
    assert!(away(stage.within(client.call("t.echo").progressive()).await.unwrap_err()));
    assert!(away(stage.within(client.publish("t.topic")).await.unwrap_err()));
    assert!(away(stage.within(client.publish("t.topic").acknowledge()).await.unwrap_err()));
    assert!(matches!(client.state(), Lifecycle::Retrying { .. }));
    come_back(&stage, &client, &mut changes).await;
    assert!(matches!(client.state(), Lifecycle::Joined { resumed: true, .. }));
    assert_eq!(stage.within(client.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
    // While there is a session there is nothing to hurry.
    client.reconnect_now();
    assert_eq!(stage.within(client.call("t.echo").args((2,)).value::<i64>()).await.unwrap(), 2);
}

/// The session of before may still have it, as far as the router knows.
pub(super) async fn a_procedure_that_is_taken_is_asked_for_again(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    let rival = stage.client().await;
    client.register("t.echo", echo).await.unwrap();
    client.register("t.free", echo).await.unwrap();
    throw_out(&stage, &client, &mut changes).await;
    let taken = rival.register("t.echo", || async { Ok(0) }).await.unwrap();
    client.reconnect_now();
    while !matches!(next(&stage, &mut changes).await, Lifecycle::Joined { resumed: true, .. }) {}
    stage.settle(|counts| counts.registrations == 2).await;
    assert_eq!(stage.within(rival.call("t.echo").value::<i64>()).await.unwrap(), 0);
    stage.within(taken.unregister()).await.unwrap();
    let restored = loop {
        // It would ask by itself, in an hour.
        client.reconnect_now();
        if let Some(change) = stage.timeout(Duration::from_millis(20), changes.next()).await {
            break change.unwrap();
        }
    };
    assert!(matches!(restored, Lifecycle::Restored { subscriptions: 0, registrations: 2 }), "{restored:?}");
    assert_eq!(stage.within(rival.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
}

/// Waits until a handler is gone; there is no event to wait for.
async fn dropped(kit: &Kit, handler: &Arc<()>) {
    let gone = async {
        while Arc::strong_count(handler) > 1 {
            kit.sleep(Duration::from_millis(2)).await;
        }
    };
    kit.within(gone).await;
}

pub(super) async fn a_procedure_that_stays_taken_is_given_up(stage: Stage) {
    let policy = patient().restore_within(Duration::ZERO);
    let (client, mut changes) = client(&stage, policy).await;
    let rival = stage.client().await;
    let handler = Arc::new(());
    let held = handler.clone();
    let own = move || {
        let _held = held.clone();
        async { Ok(1) }
    };
    client.register("t.echo", own).await.unwrap();
    let mut events = client.subscribe("t.topic").await.unwrap();
    throw_out(&stage, &client, &mut changes).await;
    rival.register("t.echo", || async { Ok(0) }).await.unwrap();
    client.reconnect_now();
    while !matches!(next(&stage, &mut changes).await, Lifecycle::Joined { .. }) {}
    let Lifecycle::NotRestored { what, error } = next(&stage, &mut changes).await else { panic!() };
    assert_eq!(what, Intent::Registration { procedure: "t.echo".parse().unwrap() });
    assert_eq!(error.uri().unwrap(), "wamp.error.procedure_already_exists");
    let Lifecycle::Restored { subscriptions: 1, registrations: 0 } = next(&stage, &mut changes).await else {
        panic!()
    };
    dropped(&stage, &handler).await;
    rival.publish("t.topic").args((1,)).acknowledge().await.unwrap();
    assert_eq!(number(&event(&stage, &mut events).await), 1);
}

pub(super) async fn closing_while_away_ends_at_once(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    let mut events = client.subscribe("t.topic").await.unwrap();
    client.register("t.echo", echo).await.unwrap();
    throw_out(&stage, &client, &mut changes).await;
    assert_eq!(stage.within(client.close()).await, Closed::ByUs);
    assert_eq!(client.close_reason(), Some(Closed::ByUs));
    assert!(matches!(next(&stage, &mut changes).await, Lifecycle::Closed { why: Closed::ByUs }));
    assert!(stage.within(changes.next()).await.is_none());
    assert!(stage.within(events.next()).await.is_none());
    client.reconnect_now();
    assert!(matches!(stage.within(client.call("t.echo")).await, Err(Error::Closed(Closed::ByUs))));
    assert!(matches!(stage.within(client.subscribe("t.topic")).await, Err(Error::Closed(Closed::ByUs))));
    assert!(matches!(stage.within(client.register("t.x", echo)).await, Err(Error::Closed(Closed::ByUs))));
    // One who comes later is told how it ended.
    let mut late = client.lifecycle();
    assert!(matches!(next(&stage, &mut late).await, Lifecycle::Closed { .. }));
    assert!(stage.within(late.next()).await.is_none());
    stage.settle(|counts| counts.connections == 0).await;
}

pub(super) async fn the_last_handle_ends_a_client_that_is_away(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    let handler = Arc::new(());
    let held = handler.clone();
    let own = move || {
        let _held = held.clone();
        async { Ok(1) }
    };
    let registration = client.register("t.echo", own).await.unwrap();
    let events = client.subscribe("t.topic").await.unwrap();
    throw_out(&stage, &client, &mut changes).await;
    drop((client, registration, events));
    assert!(matches!(next(&stage, &mut changes).await, Lifecycle::Closed { why: Closed::ByUs }));
    assert!(stage.within(changes.next()).await.is_none());
    dropped(&stage, &handler).await;
}

pub(super) async fn a_refused_join_is_final(stage: Stage) {
    let fast = ReconnectPolicy::default().initial(Duration::from_millis(1));
    let connect = |lazy| {
        let policy = fast.clone();
        stage.connect().realm("t.nowhere").options(move |set| (set.reconnect, set.lazy) = (policy, lazy))
    };
    let refused = stage.within(connect(false)).await.unwrap_err();
    let ConnectError::Join(Closed::Aborted { reason, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(reason, "wamp.error.no_such_realm");
    let lazy = stage.within(connect(true)).await.unwrap();
    let mut changes = lazy.lifecycle();
    let mut seen = Vec::new();
    while let Some(change) = stage.within(changes.next()).await {
        seen.push(change);
    }
    assert!(!seen.iter().any(|change| matches!(change, Lifecycle::Retrying { .. })), "{seen:?}");
    assert!(matches!(seen.last(), Some(Lifecycle::Closed { why: Closed::Aborted { .. } })), "{seen:?}");
    assert!(matches!(stage.within(lazy.closed()).await, Closed::Aborted { .. }));
    stage.settle(|counts| counts.connections == 0).await;
}

/// More than are asked for at once.
pub(super) async fn many_intents(stage: Stage) {
    let (client, mut changes) = client(&stage, patient()).await;
    throw_out(&stage, &client, &mut changes).await;
    let mut streams = Vec::new();
    for index in 0..400 {
        streams.push(client.subscribe(&format!("t.topic.{index}")).await.unwrap());
        client.register(&format!("t.procedure.{index}"), echo).await.unwrap();
    }
    assert_eq!(come_back(&stage, &client, &mut changes).await, (400, 400));
    stage.holds(|counts| (counts.subscriptions, counts.registrations) == (400, 400));
    throw_out(&stage, &client, &mut changes).await;
    streams.truncate(7);
    assert_eq!(come_back(&stage, &client, &mut changes).await, (7, 400));
    stage.holds(|counts| (counts.subscriptions, counts.registrations) == (7, 400));
}
