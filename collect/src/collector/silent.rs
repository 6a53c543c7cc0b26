//! The peers whose figures a source could not get, each until a report of it comes or it leaves. It judges no age.

use std::collections::BTreeMap;

use verwalter_core::ids::NodeId;

use crate::source::Peers;

/// The silent peers of one source. At most one entry a peer.
#[derive(Debug, Default)]
pub(super) struct Silent {
    peers: BTreeMap<NodeId, Trouble>,
    /// How many there were at the end of the last sweep, and why the first of them by id: one text a sweep, not one a peer.
    told: Option<(usize, String)>,
}

#[derive(Debug)]
struct Trouble {
    reason: String,
    /// A report came since. Some sources say behind it what is missing in it, so that the end of the sweep decides.
    reported: bool,
}

impl Silent {
    /// The figures of `peer` could not be had, or not all of them.
    pub(super) fn note(&mut self, peer: NodeId, reason: String) {
        self.peers.insert(peer, Trouble { reason, reported: false });
    }

    /// A report of `peer` came.
    pub(super) fn reported(&mut self, peer: NodeId) {
        if let Some(trouble) = self.peers.get_mut(&peer) {
            trouble.reported = true;
        }
    }

    /// The source has asked all peers once more: `own` and the living of `peers`. Whoever is listed as dead may be alive again before its
    /// source looks, which says nothing twice: its trouble is kept, but not told.
    pub(super) fn swept(&mut self, own: NodeId, peers: &Peers) {
        self.peers.retain(|_, trouble| !trouble.reported);
        let living = peers.peers.iter().filter(|peer| peer.alive && peer.id != own).map(|peer| peer.id).chain([own]);
        let silent: BTreeMap<NodeId, &Trouble> = living.filter_map(|id| Some((id, self.peers.get(&id)?))).collect();
        self.told = silent.values().next().map(|first| (silent.len(), first.reason.clone()));
    }

    /// Who is there now: those who left are forgotten.
    pub(super) fn retain(&mut self, stays: impl Fn(NodeId) -> bool) {
        self.peers.retain(|id, _| stays(*id));
        if self.peers.is_empty() {
            self.told = None;
        }
    }

    /// How many are silent, and why the first.
    pub(super) fn told(&self) -> Option<&(usize, String)> {
        self.told.as_ref()
    }
}

#[cfg(test)]
mod tests;
