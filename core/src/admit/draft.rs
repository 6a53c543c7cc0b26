//! A schedule while it is being read: roles and hosts as numbers, put into canonical order at the end.

use std::collections::HashMap;

use serde::de;
use serde_json::{Map, Value};

use super::{MAX_NODES, MAX_PLACEMENTS, MAX_ROLES};
use crate::json::strict::Reader;
use crate::names::{Hostname, RoleName};
use crate::peers::PeerTable;
use crate::schedule::{Node, Parts, Placement, Role, Said};

/// How many hosts after the last one are compared before one is looked up: comparing so many costs as much as one look-up.
const NEAR: u32 = 12;

/// What was read so far. Roles and hosts are numbered in order of appearance; a known host has its peer's position, and one that does not
/// answer comes after all of these.
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
    extras: HashMap<u32, Said>,
    last_host: u32,
    /// Whether anything is on a host that does not answer.
    absent: bool,
    /// Hosts in order of hostname, where their numbers are not: by rank.
    order: Vec<u32>,
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
            // As many as in a schedule with one role everywhere; freed or grown as it turns out.
            placements: Vec::with_capacity(known.map_or(0, PeerTable::len)),
            extras: HashMap::new(),
            last_host: u32::MAX,
            absent: false,
            order: Vec::new(),
        }
    }

    /// Takes what a node says besides its roles.
    pub(super) fn extra(&mut self, host: u32, vars: Map<String, Value>, rest: Map<String, Value>) {
        if !vars.is_empty() || !rest.is_empty() {
            self.extras.insert(host, Said { vars, rest });
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
                // Answers mostly list hosts in the order of the input: try the next few before hashing.
                let next = self.last_host.wrapping_add(1);
                let near = (next..next.saturating_add(NEAR)).find(|position| peers.hostname(*position) == Some(name));
                let found = near.or_else(|| peers.position(name)).or_else(|| {
                    // It may keep what it has until it comes back.
                    let position = peers.absent_position(name)?;
                    self.absent = true;
                    Some(index(peers.len()) + position)
                });
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

    fn numbered(&self, host: u32) -> &Hostname {
        let Some(peers) = self.known else { return &self.hosts[host as usize] };
        let absent = || peers.absent_at(host - index(peers.len()));
        &peers.get(host).or_else(absent).expect("the number came from this table").hostname
    }

    /// The hostname at `rank`, once ranks are in force.
    fn hostname(&self, rank: u32) -> &Hostname {
        self.numbered(self.order.get(rank as usize).copied().unwrap_or(rank))
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
        }
        let nodes = self.nodes()?;
        // Of the same size as before: collected in place.
        let placements = self.placements.into_iter().map(|(_, role, placement)| (role, placement)).collect();
        Ok(Parts { vars, roles: self.roles, nodes, placements, rest })
    }

    /// The order of hostnames, where the numbers do not have it already.
    fn host_ranks(&mut self) -> Option<Vec<u32>> {
        let hosts = match self.known {
            Some(_) if !self.absent => return None,
            Some(peers) => peers.len() + peers.absent().len(),
            None => self.hosts.len(),
        };
        let mut by_name: Vec<u32> = (0..index(hosts)).collect();
        by_name.sort_by(|a, b| self.numbered(*a).cmp(self.numbered(*b)));
        let mut rank = vec![0; by_name.len()];
        for (position, host) in by_name.iter().enumerate() {
            rank[*host as usize] = index(position);
        }
        self.order = by_name;
        Some(rank)
    }

    /// The nodes in order; a node's placements are a range of all, which are in order by now.
    fn nodes<E: de::Error>(&mut self) -> Result<Vec<Node>, E> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut extras = std::mem::take(&mut self.extras);
        let mut begin = 0;
        for of_host in self.placements.chunk_by(|a, b| a.0 == b.0) {
            let host = of_host[0].0;
            if let Some(twice) = of_host.windows(2).find(|pair| pair[0].1 == pair[1].1) {
                let name = self.roles[twice[0].1 as usize].name.as_str();
                return Err(E::custom(format_args!("role `{name}` is placed twice on node `{}`", self.hostname(host))));
            }
            let end = begin + index(of_host.len());
            let said = if extras.is_empty() { None } else { extras.remove(&host).map(Box::new) };
            nodes.push(Node { hostname: self.hostname(host).clone(), said, placements: begin..end });
            begin = end;
        }
        if !extras.is_empty() {
            for (host, said) in extras {
                nodes.push(Node { hostname: self.hostname(host).clone(), said: Some(Box::new(said)), placements: 0..0 });
            }
            nodes.sort_unstable_by(|a, b| a.hostname.cmp(&b.hostname));
        }
        Ok(nodes)
    }
}

fn index(n: usize) -> u32 {
    u32::try_from(n).expect("bounded by MAX_PLACEMENTS and MAX_NODES")
}
