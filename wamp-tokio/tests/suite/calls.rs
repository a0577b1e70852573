//! Calling and being called.

use std::{
    collections::BTreeMap,
    future::{IntoFuture, pending},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};
use wamp_tokio::{
    Error, ErrorReply, Invocation,
    proto::{Encoding, Payload, Value},
};

use crate::harness::{Transport, World, echo, everywhere, run, within};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    celsius: f64,
    room: String,
    tags: Vec<Option<i64>>,
}

fn reading() -> Reading {
    Reading { celsius: 21.5, room: "lab \u{1F321}".to_owned(), tags: vec![Some(-1), None] }
}

#[test]
fn typed_values() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        callee.register("t.add", |a: i64, b: i64| async move { Ok(a + b) }).await.unwrap();
        callee.register("t.unit", || async { Ok(()) }).await.unwrap();
        callee.register("t.pair", || async { Ok((1, "two")) }).await.unwrap();
        callee.register("t.maybe", |value: Option<String>| async move { Ok(value) }).await.unwrap();
        assert_eq!(caller.call("t.add").args((2, 3)).value::<i64>().await.unwrap(), 5);
        caller.call("t.unit").value::<()>().await.unwrap();
        assert!(caller.call("t.unit").await.unwrap().payload.is_empty());
        let pair: (i64, String) = caller.call("t.pair").value().await.unwrap();
        assert_eq!(pair, (1, "two".to_owned()));
        let none: Option<String> = caller.call("t.maybe").args((None::<String>,)).value().await.unwrap();
        assert_eq!(none, None);
        // A process may call its own procedures.
        assert_eq!(callee.call("t.add").args((2, 3)).value::<i64>().await.unwrap(), 5);
    });
}

#[test]
fn positional_and_keyword_arguments_both_ways() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        callee
            .register("t.swap", |invocation: Invocation| async move {
                let (first, second): (i64, String) = invocation.args()?;
                let reading: Reading = invocation.kwargs()?;
                invocation.reply((second, first), reading)
            })
            .await
            .unwrap();
        let result = caller.call("t.swap").args((7, "x")).kwargs(reading()).await.unwrap();
        assert_eq!(result.args::<(String, i64)>().unwrap(), ("x".to_owned(), 7));
        assert_eq!(result.kwargs::<Reading>().unwrap(), reading());
        // Both kinds at once are no single value.
        assert!(result.value::<Value>().is_err());
        callee.register("t.echo", echo).await.unwrap();
        let kwargs: Reading = caller.call("t.echo").kwargs(reading()).value().await.unwrap();
        assert_eq!(kwargs, reading());
        let payload = Payload::new(world.encoding, &(1, 2, 3), &BTreeMap::from([("k", "v")])).unwrap();
        let raw = caller.call("t.echo").payload(payload.clone()).await.unwrap().payload;
        assert_eq!(raw, payload);
    });
}

#[test]
fn errors_are_told_apart_by_their_uri() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        callee
            .register("t.check", |number: i64| async move {
                if number < 0 {
                    return Err(ErrorReply::new("t.error.negative").arg(number).kwarg("least", 0));
                }
                let parsed: i64 = "many".parse()?;
                Ok(parsed)
            })
            .await
            .unwrap();
        let call = |number: i64| caller.call("t.check").args((number,)).value::<i64>();
        let Err(Error::Remote(error)) = call(-5).await else { panic!() };
        assert_eq!(error.error, "t.error.negative");
        assert_eq!(error.payload.args::<(i64,)>().unwrap(), (-5,));
        assert_eq!(error.payload.dict().unwrap().get("least"), Some(&Value::from(0)));
        let by_question_mark = call(1).await.unwrap_err();
        assert_eq!(by_question_mark.uri().unwrap(), "wamp.error.runtime_error");
        assert!(by_question_mark.to_string().contains("invalid digit"), "{by_question_mark}");
        let unknown = caller.call("t.nobody").await.unwrap_err();
        assert_eq!(unknown.uri().unwrap(), "wamp.error.no_such_procedure");
        // The result is no error of the callee when the caller expects another type.
        callee.register("t.text", || async { Ok("text") }).await.unwrap();
        assert!(matches!(caller.call("t.text").value::<i64>().await, Err(Error::Decode(_))));
    });
}

