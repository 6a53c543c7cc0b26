//! What daemon and child say to each other: frames of a header in JSON and a body of bytes, both of known and limited length. It reads
//! and writes what it is given, and waits for nothing.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use crate::files::{Change, ChangeKind, Entry, Identified, Staged, Undone, Write as WriteFile};
use crate::{Applied, ApplyError};

/// The version of what is said here. Both sides are one program, unless it was replaced while it ran.
pub(super) const VERSION: u32 = 1;
/// Largest header: all entries of the largest role, with paths of ordinary length.
pub(super) const MAX_HEADER_BYTES: usize = 32 << 20;
/// Largest body: all bytes of the largest role.
pub(super) const MAX_BODY_BYTES: usize = 64 << 20;

/// The first thing that the daemon says: where the child may work.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setup {
    pub(super) version: u32,
    pub(super) output: PathBuf,
    pub(super) writes: Vec<PathBuf>,
}

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Request {
    /// The bytes of all files are the body.
    Stage {
        role: RoleName,
        changes: Vec<WireChange>,
    },
    /// Likewise.
    Preview {
        role: RoleName,
        changes: Vec<WireChange>,
    },
    Swap {
        entries: Vec<Entry>,
    },
    Undo {
        entries: Vec<Entry>,
    },
    Finish {
        entries: Vec<Entry>,
    },
    Former {
        role: RoleName,
        file: crate::files::StagedFile,
        limit: u64,
    },
    Identify {
        role: RoleName,
        dests: Vec<String>,
        known: Vec<PathBuf>,
    },
    Sweep,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Reply {
    Staged(Staged),
    Previewed(Vec<crate::files::StagedFile>),
    Swapped(Applied),
    Undone(Undone),
    Finished,
    /// The bytes are the body.
    Former(Option<WireFormer>),
    Identified(Vec<Identified>),
    Swept(usize),
    Refused(ApplyError),
}

/// A change without its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireChange {
    dest: String,
    template: String,
    kind: WireKind,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum WireKind {
    Write { len: usize, mode: u32, owner: Option<String>, group: Option<String>, backups: u8 },
    Remove { owned: Digest },
}

/// A former file without its bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireFormer {
    pub(super) len: u64,
    pub(super) mode: u32,
}

/// Takes the changes and their bytes apart.
pub(super) fn part(changes: &[Change]) -> (Vec<WireChange>, Vec<u8>) {
    let mut body = Vec::new();
    let parted = changes.iter().map(|change| {
        let kind = match &change.kind {
            ChangeKind::Write(write) => {
                body.extend_from_slice(&write.bytes);
                let WriteFile { bytes, mode, owner, group, backups } = write;
                WireKind::Write { len: bytes.len(), mode: *mode, owner: owner.clone(), group: group.clone(), backups: *backups }
            }
            ChangeKind::Remove { owned } => WireKind::Remove { owned: *owned },
        };
        WireChange { dest: change.dest.clone(), template: change.template.clone(), kind }
    });
    let parted = parted.collect();
    (parted, body)
}

/// Joins them again. None when the lengths are not those of the body.
pub(super) fn join(changes: Vec<WireChange>, mut body: &[u8]) -> Option<Vec<Change>> {
    let mut joined = Vec::with_capacity(changes.len());
    for WireChange { dest, template, kind } in changes {
        let kind = match kind {
            WireKind::Write { len, mode, owner, group, backups } => {
                let (bytes, rest) = body.split_at_checked(len)?;
                body = rest;
                ChangeKind::Write(WriteFile { bytes: bytes.to_vec(), mode, owner, group, backups })
            }
            WireKind::Remove { owned } => ChangeKind::Remove { owned },
        };
        joined.push(Change { dest, template, kind });
    }
    body.is_empty().then_some(joined)
}

/// Writes one frame: the lengths of header and body as 32 bits each, most significant first, then both.
pub(super) fn write_frame(to: &mut dyn Write, header: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length = |len: usize, limit: usize| {
        let length = u32::try_from(len).ok().filter(|_| len <= limit);
        length.ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "it is more than daemon and child say at once"))
    };
    let (header_length, body_length) = (length(header.len(), MAX_HEADER_BYTES)?, length(body.len(), MAX_BODY_BYTES)?);
    to.write_all(&header_length.to_be_bytes())?;
    to.write_all(&body_length.to_be_bytes())?;
    to.write_all(&header)?;
    to.write_all(body)?;
    to.flush()
}

/// Reads one frame. None at the end of the input.
pub(super) fn read_frame<H: DeserializeOwned>(from: &mut dyn Read) -> io::Result<Option<(H, Vec<u8>)>> {
    let mut first = [0];
    if from.read(&mut first)? == 0 {
        return Ok(None);
    }
    let mut rest = [0; 7];
    from.read_exact(&mut rest)?;
    let header_length = u32::from_be_bytes([first[0], rest[0], rest[1], rest[2]]) as usize;
    let body_length = u32::from_be_bytes([rest[3], rest[4], rest[5], rest[6]]) as usize;
    if header_length > MAX_HEADER_BYTES || body_length > MAX_BODY_BYTES {
        return Err(malformed("a frame is too long"));
    }
    let header = read_part(from, header_length)?;
    let body = read_part(from, body_length)?;
    Ok(Some((serde_json::from_slice(&header)?, body)))
}

pub(super) fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Memory grows with what comes, not with what was announced.
fn read_part(from: &mut dyn Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
