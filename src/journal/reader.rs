//! Reading the journal, also beside the daemon that writes it: it takes no lock, changes nothing, and goes on after what is damaged.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use verwalter_core::ids::Round;

use super::JournalError;
use super::frame::Header;
use super::record::{About, Record, RecordError};
use super::segment::{self, End, Slot};

/// Records that cannot be read. Those elsewhere still are.
#[derive(Debug, thiserror::Error)]
#[error("the journal {} cannot be read at byte {offset}: {reason}", .path.display())]
pub struct Gap {
    /// Which segment.
    pub path: PathBuf,
    /// From where on.
    pub offset: u64,
    /// Why.
    pub reason: GapReason,
}

/// Why records cannot be read.
#[derive(Debug)]
pub enum GapReason {
    /// The system's error.
    Io(io::Error),
    /// One record's bytes are not what was written; those after it are read.
    Payload,
    /// The records from there to the end of the segment cannot be found.
    Damaged,
    /// The last record of a segment that is not the newest is not all there.
    Unfinished,
    /// A later version of this program wrote the records from there to the end of the segment.
    Newer(u32),
    /// A record that belongs elsewhere.
    Sequence {
        /// Its number.
        found: u64,
        /// The number whose turn it was.
        expected: u64,
    },
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GapReason::Io(err) => write!(f, "{err}"),
            GapReason::Payload => f.write_str("the record there is damaged; it is left out"),
            GapReason::Damaged => f.write_str("the file is damaged there; the rest of it is left out"),
            GapReason::Unfinished => f.write_str("the record there was not written to its end; it is left out"),
            GapReason::Newer(version) => {
                write!(f, "the rest was written in version {version} of the layout: read it with the program that wrote it")
            }
            GapReason::Sequence { found, expected } => {
                write!(f, "record {found} stands where {expected} should be; the rest of the file is left out")
            }
        }
    }
}

/// The segments that were there when it was opened.
#[derive(Debug, Clone)]
pub struct Reader {
    dir: PathBuf,
    /// The numbers of their first records, ascending.
    segments: Vec<u64>,
}

/// A record as it stands in the journal: whole, not yet taken apart.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its number.
    pub sequence: u64,
    header: Header,
    payload: Vec<u8>,
}

/// What was found for a question, and what could not be looked at.
#[derive(Debug)]
pub struct Found {
    /// The newest record that fits.
    pub stored: Option<Stored>,
    /// What was damaged on the way there.
    pub gaps: Vec<Gap>,
}

impl Reader {
    /// Lists the journal in `dir`, the directory [`DIRECTORY`](super::DIRECTORY) in a storage directory.
    pub fn open(dir: &Path) -> Result<Reader, JournalError> {
        let unreadable = |source| JournalError::Unreadable { path: dir.to_owned(), source };
        let mut segments = Vec::new();
        for entry in fs::read_dir(dir).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let first = entry.file_name().to_str().and_then(segment::parse_name);
            // A pipe of such a name would hold the reader up.
            if let Some(first) = first.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file())) {
                segments.push(first);
            }
        }
        segments.sort_unstable();
        Ok(Reader { dir: dir.to_owned(), segments })
    }

    /// All records, the oldest first.
    pub fn oldest_first(&self) -> Records {
        self.records(Order::OldestFirst)
    }

    /// All records, the newest first.
    pub fn newest_first(&self) -> Records {
        self.records(Order::NewestFirst)
    }

    /// The last `n` records, the newest first. Gaps among them do not count.
    pub fn last(&self, n: usize) -> impl Iterator<Item = Result<Stored, Gap>> + use<> {
        let mut left = n;
        let mut records = self.newest_first();
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let next = records.next()?;
            left -= usize::from(next.is_ok());
            Some(next)
        })
    }

    /// The newest record of `round`, of that leadership if `term` names one by its counter.
    pub fn find(&self, term: Option<u64>, round: Round) -> Found {
        let mut gaps = Vec::new();
        for item in self.newest_first() {
            match item {
                // A record that says nothing of its round is not the one.
                Ok(stored) => match stored.about() {
                    Ok(about) if about.round == round && term.is_none_or(|term| about.term.counter == term) => {
                        return Found { stored: Some(stored), gaps };
                    }
                    _ => {}
                },
                Err(gap) => gaps.push(gap),
            }
        }
        Found { stored: None, gaps }
    }

    fn records(&self, order: Order) -> Records {
        let newest = self.segments.last().copied();
        Records { dir: self.dir.clone(), order, newest, segments: self.segments.clone().into(), open: None }
    }
}

