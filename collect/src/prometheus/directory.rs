//! Which peer a label's value names: `web1.example.org:9100` is the peer with that name. It resolves no names.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use verwalter_core::ids::NodeId;

use crate::local::OwnNode;
use crate::source::Peers;

/// Whom a label's value names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// This peer alone.
    One(NodeId),
    /// More than one: these and maybe others.
    Several(NodeId, NodeId),
    /// None that is known.
    Nobody,
}

/// All peers, the own node included, by what may name them.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    /// Where an API listens; several nodes may share a host.
    addrs: HashMap<SocketAddr, Named>,
    /// Hostnames and full names, in lower case, without a dot at the end.
    names: HashMap<String, Named>,
    ips: HashMap<IpAddr, Named>,
}

impl Directory {
    pub(super) fn new(own: &OwnNode, peers: &Peers) -> Directory {
        let mut directory = Directory::default();
        directory.add(own.id, own.hostname.as_str(), &own.name, own.addr, None);
        for peer in &peers.peers {
            directory.add(peer.id, peer.hostname.as_str(), &peer.name, peer.addr, peer.agent);
        }
        directory
    }

    fn add(&mut self, id: NodeId, hostname: &str, name: &str, addr: Option<SocketAddr>, agent: Option<SocketAddr>) {
        for name in [hostname, name] {
            note(&mut self.names, plain(name), id);
        }
        for addr in [addr, agent].into_iter().flatten() {
            let ip = addr.ip().to_canonical();
            // Where a node listens on every address, this names no machine.
            if !ip.is_unspecified() {
                note(&mut self.addrs, SocketAddr::new(ip, addr.port()), id);
                note(&mut self.ips, ip, id);
            }
        }
    }

    /// Whom `value` names: the API's address itself, else its host by name, else by address.
    pub(super) fn find(&self, value: &str) -> Named {
        let addr = value.parse::<SocketAddr>().ok();
        if let Some(Named::One(id)) = addr.and_then(|addr| self.addrs.get(&SocketAddr::new(addr.ip().to_canonical(), addr.port()))) {
            return Named::One(*id);
        }
        let host = host_of(value);
        let ip = host.parse::<IpAddr>().ok();
        let by_ip = || self.ips.get(&ip?.to_canonical());
        self.names.get(&plain(host)).or_else(by_ip).copied().unwrap_or(Named::Nobody)
    }
}

fn note<K: Eq + std::hash::Hash>(table: &mut HashMap<K, Named>, key: K, id: NodeId) {
    let named = table.entry(key).or_insert(Named::One(id));
    if let Named::One(first) = *named
        && first != id
    {
        *named = Named::Several(first, id);
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

/// `host` of `host:port`, `[v6]:port`, or a host alone.
fn host_of(value: &str) -> &str {
    if let Some((host, _)) = value.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return host;
    }
    match value.rsplit_once(':') {
        // More colons are an IPv6 address alone.
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use verwalter_core::names::Hostname;

    use super::*;
    use crate::source::SeenPeer;

    fn id(number: u8) -> NodeId {
        NodeId::from_bytes([number; 16])
    }

    fn directory() -> Directory {
        let own = OwnNode {
            id: id(1),
            hostname: Hostname::new("web1").unwrap(),
            name: "web1.example.org".to_owned(),
            addr: Some("10.0.0.1:8379".parse().unwrap()),
        };
        let peer = |number: u8, hostname: &str, addr: &str| {
            let (name, addr) = (format!("{hostname}.example.org"), Some(addr.parse().unwrap()));
            Arc::new(SeenPeer { name, addr, ..SeenPeer::named(id(number), Hostname::new(hostname).unwrap()) })
        };
        let peers = vec![
            peer(2, "web2", "[2001:db8::2]:8379"),
            peer(3, "web3", "10.0.0.3:8379"),
            peer(4, "web4", "10.0.0.3:8380"),
            peer(5, "web5", "0.0.0.0:8379"),
            peer(6, "web5", "10.0.0.6:8379"),
        ];
        Directory::new(&own, &Peers { peers, ..Peers::default() })
    }

    #[test]
    fn a_value_names_a_peer_by_host() {
        let directory = directory();
        let check = |value: &str, expect: Named| assert_eq!(directory.find(value), expect, "{value}");
        check("web1", Named::One(id(1)));
        check("WEB1.example.org.:9100", Named::One(id(1)));
        check("10.0.0.1:9100", Named::One(id(1)));
        check("::ffff:10.0.0.1", Named::One(id(1)));
        check("[2001:db8::2]:9100", Named::One(id(2)));
        check("2001:db8:0::2", Named::One(id(2)));
        for nobody in ["", ":", "web1.example.net:9100", "localhost:9090", "web1:http", "0.0.0.0:9100", "[", "[]:1"] {
            check(nobody, Named::Nobody);
        }
    }

    #[test]
    fn several_nodes_of_one_host_are_told_apart_by_port_or_not_at_all() {
        let directory = directory();
        assert_eq!(directory.find("10.0.0.3:8380"), Named::One(id(4)));
        assert_eq!(directory.find("10.0.0.3:9100"), Named::Several(id(3), id(4)));
        assert_eq!(directory.find("web5:9100"), Named::Several(id(5), id(6)));
        assert_eq!(directory.find("10.0.0.6:9100"), Named::One(id(6)), "by its address it is alone");
    }
}
