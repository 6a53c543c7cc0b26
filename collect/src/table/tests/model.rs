//! The same cluster kept as plainly as can be: by node and name, without slots, sharing or order, and every snapshot made from scratch.

use std::collections::BTreeMap;
use std::sync::Arc;

use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Column, ColumnId, Columns, MAX_SAMPLES, MetricRule, SERIES_LEN, Source, Take};
use verwalter_core::peers::PeerTable;
use verwalter_core::snapshot::{HostColumns, Snapshot};

use crate::query::QuerySet;
use crate::source::{Report, SeenPeer};

/// What one query said of one node.
#[derive(Debug, Default)]
struct Said {
    /// By group.
    values: BTreeMap<Vec<String>, f64>,
    samples: BTreeMap<Vec<String>, Vec<f64>>,
    /// By moment.
    past: BTreeMap<u64, f64>,
}

#[derive(Debug, Default)]
struct Line {
    moment: u64,
    opened: u64,
    reported: BTreeMap<NodeId, (u64, UnixMillis)>,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) own: SeenPeer,
    pub(super) others: Vec<SeenPeer>,
    pub(super) default: Source,
    pub(super) sets: Vec<QuerySet>,
    said: BTreeMap<(MetricRule, NodeId), Said>,
    /// The newest moment in which anything was said of a query.
    newest_of: BTreeMap<MetricRule, u64>,
    lines: BTreeMap<Option<Source>, Line>,
    newest: UnixMillis,
}

impl Model {
    pub(super) fn new(own: SeenPeer, default: Source) -> Model {
        Model {
            newest: own.known_since,
            own,
            others: Vec::new(),
            default,
            sets: Vec::new(),
            said: BTreeMap::new(),
            newest_of: BTreeMap::new(),
            lines: BTreeMap::new(),
        }
    }

    pub(super) fn is_known(&self, id: NodeId) -> bool {
        self.nodes().any(|peer| peer.id == id)
    }

    fn nodes(&self) -> impl Iterator<Item = &SeenPeer> {
        self.others.iter().filter(|peer| peer.id != self.own.id).chain([&self.own])
    }

    /// What is known of nodes that left or of queries that nobody asks any more is forgotten.
    pub(super) fn forget(&mut self) {
        let known: Vec<NodeId> = self.nodes().map(|peer| peer.id).collect();
        let rules = self.sets.last().map_or(&[][..], QuerySet::rules);
        self.said.retain(|(rule, id), _| known.contains(id) && rules.contains(rule));
        self.newest_of.retain(|rule, _| rules.contains(rule));
        self.lines.values_mut().for_each(|line| line.reported.retain(|id, _| known.contains(id)));
    }

    pub(super) fn report(&mut self, from: Source, report: &Report, gap_ms: u64) {
        let mut moments = BTreeMap::new();
        let named = (from == self.default).then_some(None);
        for source in named.into_iter().chain([Some(from)]) {
            let line = self.lines.entry(source).or_default();
            let repeats = line.reported.get(&report.peer).is_some_and(|(moment, _)| *moment == line.moment);
            if line.moment == 0 || (repeats && report.taken.0.abs_diff(line.opened) >= gap_ms) {
                line.moment += 1;
                line.opened = report.taken.0;
            }
            line.reported.insert(report.peer, (line.moment, report.taken));
            moments.insert(source, line.moment);
        }
        let asked = self.sets.iter().find(|set| set.generation == report.generation).expect("the test asks what is known").rules().to_vec();
        let in_force = self.sets.last().expect("there is a set").rules();
        let mut values = report.row.values.iter();
        for (query, rule) in (0_u16..).zip(&asked) {
            let value = if rule.by.is_empty() { values.next() } else { None };
            let Some(moment) = moments.get(&rule.source).filter(|_| in_force.contains(rule)) else { continue };
            let said = self.said.entry((rule.clone(), report.peer)).or_default();
            said.values = value.into_iter().map(|value| (Vec::new(), *value)).collect();
            let groups = report.row.groups.iter().filter(|group| group.query == query);
            said.values.extend(groups.map(|group| (group.group.clone(), group.value)));
            said.values.retain(|_, value| value.is_finite());
            let samples = report.row.samples.iter().filter(|samples| samples.query == query && rule.take == Take::Series);
            said.samples = samples.map(|samples| (samples.group.clone(), samples.values.clone())).collect();
            if let Some(value) = value {
                said.past.insert(*moment, if value.is_finite() { *value } else { f64::NAN });
            }
            self.newest_of.insert(rule.clone(), *moment);
        }
        self.newest = self.newest.max(report.taken);
    }

