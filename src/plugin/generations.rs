//! What is remembered of each plugin beside its files: the builds that were in force, and those that were set aside. It outlives
//! restarts, outside the directory that people edit: a broken file and a restart together must not leave a cluster without its
//! scheduler, nor bring back a build that failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::BuildId;

use super::inspect::MAX_WASM_BYTES;
use crate::storage::{Storage, StorageError};
use crate::telemetry::chain;

/// Below the storage directory: `NAME.json` for each plugin, `DIGEST.wasm` for each build that one of them names.
pub const DIRECTORY: &str = "plugins";
/// Builds that stay beside the one in force.
const KEPT_BEFORE: usize = 5;
/// Builds that are remembered as set aside. Arbitrary, above what people try in a row; the oldest is forgotten.
const MAX_SET_ASIDE: usize = 32;
/// Plugins that were taken out and are remembered. Arbitrary, above what a site tries in a while; the one longest out of force goes first.
const MAX_GONE: usize = 16;
/// A ledger holds a manifest for each build it keeps, and some lines.
const MAX_LEDGER_BYTES: u64 = 16 << 20;
/// Of a reason that goes to disk.
const MAX_REASON_CHARS: usize = 1_000;

/// A build that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Counts the plugin's activations of something new, from 1.
    pub number: u64,
    /// Which build.
    pub build: BuildId,
    /// When it came into force first.
    pub activated_at: UnixMillis,
    /// Whether a round ended well with it.
    pub proven: bool,
    /// Its manifest's text.
    manifest: String,
}

impl Generation {
    /// Its manifest's text.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }
}

/// A build that is not activated again until its files change or the operator says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Which build.
    pub build: BuildId,
    /// Why.
    pub reason: String,
    /// When.
    pub since: UnixMillis,
}

/// All that is remembered of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    v: u32,
    next: u64,
    /// Which generation came into force last.
    in_force: Option<u64>,
    /// The operator switched the plugin off: nothing of it comes back by itself.
    #[serde(default)]
    off: bool,
    /// Oldest first.
    generations: Vec<Generation>,
    /// Oldest first.
    set_aside: Vec<SetAside>,
}

impl Ledger {
    /// The builds that were in force, oldest first; at most six.
    pub fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// The builds that are set aside, oldest first.
    pub fn all_set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// Why a build is set aside, if it is.
    pub fn set_aside(&self, build: BuildId) -> Option<&SetAside> {
        self.set_aside.iter().find(|aside| aside.build == build)
    }

    /// The generation that came into force last.
    pub fn in_force(&self) -> Option<&Generation> {
        self.generations.iter().find(|generation| Some(generation.number) == self.in_force)
    }

    /// What may come back, the most likely first: what was in force last, then the newest. Nothing, where the operator switched it off.
    pub fn candidates(&self) -> impl Iterator<Item = &Generation> {
        let sound = |generation: &&Generation| !self.off && self.set_aside(generation.build).is_none();
        let last = self.in_force().filter(sound);
        let others = self.generations.iter().rev().filter(move |generation| Some(generation.number) != self.in_force);
        last.into_iter().chain(others.filter(sound))
    }

    fn parse(bytes: &[u8]) -> Result<Ledger, String> {
        let ledger: Ledger = serde_json::from_slice(bytes).map_err(|err| err.to_string())?;
        if ledger.v == 1 { Ok(ledger) } else { Err(format!("it is of version {}, and this program knows 1", ledger.v)) }
    }

    /// A build comes into force. One that is in the list already keeps its number only if it is the one that was in force.
    fn activate(&mut self, build: BuildId, manifest: &str, now: UnixMillis) -> u64 {
        self.off = false;
        if let Some(same) = self.in_force().filter(|last| last.build == build) {
            return same.number;
        }
        let proven = self.generations.iter().any(|former| former.build == build && former.proven);
        self.generations.retain(|former| former.build != build);
        self.next += 1;
        let number = self.next;
        self.generations.push(Generation { number, build, activated_at: now, proven, manifest: manifest.to_owned() });
        let surplus = self.generations.len().saturating_sub(KEPT_BEFORE + 1);
        self.generations.drain(..surplus);
        self.in_force = Some(number);
        number
    }
}

/// Why something could not be remembered or read.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file is not what was written.
    #[error("the kept build {} of plugin {plugin} is damaged; it is not used", .digest.short())]
    Damaged {
        /// Whose.
        plugin: PluginName,
        /// Which.
        digest: Digest,
    },
}

/// The ledgers of all plugins, and their builds.
#[derive(Debug)]
pub struct Generations {
    storage: Arc<Storage>,
    ledgers: Mutex<BTreeMap<PluginName, Ledger>>,
}

impl Generations {
    /// Reads all ledgers. One that is damaged is reported and begins anew.
    pub(super) fn open(storage: Arc<Storage>) -> Result<Generations, StorageError> {
        storage.subdirectory(DIRECTORY)?;
        let mut ledgers = BTreeMap::new();
        for file in storage.list(DIRECTORY)? {
            let Some(name) = file.strip_suffix(".json").and_then(|name| PluginName::new(name).ok()) else { continue };
            let read = storage.read(&ledger_file(&name), MAX_LEDGER_BYTES).map_err(|err| chain(&err));
            let parsed = read.and_then(|bytes| Ledger::parse(&bytes.unwrap_or_default()));
            match parsed {
                Ok(ledger) => drop(ledgers.insert(name, ledger)),
                // One plugin's past is no reason to keep a node from starting.
                Err(error) => {
                    tracing::warn!(plugin = %name, error, "what was remembered of the plugin cannot be read: its former builds are forgotten");
                }
            }
        }
        Ok(Generations { storage, ledgers: Mutex::new(ledgers) })
    }

