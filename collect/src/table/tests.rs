//! What is kept of reports, by example, and against a model made from scratch.

mod model;
mod property;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use verwalter_core::metrics::{Column, ColumnId, MAX_GROUPS, SERIES_LEN, Take};
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};

use super::*;
use crate::source::{GroupValue, Row, Samples};

pub(super) fn node(id: u8, host: u8, version: u8) -> SeenPeer {
    let hostname = Hostname::new(&format!("host-{host}")).unwrap();
    SeenPeer {
        id: NodeId::from_bytes([id; 16]),
        name: format!("{hostname}.example.org"),
        hostname,
        addr: None,
        agent: None,
        known_since: UnixMillis(1_000 + u64::from(id)),
        last_report: (version > 0).then_some(UnixMillis(u64::from(version))),
        alive: true,
        machine: Arc::new(json!({ "rack": format!("r{}", version / 2) }).as_object().unwrap().clone()),
        state: None,
    }
}

pub(super) fn rule(metric: &str, take: Take, by: &[&str], source: Option<Source>) -> MetricRule {
    let by = by.iter().map(|&label| label.to_owned()).collect();
    MetricRule { labels: [("metric".to_owned(), metric.to_owned())].into(), take, by, source, ..MetricRule::default() }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub(super) fn assert_same(got: &Snapshot, expect: &Snapshot) {
    assert_eq!(got.at, expect.at);
    // Since when a peer is here depends on when it came: another test's matter.
    let timeless =
        |snapshot: &Snapshot| snapshot.peers().iter().map(|peer| Peer { since: UnixMillis(0), ..peer.clone() }).collect::<Vec<_>>();
    assert_eq!(timeless(got), timeless(expect));
    let (anew, _) = PeerTable::new(got.peers().iter().cloned().collect());
    assert!(got.peers().json_rows().eq(anew.json_rows()));
    assert!(got.peers().hostnames().eq(expect.peers().hostnames()));
    let names = |snapshot: &Snapshot| snapshot.columns().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(got), names(expect));
    for (id, column) in got.columns() {
        let other = &expect.columns()[id];
        assert_eq!(bits(&column.values), bits(&other.values), "{id:?}: {:?}, not {:?}", column.values, other.values);
        assert_eq!(column.series_len(), other.series_len(), "{id:?}");
        for peer in 0..column.series_len() {
            let (series, expect) = (column.series(peer), other.series(peer));
            assert_eq!(bits(&series), bits(&expect), "{id:?} of {peer}: {series:?}, not {expect:?}");
        }
    }
    let host = |snapshot: &Snapshot| snapshot.host_columns().iter().map(|(name, values)| (name.clone(), bits(values))).collect::<Vec<_>>();
    assert_eq!(host(got), host(expect));
}

/// The own node 9 as `host-9`, and two more.
fn cluster(rules: &[MetricRule]) -> Cluster {
    let mut cluster = Cluster::new(Arc::new(node(9, 9, 0)), Source::Agent, Duration::from_secs(2));
    cluster.set_peers(&peers(&[(1, 1), (2, 2)]));
    cluster.set_queries(&set(1, rules));
    cluster
}

fn peers(list: &[(u8, u8)]) -> Peers {
    Peers { peers: list.iter().map(|(id, host)| Arc::new(node(*id, *host, 0))).collect(), ..Peers::default() }
}

fn set(generation: u64, rules: &[MetricRule]) -> QuerySet {
    QuerySet::compile(generation, &rules.iter().cloned().collect::<BTreeSet<_>>())
}

fn values(id: u8, generation: u64, taken: u64, values: &[f64]) -> Report {
    let row = Row { values: values.to_vec(), ..Row::default() };
    Report { peer: NodeId::from_bytes([id; 16]), generation, taken: UnixMillis(taken), row }
}

