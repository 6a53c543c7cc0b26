//! Conditions, groups, sets of queries and near misses.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use verwalter_core::metrics::{Combine, MAX_GROUPS, MatchOp, Matcher, Source, Take};

use super::evaluate::Asked;
use super::*;
use crate::series::{Labels, SampleKind};
use crate::source::{GroupValue, LeftOut, Row, Samples};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn matcher(label: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher { label: label.to_owned(), op, value: value.to_owned() }
}

fn rule(matchers: &[(&str, MatchOp, &str)]) -> MetricRule {
    let matchers = matchers.iter().map(|(label, op, value)| matcher(label, *op, value)).collect();
    MetricRule { labels: labels(&[("metric", "m")]), matchers, window: Duration::from_secs(60), ..MetricRule::default() }
}

#[test]
fn conditions_are_promqls() {
    use MatchOp::{Equal, Like, NotEqual, Unlike};
    let check = |op, value, series: &[(&str, &str)], expect| {
        let series = labels(&[&[("metric", "m")], series].concat());
        let query = Query::compile(&rule(&[("device", op, value)])).unwrap();
        assert_eq!(query.matches(&series), expect, "{op:?} {value:?} {series:?}");
    };
    let sda = &[("device", "sda")];
    let none = &[];
    check(Equal, "sda", sda, true);
    check(Equal, "sd", sda, false);
    check(NotEqual, "sdb", sda, true);
    check(NotEqual, "sda", sda, false);
    check(Like, "sd[a-c]", sda, true);
    // The whole text has to match, alternatives too.
    check(Like, "sd", sda, false);
    check(Like, "x|sd", sda, false);
    check(Like, "sda|sdb", sda, true);
    check(Unlike, "sd.", sda, false);
    check(Unlike, "da", sda, true);
    check(Like, "a.b", &[("device", "a\nb")], true);
    check(Like, "(?i)SDA", sda, true);
    // A missing label is an empty text.
    check(Equal, "", none, true);
    check(Equal, "", sda, false);
    check(NotEqual, "", none, false);
    check(NotEqual, "sda", none, true);
    check(Like, ".*", none, true);
    check(Like, ".+", none, false);
    check(Unlike, ".+", none, true);

    let other = labels(&[("metric", "n"), ("device", "sda")]);
    assert!(!Query::compile(&rule(&[("device", Equal, "sda")])).unwrap().matches(&other));
}

#[test]
fn bad_rules_are_told() {
    let check_pattern = |pattern: &str, expect: &str| {
        let error = check(&rule(&[("device", MatchOp::Like, pattern)])).unwrap_err();
        assert_eq!(error.to_string(), expect, "{pattern}");
    };
    check_pattern("a(b", "`a(b`, asked of the label `device`, is no regular expression: unclosed group");
    // It would be a pattern between the brackets that anchor it.
    check_pattern("a)|(b", "`a)|(b`, asked of the label `device`, is no regular expression: unopened group");
    check_pattern(
        "(?x) a # b",
        "`(?x) a # b`, asked of the label `device`, is no regular expression: it ends within a comment, remove that",
    );
    check_pattern(
        r"\w{1000}",
        r"`\w{1000}`, asked of the label `device`, is no regular expression: it takes more than 1048576 bytes of memory, make it simpler",
    );
    check_pattern(&"a".repeat(1_025), "the pattern asked of the label `device` has 1025 bytes: at most 1024 are possible");

    let many: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let crowded = MetricRule { matchers: many.iter().map(|label| matcher(label, MatchOp::Equal, "")).collect(), ..rule(&[]) };
    assert_eq!(check(&crowded), Err(QueryError::Matchers { count: 41 }));
    let by = MetricRule { by: many.into_iter().collect(), ..rule(&[]) };
    assert_eq!(check(&by), Err(QueryError::By { count: 40 }));
    assert_eq!(check(&rule(&[("device", MatchOp::Unlike, "sd.*")])), Ok(()));
}

#[test]
fn a_bad_rule_keeps_its_place_and_matches_nothing() {
    let bad = rule(&[("device", MatchOp::Unlike, "(")]);
    let rules = BTreeSet::from([rule(&[]), bad.clone(), rule(&[("x", MatchOp::Like, ".*")])]);
    let set = QuerySet::compile(7, &rules);
    let place = rules.iter().position(|rule| *rule == bad).unwrap();
    assert_eq!((set.generation, set.rules().len(), set.left_out()), (7, 3, 0));
    assert_eq!(set.errors().iter().map(|(place, _)| usize::from(*place)).collect::<Vec<_>>(), [place]);
    let matched: Vec<_> = set.queries().iter().map(|query| query.matches(&labels(&[("metric", "m")]))).collect();
    assert_eq!(matched.iter().enumerate().filter(|(_, matches)| !**matches).map(|(place, _)| place).collect::<Vec<_>>(), [place]);
    assert_eq!(row::<Gauges>(&set, &[], asked(0)).unmatched, [0, 1, 2]);
}

