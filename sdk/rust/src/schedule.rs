//! Builds a schedule that the host's `admit` cannot refuse for its form: names are checked, peers are those of the input,
//! instances are never zero, numbers are finite. It decides nothing.

mod place;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Serialize;
use verwalter_core::names::RoleName;

use crate::error::Error;
use crate::input::Input;
use crate::json;

pub use place::Place;
use place::Placement;

/// The most instances of one role on one node.
pub use verwalter_core::schedule::MAX_INSTANCES;

/// Variables: each name with its JSON text.
pub(crate) type Vars = BTreeMap<String, String>;

/// A schedule that is being made.
#[derive(Debug, Clone)]
pub struct Schedule {
    peers: usize,
    vars: Vars,
    roles: BTreeMap<RoleName, RoleParts>,
    nodes: BTreeMap<u32, Vars>,
    state: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct RoleParts {
    vars: Vars,
    placements: Vec<Placement>,
    /// What placements say: their variables' JSON and their reasons, one after the other.
    text: String,
}

impl Schedule {
    /// An empty schedule over the input's peers.
    pub fn new(input: &Input<'_>) -> Result<Schedule, Error> {
        let peers = input.len();
        u32::try_from(peers).map_err(|_| Error::own("more peers than a schedule can name"))?;
        Ok(Schedule { peers, vars: Vars::new(), roles: BTreeMap::new(), nodes: BTreeMap::new(), state: None })
    }

    /// The role `name`, new or begun before. A role without placements is in the schedule too.
    pub fn role(&mut self, name: RoleName) -> Role<'_> {
        Role { peers: self.peers, name: name.clone(), parts: self.roles.entry(name).or_default() }
    }

    /// Sets a variable of every role on every node: the most general level.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<&mut Schedule, Error> {
        set(&mut self.vars, key, value)?;
        Ok(self)
    }

    /// Sets a variable of every role on peer `peer`: more specific than a role's, less than a placement's.
    pub fn set_on<T: Serialize + ?Sized>(&mut self, peer: usize, key: &str, value: &T) -> Result<&mut Schedule, Error> {
        let peer = position(peer, self.peers, "(any)")?;
        set(self.nodes.entry(peer).or_default(), key, value)?;
        Ok(self)
    }

    /// Keeps something for the next decision, which finds it in its parent. It is part of the schedule: when it changes, a new
    /// schedule comes into force.
    pub fn state<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<&mut Schedule, Error> {
        self.state = Some(json::to_string(value).map_err(|source| Error::Value { key: "state".to_owned(), source })?);
        Ok(self)
    }

    /// Appends the schedule's JSON, placements in the short notation.
    pub(crate) fn write(&self, input: &Input<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"roles\":{");
        for (name, role) in &self.roles {
            member(name.as_str(), out);
            out.push(b'{');
            write_vars(&role.vars, out);
            member("place", out);
            place::write_placements(&role.placements, &role.text, input, out);
            out.push(b'}');
        }
        out.push(b'}');
        if !self.vars.is_empty() {
            out.extend_from_slice(b",\"vars\":");
            write_object(&self.vars, out);
        }
        if !self.nodes.is_empty() {
            out.extend_from_slice(b",\"nodes\":{");
            for (peer, vars) in &self.nodes {
                member(input.hostname(*peer as usize).expect("checked when it was set"), out);
                out.extend_from_slice(b"{\"vars\":");
                write_object(vars, out);
                out.push(b'}');
            }
            out.push(b'}');
        }
        if let Some(state) = &self.state {
            out.extend_from_slice(b",\"state\":");
            out.extend_from_slice(state.as_bytes());
        }
        out.push(b'}');
    }

    /// Appends the reasons: role to hostname to text. Nothing where no reason was given.
    pub(crate) fn write_why(&self, input: &Input<'_>, out: &mut Vec<u8>) {
        let before = out.len();
        out.extend_from_slice(b",\"why\":{");
        let begun = out.len();
        for (name, role) in &self.roles {
            if role.placements.iter().any(Placement::has_why) {
                member(name.as_str(), out);
                place::write_reasons(&role.placements, &role.text, input, out);
            }
        }
        if out.len() == begun { out.truncate(before) } else { out.push(b'}') }
    }

    /// About how long the answer will be, in bytes.
    pub(crate) fn size_hint(&self) -> usize {
        let per_role = |role: &RoleParts| 256 + role.placements.len() * 48 + role.text.len() + role.text.len() / 8;
        self.roles.values().map(per_role).sum::<usize>() + self.nodes.len() * 64 + self.state.as_ref().map_or(0, String::len)
    }
}

/// One role of a schedule that is being made.
#[derive(Debug)]
pub struct Role<'s> {
    peers: usize,
    name: RoleName,
    parts: &'s mut RoleParts,
}

impl Role<'_> {
    /// Sets a variable of this role on every node. `template`, written `ROLE/VERSION`, names what the nodes render.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<&mut Self, Error> {
        if key == "place" {
            return Err(Error::Reserved(key.to_owned()));
        }
        set(&mut self.parts.vars, key, value)?;
        Ok(self)
    }

    /// Reserves room for so many placements.
    pub fn reserve(&mut self, placements: usize, text_bytes: usize) {
        self.parts.placements.reserve(placements);
        self.parts.text.reserve(text_bytes);
    }

    /// Places `instances` on peer `peer`; at most [`MAX_INSTANCES`]. A second call for the same peer replaces the first. Cheapest
    /// in ascending order of peers.
    pub fn place(&mut self, peer: usize, instances: NonZeroU32) -> Result<Place<'_>, Error> {
        if peer >= self.peers {
            return Err(Error::NoPeer { role: self.name.to_string(), peer, peers: self.peers });
        }
        let peer = position(peer, self.peers, self.name.as_str())?;
        if instances.get() > MAX_INSTANCES {
            return Err(Error::own(format!("role `{}`: {instances} instances on one node, at most {MAX_INSTANCES} may be", self.name)));
        }
        Ok(Place::new(peer, instances, self.parts))
    }
}

fn position(peer: usize, peers: usize, role: &str) -> Result<u32, Error> {
    match u32::try_from(peer) {
        Ok(position) if peer < peers => Ok(position),
        _ => Err(Error::NoPeer { role: role.to_owned(), peer, peers }),
    }
}

pub(crate) fn set<T: Serialize + ?Sized>(vars: &mut Vars, key: &str, value: &T) -> Result<(), Error> {
    let text = json::to_string(value).map_err(|source| Error::Value { key: key.to_owned(), source })?;
    vars.insert(key.to_owned(), text);
    Ok(())
}

fn write_vars(vars: &Vars, out: &mut Vec<u8>) {
    for (key, value) in vars {
        member(key, out);
        out.extend_from_slice(value.as_bytes());
    }
}

/// Appends `{key: value}`.
pub(crate) fn write_object(vars: &Vars, out: &mut Vec<u8>) {
    out.push(b'{');
    write_vars(vars, out);
    out.push(b'}');
}

/// Appends `"key":`, after a comma unless it is the object's first.
pub(crate) fn member(key: &str, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    json::bytes::write_str(key, out);
    out.push(b':');
}

#[cfg(test)]
mod tests;
