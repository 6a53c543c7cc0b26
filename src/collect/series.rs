//! The last hour of this machine's samples by label set, and the one number that a rule makes of them.
//!
//! It never reads a clock: moments are durations since the collector's start, so that a step of the wall clock bends no rate.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use verwalter_core::metrics::{Combine, MetricRule, Take};

/// How far back samples are kept.
pub const HORIZON: Duration = Duration::from_secs(3_600);
/// Most moments that are kept: [`HORIZON`] at a sample every 2 s. A shorter interval keeps a shorter past.
pub const MAX_MOMENTS: usize = 1_800;
/// Most series that are kept. Arbitrary, above 400 interfaces (8 series each) beside 60 disks (11 each); a full hour of so many takes 60 MB.
pub const MAX_SERIES: usize = 4_096;
/// A newest sample older than this many intervals says nothing about now.
const STALE_INTERVALS: u32 = 3;
/// When there is no room for a new series, those silent for this many moments go first: removed interfaces, ended containers.
const SILENT_MOMENTS: usize = 3;

/// What tells one series from another; `metric` is always among the keys.
pub type Labels = BTreeMap<String, String>;

/// What a series' numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Only grows, until whatever counts is restarted.
    Counter,
    /// A level: goes up and down.
    Gauge,
}

/// One number of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which series.
    pub labels: Labels,
    /// What the series' numbers mean.
    pub kind: SampleKind,
    /// Seconds, bytes, a ratio or a count.
    pub value: f64,
}

/// One series. Its values stand side by side from moment `first` on, NaN where a sample is missing.
#[derive(Debug, Clone)]
struct Series {
    kind: SampleKind,
    first: usize,
    values: VecDeque<f64>,
}

impl Series {
    /// The number of the moment after the newest value.
    fn end(&self) -> usize {
        self.first + self.values.len()
    }

    fn put(&mut self, moment: usize, value: f64) {
        while self.end() < moment {
            self.values.push_back(f64::NAN);
        }
        // Else the moment has a value already: of two samples with equal labels the first counts.
        if self.end() == moment {
            self.values.push_back(value);
        }
    }

    fn forget_before(&mut self, moment: usize) {
        while self.first < moment && self.values.pop_front().is_some() {
            self.first += 1;
        }
    }
}

/// All series, on shared moments. Moments are numbered from 0 on; `first` is the number of the oldest that is kept.
#[derive(Debug, Clone)]
pub struct History {
    interval: Duration,
    first: usize,
    moments: VecDeque<Duration>,
    series: BTreeMap<Labels, Series>,
}

impl History {
    /// An empty history of samples that are `interval` apart.
    pub fn new(interval: Duration) -> History {
        History { interval, first: 0, moments: VecDeque::new(), series: BTreeMap::new() }
    }

    /// Adds the samples taken `at`, and returns how many found no room below [`MAX_SERIES`].
    ///
    /// Samples that are not finite count as missing. A moment that is not after the newest one is ignored.
    pub fn append(&mut self, at: Duration, samples: Vec<Sample>) -> usize {
        if self.moments.back().is_some_and(|newest| at <= *newest) {
            return 0;
        }
        let moment = self.first + self.moments.len();
        self.moments.push_back(at);
        let mut made_room = false;
        let mut left_out = 0;
        for Sample { labels, kind, value } in samples {
            if !value.is_finite() {
                continue;
            }
            if let Some(series) = self.series.get_mut(&labels) {
                series.put(moment, value);
                continue;
            }
            if self.series.len() >= MAX_SERIES && !made_room {
                made_room = true;
                self.series.retain(|_, series| series.end() + SILENT_MOMENTS > moment);
            }
            if self.series.len() >= MAX_SERIES {
                left_out += 1;
                continue;
            }
            self.series.insert(labels, Series { kind, first: moment, values: VecDeque::from([value]) });
        }
        self.forget(at);
        left_out
    }

