//! `replace`: a text with every place of one text exchanged for another, as where a program wants `%` doubled. It knows no patterns.

use handlebars::Helper;
use serde_json::Value;

use super::quoting::{SCALAR, scalar};
use super::text::Text;
use super::{arguments, unfit, usage};
use crate::render::Fault;
use crate::render::budget::Budget;

/// So many places are one step.
const PLACES_A_STEP: usize = 64;

/// `replace VALUE FROM TO`: VALUE's text with TO at every place of FROM, from left to right. An empty FROM, null, arrays and objects are
/// errors.
pub(super) fn replace(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [value, from, to] = arguments(helper)?;
    let text = scalar(value).ok_or_else(|| unfit(helper, SCALAR, 0, &[], value))?;
    let from = from.as_str().ok_or_else(|| unfit(helper, "a text to look for", 1, &[], from))?;
    let to = to.as_str().ok_or_else(|| unfit(helper, "a text to put there", 2, &[], to))?;
    if from.is_empty() {
        return Err(usage(helper, "takes a text to look for that is not empty"));
    }
    let mut out = Text::new(budget);
    for (index, part) in text.split(from).enumerate() {
        if index > 0 {
            if index % PLACES_A_STEP == 0 {
                budget.step()?;
            }
            out.push(to)?;
        }
        out.push(part)?;
    }
    Ok(out.into_value())
}
