//! What queries say of real and made-up machines, with the expected numbers.

use verwalter_collect::query::QuerySet;
use verwalter_collect::source::GroupValue;
use verwalter_core::metrics::{MatchOp, Matcher, MetricRule, Take};

use crate::machine::{Chunk, Machine, head};
use crate::scene::{Scene, agent, counter, rule, said, wanted};
use crate::server::{Reply, Server};
use crate::{id, settings};

/// The recorded answer of a rule, word for word, under the name by which it was asked for here.
fn as_asked(recorded: &Reply, question: &str) -> Vec<u8> {
    let question: serde_json::Value = serde_json::from_str(question).expect("JSON");
    let rules = question["rules"].as_object().expect("rules");
    let (name, _) = rules.iter().find(|(_, rule)| rule["series"]["condition"][2] == "requests").expect("asked for");
    let set = recorded.body().strip_prefix(b"\xa1\x66values\xa1\x61h").expect("a recorded answer to the rule `h`");
    let mut bytes = b"\xa1\x66values\xa1".to_vec();
    head(&mut bytes, 3, name.len() as u64);
    [&bytes, name.as_bytes(), set].concat()
}

#[tokio::test]
async fn the_recorded_history_gives_the_expected_rate() {
    let server = Server::start(|asked| Reply::ok(&as_asked(&Reply::recorded("query.history-by-time", "cbor"), &asked.body))).await;
    let rules = [rule("requests", Take::Rate, 20), rule("requests", Take::Last, 0)];
    let mut scene = Scene::new(settings(server.addr), wanted(7, &rules, []));
    let report = scene.report(id(1)).await;
    assert_eq!(report.generation, 7);
    let ordered = QuerySet::compile(7, &rules.clone().into());
    let value = |rule: &MetricRule| report.row.values[ordered.rules().iter().position(|one| one == rule).expect("asked")];
    // Each of three processes: from 518 to 651 in the 18.204 s between the samples within 20 s.
    assert!((value(&rules[0]) - 3.0 * 133.0 / 18.204).abs() < 1e-9, "{:?}", report.row);
    assert_eq!(value(&rules[1]), 3.0 * 651.0);
    let asked = server.asked();
    assert_eq!(asked[0].line(), "POST /query.cbor");
    assert!(asked[0].head.to_lowercase().contains("content-type: application/json"), "{}", asked[0].head);
    scene.end().await;
}

#[tokio::test]
async fn every_take_gives_the_expected_number() {
    let mut machine = Machine::scanned(1_795_000_000_000, 100);
    // Newest first, every 2 s: the counter was reset before the third newest sample.
    machine.put(&[("metric", "requests"), ("pid", "1")], counter(&[30, 20, 10, 500, 400, 300]));
    machine.put(&[("metric", "load"), ("pid", "1")], Chunk::Float([4.0, 2.0, 6.0, 1.0, 1.0].map(Some).into()));
    let rules = [
        rule("requests", Take::Last, 0),
        rule("requests", Take::Rate, 8),
        rule("requests", Take::Delta, 8),
        rule("load", Take::Avg, 6),
        rule("load", Take::Min, 4),
        rule("load", Take::Max, 6),
        rule("load", Take::P95, 6),
    ];
    // Growth over 8 s: 10 + 10, and the 10 since the reset. Cantal leaves out the 500 before it.
    let expect = [30.0, 30.0 / 8.0, 30.0, 13.0 / 4.0, 2.0, 6.0, 6.0];
    assert_eq!(said(machine, &rules).await, expect);
}

#[tokio::test]
async fn missed_samples_and_series_that_ended_are_no_numbers() {
    let mut machine = Machine::scanned(1_795_000_000_000, 100);
    machine.put(&[("metric", "gone")], Chunk::Counter(vec![None, None, None, None, Some(5), Some(4)]));
    machine.put(&[("metric", "late")], Chunk::Counter(vec![None, None, None, Some(5), Some(4)]));
    machine.put(&[("metric", "gaps")], Chunk::Counter(vec![Some(9), None, None, Some(3)]));
    let rules = [rule("gone", Take::Last, 0), rule("late", Take::Last, 0), rule("gaps", Take::Rate, 6)];
    let values = said(machine, &rules).await;
    assert!(values[0].is_nan(), "8 s old, more than three scans");
    assert_eq!(values[1..], [5.0, 1.0]);
}

#[tokio::test]
async fn units_and_the_busy_share_are_those_of_the_built_in_agent() {
    let mut machine = Machine::scanned(1_795_000_000_000, 100);
    machine.put(&[("metric", "cpu.user")], counter(&[1_700, 1_600, 1_500]));
    machine.put(&[("metric", "cpu.idle")], counter(&[9_300, 9_000, 8_700]));
    machine.put(&[("metric", "disk.time"), ("device", "sda")], counter(&[2_500, 1_500]));
    machine.put(&[("metric", "net.interface.rx.bytes"), ("interface", "lo")], counter(&[7_000]));
    machine.put(&[("metric", "net.interface.rx.bytes"), ("interface", "eth0")], counter(&[1_000]));
    let mut physical = rule("disk.time", Take::Rate, 30);
    physical.labels.insert("layer".to_owned(), "physical".to_owned());
    let rules = [rule("cpu.user", Take::Last, 0), rule("cpu.busy", Take::Last, 0), physical, rule("net.interface.rx.bytes", Take::Last, 0)];
    assert_eq!(said(machine, &rules).await, [17.0, 0.25, 0.5, 1_000.0]);
}

#[tokio::test]
async fn groups_conditions_and_what_matches_nothing() {
    let mut machine = Machine::scanned(1_795_000_000_000, 100);
    for (pid, cgroup, value) in [("1", Some("web"), 10), ("2", Some("web"), 20), ("3", Some("db"), 40), ("4", None, 80)] {
        let labels: Vec<_> = [("metric", "rss"), ("pid", pid)].into_iter().chain(cgroup.map(|cgroup| ("cgroup", cgroup))).collect();
        machine.put(&labels, counter(&[value]));
    }
    let by = MetricRule { by: ["cgroup".to_owned()].into(), ..rule("rss", Take::Last, 0) };
    let mut others = rule("rss", Take::Last, 0);
    others.matchers.insert(Matcher { label: "cgroup".to_owned(), op: MatchOp::Unlike, value: "web|d.".to_owned() });
    let none = rule("nothing", Take::Last, 0);
    let rules = [by.clone(), others.clone(), none.clone()];
    let ordered = QuerySet::compile(1, &rules.clone().into());
    let place = |rule: &MetricRule| u16::try_from(ordered.rules().iter().position(|one| one == rule).expect("asked")).expect("small");

    let server = agent(machine).await;
    let mut scene = Scene::new(settings(server.addr), wanted(1, &rules, []));
    let row = scene.report(id(1)).await.row;
    let group = |name: &str, value| GroupValue { query: place(&by), group: vec![name.to_owned()], value };
    assert_eq!(row.groups, [group("", 80.0), group("db", 40.0), group("web", 30.0)]);
    assert_eq!(row.unmatched, [place(&none)]);
    assert!(row.values.contains(&80.0), "{row:?}");
    scene.end().await;
}
