//! The sandbox: the only place that knows WebAssembly. It runs what strangers wrote, under limits, and knows nothing of rounds,
//! rendering or the cluster: those see plugins through the ports of the core.
//!
//! | module | owns |
//! |---|---|
//! | `engine`, `permits` | the one engine, its pool, how many guests run at once |
//! | [`limits`], [`manifest`], `rules` | what a call may use, and the operator's say in it |
//! | [`inspect`], `nesting`, `abi` | what a file is, from its bytes; what it may import |
//! | `file`, `names` | what is bounded before an activation: the file's size, the names of filters |
//! | [`compile`], `cache`, `compilers` | machine code, made in a child, mapped from disk; who waits for it how long |
//! | `store`, `call`, `stop` | one call's state; running it to its end, its fuel or its deadline; why it ended early |
//! | `imports`, `memory` | what a guest may call; the only place where its numbers meet memory |
//! | `guest` | the two ABIs, and the predecessor's |
//! | `wasi`, `maths` | what stands in for a machine under runtimes that insist on one; the predecessor's functions |
//! | `loaded` | an activated build: the ports' implementation |
//! | `gather`, `build`, [`pipeline`], [`rehearse`] | from bytes to a build, step by step; the seam of the dry run |
//! | [`activate`], [`orders`], [`passes`] | the way into force; what operators and failures do to what is |
//! | [`catalog`], `entry`, [`generations`], `places`, `revive` | what is in force; what outlives a restart, and how it comes back |
//! | [`torture`] | hostile plugins, for operators and tests |
//! | [`meter`], [`voice`] | what a plugin costs, and what of its words reaches the log |

mod abi;
pub mod activate;
mod build;
mod cache;
mod call;
pub mod catalog;
pub mod compile;
mod compilers;
mod engine;
mod entry;
mod file;
mod gather;
pub mod generations;
mod guest;
mod imports;
pub mod inspect;
pub mod limits;
mod loaded;
pub mod manifest;
mod maths;
mod memory;
pub mod meter;
mod names;
mod nesting;
pub mod orders;
pub mod passes;
mod permits;
pub mod pipeline;
mod places;
pub mod rehearse;
mod revive;
mod rules;
mod stop;
mod store;
pub mod torture;
pub mod voice;
mod wasi;

pub use activate::{Activator, SandboxError, Waits};
pub use catalog::{Catalog, NoScheduler, PluginStatus};
pub use compile::Compiler;
pub use loaded::{Loaded, Session};

/// The engine that runs guests, with its version: fuel compares within one.
pub const ENGINE: &str = "wasmtime 48";
