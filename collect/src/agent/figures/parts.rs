//! Rows of several datagrams, put together. One row a peer at a time; what does not become whole in time is lost, and only that row.

use std::collections::HashMap;
use std::time::Duration;

use verwalter_core::ids::NodeId;

use super::counts::Cause;
use super::message::Head;

/// How long the parts of one row may be on their way: they leave together, so that a later one was lost.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);
/// Most bytes of rows that are not whole yet. A peer of a leader of 10,000 has at most a few datagrams; above 100 of the largest rows at once.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Rows under way, by peer.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    rows: HashMap<NodeId, Partial>,
    bytes: usize,
}

#[derive(Debug)]
struct Partial {
    head: Head,
    since: Duration,
    parts: Vec<Option<Vec<u8>>>,
    missing: usize,
    bytes: usize,
}

impl Parts {
    /// Takes in a part of a row of `from`; the row, once it is whole.
    pub(crate) fn add(&mut self, now: Duration, from: NodeId, head: Head, part: u8, bytes: &[u8]) -> Result<Option<Vec<u8>>, Cause> {
        if let Some(partial) = self.rows.get(&from) {
            if partial.head.seq > head.seq {
                return Err(Cause::Old);
            }
            if partial.head.seq == head.seq && partial.head != head {
                return Err(Cause::Malformed);
            }
            if partial.head.seq < head.seq {
                // The newer one is worth more.
                self.forget(from);
            }
        }
        if head.parts == 1 {
            return Ok(Some(bytes.to_vec()));
        }
        if self.bytes + bytes.len() > MAX_BYTES {
            return Err(Cause::Crowded);
        }
        let count = usize::from(head.parts);
        let new = || Partial { head, since: now, parts: vec![None; count], missing: count, bytes: 0 };
        let partial = self.rows.entry(from).or_insert_with(new);
        // The part's number is below the head's count, see `Told::read`.
        match partial.parts.get_mut(usize::from(part)) {
            Some(place @ None) => *place = Some(bytes.to_vec()),
            _ => return Err(Cause::Old),
        }
        partial.missing -= 1;
        partial.bytes += bytes.len();
        self.bytes += bytes.len();
        if partial.missing > 0 {
            return Ok(None);
        }
        let whole = self.forget(from).map(|partial| partial.parts.into_iter().flatten().flatten().collect());
        Ok(whole)
    }

    /// Drops what is overdue, and returns how many rows that was.
    pub(crate) fn expire(&mut self, now: Duration) -> usize {
        let overdue = |partial: &Partial| now.saturating_sub(partial.since) > DEADLINE;
        let gone: Vec<NodeId> = self.rows.iter().filter(|(_, partial)| overdue(partial)).map(|(id, _)| *id).collect();
        gone.iter().for_each(|id| drop(self.forget(*id)));
        gone.len()
    }

    /// Drops what is there of `from`.
    pub(crate) fn drop_of(&mut self, from: NodeId) {
        self.forget(from);
    }

    fn forget(&mut self, from: NodeId) -> Option<Partial> {
        let partial = self.rows.remove(&from)?;
        self.bytes -= partial.bytes;
        Some(partial)
    }
}

#[cfg(test)]
mod tests;
