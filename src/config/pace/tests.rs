//! Tests of what is made of written paces.

use super::*;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn keys(wait: Option<(u64, u64)>, splay: Option<u64>, interval: Option<u64>) -> PaceKeys {
    PaceKeys { wait: wait.map(|(min, max)| Wait::new(s(min), s(max))), splay: splay.map(s), interval: interval.map(s) }
}

#[test]
fn the_larger_of_each_counts() {
    let one = keys(Some((2, 100)), Some(7), None);
    let another = keys(Some((5, 20)), Some(3), Some(60));
    assert_eq!(one.largest(another), keys(Some((5, 100)), Some(7), Some(60)));
    assert_eq!(one.largest(another), another.largest(one));
    assert_eq!(one.largest(PaceKeys::default()), one);
    // The least of one may be more than the most of the other.
    assert_eq!(keys(Some((9, 9)), None, None).largest(keys(Some((1, 4)), None, None)), keys(Some((9, 9)), None, None));
}

#[test]
fn what_is_written_wins_also_where_it_is_nothing() {
    let default = keys(Some((1, 4)), Some(30), Some(300)).over(Pace::default());
    assert_eq!(PaceKeys::default().over(default), default);
    let pace = keys(Some((0, 0)), Some(0), None).over(default);
    assert_eq!(pace, Pace { interval: s(300), ..Pace::default() });
}
