//! The cluster as a round sees it, kept up to date: peers, and a column for every query in force. A report changes its own row and nothing
//! else, and a [`Snapshot`] shares with the one before it whatever has not changed. It reads no clock, socket or file.
//!
//! | what | kept until |
//! |---|---|
//! | a peer's newest values | its next report says otherwise, it leaves, or the query goes; meanwhile they age |
//! | its last [`SERIES_LEN`](verwalter_core::metrics::SERIES_LEN) values of queries without `by` | as many moments have passed |
//! | its samples of queries with `take: series` | its next report |
//! | a group's column | no peer has a value in it, or [`MAX_GROUPS`](verwalter_core::metrics::MAX_GROUPS) others come before it by name |
//!
//! Memory for N peers and Q queries without `by`: 31 doubles a value, 248 × N × Q bytes; a snapshot that is held keeps 16 × N × Q bytes
//! more at most for each one that was made after it. A group's column takes 16 × N bytes, a column of `take: series` up to 1,000 × N.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Columns, MetricRule, Source};
use verwalter_core::peers::DuplicateHostname;
use verwalter_core::snapshot::{AGE, HostColumns, Snapshot};

use crate::query::QuerySet;
use crate::source::{Peers, Report, SeenPeer};

mod kept;
mod plan;
mod query;
mod slots;
mod timeline;

pub use plan::{MAX_GROUP_BYTES, Misfit};

use plan::Plan;
use query::{Query, Said};
use slots::Slots;
use timeline::Timeline;

/// How many former sets of queries are remembered for reports that are still under way. Arbitrary, above the changes that fit into the
/// deadline of one report.
const FORMER_SETS: usize = 4;

/// How long a node that does not answer is still told of. As long as the built-in agent lists it: an hour is more than a machine takes for
/// whatever it comes back from by itself, and nothing is placed on it meanwhile that was not there.
pub const KEEP_ABSENT: Duration = Duration::from_secs(60 * 60);

/// What a source is called in the names of host columns.
pub fn source_name(source: Source) -> &'static str {
    match source {
        Source::Agent => "agent",
        Source::Cantal => "cantal",
        Source::Prometheus => "prometheus",
    }
}

/// Why a report changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The peer source does not know the peer: it left, or will be known soon. Nobody's fault.
    #[error("node {0} reports figures, but is no peer: it left, or is about to join")]
    Stranger(NodeId),
    /// It answers queries that nobody remembers. Nobody's fault: the next one will follow those in force.
    #[error("the figures of node {peer} answer the queries of generation {generation}, which are no longer known")]
    Outdated {
        /// Whose.
        peer: NodeId,
        /// Which.
        generation: u64,
    },
    /// It is no answer to what was asked. The peer's agent is at fault; the peer's former values stay.
    #[error("the figures of node {peer} are no answer to what was asked: run the same version of the agent there")]
    Misfit {
        /// Whose.
        peer: NodeId,
        /// What is wrong.
        #[source]
        source: Misfit,
    },
}

/// Peers and columns, kept up to date.
#[derive(Debug)]
pub struct Cluster {
    own: Arc<SeenPeer>,
    gap: Duration,
    default: Source,
    slots: Slots,
    queries: Vec<Query>,
    /// How reports are read, by the set they answer; the one in force stands last.
    plans: Vec<Plan>,
    /// Of queries that name no source, then one a source.
    timelines: [Timeline; 4],
    newest: UnixMillis,
    answered: Option<u64>,
}

impl Cluster {
    /// The own node alone, without queries. `default` is the source of queries that name none; `interval` is the time between two reports
    /// of a peer.
    pub fn new(own: Arc<SeenPeer>, default: Source, interval: Duration) -> Cluster {
        let mut slots = Slots::default();
        slots.take_in(&own, own.known_since);
        Cluster {
            newest: own.known_since,
            own,
            // A peer that is a little early must not be taken for one that reports too often.
            gap: interval / 2,
            default,
            slots,
            queries: Vec::new(),
            plans: Vec::new(),
            timelines: std::array::from_fn(|_| Timeline::new()),
            answered: None,
        }
    }

    /// News of the own node. Its id is another one only where a machine got a new identity: its values go then.
    pub fn set_own(&mut self, own: Arc<SeenPeer>) {
        if own.id != self.own.id {
            let former = self.own.id;
            self.leave(|id| id != former);
        }
        self.slots.take_in(&own, own.known_since);
        self.own = own;
    }

    /// The other peers, all of them. Those that stay keep their values, under whatever hostname; the own node among them is passed over.
    /// Those that are not alive stand apart for [`KEEP_ABSENT`]: whoever places on the peers of a snapshot must not place on them.
    pub fn set_peers(&mut self, peers: &Peers) {
        let own = self.own.id;
        let others = || peers.peers.iter().filter(|peer| peer.id != own);
        let alive = || others().filter(|peer| peer.alive);
        let keep = u64::try_from(KEEP_ABSENT.as_millis()).unwrap_or(u64::MAX);
        let recent = |peer: &&Arc<SeenPeer>| peers.at.0.saturating_sub(peer.last_report.unwrap_or(peer.known_since).0) <= keep;
        self.slots.miss(others().filter(|peer| !peer.alive).filter(recent), peers.at);
        let ids: HashSet<NodeId> = alive().map(|peer| peer.id).chain([own]).collect();
        self.leave(|id| ids.contains(&id));
        for seen in alive() {
            self.slots.take_in(seen, peers.at);
        }
    }

    fn leave(&mut self, stays: impl Fn(NodeId) -> bool) {
        for slot in self.slots.retain(stays) {
            self.queries.iter_mut().for_each(|query| query.vacate(slot));
            self.timelines.iter_mut().for_each(|timeline| timeline.vacate(slot));
        }
    }

