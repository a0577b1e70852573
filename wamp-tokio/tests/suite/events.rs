//! Publishing and subscribing.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::IntoFuture,
    task::Poll,
};

use tokio::sync::mpsc;
use wamp_tokio::Client;

use crate::harness::{everywhere, poll_once, within};

/// Waits until the router has handled everything that the client has sent before.
async fn round_trip(client: &Client) {
    let _ = within(client.call("t.nobody")).await;
}

#[test]
fn events_reach_their_subscribers_in_order() {
    everywhere(|world| async move {
        let (subscriber, publisher) = (world.client().await, world.client().await);
        let mut events = subscriber.subscribe("t.topic").await.unwrap();
        for number in 0..100 {
            let published =
                publisher.publish("t.topic").args((number,)).kwargs(BTreeMap::from([("k", number)]));
            assert_eq!(published.await.unwrap(), None);
        }
        let acknowledged = publisher.publish("t.topic").args((100,)).acknowledge().await.unwrap();
        for number in 0..=100 {
            let event = within(events.next()).await.unwrap();
            assert_eq!(event.args::<(i64,)>().unwrap(), (number,));
            assert_eq!((event.topic.as_str(), event.missed), ("t.topic", 0));
            assert_eq!(event.subscription, events.id());
            match number {
                100 => assert_eq!(Some(event.publication), acknowledged),
                _ => assert_eq!(event.payload.dict().unwrap().get("k"), Some(&number.into())),
            }
        }
    });
}

#[test]
fn a_publisher_hears_itself_only_when_it_wants_to() {
    everywhere(|world| async move {
        let client = world.client().await;
        let mut events = client.subscribe("t.topic").await.unwrap();
        client.publish("t.topic").args((1,)).acknowledge().await.unwrap();
        client.publish("t.topic").args((2,)).exclude_me(false).await.unwrap();
        assert_eq!(within(events.next()).await.unwrap().value::<i64>().unwrap(), 2);
    });
}

#[test]
fn prefixes_and_wildcards() {
    everywhere(|world| async move {
        let (subscriber, publisher) = (world.client().await, world.client().await);
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
                let event = within(stream.next()).await.unwrap();
                assert_eq!(event.value::<String>().unwrap(), *topic);
                assert_eq!(event.topic, *topic);
            }
        }
        round_trip(&publisher).await;
        round_trip(&subscriber).await;
        for stream in [&mut prefix, &mut wildcard, &mut exact] {
            assert!(poll_once(&mut stream.next()).is_pending());
        }
    });
}

#[test]
fn streams_of_one_topic_share_one_subscription() {
    everywhere(|world| async move {
        let (subscriber, publisher) = (world.client().await, world.client().await);
        let subscribe = || subscriber.subscribe("t.topic").into_future();
        let (first, second) = tokio::join!(subscribe(), subscribe());
        let (first, mut second) = (first.unwrap(), second.unwrap());
        let mut third = subscribe().await.unwrap();
        assert_eq!((first.id(), second.id()), (second.id(), third.id()));
        assert_eq!(world.router.counts().subscriptions, 1);
        drop(first);
        publisher.publish("t.topic").args((1,)).acknowledge().await.unwrap();
        for stream in [&mut second, &mut third] {
            assert_eq!(within(stream.next()).await.unwrap().value::<i64>().unwrap(), 1);
        }
        within(second.unsubscribe()).await.unwrap();
        round_trip(&subscriber).await;
        assert_eq!(world.router.counts().subscriptions, 1);
        within(third.unsubscribe()).await.unwrap();
        assert_eq!(world.router.counts().subscriptions, 0);
        drop(subscribe().await.unwrap());
        world.settle(|counts| counts.subscriptions == 0).await;
        assert!(subscriber.close_reason().is_none());
    });
}

#[test]
fn subscribing_while_an_unsubscribe_is_on_its_way() {
    everywhere(|world| async move {
        let (subscriber, publisher) = (world.client().await, world.client().await);
        for number in 0..30 {
            let stream = subscriber.subscribe("t.topic").await.unwrap();
            let end = if number % 2 == 0 { Some(stream.unsubscribe()) } else { None };
            let mut events = within(subscriber.subscribe("t.topic")).await.unwrap();
            publisher.publish("t.topic").args((number,)).acknowledge().await.unwrap();
            assert_eq!(within(events.next()).await.unwrap().value::<i64>().unwrap(), number);
            if let Some(end) = end {
                within(end).await.unwrap();
            }
        }
        world.settle(|counts| counts.subscriptions == 0).await;
    });
}

