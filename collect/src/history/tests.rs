//! Rates, levels and gaps with the expected number.

use verwalter_core::metrics::{Combine, Take};

use super::*;

const INTERVAL: Duration = Duration::from_secs(2);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn sample(kind: SampleKind, device: &str, value: f64) -> Sample {
    Sample { labels: labels(&[("metric", "m"), ("device", device)]), kind, value }
}

fn rule(take: Take, window_secs: u64) -> MetricRule {
    MetricRule { labels: labels(&[("metric", "m")]), take, window: seconds(window_secs), combine: Combine::Sum, ..MetricRule::default() }
}

/// One series with a sample every 2 s from 0 s on; NaN is a missed one.
fn history(kind: SampleKind, values: &[f64]) -> History {
    let mut history = History::new(INTERVAL);
    for (step, value) in values.iter().enumerate() {
        assert_eq!(history.append(INTERVAL * u32::try_from(step).unwrap(), vec![sample(kind, "sda", *value)]), 0);
    }
    history
}

/// What the history says of one rule.
#[track_caller]
fn evaluate(history: &History, rule: &MetricRule, now: Duration) -> f64 {
    let row = history.clone().row(&QuerySet::compile(1, &[rule.clone()].into()), now);
    assert_eq!(row.values.len(), 1);
    row.values[0]
}

#[track_caller]
fn same(actual: f64, expect: f64) {
    assert!(actual == expect || (actual.is_nan() && expect.is_nan()), "{actual} instead of {expect}");
}

#[track_caller]
fn check_rate(values: &[f64], window_secs: u64, now_secs: u64, expect: f64) {
    same(evaluate(&history(SampleKind::Counter, values), &rule(Take::Rate, window_secs), seconds(now_secs)), expect);
}

#[test]
fn a_rate_is_growth_by_the_time_covered() {
    check_rate(&[100.0, 110.0, 130.0], 30, 4, 7.5);
    // The window begins at 2 s, that moment included.
    check_rate(&[100.0, 110.0, 130.0], 2, 4, 10.0);
    check_rate(&[100.0, 100.0], 30, 2, 0.0);
}

#[test]
fn a_reset_counts_from_zero() {
    // +10, reset to 4, +6: 20 in 6 s.
    check_rate(&[100.0, 110.0, 4.0, 10.0], 30, 6, 20.0 / 6.0);
    check_rate(&[1e18, 3.0], 30, 2, 1.5);
}

#[test]
fn a_missed_sample_does_not_bend_a_rate() {
    check_rate(&[0.0, f64::NAN, 8.0], 30, 4, 2.0);
    check_rate(&[0.0, 4.0, f64::NAN], 30, 5, 2.0);
}

#[test]
fn a_lone_sample_in_the_window_borrows_the_nearest_older() {
    check_rate(&[0.0, 2.0, 8.0], 1, 4, 3.0);
    check_rate(&[0.0, f64::NAN, 8.0], 1, 4, 2.0);
}

#[test]
fn without_two_samples_there_is_no_rate() {
    check_rate(&[], 30, 0, f64::NAN);
    check_rate(&[5.0], 30, 0, f64::NAN);
    // The window has none at all.
    check_rate(&[5.0, 6.0], 3, 100, f64::NAN);
}

#[test]
fn a_level_has_no_rate() {
    same(evaluate(&history(SampleKind::Gauge, &[1.0, 2.0]), &rule(Take::Rate, 30), seconds(2)), f64::NAN);
}

#[test]
fn levels_over_a_window() {
    let history = history(SampleKind::Gauge, &[9.0, 1.0, f64::NAN, 2.0]);
    let check = |take, window_secs, expect| same(evaluate(&history, &rule(take, window_secs), seconds(6)), expect);
    check(Take::Last, 0, 2.0);
    check(Take::Avg, 4, 1.5);
    check(Take::Min, 4, 1.0);
    check(Take::Max, 4, 2.0);
    check(Take::Avg, 60, 4.0);
    check(Take::Max, 60, 9.0);
}

#[test]
fn an_old_newest_sample_is_stale() {
    let history = history(SampleKind::Gauge, &[7.0]);
    let check = |take, now_secs, expect| same(evaluate(&history, &rule(take, 3), seconds(now_secs)), expect);
    check(Take::Last, 6, 7.0);
    check(Take::Last, 7, f64::NAN);
    check(Take::Avg, 3, 7.0);
    check(Take::Avg, 4, f64::NAN);
}

