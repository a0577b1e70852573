//! A client that outlives its sessions, on a clock that only moves when it is told to.

use std::{
    future::ready,
    sync::atomic::{AtomicBool, Ordering},
};

use futures_channel::oneshot;
use wamp_proto::{error::RemoteError, reconnect::Policy};

use super::*;
use crate::{
    Intent, KillReason, Lifecycle, LifecycleStream, memory,
    supervise::{Attempt, Supervisor},
};

/// A router, and the way to it, which can be closed.
pub(super) struct Scene {
    pub(super) world: Arc<Virtual>,
    pub(super) router: RouterHandle,
    open: Arc<AtomicBool>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(Config::new(["realm1".parse().unwrap()]))
    }

    /// With other settings of the router.
    pub(super) fn with(config: Config) -> Self {
        let world = Virtual::new();
        let router = RouterHandle::new(world.clone(), config);
        Self { world, router, open: Arc::new(AtomicBool::new(true)) }
    }

    fn attempt(&self) -> Box<Attempt> {
        let (attempt, open) = (memory::attempt(self.router.clone(), None), self.open.clone());
        Box::new(move |shared| {
            if open.load(Ordering::Relaxed) {
                return attempt(shared);
            }
            let error = std::io::ErrorKind::ConnectionRefused.into();
            Box::pin(ready(Err(ConnectError::Io { to: "the router".to_owned(), error })))
        })
    }

    pub(super) fn client(&self, policy: Policy) -> Client {
        self.client_with(ClientOptions { reconnect: policy, ..ClientOptions::default() })
    }

    pub(super) fn client_with(&self, options: ClientOptions) -> Client {
        let supervisor = Supervisor::new(self.world.clone(), options, self.attempt()).unwrap();
        self.world.finish(supervisor.connect()).unwrap()
    }

    fn throw_out(&self, client: &Client) {
        let other = self.client(Policy::never());
        let killed = other.meta().sessions().kill(client.session(), KillReason::new("t.away", ""));
        self.world.finish(killed).unwrap();
        self.world.finish(other.close());
    }

    /// The client's connection is lost: nobody says goodbye.
    pub(super) fn cut(&self, client: &Client) {
        client.shared.update(|state, _| state.session.handle_eof("the cable"));
        self.world.turn();
    }
}

/// All that has happened.
pub(super) fn changes(stream: &mut LifecycleStream) -> Vec<Lifecycle> {
    let mut seen = Vec::new();
    while let Poll::Ready(Some(change)) = poll(&mut Box::pin(stream.next())) {
        seen.push(change);
    }
    seen
}

/// Exactly the delays that it says: 0.5, 1, 2, 4 s, ...
pub(super) fn exact() -> Policy {
    Policy::default().jitter(0.0)
}

#[test]
fn attempts_are_made_when_they_are_due() {
    let scene = Scene::new();
    let client = scene.client(exact());
    let mut stream = client.lifecycle();
    scene.open.store(false, Ordering::Relaxed);
    scene.cut(&client);
    for (millis, attempt) in [(500, 2), (1_000, 3), (2_000, 4)] {
        let Some(Lifecycle::Retrying { attempt: next, after, .. }) = changes(&mut stream).pop() else {
            panic!()
        };
        assert_eq!((next, after), (attempt, Duration::from_millis(millis)));
        scene.world.pass(after - Duration::from_millis(1));
        assert!(changes(&mut stream).is_empty(), "too early");
        scene.world.pass(Duration::from_millis(1));
    }
    scene.open.store(true, Ordering::Relaxed);
    scene.world.pass(Duration::from_millis(4_000));
    assert!(matches!(client.state(), Lifecycle::Joined { resumed: true, .. }));
}

#[test]
fn a_conflict_is_tried_again_for_a_while() {
    for stays in [false, true] {
        let scene = Scene::new();
        let (client, rival) = (scene.client(exact()), scene.client(Policy::never()));
        let mut stream = client.lifecycle();
        scene.world.finish(client.register("t.echo", || async { Ok(1) })).unwrap();
        scene.throw_out(&client);
        let taken = scene.world.finish(rival.register("t.echo", || async { Ok(0) })).unwrap();
        scene.world.pass(Duration::from_millis(500));
        assert!(matches!(client.state(), Lifecycle::Joined { .. }));
        // After 0.5, 1.5, 3.5 s ...
        scene.world.pass(Duration::from_millis(500));
        scene.world.pass(Duration::from_millis(1_000));
        changes(&mut stream);
        if !stays {
            scene.world.finish(taken.unregister()).unwrap();
            scene.world.pass(Duration::from_millis(2_000));
            let restored = changes(&mut stream).pop();
            assert!(matches!(restored, Some(Lifecycle::Restored { registrations: 1, .. })), "{restored:?}");
            assert_eq!(scene.world.finish(rival.call("t.echo").value::<i64>()).unwrap(), 1);
            continue;
        }
        for _ in 0..150 {
            scene.world.pass(Duration::from_secs(1));
        }
        let [Lifecycle::NotRestored { what, error }, Lifecycle::Restored { registrations: 0, .. }] =
            &changes(&mut stream)[..]
        else {
            panic!()
        };
        assert_eq!(*what, Intent::Registration { procedure: "t.echo".parse().unwrap() });
        assert_eq!(error.uri().unwrap(), "wamp.error.procedure_already_exists");
        assert_eq!(held(&client)[3], 0, "nothing is kept of it");
    }
}

