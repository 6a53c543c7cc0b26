//! The verwalter daemon as a library, so that the binary, the tests and the benches drive the same code.
//!
//! | module | owns |
//! |---|---|
//! | [`app`], [`shutdown`], [`telemetry`], [`exit`] | building the node, its tasks and their end, logs, exit codes |
//! | [`config`], [`watch`], [`reload`] | the configuration tree, noticing changes, what is in force of it |
//! | `verwalter_collect`, a crate of its own | peers, and their figures as columns |
//! | [`agents`] | which of its sources the settings name |
//! | [`plugin`] | the sandbox: the only place that knows WebAssembly |
//! | [`round`], [`cluster`] | the leader's loop, and who leads |
//! | [`query`] | questions to the query plugin |
//! | [`store`], [`storage`] | the schedule in force, the storage directory |
//! | [`journal`] | what changed and failed rounds were made from, kept in a ring of files, and decided again |
//! | [`lab`] | a plugin's build outside a daemon: golden cases, property checks, benches |
//! | [`deploy`], [`render`] | this node's part of the schedule, from templates to files; `verwalter_apply` puts these in place |
//! | [`http`], [`status`], [`why`], [`orders`] | the API: what it shows, and what an operator may order through it |
//! | [`counts`], [`histogram`] | counting what the node does |
//! | `child` | waiting for compilers and build tools |
//! | [`cli`], [`demo`] | the commands |
//!
//! Invariants:
//! I1 a `Schedule` exists only if `admit` accepted it ·
//! I2 only a live lease of the newest term commits ·
//! I3 a store serves one decision (a filter's: one render of one role) ·
//! I4 no guest number indexes or sizes host memory outside `plugin/memory.rs` ·
//! I5 every input from a guest, peer or client has a byte cap ·
//! I6 the last good plugin, schedule and file outlive any failure, a restart included ·
//! I7 the core reads no clock, random numbers, files or sockets ·
//! I8 nothing is written outside what the node allows, and never half ·
//! I9 no HTTP handler waits for a round ·
//! I10 a plugin's failure is its own.

pub mod agents;
pub mod app;
mod child;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod counts;
pub mod demo;
pub mod deploy;
pub mod exit;
pub mod histogram;
pub mod http;
pub mod identity;
pub mod journal;
pub mod lab;
pub mod orders;
pub mod plugin;
pub mod query;
pub mod reload;
pub mod render;
pub mod round;
pub mod shutdown;
pub mod status;
pub mod storage;
pub mod store;
pub mod telemetry;
pub mod watch;
pub mod why;
