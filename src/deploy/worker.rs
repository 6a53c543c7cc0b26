//! One pass over the roles of this node: accepted, rendered, handed over to a transaction each. It knows no channels, and touches files and
//! processes through `verwalter_apply` only.

mod held;
mod memory;
mod order;
pub(in crate::deploy) mod owned;
mod plan;
mod retry;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::time::Instant;
use verwalter_apply::Roots;
use verwalter_apply::record::Origin;
use verwalter_apply::transaction;
use verwalter_collect::clock::unix_now;
use verwalter_core::accept::{Accepted, NodeFacts, RolePlan, accept, accept_override};
use verwalter_core::digest::Digest;
use verwalter_core::json::canonical;
use verwalter_core::names::{RoleName, TemplateRef};
use verwalter_core::ports::Failure;
use verwalter_core::schedule::Schedule;

pub(super) use self::order::Bench;
use self::owned::Owned;
use self::retry::back_off;
use super::gate::{Gate, Hold, Wanted};
use super::plan::Sealer;
use super::tools::{Logged, Terms, Tools};
use super::{DeployReport, RoleOutcome};
use crate::config::pace::PaceKeys;
use crate::config::settings::deploying::Deploying;
use crate::counts::{Counts, Deployed};
use crate::query::Chosen;
use crate::reload::Config;
use crate::render::{Supplies, TemplateSet};
use crate::store::InForce;
use crate::telemetry::chain;

/// What is remembered between passes.
#[derive(Default)]
pub(super) struct Worker {
    sets: BTreeMap<TemplateRef, (SetKey, TemplateSet)>,
    /// What each role was last rendered from, successfully.
    done: BTreeMap<RoleName, Digest>,
    /// What roles would be rendered from that wait for an order, and differ from what is in place.
    differing: BTreeMap<RoleName, Digest>,
    /// Roles that failed: under which circumstances, and when to try again under the same.
    failed: BTreeMap<RoleName, (Digest, Instant)>,
    outcomes: BTreeMap<RoleName, RoleOutcome>,
    chosen: Chosen,
    /// The query plugin that is to choose the roles failed.
    unchosen: Option<Unchosen>,
    /// The roles that are this node's, as of the last pass; `None` before it.
    here: Option<BTreeSet<RoleName>>,
    /// The files that belong to each role that is remembered; `None` before the records were read.
    owned: Option<Owned>,
    /// Makes digests of plans.
    sealer: Sealer,
    gate: Gate,
    deploying: Deploying,
    /// The roles that wait since this pass, and those that did in the one before.
    waiting: BTreeMap<RoleName, Hold>,
    waited: BTreeMap<RoleName, Hold>,
    counts: Arc<Counts>,
}

