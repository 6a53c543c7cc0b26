//! A made-up network of machines: loss, delay, cuts, pauses and deaths on a clock of its own. The same seed runs the same way.

// Named by path, since the bench has this file by path too.
#[path = "sim/agenda.rs"]
mod agenda;
#[path = "sim/views.rs"]
mod views;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use verwalter_collect::agent::keys::KeyRing;
use verwalter_collect::agent::machine::{Machine, Output, Pending, Settings};
use verwalter_collect::agent::seal::ClusterName;
use verwalter_collect::agent::timing::Timing;
use verwalter_collect::agent::{MAX_DATAGRAM, Target};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;

use self::agenda::Agenda;

/// What a socket keeps for a node that is stopped: packets beyond it are lost.
const SOCKET_BUFFER: usize = 256;
/// How many nodes are seeds.
const SEEDS: usize = 2;

/// What is simulated.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) nodes: usize,
    /// Share of datagrams that are lost.
    pub(crate) loss: f64,
    pub(crate) seed: u64,
    pub(crate) timing: Timing,
    pub(crate) keys: KeyRing,
}

impl Setup {
    pub(crate) fn new(nodes: usize, loss: f64, seed: u64) -> Setup {
        Setup { nodes, loss, seed, timing: Timing::default(), keys: KeyRing::new(&[[7; 32]]) }
    }
}

impl Node {
    /// Whether it holds `other` for active.
    pub(crate) fn active(&self, other: usize) -> bool {
        self.active[other]
    }
}

enum Event {
    Wake,
    Datagram {
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    /// A connection to `to` stands.
    Connected {
        to: SocketAddr,
    },
    Request {
        from: SocketAddr,
        bytes: Vec<u8>,
        pending: Pending,
    },
    Answer {
        from: SocketAddr,
        bytes: Vec<u8>,
        pending: Pending,
    },
}

pub(crate) struct Node {
    /// `None` while its program does not run.
    pub(crate) machine: Option<Machine>,
    pub(crate) addr: SocketAddr,
    lives: u64,
    wake: Duration,
    paused: bool,
    inbox: Vec<Event>,
    /// Whom it held for active when it was looked at last, by node.
    active: Vec<bool>,
    /// Whether it ever knew them in this life.
    met: Vec<bool>,
    wrong: usize,
}

pub(crate) struct Sim {
    pub(crate) now: Duration,
    pub(crate) nodes: Vec<Node>,
    /// Each refusal that a machine gave, counted.
    pub(crate) refusals: BTreeMap<String, u64>,
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    /// How often a node that lived was held for dead by one that had known it.
    pub(crate) false_deaths: u64,
    /// Observer and peer and time that was so.
    pub(crate) wrongly_dead: Duration,
    /// Observer and peer and time altogether.
    pub(crate) observed: Duration,
    /// When set, what goes over the wire is kept here too.
    pub(crate) recorded: Option<Vec<(usize, SocketAddr, Vec<u8>)>>,
    setup: Setup,
    /// On which side of a cut each node is.
    side: Vec<u8>,
    by_addr: HashMap<SocketAddr, usize>,
    agenda: Agenda,
    looked: Duration,
    dirty: bool,
    rng: StdRng,
}

pub(crate) fn id(node: usize) -> NodeId {
    let mut bytes = [0xA5; 16];
    bytes[12..].copy_from_slice(&u32::try_from(node).expect("few nodes").to_be_bytes());
    NodeId::from_bytes(bytes)
}

fn index(id: NodeId) -> usize {
    let bytes = id.to_bytes();
    u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize
}

fn addr(node: usize, net: u8) -> SocketAddr {
    let [high, low] = u16::try_from(node).expect("few nodes").to_be_bytes();
    SocketAddr::from(([10, net, high, low], 22_683))
}

impl Sim {
    /// All nodes start within the first second; two of them are everybody's seeds.
    pub(crate) fn new(setup: Setup) -> Sim {
        let count = setup.nodes;
        let mut sim = Sim {
            now: Duration::ZERO,
            nodes: Vec::new(),
            refusals: BTreeMap::new(),
            datagrams: 0,
            bytes: 0,
            false_deaths: 0,
            wrongly_dead: Duration::ZERO,
            observed: Duration::ZERO,
            side: vec![0; count],
            by_addr: HashMap::new(),
            agenda: Agenda::default(),
            looked: Duration::ZERO,
            dirty: false,
            rng: StdRng::seed_from_u64(setup.seed),
            recorded: None,
            setup,
        };
        for node in 0..count {
            let addr = addr(node, 0);
            let (active, met) = (vec![false; count], vec![false; count]);
            let inbox = Vec::new();
            sim.nodes.push(Node { machine: None, addr, lives: 0, wake: Duration::MAX, paused: false, inbox, active, met, wrong: 0 });
            let begins = Duration::from_millis(sim.rng.random_range(0..1_000));
            sim.start(node, begins);
        }
        sim
    }

