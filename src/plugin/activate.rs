//! The way of a plugin file into force: read whole, manifest, pin, quarantine, then what `build` does, a dry run, and
//! the swap. A step that fails leaves in force what was there before and says so in the plugin's status.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{BuildId, Kind, PluginId, Rehearsal, Rehearsed};

use super::build::{Source, Workshop};
use super::cache::{Cache, CacheError};
use super::catalog::{ActivationError, Catalog, Entry, PluginState};
use super::compile::Compiler;
use super::compilers::{Compilers, Patience};
use super::engine::{self, EngineError, PERMITS};
use super::entry::{active_entry, off_entry};
use super::gather::{Files, Gathered, gather};
use super::generations::{Generations, Ledger};
use super::loaded::{Loaded, Runtime};
use super::manifest::{Manifest, Mode};
use super::meter::Meters;
use super::names::RefuseFilter;
use super::passes::Passes;
use super::permits::Permits;
use super::pipeline::{Remedy, Step, StepOutcome, Stopped, Trace};
use super::places::PlaceStore;
use super::voice::Voices;
use crate::config::listing::PluginFiles;
use crate::storage::{Storage, StorageError};
use crate::telemetry::chain;
use verwalter_collect::clock::unix_now;

/// Where compiled plugins lie below the storage directory.
const CACHE_DIRECTORY: &str = "cache";

/// How long a reload waits for the compiler of one plugin at most. No more than two go on behind it, and then others are not waited for: what is
/// slow costs a reload at most twice as long, and what is quick is not left behind with it.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// The first one, which holds up nothing but the start.
    pub start: Duration,
    /// Any other, which holds up what else was changed.
    pub reload: Duration,
}

impl Default for Waits {
    /// An ordinary plugin takes a tenth of the shorter one, and who edits a template meanwhile does not mind the rest.
    fn default() -> Waits {
        Waits { start: Duration::from_secs(10), reload: Duration::from_secs(2) }
    }
}

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
    pub(super) workshop: Workshop,
    generations: Option<Arc<Generations>>,
    places: Option<PlaceStore>,
    passes: Arc<Passes>,
    refuse_filter: RefuseFilter,
    waits: Option<Waits>,
}

/// The plugins' files, of which some may be written while others are compiled.
pub struct Listed<'a> {
    /// By plugin.
    pub files: &'a BTreeMap<PluginName, PluginFiles>,
    /// Whether these are all.
    pub listing: Listing,
    /// Whether a file that was just read is whole: what is being written stays at its former value, without a word.
    pub whole: &'a dyn Fn(&Path) -> bool,
}

/// Whether a list of plugin files is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// A plugin that is not in it was taken out.
    Whole,
    /// Part of the directory could not be read: what is not in it stays as it is.
    Partial,
}

/// What one reload activates plugins in.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    now: UnixMillis,
    /// Whether nothing was in force before.
    is_start: bool,
    patience: Patience,
    rehearsal: &'a dyn Rehearsal,
}

impl Activator {
    /// Makes the engine; compiled code and former builds live in `storage`.
    pub fn open(storage: &Arc<Storage>, compiler: Compiler, cache_bytes: u64) -> Result<Activator, SandboxError> {
        let generations = Some(Arc::new(Generations::open(storage.clone())?));
        Ok(Activator {
            generations,
            places: Some(PlaceStore::new(storage.clone())),
            ..Activator::without_storage(&storage.path().join(CACHE_DIRECTORY), compiler, cache_bytes)?
        })
    }

    /// The same for a tool that only runs plugins: nothing is kept but compiled code.
    pub fn without_storage(cache_dir: &Path, compiler: Compiler, cache_bytes: u64) -> Result<Activator, SandboxError> {
        let engine = engine::run_engine()?;
        let cache = Cache::open(cache_dir, &engine, compiler, cache_bytes)?;
        let runtime = Runtime { engine, permits: Permits::new(PERMITS) };
        let workshop = Workshop { runtime, compilers: Compilers::new(cache), meters: Arc::default(), voices: Voices::default() };
        Ok(Activator { workshop, generations: None, places: None, passes: Arc::default(), refuse_filter: |_| None, waits: None })
    }

    /// The same, but no build comes into force that offers a filter whose name `refuse` refuses. One that was in force stays so.
    #[must_use]
    pub fn refusing(self, refuse: fn(&str) -> Option<String>) -> Activator {
        Activator { refuse_filter: refuse, ..self }
    }

