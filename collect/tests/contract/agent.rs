//! The built-in agent among two others on the loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::agent::keys::KeyRing;
use verwalter_collect::agent::seal::ClusterName;
use verwalter_collect::agent::{Agent, Settings};
use verwalter_collect::inquiry::{self, Inquiries};
use verwalter_collect::source::{MetricSource, PeerNews, PeerSource, SeenPeer};
use verwalter_core::metrics::Source;

use crate::agents::{Node, Shape};
use crate::quick;
use crate::server::within;
use crate::{metrics, own, peers, seen};

/// The other two nodes, which come and go.
struct Others {
    own: SocketAddr,
    addrs: [SocketAddr; 2],
    nodes: [Option<Node>; 2],
    /// What keeps the key of the own agent alive.
    _keys: watch::Sender<Arc<KeyRing>>,
}

async fn node(number: u8, bind: SocketAddr, seed: SocketAddr) -> Node {
    Node::start(Shape { bind, interfaces: 2, ..Shape::new(number, &[seed]) }).await
}

impl Others {
    /// Both, and the own agent, which was not started yet.
    async fn new() -> (Others, Agent) {
        let any = ([127, 0, 0, 1], 0).into();
        // The first one has no seed but itself, the second the first.
        let third = Node::start(Shape { interfaces: 2, ..Shape::new(3, &[]) }).await;
        let second = node(2, any, third.addr).await;
        let addrs = [second.addr, third.addr];
        let timing = quick::timing();
        let keys = watch::Sender::new(Arc::new(KeyRing::new(&[[1; 32]])));
        let settings = Settings {
            node: own(),
            bind: any,
            advertise: None,
            cluster: ClusterName::new("test").expect("a name"),
            seeds: addrs.iter().map(SocketAddr::to_string).collect(),
            keys: keys.subscribe(),
            timing,
            store: None,
        };
        let agent = Agent::bind(settings).await.expect("a free port");
        (Others { own: agent.local_addr(), addrs, nodes: [Some(second), Some(third)], _keys: keys }, agent)
    }

    /// As when the power goes.
    async fn kill(&mut self, index: usize) {
        if let Some(node) = self.nodes[index].take() {
            node.kill().await;
        }
        // Its tasks end behind it, and give back the address.
        drop(self.bind(index).await);
    }

    /// Both sockets of a node that is gone, with nobody who reads them.
    async fn bind(&self, index: usize) -> (TcpListener, UdpSocket) {
        let bound = async {
            loop {
                if let (Ok(tcp), Ok(udp)) = (TcpListener::bind(self.addrs[index]).await, UdpSocket::bind(self.addrs[index]).await) {
                    return (tcp, udp);
                }
                tokio::task::yield_now().await;
            }
        };
        within(bound).await
    }

    async fn start(&mut self, index: usize) {
        let number = if index == 0 { 2 } else { 3 };
        self.nodes[index] = Some(node(number, self.addrs[index], self.own).await);
    }
}

pub(crate) struct Members {
    others: Others,
    /// Those that hang.
    _hung: Vec<(TcpListener, UdpSocket)>,
}

impl peers::World for Members {
    const NAME: &'static str = "agent";

    async fn new() -> (Members, Box<dyn PeerSource>) {
        let (others, agent) = Others::new().await;
        (Members { others, _hung: Vec::new() }, Box::new(agent))
    }

    /// Either of the two, since both are tried.
    fn subject(&self) -> String {
        "127.0.0.1:".to_owned()
    }

    async fn silence(&mut self) {
        for index in [0, 1] {
            self.others.kill(index).await;
        }
    }

    async fn speak(&mut self) {
        for index in [0, 1] {
            self.others.start(index).await;
        }
    }

    async fn hang(&mut self) {
        self.silence().await;
        let (second, third) = (self.others.bind(0).await, self.others.bind(1).await);
        // It looks for others: they take its question and say nothing.
        let asked = within(async {
            tokio::select! {
                asked = second.0.accept() => asked,
                asked = third.0.accept() => asked,
            }
        });
        let (_stream, _) = asked.await.expect("it asks");
        self._hung = vec![second, third];
    }
}

/// The figures of the others, which the own agent knows.
pub(crate) struct Figures {
    others: Others,
    _inquiries: Inquiries,
    _news: watch::Receiver<PeerNews>,
    drain: CancellationToken,
    _task: JoinHandle<()>,
    _hung: Vec<(TcpListener, UdpSocket)>,
}

impl Drop for Figures {
    fn drop(&mut self) {
        self.drain.cancel();
    }
}

impl metrics::World for Figures {
    const SOURCE: Source = Source::Agent;
    const LEVEL: &'static str = "load_avg_1min";
    const DEVICES: (&'static str, &'static str) = ("net.interface.rx.bytes", "interface");

    async fn new() -> (Figures, Box<dyn MetricSource>) {
        let (others, mut agent) = Others::new().await;
        // Nobody answers for the own machine, which is not asked.
        let (inquirer, inquiries) = inquiry::channel();
        let figures = agent.figures(inquirer, Duration::from_millis(50));
        let (tell, news) = watch::channel(PeerNews::default());
        let drain = CancellationToken::new();
        let task = tokio::spawn(Box::new(agent).run(tell, drain.clone()));
        let world = Figures { others, _inquiries: inquiries, _news: news, drain, _task: task, _hung: Vec::new() };
        (world, Box::new(figures))
    }

    fn peers(&self) -> [SeenPeer; 2] {
        [seen(2, Some(self.others.addrs[0])), seen(3, Some(self.others.addrs[1]))]
    }

    fn subject(&self) -> String {
        "n3".to_owned()
    }

    async fn silence(&mut self) {
        self.others.kill(1).await;
    }

    async fn speak(&mut self) {
        self.others.start(1).await;
    }

    async fn hang(&mut self) {
        for index in [0, 1] {
            self.others.kill(index).await;
            self._hung.push(self.others.bind(index).await);
        }
        // Whatever it asks of them is read by nobody.
        within(self._hung[0].1.readable()).await.expect("it asks");
    }
}
