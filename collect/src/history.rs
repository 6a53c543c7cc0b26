//! The last hour of this machine's samples by label set, and what queries say of them.
//!
//! It never reads a clock: moments are durations since the collector's start, so that a step of the wall clock bends no rate.
//!
//! All series stand on shared moments. Values are kept coded in blocks, about one byte each, and decoded where a window reaches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use verwalter_core::digest::Digest;
use verwalter_core::metrics::MetricRule;

use crate::query::evaluate::Asked;
use crate::query::plan::Plan;
use crate::query::{self, QuerySet, SeriesView};
use crate::series::{Labels, MAX_SERIES, Sample, SampleKind};
use crate::source::Row;

mod bits;
mod codec;
mod track;

use track::Track;

/// How far back samples are kept.
pub const HORIZON: Duration = Duration::from_secs(3_600);
/// Most moments that are kept: [`HORIZON`] at a sample every 2 s. A shorter interval keeps a shorter past.
pub const MAX_MOMENTS: usize = 1_800;
/// A newest sample older than this many intervals says nothing about now.
const STALE_INTERVALS: u32 = 3;
/// When there is no room for a new series, those silent for this many moments go first: removed interfaces, ended containers.
const SILENT_MOMENTS: usize = 3;
/// Sets of queries whose series are remembered: those that others ask, see [`MAX_SETS`](crate::agent::figures::MAX_SETS), and the own node's.
const MAX_PLANS: usize = crate::agent::figures::MAX_SETS + 1;

/// All series, on shared moments. Moments are numbered from 0 on; `first` is the number of the oldest that is kept.
#[derive(Debug, Clone)]
pub struct History {
    interval: Duration,
    first: usize,
    moments: VecDeque<Duration>,
    index: BTreeMap<Arc<Labels>, u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    changes: u64,
    /// The newest used last.
    plans: Vec<Prepared>,
}

/// A series at its place.
#[derive(Debug, Clone)]
struct Slot {
    /// Unique, so that a place that was given to another series is told.
    birth: u64,
    labels: Arc<Labels>,
    kind: SampleKind,
    track: Track,
}

/// The series that a set of queries matches.
#[derive(Debug, Clone)]
struct Prepared {
    digest: Digest,
    plan: Plan,
    /// The births of the series that it knows, by slot, 0 where there is none, and [`History::changes`] at that time.
    known: Vec<u64>,
    changes: u64,
}

/// One series of a [`History`].
#[derive(Debug, Clone, Copy)]
pub struct KeptSeries<'a> {
    slot: &'a Slot,
    history: &'a History,
}

impl SeriesView for KeptSeries<'_> {
    fn labels(&self) -> &Labels {
        &self.slot.labels
    }

    fn kind(&self) -> SampleKind {
        self.slot.kind
    }

    fn newest_first(&self) -> impl Iterator<Item = (Duration, f64)> {
        let History { first, moments, .. } = self.history;
        // What is before `first` shares a block with a moment that is kept.
        let kept = self.slot.track.backwards().take_while(move |(moment, _)| moment >= first);
        kept.map(move |(moment, value)| (moments[moment - first], value))
    }
}

impl History {
    /// An empty history of samples that are `interval` apart.
    pub fn new(interval: Duration) -> History {
        History {
            interval,
            first: 0,
            moments: VecDeque::new(),
            index: BTreeMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            changes: 0,
            plans: Vec::new(),
        }
    }

    /// Adds the samples taken `at`, and returns how many found no room below [`MAX_SERIES`].
    ///
    /// Samples that are not finite count as missing. Of two with equal labels the first counts. A moment that is not after the newest one is
    /// ignored.
    pub fn append(&mut self, at: Duration, samples: Vec<Sample>) -> usize {
        if self.moments.back().is_some_and(|newest| at <= *newest) {
            return 0;
        }
        let moment = self.first + self.moments.len();
        self.moments.push_back(at);
        let mut made_room = false;
        let mut left_out = 0;
        for Sample { labels, kind, value } in samples {
            if !value.is_finite() {
                continue;
            }
            if let Some(slot) = self.index.get(&labels).and_then(|&number| self.slots[number as usize].as_mut()) {
                slot.track.put(moment, value);
                continue;
            }
            if self.index.len() >= MAX_SERIES && !made_room {
                made_room = true;
                self.drop_silent(|track| track.end() + SILENT_MOMENTS <= moment);
            }
            if self.index.len() >= MAX_SERIES {
                left_out += 1;
                continue;
            }
            self.insert(labels, kind, Track::new(moment, value));
        }
        self.forget(at);
        left_out
    }

