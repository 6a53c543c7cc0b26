//! The leader's loop: when due, or when something changed, one decision; what was admitted is committed under the lease.
//! It never renders, and nobody waits for it.

pub mod decide;
pub mod recorded;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use verwalter_core::contract::{Reads, SchedulerInput, SnapshotView};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::names::Hostname;
use verwalter_core::ports::{Cost, FailureCause, LogLine, PluginId, Scheduler};
use verwalter_core::schedule::{Schedule, Totals};
use verwalter_core::snapshot::Snapshot;

use crate::clock::unix_now;
use crate::cluster::{Leadership, Lease};
use crate::collect::Published;
use crate::reload::Config;
use crate::store::{Commit, InForce, ScheduleStore};
use decide::{Decided, decide, prepare};

/// How long a round waits for the columns of a plugin that was just activated: the collector evaluates them at once.
const COLUMNS_WAIT: Duration = Duration::from_millis(500);
/// Two rounds that were asked for are at least so far apart, so that a burst of changes makes one.
const LEAST_GAP: Duration = Duration::from_millis(50);
/// Finished rounds that a slow listener may lag behind.
pub const REPORTS_KEPT: usize = 256;

/// What came of a round.
#[derive(Debug, Clone)]
pub struct RoundReport {
    /// Its number.
    pub round: Round,
    /// Under which leadership.
    pub term: Term,
    /// Its time.
    pub at: UnixMillis,
    /// How many nodes it saw.
    pub peers: usize,
    /// The build that decided, when there was one.
    pub plugin: Option<PluginId>,
    /// What came of it.
    pub outcome: Outcome,
    /// From waking up to the commit.
    pub elapsed: Duration,
}

/// What the newest decision read. Only the newest is kept: at 10,000 peers it is large.
#[derive(Debug)]
pub struct RoundInput {
    /// The document that was handed over.
    pub document: String,
    /// What the plugin is told, and how.
    pub reads: Reads,
    /// Peers and metrics as it saw them.
    pub view: Arc<SnapshotView>,
}

/// Accepted or not.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A schedule was admitted and committed.
    Accepted {
        /// Its digest.
        digest: Digest,
        /// Whether a new digest came into force.
        changed: bool,
        /// How much it places.
        totals: Totals,
        /// What the plugin says changed.
        changes: Vec<String>,
        /// The plugin's own text and log lines.
        debug: String,
        /// Accepted, but looks like a mistake.
        warnings: Vec<String>,
        /// What the call cost.
        cost: Cost,
        /// Time for the input document.
        prepare: Duration,
        /// Time for admitting the answer.
        admit: Duration,
    },
    /// Nothing was decided; what was in force stays.
    Failed {
        /// Of which sort, when a plugin was asked.
        cause: Option<FailureCause>,
        /// What happened and what to do about it.
        message: String,
        /// What the plugin logged before.
        debug: String,
    },
}

impl Outcome {
    /// Why nothing was decided.
    fn message(&self) -> Option<&str> {
        match self {
            Outcome::Failed { message, .. } => Some(message),
            Outcome::Accepted { .. } => None,
        }
    }

    fn failed(cause: Option<FailureCause>, message: String) -> Outcome {
        Outcome::Failed { cause, message, debug: String::new() }
    }
}

/// What the loop needs.
pub struct Rounds {
    /// This node.
    pub hostname: Hostname,
    /// This node.
    pub id: NodeId,
    /// Time between two rounds that nothing asked for.
    pub interval: Duration,
    /// Who leads.
    pub leadership: Arc<Leadership>,
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// The newest snapshot.
    pub collected: watch::Receiver<Option<Arc<Published>>>,
    /// Where decisions go.
    pub store: Arc<ScheduleStore>,
    /// Where reports go.
    pub reports: broadcast::Sender<Arc<RoundReport>>,
    /// The newest report.
    pub newest: watch::Sender<Option<Arc<RoundReport>>>,
    /// What the newest decision read.
    pub input: watch::Sender<Option<Arc<RoundInput>>>,
}

