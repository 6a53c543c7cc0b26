//! The columns of a made-up cluster by the names that a plugin has for them, filled peer by peer. It writes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter_core::metrics::{ColumnId, MAX_GROUPS, MetricRule, SERIES_LEN, Take};

use super::{Metric, STEP};
use crate::defaults::default_metrics;
use crate::query::plan::Plan;
use crate::query::{QuerySet, near_misses};
use crate::series::SampleKind;
use crate::source::Row;

/// Over which window counters become rates, where no default column says otherwise: as long as theirs.
const RATE_WINDOW: Duration = Duration::from_secs(30);

/// One column for each of `metrics`: by the name of the default column that is about it, where there is one, else by the metric's own. Levels
/// are as they are, counters rates over 30 s.
pub fn default_columns(metrics: &[Metric]) -> BTreeMap<String, MetricRule> {
    let defaults = default_metrics();
    let columns = metrics.iter().map(|metric| {
        let about = |rule: &MetricRule| rule.labels.iter().all(|(label, value)| metric.labels.get(label) == Some(value));
        if let Some((name, rule)) = defaults.iter().find(|(_, rule)| about(rule)) {
            return (name.clone(), rule.clone());
        }
        let (take, window) = match metric.kind {
            SampleKind::Counter => (Take::Rate, RATE_WINDOW),
            SampleKind::Gauge => (Take::Last, Duration::ZERO),
        };
        let name = metric.labels.get("metric").cloned().unwrap_or_default();
        (name, MetricRule { labels: metric.labels.clone(), take, window, ..MetricRule::default() })
    });
    columns.collect()
}

/// A declared column for which no machine has a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub rule: MetricRule,
    /// What it may have meant.
    pub near: Vec<String>,
}

/// Columns while they are filled.
pub(super) struct Columns {
    set: QuerySet,
    plan: Plan,
    named: Vec<Named>,
    peers: usize,
    filled: usize,
}

/// What the plugin has one name for.
struct Named {
    name: String,
    /// The query's place.
    query: u16,
    /// Where its value stands in a row; `None`: it has groups.
    whole: Option<usize>,
    /// By group; of a query without groups the one without labels.
    values: BTreeMap<Vec<String>, Vec<f64>>,
}

impl Columns {
    /// For so many `peers`, without a value. From which source a rule wants its figures does not matter: there is one here.
    pub(super) fn new(rules: &BTreeMap<String, MetricRule>, metrics: &[Metric], peers: usize) -> Columns {
        let here = |rule: &MetricRule| MetricRule { source: None, ..rule.clone() };
        let set = QuerySet::compile(1, &rules.values().map(here).collect());
        let mut plan = Plan::new(&set);
        for (place, metric) in (0..).zip(metrics) {
            plan.insert(&set, place, &metric.labels, |other| &metrics[other as usize].labels);
        }
        let named = rules.iter().filter_map(|(name, rule)| {
            let place = set.rules().iter().position(|other| *other == here(rule))?;
            let before = set.rules()[..place].iter().filter(|other| other.by.is_empty()).count();
            let whole = rule.by.is_empty().then_some(before);
            let values = whole.map(|_| (Vec::new(), vec![f64::NAN; peers])).into_iter().collect();
            Some(Named { name: name.clone(), query: u16::try_from(place).ok()?, whole, values })
        });
        let named = named.collect();
        Columns { set, plan, named, peers, filled: 0 }
    }

    pub(super) fn set(&self) -> &QuerySet {
        &self.set
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many samples of a series the longest window needs; as many as a column remembers at least.
    pub(super) fn depth(&self) -> usize {
        let window = self.set.rules().iter().map(|rule| rule.window).max().unwrap_or_default();
        let steps = usize::try_from(window.as_millis() / STEP.as_millis()).unwrap_or(usize::MAX);
        // One more on each side of the window: a rate may borrow the sample before it.
        steps.saturating_add(2).max(SERIES_LEN)
    }

    /// The next peer's values; `None` for one that never reported.
    pub(super) fn push(&mut self, row: Option<&Row>) {
        let (peer, peers) = (self.filled, self.peers);
        self.filled += 1;
        let Some(row) = row else { return };
        for named in &mut self.named {
            if let Some(place) = named.whole {
                let column = named.values.values_mut().next().and_then(|column| column.get_mut(peer));
                if let (Some(slot), Some(value)) = (column, row.values.get(place)) {
                    *slot = *value;
                }
                continue;
            }
            for group in row.groups.iter().filter(|group| group.query == named.query) {
                let column = named.values.entry(group.group.clone()).or_insert_with(|| vec![f64::NAN; peers]);
                if let Some(slot) = column.get_mut(peer) {
                    *slot = group.value;
                }
            }
        }
    }

    /// The columns as a plugin knows them; of one rule's groups as many as a node keeps.
    pub(super) fn named(&self) -> BTreeMap<String, &[f64]> {
        let columns = self.named.iter().flat_map(|named| {
            named.values.iter().take(MAX_GROUPS).map(|(group, values)| {
                let id = ColumnId { rule: self.set.rules()[usize::from(named.query)].clone(), group: group.clone() };
                (id.name(&named.name), &values[..])
            })
        });
        columns.collect()
    }

    /// Declared columns for which there is no series.
    pub(super) fn unmatched(&self, metrics: &[Metric]) -> Vec<Unmatched> {
        let labels = || metrics.iter().map(|metric| &metric.labels);
        let without = self.named.iter().filter(|named| {
            let query = &self.set.queries()[usize::from(named.query)];
            !labels().any(|labels| query.matches(labels))
        });
        let told = without.map(|named| {
            let rule = self.set.rules()[usize::from(named.query)].clone();
            Unmatched { name: named.name.clone(), near: near_misses(&rule, labels()), rule }
        });
        told.collect()
    }
}
