//! The nodes as the leader sees them, ordered by hostname, each with its JSON text cached until it changes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{NodeId, UnixMillis};
use crate::names::Hostname;

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its identity.
    pub id: NodeId,
    /// Its key in the schedule.
    pub hostname: Hostname,
    /// Its full name, for people and links.
    pub name: String,
    /// Where its API listens, when known.
    pub addr: Option<SocketAddr>,
    /// When this node was first heard of.
    pub known_since: UnixMillis,
    /// When it last reported itself, when it ever did.
    pub last_report_direct: Option<UnixMillis>,
    /// Facts about the machine: what its agent measured once and what its `machine/*.yaml` says.
    pub machine: Map<String, Value>,
}

impl Peer {
    /// What a plugin reads under `name`: `id`, `name`, `addr`, or a machine fact by its dotted path. A scalar as text, else `None`.
    pub fn attribute(&self, name: &str) -> Option<String> {
        match name {
            "id" => return Some(self.id.to_string()),
            "name" => return Some(self.name.clone()),
            "addr" => return self.addr.map(|addr| addr.to_string()),
            _ => {}
        }
        let mut steps = name.split('.');
        let mut fact = self.machine.get(steps.next()?)?;
        for step in steps {
            fact = fact.get(step)?;
        }
        match fact {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// One row of a [`PeerTable`].
#[derive(Debug, Clone)]
struct Row {
    peer: Arc<Peer>,
    json: Arc<str>,
}

/// All nodes, the own one included, in ascending order of hostname, each hostname once.
#[derive(Debug, Clone, Default)]
pub struct PeerTable {
    rows: Vec<Row>,
    by_hostname: HashMap<Hostname, u32>,
    /// All hostnames back to back, and where each ends: an answer names them in this order, and each is compared.
    names: String,
    ends: Vec<usize>,
}

/// Two live nodes with one hostname. The newer one is left out until one of them is renamed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nodes {first} and {second} both call themselves `{hostname}`: rename one of them")]
pub struct DuplicateHostname {
    /// The name in question.
    pub hostname: Hostname,
    /// Who is in the table.
    pub first: NodeId,
    /// Who was left out.
    pub second: NodeId,
}

impl PeerTable {
    /// Orders `peers`. Of two with one hostname the first stays and the clash is reported.
    pub fn new(peers: Vec<Peer>) -> (PeerTable, Vec<DuplicateHostname>) {
        let mut table = PeerTable::default();
        let mut clashes = Vec::new();
        let mut peers = peers;
        peers.sort_by(|a, b| a.hostname.cmp(&b.hostname).then(a.known_since.cmp(&b.known_since)));
        for peer in peers {
            if let Some(last) = table.rows.last()
                && last.peer.hostname == peer.hostname
            {
                clashes.push(DuplicateHostname { hostname: peer.hostname, first: last.peer.id, second: peer.id });
                continue;
            }
            let index = u32::try_from(table.rows.len()).expect("a table of peers fits memory, hence u32");
            table.by_hostname.insert(peer.hostname.clone(), index);
            table.names.push_str(peer.hostname.as_str());
            table.ends.push(table.names.len());
            let json = serde_json::to_string(&peer).expect("a peer has text keys and finite numbers");
            table.rows.push(Row { peer: Arc::new(peer), json: json.into() });
        }
        (table, clashes)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The place of `hostname`, when it is known.
    pub fn position(&self, hostname: &str) -> Option<u32> {
        self.by_hostname.get(hostname).copied()
    }

    /// The hostname at `position`.
    pub fn hostname(&self, position: u32) -> Option<&str> {
        let position = position as usize;
        let end = *self.ends.get(position)?;
        let begin = position.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.names[begin..end])
    }

    /// All hostnames, in order.
    pub fn hostnames(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut begin = 0;
        self.ends.iter().map(move |end| &self.names[std::mem::replace(&mut begin, *end)..*end])
    }

    /// The node at `position`.
    pub fn get(&self, position: u32) -> Option<&Peer> {
        self.rows.get(position as usize).map(|row| &*row.peer)
    }

    /// All nodes, by hostname.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Peer> {
        self.rows.iter().map(|row| &*row.peer)
    }

    /// Each node's JSON text, by hostname; made once when the table was.
    pub fn json_rows(&self) -> impl ExactSizeIterator<Item = (&Hostname, &str)> {
        self.rows.iter().map(|row| (&row.peer.hostname, &*row.json))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A node called `hostname` whose id ends in `id`.
    pub(crate) fn peer(hostname: &str, id: u8) -> Peer {
        let mut bytes = [0; 16];
        bytes[15] = id;
        Peer {
            id: NodeId::from_bytes(bytes),
            hostname: Hostname::new(hostname).expect("a valid hostname"),
            name: format!("{hostname}.example.org"),
            addr: None,
            known_since: UnixMillis(1_000),
            last_report_direct: None,
            machine: Map::new(),
        }
    }

    #[test]
    fn ordered_by_hostname_and_found_by_it() {
        let (table, clashes) = PeerTable::new(vec![peer("beta", 2), peer("alpha", 1)]);
        assert!(clashes.is_empty());
        assert_eq!(table.iter().map(|p| p.hostname.as_str()).collect::<Vec<_>>(), ["alpha", "beta"]);
        assert_eq!(table.position("beta"), Some(1));
        assert_eq!(table.position("gamma"), None);
        assert_eq!(table.hostnames().collect::<Vec<_>>(), ["alpha", "beta"]);
        assert_eq!((table.hostname(1), table.hostname(2)), (Some("beta"), None));
    }

    #[test]
    fn a_clash_of_hostnames_is_reported_and_the_older_node_stays() {
        let mut newer = peer("alpha", 2);
        newer.known_since = UnixMillis(2_000);
        let (table, clashes) = PeerTable::new(vec![newer, peer("alpha", 1)]);
        assert_eq!(table.len(), 1);
        assert_eq!(clashes[0].first, peer("alpha", 1).id);
        assert_eq!(clashes[0].second, peer("alpha", 2).id);
    }

    #[test]
    fn attributes_reach_into_machine_facts() {
        let mut alpha = peer("alpha", 1);
        alpha.machine = serde_json::from_str(r#"{"rack": "r1", "cpus": 2, "disk": {"ssd": true}}"#).expect("JSON");
        let check = |name: &str, expect: Option<&str>| assert_eq!(alpha.attribute(name).as_deref(), expect, "{name}");
        check("rack", Some("r1"));
        check("cpus", Some("2"));
        check("disk.ssd", Some("true"));
        check("disk", None);
        check("disk.ssd.x", None);
        check("name", Some("alpha.example.org"));
        check("addr", None);
    }
}
