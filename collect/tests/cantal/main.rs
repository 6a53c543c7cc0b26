//! Cantal as it really is: the recorded answers of an agent of version 0.6.10, byte for byte, and everything that an agent may do wrong.

mod agent;
#[path = "../../src/cantal/language/tests/condition.rs"]
mod condition;
mod figures;
mod machine;
mod membership;
mod scene;
mod server;
mod sweeps;

use verwalter_collect::cantal::Settings;
use verwalter_core::ids::NodeId;

/// The id that ends in these digits.
fn id(last: u8) -> NodeId {
    let mut bytes = [0; 16];
    bytes[15] = last;
    NodeId::from_bytes(bytes)
}

/// Asks the agent at `agent`, quickly, as node 1.
fn settings(agent: std::net::SocketAddr) -> Settings {
    let quickly = std::time::Duration::from_millis(20);
    // Only tests of hanging agents wait for a deadline; the others must not meet one on a busy machine.
    let (peers_deadline, query_deadline) = (server::HANGS, server::HANGS);
    Settings { agent, peers_every: quickly, sweep_every: quickly, peers_deadline, query_deadline, ..Settings::new(id(1), 8_379) }
}