    fn insert(&mut self, labels: Labels, kind: SampleKind, track: Track) {
        let labels = Arc::new(labels);
        self.changes += 1;
        let slot = Some(Slot { birth: self.changes, labels: labels.clone(), kind, track });
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).expect("there are at most 4,096 series")
            }
        };
        self.index.insert(labels, number);
    }

    fn drop_silent(&mut self, silent: impl Fn(&Track) -> bool) {
        let History { index, slots, free, changes, .. } = self;
        index.retain(|_, number| {
            let slot = &mut slots[*number as usize];
            let stays = slot.as_ref().is_some_and(|slot| !silent(&slot.track));
            if !stays {
                *slot = None;
                free.push(*number);
                *changes += 1;
            }
            stays
        });
    }

    /// What the queries of `set` say at `now`.
    ///
    /// Which series a query matches is remembered while they come and go, for the sets that were asked last.
    pub fn row(&mut self, set: &QuerySet, now: Duration) -> Row {
        let mut prepared = match self.plans.iter().position(|prepared| prepared.digest == set.digest()) {
            Some(place) => self.plans.remove(place),
            None => Prepared { digest: set.digest(), plan: Plan::new(set), known: Vec::new(), changes: 0 },
        };
        self.refresh(&mut prepared, set);
        let series = |number: u32| KeptSeries { slot: self.slot(number), history: self };
        let row = prepared.plan.row(set, series, self.asked(now));
        self.plans.push(prepared);
        if self.plans.len() > MAX_PLANS {
            self.plans.remove(0);
        }
        row
    }

    fn refresh(&self, prepared: &mut Prepared, set: &QuerySet) {
        if prepared.changes == self.changes {
            return;
        }
        prepared.changes = self.changes;
        prepared.known.resize(self.slots.len(), 0);
        let births = || self.slots.iter().map(|slot| slot.as_ref().map_or(0, |slot| slot.birth));
        let gone: Vec<bool> = births().zip(&prepared.known).map(|(birth, &known)| known != 0 && known != birth).collect();
        if gone.contains(&true) {
            prepared.plan.remove(|number| gone[number as usize]);
        }
        for ((number, birth), known) in (0..).zip(births()).zip(&mut prepared.known) {
            if *known != birth {
                *known = birth;
                if birth != 0 {
                    prepared.plan.insert(set, number, &self.slot(number).labels, |other| &self.slot(other).labels);
                }
            }
        }
    }

    fn slot(&self, number: u32) -> &Slot {
        self.slots[number as usize].as_ref().expect("plans and the index name series that are there")
    }

    fn asked(&self, now: Duration) -> Asked {
        Asked { now, stale: self.interval.saturating_mul(STALE_INTERVALS) }
    }

    /// The series closest to what `rule` asks for, written for a warning that it matches nothing.
    pub fn near_misses(&self, rule: &MetricRule) -> Vec<String> {
        query::near_misses(rule, self.index.keys().map(|labels| &**labels))
    }

    /// All series, by labels.
    pub fn series(&self) -> impl Iterator<Item = KeptSeries<'_>> {
        self.index.values().map(|&number| KeptSeries { slot: self.slot(number), history: self })
    }

    /// The series with exactly these labels.
    pub fn get(&self, labels: &Labels) -> Option<KeptSeries<'_>> {
        self.index.get(labels).map(|&number| KeptSeries { slot: self.slot(number), history: self })
    }

    /// When the newest samples were taken.
    pub fn newest(&self) -> Option<Duration> {
        self.moments.back().copied()
    }

    /// Memory that the samples and their moments take, in bytes, labels aside.
    pub fn sample_bytes(&self) -> usize {
        let tracks = self.slots.iter().flatten().map(|slot| slot.track.bytes());
        tracks.sum::<usize>() + self.moments.capacity() * size_of::<Duration>()
    }

    fn forget(&mut self, now: Duration) {
        let before = self.first;
        while self.moments.len() > MAX_MOMENTS || self.moments.front().is_some_and(|oldest| now - *oldest > HORIZON) {
            self.moments.pop_front();
            self.first += 1;
        }
        if self.first == before {
            return;
        }
        let first = self.first;
        for slot in self.slots.iter_mut().flatten() {
            slot.track.forget_before(first);
        }
        if self.slots.iter().flatten().any(|slot| slot.track.end() <= first) {
            self.drop_silent(|track| track.end() <= first);
        }
    }
}

impl KeptSeries<'_> {
    /// The newest sample, however old.
    pub fn newest(&self) -> Option<(Duration, f64)> {
        self.newest_first().next()
    }

    /// The samples from `since` on, oldest first.
    pub fn samples(&self, since: Duration) -> Vec<(Duration, f64)> {
        let mut samples: Vec<_> = self.newest_first().take_while(|(at, _)| *at >= since).collect();
        samples.reverse();
        samples
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
