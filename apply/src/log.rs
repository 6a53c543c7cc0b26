//! The deployment log: what was done to this node's roles, when and why, below `--log-dir`. Whoever deploys writes it through
//! [`DeploymentLog`], whoever asks reads it through [`LogReader`]. It decides nothing, and its failures stop nothing.
//!
//! ```text
//! .index/index.YYYYMMDD.json   latest -> the newest     one JSON array a line
//! .global/log.SEGMENT.txt      latest -> the newest     text of deployments
//! .changes/log.SEGMENT.txt     latest -> the newest     what schedules changed
//! ROLE/log.SEGMENT.txt         latest -> the newest     text of roles
//! ```
//!
//! `SEGMENT` is `YYYYmmddHHMMSS`, UTC, when the file was begun. An index line is `[time, deployment, pointer, marker, context]`. The first four
//! are those of verwalter 0.13, whose pages and scripts take an array apart by position and never look at a fifth. Ours says what the others
//! cannot: see [`Context`]. A reader that insists on four elements does not exist among the known ones; `jq -c '.[:4]'` makes lines for it.
//!
//! | module | what it has |
//! |---|---|
//! | [`entry`] | index lines |
//! | `stamp` | times as text |
//! | `place` | directories and files below the log directory, no symlinks followed |
//! | `text` | text logs: segments, rotation, torn lines |
//! | `deployment`, `role` | writing |
//! | `output` | what a command printed, masked and cut |
//! | `prune` | removing what is old or too much |
//! | `read`, `tail` | reading |
//!
//! Nothing is fsynced: after a power failure the last lines may be missing, and what was deployed is known from the roles' records. A crash in the
//! midst of a line leaves a torn one, which the next writer ends and readers skip.

mod deployment;
pub mod entry;
mod output;
mod place;
mod prune;
mod read;
mod role;
mod stamp;
mod tail;
mod text;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;

pub use self::deployment::{Deployment, Summary};
pub use self::entry::{Context, Entry, Marker, Outcome, Pointer};
pub use self::place::Stream;
pub use self::prune::Pruned;
pub use self::read::{Filter, Found, LogReader, Text};
pub use self::role::RoleLog;
pub use self::tail::Tail;

/// As verwalter 0.13: small enough to be sent whole, and read by an editor.
const SEGMENT_BYTES: u64 = 10 << 20;
/// Twenty screens of each command.
const OUTPUT_BYTES: usize = 64 << 10;
/// A quarter: who asks why something was deployed asks within weeks.
const MAX_AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// A hundred full segments; `/var/log` is seldom smaller than ten times that.
const TOTAL_BYTES: u64 = 1 << 30;

/// Gives texts back with every secret in them as `‹secret NAME›`. It must know all secrets that commands may print or files may hold.
pub type Mask = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A text log of this size or more is followed by a new one, when a deployment or role begins.
    pub segment_bytes: u64,
    /// Most of one command's output that is kept, in bytes.
    pub output_bytes: usize,
    /// What was followed by something newer this long ago goes.
    pub max_age: Duration,
    /// When all logs together are larger the oldest go, in bytes.
    pub total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { segment_bytes: SEGMENT_BYTES, output_bytes: OUTPUT_BYTES, max_age: MAX_AGE, total_bytes: TOTAL_BYTES }
    }
}

/// A log that cannot be opened or read. Deployments are not concerned.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refuses.
    #[error("the deployment log {} cannot be {did}: see that it is a directory or file of the daemon's user, and that there is space left", .path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What was tried.
        did: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The text that an entry points to was removed.
    #[error("the deployment log {} is gone: it was pruned, for its age or for the size of all logs", .path.display())]
    Pruned {
        /// The file.
        path: PathBuf,
    },
    /// An entry points to a service's own log.
    #[error("{log} is a service's own log: look for it below the directory that `log-dirs` of a sandbox file gives this name")]
    External {
        /// `NAME/PATH`.
        log: String,
    },
}

/// What could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many lines or blocks, since the log was opened.
    pub count: u64,
    /// The last failure, with its file and what to do.
    pub last: Option<String>,
}

/// The deployment log of this node, for writing. Clones write the same one.
#[derive(Debug, Clone)]
pub struct DeploymentLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    limits: Limits,
    count: AtomicU64,
    /// A failure was told, and nothing was whole since.
    told: AtomicBool,
    last: Mutex<Option<String>>,
}

impl DeploymentLog {
    /// Opens the log in this directory, and creates that, closed to others, where it is absent.
    ///
    /// # Errors
    /// When the directory cannot be had. A caller that goes on without has no log.
    pub fn open(dir: &Path, limits: Limits) -> Result<DeploymentLog, LogError> {
        place::open_root(dir).map_err(|source| LogError::Io { path: dir.to_owned(), did: "opened", source })?;
        let shared =
            Shared { path: dir.to_owned(), limits, count: AtomicU64::new(0), told: AtomicBool::new(false), last: Mutex::new(None) };
        Ok(DeploymentLog { shared: Arc::new(shared) })
    }

    /// Begins a deployment. One at a time: who follows the log leaves a file when the next is begun. Nothing is written before something is done in it; one in which nothing is leaves no trace.
    ///
    /// `id` names it, in one line of at most 128 bytes: what is longer is cut. `now` is when it begins.
    pub fn begin(&self, id: &str, schedule: Option<Digest>, mask: Mask, now: UnixMillis) -> Deployment {
        Deployment::new(Arc::clone(&self.shared), id, schedule, mask, now)
    }

    /// What could not be written so far. Each spell of failures is told once by `tracing`; a metric may count them all.
    pub fn failures(&self) -> Failures {
        let last = self.shared.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Failures { count: self.shared.count.load(Ordering::Relaxed), last }
    }
}

impl Shared {
    fn failed(&self, name: &str, err: &std::io::Error) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let message = format!("{}: {err}", self.path.join(name).display());
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(file = %self.path.join(name).display(), error = %err, "the deployment log cannot be written, and deployments go on without it: see that the directory is the daemon's and has space left");
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    }

    /// A deployment was logged in whole: the next failure is news.
    fn succeeded(&self) {
        self.told.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
