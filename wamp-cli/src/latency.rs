//! Latencies, and what is said of them.

use std::time::Duration;

use hdrhistogram::Histogram;
use wamp_tokio::proto::{Dict, Value};

use crate::exit::{Code, Failure};

/// Latencies up to a minute, exact to three digits; longer ones count as a minute.
pub(crate) struct Latencies(Histogram<u64>);

/// A minute, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

impl Latencies {
    /// None yet.
    pub(crate) fn new() -> Result<Self, Failure> {
        let histogram = Histogram::new_with_bounds(1, LONGEST, 3);
        histogram.map(Self).map_err(|error| Failure::new(Code::Internal, error.to_string()))
    }

    /// One more.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST).max(1));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    /// What so many percent of them are at most.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_percentile(percent))
    }

    /// The usual figures, in milliseconds.
    pub(crate) fn figures(&self) -> Value {
        let at = |percent| milliseconds(self.percentile(percent));
        Value::Dict(Dict::from_iter([
            ("min", milliseconds(Duration::from_nanos(self.0.min()))),
            ("mean", rounded(self.0.mean() / 1e6)),
            ("p50", at(50.0)),
            ("p90", at(90.0)),
            ("p99", at(99.0)),
            ("p99.9", at(99.9)),
            ("max", milliseconds(Duration::from_nanos(self.0.max()))),
        ]))
    }

    /// The histogram: up to which latency, what share of all in percent, and how many.
    pub(crate) fn distribution(&self) -> Value {
        let step = |step: hdrhistogram::iterators::IterationValue<u64>| {
            Value::Dict(Dict::from_iter([
                ("up_to_ms", milliseconds(Duration::from_nanos(step.value_iterated_to()))),
                ("percent", rounded(step.percentile())),
                ("count", Value::from(step.count_since_last_iteration())),
            ]))
        };
        Value::List(self.0.iter_quantiles(2).map(step).collect())
    }
}

/// A duration as a number of milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> Value {
    rounded(duration.as_secs_f64() * 1e3)
}

/// A number with three digits behind the point.
pub(crate) fn rounded(number: f64) -> Value {
    Value::Float((number * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let mut latencies = Latencies::new().unwrap();
        (1..=100).for_each(|ms| latencies.record(Duration::from_millis(ms)));
        assert_eq!(latencies.len(), 100);
        for (percent, ms) in [(50.0, 50), (99.0, 99), (100.0, 100)] {
            let off = latencies.percentile(percent).abs_diff(Duration::from_millis(ms));
            assert!(off < Duration::from_micros(100), "{percent}: {off:?}");
        }
        latencies.record(Duration::from_secs(1_000_000));
        assert!(latencies.percentile(100.0) >= Duration::from_nanos(LONGEST));
        let Value::List(steps) = latencies.distribution() else { panic!("a list") };
        assert!(steps.len() > 5);
    }
}
