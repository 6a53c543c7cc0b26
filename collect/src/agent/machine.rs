//! The agent's membership without any I/O: datagrams, exchanges and the time go in, datagrams and wishes come out.
//!
//! It never reads a clock, opens a socket or asks the system for randomness, so a simulation drives it as the daemon does.

mod lives;
mod merge;
mod outbox;
mod view;

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use foca::{Foca, OwnedNotification};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;

pub(super) use merge::binding;
pub use outbox::Output;
pub use view::{Member, Standing};

use self::outbox::Outbox;
use super::MAX_DATAGRAM;
use super::card::Card;
use super::codec::{Codec, CodecError};
use super::directory::{Cards, Shared};
use super::identity::Identity;
use super::joining::{Joining, Target};
use super::keys::KeyRing;
use super::refusal::{Counts, Refusal};
use super::seal::{ClusterName, Kind, open, overhead};
use super::timers::Timers;
use super::timing::Timing;
use super::wire::Malformed;

/// How often members without a card are asked for it, and old records go.
const HOUSEKEEPING: Duration = Duration::from_secs(2);

/// Who this node is, and how it finds the others.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its identity.
    pub id: NodeId,
    /// Its key in the schedule.
    pub hostname: Hostname,
    /// Its full name, for people and links.
    pub name: String,
    /// Where its API listens; an unspecified address stands for the agent's.
    pub api: Option<SocketAddr>,
    /// Where others reach its agent. An unspecified address is learned from the first connection.
    pub addr: SocketAddr,
    /// When the program started.
    pub started: UnixMillis,
    /// Its cluster.
    pub cluster: ClusterName,
    /// Intervals.
    pub timing: Timing,
    /// Whom to ask, `host:port`; at most [`MAX_SEEDS`](super::MAX_SEEDS).
    pub seeds: Vec<String>,
    /// Where peers answered before the restart.
    pub remembered: Vec<SocketAddr>,
}

/// What an answer is bound to.
#[derive(Debug, Clone)]
pub struct Pending {
    bound: Vec<u8>,
}

/// The membership as this node sees it.
pub struct Machine {
    foca: Foca<Identity, Codec, StdRng, Cards>,
    shared: Shared,
    out: Outbox,
    timing: Timing,
    card: Card,
    joining: Joining,
    rng: StdRng,
    next_sync: Duration,
    next_housekeeping: Duration,
    rejoin_due: Option<Duration>,
    rejoin_gap: Duration,
    last_rejoin: Option<Duration>,
    own_id_seen: Option<(IpAddr, Duration)>,
    /// Whether nobody said where this node is reached.
    learns: bool,
    left: bool,
    changed: bool,
}

impl Machine {
    /// A node that knows nobody yet. `seed` must be unpredictable outside simulations; `now` is any clock that never goes back.
    pub fn new(settings: Settings, keys: Arc<KeyRing>, seed: [u8; 32], now: Duration) -> Machine {
        let Settings { id, hostname, name, api, addr, started, cluster, timing, seeds, remembered } = settings;
        let mut rng = StdRng::from_seed(seed);
        let me = Identity::new(id, started.0, addr);
        let shared = Shared::new(id, now);
        let foca = library(me, &timing, &cluster, &shared, &mut rng);
        let card = Card { id, generation: me.generation, version: 0, left: false, started: me.generation, hostname, name, api };
        let out = Outbox {
            cluster,
            keys,
            rng: StdRng::from_rng(&mut rng),
            timers: Timers::default(),
            awake: now,
            queue: VecDeque::new(),
            notes: Vec::new(),
            counts: Counts::default(),
        };
        let mut machine = Machine {
            foca,
            shared,
            out,
            card,
            joining: Joining::new(seeds, remembered, now),
            next_sync: now + timing.sync_interval.mul_f64(rng.random_range(0.5..1.0)),
            next_housekeeping: now + HOUSEKEEPING,
            rng,
            timing,
            rejoin_due: None,
            rejoin_gap: Duration::ZERO,
            last_rejoin: None,
            own_id_seen: None,
            learns: addr.ip().is_unspecified(),
            left: false,
            changed: true,
        };
        let me = machine.identity();
        machine.shared.lock().me = Some(me);
        machine.spread_card();
        machine
    }

