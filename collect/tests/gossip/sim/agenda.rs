//! What happens when: ordered by time, and by who was first where that is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::Event;

/// What is to happen.
#[derive(Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Due>>,
    entered: u64,
}

impl Agenda {
    pub(super) fn enter(&mut self, at: Duration, node: usize, event: Event) {
        self.entered += 1;
        self.heap.push(Reverse(Due(at, self.entered, node, event)));
    }

    /// The next event until `end`: when, to whom, what.
    pub(super) fn next(&mut self, end: Duration) -> Option<(Duration, usize, Event)> {
        let Reverse(Due(at, ..)) = self.heap.peek()?;
        if *at > end {
            return None;
        }
        let Reverse(Due(at, _, node, event)) = self.heap.pop()?;
        Some((at, node, event))
    }
}

struct Due(Duration, u64, usize, Event);

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Due) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}
