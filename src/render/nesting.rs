//! Refuses templates that nest so deep that the library's recursive parser could use up the stack. It accepts whatever else there is,
//! right or wrong: the parser says what is wrong with it.

/// Blocks within each other, links of an `else if` chain included: the parsed template is a tree as deep.
const MAX_BLOCKS: usize = 100;
/// Opening brackets in one `{{ … }}`, closed or not: so a bracket that only looks closed cannot hide a deep nest.
const MAX_BRACKETS: usize = 100;

/// Where and why a template is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooDeep {
    /// From 1.
    pub(super) line: usize,
    /// What is wrong and what to do.
    pub(super) message: String,
}

/// Looks through `source` the way the parser will, without recursion.
pub(super) fn check(source: &str) -> Result<(), TooDeep> {
    // For each open block, how many levels it adds: itself and the links of its chain.
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find("{{") {
        let start = at + found;
        let refuse = |message: String| Err(TooDeep { line: line_of(source, start), message });
        let backslashes = source[at..start].bytes().rev().take_while(|byte| *byte == b'\\').count();
        let rest = &source[start..];
        if backslashes == 1 {
            at = start + if rest.starts_with("{{{{") { 4 } else { 2 };
            continue;
        }
        if rest.starts_with("{{{{") {
            at = start + end_of_raw_block(rest);
            continue;
        }
        if let Some(comment) = rest.strip_prefix("{{!") {
            let end = if comment.trim_start().starts_with("--") { comment.find("--}}").map(|end| end + 4) } else { None };
            at = start + 3 + end.or_else(|| comment.find("}}").map(|end| end + 2)).unwrap_or(comment.len());
            continue;
        }
        let tag = match Tag::read(&rest[2..]) {
            Ok(tag) => tag,
            Err(message) => return refuse(message),
        };
        at = start + 2 + tag.len;
        match tag.sort {
            Sort::Open => open.push(1),
            Sort::Chain => open.last_mut().into_iter().for_each(|levels| *levels += 1),
            Sort::Close => drop(open.pop()),
            Sort::Other => {}
        }
        if open.iter().sum::<usize>() > MAX_BLOCKS {
            return refuse(format!("blocks nest deeper than {MAX_BLOCKS}, `else if` counted: split the template into partials"));
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Sort {
    Open,
    Chain,
    Close,
    Other,
}

struct Tag {
    sort: Sort,
    /// Bytes up to and with its end.
    len: usize,
}

impl Tag {
    /// Reads what follows `{{`.
    fn read(text: &str) -> Result<Tag, String> {
        let body = text.trim_start_matches(|c: char| c == '~' || c.is_whitespace());
        let sort = match body.as_bytes().first() {
            Some(b'#') => Sort::Open,
            Some(b'/') => Sort::Close,
            Some(b'^') => Sort::Chain,
            _ if body.starts_with("else") => Sort::Chain,
            _ => Sort::Other,
        };
        let bytes = text.as_bytes();
        let (mut opened, mut round, mut square, mut curly) = (0, 0_i64, 0_i64, 0_i64);
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                quote @ (b'"' | b'\'') => {
                    at = end_of_string(bytes, at, quote).ok_or("a quote in a tag is not closed: close it, or write the path without it")?;
                    continue;
                }
                b'}' if curly == 0 && bytes.get(at + 1) == Some(&b'}') => {
                    if round != 0 || square != 0 {
                        return Err("the brackets in a tag do not match: close them".to_owned());
                    }
                    return Ok(Tag { sort, len: at + 2 });
                }
                b'(' => (opened, round) = (opened + 1, round + 1),
                b')' => round -= 1,
                b'[' => (opened, square) = (opened + 1, square + 1),
                b']' => square -= 1,
                b'{' => (opened, curly) = (opened + 1, curly + 1),
                b'}' => curly -= 1,
                _ => {}
            }
            if opened > MAX_BRACKETS {
                return Err(format!(
                    "a tag has more than {MAX_BRACKETS} opening brackets: prepare the value in the schedule or in a filter"
                ));
            }
            at += 1;
        }
        // Not closed: a syntax error that the parser will find.
        Ok(Tag { sort: Sort::Other, len: bytes.len() })
    }
}

fn end_of_string(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The length of `{{{{name}}}} … {{{{/name}}}}`, whose inside is not parsed.
fn end_of_raw_block(text: &str) -> usize {
    let close = text.find("{{{{/").map(|close| close + 5);
    let end = close.and_then(|close| text[close..].find("}}}}").map(|end| close + end + 4));
    end.unwrap_or(text.len())
}

fn line_of(source: &str, at: usize) -> usize {
    1 + source[..at].bytes().filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(source: &str, expect: Result<(), (usize, &str)>) {
        match (check(source), expect) {
            (Ok(()), Ok(())) => {}
            (Err(got), Err((line, part))) => assert!(got.line == line && got.message.contains(part), "{source:.60}: {got:?}"),
            (got, _) => panic!("{source:.60}: {got:?}"),
        }
    }

    #[test]
    fn ordinary_templates_pass() {
        for source in [
            "",
            "{{a}} {{{b}}} {{~#if (eq a \"}}\")~}} x {{~else~}} y {{/if}}",
            "{{! {{#if }} {{!-- {{#if}} }} --}} {{lookup a [b c]}} {{x {\"a\": {\"b\": 1}}}}",
            "\\{{#if}} {{{{raw}}}} {{#if {{{{/raw}}}} { ( [",
            "{{unclosed",
        ] {
            check_text(source, Ok(()));
        }
        check_text(&"{{#if a}}{{/if}}".repeat(1_000), Ok(()));
        check_text(&format!("{}{}", "{{#if a}}".repeat(100), "{{/if}}".repeat(100)), Ok(()));
        check_text(&"( [ { ".repeat(1_000), Ok(()));
    }

    #[test]
    fn deep_ones_do_not() {
        check_text(&"{{#if a}}\n".repeat(101), Err((101, "nest deeper")));
        check_text(&format!("{{{{#if a}}}}\n{}", "{{else if a}}".repeat(100)), Err((2, "nest deeper")));
        check_text(&"{{! {{/if}} }}{{#if a}}{{!-- {{/if}} --}}\\{{/if}}".repeat(101), Err((1, "nest deeper")));
        check_text(&format!("{{{{a {}", "(b ".repeat(101)), Err((1, "opening brackets")));
        check_text(&format!("\n{{{{a \"}}}}\" {}", "[".repeat(101)), Err((2, "opening brackets")));
        check_text(&format!("{{{{a {}", "() ".repeat(101)), Err((1, "opening brackets")));
        check_text("{{[it's]}}", Err((1, "not closed")));
        check_text("{{[ \"b] \"}}\" ((((((", Err((1, "do not match")));
    }
}