#[test]
fn wrong_arguments_are_the_callers_fault() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        callee.register("t.none", || async { Ok(()) }).await.unwrap();
        callee.register("t.one", |_: String| async { Ok(()) }).await.unwrap();
        callee.register("t.two", |_: i64, _: i64| async { Ok(()) }).await.unwrap();
        let wrong = [
            caller.call("t.none").args((1,)),
            caller.call("t.one"),
            caller.call("t.one").args((1,)),
            caller.call("t.one").args(("a", "b")),
            caller.call("t.two").args((1,)),
            caller.call("t.two").args((1, "b")),
            caller.call("t.two").args((1, 2, 3)),
        ];
        for call in wrong {
            let procedure = format!("{call:?}");
            let error = call.await.expect_err(&procedure);
            assert_eq!(error.uri().unwrap(), "wamp.error.invalid_argument", "{procedure}");
        }
    });
}

#[test]
fn what_cannot_be_sent_fails_at_once_and_alone() {
    everywhere(|world| async move {
        let client = world.client().await;
        client.register("t.echo", echo).await.unwrap();
        assert!(matches!(client.call("not a uri").await, Err(Error::Misuse(_))));
        assert!(matches!(client.call("t.echo").args(5).await, Err(Error::Encode(_))));
        assert!(matches!(client.call("t.echo").kwargs((1, 2)).await, Err(Error::Encode(_))));
        assert!(matches!(client.publish("a..b").acknowledge().await, Err(Error::Misuse(_))));
        assert_eq!(client.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
    });
}

#[test]
fn five_hundred_calls_in_flight() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let (all_there, started) = (Arc::new(Notify::new()), mpsc::unbounded_channel());
        let (told, mut told_by) = started;
        let gate = all_there.clone();
        callee
            .register("t.wait", move |number: i64| {
                let (gate, told) = (gate.clone(), told.clone());
                async move {
                    let opened = gate.notified();
                    let mut opened = std::pin::pin!(opened);
                    opened.as_mut().enable();
                    let _ = told.send(());
                    opened.await;
                    Ok(number * 2)
                }
            })
            .await
            .unwrap();
        let calls = (0..500).map(|number| caller.call("t.wait").args((number,)).value::<i64>());
        let calls = tokio::spawn(join_all(calls));
        for _ in 0..500 {
            within(told_by.recv()).await.unwrap();
        }
        assert_eq!(world.router.counts().calls, 500);
        all_there.notify_waiters();
        for (number, result) in within(calls).await.unwrap().into_iter().enumerate() {
            assert_eq!(result.unwrap(), 2 * i64::try_from(number).unwrap());
        }
        world.settle(|counts| counts.calls == 0).await;
    });
}

/// Tells when it is dropped.
struct Dropped(mpsc::UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// Registers a procedure that never answers, and tells when it starts and when it is dropped.
async fn never(callee: &wamp_tokio::Client) -> mpsc::UnboundedReceiver<&'static str> {
    let (told, told_by) = mpsc::unbounded_channel();
    callee
        .register("t.never", move || {
            let _ = told.send("started");
            let dropped = Dropped(told.clone());
            async move {
                let _dropped = dropped;
                pending::<Result<(), ErrorReply>>().await
            }
        })
        .await
        .unwrap();
    told_by
}

#[test]
fn a_call_that_times_out_is_canceled() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        callee.register("t.echo", echo).await.unwrap();
        let mut handler = never(&callee).await;
        let call = caller.call("t.never").timeout(Duration::from_secs(1)).await;
        assert!(matches!(call, Err(Error::Timeout)), "{call:?}");
        assert_eq!(within(handler.recv()).await, Some("started"));
        assert_eq!(within(handler.recv()).await, Some("dropped"));
        // The answer of the canceled call is dropped, and nobody minds.
        assert_eq!(caller.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
        world.settle(|counts| counts.calls == 0 && counts.sessions == 2).await;
    });
}

