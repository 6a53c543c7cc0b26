//! A root in a temporary directory, and what is found in it. It decides nothing.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use crate::files::{Change, ChangeKind, Direct, Staged, Write, finish, stage, swap};
use crate::{Applied, ApplyError, Roots};

pub(super) struct Site {
    pub(super) temp: tempfile::TempDir,
    pub(super) roots: Roots,
}

/// A place below the site: its mode, and the bytes of a file or the target of a symlink.
pub(super) type Found = (PathBuf, u32, Option<Vec<u8>>);

impl Site {
    pub(super) fn new() -> Site {
        Site::at(tempfile::tempdir().expect("a temporary directory"))
    }

    /// In memory where the machine offers that: hundreds of crashes wait for no disk.
    pub(super) fn in_memory() -> Site {
        tempfile::tempdir_in("/dev/shm").map_or_else(|_| Site::new(), Site::at)
    }

    fn at(temp: tempfile::TempDir) -> Site {
        let roots = Roots { output: temp.path().join("out"), writes: vec![temp.path().join("extra")] };
        fs::create_dir(temp.path().join("extra")).expect("mkdir");
        fs::create_dir(temp.path().join("out")).expect("mkdir");
        Site { temp, roots }
    }

    pub(super) fn out(&self, path: &str) -> PathBuf {
        self.roots.output.join(path)
    }

    pub(super) fn extra(&self, path: &str) -> String {
        self.roots.writes[0].join(path).into_os_string().into_string().expect("text")
    }

    pub(super) fn stage(&self, changes: &[Change]) -> Result<Staged, ApplyError> {
        stage(&role(), changes, &self.roots, &Direct)
    }

    pub(super) fn apply(&self, changes: &[Change]) -> Result<Applied, ApplyError> {
        let entries = self.stage(changes)?.into_entries();
        let applied = swap(&entries, &Direct)?;
        finish(&entries, &Direct)?;
        Ok(applied)
    }

    /// The names in the output root.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.roots.output).expect("read");
        let mut names: Vec<String> = entries.map(|e| e.expect("entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    /// Everything below the whole site but the staging.
    pub(super) fn tree(&self) -> Vec<Found> {
        tree(self.temp.path())
    }
}

pub(super) fn tree(at: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    let mut open = vec![at.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).expect("read") {
            let path = entry.expect("entry").path();
            if path.ends_with(".vw-staging") {
                continue;
            }
            let meta = fs::symlink_metadata(&path).expect("stat");
            let bytes = match meta.file_type() {
                kind if kind.is_file() => Some(fs::read(&path).expect("read")),
                kind if kind.is_symlink() => {
                    Some(fs::read_link(&path).expect("readlink").into_os_string().into_string().expect("text").into())
                }
                _ => None,
            };
            if meta.is_dir() {
                open.push(path.clone());
            }
            found.push((path, meta.mode(), bytes));
        }
    }
    found.sort();
    found
}

pub(super) fn role() -> RoleName {
    RoleName::new("web").expect("valid")
}

pub(super) fn write(dest: &str, text: &str) -> Change {
    let write = Write { bytes: text.into(), mode: 0o640, ..Write::default() };
    Change { dest: dest.into(), template: "t.hbs".into(), kind: ChangeKind::Write(write) }
}

pub(super) fn remove(dest: &str, owned: &str) -> Change {
    Change { dest: dest.into(), template: String::new(), kind: ChangeKind::Remove { owned: Digest::of(owned.as_bytes()) } }
}
