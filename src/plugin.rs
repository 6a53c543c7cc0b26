//! The sandbox: the only place that knows WebAssembly. It runs what strangers wrote, under limits, and knows nothing of rounds,
//! rendering or the cluster: those see plugins through the ports of the core.
//!
//! | module | owns |
//! |---|---|
//! | `engine`, `permits` | the one engine, its pool, how many guests run at once |
//! | [`limits`], [`manifest`] | what a call may use, and the operator's say in it |
//! | [`inspect`] | what a file is, from its bytes |
//! | [`compile`], `cache` | machine code, made in a child, mapped from disk |
//! | `store`, `call` | one call's state; running it to its end, its fuel or its deadline |
//! | `imports`, `memory` | what a guest may call; the only place where its numbers meet memory |
//! | `guest` | the two ABIs |
//! | `loaded` | an activated build: the ports' implementation |
//! | [`activate`], [`catalog`], `kept` | the way into force, what is in force, what outlives a restart |

pub mod activate;
mod cache;
mod call;
pub mod catalog;
pub mod compile;
mod engine;
mod guest;
mod imports;
pub mod inspect;
mod kept;
pub mod limits;
mod loaded;
pub mod manifest;
mod memory;
mod permits;
mod store;

pub use activate::{Activator, SandboxError};
pub use catalog::{Catalog, NoScheduler, PluginStatus};
pub use compile::Compiler;
pub use loaded::{Loaded, Session};
