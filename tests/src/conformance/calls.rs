//! Calling and being called.

use std::{
    collections::BTreeMap,
    future::{IntoFuture, pending},
    time::Duration,
};

use futures_channel::{mpsc, oneshot};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{Either, join_all, select},
};
use serde::{Deserialize, Serialize};
use wamp_driver::{
    Client, Error, ErrorReply, Invocation,
    proto::{Encoding, Payload, Value},
};

use super::{
    Kit, RouterSettings, Stage, Transport,
    tools::{echo, poll_once},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    celsius: f64,
    room: String,
    tags: Vec<Option<i64>>,
}

fn reading() -> Reading {
    Reading { celsius: 21.5, room: "lab \u{1F321}".to_owned(), tags: vec![Some(-1), None] }
}

pub(super) async fn typed_values(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
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
}

pub(super) async fn positional_and_keyword_arguments_both_ways(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
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
    let payload = Payload::new(stage.encoding(), &(1, 2, 3), &BTreeMap::from([("k", "v")])).unwrap();
    let raw = caller.call("t.echo").payload(payload.clone()).await.unwrap().payload;
    assert_eq!(raw, payload);
}

pub(super) async fn errors_are_told_apart_by_their_uri(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
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
}

pub(super) async fn wrong_arguments_are_the_callers_fault(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
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
}

pub(super) async fn what_cannot_be_sent_fails_at_once_and_alone(stage: Stage) {
    let client = stage.client().await;
    client.register("t.echo", echo).await.unwrap();
    assert!(matches!(client.call("not a uri").await, Err(Error::Misuse(_))));
    assert!(matches!(client.call("t.echo").args(5).await, Err(Error::Encode(_))));
    assert!(matches!(client.call("t.echo").kwargs((1, 2)).await, Err(Error::Encode(_))));
    assert!(matches!(client.publish("a..b").acknowledge().await, Err(Error::Misuse(_))));
    assert_eq!(client.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
}

pub(super) async fn five_hundred_calls_in_flight(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (open, gate) = oneshot::channel::<()>();
    let (gate, (told, mut told_by)) = (gate.shared(), mpsc::unbounded());
    callee
        .register("t.wait", move |number: i64| {
            let (gate, told) = (gate.clone(), told.clone());
            async move {
                let _ = told.unbounded_send(());
                gate.await?;
                Ok(number * 2)
            }
        })
        .await
        .unwrap();
    let calls = (0..500).map(|number| caller.call("t.wait").args((number,)).value::<i64>());
    let calls = stage.spawn(join_all(calls));
    for _ in 0..500 {
        stage.within(told_by.next()).await.unwrap();
    }
    stage.holds(|counts| counts.calls == 500);
    open.send(()).unwrap();
    for (number, result) in stage.within(calls).await.into_iter().enumerate() {
        assert_eq!(result.unwrap(), 2 * i64::try_from(number).unwrap());
    }
    stage.settle(|counts| counts.calls == 0).await;
}

/// Tells when it is dropped.
struct Dropped(mpsc::UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.unbounded_send("dropped");
    }
}

