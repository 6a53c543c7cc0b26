//! One round: what it was made from and what came of it, enough to decide again elsewhere, bit by bit. It touches no file, and what it
//! reads back may be anything.
//!
//! As bytes: the length of a JSON text as `u32`, that text ([`About`] with the layout's version as `v`), then blocks of a tag of four
//! letters, a length as `u64`, and content. Numbers are in little-endian order. Keys and tags that a reader does not know are passed
//! over; whoever changes what is known already raises the version.

mod about;
mod blocks;
mod cluster;

use std::sync::Arc;

use verwalter_core::admit::{self, AdmitError};
use verwalter_core::contract::{self, Reads, SchedulerInput, SnapshotView};
use verwalter_core::digest::Digest;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::peers::{DuplicateHostname, PeerTable};
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::{ColumnMismatch, Snapshot};

pub use about::{About, Call, CallCost, Outcome, Review, Verdict};
use blocks::{Blocks, Cursor, put_block, put_bytes};

/// The version of this layout.
const VERSION: u32 = 1;
/// Parents were admitted under their plugins' limits, and are no longer than a record.
pub(super) const PARENT_LIMITS: JsonLimits = JsonLimits { depth: 100, values: 100_000_000 };

const RUNTIME: &str = "runt";
const ACTIONS: &str = "acts";
const PARENTS: &str = "prnt";
const PEERS: &str = "peer";
const ABSENT: &str = "gone";
const COLUMNS: &str = "cols";
const HOST_COLUMNS: &str = "host";
const ANSWER: &str = "answ";
const REVIEWS: &str = "revw";

