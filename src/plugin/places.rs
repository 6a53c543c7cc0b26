//! Who has which place among the plugins: which scheduler decides, which plugin answers queries, whose each filter is. It outlives restarts: a
//! newcomer must take no place because a node was restarted, nor leave it to nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use verwalter_core::names::PluginName;

use crate::storage::{Storage, StorageError};
use crate::telemetry::chain;

/// Below the storage directory.
const FILE: &str = "places.json";
/// Far above what the names of all filters that may be in force take.
const MAX_BYTES: u64 = 1 << 20;

/// Who has which place, or had it last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Places {
    pub(super) scheduler: Option<PluginName>,
    pub(super) query: Option<PluginName>,
    /// By the name of the filter.
    pub(super) filters: BTreeMap<String, PluginName>,
}

impl Places {
    /// As they were when this node ran last. What cannot be read is reported, and nobody has a place.
    pub(super) fn read(storage: &Storage) -> Places {
        let read = storage.read(FILE, MAX_BYTES).map_err(|err| chain(&err));
        let places = read.and_then(|bytes| bytes.map_or_else(|| Ok(Places::default()), |bytes| parse(&bytes)));
        places.unwrap_or_else(|error| {
            tracing::warn!(error, "who of several plugins had which place cannot be read: of those that want the same one none gets it");
            Places::default()
        })
    }

    pub(super) fn write(&self, storage: &Storage) -> Result<(), StorageError> {
        storage.write(FILE, &serde_json::to_vec(self).expect("names are JSON"))
    }
}

fn parse(bytes: &[u8]) -> Result<Places, String> {
    serde_json::from_slice(bytes).map_err(|err| err.to_string())
}
