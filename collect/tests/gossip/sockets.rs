//! Agents over loopback sockets: keys, clusters, seeds, and what an operator is told.

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::OwnNode;
use verwalter_collect::agent::keys::KeyRing;
use verwalter_collect::agent::refusal::Cause;
use verwalter_collect::agent::seal::ClusterName;
use verwalter_collect::agent::{Agent, BindError, PeerStore, Settings, Status};
use verwalter_collect::source::{PeerNews, PeerSource, Peers};
use verwalter_core::names::Hostname;

use crate::quick;
use crate::sim::id;

/// Only ends a hung test.
const DEADLINE: Duration = Duration::from_secs(60);

struct Running {
    news: watch::Receiver<PeerNews>,
    status: watch::Receiver<Status>,
    keys: watch::Sender<Arc<KeyRing>>,
    drain: CancellationToken,
    task: JoinHandle<()>,
    addr: SocketAddr,
}

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(&keys.iter().map(|&byte| [byte; 32]).collect::<Vec<_>>())
}

/// Node `number`; everything happens within a second or so.
fn settings(number: usize, keys: KeyRing, seeds: &[SocketAddr]) -> (Settings, watch::Sender<Arc<KeyRing>>) {
    let keys = watch::Sender::new(Arc::new(keys));
    let timing = quick::timing();
    let hostname = Hostname::new(&format!("n{number}")).expect("a hostname");
    let node = OwnNode { id: id(number), hostname, name: format!("n{number}.example.org"), addr: Some(([0, 0, 0, 0], 8379).into()) };
    let settings = Settings {
        node,
        bind: ([127, 0, 0, 1], 0).into(),
        advertise: None,
        cluster: ClusterName::new("test").expect("a name"),
        seeds: seeds.iter().map(SocketAddr::to_string).collect(),
        keys: keys.subscribe(),
        timing,
        store: None,
    };
    (settings, keys)
}

async fn run((settings, keys): (Settings, watch::Sender<Arc<KeyRing>>)) -> Running {
    let agent = Agent::bind(settings).await.expect("a free port");
    let (addr, status) = (agent.local_addr(), agent.status());
    let (sender, news) = watch::channel(PeerNews::default());
    let drain = CancellationToken::new();
    let task = tokio::spawn(Box::new(agent).run(sender, drain.clone()));
    Running { news, status, keys, drain, task, addr }
}

async fn node(number: usize, keys: &[u8], seeds: &[SocketAddr]) -> Running {
    run(settings(number, ring(keys), seeds)).await
}

impl Running {
    /// Waits until the news is as wanted.
    async fn until(&mut self, what: &str, mut wanted: impl FnMut(&PeerNews) -> bool) -> PeerNews {
        let Ok(news) = tokio::time::timeout(DEADLINE, self.news.wait_for(|news| wanted(news))).await else {
            panic!("{what}: never, but {:?}", self.news.borrow());
        };
        news.expect("the agent runs").clone()
    }

    /// Waits until the figures are as wanted.
    async fn shows(&mut self, what: &str, mut wanted: impl FnMut(&Status) -> bool) -> Status {
        let Ok(status) = tokio::time::timeout(DEADLINE, self.status.wait_for(|status| wanted(status))).await else {
            panic!("{what}: never, but {:?}", self.status.borrow());
        };
        status.expect("the agent runs").clone()
    }

    /// Waits until exactly the nodes `alive` are alive.
    async fn sees(&mut self, alive: &[&str]) -> Arc<Peers> {
        let news = self.until(&format!("sees {alive:?}"), |news| news.peers.as_ref().is_some_and(|peers| living(peers) == alive)).await;
        news.peers.expect("was looked at")
    }

    async fn stop(self) {
        self.drain.cancel();
        tokio::time::timeout(DEADLINE, self.task).await.expect("ends").expect("without a panic");
    }
}

fn living(peers: &Peers) -> Vec<&str> {
    peers.peers.iter().filter(|peer| peer.alive).map(|peer| peer.hostname.as_str()).collect()
}

#[tokio::test]
async fn three_agents_find_each_other_and_notice_who_goes() {
    let mut first = node(1, &[1], &[]).await;
    // Without seeds it says at once that it is alone.
    assert_eq!(first.sees(&[]).await.peers.len(), 0);
    let mut second = node(2, &[1], &[first.addr]).await;
    let third = node(3, &[1], &[first.addr]).await;
    let peers = first.sees(&["n2", "n3"]).await;
    let peer = &peers.peers[0];
    assert_eq!((peer.id, peer.name.as_str(), peer.agent), (id(2), "n2.example.org", Some(second.addr)));
    assert_eq!(peer.addr, Some(([127, 0, 0, 1], 8379).into()), "an unspecified address stands for the agent's");
    assert!(peer.last_report.is_some_and(|at| at >= peer.known_since));
    second.sees(&["n1", "n3"]).await;
    third.stop().await;
    let peers = second.sees(&["n1"]).await;
    assert_eq!(peers.peers.len(), 2, "whoever left stays listed");
    second.shows("one left", |status| (status.alive, status.left, status.down) == (1, 1, 0)).await;
    // Without a word, as when the power goes.
    first.task.abort();
    second.sees(&[]).await;
    second.shows("one down", |status| (status.alive, status.left, status.down) == (0, 1, 1)).await;
    assert!(second.status.borrow().counts.sent > 0);
    second.stop().await;
}

