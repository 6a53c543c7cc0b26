//! Which processes publish, and their numbers. It looks at all processes now and then, at those that publish each time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::FileId;
use super::meta::MAX_META_BYTES;
use super::process::Process;
use super::publisher::{Failure, Files, Metas, Publisher};
use super::{Found, MAX_SAMPLES, Moment};
use crate::procfs::SourceError;

/// Most processes without figures that are looked at in one scan: some 10 ms. The others follow in the next ones.
const MAX_LOOKS: usize = 1_024;
/// Most processes that publish; see [`in_turns`].
const MAX_PUBLISHERS: usize = 1_024;
/// After its first two looks a process is left alone for this long, and by its id up to 15 s more, so that not all are due at once.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// Most bytes of all files together. Arbitrary: a tenth of it would do for [`MAX_SAMPLES`] metrics, and copying it takes some 10 ms.
pub(super) const MAX_BYTES: u64 = 16 << 20;
/// Most notes of one scan.
const MAX_NOTES: usize = 64;

/// Scans again and again; remembers what the next scan needs.
#[derive(Debug)]
pub(super) struct Scanner {
    proc: PathBuf,
    /// [`MAX_LOOKS`], or less in tests.
    pub(super) max_looks: usize,
    known: BTreeMap<u32, Known>,
    metas: Metas,
}

/// What is known of a process.
#[derive(Debug, Clone, Copy)]
struct Known {
    looks: u8,
    /// Who runs it, if it publishes.
    publishes_as: Option<u32>,
    due: Duration,
}

/// A scan under way.
#[derive(Debug, Default)]
struct Scan {
    found: Found,
    /// Files that somebody's samples were made of.
    seen: BTreeSet<FileId>,
    /// Files of another user than the one who runs the process.
    strangers: Vec<(FileId, SourceError)>,
    metas: Metas,
    /// How many were read, or would have been had they not been known.
    bytes: u64,
    /// Whether it was noted that not all find room.
    is_crowded: bool,
}

impl Scanner {
    /// A scanner of the processes in `proc`, normally `/proc`.
    pub(super) fn new(proc: PathBuf) -> Scanner {
        Scanner { proc, max_looks: MAX_LOOKS, known: BTreeMap::new(), metas: Metas::new() }
    }

    /// Scans once. `begin` hears of each process before it is touched, and says whether it may be.
    pub(super) fn scan(&mut self, now: Moment, mut begin: impl FnMut(u32) -> bool) -> Found {
        let pids = match processes(&self.proc) {
            Ok(pids) => pids,
            Err(source) => {
                let note = SourceError::Read { path: self.proc.clone(), source };
                return Found { notes: vec![note], ..Found::default() };
            }
        };
        self.known.retain(|pid, _| pids.contains(pid));
        for pid in pids {
            self.known.entry(pid).or_insert(Known { looks: 0, publishes_as: None, due: now.elapsed });
        }
        let mut scan = Scan::default();
        for pid in self.chosen(now.elapsed, &mut scan.found) {
            if begin(pid) {
                let publisher = Process::open(&self.proc, pid).and_then(|process| Publisher::of(&process, pid));
                self.looked(pid, publisher.as_ref().map(Publisher::user), now.elapsed);
                if let Some(publisher) = publisher {
                    scan.add(&publisher, &self.metas, now);
                }
            }
        }
        self.metas = scan.metas;
        let mut found = scan.found;
        // A parent often creates the files and gives up its rights in its children, which announce the same ones.
        let strangers = scan.strangers.into_iter().filter(|(file, _)| !scan.seen.contains(file));
        found.notes.extend(strangers.map(|(_, note)| note));
        found.notes.truncate(MAX_NOTES);
        found
    }

