//! Filter plugins as helpers. It knows no plugin: it calls the session of the render that runs.

use handlebars::{Helper, ScopedJson};
use serde_json::{Map, Value};

use super::{Work, all, present};
use crate::render::Fault;
use crate::render::budget::Budget;

/// One filter.
pub(super) struct Filter {
    name: String,
}

impl Filter {
    pub(super) fn new(name: &str) -> Filter {
        Filter { name: name.to_owned() }
    }
}

impl Work for Filter {
    fn value<'rc>(&self, budget: &Budget, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault> {
        let positional = all(helper)?;
        let mut named = Map::new();
        let limit_bytes = budget.limits().file_bytes;
        let mut left = Some(limit_bytes);
        for value in positional.iter().copied().chain(helper.hash().values().map(|param| param.value())) {
            left = left.and_then(|left| spend(value, left));
        }
        if left.is_none() {
            return Err(Fault::Size { limit_bytes, of: " in the arguments of one filter" });
        }
        let mut args: Vec<Value> = positional.into_iter().cloned().collect();
        if !helper.hash().is_empty() {
            for (name, param) in helper.hash() {
                named.insert((*name).to_owned(), present(param)?.clone());
            }
            args.push(Value::Object(named));
        }
        Ok(budget.filter(&self.name, &Value::Array(args))?.into())
    }
}

/// What is left of `left` bytes after `value`, roughly as it weighs in JSON; none when it is too heavy. Stops as soon as it is known.
fn spend(value: &Value, left: usize) -> Option<usize> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => left.checked_sub(8),
        Value::String(text) => left.checked_sub(text.len() + 2),
        Value::Array(items) => items.iter().try_fold(left.checked_sub(2)?, |left, item| spend(item, left)),
        Value::Object(members) => {
            members.iter().try_fold(left.checked_sub(2)?, |left, (key, item)| spend(item, left.checked_sub(key.len() + 4)?))
        }
    }
}
