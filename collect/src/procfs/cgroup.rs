//! What control groups use and may use: the own one, and each that holds processes. It never changes a group.
//!
//! Which files a group has is found out anew every 10 s; between that, they are only read. A host without control groups is no
//! fault and has no such figures.

use std::path::Path;
use std::time::Duration;

use self::figures::Group;
use self::hierarchy::Hierarchies;
use self::tree::Limits;
use super::source::SourceError;
use super::{Reading, Roots, disk};

mod figures;
mod hierarchy;
mod name;
mod tree;

pub(crate) use hierarchy::name_of_process;

/// How long the list of groups stays in use: a new service is seen after that at the latest. Making it opens every
/// directory, with some 50 files in each.
const LIST_AGE: Duration = Duration::from_secs(10);
/// A machine with 100 containers fits: that many groups besides the own one are 1,280 series at most, and at 50 µs of a processor each 7 ms
/// a reading. Such a machine has some 300 directories.
const LIMITS: Limits = Limits { groups: 128, directories: 2_048 };

/// The groups, and when they were listed.
#[derive(Debug, Default)]
pub(super) struct Groups {
    listed: Option<Duration>,
    own: Option<Group>,
    others: Vec<Group>,
    left_out: usize,
    indirect: disk::Devices,
}

impl Groups {
    /// Lists the groups again when the list is old, or when one of them was gone. `now` is the time since the reader's start.
    pub(super) fn follow(&mut self, roots: &Roots, now: Duration) -> Result<(), SourceError> {
        if self.listed.is_some_and(|at| now.saturating_sub(at) < LIST_AGE) {
            return Ok(());
        }
        let hierarchies = Hierarchies::find(&roots.sys);
        let (memberships, outcome) = match hierarchy::own_memberships(&roots.proc) {
            Ok(memberships) => (memberships, Ok(())),
            Err(error) if error.is_absent() => (Vec::new(), Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        self.listed = Some(now);
        self.indirect = disk::indirect(&roots.proc);
        self.own = hierarchies.own_group(&memberships);
        let own_name = self.own.as_ref().map(Group::name);
        let tree::Listed { paths, left_out } = tree::list(&hierarchies, own_name, LIMITS);
        self.others = paths.iter().map(|(name, path)| hierarchies.group(name, path)).collect();
        self.left_out = left_out;
        outcome
    }

    /// Adds `cgroup.*` of the own group.
    pub(super) fn read_own(&mut self, ticks_per_second: u64, reading: &mut Reading) -> Vec<Result<(), SourceError>> {
        let outcomes = self.own.iter().flat_map(|group| group.read(true, ticks_per_second, &self.indirect, reading)).collect();
        self.without_the_gone(outcomes)
    }

    /// Adds `cgroup.*` of the other groups that hold processes.
    pub(super) fn read_others(&mut self, ticks_per_second: u64, reading: &mut Reading) -> Vec<Result<(), SourceError>> {
        reading.left_out += self.left_out;
        let outcomes = self.others.iter().flat_map(|group| group.read(false, ticks_per_second, &self.indirect, reading)).collect();
        self.without_the_gone(outcomes)
    }

    /// A group that ended between two readings is no fault; the list is old then.
    fn without_the_gone(&mut self, outcomes: Vec<Result<(), SourceError>>) -> Vec<Result<(), SourceError>> {
        let (gone, others): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|outcome| outcome.as_ref().is_err_and(SourceError::is_gone));
        if !gone.is_empty() {
            self.listed = None;
        }
        others
    }
}

/// Whether `path` below the root of a hierarchy can be reached: seen from another cgroup namespace it climbs with `..`.
fn is_below(path: &Path) -> bool {
    path.components().all(|component| matches!(component, std::path::Component::Normal(_)))
}

#[cfg(test)]
mod tests;
