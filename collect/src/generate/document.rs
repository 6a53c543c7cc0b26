//! A made-up cluster as the input document of a plugin, written peer by peer: only its columns and hostnames are held in memory, beside the
//! samples of one machine. It reads no clock, and the same wish makes the same bytes everywhere.
//!
//! Memory for N peers, M metrics and Q columns: about 100 × N + 8 × N × Q bytes, and 8 × M for each sample of the longest window.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{MetricRule, SERIES_LEN};
use verwalter_core::names::Hostname;

use super::columns::Columns;
use super::machine::{self, Machine};
use super::random::Draw;
use super::recent::since_begin;
use super::running::Running;
use super::{BEGIN, Metric, Recent, STEP, STEP_MS, figure, reported_at};
use crate::query::evaluate::Asked;
use crate::source::{Row, SeenPeer};

pub use super::columns::{Unmatched, default_columns};

/// Which cluster, when, and which columns.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The same seed makes the same cluster.
    pub seed: u64,
    /// How many machines it has.
    pub peers: usize,
    /// How many series each of them may have.
    pub metrics: usize,
    /// How many steps it has run.
    pub steps: u64,
    /// The columns by name; `None`: those of [`default_columns`].
    pub columns: Option<BTreeMap<String, MetricRule>>,
}

impl Wanted {
    /// As many steps as fill what columns remember.
    pub const STEPS: u64 = SERIES_LEN as u64 + 1;
}

/// One machine of the cluster; all else about it is made anew when it is its turn.
#[derive(Debug)]
struct Member {
    hostname: Hostname,
    id: NodeId,
    number: usize,
    /// Its place in order of id.
    place: usize,
}

/// A document that is to be written.
#[derive(Debug)]
pub struct Document {
    draw: Draw,
    /// In order of hostname.
    members: Vec<Member>,
    metrics: Arc<[Metric]>,
    steps: u64,
    rules: BTreeMap<String, MetricRule>,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// How many columns there are, groups included.
    pub columns: usize,
    /// Those that no machine has a series for.
    pub unmatched: Vec<Unmatched>,
}

impl Document {
    /// The document of a cluster.
    pub fn new(wanted: &Wanted) -> Document {
        let draw = Draw::seeded(wanted.seed);
        let member = |number| {
            let (_, seen) = machine::machine(draw.of(1).of(number as u64), number);
            Member { hostname: seen.hostname, id: seen.id, number, place: 0 }
        };
        let mut members: Vec<Member> = (0..wanted.peers).map(member).collect();
        members.sort_unstable_by_key(|member| member.id);
        members.iter_mut().enumerate().for_each(|(place, member)| member.place = place);
        members.sort_unstable_by(|a, b| a.hostname.cmp(&b.hostname));
        let metrics: Arc<[Metric]> = figure::metrics(wanted.metrics).into();
        let rules = wanted.columns.clone().unwrap_or_else(|| default_columns(&metrics));
        Document { draw, members, metrics, steps: wanted.steps.max(1), rules }
    }

    /// The moment that it shows: the end of the last step.
    pub fn now(&self) -> UnixMillis {
        UnixMillis(BEGIN.0 + self.steps * STEP_MS - 1)
    }

    /// The first peer by hostname.
    pub fn first(&self) -> Option<(&Hostname, NodeId)> {
        self.members.first().map(|member| (&member.hostname, member.id))
    }

    /// Writes `head`, the JSON text of an object, with the keys `peers` and `metrics` after its own.
    pub fn write(&self, head: &str, out: &mut impl Write) -> io::Result<Written> {
        let mut columns = Columns::new(&self.rules, &self.metrics, self.members.len());
        let head = head.strip_suffix('}').unwrap_or(head);
        out.write_all(head.as_bytes())?;
        out.write_all(if head.len() > 1 { b",\"peers\":{" } else { b"\"peers\":{" })?;
        for (index, member) in self.members.iter().enumerate() {
            let (machine, mut seen) = machine::machine(self.draw.of(1).of(member.number as u64), member.number);
            let row = self.run(member.place, &machine, &mut seen, &columns);
            columns.push(row.as_ref());
            separate(index, out)?;
            serde_json::to_writer(&mut *out, member.hostname.as_str())?;
            out.write_all(b":")?;
            serde_json::to_writer(&mut *out, &seen.told(BEGIN))?;
        }
        out.write_all(b"},\"metrics\":{")?;
        let named = columns.named();
        for (index, (name, values)) in named.iter().enumerate() {
            separate(index, out)?;
            serde_json::to_writer(&mut *out, name)?;
            out.write_all(b":[")?;
            for (index, value) in values.iter().enumerate() {
                separate(index, out)?;
                // JSON has no NaN: no sample is `null`, which is what a number that is none becomes.
                serde_json::to_writer(&mut *out, &Value::from(*value))?;
            }
            out.write_all(b"]")?;
        }
        out.write_all(b"}}\n")?;
        Ok(Written { columns: named.len(), unmatched: columns.unmatched(&self.metrics) })
    }

    /// Runs one machine up to the last step, and evaluates what it last reported; `None`: it never did.
    fn run(&self, place: usize, machine: &Machine, seen: &mut SeenPeer, columns: &Columns) -> Option<Row> {
        let mut running = Running::new(self.draw, place, machine, &self.metrics);
        let mut recent = Recent::of(self.metrics.clone(), 1, columns.depth());
        let mut samples = Vec::with_capacity(self.metrics.len());
        let mut last = None;
        for step in 0..self.steps {
            samples.clear();
            let at = UnixMillis(BEGIN.0 + step * STEP_MS);
            if running.measure(&mut samples) {
                recent.put(since_begin(at), 0, &samples);
                last = Some(at);
            }
        }
        let last = last?;
        seen.last_report = Some(reported_at(self.draw, place, last));
        let asked = Asked { now: since_begin(last), stale: 3 * STEP };
        Some(columns.plan().row(columns.set(), |metric| recent.view(0, metric as usize), asked))
    }
}

fn separate(index: usize, out: &mut impl Write) -> io::Result<()> {
    if index > 0 { out.write_all(b",") } else { Ok(()) }
}
