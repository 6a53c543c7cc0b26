//! Where control groups are mounted, in version 2 and 1, and which ones a process is in. It reads no figure.

use std::path::{Path, PathBuf};

use super::super::source::{self, SourceError};
use super::figures::{Group, Place};
use super::name::name;

/// The hierarchies of version 1 whose figures or groups are of use, as directories are called and as `/proc/PID/cgroup` calls them.
/// Controllers that are mounted together have a link for each. The first one that a process is in names its group.
const VERSION_1: [(&str, &str); 5] =
    [("systemd", "name=systemd"), ("memory", "memory"), ("cpuacct", "cpuacct"), ("pids", "pids"), ("blkio", "blkio")];

/// The mounts.
#[derive(Debug, Clone, Default)]
pub(super) struct Hierarchies {
    /// Version 2.
    unified: Option<PathBuf>,
    /// Version 1: the controller and its mount.
    legacy: Vec<(&'static str, PathBuf)>,
}

/// One hierarchy that a process is in: its controllers, none for version 2, and the path below its root.
pub(super) type Membership = (String, PathBuf);

impl Hierarchies {
    /// What is mounted below `sys`.
    pub(super) fn find(sys: &Path) -> Hierarchies {
        let mount = sys.join("fs/cgroup");
        // With both versions in use, systemd mounts the second one below the first.
        let unified = mount.join("unified");
        let has_version_2 = |root: &Path| root.join("cgroup.controllers").exists();
        let legacy: Vec<_> = VERSION_1
            .iter()
            .map(|(name, _)| (*name, mount.join(name)))
            .filter(|(_, root)| !has_version_2(&mount) && root.is_dir())
            .collect();
        let unified = if has_version_2(&unified) {
            Some(unified)
        } else if legacy.is_empty() || has_version_2(&mount) {
            // A container may see its groups without the file that says what they are.
            Some(mount)
        } else {
            None
        };
        Hierarchies { unified, legacy }
    }

    /// The roots, version 2 first.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Path> {
        self.unified.iter().chain(self.legacy.iter().map(|(_, root)| root)).map(PathBuf::as_path)
    }

    /// The group at `path` in all hierarchies.
    pub(super) fn group(&self, name: &str, path: &Path) -> Group {
        let place = Place {
            unified: self.unified.as_ref().map(|root| root.join(path)),
            legacy: self.legacy.iter().map(|(controller, root)| (*controller, root.join(path))).collect(),
        };
        Group::find(name, &place)
    }

    /// The group of a process with `memberships`, which may differ from hierarchy to hierarchy. `None` where it is in the roots only, or
    /// in groups that cannot be reached.
    pub(super) fn own_group(&self, memberships: &[Membership]) -> Option<Group> {
        let name = group_name(memberships)?;
        let path = |controller: &str| path_in(memberships, controller);
        let place = Place {
            unified: self.unified.as_ref().and_then(|root| Some(root.join(path("")?))),
            legacy: self.legacy.iter().filter_map(|(controller, root)| Some((*controller, root.join(path(named(controller))?)))).collect(),
        };
        Some(Group::find(&name, &place))
    }
}

/// What `/proc/PID/cgroup` calls the hierarchy whose directory is `directory`.
fn named(directory: &str) -> &str {
    VERSION_1.iter().find(|(name, _)| *name == directory).map_or(directory, |(_, named)| named)
}

/// The path in the hierarchy with `controller`; `None` for its root.
fn path_in<'a>(memberships: &'a [Membership], controller: &str) -> Option<&'a Path> {
    let is_it = |(controllers, _): &&Membership| controllers.split(',').any(|one| one == controller);
    let (_, path) = memberships.iter().find(is_it)?;
    Some(path.as_path()).filter(|path| !path.as_os_str().is_empty())
}

/// The name of the group that a process with `memberships` is in: of version 2, else of the first of version 1 below its root.
fn group_name(memberships: &[Membership]) -> Option<String> {
    let controllers = std::iter::once("").chain(VERSION_1.iter().map(|(_, named)| *named));
    controllers.filter_map(|controller| path_in(memberships, controller)).find_map(name)
}

/// The group of the process whose `/proc/PID/cgroup` says `text`; `None` where it is in none but the root.
pub(crate) fn name_of_process(text: &str) -> Option<String> {
    group_name(&memberships(text))
}

/// What the own process is in.
pub(super) fn own_memberships(proc: &Path) -> Result<Vec<Membership>, SourceError> {
    Ok(memberships(&source::read_text(&proc.join("self/cgroup"))?))
}

fn memberships(text: &str) -> Vec<Membership> {
    let membership = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(":/")?;
        Some((controllers.to_owned(), PathBuf::from(path))).filter(|(_, path)| super::is_below(path))
    };
    text.lines().filter_map(membership).collect()
}
