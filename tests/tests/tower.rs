//! Layers of tower around procedures and calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use tower::{Service as _, ServiceBuilder, ServiceExt as _, timeout::error::Elapsed};
use wamp_tokio::{
    Error, ErrorReply, Router,
    tower::{Calls, ProcedureError, procedure, served_by},
};

/// Two calls at once get in, the others wait; each gets its answer.
#[tokio::test]
async fn a_limit_around_a_procedure() {
    let router = Router::builder().await.unwrap();
    let (callee, caller) = (router.connect().await.unwrap(), router.connect().await.unwrap());
    let (inside, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (most, opens) = (inside.clone(), gate.clone());
    let slow = move |number: u64| {
        let (inside, gate) = (inside.clone(), gate.clone());
        async move {
            let others = inside.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await?.forget();
            inside.fetch_sub(1, Ordering::SeqCst);
            if others < 2 { Ok(number) } else { Err(ErrorReply::new("t.error.crowd").arg(others)) }
        }
    };
    let limited = ServiceBuilder::new().concurrency_limit(2).service(procedure(slow));
    callee.register("t.slow", served_by(limited)).await.unwrap();
    let calls = (0..6).map(|number| {
        let call = caller.call("t.slow").args((number,)).value::<u64>();
        tokio::spawn(async move { (number, call.await) })
    });
    let calls = calls.collect::<Vec<_>>();
    while most.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    opens.add_permits(6);
    for call in calls {
        let (number, result) = call.await.unwrap();
        assert_eq!(result.unwrap(), number);
    }
}

/// A layer that gives up says so; an error of the procedure comes through the same layers as it is.
#[tokio::test]
async fn a_timeout_around_a_procedure() {
    let router = Router::builder().await.unwrap();
    let (callee, caller) = (router.connect().await.unwrap(), router.connect().await.unwrap());
    let handler = |answers: bool| async move {
        if answers {
            return Err(ErrorReply::new("t.error.own").arg(7));
        }
        std::future::pending::<Result<(), _>>().await
    };
    let plain = ServiceBuilder::new().timeout(Duration::from_millis(20)).service(procedure(handler));
    callee.register("t.plain", served_by(plain.clone())).await.unwrap();
    let named = plain.map_err(|error| match error.downcast::<Elapsed>() {
        Ok(_) => Box::new(ProcedureError(ErrorReply::new("t.error.late"))),
        Err(error) => error,
    });
    callee.register("t.named", served_by(named)).await.unwrap();
    for (procedure, late) in [("t.plain", "wamp.error.runtime_error"), ("t.named", "t.error.late")] {
        let error = caller.call(procedure).args((false,)).await.unwrap_err();
        assert_eq!(error.uri().unwrap(), late);
        let error = caller.call(procedure).args((true,)).await.unwrap_err();
        assert_eq!(error.uri().unwrap(), "t.error.own");
        assert_eq!(error.remote().unwrap().payload.args::<(u8,)>().unwrap(), (7,));
    }
}

/// The same around calls. One that the layer gives up is canceled at the router.
#[tokio::test]
async fn layers_around_calls() {
    let router = Router::builder().await.unwrap();
    let (callee, caller) = (router.connect().await.unwrap(), router.connect().await.unwrap());
    callee.register("t.add", |a: i64, b: i64| async move { Ok(a + b) }).await.unwrap();
    callee.register("t.never", std::future::pending::<Result<(), ErrorReply>>).await.unwrap();
    let mut calls =
        ServiceBuilder::new().concurrency_limit(1).timeout(Duration::from_millis(50)).service(Calls);
    let late = calls.ready().await.unwrap().call(caller.call("t.never")).await.unwrap_err();
    assert!(late.is::<Elapsed>(), "{late}");
    while router.counts().calls > 0 {
        tokio::task::yield_now().await;
    }
    let sum = ServiceBuilder::new().concurrency_limit(1).service(Calls);
    let sum = sum.oneshot(caller.call("t.add").args((2, 3))).await.unwrap();
    assert_eq!(sum.value::<i64>().unwrap(), 5);
    let nobody = Calls.oneshot(caller.call("t.nobody")).await.unwrap_err();
    assert!(matches!(nobody, Error::Remote(_)), "{nobody}");
}
