//! Finding every plugin its place among the others. Those that had one keep it; a newcomer that finds none says so in its status.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::{ActivationError, Catalog, Entry, NoScheduler, PluginState, PluginStatus};
use crate::plugin::engine::MAX_FILTER_PLUGINS;
use crate::plugin::loaded::Loaded;
use crate::plugin::manifest::Mode;
use crate::plugin::pipeline::Step;

/// Statuses as they become while places are given.
struct Statuses {
    now: UnixMillis,
    by_name: BTreeMap<PluginName, PluginStatus>,
}

impl Statuses {
    /// A plugin found no place, or only part of one.
    fn refuse(&mut self, name: &PluginName, reason: String, state: Option<PluginState>) {
        let status = self.by_name.get_mut(name).expect("every entry has its status");
        status.state = state.unwrap_or(status.state);
        status.error = Some(ActivationError { step: Step::Place, digest: status.digest, reason, at: self.now });
    }
}

pub(super) fn place(former: &Catalog, entries: BTreeMap<PluginName, Entry>, now: UnixMillis) -> Catalog {
    let by_name = entries.iter().map(|(name, entry)| (name.clone(), entry.status.clone())).collect();
    let mut statuses = Statuses { now, by_name };
    let of_kind = |kind: Kind| entries.values().filter_map(Entry::active).filter(move |loaded| loaded.kind == kind).cloned();
    let scheduler = sole(&of_kind(Kind::Scheduler).collect::<Vec<_>>(), former.scheduler.as_ref(), &mut statuses, |names| {
        NoScheduler::Several(names).to_string()
    });
    let query = sole(&of_kind(Kind::Query).collect::<Vec<_>>(), former.query.as_ref(), &mut statuses, |names| {
        let listed: Vec<&str> = names.iter().map(PluginName::as_str).collect();
        format!("{} query plugins are active ({}): set `mode: off` in the manifest of all but one", names.len(), listed.join(", "))
    });
    let mut policies: Vec<Arc<Loaded>> = of_kind(Kind::Policy).collect();
    policies.sort_by(|a, b| (a.order, &a.id.name).cmp(&(b.order, &b.id.name)));
    let shadows = entries.values().filter_map(|entry| entry.loaded.clone()).filter(|loaded| loaded.mode == Mode::Shadow).collect();
    let filters = filters(former, of_kind(Kind::Filter).collect(), &mut statuses);
    let statuses = statuses.by_name;
    for (name, status) in &statuses {
        let placing = status.error.as_ref().filter(|error| error.step == Step::Place);
        let known = former.statuses.get(name).and_then(|status| status.error.as_ref());
        if let Some(error) = placing.filter(|error| known.is_none_or(|known| known.reason != error.reason)) {
            tracing::error!(plugin = %name, reason = %error.reason, "a plugin finds no place; after a restart it may be another one");
        }
    }
    Catalog { generation: former.generation + 1, entries, statuses, scheduler, query, policies, shadows, filters }
}

/// Of a kind of which one is in force, the only one, or the one that was before the others came.
fn sole(
    several: &[Arc<Loaded>],
    former: Option<&Arc<Loaded>>,
    statuses: &mut Statuses,
    conflict: impl Fn(Vec<PluginName>) -> String,
) -> Option<Arc<Loaded>> {
    if let [only] = several {
        return Some(only.clone());
    }
    let chosen = several.iter().find(|loaded| former.is_some_and(|former| former.id.name == loaded.id.name)).cloned();
    let names: Vec<PluginName> = several.iter().map(|loaded| loaded.id.name.clone()).collect();
    for name in names.iter().filter(|name| chosen.as_ref().is_none_or(|chosen| chosen.id.name != **name)) {
        statuses.refuse(name, conflict(names.clone()), Some(PluginState::Failed));
    }
    chosen
}

/// Filters by name. Those whose helpers are in force choose first: a newcomer must not take a name away.
fn filters(former: &Catalog, plugins: Vec<Arc<Loaded>>, statuses: &mut Statuses) -> BTreeMap<String, Arc<Loaded>> {
    let mut filters: BTreeMap<String, Arc<Loaded>> = BTreeMap::new();
    let owners: BTreeSet<&PluginName> = former.filters.values().map(|loaded| &loaded.id.name).collect();
    let (settled, newcomers): (Vec<_>, Vec<_>) = plugins.into_iter().partition(|plugin| owners.contains(&plugin.id.name));
    for (index, plugin) in settled.into_iter().chain(newcomers).enumerate() {
        if index >= MAX_FILTER_PLUGINS {
            let reason =
                format!("more than {MAX_FILTER_PLUGINS} filter plugins are active: put filters together, or set `mode: off` for some");
            statuses.refuse(&plugin.id.name, reason, Some(PluginState::Failed));
            continue;
        }
        for name in plugin.filters() {
            if let Some(other) = filters.get(name) {
                let reason = format!("the filter `{name}` is offered by plugin {} already: rename one of them", other.id.name);
                statuses.refuse(&plugin.id.name, reason, None);
            } else {
                filters.insert(name.clone(), plugin.clone());
            }
        }
    }
    filters
}
