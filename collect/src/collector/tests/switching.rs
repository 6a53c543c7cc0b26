//! Peers pass from cantal to the built-in agent and back, on tokio's paused clock: what either said stays.

use super::fakes::{Heard, Machines, Measured, Told};
use super::sources::{asking, peers};
use super::*;
use crate::source::{MetricSource, Report, Row, Task, Wanted};

/// A collector that both agents serve.
struct World {
    running: Running,
    cantal: watch::Sender<Heard>,
    agent: watch::Sender<Heard>,
    cantal_machines: watch::Sender<Machines>,
    agent_machines: watch::Sender<Machines>,
}

const METRIC: &str = "load_avg_1min";

fn silent() -> Heard {
    Some(Err("no agent answers: start it again".to_owned()))
}

impl World {
    fn new(first: Heard) -> World {
        let (cantal, cantal_peers) = Told::new("cantal", OWN);
        let (agent, agent_peers) = Told::new("agent", OWN);
        cantal.send_replace(first);
        agent.send_replace(peers(&["beta"]));
        let (cantal_machines, cantal_figures) = Measured::new(Source::Cantal, Machines::with(METRIC, 1.0));
        let (agent_machines, agent_figures) = Measured::new(Source::Agent, Machines::with(METRIC, 2.0));
        let sources = Sources {
            peers: vec![Box::new(cantal_peers), Box::new(agent_peers)],
            metrics: vec![Box::new(cantal_figures), Box::new(agent_figures)],
            ..Sources::default()
        };
        let running = Running::with(roots("earlier"), FAST, sources);
        let rules = [None, Some(Source::Cantal), Some(Source::Agent)].map(asking).into();
        running.rules.send_replace(Arc::new(RuleSet { generation: 2, rules, reads_peers: true }));
        World { running, cantal, agent, cantal_machines, agent_machines }
    }

    /// Waits until `peers` tells the peers, and the columns have these numbers of beta.
    async fn shows(&mut self, peers: &'static str, numbers: [f64; 3]) -> Arc<Published> {
        let metrics = if peers == "cantal" { Source::Cantal } else { Source::Agent };
        let holds = |published: &Published| {
            let sources = &published.sources;
            (sources.peers, sources.metrics) == (Some(peers), Some(metrics)) && of_beta(published) == numbers
        };
        self.running.wait_for(&format!("{peers} and {numbers:?}"), holds).await
    }
}

/// The columns without source, of cantal and of the agent.
fn of_beta(published: &Published) -> [f64; 3] {
    [None, Some(Source::Cantal), Some(Source::Agent)].map(|source| {
        let column = published.snapshot.column(&asking(source));
        column.and_then(|column| column.values.get(1).copied()).unwrap_or(f64::NAN)
    })
}

fn series(published: &Published, source: Option<Source>) -> Vec<f64> {
    published.snapshot.column(&asking(source)).unwrap().series(1).to_vec()
}

fn age(published: &Published, name: &str) -> f64 {
    published.snapshot.host_columns()[name][1]
}

#[tokio::test(start_paused = true)]
async fn what_either_agent_said_stays_while_the_other_tells_the_peers() {
    let mut world = World::new(peers(&["beta"]));
    let published = world.shows("cantal", [1.0, 1.0, 2.0]).await;
    assert_eq!(published.sources.troubles, [] as [String; 0]);
    world.running.wait_for("some past", |published| series(published, None).len() > 3).await;

    // Cantal ends everywhere, and the agent has no figures yet.
    world.cantal.send_replace(silent());
    for machines in [&world.cantal_machines, &world.agent_machines] {
        machines.send_modify(|machines| machines.silent = ["beta".to_owned()].into());
    }
    let published = world.running.wait_for("trouble", |published| !published.sources.troubles.is_empty()).await;
    assert_eq!((published.sources.peers, of_beta(&published)), (Some("cantal"), [1.0, 1.0, 2.0]));
    let published = world.shows("agent", [1.0, 1.0, 2.0]).await;
    let before = series(&published, None);
    assert!(before.len() > 3 && before.iter().all(|value| *value == 1.0), "{before:?}");
    for name in ["age_ms", "age_ms.cantal", "age_ms.agent"] {
        assert!(age(&published, name) >= 0.0, "{name}");
    }
    assert!(world.running.published.borrow().as_ref().unwrap().snapshot.peers().position("beta").is_some());

    // The agent's figures follow cantal's, which stay.
    world.agent_machines.send_modify(|machines| machines.silent.clear());
    let published = world.shows("agent", [2.0, 1.0, 2.0]).await;
    let past = series(&published, None);
    assert!(past.contains(&1.0) && past.last() == Some(&2.0), "{past:?}");
    let cantals = series(&published, Some(Source::Cantal));
    assert!(cantals.len() > 3 && cantals.iter().all(|value| *value == 1.0), "{cantals:?}");

    // And back.
    world.cantal_machines.send_modify(|machines| machines.silent.clear());
    world.cantal.send_replace(peers(&["beta"]));
    let published = world.shows("cantal", [1.0, 1.0, 2.0]).await;
    let past = series(&published, None);
    assert!(past.contains(&2.0) && past.last() == Some(&1.0), "{past:?}");
    let agents = series(&published, Some(Source::Agent));
    assert!(agents.len() > 3 && agents.iter().all(|value| *value == 2.0), "{agents:?}");
}

