//! `!Copy`, `!SplitText` and `!CleanFiles`: which files a role has. It looks at texts only.

use std::time::Duration;

use regex::Regex;
use serde_saphyr::{Location, Spanned};
use verwalter_apply::Format;
use verwalter_apply::glob::Grouped;

use super::raw::{RawCheck, RawClean, RawCopy, RawSplit};
use super::{Line, Pattern, Reader, Wrong, line};
use crate::render::substitute::{Names, Values};

/// Most former versions of a file that are kept. Arbitrary: whoever wants more wants a version control system.
const MAX_BACKUPS: u64 = 100;
/// Longest name of a user or group, as useradd has it.
const MAX_OWNER: usize = 32;

/// A template's text that becomes a file, or several.
#[derive(Debug)]
pub(in crate::render) struct Place {
    pub(in crate::render) line: Option<usize>,
    /// A key of the file's `templates`.
    pub(in crate::render) src: String,
    /// Which files.
    pub(in crate::render) how: How,
    /// What they are like.
    pub(in crate::render) attributes: Attributes,
}

/// How a text becomes files.
#[derive(Debug)]
pub(in crate::render) enum How {
    /// It is one.
    Copy {
        /// Where it goes.
        dest: Pattern,
    },
    /// Each of its sections is one.
    Split {
        /// A line that begins a section; its first group is the section's name.
        section: Regex,
        /// The whole of such a name.
        validate: Regex,
        /// Where they go, the name in place of its group.
        dest: Pattern,
    },
}

/// What a file is like beside its bytes.
#[derive(Debug)]
pub(in crate::render) struct Attributes {
    /// Permission bits, where they are written.
    pub(in crate::render) mode: Option<u32>,
    /// User by name or number.
    pub(in crate::render) owner: Option<String>,
    /// Group by name or number.
    pub(in crate::render) group: Option<String>,
    /// How many former versions are kept.
    pub(in crate::render) backups: u8,
    /// The syntax that its bytes must have.
    pub(in crate::render) format: Option<Format>,
    /// What must not fail on the staged file.
    pub(in crate::render) check: Option<Line>,
}

/// `!CleanFiles`
#[derive(Debug)]
pub(in crate::render) struct Clean {
    pub(in crate::render) line: Option<usize>,
    pub(in crate::render) pattern: Pattern,
    /// A key of the file's `templates`: its lines are the names of what stays.
    pub(in crate::render) keep: String,
}

/// What `!Copy` and `!SplitText` have in common.
struct RawAttributes<'a> {
    mode: Option<&'a Spanned<String>>,
    owner: Option<&'a Spanned<String>>,
    group: Option<&'a Spanned<String>>,
    backup: Option<&'a Spanned<u64>>,
    format: Option<&'a Spanned<String>>,
    check: Option<&'a Spanned<RawCheck>>,
}

