//! Conditions by cantal's own meaning of them, and what becomes of the answers.

use std::collections::BTreeSet;

use proptest::prelude::*;
use verwalter_core::metrics::Take;

use super::*;

mod condition;

const SCAN: Duration = Duration::from_secs(2);

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn rule(equal: &[(&str, &str)], others: &[(&str, MatchOp, &str)]) -> MetricRule {
    let matcher = |(label, op, value): &(&str, MatchOp, &str)| Matcher { label: (*label).to_owned(), op: *op, value: (*value).to_owned() };
    MetricRule { labels: labels(equal), matchers: others.iter().map(matcher).collect(), ..MetricRule::default() }
}

fn program(rules: impl IntoIterator<Item = MetricRule>) -> (QuerySet, Program) {
    let set = QuerySet::compile(1, &rules.into_iter().collect());
    let program = Program::compile(&set, SCAN);
    (set, program)
}

/// The rules of all requests, by name.
fn asked(program: &Program) -> BTreeMap<String, Value> {
    let texts = program.texts.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
    texts.flat_map(|text| serde_json::from_value::<BTreeMap<String, Value>>(text["rules"].clone()).expect("rules")).collect()
}

#[test]
fn conditions_have_promql_s_meaning() {
    let check = |rule: &MetricRule, expect: Value| assert_eq!(condition(rule), expect);
    let m = json!(["Eq", "metric", "m"]);
    check(&rule(&[("metric", "m")], &[]), m.clone());
    check(&rule(&[("metric", "m"), ("device", "sda")], &[]), json!(["And", ["Eq", "device", "sda"], m]));
    let with = |label, op, value| rule(&[("metric", "m")], &[(label, op, value)]);
    let lacks = json!(["Not", ["Has", "x"]]);
    check(&with("x", MatchOp::Equal, "a"), json!(["And", m, ["Eq", "x", "a"]]));
    check(&with("x", MatchOp::Equal, ""), json!(["And", m, ["Or", ["Eq", "x", ""], lacks]]));
    check(&with("x", MatchOp::NotEqual, "a"), json!(["And", m, ["Not", ["Eq", "x", "a"]]]));
    check(&with("x", MatchOp::NotEqual, ""), json!(["And", m, ["Not", ["Or", ["Eq", "x", ""], lacks]]]));
    check(&with("x", MatchOp::Like, "a|b"), json!(["And", m, ["RegexLike", "x", "^(?s:a|b)$"]]));
    check(&with("x", MatchOp::Like, "a*"), json!(["And", m, ["Or", ["RegexLike", "x", "^(?s:a*)$"], lacks]]));
    check(&with("x", MatchOp::Unlike, "a"), json!(["And", m, ["Not", ["RegexLike", "x", "^(?s:a)$"]]]));
    // The label is made here: cantal would find nothing.
    check(&rule(&[("metric", "m"), ("layer", "physical")], &[("layer", MatchOp::NotEqual, "stacked")]), m);
    assert!(condition::holds(&condition(&rule(&[], &[])), &labels(&[("group", "web")])), "without conditions everything is meant");
}

