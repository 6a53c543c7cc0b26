//! What the agent's task and the tasks for figures know of each other: who is a member, facts about machines, and packets. It opens none.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use verwalter_core::ids::NodeId;

use super::counts::{Cause, Counts, Tally};
use crate::agent::identity::Identity;
use crate::agent::machine::Member;
use crate::agent::seal::Kind;
use crate::source::{About, SeenPeer};

/// Packets that wait to be opened; those beyond are lost, like any datagram.
pub(super) const PACKETS: usize = 2_048;
/// Connections that wait with their question read.
pub(super) const VISITS: usize = 32;

/// What members say of themselves, by member.
pub(crate) type Facts = BTreeMap<NodeId, About>;

/// This node and the others that are alive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// Who this node is; `None` before the agent runs.
    pub(crate) me: Option<Identity>,
    alive: HashMap<NodeId, Identity>,
}

impl Members {
    pub(crate) fn new(me: Identity, alive: impl IntoIterator<Item = Identity>) -> Members {
        Members { me: Some(me), alive: alive.into_iter().map(|who| (who.id, who)).collect() }
    }

    /// Whether `who` is alive, in this very life and at this address.
    pub(crate) fn has(&self, who: &Identity) -> bool {
        self.alive.get(&who.id) == Some(who)
    }

    pub(crate) fn get(&self, id: NodeId) -> Option<Identity> {
        self.alive.get(&id).copied()
    }
}

/// Somebody who connected, with the question read.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) stream: TcpStream,
    pub(crate) request: Vec<u8>,
}

/// The end of the agent's task.
#[derive(Debug)]
pub(crate) struct Door {
    pub(super) asks: mpsc::Sender<Vec<u8>>,
    pub(super) told: mpsc::Sender<Vec<u8>>,
    pub(super) visits: mpsc::Sender<Visit>,
    pub(super) members: watch::Sender<Arc<Members>>,
    pub(super) facts: watch::Receiver<Arc<Facts>>,
    pub(super) tally: Arc<Tally>,
}

impl Door {
    /// Hands a datagram on; whether it was about figures.
    pub(crate) fn datagram(&self, datagram: &[u8]) -> bool {
        let to = match () {
            () if Kind::Told.claimed(datagram) => &self.told,
            () if Kind::Ask.claimed(datagram) => &self.asks,
            () => return false,
        };
        if to.try_send(datagram.to_vec()).is_err() {
            self.tally.dropped(Cause::Crowded, 1);
        }
        true
    }

    /// Hands a connection on when its request is about figures; else it comes back.
    pub(crate) fn visit(&self, stream: TcpStream, request: Vec<u8>) -> Option<(TcpStream, Vec<u8>)> {
        if !Kind::Question.claimed(&request) {
            return Some((stream, request));
        }
        if self.visits.try_send(Visit { stream, request }).is_err() {
            self.tally.dropped(Cause::Crowded, 1);
        }
        None
    }

    /// Tells who is a member.
    pub(crate) fn post(&self, me: Identity, members: &[Member]) {
        let alive = members.iter().filter(|member| member.alive()).map(|member| member.identity);
        let fresh = Members::new(me, alive);
        self.members.send_if_modified(|before| {
            let modified = **before != fresh;
            if modified {
                *before = Arc::new(fresh);
            }
            modified
        });
    }

    /// Waits until more is known about machines; for ever where nobody asks.
    pub(crate) async fn facts_changed(&mut self) {
        if self.facts.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Adds to the peers what they say of themselves.
    pub(crate) fn furnish(&self, peers: &mut [SeenPeer]) {
        let facts = self.facts.borrow();
        for peer in peers {
            if let Some(about) = facts.get(&peer.id) {
                peer.machine = about.machine.clone();
                peer.state = about.state.clone();
            }
        }
    }

    /// What was told and heard so far.
    pub(crate) fn counts(&self) -> Counts {
        self.tally.read()
    }
}

/// Where a member's agent is reached from `local`'s socket: an IPv6 one knows IPv4 by another name.
pub(super) fn reachable(mapped: bool, to: SocketAddr) -> SocketAddr {
    match to {
        SocketAddr::V4(v4) if mapped => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
        _ => to,
    }
}

#[cfg(test)]
mod tests;
