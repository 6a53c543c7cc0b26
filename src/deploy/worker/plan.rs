//! What a pass would do, found out without doing it. It writes no file, runs no command and remembers nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;
use verwalter_apply::role::RenderedRole;
use verwalter_apply::transaction::{Deployed, Planned, place};
use verwalter_collect::clock::unix_now;
use verwalter_core::accept::{RolePlan as Accepted, accept, accept_override};
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::{Pass, Worker, origin};
use crate::config::secrets::Secrets;
use crate::deploy::Reason;
use crate::deploy::plan::{Plan, RolePlan, RoleState};
use crate::deploy::tools::Terms;
use crate::query::Chosen;
use crate::render::{Mask, Supplies};
use crate::telemetry::chain;

/// Most of a file in place that is read, in bytes: more than a role may write into one.
const FORMER_BYTES: u64 = (16 << 20) + 1;

/// What a plan may see and how it speaks of it.
#[derive(Default)]
struct Eyes {
    /// The node's secrets; `None`: what is shown in place of them.
    secrets: Option<Arc<Secrets>>,
    mask: Arc<Mask>,
}

impl Worker {
    /// What [`Worker::deploy`] would do with every role, had it not seen any before. `is_in_force`: whether it is the schedule in force.
    ///
    /// # Errors
    /// When it is not known which roles are this node's, or what belongs to whom.
    pub(in crate::deploy) fn plan(&mut self, pass: &Pass<'_>, is_in_force: bool) -> Result<Plan, String> {
        let Pass { in_force, facts, config, .. } = pass;
        self.remember(pass.tools, Terms::of(config, pass.roots))?;
        let unsaid = |failure| format!("which roles to render here was not said: {failure}");
        let accepted = match config.catalog.query().filter(|_| !is_in_force) {
            // As it will be deployed, with the choice that is remembered.
            None => self.accepted(in_force, facts, config).map_err(unsaid)?,
            Some(query) => {
                let chosen = Chosen::default().roles(&*query, &in_force.schedule, facts.hostname, facts.machine, unix_now());
                match chosen.map_err(|failure| unsaid(Box::new(failure)))? {
                    Some(chosen) => accept_override(&chosen, facts),
                    None => accept(&in_force.schedule, facts),
                }
            }
        };
        // Whoever gives a schedule chooses words that are printed: were secrets real, or masked by their values, they would tell which
        // guess is right.
        let eyes = if is_in_force { Eyes { secrets: Some(config.secrets.clone()), mask: config.mask.clone() } } else { Eyes::default() };
        let _together = pass.tools.together();
        let sealer = self.sealer.clone();
        let mut seal = sealer.begin(facts.hostname);
        seal.terms(&format!("{:?}", config.sandbox.commands));
        let mut roles = Vec::new();
        let mut refused = BTreeMap::new();
        for refusal in accepted.refused {
            let plan = RolePlan { error: Some(refusal.to_string()), ..RolePlan::new(refusal.role(), RoleState::Refused) };
            refused.insert(refusal.role().clone(), plan);
        }
        let here: BTreeSet<RoleName> = accepted.roles.iter().map(|plan| plan.role.clone()).chain(refused.keys().cloned()).collect();
        for role in self.gone(&here) {
            let (plan, planned) = self.plan_farewell(pass, &role, &eyes);
            seal.role(&plan, planned.as_ref().map(|planned| (planned, None)));
            roles.push(plan);
        }
        let mut staying: BTreeMap<RoleName, RolePlan> = refused;
        for plan in &staying {
            seal.role(plan.1, None);
        }
        for accepted in &accepted.roles {
            let (plan, found) = self.plan_role(pass, accepted, &eyes);
            seal.role(&plan, found.as_ref().map(|(planned, rendered)| (planned, Some(rendered))));
            staying.insert(accepted.role.clone(), plan);
        }
        roles.extend(staying.into_values());
        let schedule = in_force.schedule.digest();
        Ok(Plan {
            digest: seal.finish(),
            node: facts.hostname.clone(),
            schedule,
            in_force: is_in_force,
            roles,
            elsewhere: Default::default(),
        })
    }

