//! Asking the server once for everything that is wanted, for all peers at once: a query for each selector, not one for each peer.
//!
//! The samples come as they are and are evaluated here, so that a number means the same whichever agent a site runs; nothing is
//! extrapolated as `rate()` and `increase()` do. It sends nothing to anybody but the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::MetricRule;

use super::Settings;
use super::client::{Client, ClientError};
use super::directory::Directory;
use super::figures::{Context, Figures, Strangers, row};
use super::kinds::Kinds;
use super::names::Names;
use super::plan::{Fetch, Plan};
use crate::clock::unix_now;
use crate::query::QuerySet;
use crate::source::{MAX_COMPLAINTS, Report, Wanted};

/// How long it is believed what exporters declare.
const KINDS_AGE: Duration = Duration::from_secs(600);
/// A sweep asks no further queries when it took this many deadlines: a server that hangs shall not make it last for minutes.
const SWEEP_DEADLINES: u32 = 3;

/// What a sweep learnt.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Of each peer that has figures.
    pub(super) reports: Vec<Report>,
    /// Of each living peer that has none.
    pub(super) troubles: Vec<(NodeId, String)>,
    /// What is wrong beyond single peers.
    pub(super) complaints: Vec<String>,
}

/// What is kept from one sweep to the next.
pub(super) struct Sweeper {
    settings: Settings,
    client: Arc<Client>,
    plan: Plan,
    /// The generation that the plan and the kept figures are of.
    generation: Option<u64>,
    /// The last good figures by place in the plan, and when by the server's clock: a query that fails once must not empty its columns.
    kept: BTreeMap<usize, (UnixMillis, Figures)>,
    kinds: Kinds,
    kinds_at: Option<Instant>,
    names: Names,
    /// Where the next sweep begins, so that an ever same rest is not left out.
    first: usize,
}

impl Sweeper {
    pub(super) fn new(settings: Settings) -> Sweeper {
        Sweeper {
            client: Arc::new(settings.client.clone()),
            settings,
            plan: Plan::default(),
            generation: None,
            kept: BTreeMap::new(),
            kinds: Kinds::default(),
            kinds_at: None,
            names: Names::default(),
            first: 0,
        }
    }

    /// Asks for all that is `wanted`.
    pub(super) async fn sweep(&mut self, wanted: &Wanted) -> Outcome {
        let stale = self.settings.stale_after();
        if self.generation != Some(wanted.queries.generation) {
            self.plan = Plan::new(wanted.queries.asked().map(|(place, query)| (place, query.rule())), stale);
            self.generation = Some(wanted.queries.generation);
            self.kept.clear();
            self.kinds_at = None;
        }
        let mut complaints = Vec::new();
        self.plan.complaints.iter().for_each(|complaint| note(&mut complaints, complaint.clone()));
        if self.plan.fetches.is_empty() {
            return Outcome { complaints, ..Outcome::default() };
        }
        let clocks = match self.clocks().await {
            Ok(clocks) => clocks,
            Err(error) => return self.without_server(wanted, &error),
        };
        self.learn_kinds(&mut complaints).await;
        let context = Arc::new(Context {
            queries: wanted.queries.clone(),
            directory: Directory::new(&self.settings.own, &wanted.peers),
            kinds: self.kinds.clone(),
            peer_label: self.settings.peer_label.clone(),
            stale,
            now: clocks.server,
        });
        self.ask_all(&context, &mut complaints).await;
        self.kept.retain(|_, (at, _)| clocks.server.0.saturating_sub(at.0) <= millis(stale));
        let nothing = self.kept.iter().filter(|(_, (_, figures))| figures.is_empty());
        let nothing = nothing.filter_map(|(place, _)| self.rule(&wanted.queries, *place).cloned()).collect();
        self.names.follow(&self.client, clocks.server, nothing).await;
        self.outcome(wanted, &clocks, complaints)
    }

