//! What a schedule would change on other nodes, compared with the one in force: rendered here, by this node's templates and filters. It knows
//! neither what is in place there nor their secrets, and asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Map;
use verwalter_apply::RenderedFile;
use verwalter_apply::diff::{self, Side, unified};
use verwalter_apply::role::{Action, RenderedRole};
use verwalter_core::accept::{Accepted, NodeFacts, RolePlan as Taken, accept};
use verwalter_core::names::{Hostname, RoleName, TemplateRef};
use verwalter_core::peers::PeerTable;
use verwalter_core::schedule::Schedule;

use super::{Command, Elsewhere, Moment, NodePlan, RolePlan, RoleState, argv};
use crate::config::secrets::Secrets;
use crate::reload::Config;
use crate::render::{Supplies, TemplateSet};
use crate::telemetry::chain;

/// Nodes that are shown; of the others only the number is told. More nobody reads, and each costs two renders of its roles.
const MAX_NODES: usize = 50;

/// What is compared, and with what.
pub(in crate::deploy) struct Comparison<'a> {
    /// This node, which is planned by what is in place.
    pub(in crate::deploy) own: &'a Hostname,
    /// The schedule in force.
    pub(in crate::deploy) former: &'a Schedule,
    /// The other one.
    pub(in crate::deploy) new: &'a Schedule,
    /// Templates and filters.
    pub(in crate::deploy) config: &'a Config,
    /// The nodes that are known, with their facts.
    pub(in crate::deploy) peers: &'a PeerTable,
    /// Whether nobody waits for it any more.
    pub(in crate::deploy) stop: &'a dyn Fn() -> bool,
}

/// The sets of templates that were needed, and those that cannot be.
type Sets = BTreeMap<TemplateRef, Result<TemplateSet, String>>;