/// Drops a future after it was polled so many times, each time it was woken; says whether it lived to its end.
async fn drop_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = Box::pin(future);
    let mut polled = 0;
    within(std::future::poll_fn(|context| {
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

#[test]
fn a_dropped_wish_leaves_nothing_behind() {
    everywhere(|world| async move {
        let client = world.client().await;
        client.register("t.echo", crate::harness::echo).await.unwrap();
        let mut kept = 1;
        for polls in 0..3 {
            for _ in 0..5 {
                drop_after(polls, client.subscribe("t.topic").into_future()).await;
                drop_after(polls, client.call("t.echo").into_future()).await;
                drop_after(polls, client.publish("t.topic").acknowledge().into_future()).await;
            }
            world.settle(|counts| counts.subscriptions == 0 && counts.calls == 0).await;
            for number in 0..5 {
                let name = format!("t.proc{polls}.{number}");
                if drop_after(polls, client.register(&name, || async { Ok(()) }).into_future()).await {
                    // It lived: it is registered, and stays so.
                    kept += 1;
                    continue;
                }
                // The answer is there, but nobody has looked: polled once, then dropped.
                let name = format!("{name}.seen");
                let mut dropped = Box::pin(client.register(&name, || async { Ok(()) }).into_future());
                if let Poll::Ready(registered) = poll_once(&mut dropped) {
                    // The router was faster than one poll.
                    within(registered.unwrap().unregister()).await.unwrap();
                    continue;
                }
                round_trip(&client).await;
                drop(dropped);
            }
            world.settle(|counts| counts.registrations == kept).await;
        }
        // The subscription's answer is there, but nobody has looked.
        let mut dropped = Box::pin(client.subscribe("t.topic").into_future());
        let subscribed = poll_once(&mut dropped);
        round_trip(&client).await;
        assert_eq!(world.router.counts().subscriptions, 1);
        drop(subscribed);
        drop(dropped);
        world.settle(|counts| counts.subscriptions == 0).await;
        assert!(client.close_reason().is_none());
    });
}

#[test]
fn a_full_stream_counts_what_it_missed() {
    everywhere(|world| async move {
        let (subscriber, publisher) = (world.client().await, world.client().await);
        let mut small = subscriber.subscribe("t.topic").capacity(3).await.unwrap();
        let mut large = subscriber.subscribe("t.topic").await.unwrap();
        for number in 0..10 {
            publisher.publish("t.topic").args((number,)).await.unwrap();
        }
        for number in 0..10 {
            assert_eq!(within(large.next()).await.unwrap().value::<i64>().unwrap(), number);
        }
        for number in 0..3 {
            let event = within(small.next()).await.unwrap();
            assert_eq!((event.value::<i64>().unwrap(), event.missed), (number, 0));
        }
        publisher.publish("t.topic").args((10,)).await.unwrap();
        let event = within(small.next()).await.unwrap();
        assert_eq!((event.value::<i64>().unwrap(), event.missed), (10, 7));
    });
}

#[test]
fn a_handler_that_panics_handles_the_next_event() {
    everywhere(|world| async move {
        let (subscriber, publisher) = (world.client().await, world.client().await);
        let (told, mut told_by) = mpsc::unbounded_channel();
        let handle = move |event: wamp_tokio::Event| {
            let number = event.value::<i64>().unwrap();
            assert_ne!(number, 0, "before the future");
            let told = told.clone();
            async move {
                assert_ne!(number, 1, "within the future");
                told.send(number).unwrap();
            }
        };
        subscriber.subscribe("t.topic").handle(handle).await.unwrap();
        for number in 0..3 {
            publisher.publish("t.topic").args((number,)).await.unwrap();
        }
        assert_eq!(within(told_by.recv()).await, Some(2));
        // The handler's subscription does not keep the session alive.
        drop(subscriber);
        world.settle(|counts| counts.sessions == 1 && counts.subscriptions == 0).await;
        assert_eq!(within(told_by.recv()).await, None);
    });
}

#[test]
fn streams_end_with_the_session_but_give_what_they_have() {
    everywhere(|world| async move {
        let (subscriber, publisher) = (world.client().await, world.client().await);
        let mut events = subscriber.subscribe("t.topic").await.unwrap();
        publisher.publish("t.topic").args((1,)).acknowledge().await.unwrap();
        round_trip(&subscriber).await;
        within(subscriber.close()).await;
        assert_eq!(within(events.next()).await.unwrap().value::<i64>().unwrap(), 1);
        assert!(within(events.next()).await.is_none());
        within(events.unsubscribe()).await.unwrap();
    });
}

#[test]
fn acknowledged_publications_of_many_tasks() {
    everywhere(|world| async move {
        let publisher = world.client().await;
        let tasks = (0..20).map(|number| {
            let publisher = publisher.clone();
            tokio::spawn(async move { publisher.publish("t.topic").args((number,)).acknowledge().await })
        });
        let mut ids = BTreeSet::new();
        for task in tasks {
            ids.insert(within(task).await.unwrap().unwrap().unwrap());
        }
        assert_eq!(ids.len(), 20);
    });
}
