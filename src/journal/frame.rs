//! One record on disk: a header of fixed size with its own sum, then a zstd frame. It never touches a file, and believes a length only
//! after the sum over it.
//!
//! | bytes | what, numbers in little-endian order |
//! |---|---|
//! | 0–4 | `vwjr` |
//! | 4–8 | version of this layout |
//! | 8–16 | sequence number |
//! | 16–20 | length of the zstd frame |
//! | 20–24 | length of the record in it |
//! | 24–32 | first bytes of the SHA-256 of bytes 0–24 and the zstd frame |
//! | 32–40 | first bytes of the SHA-256 of bytes 0–32: a header that was damaged does not send the reader astray |
//! | 40– | the zstd frame |

use std::io;

use sha2::{Digest as _, Sha256};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::compress_bound;

use super::JournalError;

/// Length of a header.
pub(super) const HEADER_BYTES: usize = 40;
/// What every frame of every version begins with.
pub(super) const MAGIC: [u8; 4] = *b"vwjr";
const VERSION: u32 = 1;
/// The longest record: a hundred times that of a round of 10,000 nodes, and what a reader may be asked to hold in memory.
pub(super) const MAX_BODY_BYTES: usize = 1 << 30;
/// The fastest of zstd's ordinary levels: higher ones take twice the time and more for a tenth of the size.
const LEVEL: i32 = 1;

type Sum = [u8; 8];

/// What a sound header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The record's number; each is one more than the one before it in its segment.
    pub(super) sequence: u64,
    /// Length of the zstd frame that follows.
    pub(super) payload_bytes: u32,
    /// Length of the record in it.
    pub(super) body_bytes: u32,
    payload_sum: Sum,
    prefix: [u8; 24],
}

/// Bytes that are no header of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// Damaged, or never one.
    Damaged,
    /// Of a later version of this program, whose lengths cannot be told.
    Newer(u32),
}

impl Header {
    /// Reads and checks a header.
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Header, BadHeader> {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if bytes[..4] != MAGIC {
            return Err(BadHeader::Damaged);
        }
        let version = number(4);
        if version > VERSION {
            return Err(BadHeader::Newer(version));
        }
        if version != VERSION || sum(&[&bytes[..32]]) != bytes[32..] {
            return Err(BadHeader::Damaged);
        }
        let mut prefix = [0; 24];
        prefix.copy_from_slice(&bytes[..24]);
        let mut payload_sum = Sum::default();
        payload_sum.copy_from_slice(&bytes[24..32]);
        let header = Header {
            sequence: u64::from(number(8)) | u64::from(number(12)) << 32,
            payload_bytes: number(16),
            body_bytes: number(20),
            payload_sum,
            prefix,
        };
        if header.body_bytes as usize > MAX_BODY_BYTES {
            return Err(BadHeader::Damaged);
        }
        Ok(header)
    }

    /// Header and zstd frame together.
    pub(super) fn frame_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.payload_bytes)
    }

    /// Whether `payload` is the zstd frame that was written with this header.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_bytes as usize && sum(&[&self.prefix, payload]) == self.payload_sum
    }

    /// The record in `payload`.
    pub(super) fn unpack(&self, payload: &[u8]) -> io::Result<Vec<u8>> {
        let expected = self.body_bytes as usize;
        let body = Decompressor::new()?.decompress(payload, expected)?;
        if body.len() != expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the record is shorter than its header says"));
        }
        Ok(body)
    }
}

/// A record as it is written.
pub(super) fn pack(sequence: u64, body: &[u8]) -> Result<Vec<u8>, JournalError> {
    let body_bytes = u32::try_from(body.len()).ok().filter(|bytes| *bytes as usize <= MAX_BODY_BYTES);
    let too_long = || JournalError::TooLong { bytes: body.len(), limit_bytes: MAX_BODY_BYTES };
    let body_bytes = body_bytes.ok_or_else(too_long)?;
    let mut frame = vec![0; HEADER_BYTES + compress_bound(body.len())];
    let packed = Compressor::new(LEVEL).and_then(|mut zstd| zstd.compress_to_buffer(body, &mut frame[HEADER_BYTES..]));
    let payload_bytes = packed.map_err(JournalError::Compress)?;
    frame.truncate(HEADER_BYTES + payload_bytes);
    let payload_bytes = u32::try_from(payload_bytes).map_err(|_| too_long())?;

    let (header, payload) = frame.split_at_mut(HEADER_BYTES);
    header[..4].copy_from_slice(&MAGIC);
    header[4..8].copy_from_slice(&VERSION.to_le_bytes());
    header[8..16].copy_from_slice(&sequence.to_le_bytes());
    header[16..20].copy_from_slice(&payload_bytes.to_le_bytes());
    header[20..24].copy_from_slice(&body_bytes.to_le_bytes());
    let payload_sum = sum(&[&header[..24], payload]);
    header[24..32].copy_from_slice(&payload_sum);
    let header_sum = sum(&[&header[..32]]);
    header[32..].copy_from_slice(&header_sum);
    Ok(frame)
}

/// Against accidents, not against people: who can write here can write sums too.
fn sum(parts: &[&[u8]]) -> Sum {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut sum = Sum::default();
    sum.copy_from_slice(&hash.finalize()[..8]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(frame: &[u8]) -> (&[u8; HEADER_BYTES], &[u8]) {
        frame.split_first_chunk().unwrap()
    }

    #[test]
    fn a_record_comes_back() {
        for body in [&b""[..], b"x", &[7; 100_000]] {
            let frame = pack(3, body).unwrap();
            let (header, payload) = split(&frame);
            let header = Header::parse(header).unwrap();
            assert_eq!((header.sequence, header.frame_bytes()), (3, frame.len() as u64));
            assert!(header.fits(payload));
            assert_eq!(header.unpack(payload).unwrap(), body);
        }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let frame = pack(1 << 40, b"twice the same, twice the same").unwrap();
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (header, payload) = split(&damaged);
            let sound = Header::parse(header).is_ok_and(|header| header.fits(payload));
            assert!(!sound, "bit {bit}");
        }
    }

    #[test]
    fn a_later_version_is_told_from_damage() {
        let mut frame = pack(1, b"x").unwrap();
        frame[4] = 2;
        assert_eq!(Header::parse(split(&frame).0), Err(BadHeader::Newer(2)));
        frame[4] = 0;
        assert_eq!(Header::parse(split(&frame).0), Err(BadHeader::Damaged));
    }

    #[test]
    fn a_payload_longer_than_its_header_says_is_refused() {
        let frame = pack(1, &[0; 1000]).unwrap();
        let (header, payload) = split(&frame);
        let header = Header { body_bytes: 999, ..Header::parse(header).unwrap() };
        assert!(header.unpack(payload).is_err());
        assert!(Header { body_bytes: 1001, ..header }.unpack(payload).is_err());
    }
}