#[tokio::test]
async fn keys_are_changed_while_the_cluster_runs() {
    let mut first = node(1, &[1], &[]).await;
    let mut second = node(2, &[1], &[first.addr]).await;
    first.sees(&["n2"]).await;
    // Everybody learns the new key before anybody seals with it, and the old one goes last.
    for keys in [&[1_u8, 2][..], &[2, 1], &[2]] {
        for running in [&mut first, &mut second] {
            running.keys.send_replace(Arc::new(ring(keys)));
            let ids: Vec<_> = ring(keys).ids().collect();
            running.shows("the keys", |status| status.keys == ids).await;
        }
    }
    let mut third = node(3, &[2], &[second.addr]).await;
    first.sees(&["n2", "n3"]).await;
    second.sees(&["n1", "n3"]).await;
    third.sees(&["n1", "n2"]).await;
    for running in [first, second, third] {
        running.stop().await;
    }
}

#[tokio::test]
async fn whoever_has_no_right_key_stays_outside_and_is_told_of() {
    let mut first = node(1, &[1], &[]).await;
    for (number, keys, expect) in [(2, &[9_u8][..], "which this node does not have"), (3, &[], "comes in clear")] {
        let mut stranger = node(number, keys, &[first.addr]).await;
        let complains =
            |news: &PeerNews| news.peers.as_ref().is_some_and(|peers| peers.complaints.iter().any(|text| text.contains(expect)));
        let news = first.until(expect, complains).await;
        assert_eq!(living(&news.peers.expect("was looked at")), Vec::<&str>::new());
        stranger.until("trouble", |news| news.trouble.as_ref().is_some_and(|text| text.contains(&first.addr.to_string()))).await;
        assert_eq!(stranger.status.borrow().alive, 0);
        stranger.stop().await;
    }
    let settings = settings(4, ring(&[1]), &[first.addr]);
    let foreign = run((Settings { cluster: ClusterName::new("other").expect("a name"), ..settings.0 }, settings.1)).await;
    first
        .until("told of the other cluster", |news| {
            news.peers.as_ref().is_some_and(|peers| peers.complaints.iter().any(|text| text.contains("belongs to the cluster `other`")))
        })
        .await;
    let counts = first.shows("a foreign packet", |status| status.counts.dropped(Cause::Cluster) > 0).await.counts;
    assert!(counts.dropped(Cause::Key) >= 2);
    foreign.stop().await;
    first.stop().await;
}

#[derive(Default)]
struct Memory(Mutex<Option<Vec<u8>>>);

impl PeerStore for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    fn load(&self) -> std::io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().expect("not poisoned").clone())
    }

    fn save(&self, bytes: &[u8]) -> std::io::Result<()> {
        *self.0.lock().expect("not poisoned") = Some(bytes.to_vec());
        Ok(())
    }
}

#[tokio::test]
async fn a_restarted_agent_finds_the_cluster_without_its_seeds() {
    let mut first = node(1, &[1], &[]).await;
    let store = Arc::new(Memory::default());
    let with_store = |(settings, keys): (Settings, _)| (Settings { store: Some(store.clone()), ..settings }, keys);
    let mut second = run(with_store(settings(2, ring(&[1]), &[first.addr]))).await;
    second.sees(&["n1"]).await;
    first.sees(&["n2"]).await;
    second.stop().await;
    first.sees(&[]).await;
    let again = run(with_store(settings(2, ring(&[1]), &[]))).await;
    first.sees(&["n2"]).await;
    again.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn an_agent_learns_its_address_from_its_first_connection() {
    let mut first = node(1, &[1], &[]).await;
    let (settings, keys) = settings(2, ring(&[1]), &[first.addr]);
    let seeds = vec![format!("localhost:{}", first.addr.port())];
    let second = run((Settings { bind: ([0, 0, 0, 0], 0).into(), seeds, ..settings }, keys)).await;
    let peers = first.sees(&["n2"]).await;
    assert_eq!(peers.peers[0].agent, Some(([127, 0, 0, 1], second.addr.port()).into()));
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn an_ipv6_socket_serves_ipv4_too() {
    if UdpSocket::bind("[::]:0").is_err() {
        println!("skipped: this machine has no IPv6");
        return;
    }
    let mut first = node(1, &[1], &[]).await;
    let (settings, keys) = settings(2, ring(&[1]), &[first.addr]);
    let mut second = run((Settings { bind: "[::]:0".parse().expect("an address"), ..settings }, keys)).await;
    let peers = first.sees(&["n2"]).await;
    assert_eq!(peers.peers[0].agent, Some(([127, 0, 0, 1], second.addr.port()).into()));
    second.sees(&["n1"]).await;
    // Longer than a probe that finds no way would take to bury it.
    let sent = second.status.borrow().counts.received;
    second.shows("packets go both ways", |status| status.counts.received > sent + 40).await;
    first.sees(&["n2"]).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn whoever_connects_to_waste_time_does_not_disturb() {
    let mut first = node(1, &[1], &[]).await;
    // Connections that say nothing, announce too much, or break off; and datagrams of noise.
    let mut idle = Vec::new();
    for bytes in [&b""[..], &[255, 255, 255, 255], &[0, 0, 0, 9, 1], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(first.addr).expect("it listens");
        stream.write_all(bytes).expect("it is open");
        idle.push(stream);
    }
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
    socket.send_to(&[7; 2_000], first.addr).expect("sent");
    socket.send_to(b"", first.addr).expect("sent");
    first.shows("garbage", |status| status.counts.dropped(Cause::Garbage) == 2).await;
    let second = node(2, &[1], &[first.addr]).await;
    first.sees(&["n2"]).await;
    second.stop().await;
    first.stop().await;
    drop(idle);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let bind = taken.local_addr().expect("bound");
    let (settings, _keys) = settings(1, ring(&[1]), &[]);
    let error = Agent::bind(Settings { bind, ..settings }).await.expect_err("taken");
    assert!(matches!(error, BindError::Listen { .. }));
    assert!(error.to_string().contains(&bind.to_string()), "{error}");
}
