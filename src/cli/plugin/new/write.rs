//! Writes a new project into a directory that is not there yet, or empty: all of it, or nothing.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::content::NewFile;

/// Why a project was not written. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// Something is there.
    #[error("{0} exists and is not empty: give another directory with --dir")]
    Occupied(PathBuf),
    /// A file is there.
    #[error("{0} exists and is no directory: give another one with --dir")]
    NoDirectory(PathBuf),
    /// The system refused.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// What was being written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes `files` below `dir`, whose parent must exist.
pub(super) fn write(dir: &Path, files: &[NewFile]) -> Result<(), WriteError> {
    let absolute = std::path::absolute(dir).map_err(failed(dir))?;
    match fs::read_dir(&absolute) {
        Ok(mut entries) => match entries.next() {
            None => fill(&absolute, files),
            Some(_) => Err(WriteError::Occupied(dir.to_owned())),
        },
        Err(err) if err.kind() == io::ErrorKind::NotADirectory => Err(WriteError::NoDirectory(dir.to_owned())),
        Err(err) if err.kind() == io::ErrorKind::NotFound => make(&absolute, files),
        Err(err) => Err(failed(dir)(err)),
    }
}

/// Writes a new directory beside its place and moves it there in one go.
fn make(dir: &Path, files: &[NewFile]) -> Result<(), WriteError> {
    let staging = stage(dir.parent().unwrap_or(dir), files)?;
    fs::rename(staging.path(), dir).map_err(failed(dir))?;
    // It is called otherwise now: there is nothing to remove.
    let _ = staging.keep();
    Ok(())
}

/// Fills a directory that is there: it may be the one that somebody stands in, or a mounted one, and cannot be replaced.
fn fill(dir: &Path, files: &[NewFile]) -> Result<(), WriteError> {
    let staging = stage(dir, files)?;
    let mut moved = Vec::new();
    let entries = fs::read_dir(staging.path()).map_err(failed(dir))?;
    let result = entries.into_iter().try_for_each(|entry| {
        let entry = entry.map_err(failed(dir))?;
        let to = dir.join(entry.file_name());
        fs::rename(entry.path(), &to).map_err(failed(&to))?;
        moved.push(to);
        Ok(())
    });
    if result.is_err() {
        // The first failure is the one to report.
        for path in moved {
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
    result
}

/// Writes everything below a directory in `parent` that removes itself.
fn stage(parent: &Path, files: &[NewFile]) -> Result<tempfile::TempDir, WriteError> {
    // As readable as the person's umask has it, not for its owner alone as temporary directories are.
    let open = Permissions::from_mode(0o777);
    let staging = tempfile::Builder::new().prefix(".new-").permissions(open).tempdir_in(parent).map_err(failed(parent))?;
    for file in files {
        let path = staging.path().join(&file.path);
        let parent = path.parent().expect("it lies below the directory");
        fs::create_dir_all(parent).map_err(failed(parent))?;
        // Two sources of one file would be a mistake of the tree; a test makes every project.
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if file.executable { 0o777 } else { 0o666 });
        let mut written = options.open(&path).map_err(failed(&path))?;
        io::Write::write_all(&mut written, &file.bytes).map_err(failed(&path))?;
    }
    Ok(staging)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { path: path.clone(), source }
}
