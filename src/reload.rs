//! From the configuration tree to what is in force: read at the start and again when it changed. A part with an error keeps its
//! former value; a part that was never sound keeps decisions from being made, since half of it would move what runs.

mod carry_out;
mod task;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::{PluginName, TemplateRef};
use verwalter_core::snapshot::Snapshot;

use crate::config::listing::PluginFiles;
use crate::config::sandbox::Sandbox;
use crate::config::secrets::Secrets;
use crate::config::settings::Settings;
use crate::config::{ConfigTree, FileError, Part};
use crate::plugin::activate::{Listed, Listing};
use crate::plugin::{Activator, Catalog};
use crate::render::{Library, Mask};
use crate::round::RoundInput;
use crate::round::circumstances::Circumstances;
use crate::round::rehearse::Stage;
use crate::store::InForce;
use crate::watch::{ChangeSet, Early, Settled, Stirring};
use verwalter_collect::{Published, RuleSet};
use verwalter_core::ports::BuildId;

/// How long a dry run waits for the first figures of metrics that nobody asked for before: the collector evaluates them at once.
const COLUMNS_WAIT: Duration = Duration::from_millis(500);

pub use task::run;

/// What the rounds tell of the builds in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A build had its first good round.
    Proven {
        /// Of which plugin.
        name: PluginName,
        /// Which.
        build: BuildId,
    },
    /// A build failed too often.
    SetAside {
        /// Of which plugin.
        name: PluginName,
        /// Which.
        build: BuildId,
        /// How it failed.
        reason: String,
    },
}

/// What is in force. It never changes: a reload makes a new one.
#[derive(Clone)]
pub struct Config {
    /// Grows by one with every reload.
    pub generation: u64,
    /// Operators' metadata, JSON text; without it nothing can be decided.
    pub runtime: Arc<str>,
    /// What the operator says of this machine.
    pub machine: Arc<Map<String, Value>>,
    /// What this node allows.
    pub sandbox: Sandbox,
    /// What templates print and nobody else sees.
    pub secrets: Arc<Secrets>,
    /// Keeps them out of everything else, with those of former configurations.
    pub mask: Arc<Mask>,
    /// The templates that there are.
    pub templates: BTreeSet<TemplateRef>,
    /// What stands in them.
    pub library: Arc<Library>,
    /// Grows when a file below `templates/` changed.
    pub templates_generation: u64,
    /// The plugins in force.
    pub catalog: Arc<Catalog>,
    /// The generation of the rules that follow from them.
    pub rules_generation: u64,
    /// Whether verwalter.yaml says other than what the daemon was started with: that takes effect at the next start.
    pub restart_needed: bool,
    /// What is wrong with the tree as it stands.
    pub errors: Arc<[FileError]>,
    /// The parts that were never sound since the start.
    unknown: Vec<&'static str>,
    /// Which of [`LASTING`] have been there.
    seen: BTreeSet<&'static str>,
    /// The parts that were being written when they were read: they have their former values and are read again.
    stirring: ChangeSet,
}

impl Config {
    /// Whether a decision can be made on it; if not, why not.
    pub fn decidable(&self) -> Result<(), String> {
        self.unknown.first().map_or(Ok(()), |part| Err(self.unreadable(part, "or roles would be dropped by accident")))
    }

    /// Whether files can be rendered on it; if not, why not.
    pub fn renderable(&self) -> Result<(), String> {
        let machine = self.unknown.iter().find(|part| **part == "machine");
        machine.map_or(Ok(()), |part| Err(self.unreadable(part, "files stay as they are meanwhile")))
    }

    fn unreadable(&self, part: &str, why: &str) -> String {
        let broken = self.errors.iter().find(|error| error.path.iter().any(|step| step == part)).or(self.errors.first());
        let broken = broken.map(|error| format!(": {error}")).unwrap_or_default();
        format!("{part}/ has been unreadable since the start{broken}; mend it, {why}")
    }
}

/// Directories that do not come and go by themselves. One that was there and is gone was more likely lost than meant: its roles,
/// facts or plugins stay until it is back, were it empty.
const LASTING: [&str; 3] = ["runtime", "machine", "plugins"];

/// Most plugins that are compiled before the tree is quiet.
const EARLY_PLUGINS: usize = 4;

