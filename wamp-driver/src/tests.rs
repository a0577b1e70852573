//! What needs no network: a client and a router in one thread, with a clock that only moves when it is told to.

#[cfg(feature = "cra")]
mod credentials;
mod patience;
mod reconnect;

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use wamp_proto::{
    Encoding, Instant, Limits, Payload,
    error::Closed,
    router::{Config, Opened},
};

use crate::{
    BoxFuture, Client, ClientOptions, ConnectError, Error, ErrorReply, JoinFuture, Machine, RouterHandle,
    Runtime, arguments::Arguments, shared::Shared,
};

/// A runtime without threads: tasks run when the test says so, time passes when the test says so.
struct Virtual {
    now: Mutex<Instant>,
    tasks: Mutex<Vec<BoxFuture<()>>>,
    this: Weak<Self>,
}

impl Virtual {
    fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            now: Mutex::new(Instant::ZERO),
            tasks: Mutex::default(),
            this: this.clone(),
        })
    }

    /// Polls every task some times: enough for everything that can happen now.
    fn turn(&self) {
        for _ in 0..20 {
            let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
            tasks.retain_mut(|task| poll(task).is_pending());
            self.tasks.lock().unwrap().append(&mut tasks);
        }
    }

    fn pass(&self, time: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = *now + time;
        drop(now);
        self.turn();
    }

    /// The output of a future that can end now.
    fn finish<F: IntoFuture>(&self, future: F) -> F::Output {
        let mut future = Box::pin(future.into_future());
        for _ in 0..20 {
            if let Poll::Ready(output) = poll(&mut future) {
                return output;
            }
            self.turn();
        }
        panic!("it does not end");
    }

    fn link(self: &Arc<Self>, options: &ClientOptions, encoding: Encoding) -> (RouterHandle, JoinFuture) {
        let router = RouterHandle::new(self.clone(), Config::new(["realm1".parse().unwrap()]));
        let (machine, join) = options
            .start(self.clone(), encoding, Limits::MAX_MESSAGE_SIZE, wamp_proto::Channel::default())
            .unwrap();
        let connection = router.open(Opened::new(encoding));
        self.spawn(crate::link(self.clone(), machine, connection));
        (router, join)
    }

    fn client(self: &Arc<Self>, encoding: Encoding) -> (RouterHandle, Client) {
        let (router, join) = self.link(&ClientOptions::default(), encoding);
        (router, self.finish(join).unwrap())
    }
}

impl Runtime for Virtual {
    fn now(&self) -> Instant {
        *self.now.lock().unwrap()
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.tasks.lock().unwrap().push(task);
    }

