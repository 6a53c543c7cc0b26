//! The way of a plugin file into force: read whole, digest, pin, inspect, compile, link, describe, check-config, swap.
//! A step that fails leaves in force what was there before and says so in the plugin's status.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use verwalter_core::contract::{Description, InputKey, InputMode, Reads};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{Failure, FailureCause, Kind, PluginId};

use super::cache::{Cache, CacheError};
use super::catalog::{ActivationError, Catalog, Entry, PluginState, PluginStatus, Step};
use super::compile::{CompileError, Compiler};
use super::engine::{self, EngineError, PERMITS};
use super::guest::{self, Reply, Request};
use super::inspect::{self, Inspection, MAX_WASM_BYTES};
use super::kept::{Kept, KeptBuild};
use super::limits::SPECS;
use super::loaded::{Loaded, Runtime};
use super::manifest::{Manifest, Mode};
use super::permits::Permits;
use crate::clock::unix_now;
use crate::collect;
use crate::config::file::{self, FileError};
use crate::config::listing::PluginFiles;
use crate::config::yaml::MAX_SETTINGS_BYTES;
use crate::storage::{Storage, StorageError};
use crate::telemetry::chain;

/// Where compiled plugins lie below the storage directory.
const CACHE_DIRECTORY: &str = "cache";
/// The most filters that one plugin offers. Arbitrary, above any library of helpers known.
const MAX_FILTERS: usize = 256;

/// Why no plugin can be run at all. This machine is at fault.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Everything that activations need.
pub struct Activator {
    runtime: Runtime,
    cache: Cache,
    kept: Option<Kept>,
}

/// Whether a list of plugin files is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// A plugin that is not in it was taken out.
    Whole,
    /// Part of the directory could not be read: what is not in it stays as it is.
    Partial,
}

/// A plugin's bytes and manifest, wherever they came from.
struct Build {
    wasm: Vec<u8>,
    manifest: Manifest,
    manifest_text: String,
}

/// Where it stopped; becomes an [`ActivationError`].
struct Stopped {
    step: Step,
    reason: String,
    /// Trying again without a new file may help: this machine was at fault.
    transient: bool,
}

fn stop(step: Step) -> impl Fn(String) -> Stopped {
    move |reason| Stopped { step, reason, transient: false }
}

impl Activator {
    /// Makes the engine; compiled code and last good builds live in `storage`.
    pub fn open(storage: &Arc<Storage>, compiler: Compiler, cache_bytes: u64) -> Result<Activator, SandboxError> {
        let kept = Kept::open(storage.clone())?;
        Ok(Activator { kept: Some(kept), ..Activator::without_storage(&storage.path().join(CACHE_DIRECTORY), compiler, cache_bytes)? })
    }

    /// The same for a tool that only runs plugins: nothing is kept but compiled code.
    pub fn without_storage(cache_dir: &Path, compiler: Compiler, cache_bytes: u64) -> Result<Activator, SandboxError> {
        let engine = engine::run_engine()?;
        let cache = Cache::open(cache_dir, &engine, compiler, cache_bytes)?;
        Ok(Activator { runtime: Runtime { engine, permits: Permits::new(PERMITS) }, cache, kept: None })
    }

    /// A new catalog from the files there are. Blocks for as long as compiling takes.
    pub fn reload(&self, former: &Catalog, files: &BTreeMap<PluginName, PluginFiles>, listing: Listing) -> Catalog {
        let now = unix_now();
        let mut entries = BTreeMap::new();
        for (name, files) in files {
            entries.insert(name.clone(), self.entry(former.entry(name), name, files, now));
        }
        match listing {
            Listing::Partial => {
                for (name, entry) in former.entries().filter(|(name, _)| !files.contains_key(*name)) {
                    entries.insert(name.clone(), entry.clone());
                }
            }
            Listing::Whole => {
                // What was taken out on purpose must not come back beside a broken file.
                let wanted =
                    entries.iter().filter(|(_, entry)| entry.status.state != PluginState::Off).map(|(name, _)| name.clone()).collect();
                if let Some(Err(err)) = self.kept.as_ref().map(|kept| kept.retain(&wanted)) {
                    tracing::warn!(error = %chain(&err), "builds of plugins that were taken out could not be removed from the storage directory");
                }
            }
        }
        Catalog::assemble(former, entries, now)
    }

    /// Takes one build straight to its port, for tools that run one decision.
    pub fn load(&self, name: &PluginName, wasm: &[u8], manifest: &Manifest) -> Result<Loaded, ActivationError> {
        let digest = Digest::of(wasm);
        let loaded = self.build(name, digest, wasm, manifest).map(|(loaded, _)| loaded);
        loaded.map_err(|stopped| ActivationError { step: stopped.step, digest: Some(digest), reason: stopped.reason, at: unix_now() })
    }

