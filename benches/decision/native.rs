//! The yardstick: the same decision compiled natively, from parsed structs keyed by names to a schedule keyed by names with its
//! reasons, as a scheduler built into a host would do it. No JSON, no sandbox.

use std::collections::BTreeMap;

use spread::config::Weights;
use spread::decide::{self, Needs, Placements, Role, View};
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::Snapshot;

use crate::cluster;

/// A peer as a host would hand it to a built-in scheduler.
pub(crate) struct NativePeer {
    hostname: String,
    memory_free: f64,
    cpu: f64,
}

pub(crate) struct NativeInput {
    peers: Vec<NativePeer>,
    roles: Vec<(String, u32)>,
    /// Role to hostname to instances.
    parent: BTreeMap<String, BTreeMap<String, u32>>,
}

/// Role to hostname to instances and reason.
pub(crate) type NativeSchedule = BTreeMap<String, BTreeMap<String, (u32, String)>>;

impl NativeInput {
    pub(crate) fn new(snapshot: &Snapshot, roles: &[(String, u32)], parent: Option<&Schedule>) -> NativeInput {
        let column = |name: &str| snapshot.column(&cluster::metrics()[name]).expect("the cluster has it").values.clone();
        let (memory_free, cpu) = (column("memory_free"), column("cpu"));
        let peers = snapshot.peers().iter().enumerate().map(|(i, peer)| NativePeer {
            hostname: peer.hostname.to_string(),
            memory_free: memory_free[i],
            cpu: cpu[i],
        });
        let placed = |role: &str| parent.map(|p| p.nodes_of(role).map(|(host, n)| (host.to_string(), n)).collect()).unwrap_or_default();
        let parent = roles.iter().map(|(role, _)| (role.clone(), placed(role))).collect();
        NativeInput { peers: peers.collect(), roles: roles.to_vec(), parent }
    }
}

/// The input as the decision's columns.
pub(crate) struct Sight {
    peers: usize,
    memory_free: Vec<f64>,
    cpu: Vec<f64>,
    roles: Vec<(u32, Vec<u32>)>,
}

impl Sight {
    pub(crate) fn new(input: &NativeInput) -> Sight {
        let placed = |role: &str| {
            let parent = &input.parent[role];
            if parent.is_empty() {
                return Vec::new();
            }
            input.peers.iter().map(|peer| parent.get(&peer.hostname).copied().unwrap_or(0)).collect()
        };
        Sight {
            peers: input.peers.len(),
            memory_free: input.peers.iter().map(|peer| peer.memory_free).collect(),
            cpu: input.peers.iter().map(|peer| peer.cpu).collect(),
            roles: input.roles.iter().map(|(role, instances)| (*instances, placed(role))).collect(),
        }
    }

    pub(crate) fn decide(&self) -> Placements {
        let roles: Vec<Role<'_>> = self
            .roles
            .iter()
            .map(|(instances, placed)| Role {
                instances: *instances,
                per_node_max: u32::MAX,
                needs: Needs::default(),
                placed,
                allowed: &[],
            })
            .collect();
        decide::decide(&View {
            peers: self.peers,
            memory_free: &self.memory_free,
            cpu_busy: &self.cpu,
            groups: &[],
            weights: Weights::default(),
            roles: &roles,
        })
    }
}

/// One decision, structs to structs.
pub(crate) fn schedule(input: &NativeInput) -> NativeSchedule {
    let placements = Sight::new(input).decide();
    let roles = input.roles.iter().zip(&placements.roles).map(|((role, _), decided)| {
        let placed = decided.placed.iter().map(|placed| {
            let peer = &input.peers[placed.peer as usize];
            let why = if placed.kept == placed.instances {
                "kept".to_owned()
            } else {
                format!("new: {} MiB and {} % CPU free", (peer.memory_free / 1_048_576.0) as u64, ((1.0 - peer.cpu) * 100.0) as u64)
            };
            (peer.hostname.clone(), (placed.instances, why))
        });
        (role.clone(), placed.collect())
    });
    roles.collect()
}
