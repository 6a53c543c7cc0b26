//! One column a rule: its newest value and the ring of its last ones, for the own node as the only peer. It reads no clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use verwalter_core::metrics::{Column, Columns, MetricRule, SERIES_LEN};

use super::series::History;

/// The rules that are followed, each with what it said at the last moments, oldest first, at most [`SERIES_LEN`].
#[derive(Debug, Default)]
pub(super) struct Rings(BTreeMap<MetricRule, VecDeque<f64>>);

impl Rings {
    /// Follows exactly `rules`. A new one begins with what it would have said at the moments of `history`.
    pub(super) fn follow(&mut self, rules: &BTreeSet<MetricRule>, history: &History) {
        self.0.retain(|rule, _| rules.contains(rule));
        for rule in rules {
            if !self.0.contains_key(rule) {
                self.0.insert(rule.clone(), history.evaluate_past(rule, SERIES_LEN).into());
            }
        }
    }

    /// Adds what each rule says at the moment `at`, the newest of `history`.
    pub(super) fn advance(&mut self, history: &History, at: Duration) {
        for (rule, ring) in &mut self.0 {
            ring.push_back(history.evaluate(rule, at));
            while ring.len() > SERIES_LEN {
                ring.pop_front();
            }
        }
    }

    /// The columns at `now`.
    pub(super) fn columns(&self, history: &History, now: Duration) -> Columns {
        let column = |rule: &MetricRule, ring: &VecDeque<f64>| Column {
            values: Arc::new(vec![history.evaluate(rule, now)]),
            series: vec![ring.iter().copied().collect()],
        };
        self.0.iter().map(|(rule, ring)| (rule.clone(), Arc::new(column(rule, ring)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use verwalter_core::metrics::{Combine, Take};

    use super::super::series::{Sample, SampleKind};
    use super::*;

    fn rule(take: Take) -> MetricRule {
        let labels = BTreeMap::from([("metric".to_owned(), "m".to_owned())]);
        MetricRule { labels, take, window: Duration::from_secs(30), combine: Combine::Sum }
    }

    fn append(history: &mut History, at: Duration, value: f64) {
        let labels = BTreeMap::from([("metric".to_owned(), "m".to_owned())]);
        history.append(at, vec![Sample { labels, kind: SampleKind::Counter, value }]);
    }

    #[test]
    fn a_late_rule_has_the_same_ring_as_an_early_one() {
        let mut history = History::new(Duration::from_secs(2));
        let (mut early, mut late) = (Rings::default(), Rings::default());
        let rules = BTreeSet::from([rule(Take::Last), rule(Take::Rate)]);
        early.follow(&rules, &history);
        let mut at = Duration::ZERO;
        for step in 0..40_u32 {
            at = Duration::from_secs(2) * step;
            append(&mut history, at, f64::from(step * step));
            early.advance(&history, at);
        }
        late.follow(&rules, &history);
        let (early, late) = (early.columns(&history, at), late.columns(&history, at));
        for rule in &rules {
            assert_eq!(early[rule].series[0].len(), SERIES_LEN);
            assert_eq!(early[rule].series, late[rule].series);
            assert_eq!(early[rule].values[0], early[rule].series[0][SERIES_LEN - 1], "the newest stands last");
        }
        assert_eq!(early[&rule(Take::Last)].series[0][0], 100.0, "moment 10 of 0 to 39 is the oldest");
    }

    #[test]
    fn a_rule_that_nobody_asks_for_goes() {
        let history = History::new(Duration::from_secs(2));
        let mut rings = Rings::default();
        rings.follow(&BTreeSet::from([rule(Take::Last), rule(Take::Rate)]), &history);
        rings.follow(&BTreeSet::from([rule(Take::Rate)]), &history);
        assert_eq!(rings.columns(&history, Duration::ZERO).into_keys().collect::<Vec<_>>(), [rule(Take::Rate)]);
    }
}
