//! Whatever happened before, a snapshot is the one that is made from scratch.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{MetricRule, Source, Take};

use super::super::*;
use super::model::Model;
use super::{assert_same, node, rule};
use crate::source::{GroupValue, Row, Samples};

const INTERVAL: Duration = Duration::from_secs(2);
const SOURCES: [Source; 3] = [Source::Agent, Source::Cantal, Source::Prometheus];

/// What may happen. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Event {
    /// The source knows these: id, hostname, version of the rest.
    Peers(Vec<(u8, u8, u8)>),
    /// The own node has this hostname and version.
    Own(u8, u8),
    /// The rules whose bits are set are asked for.
    Queries(u8),
    Default(u8),
    /// From which source, of which node, how many sets ago asked, milliseconds later, with what values.
    Report(u8, u8, u8, u16, u64),
    /// All peers report, so many times.
    Sweep(u8, u64),
    Look,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => prop::collection::vec((0_u8..7, 0_u8..9, 0_u8..3), 0..7).prop_map(Event::Peers),
        1 => (0_u8..9, 0_u8..3).prop_map(|(host, version)| Event::Own(host, version)),
        1 => any::<u8>().prop_map(Event::Queries),
        1 => any::<u8>().prop_map(Event::Default),
        8 => (any::<u8>(), 0_u8..8, 0_u8..4, 0_u16..1_500, any::<u64>()).prop_map(|(a, b, c, d, e)| Event::Report(a, b, c, d, e)),
        2 => (0_u8..36, any::<u64>()).prop_map(|(rounds, seed)| Event::Sweep(rounds, seed)),
        4 => Just(Event::Look),
    ]
}

fn pool() -> [MetricRule; 7] {
    [
        rule("last", Take::Last, &[], None),
        rule("rate", Take::Rate, &[], Some(Source::Agent)),
        rule("all", Take::Series, &[], None),
        rule("groups", Take::Max, &["device"], None),
        rule("pairs", Take::Last, &["a", "b"], Some(Source::Prometheus)),
        rule("samples", Take::Series, &["device"], Some(Source::Cantal)),
        rule("other", Take::Last, &[], Some(Source::Cantal)),
    ]
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn value(&mut self) -> f64 {
        [f64::NAN, f64::INFINITY, 0.0, -0.0, 1.5, self.below(1_000) as f64][self.below(6) as usize]
    }

    fn row(&mut self, rules: &[MetricRule]) -> Row {
        let mut row = Row::default();
        for (query, rule) in (0_u16..).zip(rules) {
            if rule.by.is_empty() {
                row.values.push(self.value());
            }
            let names: BTreeSet<Vec<String>> = match rule.by.len() {
                0 => BTreeSet::from([Vec::new()]),
                labels => (0..self.below(4)).map(|_| (0..labels).map(|_| format!("g{}", self.below(4))).collect()).collect(),
            };
            for group in names {
                if rule.take == Take::Series && self.below(4) > 0 {
                    let values = (0..self.below(130)).map(|_| self.value()).collect();
                    row.samples.push(Samples { query, group: group.clone(), values });
                }
                if !rule.by.is_empty() {
                    row.groups.push(GroupValue { query, group, value: self.below(100) as f64 });
                }
            }
        }
        row
    }
}

struct Twins {
    cluster: Cluster,
    model: Model,
    now: u64,
    generation: u64,
}

impl Twins {
    fn report(&mut self, from: Source, id: u8, ago: u8, random: &mut Random) {
        let sets = &self.model.sets;
        let set = &sets[sets.len() - 1 - usize::from(ago) % sets.len().min(FORMER_SETS)];
        let report = Report {
            peer: NodeId::from_bytes([id; 16]),
            generation: set.generation,
            taken: UnixMillis(self.now),
            row: random.row(set.rules()),
        };
        match self.cluster.report(from, &report) {
            Err(Refused::Stranger(_)) => assert!(!self.model.is_known(report.peer)),
            refused => {
                refused.unwrap();
                self.model.report(from, &report, 1_000);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Peers(list) => {
                let mut seen = BTreeSet::new();
                let list = list.into_iter().filter(|(id, ..)| seen.insert(*id));
                self.model.others = list.map(|(id, host, version)| node(id, host, version)).collect();
                let peers = self.model.others.iter().cloned().map(Arc::new).collect();
                self.cluster.set_peers(&Peers { peers, ..Peers::default() });
            }
            Event::Own(host, version) => {
                self.model.own = node(7, host, version);
                self.cluster.set_own(Arc::new(self.model.own.clone()));
            }
            Event::Queries(bits) => {
                self.generation += 1;
                let rules = (0..).zip(pool()).filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, rule)| rule).collect();
                let set = QuerySet::compile(self.generation, &rules);
                self.cluster.set_queries(&set);
                self.model.sets.push(set);
            }
            Event::Default(source) => {
                self.model.default = SOURCES[usize::from(source % 3)];
                self.cluster.set_default(self.model.default);
            }
            Event::Report(from, id, ago, later, seed) => {
                self.now += u64::from(later);
                self.report(SOURCES[usize::from(from % 3)], id, ago, &mut Random(seed));
            }
            Event::Sweep(rounds, seed) => {
                let mut random = Random(seed);
                for _ in 0..rounds {
                    self.now += 2_000;
                    for id in 0..8 {
                        self.report(self.model.default, id, 0, &mut random);
                    }
                }
            }
            Event::Look => {
                let now = UnixMillis(self.now + 500);
                assert_same(&self.cluster.snapshot(now), &self.model.snapshot(now));
            }
        }
        self.model.forget();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_is_the_one_made_from_scratch(events in prop::collection::vec(event(), 1..60)) {
        let own = node(7, 0, 0);
        let cluster = Cluster::new(Arc::new(own.clone()), Source::Agent, INTERVAL);
        let mut twins = Twins { cluster, model: Model::new(own, Source::Agent), now: 1_000_000, generation: 0 };
        for event in [Event::Queries(0b101_1011)].into_iter().chain(events).chain([Event::Look]) {
            twins.happen(event);
        }
    }
}
