//! Puts a role's rendered files in their places, all of them or none.
//!
//! Two steps: [`check`] looks at every file of the role and changes nothing; [`swap`] writes them one by one, each atomically, and puts
//! the former ones back when one fails. It never writes outside of the node's [`Roots`], never follows a symlink out of them, never
//! replaces anything but a regular file, and runs no command.

mod check;
mod destination;
mod error;
mod swap;

use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use verwalter_core::names::RoleName;

pub use self::check::{Checked, check};
pub use self::error::ApplyError;
pub use self::swap::swap;
use crate::durable;
use crate::render::RenderedFile;

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

/// What became of a role's files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The files that have new bytes or a new mode, in the order in which they were given.
    pub written: Vec<PathBuf>,
    /// How many files were already as they should be.
    pub unchanged: usize,
}

/// Puts `files` in their places. On an error the role's files are what they were, unless the error is [`ApplyError::NotRestored`].
pub fn apply(role: &RoleName, files: &[RenderedFile], roots: &Roots) -> Result<Applied, ApplyError> {
    swap(role, &check(role, files, roots)?)
}

/// Removes what a crash left of half-written files below the output root, and says how many files that was.
///
/// Call it once, before the first [`apply`]. The roots in `writes` are swept on their top level only: they may be as large as `/etc`.
pub fn sweep(roots: &Roots) -> std::io::Result<usize> {
    let mut removed = 0;
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
