//! Hides what a mask cannot know: the former value of a secret that has another one by now. It decides by what stands in its place.

use std::collections::BTreeMap;

/// How a masked secret begins.
pub const MARK: &str = "‹secret ";
/// How a masked secret ends.
const END: char = '›';
/// Shown in place of a removed line that may hold a former secret.
pub const NOT_SHOWN: &str = "‹not shown: it may hold a former value of a secret›";
/// With so many lines of secrets in one change nobody finds the former ones: lines that fit none of the first are not shown.
const MAX_MARKED: usize = 64;

/// What is shown instead of removed lines, by their index below `count`, in a change that brings lines with secrets.
///
/// A removed line with the same text around the secret is the same line with a former value: it is shown as the new one. Where a line with a
/// secret has no such counterpart, any of the others may be it, in another form: none of them is shown. With `private` none ever is.
pub(super) fn conceal(removed: &[&str], added: &[&str], count: usize, private: bool) -> BTreeMap<usize, String> {
    let mut concealed = BTreeMap::new();
    let marked: Vec<&str> = added.iter().filter(|line| line.contains(MARK)).take(MAX_MARKED + 1).copied().collect();
    if marked.is_empty() && !private {
        return concealed;
    }
    let mut matched = vec![false; marked.len()];
    let mut others = Vec::new();
    for (index, line) in removed.iter().enumerate() {
        let fits: Vec<usize> = (0..marked.len()).filter(|at| fits(line, marked[*at])).collect();
        fits.iter().for_each(|at| matched[*at] = true);
        match fits.first() {
            _ if index >= count => {}
            // Even where the line has marks of its own: there may be a former value beside a known one.
            Some(at) => drop(concealed.insert(index, with_end_of(marked[*at], line))),
            None if private || !line.contains(MARK) => others.push(index),
            None => {}
        }
    }
    if private || matched.len() > MAX_MARKED || matched.contains(&false) {
        concealed.extend(others.into_iter().map(|index| (index, with_end_of(NOT_SHOWN, removed[index]))));
    }
    concealed
}

/// Whether `line` is `masked` with anything in place of its marks.
fn fits(line: &str, masked: &str) -> bool {
    let mut pieces = pieces(trimmed(masked)).into_iter();
    let line = trimmed(line);
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What stands before, between and after the marks.
fn pieces(masked: &str) -> Vec<&str> {
    let mut parts = masked.split(MARK);
    let mut pieces: Vec<&str> = parts.next().into_iter().collect();
    pieces.extend(parts.map(|part| part.split_once(END).map_or("", |(_, after)| after)));
    pieces
}

fn trimmed(line: &str) -> &str {
    line.strip_suffix('\n').unwrap_or(line)
}

/// `text` ending as `line` does: whether it has a newline is no secret.
fn with_end_of(text: &str, line: &str) -> String {
    let newline = if line.ends_with('\n') { "\n" } else { "" };
    format!("{}{newline}", trimmed(text))
}
