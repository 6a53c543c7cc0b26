//! Whose figures are wanted, who was asked and what came of it: without I/O or a clock.
//!
//! A member is asked every interval until it answers, then every [`RENEW`]. Its rows are used in the order in which it made them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, UnixMillis};

use super::counts::Cause;
use super::members::{Facts, Members};
use super::message::{Ask, Head, Reply, Told};
use super::parts::Parts;
use super::question::Question;
use super::row::{self, Packed};
use super::{MAX_ASKERS, MAX_SETS, RENEW, TTL};
use crate::agent::identity::Identity;
use crate::query::QuerySet;
use crate::source::{About, MetricNews, Report, Wanted};

/// A peer without a row for so many intervals is told of.
const SILENT_INTERVALS: u32 = 3;
/// How long a peer whose facts could not be had is left in peace.
const FACTS_AGAIN: Duration = Duration::from_secs(10);

/// What is to be fetched or brought over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Errand {
    /// Bring the rules.
    Rules,
    /// Fetch the facts.
    Facts,
}

/// The peers and what was asked of them.
#[derive(Debug)]
pub(crate) struct Asker {
    interval: Duration,
    generation: u64,
    question: Option<Arc<Question>>,
    peers: BTreeMap<NodeId, Peer>,
    /// When to ask whom.
    due: BTreeSet<(Duration, NodeId)>,
    errands: BTreeSet<(NodeId, Errand)>,
    parts: Parts,
    facts: Facts,
    turn: u64,
}

#[derive(Debug)]
struct Peer {
    hostname: String,
    /// In which of its lives it was asked.
    who: Option<Identity>,
    due: Duration,
    asked: Option<Duration>,
    /// Since when there should be rows: the first wish, or the last row.
    since: Duration,
    fresh: bool,
    newest: Option<u32>,
    /// What names its facts, and when they may be asked for again.
    facts: u64,
    facts_after: Duration,
    reason: Option<String>,
}

impl Asker {
    pub(crate) fn new(interval: Duration) -> Asker {
        Asker {
            interval,
            generation: 0,
            question: None,
            peers: BTreeMap::new(),
            due: BTreeSet::new(),
            errands: BTreeSet::new(),
            parts: Parts::default(),
            facts: Facts::new(),
            turn: 0,
        }
    }

    /// Follows what is wanted. Returns those who need not tell any more, and whether other facts are known now.
    pub(crate) fn want(&mut self, now: Duration, wanted: &Wanted) -> (Vec<Identity>, bool) {
        self.ask_for(now, &wanted.queries);
        let mut ended = Vec::new();
        let listed: BTreeMap<NodeId, bool> = wanted.peers.peers.iter().map(|peer| (peer.id, peer.alive)).collect();
        let known = self.facts.len();
        self.facts.retain(|id, _| listed.contains_key(id));
        let gone: Vec<NodeId> = self.peers.keys().filter(|id| listed.get(id) != Some(&true)).copied().collect();
        for id in gone {
            if let Some(peer) = self.peers.remove(&id) {
                self.due.remove(&(peer.due, id));
                self.parts.drop_of(id);
                ended.extend(peer.asked.and(peer.who));
            }
        }
        self.errands.retain(|(id, _)| self.peers.contains_key(id));
        for seen in wanted.peers.peers.iter().filter(|seen| seen.alive) {
            if let Some(peer) = self.peers.get_mut(&seen.id) {
                if peer.hostname != seen.hostname.as_str() {
                    seen.hostname.as_str().clone_into(&mut peer.hostname);
                }
                continue;
            }
            let peer = Peer {
                hostname: seen.hostname.as_str().to_owned(),
                who: None,
                due: now,
                asked: None,
                since: now,
                fresh: false,
                newest: None,
                facts: 0,
                facts_after: now,
                reason: None,
            };
            self.peers.insert(seen.id, peer);
            self.due.insert((now, seen.id));
        }
        (ended, known != self.facts.len())
    }

    fn ask_for(&mut self, now: Duration, queries: &QuerySet) {
        if self.generation == queries.generation {
            return;
        }
        self.generation = queries.generation;
        let question = Arc::new(Question::new(queries));
        let same = self.question.as_ref().is_some_and(|former| former.digest == question.digest);
        self.question = Some(question);
        if same {
            return;
        }
        self.errands.retain(|(_, errand)| *errand == Errand::Facts);
        for (id, peer) in &mut self.peers {
            self.parts.drop_of(*id);
            self.due.remove(&(peer.due, *id));
            (peer.due, peer.since, peer.fresh, peer.reason) = (now, now, false, None);
            self.due.insert((now, *id));
        }
    }

