//! What is in force: every plugin with its state, the one scheduler, the filters by name. A catalog never changes; a reload makes
//! a new one, so that a round or a render goes on with the one it began with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{FilterError, FilterSession, Filters, Kind, Scheduler};

use super::engine::MAX_FILTER_PLUGINS;
use super::inspect::Abi;
use super::loaded::{Loaded, Session};
use super::manifest::Mode;

/// What an operator reads of one plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginStatus {
    /// The stem of its files.
    pub name: PluginName,
    /// What the manifest says it is for.
    pub kind: Option<Kind>,
    /// Whether it takes part.
    pub state: PluginState,
    /// The build in force.
    pub digest: Option<Digest>,
    /// Since when.
    pub activated_at: Option<UnixMillis>,
    /// How often a build of it was activated since the daemon started.
    pub activations: u64,
    /// The build's ABI.
    pub abi: Option<Abi>,
    /// The build's size in bytes.
    pub size_bytes: Option<u64>,
    /// What it asks of the host.
    pub imports: Vec<String>,
    /// The helpers that it offers to templates.
    pub filters: Vec<String>,
    /// The limits in force, as they are written in a manifest.
    pub limits: BTreeMap<&'static str, String>,
    /// Why the newest file is not in force.
    pub error: Option<ActivationError>,
}

/// Whether a plugin takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginState {
    /// Its newest file is in force.
    Active,
    /// A former build is in force; `error` says why not the newest.
    Kept,
    /// None of its builds is in force; `error` says why.
    Failed,
    /// Its manifest says so, or there is none.
    Off,
}

/// Where an activation stopped. What was in force before still is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct ActivationError {
    /// The step that failed.
    pub step: Step,
    /// The file's digest, when it could be read.
    pub digest: Option<Digest>,
    /// What is wrong and what to do about it.
    pub reason: String,
    /// When.
    pub at: UnixMillis,
}

/// The steps of an activation, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Reading the files whole.
    Read,
    /// Reading the manifest.
    Manifest,
    /// Comparing with the manifest's digest.
    Pin,
    /// Finding out the ABI and the imports.
    Inspect,
    /// Translating to machine code, or finding it in the cache.
    Compile,
    /// Binding to the host's imports.
    Link,
    /// Asking what it is and what it reads.
    Describe,
    /// Asking what it thinks of its configuration.
    CheckConfig,
    /// Finding its place among the others.
    Place,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Read => "read",
            Step::Manifest => "manifest",
            Step::Pin => "pin",
            Step::Inspect => "inspect",
            Step::Compile => "compile",
            Step::Link => "link",
            Step::Describe => "describe",
            Step::CheckConfig => "check-config",
            Step::Place => "place",
        })
    }
}

/// One plugin of a catalog.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) status: PluginStatus,
    pub(super) mode: Option<Mode>,
    pub(super) loaded: Option<Arc<Loaded>>,
    /// What the files held when this entry was made; `None` asks for another try at the next reload.
    pub(super) fingerprint: Option<(Option<Digest>, Option<Digest>)>,
}

/// All plugins at one moment.
#[derive(Clone, Default)]
pub struct Catalog {
    generation: u64,
    /// As they were activated, each by itself.
    entries: BTreeMap<PluginName, Entry>,
    /// As they are among the others: a conflict shows here and goes with what caused it.
    statuses: BTreeMap<PluginName, PluginStatus>,
    scheduler: Option<Arc<Loaded>>,
    filters: BTreeMap<String, Arc<Loaded>>,
}

/// Why nothing decides. The last schedule stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoScheduler {
    /// No plugin of that kind is active.
    #[error("no scheduler plugin is active: put NAME.wasm and NAME.yaml with `kind: scheduler` into the plugins directory{}", if .0.is_empty() { String::new() } else { format!(" ({})", .0) })]
    None(String),
    /// There is more than one.
    #[error("{} scheduler plugins are active ({}): set `mode: off` in the manifest of all but one", .0.len(), .0.iter().map(PluginName::as_str).collect::<Vec<_>>().join(", "))]
    Several(Vec<PluginName>),
}

