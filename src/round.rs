//! The leader's loop: when due, or when something changed, one decision; what was admitted is committed under the lease.
//! It never renders, and nobody waits for it.

pub mod circumstances;
pub mod decide;
pub mod deliberate;
mod health;
pub mod queue;
pub mod recorded;
pub mod rehearse;
mod report;
pub mod review;
pub mod shadow;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use verwalter_core::contract::{Reads, SnapshotView};
use verwalter_core::ids::{NodeId, Round};
use verwalter_core::names::{Hostname, PluginName};
use verwalter_core::ports::{FailureCause, Policy, Scheduler};
use verwalter_core::schedule::Schedule;

use crate::cluster::{Leadership, Lease};
use crate::counts::Counts;
use crate::reload::{Config, Notice};
use crate::store::{Commit, InForce, ScheduleStore};
use circumstances::Circumstances;
use decide::Before;
use deliberate::{Bench, Deliberation, Proposal, deliberate};
use health::{Fared, Health, Sign};
pub use report::{Accepted, Outcome, ReviewSummary, RoundReport};
use report::{announce, debug_text};
use verwalter_collect::Published;
use verwalter_collect::clock::unix_now;

/// How long a round waits for the columns of a plugin that was just activated: the collector evaluates them at once.
const COLUMNS_WAIT: Duration = Duration::from_millis(500);
/// A round that was asked for begins at least so long after the one before, so that a burst of changes makes few.
const LEAST_GAP: Duration = Duration::from_millis(50);
/// Finished rounds that a slow listener may lag behind.
pub const REPORTS_KEPT: usize = 256;

/// What the newest decision read. Only the newest is kept: at 10,000 peers it is large.
#[derive(Debug)]
pub struct RoundInput {
    /// The document that was handed over.
    pub document: Arc<str>,
    /// What the plugin is told, and how.
    pub reads: Reads,
    /// Peers and metrics as it saw them.
    pub view: Arc<SnapshotView>,
    /// All that the round knew before: what a dry run decides on.
    pub circumstances: Arc<Circumstances>,
}

/// A round that was held, for those who look at it afterwards: the journal and the shadows.
pub struct Held {
    /// What it knew before any plugin was asked.
    pub circumstances: Arc<Circumstances>,
    /// The configuration that it pinned.
    pub config: Arc<Config>,
    /// What came of asking the plugins.
    pub deliberation: Deliberation,
    /// What was told of it.
    pub report: Arc<RoundReport>,
}

