//! One run: when messages are due, and how long they took.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turn, mpsc},
    task::JoinSet,
    time::Instant,
};

use super::report::{Measured, cpu_time};
use crate::{
    args::Pacing,
    exit::{Code, Failure},
    latency::Latencies,
    session::Context,
};

/// What the clients of a run share.
pub(super) struct Run {
    pub(super) begin: Instant,
    /// What was due before is warm-up.
    from: Instant,
    pub(super) end: Instant,
    schedule: Option<Turn<mpsc::Receiver<Instant>>>,
    latencies: Mutex<Latencies>,
    done: AtomicU64,
}

impl Run {
    /// Begins now.
    pub(super) fn begin(pacing: Pacing) -> Result<Arc<Self>, Failure> {
        let begin = Instant::now();
        let from = begin + pacing.warmup;
        let end = from + pacing.duration;
        let schedule = pacing.rate.map(|rate| Turn::new(schedule(begin, end, rate)));
        let latencies = Mutex::new(Latencies::new()?);
        Ok(Arc::new(Self { begin, from, end, schedule, latencies, done: AtomicU64::new(0) }))
    }

    /// Waits until the next message is due, which is when its latency counts from; `None` when the time is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        let due = match &self.schedule {
            Some(schedule) => schedule.lock().await.recv().await?,
            None => Instant::now(),
        };
        (Instant::now() < self.end).then_some(due)
    }

    /// What was due then has arrived.
    pub(super) fn arrived(&self, due: Instant) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if due >= self.from {
            let took = due.elapsed();
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).record(took);
        }
    }

    /// Waits for the clients, and measures meanwhile.
    pub(super) async fn measure(
        self: Arc<Self>,
        context: &Context,
        clients: JoinSet<Result<(), Failure>>,
    ) -> Result<Measured, Failure> {
        let (sender, warm) = tokio::sync::oneshot::channel();
        let watch = async {
            tokio::time::sleep_until(self.from).await;
            // Nobody waits when a client has failed.
            let _ = sender.send(cpu_time());
            std::future::pending::<()>().await;
        };
        let progress = progress(context, &self);
        tokio::select! {
            ended = all(clients) => ended?,
            () = watch => {}
            () = progress => {}
        }
        let cpu = warm.await.ok().and_then(|before| Some(cpu_time()?.saturating_sub(before?)));
        let elapsed = Instant::now().saturating_duration_since(self.from);
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        let latencies = std::mem::replace(&mut *latencies, Latencies::new()?);
        Ok(Measured { latencies, elapsed, cpu })
    }
}

/// Messages that are due and not begun, at most. The schedule goes on when there is room, and forgets none.
const WAITING: usize = 1 << 16;

/// Says on time what is due: a thread, because timers of the runtime are no finer than a millisecond.
fn schedule(begin: Instant, end: Instant, rate: f64) -> mpsc::Receiver<Instant> {
    let (sender, receiver) = mpsc::channel(WAITING);
    thread::spawn(move || {
        for number in 0_u64.. {
            let due = begin + Duration::from_secs_f64(number as f64 / rate);
            if due >= end {
                return;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.blocking_send(due).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits until all tasks have ended; the first failure ends the others.
pub(super) async fn all(mut tasks: JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Failure::new(Code::Internal, error.to_string()))??;
    }
    Ok(())
}

/// Tells people how far it is, on a terminal. Never ends.
async fn progress(context: &Context, run: &Run) {
    if context.globals.quiet || !std::io::stderr().is_terminal() {
        std::future::pending::<()>().await;
    }
    let _clear = Clear;
    let whole = run.end.duration_since(run.begin).as_secs_f64();
    loop {
        let passed = run.begin.elapsed().as_secs_f64();
        let bar = "#".repeat((passed / whole * 30.0).min(30.0) as usize);
        let done = run.done.load(Ordering::Relaxed);
        let phase = if Instant::now() < run.from { "warming up" } else { "measuring" };
        eprint!("\r[{bar:<30}] {passed:4.1} s of {whole:.1} s, {phase}, {done} messages ");
        let _ = std::io::stderr().flush();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Takes the line away.
struct Clear;

impl Drop for Clear {
    fn drop(&mut self) {
        eprint!("\r\x1b[K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is slower than its schedule: what had to wait for its turn has waited.
    #[tokio::test]
    async fn latencies_count_from_when_a_message_was_due() {
        let [warmup, duration, slow] = [1, 100, 30].map(Duration::from_millis);
        let run = Run::begin(Pacing { duration, warmup, rate: Some(100.0) }).unwrap();
        while let Some(due) = run.next().await {
            tokio::time::sleep(slow).await;
            run.arrived(due);
        }
        let latencies = run.latencies.lock().unwrap();
        assert!(
            latencies.percentile(100.0) >= Duration::from_millis(60),
            "{:?}",
            latencies.percentile(100.0)
        );
        assert!(latencies.len() < 10);
    }
}
