//! Who wants to be told this node's figures, and which: without I/O or a clock. Bounded in askers and sets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use verwalter_core::digest::Digest;
use verwalter_core::ids::NodeId;

use super::counts::Cause;
use super::message::Ask;
use super::{MAX_ASKERS, MAX_SETS};
use crate::agent::identity::Identity;
use crate::query::QuerySet;

/// Longest time for which an asker may be told without asking again.
const MAX_TTL: Duration = Duration::from_secs(60);

/// What becomes of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The set is known: rows go, the first one at once where the wish is new.
    Known,
    /// The set is not known: the asker is to send its rules.
    Unknown,
    /// There are as many askers or sets as may be.
    Full,
    /// It was the last wish.
    Ended,
}

/// Why somebody may be told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// The machine was read.
    Reading,
    /// Somebody asked, or brought rules: whoever was never told need not wait for the next reading.
    Wish,
}

/// What is to be told now.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) queries: Arc<QuerySet>,
    pub(crate) to: Vec<Identity>,
    pub(crate) seq: u32,
}

/// The askers and their sets.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    askers: BTreeMap<NodeId, Asker>,
    sets: Vec<Arc<QuerySet>>,
    seq: u32,
}

#[derive(Debug)]
struct Asker {
    who: Identity,
    digest: Digest,
    interval: Duration,
    until: Duration,
    turn: u64,
    told: Option<Duration>,
}

impl Teller {
    /// The member `who` wants something.
    pub(crate) fn ask(&mut self, now: Duration, who: Identity, ask: &Ask) -> Result<Asked, Cause> {
        self.expire(now);
        let Ask { turn, interval_ms, ttl_s, digest } = *ask;
        let former = self.askers.get(&who.id);
        // A later life counts its turns anew.
        if former.is_some_and(|former| (former.who.generation, former.turn) >= (who.generation, turn)) {
            return Err(Cause::Old);
        }
        if ttl_s == 0 {
            self.askers.remove(&who.id);
            return Ok(Asked::Ended);
        }
        if former.is_none() && self.askers.len() >= MAX_ASKERS {
            return Ok(Asked::Full);
        }
        let told = former.filter(|former| former.who == who && former.digest == digest).and_then(|former| former.told);
        let until = now + Duration::from_secs(ttl_s.into()).min(MAX_TTL);
        self.askers.insert(who.id, Asker { who, digest, interval: Duration::from_millis(interval_ms.into()), until, turn, told });
        if self.sets.iter().any(|set| set.digest() == digest) {
            return Ok(Asked::Known);
        }
        Ok(if self.has_room() { Asked::Unknown } else { Asked::Full })
    }

    /// Whether the rules of `digest` are wanted: nobody fills the memory with sets that no asker waits for.
    pub(crate) fn awaits(&mut self, now: Duration, digest: Digest) -> bool {
        self.expire(now);
        self.askers.values().any(|asker| asker.digest == digest) && (self.knows(digest) || self.has_room())
    }

    /// Whether they are known.
    pub(crate) fn knows(&self, digest: Digest) -> bool {
        self.sets.iter().any(|set| set.digest() == digest)
    }

    /// Takes a set in use; whether there was room.
    pub(crate) fn adopt(&mut self, set: Arc<QuerySet>) -> bool {
        if self.knows(set.digest()) {
            return true;
        }
        if !self.has_room() {
            return false;
        }
        self.make_room();
        self.sets.push(set);
        true
    }

    /// Who is to be told what now; they count as told.
    pub(crate) fn due(&mut self, now: Duration, occasion: Occasion) -> Vec<Due> {
        self.expire(now);
        let mut due = Vec::new();
        for set in &self.sets {
            let mut to = Vec::new();
            for asker in self.askers.values_mut().filter(|asker| asker.digest == set.digest()) {
                // A reading that is a little early must not be left out.
                let again = |told| occasion == Occasion::Reading && now.saturating_sub(told) >= asker.interval * 3 / 4;
                if asker.told.is_none_or(again) {
                    asker.told = Some(now);
                    to.push(asker.who);
                }
            }
            if !to.is_empty() {
                self.seq = self.seq.wrapping_add(1);
                due.push(Due { queries: set.clone(), to, seq: self.seq });
            }
        }
        due
    }

    /// Whether anybody waits.
    pub(crate) fn is_asked(&self) -> bool {
        !self.askers.is_empty()
    }

    fn expire(&mut self, now: Duration) {
        self.askers.retain(|_, asker| asker.until > now);
    }

    fn used(&self, set: &QuerySet) -> bool {
        self.askers.values().any(|asker| asker.digest == set.digest())
    }

    fn has_room(&self) -> bool {
        self.sets.len() < MAX_SETS || self.sets.iter().any(|set| !self.used(set))
    }

    /// The set that nobody uses and that came first goes; a set that is asked again soon was worth keeping.
    fn make_room(&mut self) {
        if self.sets.len() >= MAX_SETS
            && let Some(place) = self.sets.iter().position(|set| !self.used(set))
        {
            self.sets.remove(place);
        }
    }
}

#[cfg(test)]
mod tests;
