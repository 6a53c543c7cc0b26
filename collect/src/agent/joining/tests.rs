//! Whom to ask, and when again.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn addr(number: u8) -> SocketAddr {
    ([10, 0, 0, number], 22_683).into()
}

#[test]
fn a_lonely_node_tries_for_ever_and_never_waits_for_long() {
    let mut rng = StdRng::seed_from_u64(1);
    let timing = Timing::default();
    let mut joining = Joining::new(vec!["seed:1".to_owned()], (0..100).map(addr).collect(), SECOND);
    let mut now = joining.due;
    assert_eq!(now, SECOND);
    let mut waits = Vec::new();
    for _ in 0..10_000 {
        let targets = joining.next(now, &HashSet::new(), &timing, &mut rng);
        assert_eq!(targets.len(), 4);
        assert!(targets.contains(&Target::Seed("seed:1".to_owned())));
        waits.push(joining.due - now);
        now = joining.due;
    }
    assert!(waits[0] <= timing.join_first.mul_f64(1.25));
    assert!(waits.iter().all(|wait| *wait <= timing.join_max.mul_f64(1.25)));
}

#[test]
fn among_members_only_those_that_are_missing_are_tried_now_and_then() {
    let mut rng = StdRng::seed_from_u64(1);
    let timing = Timing::default();
    let mut joining = Joining::new(Vec::new(), vec![addr(1), addr(2)], Duration::ZERO);
    let active = HashSet::from([addr(1)]);
    for _ in 0..20 {
        assert_eq!(joining.next(SECOND, &active, &timing, &mut rng), [Target::Peer(addr(2))]);
    }
    assert!(joining.due > timing.rejoin_interval / 2);
    assert_eq!(joining.next(SECOND, &HashSet::from([addr(1), addr(2)]), &timing, &mut rng), []);
    joining.begin(5 * SECOND);
    assert_eq!(joining.due, 5 * SECOND);
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut joining = Joining::new(Vec::new(), Vec::new(), Duration::ZERO);
    for number in 0..5_000_u16 {
        let [high, low] = number.to_be_bytes();
        joining.remember(([10, 0, high, low], 1).into());
        joining.remember(([10, 0, high, low], 1).into());
    }
    assert_eq!(joining.remembered.len(), crate::agent::remembered::MAX_REMEMBERED);
    assert_eq!(joining.remembered.last(), Some(&([10, 0, 0x13, 0x87], 1).into()));
}
