//! What this node knows of the machines: reads the own machine's figures every 2 s, keeps an hour of them and publishes a [`Snapshot`]
//! with one column a rule. The own node is its only peer so far.
//!
//! It never waits for a reading to publish: a reading that hangs makes the figures stale, not the node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::snapshot::Snapshot;

use crate::clock::unix_now;

mod columns;
mod defaults;
pub mod machine;
pub mod procfs;
pub mod series;

pub use defaults::default_metrics;

use columns::Rings;
use procfs::{Reader, Reading, Roots};
use series::{History, MAX_SERIES};

/// Shortest interval, and shortest gap between the first two samples: below it a busy machine would only measure itself.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

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

/// The columns that somebody reads.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// Comes back in [`Published`], so that whoever asked for a column knows when it is there.
    pub generation: u64,
    /// One column each.
    pub rules: BTreeSet<MetricRule>,
}

/// What is known at one moment.
#[derive(Debug, Clone)]
pub struct Published {
    /// Peers and columns; a column for every rule of the generation below, and no other.
    pub snapshot: Arc<Snapshot>,
    /// Which [`RuleSet`] the columns follow.
    pub rules_generation: u64,
    /// How many readings of the machine there were so far.
    pub samples: u64,
}

/// How to collect.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who this node is.
    pub node: OwnNode,
    /// Time between readings, and the deadline of one: normally 2 s. At least 1 ms.
    pub interval: Duration,
    /// Time between the first two readings, normally 250 ms, so that the first schedule is made from real rates. At least 1 ms.
    pub first_gap: Duration,
    /// Where the figures are read.
    pub roots: Roots,
}

/// Prepares the collector: the future is the task, for the caller to spawn; it ends when `drain` is cancelled.
///
/// `machine` is what the operator says of this machine (it wins over what is measured); it and `rules` take effect at once.
/// The first publication follows the second reading, or comes one interval later where the readings hang; until then there is `None`.
pub fn start(
    settings: Settings,
    machine: watch::Receiver<Arc<Map<String, Value>>>,
    rules: watch::Receiver<Arc<RuleSet>>,
    drain: CancellationToken,
) -> (watch::Receiver<Option<Arc<Published>>>, impl Future<Output = ()> + Send + 'static) {
    let (publish, published) = watch::channel(None);
    (published, run(settings, machine, rules, drain, publish))
}

async fn run(
    settings: Settings,
    mut machine: watch::Receiver<Arc<Map<String, Value>>>,
    mut rules: watch::Receiver<Arc<RuleSet>>,
    drain: CancellationToken,
    publish: watch::Sender<Option<Arc<Published>>>,
) {
    let Settings { node, interval, first_gap, roots } = settings;
    let interval = interval.max(MIN_INTERVAL);
    let begun = Instant::now();
    let mut ticks = tokio::time::interval_at(begun + first_gap.max(MIN_INTERVAL), interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Known::new(node, interval, begun);
    let mut idle = None;
    let mut look = Some(Look::begin(Reader::new(roots.clone()), begun));
    // A sender that is gone changes nothing any more; without these two its receiver would be ready forever.
    let (mut machine_live, mut rules_live) = (true, true);
    loop {
        tokio::select! {
            biased;
            () = drain.cancelled() => return,
            outcome = finished(&mut look) => {
                let overdue = look.take().is_some_and(|look| look.overdue);
                match outcome {
                    Ok(Seen { reader, at, unix_at, reading }) => {
                        idle = Some(reader);
                        known.take_in(at, unix_at, reading, overdue);
                    }
                    Err(error) => {
                        tracing::error!(%error, "reading this machine's figures broke off: a defect, please report it");
                        idle = Some(Reader::new(roots.clone()));
                        known.ready = true;
                    }
                }
            }
            at = ticks.tick() => {
                if let Some(reader) = idle.take() {
                    look = Some(Look::begin(reader, at));
                    // What there is to publish comes with its end.
                    continue;
                }
                // The previous look goes on: a second thread would only hang beside it.
                match &mut look {
                    Some(look) if at - look.since >= interval => look.note_overdue(interval),
                    _ => continue,
                }
                known.ready = true;
            }
            changed = machine.changed(), if machine_live => machine_live = changed.is_ok(),
            changed = rules.changed(), if rules_live => rules_live = changed.is_ok(),
        }
        let (machine, rules) = (machine.borrow_and_update().clone(), rules.borrow_and_update().clone());
        if let Some(published) = known.publication(&machine, &rules) {
            publish.send_replace(Some(Arc::new(published)));
        }
    }
}

/// A reading under way on a blocking thread.
struct Look {
    task: JoinHandle<Seen>,
    since: Instant,
    overdue: bool,
}

/// What a look gave, and the reader for the next one.
struct Seen {
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

/// Waits for the end of the look under way; forever where there is none.
async fn finished(look: &mut Option<Look>) -> Result<Seen, JoinError> {
    match look {
        Some(look) => (&mut look.task).await,
        None => std::future::pending().await,
    }
}

/// All that is known so far.
struct Known {
    node: OwnNode,
    begun: Instant,
    known_since: UnixMillis,
    last_report: Option<UnixMillis>,
    facts: Option<Map<String, Value>>,
    history: History,
    rings: Rings,
    samples: u64,
    told_left_out: bool,
    /// Whether there is anything to publish yet.
    ready: bool,
}

impl Known {
    fn new(node: OwnNode, interval: Duration, begun: Instant) -> Known {
        Known {
            node,
            begun,
            known_since: unix_now(),
            last_report: None,
            facts: None,
            history: History::new(interval),
            rings: Rings::default(),
            samples: 0,
            told_left_out: false,
            ready: false,
        }
    }

    fn take_in(&mut self, at: Instant, unix_at: UnixMillis, reading: Reading, overdue: bool) {
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
        let at = at - self.begun;
        left_out += self.history.append(at, samples);
        if left_out > 0 && !self.told_left_out {
            self.told_left_out = true;
            tracing::warn!(left_out, limit = MAX_SERIES, "this machine has more series than are kept: the last ones by name are left out");
        }
        self.rings.advance(&self.history, at);
        self.last_report = Some(unix_at);
        self.samples += 1;
        self.ready |= self.samples >= 2;
    }

    fn publication(&mut self, operator: &Map<String, Value>, rules: &RuleSet) -> Option<Published> {
        if !self.ready {
            return None;
        }
        self.rings.follow(&rules.rules, &self.history);
        let columns = self.rings.columns(&self.history, self.begun.elapsed());
        let peer = Peer {
            id: self.node.id,
            hostname: self.node.hostname.clone(),
            name: self.node.name.clone(),
            addr: self.node.addr,
            known_since: self.known_since,
            last_report_direct: self.last_report,
            machine: machine::merge(self.facts.as_ref().unwrap_or(&Map::new()), operator),
        };
        let (peers, _) = PeerTable::new(vec![peer]);
        let at = self.last_report.unwrap_or(self.known_since);
        let snapshot = Snapshot::new(at, Arc::new(peers), columns).expect("every column has the one value of the one peer");
        Some(Published { snapshot: Arc::new(snapshot), rules_generation: rules.generation, samples: self.samples })
    }
}

/// The wall clock; 0 where it stands before 1970.
#[cfg(test)]
mod tests;
