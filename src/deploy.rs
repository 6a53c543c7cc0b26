//! This node's part of the schedule in force: accepted, rendered, written. A role that fails is tried again with back-off while
//! the others go on; a role whose inputs are the same is not even rendered.

mod gate;
mod grounds;
mod ordered;
pub mod plan;
mod remembered;
mod report;
mod tools;
mod worker;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use verwalter_apply::Roots;
use verwalter_collect::Published;
use verwalter_core::digest::Digest;
use verwalter_core::names::Hostname;
use verwalter_core::peers::NodeState;

use self::grounds::{Unready, own_facts};
use self::tools::{Tools, ToolsError};
use self::worker::Worker;
use crate::config::settings::deploying::Deploying;
use crate::counts::Counts;
use crate::orders::{DeployOrder, Given};
use crate::reload::Config;
use crate::store::InForce;
pub use remembered::{Remembered, RoleDetail, RoleSummary};
pub use report::{DeployReport, Reason, RoleOutcome, Waiting};
pub use tools::FILES_SUBCOMMAND;

/// Time until the first retry of a failed role; doubles with every failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Long enough not to fill a log, short enough that a mended machine is noticed.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// How long the end of the daemon waits for a deployment before its commands are ended, and then for what undoes it: long enough for a reload
/// that does well, and together short of what supervisors grant (systemd 90 s).
const GRACE: Duration = Duration::from_secs(5);

/// Below the storage directory: where rendered files go unless a setting says otherwise.
pub const OUTPUT_DIRECTORY: &str = "output";
/// Below the storage directory: what is remembered of each role.
pub const RECORDS_DIRECTORY: &str = "roles";

/// What the loop needs.
pub struct Deploy {
    /// This node.
    pub hostname: Hostname,
    /// Where relative destinations go.
    pub output_dir: PathBuf,
    /// Where it is remembered what belongs to which role.
    pub records_dir: PathBuf,
    /// Where deployments are logged.
    pub log_dir: PathBuf,
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// The newest snapshot: the machine's facts come with it.
    pub collected: watch::Receiver<Option<Arc<Published>>>,
    /// The schedule in force.
    pub in_force: watch::Receiver<Option<Arc<InForce>>>,
    /// What operators order about roles.
    pub orders: mpsc::Receiver<Given<DeployOrder, Value>>,
    /// One asker at a time is told what a schedule changes on other nodes: it takes as long as rendering for all of them.
    pub elsewhere: Arc<Semaphore>,
    /// Where reports go.
    pub report: watch::Sender<Option<Arc<DeployReport>>>,
    /// Where goes what other nodes are told of them.
    pub state: watch::Sender<Option<Arc<NodeState>>>,
    /// When changed roles are deployed.
    pub deploying: Deploying,
    /// Counted there.
    pub counts: Arc<Counts>,
}

impl Deploy {
    /// Runs until `drain`; what is in force then is deployed first. A role that is not done soon after is undone, and deployed by the next start.
    pub async fn run(mut self, drain: CancellationToken) {
        // The children that work in them begin in another directory.
        for dir in [&mut self.output_dir, &mut self.records_dir] {
            *dir = std::path::absolute(&dir).unwrap_or_else(|_| dir.clone());
        }
        let mut worker = Worker::new(self.counts.clone(), self.deploying);
        let mut tools = None;
        let mut facts: Option<Arc<Map<String, Value>>> = None;
        loop {
            let retry = self.pass(&mut worker, &mut tools, &mut facts, &drain).await;
            if drain.is_cancelled() && !self.in_force.has_changed().unwrap_or(false) {
                return;
            }
            let retry_at = retry.map(|wait| Instant::now() + wait);
            tokio::select! {
                () = drain.cancelled() => {}
                // Both outlive this task: `app` holds their senders until it has ended.
                changed = self.in_force.changed() => if changed.is_err() { return },
                changed = self.config.changed() => if changed.is_err() { return },
                () = new_facts(self.collected.clone(), &self.hostname, facts.as_deref()) => {}
                () = tokio::time::sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {}
                Some(given) = self.orders.recv() => self.carry_out(&mut worker, &mut tools, given, &drain).await,
            }
        }
    }

