//! The machines of a made-up cluster: sites, racks and a few classes of hardware, as a fleet that was bought in lots has them.

use std::sync::Arc;

use serde_json::json;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;

use super::random::Draw;
use super::{BEGIN, STEP_MS};
use crate::source::SeenPeer;

const GIB: u64 = 1 << 30;
const HOUR_MS: u64 = 3_600_000;
/// Site, and by how many hours its day is ahead of the others'.
const SITES: [(&str, u64); 4] = [("ams1", 1), ("fra2", 1), ("iad1", 19), ("sin1", 8)];
const RACKS: u64 = 40;
/// One machine in so many has an agent that never answers.
const SILENT: u64 = 200;

/// A class of hardware.
#[derive(Debug, Clone, Copy)]
struct Class {
    name: &'static str,
    cpus: u64,
    memory_gib: u64,
    disk_gib: u64,
    network_bytes: u64,
}

const fn class(name: &'static str, cpus: u64, memory_gib: u64, disk_gib: u64, network_bytes: u64) -> Class {
    Class { name, cpus, memory_gib, disk_gib, network_bytes }
}

/// The more often one is listed, the more of them there are.
const CLASSES: [Class; 6] = [
    class("web", 8, 32, 240, 125_000_000),
    class("web", 8, 32, 240, 125_000_000),
    class("web", 16, 64, 480, 1_250_000_000),
    class("batch", 64, 128, 960, 1_250_000_000),
    class("data", 32, 256, 7_680, 3_125_000_000),
    class("edge", 4, 16, 120, 125_000_000),
];

/// One machine.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) cpus: f64,
    pub(super) memory_bytes: f64,
    pub(super) disk_bytes: f64,
    /// What its network card moves in a second.
    pub(super) network_bytes: f64,
    /// Its mean load from 0 to 1, and by how much days and nights differ.
    pub(super) load: f64,
    pub(super) swing: f64,
    /// By how many steps its day is ahead.
    pub(super) ahead: u64,
    pub(super) silent: bool,
}

/// The machine `number`, and how its cluster sees it. `draw` is for this machine only.
pub(super) fn machine(draw: Draw, number: usize) -> (Machine, SeenPeer) {
    let (site, hours) = draw.of(1).pick(&SITES);
    let rack = draw.of(2).below(RACKS);
    let class = draw.of(3).pick(&CLASSES);
    let silent = draw.of(4).once_in(SILENT);
    let hostname = format!("{site}-r{rack:02}-{}{number:05}", class.name);
    let facts = json!({
        "site": site, "zone": format!("{site}-{}", rack % 3), "rack": format!("{site}-r{rack:02}"), "class": class.name,
        "cpus": class.cpus, "memory_bytes": class.memory_gib * GIB, "disk": { "ssd": class.name != "data", "bytes": class.disk_gib * GIB },
        "kernel": draw.of(5).pick(&["6.1.147", "6.12.43", "6.12.48"]), "architecture": draw.of(6).pick(&["x86_64", "x86_64", "x86_64", "aarch64"]),
    });
    let known_since = UnixMillis(BEGIN.0 - HOUR_MS * (24 + draw.of(7).below(10_000)));
    let id = (u128::from(draw.of(8).bits()) << 64) | u128::from(draw.of(9).bits());
    let address = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let seen = SeenPeer {
        id: NodeId::from_bytes(id.to_be_bytes()),
        name: format!("{hostname}.example.org"),
        hostname: Hostname::new(&hostname).expect("letters, digits and dashes"),
        addr: Some(([10, address[1], address[2], address[3]], 8379).into()),
        agent: Some(([10, address[1], address[2], address[3]], 8380).into()),
        known_since,
        last_report: Some(if silent { known_since } else { UnixMillis(BEGIN.0 - draw.of(10).below(STEP_MS)) }),
        // Its agent tells nothing; whoever tells the peers has not buried it yet.
        alive: true,
        machine: Arc::new(facts.as_object().cloned().unwrap_or_default()),
        state: None,
    };
    let machine = Machine {
        cpus: class.cpus as f64,
        memory_bytes: (class.memory_gib * GIB) as f64,
        disk_bytes: (class.disk_gib * GIB) as f64,
        network_bytes: class.network_bytes as f64,
        load: 0.1 + 0.5 * draw.of(11).share(),
        swing: 0.4 * draw.of(12).share(),
        ahead: hours * HOUR_MS / STEP_MS,
        silent,
    };
    (machine, seen)
}
