//! What an operator says belongs to a role, written down and logged. It changes no file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use verwalter_apply::log::Outcome;
use verwalter_apply::transaction::{TransactionError, Transactor};
use verwalter_collect::clock::unix_now;
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::{Terms, Tools};

/// How an order shows in the deployment log.
pub(in crate::deploy) struct Noted<'a> {
    /// Names the order there.
    pub(in crate::deploy) deployment: &'a str,
    /// The schedule in force.
    pub(in crate::deploy) schedule: Option<Digest>,
    /// What is written of files before their paths, such as `adopted`.
    pub(in crate::deploy) what: &'a str,
    /// The roles that are this node's.
    pub(in crate::deploy) present: &'a BTreeSet<RoleName>,
}

impl Tools {
    /// Makes files the role's own; see [`Transactor::adopt`].
    pub(in crate::deploy) fn adopt(
        &self,
        role: &RoleName,
        paths: &[String],
        terms: Terms<'_>,
        noted: &Noted<'_>,
    ) -> Result<Vec<PathBuf>, TransactionError> {
        self.owners(role, terms, noted, |transactor| transactor.adopt(role, paths))
    }

    /// Lets files be the role's no longer; see [`Transactor::disown`].
    pub(in crate::deploy) fn disown(
        &self,
        role: &RoleName,
        paths: Option<&[String]>,
        terms: Terms<'_>,
        noted: &Noted<'_>,
    ) -> Result<Vec<PathBuf>, TransactionError> {
        self.owners(role, terms, noted, |transactor| transactor.disown(role, paths))
    }

    fn owners(
        &self,
        role: &RoleName,
        terms: Terms<'_>,
        noted: &Noted<'_>,
        work: impl FnOnce(&mut Transactor<'_>) -> Result<Vec<PathBuf>, TransactionError>,
    ) -> Result<Vec<PathBuf>, TransactionError> {
        let mut logged = self.begin(noted.deployment, noted.schedule, terms.mask);
        let mut log = logged.role_log(role, 1, "an operator ordered it");
        let done = self.with(role, None, log.as_mut(), terms, work);
        if let Some(mut log) = log {
            match &done {
                Ok(files) => {
                    let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
                    log.note(noted.what, if files.is_empty() { "no file".to_owned() } else { files.join("\n") }.as_str(), unix_now());
                    log.finish(Outcome::Done, None, unix_now());
                }
                // A slip of the finger is no deployment.
                Err(error) if error.is_refusal() => log.finish(Outcome::Unchanged, None, unix_now()),
                Err(error) => log.finish(Outcome::Undone, Some(&error.to_string()), unix_now()),
            }
        }
        self.end(logged, noted.present);
        done
    }
}