    fn publish(&self, report: DeployReport) {
        let fresh = report.state();
        self.state.send_if_modified(|state| {
            let changed = state.as_deref() != Some(&fresh);
            if changed {
                *state = Some(Arc::new(fresh));
            }
            changed
        });
        self.report.send_replace(Some(Arc::new(report)));
    }

    /// Deploys what is in force now; says when to come back for roles that failed.
    async fn pass(
        &mut self,
        worker: &mut Worker,
        tools: &mut Option<Arc<Tools>>,
        facts: &mut Option<Arc<Map<String, Value>>>,
        drain: &CancellationToken,
    ) -> Option<Duration> {
        // Whatever comes from here on wakes the next one.
        self.in_force.mark_unchanged();
        self.config.mark_unchanged();
        *facts = own_facts(&self.collected, &self.hostname);
        let grounds = match self.grounds(tools) {
            Ok(grounds) => grounds,
            Err(Unready::Undecided | Unready::Unmeasured) => return None,
            Err(Unready::Unreadable(message)) => {
                self.publish(self.held_up(Some(&message), None));
                return None;
            }
            Err(Unready::Unequipped(message)) => {
                tracing::error!(error = %message, "nothing can be deployed; it is tried again");
                self.publish(self.held_up(None, Some(message)));
                return Some(LONGEST_RETRY);
            }
        };
        // If this one is lost, the next goes on counting where it did.
        let fresh = Worker::new(self.counts.clone(), self.deploying);
        let mut moved = std::mem::replace(worker, fresh);
        let stops = grounds.tools.clone();
        let work = tokio::task::spawn_blocking(move || {
            let report = moved.deploy(&grounds.pass(&grounds.in_force, false));
            (moved, report)
        });
        match ended(work, &stops, drain).await {
            Ok((moved, report)) => {
                *worker = moved;
                self.publish(DeployReport { unlogged: stops.unlogged(), ..report });
                worker.retry()
            }
            Err(_) => {
                tracing::error!("deploying broke off: a defect, please report it; files are what they were, it is tried again");
                Some(LONGEST_RETRY)
            }
        }
    }
}

impl Deploy {
    /// What is told while nothing can be deployed: every role of the node is refused, or nothing is known of them.
    fn held_up(&self, refused: Option<&str>, unchosen: Option<String>) -> DeployReport {
        let in_force = self.in_force.borrow().clone();
        let schedule = in_force.as_ref().map(|in_force| &in_force.schedule);
        let placed = schedule.iter().flat_map(|schedule| schedule.roles_on(self.hostname.as_str()));
        let refusal = |message: &str| RoleOutcome::Refused { message: message.to_owned() };
        let roles = placed.filter_map(|(role, _)| Some((role.clone(), refusal(refused?)))).collect();
        let digest = schedule.map_or_else(|| Digest::of(b""), |schedule| schedule.digest());
        DeployReport { digest, written: 0, roles, waiting: Default::default(), unchosen, unlogged: None }
    }

    fn opened(&self, tools: &mut Option<Arc<Tools>>) -> Result<Arc<Tools>, ToolsError> {
        match tools {
            Some(tools) => Ok(tools.clone()),
            None => Ok(tools.insert(Arc::new(Tools::open(&self.records_dir, &self.log_dir)?)).clone()),
        }
    }

    fn roots(&self, config: &Config) -> Roots {
        Roots { output: self.output_dir.clone(), writes: config.sandbox.writes.clone() }
    }
}

/// Waits for work, which is brought to an end when the daemon ends and it goes on.
async fn ended<T>(work: JoinHandle<T>, tools: &Tools, drain: &CancellationToken) -> Result<T, JoinError> {
    let stop = async {
        drain.cancelled().await;
        tokio::time::sleep(GRACE).await;
        tracing::warn!("a role is being deployed while the node ends: its commands are ended, and it is undone");
        tools.stop();
        tokio::time::sleep(GRACE).await;
        tools.give_up();
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        done = work => done,
        never = stop => match never {},
    }
}

/// Waits for facts about this machine that differ from `known`.
async fn new_facts(mut collected: watch::Receiver<Option<Arc<Published>>>, hostname: &Hostname, known: Option<&Map<String, Value>>) {
    loop {
        let newest = own_facts(&collected, hostname);
        if newest.is_some() && newest.as_deref() != known {
            return;
        }
        if collected.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
