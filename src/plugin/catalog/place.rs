//! Finding every plugin its place among the others. Those that had one keep it, over restarts too; a newcomer that finds none says so in
//! its status.

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

pub(super) fn place(former: &Catalog, mut entries: BTreeMap<PluginName, Entry>, now: UnixMillis) -> Catalog {
    for (name, entry) in &mut entries {
        entry.placed = former.entries.get(name).map_or(entry.placed, |known| known.placed);
    }
    let by_name = entries.iter().map(|(name, entry)| (name.clone(), entry.status.clone())).collect();
    let mut statuses = Statuses { now, by_name };
    let of_kind = |kind: Kind| entries.values().filter_map(Entry::active).filter(move |loaded| loaded.kind == kind).cloned();
    let several = |names| NoScheduler::Several(names).to_string();
    let scheduler = sole(Kind::Scheduler, &entries, former.scheduler.as_ref(), &mut statuses, several);
    let query = sole(Kind::Query, &entries, former.query.as_ref(), &mut statuses, |names: Vec<PluginName>| {
        let listed: Vec<&str> = names.iter().map(PluginName::as_str).collect();
        format!("{} query plugins are active ({}): set `mode: off` in the manifest of all but one", names.len(), listed.join(", "))
    });
    let mut policies: Vec<Arc<Loaded>> = of_kind(Kind::Policy).collect();
    policies.sort_by(|a, b| (a.order, &a.id.name).cmp(&(b.order, &b.id.name)));
    let shadows = entries.values().filter_map(|entry| entry.loaded.clone()).filter(|loaded| loaded.mode == Mode::Shadow).collect();
    let settled = |loaded: &Arc<Loaded>| entries.get(&loaded.id.name).is_some_and(|entry| entry.placed);
    let filters = filters(former, of_kind(Kind::Filter).partition(settled), &mut statuses);
    let statuses = statuses.by_name;
    let refused = |name: &PluginName| statuses[name].error.as_ref().is_some_and(|error| error.step == Step::Place);
    for (kind, holder) in [(Kind::Scheduler, &scheduler), (Kind::Query, &query)] {
        // Where nobody holds the place, it is still that of whoever held it last.
        let Some(holder) = holder else { continue };
        for (name, entry) in entries.iter_mut().filter(|(_, entry)| entry.status.kind == Some(kind)) {
            entry.placed = holder.id.name == *name;
        }
    }
    for (name, entry) in entries.iter_mut().filter(|(_, entry)| entry.active().is_some_and(|loaded| loaded.kind == Kind::Filter)) {
        entry.placed = !refused(name);
    }
    for (name, status) in &statuses {
        let placing = status.error.as_ref().filter(|error| error.step == Step::Place);
        let known = former.statuses.get(name).and_then(|status| status.error.as_ref());
        if let Some(error) = placing.filter(|error| known.is_none_or(|known| known.reason != error.reason)) {
            tracing::error!(plugin = %name, reason = %error.reason, "a plugin finds no place");
        }
    }
    Catalog { generation: former.generation + 1, entries, statuses, scheduler, query, policies, shadows, filters }
}

/// Of a kind of which one is in force: the only one, or the one that had the place before the others came.
fn sole(
    kind: Kind,
    entries: &BTreeMap<PluginName, Entry>,
    former: Option<&Arc<Loaded>>,
    statuses: &mut Statuses,
    conflict: impl Fn(Vec<PluginName>) -> String,
) -> Option<Arc<Loaded>> {
    let of_kind = entries.iter().filter(|(_, entry)| entry.status.kind == Some(kind));
    let wanting: Vec<(&PluginName, &Entry)> = of_kind.filter(|(_, entry)| entry.active().is_some() || entry.is_awaited()).collect();
    let holds = |name: &PluginName, entry: &Entry| former.map_or(entry.placed, |former| former.id.name == *name);
    let mut holders = wanting.iter().filter(|(name, entry)| holds(name, entry));
    let chosen = match (wanting.as_slice(), holders.next(), holders.next()) {
        ([only], ..) => Some(*only),
        (_, Some(holder), None) => Some(*holder),
        _ => None,
    };
    for (name, _) in wanting.iter().filter(|(name, entry)| entry.active().is_some() && chosen.is_none_or(|(chosen, _)| chosen != *name)) {
        statuses.refuse(name, conflict(wanting.iter().map(|(name, _)| (*name).clone()).collect()), Some(PluginState::Failed));
    }
    chosen.and_then(|(_, entry)| entry.active().cloned())
}

/// Filters by name. Those that had their place choose first: a newcomer must not take a name away.
fn filters(
    former: &Catalog,
    (mut settled, newcomers): (Vec<Arc<Loaded>>, Vec<Arc<Loaded>>),
    statuses: &mut Statuses,
) -> BTreeMap<String, Arc<Loaded>> {
    let mut filters: BTreeMap<String, Arc<Loaded>> = BTreeMap::new();
    // One that came into only a part of its names keeps that part.
    let owners: BTreeSet<&PluginName> = former.filters.values().map(|loaded| &loaded.id.name).collect();
    let (partly, newcomers): (Vec<_>, Vec<_>) = newcomers.into_iter().partition(|plugin| owners.contains(&plugin.id.name));
    settled.extend(partly);
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