impl Stored {
    /// Who decided and what came of it, without taking the rest apart.
    pub fn about(&self) -> Result<About, RecordError> {
        let zstd = zstd::stream::read::Decoder::with_buffer(&self.payload[..]).map_err(RecordError::Packed)?;
        // No more than it was when it was written, whatever the payload says.
        About::read(&mut zstd.take(u64::from(self.header.body_bytes)))
    }

    /// All of it.
    pub fn record(&self) -> Result<Record, RecordError> {
        Record::decode(&self.header.unpack(&self.payload).map_err(RecordError::Packed)?)
    }

    /// Its size on the disk and before compression, in bytes.
    pub fn sizes(&self) -> (u64, u64) {
        (self.header.frame_bytes(), u64::from(self.header.body_bytes))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

/// Records one after the other; where some cannot be read, a [`Gap`] in their place.
#[derive(Debug)]
pub struct Records {
    dir: PathBuf,
    order: Order,
    newest: Option<u64>,
    segments: VecDeque<u64>,
    open: Option<OpenSegment>,
}

#[derive(Debug)]
struct OpenSegment {
    path: PathBuf,
    file: File,
    items: VecDeque<Result<Slot, Gap>>,
}

fn take<T>(order: Order, items: &mut VecDeque<T>) -> Option<T> {
    match order {
        Order::OldestFirst => items.pop_front(),
        Order::NewestFirst => items.pop_back(),
    }
}

impl Iterator for Records {
    type Item = Result<Stored, Gap>;

    fn next(&mut self) -> Option<Result<Stored, Gap>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(item) = take(self.order, &mut open.items) {
                    return Some(item.and_then(|slot| open.read(&slot)));
                }
                self.open = None;
            }
            let first = take(self.order, &mut self.segments)?;
            match OpenSegment::open(&self.dir, first, self.newest == Some(first)) {
                Ok(opened) => self.open = opened,
                Err(gap) => return Some(Err(gap)),
            }
        }
    }
}

impl OpenSegment {
    /// `None`: the daemon has removed it since.
    fn open(dir: &Path, first: u64, newest: bool) -> Result<Option<OpenSegment>, Gap> {
        let path = dir.join(segment::file_name(first));
        let failed = |source| Gap { path: path.clone(), offset: 0, reason: GapReason::Io(source) };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(failed(err)),
        };
        let bytes = file.metadata().map_err(failed)?.len();
        let index = segment::index(&file, first, bytes).map_err(failed)?;
        let reason = match index.end {
            End::Clean => None,
            // The daemon may be writing it right now, or cuts it off when it starts.
            End::Unfinished if newest => None,
            End::Unfinished => Some(GapReason::Unfinished),
            End::Damaged => Some(GapReason::Damaged),
            End::Newer(version) => Some(GapReason::Newer(version)),
            End::Sequence { found, expected } => Some(GapReason::Sequence { found, expected }),
        };
        let gap = reason.map(|reason| Err(Gap { path: path.clone(), offset: index.sound_bytes, reason }));
        let items = index.slots.into_iter().map(Ok).chain(gap).collect();
        Ok(Some(OpenSegment { path, file, items }))
    }

    fn read(&self, slot: &Slot) -> Result<Stored, Gap> {
        let gap = |reason| Gap { path: self.path.clone(), offset: slot.offset, reason };
        let payload = segment::payload(&self.file, slot).map_err(|err| gap(GapReason::Io(err)))?;
        let payload = payload.ok_or_else(|| gap(GapReason::Payload))?;
        Ok(Stored { sequence: slot.header.sequence, header: slot.header, payload })
    }
}

#[cfg(test)]
mod tests;
