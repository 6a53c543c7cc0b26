//! What the node did since it started, as counters: rounds and deployments. Recording takes no lock; nothing is decided by them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::histogram::{Histogram, Latency};
use crate::round::{Outcome, RoundReport};

/// How a round ended. A closed set: it labels metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundOutcome {
    /// A new schedule came into force.
    Changed,
    /// The schedule in force was decided again.
    Unchanged,
    /// A policy denied what was decided.
    Denied,
    /// Nothing was decided.
    Failed,
}

/// What became of a role at one try. A closed set: it labels metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployed {
    /// Its files are as the schedule wants them.
    Rendered,
    /// It could not be rendered or written.
    Failed,
    /// This node does not take it.
    Refused,
}

/// The counters. Shared by the tasks.
#[derive(Debug, Default)]
pub struct Counts {
    rounds: [AtomicU64; 4],
    round_duration: Histogram,
    deployments: [AtomicU64; 3],
}

impl Counts {
    /// Counts a finished round.
    pub fn round(&self, report: &RoundReport) {
        let outcome = match &report.outcome {
            Outcome::Accepted(accepted) if accepted.changed => RoundOutcome::Changed,
            Outcome::Accepted(_) => RoundOutcome::Unchanged,
            Outcome::Denied { .. } => RoundOutcome::Denied,
            Outcome::Failed { .. } => RoundOutcome::Failed,
        };
        self.rounds[outcome as usize].fetch_add(1, Relaxed);
        self.round_duration.record(report.elapsed);
    }

    /// Counts one try of a role. A role that is left alone, since nothing changed for it, is none.
    pub fn deployed(&self, deployed: Deployed) {
        self.deployments[deployed as usize].fetch_add(1, Relaxed);
    }

    /// The counters now.
    pub fn read(&self) -> CountsReading {
        CountsReading {
            rounds: [0, 1, 2, 3].map(|outcome| self.rounds[outcome].load(Relaxed)),
            round_duration: self.round_duration.read(),
            deployments: [0, 1, 2].map(|outcome| self.deployments[outcome].load(Relaxed)),
        }
    }
}

/// What [`Counts`] held at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountsReading {
    /// By [`RoundOutcome`].
    pub rounds: [u64; 4],
    /// From waking up to the commit.
    pub round_duration: Latency,
    /// By [`Deployed`].
    pub deployments: [u64; 3],
}

impl CountsReading {
    /// Rounds by the outcome's name.
    pub fn rounds_by_name(&self) -> [(&'static str, u64); 4] {
        let by = |outcome: RoundOutcome| self.rounds[outcome as usize];
        [
            ("changed", by(RoundOutcome::Changed)),
            ("unchanged", by(RoundOutcome::Unchanged)),
            ("denied", by(RoundOutcome::Denied)),
            ("failed", by(RoundOutcome::Failed)),
        ]
    }

    /// Deployments of roles by the outcome's name.
    pub fn deployments_by_name(&self) -> [(&'static str, u64); 3] {
        let by = |deployed: Deployed| self.deployments[deployed as usize];
        [("rendered", by(Deployed::Rendered)), ("failed", by(Deployed::Failed)), ("refused", by(Deployed::Refused))]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
    use verwalter_core::ports::FailureCause;

    use super::*;
    use crate::round::Accepted;

    #[test]
    fn rounds_and_deployments_are_counted_by_their_outcome() {
        let counts = Counts::default();
        let failed = RoundReport {
            round: Round(1),
            term: Term { counter: 1, leader: NodeId::from_bytes([0; 16]) },
            at: UnixMillis(0),
            peers: 1,
            plugin: None,
            outcome: Outcome::Failed { cause: Some(FailureCause::Time), message: String::new(), debug: String::new() },
            elapsed: Duration::from_millis(3),
        };
        let accepted = |changed| {
            Outcome::Accepted(Accepted {
                digest: verwalter_core::digest::Digest::of(b""),
                changed,
                totals: verwalter_core::schedule::Totals::default(),
                changes: Vec::new(),
                debug: String::new(),
                warnings: Vec::new(),
                reviews: Vec::new(),
                cost: verwalter_core::ports::Cost::default(),
                prepare: Duration::ZERO,
                admit: Duration::ZERO,
            })
        };
        counts.round(&failed);
        counts.round(&RoundReport { outcome: accepted(true), ..failed.clone() });
        for _ in 0..3 {
            counts.round(&RoundReport { outcome: accepted(false), ..failed.clone() });
        }
        counts.deployed(Deployed::Rendered);
        counts.deployed(Deployed::Refused);
        counts.deployed(Deployed::Refused);
        let reading = counts.read();
        assert_eq!(reading.rounds_by_name(), [("changed", 1), ("unchanged", 3), ("denied", 0), ("failed", 1)]);
        assert_eq!((reading.round_duration.count(), reading.round_duration.sum_us), (5, 15_000));
        assert_eq!(reading.deployments_by_name(), [("rendered", 1), ("failed", 0), ("refused", 2)]);
    }
}
