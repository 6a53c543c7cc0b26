//! Made-up clusters of any size: machines with facts, and figures that behave like real ones. It reads nothing of this machine, and
//! the same seed makes the same cluster, bit by bit, on every machine: no function is used whose bits a library chooses.
//!
//! | what | how it behaves |
//! |---|---|
//! | load | day and night by site, noise, bursts of up to half a minute; what a machine measures follows its load |
//! | counters | grow with load, and begin at zero when the machine restarts, about every fifth day |
//! | capacities | constant by class of machine |
//! | gaps | one report in 300 is lost, one sample in 2,000 is missing, one machine in 200 is silent, a restart takes ten seconds, and not every machine runs every application |

use std::sync::Arc;
use std::time::Duration;

use verwalter_core::ids::UnixMillis;

use crate::source::{Peers, SeenPeer};

mod columns;
mod document;
mod figure;
mod machine;
mod random;
mod recent;
mod running;

pub use document::{Document, Unmatched, Wanted, Written, default_columns};
pub use figure::Metric;
pub use recent::{Recent, View};

use machine::Machine;
use random::Draw;
use running::Running;

/// Time between two samples.
pub const STEP: Duration = Duration::from_millis(STEP_MS);
const STEP_MS: u64 = 2_000;
const STEPS_A_DAY: u64 = 24 * 3_600_000 / STEP_MS;
/// The time of the first step: a Saturday morning.
pub const BEGIN: UnixMillis = UnixMillis(1_760_169_600_000);
/// One report in so many is lost.
const LOST: u64 = 300;
/// A machine restarts once in so many steps: about every fifth day.
const RESTARTS: u64 = 200_000;
/// How many steps it is away then.
const RESTART_STEPS: u64 = 5;

/// A cluster. What it measures comes from [`Cluster::steps`].
#[derive(Debug, Clone)]
pub struct Cluster {
    draw: Draw,
    machines: Vec<Machine>,
    peers: Arc<Peers>,
    metrics: Vec<Metric>,
}

impl Cluster {
    /// The cluster of `seed` with so many peers and so many metrics, one series each.
    pub fn new(seed: u64, peers: usize, metrics: usize) -> Cluster {
        let draw = Draw::seeded(seed);
        let mut made: Vec<_> = (0..peers).map(|number| machine::machine(draw.of(1).of(number as u64), number)).collect();
        made.sort_by_key(|(_, seen)| seen.id);
        let (machines, seen): (_, Vec<SeenPeer>) = made.into_iter().unzip();
        let peers = Peers { at: BEGIN, peers: seen.into_iter().map(Arc::new).collect(), complaints: Vec::new() };
        Cluster { draw, machines, peers: Arc::new(peers), metrics: figure::metrics(metrics) }
    }

    /// Its peers, as they are before the first step, in order of id. Nobody is the own node.
    pub fn peers(&self) -> &Arc<Peers> {
        &self.peers
    }

    /// The peers as they are at `step`: each that reported in it did so a little before its end.
    pub fn peers_at(&self, step: &Step) -> Peers {
        let seen = |(number, seen): (usize, &Arc<SeenPeer>)| match step.row(number) {
            None => seen.clone(),
            Some(_) => Arc::new(SeenPeer { last_report: Some(reported_at(self.draw, number, step.at)), ..SeenPeer::clone(seen) }),
        };
        Peers { at: step.at, peers: self.peers.peers.iter().enumerate().map(seen).collect(), complaints: Vec::new() }
    }

    /// Its series, the same for all machines, in the order of [`Step::row`].
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// What it measures, step by step, without end.
    pub fn steps(&self) -> Steps<'_> {
        let running = |(place, machine)| Running::new(self.draw, place, machine, &self.metrics);
        Steps { metrics: self.metrics.len(), step: 0, running: self.machines.iter().enumerate().map(running).collect() }
    }
}

/// When the machine at `place` reports what it measured at `step`: a little before the step's end.
fn reported_at(draw: Draw, place: usize, step: UnixMillis) -> UnixMillis {
    let early_ms = draw.of(4).of(place as u64).below(STEP_MS);
    UnixMillis(step.0 + STEP_MS - 1 - early_ms)
}

/// The steps of a cluster.
#[derive(Debug, Clone)]
pub struct Steps<'a> {
    metrics: usize,
    step: u64,
    running: Vec<Running<'a>>,
}

/// What all machines measured at one step.
#[derive(Debug, Clone)]
pub struct Step {
    /// When.
    pub at: UnixMillis,
    metrics: usize,
    /// One a machine and metric.
    values: Vec<f64>,
    reported: Vec<bool>,
}

impl Step {
    /// The samples of a machine in the order of [`Cluster::metrics`], NaN where one is missing; `None` where nothing came of it.
    pub fn row(&self, peer: usize) -> Option<&[f64]> {
        let reported = self.reported.get(peer).copied().unwrap_or_default();
        reported.then(|| &self.values[peer * self.metrics..(peer + 1) * self.metrics])
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let at = UnixMillis(BEGIN.0 + self.step * STEP_MS);
        let mut values = Vec::with_capacity(self.running.len() * self.metrics);
        let reported = self.running.iter_mut().map(|machine| machine.measure(&mut values)).collect();
        self.step += 1;
        Some(Step { at, metrics: self.metrics, values, reported })
    }
}

#[cfg(test)]
mod tests;
