//! Free JSON values (variables, `state`) as a generator makes them: such as a contract accepts, nested a few levels.

use arbitrary::{Arbitrary, Result, Unstructured};
use serde_json::{Map, Value};
use verwalter_core::json::MAX_INTEGER;

/// Deepest nesting that is made: well below a manifest's default.
const DEPTH: u32 = 6;

/// An object of free values.
#[derive(Debug, Clone, Default)]
pub struct Vars(pub Map<String, Value>);

/// Any free value.
#[derive(Debug, Clone)]
pub struct Free(pub Value);

impl<'a> Arbitrary<'a> for Vars {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Vars> {
        object(u, DEPTH).map(Vars)
    }
}

impl<'a> Arbitrary<'a> for Free {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Free> {
        value(u, DEPTH).map(Free)
    }
}

fn value(u: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 7 })? {
        0 => Value::Null,
        1 => Value::from(u.arbitrary::<bool>()?),
        2 => Value::from(u.int_in_range(-(MAX_INTEGER as i64)..=MAX_INTEGER as i64)?),
        3 => Value::from(u.arbitrary::<u8>()?),
        4 => double(u.arbitrary()?),
        5 => Value::from(key(u)?),
        6 => {
            let len = u.int_in_range(0..=4)?;
            Value::from((0..len).map(|_| value(u, depth - 1)).collect::<Result<Vec<_>>>()?)
        }
        _ => Value::Object(object(u, depth - 1)?),
    })
}

/// A finite number that canonical JSON does not print as an integer beyond ±2^53.
fn double(n: f64) -> Value {
    let too_large = n.fract() == 0.0 && n.abs() > MAX_INTEGER as f64 && n.abs() < 1e21;
    if too_large { Value::Null } else { Value::from(n) }
}

fn object(u: &mut Unstructured<'_>, depth: u32) -> Result<Map<String, Value>> {
    let len = u.int_in_range(0..=4)?;
    (0..len).map(|_| Ok((key(u)?, value(u, depth)?))).collect()
}

/// A key that the contract gives a meaning somewhere, or any text.
fn key(u: &mut Unstructured<'_>) -> Result<String> {
    const KNOWN: [&str; 12] =
        ["template", "place", "instances", "vars", "roles", "nodes", "state", "v", "\u{fb33}", "\u{1f600}", "a\u{0}\"\\", ""];
    Ok(match u.int_in_range(0..=KNOWN.len())? {
        known if known < KNOWN.len() => KNOWN[known].to_owned(),
        _ => u.arbitrary()?,
    })
}
