//! This node's part of the schedule in force: accepted, rendered, written. A role that fails is tried again with back-off while
//! the others go on; a role whose inputs are the same is not even rendered.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use verwalter_core::accept::{Accepted, NodeFacts, RolePlan, accept, accept_override};
use verwalter_core::digest::Digest;
use verwalter_core::json::canonical;
use verwalter_core::names::{Hostname, RoleName, TemplateRef};
use verwalter_core::ports::Failure;

use crate::apply::{self, Roots};
use crate::clock::unix_now;
use crate::collect::Published;
use crate::counts::{Counts, Deployed};
use crate::query::Chosen;
use crate::reload::Config;
use crate::render::{RenderLimits, TemplateSet};
use crate::store::InForce;
use crate::telemetry::chain;
pub use report::{DeployReport, RoleOutcome};

/// Time until the first retry of a failed role; doubles with every failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Long enough not to fill a log, short enough that a mended machine is noticed.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// What the loop needs.
pub struct Deploy {
    /// This node.
    pub hostname: Hostname,
    /// The configuration tree.
    pub config_dir: PathBuf,
    /// Where relative destinations go.
    pub output_dir: PathBuf,
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// The newest snapshot: the machine's facts come with it.
    pub collected: watch::Receiver<Option<Arc<Published>>>,
    /// The schedule in force.
    pub in_force: watch::Receiver<Option<Arc<InForce>>>,
    /// Where reports go.
    pub report: watch::Sender<Option<Arc<DeployReport>>>,
    /// Counted there.
    pub counts: Arc<Counts>,
}

