//! What a node knows of the machines, as peers and columns of numbers.
//!
//! A crate of its own: it needs none of the sandbox, so it builds and tests in seconds, and whoever writes a source meets no WebAssembly.
//!
//! | module | owns |
//! |---|---|
//! | [`collector`] | the task that brings all together and publishes snapshots |
//! | [`local`] | this machine: who it is, and an hour of its figures |
//! | [`procfs`], [`machine`] | this machine's figures, and the facts about it |
//! | [`apps`] | what applications on it publish through cantal's memory map |
//! | [`series`] | what tells series apart, and what their numbers mean |
//! | [`unit`](mod@unit) | what they are measured in, as their names say it |
//! | [`history`] | the last hour of this machine's samples |
//! | [`inquiry`] | questions to the task that holds them |
//! | [`query`] | rules as they are asked, and what they make of samples |
//! | [`source`] | the traits that agents stand behind |
//! | [`table`] | peers and columns kept up to date as reports arrive |
//! | [`agent`] | the agent in this program: who is there, by gossip |
//! | [`cantal`] | cantal 0.6 as it is: who is there, and what is measured |
//! | [`prometheus`] | the figures of a Prometheus server, through its HTTP API |
//! | [`exchange`](mod@exchange) | one request to another program over HTTP, for those two and for the commands |
//! | [`generate`] | clusters that are made up, for benches and `simulate` |
//! | [`clock`] | the wall clock in the contract's unit |

pub mod agent;
pub mod apps;
pub mod cantal;
pub mod clock;
pub mod collector;
mod defaults;
pub mod exchange;
pub mod generate;
pub mod history;
pub mod inquiry;
pub mod local;
pub mod machine;
pub mod procfs;
pub mod prometheus;
pub mod query;
mod regular;
pub mod series;
pub mod source;
pub mod table;
pub mod unit;

pub use collector::{Published, RuleSet, Settings, Sources, SourcesState, start};
pub use defaults::default_metrics;
pub use local::OwnNode;
