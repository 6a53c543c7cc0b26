//! Sources that a test plays. They keep the contract of sources, which `tests/contract` asks of them as of the real ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::NodeId;
use verwalter_core::metrics::Source;

use crate::clock::unix_now;
use crate::query::evaluate::Asked;
use crate::query::{SeriesView, row};
use crate::series::{Labels, SampleKind};
use crate::source::{MetricNews, MetricSource, PeerNews, PeerSource, Peers, Report, SeenPeer, Task, Wanted};

/// What a played peer source hears of its agent: peers in any order, or why there are none. `None`: nothing yet.
pub(crate) type Heard = Option<Result<Vec<SeenPeer>, String>>;

/// Tells the peers that a test tells it.
pub(crate) struct Told {
    name: &'static str,
    own: NodeId,
    script: watch::Receiver<Heard>,
}

impl Told {
    /// A source called `name` of the node `own`, and what it hears.
    pub(crate) fn new(name: &'static str, own: NodeId) -> (watch::Sender<Heard>, Told) {
        let (say, script) = watch::channel(None);
        (say, Told { name, own, script })
    }
}

impl PeerSource for Told {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(self: Box<Self>, news: watch::Sender<PeerNews>, drain: CancellationToken) -> Task {
        let Told { own, mut script, .. } = *self;
        Box::pin(async move {
            let follow = async {
                script.mark_changed();
                while script.changed().await.is_ok() {
                    let heard = script.borrow_and_update().clone();
                    news.send_modify(|news| match heard {
                        None => {}
                        Some(Err(trouble)) => news.trouble = Some(trouble),
                        Some(Ok(peers)) => {
                            let others = peers.into_iter().filter(|peer| peer.id != own).map(|peer| (peer.id, Arc::new(peer)));
                            let peers = others.collect::<BTreeMap<_, _>>().into_values().collect();
                            *news =
                                PeerNews { peers: Some(Arc::new(Peers { at: unix_now(), peers, complaints: Vec::new() })), trouble: None };
                        }
                    });
                }
                std::future::pending::<()>().await;
            };
            let _ = drain.run_until_cancelled(follow).await;
        })
    }
}

/// What is measured on every machine of a played metric source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machines {
    /// Each series with its samples, a second apart, oldest first.
    pub(crate) series: Vec<(Labels, Vec<f64>)>,
    /// The hostnames of those that do not answer.
    pub(crate) silent: BTreeSet<String>,
    /// Whether all of them take a question and do not answer as long as that is so.
    pub(crate) hung: bool,
}

impl Machines {
    /// One series of this metric.
    pub(crate) fn with(metric: &str, value: f64) -> Machines {
        Machines { series: vec![([("metric".to_owned(), metric.to_owned())].into(), vec![value])], ..Machines::default() }
    }
}

/// Tells what a test has the machines say, every few milliseconds; that one is silent only when that is new, as cantal's source does.
pub(crate) struct Measured {
    source: Source,
    machines: watch::Receiver<Machines>,
}

impl Measured {
    /// A source of this kind, and what it finds.
    pub(crate) fn new(source: Source, machines: Machines) -> (watch::Sender<Machines>, Measured) {
        let (set, machines) = watch::channel(machines);
        (set, Measured { source, machines })
    }
}

struct Series<'a>(&'a Labels, &'a [f64]);

impl SeriesView for Series<'_> {
    fn labels(&self) -> &Labels {
        self.0
    }

    fn kind(&self) -> SampleKind {
        SampleKind::Gauge
    }

    fn newest_first(&self) -> impl Iterator<Item = (Duration, f64)> {
        let (times, values) = (1_u64.., self.1);
        let samples: Vec<_> = times.map(Duration::from_secs).zip(values.iter().copied()).collect();
        samples.into_iter().rev()
    }
}

impl MetricSource for Measured {
    fn source(&self) -> Source {
        self.source
    }

    fn run(self: Box<Self>, wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>, drain: CancellationToken) -> Task {
        Box::pin(async move { drain.run_until_cancelled(follow(self.machines, wanted, news)).await.unwrap_or_default() })
    }
}

async fn follow(mut machines: watch::Receiver<Machines>, wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let mut told: BTreeMap<NodeId, String> = BTreeMap::new();
    loop {
        ticks.tick().await;
        let Ok(machines) = machines.wait_for(|machines| !machines.hung).await.map(|machines| machines.clone()) else {
            // Hung for good.
            return std::future::pending().await;
        };
        let Wanted { queries, peers } = wanted.borrow().clone();
        let living = || peers.peers.iter().filter(|peer| peer.alive);
        told.retain(|id, _| living().any(|peer| peer.id == *id));
        // Where nothing is asked nobody is.
        for peer in living().filter(|_| queries.asked().next().is_some()) {
            let hostname = peer.hostname.as_str();
            let said = if machines.silent.contains(hostname) {
                let reason = format!("no answer from {hostname}: start its agent again");
                if told.insert(peer.id, reason.clone()).is_some() {
                    continue;
                }
                MetricNews::Trouble { peer: peer.id, reason }
            } else {
                told.remove(&peer.id);
                let series: Vec<_> = machines.series.iter().map(|(labels, values)| Series(labels, values)).collect();
                let newest = machines.series.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
                let now = Duration::from_secs(newest as u64);
                let row = row(&queries, &series, Asked { now, stale: Duration::from_secs(3_600) });
                MetricNews::Report(Report { peer: peer.id, generation: queries.generation, taken: unix_now(), row })
            };
            if news.send(said).await.is_err() {
                return;
            }
        }
        if news.send(MetricNews::Swept).await.is_err() {
            return;
        }
    }
}