    fn entry(&self, former: Option<&Entry>, name: &PluginName, files: &PluginFiles, now: UnixMillis) -> Entry {
        let wasm = files.wasm.as_deref().map(read_wasm);
        let manifest = files.manifest.as_deref().map(|path| (path, file::read_text(path, MAX_SETTINGS_BYTES)));
        let wasm_digest = wasm.as_ref().and_then(|read| read.as_ref().ok()).map(|bytes| Digest::of(bytes));
        let manifest_digest = manifest.as_ref().and_then(|(_, read)| read.as_ref().ok()).map(|text| Digest::of(text.as_bytes()));
        let fingerprint = (wasm_digest, manifest_digest);
        // Only what was read tells one state of the files from another.
        let read = (wasm_digest.is_some() || wasm.is_none()) && (manifest_digest.is_some() || manifest.is_none());
        if let Some(former) = former
            && read
            && former.fingerprint == Some(fingerprint)
        {
            return former.clone();
        }
        let kind = manifest.as_ref().and_then(|(path, text)| Manifest::parse(path, text.as_ref().ok()?).ok()).map(|manifest| manifest.kind);
        let stopped = match gather(files, wasm, manifest) {
            Ok(Gathered::Off(kind, wasm)) => return off_entry(name, kind, wasm.as_deref(), fingerprint),
            Ok(Gathered::Build(build)) => match self.activate(former, name, &build, now) {
                Ok(entry) => return Entry { fingerprint: Some(fingerprint), ..entry },
                Err(stopped) => stopped,
            },
            Err(stopped) => stopped,
        };
        let error = ActivationError { step: stopped.step, digest: wasm_digest, reason: stopped.reason, at: now };
        let known = former.and_then(|former| former.status.error.as_ref());
        if known.is_none_or(|known| known.reason != error.reason) {
            tracing::error!(plugin = %name, step = %error.step, reason = %error.reason, "a plugin could not be activated; what was in force stays");
        }
        // What was switched off stays off: a slip in its manifest is no order to run what was kept of it.
        let stays = |former: &&Entry| former.loaded.is_some() || former.status.state == PluginState::Off;
        let mut entry = former.filter(stays).cloned().unwrap_or_else(|| self.restore(name, now));
        entry.status.state = if entry.loaded.is_some() { PluginState::Kept } else { PluginState::Failed };
        entry.status.error = Some(error);
        entry.status.kind = entry.status.kind.or(kind);
        entry.fingerprint = (!stopped.transient && read).then_some(fingerprint);
        entry
    }

    fn activate(&self, former: Option<&Entry>, name: &PluginName, build: &Build, now: UnixMillis) -> Result<Entry, Stopped> {
        let digest = Digest::of(&build.wasm);
        if let Some(pin) = build.manifest.digest.filter(|pin| *pin != digest) {
            let reason = format!("the manifest allows {pin} only, the file is {digest}: install that build, or change `digest:`");
            return Err(stop(Step::Pin)(reason));
        }
        let (loaded, inspection) = self.build(name, digest, &build.wasm, &build.manifest)?;
        if let Some(kept) = &self.kept {
            let copy = KeptBuild { wasm: build.wasm.clone(), manifest: build.manifest_text.clone() };
            if let Err(err) = kept.save(name, &copy) {
                // It runs all the same; only a restart beside a broken file would miss it.
                tracing::warn!(plugin = %name, error = %chain(&err), "the build could not be kept for a restart");
            }
        }
        let activations = former.map_or(0, |former| former.status.activations) + 1;
        tracing::info!(plugin = %name, digest = %digest, abi = %inspection.abi, "plugin activated");
        Ok(active_entry(loaded, &build.manifest, &inspection, build.wasm.len(), activations, now))
    }

    /// The build that was kept from an earlier life of this node.
    fn restore(&self, name: &PluginName, now: UnixMillis) -> Entry {
        let nothing = off_entry(name, None, None, (None, None));
        let Some(kept) = &self.kept else { return nothing };
        let build = match kept.load(name) {
            Ok(Some(build)) => build,
            Ok(None) => return nothing,
            Err(err) => {
                tracing::warn!(plugin = %name, error = %chain(&err), "the kept build is not used");
                return nothing;
            }
        };
        let Ok(manifest) = Manifest::parse(Path::new("kept manifest"), &build.manifest) else { return nothing };
        let digest = Digest::of(&build.wasm);
        match self.build(name, digest, &build.wasm, &manifest) {
            Ok((loaded, inspection)) => {
                tracing::warn!(plugin = %name, digest = %digest, "the last good build of an earlier run is in force");
                active_entry(loaded, &manifest, &inspection, build.wasm.len(), 1, now)
            }
            Err(stopped) => {
                tracing::warn!(plugin = %name, step = %stopped.step, reason = %stopped.reason, "the kept build is not used");
                nothing
            }
        }
    }