fn groups(id: u8, taken: u64, groups: &[(&str, f64)]) -> Report {
    let mut report = values(id, 1, taken, &[]);
    report.row.groups =
        groups.iter().map(|(name, value)| GroupValue { query: 0, group: vec![(*name).to_owned()], value: *value }).collect();
    report
}

fn column(cluster: &mut Cluster, rule: &MetricRule) -> Arc<Column> {
    cluster.snapshot(UnixMillis(0)).column(rule).unwrap().clone()
}

#[track_caller]
fn assert_values(got: &[f64], expect: &[f64]) {
    assert_eq!(bits(got), bits(expect), "{got:?}, not {expect:?}");
}

const NAN: f64 = f64::NAN;

#[test]
fn columns_move_with_their_peers() {
    let load = rule("load", Take::Last, &[], None);
    let mut cluster = cluster(std::slice::from_ref(&load));
    for (taken, value) in [(2_000, 10.0), (4_000, 11.0)] {
        cluster.report(Source::Agent, &values(1, 1, taken, &[value])).unwrap();
        cluster.report(Source::Agent, &values(2, 1, taken, &[value * 2.0])).unwrap();
    }
    let check = |cluster: &mut Cluster, expect: &[f64], series: &[&[f64]]| {
        let column = column(cluster, &load);
        assert_values(&column.values, expect);
        for (peer, series) in series.iter().enumerate() {
            assert_values(&column.series(peer), series);
        }
    };
    check(&mut cluster, &[11.0, 22.0, NAN], &[&[10.0, 11.0], &[20.0, 22.0], &[]]);
    // Node 1 is renamed behind node 2, and node 3 comes before both.
    cluster.set_peers(&peers(&[(1, 5), (2, 2), (3, 0)]));
    check(&mut cluster, &[NAN, 22.0, 11.0, NAN], &[&[], &[20.0, 22.0], &[10.0, 11.0], &[]]);
    // Node 2 leaves; node 4 has its place in every respect but is another one.
    cluster.set_peers(&peers(&[(1, 5), (4, 2), (3, 0)]));
    check(&mut cluster, &[NAN, NAN, 11.0, NAN], &[&[], &[], &[10.0, 11.0], &[]]);
    assert_eq!(cluster.slots(), 4);
    cluster.report(Source::Agent, &values(4, 1, 4_500, &[7.0])).unwrap();
    check(&mut cluster, &[NAN, 7.0, 11.0, NAN], &[&[], &[7.0], &[10.0, 11.0], &[]]);
}

#[test]
fn whoever_is_not_alive_stands_apart_for_an_hour() {
    const HOUR: u64 = 60 * 60 * 1_000;
    let mut cluster = cluster(&[]);
    let mut told = |at: u64, alive: [bool; 2]| {
        let peer = |id: u8, alive| Arc::new(SeenPeer { alive, last_report: Some(UnixMillis(900)), ..node(id, id, 0) });
        cluster.set_peers(&Peers { at: UnixMillis(at), peers: vec![peer(1, alive[0]), peer(2, alive[1])], ..Peers::default() });
        let peers = cluster.snapshot(UnixMillis(at)).peers().clone();
        let shown = |peer: &verwalter_core::peers::Peer| (peer.hostname.to_string(), peer.alive, peer.since.0);
        (
            peers.iter().filter(|peer| peer.hostname.as_str() != "host-9").map(shown).collect::<Vec<_>>(),
            peers.absent().map(shown).collect::<Vec<_>>(),
        )
    };
    let (one, two) = ("host-1".to_owned(), "host-2".to_owned());
    // They were alive since the table began.
    assert_eq!(told(1_000, [true, true]).1, []);
    assert_eq!(told(2_000, [true, false]).1, [(two.clone(), false, 2_000)]);
    // It stays gone since then, and what comes back is here since it did.
    assert_eq!(told(3_000, [false, false]).1, [(one.clone(), false, 3_000), (two.clone(), false, 2_000)]);
    let (here, gone) = told(4_000, [false, true]);
    assert_eq!((here, gone), (vec![(two, true, 4_000)], vec![(one.clone(), false, 3_000)]));
    assert_eq!(told(900 + HOUR, [false, true]).1, [(one, false, 3_000)]);
    assert_eq!(told(901 + HOUR, [false, true]).1, [], "an hour after its last report it is forgotten");
}

