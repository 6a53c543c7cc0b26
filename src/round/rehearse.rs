//! The dry run: how a build that is not in force yet does on the newest recorded input, with the metadata as it stands now and, where
//! it declares metrics that nobody asked for before, with their first figures. Nothing it says has an effect.

use std::collections::BTreeSet;
use std::sync::Arc;

use verwalter_core::contract::Reads;
use verwalter_core::diff::Diff;
use verwalter_core::metrics::MetricRule;
use verwalter_core::ports::{Failure, Policy, Query, Rehearsal, Rehearsed, Scheduler};
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::Snapshot;

use super::circumstances::Circumstances;
use super::deliberate::{Bench, deliberate};
use super::review::ask;
use crate::query;

/// What a dry run decides on.
pub struct Stage<'a> {
    /// The newest recorded input; `None` before the first round.
    pub newest: Option<Arc<Circumstances>>,
    /// The schedule in force, which may be newer than the one that the input followed.
    pub in_force: Option<Schedule>,
    /// The metadata as it stands now: a new build may come with new metadata.
    pub runtime: Arc<str>,
    /// A newer snapshot with columns for these rules too, where there is one.
    pub columns: &'a dyn Fn(&BTreeSet<MetricRule>) -> Option<Arc<Snapshot>>,
}

impl Stage<'_> {
    fn circumstances(&self, reads: &Reads) -> Option<Circumstances> {
        let newest = self.newest.as_deref()?;
        let missing = reads.metrics.values().any(|rule| newest.snapshot.column(rule).is_none());
        let newer = if missing { (self.columns)(&reads.metrics.values().cloned().collect()) } else { None };
        let snapshot = newer.unwrap_or_else(|| newest.snapshot.clone());
        Some(Circumstances { runtime: self.runtime.clone(), snapshot, parents: self.parents(newest), ..newest.clone() })
    }

    fn parents(&self, newest: &Circumstances) -> Vec<Schedule> {
        self.in_force.as_ref().map_or_else(|| newest.parents.clone(), |in_force| vec![in_force.clone()])
    }
}

fn nothing() -> Rehearsed {
    Rehearsed::Nothing("no round was recorded yet".to_owned())
}

impl Rehearsal for Stage<'_> {
    fn scheduler(&self, candidate: &dyn Scheduler, allowed: bool) -> Result<Rehearsed, Failure> {
        let Some(known) = self.circumstances(candidate.reads()) else { return Ok(nothing()) };
        let asked = deliberate(&Bench { scheduler: candidate, policies: &[], allowed: &|| allowed, before: None }, &known);
        let proposal = asked.result.map_err(|failed| failed.into_failure())?;
        let totals = proposal.diff.totals();
        let fuel = proposal.decided.cost.fuel;
        Ok(Rehearsed::Well(format!(
            "on round {} of term {}: {} instances started, {} stopped, {} of them moved; fuel {fuel}",
            known.round.0, known.term.counter, totals.started, totals.stopped, totals.moved
        )))
    }

    fn policy(&self, candidate: &dyn Policy) -> Result<Rehearsed, Failure> {
        let Some(known) = self.circumstances(candidate.reads()) else { return Ok(nothing()) };
        let Some(schedule) = known.previous() else {
            return Ok(Rehearsed::Nothing("there is no schedule to review yet".to_owned()));
        };
        // As if it were the first one: beside itself it would change nothing that could be judged.
        let before = Circumstances { parents: Vec::new(), ..known.clone() };
        let diff = Diff::between(None, schedule, known.snapshot.peers());
        let review = ask(candidate, &before, schedule, &diff);
        let verdict = review.verdict?;
        let reasons = if verdict.reasons.is_empty() { String::new() } else { format!(": {}", verdict.reasons.join("; ")) };
        Ok(Rehearsed::Well(format!("on the schedule in force: {}{reasons}", verdict.ruling)))
    }

    fn query(&self, candidate: &dyn Query) -> Result<Rehearsed, Failure> {
        let Some(known) = self.newest.as_deref() else { return Ok(nothing()) };
        let parents = self.parents(known);
        let [schedule] = &parents[..] else {
            return Ok(Rehearsed::Nothing("there is no schedule to ask about yet".to_owned()));
        };
        let peers = known.snapshot.peers();
        let facts = peers.position(known.hostname.as_str()).and_then(|own| peers.get(own)).map(|own| own.machine.clone());
        let roles = query::roles(candidate, schedule, None, &known.hostname, &facts.unwrap_or_default(), known.now)?;
        Ok(Rehearsed::Well(match roles {
            Some(roles) => format!("{} roles to render here", roles.roles.len()),
            None => "it leaves the roles to the schedule".to_owned(),
        }))
    }
}
