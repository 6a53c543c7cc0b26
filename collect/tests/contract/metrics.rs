//! The clauses of the contract of metric sources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::clock::unix_now;
use verwalter_collect::query::QuerySet;
use verwalter_collect::source::{MAX_COMPLAINTS, MetricNews, MetricSource, Peers, Report, Row, SeenPeer, Wanted};
use verwalter_collect::table::Cluster;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{MAX_SAMPLES, MetricRule, Source, Take};

use crate::server::within;
use crate::{OWN, assert_helps, id, seen};

/// A metric with one series a machine.
pub(crate) const LEVEL: &str = "queue_length";
/// A metric with two series a machine, which the label `device` tells apart.
pub(crate) const DEVICES: &str = "disk_busy";

/// What a source looks at: the machines of the nodes 2 and 3, maybe of node 1, which is the own one.
pub(crate) trait World: Sized {
    /// Which source looks at it.
    const SOURCE: Source;
    /// What stands for [`LEVEL`] there.
    const LEVEL: &'static str = LEVEL;
    /// What stands for [`DEVICES`] and its label there.
    const DEVICES: (&'static str, &'static str) = (DEVICES, "device");

    /// The world with good agents, and a source that was not started yet.
    async fn new() -> (Self, Box<dyn MetricSource>);

    /// The nodes 2 and 3.
    fn peers(&self) -> [SeenPeer; 2];

    /// What trouble with node 3 must name.
    fn subject(&self) -> String;

    /// Nobody tells of node 3 any more.
    async fn silence(&mut self);

    /// Somebody tells of node 3 as before.
    async fn speak(&mut self);

    /// All agents take questions and do not answer; returns once the source waits for one.
    async fn hang(&mut self);
}

/// What is asked in all worlds.
struct Questions {
    level: MetricRule,
    devices: MetricRule,
    samples: MetricRule,
    absent: MetricRule,
    /// Of another source.
    foreign: MetricRule,
}

impl Questions {
    fn of<W: World>() -> Questions {
        let rule = |metric: &str| MetricRule { labels: [("metric".to_owned(), metric.to_owned())].into(), ..MetricRule::default() };
        let other = if W::SOURCE == Source::Agent { Source::Cantal } else { Source::Agent };
        let (metric, label) = W::DEVICES;
        Questions {
            level: rule(W::LEVEL),
            devices: MetricRule { by: [label.to_owned()].into(), ..rule(metric) },
            samples: MetricRule { take: Take::Series, window: Duration::from_secs(60), ..rule(W::LEVEL) },
            absent: rule("no.such.metric"),
            foreign: MetricRule { source: Some(other), ..rule(W::LEVEL) },
        }
    }

    fn all(&self) -> BTreeSet<MetricRule> {
        [&self.level, &self.devices, &self.samples, &self.absent, &self.foreign].into_iter().cloned().collect()
    }
}

/// A source at work.
struct Running<W> {
    world: W,
    questions: Questions,
    wanted: watch::Sender<Wanted>,
    news: mpsc::Receiver<MetricNews>,
    sets: BTreeMap<u64, Arc<QuerySet>>,
    drain: CancellationToken,
    task: JoinHandle<()>,
}

impl<W: World> Running<W> {
    /// At work, with everything asked of both peers.
    async fn start() -> Running<W> {
        let mut running = Running::<W>::idle(8).await;
        running.ask(1, &running.questions.all());
        running
    }

    /// At work, asked nothing yet; so much news finds room.
    async fn idle(room: usize) -> Running<W> {
        let (world, source) = W::new().await;
        assert_eq!(source.source(), W::SOURCE);
        let peers = world.peers().map(Arc::new).into();
        let peers = Arc::new(Peers { at: unix_now(), peers, complaints: Vec::new() });
        let (wanted, wants) = watch::channel(Wanted { peers, ..Wanted::default() });
        let (tell, news) = mpsc::channel(room);
        let drain = CancellationToken::new();
        let task = tokio::spawn(source.run(wants, tell, drain.clone()));
        Running { world, questions: Questions::of::<W>(), wanted, news, sets: BTreeMap::new(), drain, task }
    }

