//! The last build of each plugin that could be activated, with its manifest, outside the directory that people edit: a
//! broken file and a restart together must not leave a cluster without its scheduler.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;

use super::inspect::MAX_WASM_BYTES;
use crate::storage::{Storage, StorageError};

/// Below the storage directory.
const DIRECTORY: &str = "plugins";
/// The first line of a kept file, a manifest within it.
const MAX_HEADER_BYTES: u64 = 2 << 20;

/// What is kept of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptBuild {
    pub(super) wasm: Vec<u8>,
    pub(super) manifest: String,
}

/// The first line of a kept file; the plugin's bytes follow. One file, so that it is replaced as one.
#[derive(Serialize, Deserialize)]
struct Header {
    v: u32,
    digest: Digest,
    manifest: String,
}

/// Why a kept build could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeptError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file is not what was written.
    #[error("the kept build of plugin {0} is damaged; it is not used")]
    Damaged(PluginName),
}

/// The directory of kept builds.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    storage: Arc<Storage>,
}

impl Kept {
    pub(super) fn open(storage: Arc<Storage>) -> Result<Kept, StorageError> {
        storage.subdirectory(DIRECTORY)?;
        Ok(Kept { storage })
    }

    pub(super) fn save(&self, name: &PluginName, build: &KeptBuild) -> Result<(), KeptError> {
        let header = Header { v: 1, digest: Digest::of(&build.wasm), manifest: build.manifest.clone() };
        let mut bytes = serde_json::to_vec(&header).expect("texts and numbers are JSON");
        bytes.push(b'\n');
        bytes.extend_from_slice(&build.wasm);
        Ok(self.storage.write(&file(name), &bytes)?)
    }

    /// Removes the builds of all other plugins.
    pub(super) fn retain(&self, wanted: &BTreeSet<PluginName>) -> Result<(), StorageError> {
        for found in self.storage.list(DIRECTORY)? {
            let name = found.strip_suffix(".kept").and_then(|name| PluginName::new(name).ok());
            if name.is_some_and(|name| !wanted.contains(&name)) {
                self.storage.remove(&format!("{DIRECTORY}/{found}"))?;
            }
        }
        Ok(())
    }

    pub(super) fn load(&self, name: &PluginName) -> Result<Option<KeptBuild>, KeptError> {
        let Some(bytes) = self.storage.read(&file(name), MAX_WASM_BYTES + MAX_HEADER_BYTES)? else { return Ok(None) };
        parse(&bytes).map(Some).ok_or_else(|| KeptError::Damaged(name.clone()))
    }
}

fn file(name: &PluginName) -> String {
    format!("{DIRECTORY}/{name}.kept")
}

fn parse(bytes: &[u8]) -> Option<KeptBuild> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
    let wasm = bytes[end + 1..].to_vec();
    (header.v == 1 && Digest::of(&wasm) == header.digest).then_some(KeptBuild { wasm, manifest: header.manifest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_comes_back_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Arc::new(Storage::open(dir.path()).unwrap());
        let kept = Kept::open(storage.clone()).unwrap();
        let name = PluginName::new("spread").unwrap();
        assert_eq!(kept.load(&name).unwrap(), None);
        let build = KeptBuild { wasm: b"\0asm\nwith\nlines".to_vec(), manifest: "kind: scheduler\n# ü\n".to_owned() };
        kept.save(&name, &build).unwrap();
        assert_eq!(kept.load(&name).unwrap(), Some(build));
        kept.retain(&BTreeSet::from([name.clone()])).unwrap();
        let mut bytes = storage.read("plugins/spread.kept", 1 << 20).unwrap().unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        storage.write("plugins/spread.kept", &bytes).unwrap();
        assert!(matches!(kept.load(&name), Err(KeptError::Damaged(_))));
        kept.retain(&BTreeSet::new()).unwrap();
        assert_eq!(kept.load(&name).unwrap(), None);
    }
}
