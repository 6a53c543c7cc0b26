//! A history says what plain vectors say, whatever comes and goes.

use std::collections::BTreeSet;

use proptest::prelude::*;
use verwalter_core::metrics::{Combine, MAX_SAMPLES, MatchOp, Matcher, Take};

use super::*;
use crate::source::{GroupValue, Samples};

const INTERVAL: Duration = Duration::from_secs(2);
const SERIES: [(&str, &str, SampleKind); 6] = [
    ("bytes", "sda", SampleKind::Counter),
    ("bytes", "sdb", SampleKind::Counter),
    ("bytes", "dm-0", SampleKind::Counter),
    ("level", "sda", SampleKind::Gauge),
    ("level", "", SampleKind::Gauge),
    ("other", "sda", SampleKind::Gauge),
];

fn labels(metric: &str, device: &str) -> Labels {
    let pairs = [("metric", metric), ("device", device)];
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| (label.to_owned(), value.to_owned())).collect()
}

/// The same as [`History`], kept as it comes.
#[derive(Default)]
struct Plain {
    moments: Vec<Duration>,
    samples: BTreeMap<Labels, (SampleKind, Vec<(Duration, f64)>)>,
}

impl Plain {
    fn append(&mut self, at: Duration, samples: &[Sample]) {
        if self.moments.last().is_some_and(|newest| at <= *newest) {
            return;
        }
        self.moments.push(at);
        for Sample { labels, kind, value } in samples.iter().filter(|sample| sample.value.is_finite()) {
            self.samples.entry(labels.clone()).or_insert((*kind, Vec::new())).1.push((at, *value));
        }
        let by_count = self.moments.len().saturating_sub(MAX_MOMENTS);
        let oldest = self.moments[by_count].max(at.saturating_sub(HORIZON));
        for (_, samples) in self.samples.values_mut() {
            samples.retain(|(at, _)| *at >= oldest);
        }
        self.samples.retain(|_, (_, samples)| !samples.is_empty());
    }

    /// Written anew from the contract's words, oldest first.
    fn take(rule: &MetricRule, kind: SampleKind, samples: &[(Duration, f64)], now: Duration) -> f64 {
        let samples: Vec<_> = samples.iter().filter(|(at, _)| *at <= now).copied().collect();
        let since = now.saturating_sub(rule.window);
        let inside = samples.iter().filter(|(at, _)| *at >= since).count();
        let window: Vec<f64> = samples[samples.len() - inside..].iter().map(|(_, value)| *value).collect();
        let Some((newest_at, newest)) = samples.last().copied() else { return f64::NAN };
        let stale = INTERVAL * 3;
        if matches!(rule.take, Take::Last | Take::Series) {
            return if now - newest_at <= stale { newest } else { f64::NAN };
        }
        if window.is_empty() {
            return f64::NAN;
        }
        let begin = samples.len() - inside.max(2).min(samples.len());
        let borrowed_at = samples[begin].0;
        let grown: f64 =
            samples[begin..].windows(2).map(|pair| if pair[1].1 < pair[0].1 { pair[1].1 } else { pair[1].1 - pair[0].1 }).sum();
        let covered = (newest_at - borrowed_at).as_secs_f64();
        let near = borrowed_at + stale >= since;
        let mut sorted = window.clone();
        sorted.sort_by(f64::total_cmp);
        match (rule.take, kind) {
            (Take::Rate, SampleKind::Counter) if covered > 0.0 && now - newest_at <= stale => grown / covered,
            (Take::Delta, SampleKind::Counter) if covered > 0.0 && near => grown,
            (Take::Delta, SampleKind::Gauge) if covered > 0.0 && near => newest - samples[begin].1,
            (Take::Rate | Take::Delta, _) => f64::NAN,
            (Take::Avg, _) => window.iter().sum::<f64>() / window.len() as f64,
            (Take::Min, _) => sorted[0],
            (Take::Max, _) => sorted[sorted.len() - 1],
            (_, _) => sorted[(0.95 * sorted.len() as f64).ceil() as usize - 1],
        }
    }

