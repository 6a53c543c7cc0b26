//! The agent as a task: sockets and the clock around the machine. Decides nothing about membership.

pub(super) mod connections;
mod figures;
mod news;
mod warnings;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::NodeId;

use self::connections::{Connections, Event};
use self::news::News;
use self::warnings::Warnings;
use super::figures::{Door, Telling};
use super::keys::KeyRing;
use super::machine::{self, Machine, Output};
use super::refusal::Refusal;
use super::remembered::{self, Remembered};
use super::settings::{BindError, PeerStore, Settings, Status};
use super::{MAX_DATAGRAM, Target};
use crate::clock::unix_now;
use crate::source::{PeerNews, PeerSource, Task};

/// How many datagrams are read before anything else has its turn: a node that was frozen hears first what the others said meanwhile.
const DATAGRAMS_AT_ONCE: usize = 1024;
/// How often two sockets are tried to be had on one port that the system chooses.
const PORT_TRIES: usize = 16;
/// How long saving may hold up the end of the program.
const LAST_SAVE: Duration = Duration::from_secs(2);

/// The agent, bound and ready to run.
pub struct Agent {
    settings: Settings,
    udp: Arc<UdpSocket>,
    tcp: TcpListener,
    local: SocketAddr,
    seed: [u8; 32],
    figures_seeds: [[u8; 32]; 2],
    figures: Option<(Door, Telling)>,
    status: watch::Sender<Status>,
}

impl Agent {
    /// Binds the sockets, so that whoever starts the node learns at once when that cannot be.
    ///
    /// # Errors
    /// When an address is taken or is none of this machine.
    pub async fn bind(settings: Settings) -> Result<Agent, BindError> {
        let mut seed = [0; 32];
        SysRng.try_fill_bytes(&mut seed).map_err(BindError::Random)?;
        let mut figures_seeds = [[0; 32]; 2];
        SysRng.try_fill_bytes(figures_seeds.as_flattened_mut()).map_err(BindError::Random)?;
        let bind = settings.bind;
        let mut tries = if bind.port() == 0 { PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            let fail = |protocol| move |source| BindError::Listen { bind, protocol, source };
            let tcp = TcpListener::bind(bind).await.map_err(fail("TCP"))?;
            let local = tcp.local_addr().map_err(fail("TCP"))?;
            match UdpSocket::bind(local).await {
                Ok(udp) => {
                    let (udp, status) = (Arc::new(udp), watch::Sender::new(Status::default()));
                    return Ok(Agent { settings, udp, tcp, local, seed, figures_seeds, figures: None, status });
                }
                Err(_) if tries > 0 => {}
                Err(source) => return Err(BindError::Listen { bind: local, protocol: "UDP", source }),
            }
        }
    }

    /// Where it listens, UDP and TCP.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Its state in figures, always the newest.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }
}

impl PeerSource for Agent {
    fn name(&self) -> &'static str {
        "agent"
    }

    fn run(self: Box<Self>, news: watch::Sender<PeerNews>, drain: CancellationToken) -> Task {
        let mut agent = *self;
        Box::pin(async move {
            let (door, telling) = agent.figures.take().unzip();
            let gossip = Box::pin(async { Driver::new(agent, door, news).await.run(drain.clone()).await });
            match telling {
                Some(telling) => drop(tokio::join!(gossip, Box::pin(telling.run(drain.clone())))),
                None => gossip.await,
            }
        })
    }
}

/// The running agent.
struct Driver {
    udp: Arc<UdpSocket>,
    tcp: TcpListener,
    keys: watch::Receiver<Arc<KeyRing>>,
    store: Option<Arc<dyn PeerStore>>,
    machine: Machine,
    /// The machine's time is counted from here.
    epoch: Instant,
    connections: Connections,
    news: News,
    warnings: Warnings,
    mapped: bool,
}