    /// Asks what of `rules` is of this source.
    fn ask(&mut self, generation: u64, rules: &BTreeSet<MetricRule>) {
        let queries = Arc::new(QuerySet::compile(generation, rules).only(|rule| rule.source.is_none()));
        self.sets.insert(generation, queries.clone());
        self.wanted.send_modify(|wanted| wanted.queries = queries);
    }

    /// Only node 2 is wanted any more.
    fn want_only_the_second(&self) {
        self.wanted.send_modify(|wanted| {
            let peers = wanted.peers.peers.iter().filter(|peer| peer.id == id(2)).cloned().collect();
            wanted.peers = Arc::new(Peers { at: unix_now(), peers, complaints: Vec::new() });
        });
    }

    /// The next news, which was looked at.
    async fn next(&mut self) -> MetricNews {
        let news = within(self.news.recv()).await.expect("the source goes on");
        match &news {
            MetricNews::Report(report) => assert_fits(self.sets.get(&report.generation).expect("what was asked"), report),
            MetricNews::Trouble { peer, .. } => assert!(is_node(*peer), "{news:?}"),
            MetricNews::Complaints(complaints) => assert!(complaints.len() <= MAX_COMPLAINTS, "{news:?}"),
            MetricNews::Swept => {}
        }
        news
    }

    /// The next report of `peer` to this set of queries that is full: with a number, both groups and samples, as far as these are asked.
    async fn full(&mut self, peer: NodeId, generation: u64) -> Report {
        loop {
            if let MetricNews::Report(report) = self.next().await
                && report.peer == peer
                && report.generation == generation
                && is_full(&self.sets[&generation], &report.row)
            {
                return report;
            }
        }
    }

    /// Waits for trouble with node 3 that names what it should.
    async fn trouble(&mut self) -> String {
        let subject = self.world.subject();
        loop {
            if let MetricNews::Trouble { peer, reason } = self.next().await
                && peer == id(3)
                && reason.contains(&subject)
            {
                return reason;
            }
        }
    }

    /// What is told until so many sweeps have ended.
    async fn sweeps(&mut self, mut count: u32) -> Vec<MetricNews> {
        let mut told = Vec::new();
        while count > 0 {
            match self.next().await {
                MetricNews::Swept => count -= 1,
                news => told.push(news),
            }
        }
        told
    }

    /// Ends it without reading what it says.
    async fn end(mut self) {
        self.drain.cancel();
        within(self.task).await.expect("it ends in peace");
        // What it said before is still there, and behind it the end: nobody is left who could say more.
        within(async { while self.news.recv().await.is_some() {} }).await;
    }
}

fn is_node(id: NodeId) -> bool {
    [OWN, crate::id(2), crate::id(3)].contains(&id)
}

/// Whether every query that was asked and finds something says something.
fn is_full(set: &QuerySet, row: &Row) -> bool {
    let asked = || set.asked().filter(|(_, query)| query.rule().labels["metric"] != "no.such.metric");
    let groups = asked().filter(|(_, query)| !query.rule().by.is_empty()).count();
    let series = asked().filter(|(_, query)| query.rule().take == Take::Series).count();
    let wholes = asked().filter(|(_, query)| query.rule().by.is_empty()).count();
    let numbers = row.values.iter().filter(|value| value.is_finite()).count();
    row.groups.len() == 2 * groups && row.samples.len() == series && numbers == wholes
}