/// Why bytes are no record. They were damaged before they were written, or another version of this program wrote them.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A later version wrote it.
    #[error(
        "the record is of version {v}, this program reads up to {VERSION}: use the version of the program that wrote it, or a later one"
    )]
    Newer {
        /// Its version.
        v: u32,
    },
    /// It cannot be decompressed.
    #[error("the record cannot be decompressed")]
    Packed(#[source] std::io::Error),
    /// Its description is not one.
    #[error("the record's description cannot be read")]
    About(#[source] serde_json::Error),
    /// A part is not there.
    #[error("the record has no block `{0}`")]
    Missing(&'static str),
    /// A part ends before it is complete.
    #[error("the record's block `{0}` ends too early")]
    Cut(&'static str),
    /// A part is there twice, or goes on after its end.
    #[error("the record's block `{0}` holds more than it should")]
    Excess(&'static str),
    /// A part is not text.
    #[error("the record's block `{0}` is no UTF-8 text")]
    Text(&'static str),
    /// A node cannot be read.
    #[error("the record's node {index} cannot be read")]
    Peer {
        /// Its place, from 0.
        index: u64,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// Two nodes have one name.
    #[error("the record's nodes are not a cluster's")]
    Hostname(#[source] DuplicateHostname),
    /// A column says no rule.
    #[error("the rule of the record's column {index} cannot be read")]
    Rule {
        /// Its place, from 0.
        index: u64,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A column that does not go with the nodes.
    #[error("the record's columns do not go with its nodes")]
    Column(#[from] ColumnMismatch),
    /// A schedule that the decision followed is none.
    #[error("the record's parent {index} cannot be read")]
    Parent {
        /// Its place, from 0.
        index: u64,
        /// Why not.
        #[source]
        source: AdmitError,
    },
    /// An answer is not the one whose digest is recorded.
    #[error("the record's answer of plugin {plugin} is not what its digest says")]
    Answer {
        /// Whose.
        plugin: String,
    },
}

/// What one round was made from, and what came of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// Who decided, with what, and what came of it; with the answers.
    pub about: About,
    /// Operators' metadata, JSON text.
    pub runtime: Arc<str>,
    /// Operators' pending actions by id, JSON text of an object.
    pub actions: Arc<str>,
    /// The schedules that the decision followed.
    pub parents: Vec<Schedule>,
    /// Peers and all columns that were kept.
    pub snapshot: Arc<Snapshot>,
}

impl Record {
    /// Its bytes. Takes time and memory in proportion to the cluster: off the decision path.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.about.write();
        put_block(RUNTIME, &mut out, |out| out.extend_from_slice(self.runtime.as_bytes()));
        put_block(ACTIONS, &mut out, |out| out.extend_from_slice(self.actions.as_bytes()));
        put_block(PARENTS, &mut out, |out| {
            for parent in &self.parents {
                put_bytes(parent.canonical().as_bytes(), out);
            }
        });
        put_block(PEERS, &mut out, |out| cluster::put_peers(&self.snapshot, out));
        if self.snapshot.peers().absent().len() > 0 {
            put_block(ABSENT, &mut out, |out| cluster::put_absent(&self.snapshot, out));
        }
        put_block(COLUMNS, &mut out, |out| cluster::put_columns(&self.snapshot, out));
        if !self.snapshot.host_columns().is_empty() {
            put_block(HOST_COLUMNS, &mut out, |out| cluster::put_host_columns(&self.snapshot, out));
        }
        if let Some(answer) = self.about.scheduler.as_ref().and_then(Call::answer) {
            put_block(ANSWER, &mut out, |out| out.extend_from_slice(answer));
        }
        put_block(REVIEWS, &mut out, |out| {
            for answer in self.about.policies.iter().filter_map(|review| review.call.answer()) {
                put_bytes(answer, out);
            }
        });
        out
    }

    /// Reads bytes back. They may be anything: it takes memory in proportion to their length, and never panics.
    pub fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
        let mut rest = bytes;
        let mut about = About::read(&mut rest)?;
        let blocks = Blocks::read(rest)?;
        let (peers, at) = cluster::peers(blocks.cursor(PEERS)?)?;
        let peers = match blocks.optional(ABSENT) {
            Some(_) => peers.with_absent(&PeerTable::default(), cluster::absent(blocks.cursor(ABSENT)?)?),
            None => peers,
        };
        let columns = cluster::columns(blocks.cursor(COLUMNS)?)?;
        let mut snapshot = Snapshot::new(at, Arc::new(peers), columns)?;
        // Records of earlier versions have none.
        if blocks.optional(HOST_COLUMNS).is_some() {
            snapshot = snapshot.with_host_columns(cluster::host_columns(blocks.cursor(HOST_COLUMNS)?)?)?;
        }
        about.restore_answers(blocks.optional(ANSWER), blocks.cursor(REVIEWS)?)?;
        Ok(Record {
            about,
            runtime: blocks.cursor(RUNTIME)?.into_text()?.into(),
            actions: blocks.cursor(ACTIONS)?.into_text()?.into(),
            parents: parents(blocks.cursor(PARENTS)?)?,
            snapshot: Arc::new(snapshot),
        })
    }

    /// What a scheduler with this configuration would be told in this round.
    pub fn input<'a>(&'a self, config: &'a str) -> SchedulerInput<'a> {
        SchedulerInput {
            now: self.about.at,
            round: self.about.round,
            term: self.about.term,
            current_host: &self.about.hostname,
            current_id: self.about.id,
            config,
            runtime: &self.runtime,
            parents: &self.parents,
            actions: &self.actions,
        }
    }

    /// What a plugin that reads this sees of the snapshot.
    pub fn view(&self, reads: &Reads) -> Arc<SnapshotView> {
        Arc::new(SnapshotView::new(self.snapshot.clone(), reads, &self.parents))
    }

    /// The document that the scheduler was handed, with what it saw beside it; `None` for a round without a scheduler.
    pub fn document(&self) -> Option<(String, Arc<SnapshotView>)> {
        let call = self.about.scheduler.as_ref()?;
        let view = self.view(&call.reads);
        Some((contract::document(&self.input(&call.config), &call.reads, &view), view))
    }
}

fn parents(mut cursor: Cursor<'_>) -> Result<Vec<Schedule>, RecordError> {
    let mut parents = Vec::new();
    while !cursor.is_empty() {
        let text = cursor.text()?;
        let restored = admit::restore(text, Digest::of(text.as_bytes()), PARENT_LIMITS);
        parents.push(restored.map_err(|source| RecordError::Parent { index: parents.len() as u64, source })?);
    }
    Ok(parents)
}

#[cfg(test)]
pub(super) mod tests;