    /// The processes to touch: first those that publish.
    fn chosen(&self, now: Duration, found: &mut Found) -> Vec<u32> {
        let publishers = in_turns(self.known.iter().filter_map(|(pid, known)| Some((known.publishes_as?, *pid))));
        found.left_out += publishers.len().saturating_sub(MAX_PUBLISHERS);
        let due = self.known.iter().filter(|(_, known)| known.publishes_as.is_none() && known.due <= now);
        // First those that nobody has looked at.
        let mut due: Vec<_> = due.map(|(pid, known)| (known.looks > 0, known.due, *pid)).collect();
        due.sort_unstable();
        due.truncate(self.max_looks);
        publishers.into_iter().take(MAX_PUBLISHERS).chain(due.into_iter().map(|(_, _, pid)| pid)).collect()
    }

    fn looked(&mut self, pid: u32, publishes_as: Option<u32>, now: Duration) {
        let Some(known) = self.known.get_mut(&pid) else { return };
        known.looks = known.looks.saturating_add(1);
        known.publishes_as = publishes_as;
        let spread = Duration::from_secs(u64::from(pid % 16));
        known.due = if known.looks < 2 { now } else { now + LOOK_AGAIN + spread };
    }
}

impl Scan {
    /// Adds what `publisher` publishes; `known` is what the last scan kept.
    fn add(&mut self, publisher: &Publisher, known: &Metas, now: Moment) {
        let outcome = publisher.find().and_then(|files| self.add_files(publisher, &files, known, now));
        match outcome {
            Ok(()) | Err(Failure::Absent) => {}
            Err(Failure::Stranger(file, note)) => self.strangers.push((file, note)),
            Err(Failure::Refused(note)) => self.found.notes.push(note),
        }
    }

    fn add_files(&mut self, publisher: &Publisher, files: &Files, known: &Metas, now: Moment) -> Result<(), Failure> {
        // Before anything is read: many may announce the same.
        if self.seen.contains(&files.values()) {
            return Ok(());
        }
        let bytes = self.bytes + files.meta_bytes().min(MAX_META_BYTES);
        if bytes > MAX_BYTES {
            return self.leave_out(publisher, 1);
        }
        self.bytes = bytes;
        let meta = publisher.meta(files, known, &mut self.metas)?;
        let (count, bytes) = (meta.metrics.len(), bytes + meta.needed as u64);
        if self.found.samples.len() + count > MAX_SAMPLES || bytes > MAX_BYTES {
            return self.leave_out(publisher, count);
        }
        self.bytes = bytes;
        self.seen.extend([files.values(), files.meta()]);
        publisher.read(files, &meta, now.unix.0, &mut self.found.samples)
    }

    /// There is no room for what `publisher` publishes. What comes after it may be small enough.
    fn leave_out(&mut self, publisher: &Publisher, count: usize) -> Result<(), Failure> {
        self.found.left_out += count;
        if std::mem::replace(&mut self.is_crowded, true) {
            return Ok(());
        }
        let reason = format!("with those before it there are more than {MAX_SAMPLES} metrics or {MAX_BYTES} bytes: publish fewer");
        Err(publisher.refused_meta(reason))
    }
}

/// Processes, given with their users in ascending order, in the order in which they find room: first one of each user, then the second one of
/// each, and so on. However many one user starts, others are heard.
fn in_turns(publishers: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
    let mut turns: BTreeMap<u32, usize> = BTreeMap::new();
    let mut placed: Vec<(usize, u32)> = publishers
        .map(|(user, pid)| {
            let turn = turns.entry(user).or_default();
            *turn += 1;
            (*turn, pid)
        })
        .collect();
    placed.sort_unstable();
    placed.into_iter().map(|(_, pid)| pid).collect()
}

/// The ids of all processes.
fn processes(proc: &Path) -> std::io::Result<BTreeSet<u32>> {
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    Ok(fs::read_dir(proc)?.flatten().filter_map(pid).collect())
}

#[cfg(test)]
mod tests {
    use super::in_turns;

    #[test]
    fn users_take_turns() {
        let publishers = [(1000, 1), (1000, 2), (1000, 3), (0, 4), (1001, 5), (1000, 6), (0, 7)];
        assert_eq!(in_turns(publishers.into_iter()), [1, 4, 5, 2, 7, 3, 6]);
    }
}
