//! Reads the deployment log: the newest entries, those that follow, and the text that an entry points to. Files may be damaged or made by somebody
//! else: memory is bounded, lines that are none are skipped, and nothing outside of the log directory is opened.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use super::LogError;
use super::entry::{Entry, Pointer};
use super::place::{self, Stream};
use super::tail::{Tail, fill};

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// The deployment log of this node, for reading. It needs no writer, and no lock.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    root: Dir,
}

/// Which entries are wanted: those that fit all that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// About this role.
    pub role: Option<RoleName>,
    /// Of this deployment.
    pub deployment: Option<String>,
    /// Not before.
    pub since: Option<UnixMillis>,
}

impl Filter {
    /// Whether an entry fits.
    pub fn fits(&self, entry: &Entry) -> bool {
        self.role.as_ref().is_none_or(|role| entry.role() == Some(role))
            && self.deployment.as_ref().is_none_or(|deployment| *deployment == entry.deployment)
            && self.since.is_none_or(|since| entry.at >= since)
    }
}

/// Entries, and where those begin that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Newest last.
    pub entries: Vec<Entry>,
    /// Lines that were none: torn by a crash, or written by somebody else.
    pub skipped: u64,
    /// Up to here the index was read.
    pub tail: Tail,
}

/// A text of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// As it was written, but for bytes that are no text. Somebody else may have written it: print it through [`escape`](crate::diff::escape),
    /// line by line.
    pub text: String,
    /// How many bytes more there are.
    pub left_out: u64,
}

impl LogReader {
    /// Opens the log in this directory.
    ///
    /// # Errors
    /// When it is not there or must not be read.
    pub fn open(path: &Path) -> Result<LogReader, LogError> {
        let root = Dir::open_ambient_dir(path, ambient_authority());
        let root = root.map_err(|source| LogError::Io { path: path.to_owned(), did: "opened", source })?;
        Ok(LogReader { path: path.to_owned(), root })
    }

