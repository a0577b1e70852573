//! Publishing and subscribing.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::IntoFuture,
    task::Poll,
};

use futures_channel::mpsc;
use futures_util::{StreamExt as _, future::join};
use wamp_driver::Event;

use super::{
    Kit, Stage,
    tools::{echo, poll_once},
};

pub(super) async fn events_reach_their_subscribers_in_order(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let mut events = subscriber.subscribe("t.topic").await.unwrap();
    for number in 0..100 {
        let published = publisher.publish("t.topic").args((number,)).kwargs(BTreeMap::from([("k", number)]));
        assert_eq!(published.await.unwrap(), None);
    }
    let acknowledged = publisher.publish("t.topic").args((100,)).acknowledge().await.unwrap();
    for number in 0..=100 {
        let event = stage.within(events.next()).await.unwrap();
        assert_eq!(event.args::<(i64,)>().unwrap(), (number,));
        assert_eq!((event.topic.as_str(), event.missed), ("t.topic", 0));
        assert_eq!(event.subscription, events.id());
        match number {
            100 => assert_eq!(Some(event.publication), acknowledged),
            _ => assert_eq!(event.payload.dict().unwrap().get("k"), Some(&number.into())),
        }
    }
}

pub(super) async fn a_publisher_hears_itself_only_when_it_wants_to(stage: Stage) {
    let client = stage.client().await;
    let mut events = client.subscribe("t.topic").await.unwrap();
    client.publish("t.topic").args((1,)).acknowledge().await.unwrap();
    client.publish("t.topic").args((2,)).exclude_me(false).await.unwrap();
    assert_eq!(stage.within(events.next()).await.unwrap().value::<i64>().unwrap(), 2);
}

pub(super) async fn prefixes_and_wildcards(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let mut prefix = subscriber.subscribe("t.room").prefix().await.unwrap();
    let mut wildcard = subscriber.subscribe("t..heat").wildcard().await.unwrap();
    let mut exact = subscriber.subscribe("t.room1.heat").await.unwrap();
    for topic in ["t.room1.heat", "t.room2.light", "t.hall.heat", "u.room1.heat"] {
        publisher.publish(topic).args((topic,)).await.unwrap();
    }
    for (stream, topics) in [
        (&mut prefix, &["t.room1.heat", "t.room2.light"][..]),
        (&mut wildcard, &["t.room1.heat", "t.hall.heat"]),
        (&mut exact, &["t.room1.heat"]),
    ] {
        for topic in topics {
            let event = stage.within(stream.next()).await.unwrap();
            assert_eq!(event.value::<String>().unwrap(), *topic);
            assert_eq!(event.topic, *topic);
        }
    }
    stage.round_trip(&publisher).await;
    stage.round_trip(&subscriber).await;
    for stream in [&mut prefix, &mut wildcard, &mut exact] {
        assert!(poll_once(&mut stream.next()).is_pending());
    }
}

pub(super) async fn streams_of_one_topic_share_one_subscription(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let subscribe = || subscriber.subscribe("t.topic").into_future();
    let (first, second) = join(subscribe(), subscribe()).await;
    let (first, mut second) = (first.unwrap(), second.unwrap());
    let mut third = subscribe().await.unwrap();
    assert_eq!((first.id(), second.id()), (second.id(), third.id()));
    stage.holds(|counts| counts.subscriptions == 1);
    drop(first);
    publisher.publish("t.topic").args((1,)).acknowledge().await.unwrap();
    for stream in [&mut second, &mut third] {
        assert_eq!(stage.within(stream.next()).await.unwrap().value::<i64>().unwrap(), 1);
    }
    stage.within(second.unsubscribe()).await.unwrap();
    stage.round_trip(&subscriber).await;
    stage.holds(|counts| counts.subscriptions == 1);
    stage.within(third.unsubscribe()).await.unwrap();
    stage.holds(|counts| counts.subscriptions == 0);
    drop(subscribe().await.unwrap());
    stage.settle(|counts| counts.subscriptions == 0).await;
    assert!(subscriber.close_reason().is_none());
}