    pub(super) fn snapshot(&self, now: UnixMillis) -> Snapshot {
        let peer = |seen: &SeenPeer| seen.told(seen.known_since);
        // Nobody takes away the own hostname.
        let kept = |seen: &&SeenPeer| seen.id == self.own.id || seen.hostname != self.own.hostname;
        let (peers, _) = PeerTable::new(self.nodes().filter(kept).map(peer).collect());
        let ids: Vec<NodeId> = peers.iter().map(|peer| peer.id).collect();
        let mut columns = Columns::new();
        for rule in self.sets.last().map_or(&[][..], QuerySet::rules) {
            let none = Said::default();
            let said: Vec<&Said> = ids.iter().map(|id| self.said.get(&(rule.clone(), *id)).unwrap_or(&none)).collect();
            // Also of nodes that are left out of the table for their hostname.
            let all = self.said.iter().filter(|((of, _), _)| of == rule).flat_map(|(_, said)| said.values.keys());
            let groups: Vec<Vec<String>> = if rule.by.is_empty() { vec![Vec::new()] } else { all.cloned().collect() };
            for group in groups {
                let values = said.iter().map(|said| said.values.get(&group).copied().unwrap_or(f64::NAN)).collect();
                let series: Vec<Arc<[f64]>> = match rule.take {
                    Take::Series => said.iter().map(|said| samples(said.samples.get(&group))).collect(),
                    _ if rule.by.is_empty() => {
                        said.iter().map(|said| past(&said.past, self.newest_of.get(rule).copied().unwrap_or_default())).collect()
                    }
                    _ => Vec::new(),
                };
                let id = ColumnId { rule: rule.clone(), group };
                columns.insert(id, Arc::new(Column::with_series(Arc::new(values), series)));
            }
        }
        let age = |source, id: &NodeId| {
            let taken = self.lines.get(&source).and_then(|line: &Line| line.reported.get(id)).map(|(_, taken)| taken.0);
            taken.map_or(f64::NAN, |taken| now.0.saturating_sub(taken) as f64)
        };
        let ages = |source| Arc::new(ids.iter().map(|id| age(source, id)).collect::<Vec<f64>>());
        let mut host = HostColumns::from([("age_ms".to_owned(), ages(None))]);
        for (source, name) in [(Source::Agent, "agent"), (Source::Cantal, "cantal"), (Source::Prometheus, "prometheus")] {
            let asked = self.sets.last().is_some_and(|set| set.rules().iter().any(|rule| rule.source == Some(source)));
            if source == self.default || asked || self.lines.contains_key(&Some(source)) {
                host.insert(format!("age_ms.{name}"), ages(Some(source)));
            }
        }
        Snapshot::new(self.newest, Arc::new(peers), columns).unwrap().with_host_columns(host).unwrap()
    }
}

fn samples(list: Option<&Vec<f64>>) -> Arc<[f64]> {
    list.map_or_else(Arc::default, |list| list[list.len().saturating_sub(MAX_SAMPLES)..].into())
}

fn past(values: &BTreeMap<u64, f64>, newest: u64) -> Arc<[f64]> {
    let window = (newest + 1).saturating_sub(SERIES_LEN as u64)..=newest;
    let all: Vec<f64> = window.map(|moment| values.get(&moment).copied().unwrap_or(f64::NAN)).collect();
    let Some(first) = all.iter().position(|value| !value.is_nan()) else { return Arc::default() };
    let last = all.iter().rposition(|value| !value.is_nan()).unwrap_or(first);
    all[first..=last].into()
}
