//! The task that knows the cluster: it brings together this machine's figures, the peers that a peer source sees and what metric sources
//! report of them, and publishes snapshots. It never waits for a source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::NodeId;
use verwalter_core::metrics::{MetricRule, Source};
use verwalter_core::peers::NodeState;
use verwalter_core::snapshot::Snapshot;

use crate::clock::unix_now;
use crate::inquiry::{Inquiries, Inquiry};
use crate::local::{Local, OwnNode, Tick};
use crate::procfs::Roots;
use crate::query::QuerySet;
use crate::source::{About, MetricNews, Peers, Report};
use crate::table::{Cluster, source_name};

mod asked;
mod peers;
mod silent;
mod state;
mod wires;

pub use state::SourcesState;
pub use wires::{MetricsFrom, Sources};

use asked::Asked;
use peers::Seats;
use silent::Silent;
use state::Logged;
use wires::Wires;

/// Shortest interval, and shortest gap between the first two samples: below it a busy machine would only measure itself.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// The columns that somebody reads.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// Comes back in [`Published`], so that whoever asked for a column knows when it is there.
    pub generation: u64,
    /// One column each, or several with `by`.
    pub rules: BTreeSet<MetricRule>,
    /// Whether anything reads the peers here. Where nothing does, no other machine is asked for anything: in a large cluster only few may.
    pub reads_peers: bool,
}

/// What is known at one moment.
#[derive(Debug, Clone)]
pub struct Published {
    /// Peers and columns; columns for every rule of the generation below, and no others.
    pub snapshot: Arc<Snapshot>,
    /// The newest [`RuleSet`] that was answered: numbers that are missing in its columns are missing indeed.
    pub rules_generation: u64,
    /// How many readings of the machine there were so far.
    pub samples: u64,
    /// Who says what, and what is wrong with it.
    pub sources: Arc<SourcesState>,
}

/// How to collect.
pub struct Settings {
    /// Who this node is.
    pub node: OwnNode,
    /// Time between readings, and the deadline of one: normally 2 s. At least 1 ms.
    pub interval: Duration,
    /// Time between the first two readings, normally 250 ms, so that the first schedule is made from real rates. At least 1 ms.
    pub first_gap: Duration,
    /// Where the figures are read.
    pub roots: Roots,
    /// Who knows of peers and their figures, beside this machine's own.
    pub sources: Sources,
}

/// Prepares the collector: the future is the task, for the caller to spawn; it ends when `drain` is cancelled.
///
/// `machine` is what the operator says of this machine (it wins over what is measured), and `state` what this node says of its work; they
/// and `rules` take effect at once.
/// The first publication follows the second reading, or comes one interval later where the readings hang; until then there is `None`.
pub fn start(
    settings: Settings,
    machine: watch::Receiver<Arc<Map<String, Value>>>,
    state: watch::Receiver<Option<Arc<NodeState>>>,
    rules: watch::Receiver<Arc<RuleSet>>,
    drain: CancellationToken,
) -> (watch::Receiver<Option<Arc<Published>>>, impl Future<Output = ()> + Send + 'static) {
    let (publish, published) = watch::channel(None);
    (published, run(settings, machine, state, rules, drain, publish))
}