    /// From bytes to a plugin that can be called.
    fn build(&self, name: &PluginName, digest: Digest, wasm: &[u8], manifest: &Manifest) -> Result<(Loaded, Inspection), Stopped> {
        let kind = manifest.kind;
        let inspection = inspect::inspect(wasm).map_err(|err| stop(Step::Inspect)(err.to_string()))?;
        if !inspection.kinds.contains(&kind) {
            let found: Vec<String> = inspection.kinds.iter().map(ToString::to_string).collect();
            return Err(stop(Step::Inspect)(format!(
                "the manifest says `kind: {kind}`, but what it exports makes it a {}",
                found.join(", ")
            )));
        }
        let artefact = self.cache.load(&self.runtime.engine, inspection.abi, digest, wasm).map_err(|err| Stopped {
            step: Step::Compile,
            transient: !matches!(err, CacheError::Compile(CompileError::Refused(_) | CompileError::Killed(_)) | CacheError::Load(_)),
            reason: chain(&err),
        })?;
        let guest = guest::link(&self.runtime.engine, artefact, kind).map_err(|err| stop(Step::Link)(format!("{err:#}")))?;
        let mut loaded = Loaded {
            id: PluginId { name: name.clone(), digest },
            runtime: self.runtime.clone(),
            guest,
            limits: manifest.limits,
            reads: Reads { mode: InputMode::default(), keys: InputKey::ALL.to_vec(), metrics: BTreeMap::new() },
            config: manifest.config.to_string(),
            filters: Vec::new(),
        };
        loaded.reads = reads(&loaded, manifest)?;
        check_config(&loaded)?;
        if kind == Kind::Filter {
            loaded.filters = filters(&loaded)?;
        }
        Ok((loaded, inspection))
    }
}

enum Gathered {
    Build(Build),
    /// It takes no part; its bytes, when there are any, are inspected.
    Off(Option<Kind>, Option<Vec<u8>>),
}

fn gather(
    files: &PluginFiles,
    wasm: Option<Result<Vec<u8>, FileError>>,
    manifest: Option<(&Path, Result<String, FileError>)>,
) -> Result<Gathered, Stopped> {
    let wasm = wasm.transpose().map_err(|err| Stopped { step: Step::Read, reason: err.to_string(), transient: true })?;
    let Some((path, text)) = manifest else { return Ok(Gathered::Off(None, wasm)) };
    let text = text.map_err(|err| Stopped { step: Step::Read, reason: err.to_string(), transient: true })?;
    let manifest = Manifest::parse(path, &text).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        stop(Step::Manifest)(all.join("; "))
    })?;
    if manifest.mode == Mode::Off {
        return Ok(Gathered::Off(Some(manifest.kind), wasm));
    }
    if matches!(manifest.kind, Kind::Policy | Kind::Query) || manifest.mode == Mode::Shadow {
        let what =
            if manifest.mode == Mode::Shadow { "`mode: shadow` is".to_owned() } else { format!("plugins of kind {} are", manifest.kind) };
        return Err(stop(Step::Manifest)(format!("{what} not run by this version: set `mode: off`")));
    }
    let Some(wasm) = wasm else {
        let path = files.manifest.as_ref().map(|path| path.with_extension("wasm")).unwrap_or_default();
        return Err(stop(Step::Read)(format!("{} is missing: put the plugin beside its manifest, or remove the manifest", path.display())));
    };
    Ok(Gathered::Build(Build { wasm, manifest, manifest_text: text }))
}

fn read_wasm(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(|err| FileError::io(path, &err))?;
    let mut bytes = Vec::new();
    file.take(MAX_WASM_BYTES + 1).read_to_end(&mut bytes).map_err(|err| FileError::io(path, &err))?;
    if bytes.len() as u64 > MAX_WASM_BYTES {
        return Err(FileError::new(path, format!("is larger than {} MiB, the most that a plugin may have", MAX_WASM_BYTES >> 20)));
    }
    Ok(bytes)
}

/// A call that failed during an activation. A machine without room or time is no fault of the plugin: it is tried again.
fn failed(step: Step, failure: Failure) -> Stopped {
    let transient = matches!(failure.cause, FailureCause::Host | FailureCause::Time);
    Stopped { step, reason: failure.message, transient }
}

