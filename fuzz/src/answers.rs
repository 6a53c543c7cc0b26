//! A scheduler's answer as a model: it can be written in both notations, and its canonical form is known without the reader.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use serde_json::{Map, Value, json};

use crate::free::{Free, Vars};
use crate::tables::HOSTNAMES;

/// Names of roles that are generated: sorted otherwise than by length, and one as long as it may be.
const ROLES: [&str; 6] = ["web", "a", "a-b", "a.b", "0", "long-long-long-long-long-long-long-long-long-long-long-long-0000"];

/// A sound answer.
#[derive(Debug, Clone)]
pub struct Model {
    vars: Vars,
    roles: BTreeMap<&'static str, Vars>,
    nodes: BTreeMap<&'static str, Node>,
    rest: Vec<Free>,
    actions: Option<Vars>,
    log: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    vars: Vars,
    rest: Vec<Free>,
    roles: BTreeMap<&'static str, Placement>,
}

#[derive(Debug, Clone, Arbitrary)]
enum Placement {
    Instances(u8),
    Vars(Option<u8>, Vars),
}

/// How a placement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// `roles: {ROLE: {place: {HOST: …}}}`.
    Short,
    /// `nodes: {HOST: {roles: {ROLE: …}}}`.
    Long,
    /// Every other role in either.
    Mixed,
}

impl<'a> Arbitrary<'a> for Model {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Model> {
        let mut model = Model {
            vars: u.arbitrary()?,
            roles: BTreeMap::new(),
            nodes: BTreeMap::new(),
            rest: u.arbitrary()?,
            actions: u.arbitrary()?,
            log: u.arbitrary()?,
        };
        for _ in 0..u.int_in_range(0..=4)? {
            let mut vars: Vars = u.arbitrary()?;
            vars.0.remove("place");
            model.roles.insert(u.choose(&ROLES)?, vars);
        }
        for _ in 0..u.int_in_range(0..=4)? {
            let mut node = Node { vars: u.arbitrary()?, rest: u.arbitrary()?, roles: BTreeMap::new() };
            for _ in 0..u.int_in_range(0..=4)? {
                let role = u.choose(&ROLES)?;
                model.roles.entry(role).or_default();
                node.roles.insert(role, u.arbitrary()?);
            }
            model.nodes.insert(u.choose(&HOSTNAMES)?, node);
        }
        Ok(model)
    }
}

impl Placement {
    fn vars(&self) -> Value {
        match self {
            Placement::Instances(n) => json!({ "instances": (*n).max(1) }),
            Placement::Vars(instances, vars) => {
                let mut vars = vars.0.clone();
                vars.remove("instances");
                vars.extend(instances.map(|n| ("instances".to_owned(), Value::from(n))));
                Value::Object(vars)
            }
        }
    }

    fn short(&self) -> Value {
        match self {
            Placement::Instances(n) => Value::from((*n).max(1)),
            Placement::Vars(..) => self.vars(),
        }
    }
}

impl Model {
    /// The answer's JSON text.
    pub fn text(&self, notation: Notation) -> String {
        let short = |index: usize| match notation {
            Notation::Short => true,
            Notation::Long => false,
            Notation::Mixed => index.is_multiple_of(2),
        };
        let mut roles = Map::new();
        let mut nodes = Map::new();
        for (hostname, node) in &self.nodes {
            nodes.insert((*hostname).to_owned(), node.written(|index| !short(index)));
        }
        for (role, vars) in &self.roles {
            let mut vars = vars.0.clone();
            let mut place = Map::new();
            for (hostname, node) in &self.nodes {
                let placements = node.roles.iter().enumerate().filter(|(index, (placed, _))| short(*index) && *placed == role);
                place.extend(placements.map(|(_, (_, placement))| ((*hostname).to_owned(), placement.short())));
            }
            vars.insert("place".to_owned(), Value::Object(place));
            roles.insert((*role).to_owned(), Value::Object(vars));
        }
        let schedule = self.schedule(nodes, roles);
        let mut answer = json!({ "v": 1, "schedule": schedule, "changes": ["one"], "why": { "web": { "alpha": "free" } } });
        if let Some(actions) = &self.actions {
            answer["actions"] = Value::Object(actions.0.clone());
        }
        if let Some(log) = &self.log {
            answer["log"] = Value::from(log.as_str());
        }
        answer.to_string()
    }

    /// What the schedule must be in canonical form, as a second writer prints it.
    pub fn canonical(&self) -> String {
        let said = |node: &&Node| !(node.vars.0.is_empty() && node.rest.is_empty() && node.roles.is_empty());
        let nodes = self.nodes.iter().filter(|(_, node)| said(node)).map(|(hostname, node)| {
            let mut written = node.written(|_| true);
            if node.vars.0.is_empty() {
                written.as_object_mut().expect("a node is an object").remove("vars");
            }
            ((*hostname).to_owned(), written)
        });
        let roles = self.roles.iter().map(|(role, vars)| ((*role).to_owned(), Value::Object(vars.0.clone())));
        let mut schedule = self.schedule(nodes.collect(), roles.collect());
        if self.vars.0.is_empty() {
            schedule.as_object_mut().expect("a schedule is an object").remove("vars");
        }
        serde_json_canonicalizer::to_string(&schedule).expect("finite numbers and texts")
    }

    /// Takes the variables of `other` wherever both have the same role, node or placement.
    pub fn take_vars(&mut self, other: &Model) {
        self.vars = other.vars.clone();
        for (role, vars) in &other.roles {
            self.roles.entry(role).and_modify(|own| own.clone_from(vars));
        }
        for (hostname, node) in &mut self.nodes {
            let Some(theirs) = other.nodes.get(hostname) else { continue };
            node.vars = theirs.vars.clone();
            for (role, placement) in &mut node.roles {
                if let (Placement::Vars(_, vars), Some(Placement::Vars(_, theirs))) = (placement, theirs.roles.get(role)) {
                    vars.clone_from(theirs);
                }
            }
        }
    }

    /// Replaces the free keys beside the fixed ones.
    pub fn set_rest(&mut self, rest: Vec<Free>) {
        self.rest = rest;
    }

    fn schedule(&self, nodes: Map<String, Value>, roles: Map<String, Value>) -> Value {
        let mut schedule = json!({ "vars": self.vars.0, "nodes": nodes, "roles": roles });
        let free = schedule.as_object_mut().expect("written as an object");
        free.extend(self.rest.iter().enumerate().map(|(index, value)| (rest_key(index), value.0.clone())));
        schedule
    }
}

impl Node {
    /// The node with those of its roles that `shown` picks by their place.
    fn written(&self, shown: impl Fn(usize) -> bool) -> Value {
        let roles = self.roles.iter().enumerate().filter(|(index, _)| shown(*index));
        let roles: Map<_, _> = roles.map(|(_, (role, placement))| ((*role).to_owned(), placement.vars())).collect();
        let mut node = json!({ "vars": self.vars.0, "roles": roles });
        let free = node.as_object_mut().expect("written as an object");
        free.extend(self.rest.iter().enumerate().map(|(index, value)| (rest_key(index), value.0.clone())));
        node
    }
}

/// Free keys before, between and after the fixed ones.
fn rest_key(index: usize) -> String {
    ["state", "", "s", "rolesx", "\u{fb33}", "\u{1f600}"].get(index).map_or_else(|| format!("z{index}"), |key| (*key).to_owned())
}
