//! Removes what is old and what is too much. It keeps the newest file of the index, of the deployments and of each role that is present, and touches
//! nothing that the log does not name so itself.

use std::collections::BTreeSet;
use std::io;
use std::time::UNIX_EPOCH;

use cap_std::fs::Dir;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use super::place::{self, Stream};
use super::{DeploymentLog, LogError, Shared};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// How many files.
    pub files: usize,
    /// Of how many bytes together.
    pub bytes: u64,
}

/// A file that might go.
struct Candidate {
    /// Needed by nobody, needed less than others, or not to be removed.
    rank: Rank,
    segment: String,
    stream: usize,
    bytes: u64,
    /// When the last of what it holds had happened.
    ended: Option<UnixMillis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Followed by a newer one.
    Followed,
    /// The newest of a role that is gone.
    Gone,
    /// The newest of what goes on.
    Newest,
}

impl DeploymentLog {
    /// Removes files that were followed by newer ones longer ago than the age limit, logs of roles that are not among `present` and were not written
    /// for that long, and the oldest files as long as all together are larger than the size limit. Call it now and then: once a day is enough, and
    /// after deployments does no harm.
    ///
    /// # Errors
    /// When a directory cannot be read or a file cannot be removed. The others are gone all the same.
    pub fn prune(&self, present: &BTreeSet<RoleName>, now: UnixMillis) -> Result<Pruned, LogError> {
        let shared = &*self.shared;
        prune(shared, present, now).map_err(|source| LogError::Io { path: shared.path.clone(), did: "pruned", source })
    }
}

fn prune(shared: &Shared, present: &BTreeSet<RoleName>, now: UnixMillis) -> io::Result<Pruned> {
    let root = place::open_root(&shared.path)?;
    let mut streams = Vec::new();
    let mut candidates = Vec::new();
    for stream in find(&root)? {
        let gone = matches!(&stream, Stream::Role(role) if !present.contains(role));
        match place::open_directory(&root, stream.directory()) {
            Ok(dir) => {
                look(&stream, &dir, streams.len(), gone, &mut candidates)?;
                streams.push((stream, dir));
            }
            // Not a directory, or not there: not the log's.
            Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(err) => return Err(err),
        }
    }
    candidates.sort_by(|one, other| (one.rank, &one.segment).cmp(&(other.rank, &other.segment)));
    let mut total: u64 = candidates.iter().map(|candidate| candidate.bytes).sum();
    let age = u64::try_from(shared.limits.max_age.as_millis()).unwrap_or(u64::MAX);
    let mut pruned = Pruned::default();
    let mut failure = None;
    for candidate in candidates.iter().filter(|candidate| candidate.rank != Rank::Newest) {
        let old = candidate.ended.is_some_and(|ended| ended.0.saturating_add(age) <= now.0);
        if !old && total <= shared.limits.total_bytes {
            continue;
        }
        let (stream, dir) = &streams[candidate.stream];
        match dir.remove_file(stream.file(&candidate.segment)) {
            Ok(()) => {
                total -= candidate.bytes;
                pruned.files += 1;
                pruned.bytes += candidate.bytes;
            }
            Err(err) => failure = Some(err),
        }
        if candidate.rank == Rank::Gone {
            // Something else may lie in it, which stays.
            let _ = place::remove_directory(&root, stream.directory(), dir);
        }
    }
    failure.map_or(Ok(pruned), Err)
}

/// The streams that have a directory.
fn find(root: &Dir) -> io::Result<Vec<Stream>> {
    let mut streams = vec![Stream::Index, Stream::Global, Stream::Changes];
    for entry in root.entries()? {
        let name = entry?.file_name();
        streams.extend(name.to_str().and_then(|name| RoleName::new(name).ok()).map(Stream::Role));
    }
    Ok(streams)
}

fn look(stream: &Stream, dir: &Dir, at: usize, gone: bool, candidates: &mut Vec<Candidate>) -> io::Result<()> {
    let segments: Vec<String> = stream.segments(dir)?.into_iter().collect();
    for (index, segment) in segments.iter().enumerate() {
        let meta = match dir.symlink_metadata(stream.file(segment)) {
            Ok(meta) if meta.is_file() => meta,
            // Not the log's, or gone meanwhile.
            _ => continue,
        };
        let next = segments.get(index + 1).map(|next| place::begun(next));
        let written = meta.modified()?.into_std().duration_since(UNIX_EPOCH).unwrap_or_default();
        let written = UnixMillis(u64::try_from(written.as_millis()).unwrap_or(u64::MAX));
        let (rank, ended) = match next {
            Some(next) => (Rank::Followed, Some(next)),
            None if gone => (Rank::Gone, Some(written.max(place::begun(segment)))),
            None => (Rank::Newest, None),
        };
        candidates.push(Candidate { rank, segment: segment.clone(), stream: at, bytes: meta.len(), ended });
    }
    Ok(())
}