    /// The queries in force from now on. Columns of those that stay keep their values; new ones begin with NaN.
    pub fn set_queries(&mut self, set: &QuerySet) {
        let mut former: Vec<Query> = std::mem::take(&mut self.queries);
        for rule in set.rules() {
            let kept = former.iter().position(|query| query.rule == *rule).map(|at| former.swap_remove(at));
            self.queries.push(kept.unwrap_or_else(|| Query::new(rule.clone())));
        }
        self.plans.retain(|plan| plan.generation != set.generation);
        let excess = (self.plans.len() + 1).saturating_sub(FORMER_SETS);
        self.plans.drain(..excess);
        self.plans.iter_mut().for_each(|plan| plan.aim(&self.queries));
        self.plans.push(Plan::new(set, &self.queries));
    }

    /// Which queries are in force; `None` before there were any.
    pub fn generation(&self) -> Option<u64> {
        self.plans.last().map(|plan| plan.generation)
    }

    /// The newest set of queries that a report of the default source answered: before it is the one in force, the columns of new queries
    /// are NaN for want of an answer, not of figures.
    pub fn answered(&self) -> Option<u64> {
        self.answered
    }

    /// Queries that name no source are `default`'s from now on. What the former one said stays and ages until the new one reports.
    pub fn set_default(&mut self, default: Source) {
        self.default = default;
    }

    /// Takes in what `from` says of a peer: values of the queries that are this source's.
    ///
    /// One of an earlier set of queries counts as far as these are still in force. A report is taken in whole or not at all.
    pub fn report(&mut self, from: Source, report: &Report) -> Result<(), Refused> {
        let Report { peer, generation, taken, row } = report;
        let slot = self.slots.of(*peer).ok_or(Refused::Stranger(*peer))?;
        let plan = self.plans.iter().rev().find(|plan| plan.generation == *generation);
        let plan = plan.ok_or(Refused::Outdated { peer: *peer, generation: *generation })?;
        plan.check(report).map_err(|source| Refused::Misfit { peer: *peer, source })?;
        let mut moments = [None; 4];
        let named = (self.default == from).then_some(None);
        for source in named.into_iter().chain([Some(from)]) {
            moments[line(source)] = Some(self.timelines[line(source)].report(slot, *taken, self.gap));
        }
        for wanted in &plan.wanted {
            let query = &mut self.queries[wanted.query];
            let Some(moment) = moments[line(query.rule.source)] else { continue };
            query.take_in(&Said {
                slot,
                moment,
                value: wanted.value(row),
                groups: wanted.part_of(&row.groups, |group| group.query),
                samples: wanted.part_of(&row.samples, |samples| samples.query),
                matched: wanted.matched(row),
            });
        }
        self.newest = self.newest.max(*taken);
        if from == self.default {
            self.answered = self.answered.max(Some(*generation));
        }
        Ok(())
    }

    /// `from` has asked all peers once more.
    pub fn swept(&mut self, from: Source) {
        let default = self.default;
        let own = |query: &&mut Query| query.rule.source.unwrap_or(default) == from;
        self.queries.iter_mut().filter(own).for_each(Query::swept);
    }

    /// Peers and columns as they are known, with their ages at `now`. Columns, the table of peers and its rows are shared with former
    /// snapshots where they have not changed.
    pub fn snapshot(&mut self, now: UnixMillis) -> Snapshot {
        let moved = self.slots.settle(self.own.id);
        let order = self.slots.order().clone();
        let places = std::array::from_fn::<_, 4, _>(|line| self.timelines[line].places(&order, moved));
        let mut columns = Columns::new();
        for query in &mut self.queries {
            let places = &places[line(query.rule.source)];
            query.columns(&order, places, moved, &mut columns);
        }
        let snapshot =
            Snapshot::new(self.newest, self.slots.table().clone(), columns).expect("each column was made for this order of peers");
        snapshot.with_host_columns(self.ages(&order, now)).expect("ages were made for this order of peers")
    }

    fn ages(&self, order: &[u32], now: UnixMillis) -> HostColumns {
        let ages = |source| Arc::new(self.timelines[line(source)].ages(order, now));
        let mut columns = HostColumns::from([(AGE.to_owned(), ages(None))]);
        for source in [Source::Agent, Source::Cantal, Source::Prometheus] {
            let asked = || self.queries.iter().any(|query| query.rule.source == Some(source));
            if source == self.default || asked() || !self.timelines[line(Some(source))].is_empty() {
                columns.insert(format!("{AGE}.{}", source_name(source)), ages(Some(source)));
            }
        }
        columns
    }

    /// Nodes whose hostname another one has, as of the last snapshot: they are in none.
    pub fn clashes(&self) -> &[DuplicateHostname] {
        self.slots.clashes()
    }

    /// Queries for which no peer had a series, neither in the sweep under way nor in the one before.
    pub fn unmatched(&self) -> impl Iterator<Item = &MetricRule> {
        self.queries.iter().filter(|query| !query.is_matched()).map(|query| &query.rule)
    }

    /// Queries with more groups than columns are made of, each with one that was left out in the sweep under way or the one before.
    pub fn left_out(&self) -> impl Iterator<Item = (&MetricRule, &[String])> {
        self.queries.iter().filter_map(|query| query.left_out().map(|group| (&query.rule, &**group)))
    }

    /// How many slots there are for values of peers, free ones included.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }
}

/// The timeline of queries of this source.
fn line(source: Option<Source>) -> usize {
    match source {
        None => 0,
        Some(Source::Agent) => 1,
        Some(Source::Cantal) => 2,
        Some(Source::Prometheus) => 3,
    }
}

#[cfg(test)]
mod tests;
