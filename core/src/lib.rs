//! The pure core of verwalter: what a schedule is, who may make one, and what follows from it.
//!
//! It reads no clock, random numbers, files or sockets: callers pass the time and the bytes in.
//!
//! | module | owns |
//! |---|---|
//! | [`names`], [`ids`], [`digest`] | values that were checked once |
//! | [`json`] | canonical form (RFC 8785) and strict reading |
//! | [`peers`], [`metrics`], [`snapshot`] | the cluster at one moment |
//! | [`contract`] | the documents that plugins read and write, version 1 |
//! | [`ports`] | what a round and a render need of plugins |
//! | [`schedule`], [`admit`] | the decision, and the only way to make one |
//! | [`diff`], [`guard`], [`review`] | what it changes, and whether that may come into force |
//! | [`merge`], [`roles`], [`accept`] | what one node takes of it |
//! | [`plain`] | strangers' text for people |
#![forbid(unsafe_code)]

pub mod accept;
pub mod admit;
pub mod contract;
pub mod diff;
pub mod digest;
pub mod guard;
pub mod ids;
pub mod json;
pub mod merge;
pub mod metrics;
pub mod names;
pub mod peers;
pub mod plain;
pub mod ports;
pub mod review;
pub mod roles;
pub mod schedule;
pub mod snapshot;