#[test]
fn a_silent_peer_keeps_its_values_and_ages() {
    let (load, disk) = (rule("load", Take::Last, &[], None), rule("disk", Take::Last, &[], Some(Source::Prometheus)));
    let mut cluster = cluster(&[load.clone(), disk.clone()]);
    // In the order of the set, `disk` stands first.
    cluster.report(Source::Agent, &values(1, 1, 5_000, &[77.0, 0.5])).unwrap();
    cluster.report(Source::Prometheus, &values(2, 1, 9_000, &[8.0, 88.0])).unwrap();
    let snapshot = cluster.snapshot(UnixMillis(12_500));
    assert_eq!(snapshot.at, UnixMillis(9_000));
    assert_values(&snapshot.column(&load).unwrap().values, &[0.5, NAN, NAN]);
    assert_values(&snapshot.column(&disk).unwrap().values, &[NAN, 8.0, NAN]);
    let ages = |snapshot: &Snapshot, name: &str| snapshot.host_columns()[name].to_vec();
    assert_values(&ages(&snapshot, "age_ms"), &[7_500.0, NAN, NAN]);
    assert_values(&ages(&snapshot, "age_ms.agent"), &[7_500.0, NAN, NAN]);
    assert_values(&ages(&snapshot, "age_ms.prometheus"), &[NAN, 3_500.0, NAN]);
    assert!(!snapshot.host_columns().contains_key("age_ms.cantal"));
    // Another agent takes over: what the former one said stays, and is as old as it is.
    cluster.set_default(Source::Cantal);
    cluster.report(Source::Cantal, &values(2, 1, 12_000, &[0.0, 0.25])).unwrap();
    // The clock was set back: nothing is younger than now.
    let snapshot = cluster.snapshot(UnixMillis(11_000));
    assert_values(&snapshot.column(&load).unwrap().values, &[0.5, 0.25, NAN]);
    assert_values(&ages(&snapshot, "age_ms"), &[6_000.0, 0.0, NAN]);
    assert_values(&ages(&snapshot, "age_ms.cantal"), &[NAN, 0.0, NAN]);
}

#[test]
fn what_has_not_changed_is_shared() {
    let (load, disk) = (rule("load", Take::Last, &[], None), rule("disk", Take::Last, &[], Some(Source::Prometheus)));
    let mut cluster = cluster(&[load.clone(), disk.clone()]);
    cluster.report(Source::Prometheus, &values(2, 1, 1_000, &[8.0, 0.0])).unwrap();
    let before = cluster.snapshot(UnixMillis(1));
    cluster.report(Source::Agent, &values(1, 1, 1_000, &[0.0, 0.5])).unwrap();
    cluster.set_peers(&peers(&[(1, 1), (2, 2)]));
    let after = cluster.snapshot(UnixMillis(2));
    assert!(Arc::ptr_eq(before.peers(), after.peers()));
    assert!(Arc::ptr_eq(before.column(&disk).unwrap(), after.column(&disk).unwrap()));
    assert!(!Arc::ptr_eq(before.column(&load).unwrap(), after.column(&load).unwrap()));
    assert_values(&before.column(&load).unwrap().values, &[NAN, NAN, NAN]);
}

