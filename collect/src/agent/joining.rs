//! Whom to ask for the cluster, and when: seeds and remembered peers, for ever. Resolves and connects nothing itself.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use rand::seq::SliceRandom;

use super::timing::Timing;

/// Most seeds; more only make the first second loud.
pub const MAX_SEEDS: usize = 32;
/// How many remembered peers are tried at once beside the seeds.
const REMEMBERED_AT_ONCE: usize = 3;

/// Whom to exchange knowledge with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A seed as the operator wrote it, `host:port`; resolved at each try, since addresses of names change.
    Seed(String),
    /// A node that was or is a member.
    Peer(SocketAddr),
}

#[derive(Debug)]
pub(crate) struct Joining {
    seeds: Vec<String>,
    remembered: Vec<SocketAddr>,
    fruitless: u32,
    /// When the next try is due, in waking time.
    pub(crate) due: Duration,
}

impl Joining {
    pub(crate) fn new(mut seeds: Vec<String>, mut remembered: Vec<SocketAddr>, now: Duration) -> Joining {
        seeds.truncate(MAX_SEEDS);
        remembered.truncate(super::remembered::MAX_REMEMBERED);
        Joining { seeds, remembered, fruitless: 0, due: now }
    }

    /// The last member is gone: begin anew, at once.
    pub(crate) fn begin(&mut self, now: Duration) {
        (self.fruitless, self.due) = (0, now);
    }

    /// Takes note of an address for later.
    pub(crate) fn remember(&mut self, addr: SocketAddr) {
        if !self.remembered.contains(&addr) {
            if self.remembered.len() >= super::remembered::MAX_REMEMBERED {
                self.remembered.remove(0);
            }
            self.remembered.push(addr);
        }
    }

    /// Whom to try now; the next time is set. `active` is where members answer.
    pub(crate) fn next(&mut self, now: Duration, active: &HashSet<SocketAddr>, timing: &Timing, rng: &mut impl RngExt) -> Vec<Target> {
        let jitter = rng.random_range(0.75..1.25);
        let seeds = self.seeds.iter().cloned().map(Target::Seed);
        let mut missing: Vec<SocketAddr> = self.remembered.iter().copied().filter(|addr| !active.contains(addr)).collect();
        if active.is_empty() {
            let wait = timing.join_first.saturating_mul(1 << self.fruitless.min(16)).min(timing.join_max);
            self.fruitless += 1;
            self.due = now + wait.mul_f64(jitter);
            while missing.len() > REMEMBERED_AT_ONCE {
                missing.swap_remove(rng.random_range(0..missing.len()));
            }
            let mut all: Vec<Target> = seeds.chain(missing.into_iter().map(Target::Peer)).collect();
            // Those at the end of the list must not always be the ones that find no connection free.
            all.shuffle(rng);
            return all;
        }
        self.fruitless = 0;
        self.due = now + timing.rejoin_interval.mul_f64(jitter);
        let mut all: Vec<Target> = seeds.chain(missing.into_iter().map(Target::Peer)).collect();
        if all.is_empty() { all } else { vec![all.swap_remove(rng.random_range(0..all.len()))] }
    }
}

#[cfg(test)]
mod tests;
