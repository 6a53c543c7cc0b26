//! What differs between a file that is in place and one that is to be, as `git diff` tells it: as data, for JSON, and as text. It reads no
//! file and writes none.
//!
//! Secrets are masked in whole texts, before they are lines: one that spans lines is found, and none is cut in two by a limit. A mask knows
//! the values of today, though, and what is in place may hold those of yesterday. Hence what was removed where a secret now stands is not shown
//! either, but [`NOT_SHOWN`].

mod conceal;
mod lines;
mod print;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use self::conceal::{MARK, NOT_SHOWN};
pub use self::print::{Style, escape};

/// What [`Limits`] are unless said otherwise. 16 MiB are more than a role's largest file by far.
const MAX_BYTES: usize = 16 << 20;
/// Most lines of a file that is compared line by line. Comparing takes about 80 bytes a line: 16 MiB of empty ones would take a gigabyte.
const MAX_COMPARED_LINES: usize = 1 << 20;
/// Twenty screens: who wants more looks at the file.
const MAX_LINES: usize = 1000;
/// A few screen lines: minified files have one line.
const MAX_LINE_BYTES: usize = 2000;
/// Files of 16 MiB without a common line take half of that.
const TIMEOUT: Duration = Duration::from_secs(2);
/// As `git diff`.
const CONTEXT: usize = 3;

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side<'a> {
    /// All of the file.
    pub bytes: &'a [u8],
    /// Its permission bits. Where either side's are unknown modes are not compared.
    pub mode: Option<u32>,
    /// Of the former side: it may hold values of secrets that the mask does not know, so that lines of it are shown only as far as the new side
    /// has them too. Say so of files that were made with secrets: those may have changed or gone since. Of the new side: without meaning.
    pub private: bool,
}

/// How much is compared and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Equal lines around each change.
    pub context: usize,
    /// Largest file that is compared line by line, in bytes.
    pub bytes: usize,
    /// Most lines of all hunks together.
    pub lines: usize,
    /// Longest line, in bytes.
    pub line_bytes: usize,
    /// After this long the rest is told as replaced, whatever it has in common.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { context: CONTEXT, bytes: MAX_BYTES, lines: MAX_LINES, line_bytes: MAX_LINE_BYTES, timeout: TIMEOUT }
    }
}

/// What differs in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diff {
    /// The file, as it was named.
    pub path: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Its permission bits before, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_mode: Option<u32>,
    /// Its permission bits then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// What differs in it.
    #[serde(flatten)]
    pub body: Body,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Neither bytes nor mode differ.
    Kept,
    /// It was not there.
    Created,
    /// Bytes, mode or both.
    Changed,
    /// It is not to be there.
    Removed,
}

/// What differs in the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "body", rename_all = "kebab-case")]
pub enum Body {
    /// Nothing.
    Same,
    /// Lines.
    Text {
        /// Where.
        hunks: Vec<Hunk>,
        /// How many lines are new, those left out included.
        added: usize,
        /// How many go, those left out included.
        removed: usize,
        /// How many lines of hunks are beyond the limit.
        #[serde(rename = "left-out")]
        left_out: usize,
    },
    /// Values of secrets, and nothing that may be shown.
    Secrets,
    /// One side is no text.
    Binary,
    /// One side is larger than the limit, or has more than a million lines.
    TooLarge {
        /// Lines of what was.
        former: usize,
        /// Lines of what is to be.
        new: usize,
    },
}

/// Lines that changed, with those around them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hunk {
    /// Number of its first line in the former file, from 1; with no lines, that of the line before.
    pub former_start: usize,
    /// How many of the former file's lines it spans.
    pub former_lines: usize,
    /// The same in the new file.
    pub new_start: usize,
    /// The same in the new file.
    pub new_lines: usize,
    /// Its lines, as far as the limit lets them be shown.
    pub lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// Which side has it.
    pub tag: Tag,
    /// What it says, masked, without its end.
    pub text: String,
    /// How many bytes of it are beyond the limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_left_out: usize,
    /// It is the last one and has no newline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unterminated: bool,
}

/// Which side has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// Both.
    Equal,
    /// The former.
    Removed,
    /// The new.
    Added,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Diff {
    /// Neither bytes nor mode differ.
    pub fn is_empty(&self) -> bool {
        self.fate == Fate::Kept
    }
}

/// Compares a file that is in place (`None`: nothing is) with what is to be there (`None`: nothing). `mask` is given whole texts, and gives them
/// back with every secret in them as `‹secret NAME›`; it must not add newlines.
pub fn unified(former: Option<Side<'_>>, new: Option<Side<'_>>, path: &str, mask: &dyn Fn(&str) -> String, limits: &Limits) -> Diff {
    let (former_bytes, new_bytes) = (former.map_or(&[][..], |side| side.bytes), new.map_or(&[][..], |side| side.bytes));
    let (former_mode, mode) = (former.and_then(|side| side.mode), new.and_then(|side| side.mode));
    let remoded = former_mode.zip(mode).is_some_and(|(former, new)| former != new);
    let same = former_bytes == new_bytes;
    let fate = match (former, new) {
        (None, Some(_)) => Fate::Created,
        (Some(_), None) => Fate::Removed,
        (Some(_), Some(_)) if remoded || !same => Fate::Changed,
        _ => Fate::Kept,
    };
    let private = former.is_some_and(|side| side.private);
    let body = if same { Body::Same } else { body(former_bytes, new_bytes, private, mask, limits) };
    Diff { path: mask(path), fate, former_mode, mode, body }
}

fn body(former: &[u8], new: &[u8], private: bool, mask: &dyn Fn(&str) -> String, limits: &Limits) -> Body {
    let (former_lines, new_lines) = (lines::count(former), lines::count(new));
    if former.len().max(new.len()) > limits.bytes || former_lines.max(new_lines) > MAX_COMPARED_LINES {
        return Body::TooLarge { former: former_lines, new: new_lines };
    }
    let (Some(former), Some(new)) = (text(former), text(new)) else { return Body::Binary };
    let (former_shown, new_shown) = (mask(former), mask(new));
    // A secret of several lines makes fewer of them: then lines of the masked texts are no longer those of the files, and are compared as
    // they are shown. Else the files' own are, so that a line whose secret alone is another one is told as changed.
    let aligned = lines::newlines(former) == lines::newlines(&former_shown) && lines::newlines(new) == lines::newlines(&new_shown);
    let former_shown = lines::split(&former_shown);
    let new_shown = lines::split(&new_shown);
    let deadline = Instant::now().checked_add(limits.timeout);
    let pair = lines::Pair { former: &former_shown, new: &new_shown, private };
    let ops = if aligned {
        lines::compare(&lines::split(former), &lines::split(new), deadline)
    } else if former_shown == new_shown {
        return Body::Secrets;
    } else {
        lines::compare(&former_shown, &new_shown, deadline)
    };
    pair.hunks(ops, limits)
}

/// What may be shown as text: the same that editors take for it.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests;
