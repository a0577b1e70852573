//! Sessions that come and go.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use tokio::time::Instant;
use wamp_tokio::proto::Value;

use super::report::{Measured, Report, cpu_time};
use crate::{args::BenchConnect, exit::Failure, latency::Latencies, session::Context};

/// Has sessions join and leave; a latency is the time from nothing to a joined session.
pub(super) async fn measure(context: &Context, arguments: &BenchConnect) -> Result<Report, Failure> {
    // The first one finds out whether there is a router at all, and is the warm-up.
    context.connect().await?.close().await;
    let (begin, before) = (Instant::now(), cpu_time());
    let latencies = Mutex::new(Latencies::new()?);
    let left = Arc::new(AtomicU32::new(arguments.sessions));
    let churn = async || {
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            let due = Instant::now();
            let client = context.connect().await?;
            latencies.lock().unwrap_or_else(PoisonError::into_inner).record(due.elapsed());
            client.close().await;
        }
        Ok::<_, Failure>(())
    };
    futures_util::future::try_join_all((0..arguments.concurrency).map(|_| churn())).await?;
    let cpu = before.and_then(|before| Some(cpu_time()?.saturating_sub(before)));
    let latencies = latencies.into_inner().unwrap_or_else(PoisonError::into_inner);
    let measured = Measured { latencies, elapsed: begin.elapsed(), cpu };
    let settings =
        [("sessions", Value::from(arguments.sessions)), ("concurrency", Value::from(arguments.concurrency))];
    Ok(Report::new(context, "connect", settings, measured))
}