    /// The newest entries that fit, at most `count`.
    ///
    /// # Errors
    /// When the index cannot be read. There being none is no error.
    pub fn last(&self, filter: &Filter, count: usize) -> Result<Found, LogError> {
        let mut found = Found { entries: Vec::new(), skipped: 0, tail: Tail::start(Stream::Index) };
        for day in self.segments(&Stream::Index)?.into_iter().rev() {
            let over = found.entries.len() >= count
                || filter.since.is_some_and(|since| place::begun(&day).0.saturating_add(DAY_MILLIS) <= since.0);
            if over && found.tail.at.is_some() {
                break;
            }
            // One day, read to its end; what came after that day was read before.
            let mut newest = VecDeque::new();
            let mut tail = Tail { stream: Stream::Index, at: Some((day.clone(), 0)), skipping: false };
            let room = count - found.entries.len();
            loop {
                let before = tail.clone();
                let lines = self.read(&mut tail)?;
                if lines.is_empty() || tail.at.as_ref().is_none_or(|(at, _)| *at != day) {
                    // At the end, or beyond: an unfinished line is left to whoever follows.
                    if found.tail.at.is_none() {
                        found.tail = if lines.is_empty() { tail } else { before };
                    }
                    break;
                }
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    match Entry::parse(line) {
                        Some(entry) if filter.fits(&entry) => newest.push_back(entry),
                        Some(_) => {}
                        None => found.skipped += u64::from(line != b"\n"),
                    }
                    if newest.len() > room {
                        newest.pop_front();
                    }
                }
            }
            newest.extend(found.entries.drain(..));
            found.entries = newest.into();
        }
        Ok(found)
    }

    /// The entries that fit and were written since; at most a few thousand, so ask until there are none, then again later. It does not wait.
    ///
    /// # Errors
    /// When the index cannot be read. The position is then what it was.
    pub fn follow(&self, tail: &mut Tail, filter: &Filter) -> Result<Vec<Entry>, LogError> {
        loop {
            let lines = self.read(tail)?;
            let entries: Vec<Entry> =
                lines.split_inclusive(|byte| *byte == b'\n').filter_map(Entry::parse).filter(|entry| filter.fits(entry)).collect();
            if lines.is_empty() || !entries.is_empty() {
                return Ok(entries);
            }
        }
    }

    /// The position before the oldest line of a stream.
    pub fn start(&self, stream: Stream) -> Tail {
        Tail::start(stream)
    }

    /// The position after the newest line of a stream.
    ///
    /// # Errors
    /// When its files cannot be listed.
    pub fn end(&self, stream: Stream) -> Result<Tail, LogError> {
        let Some(segment) = self.segments(&stream)?.pop() else { return Ok(Tail::start(stream)) };
        let dir = self.io(place::open_directory(&self.root, stream.directory()), stream.directory())?;
        let file = self.io(place::open(&dir, &stream.file(&segment)), stream.directory())?;
        let len = self.io(file.metadata(), stream.directory())?.len();
        Ok(Tail { stream, at: Some((segment, len)), skipping: false })
    }

    /// The next whole lines of a stream, across its files; none where there are none yet. It does not wait.
    ///
    /// # Errors
    /// When a file cannot be read. The position is then what it was.
    pub fn read(&self, tail: &mut Tail) -> Result<Vec<u8>, LogError> {
        let before = tail.clone();
        let lines = tail.read(&self.root);
        if lines.is_err() {
            *tail = before;
        }
        self.io(lines, tail.stream.directory())
    }

    /// The text from where `pointer` leads, up to the offset `until` of the same file or else to its end, at most `limit` bytes of it.
    ///
    /// # Errors
    /// When the file was pruned or cannot be read, or the pointer leads to a service's own log.
    pub fn text(&self, pointer: &Pointer, until: Option<u64>, limit: usize) -> Result<Text, LogError> {
        let (stream, segment, offset) = match pointer {
            Pointer::Global(segment, offset) => (Stream::Global, segment, *offset),
            Pointer::Changes(segment, offset) => (Stream::Changes, segment, *offset),
            Pointer::Role(role, segment, offset) => (Stream::Role(role.clone()), segment, *offset),
            Pointer::External(log, _) => return Err(LogError::External { log: log.clone() }),
        };
        let name = format!("{}/{}", stream.directory(), stream.file(segment));
        let path = self.path.join(&name);
        if !place::is_segment(segment) {
            return Err(LogError::Pruned { path });
        }
        let opened = place::open_directory(&self.root, stream.directory()).and_then(|dir| place::open(&dir, &stream.file(segment)));
        let file = match opened {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Err(LogError::Pruned { path }),
            other => self.io(other, &name)?,
        };
        let len = self.io(file.metadata(), &name)?.len();
        let wanted = until.unwrap_or(len).min(len).saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(usize::MAX).min(limit)];
        let count = self.io(fill(&file, &mut bytes, offset), &name)?;
        bytes.truncate(count);
        if (count as u64) < wanted {
            // Not in the midst of a character.
            let end = bytes.utf8_chunks().last().map_or(0, |chunk| if chunk.invalid().len() < 4 { chunk.invalid().len() } else { 0 });
            bytes.truncate(count - end);
        }
        let left_out = wanted - bytes.len() as u64;
        Ok(Text { text: String::from_utf8_lossy(&bytes).into_owned(), left_out })
    }

    /// The segments of a stream, oldest first.
    fn segments(&self, stream: &Stream) -> Result<Vec<String>, LogError> {
        let listed = match place::open_directory(&self.root, stream.directory()) {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.and_then(|dir| stream.segments(&dir)),
        };
        Ok(self.io(listed, stream.directory())?.into_iter().collect())
    }

    fn io<T>(&self, result: std::io::Result<T>, name: &str) -> Result<T, LogError> {
        result.map_err(|source| LogError::Io { path: self.path.join(name), did: "read", source })
    }
}