    /// The same, but a reload waits no longer for compilers than that: what is not done then is activated by a later reload, and
    /// [`Activator::compiled`] says when.
    #[must_use]
    pub fn waiting(self, waits: Waits) -> Activator {
        Activator { waits: Some(waits), ..self }
    }

    /// Notified when another reload may activate what an earlier one did not wait for.
    pub fn compiled(&self) -> Arc<Notify> {
        self.workshop.compilers.done()
    }

    /// What is remembered of plugins, where there is storage.
    pub fn generations(&self) -> Option<&Arc<Generations>> {
        self.generations.as_ref()
    }

    /// The counters of plugins and their builds.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.workshop.meters
    }

    /// The passes that operators granted.
    pub fn passes(&self) -> &Arc<Passes> {
        &self.passes
    }

    /// What the first reload follows: nothing is in force, and who has which place is as it was when this node ran last.
    pub fn beginning(&self) -> Catalog {
        self.places.as_ref().map_or_else(Catalog::default, |places| Catalog::before(places.read()))
    }

    /// A new catalog from the files there are. Blocks for as long as dry runs take, and compiling within the patience there is.
    pub fn reload(&self, former: &Catalog, listed: &Listed<'_>, rehearsal: &dyn Rehearsal) -> Catalog {
        let now = unix_now();
        let is_start = former.generation() == 0;
        let wait = self.waits.map(|waits| if is_start { waits.start } else { waits.reload });
        let patience = wait.map_or(Patience::Endless, Patience::For);
        let mut entries = BTreeMap::new();
        let mut listing = listed.listing;
        for (name, files) in listed.files {
            match self.entry(former.entry(name), name, files, listed.whole, Attempt { now, is_start, patience, rehearsal }) {
                Some(entry) => drop(entries.insert(name.clone(), entry)),
                // Not even its kept builds are let go.
                None => listing = Listing::Partial,
            }
        }
        match listing {
            Listing::Partial => {
                for (name, entry) in former.entries() {
                    entries.entry(name.clone()).or_insert_with(|| entry.clone());
                }
            }
            Listing::Whole => {
                let listed: BTreeSet<PluginName> = entries.keys().cloned().collect();
                if let Some(Err(err)) = self.generations.as_ref().map(|generations| generations.retain(&listed)) {
                    tracing::warn!(error = %chain(&err), "builds of plugins that were taken out could not be removed from the storage directory");
                }
            }
        }
        let catalog = self.placed(Catalog::assemble(former, entries, listing == Listing::Partial, now));
        self.forget_figures(&catalog);
        self.workshop.compilers.forget();
        catalog
    }

    /// Remembers who has which place.
    pub(super) fn placed(&self, catalog: Catalog) -> Catalog {
        if let Some(places) = &self.places {
            places.remember(catalog.places());
        }
        catalog
    }

    /// Compiles a build that will most likely be activated soon: its files look whole, but may yet change. It puts nothing in force and tells
    /// nothing; a build that would not come as far as compiling is not compiled.
    pub fn prepare(&self, former: &Catalog, name: &PluginName, files: &PluginFiles, whole: &dyn Fn(&Path) -> bool) {
        let read = Files::read(files);
        let known = former.entry(name).is_some_and(|former| former.fingerprint == Some(read.fingerprint));
        if known || ![&files.wasm, &files.manifest].into_iter().flatten().all(|path| whole(path)) {
            return;
        }
        if let Ok(Gathered::Source(source)) = gather(read, files, &mut Trace::default()) {
            let ledger = self.generations.as_ref().map(|generations| generations.ledger(name)).unwrap_or_default();
            let build = source.id();
            if pinned(&source, build).is_err() || not_set_aside(name, &ledger, build).is_err() {
                return;
            }
            self.workshop.prepare(&source);
        }
    }

    /// Drops the counters of builds that are neither in force nor kept: each new build would leave some behind.
    fn forget_figures(&self, catalog: &Catalog) {
        let kept = |id: &PluginId| {
            let in_force = catalog.build_of(&id.name).is_some_and(|build| build.wasm == id.digest);
            let ledger = self.generations.as_ref().map(|generations| generations.ledger(&id.name)).unwrap_or_default();
            in_force || ledger.generations().iter().any(|generation| generation.build.wasm == id.digest)
        };
        self.meters().retain(kept, |name| catalog.status(name.as_str()).is_some());
    }

    /// Takes one build straight to its port, for tools that run one decision.
    pub fn load(&self, name: &PluginName, wasm: &[u8], manifest: &Manifest) -> Result<Loaded, ActivationError> {
        let source = Source { wasm: wasm.to_owned(), manifest: manifest.clone(), manifest_text: String::new() };
        let loaded =
            self.workshop.build(name, &source, self.refuse_filter, Patience::Endless, &mut Trace::default()).map(|(loaded, _)| loaded);
        let digest = source.id().wasm;
        loaded.map_err(|stopped| ActivationError { step: stopped.step, digest: Some(digest), reason: stopped.reason, at: unix_now() })
    }

    /// `None`: its files are being written.
    fn entry(
        &self,
        former: Option<&Entry>,
        name: &PluginName,
        files: &PluginFiles,
        whole: &dyn Fn(&Path) -> bool,
        around: Attempt<'_>,
    ) -> Option<Entry> {
        let now = around.now;
        let read = Files::read(files);
        // Before it came the compiling of other plugins, for which no writer waits. Asked after the reading, the answer is final.
        if ![&files.wasm, &files.manifest].into_iter().flatten().all(|path| whole(path)) {
            return None;
        }
        let (fingerprint, are_whole, kind, mode) = (read.fingerprint, read.are_whole, read.kind, read.mode);
        if let Some(former) = former
            && are_whole
            && former.fingerprint == Some(fingerprint)
        {
            return Some(former.clone());
        }
        let mut trace = Trace::default();
        let stopped = match gather(read, files, &mut trace) {
            Ok(Gathered::Off(kind, wasm)) => {
                if let Some(generations) = &self.generations {
                    generations.switched_off(name);
                }
                return Some(Entry { fingerprint: Some(fingerprint), ..off_entry(name, kind, wasm.as_deref()) });
            }
            Ok(Gathered::Source(source)) => match self.activate(former, name, &source, around, &mut trace) {
                Ok(entry) => return Some(Entry { fingerprint: Some(fingerprint), ..entry }),
                Err(stopped) => stopped,
            },
            Err(stopped) => stopped,
        };
        let error = ActivationError { step: stopped.step, digest: fingerprint.0, reason: stopped.reason, at: now };
        let known = former.and_then(|former| former.status.error.as_ref());
        let is_news = known.is_none_or(|known| known.reason != error.reason);
        if is_news && stopped.remedy == Remedy::Time {
            tracing::info!(plugin = %name, "a plugin takes the compiler a while; what was in force of it stays until it is done");
        } else if is_news {
            self.meters().plugin(name).refused(error.step);
            tracing::error!(plugin = %name, step = %error.step, reason = %error.reason, "a plugin could not be activated; what was in force of it stays");
        }
        // What was switched off stays off: a slip in its manifest is no order to run what was kept of it. What is pending had nothing of the
        // kind, or it would run.
        let stays = |former: &&Entry| former.loaded.is_some() || matches!(former.status.state, PluginState::Off | PluginState::Pending);
        let mut entry = match former.filter(stays) {
            Some(former) => Entry { awaited: false, ..former.clone() },
            None => self.restore(name, now),
        };
        entry.status.state = match (&entry.loaded, error.step) {
            (Some(_), _) => PluginState::Kept,
            (None, Step::Quarantine) => PluginState::Quarantined,
            (None, _) if stopped.remedy == Remedy::Time => PluginState::Pending,
            (None, _) => PluginState::Failed,
        };
        entry.status.error = Some(error);
        if entry.loaded.is_none() {
            (entry.status.kind, entry.status.mode) = (kind.or(entry.status.kind), mode.or(entry.status.mode));
        }
        // What fails when it runs is tried again too, but most likely it is at fault itself.
        let ran = !matches!(stopped.step, Step::Read | Step::Compile);
        let may_come = stopped.remedy != Remedy::Files && !ran && mode.is_none_or(|mode| mode == Mode::Active);
        entry.awaited = entry.loaded.is_none() && (may_come || entry.awaited);
        entry.status.steps = trace.into_steps();
        entry.fingerprint = (stopped.remedy == Remedy::Files && are_whole && !entry.awaited).then_some(fingerprint);
        Some(entry)
    }

    fn activate(
        &self,
        former: Option<&Entry>,
        name: &PluginName,
        source: &Source,
        Attempt { now, is_start, patience, rehearsal }: Attempt<'_>,
        trace: &mut Trace,
    ) -> Result<Entry, Stopped> {
        let build = source.id();
        let ledger = self.generations.as_ref().map(|generations| generations.ledger(name)).unwrap_or_default();
        trace.take(Step::Pin, || pinned(source, build))?;
        trace.take(Step::Quarantine, || not_set_aside(name, &ledger, build))?;
        let running = former.and_then(|former| former.loaded.as_ref()).map(|loaded| loaded.build);
        let was_in_force = running.or_else(|| ledger.in_force().map(|last| last.build)) == Some(build);
        // A start without what decided before, or without a policy that is to review the first decision, is worse than a late one.
        let is_needed = was_in_force || (source.manifest.kind == Kind::Policy && is_start);
        let patience = if is_needed { Patience::Endless } else { patience };
        let (loaded, inspection) = self.workshop.build(name, source, self.refuse_filter, patience, trace)?;
        let mut did_well = false;
        trace.take_noted(Step::DryRun, || match was_in_force {
            true => Ok((StepOutcome::Skipped, "this build was in force before".to_owned())),
            false => self.rehearse(&loaded, rehearsal).inspect(|(outcome, _)| did_well = *outcome == StepOutcome::Done),
        })?;
        let number = match &self.generations {
            Some(generations) => generations.activated(name, build, &source.wasm, &source.manifest_text, now),
            None => former.and_then(|former| former.status.generation).unwrap_or(0) + 1,
        };
        // A policy that reviewed well once is not set aside for a schedule that it fails on: the gate would open for just that.
        if let Some(generations) = self.generations.as_ref().filter(|_| did_well && loaded.kind == Kind::Policy) {
            generations.proven(name, build);
        }
        let activations = former.map_or(0, |former| former.status.activations) + 1;
        let digest = build.wasm;
        self.meters().plugin(name).activated();
        tracing::info!(plugin = %name, %digest, generation = number, abi = %inspection.abi, "plugin activated");
        let mut entry = active_entry(loaded, &inspection, source.wasm.len(), now);
        entry.status.activations = activations;
        entry.status.generation = Some(number);
        entry.status.steps = std::mem::take(trace).into_steps();
        Ok(entry)
    }

    /// How a build does on the newest recorded input.
    pub(super) fn rehearse(&self, loaded: &Loaded, rehearsal: &dyn Rehearsal) -> Result<(StepOutcome, String), Stopped> {
        let rehearsed = match loaded.kind {
            Kind::Scheduler => {
                let allowed = loaded.mode == Mode::Shadow || self.passes.has(&loaded.id.name, Instant::now());
                rehearsal.scheduler(loaded, allowed)
            }
            Kind::Policy => rehearsal.policy(loaded),
            Kind::Query => rehearsal.query(loaded),
            Kind::Filter => Ok(Rehearsed::Nothing("filters run when a template asks".to_owned())),
        };
        match rehearsed {
            Ok(Rehearsed::Well(note)) => Ok((StepOutcome::Done, note)),
            Ok(Rehearsed::Nothing(note)) => Ok((StepOutcome::Skipped, note)),
            // It is tried again: what stands around the plugin may change.
            Err(failure) => {
                let reason = format!("on the newest recorded input it failed ({}): {}", failure.cause, failure.message);
                Err(Stopped::for_now(Step::DryRun, reason))
            }
        }
    }
}

/// Whether the manifest allows the build.
fn pinned(source: &Source, build: BuildId) -> Result<(), Stopped> {
    let Some(pin) = source.manifest.digest.filter(|pin| *pin != build.wasm) else { return Ok(()) };
    let found = build.wasm;
    let reason = format!("the manifest allows {pin} only, the file is {found}: install that build, or change `digest:`");
    Err(Stopped::at(Step::Pin, reason))
}

fn not_set_aside(name: &PluginName, ledger: &Ledger, build: BuildId) -> Result<(), Stopped> {
    let Some(aside) = ledger.set_aside(build) else { return Ok(()) };
    let reason = format!(
        "this build was set aside: {}; install another one, change its manifest, or lift it with `verwalter plugin release {name}`",
        aside.reason
    );
    Err(Stopped::at(Step::Quarantine, reason))
}
