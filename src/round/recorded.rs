//! An input document read back into a snapshot, for tools and tests that decide without a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use verwalter_core::contract::{InputMode, Reads, SnapshotView};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Column, Combine, MetricRule, Take};
use verwalter_core::names::{Hostname, RoleName};
use verwalter_core::peers::{NodeState, Peer, PeerTable};
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::Snapshot;

/// Why a document cannot be decided on. Whoever wrote it is at fault.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// Not an input document.
    #[error("it is no input document: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A column that does not go with the peers.
    #[error("`metrics.{name}` has {values} values for {peers} peers: one a peer is needed, in the order of hostnames")]
    Column {
        /// Which.
        name: String,
        /// How long it is.
        values: usize,
        /// How long it should be.
        peers: usize,
    },
}

/// A peer as a document has it. Only its id is needed.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedPeer {
    id: NodeId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    addr: Option<SocketAddr>,
    #[serde(default)]
    known_since: UnixMillis,
    #[serde(default)]
    last_report_direct: Option<UnixMillis>,
    #[serde(default)]
    since: UnixMillis,
    #[serde(default)]
    roles: BTreeSet<RoleName>,
    #[serde(default)]
    schedule: Option<Digest>,
    /// Without it the node said nothing of its work.
    #[serde(default)]
    errors: Option<u32>,
    #[serde(default)]
    machine: Map<String, Value>,
}

/// The cluster as a document has it, other keys ignored.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RecordedCluster {
    /// By hostname.
    #[serde(default)]
    pub peers: BTreeMap<Hostname, RecordedPeer>,
    /// Those that do not answer, by hostname.
    #[serde(default)]
    pub absent: BTreeMap<Hostname, RecordedPeer>,
    /// Columns by name: one value a peer in ascending order of hostname, null where there is no sample.
    #[serde(default)]
    pub metrics: BTreeMap<String, Vec<Option<f64>>>,
}

impl RecordedPeer {
    fn peer(self, hostname: Hostname, alive: bool) -> Peer {
        let RecordedPeer { roles, schedule, .. } = self;
        Peer {
            id: self.id,
            name: self.name.unwrap_or_else(|| hostname.to_string()),
            hostname,
            addr: self.addr,
            known_since: self.known_since,
            last_report_direct: self.last_report_direct,
            alive,
            since: self.since,
            state: self.errors.map(|errors| Arc::new(NodeState { roles, schedule, errors })),
            machine: self.machine.into(),
        }
    }
}

impl RecordedCluster {
    /// The peers and columns, and the rule under which the snapshot has each column.
    pub fn snapshot(self) -> Result<(Arc<Snapshot>, BTreeMap<String, MetricRule>), RecordedError> {
        let peers = self.peers.into_iter().map(|(hostname, raw)| raw.peer(hostname, true));
        // Keys of one object: no two are the same.
        let (peers, _) = PeerTable::new(peers.collect());
        let absent = self.absent.into_iter().map(|(hostname, raw)| Arc::new(raw.peer(hostname, false)));
        let peers = peers.with_absent(&PeerTable::default(), absent.collect());
        let mut metrics = BTreeMap::new();
        let mut columns = BTreeMap::new();
        for (name, values) in self.metrics {
            if values.len() != peers.len() {
                return Err(RecordedError::Column { name, values: values.len(), peers: peers.len() });
            }
            let rule = rule(&name);
            let values = values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            columns.insert(rule.clone().into(), Arc::new(Column::new(values)));
            metrics.insert(name, rule);
        }
        let snapshot = Snapshot::new(UnixMillis::default(), Arc::new(peers), columns).expect("the lengths were compared");
        Ok((Arc::new(snapshot), metrics))
    }
}

/// The rule that stands for a column of which only the name is known.
pub fn rule(name: &str) -> MetricRule {
    let labels = BTreeMap::from([("metric".to_owned(), name.to_owned())]);
    MetricRule { labels, take: Take::Last, window: Duration::ZERO, combine: Combine::Sum, ..MetricRule::default() }
}

/// The peers and columns of a document; `parents` are what `placed.ROLE` is made of.
pub fn view(text: &str, parents: &[Schedule]) -> Result<SnapshotView, RecordedError> {
    let cluster: RecordedCluster = serde_json::from_str(text)?;
    let (snapshot, metrics) = cluster.snapshot()?;
    let reads = Reads { mode: InputMode::Columns, keys: Vec::new(), metrics };
    Ok(SnapshotView::new(snapshot, &reads, parents))
}
