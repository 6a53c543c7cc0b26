//! Tables of peers that answers are admitted against, and the budgets they are read under.

use verwalter_core::ids::NodeId;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};

/// A manifest's defaults.
pub const LIMITS: JsonLimits = JsonLimits { depth: 32, values: 1_000_000 };
/// The least that a manifest may give.
pub const TIGHT: JsonLimits = JsonLimits { depth: 4, values: 100 };
/// The most that a manifest may give.
pub const WIDE: JsonLimits = JsonLimits { depth: 100, values: 100_000_000 };

/// The hostnames of the small table: those of the golden answers, and one that needs another order than the others' length.
pub const HOSTNAMES: [&str; 4] = ["alpha", "beta", "gamma", "n1.example"];

/// Nobody, a few, and more than are compared one by one.
pub fn tables() -> [PeerTable; 3] {
    let many: Vec<String> = (0..40).map(|n| format!("host{n}")).collect();
    let many: Vec<&str> = HOSTNAMES.into_iter().chain(many.iter().map(String::as_str)).collect();
    [table(&[]), table(&HOSTNAMES), table(&many)]
}

/// The table of these hostnames, which must be valid.
pub fn table(hostnames: &[&str]) -> PeerTable {
    let peer = |(index, name): (usize, &&str)| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(index as u64).to_be_bytes());
        let hostname = Hostname::new(name).expect("a valid hostname");
        Peer { name: format!("{name}.example.org"), ..Peer::named(NodeId::from_bytes(id), hostname) }
    };
    let (table, clashes) = PeerTable::new(hostnames.iter().enumerate().map(peer).collect());
    assert!(clashes.is_empty(), "every hostname stands once: {clashes:?}");
    table
}
