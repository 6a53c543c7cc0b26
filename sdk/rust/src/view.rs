//! A schedule that was admitted, in canonical form, read part by part: what a decision follows, what a policy judges, what a query
//! tells of. It builds and changes nothing: [`Schedule`](crate::Schedule) does.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::json;
use crate::text::{Members, Text, part};

/// A schedule as the host hands it out. Former ones may name nodes that are gone.
#[derive(Debug, Clone, Deserialize)]
pub struct ScheduleView<'a> {
    #[serde(borrow, default)]
    nodes: Nodes<'a>,
    #[serde(borrow, default)]
    roles: Option<&'a RawValue>,
    #[serde(borrow, default)]
    vars: Option<&'a RawValue>,
    #[serde(borrow, default)]
    state: Option<&'a RawValue>,
}

impl<'a> ScheduleView<'a> {
    /// Reads a schedule's canonical text, for tests of functions that take one.
    #[inline]
    pub fn read(text: &'a str) -> Result<ScheduleView<'a>, Error> {
        serde_json::from_str(text).map_err(|source| Error::Part { key: "schedule".to_owned(), source })
    }

    /// All placements, by hostname and role.
    pub fn placements(&self) -> &[Placed<'a>] {
        &self.nodes.placements
    }

    /// The placements of one role, by hostname. O(placements).
    pub fn of_role(&self, role: &str) -> impl Iterator<Item = &Placed<'a>> {
        self.nodes.placements.iter().filter(move |placed| placed.role.0 == role)
    }

    /// The placements on one node, by role. O(placements).
    pub fn on_node(&self, hostname: &str) -> impl Iterator<Item = &Placed<'a>> {
        self.nodes.placements.iter().filter(move |placed| placed.hostname.0 == hostname)
    }

    /// How many instances each placed role has on all nodes together, by role. One pass over the placements.
    #[inline]
    pub fn totals(&self) -> Result<BTreeMap<&str, u64>, Error> {
        let mut totals = BTreeMap::new();
        for placed in self.placements() {
            *totals.entry(placed.role()).or_default() += u64::from(placed.instances()?);
        }
        Ok(totals)
    }

    /// Whether the schedule knows `role`: as a role of its own, or on a node.
    #[inline]
    pub fn has_role(&self, role: &str) -> Result<bool, Error> {
        Ok(self.of_role(role).next().is_some() || self.role_vars()?.get(role).is_some())
    }

    /// The roles' variables as the author's own type: role to variables. Of roles that stand on nodes only there is nothing here.
    pub fn roles<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("schedule.roles", self.roles)
    }

    /// The variables of the whole schedule as the author's own type.
    pub fn vars<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("schedule.vars", self.vars)
    }

    /// What the scheduler kept for itself, as the author's own type.
    pub fn state<T: Deserialize<'a>>(&self) -> Result<Option<T>, Error> {
        self.state.map(|state| part("schedule.state", Some(state))).transpose()
    }

    /// What `role` renders with on `hostname`: the variables of the schedule, the role, the node and the placement, of which the more
    /// specific ones win. `None` where the role does not stand there. O(placements + roles).
    pub fn vars_of<T: DeserializeOwned>(&self, hostname: &str, role: &str) -> Result<Option<T>, Error> {
        let Some(placed) = self.on_node(hostname).find(|placed| placed.role() == role) else { return Ok(None) };
        let node = self.nodes.vars.iter().find(|(name, _)| name.0 == hostname).map(|(_, vars)| *vars);
        let mut merged = BTreeMap::new();
        for level in [self.vars, self.role_vars()?.get(role), node, Some(placed.vars)] {
            let members: Members<'_> = part("schedule", level)?;
            merged.extend(members.0.into_iter().map(|(key, value)| (key.0, value)));
        }
        let mut text = String::from("{");
        for (key, value) in &merged {
            json::write_member(key, &mut text);
            text.push_str(value.get());
        }
        text.push('}');
        let key = || format!("schedule.nodes.{hostname}.roles.{role}");
        serde_json::from_str(&text).map(Some).map_err(|source| Error::Part { key: key(), source })
    }

    #[inline]
    fn role_vars(&self) -> Result<Members<'a>, Error> {
        part("schedule.roles", self.roles)
    }
}

/// One role on one node.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    hostname: Text<'a>,
    role: Text<'a>,
    vars: &'a RawValue,
}

#[derive(Deserialize)]
struct Instances {
    instances: Option<u32>,
}

impl<'a> Placed<'a> {
    /// Where.
    pub fn hostname(&self) -> &str {
        &self.hostname.0
    }

    /// What.
    pub fn role(&self) -> &str {
        &self.role.0
    }

