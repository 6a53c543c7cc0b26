//! The figures of every peer that is alive, and of the own node, each asked of its own agent (cantal's queries across nodes answer 501).
//!
//! A sweep asks all of them, so many at a time; it never begins before the one before it has ended. No agent delays the others by more than
//! its own deadline.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::Source;

use super::answer::DataSets;
use super::language::{Program, Samples};
use super::{Agent, Settings};
use crate::clock::unix_now;
use crate::query::evaluate::Asked;
use crate::query::{self, QuerySet};
use crate::source::{MetricNews, MetricSource, Peers, Report, Row, Task, Wanted};

/// What is measured, in the words of every machine's cantal agent.
#[derive(Debug)]
pub struct Figures {
    settings: Settings,
}

impl Figures {
    /// Asks as `settings` say.
    pub fn new(settings: Settings) -> Figures {
        Figures { settings }
    }
}

impl MetricSource for Figures {
    fn source(&self) -> Source {
        Source::Cantal
    }

    fn run(self: Box<Self>, wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>, drain: CancellationToken) -> Task {
        Box::pin(async move { drain.run_until_cancelled(follow(&self.settings, wanted, &news)).await.unwrap_or_default() })
    }
}

/// Sweeps until nobody listens any more.
async fn follow(settings: &Settings, mut wanted: watch::Receiver<Wanted>, news: &mpsc::Sender<MetricNews>) {
    let mut ticks = tokio::time::interval(settings.sweep_every());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Known::default();
    let mut wanted_live = true;
    let mut asked: Option<(u64, Arc<Program>)> = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            changed = wanted.changed(), if wanted_live => {
                wanted_live = changed.is_ok();
                // New queries are asked at once; new peers wait for the next sweep, or every word about peers would cause one.
                let generation = wanted.borrow_and_update().queries.generation;
                if asked.as_ref().is_some_and(|(before, _)| *before == generation) {
                    continue;
                }
            }
        }
        let Wanted { queries, peers } = wanted.borrow_and_update().clone();
        let program = match &asked {
            Some((generation, program)) if *generation == queries.generation => program.clone(),
            _ => Arc::new(Program::compile(&queries, settings.scan)),
        };
        asked = Some((queries.generation, program.clone()));
        if queries.asked().next().is_none() {
            // Where nobody wants figures of cantal, there may be none.
            if news.is_closed() {
                return;
            }
            continue;
        }
        let sweep = Sweep { settings, queries, program, news };
        if sweep.run(&peers, &mut known).await.is_none() {
            return;
        }
    }
}

/// What is remembered of each agent from sweep to sweep.
type Known = HashMap<NodeId, Seen>;

#[derive(Debug, Clone, Default)]
struct Seen {
    /// The newest time in its own words, and when it was first told.
    newest: Option<(Duration, Instant)>,
    /// What was last told of it.
    trouble: Option<String>,
}

impl Seen {
    /// When the newest sample was taken, by the own clock; `now` is both clocks' reading when the question was sent.
    ///
    /// The two machines' clocks are never compared, so that a skewed one makes no figure look old or new. What counts is when the time of the
    /// newest scan was first heard: late by at most a sweep and a scan. An agent that had stopped looking before it was first asked is
    /// believed then, and ages from there on.
    fn taken(&mut self, newest: Duration, now: (Instant, UnixMillis)) -> UnixMillis {
        let (instant, unix) = now;
        let first_heard = match self.newest {
            Some((same, first_heard)) if same == newest => first_heard,
            _ => instant,
        };
        self.newest = Some((newest, first_heard));
        let age = u64::try_from(instant.saturating_duration_since(first_heard).as_millis()).unwrap_or(u64::MAX);
        UnixMillis(unix.0.saturating_sub(age))
    }
}

/// What one agent said.
struct Told {
    peer: NodeId,
    sent: (Instant, UnixMillis),
    said: Result<Said, String>,
}

/// What its samples said. They themselves are not kept.
struct Said {
    row: Row,
    newest: Duration,
    /// Why the first of the queries that it refused has no figures.
    refused: Option<String>,
}

