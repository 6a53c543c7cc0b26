//! What an answer of the server says of each peer. It asks nobody and reads no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{MAX_GROUPS, Take};

use super::answer::{Answer, Series};
use super::directory::{Directory, Named};
use super::kinds::Kinds;
use super::plan::Fetch;
use super::selector::{METRIC_LABEL, NAME_LABEL};
use crate::query::evaluate::{self, Asked};
use crate::query::{Query, QuerySet};
use crate::series::SampleKind;
use crate::source::{GroupValue, LeftOut, Row, Samples};

/// Most examples that a complaint names.
const EXAMPLES: usize = 3;
/// Most label values that are remembered for complaints; further ones are not counted.
const MAX_STRANGERS: usize = 1_000;

/// What is needed to make figures of an answer.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) queries: Arc<QuerySet>,
    pub(super) directory: Directory,
    pub(super) kinds: Kinds,
    /// Which label names the peer.
    pub(super) peer_label: String,
    /// A newest sample older than this says nothing.
    pub(super) stale: Duration,
    /// The present, by the server's clock.
    pub(super) now: UnixMillis,
}

/// The figures of all peers, as far as one query of the server's tells them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) peers: BTreeMap<NodeId, Figure>,
    pub(super) strangers: Strangers,
    /// Faults of rules.
    pub(super) complaints: BTreeSet<String>,
}

/// The figures of one peer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Figure {
    /// When the newest of its samples was taken, by the server's clock.
    newest: UnixMillis,
    /// In no order.
    said: Vec<Said>,
    left_out: Vec<LeftOut>,
}

/// What one query, or one of its groups, says.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    query: u16,
    group: Vec<String>,
    value: f64,
    samples: Vec<f64>,
}

/// Series that belong to no peer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Strangers {
    nobody: BTreeSet<String>,
    several: BTreeMap<String, (NodeId, NodeId)>,
    unlabelled: usize,
}

impl Context {
    /// What `answer`, the one to `fetch`, says.
    pub(super) fn evaluate(&self, fetch: &Fetch, answer: Answer) -> Figures {
        let mut figures = Figures::default();
        let mut by_peer: BTreeMap<NodeId, Vec<Series>> = BTreeMap::new();
        for mut series in answer.series {
            if let Some(name) = series.labels.remove(NAME_LABEL) {
                series.labels.insert(METRIC_LABEL.to_owned(), name);
            }
            let value = series.labels.get(&self.peer_label).map_or("", String::as_str);
            match self.directory.find(value) {
                Named::One(peer) => by_peer.entry(peer).or_default().push(series),
                Named::Several(..) | Named::Nobody if value.is_empty() => figures.strangers.unlabelled += 1,
                Named::Several(first, second) => figures.strangers.note_several(value, (first, second)),
                Named::Nobody => figures.strangers.note_nobody(value),
            }
        }
        for (peer, mut all) in by_peer {
            // A sum has the same bits in whichever order the server told them.
            all.sort_by(|a, b| a.labels.cmp(&b.labels));
            let mut figure = Figure { newest: newest(&all, self.now), ..Figure::default() };
            for &place in &fetch.rules {
                self.say(place, &self.queries.queries()[usize::from(place)], &all, &mut figure, &mut figures.complaints);
            }
            figures.peers.insert(peer, figure);
        }
        figures
    }

    /// Adds to `figure` what the query at `place` says of all series of one peer.
    fn say(&self, place: u16, query: &Query, all: &[Series], figure: &mut Figure, complaints: &mut BTreeSet<String>) {
        let asked = Asked { now: Duration::from_millis(self.now.0), stale: self.stale };
        let rule = query.rule();
        let mut groups: BTreeMap<Vec<String>, Vec<&Series>> = BTreeMap::new();
        // The server has compared already, but its regular expressions are others.
        for series in all.iter().filter(|series| query.matches(&series.labels)) {
            groups.entry(query.group(&series.labels)).or_default().push(series);
        }
        let (mut kept, mut left_out) = (0, 0);
        for (group, members) in groups {
            let values = members.iter().map(|series| {
                let name = series.labels.get(METRIC_LABEL).map_or("", String::as_str);
                let kind = self.kinds.of(name, rule.take);
                if rule.take == Take::Rate && kind == SampleKind::Gauge {
                    complaints.insert(format!("`{name}` is no counter: `take: rate` says nothing of it; `take: delta` does"));
                }
                evaluate::take(rule, kind, newest_first(series), asked)
            });
            let value = evaluate::combine(rule.combine, values);
            if !rule.by.is_empty() && (value.is_nan() || kept == MAX_GROUPS) {
                left_out += u32::from(!value.is_nan());
                // A group without a number shows that there are series all the same.
                figure.said.extend(value.is_nan().then_some(Said { query: place, group, value, samples: Vec::new() }));
                continue;
            }
            kept += 1;
            let samples = match rule.take {
                Take::Series => evaluate::samples(rule, members.iter().map(|series| newest_first(series)), asked),
                _ => Vec::new(),
            };
            figure.said.push(Said { query: place, group, value, samples });
        }
        if left_out > 0 {
            figure.left_out.push(LeftOut { query: place, groups: left_out });
        }
    }
}

