//! Filter plugins as helpers. It knows no plugin: it calls the session of the render that runs.

use std::sync::Arc;

use handlebars::{Helper, ScopedJson};
use serde_json::{Map, Value};

use super::{Work, all, present};
use crate::render::Fault;
use crate::render::budget::Budget;

/// One filter.
pub(super) struct Filter {
    name: String,
    budget: Arc<Budget>,
}

impl Filter {
    pub(super) fn new(name: &str, budget: &Arc<Budget>) -> Filter {
        Filter { name: name.to_owned(), budget: Arc::clone(budget) }
    }
}

impl Work for Filter {
    fn value<'rc>(&self, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault> {
        let mut args: Vec<Value> = all(helper)?.into_iter().cloned().collect();
        if !helper.hash().is_empty() {
            let mut named = Map::new();
            for (name, param) in helper.hash() {
                named.insert((*name).to_owned(), present(param)?.clone());
            }
            args.push(Value::Object(named));
        }
        Ok(self.budget.filter(&self.name, &Value::Array(args))?.into())
    }
}
