//! What a plugin sees of the machines: rules that pick one number a peer, and columns that hold it.
//!
//! Columns are kept up to date as reports arrive and are never rebuilt for a round. NaN stands for "no sample".

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many of a peer's last values a column remembers: one minute at a sample every 2 s.
pub const SERIES_LEN: usize = 30;

/// How the samples of one series within the window become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// The newest sample.
    Last,
    /// Growth per second of a counter over the window; a counter that fell was reset and counts from zero.
    Rate,
    /// The mean of the samples in the window.
    Avg,
    /// The least sample in the window.
    Min,
    /// The greatest sample in the window.
    Max,
}

/// How several series that a rule matches become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// One number a peer: which series, over which window, reduced how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MetricRule {
    /// The series' labels that must be present with these values; `metric` is always among them.
    pub labels: BTreeMap<String, String>,
    /// What becomes of the samples of one series.
    pub take: Take,
    /// How far back samples count. Meaningless for [`Take::Last`].
    pub window: Duration,
    /// What becomes of several matching series.
    pub combine: Combine,
}

/// The values of one rule, one a peer, in the order of the snapshot's peers.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// The newest value of each peer; NaN where there is none.
    pub values: Arc<Vec<f64>>,
    /// The last values of each peer, oldest first, at most [`SERIES_LEN`]. Empty, or as long as `values`.
    pub series: Vec<Arc<[f64]>>,
}

impl Column {
    /// A column of newest values without a past.
    pub fn new(values: Vec<f64>) -> Column {
        Column { values: Arc::new(values), series: Vec::new() }
    }
}

/// All columns that are kept, by rule.
pub type Columns = BTreeMap<MetricRule, Arc<Column>>;
