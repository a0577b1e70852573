//! The pump: it carries frames between a transport and a machine, and knows nothing of WAMP.
//!
//! One task a connection. It reads what there is, hands it over in one go, writes what there is, flushes once, and starts
//! again; it never reads after the end of the stream, and gives others their turn after some rounds.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use wamp_proto::{
    Instant,
    transport::heartbeat::{self, Beat, Heartbeat},
};

use super::within;
use crate::{
    machine::{Flow, Machine, WeakWriter},
    runtime::{BoxFuture, Runtime},
    shared::{Writer, lock},
};

/// Frames that are read before they are handed over: enough to share a lock and a wake-up, not so many that the writers
/// wait for long.
const READ_BATCH: usize = 64;

/// Rounds of reading and writing before other tasks get their turn.
const ROUNDS: usize = 8;

/// How long the peer may take to close its side once ours is closed.
const LINGER: Duration = Duration::from_secs(1);

/// How a transport is read and written, one frame at a time.
pub(super) trait Transport: Unpin {
    /// The next frame. `None` at the end, with a text for people if it was not in order.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, String>>;

    /// Takes as many frames as its buffer has room for; `Pending` when there are more.
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        frames: &mut VecDeque<Bytes>,
    ) -> Poll<Result<(), String>>;

    /// Writes everything out.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>>;

    /// Closes our side, everything written before.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// Ends what is below, when closing our side has not done so and both sides have closed.
    fn poll_end(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Asks the peer for a sign of life, with the next flush.
    fn ping(&mut self, payload: &[u8]);

    /// What was heard of the peer since this was asked last.
    fn take_signs(&mut self) -> Signs;

    /// After the peer was told what it did wrong: waits until it has closed, and looks at nothing that it still sends.
    fn poll_discard(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// Signs of life of a peer.
#[derive(Default)]
pub(super) struct Signs {
    /// Bytes came.
    pub(super) heard: bool,
    /// The last answer to a ping, if one came.
    pub(super) pong: Option<Bytes>,
}

/// Runs a connection to its end, with signs of life to be asked for as `heartbeat` says.
pub(super) async fn run(
    runtime: Arc<dyn Runtime>,
    transport: impl Transport + Send + 'static,
    machine: impl Machine,
    heartbeat: heartbeat::Config,
) {
    let heartbeat = Heartbeat::start(heartbeat, runtime.now());
    let pump = Arc::new(Shared(Mutex::new(Some(Pump {
        runtime,
        transport,
        machine,
        incoming: VecDeque::new(),
        outgoing: VecDeque::new(),
        unflushed: false,
        ended: false,
        heartbeat,
        timer: None,
        linger: None,
        waker: None,
        result: None,
    }))));
    // Only this task keeps the pump: with it, all of it goes.
    let writer = Arc::downgrade(&pump);
    if let Some(pump) = &*lock(&pump.0) {
        pump.machine.set_writer(WeakWriter(writer));
    }
    let why = poll_fn(|context| match &mut *lock(&pump.0) {
        Some(pump) => pump.poll(context),
        None => Poll::Pending,
    });
    let why = why.await;
    let Some(pump) = lock(&pump.0).take() else { return };
    pump.end(why).await;
}

/// A pump that can be made to write by others than its own task.
struct Shared<T, M>(Mutex<Option<Pump<T, M>>>);

impl<T: Transport + Send, M: Machine> Writer for Shared<T, M> {
    fn write_now(&self) -> bool {
        // Whoever holds it will write this too, or be woken to.
        let Ok(mut pump) = self.0.try_lock() else { return false };
        let Some(pump) = &mut *pump else { return false };
        let Some(waker) = pump.waker.clone() else { return false };
        match pump.write(&mut Context::from_waker(&waker)) {
            Ok(Step::Idle | Step::Moved) => true,
            Ok(Step::Done) => pump.stop(Ok(())),
            Err(why) => pump.stop(Err(why)),
        }
    }
}

/// Closes our side, then reads until the peer has closed its own.
fn poll_drain(transport: &mut impl Transport, context: &mut Context<'_>) -> Poll<()> {
    ready!(transport.poll_close(context));
    for _ in 0..READ_BATCH {
        if ready!(transport.poll_read(context)).is_err() {
            return transport.poll_end(context);
        }
    }
    // A peer that never stops must not keep others, nor the clock, from their turn.
    context.waker().wake_by_ref();
    Poll::Pending
}

struct Pump<T, M> {
    runtime: Arc<dyn Runtime>,
    transport: T,
    machine: M,
    incoming: VecDeque<Bytes>,
    outgoing: VecDeque<Bytes>,
    unflushed: bool,
    /// The stream has ended: it is never read again.
    ended: bool,
    heartbeat: Option<Heartbeat>,
    timer: Option<(Instant, BoxFuture<()>)>,
    /// How long the peer may still take for its last messages.
    linger: Option<BoxFuture<()>>,
    /// The pump's task.
    waker: Option<Waker>,
    /// What came of writing while the task was not there.
    result: Option<Result<(), String>>,
}

impl<T: Transport, M: Machine> Pump<T, M> {
    /// The task is to find this when it is woken.
    fn stop(&mut self, result: Result<(), String>) -> bool {
        self.result = Some(result);
        false
    }

    /// What is left to do when the session or the transport is over.
    async fn end(self, why: Result<(), String>) {
        let Self { runtime, mut transport, machine, ended, linger, .. } = self;
        match why {
            Ok(()) if ended => machine.handle_eof(""),
            // In order: what was queued is written. The peer may still be writing; a socket that is dropped with unread data
            // takes back what was sent last.
            Ok(()) => {
                let drained = poll_fn(|context| poll_drain(&mut transport, context));
                let _ = within(&*runtime, LINGER, drained).await;
                machine.handle_eof("");
            }
            // It had its moment, and takes nothing.
            Err(why) if linger.is_some() => machine.handle_eof(&why),
            Err(why) => {
                machine.handle_eof(&why);
                let closed = poll_fn(|context| {
                    ready!(transport.poll_close(context));
                    transport.poll_discard(context)
                });
                let _ = within(&*runtime, LINGER, closed).await;
            }
        }
        // Those who wait for the end of the session wait for that of the transport.
        drop(transport);
        drop(machine);
    }

    /// Ready when the machine is done, or when the transport is, which says why.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        if let Some(result) = self.result.take() {
            return Poll::Ready(result);
        }
        match &mut self.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        for _ in 0..ROUNDS {
            let read = self.read(context);
            // What came before the end still counts, and so do the answers to it that can be written at once.
            let written = self.write(context);
            match (read, written) {
                (_, Ok(Step::Done)) => return Poll::Ready(Ok(())),
                (Err(why), _) | (_, Err(why)) => return Poll::Ready(Err(why)),
                (Ok(Step::Idle), Ok(Step::Idle)) => match self.tick(context) {
                    Ok(true) => {}
                    Ok(false) => return Poll::Pending,
                    Err(why) => return Poll::Ready(Err(why)),
                },
                _ => {}
            }
        }
        // A peer that never stops talking does not stop the clock.
        if let Err(why) = self.tick(context) {
            return Poll::Ready(Err(why));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<Step, String> {
        if self.ended || !self.machine.wants_read() {
            return Ok(Step::Idle);
        }
        let mut end = None;
        while self.incoming.len() < READ_BATCH {
            match self.transport.poll_read(context) {
                Poll::Ready(Ok(frame)) => self.incoming.push_back(frame),
                Poll::Ready(Err(why)) => {
                    (self.ended, end) = (true, Some(why));
                    break;
                }
                Poll::Pending => break,
            }
        }
        self.listen();
        let step = if self.incoming.is_empty() { Step::Idle } else { Step::Moved };
        if step == Step::Moved {
            self.machine.handle_frames(&mut self.incoming);
        }
        end.map_or(Ok(step), Err)
    }

    /// Takes notice of signs of life.
    fn listen(&mut self) {
        let Some(heartbeat) = &mut self.heartbeat else { return };
        let Signs { heard, pong } = self.transport.take_signs();
        if heard {
            let now = self.runtime.now();
            heartbeat.handle_bytes(now);
            pong.iter().for_each(|pong| heartbeat.handle_pong(now, pong));
        }
    }

    /// Writes one batch a round: the peer is heard even while there is always more to write.
    fn write(&mut self, context: &mut Context<'_>) -> Result<Step, String> {
        let mut step = Step::Idle;
        loop {
            if self.unflushed {
                if self.flush(context)?.is_pending() {
                    self.wait_blocked(context)?;
                    return Ok(step);
                }
                self.unflushed = false;
            }
            if step == Step::Moved {
                return Ok(step);
            }
            match self.machine.poll_output(context, &mut self.outgoing) {
                Poll::Ready(Flow::Continue) => (step, self.unflushed) = (Step::Moved, true),
                Poll::Ready(Flow::Close) if self.outgoing.is_empty() => return Ok(Step::Done),
                Poll::Ready(Flow::Close) => self.unflushed = true,
                Poll::Pending => return Ok(step),
            }
        }
    }

    fn flush(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, String> {
        if self.transport.poll_write(context, &mut self.outgoing)?.is_pending() {
            return Ok(Poll::Pending);
        }
        Ok(self.transport.poll_flush(context)?)
    }

    /// The transport takes nothing now. The machine is still to be heard, for its deadlines move; and once its session is
    /// over, the peer has a moment to take what is left.
    fn wait_blocked(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        if self.machine.poll_over(context).is_pending() {
            return Ok(());
        }
        let linger = self.linger.get_or_insert_with(|| self.runtime.sleep(LINGER));
        match linger.as_mut().poll(context) {
            Poll::Ready(()) => Err("the peer does not take its last messages".to_owned()),
            Poll::Pending => Ok(()),
        }
    }

    /// Keeps the timer, and says whether it was due. One that comes too early is harmless and sets the next one, so it is
    /// only ever moved forward.
    fn tick(&mut self, context: &mut Context<'_>) -> Result<bool, String> {
        let beat = self.heartbeat.as_ref().map(Heartbeat::deadline);
        if let Some(at) = self.machine.deadline().into_iter().chain(beat).min() {
            if self.timer.as_ref().is_none_or(|(armed, _)| at < *armed) {
                self.timer = Some((at, self.runtime.sleep(at - self.runtime.now())));
            }
        }
        let due = self.timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_ready());
        if due {
            self.timer = None;
            if self.machine.deadline().is_some() {
                self.machine.handle_timeout();
            }
            self.beat()?;
        }
        Ok(due)
    }

    /// Asks a silent peer for a sign of life, and gives up one that gave none.
    fn beat(&mut self) -> Result<(), String> {
        let Some(heartbeat) = &mut self.heartbeat else { return Ok(()) };
        let now = self.runtime.now();
        // Silence says nothing about those whom we do not listen to.
        if !self.machine.wants_read() {
            heartbeat.handle_bytes(now);
        }
        match heartbeat.handle_timeout(now) {
            Beat::Quiet => {}
            Beat::Ping(payload) => {
                self.transport.ping(&payload);
                self.unflushed = true;
            }
            Beat::Dead => {
                let waited = heartbeat.config().timeout;
                return Err(format!("the peer is silent, and has not answered a ping within {waited:?}"));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Idle,
    Moved,
    Done,
}

#[cfg(test)]
mod tests;
