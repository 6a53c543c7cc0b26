//! Writes a role's checked files, and puts the former ones back when one of them fails. It never decides whether a file may be written.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, Permissions, PermissionsExt};
use verwalter_core::names::RoleName;

use super::check::{Before, Step, failure};
use super::{Applied, ApplyError, Checked};
use crate::durable::{self, Outcome};

/// The mode of directories that are created on the way to a file.
const DIRECTORY_MODE: u32 = 0o755;

/// Writes what differs. When a file fails, those before it are put back and the error is that of the file.
pub fn swap(role: &RoleName, checked: &Checked<'_>) -> Result<Applied, ApplyError> {
    let mut applied = Applied { written: Vec::new(), unchanged: checked.unchanged };
    let mut created = Vec::new();
    for (index, step) in checked.steps.iter().enumerate() {
        match write(step, &mut created) {
            Ok(Outcome::Written) => applied.written.push(step.destination.path()),
            Ok(Outcome::Unchanged) => applied.unchanged += 1,
            Err((at, source)) => {
                // The failed one too: it is in place when only the fsync of its directory failed.
                let left = restore(&checked.steps[..=index]);
                remove_created(&created);
                return Err(if left.is_empty() {
                    failure(role, &step.destination, &at, source)
                } else {
                    ApplyError::NotRestored { role: role.clone(), path: step.destination.root.join(at), source, left }
                });
            }
        }
    }
    Ok(applied)
}

/// Directories that were made for the role, in the order in which they were.
type Created<'a> = Vec<(&'a Dir, PathBuf)>;

/// Writes one file. An error comes with the path below the root that it is about.
fn write<'a>(step: &'a Step<'_>, created: &mut Created<'a>) -> Result<Outcome, (PathBuf, io::Error)> {
    let below = &step.destination.below;
    create_directories(&step.dir, below.parent().unwrap_or(Path::new("")), created)?;
    durable::replace(&step.dir, below, &step.file.bytes, step.file.mode).map_err(|err| (below.clone(), err))
}

fn create_directories<'a>(dir: &'a Dir, parent: &Path, created: &mut Created<'a>) -> Result<(), (PathBuf, io::Error)> {
    let mut missing = Vec::new();
    for ancestor in parent.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()) {
        match dir.metadata(ancestor) {
            Ok(_) => break,
            Err(err) if err.kind() == io::ErrorKind::NotFound => missing.push(ancestor),
            Err(err) => return Err((ancestor.to_owned(), err)),
        }
    }
    for path in missing.into_iter().rev() {
        let at = |err| (path.to_owned(), err);
        let mut builder = DirBuilder::new();
        builder.mode(DIRECTORY_MODE);
        dir.create_dir_with(path, &builder).map_err(at)?;
        created.push((dir, path.to_owned()));
        // The umask may have closed it to those who are to read the file.
        dir.set_permissions(path, Permissions::from_mode(DIRECTORY_MODE)).map_err(at)?;
        match path.parent() {
            Some(above) if !above.as_os_str().is_empty() => dir.open_dir(above).and_then(|above| durable::sync_dir(&above)),
            _ => durable::sync_dir(dir),
        }
        .map_err(at)?;
    }
    Ok(())
}

/// Puts back what was in place before `steps`, newest first. Returns the files for which that failed.
fn restore(steps: &[Step<'_>]) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for step in steps.iter().rev() {
        let below = &step.destination.below;
        let restored = match &step.before {
            // Looked at first: a read-only file system refuses the removal even of what is not there.
            Before::Absent => match step.dir.symlink_metadata(below) {
                Ok(meta) if meta.is_file() => step.dir.remove_file(below),
                // Not a file, hence not from here.
                Ok(_) => Ok(()),
                Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
                Err(err) => Err(err),
            },
            Before::File { bytes, mode } => durable::replace(&step.dir, below, bytes, *mode).map(|_| ()),
        };
        if restored.is_err() {
            left.push(step.destination.path());
        }
    }
    left
}

/// An empty directory that stays behind harms nobody, and one that is not empty any more must stay: failures do not matter.
fn remove_created(created: &Created<'_>) {
    for (dir, path) in created.iter().rev() {
        let _ = dir.remove_dir(path);
    }
}