#[test]
fn rules_beyond_the_most_are_left_out() {
    let numbered = |i: usize| MetricRule { labels: labels(&[("metric", &format!("m{i}"))]), ..MetricRule::default() };
    let set = QuerySet::compile(1, &(0..MAX_QUERIES + 3).map(numbered).collect());
    assert_eq!((set.queries().len(), set.left_out()), (MAX_QUERIES, 3));
}

#[test]
fn a_digest_names_the_questions() {
    let of = |generation, rules: &[MetricRule]| QuerySet::compile(generation, &rules.iter().cloned().collect()).digest();
    let (plain, like) = (rule(&[]), rule(&[("device", MatchOp::Like, "sd.")]));
    assert_eq!(of(1, &[plain.clone(), like.clone()]), of(2, &[like.clone(), plain.clone()]));
    assert_ne!(of(1, std::slice::from_ref(&plain)), of(1, &[like]));
    assert_ne!(of(1, std::slice::from_ref(&plain)), of(1, &[MetricRule { window: Duration::from_secs(61), ..plain }]));
    // Peers of other versions compute it, too: it is SHA-256 of the canonical JSON.
    assert_eq!(QuerySet::default().digest(), Digest::of(b"[]"));
    let text = r#"[{"combine":"sum","labels":{"metric":"m"},"take":"last","window":{"nanos":0,"secs":60}}]"#;
    assert_eq!(of(3, &[rule(&[])]), Digest::of(text.as_bytes()));
}

/// A series of levels, oldest first.
struct Gauges {
    labels: Labels,
    samples: Vec<(u64, f64)>,
}

impl SeriesView for Gauges {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn kind(&self) -> SampleKind {
        SampleKind::Gauge
    }

    fn newest_first(&self) -> impl Iterator<Item = (Duration, f64)> {
        self.samples.iter().rev().map(|(at, value)| (Duration::from_secs(*at), *value))
    }
}

fn asked(now_secs: u64) -> Asked {
    Asked { now: Duration::from_secs(now_secs), stale: Duration::from_secs(6) }
}

fn gauge(device: &str, pid: &str, value: f64) -> Gauges {
    Gauges { labels: labels(&[("metric", "m"), ("device", device), ("pid", pid)]), samples: vec![(0, value), (2, value + 1.0)] }
}

#[test]
fn groups_have_values_of_their_own() {
    let by = |labels: &[&str]| labels.iter().map(|&label| label.to_owned()).collect::<BTreeSet<_>>();
    let series = [gauge("sdb", "2", 20.0), gauge("sda", "1", 1.0), gauge("sda", "2", 3.0), gauge("sdc", "1", f64::NAN)];
    let rules = [
        MetricRule { by: by(&["device"]), ..rule(&[]) },
        MetricRule { by: by(&["pid", "device"]), take: Take::Series, ..rule(&[("device", MatchOp::Equal, "sda")]) },
        rule(&[]),
        MetricRule { labels: labels(&[("metric", "elsewhere")]), ..rule(&[]) },
    ];
    let set = QuerySet::compile(1, &rules.iter().cloned().collect());
    let place = |rule: &MetricRule| u16::try_from(set.rules().iter().position(|other| other == rule).unwrap()).unwrap();
    let row = row(&set, &series, asked(2));
    let group = |rule: &MetricRule, group: &[&str], value: f64| GroupValue {
        query: place(rule),
        group: group.iter().map(|&value| value.to_owned()).collect(),
        value,
    };
    let mut groups = vec![
        group(&rules[0], &["sda"], 6.0),
        group(&rules[0], &["sdb"], 21.0),
        // In the order of the labels' names.
        group(&rules[1], &["sda", "1"], 2.0),
        group(&rules[1], &["sda", "2"], 4.0),
    ];
    groups.sort_by_key(|group| group.query);
    assert_eq!(row.groups, groups);
    let samples = |group: &[&str], values: &[f64]| Samples {
        query: place(&rules[1]),
        group: group.iter().map(|&value| value.to_owned()).collect(),
        values: values.to_vec(),
    };
    assert_eq!(row.samples, [samples(&["sda", "1"], &[1.0, 2.0]), samples(&["sda", "2"], &[3.0, 4.0])]);
    assert_eq!(row.unmatched, [place(&rules[3])]);
    assert_eq!(row.left_out, []);
    // The two without `by`: the sum of all, and that of a metric which is not there.
    let mut values = row.values;
    values.sort_by(f64::total_cmp);
    assert!(values[0] == 27.0 && values[1].is_nan() && values.len() == 2, "{values:?}");
}

#[test]
fn two_processes_with_one_metric() {
    let app = |pid: &str, value: f64| gauge("app", pid, value);
    let series = [app("100", 10.0), app("101", 30.0)];
    let value = |combine| row(&QuerySet::compile(1, &[MetricRule { combine, ..rule(&[]) }].into()), &series, asked(2)).values[0];
    assert_eq!([Combine::Sum, Combine::Avg, Combine::Min, Combine::Max].map(value), [42.0, 21.0, 11.0, 31.0]);
    let apart = MetricRule { by: ["pid".to_owned()].into(), ..rule(&[]) };
    let groups = row(&QuerySet::compile(1, &[apart].into()), &series, asked(2)).groups;
    let groups: BTreeMap<&str, f64> = groups.iter().map(|group| (group.group[0].as_str(), group.value)).collect();
    assert_eq!(groups, BTreeMap::from([("100", 11.0), ("101", 31.0)]));
}