impl Rounds {
    /// Runs until `drain`; a round that has begun is finished.
    pub async fn run(mut self, drain: CancellationToken) {
        // The first snapshot comes with the second sample; nothing can be decided before.
        tokio::select! {
            () = drain.cancelled() => return,
            first = self.collected.wait_for(Option::is_some) => if first.is_err() { return },
        }
        let mut number = 0;
        let mut due = Instant::now();
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                () = tokio::time::sleep_until(due) => {}
                changed = self.config.changed() => {
                    if changed.is_err() { return }
                    tokio::time::sleep(LEAST_GAP).await;
                }
            }
            let Some(lease) = self.leadership.lease() else {
                due = Instant::now() + self.interval;
                continue;
            };
            number += 1;
            let started = Instant::now();
            due = started + self.interval;
            let report = Arc::new(self.round(&lease, Round(number), started).await);
            let said_before = self.newest.borrow().as_ref().is_some_and(|last| last.outcome.message() == report.outcome.message());
            announce(&report, said_before);
            self.newest.send_replace(Some(report.clone()));
            // Nobody listening is fine.
            let _ = self.reports.send(report);
        }
    }

    async fn round(&mut self, lease: &Lease, round: Round, started: Instant) -> RoundReport {
        let config = self.config.borrow_and_update().clone();
        let published = self.columns_for(&config).await;
        let at = unix_now();
        let mut report = RoundReport {
            round,
            term: lease.term(),
            at,
            peers: published.snapshot.peers().len(),
            plugin: None,
            outcome: Outcome::failed(None, String::new()),
            elapsed: Duration::ZERO,
        };
        match config.decidable().and_then(|()| config.catalog.scheduler().map_err(|nothing| nothing.to_string())) {
            Ok(scheduler) => {
                report.plugin = Some(scheduler.id().clone());
                let parents: Vec<Schedule> = self.store.current().map(|current| current.schedule.clone()).into_iter().collect();
                let context = Context { at, round, term: lease.term(), hostname: self.hostname.clone(), id: self.id };
                let (input, outcome) = run_blocking(scheduler, config, published.snapshot.clone(), parents, context).await;
                if let Some(input) = input {
                    self.input.send_replace(Some(Arc::new(input)));
                }
                report.outcome = match outcome {
                    Ok(decided) => self.commit(lease, round, at, decided),
                    Err(failed) => failed,
                };
            }
            Err(message) => report.outcome = Outcome::failed(None, message),
        }
        report.elapsed = started.elapsed();
        report
    }

    /// The newest snapshot, with a column for everything that the plugins of `config` declare where that comes in time.
    async fn columns_for(&mut self, config: &Config) -> Arc<Published> {
        let generation = config.rules_generation;
        let fits = |published: &Option<Arc<Published>>| published.as_ref().is_some_and(|p| p.rules_generation >= generation);
        // Without them the plugin sees NaN, as for any sample that is missing.
        let _ = tokio::time::timeout(COLUMNS_WAIT, self.collected.wait_for(fits)).await;
        self.collected.borrow_and_update().clone().expect("the loop began with a snapshot, and none is taken back")
    }

    fn commit(&self, lease: &Lease, round: Round, at: UnixMillis, decided: Decided) -> Outcome {
        let Decided { admitted, log, cost, prepare, admit } = decided;
        let schedule = admitted.schedule;
        let (digest, totals) = (schedule.digest(), schedule.totals());
        let in_force = InForce { schedule, since: at, term: lease.term(), round, why: admitted.why };
        match self.store.commit(lease, in_force) {
            Ok(commit) => Outcome::Accepted {
                digest,
                changed: commit == Commit::Changed,
                totals,
                changes: admitted.changes,
                debug: debug_text(&admitted.log, &log),
                warnings: admitted.warnings,
                cost,
                prepare,
                admit,
            },
            Err(lost) => Outcome::failed(None, lost.to_string()),
        }
    }
}

struct Context {
    at: UnixMillis,
    round: Round,
    term: Term,
    hostname: Hostname,
    id: NodeId,
}

/// The part that computes, off the async threads.
async fn run_blocking(
    scheduler: Arc<dyn Scheduler>,
    config: Arc<Config>,
    snapshot: Arc<Snapshot>,
    parents: Vec<Schedule>,
    context: Context,
) -> (Option<RoundInput>, Result<Decided, Outcome>) {
    let work = tokio::task::spawn_blocking(move || {
        let input = SchedulerInput {
            now: context.at,
            round: context.round,
            term: context.term,
            current_host: &context.hostname,
            current_id: context.id,
            config: scheduler.config(),
            runtime: &config.runtime,
            parents: &parents,
            actions: "{}",
        };
        let (document, view, prepare) = prepare(&*scheduler, &input, &snapshot);
        let decided = decide(&*scheduler, &document, &view, prepare);
        (RoundInput { document, reads: scheduler.reads().clone(), view }, decided)
    });
    match work.await {
        Ok((input, decided)) => {
            let failed = |undecided: Box<decide::Undecided>| Outcome::Failed {
                cause: Some(undecided.cause()),
                message: undecided.to_string(),
                debug: debug_text("", undecided.log()),
            };
            (Some(input), decided.map_err(failed))
        }
        Err(_) => {
            let message = "the round broke off in the host: a defect, please report it with the log".to_owned();
            (None, Err(Outcome::failed(Some(FailureCause::Host), message)))
        }
    }
}

/// The plugin's own text, then its log lines.
fn debug_text(text: &str, lines: &[LogLine]) -> String {
    let mut debug = text.to_owned();
    for line in lines {
        if !debug.is_empty() && !debug.ends_with('\n') {
            debug.push('\n');
        }
        let level = match line.level {
            verwalter_core::ports::LogLevel::Trace => "trace",
            verwalter_core::ports::LogLevel::Debug => "debug",
            verwalter_core::ports::LogLevel::Info => "info",
            verwalter_core::ports::LogLevel::Warn => "warn",
            verwalter_core::ports::LogLevel::Error => "error",
        };
        debug.push_str(&format!("{level}: {}", line.text));
    }
    debug
}

/// `said_before`: the last round failed for the same reason, so that saying it again would only fill the log.
fn announce(report: &RoundReport, said_before: bool) {
    let (round, term) = (report.round.0, report.term.counter);
    let elapsed_ms = u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX);
    match &report.outcome {
        Outcome::Accepted { digest, changed: true, totals, .. } => {
            tracing::info!(round, term, %digest, placements = totals.placements, elapsed_ms, "a new schedule is in force");
        }
        Outcome::Accepted { digest, .. } => tracing::debug!(round, term, %digest, elapsed_ms, "the schedule stays"),
        Outcome::Failed { message, .. } if said_before => {
            tracing::debug!(round, term, error = %message, elapsed_ms, "again nothing was decided");
        }
        Outcome::Failed { message, .. } => {
            tracing::warn!(round, term, error = %message, elapsed_ms, "nothing was decided; the schedule in force stays");
        }
    }
}
