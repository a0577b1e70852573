//! What handlers take out of calls and events.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_channel::mpsc;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use wamp_driver::{
    Args, Caller, Client, Details, Error, ErrorReply, Event, EventDetails, Invocation, Kwargs, Progress,
    State, typed, with_state,
};

use super::Stage;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    room: String,
    floor: Option<i8>,
}

fn place() -> Place {
    Place { room: "lab".to_owned(), floor: Some(-1) }
}

/// M-09: positional and keyword arguments, one by one and all at once, and the same as results.
pub(super) async fn arguments_of_every_kind(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let sum = |first: i64, Args(rest): Args<Vec<i64>>| async move { Ok(first + rest.iter().sum::<i64>()) };
    callee.register("t.sum", sum).await.unwrap();
    assert_eq!(caller.call("t.sum").args((1,)).value::<i64>().await.unwrap(), 1);
    assert_eq!(caller.call("t.sum").args((1, 2, 3)).value::<i64>().await.unwrap(), 6);
    let echo = |Args(args): Args<(i64, String)>, Kwargs(place): Kwargs<Place>| async move {
        Ok((Args(args), Kwargs(place)))
    };
    callee.register("t.echo", echo).await.unwrap();
    let call = caller
        .call("t.echo")
        .args((7, "x"))
        .kwargs(BTreeMap::from([("room", "lab")]))
        .kwarg("floor", Some(-1));
    let result = call.kwarg("nothing", None::<i64>).await.unwrap();
    assert_eq!(result.args::<(i64, String)>().unwrap(), (7, "x".to_owned()));
    assert_eq!(result.payload.dict().unwrap().len(), 2);
    assert_eq!(result.kwargs::<Place>().unwrap(), place());
    callee
        .register("t.kwargs", |Kwargs(place): Kwargs<Place>| async move { Ok(Kwargs(place)) })
        .await
        .unwrap();
    assert_eq!(caller.call("t.kwargs").kwargs(place()).value::<Place>().await.unwrap(), place());
    let blocking =
        |Args(args): Args<(i64, i64)>, whole: Invocation| Ok(Args((args.1, args.0, whole.details.progress)));
    callee.register_blocking("t.swap", blocking).await.unwrap();
    assert_eq!(caller.call("t.swap").args((1, 2)).value::<(i64, i64, bool)>().await.unwrap(), (2, 1, false));
    // Async closures are handlers too.
    callee.register("t.async", async |a: i64, b: i64| Ok(a * b)).await.unwrap();
    assert_eq!(caller.call("t.async").args((6, 7)).value::<i64>().await.unwrap(), 42);
}

/// Whoever calls is told which argument is wrong, and what should be there.
pub(super) async fn mistakes_are_told(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.two", |_: i64, _: Progress<()>, _: String| async { Ok(()) }).await.unwrap();
    callee.register("t.none", |_: Details| async { Ok(()) }).await.unwrap();
    callee.register("t.kwargs", |_: Kwargs<Place>| async { Ok(()) }).await.unwrap();
    callee.register_blocking("t.pair", |_: Args<(u8, u8)>| Ok(())).await.unwrap();
    for (call, told) in [
        (caller.call("t.two"), &["argument 1 is missing", "i64"][..]),
        (caller.call("t.two").args((1,)), &["argument 2 is missing", "string"]),
        (caller.call("t.two").args(("a", "b")), &["argument 1:", "i64"]),
        (caller.call("t.two").args((1, 2)), &["argument 2:", "string"]),
        (caller.call("t.two").args((1, "b", 3)), &["too many arguments: 2 are expected"]),
        (caller.call("t.none").args((1,)), &["no arguments are expected"]),
        (caller.call("t.kwargs").kwarg("room", 1), &["keyword arguments", "string"]),
        (caller.call("t.kwargs"), &["keyword arguments", "room"]),
        (caller.call("t.pair").args((1,)), &["arguments:", "2"]),
        (caller.call("t.pair").args((1, 2, 3)), &["too many arguments: 2 are expected"]),
    ] {
        let error = call.await.unwrap_err();
        assert!(error.is_invalid_argument(), "{error}");
        assert!(told.iter().all(|part| error.to_string().contains(part)), "{error} instead of {told:?}");
    }
}

/// what the router says about a call. Who has to know its caller refuses the others.
pub(super) async fn who_calls_and_how(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let about = |details: Details| async move { Ok(details.procedure.as_ref().map(ToString::to_string)) };
    callee.register("t.about.", about).prefix().await.unwrap();
    let procedure: String = caller.call("t.about.this").value().await.unwrap();
    assert_eq!(procedure, "t.about.this");
    callee.register("t.who", |who: Caller| async move { Ok(who.session.get()) }).await.unwrap();
    let who = |who: Option<Caller>| async move { Ok(who.map(|who| who.session.get())) };
    callee.register("t.perhaps", who).await.unwrap();
    let own = caller.session().get();
    assert!(caller.call("t.who").await.unwrap_err().is_not_authorized());
    assert_eq!(caller.call("t.who").disclose_me().value::<u64>().await.unwrap(), own);
    assert_eq!(caller.call("t.perhaps").value::<Option<u64>>().await.unwrap(), None);
    assert_eq!(caller.call("t.perhaps").disclose_me().value::<Option<u64>>().await.unwrap(), Some(own));
}

