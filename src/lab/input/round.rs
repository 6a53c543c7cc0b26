//! A scheduler's and a policy's document as the circumstances of a round.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use verwalter_core::diff::Diff;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::Hostname;
use verwalter_core::schedule::Schedule;

use super::{Flaw, cluster, read, schedule};
use crate::round::circumstances::Circumstances;
use crate::round::recorded::{RecordedCluster, RecordedPeer};

/// What a round knows before a plugin is asked.
#[derive(Debug, Clone)]
pub struct Scene {
    /// As in a round.
    pub known: Circumstances,
    /// The configuration, JSON text; `None`: the manifest's.
    pub config: Option<String>,
    /// The columns that the plugin knows, by its names.
    pub metrics: BTreeMap<String, MetricRule>,
}

/// A schedule that a policy is asked about. The one in force is the scene's only parent.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// What is known.
    pub scene: Scene,
    /// What would come into force.
    pub schedule: Schedule,
    /// What would change.
    pub diff: Diff,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchedulerDocument {
    v: Option<u32>,
    now: Option<UnixMillis>,
    round: Option<Round>,
    term: Option<u64>,
    current_host: Option<Hostname>,
    current_id: Option<NodeId>,
    config: Option<Box<RawValue>>,
    runtime: Option<Box<RawValue>>,
    #[serde(default)]
    parents: Vec<Box<RawValue>>,
    actions: Option<Box<RawValue>>,
    #[serde(default)]
    peers: BTreeMap<Hostname, RecordedPeer>,
    #[serde(default)]
    absent: BTreeMap<Hostname, RecordedPeer>,
    #[serde(default)]
    metrics: BTreeMap<String, Vec<Option<f64>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewDocument {
    v: Option<u32>,
    now: Option<UnixMillis>,
    round: Option<Round>,
    term: Option<u64>,
    current_host: Option<Hostname>,
    current_id: Option<NodeId>,
    config: Option<Box<RawValue>>,
    runtime: Option<Box<RawValue>>,
    schedule: Box<RawValue>,
    previous: Option<Box<RawValue>>,
    diff: Option<Value>,
    #[serde(default)]
    peers: BTreeMap<Hostname, RecordedPeer>,
    #[serde(default)]
    absent: BTreeMap<Hostname, RecordedPeer>,
    #[serde(default)]
    metrics: BTreeMap<String, Vec<Option<f64>>>,
}

impl Scene {
    /// Reads a scheduler's input document. What it leaves out is empty, the first round of the first term, led by the first peer.
    pub fn read(text: &str) -> Result<Scene, Flaw> {
        let SchedulerDocument { v, now, round, term, current_host, current_id, config, runtime, parents, actions, peers, absent, metrics } =
            read(text)?;
        let parents = parents.iter().enumerate().map(|(index, text)| schedule::read(text.get(), &format!("parents.{index}")));
        let parents = parents.collect::<Result<_, _>>()?;
        let head = Head { v, now, round, term, current_host, current_id, config, runtime };
        head.scene(parents, actions, RecordedCluster { peers, absent, metrics })
    }

    /// The only schedule that the round follows becomes `parent`.
    #[must_use]
    pub fn following(&self, parent: Schedule) -> Scene {
        Scene { known: Circumstances { parents: vec![parent], ..self.known.clone() }, ..self.clone() }
    }
}

impl Proposed {
    /// Reads a policy's input document. A `diff` in it must be the one that the host counts.
    pub fn read(text: &str) -> Result<Proposed, Flaw> {
        let document: ReviewDocument = read(text)?;
        let ReviewDocument { v, now, round, term, current_host, current_id, config, runtime, .. } = document;
        let ReviewDocument { schedule, previous, diff, peers, absent, metrics, .. } = document;
        let parents = previous.iter().map(|text| schedule::read(text.get(), "previous")).collect::<Result<_, _>>()?;
        let head = Head { v, now, round, term, current_host, current_id, config, runtime };
        let scene = head.scene(parents, None, RecordedCluster { peers, absent, metrics })?;
        let proposed = Proposed::new(scene, schedule::read(schedule.get(), "schedule")?);
        let counted = serde_json::to_value(&proposed.diff).expect("a diff has text keys and whole numbers");
        if let Some(written) = diff.filter(|written| *written != counted) {
            let first = crate::lab::difference::differences(&counted, &written).into_iter().next();
            let first = first.map_or(String::new(), |difference| format!(" ({difference})"));
            return Err(Flaw::new(
                "diff",
                format!("is not what changes from `previous` to `schedule`{first}: correct it, or leave it out"),
            ));
        }
        Ok(proposed)
    }

    /// `schedule` in this scene.
    pub fn new(scene: Scene, schedule: Schedule) -> Proposed {
        let diff = Diff::between(scene.known.previous(), &schedule, scene.known.snapshot.peers());
        Proposed { scene, schedule, diff }
    }
}

/// What both documents begin with.
struct Head {
    v: Option<u32>,
    now: Option<UnixMillis>,
    round: Option<Round>,
    term: Option<u64>,
    current_host: Option<Hostname>,
    current_id: Option<NodeId>,
    config: Option<Box<RawValue>>,
    runtime: Option<Box<RawValue>>,
}

impl Head {
    fn scene(self, parents: Vec<Schedule>, actions: Option<Box<RawValue>>, cluster: RecordedCluster) -> Result<Scene, Flaw> {
        super::version(self.v)?;
        let (snapshot, metrics) = cluster::snapshot(cluster)?;
        let (hostname, id) = cluster::leader(self.current_host, self.current_id, &snapshot)?;
        let known = Circumstances {
            now: self.now.unwrap_or_default(),
            round: self.round.unwrap_or(Round(1)),
            term: Term { counter: self.term.unwrap_or(1), leader: id },
            hostname,
            id,
            runtime: super::object(self.runtime, "runtime")?.unwrap_or_else(|| "{}".to_owned()).into(),
            actions: super::object(actions, "actions")?.unwrap_or_else(|| "{}".to_owned()).into(),
            parents,
            snapshot: Arc::clone(&snapshot),
        };
        Ok(Scene { known, config: super::object(self.config, "config")?, metrics })
    }
}
