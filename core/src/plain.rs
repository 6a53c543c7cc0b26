//! Strangers' text for people's screens and logs: bounded, in one line, without control characters. It is never used on what programs read.

/// The first `max_chars` characters of `text`, with every character that would steer a terminal, break a line or turn the
/// direction of writing as its escape; `…` stands for what is left out.
pub fn plain(text: &str, max_chars: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(max_chars));
    let mut chars = text.chars();
    for c in chars.by_ref().take(max_chars) {
        match c {
            // Harmless, and unreadable when escaped.
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The same, whole, of a text that has lines of its own: those stay.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(|line| plain(line, usize::MAX)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown() {
        let check = |text: &str, max_chars: usize, expect: &str| assert_eq!(plain(text, max_chars), expect, "{text:?}");
        check("", 5, "");
        check("a \"b\" 'c' \\d é", 99, "a \"b\" 'c' \\d é");
        check("\x1b[2J\r\n\tx\0", 99, "\\u{1b}[2J\\r\\n\\tx\\0");
        check("a\u{202e}b\u{200b}c\u{2028}", 99, "a\\u{202e}b\\u{200b}c\\u{2028}");
        check("abcdef", 6, "abcdef");
        check("abcdef", 5, "abcde…");
        check("äöü", 2, "äö…");
        check("x", 0, "…");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(plain_lines("a\n\n b\x1b[31m\r\n"), "a\n\n b\\u{1b}[31m\\r\n");
    }
}
