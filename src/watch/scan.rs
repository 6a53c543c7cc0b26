//! The tree as `stat` shows it: enough to tell that something changed, without reading a file. It follows links, but never in circles.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{ChangeSet, PARTS};

/// Entries that are compared: above what a tree holds; with more, only the kernel's events tell about the rest.
const MAX_ENTRIES: usize = 50_000;
/// Directories in directories, as deep as the reader of the tree goes, and a bit.
const MAX_DEPTH: usize = 24;

/// One look at the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Scan {
    entries: BTreeMap<PathBuf, Stamp>,
}

/// What tells one state of an entry from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    /// A directory's times change with every temporary file in it; what it holds is compared by itself.
    Directory { identity: Identity },
    /// The change time tells what the modification time hides: another mode or owner, a file put back with its old time.
    File { identity: Identity, size_bytes: u64, modified: (i64, i64), changed: (i64, i64) },
    /// It is there and cannot be looked at.
    Unknown,
}

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Stamp {
    /// Of anything but a directory.
    fn of_file(meta: &Metadata) -> Stamp {
        let modified = (meta.mtime(), meta.mtime_nsec());
        let changed = (meta.ctime(), meta.ctime_nsec());
        Stamp::File { identity: Identity::of(meta), size_bytes: meta.size(), modified, changed }
    }
}

impl Identity {
    fn of(meta: &Metadata) -> Identity {
        Identity { device: meta.dev(), inode: meta.ino() }
    }
}

impl Scan {
    /// Looks at the watched parts below `dir`.
    pub(super) fn of(dir: &Path) -> Scan {
        let mut scan = Scan::default();
        if let Ok(meta) = fs::metadata(dir) {
            let identity = Identity::of(&meta);
            scan.entries.insert(dir.to_owned(), Stamp::Directory { identity });
            for part in PARTS {
                scan.visit(dir.join(part), &mut vec![identity]);
            }
        }
        scan
    }

    fn visit(&mut self, path: PathBuf, above: &mut Vec<Identity>) {
        if self.entries.len() >= MAX_ENTRIES || above.len() > MAX_DEPTH {
            return;
        }
        let Ok(meta) = fs::metadata(&path) else {
            // A dangling link is a state too: when its target appears, that is a change.
            if fs::symlink_metadata(&path).is_ok() {
                self.entries.insert(path, Stamp::Unknown);
            }
            return;
        };
        let identity = Identity::of(&meta);
        if !meta.is_dir() {
            self.entries.insert(path, Stamp::of_file(&meta));
            return;
        }
        let in_a_circle = above.contains(&identity);
        let listed = fs::read_dir(&path);
        self.entries.insert(path, if listed.is_ok() { Stamp::Directory { identity } } else { Stamp::Unknown });
        if in_a_circle {
            return;
        }
        above.push(identity);
        for entry in listed.into_iter().flatten().flatten() {
            // Hidden files are no part of the tree: editors' temporary ones, the targets of mounted volumes' links.
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                self.visit(entry.path(), above);
            }
        }
        above.pop();
    }

    /// The directories, for watching them.
    pub(super) fn directories(&self) -> impl Iterator<Item = (&PathBuf, Identity)> {
        self.entries.iter().filter_map(|(path, stamp)| match stamp {
            Stamp::Directory { identity } => Some((path, *identity)),
            Stamp::File { .. } | Stamp::Unknown => None,
        })
    }

    /// Whether this file looks now as it did then. Of what it had no room for it knows nothing, and says yes.
    pub(super) fn has_still(&self, path: &Path) -> bool {
        let now = fs::metadata(path).ok().filter(|meta| !meta.is_dir()).map(|meta| Stamp::of_file(&meta));
        match self.entries.get(path) {
            Some(then) => now == Some(*then),
            None => self.entries.len() >= MAX_ENTRIES || now.is_none(),
        }
    }

    /// The entries that differ between this look and a later one.
    pub(super) fn differing(&self, later: &Scan) -> Vec<PathBuf> {
        let gone_or_changed = self.entries.iter().filter(|(path, stamp)| later.entries.get(*path) != Some(*stamp));
        let new = later.entries.iter().filter(|(path, _)| !self.entries.contains_key(*path));
        gone_or_changed.chain(new).map(|(path, _)| path.clone()).collect()
    }

    /// Which parts they belong to.
    pub(super) fn difference(&self, later: &Scan, dir: &Path) -> ChangeSet {
        let mut changes = ChangeSet::default();
        for path in self.differing(later) {
            changes.add(ChangeSet::of(dir, &path));
        }
        changes
    }
}
