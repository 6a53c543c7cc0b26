//! The ports: what a round and a render need of plugins, without knowing what runs them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::{Reads, SnapshotView};
use crate::digest::Digest;
use crate::guard::Guards;
use crate::json::strict::JsonLimits;
use crate::names::PluginName;

/// What a plugin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Input to schedule. Exactly one is active.
    Scheduler,
    /// Reviews a schedule.
    Policy,
    /// Named template helpers.
    Filter,
    /// Answers queries.
    Query,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Scheduler => "scheduler",
            Kind::Policy => "policy",
            Kind::Filter => "filter",
            Kind::Query => "query",
        })
    }
}

/// One build of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PluginId {
    /// The stem of its files.
    pub name: PluginName,
    /// The digest of its WebAssembly.
    pub digest: Digest,
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.digest.short())
    }
}

/// A plugin as it may be in force: bytes and what the operator says of them. Either one changed makes another build of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BuildId {
    /// Of its WebAssembly.
    pub wasm: Digest,
    /// Of its manifest's text.
    pub manifest: Digest,
}

/// Why a call failed. A closed set: it labels metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCause {
    /// The guest trapped: `unreachable`, a bad access, a division by zero, an abort of its runtime.
    Trap,
    /// It ran to its fuel limit.
    Fuel,
    /// It ran past its deadline.
    Time,
    /// It asked for more memory, table or instances than it may have.
    Memory,
    /// It recursed too deep.
    Stack,
    /// The document for it is larger than its input limit.
    Input,
    /// What it answered is larger than its output limit, or lies outside its memory, or is no UTF-8.
    Output,
    /// It logged more than its log limit.
    Log,
    /// It answered an error of its own.
    Answered,
    /// What it answered was refused by the contract.
    Refused,
    /// What it decided was sound, but tripped a guard: nothing placed any more, or too much moved.
    Guard,
    /// The host could not run it: no slot, no memory.
    Host,
}

impl FailureCause {
    /// All of them, for tables and metrics.
    pub const ALL: [FailureCause; 12] = [
        FailureCause::Trap,
        FailureCause::Fuel,
        FailureCause::Time,
        FailureCause::Memory,
        FailureCause::Stack,
        FailureCause::Input,
        FailureCause::Output,
        FailureCause::Log,
        FailureCause::Answered,
        FailureCause::Refused,
        FailureCause::Guard,
        FailureCause::Host,
    ];

    /// Whether the build itself is to blame, so that another one may do better. An error that it answered is its considered word, an
    /// input over its limit is the operator's figure, and the host's failures are nobody's of the two.
    pub fn blames_build(self) -> bool {
        !matches!(self, FailureCause::Answered | FailureCause::Input | FailureCause::Host)
    }

    /// Whether the call ended at the same instruction on every machine, so that its fuel can be compared.
    pub fn is_deterministic(self) -> bool {
        !matches!(self, FailureCause::Time | FailureCause::Stack | FailureCause::Host)
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureCause::Trap => "trap",
            FailureCause::Fuel => "fuel",
            FailureCause::Time => "time",
            FailureCause::Memory => "memory",
            FailureCause::Stack => "stack",
            FailureCause::Input => "input",
            FailureCause::Output => "output",
            FailureCause::Log => "log",
            FailureCause::Answered => "answered",
            FailureCause::Refused => "refused",
            FailureCause::Guard => "guard",
            FailureCause::Host => "host",
        })
    }
}

/// A call that gave no result. The plugin is at fault unless the cause is [`FailureCause::Host`]; whatever was in force before stays so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin}: {message}")]
pub struct Failure {
    /// Whose call.
    pub plugin: PluginId,
    /// Of which sort.
    pub cause: FailureCause,
    /// What happened and what to do about it.
    pub message: String,
    /// What the guest logged before: for its author.
    pub log: Vec<LogLine>,
    /// What it cost until then; `None` where it did not run.
    pub cost: Option<Box<Cost>>,
}

/// How grave a guest says its line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the author.
    Trace,
    /// For the author.
    Debug,
    /// A person may want to know.
    Info,
    /// Degraded.
    Warn,
    /// Needs a person.
    Error,
}

