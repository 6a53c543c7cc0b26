//! From the configuration tree to what is in force: read at the start and again when it changed. A part with an error keeps its
//! former value; a part that was never sound keeps decisions from being made, since half of it would move what runs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;
use verwalter_core::names::TemplateRef;

use crate::collect::RuleSet;
use crate::config::sandbox::Sandbox;
use crate::config::settings::Settings;
use crate::config::{ConfigTree, FileError, Part};
use crate::plugin::activate::Listing;
use crate::plugin::{Activator, Catalog};
use crate::watch::{ChangeSet, Changes};

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
    /// The templates that there are.
    pub templates: BTreeSet<TemplateRef>,
    /// Grows when a file below `templates/` changed.
    pub templates_generation: u64,
    /// The plugins in force.
    pub catalog: Arc<Catalog>,
    /// The generation of the rules that follow from them.
    pub rules_generation: u64,
    /// What is wrong with the tree as it stands.
    pub errors: Arc<[FileError]>,
    /// The parts that were never sound since the start.
    unknown: Vec<&'static str>,
    /// Which of [`LASTING`] have been there.
    seen: BTreeSet<&'static str>,
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

/// Reads the tree and activates plugins. Everything here blocks.
pub struct Loader {
    dir: PathBuf,
    activator: Activator,
    settings: Settings,
    machine: watch::Sender<Arc<Map<String, Value>>>,
    rules: watch::Sender<Arc<RuleSet>>,
}

impl Loader {
    /// A loader for `dir`, with the settings that the daemon was started with.
    pub fn new(dir: PathBuf, activator: Activator, settings: Settings) -> Loader {
        Loader { dir, activator, settings, machine: watch::Sender::default(), rules: watch::Sender::default() }
    }

    /// Follows what the operator says of this machine.
    pub fn machine(&self) -> watch::Receiver<Arc<Map<String, Value>>> {
        self.machine.subscribe()
    }

    /// Follows the metrics that plugins declare.
    pub fn rules(&self) -> watch::Receiver<Arc<RuleSet>> {
        self.rules.subscribe()
    }

    /// Reads everything for the first time.
    pub fn first(&self) -> Config {
        let nothing = Config {
            generation: 0,
            runtime: "{}".into(),
            machine: Arc::default(),
            sandbox: Sandbox::default(),
            templates: BTreeSet::new(),
            templates_generation: 0,
            catalog: Arc::default(),
            rules_generation: 0,
            errors: Arc::default(),
            unknown: vec!["runtime", "machine"],
            seen: BTreeSet::new(),
        };
        let all = ChangeSet { plugins: true, templates: true, runtime: true, machine: true, sandbox: true, settings: false };
        self.again(&nothing, all)
    }

    /// Reads the tree again after `changes`.
    pub fn again(&self, former: &Config, changes: ChangeSet) -> Config {
        let (mut tree, mut errors) = ConfigTree::load(&self.dir);
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
        for error in errors.iter().filter(|error| !former.errors.contains(error)) {
            tracing::error!(%error, "the configuration tree has an error; the part keeps its former value");
        }
        for notice in &tree.notices {
            tracing::debug!(%notice, "in the configuration tree");
        }
        if changes.settings && tree.settings.is_sound() && tree.settings.value != self.settings {
            tracing::warn!("verwalter.yaml changed: its settings take effect at the next start");
        }
        let mut unknown = former.unknown.clone();
        let runtime = keep(tree.runtime, "runtime", &mut unknown);
        let machine = keep(tree.machine, "machine", &mut unknown);
        let runtime = runtime.map_or_else(|| former.runtime.clone(), |runtime| runtime.to_string().into());
        let machine = machine.map_or_else(|| former.machine.clone(), Arc::new);
        let former_sandbox = (former.generation > 0).then(|| former.sandbox.clone());
        let mut templates = tree.templates.value;
        if tree.templates.errors > 0 {
            // One directory with a bad name must hide neither new templates nor those that roles use.
            templates.extend(former.templates.iter().cloned());
        }
        let listing = if tree.plugins.is_sound() && !plugins_gone { Listing::Whole } else { Listing::Partial };
        let catalog = match changes.plugins {
            true => Arc::new(self.activator.reload(&former.catalog, &tree.plugins.value, listing)),
            false => former.catalog.clone(),
        };
        self.machine.send_if_modified(|known| {
            let changed = *known != machine;
            *known = machine.clone();
            changed
        });
        let rules = catalog.rules();
        let rules_generation = self.declare(rules);
        Config {
            generation: former.generation + 1,
            runtime,
            machine,
            sandbox: tree.sandbox.or_former(former_sandbox),
            templates,
            templates_generation: former.templates_generation + u64::from(changes.templates),
            catalog,
            rules_generation,
            errors: errors.into(),
            unknown,
            seen,
        }
    }

    fn declare(&self, rules: BTreeSet<verwalter_core::metrics::MetricRule>) -> u64 {
        self.rules.send_if_modified(|known| {
            let changed = known.rules != rules;
            if changed {
                *known = Arc::new(RuleSet { generation: known.generation + 1, rules });
            }
            changed
        });
        self.rules.borrow().generation
    }
}

/// A sound part's value; a broken part that was sound before is left to its former value.
fn keep<T>(part: Part<T>, name: &str, unknown: &mut Vec<&'static str>) -> Option<T> {
    if !part.is_sound() {
        return None;
    }
    unknown.retain(|part| *part != name);
    Some(part.value)
}

/// Time until plugins that this machine kept from being activated are tried again; doubles up to [`LONGEST_RETRY`].
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Long enough not to fill a log, short enough that a freed disk is noticed.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Reloads whenever `changes` says so, until nothing watches any more.
pub async fn run(loader: Arc<Loader>, mut changes: Changes, config: watch::Sender<Arc<Config>>) {
    let mut retry = FIRST_RETRY;
    loop {
        let unfinished = config.borrow().catalog.is_unfinished();
        let changed = tokio::select! {
            changed = changes.next() => match changed {
                Some(changed) => changed,
                None => return,
            },
            () = tokio::time::sleep(retry), if unfinished => ChangeSet { plugins: true, ..ChangeSet::default() },
        };
        retry = if unfinished { (retry * 2).min(LONGEST_RETRY) } else { FIRST_RETRY };
        let former = config.borrow().clone();
        let loader = loader.clone();
        let loaded = tokio::task::spawn_blocking(move || loader.again(&former, changed)).await;
        match loaded {
            Ok(loaded) => drop(config.send_replace(Arc::new(loaded))),
            Err(_) => {
                tracing::error!("reloading the configuration tree broke off: a defect, please report it; the former one stays in force");
            }
        }
    }
}