impl Driver {
    async fn new(agent: Agent, door: Option<Door>, news: watch::Sender<PeerNews>) -> Driver {
        let Agent { settings, udp, tcp, local, seed, status, .. } = agent;
        let Settings { node, bind: _, advertise, cluster, seeds, mut keys, timing, store } = settings;
        let addr = advertise.unwrap_or(local);
        let addr = if addr.port() == 0 { SocketAddr::new(addr.ip(), local.port()) } else { addr };
        let remembered = match store.clone() {
            Some(store) => tokio::task::spawn_blocking(move || load(&*store)).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let addrs = remembered.iter().map(|peer| peer.addr).collect();
        let ring = keys.borrow_and_update().clone();
        if ring.is_empty() {
            tracing::warn!(cluster = %cluster, "the agent has no cluster key: whoever reaches its port can join");
        }
        let alone_after = (!seeds.is_empty() || !remembered.is_empty()).then_some(timing.alone_after);
        let settings = machine::Settings {
            id: node.id,
            hostname: node.hostname,
            name: node.name,
            api: node.addr,
            addr,
            started: unix_now(),
            cluster,
            timing,
            seeds,
            remembered: addrs,
        };
        let machine = Machine::new(settings, ring, seed, Duration::ZERO);
        tracing::info!(listen = %local, node = %node.id, "the agent looks for its cluster");
        Driver {
            mapped: local.is_ipv6(),
            udp,
            tcp,
            keys,
            store,
            machine,
            epoch: Instant::now(),
            connections: Connections::default(),
            news: News::new(news, status, door, remembered, alone_after),
            warnings: Warnings::default(),
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    async fn run(mut self, drain: CancellationToken) {
        let mut datagram = vec![0; MAX_DATAGRAM + 1];
        let mut keys_live = true;
        let mut flooded = false;
        loop {
            self.carry_out();
            let now = self.now();
            self.news.follow(&mut self.machine, now, &self.warnings);
            if let Some(store) = &self.store
                && !self.connections.saving()
                && let Some(peers) = self.news.worth_saving(&self.machine, now)
            {
                self.connections.save(store.clone(), peers);
            }
            let wake = self.epoch + self.machine.next_wake().min(self.news.due()).min(now + Duration::from_secs(3600));
            tokio::select! {
                // Datagrams before time: what others said while this node was frozen counts before it judges them.
                biased;
                () = drain.cancelled() => break,
                received = self.udp.recv_from(&mut datagram), if !flooded => {
                    flooded = self.read_datagrams(received, &mut datagram);
                    self.wake();
                    continue;
                }
                event = self.connections.next() => self.take_event(event),
                () = self.news.furnished() => {}
                changed = self.keys.changed(), if keys_live => match changed {
                    Ok(()) => {
                        let ring = self.keys.borrow_and_update().clone();
                        tracing::info!(keys = ?ring, "the cluster keys changed");
                        self.machine.set_keys(ring);
                    }
                    Err(_) => keys_live = false,
                },
                accepted = self.tcp.accept(), if self.connections.has_room() => match accepted {
                    Ok((stream, from)) => self.connections.accepted(stream, from),
                    // Too many open files, most likely: accepting again at once would only spin.
                    Err(error) => self.connections.pause_accepting(&error),
                },
                () = tokio::time::sleep_until(wake) => {}
                // More datagrams wait; whoever floods this port must not keep everything else from its turn.
                () = std::future::ready(()), if flooded => {}
            }
            flooded = false;
            self.wake();
        }
        self.leave().await;
    }

    fn wake(&mut self) {
        let now = self.now();
        if self.machine.next_wake() <= now {
            self.machine.wake(now);
        }
    }

    /// Tells the others, and keeps whom it knew.
    async fn leave(&mut self) {
        let now = self.now();
        let peers = self.news.last_save(&self.machine, now);
        self.machine.leave(now);
        self.carry_out();
        let finished = async {
            while self.connections.saving() && self.connections.step().await {}
            if let (Some(store), Some(peers)) = (self.store.clone(), peers) {
                self.connections.save(store, peers);
            }
            while self.connections.saving() && self.connections.step().await {}
        };
        if tokio::time::timeout(LAST_SAVE, finished).await.is_err() {
            tracing::warn!("the list of peers was not saved in time, the former one stays");
        }
    }

    /// Does what the machine wants.
    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Send { to, datagram } => {
                    // A full buffer or an unreachable host is a lost packet like any other.
                    if let Err(error) = self.udp.try_send_to(&datagram, self.reachable(to)) {
                        tracing::trace!(%to, %error, "a datagram was not sent");
                    }
                }
                Output::Exchange(Target::Seed(seed)) => self.connections.resolve(seed),
                Output::Exchange(Target::Peer(addr)) => self.connections.connect(addr),
            }
        }
    }

