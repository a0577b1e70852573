//! Registering and unregistering.

use std::{future::IntoFuture, task::Poll};

use futures_channel::{mpsc, oneshot};
use futures_util::{FutureExt as _, StreamExt as _};
use wamp_driver::{Error, Invocation};

use super::{
    Stage,
    tools::{echo, poll_once},
};

pub(super) async fn prefixes_and_wildcards(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let says = |name: &'static str| {
        move |invocation: Invocation| async move {
            let procedure = invocation.details.procedure.as_ref().map(ToString::to_string);
            invocation.reply((name, procedure), ())
        }
    };
    callee.register("t.room", says("prefix")).prefix().await.unwrap();
    callee.register("t..heat", says("wildcard")).wildcard().await.unwrap();
    callee.register("t.room1.heat", says("exact")).await.unwrap();
    for (procedure, answer, told) in [
        ("t.room1.heat", "exact", false),
        ("t.room1.light", "prefix", true),
        ("t.hall.heat", "wildcard", true),
    ] {
        let (name, shown): (String, Option<String>) = caller.call(procedure).value().await.unwrap();
        assert_eq!(name, answer);
        assert_eq!(shown.as_deref(), told.then_some(procedure), "{procedure}");
    }
}

pub(super) async fn a_name_is_taken_once(stage: Stage) {
    let (first, second) = (stage.client().await, stage.client().await);
    let registration = first.register("t.echo", echo).await.unwrap();
    for client in [&first, &second] {
        let error = client.register("t.echo", echo).await.unwrap_err();
        assert_eq!(error.uri().unwrap(), "wamp.error.procedure_already_exists");
    }
    assert_eq!(second.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
    stage.within(registration.clone().unregister()).await.unwrap();
    let error = second.call("t.echo").await.unwrap_err();
    assert_eq!(error.uri().unwrap(), "wamp.error.no_such_procedure");
    assert!(matches!(stage.within(registration.unregister()).await, Err(Error::Misuse(_))));
    second.register("t.echo", echo).await.unwrap();
    stage.holds(|counts| counts.registrations == 1);
}

pub(super) async fn a_call_under_way_is_answered_after_the_registration_has_ended(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (open, gate) = oneshot::channel::<()>();
    let (started, mut starts) = mpsc::unbounded();
    let gate = gate.shared();
    let registration = callee
        .register("t.slow", move |number: i64| {
            let (gate, started) = (gate.clone(), started.clone());
            async move {
                let _ = started.unbounded_send(());
                gate.await?;
                Ok(number)
            }
        })
        .await
        .unwrap();
    let call = stage.spawn(caller.call("t.slow").args((7,)).value::<i64>());
    stage.within(starts.next()).await.unwrap();
    stage.within(registration.unregister()).await.unwrap();
    stage.holds(|counts| counts.registrations == 0);
    open.send(()).unwrap();
    assert_eq!(stage.within(call).await.unwrap(), 7);
}

/// Tells when it is dropped.
struct Owned(mpsc::UnboundedSender<()>);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.unbounded_send(());
    }
}

pub(super) async fn a_handler_is_dropped_with_its_registration(stage: Stage) {
    let callee = stage.client().await;
    let (told, mut told_by) = mpsc::unbounded();
    let handler = |owned: Owned| {
        move || {
            let _ = &owned;
            async { Ok(()) }
        }
    };
    // Unregistered, awaited or not; refused; given up; and with the session.
    let registration = callee.register("t.first", handler(Owned(told.clone()))).await.unwrap();
    stage.within(registration.unregister()).await.unwrap();
    stage.within(told_by.next()).await.unwrap();
    let registration = callee.register("t.second", handler(Owned(told.clone()))).await.unwrap();
    let mut unregister = Box::pin(registration.unregister());
    let _ = poll_once(&mut unregister);
    drop(unregister);
    stage.within(told_by.next()).await.unwrap();
    callee.register("t.third", handler(Owned(told.clone()))).await.unwrap();
    callee.register("t.third", handler(Owned(told.clone()))).await.unwrap_err();
    stage.within(told_by.next()).await.unwrap();
    let mut register = Box::pin(callee.register("t.fourth", handler(Owned(told.clone()))).into_future());
    if let Poll::Ready(registered) = poll_once(&mut register) {
        // The router was faster than one poll.
        stage.within(registered.unwrap().unregister()).await.unwrap();
    }
    drop(register);
    stage.within(told_by.next()).await.unwrap();
    drop(callee.register("t.fifth", handler(Owned(told.clone()))).into_future());
    stage.within(told_by.next()).await.unwrap();
    stage.settle(|counts| counts.registrations == 1).await;
    stage.within(callee.close()).await;
    stage.within(told_by.next()).await.unwrap();
    drop(told);
    assert_eq!(stage.within(told_by.next()).await, None);
}