    /// The server's clock and ours at one moment. All queries of a sweep are of one moment of the server's, whatever our clock says.
    async fn clocks(&self) -> Result<Clocks, ClientError> {
        let before = unix_now();
        let answer = self.client.instant("time()", None).await?;
        let own = UnixMillis(before.0.midpoint(unix_now().0));
        let moment = answer.series.first().and_then(|series| series.samples.first());
        let unreadable = || ClientError::Unreadable { server: self.client.server.clone(), why: "it does not tell its time".to_owned() };
        moment.map(|(server, _)| Clocks { server: *server, own }).ok_or_else(unreadable)
    }

    async fn learn_kinds(&mut self, complaints: &mut Vec<String>) {
        if !self.plan.kinds_matter || self.kinds_at.is_some_and(|at| at.elapsed() < KINDS_AGE) {
            return;
        }
        match self.client.kinds().await {
            Ok(kinds) => {
                self.kinds = Kinds(kinds);
                self.kinds_at = Some(Instant::now());
            }
            Err(error) => note(complaints, format!("counters are told from levels by their names alone: {}", whole(&error))),
        }
    }

    async fn ask_all(&mut self, context: &Arc<Context>, complaints: &mut Vec<String>) {
        let all = self.plan.fetches.len();
        let due: Vec<usize> = (self.first..all).chain(0..self.first).filter(|place| self.is_due(*place, context.now)).collect();
        let count = due.len();
        let give_up = Instant::now() + self.client.limits.deadline.saturating_mul(SWEEP_DEADLINES);
        // Ends with this future: nothing outlives the sweep.
        let mut running = JoinSet::new();
        let mut asked = 0;
        let mut server_failed = false;
        loop {
            let may_ask = asked < count && !server_failed && Instant::now() < give_up;
            if may_ask && running.len() < self.settings.concurrency.max(1) {
                let place = due[asked];
                running.spawn(fetch(place, self.client.clone(), self.plan.fetches[place].clone(), context.clone()));
                asked += 1;
                continue;
            }
            let Some(ended) = running.join_next().await else { break };
            match ended {
                Ok((place, Ok((figures, warnings)))) => {
                    for warning in warnings {
                        note(complaints, format!("the Prometheus server remarks on {}: {warning}", self.plan.fetches[place].selector));
                    }
                    self.kept.insert(place, (context.now, figures));
                }
                Ok((place, Err(error))) => {
                    let selector = &self.plan.fetches[place].selector;
                    server_failed |= error.is_of_server();
                    note(complaints, if error.is_of_server() { whole(&error) } else { format!("{selector}: {}", whole(&error)) });
                }
                Err(error) => note(complaints, format!("a query broke off, a defect, please report it: {error}")),
            }
        }
        if asked < count && !server_failed {
            note(complaints, format!("{} of {count} queries were not asked: the Prometheus server is too slow for so many", count - asked));
        }
        self.first = due.get(asked).copied().unwrap_or(0);
    }

    /// Whether it is time to ask the query at `place` again.
    fn is_due(&self, place: usize, now: UnixMillis) -> bool {
        let Some((at, _)) = self.kept.get(&place) else { return true };
        // A server's clock that was set back is no reason to wait.
        now < *at || now.0 - at.0 >= millis(self.plan.fetches[place].pause)
    }

    fn without_server(&self, wanted: &Wanted, error: &ClientError) -> Outcome {
        let reason = whole(error);
        let troubles = living(&self.settings, wanted).into_iter().map(|peer| (peer, reason.clone())).collect();
        Outcome { troubles, complaints: vec![reason], ..Outcome::default() }
    }

