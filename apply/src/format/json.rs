//! JSON: one value and nothing after it, no key twice in one object. It keeps no value and never recurses.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::keys::Keys;
use super::{FormatError, quote, said};

/// Deepest nesting: what the most patient readers take (Go, jq); others end at 128 or 1000.
const MAX_DEPTH: usize = 10_000;

pub(super) fn check(text: &str) -> Result<(), FormatError> {
    if text.trim_ascii().is_empty() {
        return Err(FormatError {
            line: None,
            column: None,
            message: "the file is empty, which no JSON is: write at least `{}`".to_owned(),
        });
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    // Passing over a value is a loop with a stack of its own: hence no limit of depth here, and numbers of any size.
    IgnoredAny::deserialize(&mut parser).and_then(|_| parser.end()).map_err(|err| {
        let message = err.to_string();
        let place = format!(" at line {} column {}", err.line(), err.column());
        let message = said(message.strip_suffix(&place).unwrap_or(&message));
        FormatError { line: Some(err.line()), column: Some(err.column().max(1)), message }
    })?;
    Scan { text, at: 0, keys: Keys::new() }.run()
}

/// A second reading, of what is known to be JSON, for keys and depth.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    keys: Keys,
}

/// What is open.
enum Open {
    Array,
    Object { mapping: u64, key_next: bool },
}

impl Scan<'_> {
    fn run(mut self) -> Result<(), FormatError> {
        let bytes = self.text.as_bytes();
        let mut open = Vec::new();
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'[' | b'{' => {
                    if open.len() == MAX_DEPTH {
                        return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels: no program reads that")));
                    }
                    open.push(match byte {
                        b'[' => Open::Array,
                        _ => Open::Object { mapping: self.keys.mapping(), key_next: true },
                    });
                }
                b']' | b'}' => drop(open.pop()),
                b',' => {
                    if let Some(Open::Object { key_next, .. }) = open.last_mut() {
                        *key_next = true;
                    }
                }
                b'"' => {
                    let end = string_end(bytes, self.at);
                    if let Some(Open::Object { mapping, key_next: key_next @ true }) = open.last_mut() {
                        *key_next = false;
                        self.key(*mapping, end)?;
                    }
                    self.at = end;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(())
    }

    fn key(&mut self, mapping: u64, end: usize) -> Result<(), FormatError> {
        let written = &self.text[self.at..end];
        let key: Cow<'_, str> = match written.contains('\\') {
            // `a` and `\u0061` are one key. Half of a surrogate pair is no text: then the spelling counts.
            true => serde_json::from_str::<String>(written).map_or(Cow::Borrowed(written), Cow::Owned),
            false => Cow::Borrowed(&written[1..written.len() - 1]),
        };
        if self.keys.insert(mapping, &*key) {
            return Ok(());
        }
        Err(self.error(format!("the key `{}` stands twice in one object: remove one", quote(key.as_bytes()))))
    }

    fn error(&self, message: String) -> FormatError {
        FormatError::at(self.text.as_bytes(), self.at, message)
    }
}

/// Where the string that begins at `at` ends, behind its quote.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests;
