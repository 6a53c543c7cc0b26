//! What one schedule changes of another: instances that start, stop and move, by role and node, and variables that differ.
//! It judges nothing: guards, policies and people do.

mod text;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::iter;

use serde::Serialize;
use serde_json::{Map, Value};

pub use text::Line;

use crate::merge;
use crate::names::{Hostname, RoleName};
use crate::peers::PeerTable;
use crate::schedule::{Node, Parts, Placement, Role, Schedule};

/// What changes from one schedule to the next: from that in force to a new one, from the active plugin's to a shadow's, from a recorded
/// one to a replayed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    totals: DiffTotals,
    roles: Vec<RoleDiff>,
}

/// What changes in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DiffTotals {
    /// Instances before.
    pub before: u64,
    /// Instances after.
    pub after: u64,
    /// Instances that a node has more than before.
    pub started: u64,
    /// Instances that a node has fewer than before.
    pub stopped: u64,
    /// Instances that stop on one node that is still there and start on another.
    pub moved: u64,
    /// Role-on-node placements that keep their instances and get other variables.
    pub changed: u64,
}

/// What changes of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDiff {
    /// Which role.
    pub role: RoleName,
    /// What changes on each node, by hostname; nodes where nothing changes are left out.
    pub changes: Vec<Change>,
    /// Instances that a node has more than before.
    pub started: u64,
    /// Instances that a node has fewer than before.
    pub stopped: u64,
    /// As many of those that started as stopped on nodes that are still among the peers: what was lost with its node starts
    /// elsewhere, but nobody moved it.
    pub moved: u64,
}

/// What changes of one role on one node. With as many instances as before, it is the variables that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which node.
    pub hostname: Hostname,
    /// Instances before.
    pub before: u32,
    /// Instances after.
    pub after: u32,
}

impl Change {
    fn added(&self) -> Option<u32> {
        self.after.checked_sub(self.before).filter(|n| *n > 0)
    }

    fn removed(&self) -> Option<u32> {
        self.before.checked_sub(self.after).filter(|n| *n > 0)
    }

    fn only_vars(&self) -> bool {
        self.before == self.after
    }
}

impl Diff {
    /// Compares what is placed; `alive` are the nodes that there are now. Free keys such as `state` are not looked at.
    ///
    /// One pass over both schedules: where nothing changes it compares and allocates nothing.
    pub fn between(before: Option<&Schedule>, after: &Schedule, alive: &PeerTable) -> Diff {
        if before == Some(after) {
            let instances = after.totals().instances;
            return Diff { totals: DiffTotals { before: instances, after: instances, ..DiffTotals::default() }, roles: Vec::new() };
        }
        let nothing = Parts::default();
        let (before, after) = (before.map_or(&nothing, Schedule::parts), after.parts());
        let mut comparison = Comparison::new(before, after, alive);
        for (old, new) in join(&before.nodes, &after.nodes, |a, b| a.hostname.cmp(&b.hostname)) {
            comparison.node(old, new);
        }
        comparison.finish()
    }

    /// What changes in all.
    pub fn totals(&self) -> DiffTotals {
        self.totals
    }

    /// The roles of which something changes, by name.
    pub fn roles(&self) -> &[RoleDiff] {
        &self.roles
    }

    /// Whether every node runs the same roles with the same instances and variables.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }
}

/// Both schedules while they are walked.
struct Comparison<'a> {
    before: &'a Parts,
    after: &'a Parts,
    alive: &'a PeerTable,
    roles: Vec<RoleProgress<'a>>,
    /// A role's number in each schedule to its number in `roles`.
    before_numbers: Vec<u32>,
    after_numbers: Vec<u32>,
    totals: DiffTotals,
}

/// One role that either schedule has.
struct RoleProgress<'a> {
    before: Option<&'a Role>,
    after: Option<&'a Role>,
    /// Whether the variables of all roles, or this role's, differ.
    vars_differ: bool,
    /// Instances that stopped because their node is gone.
    lost: u64,
    diff: RoleDiff,
}