/// Reads the tree and activates plugins. Everything here blocks.
pub struct Loader {
    dir: PathBuf,
    activator: Activator,
    settings: Settings,
    machine: watch::Sender<Arc<Map<String, Value>>>,
    rules: watch::Sender<Arc<RuleSet>>,
    inputs: Inputs,
}

/// What dry runs decide on.
pub struct Inputs {
    /// What the newest round read.
    pub newest: watch::Receiver<Option<Arc<RoundInput>>>,
    /// What the journal has of an earlier life, for as long as there was no round in this one.
    pub recorded: Option<Arc<Circumstances>>,
    /// The schedule in force: what a candidate's decision is compared with. The recorded round may have followed an older one.
    pub in_force: watch::Receiver<Option<Arc<InForce>>>,
    /// The newest snapshot, once figures are collected.
    pub collected: OnceLock<watch::Receiver<Option<Arc<Published>>>>,
}

impl Inputs {
    fn newest(&self) -> Option<Arc<Circumstances>> {
        let newest = self.newest.borrow().as_ref().map(|input| input.circumstances.clone());
        newest.or_else(|| self.recorded.clone())
    }

    /// What dry runs see now, with the metadata as it stands.
    fn stage<'a>(&self, runtime: Arc<str>, columns: &'a dyn Fn(&BTreeSet<MetricRule>) -> Option<Arc<Snapshot>>) -> Stage<'a> {
        let in_force = self.in_force.borrow().as_ref().map(|in_force| in_force.schedule.clone());
        Stage { newest: self.newest(), in_force, runtime, columns }
    }
}

impl Loader {
    /// A loader for `dir`, with the settings that the daemon was started with.
    pub fn new(dir: PathBuf, activator: Activator, settings: Settings, inputs: Inputs) -> Loader {
        Loader { dir, activator, settings, machine: watch::Sender::default(), rules: watch::Sender::default(), inputs }
    }

    /// From now on dry runs may ask for columns that nobody asked for before.
    pub fn follow(&self, collected: watch::Receiver<Option<Arc<Published>>>) {
        // A second call would be a second collector: the first is as good.
        let _ = self.inputs.collected.set(collected);
    }

    /// Follows what the operator says of this machine.
    pub fn machine(&self) -> watch::Receiver<Arc<Map<String, Value>>> {
        self.machine.subscribe()
    }

    /// Follows the metrics that plugins declare.
    pub fn rules(&self) -> watch::Receiver<Arc<RuleSet>> {
        self.rules.subscribe()
    }

    /// Notified when a plugin that a reload did not wait for can be activated.
    fn compiled(&self) -> Arc<Notify> {
        self.activator.compiled()
    }

    /// Reads everything for the first time.
    pub fn first(&self) -> Config {
        let nothing = Config {
            generation: 0,
            runtime: "{}".into(),
            machine: Arc::default(),
            sandbox: Sandbox::default(),
            secrets: Arc::default(),
            mask: Arc::default(),
            templates: BTreeSet::new(),
            library: Arc::default(),
            templates_generation: 0,
            catalog: Arc::new(self.activator.beginning()),
            rules_generation: 0,
            restart_needed: false,
            errors: Arc::default(),
            unknown: vec!["runtime", "machine"],
            seen: BTreeSet::new(),
            stirring: ChangeSet::default(),
        };
        let all = ChangeSet { plugins: true, templates: true, runtime: true, machine: true, sandbox: true, secrets: true, settings: false };
        // Whoever writes meanwhile has to be read all the same: there is nothing else to begin with.
        self.again(&nothing, all, &Settled::default())
    }

    /// Compiles builds that are about to be activated while the tree is not quiet yet: waiting and compiling take their time together.
    pub fn prepare(&self, former: &Config, early: &Early) {
        let names: BTreeSet<PluginName> = early.plugins.iter().filter_map(|path| named(&self.dir, path)).collect();
        // The first few will do: who copies a whole directory waits for more than compiling.
        for name in names.iter().take(EARLY_PLUGINS) {
            let file = |suffix: &str| Some(self.dir.join("plugins").join(format!("{name}.{suffix}"))).filter(|path| path.is_file());
            let files = PluginFiles { wasm: file("wasm"), manifest: file("yaml") };
            self.activator.prepare(&former.catalog, name, &files, &|path| early.settled.has_still(path));
        }
    }

