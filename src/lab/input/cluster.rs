//! Peers and columns of a document, and the leader among them. It makes up what a document may leave out.

use std::collections::BTreeMap;
use std::sync::Arc;

use verwalter_core::ids::NodeId;
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::Hostname;
use verwalter_core::snapshot::Snapshot;

use super::Flaw;
use crate::round::recorded::{RecordedCluster, RecordedError};

/// The snapshot and the rule under which it has each column.
pub(super) fn snapshot(cluster: RecordedCluster) -> Result<(Arc<Snapshot>, BTreeMap<String, MetricRule>), Flaw> {
    cluster.snapshot().map_err(|err| match &err {
        RecordedError::Column { name, values, peers } => Flaw::new(
            format!("metrics.{name}"),
            format!("has {values} values for {peers} peers: one a peer, in ascending order of hostname"),
        ),
        RecordedError::Malformed(_) => Flaw::new("", err.to_string()),
    })
}

/// Who leads: the one that is named, else the first peer.
pub(super) fn leader(host: Option<Hostname>, id: Option<NodeId>, snapshot: &Snapshot) -> Result<(Hostname, NodeId), Flaw> {
    let peers = snapshot.peers();
    let named = host.as_ref().map_or(Some(0), |host| peers.position(host.as_str())).and_then(|position| peers.get(position));
    let host = host.or_else(|| named.map(|peer| peer.hostname.clone()));
    let host = host.ok_or_else(|| Flaw::new("current_host", "is missing, and there is no peer that could lead: name a host"))?;
    Ok((host, id.or_else(|| named.map(|peer| peer.id)).unwrap_or(NodeId::from_bytes([0; 16]))))
}