fn newest_first(series: &Series) -> impl Iterator<Item = (Duration, f64)> {
    series.samples.iter().rev().map(|(at, value)| (Duration::from_millis(at.0), *value))
}

fn newest(all: &[Series], now: UnixMillis) -> UnixMillis {
    let moments = all.iter().flat_map(|series| series.samples.iter().rev().find(|(at, value)| *at <= now && value.is_finite()));
    moments.map(|(at, _)| *at).max().unwrap_or_default()
}

/// The row of one peer, and when the newest sample in it was taken, by the server's clock. `None` where nothing is said.
pub(super) fn row<'a>(queries: &QuerySet, figures: impl Iterator<Item = &'a Figure>) -> Option<(UnixMillis, Row)> {
    let mut newest = None;
    let mut left_out: Vec<LeftOut> = Vec::new();
    let mut said: BTreeMap<(u16, &[String]), &Said> = BTreeMap::new();
    for figure in figures {
        newest = newest.max(Some(figure.newest));
        left_out.extend(&figure.left_out);
        said.extend(figure.said.iter().map(|said| ((said.query, &said.group[..]), said)));
    }
    let newest = newest.filter(|newest| newest.0 > 0)?;
    left_out.sort_by_key(|left_out| left_out.query);
    let mut row = Row { left_out, ..Row::default() };
    for (place, rule) in (0_u16..).zip(queries.rules()) {
        let mut of_query = said.range((place, &[][..])..).take_while(|((query, _), _)| *query == place).map(|(_, said)| *said).peekable();
        if of_query.peek().is_none() {
            row.unmatched.push(place);
        }
        if rule.by.is_empty() {
            row.values.push(of_query.peek().map_or(f64::NAN, |said| said.value));
        }
        for said in of_query {
            if !rule.by.is_empty() && !said.value.is_nan() {
                row.groups.push(GroupValue { query: place, group: said.group.clone(), value: said.value });
            }
            if !said.samples.is_empty() {
                row.samples.push(Samples { query: place, group: said.group.clone(), values: said.samples.clone() });
            }
        }
    }
    Some((newest, row))
}

impl Figures {
    /// Whether the server told no series at all.
    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty() && self.strangers == Strangers::default()
    }
}

impl Strangers {
    fn note_nobody(&mut self, value: &str) {
        if self.nobody.len() < MAX_STRANGERS {
            self.nobody.insert(value.to_owned());
        }
    }

    fn note_several(&mut self, value: &str, peers: (NodeId, NodeId)) {
        if self.several.len() < MAX_STRANGERS {
            self.several.insert(value.to_owned(), peers);
        }
    }

    /// Takes in those of another query.
    pub(super) fn add(&mut self, other: &Strangers) {
        other.nobody.iter().for_each(|value| self.note_nobody(value));
        other.several.iter().for_each(|(value, peers)| self.note_several(value, *peers));
        self.unlabelled = self.unlabelled.max(other.unlabelled);
    }

    /// What the operator should know of them.
    pub(super) fn complaints(&self, peer_label: &str) -> Vec<String> {
        let examples = |values: &mut dyn Iterator<Item = String>| values.take(EXAMPLES).collect::<Vec<_>>().join(", ");
        let mut complaints = Vec::new();
        if !self.several.is_empty() {
            let shown = examples(&mut self.several.iter().map(|(value, (a, b))| format!("`{value}` (nodes {a} and {b})")));
            complaints.push(format!(
                "{} values of `{peer_label}` name more than one peer, their figures are left out: {shown}: use hostnames in the targets of \
                 the Prometheus server, or name another label",
                self.several.len()
            ));
        }
        if !self.nobody.is_empty() {
            let shown = examples(&mut self.nobody.iter().map(|value| format!("`{value}`")));
            complaints.push(format!(
                "{} values of `{peer_label}` name no peer, their figures are left out: {shown}: harmless for machines that are no peers, else \
                 name a label whose value is the peer's hostname, name or address, with or without a port",
                self.nobody.len()
            ));
        }
        if self.unlabelled > 0 {
            complaints.push(format!(
                "{} series have no label `{peer_label}`, so they name no peer and are left out: name a label that the targets have",
                self.unlabelled
            ));
        }
        complaints
    }
}

#[cfg(test)]
mod tests;
