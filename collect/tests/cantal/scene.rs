//! The source of figures at work, and what its tests ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::cantal::{Figures, Settings};
use verwalter_collect::query::QuerySet;
use verwalter_collect::source::{MetricNews, MetricSource, Peers, Report, SeenPeer, Wanted};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{MetricRule, Source, Take};
use verwalter_core::names::Hostname;

use crate::machine::{Chunk, Machine};
use crate::server::{Reply, Server, within};
use crate::{id, settings};

pub(crate) fn rule(metric: &str, take: Take, window: u64) -> MetricRule {
    let labels = BTreeMap::from([("metric".to_owned(), metric.to_owned())]);
    MetricRule { labels, take, window: Duration::from_secs(window), ..MetricRule::default() }
}

pub(crate) fn wanted(generation: u64, rules: &[MetricRule], peers: impl IntoIterator<Item = SeenPeer>) -> Wanted {
    let rules: BTreeSet<MetricRule> = rules.iter().cloned().collect();
    let peers = Peers { at: UnixMillis(0), peers: peers.into_iter().map(Arc::new).collect(), complaints: Vec::new() };
    Wanted { queries: Arc::new(QuerySet::compile(generation, &rules)), peers: Arc::new(peers) }
}

pub(crate) fn peer(last: u8, agent: Option<SocketAddr>) -> SeenPeer {
    SeenPeer { agent, ..SeenPeer::named(id(last), Hostname::new(&format!("h{last}")).expect("valid")) }
}

/// The source at work.
pub(crate) struct Scene {
    pub(crate) wanted: watch::Sender<Wanted>,
    pub(crate) news: mpsc::Receiver<MetricNews>,
    pub(crate) drain: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Scene {
    pub(crate) fn new(settings: Settings, first: Wanted) -> Scene {
        let (wanted, follow) = watch::channel(first);
        let (tell, news) = mpsc::channel(4);
        let drain = CancellationToken::new();
        let source = Box::new(Figures::new(settings));
        assert_eq!(source.source(), Source::Cantal);
        let task = tokio::spawn(source.run(follow, tell, drain.clone()));
        Scene { wanted, news, drain, task }
    }

    pub(crate) async fn next(&mut self) -> MetricNews {
        within(self.news.recv()).await.expect("the source runs")
    }

    /// The next report on a peer.
    pub(crate) async fn report(&mut self, of: NodeId) -> Report {
        loop {
            if let MetricNews::Report(report) = self.next().await
                && report.peer == of
            {
                return report;
            }
        }
    }

    /// The next trouble with a peer.
    pub(crate) async fn trouble(&mut self, of: NodeId) -> String {
        loop {
            if let MetricNews::Trouble { peer, reason } = self.next().await
                && peer == of
            {
                return reason;
            }
        }
    }

    /// What is told until the end of the sweep.
    pub(crate) async fn sweep(&mut self) -> Vec<MetricNews> {
        let mut told = Vec::new();
        loop {
            match self.next().await {
                MetricNews::Swept => return told,
                news => told.push(news),
            }
        }
    }

    pub(crate) async fn end(mut self) {
        self.drain.cancel();
        within(async { while self.news.recv().await.is_some() {} }).await;
        within(self.task).await.expect("it ends in peace");
    }
}

/// An agent on this machine.
pub(crate) async fn agent(machine: Machine) -> Server {
    Server::start(move |asked| Reply::ok(&machine.answer(&asked.body))).await
}

/// What the rules say of the own machine, in the rules' order.
pub(crate) async fn said(machine: Machine, rules: &[MetricRule]) -> Vec<f64> {
    let server = agent(machine).await;
    let mut scene = Scene::new(settings(server.addr), wanted(1, rules, []));
    let report = scene.report(id(1)).await;
    let ordered = QuerySet::compile(1, &rules.iter().cloned().collect());
    scene.end().await;
    rules.iter().map(|rule| report.row.values[ordered.rules().iter().position(|one| one == rule).expect("asked")]).collect()
}

pub(crate) fn counter(values: &[u64]) -> Chunk {
    Chunk::Counter(values.iter().copied().map(Some).collect())
}
