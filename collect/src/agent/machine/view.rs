//! What the machine knows, for those who ask.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foca::State;
use serde_json::Map;
use verwalter_core::ids::{NodeId, UnixMillis};

use super::Machine;
use crate::agent::MAX_DOWN;
use crate::agent::card::Card;
use crate::agent::identity::Identity;
use crate::agent::remembered::Remembered;
use crate::source::SeenPeer;

/// A card comes with the first news of its node, or soon after; one that is later was lost.
const LONGEST_WITHOUT_CARD: Duration = Duration::from_secs(2);

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It answers.
    Alive,
    /// It did not answer, and may still object.
    Suspect,
    /// It did not object.
    Down,
    /// It said that it goes.
    Left,
}

/// One other node. Times are of the machine's caller.
#[derive(Debug, Clone)]
pub struct Member {
    /// Which node, in which life, and where.
    pub identity: Identity,
    /// How it stands.
    pub standing: Standing,
    /// When it was first heard of.
    pub since: Duration,
    /// When it last showed that it lives, to anybody.
    pub heard: Option<Duration>,
    /// Since when it is down, when it was a member before.
    pub down_since: Option<Duration>,
    /// What it says of itself, once that has arrived.
    pub card: Option<Arc<Card>>,
}

impl Member {
    /// Whether it counts as alive.
    pub fn alive(&self) -> bool {
        matches!(self.standing, Standing::Alive | Standing::Suspect)
    }
}

impl Machine {
    /// How the node `id` stands, when it is known.
    pub fn standing(&self, id: NodeId) -> Option<Standing> {
        self.members().into_iter().find(|member| member.identity.id == id).map(|member| member.standing)
    }

    /// Calls `each` with every node and whether the gossip holds it for active; cheaper than [`members`](Machine::members).
    pub fn each_active(&self, mut each: impl FnMut(NodeId)) {
        self.foca.iter_members().for_each(|member| each(member.id().id));
    }

    /// All other nodes that are known, in ascending order of id.
    pub fn members(&self) -> Vec<Member> {
        let own = self.identity().id;
        let directory = self.shared.lock();
        let member = |member: &foca::Member<Identity>| {
            let identity = *member.id();
            let record = directory.records.get(&identity.id)?;
            let left = record.card.as_ref().is_some_and(|card| card.left && card.generation >= identity.generation);
            let standing = match member.state() {
                _ if left => Standing::Left,
                State::Alive => Standing::Alive,
                State::Suspect => Standing::Suspect,
                State::Down => Standing::Down,
            };
            let &crate::agent::directory::Record { since, heard, down_since, ref card } = record;
            Some(Member { identity, standing, since, heard, down_since, card: card.clone() })
        };
        let mut members: Vec<Member> =
            self.foca.iter_membership_state().filter(|member| member.id().id != own).filter_map(member).collect();
        members.sort_unstable_by_key(|member| member.identity.id);
        members
    }

    /// The members as a source tells them: those whose card has arrived; those that are down for a while, and not too many.
    /// `unix` turns the machine's time into the wall clock's.
    pub fn peers(&self, now: Duration, unix: impl Fn(Duration) -> UnixMillis) -> Vec<SeenPeer> {
        let mut members = self.members();
        let recent = |down: Option<Duration>| down.is_some_and(|at| now.saturating_sub(at) <= self.timing.keep_down);
        members.retain(|member| {
            member.alive() || (member.standing == Standing::Left && member.down_since.is_none()) || recent(member.down_since)
        });
        let mut down: Vec<(Duration, NodeId)> =
            members.iter().filter(|member| !member.alive()).map(|member| (member.down_since.unwrap_or(now), member.identity.id)).collect();
        if down.len() > MAX_DOWN {
            down.sort_unstable_by_key(|&(at, id)| (Reverse(at), id));
            let mut oldest: Vec<NodeId> = down.drain(MAX_DOWN..).map(|(_, id)| id).collect();
            oldest.sort_unstable();
            members.retain(|member| oldest.binary_search(&member.identity.id).is_err());
        }
        let machine = Arc::new(Map::new());
        let peer = |member: Member| {
            let alive = member.alive();
            let card = member.card?;
            let reachable = |addr: SocketAddr| {
                if addr.ip().is_unspecified() { SocketAddr::new(member.identity.addr.ip(), addr.port()) } else { addr }
            };
            Some(SeenPeer {
                id: member.identity.id,
                hostname: card.hostname.clone(),
                name: card.name.clone(),
                addr: card.api.map(reachable),
                agent: Some(member.identity.addr),
                known_since: unix(member.since),
                last_report: member.heard.map(&unix),
                alive,
                machine: machine.clone(),
                state: None,
            })
        };
        members.into_iter().filter_map(peer).collect()
    }

    /// Whom to remember over a restart.
    pub fn remembered(&self, unix: impl Fn(Duration) -> UnixMillis) -> Vec<Remembered> {
        let worth = |member: &Member| member.standing != Standing::Left && member.heard.is_some();
        let remember = |member: Member| Remembered {
            id: member.identity.id,
            hostname: member.card.map(|card| card.hostname.clone()),
            addr: member.identity.addr,
            heard: unix(member.heard.unwrap_or(member.since)),
        };
        self.members().into_iter().filter(worth).map(remember).collect()
    }

    /// Drops records of nodes that the gossip has forgotten; an active member whose card is overdue, if there is one.
    pub(super) fn keep_house(&mut self, now: Duration) -> Option<SocketAddr> {
        let known: std::collections::HashSet<NodeId> = self.foca.iter_membership_state().map(|member| member.id().id).collect();
        let mut directory = self.shared.lock();
        let keep_down = self.timing.keep_down;
        directory.records.retain(|id, record| known.contains(id) || now.saturating_sub(record.since) < keep_down.min(HOUSE_GRACE));
        let overdue = |member: &&foca::Member<Identity>| {
            directory
                .records
                .get(&member.id().id)
                .is_some_and(|record| record.card.is_none() && now.saturating_sub(record.since) > LONGEST_WITHOUT_CARD)
        };
        self.foca.iter_members().find(overdue).map(|member| member.id().addr)
    }
}

/// A record may be ahead of the membership by the packet that is on its way.
const HOUSE_GRACE: Duration = Duration::from_secs(60);