impl Catalog {
    /// Puts entries in force. The scheduler that was in force stays when another one appears beside it.
    pub(super) fn assemble(former: &Catalog, entries: BTreeMap<PluginName, Entry>, now: UnixMillis) -> Catalog {
        let mut filters: BTreeMap<String, Arc<Loaded>> = BTreeMap::new();
        let mut statuses: BTreeMap<PluginName, PluginStatus> =
            entries.iter().map(|(name, entry)| (name.clone(), entry.status.clone())).collect();
        let mut schedulers = Vec::new();
        let mut filter_plugins = 0;
        // Those whose helpers are in force choose first: a newcomer must not take a name away.
        let owners: BTreeSet<&PluginName> = former.filters.values().map(|loaded| &loaded.id().name).collect();
        let (settled, newcomers): (Vec<_>, Vec<_>) = entries.iter().partition(|(plugin, _)| owners.contains(plugin));
        for (plugin, entry) in settled.into_iter().chain(newcomers) {
            let Some(loaded) = entry.loaded.clone().filter(|_| entry.mode == Some(Mode::Active)) else { continue };
            match entry.status.kind {
                Some(Kind::Scheduler) => schedulers.push(loaded),
                Some(Kind::Filter) if filter_plugins == MAX_FILTER_PLUGINS => {
                    let reason = format!(
                        "more than {MAX_FILTER_PLUGINS} filter plugins are active: put filters together, or set `mode: off` for some"
                    );
                    let status = statuses.get_mut(plugin).expect("every entry has its status");
                    status.state = PluginState::Failed;
                    status.error = Some(ActivationError { step: Step::Place, digest: status.digest, reason, at: now });
                }
                Some(Kind::Filter) => {
                    filter_plugins += 1;
                    for name in loaded.filters() {
                        if let Some(other) = filters.get(name) {
                            let reason =
                                format!("the filter `{name}` is offered by plugin {} already: rename one of them", other.id().name);
                            let status = statuses.get_mut(plugin).expect("every entry has its status");
                            status.error = Some(ActivationError { step: Step::Place, digest: status.digest, reason, at: now });
                        } else {
                            filters.insert(name.clone(), loaded.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        let scheduler = match &schedulers[..] {
            [only] => Some(only.clone()),
            several => {
                let former = former.scheduler.as_ref().map(|loaded| &loaded.id().name);
                several.iter().find(|loaded| Some(&loaded.id().name) == former).cloned()
            }
        };
        if schedulers.len() > 1 {
            let names: Vec<PluginName> = schedulers.iter().map(|loaded| loaded.id().name.clone()).collect();
            let conflict = NoScheduler::Several(names.clone()).to_string();
            for name in names.iter().filter(|name| scheduler.as_ref().is_none_or(|chosen| chosen.id().name != **name)) {
                let status = statuses.get_mut(name).expect("every entry has its status");
                status.state = PluginState::Failed;
                status.error = Some(ActivationError { step: Step::Place, digest: status.digest, reason: conflict.clone(), at: now });
            }
        }
        for (name, status) in &statuses {
            let placing = status.error.as_ref().filter(|error| error.step == Step::Place);
            let known = former.statuses.get(name).and_then(|status| status.error.as_ref());
            if let Some(error) = placing.filter(|error| known.is_none_or(|known| known.reason != error.reason)) {
                tracing::error!(plugin = %name, reason = %error.reason, "a plugin finds no place; after a restart it may be another one");
            }
        }
        Catalog { generation: former.generation + 1, entries, statuses, scheduler, filters }
    }

    pub(super) fn entry(&self, name: &PluginName) -> Option<&Entry> {
        self.entries.get(name)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&PluginName, &Entry)> {
        self.entries.iter()
    }

    /// Whether a plugin is missing through no fault of its own, so that another reload may bring it.
    pub fn is_unfinished(&self) -> bool {
        self.entries.values().any(|entry| entry.fingerprint.is_none())
    }

    /// Grows by one with every reload.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The one that decides.
    pub fn scheduler(&self) -> Result<Arc<dyn Scheduler>, NoScheduler> {
        if let Some(scheduler) = &self.scheduler {
            return Ok(scheduler.clone());
        }
        let of_kind = |entry: &&Entry| entry.status.kind == Some(Kind::Scheduler);
        let live: Vec<PluginName> = self
            .entries
            .values()
            .filter(of_kind)
            .filter(|e| e.loaded.is_some() && e.mode == Some(Mode::Active))
            .map(|e| e.status.name.clone())
            .collect();
        if live.len() > 1 {
            return Err(NoScheduler::Several(live));
        }
        // One that never loaded has no kind yet.
        let mut wanted = self.statuses.values().filter(|status| status.kind.is_none_or(|kind| kind == Kind::Scheduler));
        let broken = wanted.find_map(|status| Some(format!("{}: {}", status.name, status.error.as_ref()?)));
        Err(NoScheduler::None(broken.unwrap_or_default()))
    }

    /// The filters in force.
    pub fn filters(self: &Arc<Catalog>) -> Arc<dyn Filters> {
        Arc::new(FilterSet { catalog: self.clone() })
    }

    /// The builds behind the filters in force: what a rendering depends on besides templates and variables.
    pub fn filter_builds(&self) -> BTreeSet<Digest> {
        self.filters.values().map(|plugin| plugin.id().digest).collect()
    }

    /// The metrics that the plugins in force declare.
    pub fn rules(&self) -> BTreeSet<MetricRule> {
        let loaded = self.entries.values().filter_map(|entry| entry.loaded.as_ref());
        loaded.flat_map(|loaded| loaded.reads.metrics.values().cloned()).collect()
    }

    /// What an operator reads of all of them, by name.
    pub fn statuses(&self) -> impl Iterator<Item = &PluginStatus> {
        self.statuses.values()
    }
}

struct FilterSet {
    catalog: Arc<Catalog>,
}

impl Filters for FilterSet {
    fn names(&self) -> Vec<String> {
        self.catalog.filters.keys().cloned().collect()
    }

    fn open(&self) -> Box<dyn FilterSession> {
        Box::new(SetSession { catalog: self.catalog.clone(), sessions: BTreeMap::new() })
    }
}

/// One session a plugin, begun at its first use.
struct SetSession {
    catalog: Arc<Catalog>,
    sessions: BTreeMap<PluginName, Session>,
}

impl FilterSession for SetSession {
    fn apply(&mut self, name: &str, args: &Value) -> Result<Value, FilterError> {
        let plugin = self.catalog.filters.get(name).ok_or_else(|| FilterError::Unknown(name.to_owned()))?;
        let session = self.sessions.entry(plugin.id().name.clone()).or_insert_with(|| plugin.session());
        Ok(session.apply(name, args)?)
    }
}
