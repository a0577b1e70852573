//! A connection within the process: two machines, and no bytes through a socket.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use wamp_proto::{
    Channel, Encoding,
    router::{Grant, Opened},
};

use crate::{
    Client, ClientOptions, ConnectError, RouterHandle,
    machine::{Flow, Machine},
    runtime::{BoxFuture, Runtime},
};

/// Pumps frames between a client's machine and a router's until one of them closes: run it as a task.
///
/// Frames change hands as they are: nothing is copied, and both ends speak the same encoding.
pub fn link(runtime: Arc<dyn Runtime>, client: impl Machine, router: impl Machine) -> BoxFuture<()> {
    Box::pin(Link { runtime, client, router, frames: VecDeque::new(), timer: None })
}

/// A session of a client within this process: frames change hands, no socket is used. `known_as` is whom the client is taken
/// for without any proof.
pub(crate) async fn join(
    runtime: Arc<dyn Runtime>,
    router: &RouterHandle,
    options: &ClientOptions,
    known_as: Option<Grant>,
) -> Result<Client, ConnectError> {
    let encoding = options.serializers.first().copied().unwrap_or(Encoding::MessagePack);
    let send_limit = router.limits().message_size;
    let (machine, join) = options.start(runtime.clone(), encoding, send_limit, Channel::in_process())?;
    let mut opened =
        Opened::new(encoding).send_limit(options.limits.message_size).channel(Channel::in_process());
    opened.known_as = known_as;
    let connection = router.open(opened);
    runtime.spawn(link(runtime.clone(), machine, connection));
    join.await
}

struct Link<C, R> {
    runtime: Arc<dyn Runtime>,
    client: C,
    router: R,
    frames: VecDeque<Bytes>,
    timer: Option<(wamp_proto::Instant, BoxFuture<()>)>,
}

/// Rounds of exchange before others get their turn.
const ROUNDS: usize = 16;

impl<C: Machine, R: Machine> Future for Link<C, R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS {
            let this = &mut *self;
            let up = carry(context, &mut this.frames, &this.client, &this.router);
            let down = carry(context, &mut this.frames, &this.router, &this.client);
            if up == Some(Flow::Close) || down == Some(Flow::Close) {
                this.client.handle_eof("");
                this.router.handle_eof("");
                return Poll::Ready(());
            }
            let due = this.poll_timer(context);
            if up.is_none() && down.is_none() && !due {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<C: Machine, R> Link<C, R> {
    /// Keeps the client's timer; the router keeps its own. Says whether it was due.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        let deadline = self.client.deadline();
        let armed = self.timer.as_ref().map(|(at, _)| *at);
        // A timer that comes too early is harmless, one that comes too late is not.
        if deadline.is_some_and(|deadline| armed.is_none_or(|armed| deadline < armed)) {
            self.timer = deadline.map(|at| (at, self.runtime.sleep(at - self.runtime.now())));
        }
        let due = self.timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_ready());
        if due {
            self.timer = None;
            self.client.handle_timeout();
        }
        due
    }
}

/// Carries what one machine has to say to the other, unless that one does not want to hear it.
fn carry(
    context: &mut Context<'_>,
    frames: &mut VecDeque<Bytes>,
    from: &impl Machine,
    to: &impl Machine,
) -> Option<Flow> {
    // One that is over hears no more, but must not keep the other from its last words.
    if !to.wants_read() && to.poll_over(context).is_pending() {
        return None;
    }
    match from.poll_output(context, frames) {
        Poll::Ready(flow) => {
            to.handle_frames(frames);
            Some(flow)
        }
        Poll::Pending => None,
    }
}
