//! The gate between a guest's answer and the cluster: the only place that makes a [`Schedule`].
//!
//! It reads the answer in one pass and refuses what the contract does not allow; it never repairs.

mod answer;
mod draft;
mod place;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::digest::Digest;
pub use crate::json::strict::JsonError;
use crate::json::strict::{JsonLimits, Reader};
use crate::peers::PeerTable;
use crate::ports::RawOutput;
use crate::schedule::Schedule;

/// The most roles in one schedule. Arbitrary, above any site known.
pub const MAX_ROLES: usize = 10_000;
/// The most nodes in one schedule: ten times the largest cluster that this is built for.
pub const MAX_NODES: usize = 100_000;
/// The most role-on-node placements in one schedule: a hundred roles on each of 10,000 nodes.
pub const MAX_PLACEMENTS: usize = 1_000_000;

/// Why an answer was refused. The plugin is at fault; the schedule in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The bytes are no text.
    #[error("the answer is no UTF-8 text (first bad byte at {0})")]
    Encoding(usize),
    /// The text is no answer of the contract's version 1.
    #[error("the answer was refused{}", .0.placed())]
    Answer(JsonError),
    /// A stored or fetched schedule is not the one that was named.
    #[error("the schedule's digest is {found}, not {expected}: it was altered or cut short")]
    Digest {
        /// Under which name it was stored or announced.
        expected: Digest,
        /// What its bytes say.
        found: Digest,
    },
}

// Not its source: the message says all of it.
impl From<JsonError> for AdmitError {
    fn from(err: JsonError) -> AdmitError {
        AdmitError::Answer(err)
    }
}

/// A scheduler's answer that was accepted.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The decision.
    pub schedule: Schedule,
    /// Answers to operators' actions, by the action's id.
    pub actions: Map<String, Value>,
    /// Reasons for placements.
    pub why: Why,
    /// What changed, a line each.
    pub changes: Vec<String>,
    /// Text for the author.
    pub log: String,
    /// Things that were accepted but look like mistakes.
    pub warnings: Vec<String>,
}

/// Reads a scheduler's answer. Nodes must be among `known`.
pub fn admit(output: &RawOutput, known: &PeerTable, limits: JsonLimits) -> Result<Admitted, AdmitError> {
    let text = std::str::from_utf8(&output.0).map_err(|err| AdmitError::Encoding(err.valid_up_to()))?;
    let reader = Reader::new(limits);
    let answer = reader.finish(text, answer::AnswerSeed { reader: &reader, known })?;
    let warnings = unknown_keys(&answer.schedule.rest);
    Ok(Admitted {
        schedule: Schedule::seal(answer.schedule),
        actions: answer.actions,
        why: Why(answer.why),
        changes: answer.changes,
        log: answer.log,
        warnings,
    })
}

/// A line for each free key that nobody is known to write: the first few in part, the others as a number, since a guest chooses how many
/// there are and how long.
fn unknown_keys(rest: &Map<String, Value>) -> Vec<String> {
    const NAMED: usize = 10;
    let unknown = || rest.keys().filter(|key| !FREE_KEYS.contains(&key.as_str()));
    let line = |key: &String| {
        let key: String = key.escape_debug().take(64).collect();
        format!("the schedule's key `{key}` is not known to this version; it is carried along")
    };
    let mut warnings: Vec<String> = unknown().take(NAMED).map(line).collect();
    let more = unknown().count() - warnings.len();
    if more > 0 {
        warnings.push(format!("{more} more keys of the schedule are not known to this version; they are carried along"));
    }
    warnings
}

/// Free keys that schedulers of the predecessor are known to write.
const FREE_KEYS: [&str; 4] = ["state", "changes", "query_metrics", "owner_hostname"];

/// Reads a schedule that was admitted before and stored or sent in canonical form, and checks that it is the one named.
/// Its nodes need not be known here. `limits` must be those of its admission with one value more a placement: what was a number there
/// is an object with one here.
pub fn restore(canonical: &str, expected: Digest, limits: JsonLimits) -> Result<Schedule, AdmitError> {
    let found = Digest::of(canonical.as_bytes());
    if found != expected {
        return Err(AdmitError::Digest { expected, found });
    }
    let schedule = read(canonical, limits)?;
    if schedule.digest() != expected {
        return Err(AdmitError::Digest { expected, found: schedule.digest() });
    }
    Ok(schedule)
}

/// Reads a schedule that a person wrote or changed. Its nodes need not be known here.
pub fn read(text: &str, limits: JsonLimits) -> Result<Schedule, AdmitError> {
    let reader = Reader::new(limits);
    let parts = reader.finish(text, place::ScheduleSeed { reader: &reader, known: None })?;
    Ok(Schedule::seal(parts))
}

/// Why each role stands where it does, as the plugin tells it: kept as text and read when somebody asks, since a round
/// never needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why(Option<Arc<str>>);

impl Why {
    /// All reasons, by role and hostname.
    pub fn read(&self) -> Result<BTreeMap<String, BTreeMap<String, String>>, JsonError> {
        let Some(text) = &self.0 else { return Ok(BTreeMap::new()) };
        serde_json::from_str(text).map_err(|err| {
            let err = JsonError::new("why", &err);
            JsonError { message: format!("{}; it must map role to hostname to text", err.message), ..err }
        })
    }

    /// The JSON text, when the plugin gave reasons.
    pub fn as_json(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Takes reasons from text that a store kept.
    pub fn from_json(text: Option<Box<str>>) -> Why {
        Why(text.map(Arc::from))
    }
}

#[cfg(test)]
pub(crate) mod tests;
