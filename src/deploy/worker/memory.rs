//! What a worker knows of the roles that were here before it, and of whose files are whose. It deploys nothing; what a crash left is undone
//! here, once.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::time::Instant;
use verwalter_core::names::RoleName;

use super::owned::Owned;
use super::retry::back_off;
use super::{Pass, Unchosen, Worker, circumstances};
use crate::deploy::DeployReport;
use crate::deploy::tools::{Terms, Tools};
use crate::telemetry::chain;

impl Worker {
    /// Reads what is remembered of all roles, once, and undoes what a crash left of them.
    pub(super) fn remember(&mut self, tools: &Tools, terms: Terms<'_>) -> Result<(), String> {
        if self.owned.is_some() {
            return Ok(());
        }
        let roles = tools.records.roles().map_err(|err| chain(&err))?;
        let undone = tools.recover(&roles, terms);
        // Where everything is undone or finished, what is left belongs to nobody; else it may hold files that are still to come back.
        match if undone { verwalter_apply::sweep(terms.roots) } else { Ok(0) } {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "temporary files of an earlier run were removed"),
            Err(error) => tracing::warn!(%error, "temporary files of an earlier run could not be looked for"),
        }
        let mut owned = Owned::default();
        for role in roles {
            let files = tools.owned(&role);
            owned.insert(role, files);
        }
        self.owned = Some(owned);
        Ok(())
    }

    /// The records cannot be read: which files belong to whom is not known, so that all stay what they are.
    pub(super) fn unremembered(&mut self, pass: &Pass<'_>, message: String) -> DeployReport {
        tracing::error!(error = %message, "nothing can be deployed");
        let attempts = self.unchosen.as_ref().map_or(0, |owed| owed.attempts).saturating_add(1);
        let circumstances = circumstances(pass.in_force, &pass.facts, pass.config, pass.roots);
        let until = Instant::now() + back_off(attempts);
        self.unchosen = Some(Unchosen { circumstances, attempts, until, message: message.clone() });
        self.report(pass.in_force, 0, Some(message))
    }

    /// The roles that are remembered and not this node's any more.
    pub(super) fn gone(&self, here: &BTreeSet<RoleName>) -> Vec<RoleName> {
        self.owned.iter().flat_map(Owned::roles).filter(|role| !here.contains(*role)).cloned().collect()
    }

    /// Two roles that write one file would take it from each other for ever.
    pub(super) fn free(&self, role: &RoleName, path: &Path) -> Result<(), String> {
        match self.owned.as_ref().and_then(|owned| owned.other_owner(path, role)) {
            Some(other) => Err(format!("role {role}: {} belongs to the role {other}: change one destination", path.display())),
            None => Ok(()),
        }
    }
}
