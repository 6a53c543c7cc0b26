//! Who is silent for how long.

use std::sync::Arc;

use verwalter_core::names::Hostname;

use super::*;
use crate::source::SeenPeer;

fn id(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

/// The peers with these numbers; those above 100 are dead.
fn peers(numbers: &[u8]) -> Peers {
    let seen = |number: &u8| {
        let hostname = Hostname::new(&format!("n{number}")).unwrap();
        Arc::new(SeenPeer { alive: *number <= 100, ..SeenPeer::named(id(*number), hostname) })
    };
    Peers { peers: numbers.iter().map(seen).collect(), ..Peers::default() }
}

#[test]
fn trouble_that_is_told_once_lasts_until_a_report_comes() {
    let (own, peers) = (id(1), peers(&[2, 3, 101]));
    let mut silent = Silent::default();
    for (number, reason) in [(3, "third"), (2, "second"), (101, "dead"), (1, "own"), (3, "third again")] {
        silent.note(id(number), reason.to_owned());
    }
    assert_eq!(silent.told(), None, "the sweep goes on");
    for _ in 0..5 {
        silent.swept(own, &peers);
        assert_eq!(silent.told(), Some(&(3, "own".to_owned())), "each once, the dead not at all");
    }
    silent.reported(own);
    silent.reported(id(2));
    assert_eq!(silent.told(), Some(&(3, "own".to_owned())));
    // What is missing in a report is told behind it.
    silent.note(id(2), "half of it".to_owned());
    silent.swept(own, &peers);
    assert_eq!(silent.told(), Some(&(2, "half of it".to_owned())));
    silent.reported(id(2));
    silent.reported(id(3));
    silent.swept(own, &peers);
    assert_eq!(silent.told(), None);
}

#[test]
fn whoever_leaves_is_forgotten_and_whoever_is_alive_again_is_not() {
    let mut silent = Silent::default();
    silent.note(id(2), "second".to_owned());
    silent.note(id(101), "was dead".to_owned());
    silent.swept(id(1), &peers(&[2, 101]));
    assert_eq!(silent.told(), Some(&(1, "second".to_owned())));
    silent.retain(|peer| peer == id(101));
    let mut alive = peers(&[101]);
    Arc::make_mut(&mut alive.peers[0]).alive = true;
    silent.swept(id(1), &alive);
    assert_eq!(silent.told(), Some(&(1, "was dead".to_owned())));
    silent.retain(|_| false);
    assert_eq!(silent.told(), None);
}
