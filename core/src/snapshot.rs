//! The cluster at one moment: peers and the columns that go with them.

use std::sync::Arc;

use crate::ids::UnixMillis;
use crate::metrics::{Column, Columns, MetricRule};
use crate::peers::PeerTable;

/// Peers and metrics at one moment. Every column is as long as the table of peers.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// When the newest report in it arrived.
    pub at: UnixMillis,
    peers: Arc<PeerTable>,
    columns: Columns,
}

/// A column that does not fit the table of peers: a defect of the collector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the column of {rule:?} has {values} values for {peers} peers")]
pub struct ColumnMismatch {
    rule: MetricRule,
    values: usize,
    peers: usize,
}

impl Snapshot {
    /// Puts `columns` beside `peers`.
    pub fn new(at: UnixMillis, peers: Arc<PeerTable>, columns: Columns) -> Result<Snapshot, ColumnMismatch> {
        for (rule, column) in &columns {
            let fits = column.values.len() == peers.len() && (column.series.is_empty() || column.series.len() == peers.len());
            if !fits {
                return Err(ColumnMismatch { rule: rule.clone(), values: column.values.len(), peers: peers.len() });
            }
        }
        Ok(Snapshot { at, peers, columns })
    }

    /// The nodes.
    pub fn peers(&self) -> &Arc<PeerTable> {
        &self.peers
    }

    /// The column of `rule`, when it is kept.
    pub fn column(&self, rule: &MetricRule) -> Option<&Arc<Column>> {
        self.columns.get(rule)
    }

    /// All columns, by rule.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}
