//! What one plugin sees of a snapshot in one round: peers, and columns under the plugin's own names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Reads;
use crate::metrics::Column;
use crate::schedule::Schedule;
use crate::snapshot::{AGE, Snapshot};

/// Columns with this prefix are the host's: `placed.ROLE` is the number of instances of a role on each peer in the schedule
/// that this decision follows (0 where there is none). They exist when there is exactly one such schedule.
pub const PLACED_PREFIX: &str = "placed.";

/// Whether a column of this name is the host's, now or at another time: a metric of that name would hide it from the plugin.
pub fn is_host_column(name: &str) -> bool {
    name.starts_with(PLACED_PREFIX) || name.strip_prefix(AGE).is_some_and(|source| source.is_empty() || source.starts_with('.'))
}

/// A snapshot through one plugin's eyes. It never changes during a decision.
#[derive(Debug, Clone, Default)]
pub struct SnapshotView {
    snapshot: Arc<Snapshot>,
    columns: BTreeMap<String, Option<Arc<Column>>>,
    parent: Option<Schedule>,
}

impl SnapshotView {
    /// Binds the names of `reads` to the columns of `snapshot`. `parents` are the schedules that the decision follows.
    pub fn new(snapshot: Arc<Snapshot>, reads: &Reads, parents: &[Schedule]) -> SnapshotView {
        let mut columns = BTreeMap::new();
        for (alias, rule) in &reads.metrics {
            columns.extend(snapshot.columns_of(rule).map(|(id, column)| (id.name(alias), Some(column.clone()))));
            if rule.by.is_empty() {
                columns.entry(alias.clone()).or_insert(None);
            }
        }
        let parent = match parents {
            [only] => Some(only.clone()),
            _ => None,
        };
        SnapshotView { snapshot, columns, parent }
    }

    /// The snapshot behind it.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The hostnames in ascending order, which is the order of every column.
    pub fn hostnames(&self) -> impl ExactSizeIterator<Item = &str> {
        self.snapshot.peers().hostnames()
    }

    /// One text a peer: `hostname`, or what [`Peer::attribute`](crate::peers::Peer::attribute) knows; "" where absent.
    pub fn attribute(&self, name: &str) -> Vec<String> {
        if name == "hostname" {
            return self.hostnames().map(str::to_owned).collect();
        }
        self.snapshot.peers().iter().map(|peer| peer.attribute(name).unwrap_or_default()).collect()
    }

    /// The plugin's names for its columns.
    pub fn metrics(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// The values of a column, NaN where there is no sample; `None` where the plugin has no such column. The plugin's own names come before
    /// those of the host ([`Snapshot::host_columns`], [`PLACED_PREFIX`]).
    pub fn column(&self, name: &str) -> Option<Cow<'_, [f64]>> {
        if let Some(column) = self.columns.get(name) {
            return Some(match column {
                Some(column) => Cow::Borrowed(&column.values[..]),
                // Declared, but nobody has measured it yet.
                None => Cow::Owned(vec![f64::NAN; self.snapshot.peers().len()]),
            });
        }
        if let Some(values) = self.snapshot.host_columns().get(name) {
            return Some(Cow::Borrowed(values));
        }
        self.placed(name.strip_prefix(PLACED_PREFIX)?).map(Cow::Owned)
    }

    /// The last values of one peer, oldest first; empty where nothing is known.
    pub fn series(&self, name: &str, peer: u32) -> Cow<'_, [f64]> {
        let column = self.columns.get(name).and_then(Option::as_ref);
        column.map_or(Cow::Borrowed(&[]), |column| column.series(peer as usize))
    }

    fn placed(&self, role: &str) -> Option<Vec<f64>> {
        let parent = self.parent.as_ref()?;
        let mut values = vec![0.0; self.snapshot.peers().len()];
        // Both are in order of hostname: one pass over each.
        let mut hosts = self.hostnames().enumerate().peekable();
        for (hostname, instances) in parent.nodes_of(role) {
            while hosts.next_if(|(_, host)| *host < hostname.as_str()).is_some() {}
            if let Some((index, _)) = hosts.next_if(|(_, host)| *host == hostname.as_str()) {
                values[index] = f64::from(instances);
            }
        }
        Some(values)
    }
}
