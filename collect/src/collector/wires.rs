//! The metric sources: what they are asked for, and what comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use verwalter_core::metrics::Source;

use super::peers::Seats;
use crate::inquiry::Inquiries;
use crate::query::QuerySet;
use crate::source::{MetricNews, MetricSource, PeerSource, Peers, Wanted};

/// News that wait to be taken in: a sweep over a large cluster goes on meanwhile.
const NEWS: usize = 1_024;

/// Where the figures of rules come from that name no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricsFrom {
    /// From the agent that tells the peers.
    #[default]
    Auto,
    /// From this one.
    Fixed(Source),
}

/// Who knows of peers and figures, beside this machine itself.
#[derive(Default)]
pub struct Sources {
    /// In order of preference: the first that answers counts. None: this node is alone.
    pub peers: Vec<Box<dyn PeerSource>>,
    /// One a kind. This machine's own figures need none.
    pub metrics: Vec<Box<dyn MetricSource>>,
    /// For rules without `source`.
    pub default: MetricsFrom,
    /// Peer sources that never answered are no trouble: a node by itself needs none.
    pub lenient: bool,
    /// Questions to this machine's history, of the agent and of people.
    pub inquiries: Option<Inquiries>,
}

impl Sources {
    /// Starts them all in `tasks`.
    pub(super) fn seat(self, tasks: &mut JoinSet<()>, drain: &CancellationToken) -> (Seats, Wires, Option<Inquiries>) {
        let seats = Seats::start(self.peers, self.lenient, tasks, drain);
        let (heard, news) = mpsc::channel(NEWS);
        let mut wires = BTreeMap::new();
        for source in self.metrics {
            let (wanted, wants) = watch::channel(Wanted::default());
            let (tell, mut told) = mpsc::channel(NEWS);
            let (which, heard) = (source.source(), heard.clone());
            tasks.spawn(source.run(wants, tell, drain.clone()));
            tasks.spawn(async move {
                while let Some(news) = told.recv().await {
                    if heard.send((which, news)).await.is_err() {
                        return;
                    }
                }
            });
            wires.insert(which, wanted);
        }
        (seats, Wires { wires, news, default: self.default }, self.inquiries)
    }
}

/// The metric sources that run.
pub(super) struct Wires {
    wires: BTreeMap<Source, watch::Sender<Wanted>>,
    news: mpsc::Receiver<(Source, MetricNews)>,
    default: MetricsFrom,
}

impl Wires {
    /// Whether there is such a source.
    pub(super) fn has(&self, source: Source) -> bool {
        self.wires.contains_key(&source)
    }

    /// Where figures come from by default while `peers` tells the peers.
    pub(super) fn preferred(&self, peers: Option<&'static str>) -> Source {
        match self.default {
            MetricsFrom::Fixed(source) => source,
            MetricsFrom::Auto if peers == Some("cantal") && self.has(Source::Cantal) => Source::Cantal,
            MetricsFrom::Auto => Source::Agent,
        }
    }

    /// The next news; `None` where there is no source.
    pub(super) async fn next(&mut self) -> Option<(Source, MetricNews)> {
        self.news.recv().await
    }

    /// Tells every source what is wanted of it, where that has changed.
    pub(super) fn want(&self, queries: &QuerySet, peers: &Arc<Peers>, default: Source) {
        for (source, wire) in &self.wires {
            let differs = |wanted: &Wanted| wanted.queries.generation != queries.generation || !Arc::ptr_eq(&wanted.peers, peers);
            if !differs(&wire.borrow()) {
                continue;
            }
            wire.send_modify(|wanted| {
                if wanted.queries.generation != queries.generation {
                    wanted.queries = Arc::new(queries.only(|rule| rule.source.unwrap_or(default) == *source));
                }
                wanted.peers = peers.clone();
            });
        }
    }
}