impl Comparison<'_> {
    /// The nodes on which something would change, by name. Blocks: it renders.
    pub(in crate::deploy) fn plan(&self) -> Elsewhere {
        let mut elsewhere = Elsewhere::default();
        if self.former.digest() == self.new.digest() {
            return elsewhere;
        }
        let mut sets = Sets::new();
        let nodes: BTreeSet<&Hostname> = [self.former, self.new]
            .into_iter()
            .flat_map(|schedule| schedule.roles().flat_map(|role| schedule.nodes_of(role.as_str())))
            .map(|(node, _)| node)
            .collect();
        for node in nodes.into_iter().filter(|node| *node != self.own) {
            if (self.stop)() {
                elsewhere.left_out += 1;
                continue;
            }
            if !self.may_differ(node, &mut sets) {
                continue;
            }
            if elsewhere.nodes.len() == MAX_NODES {
                elsewhere.left_out += 1;
                continue;
            }
            let roles = self.node(node, &mut sets);
            if !roles.is_empty() {
                elsewhere.nodes.push(NodePlan { node: node.clone(), roles });
            }
        }
        elsewhere
    }

    /// Whether any role there has other variables, or looks up what other nodes have.
    fn may_differ(&self, node: &Hostname, sets: &mut Sets) -> bool {
        let node = node.as_str();
        let roles = |schedule: &Schedule| schedule.roles_on(node).map(|(role, _)| role.clone()).collect::<Vec<_>>();
        let (former, new) = (roles(self.former), roles(self.new));
        if former != new {
            return true;
        }
        new.iter().any(|role| {
            let vars = self.new.vars_of(node, role.as_str());
            let template = vars.as_ref().and_then(|vars| vars.get("template")?.as_str()).and_then(|text| TemplateRef::new(text).ok());
            let looks_up = template.is_some_and(|template| self.set(&template, sets).as_ref().is_ok_and(TemplateSet::reads_schedule));
            looks_up || self.former.vars_of(node, role.as_str()) != vars
        })
    }

    fn set<'s>(&self, template: &TemplateRef, sets: &'s mut Sets) -> &'s mut Result<TemplateSet, String> {
        sets.entry(template.clone()).or_insert_with(|| {
            let filters = self.config.catalog.filters().names();
            self.config.library.set(template, &filters).map_err(|err| chain(&err))
        })
    }

    /// The roles of a node for which something would change.
    fn node(&self, node: &Hostname, sets: &mut Sets) -> Vec<RolePlan> {
        let peer = self.peers.position(node.as_str()).and_then(|at| self.peers.get(at));
        let nothing = Arc::new(Map::new());
        let machine = peer.map_or(&nothing, |peer| &peer.machine);
        let facts = NodeFacts { hostname: node, templates: &self.config.templates, machine };
        let (former, new) = (accept(self.former, &facts), accept(self.new, &facts));
        let refused = |accepted: &Accepted| -> BTreeMap<RoleName, String> {
            accepted.refused.iter().map(|refusal| (refusal.role().clone(), refusal.to_string())).collect()
        };
        let known = refused(&former);
        let mut plans: BTreeMap<RoleName, RolePlan> = BTreeMap::new();
        for (role, message) in refused(&new).into_iter().filter(|(role, _)| !known.contains_key(role)) {
            plans.insert(role.clone(), RolePlan { error: Some(message), ..RolePlan::new(&role, RoleState::Refused) });
        }
        let of = |accepted: &Accepted| -> BTreeMap<RoleName, Taken> {
            accepted.roles.iter().map(|taken| (taken.role.clone(), taken.clone())).collect()
        };
        let (mut former, new) = (of(&former), of(&new));
        for (role, taken) in new {
            let before = former.remove(&role);
            let unknown = if peer.is_none() { "; this node knows no facts of that one" } else { "" };
            let plan = match self.rendered(&taken, self.new, sets) {
                // What failed before as well is not this schedule's doing, but worth knowing all the same.
                Err(message) => RolePlan { error: Some(format!("{message}{unknown}")), ..RolePlan::new(&role, RoleState::Failed) },
                Ok(rendered) => {
                    let before = before.and_then(|before| self.rendered(&before, self.former, sets).ok());
                    self.role(&role, before.as_ref(), &rendered)
                }
            };
            if plan.state != RoleState::Unchanged {
                plans.insert(role, RolePlan { template: Some(taken.template.to_string()), ..plan });
            }
        }
        former.retain(|role, _| !plans.contains_key(role));
        for (role, taken) in former {
            let mut plan = RolePlan::new(&role, RoleState::Leaves);
            if let Ok(before) = self.rendered(&taken, self.former, sets) {
                plan.files = before.files.iter().map(|file| self.file(Some(file), None)).collect();
                plan.commands = self.commands(&before.duties.on_remove, Moment::Removed);
            }
            plans.insert(role, plan);
        }
        plans.into_values().collect()
    }

    fn rendered(&self, taken: &Taken, schedule: &Schedule, sets: &mut Sets) -> Result<RenderedRole, String> {
        let session = self.config.catalog.filters().open();
        let set = self.set(&taken.template, sets).as_mut().map_err(|message| message.clone())?;
        // Another node has secrets of its own.
        let secrets = Arc::new(Secrets::marks(set.secrets()));
        set.render(&taken.role, &taken.vars, Supplies { schedule, secrets: &secrets, session }).map_err(|err| chain(&err))
    }

    fn role(&self, role: &RoleName, before: Option<&RenderedRole>, new: &RenderedRole) -> RolePlan {
        let former: BTreeMap<&str, &RenderedFile> =
            before.iter().flat_map(|before| &before.files).map(|file| (file.dest.as_str(), file)).collect();
        let mut plan = RolePlan::new(role, RoleState::Unchanged);
        let mut gone = former.clone();
        for file in &new.files {
            gone.remove(file.dest.as_str());
            let changes = self.file(former.get(file.dest.as_str()).copied(), Some(file));
            if changes.is_empty() {
                plan.unchanged += 1;
            } else {
                if let Some(check) = &file.check {
                    let (argv, root) = argv(check, &str::to_owned);
                    let file = Some(PathBuf::from(&file.dest));
                    plan.commands.push(Command {
                        when: Moment::Check,
                        file,
                        directories: Vec::new(),
                        argv,
                        root,
                        source: check.source.clone(),
                    });
                }
                plan.files.push(changes);
            }
        }
        plan.files.extend(gone.into_values().map(|file| self.file(Some(file), None)));
        let told = |role: &RenderedRole| (role.duties.clone(), role.arguments.clone());
        if plan.files.is_empty() && before.is_some_and(|before| told(before) == told(new)) {
            return plan;
        }
        plan.state = RoleState::Changed;
        plan.commands.extend(self.commands(&new.duties.actions, Moment::After));
        plan
    }

    fn file(&self, former: Option<&RenderedFile>, new: Option<&RenderedFile>) -> diff::Diff {
        let dest = former.or(new).map(|file| file.dest.as_str()).unwrap_or_default();
        unified(former.map(side), new.map(side), dest.trim_start_matches('/'), &str::to_owned, &diff::Limits::default())
    }

    fn commands(&self, actions: &[Action], when: Moment) -> Vec<Command> {
        let mut commands = Vec::new();
        for action in actions {
            let (when, directories) = match action {
                Action::IfChanged { directories, .. } => (Moment::IfChanged, directories.clone()),
                _ => (when, Vec::new()),
            };
            for line in action.commands() {
                let (argv, root) = argv(line, &str::to_owned);
                commands.push(Command { when, file: None, directories: directories.clone(), argv, root, source: line.source.clone() });
            }
        }
        commands
    }
}

fn side(file: &RenderedFile) -> Side<'_> {
    Side { bytes: &file.bytes, mode: Some(file.mode), private: false }
}