impl Deploy {
    /// Runs until `drain`; what is in force then is deployed first.
    pub async fn run(mut self, drain: CancellationToken) {
        self.sweep().await;
        let mut worker = Worker { counts: self.counts.clone(), ..Worker::default() };
        let mut facts: Option<Arc<Map<String, Value>>> = None;
        loop {
            let retry = self.pass(&mut worker, &mut facts).await;
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
            }
        }
    }

    /// Removes what a crash left of half-written files, before anything is written.
    async fn sweep(&self) {
        let roots = Roots { output: self.output_dir.clone(), writes: self.config.borrow().sandbox.writes.clone() };
        match tokio::task::spawn_blocking(move || apply::sweep(&roots)).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(files)) => tracing::info!(files, "temporary files of an earlier run were removed"),
            Ok(Err(error)) => tracing::warn!(%error, "temporary files of an earlier run could not be looked for"),
        }
    }

    /// Deploys what is in force now; says when to come back for roles that failed.
    async fn pass(&mut self, worker: &mut Worker, facts: &mut Option<Arc<Map<String, Value>>>) -> Option<Duration> {
        let in_force = self.in_force.borrow_and_update().clone()?;
        let config = self.config.borrow_and_update().clone();
        // Templates may print facts: without them a role would be rendered twice.
        *facts = own_facts(&self.collected, &self.hostname);
        let machine = facts.clone()?;
        if let Err(message) = config.renderable() {
            // Half of the machine's facts would put other text into files that are good.
            let waiting = in_force.schedule.roles_on(self.hostname.as_str());
            let roles = waiting.map(|(role, _)| (role.clone(), RoleOutcome::Refused { message: message.clone() })).collect();
            self.report.send_replace(Some(Arc::new(DeployReport {
                digest: in_force.schedule.digest(),
                written: 0,
                roles,
                unchosen: None,
            })));
            return None;
        }
        let roots = Roots { output: self.output_dir.clone(), writes: config.sandbox.writes.clone() };
        let templates = self.config_dir.join("templates");
        let hostname = self.hostname.clone();
        // If this one is lost, the next goes on counting where it did.
        let fresh = Worker { counts: self.counts.clone(), ..Worker::default() };
        let mut moved = std::mem::replace(worker, fresh);
        let work = tokio::task::spawn_blocking(move || {
            let facts = NodeFacts { hostname: &hostname, templates: &config.templates, machine: &machine };
            let report = moved.deploy(&in_force, &facts, &config, &templates, &roots);
            (moved, report)
        });
        match work.await {
            Ok((moved, report)) => {
                *worker = moved;
                self.report.send_replace(Some(Arc::new(report)));
                worker.retry()
            }
            Err(_) => {
                tracing::error!("deploying broke off: a defect, please report it; files are what they were, it is tried again");
                Some(LONGEST_RETRY)
            }
        }
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

fn own_facts(collected: &watch::Receiver<Option<Arc<Published>>>, hostname: &Hostname) -> Option<Arc<Map<String, Value>>> {
    let published = collected.borrow().clone()?;
    let peers = published.snapshot.peers();
    let own = peers.get(peers.position(hostname.as_str())?)?;
    Some(Arc::new(own.machine.clone()))
}

/// What is remembered between passes.
#[derive(Default)]
struct Worker {
    sets: BTreeMap<TemplateRef, (SetKey, TemplateSet)>,
    /// What each role was last rendered from, successfully.
    done: BTreeMap<RoleName, Digest>,
    /// Roles that failed: under which circumstances, and when to try again under the same.
    failed: BTreeMap<RoleName, (Digest, Instant)>,
    outcomes: BTreeMap<RoleName, RoleOutcome>,
    chosen: Chosen,
    /// The query plugin that is to choose the roles failed.
    unchosen: Option<Unchosen>,
    counts: Arc<Counts>,
}

/// A choice that is owed.
struct Unchosen {
    circumstances: Digest,
    attempts: u32,
    until: Instant,
    message: String,
}

/// What a parsed set of templates depends on.
#[derive(PartialEq)]
struct SetKey {
    templates_generation: u64,
    filters: Vec<String>,
}

impl Worker {
    fn deploy(
        &mut self,
        in_force: &InForce,
        facts: &NodeFacts<'_>,
        config: &Config,
        templates: &std::path::Path,
        roots: &Roots,
    ) -> DeployReport {
        let circumstances = circumstances(in_force, facts, config, roots);
        if let Some(owed) = self.unchosen.as_ref().filter(|owed| owed.circumstances == circumstances && Instant::now() < owed.until) {
            let unchosen = Some(owed.message.clone());
            return DeployReport { digest: in_force.schedule.digest(), written: 0, roles: self.outcomes.clone(), unchosen };
        }
        let accepted = match self.accepted(in_force, facts, config) {
            Ok(accepted) => accepted,
            Err(failure) => return self.unchosen(in_force, facts, circumstances, &failure),
        };
        if self.unchosen.take().is_some() {
            tracing::info!("the roles to render here are known again");
        }
        let mut roles = BTreeMap::new();
        let mut written = 0;
        let used: BTreeSet<&TemplateRef> = accepted.roles.iter().map(|plan| &plan.template).collect();
        self.sets.retain(|template, _| used.contains(template));
        for refusal in accepted.refused {
            let message = refusal.to_string();
            let outcome = RoleOutcome::Refused { message };
            if self.outcomes.get(refusal.role()) != Some(&outcome) {
                self.counts.deployed(Deployed::Refused);
                tracing::error!(role = %refusal.role(), reason = %refusal, "a role is refused on this node");
            }
            self.done.remove(refusal.role());
            roles.insert(refusal.role().clone(), outcome);
        }
        for plan in accepted.roles {
            let waits = self.failed.get(&plan.role).is_some_and(|(when, until)| *when == circumstances && Instant::now() < *until);
            let outcome = match self.outcomes.get(&plan.role).filter(|_| waits) {
                Some(outcome) => outcome.clone(),
                None => self.role(&plan, config, templates, roots, &mut written),
            };
            match &outcome {
                RoleOutcome::Failed { .. } if waits => {}
                RoleOutcome::Failed { attempts, .. } => {
                    self.failed.insert(plan.role.clone(), (circumstances, Instant::now() + back_off(*attempts)));
                }
                _ => drop(self.failed.remove(&plan.role)),
            }
            roles.insert(plan.role, outcome);
        }
        self.done.retain(|role, _| roles.contains_key(role));
        self.failed.retain(|role, _| roles.contains_key(role));
        self.outcomes.clone_from(&roles);
        DeployReport { digest: in_force.schedule.digest(), written, roles, unchosen: None }
    }

    /// The roles that this node is to render: those of the schedule, unless a query plugin chooses others.
    fn accepted(&mut self, in_force: &InForce, facts: &NodeFacts<'_>, config: &Config) -> Result<Accepted, Box<Failure>> {
        let Some(query) = config.catalog.query() else { return Ok(accept(&in_force.schedule, facts)) };
        match self.chosen.roles(&*query, &in_force.schedule, facts.hostname, facts.machine, unix_now())? {
            Some(chosen) => Ok(accept_override(&chosen, facts)),
            None => Ok(accept(&in_force.schedule, facts)),
        }
    }

    /// Nobody knows which roles are this node's: all files stay what they are, and it is tried again.
    fn unchosen(&mut self, in_force: &InForce, facts: &NodeFacts<'_>, circumstances: Digest, failure: &Failure) -> DeployReport {
        let message = format!("which roles to render here was not said, files stay as they are: {failure}");
        let attempts = self.unchosen.as_ref().map_or(0, |owed| owed.attempts).saturating_add(1);
        if self.unchosen.as_ref().is_none_or(|owed| owed.message != message) {
            tracing::error!(error = %message, "nothing could be deployed");
        }
        let until = Instant::now() + back_off(attempts);
        let known: BTreeSet<RoleName> = self.outcomes.keys().cloned().collect();
        let placed = in_force.schedule.roles_on(facts.hostname.as_str()).map(|(role, _)| role.clone());
        let failed = RoleOutcome::Failed { message: message.clone(), attempts };
        self.outcomes = known.into_iter().chain(placed).map(|role| (role, failed.clone())).collect();
        // Once they are chosen, every role is rendered: what is remembered as done now stands as failed.
        self.done.clear();
        self.failed.clear();
        self.unchosen = Some(Unchosen { circumstances, attempts, until, message: message.clone() });
        DeployReport { digest: in_force.schedule.digest(), written: 0, roles: self.outcomes.clone(), unchosen: Some(message) }
    }

    fn role(&mut self, plan: &RolePlan, config: &Config, templates: &std::path::Path, roots: &Roots, written: &mut usize) -> RoleOutcome {
        match self.render_and_apply(plan, config, templates, roots) {
            Ok(None) => match self.outcomes.get(&plan.role) {
                Some(outcome) => outcome.clone(),
                None => RoleOutcome::Rendered { written: Vec::new(), unchanged: 0, at: unix_now() },
            },
            Ok(Some(applied)) => {
                self.counts.deployed(Deployed::Rendered);
                *written += applied.written.len();
                if !applied.written.is_empty() {
                    tracing::info!(role = %plan.role, files = applied.written.len(), "files written");
                }
                RoleOutcome::Rendered { written: applied.written, unchanged: applied.unchanged, at: unix_now() }
            }
            Err(message) => {
                self.counts.deployed(Deployed::Failed);
                self.done.remove(&plan.role);
                let attempts = match self.outcomes.get(&plan.role) {
                    Some(RoleOutcome::Failed { attempts, .. }) => attempts.saturating_add(1),
                    _ => 1,
                };
                tracing::error!(role = %plan.role, attempts, error = %message, "a role could not be deployed; its files are what they were");
                RoleOutcome::Failed { message, attempts }
            }
        }
    }

    /// `None`: nothing that this role depends on has changed.
    fn render_and_apply(
        &mut self,
        plan: &RolePlan,
        config: &Config,
        templates: &std::path::Path,
        roots: &Roots,
    ) -> Result<Option<apply::Applied>, String> {
        let filters = config.catalog.filters();
        let set = self.set(&plan.template, config, templates, filters.names())?;
        let input = input_digest(plan, set.digest(), config, roots);
        if self.done.get(&plan.role) == Some(&input) {
            return Ok(None);
        }
        let set = &mut self.sets.get_mut(&plan.template).expect("it was loaded above").1;
        let files = set.render(&plan.role, &plan.vars, filters.open()).map_err(|err| chain(&err))?;
        let applied = apply::apply(&plan.role, &files, roots).map_err(|err| chain(&err))?;
        self.done.insert(plan.role.clone(), input);
        Ok(Some(applied))
    }

    fn set(
        &mut self,
        template: &TemplateRef,
        config: &Config,
        templates: &std::path::Path,
        filters: Vec<String>,
    ) -> Result<&TemplateSet, String> {
        let key = SetKey { templates_generation: config.templates_generation, filters };
        if self.sets.get(template).is_none_or(|(known, _)| *known != key) {
            let set = TemplateSet::load(templates, template, &key.filters, &RenderLimits::default()).map_err(|err| chain(&err))?;
            self.sets.insert(template.clone(), (key, set));
        }
        Ok(&self.sets[template].1)
    }

    /// When the first role that failed, or the choice of roles, is to be tried again.
    fn retry(&self) -> Option<Duration> {
        let owed = self.unchosen.as_ref().map(|owed| owed.until);
        let first = self.failed.values().map(|(_, until)| *until).chain(owed).min()?;
        Some(first.saturating_duration_since(Instant::now()))
    }
}

/// How long a role waits after so many failures in a row.
fn back_off(attempts: u32) -> Duration {
    let wait = FIRST_RETRY.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_RETRY);
    // Nodes that failed for one common reason must not all come back at one moment: up to a quarter longer.
    let random = RandomState::new().hash_one(0) as u32;
    wait + wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 4.0)
}

/// Everything that a failed role could come right by: a change of it ends the wait.
fn circumstances(in_force: &InForce, facts: &NodeFacts<'_>, config: &Config, roots: &Roots) -> Digest {
    let builds = config.catalog.filter_builds();
    let chooser = config.catalog.query().map(|query| (query.id().digest, query.config().to_owned()));
    let text = format!(
        "{} {} {builds:?} {chooser:?} {roots:?} {}",
        in_force.schedule.digest(),
        config.templates_generation,
        serde_json::to_string(facts.machine).unwrap_or_default()
    );
    Digest::of(text.as_bytes())
}

/// Everything that a role's files depend on.
fn input_digest(plan: &RolePlan, templates: Digest, config: &Config, roots: &Roots) -> Digest {
    let mut input = Vec::new();
    canonical::write_map(&plan.vars, &mut input);
    input.extend_from_slice(format!("{templates}{:?}{roots:?}", config.catalog.filter_builds()).as_bytes());
    Digest::of(&input)
}
