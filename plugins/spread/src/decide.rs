//! The decision on parsed structs. Integers throughout and no text: the same on every machine and in every build.
//!
//! For each role in turn: what stands stays while its peer is there, allowed and below the role's limit; surplus leaves the least
//! free peers; what is missing goes, one instance at a time, to the peer with (in this order) samples, the fewest instances of the
//! role in its group, the fewest on the peer itself, the most free capacity, the first name. A new instance takes what it needs
//! from its peer's free capacity; those that stand are in the measured figures already.

mod capacity;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

pub use crate::config::Weights;
pub use crate::roles::Needs;
use capacity::Capacity;

/// The cluster and what is wanted of it. Every list has one value a peer, in ascending order of hostname, or none at all.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// How many peers there are.
    pub peers: usize,
    /// Free memory in bytes, NaN where there is no sample; empty where nobody measures it.
    pub memory_free: &'a [f64],
    /// Busy share of the CPUs, 0 to 1, NaN where there is no sample; empty where nobody measures it.
    pub cpu_busy: &'a [f64],
    /// Numbers of groups, from 0 without gaps; empty for one group of all.
    pub groups: &'a [u32],
    /// How much free memory and CPU count.
    pub weights: Weights,
    /// The roles, in the order in which they choose.
    pub roles: &'a [Role<'a>],
}

/// One role as wanted, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Role<'a> {
    /// How many instances in all.
    pub instances: u32,
    /// How many on one peer at most.
    pub per_node_max: u32,
    /// What a new instance takes.
    pub needs: Needs,
    /// How many instances each peer has now; empty for none anywhere.
    pub placed: &'a [u32],
    /// Where it may run; empty for anywhere.
    pub allowed: &'a [bool],
}

/// The decision, role by role in the order of the view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placements {
    /// One a role.
    pub roles: Vec<RolePlacements>,
}

/// Where one role stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolePlacements {
    /// By peer, only where there is at least one instance.
    pub placed: Vec<Placed>,
    /// How many instances found no peer.
    pub missing: u32,
}

/// One role on one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The peer's position.
    pub peer: u32,
    /// How many instances, at least one.
    pub instances: u32,
    /// How many of them stood there before.
    pub kept: u32,
}

/// Decides. O(peers + instances · log peers) a role.
pub fn decide(view: &View<'_>) -> Placements {
    let mut capacity = Capacity::new(view);
    let group_count = view.groups.iter().max().map_or(1, |most| *most as usize + 1);
    let mut groups = Groups { heaps: Vec::new(), placed: vec![0; group_count], of: view.groups };
    groups.heaps.resize_with(group_count, BinaryHeap::new);
    let roles = view.roles.iter().map(|role| decide_role(view, role, &mut capacity, &mut groups)).collect();
    Placements { roles }
}

fn decide_role(view: &View<'_>, role: &Role<'_>, capacity: &mut Capacity, groups: &mut Groups<'_>) -> RolePlacements {
    let mut kept = keep(view.peers, role);
    let standing: u64 = kept.iter().map(|n| u64::from(*n)).sum();
    let wanted = u64::from(role.instances);
    if standing > wanted {
        remove_surplus(&mut kept, standing - wanted, capacity);
    }
    let mut counts = kept.clone();
    let missing = if standing < wanted {
        let missing = u32::try_from(wanted - standing).expect("at most the role's instances, which are u32");
        groups.fill(role, &counts, capacity);
        groups.place(role, missing, &mut counts, capacity)
    } else {
        0
    };
    let placed = counts.iter().zip(&kept).enumerate().filter(|(_, (n, _))| **n > 0);
    let placed = placed.map(|(peer, (n, kept))| Placed { peer: peer as u32, instances: *n, kept: *kept });
    RolePlacements { placed: placed.collect(), missing }
}

/// What may stay, a number a peer.
fn keep(peers: usize, role: &Role<'_>) -> Vec<u32> {
    let mut kept = role.placed.to_vec();
    kept.resize(peers, 0);
    for n in &mut kept {
        *n = (*n).min(role.per_node_max);
    }
    for (n, allowed) in kept.iter_mut().zip(role.allowed) {
        if !allowed {
            *n = 0;
        }
    }
    kept
}

