//! TOML, by the library that Cargo reads it with, which keeps everything that it reads: the one format with a limit below that of rendering.

use toml::de::DeTable;
use toml_parser::Source;

use super::{FormatError, said};

/// Most tokens (words, texts, spaces, signs) of a file: more than a hundred thousand keys. The library takes up to 200 bytes for each.
const MAX_TOKENS: usize = 1 << 20;

pub(super) fn check(text: &str) -> Result<(), FormatError> {
    // One has been passed over; the library would pass over another, which whoever reads the file does not.
    if text.starts_with('\u{feff}') {
        return Err(FormatError::at(text.as_bytes(), 0, "a second byte order mark: a file begins with one at most"));
    }
    if Source::new(text).lex().nth(MAX_TOKENS).is_some() {
        let message = format!("more than {MAX_TOKENS} words and signs, too many to be checked: split the file, or remove `format`");
        return Err(FormatError { line: None, column: None, message });
    }
    match DeTable::parse(text) {
        Ok(_) => Ok(()),
        Err(err) => {
            let message = said(err.message());
            Err(match err.span() {
                Some(span) => FormatError::at(text.as_bytes(), span.start, message),
                None => FormatError { line: None, column: None, message },
            })
        }
    }
}

#[cfg(test)]
mod tests;
