//! What changed below a directory, by what the kernel notes of every file: whoever writes, renames, makes or removes leaves a mark there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Of one file or directory.
#[derive(PartialEq, Eq)]
struct Mark {
    is_file: bool,
    inode: u64,
    modified: (i64, i64),
    /// Also by what sets times back.
    changed: (i64, i64),
}

/// All marks of a tree.
pub(crate) struct Tree(BTreeMap<PathBuf, Mark>);

impl Tree {
    pub(crate) fn of(dir: &Path) -> Tree {
        let mut marks = BTreeMap::new();
        below(dir, &mut marks);
        Tree(marks)
    }

    /// Files and directories that are not what they were.
    pub(crate) fn changed(&self, now: &Tree) -> usize {
        let gone = self.0.keys().filter(|path| !now.0.contains_key(*path)).count();
        gone + now.0.iter().filter(|(path, mark)| self.0.get(*path) != Some(mark)).count()
    }

    /// Files below a directory that are new or other ones.
    pub(crate) fn files_changed(&self, now: &Tree, below: &Path) -> usize {
        now.0.iter().filter(|(path, mark)| mark.is_file && path.starts_with(below) && self.0.get(*path) != Some(mark)).count()
    }
}

fn below(path: &Path, marks: &mut BTreeMap<PathBuf, Mark>) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    let mark = Mark {
        is_file: meta.is_file(),
        inode: meta.ino(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    };
    marks.insert(path.to_owned(), mark);
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("it can be listed").flatten() {
            below(&entry.path(), marks);
        }
    }
}
