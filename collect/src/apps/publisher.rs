//! A process that announces figures, and its files. It reads them afresh each time, what says how to read them only when it changed.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{self, FileId, Pinned, Refusal, Stamp};
use super::meta::{self, MAX_META_BYTES, Meta};
use super::process::{Announcement, Process};
use crate::procfs::SourceError;
use crate::series::{Labels, Sample};

/// What `.meta` files say, by file, or why they cannot be used.
pub(super) type Metas = HashMap<Stamp, Result<Arc<Meta>, String>>;

/// A process that announces figures.
#[derive(Debug)]
pub(super) struct Publisher {
    pid: u32,
    user: u32,
    root: OwnedFd,
    group: Option<String>,
    name: Option<String>,
    meta: PathBuf,
    values: PathBuf,
}

/// The files of a publisher, found and not yet read.
#[derive(Debug)]
pub(super) struct Files {
    meta: Pinned,
    values: Pinned,
}

impl Files {
    /// Which file has the numbers.
    pub(super) fn values(&self) -> FileId {
        self.values.file()
    }

    /// Which file says how to read them.
    pub(super) fn meta(&self) -> FileId {
        self.meta.file()
    }

    /// How many bytes it has.
    pub(super) fn meta_bytes(&self) -> u64 {
        self.meta.size()
    }
}

/// Why nothing, or not all, can be had of a publisher.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing is there, or nothing that this user may see.
    Absent,
    /// A file belongs to a user who does not run the process. It is no fault when another process of that user announces it, too.
    Stranger(FileId, SourceError),
    /// Whatever else.
    Refused(SourceError),
}

impl Publisher {
    /// Who runs it.
    pub(super) fn user(&self) -> u32 {
        self.user
    }

    /// What process `pid` announces; `None` when it announces nothing, or is not this user's to look into.
    pub(super) fn of(process: &Process, pid: u32) -> Option<Publisher> {
        let Announcement { path, name } = process.announcement()?;
        let ending = |ending: &str| {
            let mut path = path.clone().into_os_string();
            path.push(ending);
            PathBuf::from(path)
        };
        let (meta, values) = (ending(".meta"), ending(".values"));
        Some(Publisher { pid, user: process.user()?, root: process.root()?, group: process.group(), name, meta, values })
    }

    /// Finds the files.
    pub(super) fn find(&self) -> Result<Files, Failure> {
        // First what tells how to read: a process that starts anew removes it before there are other values.
        Ok(Files { meta: self.find_file(&self.meta)?, values: self.find_file(&self.values)? })
    }

    /// What `.meta` says. `known` is from the last scan; what the file says now is put into `kept` for the next one.
    pub(super) fn meta(&self, files: &Files, known: &Metas, kept: &mut Metas) -> Result<Arc<Meta>, Failure> {
        let stamp = files.meta.stamp();
        let meta = match known.get(&stamp) {
            Some(meta) => meta.clone(),
            None => parse(&files.meta.read(MAX_META_BYTES + 1).map_err(|refusal| self.failure(&self.meta, refusal))?),
        };
        kept.entry(stamp).or_insert(meta).clone().map_err(|reason| self.refused(&self.meta, reason))
    }

    /// Reads the numbers; none when the process started anew meanwhile. `now_ms` is the wall clock.
    pub(super) fn read(&self, files: &Files, meta: &Meta, now_ms: u64, samples: &mut Vec<Sample>) -> Result<(), Failure> {
        let bytes = files.values.read(meta.needed as u64).map_err(|refusal| self.failure(&self.values, refusal))?;
        if self.find_file(&self.meta)?.stamp() != files.meta.stamp() {
            return Ok(());
        }
        let number = |metric: &meta::Metric| {
            let value = metric.value(&bytes, now_ms)?;
            Some(Sample { labels: self.labels(&metric.labels), kind: metric.kind(), value })
        };
        samples.extend(meta.metrics.iter().filter_map(number));
        if bytes.len() < meta.needed {
            return Err(self.refused(&self.values, format!("it is shorter than the {} bytes that its `.meta` tells of", meta.needed)));
        }
        match &meta.complaint {
            Some(complaint) => Err(self.refused(&self.meta, format!("{complaint} (metrics left out: {})", meta.left_out))),
            None => Ok(()),
        }
    }

    /// What it says of a metric, and what only the kernel says.
    fn labels(&self, said: &Labels) -> Labels {
        let mut labels = said.clone();
        labels.remove("cgroup");
        let more = [("pid", Some(self.pid.to_string())), ("cgroup", self.group.clone()), ("appname", self.name.clone())];
        labels.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        labels
    }

    /// Says that `.meta` cannot be used.
    pub(super) fn refused_meta(&self, reason: String) -> Failure {
        self.refused(&self.meta, reason)
    }

    fn find_file(&self, path: &Path) -> Result<Pinned, Failure> {
        files::find(&self.root, path, self.user).map_err(|refusal| self.failure(path, refusal))
    }

    fn failure(&self, path: &Path, refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Absent => Failure::Absent,
            Refusal::Because(reason) => self.refused(path, reason),
            Refusal::Stranger { file, owner } => {
                let reason = format!("it belongs to user {owner}, but user {} runs the process: let that user create it", self.user);
                Failure::Stranger(file, self.note(path, reason))
            }
        }
    }

    fn refused(&self, path: &Path, reason: String) -> Failure {
        Failure::Refused(self.note(path, reason))
    }

    fn note(&self, path: &Path, reason: String) -> SourceError {
        SourceError::Application { pid: self.pid, path: path.to_owned(), reason }
    }
}

fn parse(text: &[u8]) -> Result<Arc<Meta>, String> {
    if text.len() as u64 > MAX_META_BYTES {
        return Err(format!("it is longer than {MAX_META_BYTES} bytes"));
    }
    meta::parse(text).map(Arc::new)
}
