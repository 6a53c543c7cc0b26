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
/// Most processes that publish, those with the lowest ids.
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
    publishes: bool,
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
    full: bool,
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
            self.known.entry(pid).or_insert(Known { looks: 0, publishes: false, due: now.elapsed });
        }
        let mut scan = Scan::default();
        for pid in self.chosen(now.elapsed, &mut scan.found) {
            if begin(pid) {
                let publisher = Process::open(&self.proc, pid).and_then(|process| Publisher::of(&process, pid));
                self.looked(pid, publisher.is_some(), now.elapsed);
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

    /// The processes to touch, in ascending order.
    fn chosen(&self, now: Duration, found: &mut Found) -> BTreeSet<u32> {
        let publishers: Vec<u32> = self.known.iter().filter(|(_, known)| known.publishes).map(|(pid, _)| *pid).collect();
        found.left_out += publishers.len().saturating_sub(MAX_PUBLISHERS);
        let due = self.known.iter().filter(|(_, known)| !known.publishes && known.due <= now);
        // First those that nobody has looked at.
        let mut due: Vec<_> = due.map(|(pid, known)| (known.looks > 0, known.due, *pid)).collect();
        due.sort_unstable();
        due.truncate(self.max_looks);
        publishers.into_iter().take(MAX_PUBLISHERS).chain(due.into_iter().map(|(_, _, pid)| pid)).collect()
    }

    fn looked(&mut self, pid: u32, publishes: bool, now: Duration) {
        let Some(known) = self.known.get_mut(&pid) else { return };
        known.looks = known.looks.saturating_add(1);
        known.publishes = publishes;
        let spread = Duration::from_secs(u64::from(pid % 16));
        known.due = if known.looks < 2 { now } else { now + LOOK_AGAIN + spread };
    }
}

impl Scan {
    /// Adds what `publisher` publishes; `known` is what the last scan kept.
    fn add(&mut self, publisher: &Publisher, known: &Metas, now: Moment) {
        if self.full {
            self.found.left_out += 1;
            return;
        }
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
        self.bytes += files.meta_bytes().min(MAX_META_BYTES);
        let meta = publisher.meta(files, known, &mut self.metas)?;
        self.bytes += meta.needed as u64;
        let count = meta.metrics.len();
        if self.found.samples.len() + count > MAX_SAMPLES || self.bytes > MAX_BYTES {
            self.full = true;
            self.found.left_out += count;
            let reason = format!("with those before it there are more than {MAX_SAMPLES} metrics or {MAX_BYTES} bytes: publish fewer");
            return Err(publisher.refused_meta(reason));
        }
        self.seen.extend([files.values(), files.meta()]);
        publisher.read(files, &meta, now.unix.0, &mut self.found.samples)
    }
}

/// The ids of all processes.
fn processes(proc: &Path) -> std::io::Result<BTreeSet<u32>> {
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    Ok(fs::read_dir(proc)?.flatten().filter_map(pid).collect())
}
