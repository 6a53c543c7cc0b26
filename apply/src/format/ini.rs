//! INI files, of which there is no standard: sections, `key = value`, `key: value`, comments. Sections and keys may stand twice and before
//! any section; values may go on over indented lines, behind a backslash, or within double quotes. A key without `=` or `:` is refused:
//! it is what a broken line of any other kind looks like.

use super::{BYTE_ORDER_MARK, FormatError, quote};

pub(super) fn check(bytes: &[u8]) -> Result<(), FormatError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(FormatError::at(bytes, at, "a NUL byte, which no text has: look at the variable that is printed here"));
    }
    let mut reader = Reader { rest: bytes, line: 0, quotes_left: true };
    // Whether the next line may continue a value: by a backslash, or by being indented below a key.
    let (mut continued, mut below_key) = (false, false);
    while let Some(line) = reader.next() {
        let content = line.trim_ascii();
        if std::mem::take(&mut continued) {
            continued = content.ends_with(b"\\");
            continue;
        }
        match content.first() {
            None | Some(b'#' | b';') => {}
            _ if content.starts_with(b"!include") => {}
            Some(b'[') => {
                section(content).map_err(|message| FormatError::line(reader.line, message))?;
                below_key = false;
            }
            Some(_) if below_key && line[0].is_ascii_whitespace() => continued = content.ends_with(b"\\"),
            Some(_) => {
                let value = key(content).map_err(|message| FormatError::line(reader.line, message))?;
                below_key = true;
                continued = value.ends_with(b"\\");
                if value.strip_prefix(b"\"").is_some_and(|begun| !begun.contains(&b'"')) {
                    continued &= !reader.close_quote();
                }
            }
        }
    }
    Ok(())
}

/// What stands behind a section's `]` is left alone: comments, and in git's files keys.
fn section(content: &[u8]) -> Result<(), String> {
    match content.iter().position(|&byte| byte == b']') {
        None => Err(format!("`{}` has no closing `]`: close the section's name", quote(content))),
        Some(end) if content[1..end].trim_ascii().is_empty() => {
            Err("`[]` is a section without a name: name it, or look at the variable that is printed here".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// The value behind the key.
fn key(content: &[u8]) -> Result<&[u8], String> {
    match content.iter().position(|&byte| matches!(byte, b'=' | b':')) {
        None => Err(format!("`{}` is neither a section, a comment nor a key with `=`: write `key = value`", quote(content))),
        Some(0) => Err(format!("`{}` has no key before its `{}`: write `key = value`", quote(content), char::from(content[0]))),
        Some(end) => Ok(content[end + 1..].trim_ascii()),
    }
}

/// Lines, counted.
struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
    /// Whether there may be a double quote in what is left.
    quotes_left: bool,
}

impl<'a> Reader<'a> {
    /// The next line, without its end.
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let end = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(line)
    }

    /// Passes over the lines of a value that began with a quote, up to the one where it ends. If there is none, the quote was a
    /// character like any other. False if nothing was passed over.
    fn close_quote(&mut self) -> bool {
        if !self.quotes_left {
            return false;
        }
        let Some(close) = self.rest.iter().position(|&byte| byte == b'"') else {
            // Looked for once: a file of such lines takes no longer than others.
            self.quotes_left = false;
            return false;
        };
        let end = self.rest[close..].iter().position(|&byte| byte == b'\n').map_or(self.rest.len(), |at| close + at + 1);
        self.line += self.rest[..end].iter().filter(|&&byte| byte == b'\n').count();
        if !self.rest[..end].ends_with(b"\n") {
            self.line += 1;
        }
        self.rest = &self.rest[end..];
        true
    }
}

#[cfg(test)]
mod tests;
