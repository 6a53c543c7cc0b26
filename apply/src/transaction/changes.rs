//! From what was rendered and what the role has to what is to be done with each file. It touches none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::Deployed;
use super::cleanup::{self, Fitting};
use crate::error::ApplyError;
use crate::files::{Change, ChangeKind, Fate, Staged, StagedFile, Write};
use crate::record::Record;
use crate::role::RenderedRole;
use crate::{RenderedFile, Roots};

/// What a role is to become.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// One for each of `files`, in their order, and then those that go.
    pub(super) changes: Vec<Change>,
    /// What was rendered.
    pub(super) files: &'a [RenderedFile],
    /// What belongs to the role then.
    pub(super) owned: BTreeMap<PathBuf, Digest>,
    /// Those of it into which a secret was printed.
    pub(super) private: BTreeSet<PathBuf>,
    /// Files that go and never were the role's: a pattern of a render file fits them.
    strangers: BTreeSet<PathBuf>,
}

/// Writes what was rendered, removes what the role wrote before and has no longer, and what its render files say is to go.
pub(super) fn wanted<'a>(
    role: &RoleName,
    rendered: &'a RenderedRole,
    former: &Record,
    roots: &Roots,
    others: &dyn Fn(&Path) -> bool,
) -> Result<Wanted<'a>, ApplyError> {
    let mut changes = Vec::with_capacity(rendered.files.len());
    let (mut owned, mut private) = (BTreeMap::new(), BTreeSet::new());
    for file in &rendered.files {
        let RenderedFile { dest, mode, bytes, template, owner, group, backups, .. } = file;
        let write = Write { bytes: bytes.clone(), mode: *mode, owner: owner.clone(), group: group.clone(), backups: *backups };
        changes.push(Change { dest: dest.clone(), template: template.clone(), kind: ChangeKind::Write(write) });
        owned.insert(place(dest, roots), Digest::of(bytes));
        if file.private {
            private.insert(place(dest, roots));
        }
    }
    let (mut gone, mut strangers) = (BTreeMap::new(), BTreeSet::new());
    for (path, digest) in former.files() {
        if !owned.contains_key(path) {
            gone.insert(path.to_owned(), digest);
        }
    }
    for cleanup in &rendered.cleanups {
        let keep: BTreeSet<&str> = cleanup.keep.iter().map(String::as_str).collect();
        for Fitting { name, path, digest } in cleanup::fitting(role, cleanup, roots)? {
            // What is another role's is for that one to remove.
            if !keep.contains(name.as_str()) && !owned.contains_key(&path) && !others(&path) && gone.insert(path.clone(), digest).is_none()
            {
                strangers.insert(path);
            }
        }
    }
    changes.extend(gone.into_iter().map(removal));
    Ok(Wanted { changes, files: &rendered.files, owned, private, strangers })
}

/// Removes all that belongs to the role.
pub(super) fn none<'a>(former: &Record) -> Wanted<'a> {
    let changes = former.files().into_iter().map(|(path, digest)| removal((path.to_owned(), digest))).collect();
    Wanted { changes, files: &[], owned: BTreeMap::new(), private: BTreeSet::new(), strangers: BTreeSet::new() }
}

impl Wanted<'_> {
    /// What is going to be done.
    pub(super) fn outcome(&self, staged: &Staged) -> Deployed {
        let mut deployed = Deployed::default();
        for file in staged.files() {
            let path = file.path.clone();
            match file.fate {
                Fate::Create | Fate::Replace => deployed.written.push(path),
                Fate::Remove => deployed.removed.push(path),
                Fate::Kept if !self.stays_strange(file) => deployed.kept.push(path),
                Fate::Unchanged => deployed.unchanged += 1,
                Fate::Kept | Fate::Gone => {}
            }
        }
        deployed
    }

    /// Whether it was to go, stays, and is the role's as little as before: nothing to tell or to remember, however often it is seen.
    pub(super) fn stays_strange(&self, file: &StagedFile) -> bool {
        file.fate == Fate::Kept && self.strangers.contains(&file.path)
    }
}

fn removal((path, owned): (PathBuf, Digest)) -> Change {
    Change { dest: path.to_string_lossy().into_owned(), template: String::new(), kind: ChangeKind::Remove { owned } }
}

/// The whole path of a destination, in one spelling.
pub fn place(dest: &str, roots: &Roots) -> PathBuf {
    roots.output.join(dest).components().collect()
}
