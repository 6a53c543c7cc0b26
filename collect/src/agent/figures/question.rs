//! What is asked of every member: those queries of the set in force that this source is to answer, under places of their own. It
//! compiles nothing.

use std::sync::Arc;

use verwalter_core::digest::Digest;
use verwalter_core::json::canonical;
use verwalter_core::metrics::{MAX_SAMPLES, MetricRule};

use super::MAX_RULES_JSON;
use crate::agent::wire::Malformed;
use crate::query::QuerySet;
use crate::source::Row;

/// A set as members are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// Names the rules.
    pub(crate) digest: Digest,
    /// The rules, in order, as canonical JSON: the text that the digest is of.
    pub(crate) json: Arc<[u8]>,
    /// How many rules have no room in it.
    pub(crate) left_out: usize,
    /// For each rule its place in the set in force.
    places: Vec<u16>,
    /// For each rule without `by` the place of its value in a row of that set.
    values: Vec<usize>,
    /// How many values such a row has.
    wholes: usize,
    /// The places in that set which are not asked.
    unasked: Vec<u16>,
}

impl Question {
    /// What is to be asked for `queries`. Where it is nothing, a row without numbers still says that the member is well, and names what it
    /// says of itself.
    pub(crate) fn new(queries: &QuerySet) -> Question {
        let mut json = vec![b'['];
        let (mut places, mut left_out) = (Vec::new(), 0);
        for (place, query) in queries.asked() {
            let text = text(query.rule());
            if left_out > 0 || json.len() + text.len() + 2 > MAX_RULES_JSON {
                left_out += 1;
                continue;
            }
            if !places.is_empty() {
                json.push(b',');
            }
            json.extend_from_slice(text.as_bytes());
            places.push(place);
        }
        json.push(b']');
        let (mut values, mut wholes, mut unasked) = (Vec::new(), 0, Vec::new());
        for (place, rule) in (0_u16..).zip(queries.rules()) {
            let asked = places.binary_search(&place).is_ok();
            if !asked {
                unasked.push(place);
            }
            if rule.by.is_empty() {
                if asked {
                    values.push(wholes);
                }
                wholes += 1;
            }
        }
        Question { digest: Digest::of(&json), json: json.into(), left_out, places, values, wholes, unasked }
    }

    /// The row of a member in the places of the set in force.
    pub(crate) fn place(&self, row: Row) -> Result<Row, Malformed> {
        const UNASKED: Malformed = Malformed::Field("an answer to a query that was not asked");
        if row.values.len() != self.values.len() {
            return Err(UNASKED);
        }
        let place = |query: &mut u16| {
            *query = *self.places.get(usize::from(*query)).ok_or(UNASKED)?;
            Ok(())
        };
        let mut values = vec![f64::NAN; self.wholes];
        for (place, value) in self.values.iter().zip(&row.values) {
            // No document has a text for infinity.
            values[*place] = if value.is_finite() { *value } else { f64::NAN };
        }
        let Row { values: _, mut groups, mut samples, mut unmatched, mut left_out } = row;
        groups.iter_mut().try_for_each(|group| place(&mut group.query))?;
        samples.iter_mut().try_for_each(|samples| place(&mut samples.query))?;
        unmatched.iter_mut().try_for_each(place)?;
        left_out.iter_mut().try_for_each(|left| place(&mut left.query))?;
        unmatched.extend_from_slice(&self.unasked);
        unmatched.sort_unstable();
        unmatched.dedup();
        groups.retain(|group| group.value.is_finite());
        for samples in &mut samples {
            samples.values.retain(|value| value.is_finite());
            samples.values.drain(..samples.values.len().saturating_sub(MAX_SAMPLES));
        }
        Ok(Row { values, groups, samples, unmatched, left_out })
    }
}

fn text(rule: &MetricRule) -> String {
    let value = serde_json::to_value(rule).expect("a rule has text keys and no floating point numbers");
    canonical::to_string(&value)
}

#[cfg(test)]
mod tests;
