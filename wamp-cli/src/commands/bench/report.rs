//! What came out.

use std::time::Duration;

use wamp_tokio::proto::{Dict, Value};

use crate::{
    exit::{Code, Failure},
    latency::{Latencies, milliseconds, rounded},
    session::Context,
};

/// What a run has measured.
pub(super) struct Measured {
    pub(super) latencies: Latencies,
    /// From the end of the warm-up to the last message.
    pub(super) elapsed: Duration,
    /// What this process has spent meanwhile, where that can be known.
    pub(super) cpu: Option<Duration>,
}

/// What a benchmark says.
pub(super) struct Report {
    figures: Dict,
    measured: Measured,
}

impl Report {
    /// A report of what was measured with these settings.
    pub(super) fn new(
        context: &Context,
        what: &str,
        settings: impl IntoIterator<Item = (&'static str, Value)>,
        measured: Measured,
    ) -> Self {
        let messages = measured.latencies.len();
        let seconds = measured.elapsed.as_secs_f64();
        let mut figures = Dict::new();
        figures.insert("benchmark", Value::from(what));
        figures.insert("url", Value::from(context.globals.url()));
        for (name, value) in settings {
            figures.insert(name, value);
        }
        figures.insert("seconds", rounded(seconds));
        figures.insert("messages", Value::from(messages));
        figures.insert("per_second", rounded(messages as f64 / seconds));
        figures.insert("latency_ms", measured.latencies.figures());
        if let Some(cpu) = measured.cpu {
            let each = cpu.as_secs_f64() * 1e6 / messages.max(1) as f64;
            figures.insert("cpu_us_per_message", rounded(each));
        }
        Self { figures, measured }
    }

    /// The same, with the whole histogram.
    pub(super) fn with_distribution(mut self) -> Self {
        self.figures.insert("distribution", self.measured.latencies.distribution());
        self
    }

    /// The report as a dict.
    pub(super) fn figures(&self) -> Value {
        Value::Dict(self.figures.clone())
    }

    /// Fails when the slowest hundredth is not below the limit, or nothing was measured.
    pub(super) fn assert_slowest(&self, limit: Duration) -> Result<(), Failure> {
        let p99 = self.measured.latencies.percentile(99.0);
        if self.measured.latencies.len() == 0 {
            return Err(Failure::new(Code::AssertionFailed, "nothing was measured"));
        }
        if p99 < limit {
            return Ok(());
        }
        let (p99, limit) = (milliseconds(p99), milliseconds(limit));
        Err(Failure::new(Code::AssertionFailed, format!("p99 is {p99} ms, not below {limit} ms")))
    }
}

/// What this process has spent so far.
#[cfg(unix)]
pub(super) fn cpu_time() -> Option<Duration> {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(spent.tv_sec.try_into().ok()?, spent.tv_nsec.try_into().ok()?))
}

/// What this process has spent so far.
#[cfg(not(unix))]
pub(super) fn cpu_time() -> Option<Duration> {
    None
}
