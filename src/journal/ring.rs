//! Appending to the journal under a cap: a segment file after the other, the oldest of which go. It never leaves half a record
//! behind and never touches what was written before, except to cut off what a crash tore.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{self, HEADER_BYTES};
use super::record::Record;
use super::segment::{self, End, Index};
use super::{DIRECTORY, JournalError};
use crate::storage::{Storage, StorageError};

/// The cap unless the operator sets another: over fifty rounds of 10,000 nodes with three columns and their last minute, each
/// the worst case of noise that does not compress; some thousand of 300 nodes.
pub const DEFAULT_CAP_BYTES: u64 = 256 << 20;
/// A smaller cap counts as this one: below it a segment would be most of the ring.
pub const MIN_CAP_BYTES: u64 = 256 << 10;
/// The cap holds so many segments, of which the oldest goes as a whole: a thirtieth of the past is lost at a time.
const SEGMENTS: u64 = 32;
/// Below it, files and their directory entries cost more than what is in them.
const MIN_SEGMENT_BYTES: u64 = 64 << 10;
/// Above it, opening the newest segment after a crash takes noticeable time.
const MAX_SEGMENT_BYTES: u64 = 8 << 20;
/// One record may take this part of the cap: more, and a single round would push out most others.
const LARGEST_RECORD: u64 = 4;

/// What was found damaged when the journal was opened: worth a line in the log, no reason to stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Repair {
    /// The last append was torn by a crash; what was there of it is gone.
    #[error("the journal {} ended in a record that was not written to its end: its {bytes} bytes were cut off", .path.display())]
    Cut {
        /// Which segment.
        path: PathBuf,
        /// How much was cut.
        bytes: u64,
    },
    /// The newest segment is damaged before its end, or was written by a later version. It was left as it is; a new one begins.
    #[error("the journal {} cannot be continued after byte {offset}: it is left as it is, and a new file begins", .path.display())]
    Left {
        /// Which segment.
        path: PathBuf,
        /// Up to where it is sound.
        offset: u64,
    },
}

/// A record that is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its number; they grow, also over restarts.
    pub sequence: u64,
    /// What it takes on the disk.
    pub bytes: u64,
    /// Its size before compression.
    pub body_bytes: u64,
}

/// The journal of the daemon that holds the storage directory.
#[derive(Debug)]
pub struct Ring {
    storage: Arc<Storage>,
    cap_bytes: u64,
    segment_bytes: u64,
    /// Ascending. The last one is `current`, when there is one.
    segments: VecDeque<Segment>,
    current: Option<Current>,
    /// The number of the next record.
    next: u64,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    first: u64,
    bytes: u64,
}

/// The segment that is appended to.
#[derive(Debug)]
struct Current {
    file: File,
    /// Where the next record goes.
    sound_bytes: u64,
    /// An append failed, and what it wrote could not be cut off yet.
    torn: bool,
}

impl Ring {
    /// Makes the directory if need be and readies its newest segment for appending. `cap_bytes`: what all segments together may take.
    pub fn open(storage: Arc<Storage>, cap_bytes: u64) -> Result<(Ring, Option<Repair>), JournalError> {
        let cap_bytes = cap_bytes.max(MIN_CAP_BYTES);
        let segment_bytes = (cap_bytes / SEGMENTS).clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
        let segments = list(&storage)?;
        let mut ring = Ring { storage, cap_bytes, segment_bytes, segments, current: None, next: 1 };
        let repair = ring.resume()?;
        Ok((ring, repair))
    }

    /// Appends a record; when this returns, it is on the disk. On an error the journal is what it was, and the next append may work.
    pub fn append(&mut self, record: &Record) -> Result<Appended, JournalError> {
        self.append_bytes(&record.encode())
    }

    /// What the segments take on the disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The cap in force.
    pub fn cap_bytes(&self) -> u64 {
        self.cap_bytes
    }

    fn append_bytes(&mut self, body: &[u8]) -> Result<Appended, JournalError> {
        // The number is part of the sum, and nothing else appends in between.
        let sequence = self.next;
        let frame = frame::pack(sequence, body)?;
        let bytes = frame.len() as u64;
        let limit_bytes = self.cap_bytes / LARGEST_RECORD;
        if bytes > limit_bytes {
            return Err(JournalError::TooLarge { bytes, limit_bytes, cap_bytes: self.cap_bytes });
        }
        let fresh = self.needs_fresh(bytes)?;
        self.make_room(bytes, fresh)?;
        if fresh {
            self.begin()?;
        }
        let path = self.path(self.segments.back().map_or(sequence, |segment| segment.first));
        let current = self.current.as_mut().expect("it is there, or was begun above");
        current.write(&frame).map_err(|source| StorageError::Io { path, did: "written", source })?;
        let newest = self.segments.back_mut().expect("the current segment is in the list");
        newest.bytes = current.sound_bytes;
        self.next = sequence.saturating_add(1);
        Ok(Appended { sequence, bytes, body_bytes: body.len() as u64 })
    }

    /// Whether the next `bytes` go into a new segment. Leaves the current one whole.
    fn needs_fresh(&mut self, bytes: u64) -> Result<bool, JournalError> {
        let Some(current) = &mut self.current else { return Ok(true) };
        let failed = |source| StorageError::Io { path: self.storage.path().join(DIRECTORY), did: "written", source };
        if current.file.metadata().map_err(failed)?.nlink() == 0 {
            // Somebody cleared the directory: what went on being written there would be gone.
            self.current = None;
            self.segments = list(&self.storage)?;
            return Ok(true);
        }
        current.mend().map_err(failed)?;
        Ok(current.sound_bytes > 0 && current.sound_bytes + bytes > self.segment_bytes)
    }

