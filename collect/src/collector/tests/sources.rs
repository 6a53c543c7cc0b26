//! The task with sources that a test plays.

use verwalter_core::snapshot::AGE;

use super::fakes::{Heard, Machines, Measured, Told};
use super::*;
use crate::source::SeenPeer;

/// Alive, but for those whose name begins with `dead`.
pub(super) fn peers(names: &[&str]) -> Heard {
    let seen = |(id, name): (u8, &&str)| SeenPeer {
        known_since: UnixMillis(1_000),
        last_report: Some(UnixMillis(2_000)),
        alive: !name.starts_with("dead"),
        ..SeenPeer::named(NodeId::from_bytes([id; 16]), Hostname::new(name).unwrap())
    };
    Some(Ok((20..).zip(names).map(seen).collect()))
}

pub(super) fn asking(source: Option<Source>) -> MetricRule {
    MetricRule { labels: [("metric".to_owned(), "load_avg_1min".to_owned())].into(), source, ..MetricRule::default() }
}

#[tokio::test]
async fn peers_and_their_figures_stand_beside_the_own() {
    let (said, told) = Told::new("cantal", OWN);
    said.send_replace(peers(&["beta"]));
    let mute = Machines { silent: ["mute".to_owned()].into(), ..Machines::with("load_avg_1min", 1.0) };
    let (_machines, measured) = Measured::new(Source::Cantal, mute);
    let sources = Sources {
        peers: vec![Box::new(told)],
        metrics: vec![Box::new(measured)],
        default: MetricsFrom::Auto,
        lenient: false,
        inquiries: None,
    };
    let mut running = Running::with(roots("earlier"), FAST, sources);
    let (own, theirs) = (asking(Some(Source::Agent)), asking(None));
    running.rules.send_replace(Arc::new(RuleSet { generation: 2, rules: [own.clone(), theirs.clone()].into(), reads_peers: true }));
    let values =
        |published: &Published, rule: &MetricRule| published.snapshot.column(rule).map(|column| column.values.to_vec()).unwrap_or_default();
    let told = |published: &Published| published.rules_generation == 2 && values(published, &theirs).get(1) == Some(&1.0);
    let published = running.wait_for("what beta says", told).await;
    assert_eq!(published.snapshot.peers().hostnames().collect::<Vec<_>>(), ["alpha", "beta"]);
    assert_eq!((published.sources.peers, published.sources.metrics), (Some("cantal"), Some(Source::Cantal)));
    assert_eq!(values(&published, &own)[0], 0.32, "this machine's own figures need no agent");
    assert!(values(&published, &own)[1].is_nan() && values(&published, &theirs)[0].is_nan());
    let ages = published.snapshot.host_columns().get(AGE).expect("the host has a column of ages");
    assert!(ages[0].is_nan() && ages[1] >= 0.0, "{ages:?}");

    said.send_replace(peers(&["mute", "gamma", "dead"]));
    let published =
        running.wait_for("the others", |published| published.snapshot.peers().len() == 3 && !published.sources.troubles.is_empty()).await;
    assert_eq!(published.snapshot.peers().hostnames().collect::<Vec<_>>(), ["alpha", "gamma", "mute"]);
    assert_eq!(published.sources.troubles, ["cantal: figures of one node are missing: no answer from mute: start its agent again"]);
}

#[tokio::test]
async fn a_source_that_is_not_set_up_and_a_rule_that_matches_nothing_are_told() {
    let mut running = Running::start(roots("earlier"), FAST);
    let typo = MetricRule { labels: [("metric".to_owned(), "load_avg_1mn".to_owned())].into(), ..MetricRule::default() };
    let rules = [asking(Some(Source::Prometheus)), typo.clone()].into();
    running.rules.send_replace(Arc::new(RuleSet { generation: 2, rules, reads_peers: true }));
    let told = |published: &Published| published.rules_generation == 2 && published.sources.unmatched.iter().any(|(rule, _)| *rule == typo);
    let published = running.wait_for("the rule", told).await;
    assert_eq!(
        published.sources.troubles,
        ["a metric asks for `source: prometheus`, which verwalter.yaml does not set up: add `prometheus:` there"]
    );
    let (_, near) = published.sources.unmatched.iter().find(|(rule, _)| *rule == typo).unwrap();
    assert!(near.iter().any(|near| near.contains("load_avg_1min")), "{near:?}");
    running.rules.send_replace(Arc::new(RuleSet { generation: 3, rules: [asking(None)].into(), reads_peers: true }));
    let healed = |published: &Published| {
        published.rules_generation == 3 && published.sources.troubles.is_empty() && published.sources.unmatched.is_empty()
    };
    running.wait_for("all is well", healed).await;
}

#[tokio::test]
async fn trouble_that_a_source_tells_once_stays_until_a_report_comes_or_the_peer_leaves() {
    let (said, told) = Told::new("cantal", OWN);
    said.send_replace(peers(&["beta", "gamma", "delta"]));
    let silent = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let machines = Machines { silent: silent(&["beta", "gamma"]), ..Machines::with("load_avg_1min", 1.0) };
    let (machines, measured) = Measured::new(Source::Cantal, machines);
    let sources = Sources { peers: vec![Box::new(told)], metrics: vec![Box::new(measured)], ..Sources::default() };
    let mut running = Running::with(roots("earlier"), FAST, sources);
    running.rules.send_replace(Arc::new(RuleSet { generation: 2, rules: [asking(None)].into(), reads_peers: true }));
    let troubles = |published: &Published, expect: &[&str]| published.sources.troubles.iter().eq(expect);
    let both = "cantal: figures of 2 nodes are missing, the first: no answer from beta: start its agent again";
    running.wait_for("two are silent", |published| troubles(published, &[both])).await;
    // Publications follow sweeps, of which many pass.
    for _ in 0..20 {
        running.published.changed().await.unwrap();
        let published = running.published.borrow_and_update().clone().unwrap();
        assert!(troubles(&published, &[both]), "{:?}", published.sources);
    }
    machines.send_modify(|machines| machines.silent = silent(&["gamma"]));
    let one = "cantal: figures of one node are missing: no answer from gamma: start its agent again";
    running.wait_for("one is silent", |published| troubles(published, &[one])).await;
    said.send_replace(peers(&["beta"]));
    running.wait_for("it has left", |published| troubles(published, &[])).await;
    // Without a query nobody misses anything.
    machines.send_modify(|machines| machines.silent = silent(&["beta"]));
    running.wait_for("it is silent", |published| !troubles(published, &[])).await;
    running.rules.send_replace(Arc::new(RuleSet { generation: 3, reads_peers: true, ..RuleSet::default() }));
    running.wait_for("nothing is asked", |published| published.rules_generation == 3 && troubles(published, &[])).await;
    running.rules.send_replace(Arc::new(RuleSet { generation: 4, rules: [asking(None)].into(), reads_peers: true }));
    running.wait_for("it is asked again", |published| !troubles(published, &[])).await;
}
