//! Write verwalter plugins in Rust: typed input, an answer that the host cannot refuse for its form, and one macro that exports it.
//!
//! ```
//! use std::num::NonZeroU32;
//! use verwalter_plugin::{Answer, Error, Input, RoleName, Schedule};
//!
//! /// One instance of `web` on every peer that is less than half busy.
//! fn schedule(input: &Input<'_>) -> Result<Answer, Error> {
//!     let mut schedule = Schedule::new(input)?;
//!     let mut web = schedule.role(RoleName::new("web")?);
//!     web.set("template", "web/v1")?;
//!     for (peer, busy) in input.required_column("cpu")?.iter().enumerate() {
//!         if *busy < 0.5 {
//!             web.place(peer, NonZeroU32::MIN)?.why("less than half busy");
//!         }
//!     }
//!     Ok(Answer::new(schedule))
//! }
//!
//! verwalter_plugin::scheduler!(schedule);
//! # fn main() {}
//! ```
//!
//! Built for `wasm32-unknown-unknown` this is a component (or, with the feature `core-abi`, a core module); natively it is an
//! ordinary library that `cargo test` tests. [`core`] has the host's own checks, so that authors meet them at home.
//!
//! | module | owns |
//! |---|---|
//! | [`input`] | what a scheduler is told: peers and columns behind one API for both input modes |
//! | [`schedule`], [`answer`] | what it decides |
//! | [`review`] | what a policy is told and answers |
//! | [`args`] | the arguments of a filter |
//! | [`mod@query`] | what a query plugin is told and answers |
//! | [`view`] | schedules that were admitted, as all of them are told of them |
//! | [`place`], [`version`] | what most schedulers need: spreading, packing, choosing, comparing versions |
//! | [`host`], [`log`] | the imports, and a stand-in for tests |
//! | [`export`] | the macros and what they call |
//!
//! It reads no clock, random numbers, files or sockets. Natively nothing of it is unsafe.
#![deny(unsafe_code)]

pub mod answer;
pub mod args;
pub mod error;
pub mod export;
pub mod host;
pub mod input;
pub mod json;
pub mod log;
mod order;
pub mod place;
pub mod query;
pub mod review;
pub mod schedule;
mod text;
pub mod version;
pub mod view;

pub use answer::Answer;
pub use args::{Args, ArgsError, RawArgs};
pub use error::Error;
pub use input::{Input, Peer};
pub use log::Level;
pub use query::{Question, Render, Roles};
pub use review::{Review, Verdict};
pub use schedule::Schedule;
pub use verwalter_core as core;
pub use verwalter_core::names::RoleName;
pub use view::ScheduleView;

#[cfg(all(target_arch = "wasm32", not(feature = "core-abi")))]
#[doc(hidden)]
pub use wit_bindgen;
