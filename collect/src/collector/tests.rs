//! The task on fixture machines. Every wait is for an event; the deadline of a minute only ends a test that would hang.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Combine, SERIES_LEN, Take};
use verwalter_core::names::Hostname;

mod fakes;
mod sources;
mod switching;

use super::*;
use crate::default_metrics;

/// This node.
const OWN: NodeId = NodeId::from_bytes([7; 16]);

struct Running {
    machine: watch::Sender<Arc<Map<String, Value>>>,
    state: watch::Sender<Option<Arc<NodeState>>>,
    rules: watch::Sender<Arc<RuleSet>>,
    published: watch::Receiver<Option<Arc<Published>>>,
    drain: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(roots: Roots, interval: Duration) -> Running {
        Running::with(roots, interval, Sources::default())
    }

    fn with(roots: Roots, interval: Duration, sources: Sources) -> Running {
        let node = OwnNode {
            id: OWN,
            hostname: Hostname::new("alpha").unwrap(),
            name: "alpha.example.org".to_owned(),
            addr: Some(([127, 0, 0, 1], 8379).into()),
        };
        let settings = Settings { node, interval, first_gap: Duration::from_millis(5), roots, sources };
        let (machine, machine_read) = watch::channel(Arc::new(Map::new()));
        let (state, state_read) = watch::channel(None);
        let (rules, rules_read) = watch::channel(Arc::new(default_rules()));
        let drain = CancellationToken::new();
        let (published, task) = start(settings, machine_read, state_read, rules_read, drain.clone());
        Running { machine, state, rules, published, drain, task: tokio::spawn(task) }
    }

    async fn wait_for(&mut self, what: &str, mut holds: impl FnMut(&Published) -> bool) -> Arc<Published> {
        let wait = self.published.wait_for(|published| published.as_ref().is_some_and(|published| holds(published)));
        let published = tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
        published.unwrap().clone().unwrap()
    }
}

fn default_rules() -> RuleSet {
    RuleSet { generation: 1, rules: default_metrics().into_values().collect(), reads_peers: true }
}

fn roots(machine: &str) -> Roots {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc").join(machine);
    Roots { proc: root.join("proc"), sys: root.join("sys"), fs: root }
}

/// A value of a default column.
fn value(published: &Published, name: &str) -> f64 {
    published.snapshot.column(&default_metrics()[name]).unwrap_or_else(|| panic!("no column for {name}")).values[0]
}

/// A machine whose files a test replaces, begun as a copy of one of the fixtures.
fn copy_of(machine: &str) -> (tempfile::TempDir, Roots) {
    let directory = tempfile::tempdir().unwrap();
    let roots = Roots { proc: directory.path().join("proc"), sys: directory.path().join("sys"), fs: directory.path().to_owned() };
    fs::create_dir_all(roots.proc.join("net")).unwrap();
    for file in ["stat", "meminfo", "loadavg", "uptime", "diskstats", "net/dev"] {
        fs::copy(self::roots(machine).proc.join(file), roots.proc.join(file)).unwrap();
    }
    (directory, roots)
}

/// Puts a file of another fixture in place of one of `roots`, in one step.
fn replace(roots: &Roots, file: &str, machine: &str) {
    let fresh = roots.fs.join("fresh");
    fs::copy(self::roots(machine).proc.join(file), &fresh).unwrap();
    fs::rename(fresh, roots.proc.join(file)).unwrap();
}

const FAST: Duration = Duration::from_millis(20);
/// So long that a test sees only what the first two readings and its own changes cause.
const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn the_first_publication_is_real() {
    let mut running = Running::start(roots("earlier"), NEVER);
    let first = running.wait_for("the first publication", |_| true).await;
    assert_eq!((first.samples, first.rules_generation), (2, 1));
    let peers = first.snapshot.peers();
    assert_eq!(peers.len(), 1);
    let peer = peers.get(0).unwrap();
    assert_eq!((peer.hostname.as_str(), peer.name.as_str()), ("alpha", "alpha.example.org"));
    assert_eq!(peer.last_report_direct, Some(first.snapshot.at));
    assert!(peer.known_since.0 > 0 && peer.last_report_direct >= Some(peer.known_since));
    let facts = ["cpus", "memory_bytes", "swap_bytes"].map(|fact| peer.machine[fact].clone());
    assert_eq!(facts, [json!(2), json!(2_097_152_000_u64), json!(1_073_741_824_u64)]);

    let check = |name, expect: f64| assert_eq!(value(&first, name), expect, "{name}");
    check("cpus", 2.0);
    check("load", 0.32);
    check("memory_total", 2_097_152_000.0);
    check("memory_free", 1_048_576_000.0);
    for rate in ["disk_read", "disk_write", "net_rx", "net_tx"] {
        check(rate, 0.0);
    }
    assert!(value(&first, "cpu").is_nan(), "the fixture's time stands still");
    assert!(value(&first, "disk_free") <= value(&first, "disk_size"));
    let column = first.snapshot.column(&default_metrics()["load"]).unwrap();
    assert_eq!(*column.series(0), [0.32], "two readings so close are one moment");
}

