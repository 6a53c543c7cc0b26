//! The plugin that a command is about: its file, its manifest, and the build made of both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tempfile::TempDir;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::read;
use crate::plugin::inspect::inspect;
use crate::plugin::manifest::Manifest;
use crate::plugin::{Activator, Compiler, Loaded};

/// Compiled code that a command leaves in its cache directory.
const CACHE_BYTES: u64 = 512 << 20;

/// A plugin that can be asked.
pub(super) struct Subject {
    /// Its file.
    pub(super) file: PathBuf,
    /// Its manifest.
    pub(super) manifest: Manifest,
    /// Its build.
    pub(super) loaded: Arc<Loaded>,
    /// The file's size.
    pub(super) size_bytes: u64,
    /// How long it took until it could be called: compiling, unless that was done before.
    pub(super) load_time: Duration,
}

/// Where builds are made: compiled code goes with the command.
pub(super) struct Workbench {
    _cache: TempDir,
    activator: Activator,
}

impl Workbench {
    pub(super) fn open() -> anyhow::Result<Workbench> {
        let cache = tempfile::tempdir().context("no directory for compiled code")?;
        let activator = Activator::without_storage(cache.path(), Compiler::default(), CACHE_BYTES)?;
        Ok(Workbench { _cache: cache, activator })
    }

    /// Builds the plugin in `file` under `manifest`, or the one beside it, or a plain one of the kind that the file is.
    pub(super) fn load(&self, file: &Path, manifest: Option<&Path>) -> anyhow::Result<Subject> {
        let wasm = read(file)?;
        let beside = file.with_extension("yaml");
        let path = manifest.map(Path::to_owned).or_else(|| beside.is_file().then_some(beside));
        let manifest = match path {
            Some(path) => Manifest::read(&path).map_err(|errors| {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                anyhow::anyhow!("{}", lines.join("\n"))
            })?,
            None => Manifest::plain(kind_of(file, &wasm)?),
        };
        let name = file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| PluginName::new(stem).ok());
        let name = name.unwrap_or_else(|| PluginName::new("plugin").expect("a valid name"));
        let started = Instant::now();
        let loaded = self.activator.load(&name, &wasm, &manifest).map_err(|err| anyhow::anyhow!("{}: {err}", file.display()))?;
        let (load_time, size_bytes) = (started.elapsed(), wasm.len() as u64);
        Ok(Subject { file: file.to_owned(), manifest, loaded: Arc::new(loaded), size_bytes, load_time })
    }
}

/// What the file is, where no manifest says so.
fn kind_of(file: &Path, wasm: &[u8]) -> anyhow::Result<Kind> {
    let found = inspect(wasm).map_err(|err| anyhow::anyhow!("{}: {err}", file.display()))?;
    match &found.kinds[..] {
        [kind] => Ok(*kind),
        kinds => {
            let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            anyhow::bail!("{} can be a {}: say which with a manifest (--manifest FILE, `kind: …`)", file.display(), kinds.join(" or a "))
        }
    }
}
