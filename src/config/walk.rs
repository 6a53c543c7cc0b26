//! Lists directories of the configuration tree: sorted, so that the same tree always gives the same result, under a cap,
//! and with an error for every name that cannot be what it should be. It never opens a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file::FileError;

/// Entries of one directory: arbitrary, above what people keep in one place.
const MAX_ENTRIES: usize = 10_000;
/// Directories in directories: what keys a person still finds.
pub(crate) const MAX_NESTING: usize = 16;

/// What one reading of the tree found wrong.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) errors: Vec<FileError>,
    /// Worth saying, nothing is refused for it.
    pub(crate) notices: Vec<FileError>,
}

impl Report {
    pub(crate) fn error(&mut self, err: FileError) {
        self.errors.push(err);
    }

    pub(crate) fn notice(&mut self, path: &Path, message: &str) {
        self.notices.push(FileError::new(path, message));
    }

    /// The value, or nothing and one more error.
    pub(crate) fn take<T>(&mut self, result: Result<T, FileError>) -> Option<T> {
        result.map_err(|err| self.error(err)).ok()
    }
}

/// What stands under one name, symbolic links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File { name: String, path: PathBuf },
    Directory { name: String, path: PathBuf },
}

/// The entries of `dir` by name, without hidden ones (editors' temporary files, `..data` of mounted volumes).
/// A directory that is not there has none.
pub(crate) fn list(dir: &Path, report: &mut Report) -> Vec<Entry> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // A dangling link is a mistake, a missing directory is none.
        Err(err) if err.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(dir).is_err() => return Vec::new(),
        Err(err) if err.kind() == io::ErrorKind::NotADirectory => {
            report.error(FileError::new(dir, "is a file where a directory is expected: move it away"));
            return Vec::new();
        }
        Err(err) => {
            report.error(FileError::io(dir, &err));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        if found.len() == MAX_ENTRIES {
            report.error(FileError::new(dir, format!("holds more than {MAX_ENTRIES} entries: spread them over directories")));
            break;
        }
        let read = entry.map_err(|err| FileError::io(dir, &err)).and_then(|entry| classify(&entry.path()));
        found.extend(report.take(read).flatten());
    }
    found.sort_by(|a, b| path_of(a).cmp(path_of(b)));
    found
}

fn path_of(entry: &Entry) -> &Path {
    match entry {
        Entry::File { path, .. } | Entry::Directory { path, .. } => path,
    }
}

fn classify(path: &Path) -> Result<Option<Entry>, FileError> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(FileError::new(path, "has a name that is no UTF-8: rename it"));
    };
    if name.starts_with('.') {
        return Ok(None);
    }
    let (name, path) = (name.to_owned(), path.to_owned());
    let meta = match fs::metadata(&path) {
        Ok(meta) => meta,
        // Removed since it was listed: as if it had never been there.
        Err(err) if err.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => return Ok(None),
        Err(err) => return Err(FileError::io(&path, &err)),
    };
    if meta.is_dir() {
        return Ok(Some(Entry::Directory { name, path }));
    }
    if meta.is_file() {
        return Ok(Some(Entry::File { name, path }));
    }
    Err(FileError::new(&path, "is neither a file nor a directory: move it away"))
}

/// The directories that lead to the one being read: a link back into them would never end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ancestors(Vec<PathBuf>);

impl Ancestors {
    /// The chain with `dir` at its end.
    pub(crate) fn enter(&self, dir: &Path) -> Result<Ancestors, FileError> {
        let real = fs::canonicalize(dir).map_err(|err| FileError::io(dir, &err))?;
        if self.0.contains(&real) {
            return Err(FileError::new(dir, "is a symbolic link to a directory that it lies in: remove it"));
        }
        if self.0.len() == MAX_NESTING {
            return Err(FileError::new(dir, format!("is nested deeper than {MAX_NESTING} directories: move it up")));
        }
        let mut chain = self.0.clone();
        chain.push(real);
        Ok(Ancestors(chain))
    }
}
