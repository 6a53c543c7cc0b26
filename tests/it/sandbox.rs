//! The sandbox against what strangers write: each scenario is one call of `check`, which also lets a sound plugin decide afterwards
//! on the same engine. No scenario depends on how fast the machine is.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails; clippy takes only functions with #[test] for tests")]

mod answers;
mod filters;
pub(crate) mod guest;
mod hostcalls;
mod limits;
mod loading;
mod predecessor;
mod snapshot;
mod sound;
mod torture;
mod wasi;
pub(crate) mod world;
