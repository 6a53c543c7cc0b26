//! Looks at the place of one file of a role: is it free or a file, may its directory be written, is it of the root's file system? It
//! changes nothing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir as Root;
use rustix::fs::FileType;
use verwalter_core::names::RoleName;

use super::dir::{Dir, Look, Mount};
use crate::ApplyError;
use crate::destination::Destination;
use crate::error::failure;

/// One destination in its root.
pub(super) struct Place<'a> {
    pub(super) role: &'a RoleName,
    pub(super) root: &'a Root,
    /// Of the root itself.
    pub(super) mount: Mount,
    pub(super) destination: &'a Destination,
}

/// What is at a destination.
#[derive(Debug)]
pub(super) struct Found {
    /// The nearest directory that exists.
    pub(super) dir: Dir,
    /// Directories to be made, nearest to the root first.
    pub(super) missing: Vec<PathBuf>,
    /// The file in place.
    pub(super) file: Option<Look>,
}

impl Place<'_> {
    /// Looks. Files in `removed`, whole paths, are taken for gone.
    pub(super) fn find(&self, removed: &BTreeSet<PathBuf>) -> Result<Found, ApplyError> {
        let mut missing = Vec::new();
        for ancestor in self.destination.below.ancestors().skip(1) {
            if removed.contains(&self.destination.root.join(ancestor)) {
                missing.push(ancestor.to_owned());
                continue;
            }
            match Dir::beneath(self.root, ancestor) {
                Ok(dir) => {
                    missing.reverse();
                    let file = if missing.is_empty() && !removed.contains(&self.destination.path()) { self.file(&dir)? } else { None };
                    return Ok(Found { dir, missing, file });
                }
                Err(err) if err.kind() == io::ErrorKind::NotFound => {
                    // Absent, unless it is a symlink to nowhere, which mkdir would not mend.
                    if self.root.symlink_metadata(ancestor).is_ok() {
                        return Err(self.occupied(ancestor, "a symlink to nowhere"));
                    }
                    missing.push(ancestor.to_owned());
                }
                Err(err) if err.kind() == io::ErrorKind::NotADirectory => {
                    // It, or something above it, which is told when the loop gets there.
                    if self.root.symlink_metadata(ancestor).is_ok() {
                        return Err(self.io(ancestor, err));
                    }
                    missing.push(ancestor.to_owned());
                }
                Err(err) => return Err(self.io(ancestor, err)),
            }
        }
        Err(self.io(Path::new(""), io::ErrorKind::NotFound.into()))
    }

    /// The name of the file.
    pub(super) fn name(&self) -> &Path {
        self.destination.below.file_name().map_or(Path::new(""), Path::new)
    }

    fn file(&self, dir: &Dir) -> Result<Option<Look>, ApplyError> {
        let below = &self.destination.below;
        let Some(look) = dir.look_at(self.name()).map_err(|err| self.io(below, err))? else { return Ok(None) };
        match look.file_type {
            FileType::RegularFile => Ok(Some(look)),
            FileType::Symlink => Err(self.occupied(below, "a symlink")),
            FileType::Directory => Err(self.occupied(below, "a directory")),
            _ => Err(self.occupied(below, "a device, pipe or socket")),
        }
    }

    /// A file can be moved there from the root's staging directory.
    pub(super) fn check_movable(&self, found: &Found) -> Result<(), ApplyError> {
        let nearest = self.destination.below.ancestors().nth(1 + found.missing.len()).unwrap_or(Path::new(""));
        let look = found.dir.look().map_err(|err| self.io(nearest, err))?;
        if !self.mount.is_same(look.mount, look.file_type) {
            return Err(self.mounted(nearest));
        }
        if found.file.is_some_and(|file| !self.mount.is_same(file.mount, file.file_type)) {
            return Err(self.occupied(&self.destination.below, "a mount point"));
        }
        found.dir.check_writable().map_err(|err| self.io(nearest, err))
    }

    fn mounted(&self, below: &Path) -> ApplyError {
        let path = self.destination.root.join(below);
        ApplyError::Mounted { role: self.role.clone(), path, root: self.destination.root.clone() }
    }

    pub(super) fn occupied(&self, below: &Path, what: &'static str) -> ApplyError {
        ApplyError::Occupied { role: self.role.clone(), path: self.destination.root.join(below), what: what.into() }
    }

    pub(super) fn io(&self, below: &Path, source: io::Error) -> ApplyError {
        failure(self.role, &self.destination.root, below, source)
    }
}