    /// What `rule` says at `now`: a finite number, or NaN where no sample does.
    ///
    /// * [`Take::Last`]: the newest sample, unless it is older than three intervals.
    /// * [`Take::Rate`]: units a second of a counter. The sum of its increments, where a fall is a reset and the value after it counts whole,
    ///   divided by the time between the oldest and the newest sample used: those in the window, or the only one there and the nearest older.
    ///   A level has no rate.
    /// * [`Take::Avg`], [`Take::Min`], [`Take::Max`]: over the samples in the window, both ends included.
    ///
    /// Series without a number are left out before `combine`.
    pub fn evaluate(&self, rule: &MetricRule, now: Duration) -> f64 {
        self.evaluate_series(&self.matching(rule), rule, now)
    }

    /// What `rule` said at each of the last `count` moments, oldest first.
    pub fn evaluate_past(&self, rule: &MetricRule, count: usize) -> Vec<f64> {
        let matching = self.matching(rule);
        let skipped = self.moments.len().saturating_sub(count);
        self.moments.iter().skip(skipped).map(|at| self.evaluate_series(&matching, rule, *at)).collect()
    }

    fn matching(&self, rule: &MetricRule) -> Vec<&Series> {
        let matches = |labels: &Labels| rule.labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        self.series.iter().filter(|(labels, _)| matches(labels)).map(|(_, series)| series).collect()
    }

    fn evaluate_series(&self, matching: &[&Series], rule: &MetricRule, now: Duration) -> f64 {
        let taken = matching.iter().map(|series| self.take(series, rule, now)).filter(|value| !value.is_nan());
        let combined = match rule.combine {
            Combine::Sum => taken.reduce(|a, b| a + b).unwrap_or(f64::NAN),
            Combine::Avg => mean(taken),
            Combine::Min => taken.fold(f64::NAN, f64::min),
            Combine::Max => taken.fold(f64::NAN, f64::max),
        };
        // A sum of huge numbers overflows to infinity, for which no document has a text.
        if combined.is_finite() { combined } else { f64::NAN }
    }

    fn take(&self, series: &Series, rule: &MetricRule, now: Duration) -> f64 {
        let since = now.saturating_sub(rule.window);
        let mut past = self.backwards(series, now);
        let in_window = |(at, _): &(Duration, f64)| *at >= since;
        let value = |(_, value)| value;
        match rule.take {
            Take::Last => match past.next() {
                Some((at, value)) if now - at <= self.interval.saturating_mul(STALE_INTERVALS) => value,
                _ => f64::NAN,
            },
            Take::Rate => match series.kind {
                SampleKind::Counter => rate(past, since),
                SampleKind::Gauge => f64::NAN,
            },
            Take::Avg => mean(past.take_while(in_window).map(value)),
            Take::Min => past.take_while(in_window).map(value).fold(f64::NAN, f64::min),
            Take::Max => past.take_while(in_window).map(value).fold(f64::NAN, f64::max),
        }
    }

    /// The samples of one series up to `now`, newest first.
    fn backwards(&self, series: &Series, now: Duration) -> impl Iterator<Item = (Duration, f64)> {
        let offset = series.first - self.first;
        let with_moments = self.moments.iter().skip(offset).zip(&series.values).rev();
        with_moments.map(|(at, value)| (*at, *value)).filter(move |(at, value)| *at <= now && !value.is_nan())
    }

    fn forget(&mut self, now: Duration) {
        let before = self.first;
        while self.moments.len() > MAX_MOMENTS || self.moments.front().is_some_and(|oldest| now - *oldest > HORIZON) {
            self.moments.pop_front();
            self.first += 1;
        }
        if self.first == before {
            return;
        }
        for series in self.series.values_mut() {
            series.forget_before(self.first);
        }
        self.series.retain(|_, series| !series.values.is_empty());
    }
}

/// Growth per second of a counter, from its samples newest first.
fn rate(mut past: impl Iterator<Item = (Duration, f64)>, since: Duration) -> f64 {
    let Some((newest, mut later)) = past.next().filter(|(at, _)| *at >= since) else { return f64::NAN };
    let mut oldest = newest;
    let mut growth = 0.0;
    for (at, value) in past {
        let two_in_hand = oldest < newest;
        if at < since && two_in_hand {
            break;
        }
        growth += if later >= value { later - value } else { later };
        (oldest, later) = (at, value);
    }
    let covered = (newest - oldest).as_secs_f64();
    if covered > 0.0 { growth / covered } else { f64::NAN }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

#[cfg(test)]
mod tests;
