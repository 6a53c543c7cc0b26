//! What is told once and what again.

use super::*;
use crate::agent::seal::Sealed;

const SECOND: Duration = Duration::from_secs(1);

fn addr(number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    [192, 0, high, low].into()
}

#[test]
fn the_newest_are_told_and_the_old_are_not() {
    let mut warnings = Warnings::default();
    warnings.refused(SECOND, addr(1), &Refusal::Outside(Sealed::Clear));
    warnings.refused(60 * SECOND, addr(2), &Refusal::OwnId);
    // Anybody may send anything: that is logged, and no trouble.
    warnings.refused(60 * SECOND, addr(4), &Refusal::Large);
    warnings.refused(60 * SECOND, addr(3), &Refusal::Echo);
    let recent = warnings.recent(100 * SECOND);
    assert_eq!(recent.len(), 2);
    assert!(recent[0].contains("192.0.0.2") && recent[1].contains("comes in clear"), "{recent:?}");
    assert_eq!(warnings.recent(130 * SECOND).len(), 1);
}

#[test]
fn a_flood_of_sources_is_bounded() {
    let mut warnings = Warnings::default();
    for number in 0..10_000 {
        warnings.refused(SECOND, addr(number), &Refusal::OwnId);
    }
    assert_eq!(warnings.sources.len(), MAX_SOURCES);
    assert_eq!(warnings.recent(SECOND).len(), MAX_COMPLAINTS);
}