    /// Runs the program of `node` anew, in a new life at its address.
    pub(crate) fn start(&mut self, node: usize, at: Duration) {
        let count = self.setup.nodes;
        let seeds = (0..SEEDS.min(count)).map(|seed| addr(seed, 0).to_string()).collect();
        let lives = self.nodes[node].lives;
        let settings = Settings {
            id: id(node),
            hostname: Hostname::new(&format!("n{node}")).expect("a hostname"),
            name: format!("n{node}.example.org"),
            api: Some(SocketAddr::from(([0, 0, 0, 0], 8379))),
            addr: self.nodes[node].addr,
            started: UnixMillis(1_700_000_000_000 + 1_000 * lives),
            cluster: ClusterName::new("simulated").expect("a name"),
            timing: self.setup.timing.clone(),
            seeds,
            remembered: Vec::new(),
        };
        let mut seed = [0; 32];
        self.rng.fill(&mut seed);
        let machine = Machine::new(settings, Arc::new(self.setup.keys.clone()), seed, at);
        let place = &mut self.nodes[node];
        self.by_addr.insert(place.addr, node);
        place.lives += 1;
        place.wake = machine.next_wake();
        place.machine = Some(machine);
        place.active = vec![false; count];
        place.met = vec![false; count];
        let wake = place.wake;
        self.agenda.enter(wake, node, Event::Wake);
        self.look(node);
    }

    /// Ends the program without a word.
    pub(crate) fn kill(&mut self, node: usize) {
        self.count_time();
        self.nodes[node].machine = None;
        self.nodes[node].inbox.clear();
        for observer in 0..self.nodes.len() {
            self.look(observer);
        }
        self.dirty = true;
    }

    /// Ends the program as a drain does.
    pub(crate) fn leave(&mut self, node: usize) {
        let now = self.now;
        if let Some(machine) = &mut self.nodes[node].machine {
            machine.leave(now);
        }
        self.drain(node);
        self.kill(node);
    }

    /// Moves `node`, whose program does not run, to another address.
    pub(crate) fn readdress(&mut self, node: usize) {
        self.by_addr.remove(&self.nodes[node].addr);
        self.nodes[node].addr = addr(node, 1);
    }

    /// Sets the clock of its next life back by more than all its lives.
    pub(crate) fn set_clock_back(&mut self, node: usize) {
        self.nodes[node].lives = 0;
    }

    pub(crate) fn pause(&mut self, node: usize) {
        self.nodes[node].paused = true;
    }

    /// What came meanwhile is read first, as a driver does.
    pub(crate) fn resume(&mut self, node: usize) {
        self.nodes[node].paused = false;
        for event in std::mem::take(&mut self.nodes[node].inbox) {
            self.handle(node, event);
        }
        self.handle(node, Event::Wake);
    }

