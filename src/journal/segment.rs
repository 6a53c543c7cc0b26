//! One file of the journal: frames one after the other, named by the number of the first. It only looks, and never mends.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::frame::{BadHeader, HEADER_BYTES, Header, MAGIC};

const SUFFIX: &str = ".journal";
/// The digits of the largest number, so that names sort as numbers do.
const DIGITS: usize = 20;

/// The name of the segment whose first record has the number `first`.
pub(super) fn file_name(first: u64) -> String {
    format!("{first:0DIGITS$}{SUFFIX}")
}

/// The number in a segment's name; `None` for files that are no segments.
pub(super) fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    if digits.len() != DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Where one frame stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) offset: u64,
    pub(super) header: Header,
}

/// What stands at the end of the frames that can be followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The file's end.
    Clean,
    /// A frame that is longer than what is left of the file: torn by a crash, or still being written.
    Unfinished,
    /// Something that is no header.
    Damaged,
    /// A frame of a later version.
    Newer(u32),
    /// A frame that belongs elsewhere.
    Sequence {
        /// Its number.
        found: u64,
        /// The number whose turn it was.
        expected: u64,
    },
}

/// The frames of a segment, by their headers alone.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) slots: Vec<Slot>,
    /// Where the followed frames end.
    pub(super) sound_bytes: u64,
    pub(super) end: End,
}

/// Follows the headers in the first `bytes` of a file whose name says `first`.
pub(super) fn index(file: &File, first: u64, bytes: u64) -> io::Result<Index> {
    let mut slots = Vec::new();
    let mut offset = 0;
    let mut expected = first;
    let end = loop {
        let left = bytes - offset;
        if left == 0 {
            break End::Clean;
        }
        let mut header = [0; HEADER_BYTES];
        if left < HEADER_BYTES as u64 || !read_whole(file, &mut header, offset)? {
            break End::Unfinished;
        }
        let header = match Header::parse(&header) {
            Ok(header) => header,
            Err(BadHeader::Damaged) => break End::Damaged,
            Err(BadHeader::Newer(version)) => break End::Newer(version),
        };
        if header.sequence != expected {
            break End::Sequence { found: header.sequence, expected };
        }
        if header.frame_bytes() > left {
            break End::Unfinished;
        }
        slots.push(Slot { offset, header });
        offset += header.frame_bytes();
        expected = expected.saturating_add(1);
    };
    Ok(Index { slots, sound_bytes: offset, end })
}

/// The zstd frame of a slot, when it is what was written.
pub(super) fn payload(file: &File, slot: &Slot) -> io::Result<Option<Vec<u8>>> {
    // The slot lies within the file, so that this is no more than the file has.
    let mut payload = vec![0; slot.header.payload_bytes as usize];
    let whole = read_whole(file, &mut payload, slot.offset + HEADER_BYTES as u64)?;
    Ok((whole && slot.header.fits(&payload)).then_some(payload))
}

/// Whether a frame begins anywhere in `tail`: then what stands before it was damaged, not torn off.
pub(super) fn holds_frame(tail: &[u8]) -> bool {
    let headers = tail.windows(HEADER_BYTES).filter(|window| window.starts_with(&MAGIC));
    let mut headers = headers.filter_map(|window| window.first_chunk());
    headers.any(|header| !matches!(Header::parse(header), Err(BadHeader::Damaged)))
}

/// `false`: the file has become shorter.
fn read_whole(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, offset) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_numbers_and_others_are_left_alone() {
        for first in [0, 1, 42, u64::MAX] {
            assert_eq!(parse_name(&file_name(first)), Some(first));
        }
        assert!(file_name(9) < file_name(10));
        for other in ["", "1.journal", "0000000000000000001x.journal", "00000000000000000001.journal.bak", "99999999999999999999.journal"] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
