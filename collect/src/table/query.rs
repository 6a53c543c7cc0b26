//! The columns of one query, and what was heard of it lately.

use std::collections::BTreeMap;
use std::sync::Arc;

use verwalter_core::metrics::{ColumnId, Columns, MAX_GROUPS, MetricRule, Place};

use super::kept::Kept;
use crate::source::{GroupValue, Samples};

/// A query with its columns.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) rule: MetricRule,
    shape: Shape,
    /// Whether any peer had a series for it.
    matched: Lately<()>,
    /// A group that found no room.
    left_out: Lately<Vec<String>>,
}

#[derive(Debug)]
enum Shape {
    Whole(Kept),
    Groups(BTreeMap<Vec<String>, Kept>),
}

/// What was noted in the sweep under way, and in the one before.
#[derive(Debug)]
struct Lately<T> {
    now: Option<T>,
    before: Option<T>,
}

impl<T> Lately<T> {
    fn new() -> Lately<T> {
        Lately { now: None, before: None }
    }

    fn get(&self) -> Option<&T> {
        self.now.as_ref().or(self.before.as_ref())
    }

    fn turn(&mut self) {
        self.before = self.now.take();
    }
}

/// What one report says of one query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) slot: u32,
    pub(super) moment: u64,
    /// Of a query without `by`.
    pub(super) value: Option<f64>,
    /// Of a query with `by`: its part of the row.
    pub(super) groups: &'a [GroupValue],
    pub(super) samples: &'a [Samples],
    /// Whether a series matched.
    pub(super) matched: bool,
}

impl Query {
    pub(super) fn new(rule: MetricRule) -> Query {
        let shape = if rule.by.is_empty() { Shape::Whole(Kept::new(&rule)) } else { Shape::Groups(BTreeMap::new()) };
        Query { rule, shape, matched: Lately::new(), left_out: Lately::new() }
    }

    /// Takes in what a peer's newest report says.
    pub(super) fn take_in(&mut self, said: &Said<'_>) {
        if said.matched {
            self.matched.now = Some(());
        }
        match &mut self.shape {
            Shape::Whole(kept) => {
                kept.put(said.slot, said.value.unwrap_or(f64::NAN), said.moment);
                kept.put_samples(said.slot, samples_of(said.samples, &[]));
            }
            Shape::Groups(columns) => {
                if let Some(left_out) = take_in_groups(&self.rule, columns, said) {
                    self.left_out.now = Some(left_out);
                }
            }
        }
    }

    /// A slot's peer has left.
    pub(super) fn vacate(&mut self, slot: u32) {
        match &mut self.shape {
            Shape::Whole(kept) => kept.vacate(slot),
            Shape::Groups(columns) => columns.retain(|_, kept| {
                kept.vacate(slot);
                !kept.is_empty()
            }),
        }
    }

    /// The source of the query has asked all peers once more.
    pub(super) fn swept(&mut self) {
        self.matched.turn();
        self.left_out.turn();
    }

    pub(super) fn is_matched(&self) -> bool {
        self.matched.get().is_some()
    }

    pub(super) fn left_out(&self) -> Option<&Vec<String>> {
        self.left_out.get()
    }

    /// Adds the columns for peers whose slots are `order`.
    pub(super) fn columns(&mut self, order: &[u32], places: &Arc<Vec<Place>>, moved: bool, out: &mut Columns) {
        match &mut self.shape {
            Shape::Whole(kept) => {
                out.insert(ColumnId::whole(self.rule.clone()), kept.column(order, places, moved));
            }
            Shape::Groups(columns) => out.extend(
                columns
                    .iter_mut()
                    .map(|(group, kept)| (ColumnId { rule: self.rule.clone(), group: group.clone() }, kept.column(order, places, moved))),
            ),
        }
    }
}

/// Puts a peer's groups in their columns; what it no longer has becomes NaN, and a column without a number goes. Where there are more than
/// [`MAX_GROUPS`], the first by name stay; returns one that was left out.
fn take_in_groups(rule: &MetricRule, columns: &mut BTreeMap<Vec<String>, Kept>, said: &Said<'_>) -> Option<Vec<String>> {
    let said_groups: BTreeMap<&[String], f64> = said.groups.iter().map(|group| (&*group.group, group.value)).collect();
    columns.retain(|group, kept| {
        if !said_groups.contains_key(&**group) {
            kept.put(said.slot, f64::NAN, said.moment);
            kept.put_samples(said.slot, &[]);
        }
        !kept.is_empty()
    });
    let mut left_out = None;
    for (group, value) in said_groups {
        if !columns.contains_key(group) {
            let beyond = columns.len() >= MAX_GROUPS && columns.last_key_value().is_some_and(|(last, _)| **last < *group);
            if beyond {
                left_out = Some(group.to_vec());
                // Those after it are beyond it too.
                break;
            }
            columns.insert(group.to_vec(), Kept::new(rule));
        }
        if let Some(kept) = columns.get_mut(group) {
            kept.put(said.slot, value, said.moment);
            kept.put_samples(said.slot, samples_of(said.samples, group));
        }
        if columns.len() > MAX_GROUPS {
            left_out = columns.pop_last().map(|(last, _)| last);
        }
    }
    left_out
}

fn samples_of<'a>(samples: &'a [Samples], group: &[String]) -> &'a [f64] {
    samples.iter().find(|samples| samples.group == group).map_or(&[], |samples| &samples.values)
}
