//! What is in force: every plugin with its state, the one scheduler, the policies in order, the query plugin, the filters by name, and
//! what runs in their shadow. A catalog never changes; a reload makes a new one, so that a round or a render goes on with the one it
//! began with.

mod filters;
mod place;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{FailureCause, Filters, Kind, Policy, Query, Scheduler};

use super::generations::Generation;
use super::loaded::Loaded;
use super::manifest::{Manifest, Mode};
use super::places::Places;
use filters::FilterSet;
pub use status::{ActivationError, PluginState, PluginStatus};
use verwalter_core::ports::BuildId;

/// One plugin of a catalog.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) status: PluginStatus,
    pub(super) loaded: Option<Arc<Loaded>>,
    /// What the files held when this entry was made; `None` asks for another try at the next reload.
    pub(super) fingerprint: Option<(Option<Digest>, Option<Digest>)>,
    /// Nothing of it is in force, and nothing but time or this machine keeps it from that.
    pub(super) awaited: bool,
}

impl Entry {
    /// The plugin, if what it answers counts.
    fn active(&self) -> Option<&Arc<Loaded>> {
        self.loaded.as_ref().filter(|loaded| loaded.mode == Mode::Active)
    }

    /// Whether a former build may stand in for the one in force: the plugin may have been of another kind, or only a shadow.
    pub(super) fn is_replaced_by(&self, former: &Generation) -> bool {
        let manifest = Manifest::parse(Path::new("kept manifest"), former.manifest());
        let in_force = self.loaded.as_ref();
        in_force.zip(manifest.ok()).is_some_and(|(loaded, former)| (loaded.kind, loaded.mode) == (former.kind, former.mode))
    }

    /// Whether it may come into force as a `kind` without another file.
    fn is_awaited_as(&self, kind: Kind) -> bool {
        self.awaited && self.status.kind.is_none_or(|known| known == kind)
    }

    /// Whether the plugin's files held this build when the entry was made.
    pub(super) fn files_hold(&self, build: BuildId) -> bool {
        self.fingerprint == Some((Some(build.wasm), Some(build.manifest)))
    }
}

/// Whether `holder` of a place may still come into force as a `kind`.
fn is_awaited_as(entries: &BTreeMap<PluginName, Entry>, is_partial: bool, kind: Kind, holder: &PluginName) -> bool {
    entries.get(holder).map_or(is_partial, |entry| entry.is_awaited_as(kind))
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
    query: Option<Arc<Loaded>>,
    /// In the order in which they review.
    policies: Vec<Arc<Loaded>>,
    /// By name.
    shadows: Vec<Arc<Loaded>>,
    filters: BTreeMap<String, Arc<Loaded>>,
    places: Places,
    /// Plugins may be there that are not listed here, since part of their directory could not be read.
    is_partial: bool,
}

/// Why nothing decides. The last schedule stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoScheduler {
    /// No plugin of that kind is active.
    #[error("no scheduler plugin is active: put NAME.wasm and NAME.yaml with `kind: scheduler` into the plugins directory{}", if .0.is_empty() { String::new() } else { format!(" ({})", .0) })]
    None(String),
    /// The one that decided before may still come, and nobody else gets its place.
    #[error("plugin {0} decides and is not in force yet ({1}): wait for it, or set `mode: off` in its manifest")]
    Awaited(PluginName, String),
    /// There is more than one.
    #[error("{}", conflict(Kind::Scheduler, .0))]
    Several(Vec<PluginName>),
}

/// What is wrong with several plugins of a kind of which one is in force.
fn conflict(kind: Kind, names: &[PluginName]) -> String {
    let listed: Vec<&str> = names.iter().map(PluginName::as_str).collect();
    format!("{} {kind} plugins are active ({}): set `mode: off` in the manifest of all but one", names.len(), listed.join(", "))
}

impl Catalog {
    /// Before the first reload: nothing is in force, and places are as they were in an earlier life.
    pub(super) fn before(places: Places) -> Catalog {
        Catalog { places, ..Catalog::default() }
    }

    /// Who has which place, or had it last.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Puts entries in force. What was in force keeps its place when another one appears beside it.
    pub(super) fn assemble(former: &Catalog, entries: BTreeMap<PluginName, Entry>, is_partial: bool, now: UnixMillis) -> Catalog {
        place::place(former, entries, is_partial, now)
    }

    /// The same with one entry changed.
    pub(super) fn with(&self, entry: Entry, now: UnixMillis) -> Catalog {
        let mut entries = self.entries.clone();
        entries.insert(entry.status.name.clone(), entry);
        Catalog::assemble(self, entries, self.is_partial, now)
    }