/// Whether `report` is an answer to `set`.
fn assert_fits(set: &QuerySet, report: &Report) {
    let Report { peer, generation, taken, row } = report;
    assert!(is_node(*peer) && *generation == set.generation, "{report:?}");
    let now = unix_now();
    assert!(taken.0 <= now.0 && now.0 - taken.0 < 600_000, "taken at {taken:?}, now is {now:?}");
    let rule = |place: u16| set.rules().get(usize::from(place)).unwrap_or_else(|| panic!("there is no query {place}: {row:?}"));
    let wholes: Vec<u16> = (0..).zip(set.rules()).filter(|(_, rule)| rule.by.is_empty()).map(|(place, _)| place).collect();
    assert_eq!(row.values.len(), wholes.len(), "one value a query without `by`");
    assert!(row.values.iter().all(|value| !value.is_infinite()), "{row:?}");
    assert!(row.groups.is_sorted_by(|a, b| (a.query, &a.group) < (b.query, &b.group)), "{row:?}");
    for group in &row.groups {
        let by = rule(group.query).by.len();
        assert!(by > 0 && group.group.len() == by && group.value.is_finite(), "{row:?}");
    }
    assert!(row.samples.is_sorted_by(|a, b| (a.query, &a.group) < (b.query, &b.group)), "{row:?}");
    for samples in &row.samples {
        let rule = rule(samples.query);
        assert!(rule.take == Take::Series && samples.group.len() == rule.by.len(), "{row:?}");
        assert!((1..=MAX_SAMPLES).contains(&samples.values.len()) && samples.values.iter().all(|value| value.is_finite()), "{row:?}");
    }
    assert!(row.unmatched.is_sorted_by(|a, b| a < b), "each once: {row:?}");
    row.unmatched.iter().for_each(|place| drop(rule(*place).clone()));
    row.left_out.iter().for_each(|left_out| assert!(!rule(left_out.query).by.is_empty(), "{row:?}"));
    let asked: BTreeSet<u16> = set.asked().map(|(place, _)| place).collect();
    let said = row.groups.iter().map(|group| group.query).chain(row.samples.iter().map(|samples| samples.query));
    assert!(said.into_iter().all(|place| asked.contains(&place)), "{row:?}");
    for (place, value) in wholes.iter().zip(&row.values) {
        assert!(asked.contains(place) || value.is_nan() && row.unmatched.contains(place), "query {place} was not asked: {row:?}");
    }
    // Whoever takes it in thinks so, too.
    let mut cluster = Cluster::new(Arc::new(seen(1, None)), Source::Agent, Duration::from_secs(1));
    cluster.set_peers(&Peers {
        at: UnixMillis(0),
        peers: [2, 3].map(|number| Arc::new(seen(number, None))).into(),
        complaints: Vec::new(),
    });
    cluster.set_queries(set);
    cluster.report(Source::Agent, report).expect("the table takes it");
}

pub(crate) async fn reports_of_all_peers_come_and_fit_what_was_asked<W: World>() {
    let mut running = Running::<W>::start().await;
    for peer in [id(2), id(3)] {
        let row = running.full(peer, 1).await.row;
        let set = &running.sets[&1];
        let place = |rule: &MetricRule| set.rules().iter().position(|other| other == rule).expect("asked");
        let Questions { level, devices, samples, absent, foreign } = &running.questions;
        let unmatched = |rule: &MetricRule| row.unmatched.iter().any(|unmatched| usize::from(*unmatched) == place(rule));
        assert_eq!([level, devices, samples, absent, foreign].map(unmatched), [false, false, false, true, true], "{row:?}");
    }
    running.sweeps(2).await;
    running.end().await;
}

pub(crate) async fn other_queries_are_followed<W: World>() {
    let mut running = Running::<W>::idle(8).await;
    let (all, devices) = (running.questions.all(), [running.questions.devices.clone()].into());
    running.ask(1, &all);
    running.full(id(3), 1).await;
    running.ask(2, &devices);
    running.full(id(2), 2).await;
    running.full(id(3), 2).await;
    running.ask(3, &all);
    running.full(id(2), 3).await;
    let told = running.sweeps(3).await;
    let late = told.iter().filter(|news| matches!(news, MetricNews::Report(report) if report.generation < 3));
    assert_eq!(late.count(), 0, "one that has answered the newest set answers no former one: {told:?}");
    running.end().await;
}

