//! The seal of packets about figures: the cluster's name and keys as the agent's task has them, and randomness of its own.

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::watch;

use super::counts::Cause;
use crate::agent::keys::KeyRing;
use crate::agent::machine::binding;
use crate::agent::seal::{ClusterName, Kind, open, overhead, seal};

/// Seals and opens.
pub(super) struct Sealer {
    cluster: ClusterName,
    keys: watch::Receiver<Arc<KeyRing>>,
    rng: StdRng,
}

impl Sealer {
    /// `seed` is unpredictable and nobody else's: two sealers with one seed would seal different packets with one nonce.
    pub(super) fn new(cluster: ClusterName, keys: watch::Receiver<Arc<KeyRing>>, seed: [u8; 32]) -> Sealer {
        Sealer { cluster, keys, rng: StdRng::from_seed(seed) }
    }

    /// Bytes that the seal adds to a body.
    pub(super) fn overhead(&self) -> usize {
        overhead(&self.cluster)
    }

    pub(super) fn seal(&mut self, kind: Kind, bound: &[u8], body: &[u8]) -> Vec<u8> {
        let keys = self.keys.borrow().clone();
        seal(kind, &self.cluster, &keys, bound, body, &mut self.rng)
    }

    pub(super) fn open(&self, kind: Kind, bound: &[u8], packet: &[u8]) -> Result<Vec<u8>, Cause> {
        open(kind, &self.cluster, &self.keys.borrow(), bound, packet).map_err(|refusal| {
            tracing::debug!(%refusal, "a packet about figures was dropped");
            Cause::Outside
        })
    }

    /// What the answer to `request` is bound to.
    pub(super) fn binding(request: &[u8]) -> Vec<u8> {
        binding(request)
    }
}