/// Registers a procedure that never answers, and tells when it starts and when it is dropped.
async fn never(callee: &Client) -> mpsc::UnboundedReceiver<&'static str> {
    let (told, told_by) = mpsc::unbounded();
    callee
        .register("t.never", move || {
            let _ = told.unbounded_send("started");
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

pub(super) async fn a_call_that_times_out_is_canceled(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.echo", echo).await.unwrap();
    let mut handler = never(&callee).await;
    let call = caller.call("t.never").timeout(Duration::from_secs(3)).await;
    assert!(matches!(call, Err(Error::Timeout)), "{call:?}");
    assert_eq!(stage.within(handler.next()).await, Some("started"));
    assert_eq!(stage.within(handler.next()).await, Some("dropped"));
    // The answer of the canceled call is dropped, and nobody minds.
    assert_eq!(caller.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
    stage.settle(|counts| counts.calls == 0 && counts.sessions == 2).await;
}

pub(super) async fn a_late_result_is_dropped(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (open, gate) = oneshot::channel::<()>();
    let (gate, kit) = (gate.shared(), (*stage).clone());
    callee
        .register("t.late", move || {
            // What the handler has begun elsewhere is not stopped by the cancellation.
            let work = kit.spawn(gate.clone());
            async move { Ok(work.await?) }
        })
        .await
        .unwrap();
    callee.register("t.echo", echo).await.unwrap();
    let late = caller.call("t.late").timeout(Duration::from_millis(20)).await;
    assert!(matches!(late, Err(Error::Timeout)));
    open.send(()).unwrap();
    for number in 0..20 {
        assert_eq!(caller.call("t.echo").args((number,)).value::<i64>().await.unwrap(), number);
    }
    assert!(caller.close_reason().is_none());
}

pub(super) async fn dropping_a_call_cancels_it(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let mut handler = never(&callee).await;
    let mut call = caller.call("t.never").into_future();
    match select(&mut call, Box::pin(stage.within(handler.next()))).await {
        Either::Left((result, _)) => panic!("{result:?}"),
        Either::Right((started, _)) => assert_eq!(started, Some("started")),
    }
    drop(call);
    assert_eq!(stage.within(handler.next()).await, Some("dropped"));
    stage.settle(|counts| counts.calls == 0).await;
    assert!(caller.close_reason().is_none() && callee.close_reason().is_none());
}

pub(super) async fn a_callee_that_leaves_fails_its_calls(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let mut handler = never(&callee).await;
    let call = stage.spawn(caller.call("t.never").into_future());
    assert_eq!(stage.within(handler.next()).await, Some("started"));
    stage.within(callee.close()).await;
    let error = stage.within(call).await.unwrap_err();
    assert_eq!(error.uri().unwrap(), "wamp.error.canceled");
    stage.settle(|counts| counts.calls == 0 && counts.registrations == 0).await;
}

pub(super) async fn a_slow_handler_blocks_nothing(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.echo", echo).await.unwrap();
    let mut handler = never(&callee).await;
    let mut slow = stage.spawn(caller.call("t.never").into_future());
    assert_eq!(stage.within(handler.next()).await, Some("started"));
    for number in 0..50 {
        assert_eq!(caller.call("t.echo").args((number,)).value::<i64>().await.unwrap(), number);
    }
    assert!(poll_once(&mut slow).is_pending());
}

/// Procedures that block have threads of their own: neither each other nor the session do they hold up.
pub(super) async fn a_procedure_that_blocks_blocks_nothing(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.echo", echo).await.unwrap();
    let (told, mut told_by) = mpsc::unbounded();
    let (open, gate) = std::sync::mpsc::channel::<i64>();
    let gate = std::sync::Mutex::new(gate);
    let block = move |number: i64| {
        told.unbounded_send(number)?;
        Ok(gate.lock().map_err(|_| ErrorReply::new("t.error.poisoned"))?.recv()?)
    };
    callee.register_blocking("t.block", block).await.unwrap();
    callee.register_blocking("t.panic", || -> Result<(), ErrorReply> { panic!("blocked") }).await.unwrap();
    let calls = [1, 2, 3].map(|number| stage.spawn(caller.call("t.block").args((number,)).value::<i64>()));
    let mut begun = Vec::new();
    for _ in 0..3 {
        begun.extend(stage.within(told_by.next()).await);
    }
    begun.sort_unstable();
    assert_eq!(begun, [1, 2, 3]);
    for number in 0..20 {
        assert_eq!(caller.call("t.echo").args((number,)).value::<i64>().await.unwrap(), number);
    }
    let error = stage.within(caller.call("t.panic")).await.unwrap_err();
    assert_eq!(error.uri().unwrap(), "wamp.error.runtime_error");
    for answer in 0..3 {
        open.send(answer).unwrap();
    }
    let mut answers = Vec::new();
    for call in calls {
        answers.push(stage.within(call).await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [0, 1, 2]);
}

pub(super) async fn a_panic_is_an_error_to_the_caller_only(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
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
}

pub(super) async fn handlers_call_too(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
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
    stage.within(callee.close()).await;
    assert!(matches!(callee.call("t.sum").await, Err(Error::Closed(_))));
}

/// Where the limit of the router is known: WebSocket has no way to say it.
pub(super) async fn too_large_an_answer_becomes_an_error(kit: Kit) {
    for transport in kit.transports(&[Transport::Tcp, Transport::Unix, Transport::InProcess]) {
        for encoding in Encoding::ALL {
            let settings =
                RouterSettings::on(transport).config(|config| config.limits.message_size = 1 << 12);
            let stage = kit.stage_with(transport, encoding, settings).await;
            let (callee, caller) = (stage.client().await, stage.client().await);
            callee.register("t.huge", || async { Ok("x".repeat(1 << 13)) }).await.unwrap();
            callee.register("t.echo", echo).await.unwrap();
            let error = kit.within(caller.call("t.huge")).await.unwrap_err();
            assert_eq!(error.uri().unwrap(), "wamp.error.payload_size_exceeded");
            assert_eq!(caller.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
        }
    }
}
