//! Rules as they are asked: compiled once, in a fixed order, and what they make of any source's samples. It reads no clock and no source.
//!
//! | module | owns |
//! |---|---|
//! | `matching` | conditions on labels |
//! | [`evaluate`](mod@evaluate) | the samples of one series to one number; several series to one |
//! | [`plan`] | which series a query matches, and the row of numbers that they make |
//! | `near` | what a query that matches nothing may have meant |
//! | `select` | series chosen by people, as words |

use std::collections::BTreeSet;

use verwalter_core::digest::Digest;
use verwalter_core::json::canonical;
use verwalter_core::metrics::MetricRule;

pub mod evaluate;
mod matching;
mod near;
pub mod plan;
mod select;

pub use matching::{MAX_BY, MAX_MATCHERS, MAX_PATTERN_BYTES, Query, QueryError, check};
pub use near::{MAX_NEAR_MISSES, near_misses};
pub use plan::{SeriesView, row};
pub use select::{MAX_SELECTION_BYTES, MAX_SELECTION_WORDS, Selection, SelectionError};

/// Most queries of one set: 16 plugins that each declare as many as a manifest may.
pub const MAX_QUERIES: usize = 4_096;

/// The queries in force, compiled. A query is named by its place.
#[derive(Debug, Clone)]
pub struct QuerySet {
    /// Grows with every change.
    pub generation: u64,
    queries: Vec<Query>,
    rules: Vec<MetricRule>,
    /// By place, whether it is asked here.
    asked: Vec<bool>,
    errors: Vec<(u16, QueryError)>,
    left_out: usize,
    digest: Digest,
}

impl Default for QuerySet {
    fn default() -> QuerySet {
        QuerySet::compile(0, &BTreeSet::new())
    }
}

impl QuerySet {
    /// Compiles `rules`, in their order.
    ///
    /// [`check`] refuses a bad rule where it is written. One that comes here all the same, from a peer of another version, keeps its place
    /// and matches nothing: [`QuerySet::errors`] tells. Rules beyond [`MAX_QUERIES`] are left out: [`QuerySet::left_out`].
    pub fn compile(generation: u64, rules: &BTreeSet<MetricRule>) -> QuerySet {
        let kept: Vec<MetricRule> = rules.iter().take(MAX_QUERIES).cloned().collect();
        let mut errors = Vec::new();
        let queries = (0..).zip(&kept).map(|(place, rule)| match Query::compile(rule) {
            Ok(query) => query,
            Err(error) => {
                errors.push((place, error));
                Query::never(rule)
            }
        });
        let queries = queries.collect();
        let value = serde_json::to_value(&kept).expect("rules have text keys and no floating point numbers");
        let digest = Digest::of(canonical::to_string(&value).as_bytes());
        QuerySet { generation, queries, asked: vec![true; kept.len()], left_out: rules.len() - kept.len(), rules: kept, errors, digest }
    }

    /// The same set for one source, which is to answer those queries only whose rule is `wanted`. The others keep their places and match
    /// nothing.
    pub fn only(&self, wanted: impl Fn(&MetricRule) -> bool) -> QuerySet {
        let mut set = self.clone();
        for ((query, asked), rule) in set.queries.iter_mut().zip(&mut set.asked).zip(&self.rules) {
            if !wanted(rule) {
                *query = Query::never(rule);
                *asked = false;
            }
        }
        set
    }

    /// The queries that are to be answered, each with its place.
    pub fn asked(&self) -> impl Iterator<Item = (u16, &Query)> {
        (0_u16..).zip(&self.queries).filter(|(place, _)| self.asked[usize::from(*place)])
    }

    /// All rules, by place.
    pub fn rules(&self) -> &[MetricRule] {
        &self.rules
    }

    /// The queries, by place.
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// The queries that match nothing because they cannot be compiled, by place.
    pub fn errors(&self) -> &[(u16, QueryError)] {
        &self.errors
    }

    /// How many rules were beyond [`MAX_QUERIES`].
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The digest of the rules' canonical JSON: two sets with the same digest ask the same in the same order, whatever their generation.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

#[cfg(test)]
mod tests;
