//! What a round knows before any plugin is asked. It stays as it is for as long as somebody decides on it: the round itself, a
//! shadow, a dry run, or, out of the journal, anybody later.

use std::sync::Arc;

use verwalter_core::contract::{ReviewInput, SchedulerInput};
use verwalter_core::diff::Diff;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::names::Hostname;
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::Snapshot;

/// The circumstances of one decision.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The round's time.
    pub now: UnixMillis,
    /// The round's number within the term.
    pub round: Round,
    /// The leadership.
    pub term: Term,
    /// The leader's hostname.
    pub hostname: Hostname,
    /// The leader's id.
    pub id: NodeId,
    /// Operators' metadata, JSON text.
    pub runtime: Arc<str>,
    /// Operators' pending actions, JSON text of an object.
    pub actions: Arc<str>,
    /// The schedules that the decision follows.
    pub parents: Vec<Schedule>,
    /// Peers and columns.
    pub snapshot: Arc<Snapshot>,
}

impl Circumstances {
    /// What goes into a scheduler's document.
    pub fn input<'a>(&'a self, config: &'a str) -> SchedulerInput<'a> {
        SchedulerInput {
            now: self.now,
            round: self.round,
            term: self.term,
            current_host: &self.hostname,
            current_id: self.id,
            config,
            runtime: &self.runtime,
            parents: &self.parents,
            actions: &self.actions,
        }
    }

    /// What goes into a policy's document about `schedule`.
    pub fn review_input<'a>(&'a self, config: &'a str, schedule: &'a Schedule, diff: &'a Diff) -> ReviewInput<'a> {
        ReviewInput {
            now: self.now,
            round: self.round,
            term: self.term,
            current_host: &self.hostname,
            current_id: self.id,
            config,
            runtime: &self.runtime,
            schedule,
            previous: self.previous(),
            diff,
        }
    }

    /// The schedule that a decision is compared with: the only parent. Of several none runs everywhere.
    pub fn previous(&self) -> Option<&Schedule> {
        match &self.parents[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}
