//! What is known of each node beside its membership: its card, and when it was heard. Shared by the machine with the parts that it
//! lends to the gossip library; bounded.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foca::{BroadcastHandler, Invalidates};
use verwalter_core::ids::NodeId;

use super::MAX_MEMBERS;
use super::card::Card;
use super::identity::Identity;
use super::wire::{Malformed, Reader};

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// When it was first heard of.
    pub(crate) since: Duration,
    /// When it, or somebody on its behalf, last showed that it lives.
    pub(crate) heard: Option<Duration>,
    /// Since when it is held for gone, when it was a member before.
    pub(crate) down_since: Option<Duration>,
    /// Its newest card.
    pub(crate) card: Option<Arc<Card>>,
}

/// All nodes that were heard of. Times are of the machine's caller.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The own id, about which nobody else knows better.
    pub(crate) own: NodeId,
    /// When the event that is being handled came.
    pub(crate) now: Duration,
    /// Who this node is, once that is known.
    pub(crate) me: Option<Identity>,
    /// Another node with the own id, and when it was last heard of: one that a third node tells of never sends a packet here.
    pub(crate) double: Option<(IpAddr, Duration)>,
    /// Greatest generation that others ascribe to the own id.
    pub(crate) newest_self: u64,
    /// What the own packets say, since the library keeps it to itself.
    pub(crate) own_incarnation: u16,
    /// Who sent the packet that is being handled.
    pub(crate) sender: Option<Identity>,
    /// Whether a card changed since somebody looked.
    pub(crate) changed: bool,
    // Ordered, so that a simulation with the same seed runs the same way.
    pub(crate) records: BTreeMap<NodeId, Record>,
}

#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<Directory>>);

impl Shared {
    pub(crate) fn new(own: NodeId, now: Duration) -> Shared {
        let directory = Directory {
            own,
            now,
            me: None,
            double: None,
            newest_self: 0,
            own_incarnation: 0,
            sender: None,
            changed: false,
            records: BTreeMap::new(),
        };
        Shared(Arc::new(Mutex::new(directory)))
    }

    /// Never held over a call into the library, which locks it itself.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Directory> {
        // Nothing in here can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory {
    /// Takes note of a node that a packet names.
    pub(crate) fn meet(&mut self, who: &Identity) -> Result<(), Malformed> {
        if who.id == self.own {
            self.newest_self = self.newest_self.max(who.generation);
            // A former life of this node is older, or lived at this address.
            if self.me.is_some_and(|me| who.generation > me.generation && who.addr != me.addr) {
                self.double = Some((who.addr.ip(), self.now));
            }
            return Ok(());
        }
        self.record(who.id).map(|_| ())
    }

    /// Takes note that a node lives.
    pub(crate) fn heard(&mut self, id: NodeId, at: Duration) {
        if let Some(record) = self.records.get_mut(&id) {
            record.heard = record.heard.max(Some(at));
        }
    }

    /// Keeps `card` when it is newer than the one that is known; whether it was.
    pub(crate) fn keep(&mut self, card: Card) -> Result<bool, Malformed> {
        if card.id == self.own {
            self.newest_self = self.newest_self.max(card.generation);
            return Ok(false);
        }
        let record = self.record(card.id)?;
        if record.card.as_ref().is_some_and(|known| known.edition() >= card.edition()) {
            return Ok(false);
        }
        record.card = Some(Arc::new(card));
        self.changed = true;
        Ok(true)
    }

    fn record(&mut self, id: NodeId) -> Result<&mut Record, Malformed> {
        let full = self.records.len() >= MAX_MEMBERS;
        match self.records.entry(id) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(_) if full => Err(Malformed::Full),
            Entry::Vacant(entry) => Ok(entry.insert(Record { since: self.now, heard: None, down_since: None, card: None })),
        }
    }
}

/// Which card is being spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CardKey {
    id: NodeId,
    edition: (u64, u32),
}

impl Invalidates for CardKey {
    fn invalidates(&self, other: &CardKey) -> bool {
        self.id == other.id && self.edition >= other.edition
    }
}

/// Receives cards for the gossip library.
#[derive(Debug)]
pub(crate) struct Cards(pub(crate) Shared);

impl BroadcastHandler<Identity> for Cards {
    type Key = CardKey;
    type Error = Malformed;

    fn receive_item(&mut self, data: &[u8], sender: Option<&Identity>) -> Result<Option<CardKey>, Malformed> {
        let mut reader = Reader::new(data);
        let card = Card::read(&mut reader)?;
        reader.end()?;
        let key = CardKey { id: card.id, edition: card.edition() };
        // Without a sender it is the own card, on its way out.
        let news = sender.is_none() || self.0.lock().keep(card)?;
        Ok(news.then_some(key))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn a_life_with_the_own_id_at_another_address_is_a_double() {
        let own = NodeId::from_bytes([1; 16]);
        let at = |generation, addr: [u8; 4]| Identity::new(own, generation, SocketAddr::from((addr, 7)));
        let shared = Shared::new(own, Duration::from_secs(5));
        let mut directory = shared.lock();
        directory.me = Some(at(10, [10, 0, 0, 1]));
        // A former life, elsewhere; and one at this address by a clock that was ahead.
        directory.meet(&at(9, [10, 0, 0, 2])).expect("room");
        directory.meet(&at(12, [10, 0, 0, 1])).expect("room");
        assert_eq!((directory.double, directory.newest_self), (None, 12));
        directory.meet(&at(13, [10, 0, 0, 2])).expect("room");
        assert_eq!(directory.double, Some(([10, 0, 0, 2].into(), Duration::from_secs(5))));
    }
}