#[test]
fn groups_are_capped_by_name_and_silent_ones_take_no_room() {
    let by = MetricRule { by: ["device".to_owned()].into(), take: Take::Series, ..rule(&[]) };
    let mut series: Vec<_> = (0..MAX_GROUPS + 5).map(|i| gauge(&format!("d{i:03}"), "1", 1.0)).collect();
    series[3].samples = vec![(0, f64::NAN)];
    let Row { groups, samples, left_out, unmatched, .. } = row(&QuerySet::compile(1, &[by].into()), &series, asked(2));
    let names: Vec<_> = groups.iter().map(|group| group.group[0].as_str()).collect();
    assert_eq!((names.len(), names[2], names[3], names[MAX_GROUPS - 1]), (MAX_GROUPS, "d002", "d004", "d064"));
    assert_eq!(samples.len(), MAX_GROUPS);
    assert_eq!(left_out, [LeftOut { query: 0, groups: 4 }]);
    assert_eq!(unmatched, Vec::<u16>::new());
}

#[track_caller]
fn check_near(rule: &MetricRule, expect: &[&str]) {
    let known = [
        labels(&[("metric", "cpu.user")]),
        labels(&[("metric", "cpu.system")]),
        labels(&[("metric", "disk.read.bytes"), ("device", "sda"), ("layer", "physical")]),
        labels(&[("metric", "disk.read.bytes"), ("device", "dm-0"), ("layer", "stacked")]),
        labels(&[("metric", "load_avg_1min")]),
        labels(&[("metric", "memory.MemAvailable")]),
    ];
    assert_eq!(near_misses(rule, &known), expect);
}

#[test]
fn near_misses_are_like_what_was_asked() {
    let metric = |name: &str| MetricRule { labels: labels(&[("metric", name)]), ..MetricRule::default() };
    check_near(&metric("cpu.usr"), &["cpu.user"]);
    check_near(&metric("load.avg.1min"), &["load_avg_1min"]);
    check_near(&metric("memory.memavailable"), &["memory.MemAvailable"]);
    check_near(&metric("cpu"), &["cpu.user", "cpu.system"]);
    check_near(&metric("read.bytes"), &["disk.read.bytes"]);
    check_near(&metric("temperature"), &[]);
    check_near(&MetricRule::default(), &[]);

    // The metric is there, with other labels.
    let sdb =
        MetricRule { labels: labels(&[("metric", "disk.read.bytes"), ("device", "sdb"), ("layer", "physical")]), ..MetricRule::default() };
    check_near(&sdb, &[r#"disk.read.bytes{device="sda",layer="physical"}"#, r#"disk.read.bytes{device="dm-0",layer="stacked"}"#]);
    let by_pattern = |pattern: &str| MetricRule { matchers: [matcher("metric", MatchOp::Like, pattern)].into(), ..MetricRule::default() };
    check_near(&by_pattern("cpu.use"), &["cpu.user"]);
    check_near(&by_pattern("("), &[]);
}

proptest! {
    #[test]
    fn a_literal_text_is_found_by_its_escaped_pattern(text in ".{0,20}", other in ".{0,20}") {
        let query = Query::compile(&rule(&[("device", MatchOp::Like, &regex::escape(&text))])).unwrap();
        prop_assert!(query.matches(&labels(&[("metric", "m"), ("device", &text)])));
        prop_assert_eq!(query.matches(&labels(&[("metric", "m"), ("device", &other)])), text == other);
    }

    #[test]
    fn no_rule_panics(pattern in ".{0,60}", near in ".{0,80}") {
        let query = rule(&[("device", MatchOp::Unlike, &pattern), ("metric", MatchOp::Like, &near)]);
        let set = QuerySet::compile(1, &[query.clone()].into());
        prop_assert_eq!(set.errors().is_empty(), check(&query).is_ok());
        near_misses(&query, &[labels(&[("metric", &pattern)])]);
    }
}

#[test]
fn a_set_for_one_source_keeps_the_places() {
    let mine = MetricRule { source: Some(Source::Cantal), ..rule(&[]) };
    let set = QuerySet::compile(3, &[rule(&[]), mine.clone()].into());
    let only = set.only(|rule| rule.source == Some(Source::Cantal));
    assert_eq!((only.generation, only.rules()), (3, set.rules()));
    assert_eq!(only.asked().map(|(place, query)| (place, query.rule())).collect::<Vec<_>>(), [(1, &mine)]);
    assert_eq!(set.asked().count(), 2);
    let series = labels(&[("metric", "m")]);
    assert_eq!(only.queries().iter().map(|query| query.matches(&series)).collect::<Vec<_>>(), [false, true]);
}