    /// Reads the tree again after `changes`. What does not stand any more as it did when the tree was quiet is being written: it keeps
    /// its former value, and its errors are not told, until it is quiet again.
    pub fn again(&self, former: &Config, changes: ChangeSet, settled: &Settled) -> Config {
        let (mut tree, mut errors) = ConfigTree::load(&self.dir);
        // With the tree, so that what is being written is known of them, too.
        let library = changes.templates.then(|| Library::read(&self.dir.join("templates"), tree.templates.value.union(&former.templates)));
        let mut seen = former.seen.clone();
        let mut plugins_gone = false;
        for part in LASTING {
            let path = self.dir.join(part);
            if path.exists() {
                seen.insert(part);
            } else if seen.contains(part) {
                match part {
                    "runtime" => tree.runtime.errors += 1,
                    "machine" => tree.machine.errors += 1,
                    _ => plugins_gone = true,
                }
                let message = "is gone; what it held stays in force: put it back, or make an empty directory if that is meant";
                errors.push(FileError::new(&path, message));
            }
        }
        let stirring = settled.stirring();
        self.hold_back(&stirring, &mut tree, &mut errors, former);
        for error in errors.iter().filter(|error| !former.errors.contains(error)) {
            tracing::error!(%error, "the configuration tree has an error; the part keeps its former value");
        }
        for notice in &tree.notices {
            tracing::debug!(%notice, "in the configuration tree");
        }
        // One that is broken, or half written, says nothing yet.
        let restart_needed = if tree.settings.is_sound() { tree.settings.value != self.settings } else { former.restart_needed };
        if changes.settings && restart_needed {
            tracing::warn!("verwalter.yaml changed: its settings take effect at the next start");
        }
        let mut unknown = former.unknown.clone();
        let runtime = keep(tree.runtime, "runtime", &mut unknown);
        let machine = keep(tree.machine, "machine", &mut unknown);
        let runtime = runtime.map_or_else(|| former.runtime.clone(), |runtime| runtime.to_string().into());
        let machine = machine.map_or_else(|| former.machine.clone(), Arc::new);
        let former_sandbox = (former.generation > 0).then(|| former.sandbox.clone());
        let secrets = tree.secrets.value.or_former(&former.secrets);
        let (secrets, mask) = match secrets == *former.secrets {
            true => (former.secrets.clone(), former.mask.clone()),
            false => {
                let mask = Arc::new(former.mask.with(&secrets));
                (Arc::new(secrets), mask)
            }
        };
        let mut templates = tree.templates.value;
        if tree.templates.errors > 0 {
            // One directory with a bad name must hide neither new templates nor those that roles use.
            templates.extend(former.templates.iter().cloned());
        }
        let hides = |error: &FileError| self.hides_plugins(error, &tree.plugins.value, &former.catalog);
        let is_partial = plugins_gone || stirring.parts().plugins || errors.iter().any(hides);
        let listing = if is_partial { Listing::Partial } else { Listing::Whole };
        // A build that failed its dry run may do better on other metadata.
        let plugins = changes.plugins || (former.catalog.is_unfinished() && (changes.runtime || changes.machine));
        let held_back = Cell::new(false);
        let catalog = match plugins {
            true => {
                let columns = |rules: &BTreeSet<MetricRule>| self.columns(&former.catalog, rules);
                let stage = self.inputs.stage(runtime.clone(), &columns);
                let whole = |path: &Path| {
                    let whole = settled.has_still(path);
                    held_back.set(held_back.get() || !whole);
                    whole
                };
                let listed = Listed { files: &tree.plugins.value, listing, whole: &whole };
                Arc::new(self.activator.reload(&former.catalog, &listed, &stage))
            }
            false => former.catalog.clone(),
        };
        self.machine.send_if_modified(|known| {
            let changed = *known != machine;
            *known = machine.clone();
            changed
        });
        let rules_generation = self.declare(catalog.rules(), catalog.reads_peers());
        Config {
            generation: former.generation + 1,
            runtime,
            machine,
            sandbox: tree.sandbox.or_former(former_sandbox),
            secrets,
            mask,
            templates,
            library: library.filter(|_| !stirring.parts().templates).map_or_else(|| former.library.clone(), Arc::new),
            templates_generation: former.templates_generation + u64::from(changes.templates),
            catalog,
            rules_generation,
            restart_needed,
            errors: errors.into(),
            unknown,
            seen,
            stirring: {
                let mut parts = stirring.parts();
                parts.plugins |= held_back.get();
                parts
            },
        }
    }

