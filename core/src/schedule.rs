//! The accepted decision: which node runs which role, with which variables. Only [`admit`](crate::admit) makes one.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::json::canonical;
use crate::merge;
use crate::names::{Hostname, RoleName};

/// The most instances of one role on one node. Arbitrary, above the number of processes a machine runs.
pub const MAX_INSTANCES: u32 = 1_000_000;

/// What one node does for one role.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Placement {
    /// So many instances and no other variable.
    Instances(NonZeroU32),
    /// Variables; `instances` among them counts, its absence means one.
    Vars(Map<String, Value>),
}

impl Placement {
    pub(crate) fn instances(&self) -> u32 {
        match self {
            Placement::Instances(n) => n.get(),
            Placement::Vars(vars) => vars.get("instances").and_then(Value::as_u64).map_or(1, |n| u32::try_from(n).unwrap_or(MAX_INSTANCES)),
        }
    }

    /// Its own level of variables.
    pub(crate) fn vars(&self) -> Cow<'_, Map<String, Value>> {
        match self {
            Placement::Instances(n) => Cow::Owned(Map::from_iter([("instances".to_owned(), Value::from(n.get()))])),
            Placement::Vars(vars) => Cow::Borrowed(vars),
        }
    }
}

/// A role's variables on every node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Role {
    pub(crate) name: RoleName,
    pub(crate) vars: Map<String, Value>,
}

/// What one node runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) hostname: Hostname,
    /// What is said of the node itself; most often nothing.
    pub(crate) said: Option<Box<Said>>,
    /// Which of the schedule's placements are its own.
    pub(crate) placements: Range<u32>,
}

impl Node {
    /// Its variables for all roles on it, where any were said.
    pub(crate) fn vars(&self) -> Option<&Map<String, Value>> {
        self.said.as_ref().map(|said| &said.vars)
    }
}

/// A node's variables and its keys that the contract does not know.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Said {
    pub(crate) vars: Map<String, Value>,
    pub(crate) rest: Map<String, Value>,
}

/// The parts of a schedule, checked and in order, before it is sealed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parts {
    pub(crate) vars: Map<String, Value>,
    /// By name.
    pub(crate) roles: Vec<Role>,
    /// By hostname; nodes with nothing on them are left out.
    pub(crate) nodes: Vec<Node>,
    /// All placements, node by node: index into `roles` (ascending within a node) and what runs. One list, since thousands of
    /// short ones cost more than all else.
    pub(crate) placements: Vec<(u32, Placement)>,
    /// `state` and top-level keys that the contract does not know.
    pub(crate) rest: Map<String, Value>,
}

/// An accepted decision in canonical form, named by its digest.
///
/// Canonical form is the long one: `{"nodes": {HOST: {"roles": {ROLE: {…}}, "vars": {…}}}, "roles": {ROLE: {…}}, "vars": {…}, …}`;
/// `nodes` and `roles` are always there, `vars` only where not empty, nodes only where something is said of them.
#[derive(Clone)]
pub struct Schedule {
    parts: Arc<Parts>,
    canonical: Arc<String>,
    digest: Digest,
}

impl Parts {
    /// What `node` runs.
    pub(crate) fn of(&self, node: &Node) -> &[(u32, Placement)] {
        &self.placements[node.placements.start as usize..node.placements.end as usize]
    }
}

impl Schedule {
    pub(crate) fn seal(parts: Parts) -> Schedule {
        let canonical = write(&parts);
        let digest = Digest::of(canonical.as_bytes());
        Schedule { parts: Arc::new(parts), canonical: Arc::new(canonical), digest }
    }

    /// What it was sealed of.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// SHA-256 of the canonical text.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The canonical JSON text (RFC 8785).
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The roles on `hostname`, each with its number of instances, by name.
    pub fn roles_on(&self, hostname: &str) -> impl Iterator<Item = (&RoleName, u32)> {
        let placements = self.node(hostname).map_or(&[][..], |node| self.parts.of(node));
        placements.iter().map(|(role, placement)| (self.role_name(*role), placement.instances()))
    }

    /// The nodes that run `role`, each with its number of instances, by hostname.
    pub fn nodes_of(&self, role: &str) -> impl Iterator<Item = (&Hostname, u32)> {
        let role = self.role_index(role);
        self.parts.nodes.iter().filter_map(move |node| {
            let placements = self.parts.of(node);
            let index = placements.binary_search_by_key(&role?, |(role, _)| *role).ok()?;
            Some((&node.hostname, placements[index].1.instances()))
        })
    }

