//! From two lists of lines to hunks, under limits. It decides neither what a line is shown as nor how a hunk is printed.

use std::collections::BTreeMap;
use std::time::Instant;

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

use super::conceal::conceal;
use super::{Body, Hunk, Limits, Line, Tag};

/// The lines of `text`, each with its newline.
pub(super) fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// How many newlines `text` has.
pub(super) fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// How many lines `bytes` have, an unterminated last one included.
pub(super) fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count() + usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'))
}

/// What is to be done to `former` to get `new`.
pub(super) fn compare(former: &[&str], new: &[&str], deadline: Option<Instant>) -> Vec<DiffOp> {
    capture_diff_slices_deadline(Algorithm::Myers, former, new, deadline)
}

/// Both sides' lines as they may be shown, each with its newline.
pub(super) struct Pair<'a> {
    pub(super) former: &'a [&'a str],
    pub(super) new: &'a [&'a str],
    /// The former may hold values of secrets that are not masked.
    pub(super) private: bool,
}

impl Pair<'_> {
    pub(super) fn hunks(&self, ops: Vec<DiffOp>, limits: &Limits) -> Body {
        let (mut added, mut removed, mut all) = (0, 0, 0);
        let (mut hunks, mut room) = (Vec::new(), limits.lines);
        for group in group_diff_ops(ops, limits.context) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            let former = first.old_range().start..last.old_range().end;
            let new = first.new_range().start..last.new_range().end;
            for op in &group {
                let (old_len, new_len) = (op.old_range().len(), op.new_range().len());
                match op {
                    DiffOp::Equal { .. } => all += new_len,
                    _ => (added, removed, all) = (added + new_len, removed + old_len, all + new_len + old_len),
                }
            }
            let lines = self.lines(&group, limits, room);
            room -= lines.len();
            if lines.is_empty() {
                // Counted, and beyond the limit.
                continue;
            }
            hunks.push(Hunk {
                former_start: start(&former),
                former_lines: former.len(),
                new_start: start(&new),
                new_lines: new.len(),
                lines,
            });
        }
        Body::Text { hunks, added, removed, left_out: all - (limits.lines - room) }
    }

    /// The first `room` lines of a hunk.
    fn lines(&self, group: &[DiffOp], limits: &Limits, room: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut rest = group;
        while let Some(first) = rest.first() {
            if let DiffOp::Equal { new_index, len, .. } = *first {
                let shown = self.new[new_index..new_index + len].iter().take(room - lines.len());
                lines.extend(shown.map(|text| line(Tag::Equal, text, limits)));
                rest = &rest[1..];
                continue;
            }
            // One change: what goes first, then what comes, as git does.
            let length = rest.iter().position(|op| matches!(op, DiffOp::Equal { .. })).unwrap_or(rest.len());
            let (change, after) = rest.split_at(length);
            let going: Vec<&str> = change.iter().flat_map(|op| &self.former[op.old_range()]).copied().collect();
            let coming: Vec<&str> = change.iter().flat_map(|op| &self.new[op.new_range()]).copied().collect();
            let concealed: BTreeMap<usize, String> = conceal(&going, &coming, room - lines.len(), self.private);
            let going = going.iter().enumerate().map(|(index, text)| concealed.get(&index).map_or(*text, String::as_str));
            let both = going.map(|text| (Tag::Removed, text)).chain(coming.iter().map(|text| (Tag::Added, *text)));
            let left = room - lines.len();
            lines.extend(both.take(left).map(|(tag, text)| line(tag, text, limits)));
            rest = after;
        }
        lines
    }
}

/// As unified diffs count: from 1, and a side without lines is named by the line before.
fn start(range: &std::ops::Range<usize>) -> usize {
    if range.is_empty() { range.start } else { range.start + 1 }
}

fn line(tag: Tag, text: &str, limits: &Limits) -> Line {
    let whole = text.strip_suffix('\n').unwrap_or(text);
    let end = whole.floor_char_boundary(limits.line_bytes);
    Line { tag, text: whole[..end].to_owned(), bytes_left_out: whole.len() - end, unterminated: !text.ends_with('\n') }
}
