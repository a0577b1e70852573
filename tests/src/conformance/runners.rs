//! Programs that serve until they are told to end.

use std::{sync::Mutex, time::Duration};

use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt as _;
use wamp_driver::{
    Client, Error, ErrorReply, ReconnectPolicy, Routes, RunError, ShutdownCause, proto::Encoding,
};

use super::{Kit, Stage, Transport, tools::Task};

/// A procedure that tells when it is called, and answers when it is let go.
fn gated() -> (Routes, mpsc::UnboundedReceiver<()>, oneshot::Sender<u8>) {
    let (started, has_started) = mpsc::unbounded();
    let (release, released) = oneshot::channel();
    let released = Mutex::new(Some(released));
    let handler = move || {
        started.unbounded_send(()).unwrap();
        let released = released.lock().unwrap().take().unwrap();
        async move { released.await.map_err(|_| ErrorReply::new("t.error.let_down")) }
    };
    let routes = Routes::new().procedure("t.gated", handler).subscribe("t.topic", |_: u8| async { Ok(()) });
    (routes, has_started, release)
}

/// A router, and a client of it.
async fn stage(kit: &Kit) -> (Stage, Client) {
    let stage = kit.stage(Transport::Tcp, Encoding::Cbor).await;
    let caller = stage.client().await;
    (stage, caller)
}

/// A call, once everything is served.
async fn call(stage: &Stage, caller: &Client) -> Task<Result<u8, Error>> {
    stage.settle(|counts| counts.registrations == 1 && counts.subscriptions == 1).await;
    let caller = caller.clone();
    stage.spawn(async move { caller.call("t.gated").value().await })
}

fn url(stage: &Stage) -> &str {
    stage.url().expect("there is a socket")
}

const HOUR: Duration = Duration::from_secs(3600);

pub(super) async fn a_runner_drains(kit: Kit) {
    let (stage, caller) = stage(&kit).await;
    let (routes, mut started, release) = gated();
    let (handle, run) = kit.run_services(url(&stage), ReconnectPolicy::never(), routes, HOUR);
    let run = kit.spawn(run);
    let answer = call(&stage, &caller).await;
    kit.within(started.next()).await.unwrap();
    handle.shutdown();
    // It takes no more calls, while the one is being handled.
    stage.settle(|counts| counts.registrations == 0 && counts.subscriptions == 0).await;
    assert!(caller.call("t.gated").await.unwrap_err().is_no_such_procedure());
    stage.holds(|counts| counts.sessions == 2);
    release.send(7).unwrap();
    assert_eq!(kit.within(answer).await.unwrap(), 7);
    let finished = kit.within(run).await.unwrap();
    assert_eq!((finished.cause, finished.abandoned), (ShutdownCause::Handle, 0));
    stage.settle(|counts| counts.sessions == 1).await;
}

pub(super) async fn a_runner_waits_no_longer_than_it_may(kit: Kit) {
    // Because its time is over, or because it is told again.
    for (grace, times) in [(Duration::from_millis(1), 1), (HOUR, 2)] {
        let (stage, caller) = stage(&kit).await;
        let (routes, mut started, _release) = gated();
        let (handle, run) = kit.run_services(url(&stage), ReconnectPolicy::never(), routes, grace);
        let run = kit.spawn(run);
        let answer = call(&stage, &caller).await;
        kit.within(started.next()).await.unwrap();
        (0..times).for_each(|_| handle.shutdown());
        let finished = kit.within(run).await.unwrap();
        assert_eq!((finished.cause, finished.abandoned), (ShutdownCause::Handle, 1));
        assert!(kit.within(answer).await.is_err());
        stage.settle(|counts| counts.sessions == 1).await;
    }
}

pub(super) async fn a_runner_comes_back(kit: Kit) {
    let (stage, caller) = stage(&kit).await;
    let (routes, _started, release) = gated();
    let soon = ReconnectPolicy::default().initial(Duration::from_millis(1));
    let (handle, run) = kit.run_services(url(&stage), soon, routes, HOUR);
    let run = kit.spawn(run);
    stage.settle(|counts| counts.registrations == 1).await;
    assert_eq!(caller.meta().sessions().kill_all(wamp_driver::KillReason::default()).await.unwrap(), 1);
    let answer = call(&stage, &caller).await;
    release.send(7).unwrap();
    assert_eq!(kit.within(answer).await.unwrap(), 7);
    handle.shutdown();
    kit.within(run).await.unwrap();
    // One that has no session yet ends at once, too.
    stage.shut_down().await;
    let (handle, run) = kit.run_services(url(&stage), ReconnectPolicy::default(), Routes::new(), HOUR);
    handle.shutdown();
    assert_eq!(kit.within(run).await.unwrap().cause, ShutdownCause::Handle);
}

pub(super) async fn a_runner_that_is_started_again(kit: Kit) {
    let (stage, caller) = stage(&kit).await;
    let former = stage.client().await;
    former.register("t.gated", || async { Ok(0) }).await.unwrap();
    let (routes, _started, release) = gated();
    let soon = ReconnectPolicy::default().initial(Duration::from_millis(1)).cap(Duration::from_millis(20));
    let (handle, run) = kit.run_services(url(&stage), soon, routes, HOUR);
    let run = kit.spawn(run);
    // Its procedure was refused before it was subscribed.
    stage.settle(|counts| counts.subscriptions == 1).await;
    assert_eq!(caller.call("t.gated").value::<u8>().await.unwrap(), 0);
    kit.within(former.close()).await;
    stage.settle(|counts| counts.sessions == 2 && counts.registrations == 1).await;
    let answer = call(&stage, &caller).await;
    release.send(7).unwrap();
    assert_eq!(kit.within(answer).await.unwrap(), 7);
    handle.shutdown();
    assert_eq!(kit.within(run).await.unwrap().abandoned, 0);
}

pub(super) async fn a_runner_that_cannot_serve(kit: Kit) {
    let (stage, caller) = stage(&kit).await;
    caller.register("t.gated", || async { Ok(()) }).await.unwrap();
    // At once, or after it has asked again for a while.
    for patience in [Duration::ZERO, Duration::from_millis(20)] {
        let policy = ReconnectPolicy::default().initial(Duration::from_millis(1)).restore_within(patience);
        let (_handle, run) = kit.run_services(url(&stage), policy, gated().0, HOUR);
        let Err(RunError::Serve(error)) = kit.within(run).await else { panic!("it serves") };
        assert_eq!(error.uri, "t.gated");
        assert_eq!(error.error.uri().unwrap(), "wamp.error.procedure_already_exists");
        assert!(error.tried_for >= patience && error.tried_for.is_zero() == patience.is_zero(), "{error:?}");
    }
    stage.settle(|counts| counts.sessions == 1 && counts.subscriptions == 0).await;
    // And one that is thrown out for good says so.
    let refused = kit.run_services("ftp://localhost", ReconnectPolicy::never(), Routes::new(), HOUR).1;
    assert!(matches!(kit.within(refused).await, Err(RunError::Connect(_))));
}
