//! Text that a helper makes, under the caps of one value and of one render. It never holds more than was charged.

use serde_json::Value;

use crate::render::Fault;
use crate::render::budget::Budget;

/// A text that grows.
pub(super) struct Text<'a> {
    budget: &'a Budget,
    text: String,
}

impl<'a> Text<'a> {
    /// An empty one.
    pub(super) fn new(budget: &'a Budget) -> Text<'a> {
        Text { budget, text: String::new() }
    }

    /// Adds `part`. An error leaves what was there before.
    pub(super) fn push(&mut self, part: &str) -> Result<(), Fault> {
        let limit_bytes = self.budget.limits().file_bytes;
        if part.len() > limit_bytes - self.text.len() {
            return Err(Fault::Size { limit_bytes, of: " in one value" });
        }
        self.budget.make(part.len())?;
        self.text.push_str(part);
        Ok(())
    }

    /// All of it.
    pub(super) fn into_value(self) -> Value {
        Value::String(self.text)
    }
}
