//! The cluster that hostile guests see: ten thousand nodes with one metric, always the same. It reads nothing of this machine.

use std::sync::Arc;

use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Column, Columns, MetricRule};
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::snapshot::Snapshot;

/// Above any cluster that this version is made for: a host call moves as much as it ever will.
const NODES: u32 = 10_000;
/// Samples of each node's metric.
const SAMPLES: usize = 30;

/// The cluster, with a column under `rule`.
pub(super) fn snapshot(rule: MetricRule) -> Arc<Snapshot> {
    let peers = (0..NODES).map(|number| {
        let hostname = Hostname::new(&hostname(number)).expect("letters and digits");
        let machine = [("rack".to_owned(), format!("r{}", number % 100).into())].into_iter().collect::<serde_json::Map<_, _>>().into();
        Peer {
            name: format!("{hostname}.example.org"),
            machine,
            ..Peer::named(NodeId::from_bytes(u128::from(number).to_be_bytes()), hostname)
        }
    });
    let (peers, _) = PeerTable::new(peers.collect());
    let series: Arc<[f64]> = Arc::from([0.5; SAMPLES]);
    let values = (0..NODES).map(|number| f64::from(number) / 7.0).collect();
    let column = Column::with_series(Arc::new(values), vec![series; NODES as usize]);
    Arc::new(
        Snapshot::new(UnixMillis(2_000), Arc::new(peers), Columns::from([(rule.into(), Arc::new(column))])).expect("a value for each node"),
    )
}

/// The name of the node `number`.
pub(super) fn hostname(number: u32) -> String {
    format!("node{number:05}")
}