    /// An IPv6 socket knows IPv4 by another name.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match to.ip() {
            IpAddr::V4(ip) if self.mapped => SocketAddr::new(Ipv4Addr::to_ipv6_mapped(&ip).into(), to.port()),
            _ => to,
        }
    }

    /// Reads what is there; whether there may be more.
    fn read_datagrams(&mut self, received: io::Result<(usize, SocketAddr)>, buffer: &mut [u8]) -> bool {
        let mut received = received;
        for _ in 0..DATAGRAMS_AT_ONCE {
            match received {
                Ok((len, from)) => {
                    let now = self.now();
                    if self.news.door().is_some_and(|door| door.datagram(&buffer[..len])) {
                        received = self.udp.try_recv_from(buffer);
                        continue;
                    }
                    let outcome = self.machine.datagram(now, from, &buffer[..len]);
                    self.judge(from.ip(), outcome);
                    self.carry_out();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // Linux tells of an earlier packet that nobody took.
                Err(error) => tracing::trace!(%error, "a datagram was not delivered"),
            }
            received = self.udp.try_recv_from(buffer);
        }
        true
    }

    fn judge(&mut self, from: IpAddr, outcome: Result<(), Refusal>) {
        if let Err(refusal) = outcome {
            let now = self.now();
            self.warnings.refused(now, from, &refusal);
        }
    }

    fn take_event(&mut self, event: Event) {
        let now = self.now();
        match event {
            Event::Resolved { seed, addrs } => {
                let wanted: Vec<SocketAddr> = addrs.into_iter().filter(|addr| self.machine.wants(*addr)).collect();
                tracing::trace!(seed, ?wanted, "a seed was resolved");
                wanted.into_iter().for_each(|addr| self.connections.connect(addr));
            }
            Event::Connected { stream, to, local } => {
                self.machine.learn_address(now, local.ip());
                let (request, pending) = self.machine.request(now);
                self.connections.ask(stream, to, request, pending);
            }
            Event::Answered { from, pending, answer } => {
                let outcome = self.machine.answered(now, from, &pending, &answer);
                if let Err(refusal) = &outcome
                    && *refusal != Refusal::Echo
                {
                    self.news.failed(format!("{from} gave an answer that cannot be used: {refusal}"));
                }
                self.judge(from.ip(), outcome);
            }
            Event::Asked { stream, from, local, request } => {
                self.machine.learn_address(now, local.ip());
                let kept = match self.news.door() {
                    Some(door) => door.visit(stream, request),
                    None => Some((stream, request)),
                };
                let Some((stream, request)) = kept else { return };
                match self.machine.serve(now, from.ip(), &request) {
                    Ok(answer) => self.connections.answer(stream, from, answer),
                    Err(refusal) => self.judge(from.ip(), Err(refusal)),
                }
            }
            Event::Failed { reason } => {
                tracing::debug!(reason, "an exchange failed");
                self.news.failed(reason);
            }
            Event::Done => {}
        }
    }
}

/// The peers that were saved; none where that fails.
fn load(store: &dyn PeerStore) -> Vec<Remembered> {
    let bytes = match store.load() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Vec::new(),
        Err(error) => {
            tracing::warn!(file = store.name(), %error, "the stored list of peers cannot be read, the seeds have to do");
            return Vec::new();
        }
    };
    match remembered::read(&bytes) {
        Ok(peers) => peers,
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(file = store.name(), error, "the stored list of peers is not used, the seeds have to do");
            Vec::new()
        }
    }
}

/// Which node a driver is, for its log.
impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id: NodeId = self.settings.node.id;
        f.debug_struct("Agent").field("node", &id).field("local", &self.local).finish_non_exhaustive()
    }
}
