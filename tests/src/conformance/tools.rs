//! Waits that end, tasks whose end can be waited for, and other things that cases are written with.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
    thread,
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use wamp_driver::{Client, ErrorReply, Invocation, Reply, net::Refused, proto::router::Counts};

use super::{Kit, Serving};

/// What nothing here may take longer than, however busy the machine is.
pub(super) const BOUND: Duration = Duration::from_secs(60);

/// What no case may take longer than, as busy.
pub(super) const LONG: Duration = Duration::from_secs(120);

impl Kit {
    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        self.runtime.sleep(duration).await;
    }

    /// The future's output, unless it takes longer than this.
    pub async fn timeout<F: IntoFuture>(&self, limit: Duration, future: F) -> Option<F::Output> {
        match select(pin!(future.into_future()), self.runtime.sleep(limit)).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }

    /// The future's output.
    ///
    /// # Panics
    ///
    /// When it takes too long.
    pub async fn within<F: IntoFuture>(&self, future: F) -> F::Output {
        self.timeout(BOUND, future).await.expect("it hangs")
    }

    /// Runs a future in the background, whether or not anybody waits for it.
    pub fn spawn<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        let (tell, told) = oneshot::channel();
        self.runtime.spawn(Box::pin(async move {
            // Nobody may wait.
            let _ = tell.send(AssertUnwindSafe(future).catch_unwind().await);
        }));
        Task(told)
    }

    /// Runs a job that blocks on a thread of its own, which has nothing to do with what is tested.
    pub fn blocking<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        let (tell, told) = oneshot::channel();
        thread::spawn(move || {
            let _ = tell.send(std::panic::catch_unwind(AssertUnwindSafe(job)));
        });
        Task(told)
    }

    /// Waits until a router has turned away as many as it should; it counts a moment after it has answered.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub async fn refuses(&self, router: &dyn Serving, as_expected: impl Fn(&Refused) -> bool) {
        let wait = async {
            while !as_expected(&router.refused()) {
                self.sleep(Duration::from_millis(2)).await;
            }
        };
        if self.timeout(BOUND, wait).await.is_none() {
            panic!("the router has refused {:?}", router.refused());
        }
    }

    /// Waits until a router holds what it should; there is no event to wait for, only the counts.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub async fn settle(&self, router: &dyn Serving, as_expected: impl Fn(&Counts) -> bool) {
        let wait = async {
            while !as_expected(&router.counts()) {
                self.sleep(Duration::from_millis(2)).await;
            }
        };
        if self.timeout(BOUND, wait).await.is_none() {
            panic!("the router holds {:?}", router.counts());
        }
    }

    /// Waits until the router has handled everything that the client has sent before.
    pub(super) async fn round_trip(&self, client: &Client) {
        let _ = self.within(client.call("t.nobody")).await;
    }
}

/// What runs in the background; as a future it is ready when that has ended, and panics if that has.
#[derive(Debug)]
pub struct Task<T>(oneshot::Receiver<thread::Result<T>>);

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(Ok(output)) => Poll::Ready(output),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(oneshot::Canceled) => panic!("the task was dropped"),
        }
    }
}

/// A procedure that answers with its arguments.
pub(super) async fn echo(invocation: Invocation) -> Result<Reply, ErrorReply> {
    Ok(invocation.payload.into())
}

/// Polls once; nobody is woken for it.
pub(super) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
