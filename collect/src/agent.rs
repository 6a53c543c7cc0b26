//! The built-in agent: who is in the cluster, by gossip among the nodes themselves.
//!
//! Membership is SWIM (the `foca` library): every node probes others in turn, asks some to probe for it when there is no answer,
//! suspects before it buries, and passes news on with the packets that go anyway. Beside it two nodes compare everything over TCP
//! when one joins and every 30 s.
//!
//! | module | owns |
//! |---|---|
//! | [`machine`] | all of that without I/O |
//! | [`Agent`] | the task around it: sockets, the clock, what is published |
//! | [`figures`] | what members measure, told to those who ask |
//! | [`seal`], [`keys`] | the outside of packets: cluster, protocol, encryption |
//! | [`timing`] | intervals and their reasons |
//! | [`remembered`] | the peers that outlive the program |
//! | [`refusal`] | packets that were dropped, by cause |

pub mod card;
mod causes;
mod codec;
mod directory;
mod driver;
mod exchange;
pub mod figures;
mod identity;
mod joining;
pub mod keys;
pub mod machine;
pub mod refusal;
pub mod remembered;
pub mod seal;
mod settings;
mod timers;
pub mod timing;
pub mod wire;

pub use driver::Agent;
pub use exchange::{MAX_ANSWER, MAX_REQUEST};
pub use identity::Identity;
pub use joining::{MAX_SEEDS, Target};
pub use settings::{BindError, DEFAULT_PORT, PeerStore, Settings, Status};

/// Largest datagram, in bytes: what passes any network in use in one piece, tunnels included.
pub const MAX_DATAGRAM: usize = 1400;
/// Most nodes that one keeps, those that are down included: above the clusters of 10,000 that this is made for.
pub const MAX_MEMBERS: usize = 16_384;
/// Most nodes listed as down; those longest gone are left out first.
pub const MAX_DOWN: usize = 1024;