    /// Cuts the first `count` nodes off from the others; 0 heals.
    pub(crate) fn cut(&mut self, count: usize) {
        for (node, side) in self.side.iter_mut().enumerate() {
            *side = u8::from(node < count);
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.run(end, |_| false);
        self.now = end;
        self.count_time();
    }

    /// Runs until `done`, which is asked whenever somebody's view changed; how long that took, or `None` after `limit`.
    pub(crate) fn run_until(&mut self, limit: Duration, done: impl Fn(&Sim) -> bool) -> Option<Duration> {
        let begun = self.now;
        if done(self) {
            return Some(Duration::ZERO);
        }
        self.run(begun + limit, done).then(|| self.now - begun)
    }

    /// Puts raw bytes on the wire to `node`.
    pub(crate) fn inject(&mut self, node: usize, from: SocketAddr, bytes: Vec<u8>) {
        self.agenda.enter(self.now, node, Event::Datagram { from, bytes });
    }

    fn run(&mut self, end: Duration, done: impl Fn(&Sim) -> bool) -> bool {
        while let Some((at, node, event)) = self.agenda.next(end) {
            self.now = self.now.max(at);
            let place = &mut self.nodes[node];
            if place.machine.is_none() {
                continue;
            }
            if place.paused {
                if !matches!(event, Event::Wake) && place.inbox.len() < SOCKET_BUFFER {
                    place.inbox.push(event);
                }
                continue;
            }
            if matches!(event, Event::Wake) && at < place.wake {
                continue;
            }
            self.handle(node, event);
            if std::mem::take(&mut self.dirty) && done(self) {
                return true;
            }
        }
        false
    }

    fn handle(&mut self, node: usize, event: Event) {
        let now = self.now;
        let Some(machine) = &mut self.nodes[node].machine else { return };
        let outcome = match event {
            Event::Wake => {
                machine.wake(now);
                Ok(())
            }
            Event::Datagram { from, bytes } => machine.datagram(now, from, &bytes),
            Event::Connected { to } => {
                let (bytes, pending) = machine.request(now);
                let from = self.nodes[node].addr;
                if let Some(&other) = self.by_addr.get(&to) {
                    let delay = self.reliable_delay();
                    self.agenda.enter(now + delay, other, Event::Request { from, bytes, pending });
                }
                Ok(())
            }
            Event::Request { from, bytes, pending } => match machine.serve(now, from.ip(), &bytes) {
                Ok(bytes) => {
                    let own = self.nodes[node].addr;
                    if let Some(&other) = self.by_addr.get(&from)
                        && self.side[other] == self.side[node]
                    {
                        let delay = self.reliable_delay();
                        self.agenda.enter(now + delay, other, Event::Answer { from: own, bytes, pending });
                    }
                    Ok(())
                }
                Err(refusal) => Err(refusal),
            },
            Event::Answer { from, bytes, pending } => machine.answered(now, from, &pending, &bytes),
        };
        if let Err(refusal) = outcome {
            *self.refusals.entry(refusal.to_string()).or_default() += 1;
        }
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        let now = self.now;
        let from = self.nodes[node].addr;
        while let Some(machine) = &mut self.nodes[node].machine
            && let Some(output) = machine.poll()
        {
            match output {
                Output::Send { to, datagram } => {
                    assert!(datagram.len() <= MAX_DATAGRAM, "a datagram of {} bytes", datagram.len());
                    self.datagrams += 1;
                    self.bytes += datagram.len() as u64;
                    let Some(&other) = self.by_addr.get(&to) else { continue };
                    if self.side[other] != self.side[node] || self.rng.random_bool(self.setup.loss) {
                        continue;
                    }
                    if let Some(recorded) = &mut self.recorded {
                        recorded.push((other, from, datagram.clone()));
                    }
                    let delay = self.delay();
                    self.agenda.enter(now + delay, other, Event::Datagram { from, bytes: datagram });
                }
                Output::Exchange(target) => {
                    let (to, wanted) = match target {
                        Target::Peer(addr) => (addr, true),
                        Target::Seed(seed) => {
                            let addr = seed.parse().expect("seeds are addresses here");
                            (addr, machine.wants(addr))
                        }
                    };
                    let Some(&other) = self.by_addr.get(&to) else { continue };
                    let there = self.nodes[other].machine.is_some() && self.side[other] == self.side[node];
                    if wanted && there && other != node {
                        let delay = self.reliable_delay();
                        self.agenda.enter(now + delay, node, Event::Connected { to });
                    }
                }
            }
        }
        let Some(machine) = &mut self.nodes[node].machine else { return };
        let wake = machine.next_wake();
        let changed = machine.take_changed();
        if wake != self.nodes[node].wake || wake <= now {
            self.nodes[node].wake = wake;
            self.agenda.enter(wake.max(now + Duration::from_nanos(1)), node, Event::Wake);
        }
        if changed {
            self.count_time();
            self.look(node);
        }
    }

    fn delay(&mut self) -> Duration {
        Duration::from_micros(self.rng.random_range(200..2_000))
    }

    /// What TCP makes of a loss: it sends again.
    fn reliable_delay(&mut self) -> Duration {
        let mut delay = self.delay();
        while self.rng.random_bool(self.setup.loss) {
            delay += Duration::from_millis(200);
        }
        delay
    }
}