/// A handler may share a state, fail with an error of its own, and call and publish by the client that serves.
pub(super) async fn state_errors_and_the_client(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let count = Arc::new(AtomicU64::new(5));
    let next = |State(count): State<Arc<AtomicU64>>, step: u64| async move {
        Ok(count.fetch_add(step, Ordering::Relaxed))
    };
    callee.register("t.next", with_state(count.clone(), next)).await.unwrap();
    let twice = |client: Client| async move {
        let first: u64 = client.call("t.next").args((1,)).value().await?;
        let second: u64 = client.call("t.next").args((1,)).value().await?;
        client.publish("t.counted").args((second,)).acknowledge().await?;
        Ok((first, second))
    };
    // The error of a call that it makes is passed on as it is.
    let refused = |client: Client| async move { client.call("t.next").args(("x",)).value::<u64>().await };
    callee.register("t.twice", twice).await.unwrap();
    callee.register("t.refused", typed(refused)).await.unwrap();
    let mut counted = caller.subscribe("t.counted").await.unwrap();
    assert_eq!(stage.within(caller.call("t.twice").value::<(u64, u64)>()).await.unwrap(), (5, 6));
    assert_eq!(stage.within(counted.next()).await.unwrap().value::<u64>().unwrap(), 6);
    assert_eq!(count.load(Ordering::Relaxed), 7);
    assert!(caller.call("t.refused").await.unwrap_err().is_invalid_argument());
    let fails = || async { Err::<(), Box<dyn std::error::Error + Send + Sync>>("on fire".into()) };
    callee.register("t.fails", typed(fails)).await.unwrap();
    assert!(caller.call("t.fails").await.unwrap_err().to_string().contains("on fire"));
    // A handler that will have a client keeps none until it runs.
    drop((counted, callee));
    stage.settle(|counts| counts.sessions == 1).await;
}

/// R-50..R-53: typed at both ends, from hand to hand, and nothing for those who do not ask.
pub(super) async fn typed_progress(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let count = |to: u8, progress: Progress<Place>| async move {
        for floor in 0..to {
            progress.send(Place { room: "lift".to_owned(), floor: i8::try_from(floor).ok() }).await?;
        }
        Ok((to, progress.is_wanted()))
    };
    callee.register("t.count", count).await.unwrap();
    let relay = |client: Client, to: u8, progress: Progress<Place>| async move {
        Ok(client.call("t.count").args((to,)).reporting::<_, (u8, bool)>(progress).await?)
    };
    callee.register("t.relay", relay).await.unwrap();
    for procedure in ["t.count", "t.relay"] {
        let (tell, told) = mpsc::unbounded();
        let progress = Progress::to(move |place: Place| tell.unbounded_send(place.floor).unwrap());
        let call = caller.call(procedure).args((3,)).reporting::<_, (u8, bool)>(progress);
        assert_eq!(stage.within(call).await.unwrap(), (3, true));
        assert_eq!(told.collect::<Vec<_>>().await, [Some(0), Some(1), Some(2)]);
        assert_eq!(caller.call(procedure).args((3,)).value::<(u8, bool)>().await.unwrap(), (3, false));
        let nobody =
            caller.call(procedure).args((3,)).reporting::<_, (u8, bool)>(Progress::<Place>::nobody());
        assert_eq!(nobody.await.unwrap(), (3, false));
    }
    let wrong = caller.call("t.count").args((1,)).reporting::<_, (u8, bool)>(Progress::to(|_: u8| ()));
    assert!(matches!(stage.within(wrong).await, Err(Error::Decode(_))));
}

/// P-49, P-36: handlers of events take what they care for. What they cannot take is dropped, and the next one handled.
pub(super) async fn arguments_of_events(stage: Stage) {
    let (subscriber, publisher) = (stage.client().await, stage.client().await);
    let (tell, mut told) = mpsc::unbounded::<String>();
    let tell = Arc::new(tell);
    let show = |State(tell): State<Arc<mpsc::UnboundedSender<String>>>, number: i64, about: EventDetails| async move {
        tell.unbounded_send(format!("{number} {}", about.topic.as_deref().unwrap_or_default()))?;
        if number < 0 { Err(ErrorReply::new("t.error.negative")) } else { Ok(()) }
    };
    subscriber.subscribe("t.").prefix().handle(with_state(tell.clone(), show)).await.unwrap();
    for number in [1, -2, 3] {
        publisher.publish("t.a").args(("not a number",)).await.unwrap();
        publisher.publish("t.b").args((number, "more")).await.unwrap();
        assert_eq!(stage.within(told.next()).await.unwrap(), format!("{number} t.b"));
    }
    let whole = {
        let tell = tell.clone();
        move |event: Event, Kwargs(place): Kwargs<Place>, who: Option<Caller>| {
            let session = who.map(|who| who.session.get());
            tell.unbounded_send(format!("{} {} {session:?}", event.topic, place.room)).unwrap();
        }
    };
    subscriber.subscribe("k.topic").handle_blocking(whole).await.unwrap();
    publisher.publish("k.topic").args((1,)).kwargs(place()).disclose_me().await.unwrap();
    let expected = format!("k.topic lab Some({})", publisher.session().get());
    assert_eq!(stage.within(told.next()).await.unwrap(), expected);
    // A handler of events may answer them.
    let answer = |client: Client, number: i64| async move {
        client.publish("a.answer").args((number + 1,)).await?;
        Ok(())
    };
    let mut answers = publisher.subscribe("a.answer").await.unwrap();
    subscriber.subscribe("a.question").handle(answer).await.unwrap();
    publisher.publish("a.question").args((41,)).await.unwrap();
    assert_eq!(stage.within(answers.next()).await.unwrap().value::<i64>().unwrap(), 42);
}
