//! When the figures of a source came: how old each peer's are, and the moments that their past is kept by. It reads no clock.

use std::sync::Arc;
use std::time::Duration;

use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::Place;

/// The reports of one source. Slots are those of the peers.
///
/// A moment is open until a peer reports that has reported in it already. So each peer has one value a moment as long as all report equally
/// often, in whatever order; one that misses its turn has none.
#[derive(Debug)]
pub(super) struct Timeline {
    /// The number of the moment that is open; 0 before the first report.
    moment: u64,
    opened: UnixMillis,
    slots: Vec<Slot>,
    places: Option<Arc<Vec<Place>>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// When the peer's newest figures were taken.
    taken: Option<UnixMillis>,
    /// The moment of its newest report; 0: never.
    reported: u64,
    /// The first moment in which the slot is this peer's.
    since: u64,
}

impl Timeline {
    pub(super) fn new() -> Timeline {
        Timeline { moment: 0, opened: UnixMillis(0), slots: Vec::new(), places: None }
    }

    /// Whether there ever was a report.
    pub(super) fn is_empty(&self) -> bool {
        self.moment == 0
    }

    /// Notes that figures taken at `taken` came from the peer at `slot`, and returns the moment that they belong to. A moment is open for
    /// `gap` at least: who reports more often than the others replaces its own value instead of taking the others' past away.
    pub(super) fn report(&mut self, slot: u32, taken: UnixMillis, gap: Duration) -> u64 {
        let index = slot as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, Slot::default());
        }
        let repeats = self.slots[index].reported == self.moment;
        // Both ways: a wall clock that was set back must not keep the moment open until it has caught up.
        let open_ms = taken.0.abs_diff(self.opened.0);
        if self.moment == 0 || (repeats && u128::from(open_ms) >= gap.as_millis()) {
            self.moment += 1;
            self.opened = taken;
        }
        let slot = &mut self.slots[index];
        (slot.taken, slot.reported) = (Some(taken), self.moment);
        self.moment
    }

    /// The slot gets another peer.
    pub(super) fn vacate(&mut self, slot: u32) {
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            *slot = Slot { since: self.moment, ..Slot::default() };
        }
        self.places = None;
    }

    /// Where the values of the peers lie whose slots are `order`.
    pub(super) fn places(&mut self, order: &[u32], moved: bool) -> Arc<Vec<Place>> {
        if moved {
            self.places = None;
        }
        let slots = &self.slots;
        let since = |slot: u32| slots.get(slot as usize).map_or(0, |slot| slot.since);
        let place = |slot: &u32| Place { slot: *slot, since: since(*slot) };
        self.places.get_or_insert_with(|| Arc::new(order.iter().map(place).collect())).clone()
    }

    /// Milliseconds from when the figures of each peer in `order` were taken until `now`; NaN where there never were any.
    pub(super) fn ages(&self, order: &[u32], now: UnixMillis) -> Vec<f64> {
        let taken = |slot: u32| self.slots.get(slot as usize).and_then(|slot| slot.taken);
        let age = |slot: &u32| taken(*slot).map_or(f64::NAN, |taken| now.0.saturating_sub(taken.0) as f64);
        order.iter().map(age).collect()
    }
}
