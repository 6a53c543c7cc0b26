//! The figures of a Prometheus server as a [`MetricSource`]: its HTTP API asked for the raw samples of every rule, which are evaluated
//! here and told by peer. It writes nothing there, and it asks no exporter.
//!
//! | module | owns |
//! |---|---|
//! | `server` | the server's address, and who asks |
//! | `client` | a query to an answer, under caps and deadlines |
//! | `answer` | reading the JSON |
//! | `selector` | a rule as PromQL |
//! | `plan` | the queries for a set of rules, and how far back each looks |
//! | `directory` | whom a label's value names |
//! | `kinds` | counters and levels |
//! | `names` | what a query that matches nothing may have meant |
//! | `figures` | an answer by peer |
//! | `sweep` | all of it, once |
//!
//! **Raw samples, not `rate()`.** PromQL's functions would send one number a series, but other numbers than every other source gives:
//! `rate()` and `increase()` extrapolate to the window's ends, `quantile_over_time()` interpolates, and an instant vector is up to five
//! minutes old without saying so. The price, of 10,000 peers with a series each that is scraped every 15 s: 2.5 MB instead of 1.6 for the
//! newest sample, 3.6 MB instead of 1.4 for a rate over a minute, 8 MB for one over five, and the same quarter of a second of the server's;
//! 68 MB for an hour, so what looks back further than 24 scrapes is asked less often. Rules on the same series share a query.
//!
//! A series that vanished speaks for three scrape intervals more, as with every source; Prometheus' staleness markers are in no range of
//! samples. The label `metric` of rules is Prometheus' `__name__`; a label that is called `metric` there cannot be asked for.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use verwalter_core::metrics::Source;

use crate::local::OwnNode;
use crate::source::{MetricNews, MetricSource, Task, Wanted};

mod answer;
mod client;
mod directory;
mod figures;
mod kinds;
mod names;
mod plan;
mod selector;
mod server;
mod sweep;

pub use answer::{Answer, Bounds, Labels, Series};
pub use client::{Client, ClientError, Limits};
pub use server::{Credentials, CredentialsError, ServerUrl, ServerUrlError};

use sweep::{Outcome, Sweeper};

/// Shortest time between two sweeps: below it a server would only be measured.
const MIN_INTERVAL: Duration = Duration::from_millis(10);
/// A newest sample older than this many scrapes says nothing about now.
const STALE_SCRAPES: u32 = 3;

/// How to ask, and whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server.
    pub client: Client,
    /// This node, which is among no [`Peers`](crate::source::Peers) but has figures, too.
    pub own: OwnNode,
    /// Which label of a series names its peer: by hostname, full name or address, with or without a port.
    pub peer_label: String,
    /// Time between the begins of two sweeps, normally 2 to 15 s. At least 10 ms.
    pub interval: Duration,
    /// `scrape_interval` of the server's configuration, the longest where jobs differ: a sample three times older says nothing about now.
    pub scrape_interval: Duration,
    /// How many queries run at a time. The server has its own limit, 20 normally, for all who ask.
    pub concurrency: usize,
}

impl Settings {
    /// The server's figures, with everything else as it is in most places.
    pub fn new(server: ServerUrl, own: OwnNode) -> Settings {
        Settings {
            client: Client::new(server, Credentials::None, Limits::default()),
            own,
            peer_label: "instance".to_owned(),
            // Several times a scrape, so that a sample is told soon after it was taken; the same sample told twice does no harm.
            interval: Duration::from_secs(5),
            // What the sample configurations of Prometheus and its packages say.
            scrape_interval: Duration::from_secs(15),
            concurrency: 4,
        }
    }

    /// How old a newest sample may be.
    fn stale_after(&self) -> Duration {
        self.scrape_interval.saturating_mul(STALE_SCRAPES)
    }
}

/// The metric source. It evaluates the queries of [`Wanted`] that are [asked](crate::query::QuerySet::asked) of it.
///
/// When the server is silent, each living peer's [`Trouble`](MetricNews::Trouble) says so; what was reported before stays and ages. A single
/// query that fails keeps its last good numbers until they would be stale.
#[derive(Debug)]
pub struct Prometheus {
    settings: Settings,
}

impl Prometheus {
    /// The source for these settings; it begins with [`MetricSource::run`].
    pub fn new(settings: Settings) -> Prometheus {
        Prometheus { settings }
    }
}

impl MetricSource for Prometheus {
    fn source(&self) -> Source {
        Source::Prometheus
    }

    fn run(self: Box<Self>, wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>, drain: CancellationToken) -> Task {
        Box::pin(async move {
            // A sweep under way is dropped, with its connections.
            let _ = drain.run_until_cancelled(follow(self.settings, wanted, news)).await;
        })
    }
}

async fn follow(settings: Settings, mut wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>) {
    let mut ticks = tokio::time::interval(settings.interval.max(MIN_INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeper = Sweeper::new(settings);
    let mut told = Vec::new();
    let mut generation = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // New queries are asked at once; peers change every second or so and wait for the next sweep.
            () = newer(&mut wanted, generation) => ticks.reset(),
        }
        let now_wanted = wanted.borrow_and_update().clone();
        generation = Some(now_wanted.queries.generation);
        let outcome = sweeper.sweep(&now_wanted).await;
        if tell(outcome, &mut told, &news).await.is_err() {
            return;
        }
    }
}

/// Waits for queries of another generation.
async fn newer(wanted: &mut watch::Receiver<Wanted>, generation: Option<u64>) {
    while wanted.changed().await.is_ok() {
        if Some(wanted.borrow().queries.generation) != generation {
            return;
        }
    }
    // Nobody will want anything else any more.
    std::future::pending::<()>().await;
}

/// Sends what a sweep learnt; fails when nobody listens any more. Complaints are sent when they are others than `told`.
async fn tell(outcome: Outcome, told: &mut Vec<String>, news: &mpsc::Sender<MetricNews>) -> Result<(), mpsc::error::SendError<MetricNews>> {
    for report in outcome.reports {
        news.send(MetricNews::Report(report)).await?;
    }
    for (peer, reason) in outcome.troubles {
        news.send(MetricNews::Trouble { peer, reason }).await?;
    }
    if outcome.complaints != *told {
        told.clone_from(&outcome.complaints);
        news.send(MetricNews::Complaints(outcome.complaints)).await?;
    }
    news.send(MetricNews::Swept).await
}
