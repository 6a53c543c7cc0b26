//! The same columns made from scratch: every peer's text, every value, and every value of the past.

use std::sync::Arc;

use super::*;
use verwalter_core::metrics::{Column, ColumnId, Columns};

/// The table of peers from what was seen of them.
pub(crate) fn peers(cluster: &Cluster) -> PeerTable {
    let peers = cluster.peers().peers.iter().map(|seen| seen.told(seen.known_since));
    PeerTable::new(peers.collect()).0
}

/// A snapshot at `step` whose columns have the values of the last `moments`.
pub(crate) fn snapshot(bench: &Bench, recent: &Recent, step: &Step, moments: usize) -> Snapshot {
    let peers = peers(&bench.cluster);
    let numbers: std::collections::HashMap<_, usize> =
        bench.cluster.peers().peers.iter().enumerate().map(|(number, seen)| (seen.id, number)).collect();
    let order: Vec<usize> = peers.iter().map(|peer| numbers[&peer.id]).collect();
    let now = now(step);
    let rows: Vec<Row> = order.iter().map(|peer| bench.row(recent, *peer, now)).collect();
    let at = |ago: usize| now.saturating_sub(STEP * u32::try_from(ago).expect("a small number"));
    let past: Vec<Vec<Row>> = order.iter().map(|peer| (0..moments).rev().map(|ago| bench.row(recent, *peer, at(ago))).collect()).collect();
    let mut columns = Columns::new();
    for (place, rule) in bench.set.rules().iter().filter(|rule| rule.by.is_empty()).enumerate() {
        let values = rows.iter().map(|row| row.values[place]).collect();
        let series: Vec<Arc<[f64]>> = past.iter().map(|past| past.iter().map(|row| row.values[place]).collect()).collect();
        let series = if moments == 0 { Vec::new() } else { series };
        columns.insert(ColumnId::whole(rule.clone()), Arc::new(Column::with_series(Arc::new(values), series)));
    }
    Snapshot::new(UnixMillis(step.at.0), Arc::new(peers), columns).expect("a value for each peer")
}
