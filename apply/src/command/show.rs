//! How a command and its output look in one line of a message: masked, escaped, shortened. It is never run again from that.

use verwalter_core::plain::plain;

use super::{Command, Program};

/// Most of a command that a message repeats, in characters.
const COMMAND_CHARS: usize = 200;
/// Most lines of output that a message repeats.
const OUTPUT_LINES: usize = 3;
/// Most of those, in characters.
const OUTPUT_CHARS: usize = 400;

/// The command as a person would write it for a shell. Arguments are masked one by one, before quoting changes them.
pub(super) fn command(command: &Command, mask: &dyn Fn(&str) -> String) -> String {
    let mut parts = Vec::new();
    if command.root {
        parts.push("(root)".to_owned());
    }
    match &command.program {
        Program::Path(path) => parts.push(quoted(&mask(&path.to_string_lossy()))),
        Program::Name(name) => parts.push(quoted(&mask(name))),
        Program::Shell(text) => parts.extend(["sh".to_owned(), "-exc".to_owned(), quoted(&mask(text))]),
    }
    parts.extend(command.arguments.iter().map(|argument| quoted(&mask(argument))));
    shortened(&parts.join(" "), COMMAND_CHARS)
}

/// The last lines of an output that was masked, as one; `None` when it printed nothing.
pub(super) fn last_lines(text: &str) -> Option<String> {
    let mut lines: Vec<_> = text.lines().rev().map(str::trim_end).filter(|line| !line.is_empty()).take(OUTPUT_LINES).collect();
    lines.reverse();
    let joined = lines.iter().map(|line| plain(line, usize::MAX)).collect::<Vec<_>>().join(" / ");
    let count = joined.chars().count();
    match count {
        0 => None,
        // The end says what went wrong.
        _ if count > OUTPUT_CHARS => Some(format!("…{}", joined.chars().skip(count - OUTPUT_CHARS).collect::<String>())),
        _ => Some(joined),
    }
}

fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-+=:,./@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", plain(text, usize::MAX))
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shown(program: Program, arguments: &[&str], root: bool) -> String {
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        let made = Command { what: "a:1".into(), program, arguments, timeout: Duration::from_secs(1), root };
        command(&made, &|text| text.replace("hunter2", "***"))
    }

    #[test]
    fn commands() {
        assert_eq!(shown(Program::Name("nginx".into()), &["-t", "-c", "/etc/n.conf"], false), "nginx -t -c /etc/n.conf");
        assert_eq!(shown(Program::Path("/bin/a b".into()), &["", "x\ny", "--p=hunter2"], true), r"(root) '/bin/a b' '' 'x\ny' '--p=***'");
        assert_eq!(shown(Program::Shell("echo hunter2 | cat".into()), &[], false), "sh -exc 'echo *** | cat'");
        assert_eq!(shown(Program::Name("é\u{202e}\u{1b}[2J".into()), &[], false), r"'é\u{202e}\u{1b}[2J'");
        // What is not to be seen, or turns the direction of writing.
        let hidden = ['\u{61c}', '\u{200b}', '\u{200d}', '\u{feff}', '\u{2067}'];
        for c in hidden {
            let escape = format!("'a\\u{{{:x}}}b'", u32::from(c));
            assert_eq!(shown(Program::Name(format!("a{c}b")), &[], false), escape);
            assert_eq!(last_lines(&format!("'a{c}b'")), Some(escape));
        }
        let long = shown(Program::Name("x".into()), &["y".repeat(5000).as_str()], false);
        assert_eq!((long.chars().count(), long.ends_with('…')), (COMMAND_CHARS + 1, true));
    }

    #[test]
    fn outputs() {
        assert_eq!(last_lines(""), None);
        assert_eq!(last_lines("\n \n"), None);
        assert_eq!(last_lines("a\nb\n\nc\r\nd\u{7}\n"), Some("b / c / d\\u{7}".to_owned()));
        let long = last_lines(&format!("{}END", "x".repeat(100_000))).expect("some");
        assert!(long.starts_with('…') && long.ends_with("END") && long.chars().count() == OUTPUT_CHARS + 1);
    }
}
