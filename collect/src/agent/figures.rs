//! Figures between members: each evaluates on its own machine what others ask, and tells them one row of numbers after each reading.
//!
//! Rows are pushed over UDP, since a lost one is followed by a newer one: the former ages meanwhile. Rules, which must arrive, and facts
//! about machines, which seldom change, go over TCP. All of it is sealed like the gossip, and counts from members only.
//!
//! ```text
//! asker                                  member
//!   Ask (digest of the rules, for 30 s) →          every 10 s
//!                          ← Unknown (digest)      once, then over TCP: Rules → , ← Adopted
//!                          ← Row in 1 to 64 parts  after each of its readings
//!   Facts → , ← the machine's facts      over TCP, when a row names others than are known
//! ```
//!
//! The seal proves that a sender has the cluster's key; who it is, it says itself, and it counts when the gossip holds exactly that life of
//! it, at that address, for alive. What an Ask causes goes to this address only. In a cluster without a key nothing is proved.
//!
//! | module | owns |
//! |---|---|
//! | `teller`, `asker` | both sides without I/O |
//! | `telling`, [`Figures`] | the tasks around them |
//! | `message`, `row`, `parts`, `question` | bytes, and which place a number has |
//! | `members` | what these tasks and the agent's know of each other |
//! | `sealer`, [`counts`] | the outside of packets; what was dropped |

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

use super::keys::KeyRing;
use super::seal::ClusterName;
use crate::inquiry::Inquirer;

mod asker;
mod asking;
pub mod counts;
mod members;
mod message;
mod parts;
mod question;
mod row;
mod sealer;
#[cfg(test)]
mod simulated;
mod teller;
mod telling;

pub use asking::Figures;
pub(super) use members::Door;
pub(super) use telling::Telling;

use counts::Tally;
use members::{Facts, Members, PACKETS, VISITS};
use sealer::Sealer;

/// Most members that one tells its figures. Every node leads itself and asks all others, so it is above the 300 nodes for which the agent's
/// timing holds. A row is made once for all who ask the same; each asker costs its packets, and some 100 bytes here.
pub const MAX_ASKERS: usize = 512;
/// Most sets of queries that are kept for them.
pub const MAX_SETS: usize = 8;
/// Longest text of a set's rules, in bytes.
pub const MAX_RULES_JSON: usize = 256 * 1024;
/// Longest text of a machine's facts, in bytes.
pub const MAX_FACTS_JSON: usize = 64 * 1024;
/// Most datagrams of one row: 75 kB, or 9,000 numbers.
pub const MAX_PARTS: usize = 64;
/// How often a wish is renewed; two renewals may be lost.
pub const RENEW: Duration = Duration::from_secs(10);
/// For how long a wish holds.
pub const TTL: Duration = Duration::from_secs(30);
/// Longest interval. Arbitrary, above any with which a schedule still follows the machines.
const MAX_INTERVAL: Duration = Duration::from_secs(3600);
/// Largest answer over TCP, with its seal.
const MAX_REPLY: usize = MAX_FACTS_JSON + 1024;

/// What both sides need of the agent.
pub(super) struct Lent {
    pub(super) cluster: ClusterName,
    pub(super) keys: watch::Receiver<Arc<KeyRing>>,
    pub(super) udp: Arc<UdpSocket>,
    pub(super) mapped: bool,
    /// Unpredictable, and used for nothing else.
    pub(super) seeds: [[u8; 32]; 2],
}

/// The three ends: the agent's, the telling side, and the source of the others' figures.
pub(super) fn open(lent: Lent, inquirer: Inquirer, interval: Duration) -> (Door, Telling, Figures) {
    let Lent { cluster, keys, udp, mapped, seeds: [telling_seed, asking_seed] } = lent;
    let tally = Arc::new(Tally::default());
    let (asks, asks_read) = mpsc::channel(PACKETS);
    let (told, told_read) = mpsc::channel(PACKETS);
    let (visits, visits_read) = mpsc::channel(VISITS);
    let (members, members_read) = watch::channel(Arc::new(Members::default()));
    let (facts, facts_read) = watch::channel(Arc::new(Facts::new()));
    let telling = Telling {
        inquirer,
        sealer: Sealer::new(cluster.clone(), keys.clone(), telling_seed),
        udp: udp.clone(),
        mapped,
        asks: asks_read,
        visits: visits_read,
        members: members_read.clone(),
        tally: tally.clone(),
    };
    let figures = Figures {
        interval: interval.clamp(Duration::from_millis(1), MAX_INTERVAL),
        sealer: Sealer::new(cluster, keys, asking_seed),
        udp,
        mapped,
        told: told_read,
        members: members_read,
        facts,
        tally: tally.clone(),
    };
    (Door { asks, told, visits, members, facts: facts_read, tally }, telling, figures)
}