#[test]
fn other_rules_keep_what_stays_and_reports_under_way_still_count() {
    let [a, b, c] = ["a", "b", "c"].map(|metric| rule(metric, Take::Last, &[], None));
    let mut cluster = cluster(&[a.clone(), b.clone()]);
    cluster.report(Source::Agent, &values(1, 1, 1_000, &[1.0, 2.0])).unwrap();
    cluster.set_queries(&set(2, &[b.clone(), c.clone()]));
    assert_eq!((cluster.generation(), cluster.answered()), (Some(2), Some(1)));
    let snapshot = cluster.snapshot(UnixMillis(0));
    assert!(snapshot.column(&a).is_none());
    assert_values(&snapshot.column(&b).unwrap().values, &[2.0, NAN, NAN]);
    assert_values(&snapshot.column(&c).unwrap().values, &[NAN, NAN, NAN]);
    cluster.report(Source::Agent, &values(2, 1, 1_000, &[3.0, 4.0])).unwrap();
    assert_values(&column(&mut cluster, &b).values, &[2.0, 4.0, NAN]);
    assert_eq!(cluster.answered(), Some(1), "nobody has answered the new ones yet");
    cluster.report(Source::Prometheus, &values(2, 2, 1_000, &[0.0, 0.0])).unwrap();
    assert_eq!(cluster.answered(), Some(1), "they are not its queries");
    cluster.report(Source::Agent, &values(2, 2, 1_000, &[4.0, 5.0])).unwrap();
    assert_eq!(cluster.answered(), Some(2));
    for generation in 3..3 + FORMER_SETS as u64 {
        cluster.set_queries(&set(generation, std::slice::from_ref(&b)));
    }
    let refused = cluster.report(Source::Agent, &values(2, 1, 1_000, &[3.0, 4.0])).unwrap_err();
    assert_eq!(refused, Refused::Outdated { peer: NodeId::from_bytes([2; 16]), generation: 1 });
}

#[test]
fn the_past_is_one_value_a_moment() {
    let load = rule("load", Take::Last, &[], None);
    let mut cluster = cluster(std::slice::from_ref(&load));
    let report = |cluster: &mut Cluster, id: u8, taken: u64, value: f64| {
        cluster.report(Source::Agent, &values(id, 1, taken, &[value])).unwrap();
    };
    // Two peers whose order changes from moment to moment have no gaps; one that misses a moment has one.
    report(&mut cluster, 1, 2_000, 1.0);
    report(&mut cluster, 2, 2_100, 10.0);
    report(&mut cluster, 2, 4_000, 20.0);
    report(&mut cluster, 1, 4_100, 2.0);
    report(&mut cluster, 1, 6_000, 3.0);
    report(&mut cluster, 2, 8_000, 40.0);
    report(&mut cluster, 1, 8_050, 4.0);
    // Too often: it replaces its own.
    report(&mut cluster, 1, 8_400, 5.0);
    let past = column(&mut cluster, &load);
    assert_values(&past.series(0), &[1.0, 2.0, 3.0, 5.0]);
    assert_values(&past.series(1), &[10.0, 20.0, 40.0]);
    // The clock is set back by an hour: the moments go on.
    let mut cluster = self::cluster(std::slice::from_ref(&load));
    for step in 0..50_u32 {
        let taken = u64::from(step) * 2_000 + if step < 25 { 3_600_000 } else { 0 };
        report(&mut cluster, 1, taken, f64::from(step));
    }
    let expect: Vec<f64> = (50 - SERIES_LEN as u32..50).map(f64::from).collect();
    assert_values(&column(&mut cluster, &load).series(0), &expect);
}

