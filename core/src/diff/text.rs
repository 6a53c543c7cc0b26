//! A diff as JSON for plugins and programs, and as lines for people.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Change, Diff, RoleDiff};

/// `{"added": {ROLE: {HOST: n}}, "removed": {ROLE: {HOST: n}}, "moved": {ROLE: n}, "changed": {ROLE: [HOST…]}}`, roles and hosts in
/// ascending order; what is empty is left out below the four keys.
impl Serialize for Diff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Diff", 4)?;
        fields.serialize_field("added", &Counts { roles: &self.roles, count: Change::added })?;
        fields.serialize_field("removed", &Counts { roles: &self.roles, count: Change::removed })?;
        fields.serialize_field("moved", &Moved(&self.roles))?;
        fields.serialize_field("changed", &Changed(&self.roles))?;
        fields.end()
    }
}

/// One direction: role to hostname to number of instances.
struct Counts<'a> {
    roles: &'a [RoleDiff],
    count: fn(&Change) -> Option<u32>,
}

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let any = |role: &&RoleDiff| role.changes.iter().any(|change| (self.count)(change).is_some());
        serializer.collect_map(self.roles.iter().filter(any).map(|role| (role.role.as_str(), OfRole { role, count: self.count })))
    }
}

struct OfRole<'a> {
    role: &'a RoleDiff,
    count: fn(&Change) -> Option<u32>,
}

impl Serialize for OfRole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = |change: &'_ Change| (self.count)(change);
        serializer.collect_map(self.role.changes.iter().filter_map(|change| Some((change.hostname.as_str(), counted(change)?))))
    }
}

struct Moved<'a>(&'a [RoleDiff]);

impl Serialize for Moved<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|role| role.moved > 0).map(|role| (role.role.as_str(), role.moved)))
    }
}

struct Changed<'a>(&'a [RoleDiff]);

impl Serialize for Changed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let any = |role: &&RoleDiff| role.changes.iter().any(Change::only_vars);
        serializer.collect_map(self.0.iter().filter(any).map(|role| (role.role.as_str(), ChangedHosts(role))))
    }
}

struct ChangedHosts<'a>(&'a RoleDiff);

impl Serialize for ChangedHosts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.changes.iter().filter(|change| change.only_vars()).map(|change| change.hostname.as_str()))
    }
}

/// One change for people: `+ web on alpha: 0 → 2`, `- web on beta: 2 → 1`, `~ web on gamma: variables`.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    role: &'a RoleDiff,
    change: &'a Change,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, Change { hostname, before, after }) = (&self.role.role, self.change);
        if self.change.only_vars() {
            return write!(f, "~ {role} on {hostname}: variables");
        }
        let sign = if after > before { '+' } else { '-' };
        write!(f, "{sign} {role} on {hostname}: {before} → {after}")
    }
}

impl Diff {
    /// All changes for people, by role and hostname. There may be as many as there are placements: the caller decides how many it shows.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.roles.iter().flat_map(|role| role.changes.iter().map(move |change| Line { role, change }))
    }
}

/// All lines, each ended by a newline; nothing for an empty diff.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().try_for_each(|line| writeln!(f, "{line}"))
    }
}
