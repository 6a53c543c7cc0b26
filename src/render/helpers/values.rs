//! Built-in helpers that pick, test and compare values. They print nothing and change nothing.

use std::cmp::Ordering;
use std::sync::Arc;

use handlebars::{Handlebars, Helper, JsonTruthy, ScopedJson};
use serde_json::{Number, Value};

use super::{LOOKUP_MAYBE, NEED, PRINT, ValueHelper, Work, all, arguments, arity, brief, present, unnamed, usage};
use crate::render::Fault;
use crate::render::budget::Budget;

impl<F> Work for F
where
    F: for<'a> Fn(&'a Helper<'_>) -> Result<Value, Fault>,
{
    fn value<'rc>(&self, _: &Budget, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault> {
        self(helper).map(ScopedJson::Derived)
    }
}

/// Gives `registry` every helper of this module.
pub(super) fn register(registry: &mut Handlebars<'static>, budget: &Arc<Budget>) {
    let mut add = |name: &str, work: fn(&Helper<'_>) -> Result<Value, Fault>| {
        registry.register_helper(name, Box::new(ValueHelper { budget: Arc::clone(budget), work }));
    };
    add(PRINT, |helper| arguments(helper).map(|[value]| value.clone()));
    add(NEED, |helper| arguments(helper).map(|[value]| value.clone()));
    add("lookup", lookup);
    add("and", |helper| truths(helper).map(|mut truths| truths.all(|truth| truth).into()));
    add("or", |helper| truths(helper).map(|mut truths| truths.any(|truth| truth).into()));
    add("not", |helper| arguments(helper).map(|[value]| (!value.is_truthy(false)).into()));
    add("default", default);
    add("has", has);
    add("eq", |helper| arguments(helper).map(|[a, b]| equal(a, b).into()));
    add("ne", |helper| arguments(helper).map(|[a, b]| (!equal(a, b)).into()));
    add("lt", |helper| order(helper).map(|order| order.is_lt().into()));
    add("lte", |helper| order(helper).map(|order| order.is_le().into()));
    add("gt", |helper| order(helper).map(|order| order.is_gt().into()));
    add("gte", |helper| order(helper).map(|order| order.is_ge().into()));
    add("len", len);
    registry.register_helper(LOOKUP_MAYBE, Box::new(ValueHelper { budget: Arc::clone(budget), work: LookupMaybe }));
}

/// `lookup` that gives "missing" where there is nothing.
struct LookupMaybe;

impl Work for LookupMaybe {
    fn value<'rc>(&self, _: &Budget, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault> {
        unnamed(helper)?;
        let [of, key] = helper.params().as_slice() else {
            return Err(usage(helper, "takes 2 arguments"));
        };
        let found = member(of.value(), present(key)?);
        Ok(found.map_or(ScopedJson::Missing, |value| ScopedJson::Derived(value.clone())))
    }
}

fn lookup(helper: &Helper<'_>) -> Result<Value, Fault> {
    let [of, key] = arguments(helper)?;
    member(of, key).cloned().ok_or_else(|| Fault::NoMember { key: key_text(key) })
}

/// A key as JSON, shortened where it is long.
fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => format!("\"{}\"", brief(text)),
        other => brief(&other.to_string()),
    }
}

/// The member of an object or array. A whole number may be written as text: keys are texts, and so is what `@key` gives.
pub(super) fn member<'a>(of: &'a Value, key: &Value) -> Option<&'a Value> {
    match (of, key) {
        (Value::Object(members), Value::String(key)) => members.get(key),
        (Value::Object(members), Value::Number(key)) => members.get(&key.to_string()),
        (Value::Array(items), Value::Number(index)) => items.get(usize::try_from(index.as_u64()?).ok()?),
        (Value::Array(items), Value::String(index)) => items.get(index.parse::<usize>().ok()?),
        _ => None,
    }
}

fn truths<'a>(helper: &'a Helper<'_>) -> Result<impl Iterator<Item = bool> + use<'a>, Fault> {
    unnamed(helper)?;
    let values = all(helper)?;
    if values.is_empty() {
        return Err(usage(helper, "takes 1 argument or more, not 0"));
    }
    Ok(values.into_iter().map(|value| value.is_truthy(false)))
}

fn default(helper: &Helper<'_>) -> Result<Value, Fault> {
    unnamed(helper)?;
    let [value, otherwise] = helper.params().as_slice() else {
        return Err(arity(helper, 2, helper.params().len()));
    };
    // Looked at even where it is not needed: a misspelt path shows at once, not on the day when the value is missing.
    let otherwise = present(otherwise)?;
    Ok(if value.value().is_null() { otherwise.clone() } else { value.value().clone() })
}

fn has(helper: &Helper<'_>) -> Result<Value, Fault> {
    unnamed(helper)?;
    let [value] = helper.params().as_slice() else {
        return Err(arity(helper, 1, helper.params().len()));
    };
    Ok((!value.value().is_null()).into())
}

fn len(helper: &Helper<'_>) -> Result<Value, Fault> {
    let [value] = arguments(helper)?;
    match value {
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(members) => Ok(members.len().into()),
        Value::String(text) => Ok(text.chars().count().into()),
        other => Err(usage(helper, format!("takes an array, an object or a text, not {}", kind(other)))),
    }
}

/// Numbers by their value, however they are written; everything else as JSON.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare(a, b).is_some_and(Ordering::is_eq),
        _ => a == b,
    }
}

fn order(helper: &Helper<'_>) -> Result<Ordering, Fault> {
    let [a, b] = arguments(helper)?;
    let order = match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare(a, b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    };
    order.ok_or_else(|| usage(helper, format!("compares two numbers or two texts, not {} with {}", kind(a), kind(b))))
}

/// By value, exactly: as floats, two different large whole numbers can be equal, and an order that takes them for such is none.
pub(super) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => Some(compare_with_float(a, b.as_f64()?)),
        (None, Some(b)) => Some(compare_with_float(b, a.as_f64()?).reverse()),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// `whole` lies within the range of JSON's whole numbers here, from `i64::MIN` to `u64::MAX`; `float` is finite.
fn compare_with_float(whole: i128, float: f64) -> Ordering {
    // Exact, or saturated far beyond any `whole`.
    let floor = float.floor() as i128;
    whole.cmp(&floor).then(if float.fract() == 0.0 { Ordering::Equal } else { Ordering::Less })
}

/// How a message calls a value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
