//! What a role becomes on a machine: files, checks and commands, all of it or nothing.
//!
//! A crate of its own: it needs neither templates nor the sandbox of plugins, so it builds and tests in seconds.
//!
//! | module | owns |
//! |---|---|
//! | [`role`] | what was rendered, as data |
//! | [`format`](mod@format) | the syntax that a file must have |
//! | [`files`] | files staged, swapped in by one rename each, undone from entries |
//! | [`confine`] | the same in a process that the kernel keeps below the node's [`Roots`] |
//! | [`command`] | commands below a supervising child, within what the node permits |
//! | [`health`] | waiting until a service is well |
//! | [`record`] | what a node remembers of each role |
//! | [`transaction`] | the order of all that, and what follows from a failure |
//! | [`diff`], [`log`] | what changed, as `git diff` tells it, and the deployment log |
//! | [`glob`], [`durable`] | paths with one group; the replacing of one file |
//!
//! It never writes outside of the node's [`Roots`], never follows a symlink out of them, never replaces anything but a regular file.

pub mod command;
pub mod confine;
mod destination;
pub mod diff;
pub mod durable;
mod error;
pub mod files;
pub mod format;
pub mod glob;
pub mod health;
pub mod log;
pub mod record;
pub mod role;
pub mod transaction;

use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};
use verwalter_core::names::RoleName;

pub use self::error::ApplyError;
use self::files::Entry;
pub use self::format::{Format, FormatError};

/// How deep below the output root [`sweep`] looks: arbitrary, deeper than configuration trees are.
const SWEEP_DEPTH: usize = 8;

/// Where this node lets rendered files be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// Where relative destinations go. Created when absent.
    pub output: PathBuf,
    /// Directories below which absolute destinations may lie, besides `output`: the `writes` of the sandbox. They must exist.
    pub writes: Vec<PathBuf>,
}

impl Roots {
    /// The same with an absolute `output`: what outlives this process, or goes to another, must not hang on where it was started.
    /// In `writes` a relative path is no root, and stays none.
    pub fn absolute(&self) -> std::io::Result<Roots> {
        Ok(Roots { output: std::path::absolute(&self.output)?, writes: self.writes.clone() })
    }

    /// Where `dest` of `role` would be written, as far as texts tell: a symlink on the way is found only when that is done.
    pub fn place_for(&self, role: &RoleName, dest: &str) -> Result<PathBuf, ApplyError> {
        destination::resolve(role, dest, self).map(|found| found.root.join(found.below))
    }

    /// These, and those of the entries: what an undo of former times has to reach, whatever the node allows by now.
    pub fn with_entries(&self, entries: &[Entry]) -> Roots {
        let mut roots = self.clone();
        for entry in entries {
            if *entry.root() != roots.output && !roots.writes.iter().any(|root| root == entry.root()) {
                roots.writes.push(entry.root().to_owned());
            }
        }
        roots
    }
}

/// A file of a role, rendered and not yet written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderedFile {
    /// Where it goes: relative to the node's output directory, or absolute. Not checked yet.
    pub dest: String,
    /// Its permission bits, at most 0777.
    pub mode: u32,
    /// All of it.
    pub bytes: Vec<u8>,
    /// The syntax that its bytes must have. Not checked yet.
    pub format: Option<Format>,
    /// The template that it was made from, relative to the template directory.
    pub template: String,
    /// Whose it is, by name or number; `None`: as it was, or the daemon's.
    pub owner: Option<String>,
    /// Its group, likewise.
    pub group: Option<String>,
    /// How many former versions are kept beside it.
    pub backups: u8,
    /// What must not fail on it while it is staged.
    pub check: Option<role::CommandLine>,
    /// Whether a secret was printed into it: what was in its place is not shown.
    pub private: bool,
}

/// What became of a role's files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// The files that have new bytes, another mode or another owner, in the order in which they were given.
    pub written: Vec<PathBuf>,
    /// The files that are gone.
    pub removed: Vec<PathBuf>,
    /// How many files were already as they should be.
    pub unchanged: usize,
}

/// Whether every file has the syntax that its render file says.
pub(crate) fn check_formats(role: &RoleName, files: &[RenderedFile]) -> Result<(), ApplyError> {
    for file in files {
        let Some(format) = file.format else { continue };
        format.check(&file.bytes).map_err(|error| {
            let error = if file.private { error.without_words() } else { error };
            let (role, template, dest) = (role.clone(), file.template.clone(), destination::quote(&file.dest));
            ApplyError::Format { role, template, dest, format, error }
        })?;
    }
    Ok(())
}

/// Removes what a crash left below the roots, and says how much that was: stagings, and half-written files of former versions.
///
/// Call it once, before anything is deployed, and only where every transaction that a record knows of was undone or finished. The roots in
/// `writes` are swept on their top level only: they may be as large as `/etc`.
pub fn sweep(roots: &Roots) -> std::io::Result<usize> {
    let mut removed = files::sweep(roots)?;
    if roots.output.is_dir() {
        removed += sweep_tree(&Dir::open_ambient_dir(&roots.output, ambient_authority())?, SWEEP_DEPTH)?;
    }
    for root in roots.writes.iter().filter(|root| root.is_dir()) {
        removed += durable::sweep(&Dir::open_ambient_dir(root, ambient_authority())?, Path::new(""))?;
    }
    Ok(removed)
}

fn sweep_tree(dir: &Dir, depth: usize) -> std::io::Result<usize> {
    let mut removed = durable::sweep(dir, Path::new(""))?;
    if depth == 0 {
        return Ok(removed);
    }
    for entry in dir.entries()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += sweep_tree(&entry.open_dir()?, depth - 1)?;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
