//! Who has which place among the plugins: which scheduler decides, which plugin answers queries, whose each filter is. It outlives restarts: a
//! newcomer must take no place because a node was restarted, nor leave it to nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use verwalter_core::names::PluginName;

use crate::storage::Storage;
use crate::telemetry::chain;

/// Below the storage directory.
const FILE: &str = "places.json";
/// Above what all filters take that may be in force, each with the longest name that a manifest may allow.
const MAX_BYTES: u64 = 256 << 20;

/// Who has which place, or had it last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Places {
    pub(super) scheduler: Option<PluginName>,
    pub(super) query: Option<PluginName>,
    /// By the name of the filter.
    pub(super) filters: BTreeMap<String, PluginName>,
}

/// Where they outlive restarts.
pub(super) struct PlaceStore {
    storage: Arc<Storage>,
    /// As they stand there, where that is known.
    written: Mutex<Option<Places>>,
}

impl PlaceStore {
    pub(super) fn new(storage: Arc<Storage>) -> PlaceStore {
        PlaceStore { storage, written: Mutex::default() }
    }

    /// As they were when this node ran last. What cannot be read is reported, and nobody has a place.
    pub(super) fn read(&self) -> Places {
        let read = self.storage.read(FILE, MAX_BYTES).map_err(|err| chain(&err));
        let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|err| err.to_string());
        read.and_then(|bytes| bytes.map_or_else(|| Ok(Places::default()), parse)).unwrap_or_else(|error| {
            tracing::warn!(
                file = %self.storage.path().join(FILE).display(),
                error,
                "which plugin had which place cannot be read: of two schedulers none decides until the manifest of one says `mode: off`"
            );
            Places::default()
        })
    }

    /// Writes them where they have changed. What could not be written is tried again the next time.
    pub(super) fn remember(&self, places: &Places) {
        // Whole values are put in: a panic elsewhere leaves them sound.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.as_ref() == Some(places) {
            return;
        }
        match self.storage.write(FILE, &serde_json::to_vec(places).expect("names are JSON")) {
            Ok(()) => *written = Some(places.clone()),
            Err(err) => tracing::warn!(error = %chain(&err), "which plugin has which place could not be written: a restart may forget it"),
        }
    }
}
