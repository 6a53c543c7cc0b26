//! How the agent runs, what it tells of itself in figures, and what the host lends it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::figures::counts;
use super::keys::{KeyId, KeyRing};
use super::refusal::Counts;
use super::seal::ClusterName;
use super::timing::Timing;
use crate::local::OwnNode;

/// Port of the agent where nobody chose another, UDP and TCP; cantal's is the one before.
pub const DEFAULT_PORT: u16 = 22_683;

/// Keeps the list of peers over a restart.
pub trait PeerStore: Send + Sync + 'static {
    /// Where it is kept, for messages.
    fn name(&self) -> &str;

    /// What was saved last; `None` when nothing was.
    ///
    /// # Errors
    /// When it cannot be read; the node starts without.
    fn load(&self) -> io::Result<Option<Vec<u8>>>;

    /// Replaces it, whole or not at all. Called on a blocking thread, never twice at a time.
    ///
    /// # Errors
    /// When it cannot be written; it is tried again with the next change.
    fn save(&self, bytes: &[u8]) -> io::Result<()>;
}

/// How the agent runs.
#[derive(Clone)]
pub struct Settings {
    /// Who this node is. Its API's address may be unspecified: the agent's stands for it.
    pub node: OwnNode,
    /// Where the agent listens, UDP and TCP; with port 0 the system chooses one for both. `[::]` hears IPv4 too.
    pub bind: SocketAddr,
    /// Where others reach it. `None`: where it is bound, and where that is unspecified, the address that the first connection shows.
    pub advertise: Option<SocketAddr>,
    /// Its cluster.
    pub cluster: ClusterName,
    /// Whom to ask for the others, `host:port`, at most [`MAX_SEEDS`](super::MAX_SEEDS); names are resolved at each try. All nodes may
    /// have the same ones, themselves among them.
    pub seeds: Vec<String>,
    /// The keys in force, and their successors.
    pub keys: watch::Receiver<Arc<KeyRing>>,
    /// Intervals.
    pub timing: Timing,
    /// Where peers are kept over a restart.
    pub store: Option<Arc<dyn PeerStore>>,
}

/// The agent's state in figures, for status and metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Where others are told to reach this agent; `None` until it is known.
    pub advertised: Option<SocketAddr>,
    /// Members that answer.
    pub alive: usize,
    /// Members that did not answer, and may still object.
    pub suspect: usize,
    /// Members that are down.
    pub down: usize,
    /// Members that left.
    pub left: usize,
    /// Packets.
    pub counts: Counts,
    /// Figures between members.
    pub figures: counts::Counts,
    /// The keys in force, the sealing one first.
    pub keys: Vec<KeyId>,
}

/// Why the agent cannot listen. Nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken, or is none of this machine.
    #[error("the agent cannot listen on {bind}, {protocol}: set an address of this machine at which nothing else listens")]
    Listen {
        /// The address.
        bind: SocketAddr,
        /// UDP or TCP.
        protocol: &'static str,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] rand::rngs::SysError),
}
