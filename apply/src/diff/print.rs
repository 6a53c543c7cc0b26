//! Prints diffs as `git diff` does. It changes nothing about what is shown, but makes of control characters what a terminal does not obey.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Body, Diff, Fate, Hunk, Tag};

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const RESET_LINE: &str = "\x1b[m\n";
/// Permission bits of a regular file, as git writes them.
const REGULAR: u32 = 0o100_000;

/// For whom text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For programs: lines as they are. What is not cut short can be applied by `git apply` and `patch`.
    Raw,
    /// For eyes: control characters are escaped.
    Terminal {
        /// With git's colours.
        colour: bool,
    },
}

impl Diff {
    /// All of it as text; empty where nothing differs.
    pub fn text(&self, style: Style) -> String {
        let mut out = Printer { style, text: String::new() };
        if self.is_empty() {
            return out.text;
        }
        let (a, b) = (name("a", &self.path), name("b", &self.path));
        out.line(BOLD, &format!("diff --git {a} {b}"));
        let mode = |bits: Option<u32>| format!("{:06o}", REGULAR | bits.unwrap_or(0o644));
        match self.fate {
            Fate::Created => out.line(BOLD, &format!("new file mode {}", mode(self.mode))),
            Fate::Removed => out.line(BOLD, &format!("deleted file mode {}", mode(self.former_mode))),
            Fate::Changed if self.former_mode.zip(self.mode).is_some_and(|(former, new)| former != new) => {
                out.line(BOLD, &format!("old mode {}", mode(self.former_mode)));
                out.line(BOLD, &format!("new mode {}", mode(self.mode)));
            }
            Fate::Changed | Fate::Kept => {}
        }
        let a = if self.fate == Fate::Created { "/dev/null" } else { &a };
        let b = if self.fate == Fate::Removed { "/dev/null" } else { &b };
        match &self.body {
            Body::Same => {}
            Body::Text { hunks, left_out, .. } => {
                out.line(BOLD, &format!("--- {a}"));
                out.line(BOLD, &format!("+++ {b}"));
                hunks.iter().for_each(|hunk| out.hunk(hunk));
                if *left_out > 0 {
                    out.line("", &format!("… {left_out} lines left out"));
                }
            }
            Body::Secrets => out.line("", &format!("Only values of secrets differ in {a} and {b}")),
            Body::Binary => out.line("", &format!("Binary files {a} and {b} differ")),
            Body::TooLarge { former, new } => {
                out.line("", &format!("Files {a} and {b} are too large to be compared: {former} lines before, {new} after"));
            }
        }
        out.text
    }
}

struct Printer {
    style: Style,
    text: String,
}

impl Printer {
    fn hunk(&mut self, hunk: &Hunk) {
        let range = |start: usize, lines: usize| if lines == 1 { start.to_string() } else { format!("{start},{lines}") };
        let former = range(hunk.former_start, hunk.former_lines);
        self.line(CYAN, &format!("@@ -{former} +{} @@", range(hunk.new_start, hunk.new_lines)));
        for line in &hunk.lines {
            let (sign, colour) = match line.tag {
                Tag::Equal => (' ', ""),
                Tag::Removed => ('-', RED),
                Tag::Added => ('+', GREEN),
            };
            let mut text = format!("{sign}{}", line.text);
            if line.bytes_left_out > 0 {
                let _ = write!(text, "… {} bytes left out", line.bytes_left_out);
            }
            self.line(colour, &text);
            if line.unterminated {
                self.line("", "\\ No newline at end of file");
            }
        }
    }

    fn line(&mut self, colour: &str, text: &str) {
        let (text, colour) = match self.style {
            Style::Raw => (Cow::Borrowed(text), ""),
            Style::Terminal { colour: wanted } => (escape(text), if wanted { colour } else { "" }),
        };
        self.text.push_str(colour);
        self.text.push_str(&text);
        self.text.push_str(if colour.is_empty() { "\n" } else { RESET_LINE });
    }
}

/// The name of one side, as git writes it: quoted where it must be.
fn name(side: &str, path: &str) -> String {
    let path = format!("{side}/{}", path.trim_start_matches('/'));
    if !path.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        return path;
    }
    let mut quoted = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// `text` with everything escaped that a terminal obeys or hides: control characters but tabs, and what turns the direction of writing.
pub fn escape(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !obeyed(c) => escaped.push(c),
            c if u32::from(c) < 0x100 => {
                let _ = write!(escaped, "\\x{:02x}", u32::from(c));
            }
            c => escaped.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(escaped)
}
