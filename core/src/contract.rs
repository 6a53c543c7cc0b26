//! The plugin contract, version 1: what a plugin is told and in which form. The same for every ABI.

mod input;
mod query;
mod review;
mod view;

pub(crate) mod envelope;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use input::{SchedulerInput, document, whole_document};
pub use query::{QueryInput, RolesInput, query_document, roles_document};
pub use review::{ReviewInput, review_document};
pub use view::{PLACED_PREFIX, SnapshotView, is_host_column};

use crate::metrics::MetricRule;
use crate::ports::Kind;

/// The version that documents carry as `v`.
pub const VERSION: u32 = 1;

/// How a scheduler is told of peers and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputMode {
    /// In the input document.
    #[default]
    Document,
    /// Through the `snapshot` imports; the document leaves both out.
    Columns,
}

/// A part of the input document that a plugin may do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKey {
    /// Operators' metadata.
    Runtime,
    /// The schedules that this decision follows.
    Parents,
    /// Operators' pending actions.
    Actions,
    /// The nodes that answer.
    Peers,
    /// The nodes that were here and do not answer; left out of the document where there are none.
    Absent,
    /// The columns.
    Metrics,
}

impl InputKey {
    /// All of them.
    pub const ALL: [InputKey; 6] =
        [InputKey::Runtime, InputKey::Parents, InputKey::Actions, InputKey::Peers, InputKey::Absent, InputKey::Metrics];
}

/// What a plugin's `describe` export answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Description {
    /// What its author calls it.
    pub name: String,
    /// Its author's version.
    #[serde(default)]
    pub version: String,
    /// What it is for.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// How it wants peers and metrics.
    #[serde(default)]
    pub input: Option<InputMode>,
    /// What it reads of the input document; absent: all of it.
    #[serde(default)]
    pub reads: Option<Vec<InputKey>>,
}

/// What one activated plugin is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// How it is told of peers and metrics.
    pub mode: InputMode,
    /// The optional parts of the document that it reads.
    pub keys: Vec<InputKey>,
    /// Its columns, by the name it knows them under.
    pub metrics: BTreeMap<String, MetricRule>,
}

impl Reads {
    /// Whether `key` belongs into the document.
    pub fn wants(&self, key: InputKey) -> bool {
        let through_snapshot = self.mode == InputMode::Columns && matches!(key, InputKey::Peers | InputKey::Metrics);
        !through_snapshot && self.keys.contains(&key)
    }
}