impl Reader<'_> {
    pub(super) fn copy(&self, raw: &RawCopy, at: Location) -> Result<Place, Wrong> {
        let src = self.template(&raw.src, "src")?;
        let dest = self.destination(&raw.dest)?;
        let RawCopy { mode, owner, group, backup, format, check, .. } = raw;
        let (mode, owner, group, format) = (mode.as_ref(), owner.as_ref(), group.as_ref(), format.as_ref());
        let attributes = self.attributes(&RawAttributes { mode, owner, group, backup: backup.as_ref(), format, check: check.as_ref() })?;
        Ok(Place { line: line(at), src, how: How::Copy { dest }, attributes })
    }

    pub(super) fn split(&self, raw: &RawSplit, at: Location) -> Result<Place, Wrong> {
        let src = self.template(&raw.src, "src")?;
        let section = expression(&raw.section, "section", |text| text.to_owned())?;
        if section.captures_len() < 2 {
            let message = "`section` has no group: put the part that is the section's name into `(…)`, as in `^\\[(.+)\\]$`";
            return Err((raw.section.referenced, message.to_owned()));
        }
        // Of the whole name: the predecessor searched in it, so that `../x` passed whatever a letter passed.
        let validate = expression(&raw.validate, "validate", |text| format!("^(?:{text})$"))?;
        let dest = self.destination(&raw.dest)?;
        grouped(&dest, &raw.dest, "dest")?.names_one().map_err(|err| (raw.dest.referenced, format!("`dest`: {err}")))?;
        let RawSplit { mode, owner, group, backup, format, check, .. } = raw;
        let (mode, owner, group, format) = (mode.as_ref(), owner.as_ref(), group.as_ref(), format.as_ref());
        let attributes = self.attributes(&RawAttributes { mode, owner, group, backup: backup.as_ref(), format, check: check.as_ref() })?;
        Ok(Place { line: line(at), src, how: How::Split { section, validate, dest }, attributes })
    }

    pub(super) fn clean(&self, raw: &RawClean, at: Location) -> Result<Clean, Wrong> {
        let keep = self.template(&raw.keep_list, "keep-list")?;
        let pattern = self.pattern(&raw.pattern, "pattern")?;
        if pattern.names_path() {
            return Err((raw.pattern.referenced, "`pattern` cannot hold `{{ files.NAME }}`: write a path with one group".to_owned()));
        }
        grouped(&pattern, &raw.pattern, "pattern")?;
        Ok(Clean { line: line(at), pattern, keep })
    }

    /// One `{{ files.NAME }}` and nothing else.
    fn template(&self, text: &Spanned<String>, key: &str) -> Result<String, Wrong> {
        let pattern = self.pattern(text, key)?;
        let name = pattern.file().map(str::to_owned);
        name.ok_or_else(|| {
            (text.referenced, format!("`{key}` must be one `{{{{ files.NAME }}}}` and nothing else, with NAME from `templates`"))
        })
    }

    fn destination(&self, text: &Spanned<String>) -> Result<Pattern, Wrong> {
        let dest = self.pattern(text, "dest")?;
        if dest.names_path() {
            let message = "`dest` cannot hold `{{ files.NAME }}`: write a path, relative to the output directory or absolute";
            return Err((text.referenced, message.to_owned()));
        }
        Ok(dest)
    }

    fn attributes(&self, raw: &RawAttributes<'_>) -> Result<Attributes, Wrong> {
        let at = |text: &Spanned<String>, message| (text.referenced, message);
        let mode = raw.mode.map(|text| mode(&text.value).map_err(|message| at(text, message))).transpose()?;
        let backups = match raw.backup {
            Some(count) if count.value > MAX_BACKUPS => {
                return Err((count.referenced, format!("`backup`: {} is out of range: write 0 to {MAX_BACKUPS}", count.value)));
            }
            Some(count) => u8::try_from(count.value).unwrap_or(u8::MAX),
            None => 0,
        };
        let check = match raw.check {
            Some(check) => {
                let names = Names { staged: true, ..self.names };
                let line = Reader { names }.arguments(&check.value, check.referenced, Duration::ZERO, false)?;
                if !line.arguments.iter().any(Pattern::names_staged) {
                    let message = "`check` does not look at the new file: put `{{ staged }}` among its arguments";
                    return Err((check.referenced, message.to_owned()));
                }
                if line.arguments.iter().any(Pattern::names_file) {
                    let message = "`check` cannot hold `{{ files.NAME }}`, which has no path before the role is deployed: `{{ staged }}` is the new file";
                    return Err((check.referenced, message.to_owned()));
                }
                Some(line)
            }
            None => None,
        };
        let owner = raw.owner.map(|text| account(text, "owner")).transpose()?;
        let group = raw.group.map(|text| account(text, "group")).transpose()?;
        let format = raw.format.map(|text| text.value.parse::<Format>().map_err(|err| (text.referenced, err.to_string()))).transpose()?;
        Ok(Attributes { mode, owner, group, backups, format, check })
    }
}

fn expression(text: &Spanned<String>, key: &str, whole: impl FnOnce(&str) -> String) -> Result<Regex, Wrong> {
    let wrong = |err: &dyn std::fmt::Display| {
        let reason = err.to_string();
        let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        (text.referenced, format!("`{key}` is no regular expression: {last}"))
    };
    // Alone first: what is put around it must not make it one.
    Regex::new(&text.value).map_err(|err| wrong(&err))?;
    Regex::new(&whole(&text.value)).map_err(|err| wrong(&err))
}

/// The path with one group that it is whatever the role and the node are called.
fn grouped(pattern: &Pattern, text: &Spanned<String>, key: &str) -> Result<Grouped, Wrong> {
    let filled = pattern.fill(Values { role: "role", node: Some("node") }).map_err(|message| (text.referenced, message))?;
    Grouped::parse(&filled).map_err(|err| (text.referenced, format!("`{key}`: {err}")))
}

/// A user or group, by name or number.
fn account(text: &Spanned<String>, key: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    let name = &text.value;
    if name.is_empty() || name.len() > MAX_OWNER || name.starts_with('-') || !name.chars().all(fits) {
        return Err((text.referenced, format!("`{key}` must be a name or a number, as in `www-data` or `33`")));
    }
    Ok(name.clone())
}

/// Permission bits, written `"0644"`, `0644` or `0o644`. Read from the text: YAML's versions differ on whether `0644` is octal.
fn mode(text: &str) -> Result<u32, String> {
    let shown = || text.escape_debug().to_string().chars().take(32).collect::<String>();
    let digits = text.strip_prefix("0o").or_else(|| text.strip_prefix('0'));
    let bits = digits
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|d| u32::from_str_radix(d, 8).ok());
    match bits {
        Some(bits) if bits <= 0o777 => Ok(bits),
        Some(bits) if bits <= 0o7777 => {
            Err(format!("the mode `{}` sets setuid, setgid or the sticky bit, which no rendered file may have: write `0644`", shown()))
        }
        _ => Err(format!("the mode `{}` is no octal number: write it as `0644`", shown())),
    }
}
