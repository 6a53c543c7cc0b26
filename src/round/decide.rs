//! One decision, from a snapshot to an admitted schedule. It reads no clock but for measuring and touches nothing: the loop, dry
//! runs, shadows, replays, the command line and the benches all decide through here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use verwalter_core::admit::{AdmitError, Admitted, admit};
use verwalter_core::contract::{SchedulerInput, SnapshotView, document};
use verwalter_core::guard::Tripped;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::peers::PeerTable;
use verwalter_core::ports::{Cost, Failure, FailureCause, LogLine, PluginId, RawOutput, Scheduler};
use verwalter_core::snapshot::Snapshot;

/// A decision that was admitted.
#[derive(Debug)]
pub struct Decided {
    /// The schedule and what came with it.
    pub admitted: Admitted,
    /// The answer as it came, for the journal.
    pub output: RawOutput,
    /// What the guest logged.
    pub log: Vec<LogLine>,
    /// What the call cost.
    pub cost: Cost,
    /// Under which limits its JSON was read.
    pub limits: JsonLimits,
    /// Time for the input document.
    pub prepare: Duration,
    /// Time for admitting the answer.
    pub admit: Duration,
}

/// What was admitted of an answer, for the next one: while nothing changes a scheduler answers the same again, and at 10,000 peers reading
/// that takes as long as half a decision.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// The answer as it came.
    pub output: &'a RawOutput,
    /// What it was read to.
    pub admitted: &'a Admitted,
    /// Who was there.
    pub peers: &'a PeerTable,
    /// Under which limits it was read.
    pub limits: JsonLimits,
}

impl<'a> Before<'a> {
    /// That of a round.
    pub fn of(decided: &'a Decided, peers: &'a PeerTable) -> Before<'a> {
        Before { output: &decided.output, admitted: &decided.admitted, peers, limits: decided.limits }
    }
}

/// What `output` says. Admitting is a function of these three: where they are as they were `before`, so is what is admitted.
///
/// # Errors
/// When the answer is refused.
pub fn admitted(output: &RawOutput, peers: &PeerTable, limits: JsonLimits, before: Option<Before<'_>>) -> Result<Admitted, AdmitError> {
    let same = |before: &Before<'_>| before.limits == limits && before.output == output && before.peers.has_hostnames_of(peers);
    before.filter(same).map_or_else(|| admit(output, peers, limits), |before| Ok(before.admitted.clone()))
}

/// Why there is no decision. The schedule in force stays.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Undecided {
    /// The plugin gave no answer.
    #[error(transparent)]
    Call(#[from] Failure),
    /// The answer was refused.
    #[error("plugin {plugin}: {source}")]
    Refused {
        /// Whose answer.
        plugin: PluginId,
        /// What is wrong with it.
        source: AdmitError,
        /// The answer as it came.
        output: RawOutput,
        /// What the guest logged.
        log: Vec<LogLine>,
        /// What the call cost.
        cost: Cost,
    },
    /// The answer was sound, but tripped a guard.
    #[error("plugin {plugin}: {}", Undecided::tripped(source, plugin))]
    Guard {
        /// Whose answer.
        plugin: PluginId,
        /// Which guard.
        source: Tripped,
        /// The answer as it came.
        output: RawOutput,
        /// What the guest logged.
        log: Vec<LogLine>,
        /// What the call cost.
        cost: Cost,
    },
}

impl Undecided {
    /// Of which sort, for metrics.
    pub fn cause(&self) -> FailureCause {
        match self {
            Undecided::Call(failure) => failure.cause,
            Undecided::Refused { .. } => FailureCause::Refused,
            Undecided::Guard { .. } => FailureCause::Guard,
        }
    }

    /// What the guest logged before it failed.
    pub fn log(&self) -> &[LogLine] {
        match self {
            Undecided::Call(failure) => &failure.log,
            Undecided::Refused { log, .. } | Undecided::Guard { log, .. } => log,
        }
    }

    /// What the call cost; `None` where it did not run.
    pub fn cost(&self) -> Option<&Cost> {
        match self {
            Undecided::Call(failure) => failure.cost.as_deref(),
            Undecided::Refused { cost, .. } | Undecided::Guard { cost, .. } => Some(cost),
        }
    }

    /// The answer, where there was one.
    pub fn output(&self) -> Option<&RawOutput> {
        match self {
            Undecided::Call(_) => None,
            Undecided::Refused { output, .. } | Undecided::Guard { output, .. } => Some(output),
        }
    }

    /// The same as a failed call, for those who see plugins only.
    pub fn into_failure(self) -> Failure {
        let (cause, cost) = (self.cause(), self.cost().copied().map(Box::new));
        match self {
            Undecided::Call(failure) => failure,
            Undecided::Refused { plugin, source, log, .. } => Failure { plugin, cause, message: source.to_string(), log, cost },
            Undecided::Guard { plugin, source, log, .. } => {
                Failure { message: Undecided::tripped(&source, &plugin), plugin, cause, log, cost }
            }
        }
    }

    /// A guard says how to allow such decisions for good; which plugin may be allowed one is known here.
    fn tripped(source: &Tripped, plugin: &PluginId) -> String {
        format!("{source}, or once with `verwalter plugin allow {}`", plugin.name)
    }
}

/// The input document that the decision will read.
pub fn prepare(scheduler: &dyn Scheduler, input: &SchedulerInput<'_>, snapshot: &Arc<Snapshot>) -> (String, Arc<SnapshotView>, Duration) {
    let started = Instant::now();
    let view = Arc::new(SnapshotView::new(snapshot.clone(), scheduler.reads(), input.parents));
    let text = document(input, scheduler.reads(), &view);
    (text, view, started.elapsed())
}

/// Runs the plugin on a prepared document and admits what it answers. Blocks.
pub fn decide(scheduler: &dyn Scheduler, document: &str, view: &Arc<SnapshotView>, prepare: Duration) -> Result<Decided, Box<Undecided>> {
    decide_after(scheduler, document, view, prepare, None)
}

/// The same after another decision, whose answer may be the same.
pub fn decide_after(
    scheduler: &dyn Scheduler,
    document: &str,
    view: &Arc<SnapshotView>,
    prepare: Duration,
    before: Option<Before<'_>>,
) -> Result<Decided, Box<Undecided>> {
    let decision = scheduler.schedule(document, view).map_err(Undecided::from)?;
    let started = Instant::now();
    let limits = scheduler.json_limits();
    match admitted(&decision.output, view.snapshot().peers(), limits, before) {
        Ok(admitted) => {
            let admit = started.elapsed();
            Ok(Decided { admitted, output: decision.output, log: decision.log, cost: decision.cost, limits, prepare, admit })
        }
        Err(source) => Err(Box::new(Undecided::Refused {
            plugin: scheduler.id().clone(),
            source,
            output: decision.output,
            log: decision.log,
            cost: decision.cost,
        })),
    }
}

#[cfg(test)]
mod tests;