#[test]
fn a_late_result_is_dropped() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let gate = Arc::new(Notify::new());
        let opened = gate.clone();
        callee
            .register("t.late", move || {
                let opened = opened.clone();
                // What the handler has begun elsewhere is not stopped by the cancellation.
                let work = tokio::spawn(async move { opened.notified().await });
                async move { Ok(work.await?) }
            })
            .await
            .unwrap();
        callee.register("t.echo", echo).await.unwrap();
        let late = caller.call("t.late").timeout(Duration::from_millis(20)).await;
        assert!(matches!(late, Err(Error::Timeout)));
        gate.notify_one();
        for number in 0..20 {
            assert_eq!(caller.call("t.echo").args((number,)).value::<i64>().await.unwrap(), number);
        }
        assert!(caller.close_reason().is_none());
    });
}

#[test]
fn dropping_a_call_cancels_it() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let mut handler = never(&callee).await;
        let mut call = Box::pin(caller.call("t.never").into_future());
        tokio::select! {
            result = &mut call => panic!("{result:?}"),
            started = within(handler.recv()) => assert_eq!(started, Some("started")),
        }
        drop(call);
        assert_eq!(within(handler.recv()).await, Some("dropped"));
        world.settle(|counts| counts.calls == 0).await;
        assert!(caller.close_reason().is_none() && callee.close_reason().is_none());
    });
}

#[test]
fn a_callee_that_leaves_fails_its_calls() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let mut handler = never(&callee).await;
        let call = tokio::spawn(caller.call("t.never").into_future());
        assert_eq!(within(handler.recv()).await, Some("started"));
        within(callee.close()).await;
        let error = within(call).await.unwrap().unwrap_err();
        assert_eq!(error.uri().unwrap(), "wamp.error.canceled");
        world.settle(|counts| counts.calls == 0 && counts.registrations == 0).await;
    });
}

#[test]
fn a_slow_handler_blocks_nothing() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        callee.register("t.echo", echo).await.unwrap();
        let mut handler = never(&callee).await;
        let slow = tokio::spawn(caller.call("t.never").into_future());
        assert_eq!(within(handler.recv()).await, Some("started"));
        for number in 0..50 {
            assert_eq!(caller.call("t.echo").args((number,)).value::<i64>().await.unwrap(), number);
        }
        assert!(!slow.is_finished());
    });
}

#[test]
fn a_panic_is_an_error_to_the_caller_only() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        callee
            .register("t.panic", |at_once: bool| {
                assert!(!at_once, "before the future");
                async { panic!("within the future") as Result<(), ErrorReply> }
            })
            .await
            .unwrap();
        callee.register("t.echo", echo).await.unwrap();
        for at_once in [true, false] {
            let error = caller.call("t.panic").args((at_once,)).await.unwrap_err();
            assert_eq!(error.uri().unwrap(), "wamp.error.runtime_error");
            assert!(error.to_string().contains("panicked") && !error.to_string().contains("future"));
        }
        assert_eq!(caller.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
    });
}

#[test]
fn handlers_call_too() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let again = callee.clone();
        callee
            .register("t.sum", move |number: i64| {
                let again = again.clone();
                async move {
                    if number == 0 {
                        return Ok(0);
                    }
                    let rest: i64 = again.call("t.sum").args((number - 1,)).value().await?;
                    Ok(number + rest)
                }
            })
            .await
            .unwrap();
        assert_eq!(caller.call("t.sum").args((10,)).value::<i64>().await.unwrap(), 55);
        // The handler owns a handle of its own session: ending it must not deadlock.
        within(callee.close()).await;
        assert!(matches!(callee.call("t.sum").await, Err(Error::Closed(_))));
    });
}

/// Where the limit of the router is known: WebSocket has no way to say it.
#[test]
fn too_large_an_answer_becomes_an_error() {
    run(async {
        for transport in [Transport::Tcp, Transport::Unix, Transport::InProcess] {
            for encoding in Encoding::ALL {
                let world =
                    World::with(transport, encoding, |config| config.limits.message_size = 1 << 12).await;
                let (callee, caller) = (world.client().await, world.client().await);
                callee.register("t.huge", || async { Ok("x".repeat(1 << 13)) }).await.unwrap();
                callee.register("t.echo", echo).await.unwrap();
                let error = within(caller.call("t.huge")).await.unwrap_err();
                assert_eq!(error.uri().unwrap(), "wamp.error.payload_size_exceeded");
                assert_eq!(caller.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
            }
        }
    });
}
