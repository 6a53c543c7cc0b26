//! The work on files as the transaction sees it: done here or in a child. It decides nothing.

use std::path::PathBuf;

use verwalter_core::names::RoleName;

use super::change::Change;
use super::entry::Entry;
use super::identify::Identified;
use super::staged::{Former, Staged, StagedFile};
use super::steps::Steps;
use super::undo::Undone;
use crate::{Applied, ApplyError, Roots};

/// Whoever works on files.
pub trait FileWork {
    /// See [`stage`](super::stage()).
    fn stage(&mut self, role: &RoleName, changes: &[Change]) -> Result<Staged, ApplyError>;

    /// See [`preview`](super::preview()).
    fn preview(&mut self, role: &RoleName, changes: &[Change]) -> Result<Vec<StagedFile>, ApplyError>;

    /// See [`StagedFile::former`].
    fn former(&mut self, role: &RoleName, file: &StagedFile, limit: u64) -> Result<Option<Former>, ApplyError>;

    /// See [`identify`](super::identify()).
    fn identify(&mut self, role: &RoleName, dests: &[String], known: &[PathBuf]) -> Result<Vec<Identified>, ApplyError>;

    /// See [`swap`](super::swap()).
    fn swap(&mut self, entries: &[Entry]) -> Result<Applied, ApplyError>;

    /// See [`undo`](super::undo()).
    fn undo(&mut self, entries: &[Entry]) -> Result<Undone, ApplyError>;

    /// See [`finish`](super::finish()).
    fn finish(&mut self, entries: &[Entry]) -> Result<(), ApplyError>;
}

/// The work done in this process, with all that its user may do.
pub struct InProcess<'a> {
    /// Where files may be written.
    pub roots: &'a Roots,
    /// Called before every step.
    pub steps: &'a dyn Steps,
}

impl FileWork for InProcess<'_> {
    fn stage(&mut self, role: &RoleName, changes: &[Change]) -> Result<Staged, ApplyError> {
        super::stage(role, changes, self.roots, self.steps)
    }

    fn preview(&mut self, role: &RoleName, changes: &[Change]) -> Result<Vec<StagedFile>, ApplyError> {
        super::preview(role, changes, self.roots)
    }

    fn former(&mut self, role: &RoleName, file: &StagedFile, limit: u64) -> Result<Option<Former>, ApplyError> {
        file.former(limit).map_err(|source| ApplyError::Io { role: role.clone(), path: file.path.clone(), source })
    }

    fn identify(&mut self, role: &RoleName, dests: &[String], known: &[PathBuf]) -> Result<Vec<Identified>, ApplyError> {
        super::identify(role, dests, known, self.roots)
    }

    fn swap(&mut self, entries: &[Entry]) -> Result<Applied, ApplyError> {
        super::swap(entries, self.steps)
    }

    fn undo(&mut self, entries: &[Entry]) -> Result<Undone, ApplyError> {
        super::undo(entries, self.steps)
    }

    fn finish(&mut self, entries: &[Entry]) -> Result<(), ApplyError> {
        super::finish(entries, self.steps)
    }
}
