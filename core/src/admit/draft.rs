//! A schedule while it is being read: roles and hosts as numbers, put into canonical order at the end.

use std::collections::HashMap;

use serde::de;
use serde_json::{Map, Value};

use super::{MAX_NODES, MAX_PLACEMENTS, MAX_ROLES};
use crate::json::strict::Reader;
use crate::names::{Hostname, RoleName};
use crate::peers::PeerTable;
use crate::schedule::{Node, Parts, Placement, Role};

/// A node's variables and its keys that the contract does not know.
type Extra = (Map<String, Value>, Map<String, Value>);

/// What was read so far. Roles and hosts are numbered in order of appearance; a known host has its peer's position.
pub(super) struct Draft<'a> {
    pub(super) reader: &'a Reader,
    known: Option<&'a PeerTable>,
    pub(super) roles: Vec<Role>,
    role_numbers: HashMap<RoleName, u32>,
    /// Only used without known peers.
    hosts: Vec<Hostname>,
    host_numbers: HashMap<Hostname, u32>,
    placements: Vec<(u32, u32, Placement)>,
    /// Nodes that have variables or keys of their own.
    extras: HashMap<u32, Extra>,
    last_host: u32,
}

impl<'a> Draft<'a> {
    pub(super) fn new(reader: &'a Reader, known: Option<&'a PeerTable>) -> Draft<'a> {
        Draft {
            reader,
            known,
            roles: Vec::new(),
            role_numbers: HashMap::new(),
            hosts: Vec::new(),
            host_numbers: HashMap::new(),
            placements: Vec::new(),
            extras: HashMap::new(),
            last_host: u32::MAX,
        }
    }

    /// Takes what a node says besides its roles.
    pub(super) fn extra(&mut self, host: u32, vars: Map<String, Value>, rest: Map<String, Value>) {
        if !vars.is_empty() || !rest.is_empty() {
            self.extras.insert(host, (vars, rest));
        }
    }

    /// The number of a role, given at its first appearance.
    pub(super) fn role<E: de::Error>(&mut self, name: &str) -> Result<u32, E> {
        if let Some(number) = self.role_numbers.get(name) {
            return Ok(*number);
        }
        let name = self.reader.at(name, RoleName::new(name).map_err(E::custom))?;
        if self.roles.len() == MAX_ROLES {
            return Err(E::custom(format_args!("more than {MAX_ROLES} roles in one schedule")));
        }
        let number = index(self.roles.len());
        self.role_numbers.insert(name.clone(), number);
        self.roles.push(Role { name, vars: Map::new() });
        Ok(number)
    }

    /// The number of a host that may be placed on.
    pub(super) fn host<E: de::Error>(&mut self, name: &str) -> Result<u32, E> {
        let number = match self.known {
            Some(peers) => {
                // Answers mostly list hosts in the order of the input: try the next one before hashing.
                let next = self.last_host.wrapping_add(1);
                let guessed = peers.get(next).is_some_and(|peer| peer.hostname.as_str() == name);
                let found = if guessed { Some(next) } else { peers.position(name) };
                let unknown = || E::custom("no such node: place roles on the hostnames of the input only");
                self.reader.at(name, found.ok_or_else(unknown))?
            }
            None => self.any_host(name)?,
        };
        self.last_host = number;
        Ok(number)
    }

    fn any_host<E: de::Error>(&mut self, name: &str) -> Result<u32, E> {
        if let Some(number) = self.host_numbers.get(name) {
            return Ok(*number);
        }
        let name = self.reader.at(name, Hostname::new(name).map_err(E::custom))?;
        if self.hosts.len() == MAX_NODES {
            return Err(E::custom(format_args!("more than {MAX_NODES} nodes in one schedule")));
        }
        let number = index(self.hosts.len());
        self.host_numbers.insert(name.clone(), number);
        self.hosts.push(name);
        Ok(number)
    }

    fn hostname(&self, host: u32) -> &Hostname {
        match self.known {
            Some(peers) => &peers.get(host).expect("the number came from this table").hostname,
            None => &self.hosts[host as usize],
        }
    }

    /// Takes one placement. That a pair stands twice is seen when all are put in order.
    pub(super) fn place<E: de::Error>(&mut self, host: u32, role: u32, placement: Placement) -> Result<(), E> {
        if self.placements.len() == MAX_PLACEMENTS {
            return Err(E::custom(format_args!("more than {MAX_PLACEMENTS} placements in one schedule")));
        }
        self.placements.push((host, role, placement));
        Ok(())
    }

    /// Puts everything in its canonical order.
    pub(super) fn finish<E: de::Error>(mut self, vars: Map<String, Value>, rest: Map<String, Value>) -> Result<Parts, E> {
        let mut by_name: Vec<u32> = (0..index(self.roles.len())).collect();
        by_name.sort_unstable_by(|a, b| self.roles[*a as usize].name.cmp(&self.roles[*b as usize].name));
        let mut rank = vec![0; by_name.len()];
        for (position, role) in by_name.iter().enumerate() {
            rank[*role as usize] = index(position);
        }
        let host_rank = self.host_ranks();
        for (host, role, _) in &mut self.placements {
            *host = host_rank.as_ref().map_or(*host, |rank| rank[*host as usize]);
            *role = rank[*role as usize];
        }
        // Stable on purpose: the placements of one role mostly stand in order, and runs merge in linear time.
        self.placements.sort_by_key(|(host, role, _)| (*host, *role));
        self.roles.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if let Some(rank) = &host_rank {
            self.extras = self.extras.into_iter().map(|(host, extra)| (rank[host as usize], extra)).collect();
            self.hosts.sort_unstable();
        }
        let nodes = self.nodes()?;
        Ok(Parts { vars, roles: self.roles, nodes, rest })
    }

    /// The order of hostnames, where the numbers do not have it already.
    fn host_ranks(&self) -> Option<Vec<u32>> {
        if self.known.is_some() {
            return None;
        }
        let mut by_name: Vec<u32> = (0..index(self.hosts.len())).collect();
        by_name.sort_unstable_by(|a, b| self.hosts[*a as usize].cmp(&self.hosts[*b as usize]));
        let mut rank = vec![0; by_name.len()];
        for (position, host) in by_name.iter().enumerate() {
            rank[*host as usize] = index(position);
        }
        Some(rank)
    }

    fn nodes<E: de::Error>(&mut self) -> Result<Vec<Node>, E> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut current = None;
        for (host, role, placement) in std::mem::take(&mut self.placements) {
            if current == Some(host) {
                let node = nodes.last_mut().expect("`current` says that one was begun");
                if node.placements.last().is_some_and(|(last, _)| *last == role) {
                    let name = self.roles[role as usize].name.as_str();
                    let refusal = format!("role `{name}` is placed twice on node `{}`", node.hostname);
                    return Err(E::custom(refusal));
                }
                node.placements.push((role, placement));
                continue;
            }
            current = Some(host);
            let (vars, rest) = if self.extras.is_empty() { Default::default() } else { self.extras.remove(&host).unwrap_or_default() };
            nodes.push(Node { hostname: self.hostname(host).clone(), vars, rest, placements: vec![(role, placement)] });
        }
        let extras = std::mem::take(&mut self.extras);
        if !extras.is_empty() {
            for (host, (vars, rest)) in extras {
                nodes.push(Node { hostname: self.hostname(host).clone(), vars, rest, placements: Vec::new() });
            }
            nodes.sort_unstable_by(|a, b| a.hostname.cmp(&b.hostname));
        }
        Ok(nodes)
    }
}

fn index(n: usize) -> u32 {
    u32::try_from(n).expect("bounded by MAX_PLACEMENTS and MAX_NODES")
}