    fn combine(how: Combine, values: &[f64]) -> f64 {
        let values: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        let sum: f64 = values.iter().sum();
        match how {
            _ if values.is_empty() => f64::NAN,
            Combine::Sum => sum,
            Combine::Avg => sum / values.len() as f64,
            Combine::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            Combine::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn row(&self, set: &QuerySet, now: Duration) -> Row {
        let mut row = Row::default();
        for (place, query) in (0..).zip(set.queries()) {
            let rule = query.rule();
            let matching: Vec<_> = self.samples.iter().filter(|(labels, _)| query.matches(labels)).collect();
            if matching.is_empty() {
                row.unmatched.push(place);
            }
            let mut groups: BTreeSet<Vec<String>> = matching.iter().map(|(labels, _)| query.group(labels)).collect();
            if rule.by.is_empty() {
                groups.insert(Vec::new());
            }
            for group in groups {
                let members: Vec<_> = matching.iter().filter(|(labels, _)| query.group(labels) == group).map(|(_, kept)| *kept).collect();
                let at = |now| {
                    Plain::combine(
                        rule.combine,
                        &members.iter().map(|(kind, kept)| Plain::take(rule, *kind, kept, now)).collect::<Vec<_>>(),
                    )
                };
                let value = at(now);
                if rule.by.is_empty() {
                    row.values.push(value);
                } else if value.is_nan() {
                    continue;
                } else {
                    row.groups.push(GroupValue { query: place, group: group.clone(), value });
                }
                let mut times: Vec<Duration> = members.iter().flat_map(|(_, kept)| kept.iter().map(|(at, _)| *at)).collect();
                times.sort();
                times.dedup();
                times.retain(|at| *at <= now && *at >= now.saturating_sub(rule.window));
                let values: Vec<f64> = times[times.len().saturating_sub(MAX_SAMPLES)..].iter().map(|time| at(*time)).collect();
                if rule.take == Take::Series && !values.is_empty() {
                    row.samples.push(Samples { query: place, group, values });
                }
            }
        }
        row
    }
}

fn rules() -> impl Strategy<Value = BTreeSet<MetricRule>> {
    let takes = [Take::Last, Take::Rate, Take::Delta, Take::Avg, Take::Min, Take::Max, Take::P95, Take::Series];
    let combines = [Combine::Sum, Combine::Avg, Combine::Min, Combine::Max];
    let devices =
        [None, Some((MatchOp::NotEqual, "sda")), Some((MatchOp::Like, "sd.")), Some((MatchOp::Equal, "")), Some((MatchOp::Equal, "x"))];
    let rule = (
        proptest::sample::select(vec!["bytes", "level"]),
        proptest::sample::select(devices.to_vec()),
        proptest::sample::select(takes.to_vec()),
        proptest::sample::select(vec![1, 2, 7, 60, 300, 3_600]),
        proptest::sample::select(combines.to_vec()),
        any::<bool>(),
    );
    let rule = rule.prop_map(|(metric, device, take, window, combine, by)| MetricRule {
        labels: labels(metric, ""),
        matchers: device.into_iter().map(|(op, value)| Matcher { label: "device".to_owned(), op, value: value.to_owned() }).collect(),
        take,
        window: Duration::from_secs(window),
        combine,
        by: by.then(|| "device".to_owned()).into_iter().collect(),
        source: None,
    });
    proptest::collection::btree_set(rule, 0..6)
}

/// Of each series at one moment: its growth, or none.
type Step = (u64, [Option<i32>; SERIES.len()]);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop_oneof![6 => (0..2_000).prop_map(Some), 1 => Just(Some(-1)), 1 => Just(None)];
    let pause = prop_oneof![20 => 1_990..2_010_u64, 2 => 0..30_000_u64, 1 => 500_000..4_000_000_u64];
    // Stretches of the same shape, so that series fall silent for long enough to be dropped.
    let stretch = (
        proptest::array::uniform6(prop_oneof![3 => Just(true), 1 => Just(false)]),
        proptest::collection::vec((pause, proptest::array::uniform6(value)), 1..60),
    );
    proptest::collection::vec(stretch, 1..8).prop_map(|stretches| {
        let one = |(heard, steps): ([bool; 6], Vec<Step>)| {
            steps.into_iter().map(move |(pause, values)| {
                let mut values = values;
                values.iter_mut().zip(heard).filter(|(_, heard)| !heard).for_each(|(value, _)| *value = None);
                (pause, values)
            })
        };
        stretches.into_iter().flat_map(one).collect()
    })
}

fn assert_same_rows(row: &Row, expect: &Row) {
    let bits = |values: &[f64]| values.iter().map(|value| if value.is_nan() { None } else { Some(value.to_bits()) }).collect::<Vec<_>>();
    assert_eq!(bits(&row.values), bits(&expect.values), "{row:?}\n{expect:?}");
    assert_eq!((&row.groups, &row.samples, &row.unmatched), (&expect.groups, &expect.samples, &expect.unmatched));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// All numbers are whole, so sums have the same bits in any order.
    #[test]
    fn rows_are_those_of_plain_vectors(steps in steps(), first in rules(), second in rules()) {
        let (mut history, mut plain) = (History::new(INTERVAL), Plain::default());
        let sets = [QuerySet::compile(1, &first), QuerySet::compile(2, &second)];
        let mut at = Duration::from_secs(10);
        let mut values = [0_i32; SERIES.len()];
        for (count, (pause, growth)) in steps.into_iter().enumerate() {
            at += Duration::from_millis(pause);
            let mut samples = Vec::new();
            for (((metric, device, kind), value), growth) in SERIES.into_iter().zip(&mut values).zip(growth) {
                let Some(growth) = growth else { continue };
                *value = if growth < 0 { 3 } else { *value + growth };
                samples.push(Sample { labels: labels(metric, device), kind, value: f64::from(*value) });
            }
            plain.append(at, &samples);
            prop_assert_eq!(history.append(at, samples), 0);
            if count % 7 == 0 {
                let set = &sets[count % 2];
                for now in [at, at + Duration::from_secs(3), at.saturating_sub(Duration::from_secs(5))] {
                    assert_same_rows(&history.row(set, now), &plain.row(set, now));
                }
            }
        }
        for set in &sets {
            assert_same_rows(&history.row(set, at), &plain.row(set, at));
        }
        let kept: BTreeMap<Labels, Vec<(Duration, f64)>> =
            history.series().map(|series| (series.labels().clone(), series.samples(Duration::ZERO))).collect();
        let expect: BTreeMap<Labels, Vec<(Duration, f64)>> =
            plain.samples.iter().map(|(labels, (_, samples))| (labels.clone(), samples.clone())).collect();
        prop_assert_eq!(kept, expect);
    }
}
