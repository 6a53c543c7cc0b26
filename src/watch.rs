//! Says which parts of the configuration tree changed, once the tree has been quiet: the kernel's events are hints that wake it,
//! comparing what stands on the disk decides. It never reads a file's content.
//!
//! Hints alone lose changes (symbolic links to elsewhere, network file systems, overflow, directories replaced as a whole);
//! comparing alone would be slow to notice. Where the kernel has no watches left, comparing goes on by itself.

mod hints;
mod scan;
mod settled;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use settled::{Settled, Stirring};

use hints::{Eyes, Hints};
use scan::Scan;

/// Without events the tree is looked at this often: for what the kernel does not tell (links to elsewhere, network file systems).
const BACKSTOP: Duration = Duration::from_secs(10);
/// The same where there are no events at all: soon enough for a person who waits, cheap enough for 10,000 files.
const POLL: Duration = Duration::from_secs(2);
/// How long a file must be left alone before it is worth a guess that it is whole, as a part of the quiet time, and at most.
const EARLY: (u32, Duration) = (8, Duration::from_millis(10));
/// A writer that never pauses delays a reload by so many quiet times at most.
const PATIENCE: u32 = 10;

/// The parts of the tree that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeSet {
    /// `plugins/`
    pub plugins: bool,
    /// `templates/`
    pub templates: bool,
    /// `runtime/`
    pub runtime: bool,
    /// `machine/`
    pub machine: bool,
    /// `sandbox/`
    pub sandbox: bool,
    /// `secrets/`
    pub secrets: bool,
    /// `verwalter.yaml`
    pub settings: bool,
}

/// The names that are watched. Everything else below the directory is someone else's.
const PARTS: [&str; 7] = ["plugins", "templates", "runtime", "machine", "sandbox", "secrets", crate::config::settings::SETTINGS_FILE];

impl ChangeSet {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == ChangeSet::default()
    }

    /// Adds what `other` has.
    pub fn add(&mut self, other: ChangeSet) {
        self.plugins |= other.plugins;
        self.templates |= other.templates;
        self.runtime |= other.runtime;
        self.machine |= other.machine;
        self.sandbox |= other.sandbox;
        self.secrets |= other.secrets;
        self.settings |= other.settings;
    }

    /// Whether the part that `path` lies in below `dir` is one of these.
    pub fn covers(&self, dir: &Path, path: &Path) -> bool {
        let part = ChangeSet::of(dir, path);
        let mut both = *self;
        both.add(part);
        !part.is_empty() && both == *self
    }

    /// The part that `path` belongs to, if it is one of the watched.
    fn of(dir: &Path, path: &Path) -> ChangeSet {
        let mut set = ChangeSet::default();
        let part = path.strip_prefix(dir).ok().and_then(|below| below.iter().next()).and_then(|name| name.to_str());
        match part.and_then(|name| PARTS.iter().position(|part| *part == name)) {
            Some(0) => set.plugins = true,
            Some(1) => set.templates = true,
            Some(2) => set.runtime = true,
            Some(3) => set.machine = true,
            Some(4) => set.sandbox = true,
            Some(5) => set.secrets = true,
            Some(_) => set.settings = true,
            None => {}
        }
        set
    }
}

/// The tree cannot be watched at all; nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The current directory is gone, so that a relative path means nothing.
    #[error("cannot tell where the configuration directory `{}` lies: give its absolute path", path.display())]
    Directory {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Where changes arrive: what was not taken yet is added up, so that a slow reader misses nothing and is asked once.
#[derive(Debug)]
pub struct Changes {
    outbox: Arc<Outbox>,
}

#[derive(Debug, Default)]
struct Outbox {
    state: Mutex<OutboxState>,
    wake: Notify,
    stir: Notify,
}

#[derive(Debug, Default)]
struct OutboxState {
    pending: ChangeSet,
    settled: Settled,
    early: Option<Early>,
    closed: bool,
}

/// The tree before it was quiet for long enough: files that changed, and will most likely be read. Who begins with them early must not
/// believe that they are whole.
#[derive(Debug)]
pub struct Early {
    /// Files below `plugins/`, in order.
    pub plugins: Vec<PathBuf>,
    /// How they looked.
    pub settled: Settled,
}

impl Changes {
    /// The next changes; `None` when nothing watches any more. Dropping the future loses nothing.
    pub async fn next(&self) -> Option<ChangeSet> {
        loop {
            {
                let mut state = self.outbox.lock();
                if !state.pending.is_empty() {
                    return Some(std::mem::take(&mut state.pending));
                }
                if state.closed {
                    return None;
                }
            }
            self.outbox.wake.notified().await;
        }
    }

    /// Files that changed, told before the tree was quiet; never where nothing watches any more. Only the newest word is kept.
    pub async fn early(&self) -> Early {
        loop {
            if let Some(early) = self.outbox.lock().early.take() {
                return early;
            }
            self.outbox.stir.notified().await;
        }
    }

    /// The tree as it stood when it was last found quiet, for looking at it again after it was read.
    pub fn settled(&self) -> Settled {
        self.outbox.lock().settled.clone()
    }
}

#[cfg(test)]
impl Changes {
    /// These, and then no more.
    pub(crate) fn once(changes: ChangeSet) -> Changes {
        let outbox = Arc::new(Outbox::default());
        outbox.publish(changes, Settled::default());
        Changes { outbox }
    }
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, OutboxState> {
        // Plain flags: a panic elsewhere leaves them whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_early(&self, early: Early) {
        self.lock().early = Some(early);
        self.stir.notify_one();
    }

    fn publish(&self, changes: ChangeSet, settled: Settled) {
        {
            let mut state = self.lock();
            state.settled = settled;
            state.pending.add(changes);
        }
        if !changes.is_empty() {
            self.wake.notify_one();
        }
    }
}

/// Closes the outbox however the task ends.
struct Sender(Arc<Outbox>);

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake.notify_one();
    }
}

