//! Registering and unregistering.

use std::{future::IntoFuture, sync::Arc, task::Poll};

use tokio::sync::{Notify, mpsc};
use wamp_tokio::{Error, Invocation};

use crate::harness::{echo, everywhere, poll_once, within};

#[test]
fn prefixes_and_wildcards() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
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
    });
}

#[test]
fn a_name_is_taken_once() {
    everywhere(|world| async move {
        let (first, second) = (world.client().await, world.client().await);
        let registration = first.register("t.echo", echo).await.unwrap();
        for client in [&first, &second] {
            let error = client.register("t.echo", echo).await.unwrap_err();
            assert_eq!(error.uri().unwrap(), "wamp.error.procedure_already_exists");
        }
        assert_eq!(second.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
        within(registration.clone().unregister()).await.unwrap();
        let error = second.call("t.echo").await.unwrap_err();
        assert_eq!(error.uri().unwrap(), "wamp.error.no_such_procedure");
        assert!(matches!(within(registration.unregister()).await, Err(Error::Misuse(_))));
        second.register("t.echo", echo).await.unwrap();
        assert_eq!(world.router.counts().registrations, 1);
    });
}

#[test]
fn a_call_under_way_is_answered_after_the_registration_has_ended() {
    everywhere(|world| async move {
        let (callee, caller) = (world.client().await, world.client().await);
        let gate = Arc::new(Notify::new());
        let (started, mut starts) = mpsc::unbounded_channel();
        let opened = gate.clone();
        let registration = callee
            .register("t.slow", move |number: i64| {
                let (opened, started) = (opened.clone(), started.clone());
                async move {
                    let _ = started.send(());
                    opened.notified().await;
                    Ok(number)
                }
            })
            .await
            .unwrap();
        let call = tokio::spawn(caller.call("t.slow").args((7,)).value::<i64>());
        within(starts.recv()).await.unwrap();
        within(registration.unregister()).await.unwrap();
        assert_eq!(world.router.counts().registrations, 0);
        gate.notify_one();
        assert_eq!(within(call).await.unwrap().unwrap(), 7);
    });
}

/// Tells when it is dropped.
struct Owned(mpsc::UnboundedSender<()>);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_handler_is_dropped_with_its_registration() {
    everywhere(|world| async move {
        let callee = world.client().await;
        let (told, mut told_by) = mpsc::unbounded_channel();
        let handler = |owned: Owned| {
            move || {
                let _ = &owned;
                async { Ok(()) }
            }
        };
        // Unregistered, awaited or not; refused; given up; and with the session.
        let registration = callee.register("t.first", handler(Owned(told.clone()))).await.unwrap();
        within(registration.unregister()).await.unwrap();
        within(told_by.recv()).await.unwrap();
        let registration = callee.register("t.second", handler(Owned(told.clone()))).await.unwrap();
        let mut unregister = Box::pin(registration.unregister());
        let _ = poll_once(&mut unregister);
        drop(unregister);
        within(told_by.recv()).await.unwrap();
        callee.register("t.third", handler(Owned(told.clone()))).await.unwrap();
        callee.register("t.third", handler(Owned(told.clone()))).await.unwrap_err();
        within(told_by.recv()).await.unwrap();
        let mut register = Box::pin(callee.register("t.fourth", handler(Owned(told.clone()))).into_future());
        if let Poll::Ready(registered) = poll_once(&mut register) {
            // The router was faster than one poll.
            within(registered.unwrap().unregister()).await.unwrap();
        }
        drop(register);
        within(told_by.recv()).await.unwrap();
        drop(callee.register("t.fifth", handler(Owned(told.clone()))).into_future());
        within(told_by.recv()).await.unwrap();
        world.settle(|counts| counts.registrations == 1).await;
        within(callee.close()).await;
        within(told_by.recv()).await.unwrap();
        drop(told);
        assert_eq!(within(told_by.recv()).await, None);
    });
}
