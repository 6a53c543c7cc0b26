//! `join`, `sort_by`, `sum` and `range`: what templates do with lists. What a list costs is charged before anything is allocated for it.

use std::cmp::Ordering;

use handlebars::Helper;
use serde_json::{Number, Value};

use super::quoting::scalar;
use super::text::Text;
use super::values::{compare, kind, member};
use super::{all, arguments, brief, place, unfit, unnamed, usage};
use crate::render::Fault;
use crate::render::budget::{Budget, weight};

/// `join LIST SEPARATOR`: the scalars of an array as one text.
pub(super) fn join(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [list, separator] = arguments(helper)?;
    let items = array(helper, list)?;
    let Value::String(separator) = separator else {
        return Err(unfit(helper, "a text as separator", 1, &[], separator));
    };
    budget.steps(items.len() as u64)?;
    let mut out = Text::new(budget);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(separator)?;
        }
        let text =
            scalar(item).ok_or_else(|| unfit(helper, "an array of texts, numbers, true or false", 0, &[&index.to_string()], item))?;
        out.push(&text)?;
    }
    Ok(out.into_value())
}

/// `sort_by LIST` and `sort_by LIST KEY`: an array in ascending order of its items, or of what lies at the dotted path KEY in each.
/// Either all are numbers, by value, or all are texts, by code point; equal ones keep their order.
pub(super) fn sort_by(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let (items, path) = items_and_key(helper)?;
    // What a sort compares, at most, and one look at each.
    let count = items.len() as u64;
    budget.steps(count.saturating_mul(u64::from(count.checked_ilog2().unwrap_or(0)) + 1))?;
    budget.make_value(items.iter().map(weight).sum())?;
    let mut keyed: Vec<(Key<'_>, &Value)> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let found = at_key(helper, path, index, item)?;
        let key = match found {
            Value::Number(number) => Key::Number(number),
            Value::String(text) => Key::Text(text),
            other => return Err(unfit(helper, "numbers or texts to sort by", 0, &steps(path, &index.to_string()), other)),
        };
        if let Some((first, _)) = keyed.first().filter(|(first, _)| std::mem::discriminant(first) != std::mem::discriminant(&key)) {
            let (first, at) = (first.kind(), place(helper, 0, &steps(path, "0")));
            let here = place(helper, 0, &steps(path, &index.to_string()));
            return Err(usage(
                helper,
                format!("takes only numbers or only texts to sort by: `{at}` is {first}, and `{here}` is {}", kind(found)),
            ));
        }
        keyed.push((key, item));
    }
    keyed.sort_by(|(a, _), (b, _)| a.order(b));
    Ok(keyed.into_iter().map(|(_, item)| item.clone()).collect())
}

/// `sum LIST` and `sum LIST KEY`: the numbers of an array, or what lies at the dotted path KEY in each of its items, added up. Whole
/// numbers exactly; as soon as one is none, as doubles in the order of the list. What no JSON number holds is an error.
pub(super) fn sum(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let (items, path) = items_and_key(helper)?;
    budget.steps(items.len() as u64)?;
    let (mut whole, mut float) = (Some(0_i128), 0.0);
    for (index, item) in items.iter().enumerate() {
        let found = at_key(helper, path, index, item)?;
        let Value::Number(number) = found else {
            return Err(unfit(helper, "numbers to add up", 0, &steps(path, &index.to_string()), found));
        };
        // No list is long enough for 2^63 of them: the sum of whole numbers below 2^64 stays within 128 bits.
        whole = whole.zip(number.as_i128()).map(|(sum, number)| sum.saturating_add(number));
        float += number.as_f64().unwrap_or(f64::INFINITY);
    }
    let total = match whole {
        Some(whole) => Number::from_i128(whole),
        None => Number::from_f64(float),
    };
    total
        .map(Value::Number)
        .ok_or_else(|| usage(helper, format!("overflows: the sum of `{}` is larger than a number can be", place(helper, 0, &[]))))
}

/// `range COUNT`: the whole numbers from 0, COUNT of them; `range FROM TO`: from FROM up to, without, TO; none where TO is not above FROM.
pub(super) fn range(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    unnamed(helper)?;
    let values = all(helper)?;
    let whole = |argument: usize| {
        let value = values[argument];
        let misfit = || match value {
            Value::Number(number) => {
                usage(helper, format!("takes whole numbers from -2^63 to 2^63 - 1, and `{}` is {number}", place(helper, argument, &[])))
            }
            other => unfit(helper, "whole numbers", argument, &[], other),
        };
        value.as_i64().ok_or_else(misfit)
    };
    let (from, to) = match values.len() {
        1 => (0, whole(0)?),
        2 => (whole(0)?, whole(1)?),
        count => return Err(usage(helper, format!("takes 1 or 2 arguments, not {count}"))),
    };
    if values.len() == 1 && to < 0 {
        return Err(usage(helper, format!("takes a count of 0 or more, not {to}")));
    }
    let count = if from < to { to.abs_diff(from) } else { 0 };
    budget.steps(count)?;
    let bytes = weight(&Value::Null).saturating_mul(usize::try_from(count).unwrap_or(usize::MAX));
    budget.make_value(bytes)?;
    Ok((from..to).map(Value::from).collect())
}

/// What things are sorted by.
enum Key<'a> {
    Number(&'a Number),
    Text(&'a str),
}

impl Key<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Key::Number(_) => "a number",
            Key::Text(_) => "a text",
        }
    }

    /// Of one kind: others were refused.
    fn order(&self, other: &Key<'_>) -> Ordering {
        match (self, other) {
            (Key::Number(a), Key::Number(b)) => compare(a, b).unwrap_or(Ordering::Equal),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}

fn array<'a>(helper: &Helper<'_>, list: &'a Value) -> Result<&'a [Value], Fault> {
    match list {
        Value::Array(items) => Ok(items),
        other => Err(unfit(helper, "an array", 0, &[], other)),
    }
}

/// `LIST` or `LIST KEY`.
fn items_and_key<'a>(helper: &'a Helper<'_>) -> Result<(&'a [Value], Option<&'a str>), Fault> {
    unnamed(helper)?;
    let values = all(helper)?;
    let (list, key) = match values.as_slice() {
        [list] => (list, None),
        [list, Value::String(key)] => (list, Some(key.as_str())),
        [_, other] => return Err(unfit(helper, "a text as key", 1, &[], other)),
        values => return Err(usage(helper, format!("takes 1 or 2 arguments, not {}", values.len()))),
    };
    Ok((array(helper, list)?, key))
}

/// What lies at `path` in `item`; `item` itself without one.
fn at_key<'a>(helper: &Helper<'_>, path: Option<&str>, index: usize, item: &'a Value) -> Result<&'a Value, Fault> {
    let Some(path) = path else { return Ok(item) };
    let found = path.split('.').try_fold(item, |value, step| member(value, &Value::from(step)));
    found.ok_or_else(|| {
        let list = place(helper, 0, &[&index.to_string()]);
        usage(helper, format!("finds no `{}` in `{list}`: every item needs one", brief(path)))
    })
}

fn steps<'a>(path: Option<&'a str>, index: &'a str) -> Vec<&'a str> {
    [Some(index), path].into_iter().flatten().collect()
}