    /// Lets the parts that are being written keep their former values and errors.
    fn hold_back(&self, stirring: &Stirring, tree: &mut ConfigTree, errors: &mut Vec<FileError>, former: &Config) {
        let parts = stirring.parts();
        if parts.is_empty() {
            return;
        }
        tree.runtime.errors += usize::from(parts.runtime);
        tree.machine.errors += usize::from(parts.machine);
        tree.sandbox.errors += usize::from(parts.sandbox);
        if parts.secrets {
            tree.secrets.value = Secrets::clone(&former.secrets);
        }
        tree.templates.errors += usize::from(parts.templates);
        tree.settings.errors += usize::from(parts.settings);
        // Other plugins go on. One of which a file is gone for the moment is not taken out: the listing is partial.
        let file = |name: &PluginName, suffix: &str| self.dir.join("plugins").join(format!("{name}.{suffix}"));
        tree.plugins.value.retain(|name, _| !["wasm", "yaml"].iter().any(|suffix| stirring.has(&file(name, suffix))));
        errors.retain(|error| !parts.covers(&self.dir, &error.path));
        errors.extend(former.errors.iter().filter(|error| parts.covers(&self.dir, &error.path)).cloned());
        errors.sort();
    }

    /// Whether a plugin may be there that is not listed because of `error`: the directory could not be read whole, or what stands under
    /// the name of a plugin that there was, in an earlier life perhaps, cannot be used. Whatever else lies there hides nobody.
    fn hides_plugins(&self, error: &FileError, listed: &BTreeMap<PluginName, PluginFiles>, former: &Catalog) -> bool {
        match named(&self.dir, &error.path) {
            Some(name) => {
                let kept = |name| self.activator.generations().is_some_and(|known| !known.ledger(name).generations().is_empty());
                !listed.contains_key(&name) && (former.status(name.as_str()).is_some() || kept(&name))
            }
            None => error.path == self.dir || error.path == self.dir.join("plugins"),
        }
    }

    /// A snapshot with columns for `rules` beside those in force, where it comes in time. Blocks until then.
    fn columns(&self, in_force: &Catalog, rules: &BTreeSet<MetricRule>) -> Option<Arc<Snapshot>> {
        let mut collected = self.inputs.collected.get()?.clone();
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let generation = self.declare(in_force.rules().union(rules).cloned().collect(), true);
        let fits = |published: &Option<Arc<Published>>| published.as_ref().is_some_and(|p| p.rules_generation >= generation);
        // Without them the plugin sees NaN, as for any sample that is missing.
        let _ = runtime.block_on(tokio::time::timeout(COLUMNS_WAIT, collected.wait_for(fits)));
        collected.borrow().as_ref().map(|published| published.snapshot.clone())
    }

    fn declare(&self, rules: BTreeSet<MetricRule>, reads_peers: bool) -> u64 {
        self.rules.send_if_modified(|known| {
            let changed = known.rules != rules || known.reads_peers != reads_peers;
            if changed {
                *known = Arc::new(RuleSet { generation: known.generation + 1, rules, reads_peers });
            }
            changed
        });
        self.rules.borrow().generation
    }
}

/// The plugin of whose files this is one.
fn named(dir: &Path, path: &Path) -> Option<PluginName> {
    let file = path.strip_prefix(dir).ok()?.strip_prefix("plugins").ok()?;
    let (name, suffix) = file.to_str()?.rsplit_once('.')?;
    PluginName::new(name).ok().filter(|_| ["wasm", "yaml"].contains(&suffix))
}

/// A sound part's value; a broken part that was sound before is left to its former value.
fn keep<T>(part: Part<T>, name: &str, unknown: &mut Vec<&'static str>) -> Option<T> {
    if !part.is_sound() {
        return None;
    }
    unknown.retain(|part| *part != name);
    Some(part.value)
}