#[tokio::test(start_paused = true)]
async fn cantal_tells_the_peers_where_it_answers_else_the_agent() {
    let mut world = World::new(silent());
    let published = world.shows("agent", [2.0, 1.0, 2.0]).await;
    assert_eq!(published.sources.troubles, [] as [String; 0], "the agent does as well");
    world.cantal.send_replace(peers(&["beta"]));
    world.shows("cantal", [1.0, 1.0, 2.0]).await;
    world.cantal.send_replace(silent());
    world.shows("agent", [2.0, 1.0, 2.0]).await;
    // With nobody better the last word stays.
    world.agent.send_replace(silent());
    let troubles = ["cantal: no agent answers: start it again", "agent: no agent answers: start it again"];
    let published = world.running.wait_for("both troubles", |published| published.sources.troubles == troubles).await;
    assert_eq!((published.sources.peers, published.snapshot.peers().len()), (Some("agent"), 2));
}

/// Answers every set of queries with a report to the set before, which it was not asked anything of, and says that it did.
struct Late;

impl MetricSource for Late {
    fn source(&self) -> Source {
        Source::Agent
    }

    fn run(self: Box<Self>, mut wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>, drain: CancellationToken) -> Task {
        Box::pin(async move {
            let follow = async {
                while wanted.changed().await.is_ok() {
                    let Wanted { queries, peers } = wanted.borrow_and_update().clone();
                    for peer in &peers.peers {
                        let row = Row { values: vec![f64::NAN], unmatched: vec![0], ..Row::default() };
                        let report = Report { peer: peer.id, generation: queries.generation - 1, taken: unix_now(), row };
                        news.send(MetricNews::Report(report)).await.unwrap();
                    }
                    let told = format!("late to {}", queries.generation - 1);
                    news.send(MetricNews::Complaints(vec![told])).await.unwrap();
                }
                std::future::pending::<()>().await;
            };
            let _ = drain.run_until_cancelled(follow).await;
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_under_way_since_before_the_switch_takes_nothing_away() {
    let (cantal, cantal_peers) = Told::new("cantal", OWN);
    let (agent, agent_peers) = Told::new("agent", OWN);
    cantal.send_replace(peers(&["beta"]));
    agent.send_replace(peers(&["beta"]));
    let (_machines, figures) = Measured::new(Source::Cantal, Machines::with(METRIC, 1.0));
    let sources = Sources {
        peers: vec![Box::new(cantal_peers), Box::new(agent_peers)],
        metrics: vec![Box::new(figures), Box::new(Late)],
        ..Sources::default()
    };
    let mut running = Running::with(roots("earlier"), FAST, sources);
    running.rules.send_replace(Arc::new(RuleSet { generation: 2, rules: [asking(None)].into(), reads_peers: true }));
    let number = |published: &Published| published.snapshot.column(&asking(None)).and_then(|column| column.values.get(1).copied());
    let shown = running.wait_for("cantal's number", |published| number(published) == Some(1.0)).await;
    let late = |published: &Published| published.sources.troubles.iter().find(|trouble| trouble.starts_with("late")).cloned();
    cantal.send_replace(silent());
    let switched = |published: &Published| published.sources.peers == Some("agent") && late(published) != late(&shown);
    let published = running.wait_for("the late report", switched).await;
    assert_eq!(number(&published), Some(1.0));
}
