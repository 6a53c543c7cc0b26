//! systemd's unit files, as systemd.syntax(7) has them and the service manager reads them. Unknown sections and keys are its versions'
//! affair. It also refuses lines that the manager passes over with a warning: a setting that is not read is no setting.

use super::{FormatError, quote};

/// Longest line, continued ones as a whole, in bytes: the manager's own limit.
const MAX_LINE_BYTES: usize = 1 << 20;

pub(super) fn check(text: &str) -> Result<(), FormatError> {
    let mut unit = Unit { section: Section::None };
    // The first line of a setting that goes on, and what it is made of.
    let mut continued: Option<(usize, String)> = None;
    let mut mark_seen = false;
    for (index, mut line) in lines(text).enumerate() {
        let number = index + 1;
        if line.len() >= MAX_LINE_BYTES {
            return Err(too_long(number));
        }
        // The first byte order mark is passed over, in whichever line it begins: files are put together of others.
        if let Some(rest) = line.strip_prefix('\u{feff}').filter(|_| !mark_seen) {
            (line, mark_seen) = (rest, true);
        }
        // Comments are passed over between the lines of a continued setting, too, and never go on themselves.
        if line.trim_start_matches(BLANKS).starts_with(['#', ';']) {
            continue;
        }
        let unfinished = line.len() - line.trim_end_matches('\\').len();
        let goes_on = unfinished % 2 == 1;
        let part = if goes_on { &line[..line.len() - 1] } else { line };
        match &mut continued {
            Some((begun, whole)) => {
                if whole.len() + line.len() > MAX_LINE_BYTES {
                    return Err(too_long(*begun));
                }
                whole.push_str(part);
                if goes_on {
                    whole.push(' ');
                } else {
                    let (begun, whole) = (*begun, std::mem::take(whole));
                    continued = None;
                    unit.line(begun, &whole)?;
                }
            }
            None if goes_on => continued = Some((number, format!("{part} "))),
            None => unit.line(number, line)?,
        }
    }
    match continued {
        Some((begun, whole)) => unit.line(begun, &whole),
        None => Ok(()),
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

fn too_long(line: usize) -> FormatError {
    FormatError::line(line, format!("longer than {MAX_LINE_BYTES} bytes, which systemd does not read: shorten it"))
}

/// Lines as the manager takes them: ended by LF, CR, NUL, or different ones of these in a row, a NUL being the last.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
        let end = rest.bytes().position(|byte| is_end(&byte)).unwrap_or(rest.len());
        let line = &rest[..end];
        let ends = &rest.as_bytes()[end..];
        let goes_on = |at: usize| is_end(&ends[at]) && !ends[..at].contains(&ends[at]) && !ends[..at].contains(&0);
        let different = (0..ends.len()).take_while(|&at| goes_on(at)).count();
        rest = &rest[end + different..];
        Some(line)
    })
}

/// Where in the file a line stands.
#[derive(PartialEq)]
enum Section {
    None,
    Read,
    /// `[X-…]`, which is for others: the manager does not look at its lines.
    Foreign,
}

struct Unit {
    section: Section,
}

impl Unit {
    fn line(&mut self, number: usize, line: &str) -> Result<(), FormatError> {
        let line = line.trim_matches(BLANKS);
        let refuse = |message: String| Err(FormatError::line(number, message));
        let quoted = || quote(line.as_bytes());
        if line.is_empty() {
            return Ok(());
        }
        if let Some(name) = line.strip_prefix('[') {
            let Some(name) = name.strip_suffix(']') else {
                return refuse(format!("`{}` is no section header: nothing but `[NAME]` may stand in its line", quoted()));
            };
            if name.is_empty() {
                return refuse("`[]` is a section without a name, which systemd passes over: name it".to_owned());
            }
            if name.contains(|c: char| c.is_ascii_control() || matches!(c, '"' | '\'' | '\\')) {
                return refuse(format!(
                    "`{}` names a section with a quote, backslash or control character, which systemd refuses",
                    quoted()
                ));
            }
            self.section = if name.starts_with("X-") { Section::Foreign } else { Section::Read };
            return Ok(());
        }
        match (&self.section, line.find('=')) {
            (Section::Foreign, _) => Ok(()),
            (Section::None, _) => {
                refuse(format!("`{}` stands before the first section, where systemd ignores it: put a `[SECTION]` above it", quoted()))
            }
            (Section::Read, None) => refuse(format!(
                "`{}` has no `=`, and systemd ignores it: write `Key=value`, or `\\` at the end of the line before if it belongs there",
                quoted()
            )),
            (Section::Read, Some(0)) => {
                refuse(format!("`{}` has no key before its `=`, and systemd ignores it: write `Key=value`", quoted()))
            }
            (Section::Read, Some(_)) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
