//! Water finds its level: instances are given to the emptiest slots and taken from the fullest ones, in one step each, however many.

/// Instances in one place, and how many fit there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) count: u64,
    pub(super) capacity: u64,
}

impl Slot {
    pub(super) fn sum(slots: &[Slot]) -> Slot {
        let mut sum = Slot { count: 0, capacity: 0 };
        for slot in slots {
            sum.count += slot.count;
            sum.capacity += slot.capacity;
        }
        sum
    }
}

/// Gives `n` instances, each to the slot with the fewest that has room, the first of equal ones. Returns how many found no place.
pub(super) fn give(slots: &mut [Slot], n: u64) -> u64 {
    let needed = |slots: &[Slot], level: u64| -> u64 { slots.iter().map(|slot| level.min(slot.capacity).saturating_sub(slot.count)).sum() };
    let highest = slots.iter().map(|slot| slot.capacity).max().unwrap_or(0);
    // The highest level to which all slots can be filled.
    let level = greatest(highest, |level| needed(slots, level) <= n);
    let mut rest = n - needed(slots, level);
    for slot in slots {
        slot.count = slot.count.max(level.min(slot.capacity));
        if rest > 0 && slot.count == level && slot.capacity > level {
            slot.count += 1;
            rest -= 1;
        }
    }
    rest
}

/// Takes `n` instances, each from the slot with the most, the last of equal ones; `n` is at most what there is.
pub(super) fn take(slots: &mut [Slot], n: u64) {
    let above = |slots: &[Slot], level: u64| -> u64 { slots.iter().map(|slot| slot.count.saturating_sub(level)).sum() };
    let highest = slots.iter().map(|slot| slot.count).max().unwrap_or(0);
    // The lowest level to which all slots can be emptied, counted from above.
    let depth = greatest(highest, |depth| above(slots, highest - depth) <= n);
    let level = highest - depth;
    let mut rest = n - above(slots, level);
    for slot in slots.iter_mut().rev() {
        slot.count = slot.count.min(level);
        if rest > 0 && slot.count == level && level > 0 {
            slot.count -= 1;
            rest -= 1;
        }
    }
}

/// The greatest number of 0 to `most` that `fits`; what is below one that fits, fits too, and so does 0.
fn greatest(most: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = high - (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}
