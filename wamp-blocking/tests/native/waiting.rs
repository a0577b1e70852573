//! Waiting for what a builder makes, and for events.

use std::{panic::AssertUnwindSafe, thread, time::Duration};

use wamp_blocking::{Error, RecvError, Wait as _};

use crate::{routers, within};

#[test]
fn every_builder_waits() {
    within(|| {
        for (router, connect) in routers() {
            let client = connect(&router);
            let registration = client.register("t.add", |a: i64, b: i64| Ok(a + b)).wait().unwrap();
            assert_eq!(client.call("t.add").args((2, 3)).value::<i64>().wait().unwrap(), 5);
            assert_eq!(client.call("t.add").args((2, 3)).wait().unwrap().value::<i64>().unwrap(), 5);
            assert!(client.publish("t.topic").wait().unwrap().is_none());
            assert!(client.publish("t.topic").acknowledge().wait().unwrap().is_some());
            let events = client.subscribe("t.topic").wait().unwrap();
            events.unsubscribe().wait().unwrap();
            registration.unregister().wait().unwrap();
            client.idle().wait();
            assert_eq!(router.counts().registrations + router.counts().subscriptions, 0);
            client.close().wait();
            client.closed().wait();
            router.shutdown().wait();
        }
    });
}

#[test]
fn a_call_that_takes_too_long_times_out() {
    within(|| {
        for (router, connect) in routers() {
            let client = connect(&router);
            let slow = || {
                thread::sleep(Duration::from_millis(300));
                Ok(())
            };
            client.register("t.slow", slow).wait().unwrap();
            let slow = client.call("t.slow").timeout(Duration::from_millis(20)).wait();
            assert!(matches!(slow, Err(Error::Timeout)), "{slow:?}");
            client.call("t.slow").wait().unwrap();
        }
    });
}

#[test]
fn events_are_an_iterator_that_ends_with_the_session() {
    within(|| {
        for (router, connect) in routers() {
            let (subscriber, publisher) = (connect(&router), connect(&router));
            let events = subscriber.subscribe("t.topic").wait().unwrap();
            let counting =
                thread::spawn(move || events.map(|event| event.value::<i64>().unwrap()).collect::<Vec<_>>());
            for number in 0..100 {
                publisher.publish("t.topic").args((number,)).wait().unwrap();
            }
            publisher.publish("t.topic").args((100,)).acknowledge().wait().unwrap();
            let _ = subscriber.call("t.nobody").wait();
            subscriber.close().wait();
            assert_eq!(counting.join().unwrap(), (0..=100).collect::<Vec<_>>());
        }
    });
}

#[test]
fn recv_waits_no_longer_than_it_is_told() {
    within(|| {
        for (router, connect) in routers() {
            let (subscriber, publisher) = (connect(&router), connect(&router));
            let mut events = subscriber.subscribe("t.topic").wait().unwrap();
            assert_eq!(events.try_recv().unwrap_err(), RecvError::Timeout);
            assert_eq!(events.recv_timeout(Duration::from_millis(20)).unwrap_err(), RecvError::Timeout);
            let later = thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                publisher.publish("t.topic").args((1,)).acknowledge().wait().unwrap();
                publisher
            });
            assert_eq!(events.recv_timeout(Duration::MAX).unwrap().value::<i64>().unwrap(), 1);
            let publisher = later.join().unwrap();
            publisher.publish("t.topic").args((2,)).acknowledge().wait().unwrap();
            let _ = subscriber.call("t.nobody").wait();
            assert_eq!(events.try_recv().unwrap().value::<i64>().unwrap(), 2);
            subscriber.close().wait();
            assert_eq!(events.try_recv().unwrap_err(), RecvError::Ended);
            assert_eq!(events.recv_timeout(Duration::from_secs(9)).unwrap_err(), RecvError::Ended);
            assert!(events.next().is_none());
        }
    });
}

/// An async handler runs on the thread that would bring the answer: waiting there is refused, whichever thread polls it.
#[test]
fn waiting_where_bytes_are_moved_panics_with_a_reason() {
    within(|| {
        for (router, connect) in routers() {
            let client = connect(&router);
            let inner = client.clone();
            let wait = move || {
                let waited = std::panic::catch_unwind(AssertUnwindSafe(|| inner.call("t.nobody").wait()));
                let panic = waited.expect_err("it must not wait");
                let text = panic.downcast_ref::<&str>().map(ToString::to_string);
                std::future::ready(Ok(text.or_else(|| panic.downcast_ref::<String>().cloned())))
            };
            let service = wamp_driver::Client::from(client.clone());
            service.register("t.wait", wait).wait().unwrap();
            let callers = [client.clone(), connect(&router)];
            for caller in callers.iter().cycle().take(20) {
                let text: Option<String> = caller.call("t.wait").value().wait().unwrap();
                assert!(text.as_ref().is_some_and(|text| text.contains("I/O thread")), "{text:?}");
            }
            client.close().wait();
        }
    });
}