/// What a pass works on.
pub(super) struct Pass<'a> {
    /// The schedule in force.
    pub(super) in_force: &'a InForce,
    /// This node.
    pub(super) facts: NodeFacts<'a>,
    /// The configuration in force.
    pub(super) config: &'a Config,
    /// Where this node lets files be written.
    pub(super) roots: &'a Roots,
    /// What puts roles in place.
    pub(super) tools: &'a Tools,
    /// An operator ordered it: nothing waits, neither to settle nor for another try.
    pub(super) ordered: bool,
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
    /// Nothing is known yet. It counts on where others did.
    pub(super) fn new(counts: Arc<Counts>, deploying: Deploying) -> Worker {
        Worker { counts, deploying, ..Worker::default() }
    }

    pub(super) fn deploy(&mut self, pass: &Pass<'_>) -> DeployReport {
        let Pass { in_force, facts, config, roots, .. } = pass;
        let circumstances = circumstances(in_force, facts, config, roots);
        self.waited = std::mem::take(&mut self.waiting);
        let owed = self.unchosen.as_ref().filter(|owed| owed.circumstances == circumstances && Instant::now() < owed.until);
        if let Some(owed) = owed.filter(|_| !pass.ordered) {
            return self.report(in_force, 0, Some(owed.message.clone()));
        }
        if let Err(message) = self.remember(pass.tools, Terms::of(config, roots)) {
            return self.unremembered(pass, message);
        }
        let accepted = match self.accepted(in_force, facts, config) {
            Ok(accepted) => accepted,
            Err(failure) => return self.unchosen(in_force, facts, circumstances, &failure),
        };
        if let Some(owed) = self.unchosen.take() {
            // It was no role's failure: one that waits is told of as what it is.
            self.outcomes.retain(|_, outcome| !matches!(outcome, RoleOutcome::Failed { message, .. } if *message == owed.message));
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
            self.gate.refused(refusal.role());
            roles.insert(refusal.role().clone(), outcome);
        }
        let here: BTreeSet<RoleName> = accepted.roles.iter().map(|plan| plan.role.clone()).chain(roles.keys().cloned()).collect();
        let deployment = format!("{:016x}", RandomState::new().hash_one(unix_now().0));
        let mut logged = pass.tools.begin(&deployment, Some(in_force.schedule.digest()), &config.mask);
        // First those that go: what they leave may be another one's place.
        for role in self.gone(&here) {
            if pass.tools.is_stopped() {
                roles.extend(self.outcomes.remove_entry(&role));
                continue;
            }
            let waits = self.waits(pass, &role, circumstances);
            let outcome = match self.outcomes.get(&role).filter(|_| waits).cloned() {
                Some(outcome) => Some(outcome),
                None if self.is_held(pass, &role, Wanted::Gone, PaceKeys::default()) => Some(self.standing(pass, &role)),
                None => self.farewell(pass, &mut logged, &deployment, &role),
            };
            if let Some(outcome) = outcome {
                self.note(&role, &outcome, waits, circumstances);
                roles.insert(role, outcome);
            }
        }
        for plan in accepted.roles {
            if pass.tools.is_stopped() {
                roles.extend(self.outcomes.remove_entry(&plan.role));
                continue;
            }
            let waits = self.waits(pass, &plan.role, circumstances);
            let outcome = match self.outcomes.get(&plan.role).filter(|_| waits) {
                Some(outcome) => outcome.clone(),
                None => self.role(pass, &mut logged, &deployment, &plan, &mut written),
            };
            self.note(&plan.role, &outcome, waits, circumstances);
            roles.insert(plan.role, outcome);
        }
        pass.tools.end(logged, &here);
        self.here = Some(here);
        self.done.retain(|role, _| roles.contains_key(role));
        self.differing.retain(|role, _| roles.contains_key(role));
        self.failed.retain(|role, _| roles.contains_key(role));
        self.gate.keep(|role| roles.contains_key(role));
        self.outcomes = roles;
        self.report(in_force, written, None)
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
        self.report(in_force, 0, Some(message))
    }

    /// Takes a role off this node; `None`: it is gone.
    fn farewell(&mut self, pass: &Pass<'_>, logged: &mut Logged, deployment: &str, role: &RoleName) -> Option<RoleOutcome> {
        let attempts = self.attempts(role);
        let origin = origin(pass, deployment, String::new(), attempts);
        match pass.tools.remove(logged, role, &origin, Terms::of(pass.config, pass.roots)) {
            Ok(removed) => {
                self.owned.iter_mut().for_each(|owned| owned.remove(role));
                tracing::info!(%role, files = removed.removed.len(), "a role left this node");
                kept(role, &removed);
                None
            }
            Err(error) => {
                self.counts.deployed(Deployed::Failed);
                let message = pass.config.mask.hidden(error.to_string());
                tracing::error!(%role, attempts, error = %message, "a role could not be taken off this node");
                Some(RoleOutcome::Failed { message, attempts })
            }
        }
    }

    /// How many tries the next one is.
    fn attempts(&self, role: &RoleName) -> u32 {
        match self.outcomes.get(role) {
            Some(RoleOutcome::Failed { attempts, .. }) => attempts.saturating_add(1),
            _ => 1,
        }
    }

    fn role(&mut self, pass: &Pass<'_>, logged: &mut Logged, deployment: &str, plan: &RolePlan, written: &mut usize) -> RoleOutcome {
        let attempts = self.attempts(&plan.role);
        match self.render_and_apply(pass, logged, deployment, plan, attempts) {
            Ok(None) => self.standing(pass, &plan.role),
            Ok(Some(deployed)) => {
                self.counts.deployed(Deployed::Rendered);
                *written += deployed.written.len();
                if !deployed.is_idle() {
                    let (files, removed, commands) = (deployed.written.len(), deployed.removed.len(), deployed.commands);
                    tracing::info!(role = %plan.role, files, removed, commands, "a role was deployed");
                }
                kept(&plan.role, &deployed);
                RoleOutcome::rendered(deployed, unix_now())
            }
            Err(message) => {
                let message = pass.config.mask.hidden(message);
                self.counts.deployed(Deployed::Failed);
                self.done.remove(&plan.role);
                logged.failed(&plan.role, attempts, &message);
                tracing::error!(role = %plan.role, attempts, error = %message, "a role could not be deployed");
                RoleOutcome::Failed { message, attempts }
            }
        }
    }

    /// `None`: nothing that this role depends on has changed, or it waits.
    fn render_and_apply(
        &mut self,
        pass: &Pass<'_>,
        logged: &mut Logged,
        deployment: &str,
        plan: &RolePlan,
        attempts: u32,
    ) -> Result<Option<transaction::Deployed>, String> {
        let Pass { in_force, config, roots, tools, .. } = pass;
        let schedule: &Schedule = &in_force.schedule;
        let filters = config.catalog.filters();
        let set = self.set(&plan.template, config, filters.names())?;
        // What is placed elsewhere concerns only roles that look it up: the others stay unchanged.
        let looked_up = set.reads_schedule().then(|| schedule.digest());
        let secrets = config.secrets.digest(set.secrets());
        let input = input_digest(plan, (set.digest(), looked_up, secrets), config, roots);
        let pace = set.pace();
        let same = self.done.get(&plan.role) == Some(&input);
        // What is ordered is put right, too, where somebody changed what is in place.
        if self.is_held(pass, &plan.role, Wanted::Inputs(input), pace) {
            return Ok(self.stands(pass, plan, input));
        }
        if same && !pass.ordered {
            return Ok(None);
        }
        let supplies = Supplies { schedule, secrets: &config.secrets, session: filters.open() };
        let set = &mut self.sets.get_mut(&plan.template).expect("it was loaded above").1;
        let rendered = set.render(&plan.role, &plan.vars, supplies).map_err(|err| chain(&err))?;
        self.fit(pass, &plan.role, &rendered, &config.mask)?;
        let origin = origin(pass, deployment, plan.template.to_string(), attempts);
        let terms = Terms { owned: self.owned.as_ref(), ..Terms::of(config, roots) };
        let deployed = tools.deploy(logged, &plan.role, &rendered, &origin, terms).map_err(|err| err.to_string())?;
        self.owned.get_or_insert_default().insert(plan.role.clone(), tools.owned(&plan.role));
        self.done.insert(plan.role.clone(), input);
        self.gate.deployed(&plan.role, input, !deployed.is_idle(), Instant::now());
        Ok(Some(deployed))
    }

    fn set(&mut self, template: &TemplateRef, config: &Config, filters: Vec<String>) -> Result<&TemplateSet, String> {
        let key = SetKey { templates_generation: config.templates_generation, filters };
        if self.sets.get(template).is_none_or(|(known, _)| *known != key) {
            let set = config.library.set(template, &key.filters).map_err(|err| chain(&err))?;
            self.sets.insert(template.clone(), (key, set));
        }
        Ok(&self.sets[template].1)
    }
}

