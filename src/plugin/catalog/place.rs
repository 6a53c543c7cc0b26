//! Finding every plugin its place among the others. Those that had one keep it, over restarts too; a newcomer that finds none says so in
//! its status.

use std::collections::BTreeMap;
use std::sync::Arc;

use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::{ActivationError, Catalog, Entry, PluginState, PluginStatus, conflict, is_awaited_as};
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

pub(super) fn place(former: &Catalog, entries: BTreeMap<PluginName, Entry>, is_partial: bool, now: UnixMillis) -> Catalog {
    let by_name = entries.iter().map(|(name, entry)| (name.clone(), entry.status.clone())).collect();
    let mut statuses = Statuses { now, by_name };
    let mut places = former.places.clone();
    let of_kind = |kind: Kind| entries.values().filter_map(Entry::active).filter(move |loaded| loaded.kind == kind).cloned();
    let awaited = |kind: Kind, holder: &PluginName| is_awaited_as(&entries, is_partial, kind, holder);
    let scheduler = sole(
        &of_kind(Kind::Scheduler).collect::<Vec<_>>(),
        &mut places.scheduler,
        |holder| awaited(Kind::Scheduler, holder),
        &mut statuses,
    );
    let query = sole(&of_kind(Kind::Query).collect::<Vec<_>>(), &mut places.query, |holder| awaited(Kind::Query, holder), &mut statuses);
    let mut policies: Vec<Arc<Loaded>> = of_kind(Kind::Policy).collect();
    policies.sort_by(|a, b| (a.order, &a.id.name).cmp(&(b.order, &b.id.name)));
    let shadows = entries.values().filter_map(|entry| entry.loaded.clone()).filter(|loaded| loaded.mode == Mode::Shadow).collect();
    let filters = filters(of_kind(Kind::Filter).collect(), &places.filters, |owner| awaited(Kind::Filter, owner), &mut statuses);
    // What a plugin offers no more, and what is taken out, is free; what is switched off may come back to its names as long as nobody has them.
    let keeps = |name: &String, entry: &Entry| entry.active().is_none_or(|loaded| loaded.filters().contains(name));
    places.filters.retain(|name, owner| entries.get(owner).map_or(is_partial, |entry| keeps(name, entry)));
    places.filters.extend(filters.iter().map(|(name, plugin)| (name.clone(), plugin.id.name.clone())));
    let statuses = statuses.by_name;
    for (name, status) in &statuses {
        let placing = status.error.as_ref().filter(|error| error.step == Step::Place);
        let known = former.statuses.get(name).and_then(|status| status.error.as_ref());
        if let Some(error) = placing.filter(|error| known.is_none_or(|known| known.reason != error.reason)) {
            tracing::error!(plugin = %name, reason = %error.reason, "a plugin finds no place");
        }
    }
    Catalog { generation: former.generation + 1, entries, statuses, scheduler, query, policies, shadows, filters, places, is_partial }
}

/// Of a kind of which one is in force: the only one, or the one that had the place before the others came. While that may still come nobody
/// else gets it.
fn sole(
    wanting: &[Arc<Loaded>],
    holder: &mut Option<PluginName>,
    is_awaited: impl Fn(&PluginName) -> bool,
    statuses: &mut Statuses,
) -> Option<Arc<Loaded>> {
    if let Some(awaited) = holder.as_ref().filter(|holder| is_awaited(holder)) {
        let reason = format!("plugin {awaited} had this place and is not in force yet: wait for it, or set `mode: off` in its manifest");
        wanting.iter().for_each(|loaded| statuses.refuse(&loaded.id.name, reason.clone(), Some(PluginState::Failed)));
        return None;
    }
    let chosen = match wanting {
        [only] => Some(only),
        several => several.iter().find(|loaded| holder.as_ref() == Some(&loaded.id.name)),
    };
    let names: Vec<PluginName> = wanting.iter().map(|loaded| loaded.id.name.clone()).collect();
    for loaded in wanting.iter().filter(|loaded| chosen.is_none_or(|chosen| !Arc::ptr_eq(chosen, loaded))) {
        statuses.refuse(&loaded.id.name, conflict(loaded.kind, &names), Some(PluginState::Failed));
    }
    if let Some(chosen) = chosen {
        *holder = Some(chosen.id.name.clone());
    }
    chosen.cloned()
}

/// Filters by name: each is whose it was, then the first one's that offers it.
fn filters(
    plugins: Vec<Arc<Loaded>>,
    held: &BTreeMap<String, PluginName>,
    is_awaited: impl Fn(&PluginName) -> bool,
    statuses: &mut Statuses,
) -> BTreeMap<String, Arc<Loaded>> {
    let own = |plugin: &Arc<Loaded>, name: &String| held.get(name) == Some(&plugin.id.name);
    let (owners, others): (Vec<_>, Vec<_>) = plugins.into_iter().partition(|plugin| plugin.filters().iter().any(|name| own(plugin, name)));
    let mut plugins: Vec<Arc<Loaded>> = owners.into_iter().chain(others).collect();
    for plugin in plugins.drain(MAX_FILTER_PLUGINS.min(plugins.len())..) {
        let reason = format!("more than {MAX_FILTER_PLUGINS} filter plugins are active: put filters together, or set `mode: off` for some");
        statuses.refuse(&plugin.id.name, reason, Some(PluginState::Failed));
    }
    let mut filters: BTreeMap<String, Arc<Loaded>> = BTreeMap::new();
    for plugin in &plugins {
        let owned = plugin.filters().iter().filter(|name| own(plugin, name));
        filters.extend(owned.map(|name| (name.clone(), plugin.clone())));
    }
    for (plugin, name) in plugins.iter().flat_map(|plugin| plugin.filters().iter().map(move |name| (plugin, name))) {
        let other = filters.get(name).map(|other| &other.id.name);
        let awaited = held.get(name).filter(|owner| is_awaited(owner));
        let reason = match (other, awaited) {
            (Some(other), _) if *other == plugin.id.name => continue,
            (Some(other), _) => format!("the filter `{name}` is offered by plugin {other} already: rename one of them"),
            (None, Some(awaited)) => {
                format!(
                    "the filter `{name}` is plugin {awaited}'s, which is not in force yet: wait for it, or set `mode: off` in its manifest"
                )
            }
            (None, None) => {
                filters.insert(name.clone(), plugin.clone());
                continue;
            }
        };
        statuses.refuse(&plugin.id.name, reason, None);
    }
    filters
}
