//! From a command's program to the one file that may run, which the operator listed. It starts nothing.
//!
//! What runs is the path of the operator's list, never the path that a template named: a template's path counts if it is, or is a symlink
//! to, a listed one. So whoever swaps a symlink between this look and the start gains nothing. Who may write to the listed file or to a
//! directory above it owns the program, whenever it is looked at; therefore such a program is refused. Opening the file once and running
//! what was opened would not bind scripts, whose interpreter opens them again by name.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Failure, Permits, Program};

/// Others may write, and whether only owners may remove there.
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;
const EXECUTE: u32 = 0o111;

/// What is handed to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The listed file.
    pub(super) program: PathBuf,
    /// What it is told that its name is: as the template wrote it.
    pub(super) name: String,
    /// What comes before the command's own arguments.
    pub(super) arguments: Vec<String>,
}

/// Finds the listed file for `program`. `search_path` is the command's `PATH`, `trusted` who may own it: root, the
/// daemon's user and the account that the command runs as.
pub(super) fn resolve(program: &Program, permits: &Permits, search_path: &str, trusted: &[u32]) -> Result<Resolved, Failure> {
    let (path, name, arguments) = match program {
        Program::Path(path) if !path.is_absolute() => {
            return Err(Failure::Invalid(format!("{} is no absolute path: write a bare name or the whole path", path.display())));
        }
        Program::Path(path) => (path.clone(), path.to_string_lossy().into_owned(), Vec::new()),
        Program::Name(name) => (search(name, search_path)?, name.clone(), Vec::new()),
        Program::Shell(text) => (search("sh", search_path)?, "sh".to_owned(), vec!["-exc".to_owned(), text.clone()]),
    };
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Failure::Invalid("its path contains a NUL: remove it".to_owned()));
    }
    let not_found = || Failure::NotFound { program: path.display().to_string(), searched: "this path".to_owned() };
    let own = own_path(&path).ok_or_else(not_found)?;
    let target = fs::canonicalize(&path).map_err(|err| match err.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => not_found(),
        _ => Failure::NotExecutable { program: path.clone(), reason: format!("cannot be looked at: {err}") },
    })?;
    let listed = permits.programs().iter().filter_map(|program| own_path(program)).find(|listed| *listed == own || *listed == target);
    let Some(program) = listed else { return Err(Failure::NotAllowed { program: own }) };
    check_file(&program, &target, trusted)?;
    Ok(Resolved { program, name, arguments })
}

/// The path with the symlinks of its directories followed, but not its own: `/bin/sh` is `/usr/bin/sh` on many systems, and not `dash`.
fn own_path(path: &Path) -> Option<PathBuf> {
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

fn search(name: &str, search_path: &str) -> Result<PathBuf, Failure> {
    if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
        return Err(Failure::Invalid("its program is neither a bare name nor an absolute path: write one of them".to_owned()));
    }
    let directories = search_path.split(':').filter(|dir| dir.starts_with('/'));
    let mut candidates = directories.map(|dir| Path::new(dir).join(name));
    let is_program = |path: &PathBuf| fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.mode() & EXECUTE != 0);
    let found = candidates.find(is_program);
    found.ok_or_else(|| Failure::NotFound { program: name.to_owned(), searched: search_path.to_owned() })
}

fn check_file(program: &Path, target: &Path, trusted: &[u32]) -> Result<(), Failure> {
    let unfit = |reason: &str| Failure::NotExecutable { program: program.to_owned(), reason: reason.to_owned() };
    let stat = |path: &Path| fs::metadata(path).map_err(|err| unfit(&format!("cannot be looked at: {err}")));
    let meta = stat(target)?;
    if !meta.is_file() {
        return Err(unfit("is no file: name a program"));
    }
    if meta.mode() & EXECUTE == 0 {
        return Err(unfit("may be executed by nobody: set its mode, as with `chmod 755`"));
    }
    check_owner(target, &meta, trusted)?;
    // The listed path and what it leads to: whoever may rename in one of these directories chooses what runs.
    for directory in program.ancestors().skip(1).chain(target.ancestors().skip(1)) {
        let meta = stat(directory)?;
        check_owner(directory, &meta, trusted)?;
    }
    Ok(())
}

fn check_owner(path: &Path, meta: &Metadata, trusted: &[u32]) -> Result<(), Failure> {
    let untrusted = |reason| Err(Failure::Untrusted { path: path.to_owned(), reason });
    if !trusted.contains(&meta.uid()) {
        return untrusted("belongs neither to root nor to the user that it would run as: `chown` it, or list a program elsewhere");
    }
    if meta.mode() & OTHERS_WRITE != 0 && !(meta.is_dir() && meta.mode() & STICKY != 0) {
        return untrusted("may be written by everybody: `chmod o-w` it, or list a program elsewhere");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
