//! `secret`: a value from the node's `secrets/`. Where it may stand is seen to when a template is read: it is printed, plain or quoted, and no
//! filter gets it.

use handlebars::Helper;
use serde_json::Value;

use super::quoting::{double_quoted, single_quoted};
use super::text::Text;
use super::{arguments, usage};
use crate::render::budget::Budget;
use crate::render::{Fault, RenderLimits};

/// `secret "NAME"`: the text of `secrets/NAME`.
pub(super) fn secret(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [name] = arguments(helper)?;
    let name = name.as_str().unwrap_or_default();
    let Some(value) = budget.secret(name) else {
        return Err(usage(
            helper,
            format!("finds no secret `{name}` on this node: write it to secrets/{name} of the configuration directory, mode 0600"),
        ));
    };
    budget.make(value.len())?;
    Ok(value.into())
}

/// Every text that a helper of [`QUOTING`](super::QUOTING) makes of `value`, without the quotes around it.
pub(in crate::render) fn forms(value: &str) -> Vec<String> {
    let budget = Budget::new(RenderLimits::default());
    budget.refill();
    let mut forms = vec![Value::from(value).to_string()];
    for quoted in [double_quoted, single_quoted] {
        let mut out = Text::new(&budget);
        // A secret is far below the caps.
        if quoted(value, &mut out).is_ok() {
            forms.extend(out.into_value().as_str().map(str::to_owned));
        }
    }
    forms.iter().map(|form| form[1..form.len() - 1].to_owned()).collect()
}
