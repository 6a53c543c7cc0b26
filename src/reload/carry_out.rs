//! Orders of operators and notices of rounds, carried out on the configuration in force: each may give a new one. Files are read only
//! where an order asks for them to be tried again.

use std::sync::Arc;

use super::{Config, Loader, Notice};
use crate::orders::{OrderError, PluginOrder};
use crate::plugin::Catalog;
use crate::plugin::orders::{Aside, OrderRefused};
use crate::watch::{ChangeSet, Settled};

impl Loader {
    /// Does what an operator wants; the text is for the operator. Blocks.
    pub(super) fn carry_out(
        &self,
        former: &Config,
        order: &PluginOrder,
        settled: &Settled,
    ) -> (Option<Config>, Result<String, OrderError>) {
        let catalog = &former.catalog;
        let done = match order {
            PluginOrder::Rollback { name, to } => self.activator.roll_back(catalog, name, *to),
            PluginOrder::Release { name } => self.activator.release(catalog, name),
            PluginOrder::Allow { name } => self.activator.allow(catalog, name),
        };
        match done {
            Ok((catalog, message)) => {
                let name = order.plugin();
                let due = catalog.is_unfinished_of(name);
                let mut next = self.with(former, catalog);
                if !due {
                    return (Some(next), Ok(message));
                }
                next = self.again(&next, ChangeSet { plugins: true, ..ChangeSet::default() }, settled);
                let tried = match next.catalog.status(name.as_str()).map(|status| &status.error) {
                    Some(None) => "its files are in force".to_owned(),
                    Some(Some(error)) => format!("its files are not in force: {error}"),
                    None => "its files are gone".to_owned(),
                };
                (Some(next), Ok(format!("{message}; {tried}")))
            }
            Err(OrderRefused::Unknown(_)) => (None, Err(OrderError::NotFound)),
            Err(OrderRefused::Unfit(reason)) => (None, Err(OrderError::Conflict(reason))),
        }
    }

    /// Takes note of how a build fares. Blocks.
    pub(super) fn take_notice(&self, former: &Config, notice: &Notice) -> Option<Config> {
        match notice {
            Notice::Proven { name, build } => {
                if let Some(generations) = self.activator.generations() {
                    generations.proven(name, *build);
                }
                None
            }
            Notice::SetAside { name, build, reason } => {
                let columns = |rules: &_| self.columns(&former.catalog, rules);
                let stage = self.inputs.stage(former.runtime.clone(), &columns);
                match self.activator.set_aside(&former.catalog, name, *build, reason, &stage) {
                    Ok(Aside::Changed(catalog)) => Some(self.with(former, catalog)),
                    Ok(Aside::Stays(why)) => {
                        tracing::error!(plugin = %name, reason, why, "a build fails round after round and stays in force");
                        None
                    }
                    // The round was held before the build was replaced.
                    Err(_) => None,
                }
            }
        }
    }

    fn with(&self, former: &Config, catalog: Catalog) -> Config {
        let rules_generation = self.declare(catalog.rules(), catalog.reads_peers());
        Config { generation: former.generation + 1, catalog: Arc::new(catalog), rules_generation, ..former.clone() }
    }
}