async fn run(
    settings: Settings,
    mut machine: watch::Receiver<Arc<Map<String, Value>>>,
    mut state: watch::Receiver<Option<Arc<NodeState>>>,
    mut rules: watch::Receiver<Arc<RuleSet>>,
    drain: CancellationToken,
    publish: watch::Sender<Option<Arc<Published>>>,
) {
    let Settings { node, interval, first_gap, roots, sources } = settings;
    let (interval, first_gap) = (interval.max(MIN_INTERVAL), first_gap.max(MIN_INTERVAL));
    let begun = Instant::now();
    let mut ticks = tokio::time::interval_at(begun + first_gap, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tasks = JoinSet::new();
    let (mut seats, mut wires, mut inquiries) = sources.seat(&mut tasks, &drain);
    let local = Local::begin(node, roots, interval, begun);
    let mut known =
        Known::new(local, &machine.borrow_and_update().clone(), rules.borrow_and_update().clone(), wires.preferred(None), interval);
    let nobody = Arc::default();
    known.swept_elsewhere = wires.has(Source::Agent);
    known.state = state.borrow_and_update().clone();
    // A sender that is gone changes nothing any more; without these its receiver would be ready forever.
    let (mut machine_live, mut state_live, mut rules_live) = (true, true, true);
    loop {
        tokio::select! {
            biased;
            () = drain.cancelled() => break,
            outcome = known.local.finished() => {
                known.local.take_in(outcome);
                known.ready |= known.local.samples() >= 2;
                known.tell_own(&machine.borrow());
                if let Some(inquiries) = &inquiries {
                    inquiries.read(known.local.samples());
                }
            }
            at = ticks.tick() => match known.local.tick(at) {
                Tick::Begun => continue,
                Tick::Waits => {
                    if known.local.samples() == 0 {
                        // The first reading outlasted the gap after it: the second must not wait for a whole interval.
                        ticks.reset_after(first_gap);
                    }
                    continue;
                }
                Tick::Overdue => {
                    known.ready = true;
                    known.tell_own(&machine.borrow());
                }
            },
            changed = machine.changed(), if machine_live => {
                machine_live = changed.is_ok();
                known.tell_own(&machine.borrow_and_update());
            }
            changed = state.changed(), if state_live => {
                state_live = changed.is_ok();
                known.state = state.borrow_and_update().clone();
                known.tell_own(&machine.borrow());
            }
            changed = rules.changed(), if rules_live => {
                rules_live = changed.is_ok();
                known.rules = rules.borrow_and_update().clone();
                known.ask();
            }
            () = seats.changed() => {
                known.set_peers(&seats);
                let preferred = wires.preferred(seats.chosen());
                if preferred != known.default {
                    known.set_default(preferred);
                    known.ask();
                }
            }
            Some(inquiry) = next_inquiry(&mut inquiries) => {
                known.local.answer(inquiry, &known.about);
                continue;
            }
            Some((from, news)) = wires.next() => if !known.hear(from, news) { continue },
        }
        let asked = if known.rules.reads_peers { &known.peers } else { &nobody };
        wires.want(&known.queries, asked, known.default);
        known.publish(&seats, &wires, &publish);
    }
    // Sources end by themselves: they heard of the drain, too.
    while tasks.join_next().await.is_some() {}
}

/// The next question to the history; for ever without any, `None` once nobody can ask.
async fn next_inquiry(inquiries: &mut Option<Inquiries>) -> Option<Inquiry> {
    match inquiries {
        Some(inquiries) => inquiries.next().await,
        None => std::future::pending().await,
    }
}

/// All that is known so far.
struct Known {
    local: Local,
    /// What this node says of its work.
    state: Option<Arc<NodeState>>,
    /// What is told of this node, the operator's words among it.
    about: About,
    /// Whether a source brings the figures of other agents, and says when they were all asked.
    swept_elsewhere: bool,
    cluster: Cluster,
    rules: Arc<RuleSet>,
    /// Compiled; their generation grows with rules and with the default source.
    queries: Arc<QuerySet>,
    default: Source,
    asked: Asked,
    peers: Arc<Peers>,
    /// The first generation of queries that asks the default source in force for those without `source`.
    switched: u64,
    /// By source: what is wrong beyond single peers, and whose figures are missing.
    complaints: BTreeMap<Source, Vec<String>>,
    silent: BTreeMap<Source, Silent>,
    told: Arc<SourcesState>,
    logged: Logged,
    begun: Instant,
    /// Whether there is anything to publish yet.
    ready: bool,
}

impl Known {
    fn new(local: Local, machine: &Map<String, Value>, rules: Arc<RuleSet>, default: Source, interval: Duration) -> Known {
        let queries = Arc::new(QuerySet::compile(1, &rules.rules));
        let own = Arc::new(local.peer(machine, None));
        let about = About { machine: own.machine.clone(), state: None };
        let mut cluster = Cluster::new(own, default, interval);
        cluster.set_queries(&queries);
        Known {
            local,
            state: None,
            about,
            swept_elsewhere: false,
            cluster,
            asked: Asked { newest: rules.generation, ..Asked::default() },
            rules,
            queries,
            default,
            peers: Arc::default(),
            switched: 0,
            complaints: BTreeMap::new(),
            silent: BTreeMap::new(),
            told: Arc::default(),
            logged: Logged::default(),
            begun: Instant::now(),
            ready: false,
        }
    }

    /// The own node as it is now.
    fn tell_own(&mut self, machine: &Map<String, Value>) {
        let own = Arc::new(self.local.peer(machine, self.state.clone()));
        if own.machine != self.about.machine || own.state != self.about.state {
            self.about = About { machine: own.machine.clone(), state: own.state.clone() };
        }
        self.cluster.set_own(own);
        if let Some(report) = self.local.report(&self.queries) {
            self.hear_report(Source::Agent, &report);
        }
        if !self.swept_elsewhere {
            self.cluster.swept(Source::Agent);
        }
    }

    /// The rules have changed, or whom they ask.
    fn ask(&mut self) {
        let former = self.asked.answered(self.is_answered());
        self.asked = Asked { former, newest: self.rules.generation, sweeps: 0 };
        self.queries = Arc::new(QuerySet::compile(self.queries.generation + 1, &self.rules.rules));
        self.cluster.set_queries(&self.queries);
        if let Some(report) = self.local.report(&self.queries) {
            self.hear_report(Source::Agent, &report);
        }
    }

    fn is_answered(&self) -> bool {
        self.cluster.answered() == self.cluster.generation()
    }

    fn set_peers(&mut self, seats: &Seats) {
        let peers = seats.peers();
        if !Arc::ptr_eq(&peers, &self.peers) {
            self.cluster.set_peers(&peers);
            let listed: BTreeSet<NodeId> = peers.peers.iter().map(|peer| peer.id).chain([self.local.id()]).collect();
            self.silent.values_mut().for_each(|silent| silent.retain(|id| listed.contains(&id)));
            self.peers = peers;
        }
    }

    fn set_default(&mut self, default: Source) {
        tracing::info!(from = source_name(self.default), to = source_name(default), "figures of the peers come from another source now");
        self.default = default;
        // The queries that are asked next.
        self.switched = self.queries.generation + 1;
        self.cluster.set_default(default);
    }

    /// Whether it is time to publish.
    fn hear(&mut self, from: Source, news: MetricNews) -> bool {
        match news {
            MetricNews::Report(report) => {
                self.hear_report(from, &report);
                false
            }
            MetricNews::Trouble { peer, reason } => {
                tracing::debug!(%peer, reason, source = source_name(from), "a peer's figures are missing");
                if peer == self.local.id() || self.peers.peers.binary_search_by_key(&peer, |listed| listed.id).is_ok() {
                    self.silent.entry(from).or_default().note(peer, reason);
                }
                false
            }
            MetricNews::Complaints(complaints) => {
                self.complaints.insert(from, complaints);
                true
            }
            MetricNews::Swept => {
                self.silent.entry(from).or_default().swept(self.local.id(), &self.peers);
                if from == self.default {
                    self.asked.sweeps = self.asked.sweeps.saturating_add(1);
                }
                self.cluster.swept(from);
                true
            }
        }
    }

    fn hear_report(&mut self, from: Source, report: &Report) {
        if let Some(silent) = self.silent.get_mut(&from) {
            silent.reported(report.peer);
        }
        // Under way since before the default source changed: what it does not say of queries without `source` would replace what the former
        // one said of them.
        if report.generation < self.switched {
            return;
        }
        if let Err(error) = self.cluster.report(from, report) {
            // A peer that joins or leaves, or queries that change meanwhile: the next report will do.
            tracing::debug!(error = &error as &dyn std::error::Error, source = source_name(from), "a report counts for nothing");
        }
    }

    fn publish(&mut self, seats: &Seats, wires: &Wires, publish: &watch::Sender<Option<Arc<Published>>>) {
        if !self.ready || seats.undecided() {
            return;
        }
        let snapshot = Arc::new(self.cluster.snapshot(unix_now()));
        let state = self.state(seats, wires);
        if *self.told != state {
            self.logged.follow(&state, &self.told, self.begun.elapsed());
            self.told = Arc::new(state);
        }
        let published = Published {
            snapshot,
            rules_generation: self.asked.answered(self.is_answered()),
            samples: self.local.samples(),
            sources: self.told.clone(),
        };
        publish.send_replace(Some(Arc::new(published)));
    }

    fn state(&self, seats: &Seats, wires: &Wires) -> SourcesState {
        let mut troubles = seats.troubles();
        troubles.extend(self.peers.complaints.iter().cloned());
        troubles.extend(self.cluster.clashes().iter().map(ToString::to_string));
        troubles.extend(self.complaints.values().flatten().cloned());
        // A source that nobody asks has nothing to miss, and does not sweep.
        let asked = |source: Source| self.queries.rules().iter().any(|rule| rule.source.unwrap_or(self.default) == source);
        let silent = self.silent.iter().filter(|(source, _)| asked(**source));
        let silent = silent.filter_map(|(source, silent)| Some((source, silent.told()?)));
        troubles.extend(silent.map(|(source, (count, reason))| {
            let source = source_name(*source);
            match count {
                1 => format!("{source}: figures of one node are missing: {reason}"),
                _ => format!("{source}: figures of {count} nodes are missing, the first: {reason}"),
            }
        }));
        let deaf = |source: &Source| *source != Source::Agent && !wires.has(*source);
        let unknown: BTreeSet<Source> = self.queries.rules().iter().filter_map(|rule| rule.source).filter(deaf).collect();
        troubles.extend(
            unknown
                .into_iter()
                .map(source_name)
                .map(|name| format!("a metric asks for `source: {name}`, which verwalter.yaml does not set up: add `{name}:` there")),
        );
        troubles.extend(self.queries.errors().iter().map(|(_, error)| error.to_string()));
        // This machine's series are called as those of other agents, but for Prometheus, whose complaints say what is near there.
        let near = |rule: &MetricRule| match rule.source.unwrap_or(self.default) {
            Source::Prometheus => Vec::new(),
            Source::Agent | Source::Cantal => self.local.history().near_misses(rule),
        };
        let unmatched = self.cluster.unmatched().map(|rule| (rule.clone(), near(rule)));
        // A series that is called just so is there: this machine was not read for a while, as after a freeze.
        let unmatched = unmatched.filter(|(rule, near)| near.first() != Some(&rule.to_string()));
        SourcesState { peers: seats.chosen(), metrics: Some(self.default), troubles, unmatched: unmatched.collect() }
    }
}

#[cfg(test)]
mod tests;