pub(super) async fn subscribing_while_an_unsubscribe_is_on_its_way(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    for number in 0..30 {
        let stream = subscriber.subscribe("t.topic").await.unwrap();
        let end = if number % 2 == 0 { Some(stream.unsubscribe()) } else { None };
        let mut events = stage.within(subscriber.subscribe("t.topic")).await.unwrap();
        publisher.publish("t.topic").args((number,)).acknowledge().await.unwrap();
        assert_eq!(stage.within(events.next()).await.unwrap().value::<i64>().unwrap(), number);
        if let Some(end) = end {
            stage.within(end).await.unwrap();
        }
    }
    stage.settle(|counts| counts.subscriptions == 0).await;
}

/// Drops a future after it was polled so many times, each time it was woken; says whether it lived to its end.
async fn drop_after<F: Future>(kit: &Kit, polls: usize, future: F) -> bool {
    let mut future = Box::pin(future);
    let mut polled = 0;
    kit.within(std::future::poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(false);
        }
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if polled == polls => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    }))
    .await
}

pub(super) async fn a_dropped_wish_leaves_nothing_behind(stage: Stage) {
    let client = stage.client().await;
    client.register("t.echo", echo).await.unwrap();
    let mut kept = 1;
    for polls in 0..3 {
        for _ in 0..5 {
            drop_after(&stage, polls, client.subscribe("t.topic").into_future()).await;
            drop_after(&stage, polls, client.call("t.echo").into_future()).await;
            drop_after(&stage, polls, client.publish("t.topic").acknowledge().into_future()).await;
        }
        stage.settle(|counts| counts.subscriptions == 0 && counts.calls == 0).await;
        for number in 0..5 {
            let name = format!("t.proc{polls}.{number}");
            if drop_after(&stage, polls, client.register(&name, || async { Ok(()) }).into_future()).await {
                // It lived: it is registered, and stays so.
                kept += 1;
                continue;
            }
            // The answer is there, but nobody has looked: polled once, then dropped.
            let name = format!("{name}.seen");
            let mut dropped = Box::pin(client.register(&name, || async { Ok(()) }).into_future());
            if let Poll::Ready(registered) = poll_once(&mut dropped) {
                // The router was faster than one poll.
                stage.within(registered.unwrap().unregister()).await.unwrap();
                continue;
            }
            stage.round_trip(&client).await;
            drop(dropped);
        }
        stage.settle(|counts| counts.registrations == kept).await;
    }
    // The subscription's answer is there, but nobody has looked.
    let mut dropped = Box::pin(client.subscribe("t.topic").into_future());
    let subscribed = poll_once(&mut dropped);
    stage.round_trip(&client).await;
    stage.holds(|counts| counts.subscriptions == 1);
    drop(subscribed);
    drop(dropped);
    stage.settle(|counts| counts.subscriptions == 0).await;
    assert!(client.close_reason().is_none());
}

pub(super) async fn a_full_stream_counts_what_it_missed(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let mut small = subscriber.subscribe("t.topic").capacity(3).await.unwrap();
    let mut large = subscriber.subscribe("t.topic").await.unwrap();
    for number in 0..10 {
        publisher.publish("t.topic").args((number,)).await.unwrap();
    }
    for number in 0..10 {
        assert_eq!(stage.within(large.next()).await.unwrap().value::<i64>().unwrap(), number);
    }
    for number in 0..3 {
        let event = stage.within(small.next()).await.unwrap();
        assert_eq!((event.value::<i64>().unwrap(), event.missed), (number, 0));
    }
    publisher.publish("t.topic").args((10,)).await.unwrap();
    let event = stage.within(small.next()).await.unwrap();
    assert_eq!((event.value::<i64>().unwrap(), event.missed), (10, 7));
}

