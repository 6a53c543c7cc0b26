//! Rules there, rows back.

use std::collections::BTreeSet;

use verwalter_core::metrics::Source;

use super::*;
use crate::source::{GroupValue, LeftOut, Samples};

fn rule(metric: &str, by: &[&str], source: Option<Source>) -> MetricRule {
    let by = by.iter().map(|&label| label.to_owned()).collect();
    MetricRule { labels: [("metric".to_owned(), metric.to_owned())].into(), by, source, ..MetricRule::default() }
}

/// Five rules, of which the third, by the labels' order, is of another source.
fn queries() -> QuerySet {
    let rules = [
        rule("a", &[], None),
        rule("b", &["x"], None),
        rule("c", &[], Some(Source::Prometheus)),
        rule("d", &[], None),
        rule("e", &["x"], None),
    ];
    QuerySet::compile(3, &rules.into()).only(|rule| rule.source.is_none())
}

#[test]
fn the_member_compiles_what_the_digest_names() {
    let question = Question::new(&queries());
    let rules: BTreeSet<MetricRule> = serde_json::from_slice(&question.json).expect("rules");
    assert_eq!(rules.len(), 4);
    assert_eq!(QuerySet::compile(0, &rules).digest(), question.digest);
    assert_eq!(&*Question::new(&queries().only(|_| false)).json, b"[]");
}

#[test]
fn a_row_gets_the_places_of_the_set_in_force() {
    let question = Question::new(&queries());
    let group = |query| GroupValue { query, group: vec!["x".to_owned()], value: 1.0 };
    let samples = |query| Samples { query, group: Vec::new(), values: vec![2.0] };
    let row = Row {
        values: vec![1.0, 4.0],
        groups: vec![group(1), group(3)],
        samples: vec![samples(2)],
        unmatched: vec![3],
        left_out: vec![LeftOut { query: 1, groups: 7 }],
    };
    let placed = question.place(row.clone()).expect("it fits");
    assert!(placed.values.len() == 3 && placed.values[0] == 1.0 && placed.values[1].is_nan() && placed.values[2] == 4.0);
    assert_eq!((placed.groups, placed.samples), (vec![group(1), group(4)], vec![samples(3)]));
    assert_eq!((placed.unmatched, placed.left_out), (vec![2, 4], vec![LeftOut { query: 1, groups: 7 }]));
    assert!(question.place(Row { values: vec![1.0], ..row.clone() }).is_err());
    assert!(question.place(Row { groups: vec![group(4)], ..row }).is_err());
}

#[test]
fn what_no_member_of_this_version_says_is_made_harmless() {
    let question = Question::new(&queries());
    let group = |value| GroupValue { query: 1, group: vec!["x".to_owned()], value };
    let row = Row {
        values: vec![f64::INFINITY, 4.0],
        groups: vec![group(f64::NEG_INFINITY), group(1.0)],
        samples: vec![Samples { query: 2, group: Vec::new(), values: [vec![f64::NAN], vec![1.0; 300], vec![2.0]].concat() }],
        unmatched: vec![0; 30_000],
        left_out: Vec::new(),
    };
    let placed = question.place(row).expect("it fits");
    assert!(placed.values[0].is_nan() && placed.groups == [group(1.0)]);
    assert_eq!((placed.samples[0].values.len(), placed.samples[0].values.last()), (MAX_SAMPLES, Some(&2.0)));
    assert_eq!(placed.unmatched, [0, 2]);
}

#[test]
fn rules_without_room_are_counted() {
    let many: BTreeSet<_> = (0..4_000).map(|number| rule(&format!("{number}{}", "m".repeat(100)), &[], None)).collect();
    let question = Question::new(&QuerySet::compile(1, &many));
    assert!(question.json.len() <= MAX_RULES_JSON && question.left_out > 0);
    let rules: BTreeSet<MetricRule> = serde_json::from_slice(&question.json).expect("rules");
    assert_eq!(rules.len() + question.left_out, 4_000);
    assert_eq!(QuerySet::compile(0, &rules).digest(), question.digest);
}
