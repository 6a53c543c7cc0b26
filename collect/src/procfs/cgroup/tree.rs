//! Which control groups hold processes. It stays within a depth, a number of directories and a number of groups, and chooses the same
//! ones each time: those nearer to the root first, then by name.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::hierarchy::Hierarchies;
use super::name;

/// Deepest level that is looked at; the root is 0. Containers of Kubernetes are at 4, services within a person's session at 5.
const MAX_DEPTH: usize = 8;

/// How much is looked at and kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Most groups.
    pub(super) groups: usize,
    /// Most directories of a hierarchy.
    pub(super) directories: usize,
}

/// Groups that hold processes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Listed {
    /// Names and paths below the root, those nearer to the root first.
    pub(super) paths: Vec<(String, PathBuf)>,
    /// How many found no room.
    pub(super) left_out: usize,
}

/// The groups below the roots of `hierarchies`, without the one called `own`.
pub(super) fn list(hierarchies: &Hierarchies, own: Option<&str>, limits: Limits) -> Listed {
    // By level and name: of two paths with one name the first counts.
    let mut found = BTreeMap::new();
    for root in hierarchies.roots() {
        walk(root, limits.directories, &mut found);
    }
    found.retain(|(_, name), _| Some(name.as_str()) != own);
    let left_out = found.len().saturating_sub(limits.groups);
    Listed { paths: found.into_iter().take(limits.groups).map(|((_, name), path)| (name, path)).collect(), left_out }
}

fn walk(root: &Path, max_directories: usize, found: &mut BTreeMap<(usize, String), PathBuf>) {
    let mut ahead = VecDeque::from([(PathBuf::new(), 0)]);
    let mut looked_at = 0;
    while let Some((path, depth)) = ahead.pop_front() {
        looked_at += 1;
        if looked_at > max_directories {
            return;
        }
        let directory = root.join(&path);
        if let Some(name) = name::name(&path).filter(|_| holds_processes(&directory)) {
            found.entry((depth, name)).or_insert_with(|| path.clone());
        }
        if depth < MAX_DEPTH {
            let room = max_directories.saturating_sub(looked_at + ahead.len());
            ahead.extend(below(&directory, depth + 1).into_iter().take(room).map(|name| (path.join(name), depth + 1)));
        }
    }
}

/// The groups directly below `directory`, by name, without those that are no services.
fn below(directory: &Path, depth: usize) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<_> = directories.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name::is_skipped(name, depth));
    names.sort_unstable();
    names
}

/// Whether a process is in the group itself, not only in those below it. A group of threads answers with an error: its processes count above.
fn holds_processes(directory: &Path) -> bool {
    // The kernel makes the list as it is read: a few bytes of it cost nothing.
    File::open(directory.join("cgroup.procs")).and_then(|mut file| file.read(&mut [0; 16])).is_ok_and(|length| length > 0)
}