    /// A rule that the query at `place` answers; all of them match the same series.
    fn rule<'a>(&self, queries: &'a QuerySet, place: usize) -> Option<&'a MetricRule> {
        queries.rules().get(usize::from(*self.plan.fetches[place].rules.first()?))
    }

    fn outcome(&self, wanted: &Wanted, clocks: &Clocks, mut complaints: Vec<String>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut strangers = Strangers::default();
        for (place, (_, figures)) in &self.kept {
            let fetch = &self.plan.fetches[*place];
            strangers.add(&figures.strangers);
            figures.complaints.iter().for_each(|complaint| note(&mut complaints, complaint.clone()));
            if figures.peers.is_empty() {
                let (seconds, scrape) = (fetch.lookback.as_secs(), self.settings.scrape_interval.as_secs_f64());
                let hint = self.rule(&wanted.queries, *place).map(|rule| self.names.hint(rule)).unwrap_or_default();
                let what = format!("no peer has a series {} with a sample in the last {seconds} s", fetch.selector);
                note(&mut complaints, format!("{what}: is it spelt right, and scraped at least every {scrape} s?{hint}"));
            }
        }
        strangers.complaints(&self.settings.peer_label).into_iter().for_each(|complaint| note(&mut complaints, complaint));
        // What is kept may be of a peer that has left since.
        let listed: BTreeSet<NodeId> = wanted.peers.peers.iter().map(|peer| peer.id).chain([self.settings.own.id]).collect();
        let known = self.kept.values().flat_map(|(_, figures)| figures.peers.keys().copied());
        let known: BTreeSet<NodeId> = known.filter(|id| listed.contains(id)).collect();
        let mut silent: BTreeSet<NodeId> = living(&self.settings, wanted);
        for peer in known {
            let figures = self.kept.values().filter_map(|(_, figures)| figures.peers.get(&peer));
            if let Some((newest, row)) = row(&wanted.queries, figures) {
                silent.remove(&peer);
                let taken = clocks.to_own(newest);
                outcome.reports.push(Report { peer, generation: wanted.queries.generation, taken, row });
            }
        }
        let label = &self.settings.peer_label;
        let reason = format!(
            "no query matches a series of this peer on the Prometheus server at {}: is it scraped, and is `{label}` its hostname, name or address?",
            self.client.server
        );
        outcome.troubles = silent.into_iter().map(|peer| (peer, reason.clone())).collect();
        outcome.complaints = complaints;
        outcome
    }
}

/// One moment by two clocks.
struct Clocks {
    server: UnixMillis,
    own: UnixMillis,
}

impl Clocks {
    /// A moment of the server's by our clock.
    fn to_own(&self, server: UnixMillis) -> UnixMillis {
        UnixMillis(self.own.0.saturating_sub(self.server.0.saturating_sub(server.0)))
    }
}

/// Asks the query at `place`.
async fn fetch(
    place: usize,
    client: Arc<Client>,
    fetch: Fetch,
    context: Arc<Context>,
) -> (usize, Result<(Figures, Vec<String>), ClientError>) {
    let answer = match client.instant(&fetch.query(), Some(context.now)).await {
        Ok(answer) => answer,
        Err(error) => return (place, Err(error)),
    };
    let warnings = answer.warnings.clone();
    // Of 10,000 peers it keeps a thread busy for a while.
    let figures = tokio::task::spawn_blocking(move || context.evaluate(&fetch, answer)).await;
    let broken = |error| ClientError::Unreadable { server: client.server.clone(), why: format!("evaluating it broke off: {error}") };
    (place, figures.map(|figures| (figures, warnings)).map_err(broken))
}

/// The peers that are held for alive, and the own node.
fn living(settings: &Settings, wanted: &Wanted) -> BTreeSet<NodeId> {
    wanted.peers.peers.iter().filter(|peer| peer.alive).map(|peer| peer.id).chain([settings.own.id]).collect()
}

/// Adds a complaint, each once, below the cap.
fn note(complaints: &mut Vec<String>, complaint: String) {
    if complaints.len() < MAX_COMPLAINTS && !complaints.contains(&complaint) {
        complaints.push(complaint);
    }
}

/// An error with its sources.
fn whole(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
