//! Decisions that most schedulers need, on plain numbers: spread evenly, keep what stands, pack by several resources, choose by weight.
//!
//! | function | answers |
//! |---|---|
//! | [`Spread::place`] | how many instances each peer gets: even over groups (racks, zones) and peers, keeping what stands |
//! | [`pack`] | which peer each item fits on, by several resources at once |
//! | [`choose`] | which candidates a key belongs to, by weight and seed, stable while candidates come and go |
//! | [`ascending`], [`descending`] | the peers in order of a column |
//! | [`groups`] | the groups of peers with the same label |
//!
//! They know no input and no schedule: peers are positions in ascending order of hostname. Everything is counted in whole numbers and
//! compared, never added up as fractions, so that the same input gives the same answer on every machine. Ties go to the lower position
//! unless a ranking says otherwise. Nothing here reads a clock or draws a random number.
//!
//! ```
//! use verwalter_plugin::place::{Spread, ascending, groups};
//!
//! let racks = groups(["r1", "r1", "r2", "r2"]);
//! let ranking = ascending(&[0.9, 0.1, 0.5, f64::NAN]); // busy shares: peers 1, 2, 0 and then 3, which has no sample
//! let spread = Spread { capacity: &[2, 2, 2, 2], groups: &racks, ranking: &ranking };
//! // One instance stands on peer 0 and stays. The other rack is emptier, and peer 2 is its better one; then peer 1 has none yet.
//! assert_eq!(spread.place(&[1, 0, 0, 0], 3).instances, [1, 1, 1, 0]);
//! ```

mod choose;
mod level;
mod pack;

use std::cmp::Ordering;
use std::collections::BTreeMap;

pub use choose::choose;
pub use pack::{Fit, pack};

use crate::order;
use level::Slot;

/// Where instances of one role may stand, and in which order peers are preferred.
#[derive(Debug, Clone, Copy)]
pub struct Spread<'a> {
    /// The most instances of the role that each peer may have. One value a peer: it says how many peers there are.
    pub capacity: &'a [u32],
    /// The group of each peer, from [`groups`]; empty: each peer is a group of its own. Peers that it does not reach are in group 0.
    pub groups: &'a [u32],
    /// Positions of peers, best first; empty: by position. Peers that it leaves out come last, by position; what it names twice or
    /// beyond the peers does not count.
    pub ranking: &'a [usize],
}

/// Where the instances of one role stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Instances of each peer.
    pub instances: Vec<u32>,
    /// How many found no place.
    pub missing: u64,
}

impl Spread<'_> {
    /// Places `wanted` instances, of which `standing` ones (one value a peer, shorter or empty for none) stand already.
    ///
    /// 1. What stands stays where the peer's capacity allows it.
    /// 2. While there are more than wanted, the group with the most loses one: that of its peers with the most.
    /// 3. While there are fewer, the group with the fewest that has room gets one: that of its peers with the fewest that has room.
    ///
    /// Of equal groups, the one with the best-ranked peer is the first to get and the last to lose; of equal peers, the better-ranked
    /// one. So from nothing the groups, and the peers of a group, differ by one at most as far as
    /// capacities allow; and what was placed so stays as it is when it is placed again.
    ///
    /// Never above a capacity; nothing is missing while capacity is left. O(p · (log p + log c)) for p peers and a greatest capacity of c,
    /// however many instances there are.
    pub fn place(&self, standing: &[u32], wanted: u64) -> Placement {
        let members = self.members();
        let mut peers: Vec<Vec<Slot>> = Vec::with_capacity(members.len());
        for group in &members {
            let slot = |peer: &usize| {
                let capacity = self.capacity[*peer].into();
                Slot { count: u64::from(standing.get(*peer).copied().unwrap_or(0)).min(capacity), capacity }
            };
            peers.push(group.iter().map(slot).collect());
        }
        let mut totals: Vec<Slot> = peers.iter().map(|slots| Slot::sum(slots)).collect();
        let total = Slot::sum(&totals);
        let missing = if total.count > wanted {
            level::take(&mut totals, total.count - wanted);
            0
        } else {
            level::give(&mut totals, wanted - total.count)
        };
        let mut instances = vec![0; self.capacity.len()];
        for ((group, slots), total) in members.iter().zip(&mut peers).zip(&totals) {
            let before = Slot::sum(slots).count;
            if total.count < before {
                level::take(slots, before - total.count);
            } else {
                level::give(slots, total.count - before);
            }
            for (peer, slot) in group.iter().zip(slots) {
                instances[*peer] = u32::try_from(slot.count).expect("within a capacity of 32 bits");
            }
        }
        Placement { instances, missing }
    }

    /// The peers of each group in order of rank; the groups in order of their best-ranked peers.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut ranked = vec![false; self.capacity.len()];
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut numbers = BTreeMap::new();
        for peer in self.ranking.iter().copied().chain(0..self.capacity.len()) {
            match ranked.get_mut(peer) {
                Some(ranked) if !*ranked => *ranked = true,
                _ => continue,
            }
            if self.groups.is_empty() {
                members.push(vec![peer]);
                continue;
            }
            let group = self.groups.get(peer).copied().unwrap_or(0);
            let number = *numbers.entry(group).or_insert(members.len());
            if number == members.len() {
                members.push(Vec::new());
            }
            members[number].push(peer);
        }
        members
    }
}

/// The positions of `values` in ascending order: NaN (no sample) last, equal ones by position. O(n log n).
pub fn ascending(values: &[f64]) -> Vec<usize> {
    ranked(values, |a, b| a.partial_cmp(&b))
}

/// The positions of `values` in descending order: NaN (no sample) last, equal ones by position. O(n log n).
pub fn descending(values: &[f64]) -> Vec<usize> {
    ranked(values, |a, b| b.partial_cmp(&a))
}

fn ranked(values: &[f64], compare: impl Fn(f64, f64) -> Option<Ordering>) -> Vec<usize> {
    order::positions(values.len(), &|a, b| {
        let (a, b) = (values[a], values[b]);
        // Zero and minus zero are equal: which of the two a machine measures means nothing.
        a.is_nan().cmp(&b.is_nan()).then_with(|| compare(a, b).unwrap_or(Ordering::Equal))
    })
}

/// Numbers the labels by first appearance: the same label, the same number. O(n log n).
///
/// ```
/// assert_eq!(verwalter_plugin::place::groups(["r2", "r1", "r2"]), [0, 1, 0]);
/// ```
pub fn groups<'l>(labels: impl IntoIterator<Item = &'l str>) -> Vec<u32> {
    let mut numbers = BTreeMap::new();
    let number = |label| {
        let next = numbers.len() as u32;
        *numbers.entry(label).or_insert(next)
    };
    labels.into_iter().map(number).collect()
}
