//! The syntax that a rendered file must have before it is put in place: `format:` of a render file, checked from its bytes in memory.
//! It never runs a program, never writes, and knows nothing of what a file means.
//!
//! What the program that reads the file accepts is not refused here: where programs differ, the most lenient one counts. Each check takes
//! time in proportion to the file, and memory of at most a small multiple of it, whatever is in it.

mod ini;
mod json;
mod keys;
mod nginx;
mod systemd;
mod toml;
mod yaml;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest text of a file that a message quotes, in characters.
const QUOTED_CHARS: usize = 60;
/// Longest message, in characters: what a library says may quote a file of any size.
const MESSAGE_CHARS: usize = 400;
/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A syntax that rendered files are checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// YAML 1.2: any number of documents, any tags.
    Yaml,
    /// JSON (RFC 8259): one value.
    Json,
    /// TOML 1.1.
    Toml,
    /// Sections, and keys with `=` or `:`.
    Ini,
    /// systemd's unit files, systemd.syntax(7).
    Systemd,
    /// nginx's configuration files and parts of them.
    Nginx,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 6] = [Format::Yaml, Format::Json, Format::Toml, Format::Ini, Format::Systemd, Format::Nginx];

    /// As render files write it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Yaml => "yaml",
            Format::Json => "json",
            Format::Toml => "toml",
            Format::Ini => "ini",
            Format::Systemd => "systemd",
            Format::Nginx => "nginx",
        }
    }

    /// Whether `bytes` have this syntax; the error is the first place where they have not.
    ///
    /// Blocks for as long as reading takes: milliseconds for what people write, up to seconds for 16 MiB of the worst.
    pub fn check(self, bytes: &[u8]) -> Result<(), FormatError> {
        let check = || match self {
            Format::Yaml => yaml::check(text(bytes, "YAML")?),
            Format::Json => json::check(text(bytes, "JSON")?),
            Format::Toml => toml::check(text(bytes, "TOML")?),
            Format::Ini => ini::check(bytes),
            Format::Systemd => systemd::check(utf8(bytes, "a unit file")?),
            Format::Nginx => nginx::check(bytes),
        };
        // A defect of a library must cost this role only: nothing of it outlives the call.
        catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| {
            let message = "the check itself stopped at a defect: see the log, and remove `format` until it is mended";
            Err(FormatError { line: None, column: None, message: message.to_owned() })
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format's. Its message lists those that are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no format: write one of {}", names())]
pub struct UnknownFormat {
    /// The beginning of what was written.
    pub name: String,
}

fn names() -> String {
    Format::ALL.map(|format| format!("`{format}`")).join(", ")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Format, UnknownFormat> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| UnknownFormat { name: quote(name.as_bytes()) })
    }
}

/// The first place where a file has not the syntax that it should have. Its template, or a variable in it, is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatError {
    /// Counted from 1, where it is known.
    pub line: Option<usize>,
    /// In characters, counted from 1, where it is known. None without a line.
    pub column: Option<usize>,
    /// What is wrong there and what to do about it: bounded, in one line.
    pub message: String,
}

impl std::error::Error for FormatError {}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: ")?,
            (Some(line), None) => write!(f, "line {line}: ")?,
            _ => {}
        }
        f.write_str(&self.message)
    }
}

impl FormatError {
    /// About the byte at `offset`, or the end.
    fn at(bytes: &[u8], offset: usize, message: impl Into<String>) -> FormatError {
        let before = &bytes[..offset.min(bytes.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        // What continues a character of UTF-8 is none of its own.
        let column = 1 + before[line_start..].iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        FormatError { line: Some(line), column: Some(column), message: message.into() }
    }

    /// The same place, without a word of the file: what a message cut out of a secret no mask would find.
    #[must_use]
    pub(crate) fn without_words(self) -> FormatError {
        let message =
            "what is wrong is not shown, since a secret is printed into the file: render the template with another text in its place";
        FormatError { message: message.to_owned(), ..self }
    }

    /// About a whole line.
    fn line(line: usize, message: impl Into<String>) -> FormatError {
        FormatError { line: Some(line), column: None, message: message.into() }
    }
}

/// Text without its byte order mark, where the format demands UTF-8.
fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, FormatError> {
    utf8(bytes, what).map(|text| text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn utf8<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, FormatError> {
    std::str::from_utf8(bytes).map_err(|err| {
        let at = err.valid_up_to();
        FormatError::at(bytes, at, format!("the byte 0x{:02x} is no UTF-8, which {what} is written in", bytes[at]))
    })
}

/// The beginning of a part of the file, for a message: in one line and without control characters.
fn quote(part: &[u8]) -> String {
    // A character has at most four bytes.
    let beginning = &part[..part.len().min(4 * (QUOTED_CHARS + 1))];
    verwalter_core::plain::plain(&String::from_utf8_lossy(beginning), QUOTED_CHARS)
}

/// What a library says, for a message.
fn said(message: &str) -> String {
    verwalter_core::plain::plain(message.trim(), MESSAGE_CHARS)
}

#[cfg(test)]
mod tests;
