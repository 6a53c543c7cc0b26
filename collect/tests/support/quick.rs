//! Intervals with which everything happens within a second or so.

use std::num::NonZeroUsize;
use std::time::Duration;

use verwalter_collect::agent::timing::Timing;

/// Some tenths of the usual ones.
pub(crate) fn timing() -> Timing {
    Timing {
        probe_period: Duration::from_millis(200),
        probe_timeout: Duration::from_millis(80),
        suspicion: Duration::from_secs(1),
        gossip_interval: Duration::from_millis(50),
        sync_interval: Duration::from_millis(500),
        join_first: Duration::from_millis(100),
        join_max: Duration::from_millis(400),
        rejoin_interval: Duration::from_millis(500),
        alone_after: Duration::from_secs(1),
        indirect_probes: NonZeroUsize::new(3).expect("not zero"),
        ..Timing::default()
    }
}
