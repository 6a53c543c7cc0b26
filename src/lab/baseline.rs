//! The figures of one bench, kept to be compared with those of a later one. Only fuel is compared: it is exact, and the same on every machine.

use std::path::Path;

use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::ports::Kind;

use super::bench::Row;
use crate::config::file::{FileError, read_text};

/// The largest file of figures. Arbitrary, above a thousand plugins.
const MAX_BYTES: u64 = 64 << 20;

/// The figures of some plugins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// What they ran on: fuel compares within one version only.
    pub engine: String,
    /// In the order in which they were measured.
    pub plugins: Vec<Measured>,
}

/// One plugin's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What it is called in tables.
    pub label: String,
    /// What it is for.
    pub kind: Kind,
    /// How it speaks to the host.
    pub abi: String,
    /// Its file's digest.
    pub digest: Digest,
    /// Its file's size.
    pub size_bytes: u64,
    /// How long it took until it could be called: most of it is compiling, unless that was done before.
    pub load_ms: u64,
    /// Its figures.
    pub rows: Vec<Row>,
}

/// One figure beside the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Whose.
    pub label: String,
    /// Of what.
    pub what: String,
    /// In a cluster of so many.
    pub peers: Option<usize>,
    /// Fuel then.
    pub before: u64,
    /// Fuel now.
    pub after: u64,
}

impl Compared {
    /// How much more it is, in percent.
    pub fn percent(&self) -> f64 {
        (self.after as f64 - self.before as f64) * 100.0 / self.before.max(1) as f64
    }

    /// Whether it is more.
    pub fn grew(&self) -> bool {
        self.after > self.before
    }
}

impl Sheet {
    /// Reads what `--save` wrote.
    pub fn read(path: &Path) -> Result<Sheet, FileError> {
        let text = read_text(path, MAX_BYTES)?;
        serde_json::from_str(&text).map_err(|err| FileError::new(path, format!("holds no figures that `--save` wrote: {err}")))
    }

    /// Every figure that both have, in this one's order.
    pub fn compare(&self, before: &Sheet) -> Vec<Compared> {
        let mut compared = Vec::new();
        for plugin in &self.plugins {
            let Some(known) = before.plugins.iter().find(|known| (&known.label, known.kind) == (&plugin.label, plugin.kind)) else {
                continue;
            };
            for row in &plugin.rows {
                let same = |known: &&Row| (&known.what, known.peers) == (&row.what, row.peers) && known.error.is_none();
                let Some(known) = known.rows.iter().find(same).filter(|_| row.error.is_none()) else { continue };
                let (before, after) = (known.fuel, row.fuel);
                compared.push(Compared { label: plugin.label.clone(), what: row.what.clone(), peers: row.peers, before, after });
            }
        }
        compared
    }
}
