//! The same cluster for the same seed, with everything in it that makes real ones hard.

use std::collections::{BTreeMap, BTreeSet};

use verwalter_core::contract::{InputMode, Reads, SnapshotView, whole_document};
use verwalter_core::digest::Digest;
use verwalter_core::metrics::{MetricRule, Source, Take};

use super::*;
use crate::query::QuerySet;
use crate::query::evaluate::Asked;
use crate::query::plan::Plan;
use crate::series::SampleKind;
use crate::source::Report;
use crate::table;

fn place(cluster: &Cluster, name: &str) -> usize {
    cluster.metrics().iter().position(|metric| metric.labels["metric"] == name).unwrap()
}

fn wanted(seed: u64, peers: usize, metrics: usize) -> Wanted {
    Wanted { seed, peers, metrics, steps: Wanted::STEPS, columns: None }
}

/// What is written, and its text.
fn document(wanted: &Wanted) -> (Written, String) {
    let mut text = Vec::new();
    let written = Document::new(wanted).write(r#"{"v":1}"#, &mut text).unwrap();
    (written, String::from_utf8(text).unwrap())
}

fn rule(metric: &str, take: Take, seconds: u64, by: &[&str]) -> MetricRule {
    MetricRule {
        labels: [("metric".to_owned(), metric.to_owned())].into(),
        take,
        window: Duration::from_secs(seconds),
        by: by.iter().map(|&label| label.to_owned()).collect(),
        ..MetricRule::default()
    }
}

#[test]
fn a_seed_makes_the_same_document_everywhere() {
    let made = [(1, 100, 30), (2, 100, 30), (1, 0, 3)].map(|(seed, peers, metrics)| {
        let (_, text) = document(&wanted(seed, peers, metrics));
        Digest::of(text.as_bytes()).to_string()
    });
    let expect = [
        "sha256:3e6c05ac136d23d156fc23fff03c6c5093f820339d6a5f114c91ea37e3ca10f8",
        "sha256:b09c316c5517d0b3322fc95c2beddf491be7dd074e625e22fd03efe5ad27bf71",
        "sha256:043a7be5548c99cbb04c7e479e14bdebe54329d9e4883daa0cce3cdb42f18c81",
    ];
    assert_eq!(made, expect);
}

#[test]
fn a_document_has_peers_and_a_column_a_metric() {
    let (written, text) = document(&wanted(1, 300, 24));
    assert!(text.starts_with(r#"{"v":1,"peers":{"#) && text.ends_with("]}}\n"), "{text}");
    assert_eq!((written.columns, written.unmatched), (24, vec![]));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let peers = document["peers"].as_object().unwrap();
    assert_eq!(peers.len(), 300);
    assert!(peers.values().all(|peer| peer["machine"]["rack"].is_string()));
    let metrics = document["metrics"].as_object().unwrap();
    assert_eq!(metrics.len(), 24);
    for name in crate::default_metrics().keys() {
        assert!(metrics.contains_key(name), "{name}");
    }
    for (name, values) in metrics {
        let values = values.as_array().unwrap();
        let numbers = values.iter().filter(|value| value.is_number()).count();
        assert!(values.len() == 300 && (150..300).contains(&numbers), "{name}: {numbers} numbers");
    }
    let busy: Vec<f64> = metrics["cpu"].as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
    assert!(busy.iter().all(|busy| (0.0..=1.0).contains(busy)));
    let levels: BTreeSet<u64> = busy.iter().map(|busy| (busy * 10.0) as u64).collect();
    assert!(levels.len() >= 5, "machines differ: {levels:?}");
}

/// The same by way of all steps of the whole cluster, the table that nodes have and the contract.
fn by_table(wanted: &Wanted, rules: &BTreeMap<String, MetricRule>) -> String {
    let cluster = Cluster::new(wanted.seed, wanted.peers, wanted.metrics);
    let mut table = table::Cluster::new(cluster.peers().peers[0].clone(), Source::Agent, STEP);
    table.set_peers(cluster.peers());
    let set = QuerySet::compile(1, &rules.values().cloned().collect());
    table.set_queries(&set);
    let mut recent = Recent::new(&cluster, 1_000);
    let mut plan = Plan::new(&set);
    for (place, metric) in (0..).zip(cluster.metrics()) {
        plan.insert(&set, place, &metric.labels, |other| &cluster.metrics()[other as usize].labels);
    }
    let mut seen = Peers::clone(cluster.peers());
    for step in cluster.steps().take(usize::try_from(wanted.steps).unwrap()) {
        let asked = Asked { now: recent::since_begin(step.at), stale: 3 * STEP };
        let now = cluster.peers_at(&step);
        for number in (0..wanted.peers).filter(|number| step.row(*number).is_some()) {
            recent.take_in(&step, number);
            let row = plan.row(&set, |metric| recent.view(number, metric as usize), asked);
            let peer = now.peers[number].id;
            table.report(Source::Agent, &Report { peer, generation: 1, taken: step.at, row }).unwrap();
            seen.peers[number] = now.peers[number].clone();
        }
    }
    table.set_own(seen.peers[0].clone());
    table.set_peers(&seen);
    let reads = Reads { mode: InputMode::Columns, keys: Vec::new(), metrics: rules.clone() };
    let view = SnapshotView::new(Arc::new(table.snapshot(BEGIN)), &reads, &[]);
    whole_document(r#"{"v":1}"#, &reads, &view) + "\n"
}

#[test]
fn a_document_is_what_a_node_would_make_of_the_reports() {
    let columns = BTreeMap::from([
        ("busy".to_owned(), rule("cpu.busy", Take::Avg, 600, &[])),
        ("rx".to_owned(), rule("net.interface.rx.bytes", Take::Rate, 30, &["interface"])),
        ("queue".to_owned(), rule("app000.queue", Take::Max, 60, &[])),
        ("same".to_owned(), rule("cpu.busy", Take::Avg, 600, &[])),
        ("nothing".to_owned(), rule("app001.quue", Take::Last, 0, &[])),
    ]);
    let check = |wanted: &Wanted| {
        let rules = wanted.columns.clone().unwrap_or_else(|| default_columns(Cluster::new(1, 0, wanted.metrics).metrics()));
        let (written, text) = document(wanted);
        // Since when its peers are here a table only knows of itself.
        let timeless = |text: &str| {
            let mut parts = text.split("\"since\":");
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |text, part| text + part.trim_start_matches(|digit: char| digit.is_ascii_digit()))
        };
        assert!(timeless(&text) == timeless(&by_table(wanted, &rules)), "{wanted:?}");
        written
    };
    assert_eq!(check(&wanted(3, 700, 30)).columns, 30);
    let later = Wanted { steps: 700, columns: Some(columns), ..wanted(4, 40, 24) };
    let written = check(&later);
    assert_eq!(written.columns, 5);
    let [unmatched] = &written.unmatched[..] else { panic!("{written:?}") };
    assert_eq!((&*unmatched.name, &*unmatched.near[0]), ("nothing", "app001.queue"));
}

#[test]
fn a_moment_later_it_is_the_same_cluster_with_other_figures() {
    let read = |steps| serde_json::from_str::<serde_json::Value>(&document(&Wanted { steps, ..wanted(1, 50, 3) }).1).unwrap();
    let (before, after) = (read(31), read(32));
    let facts = |document: &serde_json::Value| {
        let peers = document["peers"].as_object().unwrap().clone();
        peers.into_iter().map(|(hostname, peer)| (hostname, peer["id"].clone(), peer["machine"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(facts(&before), facts(&after));
    assert_ne!(before["metrics"]["cpu"], after["metrics"]["cpu"]);
    assert_eq!(before["metrics"]["memory_total"], after["metrics"]["memory_total"]);
}

#[test]
fn counters_only_grow_until_their_machine_restarts() {
    let cluster = Cluster::new(3, 2_000, 20);
    let counters: Vec<usize> = (0..20).filter(|place| cluster.metrics()[*place].kind == SampleKind::Counter).collect();
    assert!(counters.len() >= 7);
    let uptime = place(&cluster, "uptime");
    let mut before: Vec<Option<Vec<f64>>> = vec![None; 2_000];
    let (mut grown, mut resets) = (0, 0);
    // Restarts are rare: enough steps for some.
    for step in cluster.steps().take(600) {
        for (number, before) in before.iter_mut().enumerate() {
            let Some(row) = step.row(number) else { continue };
            if let Some(before) = before {
                let restarted = row[uptime] < before[uptime];
                resets += usize::from(restarted);
                for place in counters.iter().filter(|place| !row[**place].is_nan() && !before[**place].is_nan()) {
                    assert!(restarted || row[*place] >= before[*place], "{:?}", cluster.metrics()[*place]);
                    grown += usize::from(row[*place] > before[*place]);
                }
            }
            *before = Some(row.to_vec());
        }
        if resets > 2 && grown > 100_000 {
            return;
        }
    }
    panic!("{resets} restarts, {grown} times grown");
}

#[test]
fn gaps_are_as_rare_as_told() {
    let cluster = Cluster::new(4, 2_000, 30);
    let silent = cluster.peers().peers.iter().filter(|peer| peer.last_report == Some(peer.known_since)).count();
    assert!((2..25).contains(&silent), "{silent} of 2000");
    let (mut lost, mut missing, mut all) = (0, 0, 0);
    let busy = place(&cluster, "cpu.busy");
    for step in cluster.steps().take(50) {
        lost += (0..2_000).filter(|number| step.row(*number).is_none()).count();
        let rows = (0..2_000).filter_map(|number| step.row(number));
        for row in rows {
            all += 1;
            missing += usize::from(row[busy].is_nan());
        }
        assert_eq!(cluster.peers_at(&step).peers.len(), 2_000);
    }
    let lost = lost - silent * 50;
    assert!((150..600).contains(&lost), "{lost} of 100000");
    assert!((15..120).contains(&missing), "{missing} of {all}");
}

#[test]
fn days_are_busier_than_nights() {
    let cluster = Cluster::new(5, 1, 1);
    let machine = Machine { load: 0.4, swing: 0.4, ahead: 0, ..cluster.machines[0].clone() };
    let mean = |from: u64| (from..from + 1_000).map(|step| figure::load(&machine, Draw::seeded(1), step)).sum::<f64>() / 1_000.0;
    let (night, noon) = (mean(0), mean(STEPS_A_DAY / 2));
    assert!(noon > night + 0.3, "{night} at night, {noon} at noon");
}
