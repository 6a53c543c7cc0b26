//! A whole deliberation: the scheduler decides, its guards look at what would move, the policies review. It commits nothing: the
//! loop does, and dry runs, shadows and replays do not.

use std::sync::Arc;

use verwalter_core::contract::SnapshotView;
use verwalter_core::diff::Diff;
use verwalter_core::ports::{Policy, Scheduler};

use super::circumstances::Circumstances;
use super::decide::{Before, Decided, Undecided, decide_after, prepare};
use super::review::{Reviewed, review};

/// What came of asking the plugins.
#[derive(Debug)]
pub struct Deliberation {
    /// The document that the scheduler was handed.
    pub document: Arc<str>,
    /// Peers and metrics as it saw them.
    pub view: Arc<SnapshotView>,
    /// What was decided, or why nothing.
    pub result: Result<Proposal, Box<Undecided>>,
}

/// A sound decision with the policies' word on it.
#[derive(Debug)]
pub struct Proposal {
    /// The decision.
    pub decided: Decided,
    /// What it changes of the schedule that it follows.
    pub diff: Diff,
    /// Whether a guard would have stopped it, but for the operator's pass.
    pub passed: Option<String>,
    /// The policies' verdicts. Nobody is asked about a schedule that is in force already.
    pub reviewed: Reviewed,
}

/// Who is asked, in which order.
pub struct Bench<'a> {
    /// The one that decides.
    pub scheduler: &'a dyn Scheduler,
    /// Those that review, in their order.
    pub policies: &'a [&'a dyn Policy],
    /// Asked when a guard trips: whether the operator allowed it.
    pub allowed: &'a dyn Fn() -> bool,
    /// What the scheduler answered before.
    pub before: Option<Before<'a>>,
}

/// Asks them all. Blocks for as long as their limits allow.
pub fn deliberate(bench: &Bench<'_>, circumstances: &Circumstances) -> Deliberation {
    let scheduler = bench.scheduler;
    let (document, view, took) = prepare(scheduler, &circumstances.input(scheduler.config()), &circumstances.snapshot);
    let result = decide_after(scheduler, &document, &view, took, bench.before).and_then(|decided| propose(bench, circumstances, decided));
    // Shared, since it is megabytes at 10,000 peers: the journal, the shadows and the API look at it afterwards.
    Deliberation { document: document.into(), view, result }
}

fn propose(bench: &Bench<'_>, circumstances: &Circumstances, decided: Decided) -> Result<Proposal, Box<Undecided>> {
    let schedule = &decided.admitted.schedule;
    let diff = Diff::between(circumstances.previous(), schedule, circumstances.snapshot.peers());
    let mut passed = None;
    if let Err(tripped) = bench.scheduler.guards().check(&diff) {
        if !(bench.allowed)() {
            let (log, cost) = (decided.log, decided.cost);
            let plugin = bench.scheduler.id().clone();
            return Err(Box::new(Undecided::Guard { plugin, source: tripped, output: decided.output, log, cost }));
        }
        passed = Some(tripped.to_string());
    }
    let stands = circumstances.previous() == Some(schedule);
    let reviewed = if stands { Reviewed::default() } else { review(bench.policies, circumstances, schedule, &diff) };
    Ok(Proposal { decided, diff, passed, reviewed })
}
