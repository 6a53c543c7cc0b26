//! Made-up rounds: what a case says of the metadata, in a made-up cluster of another size.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use verwalter_core::ids::{Round, Term};
use verwalter_core::ports::Plugin;
use verwalter_core::schedule::Schedule;

use super::cluster;
use super::input::Scene;
use crate::plugin::Loaded;
use crate::round::circumstances::Circumstances;

/// A case's scene in other clusters.
#[derive(Debug, Clone)]
pub struct Scenes {
    base: Scene,
    names: Vec<String>,
    ranges: BTreeMap<String, (f64, f64)>,
}

impl Scenes {
    /// What `base` says of the metadata, with the columns that it has and those that the plugin declares. Without one there are no metadata.
    pub fn new(plugin: &Loaded, base: Option<&Scene>) -> Scenes {
        let base = base.cloned().unwrap_or_else(|| Scene::read(r#"{"current_host": "localhost"}"#).expect("it is sound"));
        let mut names: BTreeSet<String> = base.metrics.keys().cloned().collect();
        names.extend(plugin.reads().metrics.keys().cloned());
        let ranges = base.metrics.iter().filter_map(|(name, rule)| {
            let known = base.known.snapshot.column(rule)?.values.clone();
            let known = || known.iter().copied().filter(|value| value.is_finite());
            let (least, most) = (known().reduce(f64::min)?, known().reduce(f64::max)?);
            Some((name.clone(), (least, most)))
        });
        let ranges = ranges.collect();
        Scenes { base, names: names.into_iter().collect(), ranges }
    }

    /// The first round in a cluster of `size` peers: as many instances for each of them as the case has for each of its own.
    pub fn first(&self, seed: u64, size: usize) -> Scene {
        let (snapshot, metrics) = cluster::cluster(seed, size, &self.names, &self.ranges);
        let leader = snapshot.peers().get(0).map(|peer| (peer.hostname.clone(), peer.id));
        let (hostname, id) = leader.unwrap_or_else(|| (self.base.known.hostname.clone(), self.base.known.id));
        let known = Circumstances {
            now: cluster::NOW,
            round: Round(1),
            term: Term { counter: 1, leader: id },
            hostname,
            id,
            runtime: scaled(&self.base.known.runtime, self.base.known.snapshot.peers().len(), size).into(),
            actions: self.base.known.actions.clone(),
            parents: Vec::new(),
            snapshot,
        };
        Scene { known, config: self.base.config.clone(), metrics }
    }

    /// The round after `before`, in which `decided` came into force and some figures changed.
    pub fn next(&self, seed: u64, before: &Scene, decided: Schedule) -> Scene {
        let mut next = before.following(decided);
        next.known.round = Round(before.known.round.0 + 1);
        next.known.now.0 += 2_000;
        next.known.snapshot = cluster::later(seed, &before.known.snapshot);
        next
    }
}

/// The metadata with every number called `instances` multiplied by how many times more peers there are; at least 1 stays of those that
/// had any.
fn scaled(runtime: &str, from: usize, to: usize) -> String {
    let mut value: Value = serde_json::from_str(runtime).expect("it was read once before");
    if from > 0 {
        scale(&mut value, from as u64, to as u64);
    }
    value.to_string()
}

fn scale(value: &mut Value, from: u64, to: u64) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value.as_u64().filter(|_| key == "instances") {
                    Some(0) => {}
                    Some(n) => *value = (n.saturating_mul(to) / from).clamp(1, u64::from(verwalter_core::schedule::MAX_INSTANCES)).into(),
                    None => scale(value, from, to),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scale(item, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_grow_with_the_cluster() {
        let runtime = r#"{"web":{"instances":3,"x":3},"idle":{"instances":0},"many":[{"instances":"3"},{"instances":2}]}"#;
        let check = |to, expect: &str| assert_eq!(scaled(runtime, 3, to), expect);
        check(30, r#"{"idle":{"instances":0},"many":[{"instances":"3"},{"instances":20}],"web":{"instances":30,"x":3}}"#);
        check(1, r#"{"idle":{"instances":0},"many":[{"instances":"3"},{"instances":1}],"web":{"instances":1,"x":3}}"#);
        assert_eq!(scaled("{}", 0, 100), "{}");
    }
}
