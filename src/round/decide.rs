//! One decision, from a snapshot to an admitted schedule. It reads no clock and touches nothing: the loop, the command line and
//! the benches all decide through here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use verwalter_core::admit::{AdmitError, Admitted, admit};
use verwalter_core::contract::{SchedulerInput, SnapshotView, document};
use verwalter_core::ports::{Cost, Failure, FailureCause, LogLine, PluginId, Scheduler};
use verwalter_core::snapshot::Snapshot;

/// A decision that was admitted.
#[derive(Debug)]
pub struct Decided {
    /// The schedule and what came with it.
    pub admitted: Admitted,
    /// What the guest logged.
    pub log: Vec<LogLine>,
    /// What the call cost.
    pub cost: Cost,
    /// Time for the input document.
    pub prepare: Duration,
    /// Time for admitting the answer.
    pub admit: Duration,
}

/// Why there is no decision. The schedule in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
        /// What the guest logged.
        log: Vec<LogLine>,
    },
}

impl Undecided {
    /// Of which sort, for metrics.
    pub fn cause(&self) -> FailureCause {
        match self {
            Undecided::Call(failure) => failure.cause,
            Undecided::Refused { .. } => FailureCause::Refused,
        }
    }

    /// What the guest logged before it failed.
    pub fn log(&self) -> &[LogLine] {
        match self {
            Undecided::Call(failure) => &failure.log,
            Undecided::Refused { log, .. } => log,
        }
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
    let decision = scheduler.schedule(document, view).map_err(Undecided::from)?;
    let started = Instant::now();
    let admitted = admit(&decision.output, view.snapshot().peers(), scheduler.json_limits());
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(source) => return Err(Box::new(Undecided::Refused { plugin: scheduler.id().clone(), source, log: decision.log })),
    };
    Ok(Decided { admitted, log: decision.log, cost: decision.cost, prepare, admit: started.elapsed() })
}
