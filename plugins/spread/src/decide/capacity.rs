//! How free each peer is, as integers: what is left, and one number to compare. It knows no role's name and no host's.

use super::View;
use crate::config::Weights;
use crate::roles::Needs;

/// The unit of shares and scores: a score fits 32 bits with room, and shares differ by a millionth.
const MILLION: u32 = 1_000_000;
/// What an instance without `needs` counts for, so that the next role looks elsewhere: a hundredth of a machine.
const DEFAULT_SHARE: u32 = MILLION / 100;

/// Free capacity by peer.
pub(super) struct Capacity {
    peers: Vec<Free>,
    weights: Weights,
    /// The most free memory on any peer: what a full share of memory means.
    most_memory_kib: u64,
    measured: Measured,
}

#[derive(Clone, Copy)]
struct Measured {
    memory: bool,
    cpu: bool,
}

#[derive(Clone, Copy)]
struct Free {
    memory_kib: u64,
    cpu_millionths: u32,
    /// What instances without `needs` took.
    taken: u32,
    /// 0 to a million.
    score: u32,
    sampled: bool,
}

impl Capacity {
    pub(super) fn new(view: &View<'_>) -> Capacity {
        let measured = Measured { memory: view.memory_free.len() == view.peers, cpu: view.cpu_busy.len() == view.peers };
        let mut peers = Vec::with_capacity(view.peers);
        let mut most_memory_kib = 1;
        for peer in 0..view.peers {
            let memory = if measured.memory { view.memory_free[peer] } else { 0.0 };
            let busy = if measured.cpu { view.cpu_busy[peer] } else { 1.0 };
            // `as` saturates: a negative or NaN figure counts as nothing free.
            let memory_kib = (memory / 1024.0) as u64;
            let cpu_millionths = ((1.0 - busy) * f64::from(MILLION)).clamp(0.0, f64::from(MILLION)) as u32;
            most_memory_kib = most_memory_kib.max(memory_kib);
            peers.push(Free { memory_kib, cpu_millionths, taken: 0, score: 0, sampled: !memory.is_nan() && !busy.is_nan() });
        }
        // Beyond 2^43 KiB (8 EiB) products would overflow; nobody has that, and a broken sample must not trap.
        let most_memory_kib = most_memory_kib.min(1 << 43);
        let mut capacity = Capacity { peers, weights: view.weights, most_memory_kib, measured };
        for peer in 0..view.peers {
            capacity.rescore(peer);
        }
        capacity
    }

    pub(super) fn is_sampled(&self, peer: u32) -> bool {
        self.peers[peer as usize].sampled
    }

    /// Free capacity as one number, 0 to a million.
    pub(super) fn score(&self, peer: u32) -> u32 {
        self.peers[peer as usize].score
    }

    /// Orders peers from the least free; those without samples come first.
    pub(super) fn rank(&self, peer: u32) -> u32 {
        let free = &self.peers[peer as usize];
        // A score is at most a million.
        u32::from(free.sampled) << 31 | free.score
    }

    /// Whether a new instance has room. Where nothing is measured nothing is refused.
    pub(super) fn fits(&self, peer: u32, needs: Needs) -> bool {
        let free = &self.peers[peer as usize];
        let memory = !self.measured.memory || free.memory_kib >= needs.memory_kib;
        let cpu = !self.measured.cpu || free.cpu_millionths >= needs.cpu_millionths;
        !free.sampled || memory && cpu
    }

    /// Takes what a new instance needs.
    pub(super) fn take(&mut self, peer: u32, needs: Needs) {
        let free = &mut self.peers[peer as usize];
        if needs == Needs::default() {
            free.taken = free.taken.saturating_add(DEFAULT_SHARE);
        }
        free.memory_kib = free.memory_kib.saturating_sub(needs.memory_kib);
        free.cpu_millionths = free.cpu_millionths.saturating_sub(needs.cpu_millionths);
        self.rescore(peer as usize);
    }

    fn rescore(&mut self, peer: usize) {
        let free = &mut self.peers[peer];
        let weight = |is_measured: bool, weight: u32| if is_measured { u64::from(weight) } else { 0 };
        let (memory, cpu) = (weight(self.measured.memory, self.weights.memory), weight(self.measured.cpu, self.weights.cpu));
        let memory_share = free.memory_kib.min(self.most_memory_kib) * u64::from(MILLION) / self.most_memory_kib;
        let weighted = (memory * memory_share + cpu * u64::from(free.cpu_millionths)) / (memory + cpu).max(1);
        free.score = u32::try_from(weighted).unwrap_or(MILLION).saturating_sub(free.taken);
    }
}
