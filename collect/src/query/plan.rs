//! Which series each query of a set matches, kept while series come and go, so that a row costs the samples only.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter_core::metrics::{MAX_GROUPS, Take};

use super::evaluate::{self, Asked};
use super::{Query, QuerySet};
use crate::series::{Labels, SampleKind};
use crate::source::{GroupValue, LeftOut, Row, Samples};

/// A series as its source keeps it.
pub trait SeriesView {
    /// What tells it from others.
    fn labels(&self) -> &Labels;

    /// What its numbers mean.
    fn kind(&self) -> SampleKind;

    /// Its samples in the order in which they came, the newest first, with the time at which the source took them.
    fn newest_first(&self) -> impl Iterator<Item = (Duration, f64)>;
}

/// What the queries of `set` say of all series of one peer.
///
/// For sources that have a peer's series anew each time; one that keeps them keeps a [`Plan`], too.
pub fn row<S: SeriesView>(set: &QuerySet, series: &[S], asked: Asked) -> Row {
    let mut plan = Plan::new(set);
    for (place, one) in (0..).zip(series) {
        plan.insert(set, place, one.labels(), |other| series[other as usize].labels());
    }
    plan.row(set, |place| &series[place as usize], asked)
}

/// The series that each query of one set matches, by group. A series goes by a number that the caller gives it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// By the query's place; without `by` all are in the group without labels. In a group they are ordered by labels, so that a sum has the
    /// same bits whatever came first.
    groups: Vec<BTreeMap<Vec<String>, Vec<u32>>>,
}

impl Plan {
    /// A plan for `set` that knows no series.
    pub fn new(set: &QuerySet) -> Plan {
        Plan { groups: vec![BTreeMap::new(); set.queries().len()] }
    }

    /// Takes in the series `number`. `set` is the one that the plan was made for; `labels_of` is asked for series that are in it.
    pub fn insert<'a>(&mut self, set: &QuerySet, number: u32, labels: &Labels, labels_of: impl Fn(u32) -> &'a Labels) {
        for (query, groups) in set.queries().iter().zip(&mut self.groups) {
            if query.matches(labels) {
                let members = groups.entry(query.group(labels)).or_default();
                let place = members.partition_point(|&member| labels_of(member) < labels);
                members.insert(place, number);
            }
        }
    }

    /// Forgets the series that are `gone`.
    pub fn remove(&mut self, gone: impl Fn(u32) -> bool) {
        for groups in &mut self.groups {
            groups.retain(|_, members| {
                members.retain(|&member| !gone(member));
                !members.is_empty()
            });
        }
    }

    /// What the queries say. `set` is the one that the plan was made for; `series` is asked for those that are in it.
    pub fn row<S: SeriesView>(&self, set: &QuerySet, series: impl Fn(u32) -> S, asked: Asked) -> Row {
        let mut row = Row::default();
        for ((place, query), groups) in (0..).zip(set.queries()).zip(&self.groups) {
            if groups.is_empty() {
                row.unmatched.push(place);
            }
            if query.rule().by.is_empty() {
                let members = groups.values().next().map_or(&[][..], Vec::as_slice);
                row.values.push(value(query, members, &series, asked));
                put_samples(&mut row, place, query, &[], members, &series, asked);
                continue;
            }
            let mut kept = 0;
            let mut left_out = 0;
            for (group, members) in groups {
                let value = value(query, members, &series, asked);
                // Groups that have fallen silent must not crowd out the others.
                if value.is_nan() {
                    continue;
                }
                if kept == MAX_GROUPS {
                    left_out += 1;
                    continue;
                }
                kept += 1;
                row.groups.push(GroupValue { query: place, group: group.clone(), value });
                put_samples(&mut row, place, query, group, members, &series, asked);
            }
            if left_out > 0 {
                row.left_out.push(LeftOut { query: place, groups: left_out });
            }
        }
        row
    }
}

fn value<S: SeriesView>(query: &Query, members: &[u32], series: impl Fn(u32) -> S, asked: Asked) -> f64 {
    let rule = query.rule();
    let said = members.iter().map(|&member| {
        let one = series(member);
        evaluate::take(rule, one.kind(), one.newest_first(), asked)
    });
    evaluate::combine(rule.combine, said)
}

fn put_samples<S: SeriesView>(
    row: &mut Row,
    place: u16,
    query: &Query,
    group: &[String],
    members: &[u32],
    series: impl Fn(u32) -> S,
    asked: Asked,
) {
    if query.rule().take != Take::Series {
        return;
    }
    let views: Vec<S> = members.iter().map(|&member| series(member)).collect();
    let values = evaluate::samples(query.rule(), views.iter().map(SeriesView::newest_first), asked);
    if !values.is_empty() {
        row.samples.push(Samples { query: place, group: group.to_vec(), values });
    }
}

impl<S: SeriesView> SeriesView for &S {
    fn labels(&self) -> &Labels {
        (**self).labels()
    }

    fn kind(&self) -> SampleKind {
        (**self).kind()
    }

    fn newest_first(&self) -> impl Iterator<Item = (Duration, f64)> {
        (**self).newest_first()
    }
}