/// What the plugin states of itself, under what the manifest says.
fn reads(loaded: &Loaded, manifest: &Manifest) -> Result<Reads, Stopped> {
    let stop = stop(Step::Describe);
    let finished = loaded.call_once(Request::Describe, None).map_err(|failure| failed(Step::Describe, failure))?;
    let description: Option<Description> = match finished.reply {
        Reply::Done(bytes) => {
            Some(serde_json::from_slice(&bytes).map_err(|err| stop(format!("what it answers to `describe` is no description: {err}")))?)
        }
        Reply::Refused(reason) => return Err(stop(reason)),
        Reply::Absent => None,
    };
    if let Some(stated) = description.as_ref().and_then(|d| d.kind).filter(|stated| *stated != manifest.kind) {
        return Err(stop(format!("it says it is a {stated}, the manifest says `kind: {}`", manifest.kind)));
    }
    let mode = manifest.input.or(description.as_ref().and_then(|d| d.input)).unwrap_or_default();
    let keys = description.and_then(|d| d.reads).unwrap_or_else(|| InputKey::ALL.to_vec());
    let metrics = match (&manifest.metrics, manifest.kind) {
        (Some(metrics), _) => metrics.clone(),
        (None, Kind::Scheduler | Kind::Policy) => collect::default_metrics(),
        (None, Kind::Filter | Kind::Query) => BTreeMap::new(),
    };
    Ok(Reads { mode, keys, metrics })
}

fn check_config(loaded: &Loaded) -> Result<(), Stopped> {
    let stop = stop(Step::CheckConfig);
    let finished = loaded.call_once(Request::CheckConfig(&loaded.config), None).map_err(|failure| failed(Step::CheckConfig, failure))?;
    match finished.reply {
        Reply::Done(_) | Reply::Absent => Ok(()),
        Reply::Refused(reason) => Err(stop(format!("it refuses its configuration: {reason}"))),
    }
}

fn filters(loaded: &Loaded) -> Result<Vec<String>, Stopped> {
    let stop = stop(Step::Describe);
    let finished = loaded.call_once(Request::Filters, None).map_err(|failure| failed(Step::Describe, failure))?;
    let names: Vec<String> = match finished.reply {
        Reply::Done(bytes) => {
            serde_json::from_slice(&bytes).map_err(|err| stop(format!("its list of filters is no list of names: {err}")))?
        }
        Reply::Refused(reason) => return Err(stop(reason)),
        Reply::Absent => return Err(stop("it does not list its filters".to_owned())),
    };
    if names.len() > MAX_FILTERS {
        return Err(stop(format!("it offers {} filters; at most {MAX_FILTERS} are taken", names.len())));
    }
    // Names stand in templates: what handlebars reads as one identifier.
    let sound = |name: &String| {
        name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match names.iter().find(|name| !sound(name)) {
        Some(bad) => Err(stop(format!(
            "the filter name `{}` is refused: [A-Za-z][A-Za-z0-9_]*, at most 64",
            bad.escape_debug().take(80).collect::<String>()
        ))),
        None => Ok(names),
    }
}

fn active_entry(loaded: Loaded, manifest: &Manifest, inspection: &Inspection, size: usize, activations: u64, now: UnixMillis) -> Entry {
    let status = PluginStatus {
        name: loaded.id.name.clone(),
        kind: Some(manifest.kind),
        state: PluginState::Active,
        digest: Some(loaded.id.digest),
        activated_at: Some(now),
        activations,
        abi: Some(inspection.abi),
        size_bytes: Some(size as u64),
        imports: inspection.imports.clone(),
        filters: loaded.filters.clone(),
        limits: SPECS.iter().map(|spec| (spec.key, loaded.limits.describe(spec.limit))).collect(),
        error: None,
    };
    Entry { status, mode: Some(manifest.mode), loaded: Some(Arc::new(loaded)), fingerprint: None }
}

fn off_entry(name: &PluginName, kind: Option<Kind>, wasm: Option<&[u8]>, fingerprint: (Option<Digest>, Option<Digest>)) -> Entry {
    let inspection = wasm.and_then(|wasm| inspect::inspect(wasm).ok());
    let status = PluginStatus {
        name: name.clone(),
        kind,
        state: PluginState::Off,
        digest: None,
        activated_at: None,
        activations: 0,
        abi: inspection.as_ref().map(|inspection| inspection.abi),
        size_bytes: wasm.map(|wasm| wasm.len() as u64),
        imports: inspection.map(|inspection| inspection.imports).unwrap_or_default(),
        filters: Vec::new(),
        limits: BTreeMap::new(),
        error: None,
    };
    Entry { status, mode: None, loaded: None, fingerprint: Some(fingerprint) }
}
