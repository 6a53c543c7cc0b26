//! cantal 0.6 as it is: who is there, asked of the local agent, and what is measured, asked of every machine's own.
//!
//! It never asks an agent for anything that ends it, believes no length, waits for none beyond a deadline, and compares no clock of another
//! machine with its own. What an agent's names and units become stands at [`units`].
//!
//! | module | owns |
//! |---|---|
//! | `http` | one question over HTTP/1.1, with its cap and deadline |
//! | `agent` | the three questions that exist |
//! | `peers`, [`Membership`] | the list of peers; the source of peers |
//! | `cbor`, `answer` | what is answered, read within bounds |
//! | [`units`] | cantal's names and units in ours |
//! | `language` | queries in cantal's language |
//! | [`Figures`] | the source of figures: sweeps over all agents |

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use verwalter_core::ids::NodeId;

mod agent;
mod answer;
mod cbor;
mod figures;
mod http;
mod language;
mod membership;
mod peers;
pub mod units;

pub use agent::{Agent, AgentError, Cause, METRICS_BYTES, PEERS_BYTES, QUERY_BYTES, QUERY_TEXT_BYTES};
pub use answer::{Listed, ListedValue, MAX_ANSWER_SAMPLES, MAX_LISTED};
pub use cbor::CborError;
pub use figures::Figures;
pub use http::{CONNECT_WAIT, HttpError};
pub use membership::Membership;
pub use peers::{ALIVE_MILLIS, MAX_PEERS};

/// The port on which cantal listens unless told otherwise.
pub const PORT: u16 = 22_682;
/// Shortest time between two questions of one kind: below it an agent would only answer us.
const MIN_EVERY: Duration = Duration::from_millis(10);

/// How cantal is asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the local agent listens.
    pub agent: SocketAddr,
    /// This node: no peer of its own, its figures come from the local agent.
    pub own: NodeId,
    /// On which port of their addresses the peers' APIs listen; cantal knows nothing of them.
    pub api_port: u16,
    /// Time between two questions for the peers.
    pub peers_every: Duration,
    /// When such a question is given up.
    pub peers_deadline: Duration,
    /// Time between the beginnings of two sweeps for figures; one that takes longer delays the next.
    pub sweep_every: Duration,
    /// When an agent's figures are given up, connecting included.
    pub query_deadline: Duration,
    /// How many agents are asked at a time.
    pub fan_out: usize,
    /// How often the agents look at their machines (their `--interval`).
    pub scan: Duration,
}

impl Settings {
    /// As it is normally done.
    ///
    /// The local agent on its usual port; peers every second, as verwalter 0.13 did, so that a silent agent is noticed within two; figures
    /// every 2 s, as often as cantal scans, 64 agents at a time with 1 s each.
    pub fn new(own: NodeId, api_port: u16) -> Settings {
        Settings {
            agent: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT),
            own,
            api_port,
            peers_every: Duration::from_secs(1),
            peers_deadline: Duration::from_secs(3),
            sweep_every: Duration::from_secs(2),
            query_deadline: Duration::from_secs(1),
            fan_out: 64,
            scan: Duration::from_secs(2),
        }
    }

    fn peers_every(&self) -> Duration {
        self.peers_every.max(MIN_EVERY)
    }

    fn sweep_every(&self) -> Duration {
        self.sweep_every.max(MIN_EVERY)
    }
}
