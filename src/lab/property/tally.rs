//! How a property fares over all inputs: of those on which it does not hold, the smallest is kept for its author.

use super::cost::Costs;
use super::{Asked, Broken, Checked, Held, Property, Wrong};
use crate::lab::difference::differences;
use crate::lab::outcome::Answer;

pub(super) struct Tally {
    property: Property,
    off: bool,
    inputs: usize,
    broken: usize,
    smallest: Option<(usize, Broken)>,
    note: Option<String>,
}

impl Tally {
    pub(super) fn new(property: Property, off: bool) -> Tally {
        Tally { property, off, inputs: 0, broken: 0, smallest: None, note: None }
    }

    pub(super) fn property(&self) -> Property {
        self.property
    }

    pub(super) fn is_on(&self) -> bool {
        !self.off
    }

    /// Counts an input, and what is wrong on it.
    pub(super) fn add(&mut self, asked: &Asked<'_>, wrong: Wrong) {
        self.add_labelled(&asked.input.label, size(asked), wrong);
    }

    /// The same where an input may have nothing to check: an error decides no schedule.
    pub(super) fn add_some(&mut self, asked: &Asked<'_>, wrong: Option<Wrong>) {
        if let Some(wrong) = wrong {
            self.add(asked, wrong);
        }
    }

    pub(super) fn add_labelled(&mut self, label: &str, size: usize, wrong: Wrong) {
        self.inputs += 1;
        let Some((lines, inputs)) = wrong else { return };
        self.broken += 1;
        if self.smallest.as_ref().is_none_or(|(smallest, _)| size < *smallest) {
            self.smallest = Some((size, Broken { input: label.to_owned(), lines, inputs, more: 0 }));
        }
    }

    /// Keeps the first thing that there is to say.
    pub(super) fn note(&mut self, note: impl FnOnce() -> String) {
        self.note.get_or_insert_with(note);
    }

    pub(super) fn finish(self, costs: &Costs) -> Checked {
        let verdict = match self.smallest {
            _ if self.off => Held::Off,
            Some((_, broken)) => Held::No(Broken { more: self.broken - 1, ..broken }),
            None => {
                let note = if self.property == Property::Cost { costs.to_string() } else { self.note.unwrap_or_default() };
                Held::Yes { inputs: self.inputs, note }
            }
        };
        Checked { property: self.property, verdict }
    }
}

/// How much there is of an input, for a person who has to read it: peers are most of it, also where they are read as columns.
fn size(asked: &Asked<'_>) -> usize {
    asked.posed.text.len() + 256 * asked.posed.view.snapshot().peers().len()
}

/// Where two answers part, a line each.
pub(super) fn parted(first: &Answer, second: &Answer) -> Vec<String> {
    match (first, second) {
        (Answer::Taken(first), Answer::Taken(second)) => {
            differences(first, second).iter().map(|difference| difference.worded("first", "then")).collect()
        }
        (first, second) if first == second => Vec::new(),
        (first, second) => vec![format!("first {first}"), format!("then {second}")],
    }
}