    /// All roles by name, placed or not.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &RoleName> {
        self.parts.roles.iter().map(|role| &role.name)
    }

    /// How many role-on-node placements and how many instances in all.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { roles: self.parts.roles.len(), ..Totals::default() };
        for (_, placement) in &self.parts.placements {
            totals.placements += 1;
            totals.instances += u64::from(placement.instances());
        }
        totals
    }

    /// The variables of `role` on `hostname`, merged from general to specific, when it is placed there.
    pub fn vars_of(&self, hostname: &str, role: &str) -> Option<Map<String, Value>> {
        let node = self.node(hostname)?;
        let index = self.role_index(role)?;
        let placements = self.parts.of(node);
        let placement = placements.binary_search_by_key(&index, |(role, _)| *role).ok()?;
        let own = placements[placement].1.vars();
        let nothing = Map::new();
        let node_vars = node.said.as_ref().map_or(&nothing, |said| &said.vars);
        Some(merge::merge(&[&self.parts.vars, &self.parts.roles[index as usize].vars, node_vars, &own]))
    }

    /// Top-level keys that are free: `state` and whatever the contract does not know.
    pub fn rest(&self) -> &Map<String, Value> {
        &self.parts.rest
    }

    fn node(&self, hostname: &str) -> Option<&Node> {
        let index = self.parts.nodes.binary_search_by(|node| node.hostname.as_str().cmp(hostname)).ok()?;
        Some(&self.parts.nodes[index])
    }

    fn role_index(&self, role: &str) -> Option<u32> {
        let index = self.parts.roles.binary_search_by(|known| known.name.as_str().cmp(role)).ok()?;
        u32::try_from(index).ok()
    }

    fn role_name(&self, index: u32) -> &RoleName {
        &self.parts.roles[index as usize].name
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        self.digest == other.digest
    }
}

/// How much a schedule places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Roles that are named.
    pub roles: usize,
    /// Role-on-node pairs.
    pub placements: usize,
    /// Instances in all.
    pub instances: u64,
}

/// Writes the canonical text. Names hold no character that needs escaping, and sort the same by bytes and by UTF-16.
fn write(parts: &Parts) -> String {
    // A node's frame and a placement's are about so long each with names of usual length.
    let mut out = Vec::with_capacity(1024 + parts.nodes.len() * 48 + parts.placements.len() * 32);
    let fixed = [("nodes", Member::Nodes), ("roles", Member::Roles), ("vars", Member::Vars)];
    let mut members: Vec<(&str, Member<'_>)> =
        fixed.into_iter().chain(parts.rest.iter().map(|(k, v)| (k.as_str(), Member::Any(v)))).collect();
    members.sort_unstable_by(|a, b| canonical::compare_keys(a.0, b.0));
    out.push(b'{');
    let mut first = true;
    for (key, member) in members {
        if matches!(member, Member::Vars) && parts.vars.is_empty() {
            continue;
        }
        separate(&mut first, &mut out);
        canonical::write_string(key, &mut out);
        out.push(b':');
        match member {
            Member::Nodes => write_nodes(parts, &mut out),
            Member::Roles => write_roles(parts, &mut out),
            Member::Vars => canonical::write_map(&parts.vars, &mut out),
            Member::Any(value) => canonical::write_value(value, &mut out),
        }
    }
    out.push(b'}');
    String::from_utf8(out).expect("made of texts and ASCII")
}

enum Member<'a> {
    Nodes,
    Roles,
    Vars,
    Any(&'a Value),
}

fn write_roles(parts: &Parts, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for role in &parts.roles {
        separate(&mut first, out);
        write_name(role.name.as_str(), out);
        canonical::write_map(&role.vars, out);
    }
    out.push(b'}');
}

fn write_nodes(parts: &Parts, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for node in &parts.nodes {
        separate(&mut first, out);
        write_name(node.hostname.as_str(), out);
        match &node.said {
            None => {
                out.extend_from_slice(b"{\"roles\":");
                write_placements(parts, node, out);
                out.push(b'}');
            }
            Some(said) => write_rare_node(parts, node, said, out),
        }
    }
    out.push(b'}');
}

/// A node with variables or keys of its own beside `roles`, in their order.
fn write_rare_node(parts: &Parts, node: &Node, said: &Said, out: &mut Vec<u8>) {
    let mut members: Vec<&str> = said.rest.keys().map(String::as_str).chain(["roles", "vars"]).collect();
    members.sort_unstable_by(|a, b| canonical::compare_keys(a, b));
    out.push(b'{');
    let mut first = true;
    for key in members {
        if key == "vars" && said.vars.is_empty() {
            continue;
        }
        separate(&mut first, out);
        canonical::write_string(key, out);
        out.push(b':');
        match key {
            "roles" => write_placements(parts, node, out),
            "vars" => canonical::write_map(&said.vars, out),
            key => canonical::write_value(&said.rest[key], out),
        }
    }
    out.push(b'}');
}

fn write_placements(parts: &Parts, node: &Node, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for (role, placement) in parts.of(node) {
        separate(&mut first, out);
        write_name(parts.roles[*role as usize].name.as_str(), out);
        match placement {
            Placement::Instances(n) => {
                out.extend_from_slice(b"{\"instances\":");
                canonical::write_integer(u64::from(n.get()), out);
                out.push(b'}');
            }
            Placement::Vars(vars) => canonical::write_map(vars, out),
        }
    }
    out.push(b'}');
}

fn write_name(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn separate(first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}