/// Prepares watching `dir`, which need not exist yet: changes are reported once nothing happened for `quiet`. The tree as it stands
/// when this returns is what later states are compared with, so read it afterwards. The future is the task, for the caller to
/// spawn; it ends when `drain` is cancelled. Blocks for one look at the tree.
pub fn start(
    dir: &Path,
    quiet: Duration,
    drain: CancellationToken,
) -> Result<(Changes, impl Future<Output = ()> + Send + use<>), WatchError> {
    start_with(dir, quiet, drain, BACKSTOP, Eyes::open)
}

fn start_with(
    dir: &Path,
    quiet: Duration,
    drain: CancellationToken,
    backstop: Duration,
    open: fn(&Path, &Arc<Hints>) -> Eyes,
) -> Result<(Changes, impl Future<Output = ()> + Send + use<>), WatchError> {
    // Later changes of the current directory do not move what is watched.
    let dir = std::path::absolute(dir).map_err(|source| WatchError::Directory { path: dir.to_owned(), source })?;
    let hints = Arc::new(Hints::new(&dir));
    let mut eyes = open(&dir, &hints);
    let known = Arc::new(eyes.look());
    let outbox = Arc::new(Outbox::default());
    outbox.publish(ChangeSet::default(), Settled::at(&dir, Arc::clone(&known)));
    let sender = Sender(Arc::clone(&outbox));
    let task = async move {
        tokio::select! {
            () = drain.cancelled() => {}
            () = watch(&dir, Pace { quiet, backstop }, &hints, eyes, known, &sender) => {}
        }
    };
    Ok((Changes { outbox }, task))
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    quiet: Duration,
    backstop: Duration,
}

/// Ends only when the runtime shuts down.
async fn watch(dir: &Path, pace: Pace, hints: &Hints, mut eyes: Eyes, mut known: Arc<Scan>, sender: &Sender) {
    loop {
        let tick = if eyes.are_open() { pace.backstop } else { pace.backstop.min(POLL) };
        // Elapsed is as good as woken: either way it is time to look.
        let _ = tokio::time::timeout(tick, hints.woken()).await;
        let mut changes = hints.take();
        let Some((back, mut seen)) = look(eyes).await else { return };
        eyes = back;
        if changes.is_empty() && seen == *known {
            continue;
        }
        let patience = Instant::now() + pace.quiet * PATIENCE;
        let early = (pace.quiet / EARLY.0).min(EARLY.1);
        let mut left = pace.quiet;
        if settle(early, patience, hints, &mut changes).await {
            let Some((back, again)) = look(eyes).await else { return };
            eyes = back;
            if again == seen {
                left -= early;
            }
            seen = again;
            let in_plugins = |path: &PathBuf| ChangeSet::of(dir, path).plugins;
            let plugins: Vec<PathBuf> = known.differing(&seen).into_iter().filter(in_plugins).collect();
            if !plugins.is_empty() {
                sender.0.tell_early(Early { plugins, settled: Settled::at(dir, Arc::new(seen.clone())) });
            }
        }
        let settled = loop {
            let quiet = settle(std::mem::replace(&mut left, pace.quiet), patience, hints, &mut changes).await;
            let Some((back, again)) = look(eyes).await else { return };
            eyes = back;
            let still = again == seen;
            seen = again;
            if quiet && still {
                break true;
            }
            if !quiet || Instant::now() >= patience {
                break false;
            }
        };
        changes.add(known.difference(&seen, dir));
        known = Arc::new(seen);
        // A writer that never pauses must not hold back what it writes for ever.
        let settled = if settled { Settled::at(dir, Arc::clone(&known)) } else { Settled::default() };
        sender.0.publish(changes, settled);
    }
}

/// Waits until no hint came for `quiet`, or until `patience` is over; says which.
async fn settle(quiet: Duration, patience: Instant, hints: &Hints, changes: &mut ChangeSet) -> bool {
    loop {
        let until = (Instant::now() + quiet).min(patience);
        let woken = tokio::time::timeout_at(until, hints.woken()).await.is_ok();
        changes.add(hints.take());
        if !woken {
            return until < patience;
        }
        if Instant::now() >= patience {
            return false;
        }
    }
}

/// Looks at the tree on a blocking thread. `None`: the runtime shuts down.
async fn look(mut eyes: Eyes) -> Option<(Eyes, Scan)> {
    let looked = tokio::task::spawn_blocking(move || {
        let scan = eyes.look();
        (eyes, scan)
    });
    looked.await.ok()
}

#[cfg(test)]
mod tests;