pub(super) async fn a_handler_that_panics_handles_the_next_event(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let (told, mut told_by) = mpsc::unbounded();
    let handle = move |event: Event| {
        let number = event.value::<i64>().unwrap();
        assert_ne!(number, 0, "before the future");
        let told = told.clone();
        async move {
            assert_ne!(number, 1, "within the future");
            told.unbounded_send(number).unwrap();
        }
    };
    subscriber.subscribe("t.topic").handle(handle).await.unwrap();
    for number in 0..3 {
        publisher.publish("t.topic").args((number,)).await.unwrap();
    }
    assert_eq!(stage.within(told_by.next()).await, Some(2));
    // The handler's subscription does not keep the session alive.
    drop(subscriber);
    stage.settle(|counts| counts.sessions == 1 && counts.subscriptions == 0).await;
    assert_eq!(stage.within(told_by.next()).await, None);
}

/// Streams and handlers, async and not, of one topic and of patterns that catch it: each gets every event, in order.
pub(super) async fn several_handlers_on_a_subscription(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let mut handled = Vec::new();
    for pattern in ["exact", "exact", "prefix", "blocking", "blocking"] {
        let (told, told_by) = mpsc::unbounded();
        let tell = move |event: Event| told.unbounded_send(event.value::<i64>().unwrap()).unwrap();
        let subscribe = match pattern {
            "prefix" => subscriber.subscribe("t.to").prefix(),
            _ => subscriber.subscribe("t.topic"),
        };
        match pattern {
            "blocking" => subscribe.handle_blocking(tell).await.unwrap(),
            _ => {
                let handle = move |event| {
                    tell(event);
                    std::future::ready(())
                };
                subscribe.handle(handle).await.unwrap()
            }
        };
        handled.push(told_by);
    }
    let mut stream = subscriber.subscribe("t.topic").await.unwrap();
    stage.holds(|counts| counts.subscriptions == 2);
    for number in 0..50_i64 {
        publisher.publish("t.topic").args((number,)).await.unwrap();
    }
    for number in 0..50 {
        for told_by in &mut handled {
            assert_eq!(stage.within(told_by.next()).await, Some(number));
        }
        assert_eq!(stage.within(stream.next()).await.unwrap().value::<i64>().unwrap(), number);
    }
}

/// A handler that takes its time holds up its own events, and nothing else.
pub(super) async fn a_slow_handler_delays_its_own_events_only(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    subscriber.register("t.echo", echo).await.unwrap();
    let (told, mut told_by) = mpsc::unbounded();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let slow = move |event: Event| {
        gate.lock().unwrap().recv().unwrap();
        told.unbounded_send(event.value::<i64>().unwrap()).unwrap();
    };
    subscriber.subscribe("t.topic").handle_blocking(slow).await.unwrap();
    let mut stream = subscriber.subscribe("t.topic").await.unwrap();
    for number in 0..10_i64 {
        publisher.publish("t.topic").args((number,)).acknowledge().await.unwrap();
        assert_eq!(stage.within(stream.next()).await.unwrap().value::<i64>().unwrap(), number);
        assert_eq!(stage.within(publisher.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
    }
    assert!(poll_once(&mut told_by.next()).is_pending());
    for number in 0..10 {
        open.send(()).unwrap();
        assert_eq!(stage.within(told_by.next()).await, Some(number));
    }
}

pub(super) async fn streams_end_with_the_session_but_give_what_they_have(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let mut events = subscriber.subscribe("t.topic").await.unwrap();
    publisher.publish("t.topic").args((1,)).acknowledge().await.unwrap();
    stage.round_trip(&subscriber).await;
    stage.within(subscriber.close()).await;
    assert_eq!(stage.within(events.next()).await.unwrap().value::<i64>().unwrap(), 1);
    assert!(stage.within(events.next()).await.is_none());
    stage.within(events.unsubscribe()).await.unwrap();
}

pub(super) async fn acknowledged_publications_of_many_tasks(stage: Stage) {
    let publisher = stage.client().await;
    let tasks = (0..20).map(|number| {
        let publisher = publisher.clone();
        stage.spawn(async move { publisher.publish("t.topic").args((number,)).acknowledge().await })
    });
    let mut ids = BTreeSet::new();
    for task in tasks {
        ids.insert(stage.within(task).await.unwrap().unwrap());
    }
    assert_eq!(ids.len(), 20);
}
