//! Made-up clusters: as many peers as wanted, with machine facts and figures like those of real ones. The same seed makes the same cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, json};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Column, Columns, MetricRule};
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::snapshot::Snapshot;

use super::random::Random;
use crate::round::recorded::rule;

/// When the peers were last heard of: no clock is read here.
pub const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const HOUR_MS: u64 = 3_600_000;
/// One peer in so many has no samples: it has just come, or its agent is ill.
const SILENT: usize = 50;
const GIB: f64 = (1_u64 << 30) as f64;

/// What one machine is.
struct Machine {
    cpus: u32,
    memory: f64,
    disk: f64,
    busy: f64,
}

/// A cluster of `size` peers with a column for each of `names`; where a case has figures for one that is not known here, `ranges` says from
/// where to where they went.
pub fn cluster(
    seed: u64,
    size: usize,
    names: &[String],
    ranges: &BTreeMap<String, (f64, f64)>,
) -> (Arc<Snapshot>, BTreeMap<String, MetricRule>) {
    let mut random = Random::new(seed);
    let mut machines = BTreeMap::new();
    let mut peers = Vec::with_capacity(size);
    for number in 0..size {
        let (peer, machine) = peer(&mut random, number);
        machines.insert(peer.hostname.clone(), machine);
        peers.push(peer);
    }
    let (peers, _) = PeerTable::new(peers);
    let metrics: BTreeMap<String, MetricRule> = names.iter().map(|name| (name.clone(), rule(name))).collect();
    let columns = columns(&mut random, &machines, &metrics, ranges);
    let snapshot = Snapshot::new(NOW, Arc::new(peers), columns).expect("a value for each peer");
    (Arc::new(snapshot), metrics)
}

/// The same peers a moment later: of one in ten of them the figures have changed.
pub fn later(seed: u64, snapshot: &Snapshot) -> Arc<Snapshot> {
    let mut random = Random::new(seed);
    let changed: Vec<bool> = (0..snapshot.peers().len()).map(|_| random.below(10) == 0).collect();
    let columns = snapshot.columns().iter().map(|(rule, column)| {
        let mut values = column.values.to_vec();
        for (value, _) in values.iter_mut().zip(&changed).filter(|(_, changed)| **changed) {
            // A little more or less; what was not measured stays so.
            *value *= 0.9 + random.share() * 0.1;
        }
        (rule.clone(), Arc::new(Column::new(values)))
    });
    Arc::new(Snapshot::new(NOW, snapshot.peers().clone(), columns.collect()).expect("as many values as before"))
}

/// Peers come in the order of their numbers, which is not that of their hostnames.
fn peer(random: &mut Random, number: usize) -> (Peer, Machine) {
    let site = random.pick(&["ams1", "fra2", "hel1", "sin1"]);
    let rack = random.below(40);
    let hostname = format!("{site}-r{rack:02}-n{number:05}");
    let machine = Machine {
        cpus: *random.pick(&[4, 8, 16, 32, 64]),
        memory: *random.pick(&[16.0, 32.0, 64.0, 128.0]) * GIB,
        disk: *random.pick(&[200.0, 500.0, 2_000.0]) * GIB,
        busy: random.share(),
    };
    let facts = json!({
        "site": site, "rack": format!("{site}-r{rack:02}"), "cpus": machine.cpus, "memory_bytes": machine.memory as u64,
        "disk": { "ssd": random.below(2) == 0, "bytes": machine.disk as u64 }, "kernel": "6.12.48", "arch": "x86_64",
    });
    let id = (u128::from(random.bits()) << 64) | u128::from(random.bits());
    let address = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let peer = Peer {
        id: NodeId::from_bytes(id.to_be_bytes()),
        name: format!("{hostname}.example.org"),
        hostname: Hostname::new(&hostname).expect("letters, digits and dashes"),
        addr: Some(([10, address[1], address[2], address[3]], 8379).into()),
        known_since: UnixMillis(NOW.0 - HOUR_MS * (1 + random.below(10_000) as u64)),
        last_report_direct: Some(UnixMillis(NOW.0 - random.below(2_000) as u64)),
        alive: true,
        since: UnixMillis(NOW.0 - HOUR_MS),
        state: None,
        machine: facts.as_object().cloned().unwrap_or_else(Map::new).into(),
    };
    (peer, machine)
}

fn columns(
    random: &mut Random,
    machines: &BTreeMap<Hostname, Machine>,
    metrics: &BTreeMap<String, MetricRule>,
    ranges: &BTreeMap<String, (f64, f64)>,
) -> Columns {
    // One peer alone is never silent: nothing could be decided.
    let silent: Vec<bool> = machines.iter().map(|_| random.below(SILENT) == 0 && machines.len() > 1).collect();
    let mut column = |name: &str| {
        let values = machines.values().zip(&silent).map(|(machine, silent)| {
            let value = figure(random, name, machine, ranges.get(name).copied());
            if *silent { f64::NAN } else { value }
        });
        Arc::new(Column::new(values.collect()))
    };
    metrics.iter().map(|(name, rule)| (rule.clone().into(), column(name))).collect()
}

/// One figure of one machine, in the units of the default columns.
fn figure(random: &mut Random, name: &str, machine: &Machine, range: Option<(f64, f64)>) -> f64 {
    let share = random.share();
    match name {
        "cpu" => machine.busy,
        "cpus" => f64::from(machine.cpus),
        "load" => machine.busy * f64::from(machine.cpus) * (0.8 + 0.4 * share),
        "memory_total" => machine.memory,
        "memory_free" => (machine.memory * share).floor(),
        "disk_size" => machine.disk,
        "disk_free" => (machine.disk * share).floor(),
        "disk_read" | "disk_write" | "net_rx" | "net_tx" => (share * 1e8).floor(),
        _ => {
            let (least, most) = range.unwrap_or((0.0, 1_000.0));
            least + (most - least) * share
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["cpu", "load", "memory_free", "requests", "depth"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_same_seed_makes_the_same_cluster() {
        let ranges = BTreeMap::from([("depth".to_owned(), (5.0, 6.0))]);
        let text = |seed| {
            let (snapshot, metrics) = cluster(seed, 300, &names(), &ranges);
            assert_eq!((snapshot.peers().len(), metrics.len()), (300, 5));
            let silent =
                |name: &str| snapshot.column(&metrics[name]).expect("it is there").values.iter().filter(|value| value.is_nan()).count();
            assert!((1..30).contains(&silent("cpu")) && silent("cpu") == silent("depth"), "{}", silent("cpu"));
            let values = snapshot.column(&metrics["depth"]).expect("it is there").values.clone();
            assert!(values.iter().all(|value| value.is_nan() || (5.0..=6.0).contains(value)));
            snapshot.peers().json_rows().map(|(_, row)| row.to_owned()).collect::<String>() + &format!("{values:?}")
        };
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }

    #[test]
    fn a_moment_later_some_figures_are_others() {
        let (before, metrics) = cluster(1, 200, &names(), &BTreeMap::new());
        let after = later(2, &before);
        let values = |snapshot: &Snapshot| snapshot.column(&metrics["cpu"]).expect("it is there").values.clone();
        let changed = values(&before).iter().zip(values(&after).iter()).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        assert!((5..60).contains(&changed), "{changed} of 200");
        assert!(Arc::ptr_eq(before.peers(), after.peers()));
    }
}