impl LogLevel {
    /// The contract's numbers: 0 trace to 4 error; anything above is an error too.
    pub fn from_number(level: u8) -> LogLevel {
        match level {
            0 => LogLevel::Trace,
            1 => LogLevel::Debug,
            2 => LogLevel::Info,
            3 => LogLevel::Warn,
            _ => LogLevel::Error,
        }
    }
}

/// A line that a guest logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// How grave.
    pub level: LogLevel,
    /// Its text.
    pub text: String,
}

/// What a call cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Fuel used: exact, and the same on every machine with the same engine.
    pub fuel: u64,
    /// Wall time.
    pub elapsed: Duration,
    /// The most linear memory that it had, in bytes.
    pub peak_memory: usize,
}

/// What a guest handed back: bytes under a cap, nothing checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawOutput(pub Vec<u8>);

/// A decision that ran to its end.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The answer, unchecked.
    pub output: RawOutput,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// What it cost.
    pub cost: Cost,
}

/// What every plugin says of itself.
pub trait Plugin: Send + Sync {
    /// Which build this is.
    fn id(&self) -> &PluginId;
    /// What it wants to be told.
    fn reads(&self) -> &Reads;
    /// Its configuration, JSON text.
    fn config(&self) -> &str;
    /// The budget that its answers are read under.
    fn json_limits(&self) -> JsonLimits;
}

/// Decides: input document to schedule.
pub trait Scheduler: Plugin {
    /// What its decisions must not do.
    fn guards(&self) -> &Guards;
    /// One decision in a fresh instance. Blocks up to the plugin's time limit.
    fn schedule(&self, document: &str, view: &Arc<SnapshotView>) -> Result<Decision, Failure>;
}

/// Reviews: schedule, diff and snapshot to a verdict.
pub trait Policy: Plugin {
    /// Whether a review that failed lets the schedule pass.
    fn allows_on_failure(&self) -> bool;
    /// One verdict in a fresh instance, unchecked. Blocks up to the plugin's time limit.
    fn review(&self, document: &str, view: &Arc<SnapshotView>) -> Result<Decision, Failure>;
}

/// Answers operators' questions about the schedule in force. It is told nothing of the snapshot.
pub trait Query: Plugin {
    /// Whether it may leave a node without any role where the schedule has some.
    fn allows_empty(&self) -> bool;
    /// One answer in a fresh instance, unchecked JSON. Blocks up to the plugin's time limit.
    fn query(&self, document: &str) -> Result<Decision, Failure>;
    /// Which roles a node renders, unchecked. Blocks up to the plugin's time limit.
    fn render_roles(&self, document: &str) -> Result<Decision, Failure>;
}

/// What a dry run showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsed {
    /// It did well; what there is to say of it.
    Well(String),
    /// There was nothing to run it on; why.
    Nothing(String),
}

/// Runs a build that is not in force on the newest recorded input, for no effect.
pub trait Rehearsal {
    /// One decision, through `admit` and, unless `allowed`, through its guards.
    fn scheduler(&self, candidate: &dyn Scheduler, allowed: bool) -> Result<Rehearsed, Failure>;
    /// One review of the schedule in force. A denial is a sound answer.
    fn policy(&self, candidate: &dyn Policy) -> Result<Rehearsed, Failure>;
    /// The roles of this node, for the schedule in force.
    fn query(&self, candidate: &dyn Query) -> Result<Rehearsed, Failure>;
}

/// Template helpers by name.
pub trait Filters: Send + Sync {
    /// The names that templates may use.
    fn names(&self) -> Vec<String>;
    /// Begins one render of one role: what is instantiated for it is dropped with the session.
    fn open(&self) -> Box<dyn FilterSession>;
}

/// Why a filter gave no value. The role that asked is not rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No plugin in force offers it.
    #[error("no plugin in force offers the filter `{0}`")]
    Unknown(String),
    /// Its plugin failed.
    #[error(transparent)]
    Failed(Box<Failure>),
}

impl From<Failure> for FilterError {
    fn from(failure: Failure) -> FilterError {
        FilterError::Failed(Box::new(failure))
    }
}

/// The filters of one render of one role.
pub trait FilterSession: Send {
    /// Calls filter `name` with an array of arguments (named ones as one object at its end). Blocks up to the plugin's time limit.
    fn apply(&mut self, name: &str, args: &Value) -> Result<Value, FilterError>;
}
