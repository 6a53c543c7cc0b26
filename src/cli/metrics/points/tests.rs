//! Samples to points, and points to what is shown.

use proptest::prelude::*;

use super::*;

/// One sample every two seconds, the newest with the age of one second.
fn every_two_seconds(values: &[f64]) -> Vec<(u64, f64)> {
    let newest_first = (0_u64..).map(|place| 1_000 + 2_000 * place);
    let mut samples: Vec<(u64, f64)> = newest_first.zip(values.iter().rev().copied()).collect();
    samples.reverse();
    samples
}

fn bounds(how: As, values: &[f64]) -> Option<(f64, f64, f64, f64)> {
    Points::of(how, &every_two_seconds(values)).bounds().map(|Bounds { min, avg, max, newest }| (min, avg, max, newest))
}

#[test]
fn levels_are_what_they_are() {
    assert_eq!(bounds(As::Level, &[4.0, 1.0, 7.0]), Some((1.0, 4.0, 7.0, 7.0)));
    assert_eq!(bounds(As::Level, &[4.0]), Some((4.0, 4.0, 4.0, 4.0)));
    assert_eq!(bounds(As::Level, &[]), None);
}

#[test]
fn counters_are_rates_that_know_resets() {
    assert_eq!(bounds(As::Rate, &[10.0, 14.0, 14.0, 24.0]), Some((0.0, 14.0 / 6.0, 5.0, 5.0)));
    assert_eq!(bounds(As::Rate, &[10.0]), None, "one sample has no rate");
    let reset = Points::of(As::Rate, &every_two_seconds(&[100.0, 104.0, 6.0, 8.0]));
    assert_eq!(reset.resets, 1);
    // 4, then 6 since zero, then 2, each in two seconds.
    assert_eq!(reset.bounds(), Some(Bounds { min: 1.0, avg: 2.0, max: 3.0, newest: 1.0 }));
}

#[test]
fn a_rate_over_missed_samples_weighs_as_much_as_its_time() {
    let points = Points::of(As::Rate, &[(11_000, 0.0), (9_000, 20.0), (1_000, 28.0)]);
    assert_eq!(points.bounds(), Some(Bounds { min: 1.0, avg: 2.8, max: 10.0, newest: 1.0 }));
}

#[test]
fn what_has_no_order_is_left_out() {
    let points = Points::of(As::Level, &[(3_000, 1.0), (5_000, 9.0), (3_000, 9.0), (2_000, f64::NAN), (1_000, 2.0)]);
    assert_eq!(points.bounds(), Some(Bounds { min: 1.0, avg: 1.5, max: 2.0, newest: 2.0 }));
}

#[test]
fn sparklines() {
    let check = |how: As, values: &[f64], since: f64, columns: usize, expect: &str| {
        assert_eq!(Points::of(how, &every_two_seconds(values)).sparkline(since, columns), expect, "{values:?} {since} {columns}");
    };
    check(As::Level, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 16.0, 8, "▁▂▃▄▅▆▇█");
    check(As::Level, &[7.0, 0.0, 7.0, 0.0], 8.0, 4, "█▁█▁");
    // Two points a column: their mean.
    check(As::Level, &[0.0, 2.0, 6.0, 8.0], 8.0, 2, "▁█");
    // Columns between two points go on with the one before.
    check(As::Level, &[0.0, 1.0], 4.0, 4, " ▁▁█");
    // Before the first sample there is nothing.
    check(As::Level, &[3.0, 4.0], 8.0, 4, "  ▁█");
    check(As::Level, &[5.0, 5.0], 4.0, 2, "▁▁");
    check(As::Rate, &[0.0, 2.0, 4.0, 12.0], 8.0, 4, " ▁▁█");
    check(As::Level, &[], 8.0, 4, "    ");
    check(As::Level, &[1.0], 8.0, 0, "");
    // What ended a while ago is blank since: a minute of samples, then a minute of nothing.
    let ended: Vec<(u64, f64)> = (0..30).map(|place| (120_000 - 2_000 * place, 1.0)).collect();
    assert_eq!(Points::of(As::Level, &ended).sparkline(120.0, 12), "▁▁▁▁▁▁▁     ");
}

proptest! {
    #[test]
    fn any_samples_are_shown_in_so_many_columns(
        samples in proptest::collection::vec((0_u64..100_000, proptest::num::f64::ANY), 0..20),
        columns in 0_usize..90,
    ) {
        for how in [As::Level, As::Rate] {
            let points = Points::of(how, &samples);
            prop_assert_eq!(points.sparkline(60.0, columns).chars().count(), columns);
            let _ = points.bounds();
        }
    }
}
