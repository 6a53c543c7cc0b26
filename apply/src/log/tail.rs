//! Reads on from a position, across files, line by line. It waits for nothing: whoever follows asks again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use cap_std::fs::Dir;

use super::place::{self, Stream};

/// Most bytes that are read at once; a longer line is skipped.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// A position in a stream: up to here it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    pub(super) stream: Stream,
    /// File and offset; `None` before the first.
    pub(super) at: Option<(String, u64)>,
    /// In the midst of a line that is skipped.
    pub(super) skipping: bool,
}

impl Tail {
    /// Before the oldest line.
    pub(super) fn start(stream: Stream) -> Tail {
        Tail { stream, at: None, skipping: false }
    }

    /// The next whole lines, as many as a chunk has; none where there are none yet.
    ///
    /// A file that vanished is left for the next one. One that became shorter was written anew, and is read from its beginning.
    pub(super) fn read(&mut self, root: &Dir) -> io::Result<Vec<u8>> {
        let dir = match place::open_directory(root, self.stream.directory()) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        // Before anything is read: the writer leaves a file for good before it begins the next.
        let segments = self.stream.segments(&dir)?;
        loop {
            let oldest = || segments.first().map(|first| (first.clone(), 0));
            let Some((segment, offset)) = self.at.take().or_else(oldest) else { return Ok(Vec::new()) };
            let next = segments.range(segment.clone()..).find(|later| **later != segment);
            let file = match place::open(&dir, &self.stream.file(&segment)) {
                Err(err) if err.kind() == io::ErrorKind::NotFound => None,
                other => Some(other?),
            };
            let Some(file) = file else {
                self.skipping = false;
                self.at = Some(next.map_or((segment, offset), |next| (next.clone(), 0)));
                if next.is_none() {
                    return Ok(Vec::new());
                }
                continue;
            };
            let offset = if file.metadata()?.len() < offset { 0 } else { offset };
            let (lines, end) = self.lines(&file, offset)?;
            if !lines.is_empty() {
                self.at = Some((segment, end));
                return Ok(lines);
            }
            match next {
                // What has no end here never gets one.
                Some(next) => (self.at, self.skipping) = (Some((next.clone(), 0)), false),
                None => {
                    self.at = Some((segment, end));
                    return Ok(lines);
                }
            }
        }
    }

    /// Whole lines from `offset` on, and where they end.
    fn lines(&mut self, file: &File, mut offset: u64) -> io::Result<(Vec<u8>, u64)> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = fill(file, &mut chunk, offset)?;
            let mut bytes = &chunk[..count];
            if self.skipping {
                let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                    offset += count as u64;
                    if count < CHUNK_BYTES {
                        return Ok((Vec::new(), offset));
                    }
                    continue;
                };
                self.skipping = false;
                offset += end as u64 + 1;
                bytes = &bytes[end + 1..];
            }
            if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
                return Ok((bytes[..=end].to_vec(), offset + end as u64 + 1));
            }
            if bytes.len() < CHUNK_BYTES {
                if count == CHUNK_BYTES {
                    // A line began after one that was skipped: again, with all of the room.
                    continue;
                }
                return Ok((Vec::new(), offset));
            }
            self.skipping = true;
            offset += count as u64;
        }
    }
}

/// Reads until the buffer is full or the file at its end.
pub(super) fn fill(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(filled)
}
