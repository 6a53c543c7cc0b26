//! How often and how long: the defaults, and why they are what they are.

use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;

use foca::{Config, PeriodicParams};

/// The agent's intervals. The defaults hold from 3 to 300 nodes at up to 5 % packet loss (see the bench `gossip`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// How often one member is probed. A killed node is noticed after one to three of these.
    pub probe_period: Duration,
    /// How long a probe waits for its answer before others are asked to probe. Below half the period, so that their answers come within it.
    pub probe_timeout: Duration,
    /// How many members are asked, and how many are told of urgent news.
    pub indirect_probes: NonZeroUsize,
    /// How long a member that did not answer has to object. Longer than a node that swaps or is frozen for 5 s needs.
    pub suspicion: Duration,
    /// How often each piece of news is passed on by each node. With the library's 5 to 15 an objection may die out on its way to
    /// one of 300 nodes at 5 % loss.
    pub transmissions: NonZeroU8,
    /// How often news is passed on, while there is any.
    pub gossip_interval: Duration,
    /// To how many members at once.
    pub gossip_fanout: NonZeroUsize,
    /// How often everything is compared with one random member. It brings what gossip lost.
    pub sync_interval: Duration,
    /// How long to wait after the first fruitless try to join; doubles, with jitter, up to `join_max`.
    pub join_first: Duration,
    /// The longest wait: whoever waits for its only seed finds the cluster within 3 s of that seed's start. Tries never end.
    pub join_max: Duration,
    /// How often a seed or a remembered peer that is no member is tried while there are members: a cut that lasted for long heals by this.
    pub rejoin_interval: Duration,
    /// How long a node that expects others waits for the first one before it says that it is alone: its scheduler would else begin
    /// by moving everything to itself.
    pub alone_after: Duration,
    /// How long nodes that are down stay listed, and are tried again.
    pub keep_down: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            probe_period: Duration::from_millis(700),
            probe_timeout: Duration::from_millis(300),
            indirect_probes: NonZeroUsize::new(3).expect("not zero"),
            suspicion: Duration::from_secs(6),
            transmissions: NonZeroU8::new(20).expect("not zero"),
            gossip_interval: Duration::from_millis(200),
            gossip_fanout: NonZeroUsize::new(3).expect("not zero"),
            sync_interval: Duration::from_secs(30),
            join_first: Duration::from_millis(500),
            join_max: Duration::from_secs(2),
            rejoin_interval: Duration::from_secs(60),
            alone_after: Duration::from_secs(10),
            keep_down: Duration::from_secs(60 * 60),
        }
    }
}

impl Timing {
    /// The library's settings; `room` is what a datagram holds within its seal.
    pub(crate) fn config(&self, room: NonZeroUsize) -> Config {
        // The library refuses nothing, but counts on these.
        let shortest = Duration::from_millis(2);
        let probe_period = self.probe_period.max(shortest);
        Config {
            probe_period,
            probe_rtt: self.probe_timeout.clamp(shortest / 2, probe_period - shortest / 2),
            num_indirect_probes: self.indirect_probes,
            max_transmissions: self.transmissions,
            suspect_to_down_after: self.suspicion.max(shortest),
            // Longer than they are listed: whoever is forgotten could be brought back to life by an old word.
            remove_down_after: Some(self.keep_down.saturating_mul(2)),
            max_packet_size: room,
            notify_down_members: true,
            // Comparing everything does it better.
            periodic_announce: None,
            periodic_announce_to_down_members: Some(PeriodicParams {
                frequency: self.sync_interval,
                num_members: NonZeroUsize::new(2).expect("not zero"),
            }),
            periodic_gossip: Some(PeriodicParams { frequency: self.gossip_interval.max(shortest), num_members: self.gossip_fanout }),
        }
    }
}
