//! What the daemon and the child that looks after a command tell each other: orders in one line of JSON, and one report. It checks nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::permits::Limits;

/// The longest orders, in bytes: arguments and environment at their limits, with every character escaped.
pub(super) const MAX_ORDERS_BYTES: usize = 8 << 20;

/// All that the child needs to know. Its standard input stays open for as long as anybody wants the command to run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Orders {
    /// The exact file that runs.
    pub(super) program: PathBuf,
    /// What it is told that its name is.
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    /// The account that it runs as, if not the child's.
    pub(super) account: Option<Account>,
    /// Whether it may gain rights that the child does not have.
    pub(super) new_privileges: bool,
    /// Where it may write. Empty: anywhere.
    pub(super) writes: Vec<PathBuf>,
    pub(super) timeout_ms: u64,
    /// Between the polite signal and the other one.
    pub(super) grace_ms: u64,
    pub(super) output_bytes: usize,
    pub(super) cpu_seconds: u64,
    pub(super) memory_bytes: u64,
    pub(super) open_files: u64,
    pub(super) processes: u64,
    pub(super) file_bytes: u64,
}

impl Orders {
    /// Sets what comes from the node's limits.
    pub(super) fn limit(&mut self, limits: &Limits, timeout: Duration) {
        self.timeout_ms = millis(timeout.min(limits.timeout));
        self.output_bytes = limits.output_bytes;
        self.cpu_seconds = limits.cpu.as_secs();
        self.memory_bytes = limits.memory_bytes;
        self.open_files = limits.open_files;
        self.processes = limits.processes;
        self.file_bytes = limits.file_bytes;
    }
}

/// How a command ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Ending {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    Cancelled,
    /// A limit or a border could not be set up.
    NotConfined(String),
    /// The system refused to run it.
    NotStarted {
        errno: Option<i32>,
        message: String,
    },
}

/// What the child says at the end, once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    pub(super) ending: Ending,
    /// How many processes the command had left when it ended by itself.
    pub(super) leftovers: usize,
    /// How many of its processes could not be ended.
    pub(super) survivors: usize,
    pub(super) head: String,
    pub(super) tail: String,
    pub(super) left_out_bytes: u64,
}

/// The longest report, in bytes: every byte of the output is replaced or escaped by at most six.
pub(super) fn max_report_bytes(output_bytes: usize) -> usize {
    output_bytes.saturating_mul(6).saturating_add(16 << 10)
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
