//! Packets that were dropped, by cause.

use super::MAX_DATAGRAM;
use super::causes::causes;
use super::seal::Sealed;
use super::wire::Malformed;

/// Why a packet was dropped. Nothing of it was used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its outside is wrong.
    #[error(transparent)]
    Outside(#[from] Sealed),
    /// What is inside is wrong, although the seal holds.
    #[error("what is inside {0}: see whether its sender runs this version of verwalter")]
    Malformed(#[from] Malformed),
    /// The gossip library could not use it.
    #[error("it contradicts itself: {0}")]
    Contradiction(String),
    /// It is larger than any agent sends.
    #[error("it is larger than the {MAX_DATAGRAM} bytes of a datagram: see who sends to this port")]
    Large,
    /// Another machine has this node's id.
    #[error("its sender has the id of this node: give one of the two another machine-id, as `systemd-machine-id-setup` makes")]
    OwnId,
    /// It is one of the own packets, come back.
    #[error("it is this node's own packet")]
    Echo,
}

causes! {
    "The causes that are counted; a closed set, for labels."
    /// No agent's packet.
    Garbage "garbage",
    /// Another protocol.
    Protocol "protocol",
    /// Another cluster.
    Cluster "cluster",
    /// In clear, or sealed with a key that is not here.
    Key "key",
    /// A seal that does not hold.
    Forged "forged",
    /// An inside that no agent writes.
    Malformed "malformed",
    /// One node more than is kept.
    Full "full",
    /// From another node with the own id. Own packets that come back are not counted.
    OwnId "own_id",
}

impl Refusal {
    /// What it counts as.
    pub fn cause(&self) -> Cause {
        match self {
            Refusal::Outside(Sealed::Garbage | Sealed::Kind) | Refusal::Large => Cause::Garbage,
            Refusal::Outside(Sealed::Protocol { .. }) => Cause::Protocol,
            Refusal::Outside(Sealed::Cluster { .. }) => Cause::Cluster,
            Refusal::Outside(Sealed::Clear | Sealed::NoKeys { .. } | Sealed::UnknownKey { .. }) => Cause::Key,
            Refusal::Outside(Sealed::Forged { .. }) => Cause::Forged,
            Refusal::Malformed(Malformed::Full) => Cause::Full,
            Refusal::Malformed(_) | Refusal::Contradiction(_) => Cause::Malformed,
            Refusal::OwnId | Refusal::Echo => Cause::OwnId,
        }
    }
}

/// Packets that came, went and were dropped, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that were sent.
    pub sent: u64,
    /// Datagrams and exchanges that were used.
    pub received: u64,
    /// How often this node was buried while it lived, and came back.
    pub rejoins: u64,
    dropped: [u64; Cause::ALL.len()],
}

impl Counts {
    /// How many packets were dropped for `cause`.
    pub fn dropped(&self, cause: Cause) -> u64 {
        self.dropped[cause as usize]
    }

    pub(crate) fn drop(&mut self, cause: Cause) {
        self.dropped[cause as usize] += 1;
    }
}