#[test]
fn groups_come_and_go() {
    let rx = rule("rx", Take::Last, &["interface"], None);
    let mut cluster = cluster(std::slice::from_ref(&rx));
    let names = |cluster: &mut Cluster| {
        let snapshot = cluster.snapshot(UnixMillis(0));
        let columns = snapshot.columns().iter().map(|(id, column)| (id.group.join("/"), column.values.to_vec()));
        columns.collect::<Vec<_>>()
    };
    let check = |cluster: &mut Cluster, expect: &[(&str, [f64; 3])]| {
        let got = names(cluster);
        assert_eq!(got.iter().map(|(name, _)| name).collect::<Vec<_>>(), expect.iter().map(|(name, _)| name).collect::<Vec<_>>());
        got.iter().zip(expect).for_each(|((_, got), (_, expect))| assert_values(got, expect));
    };
    check(&mut cluster, &[]);
    cluster.report(Source::Agent, &groups(1, 1_000, &[("eth0", 1.0), ("eth1", 2.0)])).unwrap();
    cluster.report(Source::Agent, &groups(2, 1_000, &[("eth1", 3.0)])).unwrap();
    check(&mut cluster, &[("eth0", [1.0, NAN, NAN]), ("eth1", [2.0, 3.0, NAN])]);
    cluster.report(Source::Agent, &groups(1, 3_000, &[("wg0", 4.0)])).unwrap();
    check(&mut cluster, &[("eth1", [NAN, 3.0, NAN]), ("wg0", [4.0, NAN, NAN])]);
    cluster.set_peers(&peers(&[(1, 1)]));
    let snapshot = cluster.snapshot(UnixMillis(0));
    assert_eq!(snapshot.columns().keys().map(|id| id.name("rx")).collect::<Vec<_>>(), [r#"rx{interface="wg0"}"#]);
}

#[test]
fn of_too_many_groups_the_first_by_name_are_kept_and_it_is_told() {
    let rx = rule("rx", Take::Last, &["interface"], None);
    let mut cluster = cluster(std::slice::from_ref(&rx));
    let name = |number: usize| format!("eth{number:03}");
    let all: Vec<String> = (0..2 * MAX_GROUPS).map(name).collect();
    let half = |cluster: &mut Cluster, id: u8, odd: usize| {
        let half: Vec<(&str, f64)> = all.iter().skip(odd).step_by(2).map(|name| (&**name, 1.0)).collect();
        cluster.report(Source::Agent, &groups(id, 1_000, &half)).unwrap();
    };
    half(&mut cluster, 1, 1);
    assert_eq!(cluster.left_out().count(), 0);
    half(&mut cluster, 2, 0);
    let snapshot = cluster.snapshot(UnixMillis(0));
    let kept: Vec<&str> = snapshot.columns().keys().map(|id: &ColumnId| &*id.group[0]).collect();
    assert_eq!(kept, all.iter().take(MAX_GROUPS).map(|name| &**name).collect::<Vec<_>>());
    let (of, group) = cluster.left_out().next().unwrap();
    assert_eq!((of, group.len()), (&rx, 1));
    // Two sweeps later, without them, nothing is left out any more.
    for _ in 0..2 {
        cluster.report(Source::Agent, &groups(1, 3_000, &[])).unwrap();
        cluster.report(Source::Agent, &groups(2, 3_000, &[])).unwrap();
        cluster.swept(Source::Agent);
    }
    assert_eq!(cluster.left_out().count(), 0);
    assert_eq!(cluster.snapshot(UnixMillis(0)).columns().len(), 0);
}

#[test]
fn queries_that_match_nowhere_are_told() {
    let [a, b] = ["a", "b"].map(|metric| rule(metric, Take::Last, &[], None));
    let mut cluster = cluster(&[a, b.clone()]);
    let mut one = values(1, 1, 1_000, &[1.0, NAN]);
    one.row.unmatched = vec![1];
    cluster.report(Source::Agent, &one).unwrap();
    cluster.swept(Source::Agent);
    assert_eq!(cluster.unmatched().collect::<Vec<_>>(), [&b]);
    cluster.report(Source::Agent, &values(2, 1, 1_000, &[1.0, 1.0])).unwrap();
    assert_eq!(cluster.unmatched().count(), 0);
}

#[test]
fn what_does_not_fit_is_refused_whole() {
    let rules = [rule("a", Take::Last, &[], None), rule("b", Take::Series, &["x", "y"], None)];
    let mut cluster = cluster(&rules);
    let mut check = |change: &dyn Fn(&mut Report), expect: Misfit| {
        let mut report = values(1, 1, 1_000, &[1.0]);
        let group = |name: &str| vec![name.to_owned(), String::new()];
        report.row.groups = ["p", "q"].map(|name| GroupValue { query: 1, group: group(name), value: 1.0 }).to_vec();
        report.row.samples = ["p", "q"].map(|name| Samples { query: 1, group: group(name), values: vec![1.0] }).to_vec();
        change(&mut report);
        let refused = cluster.report(Source::Agent, &report).unwrap_err();
        assert_eq!(refused, Refused::Misfit { peer: report.peer, source: expect });
        let snapshot = cluster.snapshot(UnixMillis(0));
        assert_eq!(snapshot.columns().len(), 1);
        assert_values(&snapshot.column(&rules[0]).unwrap().values, &[NAN, NAN, NAN]);
        assert_values(&snapshot.host_columns()[AGE], &[NAN, NAN, NAN]);
    };
    check(&|report| report.row.values.push(1.0), Misfit::Values { got: 2, expected: 1 });
    check(&|report| report.row.values.clear(), Misfit::Values { got: 0, expected: 1 });
    check(&|report| report.row.groups.reverse(), Misfit::Order);
    check(&|report| report.row.groups[1].group[0] = "p".to_owned(), Misfit::Order);
    check(&|report| report.row.samples.swap(0, 1), Misfit::Order);
    check(&|report| report.row.groups[1].query = 2, Misfit::Query(2));
    check(&|report| report.row.groups[0].query = 0, Misfit::Query(0));
    check(&|report| report.row.samples[1].query = 9, Misfit::Query(9));
    check(&|report| drop(report.row.groups[0].group.pop()), Misfit::Group(1));
    check(&|report| report.row.groups[1].group[0] = "z".repeat(MAX_GROUP_BYTES + 1), Misfit::Group(1));
    check(&|report| report.row.samples[1].group.push("more".to_owned()), Misfit::Group(1));
    let stranger = values(66, 1, 0, &[1.0]);
    assert_eq!(cluster.report(Source::Agent, &stranger), Err(Refused::Stranger(stranger.peer)));
}

#[test]
fn of_two_nodes_with_one_hostname_the_older_is_in_the_table() {
    let load = rule("load", Take::Last, &[], None);
    let mut cluster = cluster(std::slice::from_ref(&load));
    cluster.set_peers(&peers(&[(1, 1), (2, 1)]));
    cluster.report(Source::Agent, &values(1, 1, 1_000, &[1.0])).unwrap();
    cluster.report(Source::Agent, &values(2, 1, 1_000, &[2.0])).unwrap();
    assert_values(&column(&mut cluster, &load).values, &[1.0, NAN]);
    assert_eq!(cluster.clashes().len(), 1);
    cluster.set_peers(&peers(&[(2, 1)]));
    assert_values(&column(&mut cluster, &load).values, &[2.0, NAN]);
    assert_eq!(cluster.clashes().len(), 0);
}

#[test]
fn nobody_takes_the_own_hostname_away() {
    let mut cluster = Cluster::new(Arc::new(node(9, 9, 0)), Source::Agent, Duration::from_secs(2));
    // It was known before this node started.
    cluster.set_peers(&peers(&[(1, 9), (2, 2)]));
    let snapshot = cluster.snapshot(UnixMillis(2_000));
    let own = NodeId::from_bytes([9; 16]);
    let listed: Vec<NodeId> = snapshot.peers().iter().map(|peer| peer.id).collect();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&own), "{listed:?}");
    let clashes: Vec<_> = cluster.clashes().iter().map(|clash| (clash.first, clash.second)).collect();
    assert_eq!(clashes, [(own, NodeId::from_bytes([1; 16]))]);
}
