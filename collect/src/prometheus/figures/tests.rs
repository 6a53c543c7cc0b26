//! Answers made by hand, with the expected rows.

use verwalter_core::metrics::{Combine, MetricRule};
use verwalter_core::names::Hostname;

use super::*;
use crate::local::OwnNode;
use crate::source::Peers;

const NOW: u64 = 1_000_000;

fn id() -> NodeId {
    NodeId::from_bytes([1; 16])
}

fn rule(take: Take, by: &[&str]) -> MetricRule {
    MetricRule {
        labels: [("metric".to_owned(), "m".to_owned())].into(),
        take,
        window: Duration::from_secs(60),
        combine: Combine::Sum,
        by: by.iter().map(|&label| label.to_owned()).collect(),
        ..MetricRule::default()
    }
}

/// A context for rules, and the one fetch that answers them all.
fn context(rules: &[MetricRule], kind: &str) -> (Context, Fetch) {
    let own = OwnNode { id: id(), hostname: Hostname::new("alpha").unwrap(), name: "alpha.example.org".to_owned(), addr: None };
    let queries = Arc::new(QuerySet::compile(7, &rules.iter().cloned().collect()));
    let context = Context {
        directory: Directory::new(&own, &Peers::default()),
        kinds: Kinds([("m".to_owned(), kind.to_owned())].into()),
        peer_label: "instance".to_owned(),
        stale: Duration::from_secs(45),
        now: UnixMillis(NOW),
        queries,
    };
    let rules = (0..u16::try_from(rules.len()).unwrap()).collect();
    (context, Fetch { selector: String::new(), lookback: Duration::ZERO, pause: Duration::ZERO, rules })
}

/// A series of `alpha`, with samples at these seconds before now.
fn series(instance: &str, device: &str, samples: &[(u64, f64)]) -> Series {
    let labels = [("__name__", "m"), ("instance", instance), ("device", device)];
    Series {
        labels: labels.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        samples: samples.iter().map(|(ago, value)| (UnixMillis(NOW - ago * 1_000), *value)).collect(),
    }
}

fn evaluate(context: &(Context, Fetch), series: Vec<Series>) -> Figures {
    context.0.evaluate(&context.1, Answer { series, ..Answer::default() })
}

fn row_of(context: &(Context, Fetch), figures: &Figures) -> (UnixMillis, Row) {
    row(&context.0.queries, figures.peers.get(&id()).into_iter()).expect("alpha has figures")
}

#[test]
fn series_of_a_peer_are_combined_or_kept_apart() {
    // In the order of the set: by their labels first, hence `last` without and with `by`.
    let context = context(&[rule(Take::Last, &[]), rule(Take::Last, &["device", "metric", "none"])], "gauge");
    let figures = evaluate(
        &context,
        vec![
            series("alpha:9100", "b", &[(25, 1.0), (10, 2.0)]),
            series("alpha.example.org", "a", &[(5, 30.0)]),
            series("alpha", "stale", &[(50, 500.0)]),
        ],
    );
    let (newest, row) = row_of(&context, &figures);
    assert_eq!(newest, UnixMillis(NOW - 5_000));
    assert_eq!(row.values, [32.0]);
    let groups: Vec<_> = row.groups.iter().map(|group| (group.query, group.group.join("/"), group.value)).collect();
    assert_eq!(groups, [(1, "a/m/".to_owned(), 30.0), (1, "b/m/".to_owned(), 2.0)]);
    assert_eq!(row.unmatched, [] as [u16; 0]);
    assert_eq!(figures.complaints, BTreeSet::new());
}

#[test]
fn a_series_take_gives_the_newest_and_all() {
    let context = context(&[rule(Take::Series, &[])], "gauge");
    let (_, row) = row_of(&context, &evaluate(&context, vec![series("alpha", "", &[(70, 1.0), (40, 2.0), (10, f64::NAN), (5, 4.0)])]));
    assert_eq!(row.values, [4.0]);
    assert_eq!(row.samples, [Samples { query: 0, group: vec![], values: vec![2.0, 4.0] }]);
}

#[test]
fn a_rate_of_a_gauge_is_told() {
    let context = context(&[rule(Take::Rate, &[])], "gauge");
    let figures = evaluate(&context, vec![series("alpha", "", &[(40, 2.0), (10, 5.0)])]);
    assert!(row_of(&context, &figures).1.values[0].is_nan());
    assert!(figures.complaints.first().unwrap().contains("`m` is no counter"));
}

#[test]
fn a_query_that_nothing_answers_is_unmatched() {
    let (context, fetch) = context(&[rule(Take::Last, &[]), rule(Take::Max, &[])], "gauge");
    let context = (context, Fetch { rules: vec![1], ..fetch });
    let (_, row) = row_of(&context, &evaluate(&context, vec![series("alpha", "", &[(50, 3.0)])]));
    assert!(row.values[0].is_nan());
    assert_eq!((row.values[1], &row.unmatched[..]), (3.0, &[0][..]));
}

#[test]
fn without_a_usable_sample_nothing_is_said() {
    let context = context(&[rule(Take::Last, &[])], "gauge");
    let figures = evaluate(&context, vec![series("alpha", "", &[(5, f64::NAN)])]);
    assert_eq!(row(&context.0.queries, figures.peers.values()), None);
    assert_eq!(row(&context.0.queries, std::iter::empty()), None);
}

#[test]
fn too_many_groups_are_told_and_the_first_kept() {
    let context = context(&[rule(Take::Last, &["device"])], "gauge");
    let silent = series("alpha", "", &[(50, 1.0)]);
    let many = (0..MAX_GROUPS + 2).map(|number| series("alpha", &format!("{number:03}"), &[(5, 1.0)])).chain([silent]);
    let figures = evaluate(&context, many.collect());
    let (_, row) = row_of(&context, &figures);
    assert_eq!((row.groups.len(), &row.groups[63].group[0][..]), (MAX_GROUPS, "063"));
    assert_eq!(row.left_out, [LeftOut { query: 0, groups: 2 }]);
    assert_eq!(row.unmatched, [] as [u16; 0]);
}

#[test]
fn strangers_are_told_with_examples() {
    let context = context(&[rule(Take::Last, &[])], "gauge");
    let stranger = |instance: &str| series(instance, "", &[(5, 1.0)]);
    let figures = evaluate(&context, vec![stranger("db1:9100"), stranger("db1:9100"), stranger("db2:9100"), stranger("")]);
    assert!(figures.peers.is_empty());
    let mut strangers = Strangers::default();
    strangers.add(&figures.strangers);
    strangers.note_several("10.0.0.1:9100", (id(), NodeId::from_bytes([2; 16])));
    let told = strangers.complaints("instance");
    assert_eq!(told.len(), 3);
    assert!(told[0].contains("more than one peer") && told[0].contains("`10.0.0.1:9100` (nodes 0101"), "{}", told[0]);
    assert!(told[1].starts_with("2 values of `instance` name no peer") && told[1].contains("`db1:9100`, `db2:9100`"), "{}", told[1]);
    assert!(told[2].starts_with("1 series have no label `instance`"), "{}", told[2]);
}