#[test]
fn a_rule_sees_nothing_after_its_moment() {
    let history = history(SampleKind::Gauge, &[7.0, 8.0]);
    same(evaluate(&history, &rule(Take::Last, 0), seconds(1)), 7.0);
}

#[test]
fn matching_series_are_combined() {
    let mut history = History::new(INTERVAL);
    let mut foreign = sample(SampleKind::Gauge, "sda", 1_000.0);
    foreign.labels.insert("metric".to_owned(), "other".to_owned());
    let gauge = |device, value| sample(SampleKind::Gauge, device, value);
    history.append(seconds(0), vec![gauge("sda", 3.0), gauge("sdb", 5.0), gauge("sdc", f64::NAN), foreign]);
    let check = |combine, device: Option<&str>, expect| {
        let mut rule = MetricRule { combine, ..rule(Take::Last, 0) };
        rule.labels.extend(device.map(|device| ("device".to_owned(), device.to_owned())));
        same(evaluate(&history, &rule, seconds(0)), expect);
    };
    check(Combine::Sum, None, 8.0);
    check(Combine::Avg, None, 4.0);
    check(Combine::Min, None, 3.0);
    check(Combine::Max, None, 5.0);
    check(Combine::Sum, Some("sdb"), 5.0);
    for combine in [Combine::Sum, Combine::Avg, Combine::Min, Combine::Max] {
        check(combine, Some("sdx"), f64::NAN);
    }
}

#[test]
fn what_overflows_is_missing() {
    let mut history = History::new(INTERVAL);
    history.append(seconds(0), vec![sample(SampleKind::Gauge, "a", f64::MAX), sample(SampleKind::Gauge, "b", f64::MAX)]);
    history.append(seconds(2), vec![sample(SampleKind::Gauge, "c", f64::INFINITY)]);
    same(evaluate(&history, &rule(Take::Last, 0), seconds(2)), f64::NAN);
}

#[test]
fn of_two_samples_with_equal_labels_the_first_counts() {
    let mut history = History::new(INTERVAL);
    history.append(seconds(0), vec![sample(SampleKind::Gauge, "a", 1.0), sample(SampleKind::Gauge, "a", 2.0)]);
    history.append(seconds(2), vec![sample(SampleKind::Gauge, "a", 5.0)]);
    same(evaluate(&history, &rule(Take::Avg, 60), seconds(2)), 3.0);
}

#[test]
fn a_moment_that_is_not_new_is_ignored() {
    let mut history = history(SampleKind::Gauge, &[1.0, 2.0]);
    history.append(seconds(2), vec![sample(SampleKind::Gauge, "sda", 3.0)]);
    history.append(seconds(1), vec![sample(SampleKind::Gauge, "sda", 4.0)]);
    same(evaluate(&history, &rule(Take::Max, 60), seconds(2)), 2.0);
}

#[test]
fn an_hour_is_kept() {
    let values: Vec<f64> = (0..2_000).map(f64::from).collect();
    let newest = INTERVAL * 1_999;
    let by_count = history(SampleKind::Gauge, &values);
    same(evaluate(&by_count, &rule(Take::Min, 1_000_000), newest), 200.0);
    assert_eq!(by_count.moments.len(), MAX_MOMENTS);

    let mut by_age = history(SampleKind::Gauge, &[1.0, 2.0]);
    by_age.append(seconds(3_601), vec![sample(SampleKind::Gauge, "sda", 3.0)]);
    same(evaluate(&by_age, &rule(Take::Min, 1_000_000), seconds(3_601)), 2.0);
}

#[test]
fn a_series_silent_for_an_hour_is_dropped() {
    let mut history = history(SampleKind::Gauge, &[1.0]);
    history.append(seconds(3_700), vec![sample(SampleKind::Gauge, "sdb", 1.0)]);
    assert_eq!(history.series().map(|series| series.labels()["device"].clone()).collect::<Vec<_>>(), ["sdb"]);
}

