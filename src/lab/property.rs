//! What every plugin should hold, whatever it decides: checked on the inputs of its cases and, for schedulers, in made-up clusters.
//! It knows no right answer.

mod cost;
mod filter;
mod order;
mod scheduler;
mod tally;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use verwalter_core::ports::Kind;

use super::outcome::{Answer, Outcome, put};
use super::question::{Posed, Question, pose};
use crate::plugin::Loaded;
use cost::Costs;
use tally::Tally;

/// A property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// The same input gives the same bytes and log for the same fuel, each time in a fresh instance.
    Repeatable,
    /// It does not matter in which order the objects of the document list their members, the peers among them.
    PeerOrder,
    /// Each answer is one that the host takes: in the contract's form, and about known nodes only.
    Sound,
    /// Asked again with its own answer in force and nothing else changed, it answers the same schedule.
    Stable,
    /// A filter's answer does not depend on what its instance was asked before.
    Independent,
    /// No call meets a limit of the manifest.
    Cost,
}

impl Property {
    /// All of them.
    pub const ALL: [Property; 6] =
        [Property::Repeatable, Property::PeerOrder, Property::Sound, Property::Stable, Property::Independent, Property::Cost];

    /// Its name in `project.yaml` and in what is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Property::Repeatable => "repeatable",
            Property::PeerOrder => "peer-order",
            Property::Sound => "sound",
            Property::Stable => "stable",
            Property::Independent => "independent",
            Property::Cost => "cost",
        }
    }

    /// Whether a plugin may be made otherwise on purpose. The host relies on the others.
    pub fn is_optional(self) -> bool {
        matches!(self, Property::PeerOrder | Property::Stable)
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What came of checking a property.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Which.
    pub property: Property,
    /// Whether it holds.
    pub verdict: Held,
}

/// Whether a property holds.
#[derive(Debug, Clone)]
pub enum Held {
    /// It does, on so many inputs; and what else there is to say.
    Yes {
        /// How many.
        inputs: usize,
        /// Most often nothing.
        note: String,
    },
    /// It does not: the smallest input on which it does not.
    No(Broken),
    /// Its author says that it need not.
    Off,
}

/// An input on which a property does not hold.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Which input.
    pub input: String,
    /// What differs or is wrong, a line each.
    pub lines: Vec<String>,
    /// The inputs, each as a case's `input.json` would have it, in the order in which they were asked.
    pub inputs: Vec<String>,
    /// On how many inputs more it does not hold.
    pub more: usize,
}

/// Something to ask, with its name for people.
#[derive(Debug, Clone)]
pub struct Input {
    /// `case kept`, `made-up cluster of 100 peers`.
    pub label: String,
    /// What is asked.
    pub question: Question,
}

/// Checks what a plugin of its kind should hold on these inputs, but for what is switched off. Blocks for a few calls an input.
pub fn check(plugin: &Arc<Loaded>, inputs: &[Input], off: &BTreeSet<Property>) -> Vec<Checked> {
    let mut tallies: Vec<Tally> = properties(plugin.kind()).iter().map(|property| Tally::new(*property, off.contains(property))).collect();
    let mut costs = Costs::new(*plugin.limits());
    for input in inputs {
        let posed = pose(plugin, &input.question);
        let first = put(plugin, &posed);
        let asked = Asked { plugin, input, posed: &posed, first: &first };
        for tally in tallies.iter_mut().filter(|tally| tally.is_on()) {
            match tally.property() {
                Property::Repeatable => tally.add(&asked, asked.repeated(&mut costs)),
                Property::PeerOrder => tally.add(&asked, order::check(&asked)),
                Property::Sound => {
                    tally.add(&asked, asked.sound());
                    if let Answer::Error(text) = &first.answer {
                        tally.note(|| format!("some answer errors, the first in {}: `{text}`", input.label));
                    }
                }
                Property::Stable => tally.add_some(&asked, scheduler::stable(&asked, &mut costs)),
                Property::Independent | Property::Cost => {}
            }
        }
        if let Some(tally) = tallies.iter_mut().find(|tally| tally.property() == Property::Cost) {
            tally.add(&asked, costs.note(&asked));
        }
    }
    if let Some(tally) = tallies.iter_mut().find(|tally| tally.property() == Property::Independent) {
        filter::independent(plugin, inputs, tally);
    }
    tallies.into_iter().map(|tally| tally.finish(&costs)).collect()
}

fn properties(kind: Kind) -> &'static [Property] {
    use Property::{Cost, Independent, PeerOrder, Repeatable, Sound, Stable};
    match kind {
        Kind::Scheduler => &[Repeatable, PeerOrder, Sound, Stable, Cost],
        Kind::Policy | Kind::Query => &[Repeatable, Sound, Cost],
        Kind::Filter => &[Repeatable, Independent, Sound, Cost],
    }
}

/// One input that was asked once.
struct Asked<'a> {
    plugin: &'a Arc<Loaded>,
    input: &'a Input,
    posed: &'a Posed,
    first: &'a Outcome,
}

/// What is wrong, a line each, and what was handed over; nothing where all is well.
type Wrong = Option<(Vec<String>, Vec<String>)>;

impl Asked<'_> {
    fn repeated(&self, costs: &mut Costs) -> Wrong {
        let again = put(self.plugin, self.posed);
        costs.count(&self.input.label, &again);
        let mut lines = tally::parted(&self.first.answer, &again.answer);
        let raw = |outcome: &Outcome| outcome.output.clone();
        if lines.is_empty() && raw(self.first) != raw(&again) {
            lines.push("the answers mean the same, but their bytes differ".to_owned());
        }
        if self.first.log != again.log {
            lines.push("it logged other lines the second time".to_owned());
        }
        if let (Some(first), Some(again)) = (self.first.cost, again.cost)
            && first.fuel != again.fuel
        {
            lines.push(format!("fuel {} the first time, {} the second", first.fuel, again.fuel));
        }
        (!lines.is_empty()).then(|| (lines, vec![self.posed.as_input()]))
    }

    /// Calls that met a limit are another property's.
    fn sound(&self) -> Wrong {
        match &self.first.answer {
            Answer::Failure(cause, message) if !cost::is_limit(*cause) => {
                Some((vec![format!("{cause}: {message}")], vec![self.posed.as_input()]))
            }
            Answer::Failure(..) | Answer::Taken(_) | Answer::Error(_) => None,
        }
    }
}