#[test]
fn the_window_is_asked_for_with_two_scans_more_and_no_functions() {
    let last = rule(&[("metric", "load")], &[]);
    let rate = MetricRule { take: Take::Rate, window: Duration::from_secs(60), ..rule(&[("metric", "requests")], &[]) };
    let (_, program) = program([last, rate]);
    let extracts: BTreeSet<String> = asked(&program)
        .values()
        .map(|rule| {
            assert_eq!((&rule["functions"], &rule["series"]["source"]), (&json!([]), &json!("Fine")));
            format!("{} {}", rule["series"]["condition"][2], rule["extract"])
        })
        .collect();
    let expect = [r#""load" ["HistoryByTime",10000]"#, r#""requests" ["HistoryByTime",64000]"#, r#""uptime" ["HistoryByTime",10000]"#];
    assert_eq!(extracts, expect.map(str::to_owned).into());
}

#[test]
fn one_selection_is_asked_once_over_its_longest_window() {
    let over = |seconds| MetricRule { take: Take::Avg, window: Duration::from_secs(seconds), ..rule(&[("metric", "load")], &[]) };
    let (_, program) = program([over(30), over(300), over(60)]);
    let rules = asked(&program);
    assert_eq!(rules.len(), 2);
    assert!(rules.values().any(|rule| rule["extract"] == json!(["HistoryByTime", 304_000])));
}

#[test]
fn no_window_is_too_long_to_be_asked() {
    let (_, program) = program([MetricRule { window: Duration::MAX, ..rule(&[("metric", "load")], &[]) }]);
    assert!(asked(&program).values().any(|rule| rule["extract"] == json!(["HistoryByTime", 86_400_000])));
}

#[test]
fn the_busy_share_is_asked_as_what_it_is_made_of() {
    let (_, program) = program([rule(&[("metric", "cpu.busy")], &[])]);
    let chosen =
        |metric: &str| asked(&program).values().any(|rule| condition::holds(&rule["series"]["condition"], &labels(&[("metric", metric)])));
    assert!(chosen("cpu.user") && chosen("cpu.steal") && !chosen("cpu.guest") && !chosen("cpuxuser"));
}

#[test]
fn long_sets_are_asked_in_requests_that_cantal_takes() {
    let rules = (0..900).map(|number| rule(&[("metric", &format!("m{number}")), ("label", &"x".repeat(300))], &[]));
    let (_, program) = program(rules);
    assert!(program.texts.len() > 4);
    assert!(program.texts.iter().all(|text| text.len() <= QUERY_TEXT_BYTES + 16), "16: the brackets around them");
    assert_eq!(asked(&program).len(), 901);
}

#[test]
fn the_tree_of_conditions_stays_flat() {
    let names: Vec<String> = (0..30).map(|number| format!("l{number}")).collect();
    let others: Vec<_> = names.iter().map(|name| (name.as_str(), MatchOp::NotEqual, "")).collect();
    let text = condition(&rule(&[("metric", "m")], &others)).to_string();
    let depth = text
        .chars()
        .scan(0_i32, |depth, c| {
            *depth += i32::from(c == '[') - i32::from(c == ']');
            Some(*depth)
        })
        .max();
    assert!(depth.is_some_and(|depth| depth < 16), "{depth:?}");
}

#[test]
fn a_rule_that_cannot_be_compiled_is_not_asked() {
    let (set, program) = program([rule(&[("metric", "m")], &[("x", MatchOp::Like, "(")])]);
    assert_eq!((set.errors().len(), asked(&program).len()), (1, 1));
}

fn series(pairs: &[(&str, &str)], samples: &[(u64, f64)]) -> Sampled {
    let samples = samples.iter().map(|(at, value)| (Duration::from_secs(*at), *value)).collect();
    Sampled { labels: labels(pairs), kind: SampleKind::Counter, samples }
}

#[test]
fn answers_are_put_together_each_series_once() {
    let (_, program) = program([rule(&[("metric", "m")], &[])]);
    let short = series(&[("metric", "m")], &[(8, 2.0)]);
    let long = series(&[("metric", "m")], &[(8, 2.0), (6, 1.0)]);
    let first = DataSets::from([("q0".to_owned(), DataSet::Series(vec![short])), ("q1".to_owned(), DataSet::Series(vec![long.clone()]))]);
    let second = DataSets::from([("q2".to_owned(), DataSet::Series(vec![series(&[("metric", "uptime")], &[(10, 1.0)])]))]);
    let samples = program.read(vec![first, second]);
    assert_eq!(samples.newest, Some(Duration::from_secs(10)));
    assert_eq!(samples.series.iter().filter(|one| one.labels == long.labels).collect::<Vec<_>>(), [&long]);
}

#[test]
fn a_series_whose_time_is_ahead_is_not_now() {
    let (_, program) = program([rule(&[("metric", "m")], &[])]);
    let ahead = series(&[("metric", "m")], &[(1_000, 2.0)]);
    let newest = |found: &[&Sampled]| {
        let found = found.iter().map(|series| (*series).clone()).collect();
        program.read(vec![DataSets::from([("q0".to_owned(), DataSet::Series(found))])]).newest
    };
    let scan = series(&[("metric", "uptime")], &[(10, 1.0), (8, 0.9)]);
    assert_eq!(newest(&[&scan, &ahead]), Some(Duration::from_secs(10)));
    let published = series(&[("metric", "uptime"), ("pid", "5")], &[(20, 1.0)]);
    assert_eq!(newest(&[&published, &scan]), Some(Duration::from_secs(10)));
    assert_eq!(newest(&[&ahead]), Some(Duration::from_secs(1_000)), "nothing else is known");
}

#[test]
fn a_refusal_is_told_of_the_queries_it_is_about() {
    let (_, program) = program([rule(&[("metric", "a")], &[]), rule(&[("metric", "b")], &[])]);
    let about_b = asked(&program).into_iter().find(|(_, rule)| rule["series"]["condition"][2] == "b").expect("asked").0;
    let samples = program.read(vec![DataSets::from([(about_b, DataSet::Refused("no".to_owned()))])]);
    assert_eq!(samples.refused, BTreeMap::from([(1, "no".to_owned())]));
    assert_eq!(samples.newest, None);
}

proptest! {
    /// Cantal chooses at least what the query means; the set itself looks again.
    #[test]
    fn what_a_query_means_is_chosen(
        equal in proptest::collection::btree_map("[ab]", "[xy]{0,2}", 0..2),
        others in proptest::collection::vec(("[abc]", 0..4_usize, prop::sample::select(vec!["", "x", "xy", "x*", "x|y", ".+", "(x|)y?"])), 0..4),
        series in proptest::collection::btree_map("[abc]", "[xy]{0,2}", 0..4),
    ) {
        let op = |op| [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Like, MatchOp::Unlike][op];
        let matchers = others.into_iter().map(|(label, which, value)| Matcher { label, op: op(which), value: value.to_owned() }).collect();
        let rule = MetricRule { labels: equal, matchers, ..MetricRule::default() };
        let set = QuerySet::compile(1, &BTreeSet::from([rule.clone()]));
        let chosen = condition::holds(&condition(&rule), &series);
        prop_assert_eq!(set.queries()[0].matches(&series), chosen, "{:?} {:?}", rule, series);
    }
}
