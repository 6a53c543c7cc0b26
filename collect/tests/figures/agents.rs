//! An agent and a collector on loopback, with a machine of its own.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::agent::keys::KeyRing;
use verwalter_collect::agent::seal::ClusterName;
use verwalter_collect::agent::timing::Timing;
use verwalter_collect::agent::{Agent, Settings, Status};
use verwalter_collect::collector::MetricsFrom;
use verwalter_collect::inquiry::{self, Inquirer};
use verwalter_collect::procfs::Roots;
use verwalter_collect::{OwnNode, Published, RuleSet, Sources};
use verwalter_core::ids::NodeId;
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::Hostname;
use verwalter_core::peers::NodeState;

use crate::quick;

/// Only ends a hung test.
const DEADLINE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(50);

pub(crate) struct Node {
    pub(crate) rules: watch::Sender<Arc<RuleSet>>,
    pub(crate) state: watch::Sender<Option<Arc<NodeState>>>,
    pub(crate) machine: watch::Sender<Arc<Map<String, Value>>>,
    pub(crate) published: watch::Receiver<Option<Arc<Published>>>,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) inquirer: Inquirer,
    pub(crate) addr: SocketAddr,
    pub(crate) files: tempfile::TempDir,
    drain: CancellationToken,
    task: JoinHandle<()>,
    _keys: watch::Sender<Arc<KeyRing>>,
}

/// How a node differs from others.
pub(crate) struct Shape<'a> {
    pub(crate) number: u8,
    pub(crate) key: u8,
    pub(crate) bind: SocketAddr,
    pub(crate) seeds: &'a [SocketAddr],
    /// Network interfaces of its machine beside the loopback.
    pub(crate) interfaces: usize,
}

impl<'a> Shape<'a> {
    pub(crate) fn new(number: u8, seeds: &'a [SocketAddr]) -> Shape<'a> {
        Shape { number, key: 1, bind: ([127, 0, 0, 1], 0).into(), seeds, interfaces: 1 }
    }
}

pub(crate) fn id(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

/// The machine's load is its number.
fn write_files(files: &tempfile::TempDir, shape: &Shape<'_>) -> Roots {
    let proc = files.path().join("proc");
    fs::create_dir_all(proc.join("net")).expect("a directory");
    fs::write(proc.join("loadavg"), format!("{0}.00 {0}.00 {0}.00 1/1 1\n", shape.number)).expect("written");
    let mut text = "Inter-|   Receive                                                |  Transmit\n \
                    face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
        .to_owned();
    for number in 0..shape.interfaces {
        text += &format!("eth{number:03}: {} 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n", 1_000 + number);
    }
    fs::write(proc.join("net/dev"), text).expect("written");
    Roots { proc, sys: files.path().join("sys"), fs: files.path().to_owned() }
}

impl Node {
    pub(crate) async fn start(shape: Shape<'_>) -> Node {
        let files = tempfile::tempdir().expect("a directory");
        let roots = write_files(&files, &shape);
        let hostname = Hostname::new(&format!("n{}", shape.number)).expect("a hostname");
        let node = OwnNode { id: id(shape.number), hostname, name: format!("n{}.example.org", shape.number), addr: None };
        let timing = Timing { suspicion: Duration::from_secs(2), ..quick::timing() };
        let keys = watch::Sender::new(Arc::new(KeyRing::new(&[[shape.key; 32]])));
        let settings = Settings {
            node: node.clone(),
            bind: shape.bind,
            advertise: None,
            cluster: ClusterName::new("test").expect("a name"),
            seeds: shape.seeds.iter().map(SocketAddr::to_string).collect(),
            keys: keys.subscribe(),
            timing,
            store: None,
        };
        let mut agent = Agent::bind(settings).await.expect("a free port");
        let (addr, status) = (agent.local_addr(), agent.status());
        let (inquirer, inquiries) = inquiry::channel();
        let figures = agent.figures(inquirer.clone(), INTERVAL);
        let sources = Sources {
            peers: vec![Box::new(agent)],
            metrics: vec![Box::new(figures)],
            default: MetricsFrom::Auto,
            lenient: false,
            inquiries: Some(inquiries),
        };
        let settings = verwalter_collect::Settings { node, interval: INTERVAL, first_gap: Duration::from_millis(5), roots, sources };
        let (rules, rules_read) = watch::channel(Arc::default());
        let (state, state_read) = watch::channel(None);
        let (machine, machine_read) = watch::channel(Arc::default());
        let drain = CancellationToken::new();
        let (published, task) = verwalter_collect::start(settings, machine_read, state_read, rules_read, drain.clone());
        Node { rules, state, machine, published, status, inquirer, addr, files, drain, task: tokio::spawn(task), _keys: keys }
    }

    pub(crate) fn ask(&self, rules: &[MetricRule]) {
        let generation = self.rules.borrow().generation + 1;
        self.rules.send_replace(Arc::new(RuleSet { generation, rules: BTreeSet::from_iter(rules.iter().cloned()), reads_peers: true }));
    }

    /// Waits until what it publishes is as wanted.
    pub(crate) async fn shows(&mut self, what: &str, mut wanted: impl FnMut(&Published) -> bool) -> Arc<Published> {
        let holds = |published: &Option<Arc<Published>>| published.as_ref().is_some_and(|published| wanted(published));
        let Ok(published) = tokio::time::timeout(DEADLINE, self.published.wait_for(holds)).await else {
            let last = self.published.borrow();
            panic!("{what}: never, but {:?} and {:?}", last.as_ref().map(|last| &last.sources), self.status.borrow());
        };
        published.expect("the collector runs").clone().expect("was looked at")
    }

    /// Waits until its agent's state is as wanted.
    pub(crate) async fn counts(&mut self, what: &str, mut wanted: impl FnMut(&Status) -> bool) -> Status {
        let Ok(status) = tokio::time::timeout(DEADLINE, self.status.wait_for(|status| wanted(status))).await else {
            panic!("{what}: never, but {:?}", self.status.borrow());
        };
        status.expect("the agent runs").clone()
    }

    pub(crate) async fn stop(self) {
        self.drain.cancel();
        tokio::time::timeout(DEADLINE, self.task).await.expect("ends").expect("without a panic");
    }

    /// As when the power goes: nobody is told.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(tokio::time::timeout(DEADLINE, self.task).await.expect("ends").expect_err("was aborted").is_cancelled());
    }
}

/// The values of a column by hostname.
pub(crate) fn values(published: &Published, rule: &MetricRule) -> Vec<(String, f64)> {
    let Some(column) = published.snapshot.column(rule) else { return Vec::new() };
    published.snapshot.peers().hostnames().map(str::to_owned).zip(column.values.iter().copied()).collect()
}

/// The fact of a peer, as text.
pub(crate) fn fact(published: &Published, hostname: &str, name: &str) -> Option<String> {
    let peers = published.snapshot.peers();
    peers.get(peers.position(hostname)?)?.attribute(name)
}
