//! A policy's verdict, which the host cannot refuse for its form. Nothing that is said may change the ruling: what the contract does
//! not allow to be said is shortened or left out, never answered as an error.

use verwalter_core::review::{MAX_REMARK_CHARS, MAX_REMARKS};

use crate::json;

/// What stands for a reason that says nothing: a denial has at least one.
const NO_REASON: &str = "no reason given";

/// What a policy returns: it allows until it is told to deny.
///
/// ```
/// use verwalter_plugin::Verdict;
///
/// let mut verdict = Verdict::allow();
/// verdict.warn("web: 2 moved");
/// assert_eq!(verdict.to_json(), r#"{"v":1,"verdict":"allow","warnings":["web: 2 moved"]}"#);
/// verdict.deny("web: 9 instances, at most 8 may be");
/// assert!(verdict.denies());
/// ```
///
/// Reasons and warnings are lines for people. Of each the first [`MAX_REMARKS`] are told; one longer than [`MAX_REMARK_CHARS`]
/// characters is cut and ends with `…`; one of nothing but white space is left out, or replaced where it denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    denies: bool,
    reasons: Vec<String>,
    warnings: Vec<String>,
    log: String,
}

impl Verdict {
    /// A verdict that allows.
    pub const fn allow() -> Verdict {
        Verdict { denies: false, reasons: Vec::new(), warnings: Vec::new(), log: String::new() }
    }

    /// Denies, and says why. One denial keeps the schedule in force.
    pub fn deny(&mut self, reason: impl Into<String>) -> &mut Verdict {
        self.denies = true;
        let before = self.reasons.len();
        self.reason(reason);
        if before == 0 && self.reasons.is_empty() {
            self.reasons.push(NO_REASON.to_owned());
        }
        self
    }

    /// Says why, whatever the verdict.
    pub fn reason(&mut self, reason: impl Into<String>) -> &mut Verdict {
        push(&mut self.reasons, reason.into());
        self
    }

    /// Says what a person should know, whatever the verdict.
    pub fn warn(&mut self, warning: impl Into<String>) -> &mut Verdict {
        push(&mut self.warnings, warning.into());
        self
    }

    /// Adds a line to the text for the author, which the host shows beside the verdict.
    pub fn log(&mut self, line: &str) -> &mut Verdict {
        if !self.log.is_empty() {
            self.log.push('\n');
        }
        self.log.push_str(line);
        self
    }

    /// Whether it denies.
    pub fn denies(&self) -> bool {
        self.denies
    }

    /// The verdict's JSON.
    pub fn to_json(&self) -> String {
        let mut out = format!(r#"{{"v":1,"verdict":"{}""#, if self.denies { "deny" } else { "allow" });
        for (key, remarks) in [("reasons", &self.reasons), ("warnings", &self.warnings)] {
            if !remarks.is_empty() {
                out.push_str(",\"");
                out.push_str(key);
                out.push_str("\":");
                json::write_list(remarks.iter().map(String::as_str), &mut out);
            }
        }
        if !self.log.is_empty() {
            out.push_str(",\"log\":");
            json::write_str(&self.log, &mut out);
        }
        out.push('}');
        out
    }
}

fn push(remarks: &mut Vec<String>, mut remark: String) {
    if remarks.len() == MAX_REMARKS || remark.trim().is_empty() {
        return;
    }
    if let Some((end, _)) = remark.char_indices().nth(MAX_REMARK_CHARS) {
        let end = remark[..end].char_indices().next_back().map_or(0, |(last, _)| last);
        remark.truncate(end);
        remark.push('…');
    }
    remarks.push(remark);
}
