//! Who leads. A node by itself leads from its start; the election among several nodes takes its place behind the same [`Lease`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use verwalter_core::ids::{NodeId, Term};

use crate::storage::{Storage, StorageError};
use crate::telemetry::chain;

/// Below the storage directory: the newest term that this node knows of.
const TERM_FILE: &str = "term.json";
/// Far above its content.
const MAX_TERM_BYTES: u64 = 4 << 10;

/// Proof of a leadership. It is live only while its term is the newest one: a decision that took too long finds it dead.
#[derive(Debug, Clone)]
pub struct Lease {
    term: Term,
    newest: watch::Receiver<Option<Term>>,
}

impl Lease {
    /// The leadership that it proves.
    pub fn term(&self) -> Term {
        self.term
    }

    /// Whether it may still commit.
    pub fn is_live(&self) -> bool {
        *self.newest.borrow() == Some(self.term)
    }
}

/// This node's view of who leads.
#[derive(Debug)]
pub struct Leadership {
    newest: watch::Sender<Option<Term>>,
    own: NodeId,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct TermRecord {
    counter: u64,
}

impl Leadership {
    /// Leads at once, in a term of its own that outranks all terms this node has seen, `stored` among them: that of the
    /// schedule which it continues. Fails where the storage cannot be read.
    pub fn alone(own: NodeId, storage: &Arc<Storage>, stored: Option<Term>) -> Result<Leadership, StorageError> {
        // A damaged record only loses count of terms without a schedule.
        let former: TermRecord =
            storage.read(TERM_FILE, MAX_TERM_BYTES)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let known = former.counter.max(stored.map_or(0, |term| term.counter));
        let record = TermRecord { counter: known.saturating_add(1) };
        if let Err(error) = storage.write(TERM_FILE, &serde_json::to_vec(&record).expect("a number is JSON")) {
            // A full disk is no reason to leave a machine without its files after a restart. Every schedule is stored with its term, so that only a
            // term without any may be counted twice.
            tracing::error!(error = %chain(&error), "this node starts all the same; only the number of this start may be used again");
        }
        let term = Term { counter: record.counter, leader: own };
        Ok(Leadership { newest: watch::Sender::new(Some(term)), own })
    }

    /// A lease, while this node leads.
    pub fn lease(&self) -> Option<Lease> {
        let term = (*self.newest.borrow()).filter(|term| term.leader == self.own)?;
        Some(Lease { term, newest: self.newest.subscribe() })
    }

    /// The newest term.
    pub fn term(&self) -> Option<Term> {
        *self.newest.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_is_a_newer_term() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Arc::new(Storage::open(dir.path()).unwrap());
        let own = NodeId::from_bytes([1; 16]);
        let first = Leadership::alone(own, &storage, None).unwrap();
        let lease = first.lease().unwrap();
        assert_eq!((lease.term().counter, lease.is_live()), (1, true));
        assert_eq!(Leadership::alone(own, &storage, None).unwrap().term().unwrap().counter, 2);
        storage.write(TERM_FILE, b"broken").unwrap();
        let stored = Some(Term { counter: 7, leader: own });
        assert_eq!(Leadership::alone(own, &storage, stored).unwrap().term().unwrap().counter, 8);
    }

    #[test]
    fn a_lease_dies_with_its_term() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Arc::new(Storage::open(dir.path()).unwrap());
        let leadership = Leadership::alone(NodeId::from_bytes([1; 16]), &storage, None).unwrap();
        let lease = leadership.lease().unwrap();
        leadership.newest.send_replace(Some(Term { counter: 2, leader: NodeId::from_bytes([2; 16]) }));
        assert!(!lease.is_live());
        assert!(leadership.lease().is_none());
    }
}
