//! The cluster at one moment: peers and the columns that go with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::UnixMillis;
use crate::metrics::{Column, ColumnId, Columns, MetricRule};
use crate::peers::PeerTable;

/// Peers and metrics at one moment. Every column is as long as the table of peers.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// When the newest report in it arrived.
    pub at: UnixMillis,
    peers: Arc<PeerTable>,
    columns: Columns,
    host: HostColumns,
}

/// Columns that the host makes under names of its own, one value a peer. They need no rule and every plugin may read them.
pub type HostColumns = BTreeMap<String, Arc<Vec<f64>>>;

/// The host column of ages: milliseconds since the figures of a peer were taken, when the snapshot was made; NaN where there were none
/// yet. `age_ms` is of the source that the site runs, `age_ms.SOURCE` of a certain one. It is another one in every snapshot: a plugin
/// that decides by it should compare it with a bound and not place by the number itself, or every round makes another schedule.
pub const AGE: &str = "age_ms";

/// A column that does not fit the table of peers: a defect of the collector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the column {column} has {values} values for {peers} peers")]
pub struct ColumnMismatch {
    column: String,
    values: usize,
    peers: usize,
}

impl Snapshot {
    /// Puts `columns` beside `peers`.
    pub fn new(at: UnixMillis, peers: Arc<PeerTable>, columns: Columns) -> Result<Snapshot, ColumnMismatch> {
        if let Some((id, column)) = columns.iter().find(|(_, column)| !column.fits(peers.len())) {
            return Err(ColumnMismatch { column: format!("{id:?}"), values: column.values.len(), peers: peers.len() });
        }
        Ok(Snapshot { at, peers, columns, host: HostColumns::new() })
    }

    /// The same with `host` as the host's columns.
    pub fn with_host_columns(self, host: HostColumns) -> Result<Snapshot, ColumnMismatch> {
        if let Some((name, values)) = host.iter().find(|(_, values)| values.len() != self.peers.len()) {
            return Err(ColumnMismatch { column: name.clone(), values: values.len(), peers: self.peers.len() });
        }
        Ok(Snapshot { host, ..self })
    }

    /// The nodes.
    pub fn peers(&self) -> &Arc<PeerTable> {
        &self.peers
    }

    /// The one column of `rule`, when it is kept; of a rule with `by` see [`Snapshot::columns_of`].
    pub fn column(&self, rule: &MetricRule) -> Option<&Arc<Column>> {
        self.columns.get(&ColumnId::whole(rule.clone()))
    }

    /// All columns of `rule`, by group.
    pub fn columns_of<'a>(&'a self, rule: &'a MetricRule) -> impl Iterator<Item = (&'a ColumnId, &'a Arc<Column>)> {
        let first = ColumnId::whole(rule.clone());
        self.columns.range(first..).take_while(move |(id, _)| id.rule == *rule)
    }

    /// The host's columns.
    pub fn host_columns(&self) -> &HostColumns {
        &self.host
    }

    /// All columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}