#[test]
fn a_row_follows_series_that_come_and_go() {
    let set = QuerySet::compile(1, &[MetricRule { by: ["device".to_owned()].into(), ..rule(Take::Last, 0) }].into());
    let mut history = History::new(INTERVAL);
    let mut row = |at_secs: u64, devices: &[(&str, f64)]| {
        let samples = devices.iter().map(|(device, value)| sample(SampleKind::Gauge, device, *value));
        history.append(seconds(at_secs), samples.collect());
        let row = history.row(&set, seconds(at_secs));
        row.groups.into_iter().map(|group| (group.group[0].clone(), group.value)).collect::<Vec<_>>()
    };
    let expect = |groups: &[(&str, f64)]| groups.iter().map(|(device, value)| ((*device).to_owned(), *value)).collect::<Vec<_>>();
    assert_eq!(row(0, &[]), []);
    assert_eq!(row(2, &[("sdb", 2.0)]), expect(&[("sdb", 2.0)]));
    assert_eq!(row(4, &[("sdb", 3.0), ("sda", 1.0)]), expect(&[("sda", 1.0), ("sdb", 3.0)]));
    // One fell silent and stays known; another takes the place of one that was dropped.
    assert_eq!(row(3_604, &[("sda", 5.0)]), expect(&[("sda", 5.0)]));
    assert_eq!(row(3_606, &[("sdc", 7.0), ("sda", 6.0)]), expect(&[("sda", 6.0), ("sdc", 7.0)]));
    assert_eq!(row(7_300, &[("sdd", 8.0), ("sdb", 9.0)]), expect(&[("sdb", 9.0), ("sdd", 8.0)]));
}

#[test]
fn many_sets_of_queries_are_answered_in_turn() {
    let mut history = history(SampleKind::Gauge, &[4.0, 2.0, 6.0]);
    let takes = [(Take::Last, 6.0), (Take::Avg, 4.0), (Take::Min, 2.0), (Take::Max, 6.0), (Take::Delta, 2.0), (Take::P95, 6.0)];
    let compile = |window, (take, expect)| (QuerySet::compile(1, &[rule(take, window)].into()), expect);
    let sets: Vec<_> = [60, 61].into_iter().flat_map(|window| takes.map(|take| compile(window, take))).collect();
    for _ in 0..3 {
        for (set, expect) in &sets {
            assert_eq!(history.row(set, seconds(4)).values, [*expect]);
        }
        assert_eq!(history.plans.len(), MAX_PLANS);
    }
}

#[test]
fn unmatched_queries_are_told_with_what_is_near() {
    let mut history = history(SampleKind::Gauge, &[1.0]);
    let absent = MetricRule { labels: labels(&[("metric", "m"), ("device", "sdb")]), ..MetricRule::default() };
    let set = QuerySet::compile(1, &[rule(Take::Last, 0), absent.clone()].into());
    let row = history.row(&set, seconds(0));
    let unmatched: Vec<&MetricRule> = row.unmatched.iter().map(|&place| &set.rules()[usize::from(place)]).collect();
    assert_eq!(unmatched, [&absent]);
    assert_eq!(history.near_misses(&absent), [r#"m{device="sda"}"#]);
}

#[test]
fn samples_are_shown_as_they_were_taken() {
    let history = history(SampleKind::Counter, &[1.0, f64::NAN, 3.5]);
    let series = history.get(&labels(&[("metric", "m"), ("device", "sda")])).unwrap();
    assert_eq!((series.kind(), series.newest(), history.newest()), (SampleKind::Counter, Some((seconds(4), 3.5)), Some(seconds(4))));
    assert_eq!(series.samples(Duration::ZERO), [(seconds(0), 1.0), (seconds(4), 3.5)]);
    assert_eq!(series.samples(seconds(1)), [(seconds(4), 3.5)]);
    assert!(history.get(&labels(&[("metric", "m")])).is_none());
}

#[test]
fn series_are_capped_and_silent_ones_make_room() {
    let mut history = History::new(INTERVAL);
    let many = |prefix: &str, count: usize| (0..count).map(|i| sample(SampleKind::Gauge, &format!("{prefix}{i}"), 1.0)).collect::<Vec<_>>();
    assert_eq!(history.append(seconds(0), many("a", MAX_SERIES + 5)), 5);
    assert_eq!(history.append(seconds(2), many("b", 1)), 1, "the others were heard a moment ago");
    for step in 2..4 {
        history.append(seconds(2 * step), Vec::new());
    }
    assert_eq!(history.append(seconds(8), many("b", 1)), 0, "the silent ones went");
    same(evaluate(&history, &rule(Take::Last, 0), seconds(8)), 1.0);
}
