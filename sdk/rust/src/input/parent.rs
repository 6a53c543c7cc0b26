//! A schedule that the decision follows, in canonical form.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Text;
use crate::error::Error;

/// A former schedule. Its placements may name nodes that are gone.
#[derive(Debug, Deserialize)]
pub struct Parent<'a> {
    #[serde(borrow, default)]
    nodes: Nodes<'a>,
    #[serde(borrow, default)]
    roles: Option<&'a RawValue>,
    #[serde(borrow, default)]
    vars: Option<&'a RawValue>,
    #[serde(borrow, default)]
    state: Option<&'a RawValue>,
}

impl<'a> Parent<'a> {
    /// All placements, by hostname and role.
    pub fn placements(&self) -> &[Placed<'a>] {
        &self.nodes.0
    }

    /// The placements of one role, by hostname.
    pub fn of_role(&self, role: &str) -> impl Iterator<Item = &Placed<'a>> {
        self.nodes.0.iter().filter(move |placed| placed.role.0 == role)
    }

    /// The roles' variables as the author's own type: role to variables.
    pub fn roles<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        super::part("parents.roles", self.roles)
    }

    /// The variables of the whole schedule as the author's own type.
    pub fn vars<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        super::part("parents.vars", self.vars)
    }

    /// What the scheduler kept for itself, as the author's own type.
    pub fn state<T: Deserialize<'a>>(&self) -> Result<Option<T>, Error> {
        self.state.map(|state| super::part("parents.state", Some(state))).transpose()
    }
}

/// One role on one node.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    pub(super) hostname: Text<'a>,
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
    pub fn instances(&self) -> Result<u32, Error> {
        Ok(self.vars::<Instances>()?.instances.unwrap_or(1))
    }

    /// The placement's own variables as the author's own type.
    pub fn vars<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        serde_json::from_str(self.vars.get())
            .map_err(|source| Error::Part { key: format!("parents.nodes.{}.roles.{}", self.hostname.0, self.role.0), source })
    }
}

#[derive(Debug, Default)]
struct Nodes<'a>(Vec<Placed<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Nodes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nodes<'a>, D::Error> {
        let mut placements = Vec::new();
        deserializer.deserialize_map(Level { placements: &mut placements, at: At::Nodes })?;
        Ok(Nodes(placements))
    }
}

/// Reads `nodes`, one node, or one node's roles, without building any of them.
struct Level<'v, 'a> {
    placements: &'v mut Vec<Placed<'a>>,
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
        while let Some(key) = access.next_key::<Text<'de>>()? {
            match &self.at {
                At::Nodes => access.next_value_seed(Level { placements: self.placements, at: At::Node(key) })?,
                At::Node(hostname) if key.0 == "roles" => {
                    access.next_value_seed(Level { placements: self.placements, at: At::Roles(hostname.clone()) })?;
                }
                At::Node(_) => {
                    access.next_value::<IgnoredAny>()?;
                }
                At::Roles(hostname) => {
                    let vars = access.next_value()?;
                    self.placements.push(Placed { hostname: hostname.clone(), role: key, vars });
                }
            }
        }
        Ok(())
    }
}