    /// Whether the holder of a place may still come.
    fn is_awaited_as(&self, kind: Kind, holder: &PluginName) -> bool {
        is_awaited_as(&self.entries, self.is_partial, kind, holder)
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

    /// Whether that plugin is.
    pub fn is_unfinished_of(&self, name: &PluginName) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.fingerprint.is_none())
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
        if let Some(holder) = self.places.scheduler.as_ref().filter(|holder| self.is_awaited_as(Kind::Scheduler, holder)) {
            let error = self.entries.get(holder).and_then(|entry| entry.status.error.as_ref());
            let why = error.map_or_else(|| "its files cannot be read".to_owned(), ToString::to_string);
            return Err(NoScheduler::Awaited(holder.clone(), why));
        }
        let of_kind = self.entries.values().filter(|entry| entry.status.kind == Some(Kind::Scheduler));
        let live: Vec<PluginName> = of_kind.filter(|entry| entry.active().is_some()).map(|entry| entry.status.name.clone()).collect();
        if live.len() > 1 {
            return Err(NoScheduler::Several(live));
        }
        Err(NoScheduler::None(self.broken(Kind::Scheduler).unwrap_or_default()))
    }

    /// What is wrong with a plugin that may be meant for `kind`: one that never loaded has no kind yet.
    pub fn broken(&self, kind: Kind) -> Option<String> {
        let mut wanted = self.statuses.values().filter(|status| status.kind.is_none_or(|known| known == kind));
        wanted.find_map(|status| Some(format!("{}: {}", status.name, status.error.as_ref()?)))
    }

    /// Those that review what it decides, in their order.
    pub fn policies(&self) -> impl Iterator<Item = &dyn Policy> {
        self.policies.iter().map(|policy| &**policy as &dyn Policy)
    }

    /// The one that answers queries.
    pub fn query(&self) -> Option<Arc<dyn Query>> {
        self.query.clone().map(|query| query as Arc<dyn Query>)
    }

    /// Schedulers that run beside the active one, by name.
    pub fn shadow_schedulers(&self) -> impl Iterator<Item = &dyn Scheduler> {
        self.shadows.iter().filter(|shadow| shadow.kind == Kind::Scheduler).map(|shadow| &**shadow as &dyn Scheduler)
    }

    /// Policies that run beside the active ones, by name.
    pub fn shadow_policies(&self) -> impl Iterator<Item = &dyn Policy> {
        self.shadows.iter().filter(|shadow| shadow.kind == Kind::Policy).map(|shadow| &**shadow as &dyn Policy)
    }

    /// The manifest's text of a plugin that is in force or in its shadow.
    pub fn manifest_of(&self, name: &PluginName) -> Option<&Arc<str>> {
        self.entries.get(name)?.loaded.as_ref().map(|loaded| &loaded.manifest_text)
    }

    /// Counts a failure that showed only after the call: what a plugin answered was refused.
    pub fn blame(&self, name: &PluginName, cause: FailureCause) {
        if let Some(loaded) = self.entries.get(name).and_then(|entry| entry.loaded.as_ref()) {
            loaded.meter.record_late(cause);
        }
    }

    /// The build of a plugin that is in force or in its shadow.
    pub fn build_of(&self, name: &PluginName) -> Option<BuildId> {
        self.entries.get(name)?.loaded.as_ref().map(|loaded| loaded.build)
    }

    /// The filters in force.
    pub fn filters(self: &Arc<Catalog>) -> Arc<dyn Filters> {
        Arc::new(FilterSet { catalog: self.clone() })
    }

    /// The builds behind the filters in force: what a rendering depends on besides templates and variables.
    pub fn filter_builds(&self) -> BTreeSet<BuildId> {
        self.filters.values().map(|plugin| plugin.build()).collect()
    }

    /// The build behind [`Catalog::query`].
    pub fn query_build(&self) -> Option<BuildId> {
        self.query.as_ref().map(|query| query.build())
    }

    /// The metrics that the plugins in force declare.
    pub fn rules(&self) -> BTreeSet<MetricRule> {
        let loaded = self.entries.values().filter_map(|entry| entry.loaded.as_ref());
        loaded.flat_map(|loaded| loaded.reads.metrics.values().cloned()).collect()
    }

    /// Whether any of the plugins in force reads the peers.
    pub fn reads_peers(&self) -> bool {
        self.entries.values().filter_map(|entry| entry.loaded.as_ref()).any(|loaded| loaded.kind != Kind::Filter)
    }

    /// What an operator reads of all of them, by name.
    pub fn statuses(&self) -> impl Iterator<Item = &PluginStatus> {
        self.statuses.values()
    }

    /// What an operator reads of one.
    pub fn status(&self, name: &str) -> Option<&PluginStatus> {
        self.statuses.get(name)
    }
}