/// Whether an operator allows a plugin's decision past a guard; asking uses the pass up.
pub type Allowed = Arc<dyn Fn(&PluginName) -> bool + Send + Sync>;

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
    /// Counted there.
    pub counts: Arc<Counts>,
    /// What operators allow past a guard.
    pub passes: Allowed,
    /// Where it is told how builds fare.
    pub notices: mpsc::Sender<Notice>,
    /// Where held rounds go to be recorded.
    pub journal: queue::Sender,
    /// The newest held round, for the shadows.
    pub held: watch::Sender<Option<Arc<Held>>>,
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
        let mut health = Health::default();
        let mut due = Instant::now();
        let mut begun = due;
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                () = tokio::time::sleep_until(due) => {}
                changed = self.config.changed() => {
                    if changed.is_err() { return }
                    tokio::time::sleep_until(begun + LEAST_GAP).await;
                }
            }
            let Some(lease) = self.leadership.lease() else {
                due = Instant::now() + self.interval;
                continue;
            };
            number += 1;
            let started = Instant::now();
            (begun, due) = (started, started + self.interval);
            let (report, held) = self.round(&lease, Round(number), started, &mut health).await;
            let said_before = self.newest.borrow().as_ref().is_some_and(|last| last.outcome.message() == report.outcome.message());
            announce(&report, said_before);
            self.counts.round(&report);
            self.newest.send_replace(Some(report.clone()));
            if let Some(held) = held {
                let held = Arc::new(held);
                if !self.journal.offer(held.clone()) {
                    tracing::warn!(round = held.circumstances.round.0, "the journal's disk is too slow: this round is not recorded");
                }
                self.held.send_replace(Some(held));
            }
            // Nobody listening is fine.
            let _ = self.reports.send(report);
        }
    }

    async fn round(&mut self, lease: &Lease, round: Round, started: Instant, health: &mut Health) -> (Arc<RoundReport>, Option<Held>) {
        let config = self.config.borrow_and_update().clone();
        let published = self.columns_for(&config).await;
        let circumstances = Arc::new(Circumstances {
            now: unix_now(),
            round,
            term: lease.term(),
            hostname: self.hostname.clone(),
            id: self.id,
            runtime: config.runtime.clone(),
            actions: "{}".into(),
            parents: self.store.current().map(|current| current.schedule.clone()).into_iter().collect(),
            snapshot: published.snapshot.clone(),
        });
        let mut report = RoundReport {
            round,
            term: lease.term(),
            at: circumstances.now,
            peers: published.snapshot.peers().len(),
            plugin: None,
            outcome: Outcome::failed(None, String::new()),
            elapsed: Duration::ZERO,
        };
        let mut deliberation = None;
        match config.decidable().and_then(|()| config.catalog.scheduler().map_err(|nothing| nothing.to_string())) {
            Ok(scheduler) => {
                report.plugin = Some(scheduler.id().clone());
                match self.ask(scheduler, &config, &circumstances).await {
                    Some(asked) => {
                        self.attend(&config, &asked, health);
                        report.outcome = self.conclude(lease, &circumstances, &asked);
                        deliberation = Some(asked);
                    }
                    None => {
                        let message = "the round broke off in the host: a defect, please report it with the log".to_owned();
                        report.outcome = Outcome::failed(Some(FailureCause::Host), message);
                    }
                }
            }
            Err(message) => report.outcome = Outcome::failed(None, message),
        }
        report.elapsed = started.elapsed();
        let report = Arc::new(report);
        let held = deliberation.map(|deliberation| Held { circumstances, config, deliberation, report: report.clone() });
        (report, held)
    }

    /// The newest snapshot, with a column for everything that the plugins of `config` declare where that comes in time.
    async fn columns_for(&mut self, config: &Config) -> Arc<Published> {
        let generation = config.rules_generation;
        let fits = |published: &Option<Arc<Published>>| published.as_ref().is_some_and(|p| p.rules_generation >= generation);
        // Without them the plugin sees NaN, as for any sample that is missing.
        let _ = tokio::time::timeout(COLUMNS_WAIT, self.collected.wait_for(fits)).await;
        self.collected.borrow_and_update().clone().expect("the loop began with a snapshot, and none is taken back")
    }

    /// The part that computes, off the async threads. `None`: it broke off.
    async fn ask(&self, scheduler: Arc<dyn Scheduler>, config: &Arc<Config>, circumstances: &Arc<Circumstances>) -> Option<Deliberation> {
        let (catalog, circumstances, passes) = (config.catalog.clone(), circumstances.clone(), self.passes.clone());
        let reads = scheduler.reads().clone();
        let known = circumstances.clone();
        let last = self.held.borrow().clone();
        let work = tokio::task::spawn_blocking(move || {
            let policies: Vec<&dyn Policy> = catalog.policies().collect();
            let allowed = || passes(&scheduler.id().name);
            let before = last.as_deref().and_then(|held| {
                let proposal = held.deliberation.result.as_ref().ok()?;
                Some(Before::of(&proposal.decided, held.circumstances.snapshot.peers()))
            });
            deliberate(&Bench { scheduler: &*scheduler, policies: &policies, allowed: &allowed, before }, &circumstances)
        });
        let asked = work.await.ok()?;
        let input = RoundInput { document: asked.document.clone(), reads, view: asked.view.clone(), circumstances: known };
        self.input.send_replace(Some(Arc::new(input)));
        Some(asked)
    }

    /// Takes note of how the builds did, and tells whoever can replace them.
    fn attend(&self, config: &Config, asked: &Deliberation, health: &mut Health) {
        let mut note = |name: &PluginName, fared: Fared| {
            let Some(build) = config.catalog.build_of(name) else { return };
            let notice = match health.note(name, build, fared) {
                None => return,
                Some(Sign::Proven) => Notice::Proven { name: name.clone(), build },
                Some(Sign::SetAside(reason)) => Notice::SetAside { name: name.clone(), build, reason },
            };
            // What finds no room comes again: the rounds go on as they are.
            let _ = self.notices.try_send(notice);
        };
        let late = |name: &PluginName, cause: FailureCause| {
            if matches!(cause, FailureCause::Refused | FailureCause::Guard) {
                config.catalog.blame(name, cause);
            }
        };
        let fared = |cause: FailureCause, message: String| if cause.blames_build() { Fared::Badly(message) } else { Fared::Neither };
        let scheduler = config.catalog.scheduler().map(|scheduler| scheduler.id().name.clone());
        if let Ok(scheduler) = scheduler {
            if let Err(failed) = &asked.result {
                late(&scheduler, failed.cause());
            }
            note(&scheduler, asked.result.as_ref().map_or_else(|failed| fared(failed.cause(), failed.to_string()), |_| Fared::Well));
        }
        for review in asked.result.iter().flat_map(|proposal| &proposal.reviewed.reviews) {
            let verdict = review.verdict.as_ref();
            if let Err(failed) = verdict {
                late(&review.plugin.name, failed.cause);
            }
            note(&review.plugin.name, verdict.map_or_else(|failed| fared(failed.cause, failed.message.clone()), |_| Fared::Well));
        }
    }

    /// Commits what was proposed, unless a policy denies it.
    fn conclude(&self, lease: &Lease, circumstances: &Circumstances, asked: &Deliberation) -> Outcome {
        let Proposal { decided, passed, reviewed, .. } = match &asked.result {
            Ok(proposal) => proposal,
            Err(failed) => {
                return Outcome::Failed { cause: Some(failed.cause()), message: failed.to_string(), debug: debug_text("", failed.log()) };
            }
        };
        let schedule: Schedule = decided.admitted.schedule.clone();
        let (digest, totals) = (schedule.digest(), schedule.totals());
        let debug = debug_text(&decided.admitted.log, &decided.log);
        let reviews = ReviewSummary::all(reviewed);
        if let Some(message) = reviewed.denial() {
            return Outcome::Denied { digest, message, reviews, debug };
        }
        let why = decided.admitted.why.clone();
        let in_force = InForce { schedule, since: circumstances.now, term: lease.term(), round: circumstances.round, why };
        let commit = match self.store.commit(lease, in_force) {
            Ok(commit) => commit,
            Err(lost) => return Outcome::failed(None, lost.to_string()),
        };
        let mut warnings = decided.admitted.warnings.clone();
        warnings.extend(passed.iter().map(|tripped| format!("an operator allowed it past a guard: {tripped}")));
        warnings.extend(reviewed.warnings());
        Outcome::Accepted(Accepted {
            digest,
            changed: commit == Commit::Changed,
            totals,
            changes: decided.admitted.changes.clone(),
            debug,
            warnings,
            reviews,
            cost: decided.cost,
            prepare: decided.prepare,
            admit: decided.admit,
        })
    }
}
