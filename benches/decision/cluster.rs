//! A generated cluster: peers with machine facts, three roles, figures from a fixed generator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Column, Combine, MetricRule, Take};
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::snapshot::Snapshot;

pub(crate) struct Cluster {
    pub(crate) snapshot: Arc<Snapshot>,
    /// Operators' metadata, JSON text.
    pub(crate) runtime: String,
    /// Role name and instances.
    pub(crate) roles: Vec<(String, u32)>,
}

fn rule(metric: &str) -> MetricRule {
    let labels = BTreeMap::from([("metric".to_owned(), metric.to_owned())]);
    MetricRule { labels, take: Take::Last, window: Duration::ZERO, combine: Combine::Sum, ..MetricRule::default() }
}

/// The columns of the sample scheduler's manifest.
pub(crate) fn metrics() -> BTreeMap<String, MetricRule> {
    [("memory_free", "memory.MemAvailable"), ("memory_total", "memory.MemTotal"), ("cpu", "cpu.busy")]
        .map(|(name, metric)| (name.to_owned(), rule(metric)))
        .into()
}

impl Cluster {
    pub(crate) fn new(size: usize) -> Cluster {
        // A fixed linear congruential generator (Knuth's MMIX constants): the same cluster in every run.
        let mut state = 42_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let memory_total: Vec<f64> = (0..size).map(|i| [16e9, 32e9, 64e9][i % 3]).collect();
        let memory_free: Vec<f64> = memory_total.iter().map(|total| (total * random()).floor()).collect();
        let cpu: Vec<f64> = (0..size).map(|_| random()).collect();
        let peers = (0..size).map(|i| {
            let mut machine = Map::new();
            machine.insert("rack".to_owned(), json!(format!("r{}", i % 40)));
            machine.insert("cpus".to_owned(), json!(8));
            machine.insert("memory_bytes".to_owned(), json!(memory_total[i] as u64));
            machine.insert("kernel".to_owned(), json!("6.12.48"));
            Peer {
                id: NodeId::from_bytes((i as u128 + 1).to_be_bytes()),
                hostname: Hostname::new(&format!("node-{i:05}")).expect("a valid hostname"),
                name: format!("node-{i:05}.example.org"),
                addr: Some(([10, (i >> 16) as u8, (i >> 8) as u8, i as u8], 8379).into()),
                known_since: UnixMillis(1_533_900_000_000),
                last_report_direct: Some(UnixMillis(1_533_909_071_000)),
                alive: true,
                since: UnixMillis(0),
                state: None,
                machine: machine.into(),
            }
        });
        let (peers, _) = PeerTable::new(peers.collect());
        let columns = [("memory.MemAvailable", &memory_free), ("memory.MemTotal", &memory_total), ("cpu.busy", &cpu)]
            .map(|(metric, values)| (rule(metric).into(), Arc::new(Column::new(values.clone()))));
        let snapshot = Snapshot::new(UnixMillis(1), Arc::new(peers), columns.into()).expect("columns fit");
        let roles = roles(size);
        Cluster { snapshot: Arc::new(snapshot), runtime: runtime(&roles), roles }
    }
}

/// Role name and instances, for so many peers: 1.7 instances a peer.
pub(crate) fn roles(peers: usize) -> Vec<(String, u32)> {
    let peers = u32::try_from(peers).expect("a small number");
    vec![("api".to_owned(), peers), ("batch".to_owned(), peers / 2), ("cache".to_owned(), peers / 5)]
}

/// Operators' metadata, JSON text.
pub(crate) fn runtime(roles: &[(String, u32)]) -> String {
    let roles = roles.iter().map(|(role, instances)| (role.clone(), json!({ "instances": instances, "template": format!("{role}/v1") })));
    serde_json::Value::Object(roles.collect()).to_string()
}