    /// What is wrong with the question itself.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let left_out = self.question.as_ref().map_or(0, |question| question.left_out);
        let text = format!("{left_out} metric rules are not asked of the peers' agents: together they are too long, remove some");
        if left_out == 0 { Vec::new() } else { vec![text] }
    }

    /// A member began a new life: it knows nothing of what was asked.
    pub(crate) fn follow(&mut self, now: Duration, members: &Members) {
        for (id, peer) in &mut self.peers {
            let who = members.get(*id);
            if who.is_some() && peer.who.is_some() && who != peer.who {
                self.due.remove(&(peer.due, *id));
                (peer.due, peer.fresh, peer.newest) = (now, false, None);
                self.due.insert((now, *id));
                self.parts.drop_of(*id);
            }
            if who.is_some() && peer.who.is_none() {
                self.due.remove(&(peer.due, *id));
                peer.due = now;
                self.due.insert((now, *id));
            }
            peer.who = who.or(peer.who);
        }
    }

    /// When somebody is to be asked next; `None`: nobody.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.question.as_ref()?;
        self.due.first().map(|(due, _)| *due)
    }

    /// Whom to ask now, and what, at most `most`.
    pub(crate) fn ask(&mut self, now: Duration, members: &Members, most: usize) -> Vec<(Identity, Ask)> {
        let Some(question) = self.question.clone() else { return Vec::new() };
        let mut asks = Vec::new();
        while asks.len() < most
            && let Some((_, id)) = self.due.first().filter(|(due, _)| *due <= now).copied()
        {
            self.due.pop_first();
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            peer.due = now + if peer.fresh { RENEW } else { self.interval };
            self.due.insert((peer.due, id));
            peer.who = members.get(id);
            let Some(who) = peer.who else { continue };
            peer.asked = Some(now);
            self.turn += 1;
            asks.push((who, wish(self.turn, self.interval, &question, TTL)));
        }
        asks
    }

    /// The wish to hear no more.
    pub(crate) fn farewell(&mut self) -> Ask {
        self.turn += 1;
        // Who asked counts, not for what.
        Ask { turn: self.turn, interval_ms: 0, ttl_s: 0, digest: Digest::of(b"") }
    }

    /// Everybody who was asked and may still tell.
    pub(crate) fn asked(&self) -> Vec<Identity> {
        self.peers.values().filter_map(|peer| peer.asked.and(peer.who)).collect()
    }

    /// The member `from` told something; its news. `unix` is the wall clock's `now`.
    pub(crate) fn hear(&mut self, now: Duration, unix: UnixMillis, from: &Identity, told: Told<'_>) -> Result<Vec<MetricNews>, Cause> {
        let question = self.question.clone().ok_or(Cause::Set)?;
        let peer = self.peers.get_mut(&from.id).ok_or(Cause::Stranger)?;
        match told {
            Told::Unknown(digest) | Told::Full(digest) if digest != question.digest => Err(Cause::Set),
            Told::Unknown(_) => {
                self.errands.insert((from.id, Errand::Rules));
                Ok(Vec::new())
            }
            Told::Full(_) => {
                let reason = format!(
                    "it tells {MAX_ASKERS} others already, or {MAX_SETS} other sets of queries: use the same plugins and metrics on all nodes"
                );
                peer.reason = Some(reason);
                Ok(Vec::new())
            }
            Told::Part { head, .. } if head.digest != question.digest => Err(Cause::Set),
            Told::Part { head, .. } if peer.newest.is_some_and(|newest| head.seq <= newest) => Err(Cause::Old),
            Told::Part { head, part, bytes } => {
                let Some(whole) = self.parts.add(now, from.id, head, part, bytes)? else { return Ok(Vec::new()) };
                self.take_row(now, unix, from.id, head, &whole, &question)
            }
        }
    }

    fn take_row(
        &mut self,
        now: Duration,
        unix: UnixMillis,
        from: NodeId,
        head: Head,
        bytes: &[u8],
        question: &Question,
    ) -> Result<Vec<MetricNews>, Cause> {
        let peer = self.peers.get_mut(&from).ok_or(Cause::Stranger)?;
        let read = row::read(bytes).and_then(|Packed { row, cut }| Ok((question.place(row)?, cut)));
        let (row, cut) = read.map_err(|malformed| {
            peer.reason = Some(format!("what it tells {malformed}: see whether it runs this version of verwalter"));
            Cause::Malformed
        })?;
        peer.newest = Some(head.seq);
        (peer.since, peer.reason) = (now, None);
        if !peer.fresh {
            // It was asked in vain until now; from here on it is enough to renew the wish.
            peer.fresh = true;
            self.due.remove(&(peer.due, from));
            peer.due = peer.asked.unwrap_or(now) + RENEW;
            self.due.insert((peer.due, from));
        }
        if head.facts != 0 && head.facts != peer.facts && now >= peer.facts_after {
            peer.facts_after = now + FACTS_AGAIN;
            self.errands.insert((from, Errand::Facts));
        }
        let taken = UnixMillis(unix.0.saturating_sub(head.age_ms.into()));
        let mut news = vec![MetricNews::Report(Report { peer: from, generation: self.generation, taken, row })];
        if cut > 0 {
            let hostname = &peer.hostname;
            let reason = format!("{hostname} has {cut} columns of samples more than a row has room for: ask for fewer `take: series`");
            news.push(MetricNews::Trouble { peer: from, reason });
        }
        Ok(news)
    }

    /// The next errand: to whom, what, and the rules where they are to be brought.
    pub(crate) fn errand(&mut self) -> Option<(Identity, Errand, Arc<Question>)> {
        let question = self.question.clone()?;
        while let Some((id, errand)) = self.errands.pop_first() {
            if let Some(who) = self.peers.get(&id).and_then(|peer| peer.who) {
                return Some((who, errand, question));
            }
        }
        None
    }

    /// An errand to the member `id` ended; whether other facts are known now.
    pub(crate) fn returned(&mut self, now: Duration, id: NodeId, outcome: Result<Reply<'_>, String>) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        match outcome {
            // It tells by itself now.
            Ok(Reply::Adopted) => false,
            Ok(Reply::Facts { version, json }) => {
                let Ok(about) = serde_json::from_slice::<About>(json) else {
                    peer.reason = Some("what it says of itself cannot be read: run the same version of verwalter there".to_owned());
                    return false;
                };
                peer.facts = version;
                peer.facts_after = now;
                self.note_facts(id, about)
            }
            Ok(Reply::Refused(reason)) => {
                peer.reason = Some(format!("it refuses: {}", reason.chars().take(200).collect::<String>()));
                false
            }
            Err(reason) => {
                peer.reason = Some(reason);
                false
            }
        }
    }

    fn note_facts(&mut self, id: NodeId, about: About) -> bool {
        if self.facts.get(&id) == Some(&about) {
            return false;
        }
        self.facts.insert(id, about);
        true
    }

    /// What members say of themselves.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Another interval has passed: who is silent; and how many rows were lost on their way.
    pub(crate) fn sweep(&mut self, now: Duration, members: &Members) -> (Vec<MetricNews>, usize) {
        let lost = self.parts.expire(now);
        if self.question.is_none() {
            return (Vec::new(), lost);
        }
        let patience = self.interval.saturating_mul(SILENT_INTERVALS);
        let mut news = Vec::new();
        for (id, peer) in &mut self.peers {
            let silent = now.saturating_sub(peer.since);
            if silent < patience {
                continue;
            }
            if peer.fresh {
                // It may have forgotten: from here on it is asked every interval again.
                peer.fresh = false;
                self.due.remove(&(peer.due, *id));
                peer.due = now;
                self.due.insert((now, *id));
            }
            let reason = match (&peer.reason, members.get(*id)) {
                (_, None) => "the built-in agent does not hold it for a member: see whether one runs there, in the same cluster",
                (Some(reason), _) => reason,
                (None, _) => "it was asked and does not answer: see whether UDP from it arrives here, and its log",
            };
            let hostname = &peer.hostname;
            // Without a number of seconds: a text that changes is logged again.
            let reason = format!("no figures from {hostname}: {reason}");
            news.push(MetricNews::Trouble { peer: *id, reason });
        }
        (news, lost)
    }
}

fn wish(turn: u64, interval: Duration, question: &Question, ttl: Duration) -> Ask {
    Ask {
        turn,
        interval_ms: u32::try_from(interval.as_millis()).unwrap_or(u32::MAX),
        ttl_s: u16::try_from(ttl.as_secs()).unwrap_or(u16::MAX),
        digest: question.digest,
    }
}

#[cfg(test)]
mod tests;
