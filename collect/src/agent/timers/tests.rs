//! Timers in order, across a pause.

use verwalter_core::ids::NodeId;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn forget(number: u8) -> Timer<Identity> {
    Timer::RemoveDown(Identity::new(NodeId::from_bytes([number; 16]), 1, ([10, 0, 0, 1], 1).into()))
}

#[test]
fn in_order_and_not_before_their_time() {
    let mut timers = Timers::default();
    timers.enter(3 * SECOND, Timer::PeriodicGossip(3));
    timers.enter(SECOND, Timer::PeriodicGossip(1));
    timers.enter(SECOND, Timer::PeriodicGossip(2));
    assert_eq!(timers.next_due(), Some(SECOND));
    let due: Vec<_> = std::iter::from_fn(|| timers.pop(2 * SECOND)).collect();
    assert_eq!(due, [Timer::PeriodicGossip(1), Timer::PeriodicGossip(2)]);
}

#[test]
fn time_stands_still_while_the_program_does() {
    let mut timers = Timers::default();
    timers.enter(10 * SECOND, Timer::PeriodicGossip(1));
    timers.enter(14 * SECOND, Timer::PeriodicGossip(2));
    let far = Duration::MAX;
    // A little late is late; much later is as though no time had passed since the first was due.
    assert_eq!(timers.awake(10 * SECOND + SECOND / 2, far), 10 * SECOND + SECOND / 2);
    assert_eq!(timers.awake(60 * SECOND, far), 10 * SECOND);
    assert!(timers.pop(10 * SECOND).is_some());
    assert_eq!(timers.pop(10 * SECOND), None);
    assert_eq!(timers.at(14 * SECOND), 64 * SECOND);
    assert_eq!(timers.awake(62 * SECOND, far), 12 * SECOND);
    // What the caller waits for counts too.
    assert_eq!(timers.awake(200 * SECOND, 13 * SECOND), 13 * SECOND);
}

#[test]
fn a_flood_of_the_dead_is_bounded() {
    let mut timers = Timers::default();
    for _ in 0..2 * MAX_FORGETTING {
        timers.enter(SECOND, forget(1));
    }
    assert_eq!(std::iter::from_fn(|| timers.pop(SECOND)).count(), MAX_FORGETTING);
    timers.enter(SECOND, forget(2));
    assert_eq!(timers.pop(SECOND), Some(forget(2)));
}
