//! What the agent publishes: peers, trouble, figures; and lines in the log when somebody comes or goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use verwalter_core::ids::{NodeId, UnixMillis};

use super::warnings::Warnings;
use crate::agent::figures::Door;
use crate::agent::machine::{Machine, Standing};
use crate::agent::remembered::{self, Remembered};
use crate::agent::settings::Status;
use crate::clock::unix_now;
use crate::source::{MAX_COMPLAINTS, PeerNews, Peers, SeenPeer};

/// Changes come in bursts: how long the first one of a burst waits for the others.
const COALESCE: Duration = Duration::from_millis(50);
/// How often the times of the last reports are published anew.
const REFRESH: Duration = Duration::from_secs(2);
/// Least time between two savings of the list of peers.
const SAVE: Duration = Duration::from_secs(30);
/// The wall clock was set when it differs by this from what was expected.
const CLOCK_STEP_MS: u64 = 1_000;
/// More changes than these at once are told in one line.
const LINES_AT_ONCE: usize = 16;

/// What was published last.
pub(super) struct News {
    news: watch::Sender<PeerNews>,
    status: watch::Sender<Status>,
    /// To the tasks for figures, where there are any.
    door: Option<Door>,
    /// Whether nobody else is expected.
    lonely: bool,
    alone_after: Duration,
    joined: bool,
    changed: Option<Duration>,
    published: Option<Duration>,
    standings: BTreeMap<NodeId, Standing>,
    failure: Option<String>,
    /// Whom this node remembered when it started.
    remembered: Vec<Remembered>,
    /// When the list was saved; `None` before the first time, which does not wait: this node may be killed before it would.
    saved: Option<Duration>,
    unsaved: bool,
    /// What the wall clock showed at the machine's zero.
    base: UnixMillis,
}

impl News {
    /// `alone_after`: how long the first other node may take to come; `None` when nobody is expected.
    pub(super) fn new(
        news: watch::Sender<PeerNews>,
        status: watch::Sender<Status>,
        door: Option<Door>,
        remembered: Vec<Remembered>,
        alone_after: Option<Duration>,
    ) -> News {
        News {
            news,
            status,
            door,
            lonely: alone_after.is_none(),
            alone_after: alone_after.unwrap_or_default(),
            joined: false,
            changed: None,
            published: None,
            standings: BTreeMap::new(),
            failure: None,
            remembered,
            saved: None,
            unsaved: false,
            base: unix_now(),
        }
    }

    /// Where packets about figures go.
    pub(super) fn door(&self) -> Option<&Door> {
        self.door.as_ref()
    }

    /// Waits until more is known about the members' machines, which is worth publishing.
    pub(super) async fn furnished(&mut self) {
        match &mut self.door {
            Some(door) => door.facts_changed().await,
            None => std::future::pending().await,
        }
        self.changed = self.changed.or(self.published);
    }

    /// When there is something to publish at the latest.
    pub(super) fn due(&self) -> Duration {
        let refresh = self.published.map_or(Duration::ZERO, |at| at + REFRESH);
        self.changed.map_or(refresh, |at| refresh.min(at + COALESCE))
    }

    /// An exchange failed.
    pub(super) fn failed(&mut self, reason: String) {
        self.failure = Some(reason);
    }

    /// Publishes when it is due.
    pub(super) fn follow(&mut self, machine: &mut Machine, now: Duration, warnings: &Warnings) {
        if machine.take_changed() {
            self.changed = self.changed.or(Some(now));
            self.unsaved = true;
        }
        if now < self.due() {
            return;
        }
        self.changed = None;
        self.published = Some(now);
        self.set_clock(now);
        self.publish_status(machine);
        self.publish_peers(machine, now, warnings);
    }