    /// How many instances; one where the variables do not say.
    #[inline]
    pub fn instances(&self) -> Result<u32, Error> {
        Ok(self.vars::<Instances>()?.instances.unwrap_or(1))
    }

    /// The placement's own variables as the author's own type.
    pub fn vars<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        serde_json::from_str(self.vars.get())
            .map_err(|source| Error::Part { key: format!("schedule.nodes.{}.roles.{}", self.hostname.0, self.role.0), source })
    }
}

#[derive(Debug, Clone, Default)]
struct Nodes<'a> {
    placements: Vec<Placed<'a>>,
    /// Nodes with variables of their own: rarely any.
    vars: Vec<(Text<'a>, &'a RawValue)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Nodes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nodes<'a>, D::Error> {
        let mut nodes = Nodes::default();
        deserializer.deserialize_map(Level { nodes: &mut nodes, at: At::Nodes })?;
        Ok(nodes)
    }
}

/// Reads `nodes`, one node, or one node's roles, without building any of them.
struct Level<'v, 'a> {
    nodes: &'v mut Nodes<'a>,
    at: At<'a>,
}

enum At<'a> {
    Nodes,
    Node(Text<'a>),
    Roles(Text<'a>),
}

impl<'de> DeserializeSeed<'de> for Level<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Level<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Level { nodes, at } = self;
        while let Some(key) = access.next_key::<Text<'de>>()? {
            match &at {
                At::Nodes => access.next_value_seed(Level { nodes, at: At::Node(key) })?,
                At::Node(hostname) if key.0 == "roles" => {
                    access.next_value_seed(Level { nodes, at: At::Roles(hostname.clone()) })?;
                }
                At::Node(hostname) if key.0 == "vars" => nodes.vars.push((hostname.clone(), access.next_value()?)),
                At::Node(_) => {
                    access.next_value::<serde::de::IgnoredAny>()?;
                }
                At::Roles(hostname) => nodes.placements.push(Placed { hostname: hostname.clone(), role: key, vars: access.next_value()? }),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"nodes":{"a":{"roles":{"db":{},"web":{"instances":2,"port":81}},"vars":{"zone":"x","port":80}},
        "b":{"roles":{"web":{"instances":1}}}},"roles":{"idle":{},"web":{"template":"web/v1","port":79}},"state":[1],"vars":{"dc":"one"}}"#;

    fn view() -> ScheduleView<'static> {
        ScheduleView::read(TEXT).expect("a schedule")
    }

    #[test]
    fn placements_by_role_and_by_node() {
        let view = view();
        let shown = |placed: &Placed<'_>| format!("{} {} {}", placed.hostname(), placed.role(), placed.instances().expect("a number"));
        assert_eq!(view.placements().iter().map(shown).collect::<Vec<_>>(), ["a db 1", "a web 2", "b web 1"]);
        assert_eq!(view.of_role("web").map(shown).collect::<Vec<_>>(), ["a web 2", "b web 1"]);
        assert_eq!(view.on_node("a").map(shown).collect::<Vec<_>>(), ["a db 1", "a web 2"]);
        assert_eq!(view.totals().expect("numbers"), BTreeMap::from([("db", 1), ("web", 3)]));
    }

    #[test]
    fn roles_of_their_own_and_on_nodes() {
        for (role, expect) in [("idle", true), ("web", true), ("db", true), ("none", false)] {
            assert_eq!(view().has_role(role).expect("a mapping"), expect, "{role}");
        }
    }

    #[test]
    fn the_more_specific_variables_win() {
        let view = view();
        let merged: Option<serde_json::Value> = view.vars_of("a", "web").expect("variables");
        assert_eq!(merged, Some(serde_json::json!({"dc": "one", "template": "web/v1", "zone": "x", "port": 81, "instances": 2})));
        let merged: Option<serde_json::Value> = view.vars_of("b", "web").expect("variables");
        assert_eq!(merged, Some(serde_json::json!({"dc": "one", "template": "web/v1", "port": 79, "instances": 1})));
        assert_eq!(view.vars_of::<serde_json::Value>("b", "db").expect("no error"), None);
        let err = view.vars_of::<BTreeMap<String, u32>>("b", "web").expect_err("a template is no number").to_string();
        assert!(err.starts_with("`schedule.nodes.b.roles.web` of the input document: invalid type: string \"one\""), "{err}");
    }

    #[test]
    fn what_is_no_schedule() {
        let refused = |text: &str| ScheduleView::read(text).expect_err("refused").to_string();
        assert!(refused("7").starts_with("`schedule` of the input document: "), "{}", refused("7"));
        assert!(refused(r#"{"nodes":{"a":{"roles":[]}}}"#).contains("expected an object"));
    }
}
