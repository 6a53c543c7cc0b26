//! Figures between built-in agents: real sockets, real collectors, machines whose files a test writes.

mod agents;
mod cluster;
#[path = "../support/quick.rs"]
mod quick;
