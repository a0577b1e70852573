//! A router with clients, for every transport and serializer; and waits that end.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use wamp_tokio::{
    Client, Connect, ErrorReply, Invocation, Reply, Router,
    proto::{
        Encoding,
        router::{Config, Counts},
    },
};

/// What nothing here may take longer than.
pub(crate) const BOUND: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    Ws,
    Tcp,
    Unix,
    WsUnix,
    InProcess,
}

impl Transport {
    const ALL: [Self; 5] = [Self::Ws, Self::Tcp, Self::Unix, Self::WsUnix, Self::InProcess];

    /// Those that have a socket.
    const SOCKETS: [Self; 4] = [Self::Ws, Self::Tcp, Self::Unix, Self::WsUnix];

    fn listen(self) -> Option<String> {
        static SOCKETS: AtomicUsize = AtomicUsize::new(0);
        let socket = || {
            let name = format!("wamp-{}-{}", std::process::id(), SOCKETS.fetch_add(1, Ordering::Relaxed));
            std::env::temp_dir().join(name).display().to_string()
        };
        Some(match self {
            Self::Ws => "ws://127.0.0.1:0".to_owned(),
            Self::Tcp => "tcp://127.0.0.1:0".to_owned(),
            Self::Unix => format!("unix://{}", socket()),
            Self::WsUnix => format!("ws+unix://{}", socket()),
            Self::InProcess => return None,
        })
    }
}

/// One router, and the way to it.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) encoding: Encoding,
}

impl World {
    pub(crate) async fn new(transport: Transport, encoding: Encoding) -> Self {
        Self::with(transport, encoding, |_| {}).await
    }

    pub(crate) async fn with(
        transport: Transport,
        encoding: Encoding,
        config: impl FnOnce(&mut Config),
    ) -> Self {
        let mut builder = Router::builder().config(config);
        if let Some(url) = transport.listen() {
            builder = builder.listen(url);
        }
        Self { router: builder.await.unwrap(), encoding }
    }

    pub(crate) fn connect(&self) -> Connect {
        let connect = match self.router.url() {
            Some(url) => wamp_tokio::connect(&url),
            None => self.router.connect(),
        };
        connect.serializers([self.encoding])
    }

    pub(crate) async fn client(&self) -> Client {
        self.connect().await.unwrap()
    }

    /// Waits until the router holds what it should.
    pub(crate) async fn settle(&self, as_expected: impl Fn(&Counts) -> bool) {
        settle(&self.router, as_expected).await;
    }
}

/// Waits until the router holds what it should; there is no event to wait for, only the counts.
pub(crate) async fn settle(router: &Router, as_expected: impl Fn(&Counts) -> bool) {
    let wait = async {
        while !as_expected(&router.counts()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(10), wait).await.is_err() {
        panic!("the router holds {:?}", router.counts());
    }
}

/// Runs a test to its end, within bounds.
pub(crate) fn run(test: impl Future<Output = ()>) {
    run_for(3 * BOUND, test);
}

/// Runs a test to its end, within this time.
pub(crate) fn run_for(bound: Duration, test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(bound, test).await.expect("the test hangs") });
    runtime.shutdown_background();
}

/// The future's output, or a panic when it takes too long.
pub(crate) async fn within<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(BOUND, future.into_future()).await.expect("it hangs")
}

/// Runs a behaviour over all transports and serializers at once.
pub(crate) fn everywhere<R>(behaviour: fn(World) -> R)
where
    R: Future<Output = ()> + Send + 'static,
{
    over(&Transport::ALL, behaviour);
}

/// Runs a behaviour over all transports that have a socket, and all serializers, at once.
pub(crate) fn over_sockets<R>(behaviour: fn(World) -> R)
where
    R: Future<Output = ()> + Send + 'static,
{
    over(&Transport::SOCKETS, behaviour);
}

fn over<R>(transports: &[Transport], behaviour: fn(World) -> R)
where
    R: Future<Output = ()> + Send + 'static,
{
    run(async {
        let mut tasks = Vec::new();
        for transport in transports {
            for encoding in Encoding::ALL {
                let world = World::new(*transport, encoding).await;
                tasks.push((transport, encoding, tokio::spawn(behaviour(world))));
            }
        }
        for (transport, encoding, task) in tasks {
            // What happens in there has bounds of its own.
            let ended = tokio::time::timeout(2 * BOUND, task).await;
            assert!(matches!(ended, Ok(Ok(()))), "over {transport:?} with {encoding}: {ended:?}");
        }
    });
}

/// A procedure that answers with its arguments.
pub(crate) async fn echo(invocation: Invocation) -> Result<Reply, ErrorReply> {
    Ok(invocation.payload.into())
}

/// Polls once; nobody is woken for it.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
