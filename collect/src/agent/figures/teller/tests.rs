//! Askers and sets come, are renewed, and go.

use verwalter_core::metrics::MetricRule;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn who(number: u16, generation: u64) -> Identity {
    let [high, low] = number.to_be_bytes();
    let mut id = [0; 16];
    id[..2].copy_from_slice(&[high, low]);
    Identity::new(NodeId::from_bytes(id), generation, ([10, 0, high, low], 22_683).into())
}

fn set(name: &str) -> Arc<QuerySet> {
    let rule = MetricRule { labels: [("metric".to_owned(), name.to_owned())].into(), ..MetricRule::default() };
    Arc::new(QuerySet::compile(0, &[rule].into()))
}

fn ask(turn: u64, set: &QuerySet) -> Ask {
    Ask { turn, interval_ms: 2_000, ttl_s: 30, digest: set.digest() }
}

/// How many are told at `now`, and the sequence numbers.
fn told(teller: &mut Teller, now: Duration) -> Vec<(usize, u32)> {
    teller.due(now, Occasion::Reading).into_iter().map(|due| (due.to.len(), due.seq)).collect()
}

#[test]
fn rules_are_wanted_once_and_rows_go_until_the_wish_ends() {
    let mut teller = Teller::default();
    let load = set("load");
    assert!(!teller.awaits(Duration::ZERO, load.digest()), "nobody asked");
    assert_eq!(teller.ask(Duration::ZERO, who(1, 1), &ask(1, &load)), Ok(Asked::Unknown));
    assert_eq!(told(&mut teller, Duration::ZERO), []);
    assert!(teller.awaits(Duration::ZERO, load.digest()) && teller.adopt(load.clone()));
    assert_eq!(told(&mut teller, Duration::ZERO), [(1, 1)]);
    assert_eq!(teller.ask(SECOND, who(2, 1), &ask(1, &load)), Ok(Asked::Known), "compiled once");
    assert_eq!(teller.due(SECOND, Occasion::Wish).len(), 1, "only the new one");
    assert_eq!(teller.due(3 * SECOND / 2, Occasion::Wish).len(), 0, "a wish that is renewed moves no row");
    assert_eq!(told(&mut teller, 2 * SECOND), [(1, 3)]);
    assert_eq!(told(&mut teller, 4 * SECOND), [(2, 4)], "one row for both");
    let stop = Ask { ttl_s: 0, ..ask(2, &load) };
    assert_eq!(teller.ask(4 * SECOND, who(2, 1), &stop), Ok(Asked::Ended));
    assert_eq!(told(&mut teller, 6 * SECOND), [(1, 5)]);
    assert_eq!(told(&mut teller, 30 * SECOND), [], "nobody renewed it");
    assert!(!teller.is_asked());
}

#[test]
fn old_wishes_change_nothing_but_a_later_life_counts_anew() {
    let mut teller = Teller::default();
    let load = set("load");
    teller.ask(Duration::ZERO, who(1, 5), &ask(7, &load)).expect("new");
    for (generation, turn) in [(5, 7), (5, 6), (4, 99)] {
        assert_eq!(teller.ask(SECOND, who(1, generation), &ask(turn, &load)), Err(Cause::Old), "{generation} {turn}");
    }
    assert!(teller.adopt(load.clone()));
    assert_eq!(told(&mut teller, SECOND), [(1, 1)]);
    assert_eq!(teller.ask(SECOND, who(1, 6), &ask(1, &load)), Ok(Asked::Known));
    assert_eq!(told(&mut teller, SECOND), [(1, 2)], "it knows nothing yet, so it is told at once");
}

#[test]
fn askers_and_sets_are_bounded() {
    let mut teller = Teller::default();
    let sets: Vec<_> = (0..=MAX_SETS).map(|number| set(&format!("m{number}"))).collect();
    for (number, set) in (1..).zip(&sets[..MAX_SETS]) {
        assert_eq!(teller.ask(Duration::ZERO, who(number, 1), &ask(1, set)), Ok(Asked::Unknown));
        assert!(teller.adopt(set.clone()));
    }
    let last = &sets[MAX_SETS];
    assert_eq!(teller.ask(SECOND, who(100, 1), &ask(1, last)), Ok(Asked::Full), "all sets are in use");
    assert!(!teller.awaits(SECOND, last.digest()) && !teller.adopt(last.clone()));
    for number in 101.. {
        match teller.ask(SECOND, who(number, 1), &ask(1, &sets[0])) {
            Ok(Asked::Known) => {}
            outcome => {
                assert_eq!(outcome, Ok(Asked::Full));
                break;
            }
        }
    }
    assert_eq!(teller.askers.len(), MAX_ASKERS);
    let told = teller.due(2 * SECOND, Occasion::Reading);
    assert_eq!(told.len(), MAX_SETS, "one row a set, however many ask");
    assert_eq!(told.iter().map(|due| due.to.len()).sum::<usize>(), MAX_ASKERS - 1, "one waits for a set that found no room");
    // Whoever does not ask again makes room.
    assert_eq!(teller.ask(40 * SECOND, who(100, 1), &ask(2, last)), Ok(Asked::Unknown));
    assert!(teller.adopt(last.clone()));
    assert_eq!((teller.askers.len(), teller.sets.len()), (1, MAX_SETS));
}