/// Takes `surplus` instances from the least free peers; those without samples count as the least free, the last name goes first.
fn remove_surplus(kept: &mut [u32], surplus: u64, capacity: &Capacity) {
    // One number a peer, which the smallest sort there is puts in order: the rank, then the position, the last first.
    let key = |peer: u32| u64::from(capacity.rank(peer)) << 32 | u64::from(u32::MAX - peer);
    let mut candidates: Vec<u64> = (0..kept.len() as u32).filter(|peer| kept[*peer as usize] > 0).map(key).collect();
    candidates.sort_unstable();
    let mut surplus = surplus;
    for key in candidates {
        let peer = u32::MAX - key as u32;
        let n = &mut kept[peer as usize];
        let taken = surplus.min(u64::from(*n));
        *n -= taken as u32;
        surplus -= taken;
        if surplus == 0 {
            break;
        }
    }
}

/// A candidate; the least one is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// Bit 63: no samples; bits 32 to 62: instances of the role there; below: 2^32 − 1 less the score.
    rank: u64,
    peer: u32,
}

impl Candidate {
    fn new(peer: u32, instances: u32, capacity: &Capacity) -> Candidate {
        let unsampled = u64::from(!capacity.is_sampled(peer));
        // Instances are below 2^31: a role has at most a million.
        let rank = unsampled << 63 | u64::from(instances & (u32::MAX >> 1)) << 32 | u64::from(u32::MAX - capacity.score(peer));
        Candidate { rank, peer }
    }

    fn is_unsampled(self) -> bool {
        self.rank >> 63 != 0
    }
}

/// The candidates of one role, by group. Only the chosen peer's and its group's ranks change, so that heaps stay in order.
struct Groups<'a> {
    heaps: Vec<BinaryHeap<Reverse<Candidate>>>,
    /// Instances of the role in each group.
    placed: Vec<u32>,
    /// The group of each peer; empty for one group of all.
    of: &'a [u32],
}

impl Groups<'_> {
    fn fill(&mut self, role: &Role<'_>, counts: &[u32], capacity: &Capacity) {
        self.placed.fill(0);
        let mut lists: Vec<Vec<Reverse<Candidate>>> = self.heaps.iter_mut().map(|heap| std::mem::take(heap).into_vec()).collect();
        lists.iter_mut().for_each(Vec::clear);
        for (peer, count) in counts.iter().enumerate() {
            let group = self.of.get(peer).map_or(0, |group| *group as usize);
            self.placed[group] += *count;
            let allowed = role.allowed.get(peer).is_none_or(|allowed| *allowed);
            if allowed && *count < role.per_node_max && capacity.fits(peer as u32, role.needs) {
                lists[group].push(Reverse(Candidate::new(peer as u32, *count, capacity)));
            }
        }
        self.heaps = lists.into_iter().map(BinaryHeap::from).collect();
    }

    /// Places `missing` instances and returns how many found no peer.
    fn place(&mut self, role: &Role<'_>, missing: u32, counts: &mut [u32], capacity: &mut Capacity) -> u32 {
        let best = |heap: &BinaryHeap<Reverse<Candidate>>, placed: u32| {
            heap.peek().map(|Reverse(candidate)| (candidate.is_unsampled(), placed, *candidate))
        };
        let mut order: BinaryHeap<_> =
            (0..self.heaps.len()).filter_map(|group| Some(Reverse((best(&self.heaps[group], self.placed[group])?, group)))).collect();
        for left in (1..=missing).rev() {
            let Some(mut top) = order.peek_mut() else { return left };
            let group = top.0.1;
            let heap = &mut self.heaps[group];
            if let Some(mut candidate) = heap.peek_mut() {
                let peer = candidate.0.peer;
                let count = &mut counts[peer as usize];
                *count += 1;
                self.placed[group] += 1;
                capacity.take(peer, role.needs);
                if *count < role.per_node_max && capacity.fits(peer, role.needs) {
                    candidate.0 = Candidate::new(peer, *count, capacity);
                } else {
                    PeekMut::pop(candidate);
                }
            }
            match best(heap, self.placed[group]) {
                Some(next) => top.0.0 = next,
                None => {
                    PeekMut::pop(top);
                }
            }
        }
        0
    }
}

#[cfg(test)]
mod tests;