    fn publish_status(&mut self, machine: &Machine) {
        let mut status = Status { counts: machine.counts(), keys: machine.keys().ids().collect(), ..Status::default() };
        let addr = machine.identity().addr;
        status.advertised = (!addr.ip().is_unspecified()).then_some(addr);
        let mut standings = BTreeMap::new();
        let mut told = Vec::new();
        let members = machine.members();
        if let Some(door) = &self.door {
            status.figures = door.counts();
            door.post(machine.identity(), &members);
        }
        for member in members {
            match member.standing {
                Standing::Alive => status.alive += 1,
                Standing::Suspect => status.suspect += 1,
                Standing::Down => status.down += 1,
                Standing::Left => status.left += 1,
            }
            let id = member.identity.id;
            let before = self.standings.get(&id);
            let news = before != Some(&member.standing) && (before.is_some() || member.alive());
            if news {
                let hostname = member.card.as_ref().map_or("?", |card| card.hostname.as_str()).to_owned();
                told.push((hostname, member.identity.addr, before.copied(), member.standing));
            }
            standings.insert(id, member.standing);
        }
        self.standings = standings;
        self.joined |= status.alive + status.suspect > 0;
        let (lines, rest) = told.split_at(told.len().min(LINES_AT_ONCE));
        for (hostname, addr, before, standing) in lines {
            match standing {
                // Suspicion comes and goes: it is news to nobody unless it comes true.
                Standing::Suspect => tracing::debug!(hostname, %addr, "a member does not answer"),
                Standing::Alive if *before == Some(Standing::Suspect) => tracing::debug!(hostname, %addr, "a member answers again"),
                Standing::Alive => tracing::info!(hostname, %addr, "a member came"),
                Standing::Down => tracing::warn!(hostname, %addr, "a member is down"),
                Standing::Left => tracing::info!(hostname, %addr, "a member left"),
            }
        }
        if !rest.is_empty() {
            tracing::info!(members = rest.len(), alive = status.alive, down = status.down, "more members came or went at once");
        }
        self.status.send_if_modified(|before| std::mem::replace(before, status.clone()) != status);
    }

    fn publish_peers(&mut self, machine: &Machine, now: Duration, warnings: &Warnings) {
        if !self.lonely && !self.joined && now < self.alone_after {
            return;
        }
        let alone = !self.lonely && !self.standings.values().any(|standing| matches!(standing, Standing::Alive | Standing::Suspect));
        let trouble = (alone && now >= self.alone_after).then(|| match &self.failure {
            Some(failure) => format!("no other node of the cluster is alive. The last try: {failure}"),
            None => "no other node of the cluster is alive: check the seeds, and that their port is open, TCP and UDP".to_owned(),
        });
        let mut complaints: Vec<String> = machine
            .double(now)
            .map(|addr| format!("a node at {addr} has this node's id: give one of the two another machine-id"))
            .into_iter()
            .chain(warnings.recent(now))
            .collect();
        complaints.truncate(MAX_COMPLAINTS);
        let base = self.base;
        let mut fresh = machine.peers(now, |at| unix(base, at));
        if let Some(door) = &self.door {
            door.furnish(&mut fresh);
        }
        self.news.send_if_modified(|news| {
            let before = news.peers.as_ref();
            let peers = keep(fresh, before);
            let same = before.is_some_and(|before| before.peers == peers && before.complaints == complaints);
            let modified = !same || news.trouble != trouble;
            if !same {
                news.peers = Some(Arc::new(Peers { at: unix(base, now), peers, complaints }));
            }
            news.trouble = trouble;
            modified
        });
    }

    /// The document to save, when there is news and enough time has passed.
    pub(super) fn worth_saving(&mut self, machine: &Machine, now: Duration) -> Option<Vec<u8>> {
        let early = self.saved.is_some_and(|at| now.saturating_sub(at) < SAVE);
        if !self.unsaved || early { None } else { self.last_save(machine, now) }
    }

    /// The document to save; none when nobody was met, so that what is saved stays.
    pub(super) fn last_save(&mut self, machine: &Machine, now: Duration) -> Option<Vec<u8>> {
        if !self.joined {
            return None;
        }
        self.saved = Some(now);
        self.unsaved = false;
        let base = self.base;
        let mut peers = machine.remembered(|at| unix(base, at));
        // Whoever did not come yet may come after the next restart.
        let met: BTreeSet<NodeId> = machine.members().iter().map(|member| member.identity.id).collect();
        peers.extend(self.remembered.iter().filter(|peer| !met.contains(&peer.id)).cloned());
        Some(remembered::write(peers))
    }

    /// The wall clock goes with the machine's, unless somebody sets it: then the times of reports move with it once.
    fn set_clock(&mut self, now: Duration) {
        let expected = unix(self.base, now).0;
        let shown = unix_now().0;
        if expected.abs_diff(shown) > CLOCK_STEP_MS {
            self.base = UnixMillis(shown.saturating_sub(millis(now)));
        }
    }
}

fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

fn unix(base: UnixMillis, at: Duration) -> UnixMillis {
    UnixMillis(base.0.saturating_add(millis(at)))
}

/// The `fresh` peers, those that did not change as they were.
fn keep(fresh: Vec<SeenPeer>, before: Option<&Arc<Peers>>) -> Vec<Arc<SeenPeer>> {
    let before = before.map_or(&[][..], |peers| &peers.peers);
    let known = |peer: &SeenPeer| {
        let index = before.binary_search_by_key(&peer.id, |known| known.id).ok()?;
        (*before[index] == *peer).then(|| before[index].clone())
    };
    fresh.into_iter().map(|peer| known(&peer).unwrap_or_else(|| Arc::new(peer))).collect()
}