struct Sweep<'a> {
    settings: &'a Settings,
    queries: Arc<QuerySet>,
    program: Arc<Program>,
    news: &'a mpsc::Sender<MetricNews>,
}

impl Sweep<'_> {
    /// Asks everybody once. `None`: nobody listens any more.
    async fn run(&self, peers: &Peers, known: &mut Known) -> Option<()> {
        let alive = peers.peers.iter().filter(|peer| peer.alive);
        let agents: BTreeMap<NodeId, Option<SocketAddr>> = alive.map(|peer| (peer.id, peer.agent)).collect();
        let own = (self.settings.own, Some(self.settings.agent));
        known.retain(|id, _| *id == own.0 || agents.contains_key(id));
        let mut waiting = std::iter::once(own).chain(agents.into_iter().filter(|(id, _)| *id != own.0));
        // A set that is dropped ends what it holds: a drain waits for no agent.
        let mut asking = JoinSet::new();
        loop {
            while asking.len() < self.settings.fan_out.max(1)
                && let Some((peer, addr)) = waiting.next()
            {
                match addr {
                    Some(addr) => {
                        let agent = Agent::new(addr, self.settings.query_deadline);
                        asking.spawn(ask(peer, agent, self.queries.clone(), self.program.clone()));
                    }
                    None => {
                        let reason = format!("cantal knows no address of peer {peer} yet: may the agents reach each other by UDP?");
                        self.tell_trouble(known.entry(peer).or_default(), peer, reason).await?;
                    }
                }
            }
            match asking.join_next().await {
                Some(Ok(told)) => self.tell(known.entry(told.peer).or_default(), told).await?,
                Some(Err(error)) => tracing::error!(%error, "asking a cantal agent broke off: a defect, please report it"),
                None => break,
            }
        }
        self.send(MetricNews::Swept).await
    }

    async fn tell(&self, seen: &mut Seen, told: Told) -> Option<()> {
        let Told { peer, sent, said } = told;
        let Said { row, newest, refused } = match said {
            Ok(said) => said,
            Err(reason) => return self.tell_trouble(seen, peer, reason).await,
        };
        let taken = seen.taken(newest, sent);
        // A report says that all is well again; what is not must be told behind it.
        seen.trouble = None;
        self.send(MetricNews::Report(Report { peer, generation: self.queries.generation, taken, row })).await?;
        match refused {
            Some(reason) => self.tell_trouble(seen, peer, reason).await,
            None => Some(()),
        }
    }

    /// Sends what is new: the same trouble in every sweep, of thousands of peers, would only fill the channel.
    async fn tell_trouble(&self, seen: &mut Seen, peer: NodeId, reason: String) -> Option<()> {
        if seen.trouble.as_ref() == Some(&reason) {
            return Some(());
        }
        seen.trouble = Some(reason.clone());
        self.send(MetricNews::Trouble { peer, reason }).await
    }

    async fn send(&self, news: MetricNews) -> Option<()> {
        self.news.send(news).await.ok()
    }
}

async fn ask(peer: NodeId, agent: Agent, queries: Arc<QuerySet>, program: Arc<Program>) -> Told {
    let sent = (Instant::now(), unix_now());
    let answers = agent.query(&program).await;
    let said = answers.map_err(|error| error.explain()).and_then(|answers| evaluate(agent, &queries, &program, answers));
    Told { peer, sent, said }
}

fn evaluate(agent: Agent, queries: &QuerySet, program: &Program, answers: Vec<DataSets>) -> Result<Said, String> {
    let Samples { series, newest, refused } = program.read(answers);
    let no_samples =
        || format!("the agent at {} has no samples yet: if they do not come with its next scan, look at its log", agent.addr());
    let newest = newest.ok_or_else(no_samples)?;
    let row = query::row(queries, &series, Asked { now: newest, stale: program.stale() });
    let refused = refused.into_iter().next().map(|(place, why)| {
        let rule = queries.rules().get(usize::from(place)).and_then(|rule| serde_json::to_string(rule).ok()).unwrap_or_default();
        format!("the agent at {} gave no figures for the query {rule}: {why}", agent.addr())
    });
    Ok(Said { row, newest, refused })
}

#[cfg(test)]
mod tests;
