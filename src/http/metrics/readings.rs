//! What the metrics are made from: plain figures, taken from the node's channels and counters at one moment. It computes nothing.

use verwalter_collect::agent;
use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;
use verwalter_core::ports::PluginId;

use crate::counts::{Counts, CountsReading};
use crate::plugin::meter::{MeterReading, Meters, TallyReading};
use crate::status::{VERSION, View};

/// The figures of one scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The program's version.
    pub version: &'static str,
    /// What the kernel counts for this process; `None` where it does not say.
    pub resident_memory_bytes: Option<u64>,
    /// Nodes in the newest snapshot.
    pub peers: u64,
    /// The built-in agent, where it runs.
    pub agent: Option<agent::Status>,
    /// Role-on-node pairs of the schedule in force.
    pub placements: u64,
    /// Rounds and deployments since the start.
    pub counts: CountsReading,
    /// The catalog's.
    pub catalog_generation: u64,
    /// Every plugin as it is.
    pub plugins: Vec<PluginReading>,
    /// What happened to each plugin since the start.
    pub tallies: Vec<(PluginName, TallyReading)>,
    /// What each build did since the start.
    pub builds: Vec<(PluginId, MeterReading)>,
}

/// A plugin as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginReading {
    /// Its name.
    pub name: PluginName,
    /// Its kind's name; empty when its manifest does not say.
    pub kind: String,
    /// Its state's name.
    pub state: String,
    /// The build in force.
    pub digest: Option<Digest>,
    /// That build's generation.
    pub generation: Option<u64>,
}

impl Readings {
    /// Takes them from a running node.
    pub fn of(view: &View, meters: &Meters, counts: &Counts) -> Readings {
        let catalog = view.config.borrow().catalog.clone();
        let plugins = catalog.statuses().map(|status| PluginReading {
            name: status.name.clone(),
            kind: status.kind.map(|kind| kind.to_string()).unwrap_or_default(),
            state: name_of(status.state),
            digest: status.digest,
            generation: status.generation,
        });
        let peers = view.collected.borrow().as_ref().map_or(0, |published| published.snapshot.peers().len());
        let placements = view.in_force.borrow().as_ref().map_or(0, |in_force| in_force.schedule.totals().placements);
        Readings {
            version: VERSION,
            resident_memory_bytes: resident_memory_bytes(),
            peers: peers as u64,
            agent: view.agent.as_ref().map(|agent| agent.borrow().clone()),
            placements: placements as u64,
            counts: counts.read(),
            catalog_generation: catalog.generation(),
            plugins: plugins.collect(),
            tallies: meters.plugins(),
            builds: meters.builds(),
        }
    }
}

/// A closed set's name as the API writes it.
fn name_of(state: impl serde::Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The second number of `/proc/self/statm`, which is in pages.
fn resident_memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_how_much_memory_there_is() {
        let bytes = resident_memory_bytes().expect("the tests run on Linux");
        assert!((1 << 20..1 << 40).contains(&bytes), "{bytes}");
    }

    #[test]
    fn states_are_written_as_in_the_api() {
        assert_eq!(name_of(crate::plugin::catalog::PluginState::Kept), "kept");
    }
}