    /// Removes the oldest segments until `bytes` fit under the cap.
    fn make_room(&mut self, bytes: u64, fresh: bool) -> Result<(), JournalError> {
        if fresh {
            self.current = None;
        }
        // Without the segment that is written to: it is so small against the cap that the rest always is enough.
        let kept = usize::from(self.current.is_some());
        while self.segments.len() > kept && self.bytes() + bytes > self.cap_bytes {
            let oldest = self.segments[0];
            self.storage.remove(&name(oldest.first))?;
            self.segments.pop_front();
        }
        Ok(())
    }

    /// A new segment, which the next record begins.
    fn begin(&mut self) -> Result<(), JournalError> {
        self.storage.subdirectory(DIRECTORY)?;
        let name = name(self.next);
        let file = self.storage.open_in_place(&name)?;
        // Left empty by an append that failed right here, or never written by this program.
        file.set_len(0).map_err(|source| StorageError::Io { path: self.storage.path().join(&name), did: "written", source })?;
        self.storage.sync(DIRECTORY)?;
        self.segments.push_back(Segment { first: self.next, bytes: 0 });
        self.current = Some(Current { file, sound_bytes: 0, torn: false });
        Ok(())
    }

    /// Finds the place after the last record.
    fn resume(&mut self) -> Result<Option<Repair>, JournalError> {
        let Some(newest) = self.segments.back_mut() else { return Ok(None) };
        let file = self.storage.open_in_place(&name(newest.first))?;
        let path = self.storage.path().join(name(newest.first));
        let failed = |did| {
            let path = path.clone();
            move |source| StorageError::Io { path, did, source }
        };
        let bytes = file.metadata().map_err(failed("read"))?.len();
        newest.bytes = bytes;
        let mut index = segment::index(&file, newest.first, bytes).map_err(failed("read"))?;
        if !can_go_on(&file, &index, bytes, self.cap_bytes).map_err(failed("read"))? {
            // More than the numbers of all records that may stand after the damage.
            let hidden = (bytes - index.sound_bytes) / HEADER_BYTES as u64 + 1;
            self.next = newest.first.saturating_add(index.slots.len() as u64).saturating_add(hidden);
            return Ok(Some(Repair::Left { path, offset: index.sound_bytes }));
        }
        // Only the last append can have been torn within: each one before it was on the disk when the next began.
        while let Some(last) = index.slots.last()
            && segment::payload(&file, last).map_err(failed("read"))?.is_none()
        {
            index.sound_bytes = last.offset;
            index.slots.pop();
        }
        let repair = (index.sound_bytes < bytes).then(|| Repair::Cut { path: path.clone(), bytes: bytes - index.sound_bytes });
        let mut current = Current { file, sound_bytes: index.sound_bytes, torn: repair.is_some() };
        current.mend().map_err(failed("mended"))?;
        self.next = newest.first.saturating_add(index.slots.len() as u64);
        newest.bytes = index.sound_bytes;
        self.current = Some(current);
        Ok(repair)
    }

    fn path(&self, first: u64) -> PathBuf {
        self.storage.path().join(name(first))
    }
}

impl Current {
    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        let written = self.file.write_all_at(frame, self.sound_bytes).and_then(|()| self.file.sync_data());
        if let Err(err) = written {
            self.torn = true;
            // The first failure is the one to report; the next append tries to cut again before it writes.
            let _ = self.mend();
            return Err(err);
        }
        self.sound_bytes += frame.len() as u64;
        Ok(())
    }

    /// Cuts off what a failed append left.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.sound_bytes)?;
            self.file.sync_data()?;
            self.torn = false;
        }
        Ok(())
    }
}

fn name(first: u64) -> String {
    format!("{DIRECTORY}/{}", segment::file_name(first))
}

/// The segments that are there, oldest first.
fn list(storage: &Storage) -> Result<VecDeque<Segment>, JournalError> {
    storage.subdirectory(DIRECTORY)?;
    storage.sync("")?;
    let mut segments = Vec::new();
    for first in storage.list(DIRECTORY)?.iter().filter_map(|found| segment::parse_name(found)) {
        segments.push(Segment { first, bytes: storage.size(&name(first))? });
    }
    segments.sort_unstable_by_key(|segment| segment.first);
    Ok(segments.into())
}

/// Whether the next record may follow the sound part: what stands after it, if anything, was torn by a crash and holds no record.
fn can_go_on(file: &File, index: &Index, bytes: u64, cap_bytes: u64) -> io::Result<bool> {
    match index.end {
        End::Clean | End::Unfinished => Ok(true),
        End::Newer(_) | End::Sequence { .. } => Ok(false),
        End::Damaged => {
            let tail = bytes - index.sound_bytes;
            // No ring under this cap writes so much in one go.
            if tail > cap_bytes / LARGEST_RECORD + HEADER_BYTES as u64 {
                return Ok(false);
            }
            let mut buffer = vec![0; usize::try_from(tail).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut buffer, index.sound_bytes)?;
            Ok(!segment::holds_frame(&buffer))
        }
    }
}

#[cfg(test)]
mod tests;
