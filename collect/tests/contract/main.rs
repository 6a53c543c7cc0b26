//! The contract of sources, as `source` writes it down, asked of every one that there is: the real ones and those that tests play.
//!
//! `peers` and `metrics` have the clauses, a test each; the other files the worlds that the sources look at.

mod agent;
mod cantal;
mod fake;
mod metrics;
mod peers;
mod prometheus;
#[path = "../support/quick.rs"]
mod quick;

#[expect(dead_code, reason = "the tests of the agent's figures need the rest")]
#[path = "../figures/agents.rs"]
mod agents;
#[path = "../../src/cantal/language/tests/condition.rs"]
mod condition;
#[path = "../../src/collector/tests/fakes.rs"]
mod fakes;
#[expect(dead_code, reason = "the tests of cantal need the rest")]
#[path = "../cantal/machine.rs"]
mod machine;
#[expect(dead_code, reason = "the tests of cantal need the rest")]
#[path = "../cantal/server.rs"]
mod server;
#[expect(dead_code, reason = "the tests of Prometheus need the rest")]
#[path = "../prometheus/support.rs"]
mod support;

// What the played sources call the crate's modules.
use verwalter_collect::{clock, query, series, source};

use std::net::SocketAddr;

use verwalter_collect::OwnNode;
use verwalter_collect::source::SeenPeer;
use verwalter_core::ids::NodeId;
use verwalter_core::names::Hostname;

/// The node that looks.
const OWN: NodeId = id(1);

/// Node `number`.
const fn id(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

fn own() -> OwnNode {
    OwnNode { id: OWN, hostname: hostname(1), name: "n1.example.org".to_owned(), addr: None }
}

fn hostname(number: u8) -> Hostname {
    Hostname::new(&format!("n{number}")).expect("a hostname")
}

/// Node `number`, alive, whose agent answers at `agent`.
fn seen(number: u8, agent: Option<SocketAddr>) -> SeenPeer {
    SeenPeer { agent, name: format!("n{number}.example.org"), ..SeenPeer::named(id(number), hostname(number)) }
}

/// Whether a trouble names `subject`, and says more than what is wrong: the next step.
fn assert_helps(trouble: &str, subject: &str) {
    let step = trouble.rsplit_once(": ").map_or("", |(_, step)| step);
    assert!(trouble.contains(subject) && step.split(' ').count() > 2, "`{trouble}` about {subject}");
}
