//! Rows that came and went, and packets about figures that were dropped, by cause.

use crate::agent::causes::causes;
use std::sync::atomic::{AtomicU64, Ordering};

causes! {
    "Why a packet about figures was dropped; a closed set, for labels."
    /// Another cluster, another key, a seal that does not hold.
    Outside "outside",
    /// An inside that no agent writes.
    Malformed "malformed",
    /// From nobody who is a member now: one that just came or left, or an old packet.
    Stranger "stranger",
    /// About queries that are not asked any more.
    Set "set",
    /// Twice, or overtaken by a newer one.
    Old "old",
    /// A row of which a part was lost.
    Partial "partial",
    /// More at once than there is room for.
    Crowded "crowded",
}

/// Figures between members, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were told to others.
    pub told: u64,
    /// Rows of others that were used.
    pub heard: u64,
    dropped: [u64; Cause::ALL.len()],
}

impl Counts {
    /// How many packets, or rows in parts, were dropped for `cause`.
    pub fn dropped(&self, cause: Cause) -> u64 {
        self.dropped[cause as usize]
    }
}

/// Where the tasks count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    told: AtomicU64,
    heard: AtomicU64,
    dropped: [AtomicU64; Cause::ALL.len()],
}

impl Tally {
    pub(crate) fn told(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn heard(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, cause: Cause, count: usize) {
        self.dropped[cause as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts { told: now(&self.told), heard: now(&self.heard), dropped: std::array::from_fn(|cause| now(&self.dropped[cause])) }
    }
}
