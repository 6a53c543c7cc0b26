//! Cantal agents that are played byte by byte, one for each node.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use verwalter_collect::cantal::{Figures as CantalFigures, Membership, Settings};
use verwalter_collect::clock::unix_now;
use verwalter_collect::source::{MetricSource, PeerSource, SeenPeer};
use verwalter_core::metrics::Source;

use crate::machine::{Chunk, Machine};
use crate::metrics::{self, DEVICES, LEVEL};
use crate::server::{HANGS, Reply, Server, Then};
use crate::{OWN, id, peers, seen};

/// Asks the agent at `agent`, quickly. Only what hangs meets a deadline.
fn settings(agent: SocketAddr) -> Settings {
    let quickly = Duration::from_millis(20);
    let (peers_deadline, query_deadline) = (HANGS, HANGS);
    Settings { agent, peers_every: quickly, sweep_every: quickly, peers_deadline, query_deadline, ..Settings::new(OWN, 8_379) }
}

/// An agent whose answers can be replaced by one that is always the same.
struct Agent {
    server: Server,
    instead: Arc<Mutex<Option<Reply>>>,
    /// What an agent that hangs waits for.
    hold: tokio::sync::watch::Sender<()>,
}

impl Agent {
    async fn new(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Agent {
        let instead: Arc<Mutex<Option<Reply>>> = Arc::default();
        let answers = instead.clone();
        let server = Server::start(move |asked| {
            let instead = answers.lock().expect("not poisoned").clone();
            instead.unwrap_or_else(|| Reply::ok(&answer(&asked.body)))
        });
        Agent { server: server.await, instead, hold: tokio::sync::watch::Sender::new(()) }
    }

    fn answer(&self, instead: Option<Reply>) {
        *self.instead.lock().expect("not poisoned") = instead;
    }

    fn hang(&self) {
        self.answer(Some(Reply::raw("").then(Then::Wait(self.hold.subscribe()))));
    }
}

pub(crate) struct Members(Agent);

/// Out of order, one twice, and the own node among them.
fn list() -> Vec<u8> {
    let now = unix_now().0;
    let peer = |number: u8| {
        json!({
            "id": id(number).to_string(), "hostname": format!("N{number}"), "name": format!("n{number}.example.org"),
            "primary_addr": format!("127.0.0.{number}:22682"), "known_since": now - 60_000, "last_report_direct": now,
        })
    };
    json!({ "peers": [peer(3), peer(1), peer(2), peer(3)] }).to_string().into_bytes()
}

impl peers::World for Members {
    const NAME: &'static str = "cantal";

    async fn new() -> (Members, Box<dyn PeerSource>) {
        let agent = Agent::new(|_| list()).await;
        let source = Membership::new(settings(agent.server.addr));
        (Members(agent), Box::new(source))
    }

    fn subject(&self) -> String {
        self.0.server.addr.to_string()
    }

    async fn silence(&mut self) {
        self.0.answer(Some(Reply::raw("")));
    }

    async fn speak(&mut self) {
        self.0.answer(None);
    }

    async fn hang(&mut self) {
        self.0.hang();
        self.0.server.holds(1).await;
    }
}

/// The agents of the nodes 1 to 3.
pub(crate) struct Figures([Agent; 3]);

fn machine() -> Machine {
    let mut machine = Machine::scanned(1_795_000_000_000, 10);
    machine.put(&[("metric", LEVEL)], Chunk::Float((0..10).map(|scan| Some(f64::from(scan))).collect()));
    for device in ["sdb", "sda"] {
        machine.put(&[("metric", DEVICES), ("device", device)], Chunk::Float(vec![Some(1.0)]));
    }
    machine
}

impl metrics::World for Figures {
    const SOURCE: Source = Source::Cantal;

    async fn new() -> (Figures, Box<dyn MetricSource>) {
        let agent = || Agent::new(|question| machine().answer(question));
        let agents = [agent().await, agent().await, agent().await];
        let source = CantalFigures::new(settings(agents[0].server.addr));
        (Figures(agents), Box::new(source))
    }

    fn peers(&self) -> [SeenPeer; 2] {
        [2, 3].map(|number: u8| seen(number, Some(self.0[usize::from(number) - 1].server.addr)))
    }

    fn subject(&self) -> String {
        self.0[2].server.addr.to_string()
    }

    async fn silence(&mut self) {
        self.0[2].answer(Some(Reply::raw("")));
    }

    async fn speak(&mut self) {
        self.0[2].answer(None);
    }

    async fn hang(&mut self) {
        self.0.iter().for_each(Agent::hang);
        // The own one is asked in each sweep; others may have answered before.
        self.0[0].server.holds(1).await;
    }
}