/// Tells of files that stay where they should have gone.
fn kept(role: &RoleName, deployed: &transaction::Deployed) {
    for path in &deployed.kept {
        tracing::warn!(%role, path = %path.display(), "a file that should go was edited and stays; it belongs to the role no longer");
    }
}

/// Everything that a failed role could come right by: a change of it ends the wait.
fn circumstances(in_force: &InForce, facts: &NodeFacts<'_>, config: &Config, roots: &Roots) -> Digest {
    let builds = config.catalog.filter_builds();
    let chooser = config.catalog.query_build();
    let text = format!(
        "{} {} {builds:?} {chooser:?} {roots:?} {:?} {} {}",
        in_force.schedule.digest(),
        config.templates_generation,
        config.sandbox.commands,
        config.secrets.digest(config.secrets.iter().map(|(name, _)| name)),
        serde_json::to_string(facts.machine).unwrap_or_default()
    );
    Digest::of(text.as_bytes())
}

/// What a role is deployed for.
fn origin(pass: &Pass<'_>, deployment: &str, template: String, attempt: u32) -> Origin {
    Origin { schedule: pass.in_force.schedule.digest(), template, deployment: deployment.to_owned(), attempt }
}

/// Everything that a role's files depend on.
fn input_digest(plan: &RolePlan, templates: (Digest, Option<Digest>, Digest), config: &Config, roots: &Roots) -> Digest {
    let mut input = Vec::new();
    canonical::write_map(&plan.vars, &mut input);
    input.extend_from_slice(format!("{templates:?}{:?}{roots:?}", config.catalog.filter_builds()).as_bytes());
    Digest::of(&input)
}