    /// What is remembered of a plugin.
    pub fn ledger(&self, name: &PluginName) -> Ledger {
        self.lock().get(name).cloned().unwrap_or_else(|| Ledger { v: 1, ..Ledger::default() })
    }

    /// The bytes of a build that was in force.
    pub(super) fn load(&self, name: &PluginName, digest: Digest) -> Result<Vec<u8>, GenerationError> {
        let damaged = || GenerationError::Damaged { plugin: name.clone(), digest };
        let bytes = self.storage.read(&build_file(digest), MAX_WASM_BYTES)?.ok_or_else(damaged)?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(damaged()) }
    }

    /// A build came into force: its bytes first, then the ledger that names them. Says its number.
    pub(super) fn activated(&self, name: &PluginName, build: BuildId, wasm: &[u8], manifest: &str, now: UnixMillis) -> u64 {
        // Also where it was in force before: what was kept then may be damaged, or could not be written.
        if self.load(name, build.wasm).is_err()
            && let Err(err) = self.storage.write(&build_file(build.wasm), wasm)
        {
            // It runs all the same; only a restart beside a broken file would miss it.
            tracing::warn!(plugin = %name, error = %chain(&err), "the build could not be kept for a restart");
        }
        self.change(name, |ledger| ledger.activate(build, manifest, now))
    }

    /// A former build came into force again, under its number.
    pub(super) fn returned(&self, name: &PluginName, build: BuildId) -> Option<u64> {
        let number = self.ledger(name).generations.iter().find(|former| former.build == build)?.number;
        self.change(name, |ledger| {
            ledger.set_aside.retain(|aside| aside.build != build);
            ledger.in_force = Some(number);
        });
        Some(number)
    }

    /// A round ended well with a build.
    pub fn proven(&self, name: &PluginName, build: BuildId) {
        let known = self.ledger(name).generations.iter().any(|generation| generation.build == build && generation.proven);
        if !known {
            self.change(name, |ledger| {
                ledger
                    .generations
                    .iter_mut()
                    .filter(|generation| generation.build == build)
                    .for_each(|generation| generation.proven = true);
            });
        }
    }

    /// A build is not to come back by itself.
    pub(super) fn set_aside(&self, name: &PluginName, build: BuildId, reason: &str, now: UnixMillis) {
        self.change(name, |ledger| {
            ledger.set_aside.retain(|aside| aside.build != build);
            let surplus = (ledger.set_aside.len() + 1).saturating_sub(MAX_SET_ASIDE);
            ledger.set_aside.drain(..surplus);
            ledger.set_aside.push(SetAside { build, reason: reason.chars().take(MAX_REASON_CHARS).collect(), since: now });
        });
    }

    /// All builds of a plugin may come back. Says how many were set aside.
    pub(super) fn release(&self, name: &PluginName) -> usize {
        self.change(name, |ledger| std::mem::take(&mut ledger.set_aside).len())
    }

    /// The operator switched a plugin off. Its builds stay for a rollback, but a broken file does not bring one back.
    pub(super) fn switched_off(&self, name: &PluginName) {
        if !self.ledger(name).generations.is_empty() {
            self.change(name, |ledger| ledger.off = true);
        }
    }

    /// All other plugins were taken out: nothing of them comes back by itself, whatever lies beside. What is remembered of them stays for
    /// a while: files that are taken out and put back lift no quarantine.
    pub(super) fn retain(&self, wanted: &BTreeSet<PluginName>) -> Result<(), StorageError> {
        let gone: Vec<PluginName> = self.lock().keys().filter(|name| !wanted.contains(*name)).cloned().collect();
        for name in &gone {
            self.switched_off(name);
        }
        let newest = |name: &PluginName| self.ledger(name).generations.last().map(|generation| generation.activated_at);
        let mut by_age: Vec<_> = gone.into_iter().map(|name| (newest(&name), name)).collect();
        by_age.sort();
        let surplus = by_age.len().saturating_sub(MAX_GONE);
        for (_, name) in by_age.into_iter().take(surplus) {
            self.storage.remove(&ledger_file(&name))?;
            self.lock().remove(&name);
        }
        self.sweep()
    }

    /// Removes builds that no ledger names any more.
    fn sweep(&self) -> Result<(), StorageError> {
        let named: BTreeSet<String> =
            self.lock().values().flat_map(|ledger| &ledger.generations).map(|generation| generation.build.wasm.hex()).collect();
        for file in self.storage.list(DIRECTORY)? {
            if file.strip_suffix(".wasm").is_some_and(|digest| !named.contains(digest)) {
                self.storage.remove(&format!("{DIRECTORY}/{file}"))?;
            }
        }
        Ok(())
    }

    /// Changes a ledger and writes it. What cannot be written is in force until the restart, and said.
    fn change<T>(&self, name: &PluginName, act: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledger = self.ledger(name);
        let before = ledger.clone();
        let result = act(&mut ledger);
        if ledger == before {
            return result;
        }
        let bytes = serde_json::to_vec(&ledger).expect("texts and numbers are JSON");
        if let Err(err) = self.storage.write(&ledger_file(name), &bytes) {
            tracing::warn!(plugin = %name, error = %chain(&err), "what is remembered of the plugin could not be written: a restart forgets it");
        }
        self.lock().insert(name.clone(), ledger);
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<PluginName, Ledger>> {
        // Whole values are put in: a panic elsewhere leaves them sound.
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ledger_file(name: &PluginName) -> String {
    format!("{DIRECTORY}/{name}.json")
}

fn build_file(digest: Digest) -> String {
    format!("{DIRECTORY}/{}.wasm", digest.hex())
}

#[cfg(test)]
mod tests;
