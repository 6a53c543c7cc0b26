//! The description of a recorded round: who decided, with which plugins, at what cost, and what came of it. Small, as JSON text, so
//! that rounds can be listed without taking their bulk apart.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use verwalter_core::contract::Reads;
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::names::Hostname;
use verwalter_core::ports::{Cost, FailureCause, PluginId, RawOutput};

use super::blocks::Cursor;
use super::{RecordError, VERSION};

/// Who decided what, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Under which leadership.
    pub term: Term,
    /// The round's number in it.
    pub round: Round,
    /// The round's time.
    pub at: UnixMillis,
    /// The leader.
    pub hostname: Hostname,
    /// The leader.
    pub id: NodeId,
    /// The program and the engine that plugins ran in: fuel compares within one version of it only.
    pub program: String,
    /// The build that decided, when there was one.
    pub scheduler: Option<Call>,
    /// The builds that reviewed, in their order, as far as they were asked.
    pub policies: Vec<Review>,
    /// What came of it.
    pub outcome: Outcome,
    /// From waking up to the commit, in microseconds.
    pub elapsed_us: u64,
}

/// One call of one plugin: what it was told and what it answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Which build.
    pub plugin: PluginId,
    /// Its manifest, the YAML text.
    pub manifest: String,
    /// What it was handed as its configuration, JSON text.
    pub config: String,
    /// What it was told, and how.
    pub reads: Reads,
    /// Of the document that it was handed.
    pub input: Digest,
    /// What the call cost; not known of one that gave no answer.
    pub cost: Option<CallCost>,
    /// Of its answer.
    answer: Option<Digest>,
    /// Stands in a block of its own: `None` also where only the description was read.
    #[serde(skip)]
    bytes: Option<Vec<u8>>,
}

/// What a call cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCost {
    /// Fuel used.
    pub fuel: u64,
    /// Wall time in microseconds.
    pub elapsed_us: u64,
    /// The most linear memory that it had.
    pub peak_memory_bytes: u64,
}

/// One policy's call and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The call.
    pub call: Call,
    /// What it said.
    pub verdict: Verdict,
}

/// What a policy said of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Let it pass.
    Allowed {
        /// What it said all the same.
        warnings: Vec<String>,
    },
    /// Kept the schedule in force.
    Denied {
        /// Why.
        reasons: Vec<String>,
        /// What it said beside.
        warnings: Vec<String>,
    },
    /// Gave no verdict.
    Failed {
        /// Of which sort.
        cause: FailureCause,
        /// What happened.
        message: String,
        /// Whether its manifest lets the schedule pass then.
        allows: bool,
    },
}

/// What came of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A schedule came into force, or stayed.
    Accepted {
        /// Its digest.
        schedule: Digest,
        /// Whether it is a new one.
        changed: bool,
    },
    /// A policy or a guard kept the schedule in force.
    Denied {
        /// Who: a plugin's name, or what the guard is called.
        by: String,
        /// The schedule that was refused.
        schedule: Digest,
        /// Why.
        reasons: Vec<String>,
    },
    /// Nothing was decided.
    Failed {
        /// Of which sort, when a plugin was asked.
        cause: Option<FailureCause>,
        /// What happened.
        message: String,
    },
}

impl CallCost {
    fn of(cost: &Cost) -> CallCost {
        CallCost {
            fuel: cost.fuel,
            elapsed_us: u64::try_from(cost.elapsed.as_micros()).unwrap_or(u64::MAX),
            peak_memory_bytes: cost.peak_memory as u64,
        }
    }
}

impl Call {
    /// A call that was begun: `document` is what it was handed.
    pub fn new(plugin: PluginId, manifest: String, config: String, reads: Reads, document: &str) -> Call {
        let input = Digest::of(document.as_bytes());
        Call { plugin, manifest, config, reads, input, cost: None, answer: None, bytes: None }
    }

    /// The same call with its answer.
    pub fn answered(self, output: RawOutput, cost: &Cost) -> Call {
        Call { cost: Some(CallCost::of(cost)), answer: Some(Digest::of(&output.0)), bytes: Some(output.0), ..self }
    }

    /// The same call as it ended without an answer.
    pub fn ended(self, cost: Option<&Cost>) -> Call {
        Call { cost: cost.map(CallCost::of), ..self }
    }

    /// The answer's bytes, unchecked as they came; `None` where there was none or only the description was read.
    pub fn answer(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    /// The answer's digest, when there was an answer.
    #[cfg(test)]
    pub(super) fn answer_digest(&self) -> Option<Digest> {
        self.answer
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        if self.answer != Some(Digest::of(bytes)) {
            return Err(RecordError::Answer { plugin: self.plugin.to_string() });
        }
        self.bytes = Some(bytes.to_vec());
        Ok(())
    }
}

/// The description with its version.
#[derive(Serialize)]
struct Versioned<'a> {
    v: u32,
    #[serde(flatten)]
    about: &'a About,
}

/// Read first: of a later version nothing else may be what it was.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl About {
    /// Its text after the text's length.
    pub(super) fn write(&self) -> Vec<u8> {
        let text = serde_json::to_vec(&Versioned { v: VERSION, about: self }).expect("texts and numbers are JSON");
        // A text beyond that does not fit into a frame either, which refuses it by its own length.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        [&length.to_le_bytes()[..], &text].concat()
    }

    /// Reads the text that [`About::write`] wrote, and no further. `from` ends by itself.
    pub(in crate::journal) fn read(from: &mut impl Read) -> Result<About, RecordError> {
        let cut = |err: io::Error| match err.kind() {
            io::ErrorKind::UnexpectedEof => RecordError::Cut("description"),
            _ => RecordError::Packed(err),
        };
        let mut length = [0; 4];
        from.read_exact(&mut length).map_err(cut)?;
        let length = u64::from(u32::from_le_bytes(length));
        let mut text = Vec::new();
        from.take(length).read_to_end(&mut text).map_err(cut)?;
        if text.len() as u64 != length {
            return Err(RecordError::Cut("description"));
        }
        let Version { v } = serde_json::from_slice(&text).map_err(RecordError::About)?;
        if v > VERSION {
            return Err(RecordError::Newer { v });
        }
        serde_json::from_slice(&text).map_err(RecordError::About)
    }

    /// Gives the calls their answers back: `answer` is the scheduler's, `reviews` holds those of the policies that gave one, in order.
    pub(super) fn restore_answers(&mut self, answer: Option<&[u8]>, mut reviews: Cursor<'_>) -> Result<(), RecordError> {
        match (&mut self.scheduler, answer) {
            (Some(call), Some(answer)) => call.restore(answer)?,
            (Some(Call { answer: Some(_), .. }), None) => return Err(RecordError::Missing(super::ANSWER)),
            (None, Some(_)) => return Err(RecordError::Excess(super::ANSWER)),
            (_, None) => {}
        }
        for review in self.policies.iter_mut().filter(|review| review.call.answer.is_some()) {
            review.call.restore(reviews.bytes()?)?;
        }
        reviews.end()
    }
}