/// Ids of requests start anew in every session.
#[test]
fn a_late_answer_meets_no_request_of_another_session() {
    let scene = Scene::new();
    let (client, caller) = (scene.client(exact()), scene.client(Policy::never()));
    let answers: Arc<Mutex<Vec<oneshot::Sender<i64>>>> = Arc::default();
    let asked = answers.clone();
    let ask = move || {
        let (answer, answered) = oneshot::channel();
        asked.lock().unwrap().push(answer);
        async move { Ok(answered.await?) }
    };
    scene.world.finish(client.register("t.ask", ask)).unwrap();
    let mut first = Box::pin(caller.call("t.ask").value::<i64>());
    assert!(poll(&mut first).is_pending());
    scene.world.turn();
    // One of our own calls is under way too, and dropped when another one has its id.
    let mut own = Box::pin(client.call("t.ask").into_future());
    assert!(poll(&mut own).is_pending());
    scene.world.turn();
    scene.cut(&client);
    assert!(matches!(scene.world.finish(first), Err(Error::Remote(RemoteError { .. }))));
    assert!(matches!(poll(&mut own), Poll::Ready(Err(Error::Lost(_)))));
    scene.world.pass(Duration::from_millis(500));
    let mut second = Box::pin(caller.call("t.ask").value::<i64>());
    let mut another = Box::pin(client.call("t.ask").value::<i64>());
    assert!(poll(&mut second).is_pending() && poll(&mut another).is_pending());
    scene.world.turn();
    drop(own);
    let mut answers = std::mem::take(&mut *answers.lock().unwrap());
    assert_eq!(answers.len(), 4);
    answers.drain(..2).for_each(|late| late.send(-1).unwrap());
    scene.world.turn();
    assert!(poll(&mut second).is_pending() && poll(&mut another).is_pending());
    answers.drain(..).for_each(|answer| answer.send(2).unwrap());
    assert_eq!((scene.world.finish(second).unwrap(), scene.world.finish(another).unwrap()), (2, 2));
}

/// An attempt fails on one thread while the client is closed on another: it was closed by us, and that is told once.
#[test]
fn an_attempt_that_fails_behind_the_close_changes_nothing() {
    let scene = Scene::new();
    let attempt: Box<Attempt> = Box::new(|shared| {
        Box::pin(async move {
            shared.update_with(|state, now, effects| state.close(effects, now));
            let error = std::io::ErrorKind::ConnectionRefused.into();
            Err(ConnectError::Io { to: "the router".to_owned(), error })
        })
    });
    let options = ClientOptions {
        reconnect: exact(),
        lazy: true,
        wait_for_connection: true,
        ..ClientOptions::default()
    };
    let supervisor = Supervisor::new(scene.world.clone(), options, attempt).unwrap();
    let Poll::Ready(Ok(client)) = poll(&mut Box::pin(supervisor.connect())) else { panic!("it is lazy") };
    let mut lifecycle = client.lifecycle();
    let mut call = Box::pin(client.call("t.nobody").into_future());
    assert!(poll(&mut call).is_pending());
    scene.world.turn();
    assert_eq!(client.close_reason(), Some(Closed::ByUs));
    assert!(matches!(scene.world.finish(call), Err(Error::Closed(Closed::ByUs))));
    let seen = changes(&mut lifecycle);
    assert!(
        matches!(&seen[..], [Lifecycle::Connecting { .. }, Lifecycle::Closed { why: Closed::ByUs }]),
        "{seen:?}"
    );
}

#[test]
fn a_task_that_is_dropped_leaves_nobody_waiting() {
    let scene = Scene::new();
    let client = scene.client(exact());
    let mut stream = client.lifecycle();
    let mut events = scene.world.finish(client.subscribe("t.topic")).unwrap();
    scene.cut(&client);
    let tasks = std::mem::take(&mut *scene.world.tasks.lock().unwrap());
    drop(tasks);
    assert!(matches!(poll(&mut Box::pin(client.closed())), Poll::Ready(Closed::Lost(_))));
    assert!(matches!(poll(&mut Box::pin(events.next())), Poll::Ready(None)));
    assert!(matches!(changes(&mut stream).pop(), Some(Lifecycle::Closed { .. })));
    drop(events);
    assert_eq!(held(&client), [0; 7]);
}

#[test]
fn nothing_is_left_of_a_life_of_many_sessions() {
    let scene = Scene::new();
    let client = scene.client(exact());
    for _ in 0..20 {
        let events = scene.world.finish(client.subscribe("t.topic")).unwrap();
        let registration = scene.world.finish(client.register("t.echo", || async { Ok(1) })).unwrap();
        scene.cut(&client);
        drop(events);
        let passing = scene.world.finish(client.subscribe("t.passing")).unwrap();
        scene.world.pass(Duration::from_secs(60));
        scene.world.finish(passing.unsubscribe()).unwrap();
        scene.world.finish(registration.unregister()).unwrap();
        assert_eq!(held(&client)[..6], [0; 6]);
        let counts = scene.router.counts();
        assert_eq!((counts.sessions, counts.subscriptions, counts.registrations), (1, 0, 0));
    }
    // The client's own task, its link, and the router's timer.
    assert_eq!(scene.world.tasks.lock().unwrap().len(), 3);
    scene.world.finish(client.close());
    scene.world.turn();
    assert_eq!(scene.world.tasks.lock().unwrap().len(), 1);
    let weak = Arc::downgrade(&client.shared);
    drop(client);
    assert!(weak.upgrade().is_none(), "something still holds it");
}