    /// Takes other keys in force.
    pub fn set_keys(&mut self, keys: Arc<KeyRing>) {
        self.out.keys = keys;
    }

    /// The keys in force.
    pub fn keys(&self) -> &KeyRing {
        &self.out.keys
    }

    /// When [`wake`](Machine::wake) wants to be called.
    pub fn next_wake(&self) -> Duration {
        let due = self.out.timers.next_due().map_or(self.own_due(), |due| due.min(self.own_due()));
        self.out.timers.at(due)
    }

    /// What is to be done, until there is `None`.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.queue.pop_front()
    }

    /// Whether somebody came, went or changed since this was asked.
    pub fn take_changed(&mut self) -> bool {
        let cards = std::mem::take(&mut self.shared.lock().changed);
        std::mem::take(&mut self.changed) | cards
    }

    /// What was sent, received and dropped.
    pub fn counts(&self) -> Counts {
        self.out.counts
    }

    /// Who this node is now.
    pub fn identity(&self) -> Identity {
        *self.foca.identity()
    }

    /// A datagram came.
    ///
    /// # Errors
    /// Why it was dropped.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) -> Result<(), Refusal> {
        self.begin(now);
        let outcome = self.try_datagram(from, datagram);
        self.settle();
        self.count(outcome)
    }

    fn try_datagram(&mut self, from: SocketAddr, datagram: &[u8]) -> Result<(), Refusal> {
        if datagram.len() > MAX_DATAGRAM {
            return Err(Refusal::Large);
        }
        let body = open(Kind::Datagram, &self.out.cluster, &self.out.keys, b"", datagram)?;
        if self.left {
            return Ok(());
        }
        self.foca.handle_data(&body, &mut self.out).map_err(|error| self.refusal(error, from))
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Duration) {
        self.begin(now);
        let awake = self.out.awake;
        while let Some(timer) = self.out.timers.pop(awake) {
            if self.left {
                continue;
            }
            if let Err(error) = self.foca.handle_timer(timer, &mut self.out) {
                // The library goes on by itself.
                tracing::debug!(%error, "a timer of the membership came out of turn");
            }
            self.settle();
        }
        if self.left {
            return;
        }
        if self.rejoin_due.is_some_and(|due| due <= awake) {
            self.rejoin();
        }
        if self.joining.due <= awake {
            let targets = self.joining.next(awake, &self.active(), &self.timing, &mut self.rng);
            self.out.queue.extend(targets.into_iter().map(Output::Exchange));
        }
        if self.next_sync <= awake {
            self.next_sync = awake + self.timing.sync_interval.mul_f64(self.rng.random_range(0.75..1.25));
            let count = self.foca.num_members();
            let chosen = (count > 0).then(|| self.rng.random_range(0..count));
            let chosen = chosen.and_then(|index| self.foca.iter_members().nth(index)).map(|member| member.id().addr);
            self.out.queue.extend(chosen.map(|addr| Output::Exchange(Target::Peer(addr))));
        }
        if self.next_housekeeping <= awake {
            self.next_housekeeping = awake + HOUSEKEEPING;
            let wanted = self.keep_house(now);
            self.out.queue.extend(wanted.map(|addr| Output::Exchange(Target::Peer(addr))));
        }
        self.settle();
    }

    /// Whether an exchange with whoever answers at `addr` could bring anything: not the own node, nor, for a seed, a member.
    pub fn wants(&self, addr: SocketAddr) -> bool {
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        addr != self.identity().addr && !self.foca.iter_members().any(|member| member.id().addr == addr)
    }

    fn own_due(&self) -> Duration {
        if self.left {
            return Duration::MAX;
        }
        let due = self.joining.due.min(self.next_sync).min(self.next_housekeeping);
        self.rejoin_due.map_or(due, |rejoin| rejoin.min(due))
    }

    fn begin(&mut self, now: Duration) {
        let own_due = self.own_due();
        self.out.awake = self.out.timers.awake(now, own_due);
        let mut directory = self.shared.lock();
        directory.now = now;
        directory.sender = None;
    }

    /// Where active members answer.
    fn active(&self) -> HashSet<SocketAddr> {
        self.foca.iter_members().map(|member| member.id().addr).collect()
    }

    /// Follows what the library noticed.
    fn settle(&mut self) {
        let mut idle = false;
        for note in std::mem::take(&mut self.out.notes) {
            let mut directory = self.shared.lock();
            let now = directory.now;
            match note {
                OwnedNotification::MemberUp(who) => {
                    if let Some(record) = directory.records.get_mut(&who.id) {
                        record.down_since = None;
                    }
                    self.changed = true;
                }
                OwnedNotification::MemberDown(who) => {
                    if let Some(record) = directory.records.get_mut(&who.id) {
                        record.down_since = Some(now);
                    }
                    self.joining.remember(who.addr);
                    self.changed = true;
                }
                OwnedNotification::Rename(..) => self.changed = true,
                OwnedNotification::Idle => idle = true,
                OwnedNotification::Defunct => {
                    let generation = self.foca.identity().generation;
                    directory.newest_self = directory.newest_self.max(generation + 1);
                }
                OwnedNotification::Active | OwnedNotification::Rejoin(_) => {}
            }
        }
        if idle && !self.left && self.foca.num_members() == 0 {
            self.begin_anew();
        }
        let outlived = self.shared.lock().newest_self > self.foca.identity().generation;
        if outlived && self.rejoin_due.is_none() && !self.left {
            let awake = self.out.awake;
            let due = self.last_rejoin.map_or(awake, |last| awake.max(last + self.rejoin_gap));
            self.rejoin_due = Some(due);
            if due == awake {
                self.rejoin();
            }
        }
    }

    fn count<T>(&mut self, outcome: Result<T, Refusal>) -> Result<T, Refusal> {
        match &outcome {
            Ok(_) => self.out.counts.received += 1,
            // Nobody's fault: the library greets its own former life among the dead.
            Err(Refusal::Echo) => {}
            Err(refusal) => self.out.counts.drop(refusal.cause()),
        }
        outcome
    }

    fn refusal(&mut self, error: foca::Error, from: SocketAddr) -> Refusal {
        match error {
            foca::Error::DataFromOurselves => {
                let sender = self.shared.lock().sender;
                self.note_own_id(sender, from.ip())
            }
            foca::Error::Decode(source) => match source.downcast_ref() {
                Some(CodecError::Malformed(malformed)) => Refusal::Malformed(*malformed),
                _ => Refusal::Contradiction(source.to_string()),
            },
            foca::Error::CustomBroadcast(source) => match source.downcast_ref::<Malformed>() {
                Some(malformed) => Refusal::Malformed(*malformed),
                None => Refusal::Contradiction(source.to_string()),
            },
            other => Refusal::Contradiction(other.to_string()),
        }
    }
}

/// The gossip library, as it begins.
fn library(
    me: Identity,
    timing: &Timing,
    cluster: &ClusterName,
    shared: &Shared,
    rng: &mut StdRng,
) -> Foca<Identity, Codec, StdRng, Cards> {
    let room = NonZeroUsize::new(MAX_DATAGRAM - overhead(cluster)).expect("names are short, so most of a datagram is left");
    Foca::with_custom_broadcast(me, timing.config(room), StdRng::from_rng(rng), Codec::new(shared.clone()), Cards(shared.clone()))
}
