//! An answer that comes again, under the same circumstances and under others.

use std::sync::Arc;

use verwalter_core::ids::NodeId;
use verwalter_core::names::Hostname;
use verwalter_core::peers::Peer;

use super::*;

const LIMITS: JsonLimits = JsonLimits { depth: 16, values: 100 };

fn table(alive: &[&str], absent: &[&str]) -> PeerTable {
    let peer = |name: &&str| Peer::named(NodeId::from_bytes([name.len() as u8; 16]), Hostname::new(name).expect("a hostname"));
    let (alive, _) = PeerTable::new(alive.iter().map(peer).collect());
    alive.with_absent(&PeerTable::default(), absent.iter().map(|name| Arc::new(peer(name))).collect())
}

fn answer(host: &str, why: &str) -> RawOutput {
    let text = format!(r#"{{"v":1,"schedule":{{"roles":{{"web":{{"place":{{"{host}":1}}}}}}}},"why":{{"web":{{"{host}":"{why}"}}}}}}"#);
    RawOutput(text.into_bytes())
}

#[test]
fn the_same_answer_is_admitted_as_before_where_the_same_nodes_are_known() {
    let (peers, first) = (table(&["alpha", "beta"], &["gamma"]), answer("gamma", "kept"));
    let known = admit(&first, &peers, LIMITS).expect("a sound answer");
    // What was admitted is made to differ from what the answer says: so it shows which of both comes out.
    let marked = Admitted { log: "before".to_owned(), ..known };
    let before = Before { output: &first, admitted: &marked, peers: &peers, limits: LIMITS };
    let log = |output: &RawOutput, peers: &PeerTable, limits| admitted(output, peers, limits, Some(before)).map(|admitted| admitted.log);
    assert_eq!(log(&first, &peers, LIMITS).as_deref(), Ok("before"));
    assert_eq!(log(&first, &table(&["alpha", "beta"], &["gamma"]), LIMITS).as_deref(), Ok("before"), "another table of the same nodes");
    // Other reasons, other nodes, other limits: it is read.
    assert_eq!(log(&answer("gamma", "new"), &peers, LIMITS).as_deref(), Ok(""));
    assert_eq!(log(&first, &table(&["alpha", "beta", "gamma"], &[]), LIMITS).as_deref(), Ok(""));
    assert!(log(&first, &table(&["alpha", "beta"], &[]), LIMITS).is_err(), "the node is forgotten");
    assert_eq!(log(&first, &peers, JsonLimits { values: 50, ..LIMITS }).as_deref(), Ok(""));
}
