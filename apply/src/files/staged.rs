//! A role whose files wait in the staging: what is to happen to each, and the entries that make it happen. Dropped, it leaves nothing behind.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use verwalter_core::names::RoleName;

use super::change::Fate;
use super::dir::{Dir, open_root};
use super::entry::Entry;
use super::staging;
use super::steps::Direct;

/// A role whose files are staged and not swapped in.
///
/// Dropped in the process that staged it, it removes the staging, unless [`Staged::into_entries`] was called.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staged {
    pub(super) role: RoleName,
    pub(super) files: Vec<StagedFile>,
    pub(super) entries: Vec<Entry>,
    /// The roots where this process removes what waits. They are not told to other processes.
    #[serde(skip)]
    pub(super) roots: Vec<PathBuf>,
}

/// One file of a role, in the order of the changes that were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagedFile {
    /// The place of the file.
    pub path: PathBuf,
    /// The root that it lies below.
    pub root: PathBuf,
    /// What is done there.
    pub fate: Fate,
    /// Where the new file waits, for [`Fate::Create`] and [`Fate::Replace`]. It has the name of the file.
    pub staged: Option<PathBuf>,
}

impl StagedFile {
    /// The file that has the new bytes: the staged one, or the one in place when it is unchanged. None when the role has no such file.
    pub fn fresh(&self) -> Option<&Path> {
        match self.fate {
            Fate::Create | Fate::Replace => self.staged.as_deref(),
            Fate::Unchanged => Some(&self.path),
            Fate::Remove | Fate::Kept | Fate::Gone => None,
        }
    }

    /// The first `limit` bytes of what is in place now. None when there is no file, or none that this process may read.
    pub fn former(&self, limit: u64) -> io::Result<Option<Former>> {
        let Ok(below) = self.path.strip_prefix(&self.root) else { return Ok(None) };
        let Some(name) = below.file_name().map(Path::new) else { return Ok(None) };
        let read = || -> io::Result<Option<Former>> {
            let dir = Dir::beneath(&open_root(&self.root)?, below.parent().unwrap_or(Path::new("")))?;
            let Some(look) = dir.look_at(name)?.filter(|look| look.is_file()) else { return Ok(None) };
            let mut bytes = Vec::new();
            dir.open_file(name, look.inode)?.take(limit).read_to_end(&mut bytes)?;
            Ok(Some(Former { len: look.len.max(bytes.len() as u64), mode: look.mode, bytes }))
        };
        match read() {
            Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied) => {
                Ok(None)
            }
            other => other,
        }
    }
}

/// A file that is in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// How many it has in all.
    pub len: u64,
    /// Its permission bits.
    pub mode: u32,
}

impl Staged {
    /// Whose files these are.
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// The files, in the order of the changes that were given.
    pub fn files(&self) -> &[StagedFile] {
        &self.files
    }

    /// What has to be in a journal before it is swapped in. Empty when there is nothing to do.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many files are as they should be.
    pub fn unchanged(&self) -> usize {
        self.files.iter().filter(|file| matches!(file.fate, Fate::Unchanged | Fate::Gone)).count()
    }

    /// Leaves what is staged when this is dropped: another process answers for it.
    pub(crate) fn disown(&mut self) {
        self.roots.clear();
    }

    /// The entries, which from now on the caller answers for: it swaps and finishes, or undoes them.
    pub fn into_entries(mut self) -> Vec<Entry> {
        self.disown();
        std::mem::take(&mut self.entries)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for root in &self.roots {
            // What cannot be removed now is removed by the next staging of the role. What was swapped all the same is not ours to end.
            let _ = open_root(root)
                .and_then(|root| Dir::beneath(&root, Path::new("")))
                .and_then(|root| staging::remove_unswapped(&root, &self.role, &Direct));
        }
    }
}
