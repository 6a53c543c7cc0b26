//! What is asked of the server for a set of rules: one query for each selector, as far back as any of its rules looks. It asks nobody.
//!
//! Rules that look far back have queries of their own, which are asked less often: an hour of samples is fifty times the bytes of a minute,
//! and what they say changes slowly.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter_core::metrics::{MetricRule, Take};

use super::selector::{samples_of, selector};

/// A query that looks further back than this many times the age at which samples are stale, hence 24 scrapes, is asked less often.
const FAR: u32 = 8;
/// How often such a query is asked while its samples pass by once.
const ASKED_A_LOOKBACK: u32 = 100;

/// One query of the server's, for all peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fetch {
    /// Which series.
    pub(super) selector: String,
    /// How far back.
    pub(super) lookback: Duration,
    /// For how long its answer need not be asked for again.
    pub(super) pause: Duration,
    /// The rules that are answered by it, by their place in the set.
    pub(super) rules: Vec<u16>,
}

impl Fetch {
    /// In PromQL: the samples as they are.
    pub(super) fn query(&self) -> String {
        samples_of(&self.selector, self.lookback)
    }
}

/// All that is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) fetches: Vec<Fetch>,
    /// The rules that cannot be asked, and why.
    pub(super) complaints: Vec<String>,
    /// Whether it matters to any rule if a series is a counter.
    pub(super) kinds_matter: bool,
}

impl Plan {
    /// For `rules`, each with its place, whose series say nothing any more when they are silent for `stale`.
    pub(super) fn new<'a>(rules: impl Iterator<Item = (u16, &'a MetricRule)>, stale: Duration) -> Plan {
        let mut plan = Plan::default();
        let mut fetches: BTreeMap<(String, bool), Fetch> = BTreeMap::new();
        for (place, rule) in rules {
            let selector = match selector(rule) {
                Ok(selector) => selector,
                Err(error) => {
                    plan.complaints.push(error.to_string());
                    continue;
                }
            };
            plan.kinds_matter |= matches!(rule.take, Take::Rate | Take::Delta);
            let lookback = lookback(rule, stale);
            let fresh = || Fetch { selector: selector.clone(), lookback, pause: Duration::ZERO, rules: Vec::new() };
            let fetch = fetches.entry((selector.clone(), lookback > stale.saturating_mul(FAR))).or_insert_with(fresh);
            fetch.lookback = fetch.lookback.max(lookback);
            fetch.rules.push(place);
        }
        for ((_, is_far), fetch) in &mut fetches {
            if *is_far {
                // Before what it said last is dropped as stale.
                fetch.pause = (fetch.lookback / ASKED_A_LOOKBACK).min(stale * 2 / 3);
            }
        }
        plan.fetches = fetches.into_values().collect();
        plan
    }
}

/// How far back samples are needed for `rule`.
fn lookback(rule: &MetricRule, stale: Duration) -> Duration {
    let reach = match rule.take {
        Take::Last => stale,
        // A lone sample in the window borrows the nearest older; at the begin of a series of moments one that is not stale yet counts.
        Take::Series | Take::Rate | Take::Delta => rule.window.saturating_add(stale),
        Take::Avg | Take::Min | Take::Max | Take::P95 => rule.window,
    };
    // Servers before 3.0 count the begin of a range in, later ones do not.
    reach.saturating_add(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_on_the_same_series_share_a_query() {
        let rule = |metric: &str, take, secs| MetricRule {
            labels: [("metric".to_owned(), metric.to_owned())].into(),
            take,
            window: Duration::from_secs(secs),
            ..MetricRule::default()
        };
        let bad = MetricRule { labels: [("a-b".to_owned(), "c".to_owned())].into(), ..MetricRule::default() };
        let rules = [rule("a", Take::Last, 0), bad, rule("b", Take::Avg, 60), rule("a", Take::Rate, 60), rule("a", Take::P95, 3_600)];
        let plan = Plan::new((0..).zip(&rules), Duration::from_secs(45));
        let told: Vec<_> = plan.fetches.iter().map(|fetch| (fetch.query(), fetch.pause.as_secs(), &fetch.rules[..])).collect();
        let query = |text: &str| text.to_owned();
        let expect = [
            (query(r#"{__name__="a"}[105001ms]"#), 0, &[0, 3][..]),
            (query(r#"{__name__="a"}[3600001ms]"#), 30, &[4]),
            (query(r#"{__name__="b"}[60001ms]"#), 0, &[2]),
        ];
        assert_eq!(told, expect);
        assert_eq!(plan.complaints.len(), 1);
        assert!(plan.kinds_matter);
        assert!(!Plan::new((0..).zip(&rules[..1]), Duration::from_secs(45)).kinds_matter);
    }
}
