//! Every `take` with the number expected, on samples as sources give them.

use proptest::prelude::*;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn rule(take: Take, window_secs: u64) -> MetricRule {
    MetricRule { take, window: seconds(window_secs), ..MetricRule::default() }
}

#[track_caller]
fn same(actual: f64, expect: f64) {
    assert!(actual == expect || (actual.is_nan() && expect.is_nan()), "{actual} instead of {expect}");
}

/// Samples are given in the order in which they came. One is stale after 6 s.
#[track_caller]
fn check(take: Take, kind: SampleKind, window_secs: u64, now_secs: u64, samples: &[(u64, f64)], expect: f64) {
    let newest_first = samples.iter().rev().map(|(at, value)| (seconds(*at), *value));
    let asked = Asked { now: seconds(now_secs), stale: seconds(6) };
    same(super::take(&rule(take, window_secs), kind, newest_first, asked), expect);
}

use SampleKind::{Counter, Gauge};

#[test]
fn a_counters_delta_is_its_growth() {
    check(Take::Delta, Counter, 30, 4, &[(0, 100.0), (2, 110.0), (4, 130.0)], 30.0);
    check(Take::Delta, Counter, 2, 4, &[(0, 100.0), (2, 110.0), (4, 130.0)], 20.0);
    // +10, reset to 4, +6.
    check(Take::Delta, Counter, 30, 6, &[(0, 100.0), (2, 110.0), (4, 4.0), (6, 10.0)], 20.0);
    check(Take::Delta, Counter, 30, 6, &[(6, 10.0)], f64::NAN);
    check(Take::Delta, Counter, 30, 6, &[], f64::NAN);
}

#[test]
fn a_levels_delta_is_newest_less_oldest() {
    check(Take::Delta, Gauge, 30, 6, &[(0, 100.0), (2, 110.0), (4, 4.0), (6, 10.0)], -90.0);
    check(Take::Delta, Gauge, 2, 6, &[(0, 100.0), (2, 110.0), (4, 4.0), (6, 10.0)], 6.0);
    check(Take::Delta, Gauge, 30, 6, &[(6, 10.0)], f64::NAN);
}

#[test]
fn a_delta_borrows_only_from_close_by() {
    // The window holds one sample, since the source was late; the one before it is 3 s older than the window.
    check(Take::Delta, Counter, 2, 10, &[(5, 1.0), (10, 4.0)], 3.0);
    check(Take::Delta, Gauge, 2, 10, &[(5, 4.0), (10, 1.0)], -3.0);
    check(Take::Delta, Counter, 2, 10, &[(2, 1.0), (10, 4.0)], 3.0);
    check(Take::Delta, Counter, 2, 10, &[(1, 1.0), (10, 4.0)], f64::NAN);
    // Ten missed samples: growth of 22 s is none of 2 s. As a rate it is one.
    check(Take::Delta, Counter, 2, 30, &[(8, 1.0), (30, 45.0)], f64::NAN);
    check(Take::Rate, Counter, 2, 30, &[(8, 1.0), (30, 45.0)], 2.0);
}

#[test]
fn a_process_and_its_successor_count_once() {
    // 10 a second by the first until 20 s, by the second from 22 s on.
    let (first, second) = ([(16, 160.0), (18, 180.0), (20, 200.0)], [(22, 0.0), (24, 20.0), (26, 40.0), (28, 60.0)]);
    check(Take::Rate, Counter, 60, 26, &first, 10.0);
    check(Take::Rate, Counter, 60, 27, &first, f64::NAN);
    check(Take::Rate, Counter, 60, 28, &second, 10.0);
    // What both grew by is the growth of the window.
    check(Take::Delta, Counter, 60, 28, &first, 40.0);
    check(Take::Delta, Counter, 60, 28, &second, 60.0);
}

#[test]
fn p95_is_a_number_that_was_measured() {
    let hundred: Vec<(u64, f64)> = (0..100).map(|i| (i, ((i * 37) % 100 + 1) as f64)).collect();
    check(Take::P95, Gauge, 200, 99, &hundred, 95.0);
    check(Take::P95, Gauge, 200, 99, &hundred[..20], {
        let mut first: Vec<f64> = hundred[..20].iter().map(|(_, value)| *value).collect();
        first.sort_by(f64::total_cmp);
        first[18]
    });
    check(Take::P95, Gauge, 200, 6, &[(2, 5.0), (4, 1.0), (6, 3.0)], 5.0);
    check(Take::P95, Counter, 2, 6, &[(2, 5.0), (4, 1.0), (6, 3.0)], 3.0);
    check(Take::P95, Gauge, 2, 60, &[(6, 3.0)], f64::NAN);
}

#[test]
fn a_clock_set_back_ends_the_past() {
    // 10 a second throughout. After 104 s the source's clock went back by 8 s.
    let samples = [(90, 0.0), (100, 100.0), (102, 120.0), (104, 140.0), (98, 160.0), (100, 180.0), (102, 200.0)];
    check(Take::Rate, Counter, 60, 102, &samples, 10.0);
    check(Take::Delta, Counter, 60, 102, &samples, 40.0);
    check(Take::Min, Counter, 60, 102, &samples, 160.0);
    check(Take::Last, Counter, 60, 102, &samples, 200.0);
    // Right after it there is one sample, and no rate rather than a made up one.
    check(Take::Rate, Counter, 60, 98, &samples[..5], f64::NAN);
    check(Take::Last, Counter, 60, 98, &samples[..5], 160.0);
}

