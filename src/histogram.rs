//! Durations counted in fixed buckets: what latencies are read from. Recording takes no lock, and nothing here knows a clock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Upper bounds in microseconds, inclusive. From the cheapest call of a plugin (an instance alone takes tens of µs) to the greatest
/// time limit; steps of 1, 2, 5 keep an estimated percentile within a factor of 2.5.
pub const BOUNDS_US: [u64; 21] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
    10_000_000, 20_000_000, 60_000_000,
];

/// One more than there are bounds: the last bucket has none.
pub const BUCKETS: usize = BOUNDS_US.len() + 1;

/// Counts by duration.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
    max_us: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
        self.max_us.fetch_max(us, Relaxed);
    }

    /// The counts now. Durations that are recorded at the same time may be in some of its numbers and not yet in others.
    pub fn read(&self) -> Latency {
        Latency {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Relaxed)),
            sum_us: self.sum_us.load(Relaxed),
            max_us: self.max_us.load(Relaxed),
        }
    }
}

/// What a [`Histogram`] held at one moment. As JSON it is `{p50, p90, p99, max, sum, buckets: [{le, count}]}` in microseconds, each
/// bucket by itself, without those that are empty; `le` is null in the one without a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// How many in each bucket, not summed up.
    pub counts: [u64; BUCKETS],
    /// All durations together, in microseconds.
    pub sum_us: u64,
    /// The longest, in microseconds.
    pub max_us: u64,
}

impl Latency {
    /// How many durations there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The duration in microseconds that `percent` of all stay below, estimated: within a bucket they are taken to be spread evenly.
    /// `None` without any.
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        let count = self.count();
        // At least one: the 0th percentile is the shortest there is.
        let rank = u128::from(count).saturating_mul(percent.min(100).into()).div_ceil(100).max(1);
        let (mut below, mut lower) = (0_u128, 0);
        for (bucket, held) in self.counts.iter().enumerate() {
            let held = u128::from(*held);
            // Above the last bound nothing is known but the longest.
            let upper = BOUNDS_US.get(bucket).map_or(self.max_us, |bound| (*bound).min(self.max_us)).max(lower);
            if held > 0 && below + held >= rank {
                let into = u128::from(upper - lower) * (rank - below) / held;
                return Some(lower + u64::try_from(into).expect("it is a part of a 64-bit number"));
            }
            below += held;
            lower = upper;
        }
        None
    }
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Bucket {
            le: Option<u64>,
            count: u64,
        }
        let buckets = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let buckets: Vec<Bucket> = buckets.map(|(bucket, count)| Bucket { le: BOUNDS_US.get(bucket).copied(), count: *count }).collect();
        let mut object = serializer.serialize_struct("Latency", 6)?;
        object.serialize_field("p50", &self.percentile(50))?;
        object.serialize_field("p90", &self.percentile(90))?;
        object.serialize_field("p99", &self.percentile(99))?;
        object.serialize_field("max", &self.max_us)?;
        object.serialize_field("sum", &self.sum_us)?;
        object.serialize_field("buckets", &buckets)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations_us: &[u64]) -> Latency {
        let histogram = Histogram::default();
        for us in durations_us {
            histogram.record(Duration::from_micros(*us));
        }
        histogram.read()
    }

    #[test]
    fn bounds_are_in_order_and_inclusive() {
        assert!(BOUNDS_US.windows(2).all(|pair| pair[0] < pair[1]));
        let check = |us: u64, bucket: usize| {
            let counts = of(&[us]).counts;
            assert_eq!(counts.iter().position(|count| *count == 1), Some(bucket), "{us}");
            assert_eq!(counts.iter().sum::<u64>(), 1, "{us}");
        };
        check(0, 0);
        check(10, 0);
        check(11, 1);
        check(60_000_000, BUCKETS - 2);
        check(60_000_001, BUCKETS - 1);
        check(u64::MAX, BUCKETS - 1);
    }

    #[test]
    fn percentiles_lie_in_the_right_bucket_and_never_above_the_longest() {
        let check = |durations_us: &[u64], percent: u8, expect: Option<u64>| {
            assert_eq!(of(durations_us).percentile(percent), expect, "{percent} of {durations_us:?}");
        };
        check(&[], 50, None);
        check(&[7], 50, Some(7));
        check(&[15, 15, 15], 99, Some(15));
        check(&[12, 20], 0, Some(15));
        check(&[12, 20], 50, Some(15));
        check(&[12, 20], 100, Some(20));
        // Ninety-nine short ones and a long one.
        let mut skewed = vec![30; 99];
        skewed.push(900_000);
        check(&skewed, 50, Some(20 + 30 * 50 / 99));
        check(&skewed, 99, Some(50));
        check(&skewed, 100, Some(900_000));
        check(&[70_000_000, 90_000_000], 50, Some(75_000_000));
        check(&[u64::MAX, u64::MAX], 100, Some(u64::MAX));
        check(&[1], 200, Some(1));
    }

    #[test]
    fn as_json_it_has_no_empty_buckets() {
        let text = serde_json::to_string(&of(&[5, 70_000_000])).expect("it is JSON");
        let expect = r#"{"p50":10,"p90":70000000,"p99":70000000,"max":70000000,"sum":70000005,"buckets":[{"le":10,"count":1},{"le":null,"count":1}]}"#;
        assert_eq!(text, expect);
    }
}
