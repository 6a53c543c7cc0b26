//! The last samples of a made-up cluster, in one piece of memory, for evaluating queries where all samples are. It evaluates nothing itself.

use std::sync::Arc;
use std::time::Duration;

use verwalter_core::ids::UnixMillis;

use super::{BEGIN, Cluster, Metric, Step};
use crate::query::SeriesView;
use crate::series::{Labels, SampleKind};

/// The last samples of every series of every peer.
///
/// Those of one peer lie side by side, a moment's samples together: a report is written in one go, and a peer's queries read what the
/// processor has near already.
#[derive(Debug, Clone)]
pub struct Recent {
    metrics: Arc<[Metric]>,
    depth: usize,
    peers: Vec<Ring>,
    /// By peer, place in the ring and metric.
    values: Vec<f64>,
    /// By peer and place in the ring.
    times: Vec<Duration>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Ring {
    /// The place of the next report.
    next: usize,
    len: usize,
}

impl Recent {
    /// Room for `depth` samples of each series of `cluster`.
    pub fn new(cluster: &Cluster, depth: usize) -> Recent {
        Recent::of(cluster.metrics().into(), cluster.peers().peers.len(), depth)
    }

    /// The same for so many peers.
    pub(super) fn of(all: Arc<[Metric]>, peers: usize, depth: usize) -> Recent {
        let (metrics, depth) = (all.len(), depth.max(1));
        Recent {
            metrics: all,
            depth,
            peers: vec![Ring::default(); peers],
            values: vec![f64::NAN; peers * depth * metrics],
            times: vec![Duration::ZERO; peers * depth],
        }
    }

    /// Takes in what one peer reported at `step`, if it did.
    pub fn take_in(&mut self, step: &Step, peer: usize) {
        if let Some(row) = step.row(peer) {
            self.put(since_begin(step.at), peer, row);
        }
    }

    /// Takes in the samples of all series of one peer.
    pub(super) fn put(&mut self, at: Duration, peer: usize, row: &[f64]) {
        let Some(ring) = self.peers.get_mut(peer) else { return };
        let place = peer * self.depth + ring.next;
        self.times[place] = at;
        self.values[place * self.metrics.len()..(place + 1) * self.metrics.len()].copy_from_slice(row);
        ring.next = (ring.next + 1) % self.depth;
        ring.len = (ring.len + 1).min(self.depth);
    }

    /// One series of one peer; both must be the cluster's.
    pub fn view(&self, peer: usize, metric: usize) -> View<'_> {
        View { recent: self, peer, metric }
    }

    /// How much memory the samples take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.values) + size_of_val(&*self.times) + size_of_val(&*self.peers)
    }
}

/// A step's time on the clock of [`View`]'s samples.
pub(super) fn since_begin(step: UnixMillis) -> Duration {
    Duration::from_millis(step.0 - BEGIN.0)
}

/// One series of one peer.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    recent: &'a Recent,
    peer: usize,
    metric: usize,
}

impl SeriesView for View<'_> {
    fn labels(&self) -> &Labels {
        &self.recent.metrics[self.metric].labels
    }

    fn kind(&self) -> SampleKind {
        self.recent.metrics[self.metric].kind
    }

    fn newest_first(&self) -> impl Iterator<Item = (Duration, f64)> {
        let Recent { metrics, depth, peers, values, times } = self.recent;
        let Ring { next, len } = peers[self.peer];
        let (begin, end, width) = (self.peer * depth, (self.peer + 1) * depth, metrics.len());
        // A metric that the cluster does not have has no samples.
        let values = values[begin * width..end * width].get(self.metric..).unwrap_or_default();
        NewestFirst { times: &times[begin..end], values, width, next, left: len }
    }
}

/// Backwards from before the next place, and around. A step of its own, since windows are read sample by sample half a million times a round.
#[derive(Debug)]
struct NewestFirst<'a> {
    times: &'a [Duration],
    /// From the metric's first value on, `width` apart.
    values: &'a [f64],
    width: usize,
    next: usize,
    left: usize,
}

impl Iterator for NewestFirst<'_> {
    type Item = (Duration, f64);

    fn next(&mut self) -> Option<(Duration, f64)> {
        self.left = self.left.checked_sub(1)?;
        self.next = self.next.checked_sub(1).unwrap_or(self.times.len() - 1);
        Some((*self.times.get(self.next)?, *self.values.get(self.next * self.width)?))
    }
}
