//! The kernel's events as hints, and the watches they come from. It never decides what changed: it wakes who compares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::ChangeSet;
use super::scan::{Identity, Scan};

/// What the events said since they were last asked for.
#[derive(Debug)]
pub(super) struct Hints {
    dir: PathBuf,
    state: Mutex<HintState>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct HintState {
    changes: ChangeSet,
    failed: Option<String>,
}

impl Hints {
    pub(super) fn new(dir: &Path) -> Hints {
        Hints { dir: dir.to_owned(), state: Mutex::default(), wake: Notify::new() }
    }

    /// Waits for the next hint.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// The parts that events named.
    pub(super) fn take(&self) -> ChangeSet {
        self.with(|state| std::mem::take(&mut state.changes))
    }

    fn take_failure(&self) -> Option<String> {
        self.with(|state| state.failed.take())
    }

    fn with<T>(&self, act: impl FnOnce(&mut HintState) -> T) -> T {
        // Plain data: a panic elsewhere leaves it whole.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs on the watcher's thread.
    fn hear(&self, event: notify::Result<Event>) {
        match event {
            // Reading is no change; looking at the tree would otherwise wake itself.
            Ok(Event { kind: EventKind::Access(_), .. }) => return,
            Ok(event) => {
                // The parent's other entries are none of ours. An event without a path (overflow) may be about anything.
                if !event.paths.is_empty() && !event.paths.iter().any(|path| path.starts_with(&self.dir)) {
                    return;
                }
                for path in event.paths.iter().filter(|path| !is_hidden(&self.dir, path)) {
                    self.with(|state| state.changes.add(ChangeSet::of(&self.dir, path)));
                }
            }
            Err(err) => self.with(|state| state.failed = Some(advice(&err))),
        }
        self.wake.notify_one();
    }
}

/// Hidden entries wake, since a link may lead through them, and say nothing about what changed.
fn is_hidden(dir: &Path, path: &Path) -> bool {
    path.strip_prefix(dir).is_ok_and(|below| below.iter().any(|name| name.as_encoded_bytes().starts_with(b".")))
}

/// The watches, while there are any.
#[derive(Debug)]
pub(super) struct Eyes {
    dir: PathBuf,
    hints: Arc<Hints>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
}

impl Eyes {
    pub(super) fn open(dir: &Path, hints: &Arc<Hints>) -> Eyes {
        let hearer = Arc::clone(hints);
        let watcher = notify::recommended_watcher(move |event| hearer.hear(event));
        let mut eyes = Eyes::closed(dir, hints);
        match watcher {
            Ok(watcher) => eyes.watcher = Some(watcher),
            Err(err) => eyes.close(&advice(&err)),
        }
        if let (Some(watcher), Some(parent)) = (&mut eyes.watcher, dir.parent()) {
            // The directory may appear, or be replaced as a whole. A parent that cannot be watched leaves that to the regular look.
            let _ = watcher.watch(parent, RecursiveMode::NonRecursive);
        }
        eyes
    }

    /// Without events.
    pub(super) fn closed(dir: &Path, hints: &Arc<Hints>) -> Eyes {
        Eyes { dir: dir.to_owned(), hints: Arc::clone(hints), watcher: None, watched: BTreeMap::new() }
    }

    /// Whether events come at all.
    pub(super) fn are_open(&self) -> bool {
        self.watcher.is_some()
    }

    fn close(&mut self, advice: &str) {
        // Said once: without a watcher nothing fails again.
        tracing::warn!(dir = %self.dir.display(), advice, "the kernel does not report changes: the configuration directory is polled");
        self.watcher = None;
        self.watched.clear();
    }

    /// Looks at the tree and watches the directories it has now. Blocks on the disk.
    pub(super) fn look(&mut self) -> Scan {
        if let Some(advice) = self.hints.take_failure().filter(|_| self.watcher.is_some()) {
            self.close(&advice);
        }
        let mut scan = Scan::of(&self.dir);
        // What appeared in a new directory before it was watched is seen by looking again. A few times: a writer may go on and on.
        for _ in 0..3 {
            if !self.watch(&scan) {
                break;
            }
            scan = Scan::of(&self.dir);
        }
        scan
    }

    /// Watches what is new or was replaced; says whether there was any.
    fn watch(&mut self, scan: &Scan) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let now: BTreeMap<PathBuf, Identity> = scan.directories().map(|(path, identity)| (path.clone(), identity)).collect();
        let mut new = false;
        // The watch of a directory that was moved away would go on under its old name. Usually it is gone already.
        for (path, _) in self.watched.iter().filter(|(path, identity)| now.get(*path) != Some(*identity)) {
            let _ = watcher.unwatch(path);
        }
        for (path, _) in now.iter().filter(|(path, identity)| self.watched.get(*path) != Some(*identity)) {
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => new = true,
                Err(err) if is_exhausted(&err) => {
                    let advice = advice(&err);
                    self.close(&advice);
                    return true;
                }
                // Removed since, or not readable: the regular look goes on without its events.
                Err(_) => {}
            }
        }
        self.watched = now;
        new
    }
}

fn is_exhausted(err: &notify::Error) -> bool {
    match &err.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(err) => matches!(err.raw_os_error(), Some(EMFILE | ENFILE | ENOSPC | ENOMEM)),
        _ => false,
    }
}

// Linux's numbers on every architecture that the daemon runs on.
const ENOMEM: i32 = 12;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;

/// What went wrong and what a person can do about it.
fn advice(err: &notify::Error) -> String {
    let sysctl = match &err.kind {
        ErrorKind::MaxFilesWatch => "raise it with `sysctl fs.inotify.max_user_watches=524288`",
        ErrorKind::Io(err) if err.raw_os_error() == Some(ENOSPC) => "raise it with `sysctl fs.inotify.max_user_watches=524288`",
        ErrorKind::Io(err) if matches!(err.raw_os_error(), Some(EMFILE | ENFILE)) => {
            "raise it with `sysctl fs.inotify.max_user_instances=512`, or the limit of open files"
        }
        _ => "changes are still noticed, within seconds",
    };
    format!("{err}: {sysctl}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ErrorKind, exhausted: bool, expect: &str) {
        let err = notify::Error::new(kind);
        assert_eq!(is_exhausted(&err), exhausted);
        assert!(advice(&err).contains(expect), "{}", advice(&err));
    }

    #[test]
    fn exhaustion_names_the_sysctl() {
        let io = |number| ErrorKind::Io(std::io::Error::from_raw_os_error(number));
        check(ErrorKind::MaxFilesWatch, true, "fs.inotify.max_user_watches");
        check(io(ENOSPC), true, "fs.inotify.max_user_watches");
        check(io(EMFILE), true, "fs.inotify.max_user_instances");
        check(io(13), false, "within seconds");
    }

    #[test]
    fn reading_and_strangers_wake_nobody() {
        let hints = Hints::new(Path::new("/etc/v"));
        let event = |kind, path: &str| Ok(Event::new(kind).add_path(path.into()));
        let access = EventKind::Access(notify::event::AccessKind::Any);
        hints.hear(event(access, "/etc/v/runtime/a.yaml"));
        hints.hear(event(EventKind::Any, "/etc/passwd"));
        assert_eq!(hints.take(), ChangeSet::default());
        hints.hear(event(EventKind::Any, "/etc/v/runtime/..data"));
        assert_eq!(hints.take(), ChangeSet::default());
        hints.hear(event(EventKind::Any, "/etc/v/runtime/a.yaml"));
        assert_eq!(hints.take(), ChangeSet { runtime: true, ..ChangeSet::default() });
    }
}