#[test]
fn a_clock_set_forward_is_a_gap() {
    // 10 a second throughout. After 102 s the source's clock went forward by an hour.
    let samples = [(100, 0.0), (102, 20.0), (3_704, 40.0), (3_706, 60.0)];
    check(Take::Rate, Counter, 60, 3_706, &samples, 10.0);
    check(Take::Avg, Counter, 60, 3_706, &samples, 50.0);
    check(Take::Delta, Counter, 1, 3_704, &samples[..3], f64::NAN);
}

#[test]
fn what_comes_twice_counts_once() {
    check(Take::Avg, Gauge, 60, 4, &[(0, 1.0), (2, 2.0), (2, 4.0), (4, 8.0)], 13.0 / 3.0);
    check(Take::Rate, Counter, 60, 4, &[(4, 1.0), (4, 5.0)], f64::NAN);
}

#[test]
fn what_is_no_number_is_missing() {
    let samples = [(0, 1.0), (2, f64::INFINITY), (4, f64::NAN), (6, 5.0), (8, f64::NAN)];
    check(Take::Last, Gauge, 60, 8, &samples, 5.0);
    check(Take::Max, Gauge, 60, 8, &samples, 5.0);
    check(Take::Rate, Counter, 60, 8, &samples, 4.0 / 6.0);
}

#[test]
fn series_are_combined_by_number() {
    let check = |how, values: &[f64], expect| same(combine(how, values.iter().copied()), expect);
    for (how, expect) in [(Combine::Sum, 9.0), (Combine::Avg, 3.0), (Combine::Min, 1.0), (Combine::Max, 5.0)] {
        check(how, &[3.0, f64::NAN, 1.0, 5.0], expect);
        check(how, &[f64::NAN], f64::NAN);
        check(how, &[], f64::NAN);
    }
    check(Combine::Sum, &[f64::MAX, f64::MAX], f64::NAN);
}

/// Each series in the order in which its samples came.
#[track_caller]
fn check_samples(combine: Combine, window_secs: u64, series: &[&[(u64, f64)]], expect: &[f64]) {
    let rule = MetricRule { combine, ..rule(Take::Series, window_secs) };
    let newest_first = series.iter().map(|samples| samples.iter().rev().map(|(at, value)| (seconds(*at), *value)));
    assert_eq!(samples(&rule, newest_first, Asked { now: seconds(10), stale: seconds(6) }), expect);
}

#[test]
fn samples_are_what_was_last_at_each_time() {
    check_samples(Combine::Sum, 60, &[], &[]);
    check_samples(Combine::Sum, 60, &[&[(2, 1.0), (4, 2.0), (10, 3.0), (12, 4.0)]], &[1.0, 2.0, 3.0]);
    check_samples(Combine::Sum, 6, &[&[(2, 1.0), (4, 2.0), (10, 3.0)]], &[2.0, 3.0]);
    // Two agents that look at different seconds: each sum has both.
    check_samples(Combine::Sum, 5, &[&[(4, 1.0), (6, 2.0), (8, 3.0)], &[(5, 10.0), (7, 20.0), (9, 30.0)]], &[11.0, 12.0, 22.0, 23.0, 33.0]);
    // The second fell silent at 2 s; it counts for 6 s more.
    check_samples(Combine::Max, 60, &[&[(2, 1.0), (8, 2.0), (10, 3.0)], &[(2, 9.0)]], &[9.0, 9.0, 3.0]);
}

#[test]
fn samples_are_bounded() {
    let rule = rule(Take::Series, 3_600);
    let newest_first = (0..500_u32).rev().map(|i| (Duration::from_secs(u64::from(i)), f64::from(i)));
    let kept = samples(&rule, [newest_first], Asked { now: seconds(499), stale: seconds(6) });
    assert_eq!((kept.len(), kept[0], kept[MAX_SAMPLES - 1]), (MAX_SAMPLES, 380.0, 499.0));
}

proptest! {
    /// Whatever an agent sends: times in any order, numbers of any size.
    #[test]
    fn no_samples_panic(
        samples in proptest::collection::vec((prop_oneof![0..100_u64, any::<u64>()], any::<f64>()), 0..50),
        now in prop_oneof![0..100_u64, any::<u64>()],
        window in prop_oneof![0..100_u64, any::<u64>()],
        stale in prop_oneof![0..100_u64, any::<u64>()],
    ) {
        let asked = Asked { now: seconds(now), stale: seconds(stale) };
        let newest_first = || samples.iter().map(|(at, value)| (seconds(*at), *value));
        for take in [Take::Last, Take::Rate, Take::Delta, Take::Avg, Take::Min, Take::Max, Take::P95, Take::Series] {
            for kind in [Counter, Gauge] {
                let value = combine(Combine::Sum, [super::take(&rule(take, window), kind, newest_first(), asked)].into_iter());
                prop_assert!(value.is_finite() || value.is_nan());
            }
        }
        let kept = super::samples(&rule(Take::Series, window), [newest_first(), newest_first()], asked);
        prop_assert!(kept.len() <= MAX_SAMPLES && kept.iter().all(|value| value.is_finite()));
    }
}