pub(crate) async fn a_peer_that_is_not_wanted_any_more_is_not_reported<W: World>() {
    let mut running = Running::<W>::start().await;
    running.full(id(2), 1).await;
    running.full(id(3), 1).await;
    running.want_only_the_second();
    // The sweep under way may have begun before.
    running.sweeps(2).await;
    running.full(id(2), 1).await;
    for news in running.sweeps(3).await {
        let of = match &news {
            MetricNews::Report(report) => Some(report.peer),
            MetricNews::Trouble { peer, .. } => Some(*peer),
            MetricNews::Complaints(_) | MetricNews::Swept => None,
        };
        assert_ne!(of, Some(id(3)), "{news:?}");
    }
    running.end().await;
}

pub(crate) async fn a_silent_agent_is_trouble_until_a_report_comes<W: World>() {
    let mut running = Running::<W>::start().await;
    running.full(id(3), 1).await;
    for _ in 0..2 {
        running.world.silence().await;
        let trouble = running.trouble().await;
        assert_helps(&trouble, &running.world.subject());
        let told = running.sweeps(3).await;
        let reports = told.iter().filter(|news| matches!(news, MetricNews::Report(report) if report.peer == id(3)));
        assert_eq!(reports.count(), 0, "what it said before is not said again: {told:?}");
        running.world.speak().await;
        running.full(id(3), 1).await;
    }
    running.end().await;
}

pub(crate) async fn it_goes_on_when_nobody_wants_anything_else<W: World>() {
    let mut running = Running::<W>::start().await;
    let (never, _) = watch::channel(Wanted::default());
    drop(std::mem::replace(&mut running.wanted, never));
    running.full(id(2), 1).await;
    running.full(id(3), 1).await;
    running.end().await;
}

pub(crate) async fn it_ends_while_its_agents_hang<W: World>() {
    let mut running = Running::<W>::start().await;
    running.full(id(3), 1).await;
    running.world.hang().await;
    running.end().await;
}

pub(crate) async fn it_ends_while_nobody_takes_its_news<W: World>() {
    let mut running = Running::<W>::idle(1).await;
    let all = running.questions.all();
    running.ask(1, &all);
    running.full(id(3), 1).await;
    // It waits for room now, or will with its next word.
    within(async {
        while running.news.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    running.end().await;
}

pub(crate) async fn it_ends_when_nobody_listens<W: World>() {
    let mut running = Running::<W>::start().await;
    running.full(id(3), 1).await;
    drop(running.news);
    within(running.task).await.expect("it ends in peace");
}

macro_rules! metric_sources {
    ($($source:ident: $world:ty,)*) => {
        $(mod $source {
            #[tokio::test]
            async fn reports_of_all_peers_come_and_fit_what_was_asked() {
                super::reports_of_all_peers_come_and_fit_what_was_asked::<$world>().await;
            }

            #[tokio::test]
            async fn other_queries_are_followed() {
                super::other_queries_are_followed::<$world>().await;
            }

            #[tokio::test]
            async fn a_peer_that_is_not_wanted_any_more_is_not_reported() {
                super::a_peer_that_is_not_wanted_any_more_is_not_reported::<$world>().await;
            }

            #[tokio::test]
            async fn a_silent_agent_is_trouble_until_a_report_comes() {
                super::a_silent_agent_is_trouble_until_a_report_comes::<$world>().await;
            }

            #[tokio::test]
            async fn it_goes_on_when_nobody_wants_anything_else() {
                super::it_goes_on_when_nobody_wants_anything_else::<$world>().await;
            }

            #[tokio::test]
            async fn it_ends_while_its_agents_hang() {
                super::it_ends_while_its_agents_hang::<$world>().await;
            }

            #[tokio::test]
            async fn it_ends_while_nobody_takes_its_news() {
                super::it_ends_while_nobody_takes_its_news::<$world>().await;
            }

            #[tokio::test]
            async fn it_ends_when_nobody_listens() {
                super::it_ends_when_nobody_listens::<$world>().await;
            }
        })*
    };
}

metric_sources! {
    cantal: crate::cantal::Figures,
    prometheus: crate::prometheus::Figures,
    agent: crate::agent::Figures,
    fake: crate::fake::Figures,
}