impl<'a> Comparison<'a> {
    fn new(before: &'a Parts, after: &'a Parts, alive: &'a PeerTable) -> Comparison<'a> {
        let mut roles = Vec::with_capacity(before.roles.len().max(after.roles.len()));
        let mut before_numbers = Vec::with_capacity(before.roles.len());
        let mut after_numbers = Vec::with_capacity(after.roles.len());
        let vars_differ = before.vars != after.vars;
        for (old, new) in join(&before.roles, &after.roles, |a, b| a.name.cmp(&b.name)) {
            let number = u32::try_from(roles.len()).expect("a schedule has at most MAX_ROLES roles");
            before_numbers.extend(old.map(|_| number));
            after_numbers.extend(new.map(|_| number));
            let role = new.or(old).expect("every pair has a member").name.clone();
            let vars_differ = vars_differ || old.map(|role| &role.vars) != new.map(|role| &role.vars);
            let diff = RoleDiff { role, changes: Vec::new(), started: 0, stopped: 0, moved: 0 };
            roles.push(RoleProgress { before: old, after: new, vars_differ, lost: 0, diff });
        }
        Comparison { before, after, alive, roles, before_numbers, after_numbers, totals: DiffTotals::default() }
    }

    /// Compares what one node runs before and after.
    fn node(&mut self, before: Option<&'a Node>, after: Option<&'a Node>) {
        let hostname = &after.or(before).expect("every pair has a member").hostname;
        let vars_differ = before.and_then(Node::vars) != after.and_then(Node::vars);
        let (before_numbers, after_numbers) = (&self.before_numbers, &self.after_numbers);
        let old = before.map_or(&[][..], |node| self.before.of(node));
        let new = after.map_or(&[][..], |node| self.after.of(node));
        for (old, new) in join(old, new, |a, b| before_numbers[a.0 as usize].cmp(&after_numbers[b.0 as usize])) {
            let number = old.map(|(role, _)| before_numbers[*role as usize]).or_else(|| new.map(|(role, _)| after_numbers[*role as usize]));
            let role = &mut self.roles[number.expect("every pair has a member") as usize];
            let (old, new) = (old.map(|(_, placement)| placement), new.map(|(_, placement)| placement));
            let (old_instances, new_instances) = (old.map_or(0, Placement::instances), new.map_or(0, Placement::instances));
            self.totals.before += u64::from(old_instances);
            self.totals.after += u64::from(new_instances);
            match old_instances.cmp(&new_instances) {
                Ordering::Less => role.diff.started += u64::from(new_instances - old_instances),
                Ordering::Greater => {
                    let stopped = u64::from(old_instances - new_instances);
                    role.diff.stopped += stopped;
                    if self.alive.position(hostname.as_str()).is_none() {
                        role.lost += stopped;
                    }
                }
                Ordering::Equal => {
                    if old == new && !vars_differ && !role.vars_differ {
                        continue;
                    }
                    let old = old.zip(before).map(|(own, node)| Levels::of(self.before, role.before, node, own));
                    let new = new.zip(after).map(|(own, node)| Levels::of(self.after, role.after, node, own));
                    if old.zip(new).is_some_and(|(old, new)| merge::same(&old.list(), &new.list())) {
                        continue;
                    }
                    self.totals.changed += 1;
                }
            }
            role.diff.changes.push(Change { hostname: hostname.clone(), before: old_instances, after: new_instances });
        }
    }

    fn finish(self) -> Diff {
        let mut totals = self.totals;
        let mut roles: Vec<RoleDiff> = Vec::new();
        for RoleProgress { lost, mut diff, .. } in self.roles {
            if diff.changes.is_empty() {
                continue;
            }
            diff.moved = diff.started.min(diff.stopped - lost);
            totals.started += diff.started;
            totals.stopped += diff.stopped;
            totals.moved += diff.moved;
            roles.push(diff);
        }
        Diff { totals, roles }
    }
}

/// What the variables of one placement are merged of.
struct Levels<'a> {
    all: &'a Map<String, Value>,
    role: Option<&'a Map<String, Value>>,
    node: Option<&'a Map<String, Value>>,
    own: Cow<'a, Map<String, Value>>,
}

impl<'a> Levels<'a> {
    fn of(parts: &'a Parts, role: Option<&'a Role>, node: &'a Node, own: &'a Placement) -> Levels<'a> {
        Levels { all: &parts.vars, role: role.map(|role| &role.vars), node: node.vars(), own: own.vars() }
    }

    /// The most general first.
    fn list(&self) -> Vec<&Map<String, Value>> {
        iter::once(self.all).chain(self.role).chain(self.node).chain([&*self.own]).collect()
    }
}

/// Walks two ascending lists as one: each pair has what either list holds at that point of the order, and at least one member.
fn join<'a, T>(a: &'a [T], b: &'a [T], order: impl Fn(&T, &T) -> Ordering) -> impl Iterator<Item = (Option<&'a T>, Option<&'a T>)> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    iter::from_fn(move || {
        let order = match (a.peek(), b.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => order(a, b),
        };
        Some((if order.is_le() { a.next() } else { None }, if order.is_ge() { b.next() } else { None }))
    })
}

#[cfg(test)]
mod tests;
