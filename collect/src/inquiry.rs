//! Questions to the task that holds this machine's history, answered between its other work. Asking never holds that task up: the queue is
//! bounded, and whoever does not wait for the answer any more gets none.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::history::{History, KeptSeries};
use crate::query::{Query, QuerySet, SeriesView};
use crate::series::{Labels, MAX_SERIES, SampleKind};
use crate::source::{About, Row};

/// Questions that wait; whoever asks one more waits for room.
const QUEUE: usize = 64;
/// Most series of one answer with samples: an hour of so many is 115,200 samples.
pub const MAX_SAMPLED: usize = 64;

/// What is asked of the history.
#[derive(Debug)]
pub enum Inquiry {
    /// What a set of queries says now.
    Row {
        /// The set.
        queries: Arc<QuerySet>,
        /// Gets the answer; nothing before the first reading.
        reply: oneshot::Sender<OwnRow>,
    },
    /// Which series there are.
    Series {
        /// Those that match it; all of them where there is none.
        query: Option<Arc<Query>>,
        /// How many at most; never more than [`MAX_SERIES`].
        limit: usize,
        /// Gets the answer.
        reply: oneshot::Sender<Listed<SeriesLine>>,
    },
    /// Their samples.
    Samples {
        /// Of those series that match it.
        query: Arc<Query>,
        /// How far back.
        since: Duration,
        /// How many series at most; never more than [`MAX_SAMPLED`].
        limit: usize,
        /// Gets the answer.
        reply: oneshot::Sender<Listed<SeriesSamples>>,
    },
}

/// What this machine says of itself at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnRow {
    /// How old its newest sample is.
    pub age: Duration,
    /// What the queries say.
    pub row: Row,
    /// What it says beside.
    pub about: About,
}

/// A list with an end.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// In ascending order of labels.
    pub found: Vec<T>,
    /// How many more there are.
    pub left_out: usize,
}

/// One series in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesLine {
    /// Which.
    pub labels: Labels,
    /// What its numbers mean.
    pub kind: SampleKind,
    /// The age and the value of its newest sample.
    pub newest: Option<(Duration, f64)>,
}

/// One series with samples.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesSamples {
    /// Which.
    pub labels: Labels,
    /// What its numbers mean.
    pub kind: SampleKind,
    /// Age and value, the oldest first.
    pub samples: Vec<(Duration, f64)>,
}

/// The asking end.
#[derive(Debug, Clone)]
pub struct Inquirer {
    queue: mpsc::Sender<Inquiry>,
    readings: watch::Receiver<u64>,
}

/// The end of the task that answers.
#[derive(Debug)]
pub struct Inquiries {
    queue: mpsc::Receiver<Inquiry>,
    readings: watch::Sender<u64>,
}

/// Both ends. Those of the second that are never answered are lost, and whoever asked is told so.
pub fn channel() -> (Inquirer, Inquiries) {
    let (asking, queue) = mpsc::channel(QUEUE);
    let (readings, follow) = watch::channel(0);
    (Inquirer { queue: asking, readings: follow }, Inquiries { queue, readings })
}

impl Inquirer {
    /// What `queries` say now; `None` before the first reading, or when the collector has ended.
    pub async fn row(&self, queries: Arc<QuerySet>) -> Option<OwnRow> {
        self.ask(|reply| Inquiry::Row { queries, reply }).await
    }

    /// The series that match `query`, or all, at most `limit`; `None`: the collector has ended.
    pub async fn series(&self, query: Option<Arc<Query>>, limit: usize) -> Option<Listed<SeriesLine>> {
        self.ask(|reply| Inquiry::Series { query, limit, reply }).await
    }

    /// The samples that the series that match `query` have since so long; at most `limit` series. `None`: the collector has ended.
    pub async fn samples(&self, query: Arc<Query>, since: Duration, limit: usize) -> Option<Listed<SeriesSamples>> {
        self.ask(|reply| Inquiry::Samples { query, since, limit, reply }).await
    }

    /// Changes with every reading of the machine.
    pub fn readings(&self) -> watch::Receiver<u64> {
        self.readings.clone()
    }

    async fn ask<T>(&self, inquiry: impl FnOnce(oneshot::Sender<T>) -> Inquiry) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(inquiry(reply)).await.ok()?;
        answer.await.ok()
    }
}

impl Inquiries {
    /// The next question; `None`: nobody can ask any more.
    pub async fn next(&mut self) -> Option<Inquiry> {
        self.queue.recv().await
    }

    /// So many readings were taken in.
    pub fn read(&self, readings: u64) {
        self.readings.send_if_modified(|before| std::mem::replace(before, readings) != readings);
    }
}

impl Inquiry {
    /// Answers with what `history` holds at `now`, on its own clock. An answer that nobody waits for is dropped.
    pub fn answer(self, history: &mut History, now: Duration, about: &About) {
        match self {
            Inquiry::Row { queries, reply } => {
                if let Some(newest) = history.newest()
                    && !reply.is_closed()
                {
                    let row = history.row(&queries, now);
                    let _ = reply.send(OwnRow { age: now.saturating_sub(newest), row, about: about.clone() });
                }
            }
            Inquiry::Series { query, limit, reply } => {
                let line = |series: KeptSeries<'_>| SeriesLine {
                    labels: series.labels().clone(),
                    kind: series.kind(),
                    newest: series.newest().map(|(at, value)| (now.saturating_sub(at), value)),
                };
                let _ = reply.send(list(history, query.as_deref(), limit.min(MAX_SERIES), line));
            }
            Inquiry::Samples { query, since, limit, reply } => {
                let since = now.saturating_sub(since);
                let samples = |series: KeptSeries<'_>| SeriesSamples {
                    labels: series.labels().clone(),
                    kind: series.kind(),
                    samples: series.samples(since).into_iter().map(|(at, value)| (now.saturating_sub(at), value)).collect(),
                };
                let _ = reply.send(list(history, Some(&query), limit.min(MAX_SAMPLED), samples));
            }
        }
    }
}

fn list<'a, T>(history: &'a History, query: Option<&Query>, limit: usize, make: impl Fn(KeptSeries<'a>) -> T) -> Listed<T> {
    let mut matching = history.series().filter(|series| query.is_none_or(|query| query.matches(series.labels())));
    let found = matching.by_ref().take(limit).map(make).collect();
    Listed { found, left_out: matching.count() }
}

#[cfg(test)]
mod tests;
