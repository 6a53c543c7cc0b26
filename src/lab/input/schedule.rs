//! A schedule that a case names: admitted like any other, among the nodes that it names itself, since those of a former round may be gone.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use verwalter_core::admit::{AdmitError, admit};
use verwalter_core::ids::NodeId;
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::ports::RawOutput;
use verwalter_core::schedule::Schedule;

use super::{Flaw, LIMITS};

/// Reads the schedule at `key`, in either notation.
pub(super) fn read(text: &str, key: &str) -> Result<Schedule, Flaw> {
    let value: Value = serde_json::from_str(text).map_err(|err| Flaw::new(key, err.to_string()))?;
    let (peers, _) = PeerTable::new(hosts(&value).into_iter().map(stranger).collect());
    let output = RawOutput(format!("{{\"v\":1,\"schedule\":{text}}}").into_bytes());
    let admitted = admit(&output, &peers, LIMITS).map_err(|err| match err {
        AdmitError::Answer(err) => {
            let below = err.path.strip_prefix("schedule").unwrap_or(&err.path);
            Flaw::new(format!("{key}{below}"), format!("is no schedule: {}", err.message))
        }
        other => Flaw::new(key, other.to_string()),
    })?;
    Ok(admitted.schedule)
}

/// Every node that it names, as far as those are hostnames.
fn hosts(schedule: &Value) -> BTreeSet<Hostname> {
    let nodes = schedule.get("nodes").and_then(Value::as_object);
    let roles = schedule.get("roles").and_then(Value::as_object);
    let places = roles.into_iter().flat_map(Map::values).filter_map(|role| role.get("place").and_then(Value::as_object));
    nodes.into_iter().chain(places).flat_map(Map::keys).filter_map(|host| Hostname::new(host).ok()).collect()
}

/// A node of which nothing but the name is known.
fn stranger(hostname: Hostname) -> Peer {
    Peer::named(NodeId::from_bytes([0; 16]), hostname)
}
