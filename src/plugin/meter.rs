//! What one build of one plugin did and cost, as counters since the daemon started. It decides nothing, and recording takes no lock.

mod registry;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;
use verwalter_core::ports::{Cost, FailureCause};

use crate::histogram::{Histogram, Latency};

pub use registry::{Meters, Tally, TallyReading};

/// Every cause of a failure, for those that label by it.
pub const CAUSES: [FailureCause; 12] = FailureCause::ALL;

/// Where a cause is in [`CAUSES`]. A new cause does not compile until it has its place here.
fn place(cause: FailureCause) -> usize {
    match cause {
        FailureCause::Trap => 0,
        FailureCause::Fuel => 1,
        FailureCause::Time => 2,
        FailureCause::Memory => 3,
        FailureCause::Stack => 4,
        FailureCause::Input => 5,
        FailureCause::Output => 6,
        FailureCause::Log => 7,
        FailureCause::Answered => 8,
        FailureCause::Refused => 9,
        FailureCause::Guard => 10,
        FailureCause::Host => 11,
    }
}

/// The counters of one build. Shared by everybody who calls it.
#[derive(Debug, Default)]
pub struct Meter {
    calls: AtomicU64,
    failures: [AtomicU64; CAUSES.len()],
    latency: Histogram,
    fuel_last: AtomicU64,
    fuel_total: AtomicU64,
    peak_memory_bytes: AtomicU64,
    log_lines: AtomicU64,
    log_suppressed: AtomicU64,
}

impl Meter {
    /// Counts a call. A failed one may have no cost: a run that the clock or the stack ended has no figure that could be compared.
    pub fn record(&self, result: Result<&Cost, (FailureCause, Option<&Cost>)>) {
        self.calls.fetch_add(1, Relaxed);
        let cost = match result {
            Ok(cost) => Some(cost),
            Err((cause, cost)) => {
                self.failures[place(cause)].fetch_add(1, Relaxed);
                cost
            }
        };
        let Some(cost) = cost else { return };
        self.latency.record(cost.elapsed);
        self.fuel_last.store(cost.fuel, Relaxed);
        self.fuel_total.fetch_add(cost.fuel, Relaxed);
        self.peak_memory_bytes.fetch_max(cost.peak_memory as u64, Relaxed);
    }

    /// Counts a failure that shows after the call was recorded as good: an answer that the contract refused.
    pub fn record_late(&self, cause: FailureCause) {
        self.failures[place(cause)].fetch_add(1, Relaxed);
    }

    /// Counts what became of log lines.
    pub fn record_log(&self, emitted: u64, suppressed: u64) {
        self.log_lines.fetch_add(emitted, Relaxed);
        self.log_suppressed.fetch_add(suppressed, Relaxed);
    }

    /// The counters now. A call that is recorded at the same time may be in some of them and not yet in others.
    pub fn snapshot(&self) -> MeterReading {
        let failures = CAUSES.iter().map(|cause| (*cause, self.failures[place(*cause)].load(Relaxed)));
        MeterReading {
            calls: self.calls.load(Relaxed),
            failures: failures.filter(|(_, count)| *count > 0).collect(),
            latency_us: self.latency.read(),
            fuel: Fuel { last: self.fuel_last.load(Relaxed), total: self.fuel_total.load(Relaxed) },
            peak_memory_bytes: self.peak_memory_bytes.load(Relaxed),
            log_lines: self.log_lines.load(Relaxed),
            log_suppressed: self.log_suppressed.load(Relaxed),
        }
    }
}

/// What a [`Meter`] held at one moment; `metrics` in `/v1/plugins`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MeterReading {
    /// Calls, failed ones too.
    pub calls: u64,
    /// Failed calls by cause, without causes that have none.
    pub failures: BTreeMap<FailureCause, u64>,
    /// Wall time of the calls whose cost is known.
    pub latency_us: Latency,
    /// Fuel of the calls whose cost is known.
    pub fuel: Fuel,
    /// The most linear memory that any call had.
    pub peak_memory_bytes: u64,
    /// Log lines that reached the daemon's log.
    pub log_lines: u64,
    /// Log lines beyond the rate that is let through.
    pub log_suppressed: u64,
}

/// Fuel used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Fuel {
    /// By the newest call.
    pub last: u64,
    /// By all calls.
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cost(fuel: u64, us: u64, peak_memory: usize) -> Cost {
        Cost { fuel, elapsed: Duration::from_micros(us), peak_memory }
    }

    #[test]
    fn every_cause_has_its_place() {
        for (index, cause) in CAUSES.into_iter().enumerate() {
            assert_eq!(place(cause), index, "{cause}");
            let meter = Meter::default();
            meter.record(Err((cause, None)));
            assert_eq!(meter.snapshot().failures, BTreeMap::from([(cause, 1)]));
        }
    }

    #[test]
    fn what_calls_add_up_to() {
        let meter = Meter::default();
        assert_eq!(meter.snapshot(), MeterReading::default());
        meter.record(Ok(&cost(100, 30, 5_000)));
        meter.record(Ok(&cost(50, 40, 9_000)));
        meter.record(Err((FailureCause::Fuel, Some(&cost(70, 50, 1)))));
        meter.record(Err((FailureCause::Time, None)));
        meter.record_late(FailureCause::Refused);
        meter.record_log(3, 4);
        let reading = meter.snapshot();
        assert_eq!(reading.calls, 4, "a late failure is no further call");
        let failures = [(FailureCause::Fuel, 1), (FailureCause::Time, 1), (FailureCause::Refused, 1)];
        assert_eq!(reading.failures, BTreeMap::from(failures));
        assert_eq!((reading.latency_us.count(), reading.latency_us.sum_us, reading.latency_us.max_us), (3, 120, 50));
        assert_eq!(reading.fuel, Fuel { last: 70, total: 220 });
        assert_eq!((reading.peak_memory_bytes, reading.log_lines, reading.log_suppressed), (9_000, 3, 4));
    }

    #[test]
    fn the_json_has_the_documented_shape() {
        let meter = Meter::default();
        meter.record(Ok(&cost(100, 7, 4096)));
        meter.record(Err((FailureCause::Answered, None)));
        let expect = serde_json::json!({
            "calls": 2, "failures": { "answered": 1 },
            "latency_us": { "p50": 7, "p90": 7, "p99": 7, "max": 7, "sum": 7, "buckets": [{ "le": 10, "count": 1 }] },
            "fuel": { "last": 100, "total": 100 }, "peak_memory_bytes": 4096, "log_lines": 0, "log_suppressed": 0,
        });
        assert_eq!(serde_json::to_value(meter.snapshot()).expect("it is JSON"), expect);
    }
}
