//! The schedule inside an answer: both notations of placements, read in one pass to indices.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroU32;

use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::draft::Draft;
use crate::json::strict::{Reader, insert};
use crate::peers::PeerTable;
use crate::schedule::{MAX_INSTANCES, Parts, Placement};

/// Reads a schedule. Without `known`, any valid hostname will do.
pub(super) struct ScheduleSeed<'a> {
    pub(super) reader: &'a Reader,
    pub(super) known: Option<&'a PeerTable>,
}

impl<'de> DeserializeSeed<'de> for ScheduleSeed<'_> {
    type Value = Parts;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ScheduleSeed<'_> {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schedule: an object with `roles` and `nodes`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Parts, A::Error> {
        let reader = self.reader;
        let mut draft = Draft::new(reader, self.known);
        let mut seen = Seen::new(reader);
        let mut vars = Map::new();
        let mut rest = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            match key.as_str() {
                "vars" => {
                    seen.first(&key)?;
                    vars = reader.at(&key, access.next_value_seed(reader.map()))?;
                }
                "roles" => {
                    seen.first(&key)?;
                    reader.at(&key, access.next_value_seed(RolesSeed(&mut draft)))?;
                }
                "nodes" => {
                    seen.first(&key)?;
                    reader.at(&key, access.next_value_seed(NodesSeed(&mut draft)))?;
                }
                _ => {
                    let value = reader.at(&key, access.next_value_seed(reader.value()))?;
                    insert(reader, &mut rest, key, value)?;
                }
            }
        }
        draft.finish(vars, rest)
    }
}

/// Refuses a fixed key that stands twice.
struct Seen<'a> {
    reader: &'a Reader,
    keys: Vec<String>,
}

impl<'a> Seen<'a> {
    fn new(reader: &'a Reader) -> Seen<'a> {
        Seen { reader, keys: Vec::new() }
    }

    fn first<E: de::Error>(&mut self, key: &str) -> Result<(), E> {
        if self.keys.iter().any(|seen| seen == key) {
            return self.reader.at(key, Err(E::custom("the key stands twice in one object")));
        }
        self.keys.push(key.to_owned());
        Ok(())
    }
}

macro_rules! map_seed {
    ($type:ident, $out:ty, $expecting:literal) => {
        impl<'de> DeserializeSeed<'de> for $type<'_, '_> {
            type Value = $out;
            fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<$out, D::Error> {
                deserializer.deserialize_map(self)
            }
        }

        impl<'de> Visitor<'de> for $type<'_, '_> {
            type Value = $out;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<$out, A::Error> {
                self.read(access)
            }
        }
    };
}

/// `roles`: role → variables, with `place` among them.
struct RolesSeed<'d, 'a>(&'d mut Draft<'a>);
map_seed!(RolesSeed, (), "an object: role to its variables and `place`");

impl RolesSeed<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let reader = self.0.reader;
        let mut named = HashSet::new();
        while let Some(Key(name)) = access.next_key()? {
            let role = self.0.role(&name)?;
            if !named.insert(role) {
                return reader.at(&name, Err(de::Error::custom("the key stands twice in one object")));
            }
            reader.at(&name, access.next_value_seed(RoleSeed { draft: self.0, role }))?;
        }
        Ok(())
    }
}

struct RoleSeed<'d, 'a> {
    draft: &'d mut Draft<'a>,
    role: u32,
}
map_seed!(RoleSeed, (), "an object: the role's variables and `place`");

impl RoleSeed<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let reader = self.draft.reader;
        let mut seen = Seen::new(reader);
        let mut vars = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if key == "place" {
                seen.first(&key)?;
                reader.at(&key, access.next_value_seed(PlaceSeed { draft: self.draft, role: self.role }))?;
                continue;
            }
            let value = reader.at(&key, access.next_value_seed(reader.value()))?;
            insert(reader, &mut vars, key, value)?;
        }
        self.draft.roles[self.role as usize].vars = vars;
        Ok(())
    }
}

/// `place`: hostname → number of instances or variables. Duplicates are seen when placements are put in order.
struct PlaceSeed<'d, 'a> {
    draft: &'d mut Draft<'a>,
    role: u32,
}
map_seed!(PlaceSeed, (), "an object: hostname to a number of instances or variables");

impl PlaceSeed<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let reader = self.draft.reader;
        while let Some(Key(name)) = access.next_key()? {
            let host = self.draft.host(&name)?;
            let placement = reader.at(&name, access.next_value_seed(PlacementSeed { reader, short: true }))?;
            self.draft.place(host, self.role, placement)?;
        }
        Ok(())
    }
}

/// `nodes`: hostname → its variables and roles.
struct NodesSeed<'d, 'a>(&'d mut Draft<'a>);
map_seed!(NodesSeed, (), "an object: hostname to its `roles` and `vars`");