    /// Whether a role that waits for an order is as it should be all the same, as most are after a restart: then it waits for nothing. Each
    /// input is looked at once.
    pub(super) fn stands(&mut self, pass: &Pass<'_>, accepted: &Accepted, input: Digest) -> Option<Deployed> {
        let waits = self.waiting.get(&accepted.role).is_some_and(|hold| hold.reason == Reason::Manual);
        if !waits || self.differing.get(&accepted.role) == Some(&input) {
            return None;
        }
        let (secrets, mask) = (Some(pass.config.secrets.clone()), pass.config.mask.clone());
        let found = self.found_out(pass, accepted, &Eyes { secrets, mask }).ok();
        let Some((planned, _)) = found.filter(|(planned, _)| planned.is_idle() && !planned.interrupted) else {
            self.differing.insert(accepted.role.clone(), input);
            return None;
        };
        self.waiting.remove(&accepted.role);
        self.done.insert(accepted.role.clone(), input);
        self.gate.deployed(&accepted.role, input, false, Instant::now());
        Some(Deployed { unchanged: planned.files.len(), ..Deployed::default() })
    }

    fn plan_farewell(&self, pass: &Pass<'_>, role: &RoleName, eyes: &Eyes) -> (RolePlan, Option<Planned>) {
        let mask = &eyes.mask;
        match pass.tools.plan_removal(role, Terms::of(pass.config, pass.roots), FORMER_BYTES) {
            Ok(planned) => (RolePlan::told(role, RoleState::Leaves, &planned, None, mask), Some(planned)),
            Err(error) => (failed(role, RoleState::Leaves, mask.hidden(error.to_string())), None),
        }
    }

    fn plan_role(&mut self, pass: &Pass<'_>, accepted: &Accepted, eyes: &Eyes) -> (RolePlan, Option<(Planned, RenderedRole)>) {
        let mask = &eyes.mask;
        let template = Some(accepted.template.to_string());
        match self.found_out(pass, accepted, eyes) {
            Ok((planned, rendered)) => {
                let state = if planned.is_idle() { RoleState::Unchanged } else { RoleState::Changed };
                let plan = RolePlan::told(&accepted.role, state, &planned, Some(&rendered), mask);
                (RolePlan { template, ..plan }, Some((planned, rendered)))
            }
            Err(message) => (RolePlan { template, ..failed(&accepted.role, RoleState::Failed, mask.hidden(message)) }, None),
        }
    }

    fn found_out(&mut self, pass: &Pass<'_>, accepted: &Accepted, eyes: &Eyes) -> Result<(Planned, RenderedRole), String> {
        let Pass { in_force, config, roots, tools, .. } = pass;
        let filters = config.catalog.filters();
        // The very set that is deployed.
        let set = self.set(&accepted.template, config, filters.names())?;
        let secrets = eyes.secrets.clone().unwrap_or_else(|| Arc::new(Secrets::marks(set.secrets())));
        let set = &mut self.sets.get_mut(&accepted.template).expect("it was loaded above").1;
        let supplies = Supplies { schedule: &in_force.schedule, secrets: &secrets, session: filters.open() };
        let rendered = set.render(&accepted.role, &accepted.vars, supplies).map_err(|err| chain(&err))?;
        self.fit(pass, &accepted.role, &rendered, &eyes.mask)?;
        let origin = origin(pass, "plan", accepted.template.to_string(), 1);
        let terms = Terms { owned: self.owned.as_ref(), ..Terms::of(config, roots) };
        let planned = tools.plan(&accepted.role, &rendered, &origin, terms, FORMER_BYTES).map_err(|err| err.to_string())?;
        Ok((planned, rendered))
    }

    /// What can be wrong with a role's files beside what the transaction finds.
    pub(super) fn fit(&self, pass: &Pass<'_>, role: &RoleName, rendered: &RenderedRole, mask: &Mask) -> Result<(), String> {
        for file in &rendered.files {
            // Names of files are shown everywhere.
            if mask.finds(&file.dest) {
                return Err(format!("role {role}: {}: a secret stands in the name of a file: print it into files only", file.template));
            }
            self.free(role, &place(&file.dest, pass.roots))?;
        }
        Ok(())
    }
}

fn failed(role: &RoleName, state: RoleState, message: String) -> RolePlan {
    RolePlan { error: Some(message), ..RolePlan::new(role, state) }
}
