//! Where each peer's values lie: a slot for each node, which it keeps through renames, and another node may have after it left.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::peers::{DuplicateHostname, Peer, PeerTable};

use crate::source::SeenPeer;

/// A node, as it was seen and as plugins are told of it.
#[derive(Debug)]
struct Member {
    seen: Arc<SeenPeer>,
    peer: Arc<Peer>,
}

/// The nodes by slot, and the table made of them.
#[derive(Debug, Default)]
pub(super) struct Slots {
    by_id: HashMap<NodeId, u32>,
    members: Vec<Option<Member>>,
    free: Vec<u32>,
    table: Arc<PeerTable>,
    clashes: Vec<DuplicateHostname>,
    /// The slot of each row of the table.
    order: Arc<Vec<u32>>,
    stale: bool,
    /// Those that do not answer. They have no slots.
    absent: BTreeMap<NodeId, Arc<Peer>>,
}

impl Slots {
    pub(super) fn of(&self, id: NodeId) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    /// How many slots there are, free ones included.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Gives `seen`, which is here since `at`, a slot, or the news to who has one already. Returns it where it is a new one.
    pub(super) fn take_in(&mut self, seen: &Arc<SeenPeer>, at: UnixMillis) -> Option<u32> {
        if let Some(member) = self.of(seen.id).and_then(|slot| self.members[slot as usize].as_mut()) {
            if !Arc::ptr_eq(&member.seen, seen) && member.seen != *seen {
                let peer = told(seen, Some(&member.peer), member.peer.since);
                self.stale |= *member.peer != peer;
                *member = Member { seen: seen.clone(), peer: Arc::new(peer) };
            }
            return None;
        }
        self.stale = true;
        let member = Some(Member { seen: seen.clone(), peer: Arc::new(told(seen, None, at)) });
        let slot = match self.free.pop() {
            Some(slot) => {
                self.members[slot as usize] = member;
                slot
            }
            None => {
                let slot = u32::try_from(self.members.len()).expect("nodes fit memory, hence u32");
                self.members.push(member);
                slot
            }
        };
        self.by_id.insert(seen.id, slot);
        Some(slot)
    }

    /// Frees the slots of all nodes that are not `wanted`, and returns them.
    pub(super) fn retain(&mut self, wanted: impl Fn(NodeId) -> bool) -> Vec<u32> {
        let gone: Vec<(NodeId, u32)> = self.by_id.iter().filter(|(id, _)| !wanted(**id)).map(|(id, slot)| (*id, *slot)).collect();
        for (id, slot) in &gone {
            self.by_id.remove(id);
            self.members[*slot as usize] = None;
            self.free.push(*slot);
        }
        self.stale |= !gone.is_empty();
        gone.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Those of whom the source says that they do not answer, all of them; which ones that is since `at`.
    pub(super) fn miss<'a>(&mut self, gone: impl Iterator<Item = &'a Arc<SeenPeer>>, at: UnixMillis) {
        let absent = gone.map(|seen| {
            let before = self.absent.get(&seen.id);
            // Whoever was never met may be gone for long.
            let met = || self.of(seen.id).is_some();
            let since = before.map_or_else(|| if met() { at } else { seen.last_report.unwrap_or(at) }, |peer| peer.since);
            let peer = told(seen, before, since);
            let peer = before.filter(|before| ***before == peer).cloned().unwrap_or_else(|| Arc::new(peer));
            (seen.id, peer)
        });
        let absent: BTreeMap<NodeId, Arc<Peer>> = absent.collect();
        self.stale |= absent != self.absent;
        self.absent = absent;
    }

    /// Makes the table anew where a node has changed; says whether the order of slots is another one. Of two with one hostname `own` stays.
    pub(super) fn settle(&mut self, own: NodeId) -> bool {
        if !std::mem::take(&mut self.stale) {
            return false;
        }
        // The former order first: what is nearly sorted is sorted at once.
        let mut former = vec![false; self.members.len()];
        self.order.iter().for_each(|slot| former[*slot as usize] = true);
        let others = (0..).zip(&former).filter(|(_, former)| !**former).map(|(slot, _)| slot);
        let slots = self.order.iter().copied().chain(others);
        let peers = slots.filter_map(|slot| self.members[slot as usize].as_ref().map(|member| member.peer.clone()));
        let mut peers: Vec<Arc<Peer>> = peers.collect();
        // Whoever calls itself as this node does must not take away this node's id, facts and figures, however long it is known.
        let hostname = self.of(own).and_then(|slot| self.members[slot as usize].as_ref()).map(|member| member.peer.hostname.clone());
        let double = |peer: &mut Arc<Peer>| peer.id != own && Some(&peer.hostname) == hostname.as_ref();
        let doubles: Vec<Arc<Peer>> = peers.extract_if(.., double).collect();
        let (table, mut clashes) = self.table.renewed(peers);
        let clash = |peer: Arc<Peer>| DuplicateHostname { hostname: peer.hostname.clone(), first: own, second: peer.id };
        clashes.extend(doubles.into_iter().map(clash));
        let table = table.with_absent(&self.table, self.absent.values().cloned().collect());
        let order: Vec<u32> = table.iter().filter_map(|peer| self.of(peer.id)).collect();
        (self.table, self.clashes) = (Arc::new(table), clashes);
        let moved = order != *self.order;
        if moved {
            self.order = Arc::new(order);
        }
        moved
    }

    /// As of the last [`Slots::settle`].
    pub(super) fn table(&self) -> &Arc<PeerTable> {
        &self.table
    }

    pub(super) fn clashes(&self) -> &[DuplicateHostname] {
        &self.clashes
    }

    pub(super) fn order(&self) -> &Arc<Vec<u32>> {
        &self.order
    }
}

/// What plugins are told of a node. Equal facts are shared with what they were told `before`.
fn told(seen: &SeenPeer, before: Option<&Arc<Peer>>, since: UnixMillis) -> Peer {
    let same = before.filter(|before| Arc::ptr_eq(&before.machine, &seen.machine) || before.machine == seen.machine);
    let machine = same.map_or_else(|| seen.machine.clone(), |before| before.machine.clone());
    Peer { machine, ..seen.told(since) }
}