impl NodesSeed<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let reader = self.0.reader;
        let mut named = HashSet::new();
        while let Some(Key(name)) = access.next_key()? {
            let host = self.0.host(&name)?;
            if !named.insert(host) {
                return reader.at(&name, Err(de::Error::custom("the key stands twice in one object")));
            }
            reader.at(&name, access.next_value_seed(NodeSeed { draft: self.0, host }))?;
        }
        Ok(())
    }
}

struct NodeSeed<'d, 'a> {
    draft: &'d mut Draft<'a>,
    host: u32,
}
map_seed!(NodeSeed, (), "an object: the node's `roles` and `vars`");

impl NodeSeed<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let reader = self.draft.reader;
        let mut seen = Seen::new(reader);
        let mut vars = Map::new();
        let mut rest = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            match key.as_str() {
                "vars" => {
                    seen.first(&key)?;
                    vars = reader.at(&key, access.next_value_seed(reader.map()))?;
                }
                "roles" => {
                    seen.first(&key)?;
                    reader.at(&key, access.next_value_seed(NodeRolesSeed { draft: self.draft, host: self.host }))?;
                }
                _ => {
                    let value = reader.at(&key, access.next_value_seed(reader.value()))?;
                    insert(reader, &mut rest, key, value)?;
                }
            }
        }
        self.draft.extra(self.host, vars, rest);
        Ok(())
    }
}

/// A node's `roles`: role → variables.
struct NodeRolesSeed<'d, 'a> {
    draft: &'d mut Draft<'a>,
    host: u32,
}
map_seed!(NodeRolesSeed, (), "an object: role to its variables on this node");

impl NodeRolesSeed<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let reader = self.draft.reader;
        while let Some(Key(name)) = access.next_key()? {
            let role = self.draft.role(&name)?;
            let placement = reader.at(&name, access.next_value_seed(PlacementSeed { reader, short: false }))?;
            self.draft.place(self.host, role, placement)?;
        }
        Ok(())
    }
}

/// One placement: variables, or in the short notation a number of instances.
struct PlacementSeed<'a> {
    reader: &'a Reader,
    short: bool,
}

impl<'de> DeserializeSeed<'de> for PlacementSeed<'_> {
    type Value = Placement;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Placement, D::Error> {
        self.reader.charge()?;
        if self.short { deserializer.deserialize_any(self) } else { deserializer.deserialize_map(self) }
    }
}

impl<'de> Visitor<'de> for PlacementSeed<'_> {
    type Value = Placement;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.short { "a number of instances, or an object of variables" } else { "an object of variables" })
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Placement, E> {
        let n = u32::try_from(n).ok().filter(|n| *n <= MAX_INSTANCES).and_then(NonZeroU32::new);
        let refusal = || E::custom(format_args!("instances must be from 1 to {MAX_INSTANCES}; leave out a node that has none"));
        n.map(Placement::Instances).ok_or_else(refusal)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Placement, E> {
        self.visit_u64(0)
    }

    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Placement, E> {
        if n.fract() == 0.0 && (1.0..=f64::from(MAX_INSTANCES)).contains(&n) {
            return self.visit_u64(n as u64);
        }
        self.visit_u64(0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Placement, A::Error> {
        let mut vars = Map::new();
        while let Some(Key(key)) = access.next_key()? {
            let value = self.reader.at(&key, access.next_value_seed(self.reader.value()))?;
            if vars.is_empty() && key == "instances" {
                // By far the most common shape, `{"instances": n}`, needs no map.
                let Some(Key(second)) = access.next_key()? else { return self.instances_only(&value) };
                insert(self.reader, &mut vars, key.into_owned(), value)?;
                let value = self.reader.at(&second, access.next_value_seed(self.reader.value()))?;
                insert(self.reader, &mut vars, second.into_owned(), value)?;
                continue;
            }
            insert(self.reader, &mut vars, key.into_owned(), value)?;
        }
        match vars.get("instances") {
            Some(instances) => self.count(instances)?,
            None => 1,
        };
        Ok(Placement::Vars(vars))
    }
}

impl PlacementSeed<'_> {
    fn instances_only<E: de::Error>(&self, instances: &Value) -> Result<Placement, E> {
        match NonZeroU32::new(self.count(instances)?) {
            Some(n) => Ok(Placement::Instances(n)),
            None => {
                self.reader.charge_map()?;
                Ok(Placement::Vars(Map::from_iter([("instances".to_owned(), Value::from(0))])))
            }
        }
    }

    fn count<E: de::Error>(&self, instances: &Value) -> Result<u32, E> {
        let number = instances.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= MAX_INSTANCES);
        let refusal = || E::custom(format_args!("must be a whole number from 0 to {MAX_INSTANCES}"));
        self.reader.at("instances", number.ok_or_else(refusal))
    }
}

/// An object's key, borrowed where it holds no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> de::Deserialize<'de> for Key<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
