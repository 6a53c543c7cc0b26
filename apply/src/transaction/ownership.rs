//! What an operator says belongs to a role: files that were there already become its own, or its own are left to others. It changes what
//! is remembered, and never a file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use verwalter_core::names::RoleName;

use super::{Cause, TransactionError, Transactor, place};
use crate::files::{Identified, MAX_ROLE_FILES};

/// Most files that are adopted at once. Arbitrary: more than a person names, few enough to be read in seconds.
const MAX_ADOPTED: usize = 1_000;

impl Transactor<'_> {
    /// Makes files that are there already the role's: all of them or none. Relative paths lie below the output directory. They go with the
    /// next deployment that does not produce them, or when the role leaves, unless somebody edits them before.
    ///
    /// Gives their whole paths.
    ///
    /// # Errors
    /// Says of the first that cannot be the role's why not. Nothing was changed then, but for what was still to be undone.
    pub fn adopt(&mut self, role: &RoleName, paths: &[String]) -> Result<Vec<PathBuf>, TransactionError> {
        let refused = |reason: String| TransactionError::untouched(role, Cause::Order(reason));
        let recorded = |source| TransactionError::untouched(role, Cause::Record(source));
        if paths.is_empty() || paths.len() > MAX_ADOPTED {
            return Err(refused(format!("{} files are to be adopted: name from 1 to {MAX_ADOPTED} at once", paths.len())));
        }
        let mut record = self.recovered(role)?;
        let places: BTreeSet<PathBuf> = paths.iter().map(|path| place(path, self.roots)).collect();
        let names: BTreeSet<&OsStr> = places.iter().filter_map(|path| path.file_name()).collect();
        let mut owners = BTreeMap::new();
        for other in self.records.roles().map_err(recorded)? {
            let record = self.records.load(&other).map_err(recorded)?;
            let pending = record.pending.iter().flat_map(|pending| &pending.entries).map(|entry| entry.path());
            for path in record.files().into_keys().map(Path::to_owned).chain(pending) {
                // Another path to the same file ends in the same name.
                if path.file_name().is_some_and(|name| names.contains(name)) {
                    owners.insert(path, other.clone());
                }
            }
        }
        let elsewhere = owners.iter().find(|(path, owner)| *owner != role && places.contains(*path));
        if let Some((path, owner)) = elsewhere {
            return Err(refused(format!("{} belongs to the role {owner}: forget it there first", path.display())));
        }
        let known: Vec<PathBuf> = owners.into_keys().filter(|path| !places.contains(path)).collect();
        let found = self.files.identify(role, paths, &known);
        let found = found.map_err(|source| TransactionError::untouched(role, Cause::Files(source.into())))?;
        let mut adopted = Vec::with_capacity(found.len());
        for Identified { path, digest } in found {
            record.adopted.insert(path.clone(), digest);
            adopted.push(path);
        }
        if record.files().len() as u64 > MAX_ROLE_FILES {
            return Err(refused(format!("with these it had more than {MAX_ROLE_FILES} files: adopt fewer")));
        }
        self.records.save(&record).map_err(recorded)?;
        Ok(adopted)
    }

    /// Lets these files of a role, or all of them and all else that is remembered of it, be the role's no longer. They stay, and nothing is
    /// done when the role leaves. A role that is deployed again has what it produces as its own again.
    ///
    /// Gives their whole paths.
    ///
    /// # Errors
    /// Says why nothing was forgotten. Nothing was changed then, but for what was still to be undone.
    pub fn disown(&mut self, role: &RoleName, paths: Option<&[String]>) -> Result<Vec<PathBuf>, TransactionError> {
        let refused = |reason: String| TransactionError::untouched(role, Cause::Order(reason));
        let recorded = |source| TransactionError::untouched(role, Cause::Record(source));
        if !self.records.knows(role).map_err(recorded)? {
            return Err(refused(
                "nothing is remembered of it on this node: `verwalter role list` shows the roles of which something is".into(),
            ));
        }
        let mut record = self.recovered(role)?;
        let Some(paths) = paths else {
            // With the record would be lost what former files still are to become backups.
            let finished = if record.finishing.is_empty() { Ok(()) } else { self.files.finish(&record.finishing) };
            finished.map_err(|source| TransactionError::untouched(role, Cause::Files(source.into())))?;
            let files = record.files().into_keys().map(Path::to_owned).collect();
            self.records.forget(role).map_err(recorded)?;
            return Ok(files);
        };
        if paths.is_empty() {
            return Err(refused("no file is named: name some, or leave the files out to forget all of the role".to_owned()));
        }
        let places: BTreeSet<PathBuf> = paths.iter().map(|path| place(path, self.roots)).collect();
        for path in &places {
            let owned = record.generation.as_mut().and_then(|generation| generation.owned.remove(path)).is_some();
            let adopted = record.adopted.remove(path).is_some();
            if !owned && !adopted {
                let shown = crate::destination::quote(&path.to_string_lossy());
                return Err(refused(format!(
                    "{} does not belong to it: `verwalter role list {role}` shows what does",
                    shown.escape_debug()
                )));
            }
        }
        self.records.save(&record).map_err(recorded)?;
        Ok(places.into_iter().collect())
    }
}
