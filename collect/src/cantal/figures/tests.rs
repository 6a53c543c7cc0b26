//! How old figures are, whatever the clocks say.

use super::*;

#[test]
fn figures_age_from_when_their_time_was_first_heard() {
    let start = Instant::now();
    let at = |seconds: u64| (start + Duration::from_secs(seconds), UnixMillis(1_000_000 + seconds * 1_000));
    let mut seen = Seen::default();
    // The agent's clock is a day behind, or ahead: its words are only compared with themselves.
    let scan = |number: u64| Duration::from_secs(86_400 + 2 * number);
    assert_eq!(seen.taken(scan(0), at(0)), UnixMillis(1_000_000));
    assert_eq!(seen.taken(scan(1), at(2)), UnixMillis(1_002_000));
    assert_eq!(seen.taken(scan(1), at(4)), UnixMillis(1_002_000), "it looked no more");
    assert_eq!(seen.taken(scan(1), at(60)), UnixMillis(1_002_000));
    assert_eq!(seen.taken(scan(0), at(62)), UnixMillis(1_062_000), "its clock was set back, but it looks again");
    // The own clock is set back by an hour: the age stays.
    let (instant, UnixMillis(unix)) = at(64);
    assert_eq!(seen.taken(scan(0), (instant, UnixMillis(unix - 900_000))), UnixMillis(162_000));
}
