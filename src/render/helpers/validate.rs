//! `validate`: a value that is printed as it stands, where its whole text fits a regular expression. For languages that cannot quote. It
//! changes nothing, and its errors do not show the value, which may be nobody's business.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use handlebars::{Helper, ScopedJson};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::quoting::{SCALAR, scalar};
use super::{SHOWN, Work, arguments, place, unfit, usage};
use crate::render::Fault;
use crate::render::budget::Budget;

/// Longest value, in bytes: arbitrary, above names, addresses and paths. Matching takes time by the product of this and the expression.
const MAX_VALUE: usize = 64 << 10;
/// Longest expression, in bytes: arbitrary, above what people read.
const MAX_PATTERN: usize = 1 << 10;
/// Largest compiled expression, in bytes: a twentieth of the library's default, still several hundred letters of any alphabet.
const MAX_COMPILED: usize = 512 << 10;
/// Most expressions that are kept compiled: more than a template directory has, unless it makes them of variables.
const MAX_KEPT: usize = 64;
/// So many bytes of a value are one step.
const BYTES_A_STEP: u64 = 1 << 10;

/// `validate VALUE PATTERN`: VALUE's text, if all of it matches PATTERN; else an error. Null, arrays and objects are errors.
#[derive(Debug, Default)]
pub(super) struct Validate {
    compiled: Mutex<BTreeMap<String, Regex>>,
}

impl Work for Validate {
    fn value<'rc>(&self, budget: &Budget, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault> {
        let [value, pattern] = arguments(helper)?;
        let text = scalar(value).ok_or_else(|| unfit(helper, SCALAR, 0, &[], value))?;
        let pattern = pattern.as_str().ok_or_else(|| unfit(helper, "a regular expression", 1, &[], pattern))?;
        if text.len() > MAX_VALUE {
            return Err(usage(helper, format!("takes at most {MAX_VALUE} bytes, and `{}` has {}", place(helper, 0, &[]), text.len())));
        }
        budget.steps(text.len() as u64 / BYTES_A_STEP)?;
        if !self.regex(budget, helper, pattern)?.is_match(&text) {
            let what = place(helper, 0, &[]);
            return Err(usage(helper, format!("finds that `{what}` does not fit `{}`: correct the variable", shown(pattern))));
        }
        budget.make(text.len())?;
        Ok(ScopedJson::Derived(Value::String(text.into_owned())))
    }
}

impl Validate {
    /// The expression for a whole text.
    fn regex(&self, budget: &Budget, helper: &Helper<'_>, pattern: &str) -> Result<Regex, Fault> {
        // Whoever panicked while holding it left a map of sound expressions.
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = compiled.get(pattern) {
            return Ok(regex.clone());
        }
        budget.steps(pattern.len() as u64)?;
        let regex =
            compile(pattern).map_err(|message| usage(helper, format!("takes a regular expression, and this is none: {message}")))?;
        if compiled.len() >= MAX_KEPT {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }
}

/// The expression as a message shows it: on one line, as it was written otherwise.
fn shown(pattern: &str) -> String {
    pattern.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("{} bytes are too many: write at most {MAX_PATTERN}", pattern.len()));
    }
    let build = |pattern: &str| {
        let built = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
        built.map_err(|err| err.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    };
    // Alone first: what is put around it must not make it one. Not `^` and `$`, which an `(?m)` within would move to line ends.
    build(pattern)?;
    build(&format!("\\A(?:{pattern})\\z"))
}
