//! Which part of a report goes to which query: sets of queries change while reports of the former one are under way. A report that does not
//! fit the set it names is refused whole.

use std::collections::BTreeMap;
use std::ops::Range;

use verwalter_core::metrics::MetricRule;

use super::query::Query;
use crate::query::QuerySet;
use crate::source::{Report, Row};

/// Longest label value of a group, in bytes. Arbitrary, above any name of a device, mount or container.
pub const MAX_GROUP_BYTES: usize = 256;

/// How reports of one set of queries are read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) generation: u64,
    rules: Vec<MetricRule>,
    /// How many of them are without `by`.
    wholes: usize,
    /// Those that are still wanted.
    pub(super) wanted: Vec<Wanted>,
}

/// A query that was asked, and is in force.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Its place in the set that was asked.
    asked: u16,
    /// The place of its value in the row, without `by`.
    value: Option<usize>,
    /// Its place among the queries in force.
    pub(super) query: usize,
}

/// A part of a report that does not fit what was asked: the peer's agent is at fault. What it said before stays and ages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another number of values.
    #[error("it has {got} values where {expected} were asked for")]
    Values {
        /// How many there are.
        got: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A query that is not in the set, or is of another kind.
    #[error("it answers query {0}, which was not asked so")]
    Query(u16),
    /// A group that is none of the query's.
    #[error("a group of query {0} has not one value of at most {MAX_GROUP_BYTES} bytes for each label in `by`")]
    Group(u16),
    /// Queries or groups out of order, or twice.
    #[error("its groups or samples are not in ascending order")]
    Order,
}

impl Plan {
    pub(super) fn new(set: &QuerySet, queries: &[Query]) -> Plan {
        let mut plan = Plan { generation: set.generation, rules: set.rules().to_vec(), wholes: 0, wanted: Vec::new() };
        plan.aim(queries);
        plan
    }

    /// Finds the queries in force again, after they changed.
    pub(super) fn aim(&mut self, queries: &[Query]) {
        let in_force: BTreeMap<&MetricRule, usize> = queries.iter().enumerate().map(|(at, query)| (&query.rule, at)).collect();
        self.wholes = 0;
        self.wanted.clear();
        for (asked, rule) in (0_u16..).zip(&self.rules) {
            let value = rule.by.is_empty().then_some(self.wholes);
            self.wholes += usize::from(rule.by.is_empty());
            if let Some(query) = in_force.get(rule) {
                self.wanted.push(Wanted { asked, value, query: *query });
            }
        }
    }

    /// Whether `report` can be an answer to what was asked.
    pub(super) fn check(&self, report: &Report) -> Result<(), Misfit> {
        let Row { values, groups, samples, .. } = &report.row;
        if values.len() != self.wholes {
            return Err(Misfit::Values { got: values.len(), expected: self.wholes });
        }
        let ascending = groups.is_sorted_by(|a, b| (a.query, &a.group) < (b.query, &b.group));
        if !ascending || !samples.is_sorted_by(|a, b| (a.query, &a.group) < (b.query, &b.group)) {
            return Err(Misfit::Order);
        }
        let rule = |query: u16| self.rules.get(usize::from(query)).ok_or(Misfit::Query(query));
        let is_group =
            |rule: &MetricRule, group: &[String]| rule.by.len() == group.len() && group.iter().all(|value| value.len() <= MAX_GROUP_BYTES);
        for part in groups {
            let rule = rule(part.query)?;
            if rule.by.is_empty() {
                return Err(Misfit::Query(part.query));
            }
            if !is_group(rule, &part.group) {
                return Err(Misfit::Group(part.query));
            }
        }
        for part in samples {
            if !is_group(rule(part.query)?, &part.group) {
                return Err(Misfit::Group(part.query));
            }
        }
        Ok(())
    }
}

impl Wanted {
    /// Its value in a row that was checked.
    pub(super) fn value(&self, row: &Row) -> Option<f64> {
        self.value.and_then(|place| row.values.get(place).copied())
    }

    /// Its part of a list in ascending order of query.
    pub(super) fn part_of<'a, T>(&self, list: &'a [T], query: impl Fn(&T) -> u16) -> &'a [T] {
        let begin = list.partition_point(|part| query(part) < self.asked);
        let end = list.partition_point(|part| query(part) <= self.asked);
        &list[Range { start: begin, end }]
    }

    /// Whether any series of the peer matched it.
    pub(super) fn matched(&self, row: &Row) -> bool {
        !row.unmatched.contains(&self.asked)
    }
}
