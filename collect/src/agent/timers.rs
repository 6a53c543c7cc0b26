//! The gossip library's timers, and the time that they run in: while the program is frozen, it stands still.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use foca::Timer;

use super::MAX_MEMBERS;
use super::identity::Identity;

/// A timer that is later than this was not missed by a busy machine: the program was stopped or the machine slept. What the others
/// said meanwhile lies unread in the socket, so every timer is put off by as long, or a frozen node would bury those that answered it.
const FROZEN: Duration = Duration::from_secs(1);
/// Most timers that only forget: a flood of made-up members must not fill the memory for two hours.
const MAX_FORGETTING: usize = 4 * MAX_MEMBERS;

/// Times here leave out what the program slept through.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    entered: u64,
    forgetting: usize,
    slept: Duration,
}

#[derive(Debug)]
struct Entry {
    due: Duration,
    /// Of two that are due at once the first entered comes first.
    turn: u64,
    timer: Timer<Identity>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        (self.due, self.turn).cmp(&(other.due, other.turn))
    }
}

impl Timers {
    /// The waking time at `now`. `earliest` is when something of the caller was due.
    pub(crate) fn awake(&mut self, now: Duration, earliest: Duration) -> Duration {
        let awake = now.saturating_sub(self.slept);
        let due = self.heap.peek().map_or(earliest, |Reverse(entry)| entry.due.min(earliest));
        match awake.checked_sub(due) {
            Some(late) if late > FROZEN => {
                self.slept += late;
                due
            }
            _ => awake,
        }
    }

    /// When the caller should come back for something that is due at the waking time `due`.
    pub(crate) fn at(&self, due: Duration) -> Duration {
        due.saturating_add(self.slept)
    }

    pub(crate) fn enter(&mut self, due: Duration, timer: Timer<Identity>) {
        if matches!(timer, Timer::RemoveDown(_)) {
            if self.forgetting == MAX_FORGETTING {
                return;
            }
            self.forgetting += 1;
        }
        self.entered += 1;
        self.heap.push(Reverse(Entry { due, turn: self.entered, timer }));
    }

    /// When the next one is due, in waking time.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(entry)| entry.due)
    }

    /// Drops all of them.
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.forgetting = 0;
    }

    /// One that is due.
    pub(crate) fn pop(&mut self, awake: Duration) -> Option<Timer<Identity>> {
        if self.next_due()? > awake {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
        if matches!(entry.timer, Timer::RemoveDown(_)) {
            self.forgetting -= 1;
        }
        Some(entry.timer)
    }
}

#[cfg(test)]
mod tests;
