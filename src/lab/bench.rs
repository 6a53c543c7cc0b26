//! What calls cost: fuel exactly, memory and wall time as measured here. A call is all that a round does for it but the commit: the document,
//! a fresh instance, the call, reading the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use verwalter_core::ports::{Cost, Kind};

use super::case::Case;
use super::golden::Golden;
use super::inputs::{MadeUp, of_cases};
use super::outcome::{Answer, put};
use super::question::{Question, pose};
use crate::plugin::Loaded;
use crate::round::decide::decide;

/// So many calls at least, however long they take: fewer have no median.
const LEAST_CALLS: usize = 5;
/// So many at most: above it the figures do not change any more.
const MOST_CALLS: usize = 20_000;

/// What one question costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `first` and `next` decision, `review`, or which case.
    pub what: String,
    /// In a made-up cluster of so many.
    pub peers: Option<usize>,
    /// Calls that were measured.
    pub calls: usize,
    /// The shortest, in microseconds.
    pub min_us: u64,
    /// Half of them took no longer.
    pub median_us: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99_us: u64,
    /// Fuel of one call.
    pub fuel: u64,
    /// The most linear memory that it had.
    pub peak_memory_bytes: u64,
    /// The answer's length; 0 where it answers an error.
    pub output_bytes: u64,
    /// Why nothing could be measured: it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a plugin is measured with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Sizes of the made-up clusters.
    pub peers: Vec<usize>,
    /// How long each question is asked again and again.
    pub time: Duration,
}

/// Measures what makes sense for a plugin of its kind; `report` gets each row as soon as it is there. Blocks for the plan's time a row.
pub fn bench(plugin: &Arc<Loaded>, asked: &[(Case, Golden)], plan: &Plan, report: &mut dyn FnMut(&Row)) -> Vec<Row> {
    let made_up = MadeUp::new(plugin, asked);
    let mut rows = Vec::new();
    let mut add = |row: Row| {
        report(&row);
        rows.push(row);
    };
    for peers in &plan.peers {
        for input in made_up.inputs(*peers) {
            let what = match plugin.kind() {
                Kind::Scheduler => "first".to_owned(),
                Kind::Policy => "review".to_owned(),
                Kind::Query | Kind::Filter => input.label.split(" with ").next().unwrap_or_default().to_owned(),
            };
            add(measure(plugin, &input.question, &what, Some(*peers), plan.time));
            let Question::Schedule(scene) = &input.question else { continue };
            let decided = put(plugin, &pose(plugin, &input.question)).schedule;
            let Some(decided) = decided else { continue };
            let next = made_up.scenes().next(*peers as u64, scene, decided);
            add(measure(plugin, &Question::Schedule(next.into()), "next", Some(*peers), plan.time));
        }
    }
    if matches!(plugin.kind(), Kind::Filter | Kind::Query) {
        for input in of_cases(asked) {
            add(measure(plugin, &input.question, &input.label, None, plan.time));
        }
    }
    rows
}

fn measure(plugin: &Arc<Loaded>, question: &Question, what: &str, peers: Option<usize>, time: Duration) -> Row {
    let mut row = Row {
        what: what.to_owned(),
        peers,
        calls: 0,
        min_us: 0,
        median_us: 0,
        p99_us: 0,
        fuel: 0,
        peak_memory_bytes: 0,
        output_bytes: 0,
        error: None,
    };
    let began = Instant::now();
    let mut took = Vec::new();
    while took.len() < LEAST_CALLS || (began.elapsed() < time && took.len() < MOST_CALLS) {
        let started = Instant::now();
        let called = once(plugin, question);
        took.push(started.elapsed());
        match called {
            Ok((cost, output_bytes)) => {
                row.fuel = cost.fuel;
                row.peak_memory_bytes = cost.peak_memory as u64;
                row.output_bytes = output_bytes as u64;
            }
            Err(error) => {
                row.error = Some(error);
                return row;
            }
        }
    }
    took.sort_unstable();
    let micros = |index: usize| u64::try_from(took[index.min(took.len() - 1)].as_micros()).unwrap_or(u64::MAX);
    (row.calls, row.min_us, row.median_us, row.p99_us) = (took.len(), micros(0), micros(took.len() / 2), micros(took.len() * 99 / 100));
    row
}

/// One call, as a round makes it: what it cost, and how long the answer is.
fn once(plugin: &Arc<Loaded>, question: &Question) -> Result<(Cost, usize), String> {
    let posed = pose(plugin, question);
    if let Question::Schedule(_) = question {
        // What a person would want to read of the answer is not made here.
        let decided = decide(&**plugin, &posed.text, &posed.view, Duration::ZERO);
        return decided.map(|decided| (decided.cost, decided.output.0.len())).map_err(|undecided| undecided.to_string());
    }
    let outcome = put(plugin, &posed);
    match (outcome.answer, outcome.cost) {
        // An error is an answer too: templates ask what does not exist.
        (Answer::Taken(_) | Answer::Error(_), Some(cost)) => Ok((cost, outcome.output.map_or(0, |output| output.0.len()))),
        (answer, _) => Err(answer.to_string()),
    }
}