#[tokio::test]
async fn rates_follow_the_figures() {
    let (_directory, roots) = copy_of("earlier");
    let mut running = Running::start(roots.clone(), FAST);
    running.wait_for("two samples", |published| published.samples >= 2).await;
    for file in ["diskstats", "net/dev"] {
        replace(&roots, file, "later");
    }
    let moved = |published: &Published| value(published, "disk_write") > 0.0 && value(published, "net_rx") > 0.0;
    let published = running.wait_for("rates", moved).await;
    let ratio = |a, b| value(&published, a) / value(&published, b);
    // Sectors: 120 read of both disks, 400 written; the layer above them counts nothing again.
    assert!((ratio("disk_write", "disk_read") - 400.0 / 120.0).abs() < 1e-9);
    // Bytes: 3,000 received on two interfaces, 500 sent; loopback counts nothing.
    assert!((ratio("net_rx", "net_tx") - 6.0).abs() < 1e-9);
    replace(&roots, "stat", "later");
    // The share is of one reading only, so it is looked for in the ring.
    let cpu = default_metrics()["cpu"].clone();
    let busy = |published: &Published| published.snapshot.column(&cpu).is_some_and(|column| column.series(0).contains(&0.625));
    running.wait_for("the busy share", busy).await;
    let load = default_metrics()["load"].clone();
    let full = |published: &Published| published.snapshot.column(&load).is_some_and(|column| column.series(0).len() == SERIES_LEN);
    running.wait_for("a full ring", full).await;
}

#[tokio::test]
async fn new_rules_and_facts_take_effect_at_once() {
    let mut running = Running::start(roots("earlier"), NEVER);
    running.wait_for("the first publication", |_| true).await;

    let labels = [("metric".to_owned(), "memory.MemFree".to_owned())].into();
    let rule = MetricRule { labels, take: Take::Max, window: Duration::from_secs(60), combine: Combine::Sum, ..MetricRule::default() };
    running.rules.send_replace(Arc::new(RuleSet { generation: 2, rules: [rule.clone()].into(), reads_peers: true }));
    let published = running.wait_for("the second rules", |published| published.rules_generation == 2).await;
    let column = published.snapshot.column(&rule).expect("the new column");
    assert_eq!((column.values[0], &*column.series(0)), (524_288_000.0, [524_288_000.0].as_slice()));
    assert!(published.snapshot.column(&default_metrics()["cpus"]).is_none(), "nobody asks for it any more");

    let operator = json!({"rack": "r1", "cpus": 1}).as_object().unwrap().clone();
    running.machine.send_replace(Arc::new(operator));
    let fact = |published: &Published, name: &str| published.snapshot.peers().get(0).and_then(|peer| peer.attribute(name));
    let published = running.wait_for("the rack", |published| fact(published, "rack").as_deref() == Some("r1")).await;
    assert_eq!(fact(&published, "cpus").as_deref(), Some("1"));
    assert_eq!(fact(&published, "memory_bytes").as_deref(), Some("2097152000"));
    assert_eq!(published.samples, 2, "no reading was needed");
}

#[tokio::test]
async fn without_any_source_there_are_columns_without_numbers() {
    let nowhere = roots("nowhere");
    let mut running = Running::start(nowhere, FAST);
    let published = running.wait_for("the first publication", |_| true).await;
    for name in default_metrics().keys() {
        assert!(value(&published, name).is_nan(), "{name}");
    }
}

#[tokio::test]
async fn a_hung_reading_makes_figures_stale_and_is_thrown_away() {
    let (_directory, roots) = copy_of("earlier");
    let mut running = Running::start(roots.clone(), FAST);
    running.wait_for("figures", |published| value(published, "cpus") == 2.0).await;
    // Opened for writing as well, so that readers wait for bytes until it is dropped.
    let fresh = roots.fs.join("fresh");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fresh, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let mut hung = fs::OpenOptions::new().read(true).write(true).open(&fresh).unwrap();
    fs::rename(&fresh, roots.proc.join("stat")).unwrap();
    let stale = running.wait_for("stale figures", |published| value(published, "cpus").is_nan()).await;

    running.rules.send_replace(Arc::new(RuleSet { generation: 2, ..default_rules() }));
    let meanwhile = running.wait_for("the second rules", |published| published.rules_generation == 2).await;
    assert_eq!(meanwhile.samples, stale.samples, "the reading still hangs");

    replace(&roots, "stat", "earlier");
    // One processor, where every reading in time saw two.
    hung.write_all(b"cpu  1 2 3 4\ncpu0 1 2 3 4\nctxt 1\nbtime 1\nprocesses 1\n").unwrap();
    drop(hung);
    let healed = running.wait_for("figures again", |published| value(published, "cpus") == 2.0).await;
    assert!(healed.samples > stale.samples);
    let column = healed.snapshot.column(&default_metrics()["cpus"]).unwrap();
    assert!(column.series(0).iter().all(|value| *value == 2.0), "the reading that hung left no trace: {column:?}");
}

#[tokio::test]
async fn a_hung_first_reading_does_not_hold_the_first_publication_back() {
    let (_directory, roots) = copy_of("earlier");
    fs::remove_file(roots.proc.join("stat")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, roots.proc.join("stat"), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let hung = fs::OpenOptions::new().read(true).write(true).open(roots.proc.join("stat")).unwrap();
    let mut running = Running::start(roots.clone(), FAST);
    let published = running.wait_for("the first publication", |_| true).await;
    assert_eq!((published.samples, published.snapshot.peers().get(0).unwrap().last_report_direct), (0, None));
    replace(&roots, "stat", "earlier");
    drop(hung);
    running.wait_for("figures", |published| value(published, "cpus") == 2.0).await;
}

#[tokio::test]
async fn it_ends_on_drain_and_outlives_its_senders() {
    let Running { machine, rules, mut published, drain, task, state } = Running::start(roots("earlier"), FAST);
    drop((machine, rules, state));
    let many = published.wait_for(|published| published.as_ref().is_some_and(|published| published.samples >= 5));
    tokio::time::timeout(Duration::from_secs(60), many).await.expect("it goes on without senders").expect("it lives");
    drain.cancel();
    tokio::time::timeout(Duration::from_secs(60), task).await.expect("it ends on drain").expect("it does not panic");
}