    fn spawn_blocking(&self, job: crate::Job) {
        job()();
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let (this, until) = (self.this.clone(), self.now() + duration);
        Box::pin(std::future::poll_fn(move |context| match this.upgrade() {
            Some(this) if this.now() < until => {
                // Nobody tells when the test moves the clock: it is looked at whenever there is a turn.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }))
    }

    fn seed(&self) -> [u8; 32] {
        [7; 32]
    }
}

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// What the client still remembers: waiting requests here and in the session, and wakers.
fn held(client: &Client) -> [usize; 7] {
    client.shared.peek(|state| {
        [
            state.waiting.len(),
            state.session.pending_requests(),
            state.topics.len() + state.asking.len(),
            state.registering.len() + state.registered.len() + state.procedures.len(),
            state.ending.len(),
            state.room.len(),
            state.watchers.len(),
        ]
    })
}

#[test]
fn a_call_and_an_event_within_one_thread() {
    for encoding in Encoding::ALL {
        let world = Virtual::new();
        let (router, client) = world.client(encoding);
        world.finish(client.register("t.add", |a: i64, b: i64| async move { Ok(a + b) })).unwrap();
        assert_eq!(world.finish(client.call("t.add").args((2, 3)).value::<i64>()).unwrap(), 5);
        let mut events = world.finish(client.subscribe("t.topic")).unwrap();
        world.finish(client.publish("t.topic").args((1,)).exclude_me(false)).unwrap();
        assert_eq!(world.finish(events.next()).unwrap().value::<i64>().unwrap(), 1);
        assert_eq!(world.finish(client.close()), Closed::ByUs);
        assert_eq!(router.counts().connections, 0);
        assert_eq!(held(&client), [0; 7]);
    }
}

#[test]
fn deadlines_are_those_of_the_clock() {
    let world = Virtual::new();
    let (router, client) = world.client(Encoding::Json);
    world.finish(client.register("t.never", std::future::pending::<Result<(), ErrorReply>>)).unwrap();
    let mut call = Box::pin(client.call("t.never").timeout(Duration::from_secs(3)).into_future());
    assert!(poll(&mut call).is_pending());
    world.turn();
    assert_eq!(router.counts().calls, 1);
    world.pass(Duration::from_millis(2_999));
    assert!(poll(&mut call).is_pending());
    world.pass(Duration::from_millis(2));
    assert!(matches!(poll(&mut call), Poll::Ready(Err(Error::Timeout))));
    world.turn();
    assert_eq!((router.counts().calls, held(&client)[..2].to_vec()), (0, vec![0, 0]));
}

#[test]
fn a_dropped_future_leaves_nothing_here() {
    let world = Virtual::new();
    let (router, client) = world.client(Encoding::Cbor);
    world.finish(client.register("t.never", std::future::pending::<Result<(), ErrorReply>>)).unwrap();
    let before = held(&client);
    for turns in 0..2 {
        let mut futures: Vec<BoxFuture<()>> = Vec::new();
        let own = || client.clone();
        let (a, b, c, d, e) = (own(), own(), own(), own(), own());
        futures.push(Box::pin(async move { drop(a.call("t.never").await) }));
        futures.push(Box::pin(async move { drop(b.publish("t.topic").acknowledge().await) }));
        futures.push(Box::pin(async move { drop(c.subscribe("t.topic").await) }));
        futures.push(Box::pin(async move { drop(d.register("t.other", || async { Ok(()) }).await) }));
        futures.push(Box::pin(async move { drop(e.closed().await) }));
        for future in &mut futures {
            assert!(poll(future).is_pending());
        }
        for _ in 0..turns {
            world.turn();
        }
        drop(futures);
        world.turn();
        assert_eq!(held(&client), before, "after {turns} turns");
        let counts = router.counts();
        assert_eq!((counts.calls, counts.subscriptions, counts.registrations), (0, 0, 1));
    }
}

#[test]
fn waiting_again_and_again_is_waiting_once() {
    let world = Virtual::new();
    let (_router, client) = world.client(Encoding::Json);
    let mut closed = Box::pin(client.closed());
    for _ in 0..100 {
        assert!(poll(&mut closed).is_pending());
        drop(poll(&mut Box::pin(client.closed())));
    }
    assert_eq!(held(&client)[6], 1);
    drop(closed);
    assert_eq!(held(&client)[6], 0);
}

/// A client that joined, by hand: nobody pumps it any more.
fn unpumped() -> (Arc<Virtual>, crate::ClientMachine, Client) {
    let world = Virtual::new();
    let (machine, join) = ClientOptions::default()
        .start(world.clone(), Encoding::Json, Limits::MAX_MESSAGE_SIZE, wamp_proto::Channel::default())
        .unwrap();
    let welcome = Bytes::from_static(br#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#);
    machine.handle_frames(&mut VecDeque::from([welcome]));
    let client = world.finish(join).unwrap();
    (world, machine, client)
}

#[test]
fn the_queue_has_a_limit_and_then_publishers_wait() {
    let (_world, machine, client) = unpumped();
    let text = "x".repeat(1_000);
    let publish = || Box::pin(client.publish("t.topic").args((&text,)).into_future());
    let mut sent = 0;
    let mut waiting = loop {
        let mut publish = publish();
        match poll(&mut publish) {
            Poll::Ready(published) => assert_eq!(published.unwrap(), None),
            Poll::Pending => break publish,
        }
        sent += 1;
        assert!(sent < 200_000, "it never waits");
    };
    for _ in 0..10 {
        assert!(poll(&mut waiting).is_pending());
        assert!(poll(&mut publish()).is_pending());
    }
    assert_eq!(held(&client)[5], 1);
    let mut frames = VecDeque::new();
    let mut bytes = 0;
    while machine.poll_output(&mut Context::from_waker(Waker::noop()), &mut frames).is_ready() {
        bytes += frames.drain(..).map(|frame| frame.len()).sum::<usize>();
    }
    assert!(bytes <= (16 << 20) + 2_000, "{bytes} bytes were queued");
    assert!(matches!(poll(&mut waiting), Poll::Ready(Ok(None))));
}

#[test]
fn a_pump_that_is_dropped_leaves_nobody_waiting() {
    let (world, machine, client) = unpumped();
    let mut call = Box::pin(client.call("t.never").into_future());
    assert!(poll(&mut call).is_pending());
    drop(machine);
    assert!(matches!(poll(&mut call), Poll::Ready(Err(Error::Closed(Closed::Lost(_))))));
    assert!(matches!(world.finish(client.close()), Closed::Lost(_)));
}

#[test]
fn a_join_that_is_given_up_closes_the_session() {
    // Before HELLO is even sent, and after WELCOME has come, unseen.
    for turns in 0..2 {
        let world = Virtual::new();
        let (router, join) = world.link(&ClientOptions::default(), Encoding::Json);
        for _ in 0..turns {
            world.turn();
        }
        drop(join);
        world.turn();
        assert_eq!(router.counts().connections, 0);
    }
}

#[test]
fn a_join_has_its_time() {
    let world = Virtual::new();
    let options = ClientOptions { join_timeout: Duration::from_secs(2), ..ClientOptions::default() };
    let (machine, join) =
        options.start(world.clone(), Encoding::Json, 1 << 20, wamp_proto::Channel::default()).unwrap();
    let mut join = Box::pin(join);
    assert!(poll(&mut join).is_pending());
    assert_eq!(machine.deadline(), Some(Instant::ZERO + Duration::from_secs(2)));
    world.pass(Duration::from_secs(2));
    machine.handle_timeout();
    assert!(matches!(poll(&mut join), Poll::Ready(Err(ConnectError::Join(Closed::JoinTimeout)))));
}

#[test]
fn both_ends_may_end_a_link_at_once() {
    let world = Virtual::new();
    let (router, client) = world.client(Encoding::Json);
    let shutdown = router.shutdown();
    let closing = client.close();
    world.finish(shutdown);
    world.finish(closing);
    assert_eq!(router.counts().connections, 0);
    // The link has nothing more to do: only the router's timer is left.
    assert_eq!(world.tasks.lock().unwrap().len(), 1);
}

#[test]
fn handlers_take_up_to_eight_arguments() {
    let world = Virtual::new();
    let (_router, client) = world.client(Encoding::MessagePack);
    world.finish(client.register("t.0", || async { Ok(0) })).unwrap();
    world.finish(client.register("t.1", |a: i64| async move { Ok(a) })).unwrap();
    let eight = |a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64| async move {
        Ok(a + b + c + d + e + f + g + h)
    };
    world.finish(client.register("t.8", eight)).unwrap();
    assert_eq!(world.finish(client.call("t.0").value::<i64>()).unwrap(), 0);
    assert_eq!(world.finish(client.call("t.1").args((1,)).value::<i64>()).unwrap(), 1);
    let sum = client.call("t.8").args((1, 2, 3, 4, 5, 6, 7, 8)).value::<i64>();
    assert_eq!(world.finish(sum).unwrap(), 36);
    for call in [client.call("t.0").args((1,)), client.call("t.8").args((1,)), client.call("t.1")] {
        let error = world.finish(call).unwrap_err();
        assert_eq!(error.uri().unwrap(), "wamp.error.invalid_argument");
    }
}

#[test]
fn an_error_keeps_what_can_be_serialized() {
    let world = Virtual::new();
    let (_router, client) = world.client(Encoding::Json);
    let not_a_key = BTreeMap::from([(vec![1], 1)]);
    let fail = move || {
        let error = ErrorReply::new("t.error").arg(1).arg(not_a_key.clone()).kwarg("k", "v");
        async move { Err::<(), _>(error) }
    };
    world.finish(client.register("t.fail", fail)).unwrap();
    let error = world.finish(client.call("t.fail")).unwrap_err();
    let remote = error.remote().unwrap();
    assert_eq!(remote.error, "t.error");
    assert_eq!(remote.payload.args::<(i64,)>().unwrap(), (1,));
    assert_eq!(remote.payload.kwargs::<BTreeMap<String, String>>().unwrap()["k"], "v");
}

#[test]
fn arguments_are_joined_in_every_encoding() {
    let kwargs = BTreeMap::from([("k", "v")]);
    for encoding in Encoding::ALL {
        let mut arguments = Arguments::new(encoding);
        arguments.kwargs(&kwargs);
        arguments.args(&(1, "x"));
        let payload = arguments.finish().unwrap();
        assert_eq!(payload, Payload::new(encoding, &(1, "x"), &kwargs).unwrap(), "{encoding}");
        assert_eq!(payload.elements(), 2);
        let mut arguments = Arguments::new(encoding);
        arguments.kwargs(&kwargs);
        assert_eq!(arguments.finish().unwrap().elements(), 2);
        assert!(Arguments::new(encoding).finish().unwrap().is_empty());
        let mut arguments = Arguments::new(encoding);
        arguments.args(&5);
        arguments.kwargs(&kwargs);
        assert!(arguments.finish().is_err(), "the first error is kept");
    }
    let mut arguments = Arguments::new(Encoding::Json);
    arguments.args(&(1,));
    arguments.kwargs(&kwargs);
    assert_eq!(arguments.finish().unwrap().raw().as_ref(), br#"[1],{"k":"v"}"#);
}

/// A test that forgets to be `Send` would not compile.
#[test]
fn handles_may_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Client>();
    anywhere::<RouterHandle>();
    anywhere::<Arc<Shared>>();
}
