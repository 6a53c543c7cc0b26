//! This machine: reads its figures again and again on a blocking thread and keeps an hour of them. It publishes nothing.
//!
//! Nobody waits for a reading: one that hangs makes the figures stale, not the node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;
use verwalter_core::peers::NodeState;

use crate::apps::MAX_SAMPLES;
use crate::clock::unix_now;
use crate::history::History;
use crate::inquiry::Inquiry;
use crate::machine;
use crate::procfs::{Reader, Reading, Roots};
use crate::query::QuerySet;
use crate::series::MAX_SERIES;
use crate::source::{About, Report, SeenPeer};

/// Who this node is.
#[derive(Debug, Clone)]
pub struct OwnNode {
    /// Its identity.
    pub id: NodeId,
    /// Its key in the schedule.
    pub hostname: Hostname,
    /// Its full name, for people and links.
    pub name: String,
    /// Where its API listens, when it does.
    pub addr: Option<SocketAddr>,
}

/// A reading under way.
pub(crate) struct Look {
    task: JoinHandle<Seen>,
    since: Instant,
    overdue: bool,
}

/// What a look gave, and the reader for the next one.
pub(crate) struct Seen {
    reader: Reader,
    at: Instant,
    unix_at: UnixMillis,
    reading: Reading,
}

impl Look {
    fn begin(mut reader: Reader, since: Instant) -> Look {
        let task = tokio::task::spawn_blocking(move || {
            let (at, unix_at) = (Instant::now(), unix_now());
            let reading = reader.read();
            Seen { reader, at, unix_at, reading }
        });
        Look { task, since, overdue: false }
    }

    /// Notes, once, that the deadline has passed.
    fn note_overdue(&mut self, deadline: Duration) {
        if !self.overdue {
            self.overdue = true;
            let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(deadline_ms, "reading this machine's figures hangs, they grow stale: look for a hung disk or mount");
        }
    }
}

/// What came of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    /// A reading begins: news come with its end.
    Begun,
    /// The one before goes on, in time or not.
    Waits,
    /// The one before is overdue: what is known grows stale.
    Overdue,
}

/// This machine, as far as it is known.
pub(crate) struct Local {
    node: OwnNode,
    roots: Roots,
    interval: Duration,
    begun: Instant,
    known_since: UnixMillis,
    look: Option<Look>,
    idle: Option<Reader>,
    last_report: Option<UnixMillis>,
    facts: Option<Map<String, Value>>,
    history: History,
    samples: u64,
    told_left_out: bool,
}

impl Local {
    /// Begins the first reading.
    pub(crate) fn begin(node: OwnNode, roots: Roots, interval: Duration, begun: Instant) -> Local {
        Local {
            node,
            look: Some(Look::begin(Reader::new(roots.clone()), begun)),
            roots,
            interval,
            begun,
            known_since: unix_now(),
            idle: None,
            last_report: None,
            facts: None,
            history: History::new(interval),
            samples: 0,
            told_left_out: false,
        }
    }

    /// Which node this is.
    pub(crate) fn id(&self) -> NodeId {
        self.node.id
    }

    /// Waits for the end of the reading under way; forever where there is none.
    pub(crate) async fn finished(&mut self) -> Result<Seen, JoinError> {
        match &mut self.look {
            Some(look) => (&mut look.task).await,
            None => std::future::pending().await,
        }
    }

    /// Takes in what [`Local::finished`] gave.
    pub(crate) fn take_in(&mut self, outcome: Result<Seen, JoinError>) {
        let overdue = self.look.take().is_some_and(|look| look.overdue);
        match outcome {
            Ok(Seen { reader, at, unix_at, reading }) => {
                self.idle = Some(reader);
                self.keep(at, unix_at, reading, overdue);
            }
            Err(error) => {
                tracing::error!(%error, "reading this machine's figures broke off: a defect, please report it");
                self.idle = Some(Reader::new(self.roots.clone()));
            }
        }
    }

    fn keep(&mut self, at: Instant, unix_at: UnixMillis, reading: Reading, overdue: bool) {
        let Reading { samples, mut left_out, notes } = reading;
        for note in &notes {
            let error: &(dyn std::error::Error + 'static) = note;
            tracing::warn!(path = %note.path().display(), error, "some figures of this machine are left out");
        }
        self.facts.get_or_insert_with(|| machine::measure(&samples));
        if overdue {
            // Its figures are of many moments, so any rate between them and their neighbours would be made up.
            tracing::info!("reading this machine's figures works again");
            return;
        }
        left_out += self.history.append(at - self.begun, samples);
        if left_out > 0 && !self.told_left_out {
            self.told_left_out = true;
            tracing::warn!(
                left_out,
                limit = MAX_SERIES,
                limit_of_applications = MAX_SAMPLES,
                "this machine has more series than are kept: end the processes, groups or interfaces that are too many"
            );
        }
        self.last_report = Some(unix_at);
        self.samples += 1;
    }

    /// Begins the next reading, unless the one before goes on: a second thread would only hang beside it.
    pub(crate) fn tick(&mut self, at: Instant) -> Tick {
        if let Some(reader) = self.idle.take() {
            self.look = Some(Look::begin(reader, at));
            return Tick::Begun;
        }
        match &mut self.look {
            Some(look) if at - look.since >= self.interval => {
                look.note_overdue(self.interval);
                Tick::Overdue
            }
            _ => Tick::Waits,
        }
    }

    /// How many readings were taken in.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// The last hour.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// The own node as a peer, with what the operator says of its machine, and its own work.
    pub(crate) fn peer(&self, operator: &Map<String, Value>, state: Option<Arc<NodeState>>) -> SeenPeer {
        SeenPeer {
            id: self.node.id,
            hostname: self.node.hostname.clone(),
            name: self.node.name.clone(),
            addr: self.node.addr,
            agent: None,
            known_since: self.known_since,
            last_report: self.last_report,
            alive: true,
            machine: Arc::new(machine::merge(self.facts.as_ref().unwrap_or(&Map::new()), operator)),
            state,
        }
    }

    /// Answers a question to the history.
    pub(crate) fn answer(&mut self, inquiry: Inquiry, about: &About) {
        inquiry.answer(&mut self.history, self.begun.elapsed(), about);
    }

    /// What the queries say now; `None` before the first reading.
    pub(crate) fn report(&mut self, queries: &QuerySet) -> Option<Report> {
        let taken = self.last_report?;
        let row = self.history.row(queries, self.begun.elapsed());
        Some(Report { peer: self.node.id, generation: queries.generation, taken, row })
    }
}
